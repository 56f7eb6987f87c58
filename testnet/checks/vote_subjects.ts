/** What a vote is for: an honest validator votes and commit-votes only for blocks that it has stored, and votes for none whose time is more
 *  than 2 s ahead of its own clock. R2, R4, R14. A clock that a fault touches is followed on the safe side: it may be as far ahead as any
 *  fault ever put it. */

import type { Fact, FactOf, FactType } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { createClockBounds } from "./clock_bounds.ts";
import { CHAIN_FACTS, type FinalChain } from "./final_chain.ts";
import { createRecentMap, type RecentMap } from "./recent_map.ts";
import { accuserOf, brief } from "./violations.ts";
import { wipedBy } from "./wiped.ts";

/** R14, not taken from the product's table. */
const DRIFT_MS_MAX = 2_000;
const BLOCKS_MAX = 16_384;
const FACTS: readonly FactType[] = [...CHAIN_FACTS, "signedVote", "stopped", "fault"];

const accuse = accuserOf("validity", "safety");

export function createVoteSubjectsChecker(
  { honest, weights }: Pick<CheckedCluster, "honest" | "weights">,
  options: { readonly chain: FinalChain; readonly genesisTimeMs: number },
): Checker {
  const { chain, genesisTimeMs } = options;
  const clocks = createClockBounds(weights.length);
  const stored = weights.map((): RecentMap<string, true> => createRecentMap(BLOCKS_MAX));

  function onVote({ atUs, validator, vote }: FactOf<"signedVote">): Violation | undefined {
    const { kind, view, blockHash } = vote.ballot;
    const what = `Validator ${validator} signed a ${kind === "vote" ? "vote" : "commit vote"} for block ${brief(blockHash)} of view ${view}`;
    if (stored[validator]?.get(blockHash) === undefined) return accuse(atUs, [validator], `${what} that it has not stored.`);
    const header = kind === "vote" ? chain.header(blockHash) : undefined;
    if (header === undefined) return undefined;
    const aheadMs = header.timeMs - genesisTimeMs - clocks.latestMs(validator, atUs);
    if (aheadMs <= DRIFT_MS_MAX) return undefined;
    return accuse(atUs, [validator], `${what}, whose time is ${Math.ceil(aheadMs)} ms ahead of its clock.`);
  }

  function onSaved({ validator, durable }: FactOf<"saved">): void {
    for (const { blockHash } of durable.blocks) stored[validator]?.set(blockHash, true);
  }

  return {
    invariant: "validity",
    interests: FACTS,
    observe(fact: Fact) {
      chain.read(fact);
      clocks.observe(fact);
      const wiped = wipedBy(fact);
      if (wiped !== undefined) stored[wiped]?.clear();
      if (fact.type === "saved") onSaved(fact);
      if (fact.type !== "signedVote" || fact.isResend || fact.vote.ballot.kind === "timeout") return undefined;
      return honest.has(fact.validator) ? onVote(fact) : undefined;
    },
  };
}
