/** The open pool: transactions that wait to be ordered, readable to all. It never reads a clock, checks no signature and knows
 *  no state: what comes in has been parsed, verified and checked by the application.
 *
 *  M1 bounded: transactions, bytes, and transactions of one sender. M2 a transaction is held once; a second one of the same
 *  sender and nonce is refused, since only one of them could pay. M3 nothing is held or selected past its expiry height.
 *  M4 selection is in order of arrival, and costs what it returns and skips. M5 a full pool takes a newcomer only at the expense of
 *  the heaviest sender's newest transactions, and only while the newcomer's sender stays the lighter one. */

import type { ParsedTransaction, Refusal } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import type { Height, TransactionHash } from "../types/ids.ts";
import { POOL_REFUSALS } from "./refusals.ts";
import { createSenderHeap, type PoolEntry, type SenderLane } from "./sender_heap.ts";

/** M1. Transactions without a sender (the null application's) share one lane that only the totals bound. */
export interface OpenPoolLimits {
  readonly countMax: number;
  readonly bytesMax: number;
  readonly senderCountMax: number;
}

export type AddResult =
  | { readonly ok: true; readonly evicted: readonly ParsedTransaction[] }
  | { readonly ok: false; readonly refusal: Refusal };

export interface SelectRequest {
  readonly bytesMax: number;
  readonly countMax: number;
  /** Height of the block that is being built. */
  readonly height: Height;
  /** True for what an unfinished ancestor block already carries. */
  readonly isExcluded: (hash: TransactionHash) => boolean;
}

/** A client's transaction and a peer's are held alike; the source is named for the caller's counters. */
export type PoolSource = "client" | "peer";

export interface OpenPool {
  /** Would `add` refuse it? Changes nothing: asked before work is spent on checking it. */
  refusalOf(transaction: ParsedTransaction): Refusal | undefined;
  add(transaction: ParsedTransaction, source: PoolSource): AddResult;
  get(hash: TransactionHash): ParsedTransaction | undefined;
  has(hash: TransactionHash): boolean;
  /** M4: oldest first, within both bounds. Nothing is removed. */
  select(request: SelectRequest): ParsedTransaction[];
  /** M2: what waits with the sender and nonce of a transaction that was ordered, without that one itself. */
  rivals(ordered: readonly ParsedTransaction[]): readonly ParsedTransaction[];
  /** Removes what was ordered or dropped; unknown hashes are ignored. */
  remove(hashes: readonly TransactionHash[]): void;
  /** M3: removes and returns what can no longer be ordered when `height` is the lowest height still to be ordered. */
  expire(height: Height): readonly ParsedTransaction[];
  readonly count: number;
  readonly bytes: number;
}

/** Selection passes over this many transactions that do not fit the remaining bytes before it calls the block full. */
export const SELECT_MISFITS_MAX = 64;
/** Unit of M5's weight, in bytes: small transactions weigh alike, large ones by size. */
export const WEIGHT_UNIT_BYTES = 256;

export function createOpenPool(limits: OpenPoolLimits): OpenPool {
  assert(limits.countMax > 0, "the pool holds at least one transaction");
  assert(limits.bytesMax > 0, "the pool holds at least one byte");
  assert(limits.senderCountMax > 0, "a sender may have at least one transaction pending");
  return new BoundedPool(limits);
}

const weightOf = (transaction: ParsedTransaction): number => Math.ceil(transaction.bytes.length / WEIGHT_UNIT_BYTES);
/** Transactions with a sender conflict by nonce; those without are told apart by hash. */
const keyOf = (transaction: ParsedTransaction): number | string => (transaction.sender === "" ? transaction.hash : transaction.nonce);

