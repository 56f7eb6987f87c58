/** The operation log: one entry per executed height, hash-chained. An entry without openings can be derived again by executing
 *  its block, so it is written without a sync of its own and synced lazily, and always before a snapshot that stands on it.
 *  Openings cannot: an entry with some is synced before the journal frame that makes its height final.
 *  An entry that is saved again must be the same: executing a block twice must never differ. */

import type { OperationEntry } from "../replica/interface.ts";
import type { Height, TransactionHash } from "../types/ids.ts";
import { BoundedCache } from "./cache.ts";
import { corruptError, divergedError } from "./errors.ts";
import type { StoreLimits } from "./limits.ts";
import { decodeOperation, encodeOperation, operationsEqual, receiptHashAt } from "./operation_codec.ts";
import { receiptAt } from "./receipt_places.ts";
import type { FrameLocation, LogPosition, SegmentedLog } from "./segmented_log.ts";

export interface StoredOperation {
  readonly entry: OperationEntry;
  readonly location: FrameLocation;
}

export class OperationLog {
  readonly #log: SegmentedLog;
  readonly #cache: BoundedCache<Height, OperationEntry>;
  #lastHeight: Height;

  constructor(log: SegmentedLog, options: { readonly lastHeight: Height; readonly limits: StoreLimits }) {
    this.#log = log;
    this.#lastHeight = options.lastHeight;
    this.#cache = new BoundedCache(options.limits);
  }

  get end(): LogPosition {
    return this.#log.end;
  }

  /** Height of the last entry; 0 when there is none. */
  get lastHeight(): Height {
    return this.#lastHeight;
  }

  append(entries: readonly OperationEntry[]): StoredOperation[] {
    if (entries.length === 0) return [];
    const payloads = entries.map(encodeOperation);
    const locations = this.#log.append(payloads.map((payload) => [payload]));
    this.#lastHeight = entries.at(-1)?.height ?? this.#lastHeight;
    return entries.map((entry, index) => {
      const location = locations[index] as FrameLocation;
      this.#cache.set(entry.height, entry, location.length);
      return { entry, location };
    });
  }

  /** Throws StoreError "diverged" when `entry` is not what was logged for its height. */
  checkSame(entry: OperationEntry, location: FrameLocation): void {
    const logged = this.read(entry.height, location);
    if (!operationsEqual(logged, entry)) throw divergedError(entry, logged);
  }

  sync(): void {
    this.#log.sync();
  }

  read(height: Height, location: FrameLocation): OperationEntry {
    const cached = this.#cache.get(height);
    if (cached !== undefined) return cached;
    const payload = this.#log.read(location);
    const entry = decodeOperation(payload);
    if (entry === undefined || entry.height !== height)
      throw corruptError(`The operation log holds no entry for height ${height} in its place.`);
    this.#cache.set(height, entry, payload.length);
    return entry;
  }

  /** The transaction at this place of a height (receipt_places.ts); undefined when there is none. */
  receiptHash(height: Height, place: { readonly location: FrameLocation; readonly index: number }): TransactionHash | undefined {
    const cached = this.#cache.get(height);
    return cached === undefined ? receiptHashAt(this.#log.read(place.location), place.index) : receiptAt(cached, place.index)?.hash;
  }

  /** All entries from a place on, in order. */
  *entries(from: LogPosition): Generator<StoredOperation> {
    for (const { payload, location } of this.#log.frames(from)) {
      const entry = decodeOperation(payload);
      if (entry === undefined) throw corruptError("The operation log holds an entry that passes its checksum and cannot be decoded.");
      yield { entry, location };
    }
  }

  close(): void {
    this.#log.close();
  }
}
