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
