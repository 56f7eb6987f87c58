/** One validator's clock: the production clock over a simulated source that drifts and jumps. */

import { createClock } from "../../node/clock.ts";
import type { TimestampMs } from "../../types/ids.ts";
import { GENESIS_TIME_MS } from "./world.ts";

export interface LocalClock {
  now(): TimestampMs;
  /** Simulated microseconds that a local duration takes. */
  durationUs(localMs: number): number;
  /** Sets the wall clock off by so much from the true time. */
  skew(offsetMs: number): void;
  drift(partsPerMillion: number): void;
  /** A new process reads the wall clock anew: what its predecessor showed is forgotten. */
  restart(): void;
}

export function createLocalClock(nowUs: () => number): LocalClock {
  let rate = 1;
  let offsetMs = 0;
  // Local time runs in pieces of constant rate.
  let pieceUs = 0;
  let pieceLocalMs = 0;
  const monotonicMs = (): number => pieceLocalMs + ((nowUs() - pieceUs) * rate) / 1_000;
  const start = (): (() => TimestampMs) => createClock({ wallMs: () => GENESIS_TIME_MS + monotonicMs() + offsetMs, monotonicMs });
  let read = start();
  return {
    now: () => read(),
    durationUs: (localMs) => (localMs * 1_000) / rate,
    skew(offset) {
      offsetMs = offset;
    },
    drift(partsPerMillion) {
      pieceLocalMs = monotonicMs();
      pieceUs = nowUs();
      rate = 1 + partsPerMillion / 1_000_000;
    },
    restart() {
      read = start();
    },
  };
}
