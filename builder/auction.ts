/** What a proposer keeps of the bids that builders push to it, and which of them it takes. It checks no signature, seal or state: whoever offers a
 *  bid has done so, and asks `refusalOf` before it spends anything on that.
 *
 *  B9 of several bids of a builder for one block the highest sequence counts; of two with equal sequence the first stays. The highest value wins, then
 *  the smaller hash. A value of 0 never wins: with a higher sequence it takes an earlier bid back.
 *  Bounded: heights above the certified one, parents and tries of one builder at one height, bids and bytes of all. When room is short, bids on a
 *  parent that the proposer does not hold give way first, then those of a later height, then those of a lower value. So what cannot be used yet, or
 *  never, pushes out nothing that can be used next. Whoever is here stays against an equal. No bid is hashed before its signature was checked. */

import { bidHashOf } from "../crypto/hashes.ts";
import { assert } from "../types/assert.ts";
import type { Bid, OfferedBid } from "../types/bid.ts";
import { bytesEqual } from "../types/bytes.ts";
import type { AccountId, BidHash, BlockHash, Height, View } from "../types/ids.ts";

export interface AuctionLimits {
  /** Bids are kept for this many heights above the highest certified one. */
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

/** 4,096 builders have records in the ledger. Whoever leads one of the next three views builds at one of the next three heights. With these bounds an
 *  auction takes at most 32 MiB and 24,576 sequences, and one builder has at most 6 of the 64 bids. */
export const AUCTION_LIMITS: AuctionLimits = {
  heightsMax: 3,
  buildersMax: 4_096,
  parentsMax: 2,
  triesMax: 8,
  bidsMax: 64,
  bytesMax: 32 * 1024 * 1024,
};

/** `stale`: not above the certified height. `tooFar`: beyond the window. `duplicate`: this very bid is known. `equalSequence`: another bid of this
 *  number came first. `superseded`: a higher number is known. `tooManyTries`: its builder had its share of checks at this height.
 *  `tooManyBuilders`: so did the height. `full`: too few of the kept bids have to give way to it. */
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

/** Does the proposer hold the block that this bid is to be built on, at the height below? Left out: it does. */
export type IsParentHeld = (bid: Pick<Bid, "height" | "parentHash">) => boolean;

export interface Auction {
  /** Is it worth checking? Changes nothing, and hashes nothing. */
  refusalOf(offered: OfferedBid, isParentHeld?: IsParentHeld): AuctionRefusal | undefined;
  /** Counts a try of the builder, which must have signed the bid: otherwise strangers could use up its tries. Called before the costly rest of the
   *  checks, once for each bid that `refusalOf` let pass. */
  noteTry(bid: Bid): void;
  /** Takes a bid that passed its checks. Tries were counted before, and are not asked for again. */
  offer(offered: OfferedBid, isParentHeld?: IsParentHeld): OfferResult;
  /** B9: the first usable bid by value, then by hash. */
  best(request: BestRequest): OfferedBid | undefined;
  /** A block of `height` is certified or final: what is not above it is forgotten. Never goes down. */
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

/** A builder's bids on one parent: the highest sequence seen, with the signature by which it is known again, and the bid itself unless another
 *  pushed it out. */
interface Slot {
  readonly sequence: number;
  readonly signature: Uint8Array;
  readonly kept: Kept | undefined;
}

interface Kept {
  readonly offered: OfferedBid;
  readonly bidHash: BidHash;
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

const ALL_HELD: IsParentHeld = () => true;

class BoundedAuction implements Auction {
  readonly #limits: AuctionLimits;
  readonly #heights = new Map<Height, Map<AccountId, BuilderRecord>>();
  #floor = 0;
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

  refusalOf(offered: OfferedBid, isParentHeld = ALL_HELD): AuctionRefusal | undefined {
    const { bid } = offered;
    const record = this.#heights.get(bid.height)?.get(bid.builder);
    const refusal = this.#refusalOfPlace(bid, record);
    if (refusal !== undefined) return refusal;
    const hasTries = record === undefined || record.tries < this.#limits.triesMax;
    return hasTries ? this.#refusalOfRoom(offered, { record, isParentHeld }) : "tooManyTries";
  }

