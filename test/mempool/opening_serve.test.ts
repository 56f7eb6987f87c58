/** What the opening keeps and gives for others: answers, messages that overtake their block, restarts, openings from sync. */

import t from "tap";
import { judgeOpenings } from "../../mempool/opening_judge.ts";
import type { Opening } from "../../types/sealing.ts";
import { fast } from "../crypto/sealing/support.ts";
import { ask, askProofs, benchOfFour, blockHashOf, brief, heldOfFour, lane, SELF, seeds } from "./opening_fixture.ts";

t.test("openingRequest: answered with seeds, and with shares where none is known; after forget with seeds", async (t) => {
  const of = heldOfFour(lane(4));
  of.receive(2, seeds(of, [0, 2]));
  t.same(brief(of.receive(3, ask(of, [0, 1]))), ["3<seeds 0"]);
  of.release();
  t.same(brief(of.receive(3, ask(of, [0, 1, 3]))), ["3<seeds 0", "3<shares 1,3"]);
  of.receive(2, seeds(of, [1, 3]));
  const { openings, block } = of;
  const all = openings.openingsOf(block.blockHash);
  openings.forget(block.blockHash);
  t.notOk(openings.isHeld(block.blockHash));
  t.same(openings.openingsOf(block.blockHash), all);
  t.same(brief(of.receive(3, ask(of, [0, 3]), 500)), ["3<seeds 0,3"]);
  t.same(brief(of.receive(0, askProofs(of, [2]))), ["0<seeds 2"]);
  t.same(brief(of.receive(0, ask(of, [4]))), ["wrongPosition:0"]);
  t.same(of.receive(0, of.shares(0, [1])), []);
  openings.forget(block.blockHash);
  t.same(openings.openingsOf(block.blockHash), all, "forgetting twice changes nothing");
});

t.test("forget: a block that is not open leaves nothing behind", async (t) => {
  const of = heldOfFour(lane(4));
  of.release();
  of.openings.forget(of.block.blockHash);
  t.equal(of.openings.openingsOf(of.block.blockHash), undefined);
  t.same(of.receive(3, ask(of, [0])), []);
  t.same(of.openings.status(), []);
});

t.test("early: shares and seeds that overtake their block count when it comes", async (t) => {
  const of = benchOfFour(lane(6));
  for (const from of [0, 2]) t.same(of.receive(from, of.shares(from, [1, 5])), []);
  t.same(of.receive(3, seeds(of, [3])), []);
  t.same(of.receive(3, ask(of, [3])), []);
  t.same(of.openings.hold(of.block).effects, []);
  t.same(brief(of.release()), ["storeShares", "0<shares 0,4", "2<shares 2", "*<seeds 1,5"]);
  t.equal(of.openings.status()[0]?.openedCount, 3);
  t.same(of.openings.hold(of.block), { isHeld: true, effects: [] }, "held once");
});

t.test("restart: stored shares go out again and are not computed again; restored openings are answered for", async (t) => {
  const before = heldOfFour(lane(6));
  const [store] = before.release();
  const bytes = store?.type === "storeShares" ? store.bytes : new Uint8Array(0);
  const of = heldOfFour(lane(6));
  const { blockHash } = of.block;
  const secretShare = of.keys.secretShares[SELF];
  for (const wrong of [new Uint8Array(0), bytes.subarray(0, 33), bytes.subarray(1), new Uint8Array([...bytes, 0])]) {
    t.same(of.openings.restoreShares({ blockHash, bytes: wrong, secretShare }), []);
  }
  t.same(brief(of.openings.restoreShares({ blockHash, bytes, secretShare })), ["0<shares 0,4", "2<shares 2", "3<shares 3"]);
  t.same(of.openings.restoreShares({ blockHash, bytes, secretShare }), [], "once");
  t.same(of.release(), [], "released already");
  t.same(brief(of.receive(2, ask(of, [0, 2]))), ["2<shares 0,2"]);
  t.same(brief(of.receive(2, askProofs(of, [0, 2]))), ["2<proofs 0+2"]);
  t.equal(of.counts.shareOf, 0);
  const openings: Opening[] = [0, 1, 2].map((position) => ({ type: "seed", seed: of.seedOf(position) }));
  of.openings.restoreOpenings({ blockHash: blockHashOf(8), openings });
  t.same(of.openings.openingsOf(blockHashOf(8)), openings);
  t.same(brief(of.receive(2, { type: "openingRequest", blockHash: blockHashOf(8), positions: [1] })), ["2<seeds 1"]);
});

t.test("adopt, judgeOpenings: openings from sync are judged whole; what is open already is not checked again", async (t) => {
  const of = heldOfFour(lane(3));
  const { blockHash, items, key } = of.block;
  const right: Opening[] = [0, 1, 2].map((position) => ({ type: "seed", seed: of.seedOf(position) }));
  const wrong: Opening[] = [...right.slice(0, 2), { type: "seed", seed: new Uint8Array(32) }];
  const judge = (openings: readonly Opening[]): boolean => judgeOpenings({ suite: fast.suite, key, items, openings });
  t.ok(judge(right));
  t.notOk(judge(wrong));
  t.notOk(judge(right.slice(0, 2)));
  t.notOk(judge([...right.slice(0, 2), { type: "failed", shares: [] }]));
  t.same(of.openings.adopt({ blockHash, openings: wrong }), { ok: false, effects: [] });
  t.same(of.openings.adopt({ blockHash, openings: right.slice(0, 2) }), { ok: false, effects: [] });
  t.equal(of.openings.status()[0]?.openedCount, 0);
  of.receive(0, seeds(of, [0]));
  const checks = of.counts.isSeedOf;
  const adopted = of.openings.adopt({ blockHash, openings: right });
  t.same([adopted.ok, brief(adopted.effects)], [true, ["opened"]]);
  t.equal(of.counts.isSeedOf, checks + 2);
  t.same(of.openings.adopt({ blockHash: blockHashOf(9), openings: [] }), { ok: false, effects: [] });
});

t.test("status: who is waited for, by height then hash", async (t) => {
  const of = heldOfFour(lane(3));
  of.openings.hold({ ...of.block, blockHash: blockHashOf(3) });
  of.openings.hold({ ...of.block, blockHash: blockHashOf(2) });
  of.release();
  of.receive(0, of.shares(0, [1]));
  const status = of.openings.status();
  t.same(
    status.map(({ blockHash }) => blockHash),
    [1, 2, 3].map(blockHashOf),
  );
  t.match(status[0], { isReleased: true, isFinal: false, positionCount: 3, openedCount: 0, waitingFor: [0, 2, 3] });
  of.receive(2, of.shares(2, [1]));
  t.match(of.openings.status()[0], { openedCount: 1, waitingFor: [0, 2] });
});
