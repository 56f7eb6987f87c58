/** Points of interest of builders: each by a short history made by hand, next to one that must not count. Node 64 is a builder's. */

import type { Fact, FactOf } from "../../../testnet/simulator/facts.ts";
import type { BundleGroup } from "../../../types/building.ts";
import type { AccountId, BidHash, TransactionHash } from "../../../types/ids.ts";
import { Height } from "../../../types/ids.ts";
import { hashOf, headerOf, SAMPLE_FACTS } from "../report/sample_facts.ts";
import { atUs, blamed, finalSealed, HEADER, started } from "./coverage_facts.ts";

export const BUILDER_NODE = 64;

const [SAMPLE] = SAMPLE_FACTS.bidMade as readonly FactOf<"bidMade">[];
const { offered } = SAMPLE as FactOf<"bidMade">;

const bid = (builder = 71, validator = BUILDER_NODE): Fact => ({
  ...(SAMPLE as FactOf<"bidMade">),
  validator,
  offered: { ...offered, bid: { ...offered.bid, builder: hashOf<AccountId>(builder), parentHash: headerOf(HEADER).parentHash } },
});

const arrives = (to: number): Fact => ({
  type: "delivered",
  atUs,
  from: BUILDER_NODE,
  to,
  kind: "bid",
  view: 0,
  nth: 0,
  message: { type: "bid", ...offered, bid: { ...offered.bid, parentHash: headerOf(HEADER).parentHash } },
});

interface Given {
  readonly height?: number;
  readonly executedHeight?: number;
  readonly builder?: number;
  readonly failed?: boolean;
  readonly bundle?: readonly BundleGroup[];
  readonly tail?: number;
  readonly isSelf?: boolean;
}

function final({ height = 5, executedHeight = 4, builder = 71, failed = false, bundle, tail = 0, isSelf = false }: Given): Fact {
  const [block] = (finalSealed({}) as FactOf<"finalized">).blocks;
  const header = {
    ...headerOf({ ...HEADER, height }),
    executedHeight: Height.of(executedHeight),
    transactionCount: tail,
    bidHash: hashOf<BidHash>(isSelf ? 0 : 5),
    bundleCount: bundle === undefined ? 0 : 1,
  };
  const built = { builder: hashOf<AccountId>(builder), value: 3n, proposer: hashOf<AccountId>(1), failed };
  return {
    type: "finalized",
    atUs,
    validator: 0,
    blocks: [{ ...(block as FactOf<"finalized">["blocks"][number]), header, built: isSelf ? undefined : built, bundle }],
  };
}

const hashes = [hashOf<TransactionHash>(31)];
const receipt = { hash: hashOf<TransactionHash>(31), code: 0, operationCodes: [0] };
const included: BundleGroup = { hashes, result: { isIncluded: true, receipts: [receipt] } };
const failedGroup: BundleGroup = { hashes, result: { isIncluded: false, failed: { ...receipt, code: 110 }, position: 0 } };
const unfit: BundleGroup = { hashes, result: "unfit" };
const failures = (heights: readonly number[]): Fact[] =>
  heights.map((height) => final({ height, executedHeight: height - 1, failed: true }));

export const BUILDER_CASES = {
  blockBuilt: { reaches: [final({}), final({})], misses: [final({ isSelf: true })] },
  blockSelfBuilt: {
    reaches: [final({}), final({ height: 6, isSelf: true })],
    misses: [final({ isSelf: true }), final({ height: 6 })],
  },
  bundleFinal: { reaches: [final({ bundle: [] })], misses: [final({})] },
  groupIncluded: { reaches: [final({ bundle: [included, unfit] })], misses: [final({ bundle: [failedGroup] })] },
  groupFailed: { reaches: [final({ bundle: [failedGroup] })], misses: [final({ bundle: [included] })] },
  groupUnfit: { reaches: [final({ bundle: [unfit, included] })], misses: [final({ bundle: [failedGroup] })] },
  bundleUnreadable: { reaches: [final({ failed: true })], misses: [final({ bundle: [unfit] })] },
  builderBoxed: { reaches: failures([5, 6, 260]), misses: failures([5, 6, 261]) },
  tailFromBuilder: { reaches: [final({ tail: 2 })], misses: [final({ tail: 2, isSelf: true })] },
  bidIgnored: { reaches: [arrives(HEADER.proposer), final({ isSelf: true })], misses: [arrives(3), final({ isSelf: true })] },
  severalBids: { reaches: [bid(), bid(), bid(72, 65)], misses: [bid(), bid()] },
  badBidRefused: { reaches: [blamed("invalidBid")], misses: [blamed("invalidProposal")] },
  builtOverUnexecuted: {
    reaches: [final({}), final({ height: 6, executedHeight: 4 })],
    misses: [final({}), final({ height: 6, executedHeight: 5 }), final({ height: 7, executedHeight: 5, builder: 72 })],
  },
  builderRestarted: {
    reaches: [started(2, { validator: BUILDER_NODE, isSigning: false }), bid(), bid()],
    misses: [started(1, { validator: BUILDER_NODE, isSigning: false }), bid()],
  },
} as const satisfies Record<string, { readonly reaches: readonly Fact[]; readonly misses: readonly Fact[] }>;
