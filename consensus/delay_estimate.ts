/** Δ, the assumed bound on message delay, follows what is measured: the time from when a proposal was due (or seen, if
 *  earlier) to its QC. Smoothed mean plus four deviations (Jacobson and Karels 1988, RFC 6298), within configured bounds. */

export interface DelayEstimate {
  /** Undefined until something was measured. */
  readonly meanMs: number | undefined;
  readonly deviationMs: number;
}

export interface DelayBounds {
  readonly deltaMsMin: number;
  readonly deltaMsMax: number;
}

export const NO_ESTIMATE: DelayEstimate = { meanMs: undefined, deviationMs: 0 };

/** Before anything is measured Δ is this multiple of its lower bound. */
export const INITIAL_DELTA_FACTOR = 4;

/** Takes one sample in; a negative one (the clock went back) is ignored, one beyond the bounds is cut to them. */
export function measureDelay(estimate: DelayEstimate, sampleMs: number, bounds: DelayBounds): DelayEstimate {
  if (sampleMs < 0) return estimate;
  const sample = Math.min(sampleMs, bounds.deltaMsMax);
  if (estimate.meanMs === undefined) return { meanMs: sample, deviationMs: sample / 2 };
  const deviationMs = (3 * estimate.deviationMs + Math.abs(sample - estimate.meanMs)) / 4;
  return { meanMs: (7 * estimate.meanMs + sample) / 8, deviationMs };
}

/** Δ in whole ms, without back-off. */
export function deltaMsOf(estimate: DelayEstimate, bounds: DelayBounds): number {
  const { deltaMsMin, deltaMsMax } = bounds;
  const wanted = estimate.meanMs === undefined ? INITIAL_DELTA_FACTOR * deltaMsMin : estimate.meanMs + 4 * estimate.deviationMs;
  return Math.min(deltaMsMax, Math.max(deltaMsMin, Math.ceil(wanted)));
}

/** Δ doubled for each view lost in a row, up to its upper bound: long outages make views longer, never endless. */
export function backedOffDeltaMs(deltaMs: number, consecutiveTimeouts: number, bounds: DelayBounds): number {
  return Math.min(bounds.deltaMsMax, deltaMs * 2 ** Math.min(consecutiveTimeouts, BACK_OFF_DOUBLINGS_MAX));
}

const BACK_OFF_DOUBLINGS_MAX = 16;
