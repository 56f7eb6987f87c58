/** Is there anything to order? Pacing asks after every step, so the answer is kept, not computed.
 *  Work is a pooled transaction that no block on the way to our tip already carries and that a block may carry now, or, after a view was
 *  lost, a non-empty certified block that still lacks its CC. A bundle is content as well, though nobody can name its transactions yet; a bid that
 *  brings nothing to order is none. What is final and waits to be opened is no work: blocks bring it no nearer. */

import { type BlockHash, Height, type TransactionHash } from "../types/ids.ts";
import { EXECUTION_LAG_MAX, UNOPENED_BLOCKS_MAX } from "../types/limits.ts";
import type { Bodies, Body } from "./bodies.ts";

export interface PoolCounts {
  readonly open: number;
  readonly sealed: number;
}

export interface FinalHeads {
  readonly executedHash: BlockHash;
  /** The highest block that has a CC, executed or not. */
  readonly finalHeight: Height;
}

export interface PendingWork {
  /** The block that would be extended next: a valid proposal of the current view, else the highest certified block. */
  setTip(blockHash: BlockHash): void;
  /** Counts again after finality moved the head or the pool lost transactions. */
  recount(heads: FinalHeads): void;
  /** `unexecuted`: final blocks that wait to be executed. Too many, and blocks carry no sealed lane, then nothing at all. */
  isAvailable(pools: PoolCounts & { readonly unexecuted: number }): boolean;
  noteViewLost(): void;
  /** What the blocks from the tip down to the head carry. */
  carriedByTip(finalHash: BlockHash): ReadonlySet<TransactionHash>;
  /** Hashes that the blocks from `tip` down to the head carry: a new block on `tip` must not repeat them. */
  carriedBy(tip: BlockHash, finalHash: BlockHash): ReadonlySet<TransactionHash>;
}

export function createPendingWork(sources: {
  readonly bodies: Bodies;
  readonly isPooled: (hash: TransactionHash, pool: keyof PoolCounts) => boolean;
}): PendingWork {
  const { bodies, isPooled } = sources;
  let tip: BlockHash | undefined;
  /** What waits in the pools and is carried by blocks above the executed head. */
  const carriedCounts = { open: 0, sealed: 0 };
  let hasUnfinal = false;
  let hasUnfinalBundle = false;
  let mustDriveOn = false;
  let finalHeight = Height.ZERO;
  /** The final height when a view was lost last. A bundle that the view certified may be seen late, and unlike a transaction it waits in no pool: we
   *  drive it on until something is final above. */
  let lostAbove: Height | undefined;

  function* bodiesAbove(from: BlockHash | undefined, head: BlockHash): Generator<Body> {
    for (let blockHash = from; blockHash !== undefined && blockHash !== head; ) {
      const body = bodies.get(blockHash);
      if (body === undefined) return;
      yield body;
      blockHash = body.proposal.header.parentHash;
    }
  }

  const carriedBy = (from: BlockHash | undefined, head: BlockHash): ReadonlySet<TransactionHash> =>
    new Set([...bodiesAbove(from, head)].flatMap((body) => [...body.hashes.keys()]));

  return {
    setTip(blockHash) {
      tip = blockHash;
    },
    recount(heads) {
      finalHeight = heads.finalHeight;
      Object.assign(carriedCounts, { open: 0, sealed: 0 });
      [hasUnfinal, hasUnfinalBundle] = [false, false];
      let isEmpty = true;
      const seen = new Set<TransactionHash>();
      for (const { hashes, proposal } of bodiesAbove(tip, heads.executedHash)) {
        const { height, bundleCount } = proposal.header;
        const isFinal = height <= finalHeight;
        if (bundleCount > 0 && !isFinal) [isEmpty, hasUnfinalBundle] = [false, true];
        for (const hash of hashes.keys()) {
          if (seen.has(hash)) continue;
          seen.add(hash);
          const isOpen = isPooled(hash, "open");
          const isSealed = !isOpen && isPooled(hash, "sealed");
          if (isOpen) carriedCounts.open++;
          if (isSealed) carriedCounts.sealed++;
          if (isFinal) continue;
          isEmpty = false;
          hasUnfinal ||= isOpen || isSealed;
        }
      }
      if (!isEmpty) return;
      mustDriveOn = false;
      if (lostAbove !== undefined && finalHeight > lostAbove) lostAbove = undefined;
    },
    isAvailable({ open, sealed, unexecuted }) {
      const isOpenWork = unexecuted < EXECUTION_LAG_MAX && open > carriedCounts.open;
      const isSealedWork = unexecuted < UNOPENED_BLOCKS_MAX && sealed > carriedCounts.sealed;
      const isDrivenOn = (mustDriveOn && hasUnfinal) || (lostAbove !== undefined && hasUnfinalBundle);
      return isOpenWork || isSealedWork || isDrivenOn;
    },
    noteViewLost() {
      mustDriveOn = true;
      lostAbove = finalHeight;
    },
    carriedByTip: (finalHash) => carriedBy(tip, finalHash),
    carriedBy,
  };
}
