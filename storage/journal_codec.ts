/** Payloads of the journal: what one save added, or (checkpoint) everything that is live.
 *
 *    version 2 | sequence 8 | positions | operationHeight 8 | oldestHeight 8 | records | finality | blocks | shares
 *
 *  Records are kept in their own versioned encoding: a record of an unknown version is refused, never guessed (failure 3). */

import type { FinalityEntry, StoredShares } from "../replica/interface.ts";
import { assert } from "../types/assert.ts";
import { type BlockHash, Height, View } from "../types/ids.ts";
import { type SafetyRecord, safetyRecordCodec } from "../types/safety_record.ts";
import { CERTIFICATE_BYTES, certificateCodec } from "../types/vote.ts";
import { ByteReader, ByteWriter } from "./byte_io.ts";
import { BLOCK_SHARES_BYTES_MAX } from "./limits.ts";
import type { JournalChange, StoredBlock, StoredFinality } from "./live_state.ts";
import type { FrameLocation, LogPosition } from "./segmented_log.ts";

/** How far each log must reach for this frame to be true. `finality` and `operations`: synced this far, may reach farther. */
export interface LogPositions {
  readonly blocks: LogPosition;
  readonly evidence: LogPosition;
  readonly finality: LogPosition;
  readonly operations: LogPosition;
  /** Height of the last operation at `operations`; 0 when there is none. */
  readonly operationHeight: Height;
}

export interface JournalFrame {
  /** Counts the journal frames of this store from 0; the counter file holds the last acknowledged one. */
  readonly sequence: number;
  readonly positions: LogPositions;
  readonly oldestHeight: Height;
  readonly change: JournalChange;
}

export type JournalDecodeFailure = "unknownVersion" | "malformed";

export function encodeJournalFrame(frame: JournalFrame): Uint8Array {
  const { positions, change } = frame;
  const writer = new ByteWriter(512);
  writer.u8(JOURNAL_VERSION).u64(frame.sequence);
  for (const name of POSITION_NAMES) writer.u32(positions[name].segment).u64(positions[name].length);
  writer.u64(positions.operationHeight).u64(frame.oldestHeight);
  writer.u32(change.records.length);
  for (const record of change.records) {
    const bytes = safetyRecordCodec.encode(record);
    writer.u32(bytes.length).bytes(bytes);
  }
  writer.u32(change.finality.length);
  for (const stored of change.finality) writeFinality(writer, stored);
  writer.u32(change.blocks.length);
  for (const block of change.blocks) writeLocation(writer.hash(block.blockHash).u64(block.height), block.location);
  writer.u32(change.shares.length);
  for (const { blockHash, height, shares } of change.shares) writer.hash(blockHash).u64(height).u32(shares.length).bytes(shares);
  return writer.finish();
}

export function decodeJournalFrame(payload: Uint8Array): JournalFrame | JournalDecodeFailure {
  const reader = new ByteReader(payload);
  if (reader.u8() !== JOURNAL_VERSION) return "unknownVersion";
  const sequence = reader.u64();
  const [blocks, finality, operations, evidence] = POSITION_NAMES.map(() => ({ segment: reader.u32(), length: reader.u64() }));
  const operationHeight = Height.of(reader.u64());
  const oldestHeight = Height.of(reader.u64());
  const records: SafetyRecord[] = [];
  for (let left = reader.u32(); left > 0 && !reader.isBroken; left--) {
    const decoded = safetyRecordCodec.decode(reader.bytes(reader.u32()));
    if (!decoded.ok) return decoded.reason === "unknownVersion" ? "unknownVersion" : "malformed";
    records.push(decoded.value);
  }
  const finalityEntries: StoredFinality[] = [];
  for (let left = reader.u32(); left > 0 && !reader.isBroken; left--) {
    const stored = readFinality(reader);
    if (stored === undefined) return "malformed";
    finalityEntries.push(stored);
  }
  const storedBlocks: StoredBlock[] = [];
  for (let left = reader.u32(); left > 0 && !reader.isBroken; left--) {
    storedBlocks.push({ blockHash: reader.hash<BlockHash>(), height: Height.of(reader.u64()), location: readLocation(reader) });
  }
  const shares = readShares(reader);
  if (shares === undefined || !reader.isExhausted) return "malformed";
  if (blocks === undefined || finality === undefined || operations === undefined || evidence === undefined) return "malformed";
  const positions = { blocks, finality, operations, evidence, operationHeight };
  return { sequence, positions, oldestHeight, change: { records, finality: finalityEntries, blocks: storedBlocks, shares } };
}

/** One final height in a fixed number of bytes, so that a height's place in the finality log is arithmetic. */
export const FINALITY_BYTES = 8 + 32 + 8 + 16 + 1 + CERTIFICATE_BYTES;

export function encodeFinality(stored: StoredFinality): Uint8Array {
  return writeFinality(new ByteWriter(FINALITY_BYTES), stored).finish();
}

export function decodeFinality(payload: Uint8Array): StoredFinality | undefined {
  const reader = new ByteReader(payload);
  const stored = readFinality(reader);
  return reader.isExhausted ? stored : undefined;
}

const JOURNAL_VERSION = 2;
const POSITION_NAMES = ["blocks", "finality", "operations", "evidence"] as const;

function writeFinality(writer: ByteWriter, { entry, block }: StoredFinality): ByteWriter {
  const certificate = certificateCodec.encode(entry.certificate);
  assert(certificate.length === 1 + CERTIFICATE_BYTES, "an encoded certificate has a fixed size");
  return writeLocation(writer.u64(entry.height).hash(entry.blockHash).u64(entry.view), block).bytes(certificate);
}

function readFinality(reader: ByteReader): StoredFinality | undefined {
  const height = Height.of(reader.u64());
  const blockHash = reader.hash<BlockHash>();
  const view = View.of(reader.u64());
  const block = readLocation(reader);
  const decoded = certificateCodec.decode(reader.bytes(1 + CERTIFICATE_BYTES));
  if (!decoded.ok) return undefined;
  const entry: FinalityEntry = { height, blockHash, view, certificate: decoded.value };
  return { entry, block };
}

function readShares(reader: ByteReader): readonly StoredShares[] | undefined {
  const entries: StoredShares[] = [];
  for (let left = reader.u32(); left > 0 && !reader.isBroken; left--) {
    const blockHash = reader.hash<BlockHash>();
    const height = Height.of(reader.u64());
    const length = reader.u32();
    if (length > BLOCK_SHARES_BYTES_MAX) return undefined;
    // A copy: live shares must not keep the journal's whole read buffer in memory.
    entries.push({ blockHash, height, shares: reader.bytes(length).slice() });
  }
  return entries;
}

function writeLocation(writer: ByteWriter, location: FrameLocation): ByteWriter {
  return writer.u32(location.segment).u64(location.offset).u32(location.length);
}

function readLocation(reader: ByteReader): FrameLocation {
  return { segment: reader.u32(), offset: reader.u64(), length: reader.u32() };
}
