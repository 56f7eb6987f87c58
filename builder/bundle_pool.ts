/** Private bundles that wait for a block, and what became of those that do not wait any more. It knows no state and no clock: heights and outcomes
 *  come in.
 *
 *  P1 bounded: bundles, bytes, bundles of one searcher that are worth something, transactions of a bundle, how far ahead, and how many ends are
 *  remembered. P2 a bundle is taken once, by its id; a finished one is not taken again while its end is remembered, unless it was pushed out.
 *  P3 a bundle is worth what its last simulation brought; nothing before the first, and nothing when it failed. Who gives way in a full pool:
 *  `bundle_retreat.ts`. P4 every bundle ends as included or with the reason that kept it out. */

import type { ParsedTransaction, Refusal } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import type { BlockHash, Height, TransactionHash } from "../types/ids.ts";
import {
  BUNDLE_REFUSALS,
  type Bundle,
  type BundleContents,
  type BundleId,
  type BundleStatus,
  type CandidateBundle,
  type NotIncludedReason,
  nonceKeyOf,
  readBundle,
} from "./bundle.ts";
import { type Measured, planRetreat } from "./bundle_retreat.ts";

export interface BundlePoolLimits {
  readonly countMax: number;
  readonly bytesMax: number;
  /** Bundles of one searcher that are worth something. */
  readonly searcherCountMax: number;
  /** Transactions in one bundle. */
  readonly transactionsMax: number;
  /** The last height of a bundle is at most so far above the final one. */
  readonly horizonHeights: number;
  /** Ends that are remembered, the latest. */
  readonly finishedMax: number;
  /** Public transactions that want a nonce of a bundle, the latest seen. */
  readonly rivalsMax: number;
}

export const BUNDLE_POOL_LIMITS: BundlePoolLimits = {
  countMax: 1_024,
  bytesMax: 16 * 1024 * 1024,
  searcherCountMax: 64,
  transactionsMax: 16,
  horizonHeights: 256,
  finishedMax: 4_096,
  rivalsMax: 4_096,
};

export type AddBundleResult =
  | { readonly ok: true; readonly id: BundleId; readonly evicted: readonly BundleId[] }
  | { readonly ok: false; readonly refusal: Refusal };

export interface BundlePool {
  add(contents: BundleContents): AddBundleResult;
  /** Undefined: never heard of, or forgotten. */
  statusOf(id: BundleId): BundleStatus | undefined;
  /** What to simulate next, each by itself, before the block of this height is packed: unmeasured ones, then those whose measure is oldest; those that
   *  may stand in this block first. Each once for a height. */
  nextToMeasure(request: { readonly height: Height; readonly countMax: number }): readonly Bundle[];
  /** What may stand in the block of this height: worth most first, then in the order in which they came; at most `countMax`. Not what `isExcluded`
   *  names. */
  candidates(request: {
    readonly height: Height;
    readonly countMax: number;
    readonly isExcluded: (bundle: Bundle) => boolean;
  }): CandidateBundle[];
  /** What simulation found: the gain of what could stand, or why not. */
  noteMeasured(id: BundleId, found: { readonly gain: bigint } | { readonly reason: NotIncludedReason }): void;
  noteOffered(id: BundleId, bid: { readonly height: Height; readonly sequence: number; readonly value: bigint }): void;
  /** It was in the block, and did not run; it waits on where it still can. */
  noteFailed(id: BundleId, reason: NotIncludedReason): void;
  /** It was executed: all that wanted one of its nonces is over. */
  finishIncluded(id: BundleId, at: { readonly height: Height; readonly blockHash: BlockHash; readonly group: number }): void;
  finish(id: BundleId, reason: NotIncludedReason): void;
  /** These are public and wait. */
  notePublic(transactions: readonly ParsedTransaction[]): void;
  /** This public one was ordered and charged: what wanted its nonce is over. */
  finishRivals(hash: TransactionHash): void;
  /** Unfinished bundles that hold one of these transactions, in the order in which they came. */
  holding(hash: TransactionHash): readonly Bundle[];
  get(id: BundleId): Bundle | undefined;
  /** Height `height` is final and settled: bids for it that are still open have lost, and what can stand no higher is over. */
  advance(final: { readonly height: Height }): void;
  readonly count: number;
  readonly bytes: number;
}

export function createBundlePool(limits: BundlePoolLimits = BUNDLE_POOL_LIMITS): BundlePool {
  for (const [name, limit] of Object.entries(limits)) assert(limit > 0, `limit ${name} of the bundle pool is above zero`);
  return new BoundedBundlePool(limits);
}

interface Entry extends Measured {
  worth: bigint;
  measure: Measured["measure"];
  /** The last height for which it was to be measured. */
  askedFor: number;
  status: Extract<BundleStatus, { readonly type: "pending" | "offered" }>;
}

/** Worth most first; ties in the order of arrival, so that a tip that nobody has measured buys no place. */
function compareEntries(left: Entry, right: Entry): number {
  if (left.worth !== right.worth) return left.worth > right.worth ? -1 : 1;
  return left.arrival - right.arrival;
}

