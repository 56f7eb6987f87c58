/** What a proposer keeps of the bids that builders push to it, and which of them it takes. It checks no signature, seal or state: whoever offers a
 *  bid has done so, and asks `refusalOf` before it spends anything on that.
 *
 *  B9 of several bids of a builder for one block the highest sequence counts; of two with equal sequence the first stays. The highest value wins, then
 *  the smaller hash. A value of 0 never wins: with a higher sequence it takes an earlier bid back.
 *  Bounded: heights above the final one, parents and tries of one builder at one height, bids and bytes of all. */

import { bidHashOf } from "../crypto/hashes.ts";
import { assert } from "../types/assert.ts";
import type { Bid, OfferedBid } from "../types/bid.ts";
import type { AccountId, BidHash, BlockHash, Height, View } from "../types/ids.ts";

export interface AuctionLimits {
  /** Bids are kept for this many heights above the final one. */
  readonly heightsMax: number;
  /** Builders that are remembered at one height. */
  readonly buildersMax: number;
  /** Parents for which one builder's bids are remembered at one height. */
  readonly parentsMax: number;
  /** Bids of one builder at one height that are looked at, whatever their parent. */
  readonly triesMax: number;
  readonly bidsMax: number;
  /** Of all bids that are kept, as `bytesInMemory` counts. */
  readonly bytesMax: number;
}

/** 4,096 builders have records in the ledger. With these bounds an auction takes at most 32 MiB and the sequences of 65,536 builders at all heights. */
export const AUCTION_LIMITS: AuctionLimits = {
  heightsMax: 16,
  buildersMax: 4_096,
  parentsMax: 2,
  triesMax: 8,
  bidsMax: 64,
  bytesMax: 32 * 1024 * 1024,
};

/** `stale`: not above the final height. `tooFar`: beyond the window. `duplicate`: this very bid is known. `equalSequence`: another bid of this
 *  number came first. `superseded`: a higher number is known. `tooManyTries`: its builder had its share of checks at this height.
 *  `tooManyBuilders`: so did the height. `full`: too few of the kept bids promise less. */
export type AuctionRefusal =
  | "stale"
  | "tooFar"
  | "duplicate"
  | "equalSequence"
  | "superseded"
  | "tooManyTries"
  | "tooManyBuilders"
  | "full";

export type OfferResult = "kept" | AuctionRefusal;

export interface BestRequest {
  readonly height: Height;
  readonly parentHash: BlockHash;
  /** Of the proposal that is due. */
  readonly view: View;
  /** Is the whole tail held, the builder active, the value covered, the bundle's key live? Asked from the best bid on until one is. */
  readonly isUsable: (offered: OfferedBid) => boolean;
}

export interface Auction {
  /** Is it worth checking? Changes nothing. */
  refusalOf(offered: OfferedBid): AuctionRefusal | undefined;
  /** Counts a try of the builder, which must have signed the bid: otherwise strangers could use up its tries. Called before the costly rest of the
   *  checks, once for each bid that `refusalOf` let pass. */
  noteTry(bid: Bid): void;
  /** Takes a bid that passed its checks. Tries were counted before, and are not asked for again. */
  offer(offered: OfferedBid): OfferResult;
  /** B9: the first usable bid by value, then by hash. */
  best(request: BestRequest): OfferedBid | undefined;
  /** `height` is final: what is not above it is forgotten. Never goes down. */
  advance(final: { readonly height: Height }): void;
  readonly count: number;
  readonly bytes: number;
}

const BID_BYTES_IN_MEMORY = 1_024;
const HASH_BYTES_IN_MEMORY = 96;

/** What a kept bid weighs: its bundle, its tail's hashes as text, and what holds them. */
export const bytesInMemory = ({ bid, tailHashes }: OfferedBid): number =>
  BID_BYTES_IN_MEMORY + bid.bundle.length + tailHashes.length * HASH_BYTES_IN_MEMORY;

