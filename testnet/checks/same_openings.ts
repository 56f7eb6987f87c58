/** The same opening everywhere: whatever a sealed transaction turned out to be for one honest validator it is for all, seed by seed; and nobody
 *  honest is ever blamed by an honest validator for an opening or a list. Failures may be shown by different sets of proven shares. */

import { bytesEqual } from "../../types/bytes.ts";
import type { Opening } from "../../types/sealing.ts";
import type { FactOf } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { createRecentMap } from "./recent_map.ts";
import { accuserOf, brief } from "./violations.ts";

const accuse = accuserOf("sameOpenings", "safety");
const BLAMES: ReadonlySet<string> = new Set(["invalidOpening", "invalidList"]);

export function createSameOpeningsChecker({ honest }: Pick<CheckedCluster, "honest">): Checker {
  const first = createRecentMap<string, { readonly validator: number; readonly openings: readonly Opening[] }>(16_384);

  function onSaved({ atUs, validator, durable }: FactOf<"saved">): Violation | undefined {
    for (const { blockHash, openings } of durable.operations) {
      const before = first.get(blockHash);
      if (before === undefined) first.set(blockHash, { validator, openings });
      else if (!areSame(before.openings, openings)) {
        const detail = `Validators ${before.validator} and ${validator} opened block ${brief(blockHash)} differently.`;
        return accuse(atUs, [before.validator, validator], detail);
      }
    }
    return undefined;
  }

  function onPenalty({ atUs, validator, sender, reason }: FactOf<"penalized">): Violation | undefined {
    if (!BLAMES.has(reason) || sender.type !== "validator" || !honest.has(sender.validator)) return undefined;
    return accuse(
      atUs,
      [validator, sender.validator],
      `Validator ${validator} blames validator ${sender.validator} for ${reason}, which is honest.`,
    );
  }

  return {
    invariant: "sameOpenings",
    interests: ["saved", "penalized"],
    observe(fact) {
      if (!("validator" in fact) || !honest.has(fact.validator)) return undefined;
      if (fact.type === "saved") return onSaved(fact);
      return fact.type === "penalized" ? onPenalty(fact) : undefined;
    },
  };
}

function areSame(left: readonly Opening[], right: readonly Opening[]): boolean {
  if (left.length !== right.length) return false;
  return left.every((opening, position) => {
    const other = right[position] as Opening;
    if (opening.type !== "seed" || other.type !== "seed") return opening.type === other.type;
    return bytesEqual(opening.seed, other.seed);
  });
}
