/** What the pool tells a user whose transaction it does not take: a stable code, whether the same bytes may succeed later, advice. */

import type { Refusal } from "../types/application.ts";

export type PoolRefusalCode = "duplicate" | "expired" | "oversize" | "nonceConflict" | "senderLimit" | "poolFull" | "evicted";

export const POOL_REFUSALS: Readonly<Record<PoolRefusalCode, Refusal>> = {
  duplicate: {
    code: "duplicate",
    canRetry: false,
    advice: "This transaction is already waiting to be ordered. Nothing to do: ask for its status by its hash.",
  },
  expired: {
    code: "expired",
    canRetry: false,
    advice: "The expiry height has passed. Sign the transaction again with a later expiry height.",
  },
  oversize: {
    code: "oversize",
    canRetry: false,
    advice: "The transaction is larger than this validator's whole pool. Split it, or send it to another validator.",
  },
  nonceConflict: {
    code: "nonceConflict",
    canRetry: false,
    advice: "Another transaction of this sender with the same nonce is waiting. Sign again with an unused nonce.",
  },
  senderLimit: {
    code: "senderLimit",
    canRetry: true,
    advice: "This sender has too many transactions waiting. Send the same bytes again when some of them are final.",
  },
  poolFull: {
    code: "poolFull",
    canRetry: true,
    advice: "This validator's pool is full. Send the same bytes again in a moment, or to another validator.",
  },
  /** For what M5 pushed out later; `add` itself never answers with it. */
  evicted: {
    code: "evicted",
    canRetry: true,
    advice: "The pool was full and this sender held most of it. Send the same bytes again when some of them are final.",
  },
};