class BoundedPool implements OpenPool {
  readonly #limits: OpenPoolLimits;
  readonly #byHash = new Map<TransactionHash, PoolEntry>();
  readonly #lanes = new Map<string, SenderLane>();
  readonly #byExpiry = new Map<number, Set<PoolEntry>>();
  readonly #heap = createSenderHeap();
  #oldest: PoolEntry | undefined;
  #newest: PoolEntry | undefined;
  #bytes = 0;
  #laneSequence = 0;
  /** Everything below can no longer be ordered. */
  #heightMin = 0;

  constructor(limits: OpenPoolLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#byHash.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(hash: TransactionHash): ParsedTransaction | undefined {
    return this.#byHash.get(hash)?.transaction;
  }

  has(hash: TransactionHash): boolean {
    return this.#byHash.has(hash);
  }

  refusalOf(transaction: ParsedTransaction): Refusal | undefined {
    const refusal = this.#conflictOf(transaction);
    if (refusal !== undefined) return refusal;
    return this.#planEvictions(transaction) === undefined ? POOL_REFUSALS.poolFull : undefined;
  }

  add(transaction: ParsedTransaction, _source: PoolSource): AddResult {
    const refusal = this.#conflictOf(transaction);
    if (refusal !== undefined) return { ok: false, refusal };
    const evictions = this.#planEvictions(transaction);
    if (evictions === undefined) return { ok: false, refusal: POOL_REFUSALS.poolFull };
    for (const entry of evictions) this.#drop(entry);
    this.#insert(transaction);
    return { ok: true, evicted: evictions.map((entry) => entry.transaction) };
  }

  select({ bytesMax, countMax, height, isExcluded }: SelectRequest): ParsedTransaction[] {
    const selected: ParsedTransaction[] = [];
    let bytes = 0;
    let misfits = 0;
    for (let entry = this.#oldest; entry !== undefined && selected.length < countMax; entry = entry.next) {
      const { transaction } = entry;
      if (transaction.expiryHeight < height || isExcluded(transaction.hash)) continue;
      if (bytes + transaction.bytes.length > bytesMax) {
        misfits++;
        if (misfits === SELECT_MISFITS_MAX) break;
        continue;
      }
      bytes += transaction.bytes.length;
      selected.push(transaction);
    }
    return selected;
  }

  rivals(ordered: readonly ParsedTransaction[]): readonly ParsedTransaction[] {
    const found: ParsedTransaction[] = [];
    for (const transaction of ordered) {
      const entry = this.#lanes.get(transaction.sender)?.entries.get(keyOf(transaction));
      if (entry !== undefined && entry.transaction.hash !== transaction.hash) found.push(entry.transaction);
    }
    return found;
  }

  remove(hashes: readonly TransactionHash[]): void {
    for (const hash of hashes) {
      const entry = this.#byHash.get(hash);
      if (entry !== undefined) this.#drop(entry);
    }
  }

  expire(height: Height): readonly ParsedTransaction[] {
    const expired: ParsedTransaction[] = [];
    for (const expiryHeight of this.#expiryHeightsBelow(height)) {
      for (const entry of this.#byExpiry.get(expiryHeight) ?? []) {
        expired.push(entry.transaction);
        this.#drop(entry);
      }
    }
    this.#heightMin = Math.max(this.#heightMin, height);
    return expired;
  }

