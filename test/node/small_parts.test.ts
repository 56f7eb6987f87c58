/** Clock, histogram, tracker of transactions: parts without a file of tests of their own. */

import t from "tap";
import { createClock } from "../../node/clock.ts";
import { createHistogram, HISTOGRAM_BOUNDS_MS, quantileMs } from "../../node/histogram.ts";
import { createTransactionTracker } from "../../node/transaction_tracker.ts";
import type { TransactionHash } from "../../types/ids.ts";

const hash = (text: string) => text as TransactionHash;
const never = new AbortController().signal;

t.test("createClock: the wall clock set back, time goes on at half speed until the two meet", async (t) => {
  const source = { wall: 1_000, monotonic: 0 };
  const now = createClock({ wallMs: () => source.wall, monotonicMs: () => source.monotonic });
  const at = (wall: number, monotonic: number): number => {
    Object.assign(source, { wall, monotonic });
    return now();
  };
  t.equal(at(1_010, 10), 1_010);
  t.equal(at(500, 30), 1_020, "half of 20");
  t.equal(at(700, 230), 1_120);
  t.equal(at(1_400, 930), 1_470);
  t.equal(at(3_000, 2_530), 3_000, "met again");
  t.equal(at(9_000, 2_531), 9_000, "forward at once");
});

t.test("createHistogram: known values, quantiles within one bucket and counts that add up", async (t) => {
  const one = createHistogram();
  const two = createHistogram();
  t.match(one.snapshot(), { count: 0, p50Ms: undefined, p99Ms: undefined });
  for (let value = 1; value <= 1_000; value++) (value % 2 === 0 ? one : two).record(value / 10);
  const parts = [one.snapshot(), two.snapshot()];
  t.same(
    parts.map(({ count }) => count),
    [500, 500],
  );
  const merged = HISTOGRAM_BOUNDS_MS.map((_, index) => parts.reduce((sum, { histogram }) => sum + (histogram.counts[index] ?? 0), 0));
  for (const [q, exact] of [
    [0.5, 50],
    [0.99, 99],
    [0.01, 1],
  ] as const) {
    const measured = quantileMs(merged, q) ?? 0;
    t.ok(measured >= exact && measured < exact * 1.1, `q ${q}: ${measured} for ${exact}`);
  }
});

t.test("createHistogram: values beyond both ends, land in the first and last bucket", async (t) => {
  const histogram = createHistogram();
  histogram.record(0);
  histogram.record(1e9);
  const { counts } = histogram.snapshot().histogram;
  t.equal(counts[0], 1);
  t.equal(counts.at(-1), 1);
});

t.test("createTransactionTracker: accepted then final, the latency is recorded once and waits end", async (t) => {
  const tracker = createTransactionTracker({ acceptedMax: 10, droppedMax: 10, waitersMax: 2 });
  const waiting = tracker.wait(hash("a"), { waitMs: 60_000, signal: never });
  tracker.noteAccepted(hash("a"), { atMs: 100, isSealed: false });
  tracker.noteFinal([hash("a"), hash("other")], 110);
  tracker.noteFinal([hash("a")], 500);
  await waiting;
  t.equal(tracker.finality.count, 1);
  t.ok((tracker.finality.p50Ms ?? 0) >= 10 && (tracker.finality.p50Ms ?? 0) < 11);
});

t.test("createTransactionTracker: too many waits, undefined; abort, deadline and drop each end one", async (t) => {
  const tracker = createTransactionTracker({ acceptedMax: 10, droppedMax: 10, waitersMax: 2 });
  const controller = new AbortController();
  const first = tracker.wait(hash("a"), { waitMs: 60_000, signal: controller.signal });
  const second = tracker.wait(hash("a"), { waitMs: 1, signal: never });
  t.equal(tracker.wait(hash("b"), { waitMs: 1, signal: never }), undefined);
  controller.abort();
  await Promise.all([first, second]);
  const third = tracker.wait(hash("c"), { waitMs: 60_000, signal: never });
  const refusal = { code: "expired", canRetry: false, advice: "sign again" };
  tracker.noteDropped(hash("c"), refusal);
  await third;
  t.same(tracker.droppedBecause(hash("c")), refusal);
  await tracker.wait(hash("d"), { waitMs: 60_000, signal: AbortSignal.abort() });
  t.ok(tracker.wait(hash("e"), { waitMs: 1, signal: never }), "all places are free again");
  tracker.stop();
});

t.test("createTransactionTracker: more than its bounds, the oldest are forgotten", async (t) => {
  const tracker = createTransactionTracker({ acceptedMax: 2, droppedMax: 1, waitersMax: 1 });
  for (const name of ["a", "b", "c"]) tracker.noteAccepted(hash(name), { atMs: 0, isSealed: false });
  tracker.noteFinal([hash("a"), hash("b"), hash("c")], 1);
  t.equal(tracker.finality.count, 2);
  for (const name of ["x", "y"]) tracker.noteDropped(hash(name), { code: name, canRetry: true, advice: "" });
  t.equal(tracker.droppedBecause(hash("x")), undefined);
  t.equal(tracker.droppedBecause(hash("y"))?.code, "y");
});
