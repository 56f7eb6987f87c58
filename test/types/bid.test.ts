/** Bids and bundles: what decoding refuses beyond form, what signature, label and hash cover, and how a bundle is padded. Round trips and
 *  changed bytes are tried with all other codecs in codec.test.ts. */

import fc from "fast-check";
import t, { type Test } from "tap";
import { bidHashOf } from "../../crypto/hashes.ts";
import { AssertionError } from "../../types/assert.ts";
import {
  BID_BYTES_MAX,
  type Bid,
  BUNDLE_BYTES_MAX,
  BUNDLE_LABEL_BYTES,
  bidCodec,
  bidSigningBytes,
  bundleBytesOf,
  bundleContentCodec,
  bundleLabelOf,
  bundleMessageBytes,
  decodeBundle,
  encodeBundle,
  hasBundle,
  NO_BID,
  offeredBidCodec,
} from "../../types/bid.ts";
import { type Block, type BlockHeader, blockCodec, blockHeaderCodec, type Proposal, proposalCodec } from "../../types/block.ts";
import { bytesEqual, concatBytes, toHex } from "../../types/bytes.ts";
import type { Codec } from "../../types/codec.ts";
import { messageBytesOf, SEALED_SIZE_CLASS_MAX } from "../../types/envelope.ts";
import {
  type AccountId,
  type BidHash,
  type BlockHash,
  type BodyRoot,
  type ChainId,
  Epoch,
  Height,
  type TransactionHash,
  type ValidatorSetHash,
  View,
  ZERO_HASH,
} from "../../types/ids.ts";
import {
  BUNDLE_GROUPS_MAX,
  BUNDLE_TRANSACTIONS_MAX,
  FRAME_BYTES_MAX,
  TAIL_BYTES_MAX,
  TAIL_OPERATIONS_MAX,
  TAIL_TRANSACTIONS_MAX,
} from "../../types/limits.ts";
import { decodeMessage, encodeMessage } from "../../types/message.ts";
import type { KeyId } from "../../types/sealing.ts";
import { type SigningDomain, signingPrefixOf, TAGS } from "../../types/signing.ts";
import * as arbitraries from "../support/arbitraries.ts";
import { holds } from "../support/property.ts";

const hash = <T extends string>(byte: number): T => byte.toString(16).padStart(2, "0").repeat(32) as T;
const NO_KEY = ZERO_HASH as string as KeyId;

const bid: Bid = {
  height: Height.of(5),
  parentHash: hash<BlockHash>(1),
  builder: hash<AccountId>(2),
  sequence: 3,
  value: 40n,
  expiryView: View.of(9),
  keyId: hash<KeyId>(4),
  bundle: new Uint8Array(bundleBytesOf(0)).fill(7),
  tailRoot: hash<BodyRoot>(5),
  tailCount: 1,
  tailBytes: 100,
  gas: 2,
  signature: new Uint8Array(64).fill(6),
};
const bare: Bid = { ...bid, keyId: NO_KEY, bundle: new Uint8Array(0) };

/** Encoding does not judge, so values that our types forbid can be sent to the decoder. */
function expectRefused<T extends object>(
  t: Test,
  {
    codec,
    accepted,
    refused,
  }: { readonly codec: Codec<T>; readonly accepted: T; readonly refused: readonly (readonly [string, object])[] },
): void {
  t.equal(codec.decode(codec.encode(accepted)).ok, true, "the value without the change is accepted");
  for (const [what, changes] of refused) {
    t.same(codec.decode(codec.encode({ ...accepted, ...changes })), { ok: false, reason: "nonCanonical" }, what);
  }
}

t.test("Bid: bundles of any length but that of a size class, a key without a bundle, numbers beyond a tail, refused", async (t) => {
  const lengths = [1, 176, 256, bundleBytesOf(0) - 1, bundleBytesOf(0) + 1, 2 * bundleBytesOf(0), BUNDLE_BYTES_MAX - 1];
  expectRefused(t, {
    codec: bidCodec,
    accepted: bid,
    refused: [
      ...lengths.map((length) => [`a bundle of ${length} bytes`, { bundle: new Uint8Array(length) }] as const),
      ["a key without a bundle", { bundle: new Uint8Array(0) }],
      ["height of genesis", { height: 0 }],
      ["more transactions than a tail has", { tailCount: TAIL_TRANSACTIONS_MAX + 1 }],
      ["more bytes than a tail has", { tailBytes: TAIL_BYTES_MAX + 1 }],
      ["more operations than a tail has", { gas: TAIL_OPERATIONS_MAX + 1 }],
    ],
  });
  t.equal(bidCodec.decode(bidCodec.encode(bare)).ok, true, "without a bundle");
  for (let sizeClass = 0; sizeClass <= SEALED_SIZE_CLASS_MAX; sizeClass++) {
    t.equal(
      bidCodec.decode(bidCodec.encode({ ...bid, bundle: new Uint8Array(bundleBytesOf(sizeClass)) })).ok,
      true,
      `size class ${sizeClass}`,
    );
  }
  t.strictSame([hasBundle(bid), hasBundle(bare), hasBundle(undefined)], [true, false, false]);
});

