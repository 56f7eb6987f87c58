/** Sizes that bound the store's files and memory. Tests pass small ones to reach every rotation. */

import { storedSharesCodec } from "../types/opening_message.ts";

/** Blocks whose shares are live. Beyond it those saved first are forgotten: a validator can make its shares again from the block and
 *  its secret, so that a long outage costs it work after a restart, and never the store. */
export const SHARE_BLOCKS_MAX = 64;
/** Our shares of one block, in bytes. All live shares together: SHARE_BLOCKS_MAX times as many, 4 MiB. */
export const BLOCK_SHARES_BYTES_MAX = storedSharesCodec.bytesMax;

export interface StoreLimits {
  /** A log starts a new segment when the current one has reached this many bytes. */
  readonly blockSegmentBytesMax: number;
  readonly operationSegmentBytesMax: number;
  readonly evidenceSegmentBytesMax: number;
  /** Entries of fixed size per finality segment. */
  readonly finalitySegmentEntries: number;
  /** The journal is rewritten to its live records beyond this many bytes. */
  readonly journalBytesMax: number;
  /** Logs that can be derived again, and the counter, are synced once per this many journal frames. */
  readonly framesPerLazySync: number;
  /** Decoded blocks and operations kept for reads. */
  readonly cacheEntriesMax: number;
  readonly cacheBytesMax: number;
  /** Index rows waiting to be written; beyond this they are written at once. */
  readonly indexQueueRowsMax: number;
  /** Index rows per transaction, about half a millisecond. */
  readonly indexSliceRows: number;
  readonly indexFlushDelayMs: number;
  /** Open segment files kept for reads, per log. */
  readonly openSegmentsMax: number;
  readonly snapshotsKept: number;
  /** Pieces of evidence kept against one validator; more are dropped. */
  readonly evidencePerValidatorMax: number;
}

export const STORE_LIMITS: StoreLimits = {
  blockSegmentBytesMax: 64 * 1024 * 1024,
  operationSegmentBytesMax: 32 * 1024 * 1024,
  evidenceSegmentBytesMax: 4 * 1024 * 1024,
  finalitySegmentEntries: 65_536,
  journalBytesMax: 4 * 1024 * 1024,
  framesPerLazySync: 256,
  cacheEntriesMax: 32,
  cacheBytesMax: 8 * 1024 * 1024,
  indexQueueRowsMax: 131_072,
  indexSliceRows: 256,
  indexFlushDelayMs: 50,
  openSegmentsMax: 16,
  snapshotsKept: 2,
  evidencePerValidatorMax: 64,
};
