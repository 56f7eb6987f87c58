/** An append-only log in segment files, hash-chained from the first frame to the last, across segments.
 *
 *  What is *committed* (named by a synced journal frame) must be whole, or the store refuses to open. What lies beyond was
 *  never acknowledged, or can be derived again: it is cut off, or kept as far as it is valid, as the owner of the log says. */

import { assert } from "../types/assert.ts";
import { corruptError, versionError } from "./errors.ts";
import { type Files, nameOf, type OpenFile } from "./files.ts";
import { CHECKSUM_BYTES, checksumIn, decodeFrame, FRAME_TYPES, type FrameType, frameHeader } from "./frame.ts";
import { FrameScanner, type ScanResult } from "./frame_scanner.ts";
import { checkSegmentHeader, encodeSegmentHeader, type LogName, segmentName, segmentsAmong } from "./segment_header.ts";

/** The end of a log. */
export interface LogPosition {
  readonly segment: number;
  readonly length: number;
}

/** Where one frame stands; `length` includes the frame header. */
export interface FrameLocation {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

export interface LogOptions {
  readonly files: Files;
  readonly directory: string;
  readonly log: LogName;
  readonly frameType: FrameType;
  readonly storeId: Uint8Array;
  readonly segmentBytesMax: number;
  readonly openSegmentsMax: number;
}

export interface LogOpening {
  readonly committed: LogPosition;
  /** Read every sealed segment too, not only its header. */
  readonly verifiesAll: boolean;
  /** Called for each valid frame beyond `committed`; the first one that is not accepted is cut off with all after it. */
  readonly accept: (payload: Uint8Array, location: FrameLocation) => boolean;
}

export class SegmentedLog {
  readonly #options: LogOptions;
  readonly #readers = new Map<number, OpenFile>();
  #file: OpenFile;
  #segment: number;
  #chain: Uint8Array;
  #isDirty = false;

  private constructor(options: LogOptions, state: { readonly file: OpenFile; readonly segment: number; readonly chain: Uint8Array }) {
    this.#options = options;
    this.#file = state.file;
    this.#segment = state.segment;
    this.#chain = state.chain;
  }

  /** Creates the first segment. The caller syncs the directory. */
  static create(options: LogOptions): SegmentedLog {
    const start = createSegment(options, { segment: 1, chain: new Uint8Array(CHECKSUM_BYTES), previousLength: 0 });
    return new SegmentedLog(options, { ...start, segment: 1 });
  }

  static open(options: LogOptions, opening: LogOpening): { readonly log: SegmentedLog; readonly cutBytes: number } {
    const { files, directory } = options;
    const { committed } = opening;
    const present = segmentsAmong(files.list(directory), options.log);
    for (let segment = 1; segment <= committed.segment; segment++) {
      if (!present.includes(segment)) throw corruptError(`Segment ${segmentName(options.log, segment)} is missing.`);
    }
    let chain = opening.verifiesAll ? new Uint8Array(CHECKSUM_BYTES) : undefined;
    let previousLength: number | undefined = opening.verifiesAll ? 0 : undefined;
    for (let segment = 1; segment < committed.segment; segment++) {
      const sealed = checkSealed(options, { segment, chain, previousLength, verifiesAll: opening.verifiesAll });
      chain = sealed.chain;
      previousLength = sealed.length;
    }
    const tail = openTail(options, { opening, chain, previousLength });
    let cutBytes = tail.cutBytes;
    for (const segment of present.filter((candidate) => candidate > tail.segment).reverse()) {
      const path = `${directory}/${segmentName(options.log, segment)}`;
      cutBytes += sizeOf(files, path);
      files.remove(path);
    }
    return { log: new SegmentedLog(options, tail), cutBytes };
  }

