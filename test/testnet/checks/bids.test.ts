/** The checker of bids: each flaw of a built block fires by itself; the block without it is silent. Bids are signed and sealed by the fast suites. */

import t from "tap";
import { bidHashOf, bodyRootOf, hashTransaction } from "../../../crypto/hashes.ts";
import { createBidsChecker } from "../../../testnet/checks/bids.ts";
import { createFastSealing } from "../../../testnet/simulator/fast_sealing.ts";
import { createFastEd25519 } from "../../../testnet/simulator/fast_signatures.ts";
import { type Bid, type BidContent, bidSigningBytes, bundleLabelOf, encodeBundle, NO_BID } from "../../../types/bid.ts";
import type { Block } from "../../../types/block.ts";
import { toHex } from "../../../types/bytes.ts";
import { type AccountId, type BidHash, type BlockHash, type BodyRoot, Height, View, ZERO_HASH } from "../../../types/ids.ts";
import type { KeyId, SealingKey } from "../../../types/sealing.ts";
import { firstViolation, makeBlock, saved, type Untimed, worldOf } from "./history.ts";

const ED25519 = createFastEd25519();
const SUITE = createFastSealing();
const SECRET = new Uint8Array(32).fill(7);
const BUILDER = toHex<AccountId>(ED25519.publicKeyOf(SECRET));
const WORLD = worldOf();
const cluster = { ...WORLD.cluster, verifyEd25519: ED25519.verify, sealingSuite: SUITE };
const OPEN = Uint8Array.from({ length: 40 }, (_, index) => (index === 0 ? 1 : index));
const KEY_SECRET = SUITE.deriveSecretKey(new Uint8Array(32).fill(3));
const KEY: SealingKey = { keyId: "77".repeat(32) as KeyId, threshold: 3, publicKey: SUITE.publicKeyOf(KEY_SECRET), shareKeys: [] };
const NO_KEY = ZERO_HASH as string as KeyId;

interface Change {
  readonly content?: (content: BidContent) => BidContent;
  /** After it is signed. */
  readonly bid?: (bid: Bid) => Bid;
  readonly block?: (block: Block) => Block;
  readonly label?: (bid: BidContent) => BidContent;
  readonly hasBundle?: boolean;
}

function builtBlock({ content: change, bid: spoil, block: alter, label, hasBundle = false }: Change): Block {
  const plain = makeBlock(WORLD, undefined, { view: 1, transactions: [OPEN] }).block;
  const { height, parentHash } = plain.header;
  const keyId = hasBundle ? KEY.keyId : NO_KEY;
  const place = { height, parentHash, builder: BUILDER, sequence: 4, value: 10n, keyId };
  const tail = { tailRoot: bodyRootOf([hashTransaction(OPEN)]), tailCount: 1, tailBytes: OPEN.length, gas: 1 };
  const unsealed: BidContent = { ...place, ...tail, expiryView: View.of(2), bundle: new Uint8Array() };
  const message = encodeBundle({ groups: [[OPEN]] });
  const sealed = { publicKey: KEY.publicKey, label: bundleLabelOf(cluster.chainId, label?.(unsealed) ?? unsealed), message };
  const whole = hasBundle ? { ...unsealed, bundle: SUITE.seal({ ...sealed, randomness: new Uint8Array(64).fill(9) }) } : unsealed;
  const content = change?.(whole) ?? whole;
  const signed: Bid = { ...content, signature: ED25519.sign(SECRET, bidSigningBytes(cluster.domain, content)) };
  const bid = spoil?.(signed) ?? signed;
  const header = { ...plain.header, bidHash: bidHashOf(bid), bundleCount: hasBundle ? 1 : 0, keyId };
  const block: Block = { ...plain, header, bid };
  return alter?.(block) ?? block;
}

function flawOf(change: Change, { takesBuilders = true, hasKey = true } = {}): string | undefined {
  const checker = createBidsChecker(cluster, { takesBuilders });
  const keyLive: Untimed = { type: "keyLive", validator: 0, activationHeight: 1, key: KEY, secretShare: undefined };
  const stores = saved(1, { blocks: [{ blockHash: "5a".repeat(32) as BlockHash, block: builtBlock(change) }] });
  return firstViolation(checker, [...(hasKey ? [keyLive] : []), stores])?.detail;
}

t.test("bids: a built block as it should be, with a bundle and without, and one that its proposer built: silent", async (t) => {
  t.equal(flawOf({}), undefined);
  t.equal(flawOf({ hasBundle: true }), undefined);
  t.equal(flawOf({ block: ({ header, ...block }) => ({ ...block, header: { ...header, bidHash: NO_BID }, bid: undefined }) }), undefined);
});

const FLAWS: readonly (readonly [string, Change, RegExp])[] = [
  ["B1 height", { content: (bid) => ({ ...bid, height: Height.of(2) }) }, /a bid for height 2/],
  ["B1 parent", { content: (bid) => ({ ...bid, parentHash: "12".repeat(32) as BlockHash }) }, /a bid for height 1 on 12121212/],
  ["B1 expiry", { content: (bid) => ({ ...bid, expiryView: View.of(0) }) }, /good until view 0/],
  ["B1 signature", { bid: (bid) => ({ ...bid, value: 11n }) }, /did not sign/],
  ["B1 another account", { bid: (bid) => ({ ...bid, builder: "34".repeat(32) as AccountId }) }, /builder 34343434 did not sign/],
  ["B3 label", { hasBundle: true, label: (bid) => ({ ...bid, value: 11n }) }, /does not pass its check/],
  ["B3 key", { hasBundle: true, content: (bid) => ({ ...bid, keyId: "78".repeat(32) as KeyId }) }, /another key than the live one/],
  ["B3 count", { hasBundle: true, block: (block) => ({ ...block, header: { ...block.header, bundleCount: 0 } }) }, /counts 0 bundles/],
  ["B4 root", { content: (bid) => ({ ...bid, tailRoot: "56".repeat(32) as BodyRoot }) }, /another tail/],
  ["B4 bytes", { content: (bid) => ({ ...bid, tailBytes: 41 }) }, /40 bytes instead of 41/],
  ["B4 gas", { content: (bid) => ({ ...bid, gas: 2 }) }, /1 operations instead of 2/],
  [
    "B5 lag",
    { block: (block) => ({ ...block, header: { ...block.header, height: Height.of(66), executedHeight: Height.of(1) } }) },
    /65 heights behind/,
  ],
  ["B6 bid not carried", { block: ({ bid: _, ...block }) => block }, /a bid that it does not carry/],
  [
    "B6 bundle",
    { block: ({ header, ...block }) => ({ ...block, header: { ...header, bidHash: NO_BID, bundleCount: 1 }, bid: undefined }) },
    /brings a bundle/,
  ],
  [
    "hash",
    { block: (block) => ({ ...block, header: { ...block.header, bidHash: "9a".repeat(32) as BidHash } }) },
    /another bid than it names/,
  ],
];

t.test("bids: each flaw by itself fires", async (t) => {
  for (const [name, change, words] of FLAWS) t.match(flawOf(change), words, name);
  t.match(flawOf({}, { takesBuilders: false }), /on a chain that takes none/);
  t.match(flawOf({ hasBundle: true }, { hasKey: false }), /a key that nobody has/);
});