  noteTry(bid: Bid): void {
    if (this.#isWithinWindow(bid.height) && !this.#isCrowdedFor(bid)) this.#recordOf(bid).tries++;
  }

  offer(offered: OfferedBid, isParentHeld = ALL_HELD): OfferResult {
    const { bid } = offered;
    const refusal = this.#refusalOfPlace(bid, this.#heights.get(bid.height)?.get(bid.builder));
    if (refusal !== undefined) return refusal;
    const record = this.#recordOf(bid);
    const isRoomy = this.#refusalOfRoom(offered, { record, isParentHeld }) === undefined;
    this.#forget(record, bid.parentHash);
    this.#makeParentRoom(record);
    // Also a bid that finds no room takes its predecessor back.
    const { sequence, signature } = bid;
    record.slots.set(bid.parentHash, { sequence, signature, kept: isRoomy ? { offered, bidHash: bidHashOf(bid) } : undefined });
    if (!isRoomy) return "full";
    this.#count++;
    this.#bytes += bytesInMemory(offered);
    this.#evictBelow(offered, isParentHeld);
    return "kept";
  }

  best({ height, parentHash, view, isUsable }: BestRequest): OfferedBid | undefined {
    const candidates: Kept[] = [];
    for (const { slots } of this.#heights.get(height)?.values() ?? []) {
      const kept = slots.get(parentHash)?.kept;
      if (kept === undefined) continue;
      const { value, expiryView } = kept.offered.bid;
      if (value >= 1n && expiryView >= view) candidates.push(kept);
    }
    return candidates.sort(compareKept).find(({ offered }) => isUsable(offered))?.offered;
  }

  advance({ height }: { readonly height: Height }): void {
    if (height <= this.#floor) return;
    this.#floor = height;
    for (const [each, builders] of this.#heights) {
      if (each > height) continue;
      for (const record of builders.values()) for (const parentHash of [...record.slots.keys()]) this.#forget(record, parentHash);
      this.#heights.delete(each);
    }
  }

  #isWithinWindow(height: Height): boolean {
    return height > this.#floor && height <= this.#floor + this.#limits.heightsMax;
  }

  #isCrowdedFor({ height, builder }: Bid): boolean {
    const builders = this.#heights.get(height);
    return builders !== undefined && builders.size >= this.#limits.buildersMax && !builders.has(builder);
  }

  #refusalOfPlace(bid: Bid, record: BuilderRecord | undefined): AuctionRefusal | undefined {
    if (!this.#isWithinWindow(bid.height)) return bid.height <= this.#floor ? "stale" : "tooFar";
    if (record === undefined) return this.#isCrowdedFor(bid) ? "tooManyBuilders" : undefined;
    const slot = record.slots.get(bid.parentHash);
    if (slot === undefined) {
      const isFull = record.slots.size >= this.#limits.parentsMax;
      return isFull && [...record.slots.values()].every(({ sequence }) => sequence >= bid.sequence) ? "superseded" : undefined;
    }
    if (slot.sequence !== bid.sequence) return slot.sequence > bid.sequence ? "superseded" : undefined;
    return bytesEqual(slot.signature, bid.signature) ? "duplicate" : "equalSequence";
  }

  #recordOf({ height, builder }: Bid): BuilderRecord {
    const builders = this.#heights.get(height) ?? new Map<AccountId, BuilderRecord>();
    this.#heights.set(height, builders);
    const record = builders.get(builder) ?? { tries: 0, slots: new Map() };
    builders.set(builder, record);
    return record;
  }

  /** Is there room, once this builder's earlier bid and all that have to give way are gone? */
  #refusalOfRoom(
    offered: OfferedBid,
    { record, isParentHeld }: { readonly record: BuilderRecord | undefined; readonly isParentHeld: IsParentHeld },
  ): "full" | undefined {
    const own = record?.slots.get(offered.bid.parentHash)?.kept?.offered;
    let count = this.#count + 1 - (own === undefined ? 0 : 1);
    let bytes = this.#bytes + bytesInMemory(offered) - (own === undefined ? 0 : bytesInMemory(own));
    if (this.#isWithin(count, bytes)) return undefined;
    for (const { offered: other } of this.#places()) {
      if (other === own || compareClaims(offered.bid, other.bid, isParentHeld) >= 0) continue;
      count--;
      bytes -= bytesInMemory(other);
    }
    return this.#isWithin(count, bytes) ? undefined : "full";
  }

  #isWithin(count: number, bytes: number): boolean {
    return count <= this.#limits.bidsMax && bytes <= this.#limits.bytesMax;
  }

  /** The weakest first, until the bounds hold: at the latest when all with a weaker claim than the newcomer's are gone. */
  #evictBelow(newcomer: OfferedBid, isParentHeld: IsParentHeld): void {
    if (this.#isWithin(this.#count, this.#bytes)) return;
    const worstFirst = this.#places().sort((left, right) => compareClaims(right.offered.bid, left.offered.bid, isParentHeld));
    for (const { record, offered } of worstFirst) {
      if (this.#isWithin(this.#count, this.#bytes)) return;
      assert(compareClaims(newcomer.bid, offered.bid, isParentHeld) < 0, "a full auction gives way to a better bid only");
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
    this.#bytes -= bytesInMemory(kept.offered);
  }

  #places(): Place[] {
    const places: Place[] = [];
    for (const builders of this.#heights.values()) {
      for (const record of builders.values()) {
        for (const { kept } of record.slots.values()) if (kept !== undefined) places.push({ record, offered: kept.offered });
      }
    }
    return places;
  }
}

/** B9, better first: higher value, then smaller hash. */
function compareKept(left: Kept, right: Kept): number {
  const byValue = compareValues(left.offered.bid, right.offered.bid);
  if (byValue !== 0) return byValue;
  return left.bidHash < right.bidHash ? -1 : left.bidHash > right.bidHash ? 1 : 0;
}

/** Who has a better claim to a place: with a parent that is held, then for a nearer height, then of a higher value. Equals have the same claim. */
function compareClaims(left: Bid, right: Bid, isParentHeld: IsParentHeld): number {
  const [isLeftHeld, isRightHeld] = [isParentHeld(left), isParentHeld(right)];
  if (isLeftHeld !== isRightHeld) return isLeftHeld ? -1 : 1;
  return left.height - right.height || compareValues(left, right);
}

function compareValues({ value: left }: Bid, { value: right }: Bid): number {
  return left === right ? 0 : left > right ? -1 : 1;
}