  get end(): LogPosition {
    return { segment: this.#segment, length: this.#file.size };
  }

  /** Appends one frame per payload (given in parts) with a single write. Not durable until `sync`. */
  append(payloads: readonly (readonly Uint8Array[])[]): FrameLocation[] {
    if (this.#file.size >= this.#options.segmentBytesMax) this.rotate();
    const parts: Uint8Array[] = [];
    const locations: FrameLocation[] = [];
    let offset = this.#file.size;
    for (const payload of payloads) {
      const header = frameHeader({ type: this.#options.frameType, previous: this.#chain, parts: payload });
      this.#chain = checksumIn(header);
      parts.push(header, ...payload);
      const length = payload.reduce((sum, part) => sum + part.length, header.length);
      locations.push({ segment: this.#segment, offset, length });
      offset += length;
    }
    this.#isDirty = true;
    this.#file.append(parts);
    assert(this.#file.size === offset, "the file grew by what was appended");
    return locations;
  }

  sync(): void {
    if (!this.#isDirty) return;
    this.#file.sync();
    this.#isDirty = false;
  }

  /** Seals the current segment and starts the next one, both durable. */
  rotate(): void {
    this.sync();
    const next = createSegment(this.#options, { segment: this.#segment + 1, chain: this.#chain, previousLength: this.#file.size });
    this.#options.files.syncDirectory(this.#options.directory);
    this.#file.close();
    this.#segment += 1;
    this.#file = next.file;
    this.#chain = next.chain;
  }

  /** The payload of a frame, checked. Throws StoreError "corrupt" when the disk gives back something else. */
  read(location: FrameLocation): Uint8Array {
    const file = location.segment === this.#segment ? this.#file : this.#reader(location.segment);
    const frame = decodeFrame(file.read(location.offset, location.length));
    if (frame === "unknownVersion") throw versionError(`A record in ${nameOf(file.path)}`);
    if (frame === "damaged" || frame.type !== this.#options.frameType) {
      throw corruptError(`${nameOf(file.path)}: the record at byte ${location.offset} is damaged.`);
    }
    return frame.payload;
  }

  /** All frames from `from` (inclusive) on, in order; for rebuilding what is derived from the log. */
  *frames(from: LogPosition): Generator<{ readonly location: FrameLocation; readonly payload: Uint8Array }> {
    for (let segment = from.segment; segment <= this.#segment; segment++) {
      const file = segment === this.#segment ? this.#file : this.#reader(segment);
      const scanner = new FrameScanner(file, { from: 0, limit: file.size, chain: undefined });
      for (let result = scanner.next(); result.type !== "end"; result = scanner.next()) {
        if (result.type === "failure") throw failureOf(file.path, result);
        const isWanted = result.frame.type === this.#options.frameType && (segment > from.segment || result.offset >= from.length);
        const location = { segment, offset: result.offset, length: result.end - result.offset };
        if (isWanted) yield { location, payload: result.frame.payload };
      }
    }
  }

  close(): void {
    this.#file.close();
    for (const file of this.#readers.values()) file.close();
    this.#readers.clear();
  }

  #reader(segment: number): OpenFile {
    const known = this.#readers.get(segment);
    if (known !== undefined) return known;
    const path = `${this.#options.directory}/${segmentName(this.#options.log, segment)}`;
    if (!this.#options.files.exists(path)) throw corruptError(`Segment ${nameOf(path)} is missing.`);
    const [oldest] = this.#readers.keys();
    if (oldest !== undefined && this.#readers.size >= this.#options.openSegmentsMax) {
      this.#readers.get(oldest)?.close();
      this.#readers.delete(oldest);
    }
    const file = this.#options.files.open(path);
    this.#readers.set(segment, file);
    return file;
  }
}

interface SegmentStart {
  readonly segment: number;
  readonly chain: Uint8Array;
  readonly previousLength: number;
}

function createSegment(options: LogOptions, start: SegmentStart): { readonly file: OpenFile; readonly chain: Uint8Array } {
  const payload = encodeSegmentHeader({ log: options.log, storeId: options.storeId, ...start });
  const header = frameHeader({ type: FRAME_TYPES.segment, previous: start.chain, parts: [payload] });
  const file = options.files.create(`${options.directory}/${segmentName(options.log, start.segment)}`);
  file.append([header, payload]);
  file.sync();
  return { file, chain: checksumIn(header) };
}

/** Checks a sealed segment: always its header, and with `verifiesAll` every frame. Gives what the next header must say. */
function checkSealed(
  options: LogOptions,
  expected: {
    readonly segment: number;
    readonly chain: Uint8Array | undefined;
    readonly previousLength: number | undefined;
    readonly verifiesAll: boolean;
  },
): { readonly chain: Uint8Array<ArrayBuffer> | undefined; readonly length: number } {
  const file = options.files.open(`${options.directory}/${segmentName(options.log, expected.segment)}`);
  try {
    const scanner = new FrameScanner(file, { from: 0, limit: file.size, chain: expected.chain });
    let chain = checkHeader(options, { ...expected, file, result: scanner.next() });
    if (!expected.verifiesAll) return { chain: undefined, length: file.size };
    for (let result = scanner.next(); result.type !== "end"; result = scanner.next()) {
      if (result.type === "failure") throw failureOf(file.path, result);
      chain = result.frame.checksum.slice();
    }
    return { chain, length: file.size };
  } finally {
    file.close();
  }
}

function checkHeader(
  options: LogOptions,
  expected: {
    readonly file: OpenFile;
    readonly segment: number;
    readonly previousLength: number | undefined;
    readonly result: ScanResult;
  },
): Uint8Array<ArrayBuffer> {
  const { file, result } = expected;
  if (result.type === "failure") throw failureOf(file.path, result);
  const length =
    result.type === "end"
      ? undefined
      : checkSegmentHeader(result.frame, { log: options.log, segment: expected.segment, storeId: options.storeId });
  if (result.type === "end" || length === undefined) throw corruptError(`${nameOf(file.path)} is not a segment of this store.`);
  if (expected.previousLength !== undefined && length !== expected.previousLength) {
    throw corruptError(`${nameOf(file.path)}: the segment before it has ${expected.previousLength} bytes and should have ${length}.`);
  }
  return result.frame.checksum.slice();
}

interface Tail {
  readonly file: OpenFile;
  readonly segment: number;
  readonly chain: Uint8Array;
  readonly cutBytes: number;
}

/** Checks the committed part of the last committed segment, then follows the log as far as frames are accepted. */
function openTail(
  options: LogOptions,
  start: { readonly opening: LogOpening; readonly chain: Uint8Array | undefined; readonly previousLength: number | undefined },
): Tail {
  const { committed, accept } = start.opening;
  let segment = committed.segment;
  let file = options.files.open(`${options.directory}/${segmentName(options.log, segment)}`);
  if (file.size < committed.length) {
    file.close();
    throw corruptError(`${nameOf(file.path)} has ${file.size} bytes where the journal has acknowledged ${committed.length}.`);
  }
  const strict = new FrameScanner(file, { from: 0, limit: committed.length, chain: start.chain });
  let chain = checkHeader(options, { file, segment, previousLength: start.previousLength, result: strict.next() });
  for (let result = strict.next(); result.type !== "end"; result = strict.next()) {
    if (result.type === "failure") throw failureOf(file.path, result);
    chain = result.frame.checksum.slice();
  }
  let keptLength = committed.length;
  for (;;) {
    const followed = follow(file, { options, segment, from: keptLength, chain, accept });
    keptLength = followed.end;
    chain = followed.chain;
    const next = followed.isComplete ? openNext(options, { segment: segment + 1, chain, previousLength: keptLength }) : undefined;
    if (next === undefined) break;
    file.close();
    segment += 1;
    file = next.file;
    chain = next.chain;
    keptLength = next.length;
  }
  const cutBytes = file.size - keptLength;
  if (cutBytes > 0) file.truncate(keptLength);
  file.sync();
  return { file, segment, chain, cutBytes };
}

function follow(
  file: OpenFile,
  start: {
    readonly options: LogOptions;
    readonly segment: number;
    readonly from: number;
    readonly chain: Uint8Array<ArrayBuffer>;
    readonly accept: LogOpening["accept"];
  },
): { readonly end: number; readonly chain: Uint8Array<ArrayBuffer>; readonly isComplete: boolean } {
  let { chain, from: end } = start;
  const scanner = new FrameScanner(file, { from: end, limit: file.size, chain });
  for (let result = scanner.next(); ; result = scanner.next()) {
    if (result.type !== "frame") return { end, chain, isComplete: result.type === "end" };
    const location = { segment: start.segment, offset: result.offset, length: result.end - result.offset };
    const isAccepted = result.frame.type === start.options.frameType && start.accept(result.frame.payload, location);
    if (!isAccepted) return { end, chain, isComplete: false };
    chain = result.frame.checksum.slice();
    end = result.end;
  }
}

function openNext(
  options: LogOptions,
  expected: SegmentStart,
): { readonly file: OpenFile; readonly chain: Uint8Array<ArrayBuffer>; readonly length: number } | undefined {
  const path = `${options.directory}/${segmentName(options.log, expected.segment)}`;
  if (!options.files.exists(path)) return undefined;
  const file = options.files.open(path);
  const result = new FrameScanner(file, { from: 0, limit: file.size, chain: expected.chain }).next();
  const isHeader =
    result.type === "frame" &&
    checkSegmentHeader(result.frame, { log: options.log, segment: expected.segment, storeId: options.storeId }) === expected.previousLength;
  if (isHeader) return { file, chain: result.frame.checksum.slice(), length: result.end };
  file.close();
  return undefined;
}

function failureOf(path: string, failure: ScanResult & { readonly type: "failure" }): Error {
  const where = `${nameOf(path)}: the record at byte ${failure.offset}`;
  if (failure.reason === "unknownVersion") return versionError(where);
  return corruptError(failure.reason === "broken" ? `${where} does not follow the one before it.` : `${where} is damaged.`);
}

function sizeOf(files: Files, path: string): number {
  const file = files.open(path);
  const { size } = file;
  file.close();
  return size;
}
