/** Reads the frames of one file in order through a window of bounded size, so that scanning a long segment costs no memory. */

import { bytesEqual } from "../types/bytes.ts";
import type { OpenFile } from "./files.ts";
import { decodeFrame, FRAME_HEADER_BYTES, type Frame, type FrameFailure, frameHead } from "./frame.ts";

/** broken: the frame proves itself but does not follow the one before (another log's frame, or one is missing). */
export type ScanResult =
  | { readonly type: "frame"; readonly frame: Frame; readonly offset: number; readonly end: number }
  | { readonly type: "end"; readonly offset: number }
  | { readonly type: "failure"; readonly reason: FrameFailure | "broken"; readonly offset: number };

export class FrameScanner {
  readonly #file: OpenFile;
  readonly #limit: number;
  #offset: number;
  #chain: Uint8Array | undefined;
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;

  /** Scans bytes `from` to `limit`. `chain` is the checksum before the first frame; undefined accepts any. */
  constructor(file: OpenFile, options: { readonly from: number; readonly limit: number; readonly chain: Uint8Array | undefined }) {
    this.#file = file;
    this.#offset = options.from;
    this.#limit = options.limit;
    this.#chain = options.chain;
  }

  next(): ScanResult {
    const offset = this.#offset;
    if (offset === this.#limit) return { type: "end", offset };
    const head = frameHead(this.#view(offset, FRAME_HEADER_BYTES));
    if (head === undefined) return { type: "failure", reason: "damaged", offset };
    const length = FRAME_HEADER_BYTES + head.payloadLength;
    const frame = offset + length > this.#limit ? "damaged" : decodeFrame(this.#view(offset, length));
    if (typeof frame === "string") return { type: "failure", reason: frame, offset };
    if (this.#chain !== undefined && !bytesEqual(frame.previous, this.#chain)) return { type: "failure", reason: "broken", offset };
    this.#chain = frame.checksum.slice();
    this.#offset = offset + length;
    return { type: "frame", frame, offset, end: this.#offset };
  }

  #view(offset: number, length: number): Uint8Array {
    const isInside = offset >= this.#windowStart && offset + length <= this.#windowStart + this.#window.length;
    if (!isInside) {
      this.#window = this.#file.read(offset, Math.min(Math.max(length, WINDOW_BYTES), this.#limit - offset));
      this.#windowStart = offset;
    }
    return this.#window.subarray(offset - this.#windowStart, offset - this.#windowStart + length);
  }
}

const WINDOW_BYTES = 256 * 1024;
