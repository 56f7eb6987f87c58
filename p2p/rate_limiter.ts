/** Rates, from both sides: what a peer may send us, and what we send so that no peer has to refuse it. Pure. */

/** A token bucket: `perSecond` units a second, up to `burst` at once. */
export interface RateLimiter {
  /** Takes `units` if they are there. */
  take(units: number, nowMs: number): boolean;
}

export function createRateLimiter(rate: { readonly perSecond: number; readonly burst: number; readonly nowMs: number }): RateLimiter {
  let available = rate.burst;
  let atMs = rate.nowMs;
  return {
    take(units, nowMs) {
      available = Math.min(rate.burst, available + (Math.max(0, nowMs - atMs) * rate.perSecond) / 1_000);
      atMs = nowMs;
      if (units > available) return false;
      available -= units;
      return true;
    },
  };
}

/** What we may send: `perSecond` units a second, a second's worth at once. What begins while something is left is sent whole, and paid for afterwards. */
export interface Budget {
  /** Until something is left; 0: now. */
  waitMs(nowMs: number): number;
  spend(units: number, nowMs: number): void;
}

export function createBudget({ perSecond, nowMs }: { readonly perSecond: number; readonly nowMs: number }): Budget {
  let left = perSecond;
  let atMs = nowMs;

  function refill(toMs: number): void {
    left = Math.min(perSecond, left + (Math.max(0, toMs - atMs) * perSecond) / 1_000);
    atMs = toMs;
  }

  return {
    waitMs(toMs) {
      refill(toMs);
      return left > 0 ? 0 : 1 + Math.ceil((-left * 1_000) / perSecond);
    },
    spend(units, toMs) {
      refill(toMs);
      left -= units;
    },
  };
}
