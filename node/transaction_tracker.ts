/** Follows transactions that clients gave this node, from acceptance to final: latency, waits, and why one was dropped.
 *  Latency ends when the order is certain, waits end when the result is known: a sealed lane is opened in between, which
 *  `sealed_progress.ts` measures. Everything is bounded; the oldest entries are forgotten first. Where a transaction is final is the
 *  store's knowledge. */

import type { Refusal } from "../types/application.ts";
import type { TransactionHash } from "../types/ids.ts";
import { createHistogram, type HistogramSnapshot } from "./histogram.ts";

export interface TransactionTrackerLimits {
  /** Accepted transactions whose latency is still to be measured. */
  readonly acceptedMax: number;
  /** Remembered reasons of dropped transactions. */
  readonly droppedMax: number;
  /** Waits for finality at once. */
  readonly waitersMax: number;
}

export interface Arrival {
  readonly atMs: number;
  readonly isSealed: boolean;
}

export interface TransactionTracker {
  /** Call when the client's transaction came in; the latency counts from `atMs` on the monotonic clock. */
  noteAccepted(hash: TransactionHash, arrival: Arrival): void;
  noteDropped(hash: TransactionHash, refusal: Refusal): void;
  /** Their place is final. */
  noteOrdered(hashes: readonly TransactionHash[], nowMs: number): void;
  /** They are executed. */
  noteFinal(hashes: readonly TransactionHash[], nowMs: number): void;
  droppedBecause(hash: TransactionHash): Refusal | undefined;
  /** Resolves when the transaction is final or dropped, after `waitMs`, or on abort; undefined when too many wait. */
  wait(hash: TransactionHash, options: { readonly waitMs: number; readonly signal: AbortSignal }): Promise<void> | undefined;
  /** Of open transactions. */
  readonly finality: HistogramSnapshot;
  readonly sealedFinality: HistogramSnapshot;
  /** Ends all waits. */
  stop(): void;
}

export function createTransactionTracker(limits: TransactionTrackerLimits): TransactionTracker {
  const acceptedAt = new Map<TransactionHash, Arrival>();
  const dropped = new Map<TransactionHash, Refusal>();
  const waiters = new Map<TransactionHash, Set<() => void>>();
  const histograms = { open: createHistogram(), sealed: createHistogram() };
  let waiterCount = 0;

  function release(hash: TransactionHash): void {
    for (const finish of [...(waiters.get(hash) ?? [])]) finish();
  }

  function wait(hash: TransactionHash, options: { readonly waitMs: number; readonly signal: AbortSignal }): Promise<void> | undefined {
    if (waiterCount >= limits.waitersMax) return undefined;
    waiterCount += 1;
    return new Promise((resolve) => {
      const finish = (): void => {
        const group = waiters.get(hash);
        if (group?.delete(finish) !== true) return;
        if (group.size === 0) waiters.delete(hash);
        waiterCount -= 1;
        clearTimeout(deadline);
        options.signal.removeEventListener("abort", finish);
        resolve();
      };
      const deadline = setTimeout(finish, options.waitMs);
      const group = waiters.get(hash) ?? new Set();
      waiters.set(hash, group.add(finish));
      if (options.signal.aborted) finish();
      else options.signal.addEventListener("abort", finish, { once: true });
    });
  }

  function measure(hash: TransactionHash, nowMs: number): void {
    const since = acceptedAt.get(hash);
    if (since === undefined) return;
    histograms[since.isSealed ? "sealed" : "open"].record(nowMs - since.atMs);
    acceptedAt.delete(hash);
  }

  return {
    noteAccepted(hash, arrival) {
      dropped.delete(hash);
      if (!acceptedAt.has(hash)) setBounded(acceptedAt, hash, arrival, limits.acceptedMax);
    },
    noteDropped(hash, refusal) {
      acceptedAt.delete(hash);
      setBounded(dropped, hash, refusal, limits.droppedMax);
      release(hash);
    },
    noteFinal(hashes, nowMs) {
      for (const hash of hashes) {
        measure(hash, nowMs);
        release(hash);
      }
    },
    noteOrdered(hashes, nowMs) {
      for (const hash of hashes) measure(hash, nowMs);
    },
    droppedBecause: (hash) => dropped.get(hash),
    wait,
    get finality() {
      return histograms.open.snapshot();
    },
    get sealedFinality() {
      return histograms.sealed.snapshot();
    },
    stop() {
      for (const hash of [...waiters.keys()]) release(hash);
    },
  };
}

/** Sets an entry and forgets the oldest one beyond `countMax`. */
export function setBounded<K, V>(map: Map<K, V>, key: K, value: V, countMax: number): void {
  map.set(key, value);
  if (map.size <= countMax) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
