/** Ledger transactions to and from bytes, for clients and auditor: written from the documented layout (types/transaction.ts) with
 *  DataView, an order of magnitude faster than the general codec, and sharing no code with the parser that validators use. Tests
 *  hold both directions to the codec. Never judges what a transaction means. */

import { fromHex, toHex } from "../../types/bytes.ts";
import { type AccountId, type ChainId, Height } from "../../types/ids.ts";
import { TRANSACTION_BYTES_MAX, TRANSACTION_OPERATIONS_MAX } from "../../types/limits.ts";
import { TAGS } from "../../types/signing.ts";
import { OPERATION_BYTES, type Operation, type TransactionPayload } from "../../types/transaction.ts";

export const SIGNATURE_AT = 5;
const VERSION = 1;
const PAYLOAD_AT = 69;
const OPERATIONS_AT = PAYLOAD_AT + 92;
const TAG_BYTES = TAGS.transaction.length;

/** A transaction's bytes; `sign` gets the message that the sender signs. */
export function encodeTransaction(payload: TransactionPayload, sign: (message: Uint8Array) => Uint8Array): Uint8Array {
  const bytes = new Uint8Array(OPERATIONS_AT + OPERATION_BYTES * payload.operations.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = VERSION;
  view.setUint32(1, PAYLOAD_AT - 1, true);
  bytes.set(fromHex(payload.chainId), PAYLOAD_AT);
  bytes.set(fromHex(payload.sender), PAYLOAD_AT + 32);
  writeInteger(view, PAYLOAD_AT + 64, payload.nonce);
  writeInteger(view, PAYLOAD_AT + 72, payload.expiryHeight);
  view.setBigUint64(PAYLOAD_AT + 80, payload.feeMax, true);
  view.setUint32(PAYLOAD_AT + 88, OPERATIONS_AT - PAYLOAD_AT, true);
  for (const [index, operation] of payload.operations.entries()) writeOperation(view, OPERATIONS_AT + index * OPERATION_BYTES, operation);
  bytes.set(sign(messageOf(bytes)), SIGNATURE_AT);
  return bytes;
}

/** What the sender of these bytes signed: tag ‖ payload version ‖ payload. The bytes must be as long as a payload's head. */
export function messageOf(bytes: Uint8Array): Uint8Array {
  const message = new Uint8Array(TAG_BYTES + 1 + bytes.length - PAYLOAD_AT);
  message.set(TAGS.transaction);
  message[TAG_BYTES] = VERSION;
  message.set(bytes.subarray(PAYLOAD_AT), TAG_BYTES + 1);
  return message;
}

export interface ReadTransaction {
  readonly payload: TransactionPayload;
  readonly signature: Uint8Array;
}

/** The transaction in these bytes; undefined when they are not exactly one well-formed transaction. */
export function readTransaction(bytes: Uint8Array): ReadTransaction | undefined {
  const operationsBytes = bytes.length - OPERATIONS_AT;
  const count = operationsBytes / OPERATION_BYTES;
  if (bytes.length > TRANSACTION_BYTES_MAX || !Number.isInteger(count) || count < 1 || count > TRANSACTION_OPERATIONS_MAX) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isFramed = bytes[0] === VERSION && view.getUint32(1, true) === PAYLOAD_AT - 1;
  if (!isFramed || view.getUint32(PAYLOAD_AT + 88, true) !== OPERATIONS_AT - PAYLOAD_AT) return undefined;
  const nonce = readInteger(view, PAYLOAD_AT + 64);
  const expiryHeight = readInteger(view, PAYLOAD_AT + 72);
  if (!Number.isSafeInteger(nonce) || !Number.isSafeInteger(expiryHeight)) return undefined;
  const operations: Operation[] = [];
  for (let at = OPERATIONS_AT; at < bytes.length; at += OPERATION_BYTES) {
    const operation = readOperation(bytes, view, at);
    if (!Number.isSafeInteger(operation.reference)) return undefined;
    operations.push(operation);
  }
  const payload = {
    chainId: toHex<ChainId>(bytes.subarray(PAYLOAD_AT, PAYLOAD_AT + 32)),
    sender: toHex<AccountId>(bytes.subarray(PAYLOAD_AT + 32, PAYLOAD_AT + 64)),
    nonce,
    expiryHeight: Height.of(expiryHeight),
    feeMax: view.getBigUint64(PAYLOAD_AT + 80, true),
    operations,
  };
  return { payload, signature: bytes.slice(SIGNATURE_AT, PAYLOAD_AT) };
}

function writeOperation(view: DataView, at: number, operation: Operation): void {
  view.setUint8(at, operation.kind);
  view.setUint8(at + 1, operation.flags);
  view.setUint16(at + 2, operation.index, true);
  view.setUint32(at + 4, operation.asset, true);
  new Uint8Array(view.buffer).set(fromHex(operation.account), at + 8);
  view.setBigUint64(at + 40, BigInt.asUintN(64, operation.amount), true);
  view.setBigUint64(at + 48, operation.amount >> 64n, true);
  writeInteger(view, at + 56, operation.reference);
}

function readOperation(bytes: Uint8Array, view: DataView, at: number): Operation {
  return {
    kind: view.getUint8(at),
    flags: view.getUint8(at + 1),
    index: view.getUint16(at + 2, true),
    asset: view.getUint32(at + 4, true),
    account: toHex<AccountId>(bytes.subarray(at + 8, at + 40)),
    amount: view.getBigUint64(at + 40, true) + (view.getBigUint64(at + 48, true) << 64n),
    reference: readInteger(view, at + 56),
  };
}

function writeInteger(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

/** Rounded from 2^53 on, where it is no safe integer any more. */
function readInteger(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}
