/** What the journal remembers: live safety records (R9), the final head, the blocks that are not final yet, and our shares of them.
 *  Every journal frame changes it, a checkpoint frame holds all of it, and a restart rebuilds it frame by frame. */

import type { FinalityEntry, StoredShares } from "../replica/interface.ts";
import { type BlockHash, Height } from "../types/ids.ts";
import type { SafetyRecord } from "../types/safety_record.ts";
import { SHARE_BLOCKS_MAX } from "./limits.ts";
import type { FrameLocation } from "./segmented_log.ts";

/** A final height with the place of its block. */
export interface StoredFinality {
  readonly entry: FinalityEntry;
  readonly block: FrameLocation;
}

export interface StoredBlock {
  readonly blockHash: BlockHash;
  readonly height: Height;
  readonly location: FrameLocation;
}

/** The part of one save that the journal carries. */
export interface JournalChange {
  readonly records: readonly SafetyRecord[];
  readonly finality: readonly StoredFinality[];
  readonly blocks: readonly StoredBlock[];
  readonly shares: readonly StoredShares[];
}

export class LiveState {
  readonly #records = new Map<string, SafetyRecord>();
  readonly #pending = new Map<BlockHash, StoredBlock>();
  /** In the order of saving, so that the first is the one to forget. */
  readonly #shares = new Map<BlockHash, StoredShares>();
  #finalHead: StoredFinality | undefined;
  #oldestHeight: Height = Height.ZERO;

  get finalHead(): StoredFinality | undefined {
    return this.#finalHead;
  }

  get finalHeight(): Height {
    return this.#finalHead?.entry.height ?? Height.ZERO;
  }

  /** The first final height that is stored; 0 while nothing is final. */
  get oldestHeight(): Height {
    return this.#oldestHeight;
  }

  get pending(): ReadonlyMap<BlockHash, StoredBlock> {
    return this.#pending;
  }

  /** By block, in the order of saving. */
  get shares(): ReadonlyMap<BlockHash, StoredShares> {
    return this.#shares;
  }

  /** Ascending by (epoch, view). */
  get records(): readonly SafetyRecord[] {
    return [...this.#records.values()].sort((left, right) => left.epoch - right.epoch || left.view - right.view);
  }

  record(key: Pick<SafetyRecord, "epoch" | "view">): SafetyRecord | undefined {
    return this.#records.get(keyOf(key));
  }

  /** Starts from a checkpoint: `change.finality` is the head alone, or empty. */
  restore(change: JournalChange, oldestHeight: Height): void {
    this.#records.clear();
    this.#pending.clear();
    this.#shares.clear();
    this.#finalHead = change.finality[0];
    this.#oldestHeight = oldestHeight;
    for (const record of change.records) this.#records.set(keyOf(record), record);
    for (const block of change.blocks) this.#pending.set(block.blockHash, block);
    for (const entry of change.shares) this.#shares.set(entry.blockHash, entry);
  }

  /** Applies a change that is durable. R9: records at or below the view of the durable final head are dropped, no others: the
   *  CC may be of a later block whose body we still lack, and what we signed between the two must survive a restart. */
  apply(change: JournalChange): void {
    for (const record of change.records) this.#records.set(keyOf(record), record);
    for (const block of change.blocks) this.#pending.set(block.blockHash, block);
    for (const entry of change.shares) this.#shares.set(entry.blockHash, entry);
    this.#prune(change);
    for (const blockHash of this.#shares.keys()) {
      if (this.#shares.size <= SHARE_BLOCKS_MAX) break;
      this.#shares.delete(blockHash);
    }
  }

  #prune(change: JournalChange): void {
    const head = change.finality.at(-1);
    const first = change.finality[0];
    if (head === undefined || first === undefined) return;
    if (this.#finalHead === undefined) this.#oldestHeight = first.entry.height;
    this.#finalHead = head;
    for (const block of this.#pending.values()) if (block.height <= head.entry.height) this.#pending.delete(block.blockHash);
    for (const { blockHash, height } of this.#shares.values()) if (height <= head.entry.height) this.#shares.delete(blockHash);
    for (const [key, record] of this.#records) if (isPrunable(record, head.entry)) this.#records.delete(key);
  }
}

/** R9: may this record be forgotten once `head` is durable? A restart signs nothing at or below the head's view. The CC is of the
 *  head's epoch; its view, which may be higher, is no bound: the machine signs again above the head. */
export function isPrunable(record: Pick<SafetyRecord, "epoch" | "view">, head: Pick<FinalityEntry, "view" | "certificate">): boolean {
  const { epoch } = head.certificate.ballot;
  return record.epoch < epoch || (record.epoch === epoch && record.view <= head.view);
}

const keyOf = ({ epoch, view }: Pick<SafetyRecord, "epoch" | "view">): string => `${epoch}/${view}`;
