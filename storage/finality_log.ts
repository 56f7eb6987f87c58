/** Every final height with its certificate and the place of its block, in frames of one size: a height's place is
 *  arithmetic, so that a long history costs no memory. Appended after the journal frame that makes it durable, synced
 *  lazily, and completed from the journal at restart. */

import type { FinalityEntry } from "../replica/interface.ts";
import { assert } from "../types/assert.ts";
import type { Height } from "../types/ids.ts";
import { corruptError } from "./errors.ts";
import { FRAME_HEADER_BYTES } from "./frame.ts";
import { decodeFinality, encodeFinality, FINALITY_BYTES } from "./journal_codec.ts";
import type { StoredFinality } from "./live_state.ts";
import { SEGMENT_HEADER_BYTES } from "./segment_header.ts";
import type { FrameLocation, LogPosition, SegmentedLog } from "./segmented_log.ts";

export class FinalityLog {
  readonly #log: SegmentedLog;
  readonly #entriesPerSegment: number;

  constructor(log: SegmentedLog, entriesPerSegment: number) {
    this.#log = log;
    this.#entriesPerSegment = entriesPerSegment;
  }

  get end(): LogPosition {
    return this.#log.end;
  }

  /** Number of heights in the log. */
  get count(): number {
    const { segment, length } = this.#log.end;
    return (segment - 1) * this.#entriesPerSegment + (length - SEGMENT_HEADER_BYTES) / FRAME_BYTES;
  }

  append(entries: readonly StoredFinality[]): void {
    for (let start = 0; start < entries.length; ) {
      if (this.#room === 0) this.#log.rotate();
      const batch = entries.slice(start, start + this.#room);
      this.#log.append(batch.map((entry) => [encodeFinality(entry)]));
      start += batch.length;
    }
  }

  sync(): void {
    this.#log.sync();
  }

  /** `oldestHeight` is the first height in the log; `height` is stored. */
  read(height: Height, oldestHeight: Height): StoredFinality {
    const index = height - oldestHeight;
    assert(index >= 0 && index < this.count, "the height is in the finality log");
    const stored = decodeFinality(this.#log.read(this.#place(index)));
    if (stored === undefined || stored.entry.height !== height) throw corruptError(`The finality log holds no entry for height ${height}.`);
    return stored;
  }

  entry(height: Height, oldestHeight: Height): FinalityEntry {
    return this.read(height, oldestHeight).entry;
  }

  close(): void {
    this.#log.close();
  }

  /** Entries that the current segment still takes. */
  get #room(): number {
    return this.#entriesPerSegment - (this.#log.end.length - SEGMENT_HEADER_BYTES) / FRAME_BYTES;
  }

  #place(index: number): FrameLocation {
    const segment = Math.floor(index / this.#entriesPerSegment) + 1;
    const offset = SEGMENT_HEADER_BYTES + (index % this.#entriesPerSegment) * FRAME_BYTES;
    return { segment, offset, length: FRAME_BYTES };
  }
}

/** Bytes at which a segment of `entries` is full. */
export function finalitySegmentBytes(entries: number): number {
  return SEGMENT_HEADER_BYTES + entries * FRAME_BYTES;
}

const FRAME_BYTES = FRAME_HEADER_BYTES + FINALITY_BYTES;
