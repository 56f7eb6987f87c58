/** The driver's clock: wall time in whole milliseconds that never goes back. It follows the wall clock forward at once; when
 *  the wall clock is set back it keeps running at half speed until the two meet, so durations stay positive (R14). */

import { TimestampMs } from "../types/ids.ts";

export interface ClockSource {
  wallMs(): number;
  monotonicMs(): number;
}

export const systemClockSource: ClockSource = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/** Returns a function that reads the clock. */
export function createClock(source: ClockSource): () => TimestampMs {
  let shownMs = source.wallMs();
  let readAtMs = source.monotonicMs();
  return () => {
    const monotonicMs = source.monotonicMs();
    const elapsedMs = Math.max(0, monotonicMs - readAtMs);
    readAtMs = monotonicMs;
    shownMs = Math.max(source.wallMs(), shownMs + elapsedMs / 2);
    return TimestampMs.of(Math.floor(shownMs));
  };
}
