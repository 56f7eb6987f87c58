/** Record framing of every file of the store: 44 bytes of header, then the payload.
 *
 *    magic 0..4 | format 4 | type 5 | zero 6..8 | length 8..12 | previous 12..28 | checksum 28..44 | payload
 *
 *  `checksum` is the first 16 bytes of SHA-256 over header bytes 0..28 and the payload; `previous` is the checksum of the
 *  frame before, so that a log is a hash chain. A frame proves itself, a scan proves the order. */

import { createHash } from "node:crypto";
import { bytesEqual } from "../types/bytes.ts";

export const FRAME_HEADER_BYTES = 44;
export const CHECKSUM_BYTES = 16;
/** Larger than any block or batch of records. A length beyond it is damage. */
export const FRAME_PAYLOAD_BYTES_MAX = 64 * 1024 * 1024;
export const STORE_FORMAT = 3;

export const FRAME_TYPES = {
  segment: 1,
  save: 2,
  checkpoint: 3,
  block: 4,
  finality: 5,
  operation: 6,
  evidence: 7,
  snapshot: 8,
  counter: 9,
} as const;
export type FrameType = (typeof FRAME_TYPES)[keyof typeof FRAME_TYPES];

export interface Frame {
  readonly type: number;
  readonly previous: Uint8Array;
  readonly checksum: Uint8Array;
  readonly payload: Uint8Array;
}

export interface FrameHead {
  readonly type: number;
  readonly payloadLength: number;
}

export type FrameFailure = "damaged" | "unknownVersion";

/** Header and checksum for a payload given in parts, so that large payloads are never copied. */
export function frameHeader(options: {
  readonly type: FrameType;
  readonly previous: Uint8Array;
  readonly parts: readonly Uint8Array[];
}): Uint8Array {
  let length = 0;
  for (const part of options.parts) length += part.length;
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(header.buffer);
  header.set(MAGIC);
  view.setUint8(4, STORE_FORMAT);
  view.setUint8(5, options.type);
  view.setUint32(8, length, true);
  header.set(options.previous, 12);
  header.set(checksumOf(header, options.parts), CHECKSUM_OFFSET);
  return header;
}

export function checksumIn(header: Uint8Array): Uint8Array {
  return header.subarray(CHECKSUM_OFFSET, FRAME_HEADER_BYTES);
}

/** Reads what the header claims; undefined when these bytes are no frame header. */
export function frameHead(header: Uint8Array): FrameHead | undefined {
  if (header.length < FRAME_HEADER_BYTES || !bytesEqual(header.subarray(0, 4), MAGIC)) return undefined;
  const payloadLength = new DataView(header.buffer, header.byteOffset).getUint32(8, true);
  return payloadLength > FRAME_PAYLOAD_BYTES_MAX ? undefined : { type: header[5] as number, payloadLength };
}

/** Checks a whole frame (header and payload, nothing more). */
export function decodeFrame(bytes: Uint8Array): Frame | FrameFailure {
  const head = frameHead(bytes);
  if (head === undefined || bytes.length !== FRAME_HEADER_BYTES + head.payloadLength) return "damaged";
  const payload = bytes.subarray(FRAME_HEADER_BYTES);
  if (!bytesEqual(checksumOf(bytes, [payload]), checksumIn(bytes))) return "damaged";
  if (bytes[4] !== STORE_FORMAT || bytes[6] !== 0 || bytes[7] !== 0) return "unknownVersion";
  return { type: head.type, previous: bytes.subarray(12, 28), checksum: bytes.subarray(28, 44), payload };
}

/** Is there a whole, valid frame anywhere in `bytes`? Tells a torn tail from damage in the middle. */
export function containsFrame(bytes: Uint8Array): boolean {
  for (let offset = bytes.indexOf(MAGIC[0] as number); offset >= 0; offset = bytes.indexOf(MAGIC[0] as number, offset + 1)) {
    const head = frameHead(bytes.subarray(offset, offset + FRAME_HEADER_BYTES));
    if (head === undefined) continue;
    const end = offset + FRAME_HEADER_BYTES + head.payloadLength;
    if (end <= bytes.length && decodeFrame(bytes.subarray(offset, end)) !== "damaged") return true;
  }
  return false;
}

const MAGIC = Uint8Array.of(0xf5, 0x53, 0x4c, 0x53);
const CHECKSUM_OFFSET = 28;

function checksumOf(header: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256").update(header.subarray(0, CHECKSUM_OFFSET));
  for (const part of parts) hash.update(part);
  return hash.digest().subarray(0, CHECKSUM_BYTES);
}
