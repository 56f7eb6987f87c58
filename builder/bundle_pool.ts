/** Private bundles that wait for a block, and what became of those that do not wait any more. It knows no state and no clock: heights and outcomes
 *  come in.
 *
 *  P1 bounded: bundles, bytes, bundles of one searcher, transactions of a bundle, how far ahead, and how many ends are remembered.
 *  P2 a bundle is taken once, by its id; a finished one is not taken again while its end is remembered, unless it was pushed out.
 *  P3 a full pool takes a newcomer only at the expense of those that are worth less: the tip that a bundle declares until it has been simulated, what
 *  it brought since then. P4 every bundle ends as included or with the reason that kept it out. */

import type { Refusal } from "../types/application.ts";
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

export interface BundlePoolLimits {
  readonly countMax: number;
  readonly bytesMax: number;
  /** Bundles of one searcher. */
  readonly searcherCountMax: number;
  /** Transactions in one bundle. */
  readonly transactionsMax: number;
  /** The last height of a bundle is at most so far above the final one. */
  readonly horizonHeights: number;
  /** Ends that are remembered, the latest. */
  readonly finishedMax: number;
}

export const BUNDLE_POOL_LIMITS: BundlePoolLimits = {
  countMax: 1_024,
  bytesMax: 16 * 1024 * 1024,
  searcherCountMax: 64,
  transactionsMax: 16,
  horizonHeights: 256,
  finishedMax: 4_096,
};

export type AddBundleResult =
  | { readonly ok: true; readonly id: BundleId; readonly evicted: readonly BundleId[] }
  | { readonly ok: false; readonly refusal: Refusal };

export interface BundlePool {
  add(contents: BundleContents): AddBundleResult;
  /** Undefined: never heard of, or forgotten. */
  statusOf(id: BundleId): BundleStatus | undefined;
  /** What may stand in the block of this height: worth most first, then by id; at most `countMax`. Not what `isExcluded` names. */
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
  finishIncluded(id: BundleId, at: { readonly height: Height; readonly blockHash: BlockHash; readonly position: number }): void;
  finish(id: BundleId, reason: NotIncludedReason): void;
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

interface Entry {
  readonly bundle: Bundle;
  worth: bigint;
  status: Extract<BundleStatus, { readonly type: "pending" | "offered" }>;
}

/** Worth most first; ties by id, so that the order never depends on luck. */
function compareEntries(left: Entry, right: Entry): number {
  if (left.worth !== right.worth) return left.worth > right.worth ? -1 : 1;
  return left.bundle.id < right.bundle.id ? -1 : 1;
}

class BoundedBundlePool implements BundlePool {
  readonly #limits: BundlePoolLimits;
  readonly #entries = new Map<BundleId, Entry>();
  readonly #finished = new Map<BundleId, BundleStatus>();
  /** Ids by nonce key, and by transaction. */
  readonly #byNonce = new Map<string, Set<BundleId>>();
  readonly #byTransaction = new Map<string, Set<BundleId>>();
  readonly #searcherCounts = new Map<string, number>();
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
    const evicted = this.#planEvictions(bundle);
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
      entry.worth = found.gain;
      return;
    }
    if (isWorthless(found.reason)) entry.worth = 0n;
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
    if (isWorthless(reason)) entry.worth = 0n;
    entry.status = { type: "pending", last: reason };
  }

  finishIncluded(id: BundleId, at: { readonly height: Height; readonly blockHash: BlockHash; readonly position: number }): void {
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

  #refusalOf({ id, searcher, to, lastHeight }: Bundle): Refusal | undefined {
    if (this.#entries.has(id)) return BUNDLE_REFUSALS.duplicate;
    if (!this.#mayComeAgain(id)) return BUNDLE_REFUSALS.finished;
    if (lastHeight <= this.#finalHeight) return BUNDLE_REFUSALS.expired;
    if (to > this.#finalHeight + this.#limits.horizonHeights) return BUNDLE_REFUSALS.tooFar;
    const isOverLimit = (this.#searcherCounts.get(searcher) ?? 0) >= this.#limits.searcherCountMax;
    return isOverLimit ? BUNDLE_REFUSALS.searcherLimit : undefined;
  }

  #mayComeAgain(id: BundleId): boolean {
    const end = this.#finished.get(id);
    return end === undefined || (end.type === "notIncluded" && end.reason.type === "evicted");
  }

  /** P3: what must go, worth least first; undefined when that is worth as much as the newcomer. */
  #planEvictions({ tip, bytes }: Bundle): readonly BundleId[] | undefined {
    let countOver = this.count + 1 - this.#limits.countMax;
    let bytesOver = this.#bytes + bytes - this.#limits.bytesMax;
    if (countOver <= 0 && bytesOver <= 0) return [];
    const evicted: BundleId[] = [];
    for (const { bundle, worth } of [...this.#entries.values()].sort(compareEntries).reverse()) {
      if (countOver <= 0 && bytesOver <= 0) return evicted;
      if (worth >= tip) return undefined;
      evicted.push(bundle.id);
      countOver--;
      bytesOver -= bundle.bytes;
    }
    return countOver <= 0 && bytesOver <= 0 ? evicted : undefined;
  }

  #insert(bundle: Bundle): void {
    const { id, searcher, tip, transactions, bytes } = bundle;
    this.#entries.set(id, { bundle, worth: tip, status: { type: "pending", last: undefined } });
    this.#finished.delete(id);
    this.#bytes += bytes;
    this.#searcherCounts.set(searcher, (this.#searcherCounts.get(searcher) ?? 0) + 1);
    for (const transaction of transactions) {
      addTo(this.#byNonce, nonceKeyOf(transaction), id);
      addTo(this.#byTransaction, transaction.hash, id);
    }
  }

  #close({ bundle }: Entry, status: BundleStatus): void {
    const { id, searcher, transactions, bytes } = bundle;
    this.#entries.delete(id);
    this.#bytes -= bytes;
    const searcherCount = (this.#searcherCounts.get(searcher) ?? 0) - 1;
    if (searcherCount > 0) this.#searcherCounts.set(searcher, searcherCount);
    else this.#searcherCounts.delete(searcher);
    for (const transaction of transactions) {
      removeFrom(this.#byNonce, nonceKeyOf(transaction), id);
      removeFrom(this.#byTransaction, transaction.hash, id);
    }
    this.#finished.set(id, status);
    if (this.#finished.size <= this.#limits.finishedMax) return;
    for (const oldest of this.#finished.keys()) {
      this.#finished.delete(oldest);
      return;
    }
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
