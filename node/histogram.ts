/** Latency histogram with fixed logarithmic buckets, so that histograms of several nodes add up bucket by bucket.
 *  Eight buckets for each doubling from 0.125 ms to 131 s: a quantile is off by at most 9 %. */

const BUCKETS_PER_DOUBLING = 8;
const DOUBLINGS = 20;
const FIRST_BOUND_MS = 0.125;

/** Upper bounds in ms, ascending; values above the last fall into it. */
export const HISTOGRAM_BOUNDS_MS: readonly number[] = Array.from(
  { length: BUCKETS_PER_DOUBLING * DOUBLINGS + 1 },
  (_, index) => Math.round(FIRST_BOUND_MS * 2 ** (index / BUCKETS_PER_DOUBLING) * 1e4) / 1e4,
);

export interface HistogramSnapshot {
  readonly count: number;
  /** Undefined while nothing was recorded. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly histogram: { readonly boundsMs: readonly number[]; readonly counts: readonly number[] };
}

export interface Histogram {
  record(valueMs: number): void;
  snapshot(): HistogramSnapshot;
}

export function createHistogram(): Histogram {
  const counts = new Array<number>(HISTOGRAM_BOUNDS_MS.length).fill(0);
  return {
    record(valueMs) {
      const index = bucketOf(valueMs);
      counts[index] = (counts[index] ?? 0) + 1;
    },
    snapshot: () => ({
      count: sum(counts),
      p50Ms: quantileMs(counts, 0.5),
      p99Ms: quantileMs(counts, 0.99),
      histogram: { boundsMs: HISTOGRAM_BOUNDS_MS, counts: [...counts] },
    }),
  };
}

/** The upper bound of the bucket that holds the q-quantile; undefined when there is no value. */
export function quantileMs(counts: readonly number[], q: number): number | undefined {
  const rank = Math.max(1, Math.ceil(q * sum(counts)));
  let seen = 0;
  for (const [index, count] of counts.entries()) {
    seen += count;
    if (seen >= rank) return HISTOGRAM_BOUNDS_MS[index];
  }
  return undefined;
}

/** Index of the first bound that is not below the value. */
function bucketOf(valueMs: number): number {
  let low = 0;
  let high = HISTOGRAM_BOUNDS_MS.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((HISTOGRAM_BOUNDS_MS[middle] as number) < valueMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
