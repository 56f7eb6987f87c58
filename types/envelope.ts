/** Sealed envelopes: what everybody may read of a sealed transaction, signed by who pays for it, and the sealed part.
 *
 *  The encoding is `version 2 ‖ clear fields ‖ hash of the sealed part ‖ signature ‖ sealed part`, at the fixed offsets of ENVELOPE_AT.
 *  The label (L of the sealing suite) is the clear fields alone: hash and signature come after sealing, and the sealed part is bound
 *  to everything else. The sealed part is as long as its size class says, so its length tells nothing about the content beyond that.
 *  Nothing here hashes, seals or verifies: whoever takes an envelope compares `sealedHash` with the SHA-256 of `sealed`. */

import { assert } from "./assert.ts";
import { concatBytes, toHex } from "./bytes.ts";
import { type Codec, defineCodec, hashFromBytes, hashToBytes, ssz } from "./codec.ts";
import { type AccountId, type ChainId, Height, type TransactionHash } from "./ids.ts";
import { TRANSACTION_BYTES_MAX, TRANSACTION_OPERATIONS_MAX } from "./limits.ts";
import { type KeyId, SEALING_SIZES, type SealingSuite } from "./sealing.ts";
import { TAGS } from "./signing.ts";
import { OPERATION_BYTES, type Operation, operationFromSsz, operationToSsz, operationType } from "./transaction.ts";

/** The clear fields: the label binds the sealed part to each of them. */
export interface EnvelopeFields {
  readonly chainId: ChainId;
  /** A number of SEALING_SUITES. */
  readonly suite: number;
  readonly keyId: KeyId;
  /** Who pays, whose nonce is used, and in whose name the content acts. */
  readonly sender: AccountId;
  readonly nonce: number;
  /** The most operations that the content may hold. */
  readonly gasLimit: number;
  /** Charged when the transaction is ordered, in the smallest unit of the fee asset; a safe integer. */
  readonly fee: number;
  /** The last height at which it may be ordered. */
  readonly expiryHeight: Height;
  /** The message is 256 << sizeClass bytes long. */
  readonly sizeClass: number;
}

export interface SealedEnvelope extends EnvelopeFields {
  /** SHA-256 of `sealed`, hex. */
  readonly sealedHash: string;
  /** Ed25519 by the sender over `envelopeSigningBytes`, 64 bytes. */
  readonly signature: Uint8Array;
  readonly sealed: Uint8Array;
}

/** What a sealed message holds: a bundle of 1 to SEALED_OPERATIONS_MAX operations of the sender. */
export interface SealedContent {
  readonly operations: readonly Operation[];
}

/** How an inclusion list names a sealed transaction: all that its place in the lane depends on, so that it is judged without its bytes. */
export interface ListEntry {
  readonly id: TransactionHash;
  readonly expiryHeight: Height;
  readonly feeClass: number;
  readonly sizeClass: number;
}

export const SEALED_SIZE_CLASS_MAX = 8;
/** Operations that the largest message holds. */
export const SEALED_OPERATIONS_MAX = 1_023;
/** The dearest fee class: a fee is below 2^53. */
export const FEE_CLASS_MAX = 53;

/** Where the fields stand in an encoding. Integers are little-endian; `sealedOffset` is always `sealed` − 1. */
export const ENVELOPE_AT = {
  version: 0,
  chainId: 1,
  suite: 33,
  keyId: 34,
  sender: 66,
  nonce: 98,
  gasLimit: 106,
  fee: 110,
  expiryHeight: 118,
  sizeClass: 126,
  sealedHash: 127,
  signature: 159,
  sealedOffset: 223,
  sealed: 227,
} as const;

/** What an encoded envelope is longer than its sealed part. */
export const ENVELOPE_OVERHEAD: number = ENVELOPE_AT.sealed;
export const LABEL_BYTES = 142;

