/** The final blocks of a run in order, each once, put together from what honest validators saved: finality names a block, and its
 *  body was saved before. Where a body was on disk without ever being reported as saved, the receipts name its transactions under
 *  the header's body root, and clients' submissions hold their bytes. Judges nothing: forks are the agreement checker's business. */

import { bodyRootOf, hashTransaction } from "../../crypto/hashes.ts";
import type { FinalizedBlock } from "../../replica/interface.ts";
import type { BlockHeader } from "../../types/block.ts";
import type { BlockHash, TransactionHash } from "../../types/ids.ts";
import type { FactOf } from "../simulator/facts.ts";

export interface ChainBlock {
  readonly blockHash: BlockHash;
  readonly header: BlockHeader;
  readonly transactions: readonly { readonly hash: TransactionHash; readonly bytes: Uint8Array }[];
}

export interface FinalChain {
  readonly height: number;
  /** The next height, when honest validators call it or a later one final and nobody could show its block yet. */
  readonly missing: number | undefined;
  noteSaved(fact: FactOf<"saved">): void;
  noteFinalized(block: FinalizedBlock): void;
  /** The next final block, if it is known. */
  next(): ChainBlock | undefined;
}

export function createFinalChain(bytesOf: (hash: TransactionHash) => Uint8Array | undefined): FinalChain {
  const bodies = new Map<BlockHash, ChainBlock>();
  /** First honest word for each height above ours. */
  const named = new Map<number, BlockHash>();
  let height = 0;

  function gather(header: BlockHeader, blockHash: BlockHash, hashes: readonly TransactionHash[]): void {
    if (bodyRootOf(hashes) !== header.bodyRoot) return;
    const transactions: { hash: TransactionHash; bytes: Uint8Array }[] = [];
    for (const hash of hashes) {
      const bytes = bytesOf(hash);
      if (bytes === undefined) return;
      transactions.push({ hash, bytes });
    }
    bodies.set(blockHash, { blockHash, header, transactions });
  }

  function name(at: number, blockHash: BlockHash): void {
    if (at > height && !named.has(at)) named.set(at, blockHash);
  }

  return {
    get height() {
      return height;
    },
    get missing() {
      return named.size === 0 ? undefined : height + 1;
    },
    noteSaved({ durable }) {
      for (const { blockHash, block } of durable.blocks) {
        if (block.header.height <= height || bodies.has(blockHash)) continue;
        const transactions = block.transactions.map((bytes) => ({ hash: hashTransaction(bytes), bytes }));
        bodies.set(blockHash, { blockHash, header: block.header, transactions });
      }
      for (const entry of durable.finality) name(entry.height, entry.blockHash);
    },
    noteFinalized({ blockHash, header, receipts }) {
      if (header.height <= height) return;
      name(header.height, blockHash);
      if (bodies.has(blockHash)) return;
      gather(
        header,
        blockHash,
        receipts.map(({ hash }) => hash),
      );
    },
    next() {
      const blockHash = named.get(height + 1);
      const block = blockHash === undefined ? undefined : bodies.get(blockHash);
      if (block === undefined) return undefined;
      height += 1;
      named.delete(height);
      for (const [hash, { header }] of bodies) if (header.height <= height) bodies.delete(hash);
      return block;
    },
  };
}
