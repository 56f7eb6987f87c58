/** R9: the safety journal, the root of the store. One frame per save holds the save's records, finality, shares and the places of
 *  its blocks, and how far the other logs must reach for it to be true. Synced before `save` resolves.
 *
 *  The journal is one file. When it has grown, a new one with a checkpoint of everything live is written beside it, synced
 *  and renamed into its final name before the old one goes, so that at every moment one complete journal exists. */

import { assert } from "../types/assert.ts";
import type { Height } from "../types/ids.ts";
import { corruptError, StoreError, versionError } from "./errors.ts";
import { type Files, nameOf, type OpenFile, TEMPORARY_SUFFIX } from "./files.ts";
import { CHECKSUM_BYTES, checksumIn, containsFrame, FRAME_TYPES, type Frame, frameHeader } from "./frame.ts";
import { FrameScanner } from "./frame_scanner.ts";
import { decodeJournalFrame, encodeJournalFrame, type JournalFrame, type LogPositions } from "./journal_codec.ts";
import { type JournalChange, LiveState, type StoredFinality } from "./live_state.ts";
import { checkSegmentHeader, encodeSegmentHeader, segmentName, segmentsAmong } from "./segment_header.ts";

export interface JournalOptions {
  readonly files: Files;
  readonly directory: string;
  readonly storeId: Uint8Array;
  readonly journalBytesMax: number;
}

export interface JournalOpening {
  readonly journal: Journal;
  readonly positions: LogPositions;
  /** Finality of all frames since the checkpoint, ascending: the finality log may lack its end. */
  readonly finality: readonly StoredFinality[];
  readonly repairs: readonly string[];
}

export class Journal {
  readonly #options: JournalOptions;
  readonly live: LiveState;
  #file: OpenFile;
  #segment: number;
  #chain: Uint8Array;
  #sequence: number;
  /** Size of the file when it held its checkpoint only. */
  #checkpointEnd: number;

  private constructor(
    options: JournalOptions,
    state: {
      readonly live: LiveState;
      readonly file: OpenFile;
      readonly segment: number;
      readonly chain: Uint8Array;
      readonly sequence: number;
      readonly checkpointEnd: number;
    },
  ) {
    this.#options = options;
    this.live = state.live;
    this.#file = state.file;
    this.#segment = state.segment;
    this.#chain = state.chain;
    this.#sequence = state.sequence;
    this.#checkpointEnd = state.checkpointEnd;
  }

  /** A new journal with an empty checkpoint, sequence 0, durable. */
  static create(options: JournalOptions, positions: LogPositions): Journal {
    const live = new LiveState();
    const start = { segment: 1, chain: new Uint8Array(CHECKSUM_BYTES), previousLength: 0, sequence: 0 };
    const written = writeSegment(options, { ...start, live, positions });
    return new Journal(options, { live, ...written, segment: 1, sequence: 0 });
  }

