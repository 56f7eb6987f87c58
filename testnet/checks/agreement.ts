/** Agreement: one final block per height over all honest validators and all genuine CCs; each validator's final chain grows by one
 *  height at a time, is on disk before it is shown, and after a restart goes on where it ended. R7; R9 for what is shown. */

import type { FactOf } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { createHeaderHasher } from "./final_chain.ts";
import { CLAIM_FACTS, type FinalClaim, type FinalClaims, type FinalConflict } from "./final_claims.ts";
import { accuserOf, brief } from "./violations.ts";
import { wipedBy } from "./wiped.ts";

interface Progress {
  savedHeight: number;
  shownHeight: number;
  isWiped: boolean;
}

const accuse = accuserOf("agreement", "safety");

export function createAgreementChecker({ honest, weights }: Pick<CheckedCluster, "honest" | "weights">, claims: FinalClaims): Checker {
  const progress = weights.map((): Progress => ({ savedHeight: 0, shownHeight: 0, isWiped: false }));
  const hashOf = createHeaderHasher();
  const progressOf = (validator: number): Progress => progress[validator] as Progress;

  function onStarted({ atUs, validator, finalHeight, life }: FactOf<"started">): Violation | undefined {
    const own = progressOf(validator);
    const before = own.isWiped ? 0 : own.savedHeight;
    own.isWiped = false;
    own.savedHeight = own.shownHeight = finalHeight;
    if (finalHeight >= before) return undefined;
    const detail = `Validator ${validator} began life ${life} at final height ${finalHeight} after it had saved height ${before} as final.`;
    return accuse(atUs, [validator], detail);
  }

  function onSaved({ atUs, validator, durable }: FactOf<"saved">): Violation | undefined {
    const own = progressOf(validator);
    for (const { height, blockHash, certificate } of durable.finality) {
      const refuse = (what: string): Violation =>
        accuse(atUs, [validator], `Validator ${validator} saved block ${brief(blockHash)} of height ${height} as final ${what}.`);
      if (height !== own.savedHeight + 1) return refuse(`right after height ${own.savedHeight}`);
      own.savedHeight = height;
      const { ballot } = certificate;
      const isProof = ballot.kind === "commit" && ballot.height >= height && (ballot.height > height || ballot.blockHash === blockHash);
      if (!isProof) return refuse("with a certificate that is no CC of it or of a descendant");
    }
    return undefined;
  }

  function onFinalized({ atUs, validator, blocks }: FactOf<"finalized">): Violation | undefined {
    const own = progressOf(validator);
    for (const { blockHash, header } of blocks) {
      const { height } = header;
      const refuse = (what: string): Violation =>
        accuse(atUs, [validator], `Validator ${validator} reported height ${height} as final ${what}.`);
      if (height !== own.shownHeight + 1) return refuse(`right after height ${own.shownHeight}`);
      if (height > own.savedHeight) return refuse(`when height ${own.savedHeight} was the last on its disk`);
      own.shownHeight = height;
      if (hashOf(header) !== blockHash) return refuse(`under hash ${brief(blockHash)}, which is not its header's`);
    }
    return undefined;
  }

  return {
    invariant: "agreement",
    interests: [...CLAIM_FACTS, "started", "stopped", "fault"],
    observe(fact) {
      const conflict = claims.read(fact);
      if (conflict !== undefined)
        return {
          ...accuse(fact.atUs, [conflict.first.validator, conflict.second.validator], describeConflict(conflict)),
          isConflict: true,
        };
      const wiped = wipedBy(fact);
      if (wiped !== undefined) progressOf(wiped).isWiped = true;
      if (!("validator" in fact) || !honest.has(fact.validator)) return undefined;
      switch (fact.type) {
        case "started":
          return onStarted(fact);
        case "saved":
          return onSaved(fact);
        case "finalized":
          return onFinalized(fact);
        default:
          return undefined;
      }
    },
  };
}

/** Two final blocks of one height, in a sentence. */
export function describeConflict({ height, first, second }: FinalConflict): string {
  const say = ({ blockHash, validator, certificateView }: FinalClaim): string =>
    certificateView === undefined
      ? `validator ${validator} has block ${brief(blockHash)} as final`
      : `validator ${validator} shows the CC of view ${certificateView} for block ${brief(blockHash)}`;
  return `At height ${height}, ${say(first)} and ${say(second)}.`;
}
