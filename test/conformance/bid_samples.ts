/** Bids, bundles and built blocks behind the golden vectors, computed from their position like those of samples.ts. */

import { bidHashOf } from "../../crypto/hashes.ts";
import { type Bid, type BundleContent, bundleBytesOf, type OfferedBid } from "../../types/bid.ts";
import type { Block, Proposal } from "../../types/block.ts";
import { toHex } from "../../types/bytes.ts";
import { type AccountId, type BlockHash, type BodyRoot, Height, type TransactionHash, View, ZERO_HASH } from "../../types/ids.ts";
import { TAIL_BYTES_MAX, TAIL_OPERATIONS_MAX, TAIL_TRANSACTIONS_MAX } from "../../types/limits.ts";
import type { KeyId } from "../../types/sealing.ts";
import { block, counting, header, proposal } from "./samples.ts";

const hash = <T extends string>(first: number): T => toHex<T>(counting(32, first));

const bid: Bid = {
  height: header.height,
  parentHash: header.parentHash,
  builder: hash<AccountId>(0xf2),
  sequence: 0x0102_0304_0506,
  value: 0x0102_0304_0506_0708_090an,
  expiryView: View.of(header.view + 2),
  keyId: header.keyId,
  bundle: counting(bundleBytesOf(0), 0x62),
  tailRoot: hash<BodyRoot>(0x32),
  tailCount: 1,
  tailBytes: 2,
  gas: 3,
  signature: counting(64, 0x83),
};

/** Without a bundle, and without a tail. */
const bareBid: Bid = {
  ...bid,
  keyId: ZERO_HASH as string as KeyId,
  bundle: new Uint8Array(0),
  tailCount: 0,
  tailBytes: 0,
  gas: 0,
};

/** With the largest numbers that the encoding carries. */
const largestBid: Bid = {
  ...bid,
  height: Height.of(Number.MAX_SAFE_INTEGER),
  parentHash: hash<BlockHash>(0x22),
  sequence: Number.MAX_SAFE_INTEGER,
  value: 2n ** 128n - 1n,
  expiryView: View.of(Number.MAX_SAFE_INTEGER),
  bundle: counting(bundleBytesOf(1), 0x63),
  tailCount: TAIL_TRANSACTIONS_MAX,
  tailBytes: TAIL_BYTES_MAX,
  gas: TAIL_OPERATIONS_MAX,
};

export const bids: readonly Bid[] = [bid, bareBid, largestBid];
export const offeredBids: readonly OfferedBid[] = [
  { bid, tailHashes: [hash<TransactionHash>(0xa0)] },
  { bid: bareBid, tailHashes: [] },
];

/** The second fills more than the smallest size class. */
export const bundleContents: readonly BundleContent[] = [
  { groups: [[counting(3, 1), counting(5, 9)], [counting(1, 0)]] },
  { groups: [[counting(244, 1)]] },
];

const named = (by: Bid, bundleCount: number) => ({ header: { ...header, bidHash: bidHashOf(by), bundleCount }, bid: by });

export const builtProposals: readonly Proposal[] = [
  { ...proposal, ...named(bid, 1) },
  { ...proposal, ...named(bareBid, 0) },
];
export const builtBlocks: readonly Block[] = [
  { ...block, ...named(bid, 1) },
  { ...block, ...named(bareBid, 0) },
];