/** Length of the padded message. */
export const messageBytesOf = (sizeClass: number): number => 256 * 2 ** sizeClass;
/** Length of the sealed part. */
export const sealedBytesOf = (sizeClass: number): number => messageBytesOf(sizeClass) + SEALING_SIZES.overhead;
/** Length of the whole encoding. */
export const envelopeBytesOf = (sizeClass: number): number => sealedBytesOf(sizeClass) + ENVELOPE_OVERHEAD;

const clearFields = {
  chainId: ssz.bytes(32),
  suite: ssz.uint8,
  keyId: ssz.bytes(32),
  sender: ssz.bytes(32),
  nonce: ssz.uint64,
  gasLimit: ssz.uint32,
  fee: ssz.uint64,
  expiryHeight: ssz.uint64,
  sizeClass: ssz.uint8,
};
const fieldsType = ssz.container(clearFields, "EnvelopeFields");
const envelopeType = ssz.container(
  { ...clearFields, sealedHash: ssz.bytes(32), signature: ssz.bytes(64), sealed: ssz.byteList(sealedBytesOf(SEALED_SIZE_CLASS_MAX)) },
  "SealedEnvelope",
);

const fieldsToSsz = (fields: EnvelopeFields) => ({
  ...fields,
  chainId: hashToBytes(fields.chainId),
  keyId: hashToBytes(fields.keyId),
  sender: hashToBytes(fields.sender),
});

/** Refuses a sealed part that is not as long as its size class says. Suite, key, gas limit and hash are judged at ingress, with reasons. */
export const sealedEnvelopeCodec: Codec<SealedEnvelope> = defineCodec({
  name: "SealedEnvelope",
  version: 2,
  type: envelopeType,
  bytesMax: envelopeBytesOf(SEALED_SIZE_CLASS_MAX),
  toSsz: (envelope: SealedEnvelope) => ({
    ...fieldsToSsz(envelope),
    sealedHash: hashToBytes(envelope.sealedHash),
    signature: envelope.signature,
    sealed: envelope.sealed,
  }),
  fromSsz: (value) => {
    if (value.sizeClass > SEALED_SIZE_CLASS_MAX || value.sealed.length !== sealedBytesOf(value.sizeClass)) return undefined;
    return {
      ...value,
      chainId: hashFromBytes<ChainId>(value.chainId),
      keyId: hashFromBytes<KeyId>(value.keyId),
      sender: hashFromBytes<AccountId>(value.sender),
      expiryHeight: Height.of(value.expiryHeight),
      sealedHash: hashFromBytes<string>(value.sealedHash),
    };
  },
});

/** L: tag ‖ clear fields as the encoding has them, LABEL_BYTES bytes. */
export function labelOf(fields: EnvelopeFields): Uint8Array {
  const label = new Uint8Array(LABEL_BYTES);
  label.set(TAGS.label);
  fieldsType.value_serializeToBytes({ uint8Array: label, dataView: new DataView(label.buffer) }, TAGS.label.length, fieldsToSsz(fields));
  return label;
}

/** Bytes under the sender's Ed25519 signature: tag ‖ label ‖ hash of the sealed part. */
export function envelopeSigningBytes(envelope: EnvelopeFields & { readonly sealedHash: string }): Uint8Array {
  return concatBytes([TAGS.envelope, labelOf(envelope), hashToBytes(envelope.sealedHash)]);
}

/** Bit length of ⌊fee / (1 + gas limit)⌋, 0 to 53; a higher class is dearer, and each one pays at least twice as much as the one before. */
export function feeClassOf({ fee, gasLimit }: { readonly fee: number; readonly gasLimit: number }): number {
  const units = 1 + gasLimit;
  // The remainder is exact, so that no rounding of a quotient decides.
  const perUnit = (fee - (fee % units)) / units;
  const high = Math.floor(perUnit / 2 ** 32);
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(perUnit);
}

export function entryOf(id: TransactionHash, envelope: EnvelopeFields): ListEntry {
  return { id, expiryHeight: envelope.expiryHeight, feeClass: feeClassOf(envelope), sizeClass: envelope.sizeClass };
}

