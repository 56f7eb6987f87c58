/** Bids: what a builder offers a proposer for one block, and the bundle that stands on top of it, sealed until its place is final.
 *
 *  A bid names everything of the block but the sealed lane: the bundle, which nobody can read, and the tail, which is open. The signature covers all of
 *  it, bundle included; the bundle's label binds it to this very bid, so that no proposer can carry it over into another. Types and encodings only; the
 *  rules B1 to B9 stand in `builder/README.md`. Nothing here hashes, seals or verifies. */

import { assert } from "./assert.ts";
import { concatBytes } from "./bytes.ts";
import { type Codec, defineCodec, hashFromBytes, hashToBytes, ssz } from "./codec.ts";
import { messageBytesOf, SEALED_SIZE_CLASS_MAX } from "./envelope.ts";
import {
  type AccountId,
  type BidHash,
  type BlockHash,
  type BodyRoot,
  type ChainId,
  Height,
  type TransactionHash,
  View,
  ZERO_HASH,
} from "./ids.ts";
import {
  BUNDLE_GROUPS_MAX,
  BUNDLE_TRANSACTIONS_MAX,
  TAIL_BYTES_MAX,
  TAIL_OPERATIONS_MAX,
  TAIL_TRANSACTIONS_MAX,
  TRANSACTION_BYTES_MAX,
} from "./limits.ts";
import { type KeyId, SEALING_SIZES } from "./sealing.ts";
import { type SigningDomain, signingPrefixOf, TAGS } from "./signing.ts";

/** All that a builder signs, beside chain, epoch and validator set. */
export interface BidContent {
  /** Of the block that it bids for, and of that block's parent. */
  readonly height: Height;
  readonly parentHash: BlockHash;
  /** A registered builder: its account, whose Ed25519 key signs. */
  readonly builder: AccountId;
  /** Of several bids of a builder for one block the highest counts. */
  readonly sequence: number;
  /** What moves from the builder's bond to the proposer when the block is final, in the smallest unit of the fee asset. */
  readonly value: bigint;
  /** The last view whose leader may use the bid. */
  readonly expiryView: View;
  /** The key that the bundle is sealed to; ZERO_HASH without a bundle. */
  readonly keyId: KeyId;
  /** U ‖ Ū ‖ e ‖ z ‖ c ‖ body, as the sealing suite makes it; empty: no bundle. */
  readonly bundle: Uint8Array;
  /** Over the hashes of the tail: the open transactions that follow the sealed lane and the bundle. */
  readonly tailRoot: BodyRoot;
  readonly tailCount: number;
  /** Sum of the tail's encoded transactions, in bytes. */
  readonly tailBytes: number;
  /** Operations of the tail together. */
  readonly gas: number;
}

export interface Bid extends BidContent {
  /** Ed25519 by the builder over `bidSigningBytes`, 64 bytes. */
  readonly signature: Uint8Array;
}

/** A bid on its way to a proposer, which needs to know what the tail's root is over. */
export interface OfferedBid {
  readonly bid: Bid;
  readonly tailHashes: readonly TransactionHash[];
}

/** What a bundle holds: groups of signed open transactions, in order, each group all or none. */
export interface BundleContent {
  readonly groups: readonly (readonly Uint8Array[])[];
}

/** What a header says whose proposer built the block itself. */
export const NO_BID = ZERO_HASH as string as BidHash;

/** Length of a sealed bundle whose message is 256 << sizeClass bytes long. */
export const bundleBytesOf = (sizeClass: number): number => messageBytesOf(sizeClass) + SEALING_SIZES.overhead;
export const BUNDLE_BYTES_MAX = bundleBytesOf(SEALED_SIZE_CLASS_MAX);

/** Does the bid open something when its block is final? */
export const hasBundle = (bid: Pick<Bid, "bundle"> | undefined): boolean => bid !== undefined && bid.bundle.length > 0;