export function createAuction(limits: AuctionLimits = AUCTION_LIMITS): Auction {
  for (const [name, limit] of Object.entries(limits)) assert(limit > 0, `limit ${name} of the auction is above zero`);
  return new BoundedAuction(limits);
}

/** A builder's bids on one parent: the highest sequence seen, and the bid itself unless another pushed it out. */
interface Slot {
  readonly sequence: number;
  readonly bidHash: BidHash;
  readonly kept: OfferedBid | undefined;
}

interface BuilderRecord {
  tries: number;
  readonly slots: Map<BlockHash, Slot>;
}

/** Where a kept bid stands. */
interface Place {
  readonly record: BuilderRecord;
  readonly offered: OfferedBid;
}

class BoundedAuction implements Auction {
  readonly #limits: AuctionLimits;
  readonly #heights = new Map<Height, Map<AccountId, BuilderRecord>>();
  #finalHeight = 0;
  #count = 0;
  #bytes = 0;

  constructor(limits: AuctionLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  refusalOf(offered: OfferedBid): AuctionRefusal | undefined {
    const { bid } = offered;
    const record = this.#heights.get(bid.height)?.get(bid.builder);
    const refusal = this.#refusalOfPlace(bid, record);
    if (refusal !== undefined) return refusal;
    const hasTries = record === undefined || record.tries < this.#limits.triesMax;
    return hasTries ? this.#refusalOfRoom(offered, record) : "tooManyTries";
  }

  noteTry(bid: Bid): void {
    if (this.#isWithinWindow(bid.height) && !this.#isCrowdedFor(bid)) this.#recordOf(bid).tries++;
  }

  offer(offered: OfferedBid): OfferResult {
    const { bid } = offered;
    const refusal = this.#refusalOfPlace(bid, this.#heights.get(bid.height)?.get(bid.builder));
    if (refusal !== undefined) return refusal;
    const record = this.#recordOf(bid);
    const isRoomy = this.#refusalOfRoom(offered, record) === undefined;
    this.#forget(record, bid.parentHash);
    this.#makeParentRoom(record);
    // Also a bid that finds no room takes its predecessor back.
    record.slots.set(bid.parentHash, { sequence: bid.sequence, bidHash: bidHashOf(bid), kept: isRoomy ? offered : undefined });
    if (!isRoomy) return "full";
    this.#count++;
    this.#bytes += bytesInMemory(offered);
    this.#evictBelow(offered);
    return "kept";
  }

  best({ height, parentHash, view, isUsable }: BestRequest): OfferedBid | undefined {
    const candidates: OfferedBid[] = [];
    for (const { slots } of this.#heights.get(height)?.values() ?? []) {
      const kept = slots.get(parentHash)?.kept;
      if (kept !== undefined && kept.bid.value >= 1n && kept.bid.expiryView >= view) candidates.push(kept);
    }
    return candidates.sort(compareBids).find(isUsable);
  }

  advance({ height }: { readonly height: Height }): void {
    if (height <= this.#finalHeight) return;
    this.#finalHeight = height;
    for (const [each, builders] of this.#heights) {
      if (each > height) continue;
      for (const record of builders.values()) for (const parentHash of [...record.slots.keys()]) this.#forget(record, parentHash);
      this.#heights.delete(each);
    }
  }

  #isWithinWindow(height: Height): boolean {
    return height > this.#finalHeight && height <= this.#finalHeight + this.#limits.heightsMax;
  }

  #isCrowdedFor({ height, builder }: Bid): boolean {
    const builders = this.#heights.get(height);
    return builders !== undefined && builders.size >= this.#limits.buildersMax && !builders.has(builder);
  }

  #refusalOfPlace(bid: Bid, record: BuilderRecord | undefined): AuctionRefusal | undefined {
    if (!this.#isWithinWindow(bid.height)) return bid.height <= this.#finalHeight ? "stale" : "tooFar";
    if (record === undefined) return this.#isCrowdedFor(bid) ? "tooManyBuilders" : undefined;
    const slot = record.slots.get(bid.parentHash);
    if (slot === undefined) {
      const isFull = record.slots.size >= this.#limits.parentsMax;
      return isFull && [...record.slots.values()].every(({ sequence }) => sequence >= bid.sequence) ? "superseded" : undefined;
    }
    if (slot.sequence !== bid.sequence) return slot.sequence > bid.sequence ? "superseded" : undefined;
    return slot.bidHash === bidHashOf(bid) ? "duplicate" : "equalSequence";
  }

  #recordOf({ height, builder }: Bid): BuilderRecord {
    const builders = this.#heights.get(height) ?? new Map<AccountId, BuilderRecord>();
    this.#heights.set(height, builders);
    const record = builders.get(builder) ?? { tries: 0, slots: new Map() };
    builders.set(builder, record);
    return record;
  }

