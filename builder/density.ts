/** What something brings for the room that it takes: exact integers, so that every machine packs alike. */

import type { ParsedTransaction } from "../types/application.ts";
import { BUNDLE_TRANSACTIONS_MAX } from "../types/limits.ts";

export interface Dense {
  /** In the smallest unit of the fee asset; may be negative. */
  readonly gain: bigint;
  /** A positive integer; comparable among tail transactions, and among groups. */
  readonly cost: number;
}

/** Higher gain for each unit of cost first: negative when `left` is. */
export function compareDensity(left: Dense, right: Dense): number {
  const difference = right.gain * BigInt(left.cost) - left.gain * BigInt(right.cost);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The share of the scarcest of the tail's three bounds, on a common scale; below 2^53 for bounds up to those of a bid. */
export function tailCostOf(
  { bytes, operationCount }: ParsedTransaction,
  {
    transactionsMax,
    bytesMax,
    operationsMax,
  }: { readonly transactionsMax: number; readonly bytesMax: number; readonly operationsMax: number },
): number {
  return Math.max(bytesMax * operationsMax, bytes.length * transactionsMax * operationsMax, operationCount * transactionsMax * bytesMax);
}

/** The same of a bundle's bounds: message bytes and transactions. */
export function groupCostOf(group: { readonly messageBytes: number; readonly transactionCount: number }, messageBytesMax: number): number {
  return Math.max(group.messageBytes * BUNDLE_TRANSACTIONS_MAX, group.transactionCount * messageBytesMax);
}
