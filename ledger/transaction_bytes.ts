/** Open transactions straight from their bytes (L11): strict parsing with the same acceptance as `signedTransactionCodec.decode`.
 *  Offsets are those that types/transaction.ts documents; tests hold them to the codec.
 *
 *  Encoding: version 1 at 0, offset of the payload (68) at 1, signature at 5, payload at 69. Payload: chain id 0, sender 32, nonce 64,
 *  expiry height 72, feeMax 80, offset of the operations (92) at 88, operations at 92, 64 bytes each. */

import { hashTransaction } from "../crypto/hashes.ts";
import { type ParsedTransaction, type ParseResult, type Refusal, TRANSACTION_KINDS } from "../types/application.ts";
import { plainBytes, toHex } from "../types/bytes.ts";
import { Height } from "../types/ids.ts";
import { TRANSACTION_BYTES_MAX, TRANSACTION_OPERATIONS_MAX } from "../types/limits.ts";
import { transactionSigningBytes } from "../types/signing.ts";
import { OPERATION_BYTES, signedTransactionCodec, transactionPayloadCodec } from "../types/transaction.ts";

/** Where the payload begins, and its operations. */
export const PAYLOAD_AT = 69;
export const OPERATIONS_AT = PAYLOAD_AT + 92;

const SIGNATURE_AT = 5;
const SENDER_AT = PAYLOAD_AT + 32;
const NONCE_AT = PAYLOAD_AT + 64;
const EXPIRY_AT = PAYLOAD_AT + 72;
const OPERATIONS_OFFSET_AT = PAYLOAD_AT + 88;
const REFERENCE_IN_OPERATION = 56;
/** High word of the largest safe integer. */
const SAFE_HIGH_MAX = 0x1f_ffff;

/** Words of the payload, and of an operation within it. */
export const PAYLOAD = { chainId: 0, sender: 8, nonce: 16, expiryHeight: 18, feeMax: 20, operations: 23 } as const;
export const OPERATION = { head: 0, asset: 1, account: 2, amount: 10, reference: 14, words: OPERATION_BYTES / 4 } as const;

const refuse = (code: string, advice: string): ParseResult => {
  const refusal: Refusal = { code, canRetry: false, advice };
  return { ok: false, refusal };
};

const REFUSALS = {
  empty: refuse("empty", "The body is empty. Send one encoded SignedTransaction."),
  oversize: refuse("oversize", `A transaction has at most ${TRANSACTION_BYTES_MAX} bytes.`),
  unknownVersion: refuse(
    "unknownVersion",
    `The first byte must be ${TRANSACTION_KINDS.open} (open) or ${TRANSACTION_KINDS.sealed} (sealed).`,
  ),
  malformed: refuse("malformed", "The bytes are not an encoded SignedTransaction. Encode with the codec of this version."),
  noOperations: refuse("noOperations", "A transaction carries at least one operation."),
  tooManyOperations: refuse("tooManyOperations", `A transaction carries at most ${TRANSACTION_OPERATIONS_MAX} operations.`),
  integerTooLarge: refuse("integerTooLarge", "Nonce, expiry height and references are below 2^53."),
} as const;

/** L11: never throws. The signature itself is checked by whoever calls. */
export function parseTransaction(given: Uint8Array): ParseResult {
  const bytes = plainBytes(given);
  if (bytes.length === 0) return REFUSALS.empty;
  if (bytes.length > TRANSACTION_BYTES_MAX) return REFUSALS.oversize;
  if (bytes[0] !== signedTransactionCodec.version) return REFUSALS.unknownVersion;
  if (bytes.length < OPERATIONS_AT) return REFUSALS.malformed;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(1, true) !== PAYLOAD_AT - 1) return REFUSALS.malformed;
  if (view.getUint32(OPERATIONS_OFFSET_AT, true) !== OPERATIONS_AT - PAYLOAD_AT) return REFUSALS.malformed;
  const operationsBytes = bytes.length - OPERATIONS_AT;
  if (operationsBytes === 0) return REFUSALS.noOperations;
  if (operationsBytes % OPERATION_BYTES !== 0) return REFUSALS.malformed;
  const operationCount = operationsBytes / OPERATION_BYTES;
  if (operationCount > TRANSACTION_OPERATIONS_MAX) return REFUSALS.tooManyOperations;
  if (!areIntegersSafe(view)) return REFUSALS.integerTooLarge;
  const sender = bytes.slice(SENDER_AT, SENDER_AT + 32);
  const transaction: ParsedTransaction = {
    hash: hashTransaction(bytes),
    bytes,
    sender: toHex(sender),
    nonce: safeInteger(view, NONCE_AT),
    expiryHeight: Height.of(safeInteger(view, EXPIRY_AT)),
    operationCount,
  };
  const signature = bytes.slice(SIGNATURE_AT, PAYLOAD_AT);
  return { ok: true, transaction, signature: { publicKey: sender, message: signingMessage(bytes), signature } };
}

/** Is the reference of the operation at this offset below 2^53? */
export function isReferenceSafe(view: DataView, operationAt: number): boolean {
  return view.getUint32(operationAt + REFERENCE_IN_OPERATION + 4, true) <= SAFE_HIGH_MAX;
}

/** Tag ‖ payload as `transactionPayloadCodec` encodes it: the bytes of the transaction behind a version byte. */
function signingMessage(bytes: Uint8Array): Uint8Array {
  const payload = bytes.slice(PAYLOAD_AT - 1);
  payload[0] = transactionPayloadCodec.version;
  return transactionSigningBytes(payload);
}

function areIntegersSafe(view: DataView): boolean {
  if (view.getUint32(NONCE_AT + 4, true) > SAFE_HIGH_MAX || view.getUint32(EXPIRY_AT + 4, true) > SAFE_HIGH_MAX) return false;
  for (let at = OPERATIONS_AT; at < view.byteLength; at += OPERATION_BYTES) if (!isReferenceSafe(view, at)) return false;
  return true;
}

function safeInteger(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}
