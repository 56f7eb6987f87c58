/** Sealed transactions from their bytes (L11): the envelope by its codec, then what needs no state: the gas limit, and that the
 *  sealed part is the one that was signed. Opened messages with the same acceptance as `decodeContent`, by fixed offsets.
 *  Never opens anything and never throws; signature and seal are checked by whoever calls. */

import { hashTransaction, sha256 } from "../crypto/hashes.ts";
import type { ParseResult, Refusal } from "../types/application.ts";
import { fromHex, plainBytes, toHex } from "../types/bytes.ts";
import {
  envelopeSigningBytes,
  labelOf,
  messageBytesOf,
  SEALED_OPERATIONS_MAX,
  SEALED_SIZE_CLASS_MAX,
  type SealedEnvelope,
  sealedContentCodec,
  sealedEnvelopeCodec,
} from "../types/envelope.ts";
import { TRANSACTION_OPERATIONS_MAX } from "../types/limits.ts";
import { OPERATION_BYTES } from "../types/transaction.ts";
import { isReferenceSafe } from "./transaction_bytes.ts";

/** Where the operations begin in an opened message: behind their number (uint16) and the codec's version. */
export const CONTENT_AT = 3;

const refuse = (code: string, advice: string): ParseResult => {
  const refusal: Refusal = { code, canRetry: false, advice };
  return { ok: false, refusal };
};

const REFUSALS = {
  oversize: refuse("oversize", `A sealed transaction has at most ${sealedEnvelopeCodec.bytesMax} bytes.`),
  malformed: refuse("malformedEnvelope", "The bytes are not an encoded SealedEnvelope. Encode with the codec of this version."),
  gasLimit: refuse("gasLimitOutOfRange", `The gas limit is 1 to ${TRANSACTION_OPERATIONS_MAX} operations.`),
  sealedHash: refuse("wrongSealedHash", "The envelope signs another sealed part. Send the sealed part that was signed."),
} as const;

export function parseSealedTransaction(given: Uint8Array): ParseResult {
  const bytes = plainBytes(given);
  if (bytes.length > sealedEnvelopeCodec.bytesMax) return REFUSALS.oversize;
  const decoded = sealedEnvelopeCodec.decode(bytes);
  if (!decoded.ok) return REFUSALS.malformed;
  const envelope = decoded.value;
  const refusal = flawOf(envelope);
  if (refusal !== undefined) return refusal;
  const { sender, nonce, expiryHeight, gasLimit, keyId, sealed, signature } = envelope;
  return {
    ok: true,
    transaction: { hash: hashTransaction(bytes), bytes, sender, nonce, expiryHeight, operationCount: gasLimit, sealed: envelope },
    signature: { publicKey: fromHex(sender), message: envelopeSigningBytes(envelope), signature },
    seal: { keyId, label: labelOf(envelope), sealed },
  };
}

/** Number of operations in an opened message; undefined when it is no content. */
export function contentCountOf(message: Uint8Array): number | undefined {
  if (!SIZES.has(message.length) || message[CONTENT_AT - 1] !== sealedContentCodec.version) return undefined;
  const count = (message[0] as number) + 256 * (message[1] as number);
  const end = CONTENT_AT + count * OPERATION_BYTES;
  if (count < 1 || count > SEALED_OPERATIONS_MAX || end > message.length) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  for (let at = CONTENT_AT; at < end; at += OPERATION_BYTES) if (!isReferenceSafe(view, at)) return undefined;
  for (let at = end; at < message.length; at++) if (message[at] !== 0) return undefined;
  return count;
}

const SIZES: ReadonlySet<number> = new Set(Array.from({ length: SEALED_SIZE_CLASS_MAX + 1 }, (_, sizeClass) => messageBytesOf(sizeClass)));

function flawOf({ gasLimit, sealed, sealedHash }: SealedEnvelope): ParseResult | undefined {
  if (gasLimit < 1 || gasLimit > TRANSACTION_OPERATIONS_MAX) return REFUSALS.gasLimit;
  return toHex(sha256(sealed)) === sealedHash ? undefined : REFUSALS.sealedHash;
}
