/** A builder: packs what waits, asks its strategy for a value, makes bids, and follows what became of them and of the bundles in them. It knows no
 *  clock and draws nothing; time, randomness, state and final blocks come in.
 *
 *  T1 sequences ascend over all bids, also across restarts: never below 1,000 times the clock in ms. T2 no bid beyond what the bond covers, nor more
 *  than `bidsMax` for one height. T3 a bundle in an ancestor's bid of ours is in no other bid above it. T4 the bid that stands goes to a new leader as
 *  it is, while its expiry, key and cover allow. T5 bundles are measured before a block is packed, each by itself, new ones first, and `measuredMax` at
 *  most each time: also those for later heights, since only what was measured holds a place in a full pool. */

import { assert } from "../types/assert.ts";
import { hasBundle, type OfferedBid } from "../types/bid.ts";
import type { BuildingMaterial, Opportunity } from "../types/building.ts";
import { type BidHash, type BlockHash, Height, type View } from "../types/ids.ts";
import type { KeyId } from "../types/sealing.ts";
import { AUCTION_LIMITS } from "./auction.ts";
import { type Bundle, type BundleContents, type BundleId, type BundleStatus, nonceKeyOf } from "./bundle.ts";
import { type AddBundleResult, BUNDLE_POOL_LIMITS, type BundlePool, createBundlePool } from "./bundle_pool.ts";
import type { BlockBuilder, BuilderLimits, BuilderOptions, BuilderStatus, ConsiderRequest, FinalOutcome } from "./interface.ts";
import { makeBid } from "./make_bid.ts";
import { measure, type Packed, pack, type SimulateGroups, TAIL_LIMITS } from "./packing.ts";
import { settleBundles } from "./settlement.ts";
import { LOSSES_WINDOW } from "./strategy.ts";

export const BUILDER_LIMITS: BuilderLimits = {
  expiryViews: 4,
  bidsMax: 8,
  heightsMax: 16,
  candidatesMax: 256,
  measuredMax: 32,
  tail: TAIL_LIMITS,
  bundles: BUNDLE_POOL_LIMITS,
};

const SEQUENCES_PER_MS = 1_000;

assert(BUILDER_LIMITS.bidsMax <= AUCTION_LIMITS.triesMax, "proposers look at every bid that is made");

export function createBuilder(options: BuilderOptions): BlockBuilder {
  const { limits } = options;
  assert(limits.expiryViews >= 0, "a bid can be used in its own view");
  assert(limits.bidsMax > 0, "a builder may bid for a block");
  assert(limits.heightsMax > 0, "a builder may bid for the next block");
  assert(limits.candidatesMax > 0, "a builder looks at one bundle at least");
  assert(limits.measuredMax > 0, "what nobody measures is worth nothing");
  return new BiddingBuilder(options);
}

/** A bid with what only its maker knows. */
interface MadeBid {
  readonly offered: OfferedBid;
  readonly gain: bigint;
  readonly bundles: readonly Bundle[];
  /** The latest view whose leader had it. */
  sentView: View;
}

class BiddingBuilder implements BlockBuilder {
  readonly #options: BuilderOptions;
  readonly #pool: BundlePool;
  /** Bids for blocks that are not final, in the order in which they were made. */
  readonly #made = new Map<BidHash, MadeBid>();
  /** Of the last blocks that we bid for: did we build it? */
  readonly #outcomes: boolean[] = [];
  #sequence = 0;
  #finalHeight = Height.ZERO;
  #counts = { bids: 0, resent: 0, won: 0, lost: 0, failed: 0, paid: 0n };

  constructor(options: BuilderOptions) {
    this.#options = options;
    this.#pool = createBundlePool(options.limits.bundles);
  }

  get status(): BuilderStatus {
    const { account, strategy } = this.#options;
    const { count, bytes } = this.#pool;
    return {
      account,
      strategy: strategy.name,
      finalHeight: this.#finalHeight,
      ...this.#counts,
      recentLosses: this.#recentLosses(),
      bundles: { count, bytes },
      open: this.#made.size,
    };
  }

  submit(contents: BundleContents): AddBundleResult {
    return this.#pool.add(contents);
  }

  statusOf(id: BundleId): BundleStatus | undefined {
    return this.#pool.statusOf(id);
  }

