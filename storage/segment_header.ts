/** The first frame of every segment file: which log, which segment, whose store, how long the segment before is. */

import { bytesEqual } from "../types/bytes.ts";
import { ByteReader, ByteWriter } from "./byte_io.ts";
import { FRAME_HEADER_BYTES, FRAME_TYPES, type Frame } from "./frame.ts";

/** The kinds are part of the file format. */
export const LOG_KINDS = { journal: 1, blocks: 2, finality: 3, operations: 4, evidence: 5 } as const;
export type LogName = keyof typeof LOG_KINDS;

export interface SegmentHeader {
  readonly log: LogName;
  readonly segment: number;
  /** 16 random bytes drawn when the store was created: files of two stores never mix. */
  readonly storeId: Uint8Array;
  /** Bytes of the segment before; 0 for the first. */
  readonly previousLength: number;
}

export const STORE_ID_BYTES = 16;
const PAYLOAD_BYTES = 1 + 4 + STORE_ID_BYTES + 8;
export const SEGMENT_HEADER_BYTES = FRAME_HEADER_BYTES + PAYLOAD_BYTES;

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  return new ByteWriter(PAYLOAD_BYTES)
    .u8(LOG_KINDS[header.log])
    .u32(header.segment)
    .bytes(header.storeId)
    .u64(header.previousLength)
    .finish();
}

/** The previous segment's length, or undefined when the frame is not the header that was expected here. */
export function checkSegmentHeader(frame: Frame, expected: Omit<SegmentHeader, "previousLength">): number | undefined {
  if (frame.type !== FRAME_TYPES.segment || frame.payload.length !== PAYLOAD_BYTES) return undefined;
  const reader = new ByteReader(frame.payload);
  const isExpected =
    reader.u8() === LOG_KINDS[expected.log] &&
    reader.u32() === expected.segment &&
    bytesEqual(reader.bytes(STORE_ID_BYTES), expected.storeId);
  return isExpected ? reader.u64() : undefined;
}

export function segmentName(log: LogName, segment: number): string {
  return `${log}-${String(segment).padStart(8, "0")}.log`;
}

/** Segment numbers of a log among `names`, ascending. */
export function segmentsAmong(names: readonly string[], log: LogName): number[] {
  const found: number[] = [];
  for (const name of names) {
    const match = SEGMENT_NAME.exec(name);
    if (match !== null && match[1] === log) found.push(Number(match[2]));
  }
  return found.sort((left, right) => left - right);
}

const SEGMENT_NAME = /^([a-z]+)-(\d{8})\.log$/;