  /** Reads the newest journal file. `acknowledged` is the counter: a journal that ends before it was damaged or rolled back. */
  static open(options: JournalOptions, acknowledged: number): JournalOpening {
    const { files, directory } = options;
    const present = segmentsAmong(files.list(directory), "journal");
    const segment = present.at(-1);
    assert(segment !== undefined, "the caller has checked that there is a journal");
    const file = files.open(`${directory}/${segmentName("journal", segment)}`);
    try {
      const scan = scanSegment(file, { storeId: options.storeId, segment });
      const repairs = judgeTail(file, { ...scan, acknowledged });
      if (scan.end < file.size) file.truncate(scan.end);
      // What a killed process wrote may still be in memory only: from here on we rely on it.
      file.sync();
      for (const old of present.slice(0, -1)) files.remove(`${directory}/${segmentName("journal", old)}`);
      const { live, positions, finality, chain, sequence, checkpointEnd } = scan;
      return { journal: new Journal(options, { live, file, segment, chain, sequence, checkpointEnd }), positions, finality, repairs };
    } catch (error) {
      file.close();
      throw error;
    }
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Worth rewriting. In a long outage nothing can be pruned: the file may then grow to twice what is live. */
  get isFull(): boolean {
    return this.#file.size >= Math.max(this.#options.journalBytesMax, 2 * this.#checkpointEnd);
  }

  /** Appends one frame and syncs it. Only then does `live` change. Returns the frame's sequence. */
  save(change: JournalChange, positions: LogPositions): number {
    const sequence = this.#sequence + 1;
    const payload = encodeJournalFrame({ sequence, positions, oldestHeight: this.live.oldestHeight, change });
    const header = frameHeader({ type: FRAME_TYPES.save, previous: this.#chain, parts: [payload] });
    this.#file.append([header, payload]);
    this.#file.sync();
    this.#chain = checksumIn(header);
    this.#sequence = sequence;
    this.live.apply(change);
    return sequence;
  }

  /** Continues in a new file that holds the live state only. `positions` must be synced before. */
  rotate(positions: LogPositions): void {
    const { files, directory } = this.#options;
    const next = writeSegment(this.#options, {
      segment: this.#segment + 1,
      chain: this.#chain,
      previousLength: this.#file.size,
      sequence: this.#sequence,
      live: this.live,
      positions,
    });
    this.#file.close();
    files.remove(`${directory}/${segmentName("journal", this.#segment)}`);
    this.#segment += 1;
    this.#file = next.file;
    this.#chain = next.chain;
    this.#checkpointEnd = next.checkpointEnd;
  }

  close(): void {
    this.#file.close();
  }
}

function writeSegment(
  options: JournalOptions,
  start: {
    readonly segment: number;
    readonly chain: Uint8Array;
    readonly previousLength: number;
    readonly sequence: number;
    readonly live: LiveState;
    readonly positions: LogPositions;
  },
): { readonly file: OpenFile; readonly chain: Uint8Array; readonly checkpointEnd: number } {
  const { files, directory } = options;
  const { live } = start;
  const opening = encodeSegmentHeader({ log: "journal", storeId: options.storeId, ...start });
  const openingHeader = frameHeader({ type: FRAME_TYPES.segment, previous: start.chain, parts: [opening] });
  const finality = live.finalHead === undefined ? [] : [live.finalHead];
  const change = { records: live.records, finality, blocks: [...live.pending.values()], shares: [...live.shares.values()] };
  const checkpoint = encodeJournalFrame({ ...start, oldestHeight: live.oldestHeight, change });
  const checkpointHeader = frameHeader({ type: FRAME_TYPES.checkpoint, previous: checksumIn(openingHeader), parts: [checkpoint] });
  const path = `${directory}/${segmentName("journal", start.segment)}`;
  const temporary = `${path}${TEMPORARY_SUFFIX}`;
  if (files.exists(temporary)) files.remove(temporary);
  const file = files.create(temporary);
  file.append([openingHeader, opening, checkpointHeader, checkpoint]);
  file.sync();
  files.rename(temporary, path);
  files.syncDirectory(directory);
  return { file, chain: checksumIn(checkpointHeader), checkpointEnd: file.size };
}

interface JournalScan {
  readonly live: LiveState;
  readonly positions: LogPositions;
  readonly finality: readonly StoredFinality[];
  readonly chain: Uint8Array;
  readonly sequence: number;
  readonly checkpointEnd: number;
  /** Bytes of whole, valid frames. */
  readonly end: number;
}

function scanSegment(file: OpenFile, expected: { readonly storeId: Uint8Array; readonly segment: number }): JournalScan {
  const name = nameOf(file.path);
  const scanner = new FrameScanner(file, { from: 0, limit: file.size, chain: undefined });
  const first = scanner.next();
  if (first.type === "failure" && first.reason === "unknownVersion") throw versionError(name);
  if (first.type !== "frame" || checkSegmentHeader(first.frame, { log: "journal", ...expected }) === undefined) {
    throw corruptError(`${name} does not begin with the header of this store's journal.`);
  }
  const second = scanner.next();
  if (second.type === "failure" && second.reason === "unknownVersion") throw versionError(name);
  if (second.type !== "frame" || second.frame.type !== FRAME_TYPES.checkpoint) {
    throw corruptError(`${name} has no valid checkpoint.`);
  }
  const checkpoint = decode(second.frame, name);
  const live = new LiveState();
  live.restore(checkpoint.change, checkpoint.oldestHeight);
  const finality: StoredFinality[] = [];
  let state = { positions: checkpoint.positions, sequence: checkpoint.sequence, chain: second.frame.checksum.slice(), end: second.end };
  for (let result = scanner.next(); result.type !== "end"; result = scanner.next()) {
    if (result.type === "failure" && result.reason === "unknownVersion")
      throw versionError(`The record at byte ${result.offset} of ${name}`);
    if (result.type === "failure") break;
    const frame = decode(result.frame, name);
    if (result.frame.type !== FRAME_TYPES.save || frame.sequence !== state.sequence + 1) {
      throw corruptError(`${name}: the record at byte ${result.offset} is out of sequence.`);
    }
    checkContinuity(live.finalHeight, { frame, name });
    live.apply(frame.change);
    finality.push(...frame.change.finality);
    state = { positions: frame.positions, sequence: frame.sequence, chain: result.frame.checksum.slice(), end: result.end };
  }
  return { live, finality, checkpointEnd: second.end, ...state };
}

function decode(frame: Frame, name: string): JournalFrame {
  const decoded = decodeJournalFrame(frame.payload);
  if (decoded === "unknownVersion") throw versionError(`A safety record in ${name}`);
  if (decoded === "malformed") throw corruptError(`${name} holds a record that passes its checksum and cannot be decoded.`);
  return decoded;
}

function checkContinuity(finalHeight: Height, { frame, name }: { readonly frame: JournalFrame; readonly name: string }): void {
  let expected: number = finalHeight;
  for (const { entry } of frame.change.finality) {
    if (expected !== 0 && entry.height !== expected + 1)
      throw corruptError(`${name} skips from final height ${expected} to ${entry.height}.`);
    expected = entry.height;
  }
}

/** A torn tail is an unfinished last frame that was never acknowledged. Anything else is damage, or an old copy. */
function judgeTail(file: OpenFile, scan: JournalScan & { readonly acknowledged: number }): readonly string[] {
  const name = nameOf(file.path);
  const tornBytes = file.size - scan.end;
  if (tornBytes > 0 && containsFrame(file.read(scan.end, tornBytes))) {
    throw corruptError(`${name} is damaged at byte ${scan.end}, with valid records after it.`);
  }
  if (scan.sequence >= scan.acknowledged) {
    return tornBytes === 0 ? [] : [`${name}: cut off ${tornBytes} bytes of a save that was never acknowledged.`];
  }
  if (tornBytes > 0) {
    throw corruptError(
      `${name} is damaged at byte ${scan.end}: save ${scan.acknowledged} was acknowledged and only ${scan.sequence} are readable.`,
    );
  }
  throw rolledBackError(`${name} ends with save ${scan.sequence}, but save ${scan.acknowledged} was acknowledged.`);
}

/** R9: an old copy of the journal has forgotten what was signed. */
export function rolledBackError(what: string): StoreError {
  const message =
    `${what} The store is an old copy: what this key signed since then is forgotten, and signing again could contradict it. ` +
    "It is the operator's move: restore the newest copy of the directory. If it is gone, this key must never sign again: register a new key.";
  return new StoreError({ code: "rolledBack", message });
}
