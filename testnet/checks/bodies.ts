/** What a block's body amounts to, computed anew: the hashes of its transactions, the Merkle root over them, their bytes. The tree is
 *  the one that crypto/hashes.ts documents, written recursively here. */

import { sha256 } from "../../crypto/hashes.ts";
import { concatBytes, toHex } from "../../types/bytes.ts";

export interface BodySummary {
  readonly hashes: readonly string[];
  readonly root: string;
  readonly bytes: number;
}

const summaries = new WeakMap<readonly Uint8Array[], BodySummary>();

/** Summarizes each list of transactions once. */
export function bodyOf({ transactions }: { readonly transactions: readonly Uint8Array[] }): BodySummary {
  const before = summaries.get(transactions);
  if (before !== undefined) return before;
  const leaves = transactions.map(sha256);
  const bytes = transactions.reduce((sum, transaction) => sum + transaction.length, 0);
  const summary = { hashes: leaves.map((leaf) => toHex(leaf)), root: rootOf(leaves), bytes };
  summaries.set(transactions, summary);
  return summary;
}

/** SHA-256 of tree root and count. The tree's width is the next power of two; missing leaves are zero; no leaf at all is a zero root. */
function rootOf(leaves: readonly Uint8Array[]): string {
  let depth = 0;
  while (2 ** depth < leaves.length) depth++;
  const count = new Uint8Array(32);
  new DataView(count.buffer).setUint32(0, leaves.length, true);
  return toHex(sha256(concatBytes([subtree(leaves, 0, depth), count])));
}

function subtree(leaves: readonly Uint8Array[], from: number, depth: number): Uint8Array {
  if (depth === 0) return leaves[from] ?? new Uint8Array(32);
  const half = 2 ** (depth - 1);
  return sha256(concatBytes([subtree(leaves, from, depth - 1), subtree(leaves, from + half, depth - 1)]));
}

/** Where a ledger transaction keeps its expiry height: version and offset of the payload, signature, chain, sender, nonce come before
 *  it (types/transaction.ts). */
const EXPIRY_AT = 1 + 68 + 72;

/** The last height at which a ledger transaction may be ordered; undefined when the bytes are too short to be one. */
export function expiryHeightOf(transaction: Uint8Array): number | undefined {
  if (transaction.length < EXPIRY_AT + 8) return undefined;
  const view = new DataView(transaction.buffer, transaction.byteOffset, transaction.byteLength);
  return Number(view.getBigUint64(EXPIRY_AT, true));
}
