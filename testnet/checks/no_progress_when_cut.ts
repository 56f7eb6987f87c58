/** No progress when cut off: a validator makes a block final only with commit votes that can have reached it. A group that hears less
 *  than a quorum, while it is cut off, gets no further than certificates made of what was signed before. R3, R7. */

import type { Certificate } from "../../types/vote.ts";
import type { FactOf } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { createQuorum } from "./quorum.ts";
import { createReach, REACH_FACTS } from "./reach.ts";
import { createRecentMap, VIEWS_MAX } from "./recent_map.ts";
import { accuserOf, brief, milliseconds } from "./violations.ts";

const accuse = accuserOf("noProgressWhenCut", "safety");

export function createNoProgressWhenCutChecker(cluster: CheckedCluster): Checker {
  const quorum = createQuorum(cluster.weights);
  const reach = createReach(cluster);
  /** When each validator first commit-voted in a view, whatever for: an earlier moment only makes us more lenient. */
  const commits = createRecentMap<number, (number | undefined)[]>(VIEWS_MAX);

  function noteCommit({ atUs, validator, vote }: FactOf<"signedVote">): void {
    const { view } = vote.ballot;
    const times = commits.get(view) ?? [];
    if (times.length === 0) commits.set(view, times);
    times[validator] ??= atUs;
  }

  function judge({ atUs, validator }: FactOf<"saved">, certificate: Certificate): Violation | undefined {
    const { view, height, blockHash } = certificate.ballot;
    const times = commits.get(view) ?? [];
    const unheard: number[] = [];
    let weight = 0;
    for (const signer of quorum.signersOf(certificate.signers) ?? []) {
      const signedAtUs = times[signer];
      if (signedAtUs !== undefined && signedAtUs > reach.heardUntilUs(validator, signer)) unheard.push(signer);
      else weight += quorum.weightOf([signer]);
    }
    if (quorum.isQuorum(weight)) return undefined;
    const since = unheard.map((signer) => `${signer} (${describeSince(reach.heardUntilUs(validator, signer))})`).join(", ");
    const missing = unheard.length === 0 ? "" : ` It is cut off from ${since}, whose commit votes came later.`;
    const detail = `Validator ${validator} made block ${brief(blockHash)} of height ${height} final by a CC of view ${view}, of which a weight of ${weight} of ${quorum.total} can have reached it.${missing}`;
    return accuse(atUs, [validator], detail);
  }

  return {
    invariant: "noProgressWhenCut",
    interests: [...REACH_FACTS, "signedVote", "saved"],
    observe(fact) {
      if (fact.type === "signedVote") {
        if (fact.vote.ballot.kind === "commit") noteCommit(fact);
        return undefined;
      }
      if (fact.type !== "saved") {
        reach.observe(fact);
        return undefined;
      }
      const last = fact.durable.finality.at(-1);
      return last === undefined || reach.isWhole || !cluster.honest.has(fact.validator) ? undefined : judge(fact, last.certificate);
    },
  };
}

function describeSince(heardUntilUs: number): string {
  return heardUntilUs < 0 ? "since the beginning" : `since ${milliseconds(heardUntilUs)}`;
}
