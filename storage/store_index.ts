/** The index as the store uses it: new rows are found at once in memory and written to SQLite later, in short slices
 *  between other work, never while a vote waits. Bounded: when too many rows wait, they are written at once. */

import { setImmediate, setTimeout } from "node:timers";
import { assert } from "../types/assert.ts";
import type { BlockHash, Height, TransactionHash } from "../types/ids.ts";
import { StoreError } from "./errors.ts";
import type { IndexDatabase, IndexMarks, IndexRow } from "./index_database.ts";
import type { TransactionLocation } from "./interface.ts";
import type { StoreLimits } from "./limits.ts";
import type { StoredFinality } from "./live_state.ts";
import type { StoredOperation } from "./operation_log.ts";
import { receiptPlaces } from "./receipt_places.ts";
import type { FrameLocation } from "./segmented_log.ts";

export class StoreIndex {
  readonly #database: IndexDatabase;
  readonly #limits: StoreLimits;
  readonly #blocks = new Map<BlockHash, Height>();
  readonly #operations = new Map<Height, FrameLocation>();
  readonly #transactions = new Map<TransactionHash, TransactionLocation>();
  #queue: IndexRow[] = [];
  #written = 0;
  #marks: IndexMarks;
  #isScheduled = false;
  #isClosed = false;
  #failure: unknown;

  constructor(database: IndexDatabase, limits: StoreLimits) {
    this.#database = database;
    this.#limits = limits;
    this.#marks = database.marks;
  }

  /** How far rows were added, written or not. */
  get marks(): IndexMarks {
    return this.#marks;
  }

  addFinality(entries: readonly StoredFinality[]): void {
    if (this.#failure !== undefined) return;
    for (const { entry } of entries) {
      this.#blocks.set(entry.blockHash, entry.height);
      this.#queue.push({ type: "block", height: entry.height, blockHash: entry.blockHash });
      this.#marks = { ...this.#marks, finalHeight: entry.height };
    }
    this.#schedule();
  }

  addOperations(operations: readonly StoredOperation[]): void {
    if (this.#failure !== undefined) return;
    for (const { entry, location } of operations) {
      this.#operations.set(entry.height, location);
      for (const { hash, index } of receiptPlaces(entry)) {
        if (!this.#transactions.has(hash)) this.#transactions.set(hash, { height: entry.height, index });
        this.#queue.push({ type: "transaction", height: entry.height, index, hash });
      }
      // After its transactions, so that a height that is marked as indexed has all of them.
      this.#queue.push({ type: "operation", height: entry.height, location });
      this.#marks = { ...this.#marks, operationHeight: entry.height };
    }
    this.#schedule();
  }

  heightOf(blockHash: BlockHash): Height | undefined {
    this.#checkHealth();
    return this.#blocks.get(blockHash) ?? this.#database.heightOf(blockHash);
  }

  operationAt(height: Height): FrameLocation | undefined {
    this.#checkHealth();
    return this.#operations.get(height) ?? this.#database.operationAt(height);
  }

  /** An older place wins over a newer one, so the database is asked first. */
  locate(hash: TransactionHash): TransactionLocation | undefined {
    this.#checkHealth();
    return this.#database.locate(hash) ?? this.#transactions.get(hash);
  }

  /** Writes everything that waits. Throws StoreError "writeFailed". */
  flush(): void {
    while (this.#queue.length > 0 && this.#failure === undefined) this.#tryWriteSlice();
    this.#checkHealth();
  }

  close(): void {
    this.#isClosed = true;
    this.#database.close();
  }

  /** A failing index stops lookups by hash, never a save: it is derived, and a restart makes it again. */
  #checkHealth(): void {
    if (this.#failure === undefined) return;
    const message =
      "The index (index.sqlite) could not be written; lookups by hash are off, consensus goes on. " +
      "It is the operator's move: check the disk and its free space, then restart the node, which completes the index from the logs.";
    throw new StoreError({ code: "writeFailed", message, cause: this.#failure });
  }

  #schedule(): void {
    const isOverfull = (): boolean => this.#queue.length - this.#written > this.#limits.indexQueueRowsMax;
    while (isOverfull() && this.#failure === undefined) this.#tryWriteSlice();
    if (this.#isScheduled || this.#queue.length === 0) return;
    this.#isScheduled = true;
    setTimeout(() => this.#runSlice(), this.#limits.indexFlushDelayMs).unref();
  }

  #runSlice(): void {
    this.#isScheduled = false;
    if (this.#isClosed || this.#failure !== undefined || this.#queue.length === 0) return;
    this.#tryWriteSlice();
    if (this.#failure !== undefined || this.#queue.length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => this.#runSlice());
  }

  #tryWriteSlice(): void {
    try {
      this.#writeSlice();
    } catch (error) {
      this.#failure = error;
      this.#queue = [];
    }
  }

  #writeSlice(): void {
    const rows = this.#queue.slice(this.#written, this.#written + this.#limits.indexSliceRows);
    this.#database.write(rows, marksAfter(this.#database.marks, rows));
    this.#written += rows.length;
    for (const row of rows) this.#forget(row);
    assert(this.#written <= this.#queue.length, "only queued rows were written");
    // Under steady load the queue is never empty: drop the written half, or it would grow for ever.
    if (this.#written * 2 < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#written);
    this.#written = 0;
  }

  /** A written row is found in the database from now on. */
  #forget(row: IndexRow): void {
    if (row.type === "block") this.#blocks.delete(row.blockHash);
    else if (row.type === "operation") this.#operations.delete(row.height);
    else this.#transactions.delete(row.hash);
  }
}

function marksAfter(marks: IndexMarks, rows: readonly IndexRow[]): IndexMarks {
  let { finalHeight, operationHeight } = marks;
  for (const row of rows) {
    if (row.type === "block") finalHeight = row.height;
    if (row.type === "operation") operationHeight = row.height;
  }
  return { finalHeight, operationHeight };
}
