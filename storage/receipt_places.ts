/** Where the receipts of a block stand, as `TransactionLocation.index` counts them: first those of its transactions, in the order of the
 *  block, then those of its bundle, so that the n-th of the bundle stands at `transactionCount + n`. */

import type { OperationEntry } from "../replica/interface.ts";
import type { TransactionReceipt } from "../types/application.ts";
import type { TransactionHash } from "../types/ids.ts";

type Receipts = Pick<OperationEntry, "receipts" | "bundleReceipts">;

/** The receipt at a place that `locate` gave; undefined when there is none. */
export function receiptAt({ receipts, bundleReceipts }: Receipts, index: number): TransactionReceipt | undefined {
  return index < receipts.length ? receipts[index] : bundleReceipts[index - receipts.length];
}

/** All places in the order in which they win. A transaction that stands in the bundle and in the tail has run in the bundle, and in the
 *  tail it could only be refused: its place is the bundle's. */
export function receiptPlaces({
  receipts,
  bundleReceipts,
}: Receipts): readonly { readonly hash: TransactionHash; readonly index: number }[] {
  const ofBundle = bundleReceipts.map(({ hash }, position) => ({ hash, index: receipts.length + position }));
  return [...ofBundle, ...receipts.map(({ hash }, index) => ({ hash, index }))];
}
