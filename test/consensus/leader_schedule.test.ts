/** Leaders and pauses: rotation, the k-th lost view, quorum among the active, and the same answer from a bounded window. */

import fc from "fast-check";
import t from "tap";
import {
  foldPauses,
  leaderOf,
  NO_PAUSES,
  SCHEDULE_FOLD_BLOCKS,
  type ScheduleBlock,
  scheduleHeight,
} from "../../consensus/leader_schedule.ts";
import { Height, View } from "../../types/ids.ts";
import { isQuorum } from "../../types/validator_set.ts";
import { createFixture } from "../support/consensus_fixture.ts";

const { validators } = createFixture([1, 1, 1, 1]);

/** A chain over genesis with one block per given view, each by the leader of the day unless named; execution lags by `lag`. */
function chain(views: readonly number[], options: { lag?: number; weights?: readonly number[] } = {}): ScheduleBlock[] {
  const set = options.weights === undefined ? validators : createFixture(options.weights).validators;
  const blocks: ScheduleBlock[] = [{ height: Height.ZERO, view: View.ZERO, proposer: undefined, executedHeight: Height.ZERO }];
  for (const view of views) {
    const parent = blocks.at(-1) as ScheduleBlock;
    const known = foldPauses(
      blocks.filter(({ height }) => height <= scheduleHeight(parent)),
      set,
    );
    const height = Height.next(parent.height);
    const executedHeight = Height.of(Math.max(0, height - (options.lag ?? 1)));
    blocks.push({ height, view: View.of(view), proposer: leaderOf(View.of(view), known, set), executedHeight });
  }
  return blocks;
}

const leaders = (blocks: readonly ScheduleBlock[], from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => leaderOf(View.of(from + index), foldPauses(blocks, validators), validators));

t.test("leaderOf: without lost views leadership rotates over the set", async (t) => {
  t.same(leaders(chain([1, 2, 3, 4, 5]), 6, 8), [2, 3, 0, 1, 2, 3, 0, 1]);
  t.equal(leaderOf(View.of(9), NO_PAUSES, validators), 1);
});

t.test("foldPauses: the k-th lost view in a row pauses its leader for min(2^k, 64)·n views, a block of its own clears it", async (t) => {
  const once = chain([1, 2, 4]);
  t.notOk(leaders(once, 5, 7).includes(3), "views 5 to 11 are within 2·4 views of the lost view 3");
  t.equal(leaders(once, 15, 1)[0], 3, "and then its slot is its own again");
  const twice = chain([1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16]);
  t.notOk(leaders(twice, 17, 14).includes(3), "four rounds after the second");
  t.equal(leaders(twice, 35, 1)[0], 3);
  const back = chain([1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  t.equal(back.at(-1)?.proposer, 3);
  t.equal(leaders(back, 19, 1)[0], 3, "cleared");
});

t.test("leaderOf: pauses never leave less than a quorum, by weight", async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 }),
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 60 }),
      (weights, steps) => {
        const set = createFixture(weights).validators;
        let view = 0;
        const blocks = chain(
          steps.map((step) => {
            view += step;
            return view;
          }),
          { weights },
        );
        const pauses = foldPauses(blocks, set);
        const led = new Set<number>();
        const rounds = weights.length * weights.length;
        for (let next = 1; next <= rounds; next++) led.add(leaderOf(View.of(view + next), pauses, set));
        let weight = 0;
        for (const index of led) weight += weights[index] ?? 0;
        return isQuorum(weight, set.totalWeight);
      },
    ),
    { numRuns: 100 },
  );
  t.pass("for random weights and lost views");
});

t.test("foldPauses: depends on nothing but the last blocks, so a restart computes the same", async (t) => {
  const views: number[] = [];
  let view = 0;
  for (let index = 0; index < 2 * SCHEDULE_FOLD_BLOCKS; index++) {
    view += index % 7 === 3 ? 2 : 1;
    views.push(view);
  }
  const blocks = chain(views, { lag: 3 });
  t.same(foldPauses(blocks, validators), foldPauses(blocks.slice(-SCHEDULE_FOLD_BLOCKS), validators));
  t.same(foldPauses([], validators), NO_PAUSES);
});

t.test("scheduleHeight: what the proposer had executed, at most the allowed lag below the parent", async (t) => {
  t.equal(scheduleHeight({ height: Height.of(10), executedHeight: Height.of(8) }), 8);
  t.equal(scheduleHeight({ height: Height.of(200), executedHeight: Height.of(8) }), 136);
  t.equal(scheduleHeight({ height: Height.of(10), executedHeight: Height.of(0) }), 0);
});