  /** Walks the heights passed, or the keys where they are fewer: a long catch-up costs no more than the pool. */
  #expiryHeightsBelow(height: Height): readonly number[] {
    if (height - this.#heightMin > this.#byExpiry.size) {
      return [...this.#byExpiry.keys()].filter((key) => key < height).sort((left, right) => left - right);
    }
    const heights: number[] = [];
    for (let key = this.#heightMin; key < height; key++) if (this.#byExpiry.has(key)) heights.push(key);
    return heights;
  }

  #conflictOf(transaction: ParsedTransaction): Refusal | undefined {
    if (this.#byHash.has(transaction.hash)) return POOL_REFUSALS.duplicate;
    if (transaction.expiryHeight < this.#heightMin) return POOL_REFUSALS.expired;
    if (transaction.bytes.length > this.#limits.bytesMax) return POOL_REFUSALS.oversize;
    const lane = this.#lanes.get(transaction.sender);
    if (lane === undefined) return undefined;
    if (lane.entries.has(keyOf(transaction))) return POOL_REFUSALS.nonceConflict;
    if (transaction.sender !== "" && lane.entries.size >= this.#limits.senderCountMax) return POOL_REFUSALS.senderLimit;
    return undefined;
  }

  /** M5: what must go so that `transaction` fits; undefined when it may not push anything out. Changes nothing. */
  #planEvictions(transaction: ParsedTransaction): readonly PoolEntry[] | undefined {
    let countOver = this.count + 1 - this.#limits.countMax;
    let bytesOver = this.#bytes + transaction.bytes.length - this.#limits.bytesMax;
    if (countOver <= 0 && bytesOver <= 0) return [];
    const victim = this.#heap.heaviest;
    if (victim === undefined || victim.sender === transaction.sender) return undefined;
    const newcomerWeight = (this.#lanes.get(transaction.sender)?.weight ?? 0) + weightOf(transaction);
    let victimWeight = victim.weight;
    const evictions: PoolEntry[] = [];
    for (let entry = victim.newest; entry !== undefined && (countOver > 0 || bytesOver > 0); entry = entry.older) {
      victimWeight -= entry.weight;
      if (victimWeight < newcomerWeight) return undefined;
      evictions.push(entry);
      countOver--;
      bytesOver -= entry.transaction.bytes.length;
    }
    return countOver <= 0 && bytesOver <= 0 ? evictions : undefined;
  }

  #insert(transaction: ParsedTransaction): void {
    const lane = this.#laneOf(transaction.sender);
    const links = { previous: this.#newest, next: undefined, older: lane.newest, newer: undefined };
    const entry: PoolEntry = { transaction, lane, weight: weightOf(transaction), ...links };
    if (lane.newest !== undefined) lane.newest.newer = entry;
    lane.newest = entry;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.next = entry;
    this.#newest = entry;
    this.#byHash.set(transaction.hash, entry);
    lane.entries.set(keyOf(transaction), entry);
    lane.weight += entry.weight;
    this.#heap.update(lane);
    this.#bytes += transaction.bytes.length;
    const sameExpiry = this.#byExpiry.get(transaction.expiryHeight);
    if (sameExpiry === undefined) this.#byExpiry.set(transaction.expiryHeight, new Set([entry]));
    else sameExpiry.add(entry);
  }

  #laneOf(sender: string): SenderLane {
    const known = this.#lanes.get(sender);
    if (known !== undefined) return known;
    const lane: SenderLane = { sender, sequence: this.#laneSequence++, entries: new Map(), newest: undefined, weight: 0, position: 0 };
    this.#lanes.set(sender, lane);
    this.#heap.insert(lane);
    return lane;
  }

  #drop(entry: PoolEntry): void {
    const { transaction, lane } = entry;
    if (entry.previous === undefined) this.#oldest = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.#newest = entry.previous;
    else entry.next.previous = entry.previous;
    if (entry.older !== undefined) entry.older.newer = entry.newer;
    if (entry.newer === undefined) lane.newest = entry.older;
    else entry.newer.older = entry.older;
    this.#byHash.delete(transaction.hash);
    lane.entries.delete(keyOf(transaction));
    lane.weight -= entry.weight;
    if (lane.entries.size > 0) this.#heap.update(lane);
    else {
      this.#heap.remove(lane);
      this.#lanes.delete(lane.sender);
    }
    this.#bytes -= transaction.bytes.length;
    const sameExpiry = this.#byExpiry.get(transaction.expiryHeight);
    assert(sameExpiry !== undefined, "every entry is listed under its expiry height");
    sameExpiry.delete(entry);
    if (sameExpiry.size === 0) this.#byExpiry.delete(transaction.expiryHeight);
  }
}
