/** O4: everything that peers can make grow, at its bound. */

import t from "tap";
import { createEarlyMessages } from "../../mempool/opening_early.ts";
import type { OpeningEffect } from "../../mempool/opening_interface.ts";
import { EARLY_BYTES_MAX, EARLY_MESSAGES_MAX, HELD_BLOCKS_MAX, RECENT_BLOCKS_MAX, STEP_WORK_MAX } from "../../mempool/opening_interface.ts";
import { type BlockHash, Height, View } from "../../types/ids.ts";
import { BLOCK_OPENINGS_MAX } from "../../types/limits.ts";
import type { SharesMessage } from "../../types/opening_message.ts";
import { ask, askProofs, type Bench, benchOfFour, blockHashOf, brief, heldOfFour, index, lane, seeds } from "./opening_fixture.ts";

const emptyBlock = (of: Bench, given: { readonly number: number; readonly view: number }) => ({
  ...of.block,
  blockHash: blockHashOf(given.number),
  height: Height.of(given.number),
  view: View.of(given.view),
});

t.test("held blocks: when full, the lowest view that is not final gives way; when all are final, a newcomer waits", async (t) => {
  const of = benchOfFour(lane(1));
  const { openings } = of;
  for (let number = 1; number <= HELD_BLOCKS_MAX; number++) openings.hold(emptyBlock(of, { number, view: 1_000 - number }));
  openings.finalize({ blockHash: blockHashOf(HELD_BLOCKS_MAX), nowMs: 0 });
  t.ok(openings.hold(emptyBlock(of, { number: 100, view: 1 })).isHeld);
  t.notOk(openings.isHeld(blockHashOf(HELD_BLOCKS_MAX - 1)));
  t.ok(openings.isHeld(blockHashOf(HELD_BLOCKS_MAX)));
  t.equal(openings.status().length, HELD_BLOCKS_MAX);
  for (const { blockHash } of openings.status()) openings.finalize({ blockHash, nowMs: 0 });
  t.same(openings.hold(emptyBlock(of, { number: 101, view: 2_000 })), { isHeld: false, effects: [] });
  openings.forget(blockHashOf(1));
  t.ok(openings.hold(emptyBlock(of, { number: 101, view: 2_000 })).isHeld);
});

t.test("recent blocks: the oldest is no longer answered for", async (t) => {
  const { openings } = benchOfFour([]);
  for (let number = 1; number <= RECENT_BLOCKS_MAX + 1; number++)
    openings.restoreOpenings({ blockHash: blockHashOf(number), openings: [] });
  t.equal(openings.openingsOf(blockHashOf(1)), undefined);
  t.same(openings.openingsOf(blockHashOf(2)), []);
});

t.test("early messages: each sender has its own room, in number and in bytes, and its oldest gives way", async (t) => {
  const early = createEarlyMessages(4);
  const sharesOf = (number: number, count: number): SharesMessage => ({
    type: "shares",
    blockHash: blockHashOf(number),
    shares: Array.from({ length: count }, (_, position) => ({ position, share: new Uint8Array(32) })),
  });
  early.add(index(2), sharesOf(1, 1));
  for (let number = 1; number <= EARLY_MESSAGES_MAX + 1; number++) early.add(index(3), sharesOf(number, 1));
  t.equal(early.count, EARLY_MESSAGES_MAX + 1);
  t.same(
    early.take(blockHashOf(1)).map(({ from }) => from),
    [2],
  );
  t.equal(early.take(blockHashOf(2)).length, 1);
  t.equal(early.take(blockHashOf(2)).length, 0);
  for (let number = 20; number < 26; number++) early.add(index(0), sharesOf(number, BLOCK_OPENINGS_MAX));
  const kept = Math.floor(EARLY_BYTES_MAX / (32 + BLOCK_OPENINGS_MAX * 34));
  t.same(
    [20, 21, 22, 23, 24, 25].map((number) => early.take(blockHashOf(number)).length),
    Array.from({ length: 6 }, (_, at) => (at >= 6 - kept ? 1 : 0)),
  );
  const failed = Array.from({ length: 86 }, (_, at) => ({ validator: index(at), share: new Uint8Array(32), proof: new Uint8Array(64) }));
  const openings = Array.from({ length: 64 }, (_, position) => ({ position, opening: { type: "failed", shares: failed } as const }));
  early.add(index(1), { type: "seeds", blockHash: blockHashOf(1), openings });
  t.equal(early.take(blockHashOf(1)).length, 0, "alone too large");
});