  /** Is there room, once this builder's earlier bid and all that promise less are gone? */
  #refusalOfRoom(offered: OfferedBid, record: BuilderRecord | undefined): "full" | undefined {
    const own = record?.slots.get(offered.bid.parentHash)?.kept;
    let count = this.#count + 1 - (own === undefined ? 0 : 1);
    let bytes = this.#bytes + bytesInMemory(offered) - (own === undefined ? 0 : bytesInMemory(own));
    if (this.#isWithin(count, bytes)) return undefined;
    for (const { offered: other } of this.#places()) {
      if (other === own || compareBids(offered, other) >= 0) continue;
      count--;
      bytes -= bytesInMemory(other);
    }
    return this.#isWithin(count, bytes) ? undefined : "full";
  }

  #isWithin(count: number, bytes: number): boolean {
    return count <= this.#limits.bidsMax && bytes <= this.#limits.bytesMax;
  }

  /** Lowest value first, until the bounds hold: at the latest when all that promise less than `newcomer` are gone. */
  #evictBelow(newcomer: OfferedBid): void {
    if (this.#isWithin(this.#count, this.#bytes)) return;
    const worstFirst = this.#places().sort((left, right) => compareBids(right.offered, left.offered));
    for (const { record, offered } of worstFirst) {
      if (this.#isWithin(this.#count, this.#bytes)) return;
      assert(compareBids(newcomer, offered) < 0, "a full auction gives way to a better bid only");
      const slot = record.slots.get(offered.bid.parentHash);
      assert(slot !== undefined, "a kept bid has a slot");
      record.slots.set(offered.bid.parentHash, { ...slot, kept: undefined });
      this.#count--;
      this.#bytes -= bytesInMemory(offered);
    }
  }

  #makeParentRoom(record: BuilderRecord): void {
    if (record.slots.size < this.#limits.parentsMax) return;
    const [oldest] = [...record.slots].sort(([, left], [, right]) => left.sequence - right.sequence);
    if (oldest !== undefined) this.#forget(record, oldest[0]);
  }

  #forget(record: BuilderRecord, parentHash: BlockHash): void {
    const kept = record.slots.get(parentHash)?.kept;
    record.slots.delete(parentHash);
    if (kept === undefined) return;
    this.#count--;
    this.#bytes -= bytesInMemory(kept);
  }

  #places(): Place[] {
    const places: Place[] = [];
    for (const builders of this.#heights.values()) {
      for (const record of builders.values()) {
        for (const { kept } of record.slots.values()) if (kept !== undefined) places.push({ record, offered: kept });
      }
    }
    return places;
  }
}

/** Better first: higher value, then smaller hash. */
function compareBids({ bid: left }: OfferedBid, { bid: right }: OfferedBid): number {
  if (left.value !== right.value) return left.value > right.value ? -1 : 1;
  const [leftHash, rightHash] = [bidHashOf(left), bidHashOf(right)];
  return leftHash < rightHash ? -1 : leftHash > rightHash ? 1 : 0;
}
