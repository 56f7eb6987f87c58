/** The scheduler's order is total: by time, then tie-break, then order of scheduling. */

import { test } from "tap";
import { createScheduler, Livelock } from "../../../testnet/simulator/scheduler.ts";
import { createStream } from "../../../testnet/simulator/streams.ts";

function orderOf(delays: readonly number[], seed?: number): readonly number[] {
  const scheduler = createScheduler(seed === undefined ? undefined : createStream(seed, "ties"));
  const order: number[] = [];
  for (const [index, delay] of delays.entries()) scheduler.after(delay, () => order.push(index));
  scheduler.run(1_000_000, () => false);
  return order;
}

test("Scheduler: events of different times, run in order of time", async (t) => {
  t.same(orderOf([30, 10, 20, 0]), [3, 1, 2, 0]);
});

test("Scheduler: events of one time, run in the order in which they were scheduled", async (t) => {
  t.same(orderOf([5, 5, 5, 5, 5]), [0, 1, 2, 3, 4]);
});

test("Scheduler: ties are shuffled, the order depends on the seed and repeats with it", async (t) => {
  const delays = Array.from({ length: 20 }, () => 7);
  const plain = orderOf(delays);
  t.same(orderOf(delays, 1), orderOf(delays, 1));
  t.notSame(orderOf(delays, 1), plain);
  t.notSame(orderOf(delays, 1), orderOf(delays, 2));
});

test("Scheduler: a thousand random delays, come out sorted", async (t) => {
  const stream = createStream(3, "test");
  const delays = Array.from({ length: 1_000 }, () => stream.below(200));
  const order = orderOf(delays);
  const sorted = [...delays.keys()].sort((left, right) => (delays[left] as number) - (delays[right] as number) || left - right);
  t.same(order, sorted);
});

test("Scheduler: nothing is due before the end, stops there and keeps what comes later", async (t) => {
  const scheduler = createScheduler(undefined);
  let ran = 0;
  scheduler.after(500, () => ran++);
  t.equal(
    scheduler.run(499, () => false),
    false,
  );
  t.same([ran, scheduler.nowUs], [0, 499]);
  t.equal(
    scheduler.run(1_000, () => ran === 1),
    true,
  );
  t.same([ran, scheduler.nowUs, scheduler.count], [1, 500, 1]);
});

test("Scheduler: events that only make more events, end in Livelock", async (t) => {
  const scheduler = createScheduler(undefined);
  const again = (): void => scheduler.after(1, again);
  again();
  t.throws(() => scheduler.run(10_000_000, () => false), Livelock);
});