t.test("answers: each peer may ask for each position four times within openMs", async (t) => {
  const of = heldOfFour(lane(8));
  of.release();
  const all = Array.from({ length: 8 }, (_, position) => position);
  const answered = (nowMs: number): number => of.receive(3, ask(of, all), nowMs).length;
  t.same([0, 1, 2, 99, 99].map(answered), [1, 1, 1, 1, 0]);
  t.equal(of.receive(2, ask(of, all), 99).length, 1, "another peer");
  t.equal(answered(100), 1, "the next window");
  of.receive(2, seeds(of, all));
  of.openings.forget(of.block.blockHash);
  t.same([200, 200, 200, 200, 200].map(answered), [1, 1, 1, 1, 0], "also of a recent block");
});

t.test("proofs: over new lists, as many positions as the block has for each peer; a list again costs nothing", async (t) => {
  const of = heldOfFour(lane(8));
  of.release();
  const asks = (from: number, positions: readonly number[], nowMs: number): string[] =>
    brief(of.receive(from, askProofs(of, positions), nowMs));
  t.same(asks(3, [0, 1, 2, 3, 4], 0), ["3<proofs 0+1+2+3+4"]);
  t.same(asks(3, [0, 1, 2, 3], 0), [], "nine in all");
  t.same(asks(3, [5, 6, 7], 0), ["3<proofs 5+6+7"]);
  t.same(asks(3, [0, 1, 2, 3, 4], 500), ["3<proofs 0+1+2+3+4"]);
  t.same(asks(2, [0, 1, 2, 3, 4], 500), ["2<proofs 0+1+2+3+4"]);
  t.equal(of.counts.proveShares, 2);
  for (let round = 0; round < 3; round++) of.receive(3, askProofs(of, [0, 1, 2, 3, 4, 5, 6, 7], true), 1_000 * round + 1_000);
  t.equal(of.counts.proveShares, 2 + 8, "each position once by itself");
});

/** A full lane whose checks take several steps. */
const everyPosition = Array.from({ length: BLOCK_OPENINGS_MAX }, (_, position) => position);

t.test("work: a step stops after STEP_WORK_MAX and asks for another; nothing is lost or done twice", async (t) => {
  const of = heldOfFour(lane(BLOCK_OPENINGS_MAX));
  const message = seeds(of, everyPosition);
  t.same(brief(of.receive(0, message)), ["proceed"]);
  const first = of.openings.status()[0]?.openedCount as number;
  t.ok(first > 0 && first <= STEP_WORK_MAX);
  t.same(brief(of.receive(0, message)), ["proceed"], "claims that wait already are not taken twice");
  let last: readonly string[] = ["proceed"];
  let steps = 2;
  for (; last.at(-1) === "proceed"; steps++) last = brief(of.openings.proceed());
  t.same(last, ["opened"]);
  t.equal(steps, Math.ceil(BLOCK_OPENINGS_MAX / first));
  t.equal(of.counts.isSeedOf, BLOCK_OPENINGS_MAX);
  t.same(of.openings.proceed(), []);
});

t.test("work: what waits for a forgotten block is not done", async (t) => {
  const of = heldOfFour(lane(BLOCK_OPENINGS_MAX));
  of.receive(0, seeds(of, everyPosition));
  const { isSeedOf } = of.counts;
  of.openings.forget(of.block.blockHash);
  t.same(of.openings.proceed(), []);
  t.equal(of.counts.isSeedOf, isSeedOf);
});

t.test("work: at most eight requests for proofs of one peer wait", async (t) => {
  const of = heldOfFour(lane(BLOCK_OPENINGS_MAX));
  of.release();
  const message = seeds(of, everyPosition);
  // The seeds of three more full lanes keep the machine busy for a dozen steps.
  const effects: OpeningEffect[] = [];
  const others = [2, 3, 4].map(blockHashOf);
  for (const blockHash of others) of.openings.hold({ ...of.block, blockHash });
  for (const blockHash of others) effects.push(...of.receive(0, { ...message, blockHash }));
  for (let position = 0; position < 9; position++) effects.push(...of.receive(3, askProofs(of, [position])));
  while (effects.at(-1)?.type === "proceed") effects.push(...of.openings.proceed());
  t.same(
    brief(effects).filter((each) => each.includes("proofs")),
    [0, 1, 2, 3, 4, 5, 6, 7].map((position) => `3<proofs ${position}`),
  );
});

t.test("unknown blocks: requests and proofs leave no trace", async (t) => {
  const of = benchOfFour(lane(2));
  for (const message of [ask(of, [0]), askProofs(of, [0]), of.proofs(0, [0])]) {
    t.same(of.receive(0, { ...message, blockHash: "e".repeat(64) as BlockHash }), []);
  }
  t.same(of.openings.hold(of.block).effects, []);
});