  consider(request: ConsiderRequest): OfferedBid | undefined {
    const { opportunity, material } = request;
    const { height } = opportunity;
    const { limits, strategy } = this.#options;
    const isWithin = height > this.#finalHeight && height <= this.#finalHeight + limits.heightsMax;
    if (!isWithin || material.spendable < 1n) return undefined;
    this.#measure(request);
    const bids = this.#bidsAt(height);
    const standing = this.#standing({ opportunity, keyId: material.key?.keyId, spendable: material.spendable });
    if (bids.length >= limits.bidsMax) return this.#send(standing, opportunity);
    const packed = this.#pack(request);
    const { parentHash } = opportunity;
    const count = bids.filter(({ offered }) => offered.bid.parentHash === parentHash).length;
    const previous = standing && { value: standing.offered.bid.value, gain: standing.gain, count };
    const situation = { gain: packed.gain, spendable: material.spendable, previous, losses: this.#recentLosses() };
    const value = strategy.valueOf(situation);
    if (value === undefined || value < 1n) return this.#send(standing, opportunity);
    assert(value <= material.spendable, "T2: a strategy stays within what can be spent");
    return this.#bid(request, packed, value);
  }

  resend({ opportunity, keyId }: Parameters<BlockBuilder["resend"]>[0]): OfferedBid | undefined {
    return this.#send(this.#standing({ opportunity, keyId, spendable: undefined }), opportunity);
  }

  onFinal(block: FinalOutcome): void {
    const { height, bidHash } = block.header;
    if (height <= this.#finalHeight) return;
    const won = this.#made.get(bidHash);
    const bids = this.#bidsAt(height);
    if (bids.length > 0) this.#noteOutcome(won !== undefined);
    if (won !== undefined) {
      this.#counts.paid += won.offered.bid.value;
      if (block.built?.failed === true) this.#counts.failed++;
    }
    const others = won === undefined ? [] : bids.filter((bid) => bid !== won).flatMap(({ bundles }) => bundles);
    settleBundles(this.#pool, block, { won: won?.bundles, others });
    this.#finalHeight = height;
    for (const [hash, { offered }] of this.#made) if (offered.bid.height <= height) this.#made.delete(hash);
  }

  #bidsAt(height: Height): readonly MadeBid[] {
    return [...this.#made.values()].filter(({ offered }) => offered.bid.height === height);
  }

  /** T4: the last bid for this block, unless it can be used no more. `spendable` undefined: not known. */
  #standing(given: {
    readonly opportunity: Pick<Opportunity, "height" | "parentHash" | "view">;
    readonly keyId: KeyId | undefined;
    readonly spendable: bigint | undefined;
  }): MadeBid | undefined {
    const { height, parentHash, view } = given.opportunity;
    const last = this.#lastFor(height, parentHash);
    if (last === undefined) return undefined;
    const { bid } = last.offered;
    const isCovered = given.spendable === undefined || bid.value <= given.spendable;
    const isKeyLive = !hasBundle(bid) || bid.keyId === given.keyId;
    return bid.expiryView >= view && isCovered && isKeyLive ? last : undefined;
  }

  #lastFor(height: Height, parentHash: BlockHash): MadeBid | undefined {
    return this.#bidsAt(height).findLast(({ offered }) => offered.bid.parentHash === parentHash);
  }

  /** Once to each leader. */
  #send(made: MadeBid | undefined, { view }: Opportunity): OfferedBid | undefined {
    if (made === undefined || made.sentView >= view) return undefined;
    made.sentView = view;
    this.#counts.resent++;
    return made.offered;
  }

  /** T5 */
  #measure(request: ConsiderRequest): void {
    if (this.#pool.count === 0) return;
    this.#pool.notePublic(request.material.transactions);
    const simulate = simulateFor(request);
    const next = this.#pool.nextToMeasure({ height: request.opportunity.height, countMax: this.#options.limits.measuredMax });
    for (const bundle of next) this.#pool.noteMeasured(bundle.id, measure(bundle, simulate));
  }

  #pack(request: ConsiderRequest): Packed {
    const { opportunity, material } = request;
    const { height } = opportunity;
    const { limits, suite } = this.#options;
    const reserved = this.#reservedBy(material);
    const isReserved = (bundle: Bundle): boolean => bundle.transactions.some((each) => reserved.has(nonceKeyOf(each)));
    const packed = pack({
      height,
      transactions: material.transactions.filter((transaction) => !reserved.has(nonceKeyOf(transaction))),
      bundles: this.#pool.candidates({ height, countMax: limits.candidatesMax, isExcluded: isReserved }),
      canSeal: suite !== undefined && material.key !== undefined,
      limits: limits.tail,
      simulate: simulateFor(request),
    });
    for (const { bundle, gain } of packed.groups) this.#pool.noteMeasured(bundle.id, { gain });
    for (const [id, reason] of packed.left) this.#pool.noteMeasured(id, { reason });
    return packed;
  }

  /** T3: nonces that bundles of ours in unexecuted ancestors use. */
  #reservedBy({ ancestorBids }: BuildingMaterial): ReadonlySet<string> {
    const keys = new Set<string>();
    for (const bidHash of ancestorBids) {
      for (const { transactions } of this.#made.get(bidHash)?.bundles ?? []) for (const each of transactions) keys.add(nonceKeyOf(each));
    }
    return keys;
  }

  #bid({ opportunity, material, nowMs, randomness }: ConsiderRequest, packed: Packed, value: bigint): OfferedBid {
    const sequence = Math.max(this.#sequence + 1, nowMs * SEQUENCES_PER_MS);
    assert(Number.isSafeInteger(sequence), "T1: the clock is a time of this age");
    this.#sequence = sequence;
    const { offered, bidHash } = makeBid(this.#options, { opportunity, packed, sequence, value, key: material.key, randomness });
    const bundles = packed.groups.map(({ bundle }) => bundle);
    this.#made.set(bidHash, { offered, gain: packed.gain, bundles, sentView: opportunity.view });
    for (const { id } of bundles) this.#pool.noteOffered(id, { height: opportunity.height, sequence, value });
    this.#counts.bids++;
    return offered;
  }

  #noteOutcome(hasWon: boolean): void {
    if (hasWon) this.#counts.won++;
    else this.#counts.lost++;
    this.#outcomes.push(hasWon);
    if (this.#outcomes.length > LOSSES_WINDOW) this.#outcomes.shift();
  }

  #recentLosses(): number {
    return this.#outcomes.filter((hasWon) => !hasWon).length;
  }
}

function simulateFor({ opportunity: { height }, material, simulate, nowMs }: ConsiderRequest): SimulateGroups {
  return (groups) => simulate({ height, timeMs: nowMs, payee: material.feeRecipient, groups });
}
