/** Pending transfers (L8): found by payer, nonce and operation index; expire by block time. A resolved record stays findable, so that
 *  a second post, void or expiry gets its exact code, until its slot is reused: resolved slots wait in a first-in-first-out queue
 *  that is linked through the records, and the oldest is reused once more than `resolvedPendingsMin` wait. */

import { AMOUNT_WORDS, copyWords, readInteger, writeInteger } from "./amounts.ts";
import { ExpiryQueue } from "./expiry_queue.ts";
import type { HashBatch } from "./hash_batch.ts";
import { type LedgerLimits, TABLE_DEPTHS } from "./limits.ts";
import type { MetaRecord } from "./meta_record.ts";
import { RecordIndex } from "./record_index.ts";
import { META, PENDING, PENDING_STATES, RECORD_WORDS } from "./record_layout.ts";
import { RecordTable, recordOffset } from "./record_table.ts";
import type { Undoable, UndoLog } from "./undo_log.ts";

const ACTION_APPENDED = 1;
const ACTION_INDEXED = 2;
const ACTION_UNINDEXED = 3;
const ACTION_UNQUEUED = 4;
const ACTION_QUEUED = 5;

export interface NewPending {
  /** Payer, nonce, operation index: 11 words. */
  readonly key: Uint32Array;
  readonly payerSlot: number;
  readonly payeeSlot: number;
  readonly amount: Uint32Array;
  readonly amountAt: number;
  /** 0: never. */
  readonly expiresAtMs: number;
}

export class PendingStore implements Undoable {
  readonly table: RecordTable;
  readonly #index: RecordIndex;
  readonly #expiries = new ExpiryQueue();
  readonly #meta: MetaRecord;
  readonly #undo: UndoLog;
  readonly #limits: LedgerLimits;

  constructor(options: {
    readonly batch: HashBatch;
    readonly undo: UndoLog;
    readonly meta: MetaRecord;
    readonly seed: Uint8Array;
    readonly limits: LedgerLimits;
  }) {
    this.table = new RecordTable({ depth: TABLE_DEPTHS.pendings, batch: options.batch, keepsBefore: false });
    this.#index = new RecordIndex({ table: this.table, keyWords: PENDING.keyWords, seed: options.seed });
    this.#meta = options.meta;
    this.#undo = options.undo;
    this.#limits = options.limits;
  }

  find(key: Uint32Array): number {
    return this.#index.find(key);
  }

  field(slot: number, word: number): number {
    return this.table.words(slot)[recordOffset(slot) + word] as number;
  }

  expiresAtMs(slot: number): number {
    return readInteger(this.table.words(slot), recordOffset(slot) + PENDING.expiresAtMs);
  }

  get isFull(): boolean {
    return this.table.count > this.#limits.pendingsMax && this.#meta.get(META.queueCount) === 0;
  }

  add(pending: NewPending): void {
    const slot = this.#takeSlot();
    const words = this.table.prepare(slot);
    const at = recordOffset(slot);
    copyWords(words, at, pending.key, 0, PENDING.keyWords);
    words[at + PENDING.state] = PENDING_STATES.pending;
    words[at + PENDING.payerSlot] = pending.payerSlot;
    words[at + PENDING.payeeSlot] = pending.payeeSlot;
    copyWords(words, at + PENDING.amount, pending.amount, pending.amountAt, AMOUNT_WORDS);
    writeInteger(words, at + PENDING.expiresAtMs, pending.expiresAtMs);
    this.#link(slot);
    this.#undo.saveAction(this, ACTION_INDEXED, slot);
    if (pending.expiresAtMs === 0) return;
    this.#expiries.insert(slot, pending.expiresAtMs);
    this.#undo.saveAction(this, ACTION_QUEUED, slot);
  }

  /** Ends a pending transfer; `posted` holds what was moved. */
  resolve(slot: number, state: number, posted: { readonly amount: Uint32Array; readonly at: number } | undefined): void {
    this.#undo.saveRecord(this.table, slot);
    const words = this.table.prepare(slot);
    const at = recordOffset(slot);
    words[at + PENDING.state] = state;
    if (posted !== undefined) copyWords(words, at + PENDING.posted, posted.amount, posted.at, AMOUNT_WORDS);
    if (this.#expiries.remove(slot)) this.#undo.saveAction(this, ACTION_UNQUEUED, slot);
    this.#enqueueResolved(slot);
  }

  /** The next pending transfer whose time has come; 0 when there is none. */
  due(timeMs: number): number {
    return this.#expiries.due(timeMs);
  }

  undo(action: number, slot: number): void {
    if (action === ACTION_APPENDED) this.table.removeNewest();
    else if (action === ACTION_INDEXED) this.#index.remove(slot);
    else if (action === ACTION_UNINDEXED) this.#link(slot);
    else if (action === ACTION_QUEUED) this.#expiries.remove(slot);
    else this.#expiries.insert(slot, this.expiresAtMs(slot));
  }

  /** Rebuilds index and expiry queue of a loaded table; false when a record cannot be one of ours. */
  rebuild(accountCount: number): boolean {
    for (let slot = 1; slot < this.table.count; slot++) {
      const state = this.field(slot, PENDING.state);
      if (state < PENDING_STATES.pending || state > PENDING_STATES.expired) return false;
      if (this.field(slot, PENDING.payerSlot) >= accountCount || this.field(slot, PENDING.payeeSlot) >= accountCount) return false;
      if (this.field(slot, PENDING.queued) >= this.table.count) return false;
      this.#link(slot);
      const expiresAtMs = this.expiresAtMs(slot);
      if (state === PENDING_STATES.pending && expiresAtMs !== 0) this.#expiries.insert(slot, expiresAtMs);
    }
    return this.#meta.get(META.queueHead) < this.table.count && this.#meta.get(META.queueTail) < this.table.count;
  }

  #link(slot: number): void {
    this.#index.insert(slot);
  }

  /** A new slot, or the oldest resolved one when enough of them are remembered or the table is full. */
  #takeSlot(): number {
    const waiting = this.#meta.get(META.queueCount);
    if (waiting <= this.#limits.resolvedPendingsMin && this.table.count <= this.#limits.pendingsMax) {
      const slot = this.table.append();
      this.#undo.saveAction(this, ACTION_APPENDED, slot);
      return slot;
    }
    const slot = this.#meta.get(META.queueHead);
    this.#meta.set(META.queueHead, this.field(slot, PENDING.queued));
    if (waiting === 1) this.#meta.set(META.queueTail, 0);
    this.#meta.set(META.queueCount, waiting - 1);
    this.#index.remove(slot);
    this.#undo.saveAction(this, ACTION_UNINDEXED, slot);
    this.#undo.saveRecord(this.table, slot);
    const at = recordOffset(slot);
    this.table.prepare(slot).fill(0, at, at + RECORD_WORDS);
    return slot;
  }

  #enqueueResolved(slot: number): void {
    const tail = this.#meta.get(META.queueTail);
    if (tail === 0) this.#meta.set(META.queueHead, slot);
    else {
      this.#undo.saveRecord(this.table, tail);
      this.table.prepare(tail)[recordOffset(tail) + PENDING.queued] = slot;
    }
    this.#meta.set(META.queueTail, slot);
    this.#meta.set(META.queueCount, this.#meta.get(META.queueCount) + 1);
  }
}
