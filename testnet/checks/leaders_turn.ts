/** Turns: every final block is proposed by the leader of its view. While no view was lost, and once every pause must be over, leaders
 *  rotate, and the leader of view v is validator v mod n; in between, who is paused depends on more than the final chain shows at
 *  a glance, and nothing is said. R2; consensus/README, "Leader". */

import type { CheckedCluster, Checker } from "./checker.ts";
import { CHAIN_FACTS, type FinalBlockSeen, type FinalChain } from "./final_chain.ts";
import { accuserOf, brief } from "./violations.ts";

/** The longest pause for lost views, in rounds of all validators. */
const PAUSE_ROUNDS_MAX = 64;

const accuse = accuserOf("validity", "safety");

export function createTurnsChecker({ weights }: Pick<CheckedCluster, "weights">, chain: FinalChain): Checker {
  const count = weights.length;
  /** The last view that the final chain skips. */
  let lostView: number | undefined;

  function isOutOfTurn({ header, parent }: FinalBlockSeen): boolean {
    const { view, proposer } = header;
    const isRotating = lostView === undefined || view > lostView + PAUSE_ROUNDS_MAX * count;
    // A gap counts for the leaders of later blocks only.
    if (view - (parent?.view ?? 0) > 1) lostView = view - 1;
    return isRotating && proposer !== view % count;
  }

  return {
    invariant: "validity",
    interests: CHAIN_FACTS,
    observe(fact) {
      for (const seen of chain.read(fact)) {
        const { height, blockHash, header, validator } = seen;
        if (!isOutOfTurn(seen)) continue;
        const detail = `Final block ${brief(blockHash)} of height ${height} and view ${header.view} is by validator ${header.proposer}, who does not lead that view: no pause lasts, and it is validator ${header.view % count}'s turn.`;
        return accuse(fact.atUs, [validator], detail);
      }
      return undefined;
    },
  };
}
