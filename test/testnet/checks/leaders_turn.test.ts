/** Turns of leaders: the checker fires on a final block by somebody whose turn it is not, and says nothing while pauses may last. */

import t from "tap";
import { createFinalChain } from "../../../testnet/checks/final_chain.ts";
import { createTurnsChecker } from "../../../testnet/checks/leaders_turn.ts";
import { ValidatorIndex } from "../../../types/ids.ts";
import { type BlockPlan, firstViolation, legalRun, makeChain, worldOf } from "./history.ts";

const WORLD = worldOf();
const COUNT = WORLD.cluster.weights.length;

/** What the checker says of a final chain of these views, each by the validator that is named or by the one whose turn it is. */
function verdict(plans: readonly { readonly view: number; readonly proposer?: number }[]): string | undefined {
  const chain = makeChain(
    WORLD,
    plans.map(({ view, proposer = view % COUNT }): BlockPlan => ({ view, change: { proposer: ValidatorIndex.of(proposer) } })),
  );
  return firstViolation(createTurnsChecker(WORLD.cluster, createFinalChain(WORLD.cluster)), legalRun(WORLD, chain))?.detail;
}

t.test("R2 validity: a final block by another than the leader of its view, fires; by the leader, silent", async (t) => {
  t.equal(verdict([{ view: 1 }, { view: 2 }, { view: 3 }]), undefined);
  t.match(verdict([{ view: 1 }, { view: 2, proposer: 3 }]), /height 2 and view 2 is by validator 3, .* it is validator 2's turn/);
  t.match(verdict([{ view: 1, proposer: 0 }]), /of height 1 and view 1/);
});

t.test("R2 validity: a lost view pauses a leader for later blocks, for at most 64 rounds; meanwhile silent", async (t) => {
  t.match(verdict([{ view: 1 }, { view: 3, proposer: 2 }]), /view 3/, "the block after the gap has its turn yet");
  t.equal(verdict([{ view: 1 }, { view: 3 }, { view: 4, proposer: 2 }]), undefined);
  const last = 2 + 64 * COUNT;
  t.equal(verdict([{ view: 1 }, { view: 3 }, ...viewsTo(last - 1), { view: last, proposer: last % COUNT === 0 ? 1 : 0 }]), undefined);
  t.match(
    verdict([{ view: 1 }, { view: 3 }, ...viewsTo(last), { view: last + 1, proposer: last % COUNT }]),
    new RegExp(`view ${last + 1}`),
  );
});

function viewsTo(last: number): readonly { readonly view: number }[] {
  return Array.from({ length: last - 3 }, (_, index) => ({ view: index + 4 }));
}