/** The operations of a message, without the padding around them. */
export const sealedContentCodec: Codec<SealedContent> = defineCodec({
  name: "SealedContent",
  version: 1,
  type: ssz.list(operationType, SEALED_OPERATIONS_MAX),
  bytesMax: 1 + SEALED_OPERATIONS_MAX * OPERATION_BYTES,
  toSsz: (content: SealedContent) => content.operations.map(operationToSsz),
  fromSsz: (value) => (value.length === 0 ? undefined : { operations: value.map(operationFromSsz) }),
});

const COUNT_BYTES = 2;

/** Number of operations (uint16) ‖ encoded content ‖ zero bytes up to the smallest size class that holds it. */
export function encodeContent(content: SealedContent): Uint8Array {
  const encoded = sealedContentCodec.encode(content);
  let sizeClass = 0;
  while (messageBytesOf(sizeClass) < COUNT_BYTES + encoded.length) sizeClass++;
  const message = new Uint8Array(messageBytesOf(sizeClass));
  new DataView(message.buffer).setUint16(0, content.operations.length, true);
  message.set(encoded, COUNT_BYTES);
  return message;
}

/** The content of an opened message; undefined when it is not what `encodeContent` makes, except that a larger size class is allowed. */
export function decodeContent(message: Uint8Array): SealedContent | undefined {
  if (sizeClassOf(message) === undefined) return undefined;
  const count = (message[0] as number) + 256 * (message[1] as number);
  const end = COUNT_BYTES + 1 + count * OPERATION_BYTES;
  if (end > message.length) return undefined;
  for (let at = end; at < message.length; at++) if (message[at] !== 0) return undefined;
  const decoded = sealedContentCodec.decode(message.subarray(COUNT_BYTES, end));
  return decoded.ok ? decoded.value : undefined;
}

/** Seals, signs and encodes an envelope. `content` may be a message as it is to be sealed, of the length of a size class.
 *  `randomness` is 64 fresh bytes, never used twice. `sign` is Ed25519 by the sender's key, 64 bytes. */
export function buildEnvelope(given: {
  readonly fields: Omit<EnvelopeFields, "suite" | "sizeClass">;
  readonly content: SealedContent | Uint8Array;
  readonly suite: Pick<SealingSuite, "suite" | "seal">;
  /** Y of the key that `fields.keyId` names, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly randomness: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
}): Uint8Array {
  const { content, suite, publicKey, randomness, sign, sha256 } = given;
  const message = content instanceof Uint8Array ? content : encodeContent(content);
  const sizeClass = sizeClassOf(message);
  assert(sizeClass !== undefined, "a message is padded to a size class");
  const fields: EnvelopeFields = { ...given.fields, suite: suite.suite, sizeClass };
  const sealed = suite.seal({ publicKey, label: labelOf(fields), message, randomness });
  const unsigned = { ...fields, sealedHash: toHex(sha256(sealed)) };
  return sealedEnvelopeCodec.encode({ ...unsigned, signature: sign(envelopeSigningBytes(unsigned)), sealed });
}

/** The size class with messages of this length, if there is one. */
function sizeClassOf(message: Uint8Array): number | undefined {
  for (let sizeClass = 0; sizeClass <= SEALED_SIZE_CLASS_MAX; sizeClass++) {
    if (message.length === messageBytesOf(sizeClass)) return sizeClass;
  }
  return undefined;
}

assert(TAGS.label.length + ENVELOPE_AT.sealedHash - ENVELOPE_AT.chainId === LABEL_BYTES, "the label is the tag and all clear fields");
assert(envelopeBytesOf(SEALED_SIZE_CLASS_MAX) <= TRANSACTION_BYTES_MAX, "the largest envelope is a transaction");
assert(
  COUNT_BYTES + 1 + SEALED_OPERATIONS_MAX * OPERATION_BYTES <= messageBytesOf(SEALED_SIZE_CLASS_MAX),
  "the largest content fits the largest message",
);
assert(SEALED_OPERATIONS_MAX <= TRANSACTION_OPERATIONS_MAX, "a sealed content holds no more than a transaction may");