t.test("BID_BYTES_MAX: the largest bid has exactly so many bytes, and the largest offer fits a frame", async (t) => {
  const tail = { tailCount: TAIL_TRANSACTIONS_MAX, tailBytes: TAIL_BYTES_MAX, gas: TAIL_OPERATIONS_MAX };
  const largest: Bid = {
    ...bid,
    ...tail,
    sequence: Number.MAX_SAFE_INTEGER,
    value: 2n ** 128n - 1n,
    bundle: new Uint8Array(BUNDLE_BYTES_MAX),
  };
  t.equal(bidCodec.encode(largest).length, BID_BYTES_MAX);
  const offered = { bid: largest, tailHashes: Array.from({ length: TAIL_TRANSACTIONS_MAX }, () => hash<TransactionHash>(8)) };
  const frame = encodeMessage({ type: "bid", ...offered });
  t.ok(frame.length < FRAME_BYTES_MAX / 2, `${frame.length} bytes`);
  t.strictSame(decodeMessage(frame), { ok: true, message: { type: "bid", ...offered } });
});

t.test("OfferedBid: other than as many hashes as the bid counts, or a bid that is refused alone, refused", async (t) => {
  const tailHashes = [hash<TransactionHash>(8)];
  expectRefused(t, {
    codec: offeredBidCodec,
    accepted: { bid, tailHashes },
    refused: [
      ["no hash", { tailHashes: [] }],
      ["a hash too many", { tailHashes: [...tailHashes, ...tailHashes] }],
      ["a bid that is refused", { bid: { ...bid, height: 0 } }],
    ],
  });
});

/** The smallest header of height 5 that names `bid`. */
const header: BlockHeader = {
  ...(fc.sample(arbitraries.blockHeaders, { numRuns: 1, seed: 7 })[0] as BlockHeader),
  transactionCount: 0,
  bidHash: bidHashOf(bid),
  bundleCount: 1,
};
const selfBuilt = { ...header, bidHash: NO_BID, bundleCount: 0 };

t.test("BlockHeader: a bundle without a bid, or several bundles, refused", async (t) => {
  expectRefused(t, {
    codec: blockHeaderCodec,
    accepted: header,
    refused: [
      ["a bundle and no bid", { bidHash: NO_BID }],
      ["two bundles", { bundleCount: 2 }],
    ],
  });
  for (const accepted of [selfBuilt, { ...header, bundleCount: 0 }]) t.ok(blockHeaderCodec.decode(blockHeaderCodec.encode(accepted)).ok);
});

const justification = { parentCertificate: undefined, timeoutCertificates: [] };
const proposal: Proposal = { header, ...justification, transactionHashes: [], lists: [], bid, signature: new Uint8Array(64) };
const block: Block = { header, ...justification, transactions: [], lists: [], bid, signature: new Uint8Array(64) };

const wrongBids = [
  ["a header that names a bid, and none", { bid: undefined }],
  ["a bid that no header names", { header: selfBuilt }],
  ["a bundle that is not counted", { header: { ...header, bundleCount: 0 } }],
  ["a bundle that is counted and not there", { bid: bare }],
  ["a bid that is refused alone", { bid: { ...bid, bundle: new Uint8Array(1) } }],
  ["a bid that is refused alone, of a header that names none", { header: selfBuilt, bid: { ...bare, gas: TAIL_OPERATIONS_MAX + 1 } }],
] as const;

t.test("Proposal: a bid is there exactly as the header says", async (t) => {
  expectRefused(t, { codec: proposalCodec, accepted: proposal, refused: wrongBids });
});

