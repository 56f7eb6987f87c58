/** Encoding of one operation-log entry: what executing a final block did, and the openings that executing it again needs.
 *
 *    version 3 | height 8 | block hash 32 | state root 32 | count 4 | per receipt: hash 32, code 2, operations 2, codes 2 each
 *              | count 4 | receipts of the bundle, alike
 *              | count 4 | per opening: 1 and seed 32, or 2, count 2 and per proven share: validator 2, share 32, proof 64
 *
 *  Written by hand because a block may carry 16,384 receipts and this is on the path of every final block. */

import type { OperationEntry } from "../replica/interface.ts";
import type { TransactionReceipt } from "../types/application.ts";
import { assert, unreachable } from "../types/assert.ts";
import { bytesEqual } from "../types/bytes.ts";
import { type BlockHash, Height, type StateRoot, type TransactionHash, ValidatorIndex } from "../types/ids.ts";
import { BLOCK_OPENINGS_MAX, BLOCK_TRANSACTIONS_MAX, BUNDLE_TRANSACTIONS_MAX, VALIDATORS_MAX } from "../types/limits.ts";
import { FAILED_SHARES_MAX } from "../types/opening_message.ts";
import { type Opening, type ProvenShare, SEALING_SIZES } from "../types/sealing.ts";
import { ByteReader, ByteWriter } from "./byte_io.ts";

export function encodeOperation(entry: OperationEntry): Uint8Array {
  assert(entry.receipts.length <= BLOCK_TRANSACTIONS_MAX, "a block has at most BLOCK_TRANSACTIONS_MAX receipts");
  assert(entry.openings.length <= BLOCK_OPENINGS_MAX, "a block has at most BLOCK_OPENINGS_MAX openings");
  assert(entry.bundleReceipts.length <= BUNDLE_TRANSACTIONS_MAX, "a bundle has at most BUNDLE_TRANSACTIONS_MAX receipts");
  const receiptCount = entry.receipts.length + entry.bundleReceipts.length;
  const writer = new ByteWriter(HEAD_BYTES + 4 + receiptCount * 40 + 4 + 4 + entry.openings.length * 33);
  writer.u8(OPERATION_VERSION).u64(entry.height).hash(entry.blockHash).hash(entry.stateRoot);
  writeReceipts(writer, entry.receipts);
  writeReceipts(writer, entry.bundleReceipts);
  writer.u32(entry.openings.length);
  for (const opening of entry.openings) writeOpening(writer, opening);
  return writer.finish();
}

/** Undefined when the bytes are no entry of this version. */
export function decodeOperation(payload: Uint8Array): OperationEntry | undefined {
  const reader = new ByteReader(payload);
  if (reader.u8() !== OPERATION_VERSION) return undefined;
  const height = Height.of(reader.u64());
  const blockHash = reader.hash<BlockHash>();
  const stateRoot = reader.hash<StateRoot>();
  const receipts = readReceipts(reader);
  const bundleReceipts = readReceipts(reader);
  const openings: Opening[] = [];
  for (let left = reader.u32(); left > 0 && !reader.isBroken; left--) {
    const opening = readOpening(reader);
    if (opening === undefined) return undefined;
    openings.push(opening);
  }
  return reader.isExhausted ? { height, blockHash, stateRoot, receipts, bundleReceipts, openings } : undefined;
}

/** Hash of the receipt at a place (receipt_places.ts), without decoding the others; undefined when there is none. */
export function receiptHashAt(payload: Uint8Array, index: number): TransactionHash | undefined {
  const reader = new ByteReader(payload);
  reader.skip(HEAD_BYTES);
  const count = reader.u32();
  skipReceipts(reader, Math.min(index, count));
  if (index >= count) {
    const position = index - count;
    if (position >= reader.u32()) return undefined;
    skipReceipts(reader, position);
  }
  const hash = reader.hash<TransactionHash>();
  return reader.isBroken ? undefined : hash;
}

/** Did both do the same? Any t proven shares show that an opening failed, so which of them were kept makes no difference. */
export function operationsEqual(left: OperationEntry, right: OperationEntry): boolean {
  return bytesEqual(encodeOperation(withoutProofs(left)), encodeOperation(withoutProofs(right)));
}

function withoutProofs(entry: OperationEntry): OperationEntry {
  return { ...entry, openings: entry.openings.map((opening) => (opening.type === "seed" ? opening : { type: "failed", shares: [] })) };
}

function writeReceipts(writer: ByteWriter, receipts: readonly TransactionReceipt[]): void {
  writer.u32(receipts.length);
  for (const receipt of receipts) {
    writer.hash(receipt.hash).u16(code(receipt.code)).u16(receipt.operationCodes.length);
    for (const operationCode of receipt.operationCodes) writer.u16(code(operationCode));
  }
}

function readReceipts(reader: ByteReader): readonly TransactionReceipt[] {
  const receipts: TransactionReceipt[] = [];
  for (let left = reader.u32(); left > 0 && !reader.isBroken; left--) {
    const hash = reader.hash<TransactionHash>();
    const receiptCode = reader.u16();
    const operationCodes: number[] = [];
    for (let codes = reader.u16(); codes > 0 && !reader.isBroken; codes--) operationCodes.push(reader.u16());
    receipts.push({ hash, code: receiptCode, operationCodes });
  }
  return receipts;
}

function skipReceipts(reader: ByteReader, count: number): void {
  for (let skipped = 0; skipped < count && !reader.isBroken; skipped++) {
    reader.skip(32 + 2);
    reader.skip(2 * reader.u16());
  }
}

function writeOpening(writer: ByteWriter, opening: Opening): void {
  switch (opening.type) {
    case "seed":
      assert(opening.seed.length === SEALING_SIZES.seed, "a seed has a fixed size");
      writer.u8(OPENING_TYPES.seed).bytes(opening.seed);
      return;
    case "failed":
      assert(opening.shares.length <= FAILED_SHARES_MAX, "a failed opening has at most FAILED_SHARES_MAX shares");
      writer.u8(OPENING_TYPES.failed).u16(opening.shares.length);
      for (const { validator, share, proof } of opening.shares) {
        assert(share.length === SEALING_SIZES.point && proof.length === SEALING_SIZES.proof, "a proven share has a fixed size");
        writer.u16(validator).bytes(share).bytes(proof);
      }
      return;
    default:
      return unreachable(opening);
  }
}

function readOpening(reader: ByteReader): Opening | undefined {
  const type = reader.u8();
  if (type === OPENING_TYPES.seed) return { type: "seed", seed: reader.bytes(SEALING_SIZES.seed) };
  if (type !== OPENING_TYPES.failed) return undefined;
  const shares: ProvenShare[] = [];
  for (let left = reader.u16(); left > 0 && !reader.isBroken; left--) {
    const validator = reader.u16();
    if (validator >= VALIDATORS_MAX) return undefined;
    const share = reader.bytes(SEALING_SIZES.point);
    shares.push({ validator: ValidatorIndex.of(validator), share, proof: reader.bytes(SEALING_SIZES.proof) });
  }
  return { type: "failed", shares };
}

const OPERATION_VERSION = 3;
const OPENING_TYPES = { seed: 1, failed: 2 } as const;
/** Before the receipts. */
const HEAD_BYTES = 1 + 8 + 32 + 32;

function code(value: number): number {
  assert(Number.isInteger(value) && value >= 0 && value < 65_536, "a result code fits two bytes");
  return value;
}
