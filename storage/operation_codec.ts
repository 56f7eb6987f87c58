/** Encoding of one operation-log entry: what executing a final block did.
 *
 *    version 1 | height 8 | block hash 32 | state root 32 | count 4 | per receipt: hash 32, code 2, operations 2, codes 2 each
 *
 *  Written by hand because a block may carry 16,384 receipts and this is on the path of every final block. */

import type { OperationEntry } from "../replica/interface.ts";
import type { TransactionReceipt } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import { bytesEqual } from "../types/bytes.ts";
import { type BlockHash, Height, type StateRoot, type TransactionHash } from "../types/ids.ts";
import { BLOCK_TRANSACTIONS_MAX } from "../types/limits.ts";
import { ByteReader, ByteWriter } from "./byte_io.ts";

export function encodeOperation(entry: OperationEntry): Uint8Array {
  assert(entry.receipts.length <= BLOCK_TRANSACTIONS_MAX, "a block has at most BLOCK_TRANSACTIONS_MAX receipts");
  const writer = new ByteWriter(HEAD_BYTES + entry.receipts.length * 40);
  writer.u8(OPERATION_VERSION).u64(entry.height).hash(entry.blockHash).hash(entry.stateRoot).u32(entry.receipts.length);
  for (const receipt of entry.receipts) {
    writer.hash(receipt.hash).u16(code(receipt.code)).u16(receipt.operationCodes.length);
    for (const operationCode of receipt.operationCodes) writer.u16(code(operationCode));
  }
  return writer.finish();
}

/** Undefined when the bytes are no entry of this version. */
export function decodeOperation(payload: Uint8Array): OperationEntry | undefined {
  const reader = new ByteReader(payload);
  if (reader.u8() !== OPERATION_VERSION) return undefined;
  const height = Height.of(reader.u64());
  const blockHash = reader.hash<BlockHash>();
  const stateRoot = reader.hash<StateRoot>();
  const receipts: TransactionReceipt[] = [];
  for (let left = reader.u32(); left > 0 && !reader.isBroken; left--) {
    const hash = reader.hash<TransactionHash>();
    const receiptCode = reader.u16();
    const operationCodes: number[] = [];
    for (let codes = reader.u16(); codes > 0 && !reader.isBroken; codes--) operationCodes.push(reader.u16());
    receipts.push({ hash, code: receiptCode, operationCodes });
  }
  return reader.isExhausted ? { height, blockHash, stateRoot, receipts } : undefined;
}

/** Hash of one receipt, without decoding the others; undefined when there is none. */
export function receiptHashAt(payload: Uint8Array, index: number): TransactionHash | undefined {
  const reader = new ByteReader(payload);
  reader.skip(HEAD_BYTES - 4);
  if (index >= reader.u32()) return undefined;
  for (let skipped = 0; skipped < index && !reader.isBroken; skipped++) {
    reader.skip(32 + 2);
    reader.skip(2 * reader.u16());
  }
  const hash = reader.hash<TransactionHash>();
  return reader.isBroken ? undefined : hash;
}

export function operationsEqual(left: OperationEntry, right: OperationEntry): boolean {
  return bytesEqual(encodeOperation(left), encodeOperation(right));
}

const OPERATION_VERSION = 1;
const HEAD_BYTES = 1 + 8 + 32 + 32 + 4;

function code(value: number): number {
  assert(Number.isInteger(value) && value >= 0 && value < 65_536, "a result code fits two bytes");
  return value;
}