const contentFields = {
  height: ssz.uint64,
  parentHash: ssz.bytes(32),
  builder: ssz.bytes(32),
  sequence: ssz.uint64,
  value: ssz.uint128,
  expiryView: ssz.uint64,
  keyId: ssz.bytes(32),
  bundle: ssz.byteList(BUNDLE_BYTES_MAX),
  tailRoot: ssz.bytes(32),
  tailCount: ssz.uint32,
  tailBytes: ssz.uint32,
  gas: ssz.uint32,
};
const HASH_BYTES = 32;
const CONTENT_FIXED_BYTES = 8 * 3 + 32 * 4 + 16 + 4 * 4;

const contentType = ssz.container(contentFields, "BidContent");
export const bidType = ssz.container({ ...contentFields, signature: ssz.bytes(64) }, "Bid");

export const BID_BYTES_MAX = 1 + CONTENT_FIXED_BYTES + 64 + BUNDLE_BYTES_MAX;

type BidSsz = ReturnType<typeof bidType.defaultValue>;

const contentToSsz = (content: BidContent) => ({
  ...content,
  parentHash: hashToBytes(content.parentHash),
  builder: hashToBytes(content.builder),
  keyId: hashToBytes(content.keyId),
  tailRoot: hashToBytes(content.tailRoot),
});

export const bidToSsz = (bid: Bid): BidSsz => ({ ...contentToSsz(bid), signature: bid.signature });

/** Refuses bids that no rule could ever accept: they need no context to judge (B4). */
export function bidFromSsz(value: BidSsz): Bid | undefined {
  const isTailBounded = value.tailCount <= TAIL_TRANSACTIONS_MAX && value.tailBytes <= TAIL_BYTES_MAX && value.gas <= TAIL_OPERATIONS_MAX;
  const keyId = hashFromBytes<KeyId>(value.keyId);
  const isBundleShaped = value.bundle.length === 0 ? keyId === (ZERO_HASH as string) : isBundleLength(value.bundle.length);
  if (!isTailBounded || !isBundleShaped || value.height === 0) return undefined;
  return {
    ...value,
    height: Height.of(value.height),
    parentHash: hashFromBytes<BlockHash>(value.parentHash),
    builder: hashFromBytes<AccountId>(value.builder),
    expiryView: View.of(value.expiryView),
    keyId,
    tailRoot: hashFromBytes<BodyRoot>(value.tailRoot),
  };
}

/** Every bundle is as long as the message of a size class, so its length tells little about its content. */
function isBundleLength(length: number): boolean {
  for (let sizeClass = 0; sizeClass <= SEALED_SIZE_CLASS_MAX; sizeClass++) if (length === bundleBytesOf(sizeClass)) return true;
  return false;
}

/** A bid by itself: what its hash is over. */
export const bidCodec: Codec<Bid> = defineCodec({
  name: "Bid",
  version: 1,
  type: bidType,
  bytesMax: BID_BYTES_MAX,
  toSsz: bidToSsz,
  fromSsz: bidFromSsz,
});

/** The hashes of the tail travel as one byte string: a list of 8,192 vectors takes ten times as long to read. */
export const offeredBidCodec: Codec<OfferedBid> = defineCodec({
  name: "OfferedBid",
  version: 1,
  type: ssz.container({ bid: bidType, tailHashes: ssz.byteList(TAIL_TRANSACTIONS_MAX * HASH_BYTES) }, "OfferedBid"),
  bytesMax: BID_BYTES_MAX + 8 + TAIL_TRANSACTIONS_MAX * HASH_BYTES,
  toSsz: ({ bid, tailHashes }: OfferedBid) => ({ bid: bidToSsz(bid), tailHashes: concatBytes(tailHashes.map(hashToBytes)) }),
  fromSsz: (value) => {
    const bid = bidFromSsz(value.bid);
    if (bid === undefined || value.tailHashes.length !== bid.tailCount * HASH_BYTES) return undefined;
    const tailHashes: TransactionHash[] = [];
    for (let at = 0; at < value.tailHashes.length; at += HASH_BYTES) {
      tailHashes.push(hashFromBytes<TransactionHash>(value.tailHashes.subarray(at, at + HASH_BYTES)));
    }
    return { bid, tailHashes };
  },
});

/** Bytes under the builder's Ed25519 signature: tag, domain and expiry view as in all signed bytes (R13), then the whole content. */
export function bidSigningBytes(domain: SigningDomain, bid: BidContent): Uint8Array {
  const value = contentToSsz(bid);
  const content = new Uint8Array(contentType.value_serializedSize(value));
  contentType.value_serializeToBytes({ uint8Array: content, dataView: new DataView(content.buffer) }, 0, value);
  return concatBytes([signingPrefixOf(TAGS.bid, domain, bid.expiryView), content]);
}

