/** Merging latency histograms, checked against sorting the values themselves. */

import fc from "fast-check";
import t from "tap";
import {
  addHistograms,
  countOf,
  createHistogramAccumulator,
  EMPTY_HISTOGRAM,
  type Histogram,
  percentile,
  subtractHistograms,
} from "../../testnet/histogram.ts";

const BOUNDS_MS = [1, 2, 4, 8, 16, 32];

function histogramOf(values: readonly number[]): Histogram {
  const counts = BOUNDS_MS.map((bound, index) => values.filter((value) => value <= bound && value > (BOUNDS_MS[index - 1] ?? 0)).length);
  return { boundsMs: BOUNDS_MS, counts: [...counts, values.filter((value) => value > 32).length] };
}

const values = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 50 });

t.test("addHistograms: two histograms, the histogram of all values", async (t) => {
  fc.assert(
    fc.property(values, values, (left, right) => {
      t.strictSame(addHistograms(histogramOf(left), histogramOf(right)), histogramOf([...left, ...right]));
    }),
    { numRuns: 50 },
  );
  t.same(addHistograms(EMPTY_HISTOGRAM, histogramOf([3])), histogramOf([3]));
});

t.test("addHistograms: different bounds cannot be added, the first stays", async (t) => {
  const other: Histogram = { boundsMs: [5, 10], counts: [1, 1] };
  t.same(addHistograms(histogramOf([3]), other), histogramOf([3]));
});

t.test("percentile: any values, within the bucket of the value at that rank", async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 32 }), { minLength: 1, maxLength: 60 }),
      fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1),
      (list, fraction) => {
        const sorted = [...list].sort((left, right) => left - right);
        const exact = sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? 0;
        const high = BOUNDS_MS.find((bound) => exact <= bound) ?? 32;
        const low = BOUNDS_MS[BOUNDS_MS.indexOf(high) - 1] ?? 0;
        const found = percentile(histogramOf(list), fraction) ?? Number.NaN;
        t.ok(found >= low && found <= high, `${found} is within (${low}, ${high}]`);
      },
    ),
    { numRuns: 50 },
  );
});

t.test("percentile: nothing counted, undefined; above all bounds, the last bound", async (t) => {
  t.equal(percentile(histogramOf([]), 0.5), undefined);
  t.equal(percentile(EMPTY_HISTOGRAM, 0.5), undefined);
  t.equal(percentile(histogramOf([100]), 0.5), 32);
});

t.test("subtractHistograms: later minus earlier; a source that began anew counts whole", async (t) => {
  t.same(subtractHistograms(histogramOf([1, 5, 5]), histogramOf([5])), histogramOf([1, 5]));
  t.same(subtractHistograms(histogramOf([1]), histogramOf([5])), histogramOf([1]));
});

t.test("createHistogramAccumulator: sources that grow and one that restarts, every value is counted once", async (t) => {
  const accumulator = createHistogramAccumulator();
  accumulator.update(0, histogramOf([1, 2]));
  accumulator.update(1, histogramOf([7]));
  accumulator.update(0, histogramOf([1, 2, 9]));
  accumulator.update(1, histogramOf([]));
  accumulator.update(1, histogramOf([30]));
  t.same(accumulator.total, histogramOf([1, 2, 9, 7, 30]));
  t.equal(countOf(accumulator.total), 5);
});
