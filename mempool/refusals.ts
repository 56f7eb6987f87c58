/** What the pool tells a user whose transaction it does not take: a stable code, whether the same bytes may succeed later, advice. */

import type { Refusal } from "../types/application.ts";
import { SEALED_EXPIRY_HEIGHTS_MAX, TRANSACTION_OPERATIONS_MAX } from "../types/limits.ts";

export type PoolRefusalCode = "duplicate" | "expired" | "oversize" | "nonceConflict" | "senderLimit" | "poolFull" | "evicted";

/** Of sealed transactions alone. */
export type SealedRefusalCode =
  | "wrongChain"
  | "unknownSuite"
  | "noSealingKey"
  | "wrongSealingKey"
  | "gasLimitOutOfRange"
  | "expiryTooFar"
  | "badSeal"
  | "sealingKeyReplaced";

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

export const SEALED_REFUSALS: Readonly<Record<SealedRefusalCode, Refusal>> = {
  wrongChain: {
    code: "wrongChain",
    canRetry: false,
    advice: "The envelope is for another chain. Seal and sign again with this chain's id.",
  },
  unknownSuite: {
    code: "unknownSuite",
    canRetry: false,
    advice: "This chain seals with another suite. Ask for its sealing key and seal again with the suite that it names.",
  },
  noSealingKey: {
    code: "noSealingKey",
    canRetry: true,
    advice: "The validators have not made a sealing key yet. Ask for the key in a moment and seal to it, or send an open transaction.",
  },
  wrongSealingKey: {
    code: "wrongSealingKey",
    canRetry: false,
    advice: "The envelope is sealed to a key that is not in use. Ask for the sealing key and seal again.",
  },
  gasLimitOutOfRange: {
    code: "gasLimitOutOfRange",
    canRetry: false,
    advice: `The gas limit is 1 to ${TRANSACTION_OPERATIONS_MAX} operations. Seal and sign again with one in this range.`,
  },
  expiryTooFar: {
    code: "expiryTooFar",
    canRetry: true,
    advice: `The expiry height is at most ${SEALED_EXPIRY_HEIGHTS_MAX} above the next block. Seal and sign again with a nearer one.`,
  },
  /** For what fails the suite's check; the pool never sees it. */
  badSeal: {
    code: "badSeal",
    canRetry: false,
    advice:
      "The sealed part is not proven under its envelope. Seal again, and change nothing of the envelope afterwards but its signature.",
  },
  /** For what `dropKey` removed later. */
  sealingKeyReplaced: {
    code: "sealingKeyReplaced",
    canRetry: false,
    advice: "The sealing key was replaced before this transaction was ordered. Ask for the new key and seal again.",
  },
};