const labelType = ssz.container(
  {
    chainId: ssz.bytes(32),
    keyId: ssz.bytes(32),
    builder: ssz.bytes(32),
    height: ssz.uint64,
    parentHash: ssz.bytes(32),
    sequence: ssz.uint64,
    value: ssz.uint128,
  },
  "BundleLabel",
);
export const BUNDLE_LABEL_BYTES: number = TAGS.bundle.length + 32 * 4 + 8 * 2 + 16;

/** The label of the bundle (L of the sealing suite): the bundle opens under this builder, block, number and value, and under no other. */
export function bundleLabelOf(
  chainId: ChainId,
  { keyId, builder, height, parentHash, sequence, value }: Pick<Bid, "keyId" | "builder" | "height" | "parentHash" | "sequence" | "value">,
): Uint8Array {
  const label = new Uint8Array(BUNDLE_LABEL_BYTES);
  label.set(TAGS.bundle);
  const fields = {
    chainId: hashToBytes(chainId),
    keyId: hashToBytes(keyId),
    builder: hashToBytes(builder),
    height,
    parentHash: hashToBytes(parentHash),
    sequence,
    value,
  };
  labelType.value_serializeToBytes({ uint8Array: label, dataView: new DataView(label.buffer) }, TAGS.bundle.length, fields);
  return label;
}

/** The content by itself; what is sealed is `encodeBundle` of it. */
export const bundleContentCodec: Codec<BundleContent> = defineCodec({
  name: "BundleContent",
  version: 1,
  type: ssz.list(ssz.list(ssz.byteList(TRANSACTION_BYTES_MAX), BUNDLE_TRANSACTIONS_MAX), BUNDLE_GROUPS_MAX),
  bytesMax: messageBytesOf(SEALED_SIZE_CLASS_MAX),
  toSsz: ({ groups }: BundleContent) => groups.map((group) => [...group]),
  fromSsz: (groups) => {
    let count = 0;
    for (const group of groups) count += group.length;
    const isFilled = groups.length > 0 && groups.every((group) => group.length > 0);
    return isFilled && count <= BUNDLE_TRANSACTIONS_MAX ? { groups } : undefined;
  },
});

const LENGTH_BYTES = 4;

/** What a bundle of these groups takes as a message before padding, in bytes. */
export function bundleMessageBytes(groups: BundleContent["groups"]): number {
  let bytes = LENGTH_BYTES + 1;
  for (const group of groups) {
    bytes += 4;
    for (const transaction of group) bytes += 4 + transaction.length;
  }
  return bytes;
}

/** Length of the encoding (uint32) ‖ encoded content ‖ zero bytes up to the smallest size class that holds it. The content must fit the largest. */
export function encodeBundle(content: BundleContent): Uint8Array {
  const encoded = bundleContentCodec.encode(content);
  let sizeClass = 0;
  while (messageBytesOf(sizeClass) < LENGTH_BYTES + encoded.length) sizeClass++;
  assert(sizeClass <= SEALED_SIZE_CLASS_MAX, "a bundle fits the largest size class");
  const message = new Uint8Array(messageBytesOf(sizeClass));
  new DataView(message.buffer).setUint32(0, encoded.length, true);
  message.set(encoded, LENGTH_BYTES);
  return message;
}

/** The content of an opened bundle; undefined when it is not what `encodeBundle` makes, except that a larger size class is allowed. */
export function decodeBundle(message: Uint8Array): BundleContent | undefined {
  if (message.length < LENGTH_BYTES) return undefined;
  const length = new DataView(message.buffer, message.byteOffset, message.byteLength).getUint32(0, true);
  const end = LENGTH_BYTES + length;
  if (end > message.length) return undefined;
  for (let at = end; at < message.length; at++) if (message[at] !== 0) return undefined;
  const decoded = bundleContentCodec.decode(message.subarray(LENGTH_BYTES, end));
  return decoded.ok ? decoded.value : undefined;
}
