/** Is there anything to order? Pacing asks after every step, so the answer is kept, not computed.
 *  Work is a pooled transaction that no block on the way to our tip already carries, or, after a view was lost, a
 *  non-empty certified block that still lacks its CC. */

import type { BlockHash, TransactionHash } from "../types/ids.ts";
import type { Bodies } from "./bodies.ts";

export interface PendingWork {
  /** The block that would be extended next: a valid proposal of the current view, else the highest certified block. */
  setTip(blockHash: BlockHash): void;
  /** Counts again after finality moved the head or the pool lost transactions. */
  recount(finalHash: BlockHash): void;
  isAvailable(poolCount: number): boolean;
  noteViewLost(): void;
  /** What the blocks from the tip down to the head carry. */
  carriedByTip(finalHash: BlockHash): ReadonlySet<TransactionHash>;
  /** Hashes that the blocks from `tip` down to the head carry: a new block on `tip` must not repeat them. */
  carriedBy(tip: BlockHash, finalHash: BlockHash): ReadonlySet<TransactionHash>;
}

export function createPendingWork(sources: {
  readonly bodies: Bodies;
  readonly isPooled: (hash: TransactionHash) => boolean;
}): PendingWork {
  const { bodies, isPooled } = sources;
  let tip: BlockHash | undefined;
  let pooledAndCarried = 0;
  let mustDriveOn = false;

  function carriedBy(from: BlockHash | undefined, finalHash: BlockHash): Set<TransactionHash> {
    const carried = new Set<TransactionHash>();
    for (let hash = from; hash !== undefined && hash !== finalHash; hash = bodies.get(hash)?.proposal.header.parentHash) {
      for (const transaction of bodies.get(hash)?.hashes.keys() ?? []) carried.add(transaction);
    }
    return carried;
  }

  return {
    setTip(blockHash) {
      tip = blockHash;
    },
    recount(finalHash) {
      const carried = carriedBy(tip, finalHash);
      pooledAndCarried = 0;
      for (const hash of carried) if (isPooled(hash)) pooledAndCarried++;
      if (carried.size === 0) mustDriveOn = false;
    },
    isAvailable: (poolCount) => poolCount > pooledAndCarried || (mustDriveOn && pooledAndCarried > 0),
    noteViewLost() {
      mustDriveOn = true;
    },
    carriedByTip: (finalHash) => carriedBy(tip, finalHash),
    carriedBy,
  };
}
