/** How often each builder's account may begin anew, with a connection or a link. A process that reconnects without end would otherwise
 *  cost every validator a registration each time. Pure; the accounts that began least lately are forgotten. */

import type { AccountId } from "../types/ids.ts";
import { createRateLimiter, type RateLimiter } from "./rate_limiter.ts";

export interface AccountPace {
  /** May the account begin now? Counts it if so. */
  take(account: AccountId): boolean;
}

export function createAccountPace(options: {
  readonly perSecond: number;
  readonly burst: number;
  readonly accountsMax: number;
  readonly nowMs: () => number;
}): AccountPace {
  const { perSecond, burst, accountsMax, nowMs } = options;
  /** Least lately used first. */
  const limiters = new Map<AccountId, RateLimiter>();

  return {
    take(account) {
      const atMs = nowMs();
      const limiter = limiters.get(account) ?? createRateLimiter({ perSecond, burst, nowMs: atMs });
      limiters.delete(account);
      limiters.set(account, limiter);
      for (const oldest of limiters.keys()) {
        if (limiters.size <= accountsMax) break;
        limiters.delete(oldest);
      }
      return limiter.take(1, atMs);
    },
  };
}