class BoundedBundlePool implements BundlePool {
  readonly #limits: BundlePoolLimits;
  readonly #entries = new Map<BundleId, Entry>();
  readonly #finished = new Map<BundleId, BundleStatus>();
  /** Ids by nonce key, and by transaction. */
  readonly #byNonce = new Map<string, Set<BundleId>>();
  readonly #byTransaction = new Map<string, Set<BundleId>>();
  /** Of those that are worth something. */
  readonly #searcherCounts = new Map<string, number>();
  /** Nonce keys of public transactions that want what a bundle wants. */
  readonly #rivals = new Map<TransactionHash, string>();
  #arrivals = 0;
  #bytes = 0;
  #finalHeight = 0;

  constructor(limits: BundlePoolLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(contents: BundleContents): AddBundleResult {
    const read = readBundle(contents, this.#limits);
    if (!read.ok) return read;
    const { bundle } = read;
    const refusal = this.#refusalOf(bundle);
    if (refusal !== undefined) return { ok: false, refusal };
    const evicted = planRetreat([...this.#entries.values()], bundle, this.#limits);
    if (evicted === undefined) return { ok: false, refusal: BUNDLE_REFUSALS.poolFull };
    for (const id of evicted) this.finish(id, { type: "evicted" });
    this.#insert(bundle);
    return { ok: true, id: bundle.id, evicted };
  }

  statusOf(id: BundleId): BundleStatus | undefined {
    return this.#entries.get(id)?.status ?? this.#finished.get(id);
  }

  get(id: BundleId): Bundle | undefined {
    return this.#entries.get(id)?.bundle;
  }

  nextToMeasure({ height, countMax }: Parameters<BundlePool["nextToMeasure"]>[0]): readonly Bundle[] {
    const isDue = ({ bundle }: Entry): boolean => bundle.from <= height && height <= bundle.lastHeight;
    const next = [...this.#entries.values()]
      .filter(({ askedFor }) => askedFor !== height)
      .sort((left, right) => {
        if (left.askedFor !== right.askedFor) return left.askedFor - right.askedFor;
        return Number(isDue(right)) - Number(isDue(left)) || left.arrival - right.arrival;
      })
      .slice(0, countMax);
    for (const entry of next) entry.askedFor = height;
    return next.map(({ bundle }) => bundle);
  }

  candidates({ height, countMax, isExcluded }: Parameters<BundlePool["candidates"]>[0]): CandidateBundle[] {
    const fitting = [...this.#entries.values()].filter(
      ({ bundle }) => bundle.from <= height && height <= bundle.lastHeight && !isExcluded(bundle),
    );
    return fitting
      .sort(compareEntries)
      .slice(0, countMax)
      .map(({ bundle, worth }) => ({ ...bundle, worth }));
  }

  noteMeasured(id: BundleId, found: { readonly gain: bigint } | { readonly reason: NotIncludedReason }): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    if ("gain" in found) {
      this.#setWorth(entry, found.gain);
      this.#keepSearcherLimit(entry.bundle.searcher);
      return;
    }
    if (isWorthless(found.reason)) this.#setWorth(entry, 0n);
    if (entry.status.type === "pending") entry.status = { type: "pending", last: found.reason };
  }

  noteOffered(
    id: BundleId,
    { height, sequence, value }: { readonly height: Height; readonly sequence: number; readonly value: bigint },
  ): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) entry.status = { type: "offered", height, sequence, value };
  }

  noteFailed(id: BundleId, reason: NotIncludedReason): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    if (isWorthless(reason)) this.#setWorth(entry, 0n);
    entry.status = { type: "pending", last: reason };
  }

  finishIncluded(id: BundleId, at: { readonly height: Height; readonly blockHash: BlockHash; readonly group: number }): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      // It was pushed out while a bid held it: what happened to it stands above that.
      if (this.#finished.has(id)) this.#finished.set(id, { type: "included", ...at });
      return;
    }
    const rivals = new Set(entry.bundle.transactions.flatMap((each) => [...(this.#byNonce.get(nonceKeyOf(each)) ?? [])]));
    rivals.delete(id);
    for (const rival of rivals) this.finish(rival, { type: "conflict", with: { type: "bundle", id } });
    this.#close(entry, { type: "included", ...at });
  }

  finish(id: BundleId, reason: NotIncludedReason): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#close(entry, { type: "notIncluded", reason });
  }

  notePublic(transactions: readonly ParsedTransaction[]): void {
    for (const transaction of transactions) {
      const { hash } = transaction;
      const key = nonceKeyOf(transaction);
      if (!this.#byNonce.has(key) || this.#rivals.has(hash)) continue;
      this.#rivals.set(hash, key);
      if (this.#rivals.size > this.#limits.rivalsMax) dropOldest(this.#rivals);
    }
  }

  finishRivals(hash: TransactionHash): void {
    const key = this.#rivals.get(hash);
    if (key === undefined) return;
    this.#rivals.delete(hash);
    for (const id of [...(this.#byNonce.get(key) ?? [])]) this.finish(id, { type: "conflict", with: { type: "transaction", hash } });
  }

  holding(hash: TransactionHash): readonly Bundle[] {
    return [...(this.#byTransaction.get(hash) ?? [])].flatMap((id) => this.#entries.get(id)?.bundle ?? []);
  }

  advance({ height }: { readonly height: Height }): void {
    if (height <= this.#finalHeight) return;
    this.#finalHeight = height;
    for (const entry of [...this.#entries.values()]) {
      const { status, bundle } = entry;
      if (status.type === "offered" && status.height <= height) {
        entry.status = { type: "pending", last: { type: "lostAuction", height: status.height } };
      }
      if (bundle.lastHeight > height) continue;
      const last = entry.status.type === "pending" ? entry.status.last : undefined;
      this.finish(bundle.id, last ?? { type: "expired" });
    }
  }

  #refusalOf({ id, searcher, tip, to, lastHeight }: Bundle): Refusal | undefined {
    if (this.#entries.has(id)) return BUNDLE_REFUSALS.duplicate;
    if (!this.#mayComeAgain(id)) return BUNDLE_REFUSALS.finished;
    if (lastHeight <= this.#finalHeight) return BUNDLE_REFUSALS.expired;
    if (to > this.#finalHeight + this.#limits.horizonHeights) return BUNDLE_REFUSALS.tooFar;
    if ((this.#searcherCounts.get(searcher) ?? 0) < this.#limits.searcherCountMax) return undefined;
    const cheapest = this.#cheapestOf(searcher);
    return cheapest !== undefined && cheapest.worth < tip ? undefined : BUNDLE_REFUSALS.searcherLimit;
  }

  /** P1: the sender of the first transaction need not be who sent the bundle, so what is worth least goes, not what comes. */
  #keepSearcherLimit(searcher: string): void {
    if ((this.#searcherCounts.get(searcher) ?? 0) <= this.#limits.searcherCountMax) return;
    const cheapest = this.#cheapestOf(searcher);
    if (cheapest !== undefined) this.#close(cheapest, { type: "notIncluded", reason: { type: "evicted" } });
  }

  #cheapestOf(searcher: string): Entry | undefined {
    const own = [...this.#entries.values()].filter(({ bundle, measure }) => bundle.searcher === searcher && measure === "worthy");
    return own.sort(compareEntries).at(-1);
  }

  #setWorth(entry: Entry, worth: bigint): void {
    this.#uncount(entry);
    entry.worth = worth > 0n ? worth : 0n;
    entry.measure = worth > 0n ? "worthy" : "worthless";
    const { searcher } = entry.bundle;
    if (entry.measure === "worthy") this.#searcherCounts.set(searcher, (this.#searcherCounts.get(searcher) ?? 0) + 1);
  }

  #uncount({ bundle: { searcher }, measure }: Entry): void {
    if (measure !== "worthy") return;
    const count = (this.#searcherCounts.get(searcher) ?? 0) - 1;
    if (count > 0) this.#searcherCounts.set(searcher, count);
    else this.#searcherCounts.delete(searcher);
  }

  #mayComeAgain(id: BundleId): boolean {
    const end = this.#finished.get(id);
    return end === undefined || (end.type === "notIncluded" && end.reason.type === "evicted");
  }

  #insert(bundle: Bundle): void {
    const { id, transactions, bytes } = bundle;
    const status = { type: "pending", last: undefined } as const;
    this.#entries.set(id, { bundle, arrival: this.#arrivals++, worth: 0n, measure: "none", askedFor: 0, status });
    this.#finished.delete(id);
    this.#bytes += bytes;
    for (const transaction of transactions) {
      addTo(this.#byNonce, nonceKeyOf(transaction), id);
      addTo(this.#byTransaction, transaction.hash, id);
    }
  }

  #close(entry: Entry, status: BundleStatus): void {
    const { id, transactions, bytes } = entry.bundle;
    this.#entries.delete(id);
    this.#bytes -= bytes;
    this.#uncount(entry);
    for (const transaction of transactions) {
      removeFrom(this.#byNonce, nonceKeyOf(transaction), id);
      removeFrom(this.#byTransaction, transaction.hash, id);
    }
    this.#finished.set(id, status);
    if (this.#finished.size > this.#limits.finishedMax) dropOldest(this.#finished);
  }
}

function dropOldest<K>(map: Map<K, unknown>): void {
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

/** Reasons that speak of the bundle itself, not of what was around it. */
function isWorthless({ type }: NotIncludedReason): boolean {
  return type === "simulationFailed" || type === "executionFailed" || type === "tipNotPaid";
}

function addTo(index: Map<string, Set<BundleId>>, key: string, id: BundleId): void {
  const ids = index.get(key);
  if (ids === undefined) index.set(key, new Set([id]));
  else ids.add(id);
}

function removeFrom(index: Map<string, Set<BundleId>>, key: string, id: BundleId): void {
  const ids = index.get(key);
  ids?.delete(id);
  if (ids?.size === 0) index.delete(key);
}
