/** What a final block means for the bundles that wait here, whoever built it: a searcher may send the same bundle to several builders. */

import type { TransactionReceipt } from "../types/application.ts";
import type { BundleGroup } from "../types/building.ts";
import type { TransactionHash } from "../types/ids.ts";
import { type Bundle, failureOf } from "./bundle.ts";
import type { BundlePool } from "./bundle_pool.ts";
import type { FinalOutcome } from "./interface.ts";

/** `won`: the bundles in our bid, when we built the block; `others`: those in earlier bids of ours for it that it does not have. */
export function settleBundles(
  pool: BundlePool,
  block: FinalOutcome,
  { won, others }: { readonly won: readonly Bundle[] | undefined; readonly others: readonly Bundle[] },
): void {
  const { height } = block.header;
  const wonIds = new Set(won?.map(({ id }) => id));
  for (const { id } of others) if (!wonIds.has(id)) pool.noteFailed(id, { type: "noRoom" });
  if (block.bundle === undefined) for (const id of wonIds) pool.noteFailed(id, { type: "unopened", height });
  for (const [position, group] of (block.bundle ?? []).entries()) settleGroup(pool, block, { group, position, won: won ?? [] });
  for (const receipt of block.receipts) finishApart(pool, block, receipt);
  for (const group of block.bundle ?? []) {
    if (group.result === "unfit" || !group.result.isIncluded) continue;
    for (const receipt of group.result.receipts) finishApart(pool, block, receipt);
  }
  pool.advance({ height });
}

function settleGroup(
  pool: BundlePool,
  { header: { height }, blockHash }: FinalOutcome,
  { group, position, won }: { readonly group: BundleGroup; readonly position: number; readonly won: readonly Bundle[] },
): void {
  const { hashes, result } = group;
  const [first] = hashes;
  // The pool may have pushed out what our bid holds.
  const known = first === undefined ? won : [...pool.holding(first), ...won];
  const same = known.filter(({ transactions }) => isSameGroup(transactions, hashes));
  for (const id of new Set(same.map(({ id }) => id))) {
    if (result === "unfit") pool.finish(id, { type: "unfit" });
    else if (result.isIncluded) pool.finishIncluded(id, { height, blockHash, group: position });
    else pool.noteFailed(id, { type: "executionFailed", height, ...failureOf(result) });
  }
}

function isSameGroup(transactions: Bundle["transactions"], hashes: readonly TransactionHash[]): boolean {
  return transactions.length === hashes.length && transactions.every(({ hash }, index) => hash === hashes[index]);
}

/** What ran without the rest of its bundle. A refused transaction left no trace and may still run. */
function finishApart(pool: BundlePool, { header: { height } }: FinalOutcome, { hash, code, operationCodes }: TransactionReceipt): void {
  if (code !== 0 && operationCodes.length === 0) return;
  for (const { id } of pool.holding(hash)) pool.finish(id, { type: "orderedApart", height, transaction: hash });
  pool.finishRivals(hash);
}
