/** Follows final blocks from the moment their order is certain to the moment they are executed: what is ordered and still closed, and how
 *  long the opening took. A block that opens before its certificate is here took no time at all.
 *
 *  Bounded: the oldest waiting block is forgotten first; then its transactions show as pending again until they are executed. */

import type { FinalizedBlock, OrderedBlock } from "../replica/interface.ts";
import type { BlockHash, Height, TransactionHash } from "../types/ids.ts";
import { createHistogram, type HistogramSnapshot } from "./histogram.ts";

/** Where an ordered transaction stands. */
export interface OrderedLocation {
  readonly height: Height;
  readonly index: number;
}

export interface SealedProgress {
  noteOrdered(blocks: readonly OrderedBlock[], nowMs: number): void;
  noteOpened(blockHash: BlockHash, nowMs: number): void;
  noteFinal(blocks: readonly FinalizedBlock[]): void;
  /** The place of a transaction whose block is final and not executed here. */
  locate(hash: TransactionHash): OrderedLocation | undefined;
  /** From final to opened, once for each sealed transaction. */
  readonly opening: HistogramSnapshot;
}

interface Waiting {
  readonly block: OrderedBlock;
  readonly orderedAtMs: number;
}

export function createSealedProgress(limits: { readonly blocksMax: number }): SealedProgress {
  const waiting = new Map<BlockHash, Waiting>();
  /** Opened blocks that are not executed yet; some of them not even final. */
  const openedAt = new Map<BlockHash, number>();
  const histogram = createHistogram();

  return {
    noteOrdered(blocks, nowMs) {
      for (const block of blocks) waiting.set(block.blockHash, { block, orderedAtMs: nowMs });
      dropOldest(waiting, limits.blocksMax);
    },
    noteOpened(blockHash, nowMs) {
      openedAt.set(blockHash, nowMs);
      dropOldest(openedAt, limits.blocksMax);
    },
    noteFinal(blocks) {
      for (const { blockHash, header } of blocks) {
        const ordered = waiting.get(blockHash);
        const opened = openedAt.get(blockHash);
        waiting.delete(blockHash);
        openedAt.delete(blockHash);
        // What catch-up brought was opened by others, at a time that nobody knows.
        if (ordered === undefined || opened === undefined) continue;
        for (let count = 0; count < header.sealedCount; count++) histogram.record(Math.max(0, opened - ordered.orderedAtMs));
      }
    },
    locate(hash) {
      for (const { block } of waiting.values()) {
        const index = block.transactionHashes?.indexOf(hash) ?? -1;
        if (index >= 0) return { height: block.height, index };
      }
      return undefined;
    },
    get opening() {
      return histogram.snapshot();
    },
  };
}

function dropOldest<T>(map: Map<BlockHash, T>, countMax: number): void {
  for (const key of map.keys()) {
    if (map.size <= countMax) return;
    map.delete(key);
  }
}