t.test("Block: a bid is there exactly as the header says", async (t) => {
  expectRefused(t, { codec: blockCodec, accepted: block, refused: wrongBids });
  const others: readonly Block[] = [
    { ...block, header: selfBuilt, bid: undefined },
    { ...block, header: { ...header, bundleCount: 0 }, bid: bare },
  ];
  for (const other of others) t.strictSame(blockCodec.decode(blockCodec.encode(other)), { ok: true, value: other });
});

const domain: SigningDomain = { chainId: hash<ChainId>(0x11), epoch: Epoch.of(1), validatorSetHash: hash<ValidatorSetHash>(0x22) };
const CHANGES: Readonly<Record<Exclude<keyof Bid, "signature">, Partial<Bid>>> = {
  height: { height: Height.of(6) },
  parentHash: { parentHash: hash<BlockHash>(9) },
  builder: { builder: hash<AccountId>(9) },
  sequence: { sequence: 4 },
  value: { value: 41n },
  expiryView: { expiryView: View.of(10) },
  keyId: { keyId: hash<KeyId>(9) },
  bundle: { bundle: bid.bundle.with(9, 0) },
  tailRoot: { tailRoot: hash<BodyRoot>(9) },
  tailCount: { tailCount: 2 },
  tailBytes: { tailBytes: 101 },
  gas: { gas: 3 },
};
const otherSignature = { signature: bid.signature.with(0, 0) };

t.test("R13: bidSigningBytes: tag, domain, expiry view and every field of the bid but its signature", async (t) => {
  const bytes = bidSigningBytes(domain, bid);
  t.ok(bytesEqual(bytes.subarray(0, 96), signingPrefixOf(TAGS.bid, domain, bid.expiryView)));
  for (const [field, change] of Object.entries(CHANGES)) t.notOk(bytesEqual(bidSigningBytes(domain, { ...bid, ...change }), bytes), field);
  const domains: readonly Partial<SigningDomain>[] = [{ chainId: hash(9) }, { epoch: Epoch.of(2) }, { validatorSetHash: hash(9) }];
  for (const change of domains) t.notOk(bytesEqual(bidSigningBytes({ ...domain, ...change }, bid), bytes), Object.keys(change).join());
  t.ok(bytesEqual(bidSigningBytes(domain, { ...bid, ...otherSignature }), bytes));
});

t.test("bundleLabelOf: chain, key, builder, block, number and value, and nothing that the builder may still change", async (t) => {
  const label = bundleLabelOf(domain.chainId, bid);
  t.equal(label.length, BUNDLE_LABEL_BYTES);
  t.ok(bytesEqual(label.subarray(0, TAGS.bundle.length), TAGS.bundle));
  t.notOk(bytesEqual(bundleLabelOf(hash<ChainId>(9), bid), label), "another chain");
  const bound = new Set(["height", "parentHash", "builder", "sequence", "value", "keyId"]);
  for (const [field, change] of Object.entries(CHANGES)) {
    t.equal(bytesEqual(bundleLabelOf(domain.chainId, { ...bid, ...change }), label), !bound.has(field), field);
  }
});

t.test("bidHashOf: every field, bundle and signature included; NO_BID for none", async (t) => {
  const hashes = [bid, ...[...Object.values(CHANGES), otherSignature].map((change) => ({ ...bid, ...change }))].map(bidHashOf);
  t.equal(new Set(hashes).size, Object.keys(CHANGES).length + 2);
  t.equal(bidHashOf({ ...bid }), hashes[0]);
  t.equal(bidHashOf(undefined), NO_BID);
  t.equal(NO_BID, ZERO_HASH as string as BidHash);
});

t.test("BundleContent: no group, an empty one, too many of them or of their transactions, refused", async (t) => {
  const one = [Uint8Array.of(1)];
  const many = (count: number): readonly Uint8Array[] => Array.from({ length: count }, () => Uint8Array.of(1));
  expectRefused(t, {
    codec: bundleContentCodec,
    accepted: { groups: [one] },
    refused: [
      ["no group", { groups: [] }],
      ["an empty group", { groups: [one, []] }],
      ["too many transactions together", { groups: [many(BUNDLE_TRANSACTIONS_MAX), one] }],
    ],
  });
  const decodes = (groups: readonly (readonly Uint8Array[])[]): unknown => bundleContentCodec.decode(bundleContentCodec.encode({ groups }));
  const full = Array.from({ length: BUNDLE_GROUPS_MAX }, () => many(2));
  t.strictSame(decodes(full), { ok: true, value: { groups: full } }, "all groups and all transactions");
  t.match(decodes([...full, one]), { ok: false, reason: "malformed" }, "too many groups");
  t.match(decodes([many(BUNDLE_TRANSACTIONS_MAX + 1)]), { ok: false, reason: "malformed" }, "too many in one group");
});

