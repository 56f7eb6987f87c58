/** Latency histograms of several validators, merged. A validator's counts start again from zero when it restarts; the
 *  accumulator keeps what it had counted before. */

/** `counts[i]` values lie in (boundsMs[i-1], boundsMs[i]]; a last extra count holds what is above all bounds. */
export interface Histogram {
  readonly boundsMs: readonly number[];
  readonly counts: readonly number[];
}

export const EMPTY_HISTOGRAM: Histogram = { boundsMs: [], counts: [] };

export function countOf(histogram: Histogram): number {
  return histogram.counts.reduce((sum, count) => sum + count, 0);
}

/** Sum of two histograms over the same bounds; an empty one fits all. Different bounds keep the first: they cannot be added. */
export function addHistograms(left: Histogram, right: Histogram): Histogram {
  if (left.boundsMs.length === 0) return right;
  if (!haveSameBounds(left, right)) return left;
  return { boundsMs: left.boundsMs, counts: padded(left, right).map((count, index) => count + (right.counts[index] ?? 0)) };
}

/** What `later` counted since `earlier`; all of `later` when it started anew in between. */
export function subtractHistograms(later: Histogram, earlier: Histogram): Histogram {
  if (!haveSameBounds(later, earlier)) return later;
  const counts = padded(later, earlier).map((count, index) => count - (earlier.counts[index] ?? 0));
  return counts.some((count) => count < 0) ? later : { boundsMs: later.boundsMs, counts };
}

/** The value below which `fraction` of all lie, interpolated within its bucket, in ms; undefined when there are none.
 *  Above the last bound nothing is known, so the last bound stands for it. */
export function percentile(histogram: Histogram, fraction: number): number | undefined {
  const total = countOf(histogram);
  if (total === 0) return undefined;
  const rank = fraction * total;
  let below = 0;
  for (const [index, count] of histogram.counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const low = histogram.boundsMs[index - 1] ?? 0;
      const high = histogram.boundsMs[index] ?? low;
      return low + ((high - low) * (rank - below)) / count;
    }
    below += count;
  }
  return histogram.boundsMs.at(-1);
}

export interface HistogramAccumulator {
  /** Takes the current histogram of `source`, which only grows until that source restarts. */
  update(source: number, histogram: Histogram): void;
  /** All that any source ever counted. */
  readonly total: Histogram;
}

export function createHistogramAccumulator(): HistogramAccumulator {
  const latest = new Map<number, Histogram>();
  let total = EMPTY_HISTOGRAM;
  return {
    update(source, histogram) {
      total = addHistograms(total, subtractHistograms(histogram, latest.get(source) ?? EMPTY_HISTOGRAM));
      latest.set(source, histogram);
    },
    get total() {
      return total;
    },
  };
}

function haveSameBounds(left: Histogram, right: Histogram): boolean {
  return left.boundsMs.length === right.boundsMs.length && left.boundsMs.every((bound, index) => bound === right.boundsMs[index]);
}

/** The counts of `left`, with zeros up to the longer of the two. */
function padded(left: Histogram, right: Histogram): number[] {
  const length = Math.max(left.counts.length, right.counts.length);
  return Array.from({ length }, (_, index) => left.counts[index] ?? 0);
}