t.test("encodeBundle: the smallest size class that holds the content, filled up with zero bytes; decodeBundle gives it back", async (t) => {
  const transactions = fc.uint8Array({ maxLength: 3_000 });
  const groups = fc.array(fc.array(transactions, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });
  const property = fc.property(
    fc.oneof(
      groups,
      arbitraries.bundleContents.map((content) => content.groups),
    ),
    (each) => {
      const message = encodeBundle({ groups: each });
      const filled = bundleMessageBytes(each);
      const isSmallest = message.length === 256 || message.length / 2 < filled;
      const decoded = decodeBundle(message);
      const isPadded = message.subarray(filled).every((byte) => byte === 0) && Number.isInteger(Math.log2(message.length / 256));
      return filled <= message.length && isSmallest && isPadded && decoded !== undefined && isSameContent(decoded.groups, each);
    },
  );
  holds(t, property, 200);
  // 9 bytes frame the content, 4 each group and each transaction.
  const fits = messageBytesOf(0) - (4 + 1 + 4 + 4);
  t.equal(encodeBundle({ groups: [[new Uint8Array(fits)]] }).length, messageBytesOf(0));
  t.equal(encodeBundle({ groups: [[new Uint8Array(fits + 1)]] }).length, messageBytesOf(1));
  const most = messageBytesOf(SEALED_SIZE_CLASS_MAX) - (4 + 1 + 4 + 4);
  t.equal(encodeBundle({ groups: [[new Uint8Array(most)]] }).length, messageBytesOf(SEALED_SIZE_CLASS_MAX));
  t.throws(() => encodeBundle({ groups: [[new Uint8Array(most + 1)]] }), AssertionError, "callers ask bundleMessageBytes first");
});

function isSameContent(left: readonly (readonly Uint8Array[])[], right: readonly (readonly Uint8Array[])[]): boolean {
  const text = (groups: readonly (readonly Uint8Array[])[]): string => JSON.stringify(groups.map((group) => group.map(toHex)));
  return text(left) === text(right);
}

t.test(
  "decodeBundle: a length that does not fit, padding that is not zero, or content that is none, undefined; never a throw",
  async (t) => {
    const groups = [[Uint8Array.of(1, 2, 3)], [Uint8Array.of(4), Uint8Array.of(5)]];
    const message = encodeBundle({ groups });
    const filled = bundleMessageBytes(groups);
    t.strictSame(decodeBundle(message), { groups });
    t.strictSame(decodeBundle(concatBytes([message, new Uint8Array(256)])), { groups }, "a larger class");
    t.strictSame(decodeBundle(message.subarray(0, filled)), { groups }, "whose bytes are enough");
    for (const at of [filled, filled + 1, message.length - 1]) t.equal(decodeBundle(message.with(at, 1)), undefined, `padding at ${at}`);
    const withLength = (length: number): Uint8Array => {
      const changed = message.slice();
      new DataView(changed.buffer).setUint32(0, length, true);
      return changed;
    };
    // A length that takes a zero byte of the padding in gives another last transaction, and is the one encoding of it.
    t.strictSame(decodeBundle(withLength(filled - 3)), { groups: [[Uint8Array.of(1, 2, 3)], [Uint8Array.of(4), Uint8Array.of(5, 0)]] });
    for (const length of [0, 1, 8, filled - 5, message.length - 3, 2 ** 32 - 1]) {
      t.equal(decodeBundle(withLength(length)), undefined, `length ${length}`);
    }
    for (let length = 0; length < 5; length++) t.equal(decodeBundle(message.subarray(0, length)), undefined, `${length} bytes`);
    t.equal(decodeBundle(new Uint8Array(256)), undefined);
    t.equal(decodeBundle(message.with(4, 2)), undefined, "another version");
    const noise = fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, length) => {
      const framed = concatBytes([Uint8Array.of(length & 255, length >> 8, 0, 0, 1), bytes]);
      const decoded = decodeBundle(framed);
      return decoded === undefined || isSameContent(decodeBundle(encodeBundle(decoded))?.groups ?? [], decoded.groups);
    });
    holds(t, noise, 300);
  },
);
