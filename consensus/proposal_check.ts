/** Is a header one that could ever be voted for (R2)? Cheap checks without a signature, first without context, then against
 *  the parent. Certificates, body and root are judged elsewhere.
 *  R14: time grows by 1 ms at least; how far it may run ahead of our clock is asked only when we vote. */

import { NO_BID } from "../types/bid.ts";
import type { BlockHeader } from "../types/block.ts";
import type { Epoch, TimestampMs, ValidatorIndex } from "../types/ids.ts";
import { View } from "../types/ids.ts";
import { BLOCK_BODY_BYTES_MAX, BLOCK_TIME_DRIFT_MS_MAX, BLOCK_TRANSACTIONS_MAX, EXECUTION_LAG_MAX } from "../types/limits.ts";
import type { ParentFacts } from "./block_tree.ts";

export type HeaderFault =
  | "wrongEpoch"
  | "unknownProposer"
  | "viewOrder"
  | "executionOrder"
  | "executionLag"
  | "bodyBounds"
  | "wrongHeight"
  | "wrongParentView"
  | "timeNotAfterParent"
  | "executionBelowParent";

/** What a header says by itself. */
export function faultOfHeader(header: BlockHeader, rules: { readonly epoch: Epoch; readonly count: number }): HeaderFault | undefined {
  if (header.epoch !== rules.epoch) return "wrongEpoch";
  if (header.proposer >= rules.count) return "unknownProposer";
  if (header.parentView >= header.view || header.view === View.ZERO) return "viewOrder";
  if (header.executedHeight >= header.height) return "executionOrder";
  const isLagging = header.height - header.executedHeight > EXECUTION_LAG_MAX;
  // B5: a built block pays its proposer when it is executed, so it counts as one with content.
  if (isLagging && (header.transactionCount > 0 || header.bidHash !== NO_BID)) return "executionLag";
  if (header.transactionCount > BLOCK_TRANSACTIONS_MAX || header.bodyBytes > BLOCK_BODY_BYTES_MAX) return "bodyBounds";
  return undefined;
}

/** What a header says of its parent. */
export function faultUnderParent(header: BlockHeader, parent: ParentFacts): HeaderFault | undefined {
  if (header.height !== parent.height + 1) return "wrongHeight";
  if (header.parentView !== parent.view) return "wrongParentView";
  if (header.timeMs <= parent.timeMs) return "timeNotAfterParent";
  if (header.executedHeight < parent.executedHeight) return "executionBelowParent";
  return undefined;
}

/** R14: is the block's time further ahead of our clock than validators may differ? It may become acceptable by waiting. */
export function isTooEarly(header: BlockHeader, nowMs: TimestampMs): boolean {
  return header.timeMs > nowMs + BLOCK_TIME_DRIFT_MS_MAX;
}

/** The first proposal of each (view, proposer) whose signature was verified: duplicates are dropped by it, and a second one
 *  with another hash is evidence (R12). Bounded by validators and by the views that are kept (R10). */
export interface SeenProposals<T> {
  get(view: View, proposer: ValidatorIndex): T | undefined;
  put(view: View, proposer: ValidatorIndex, seen: T): void;
  /** Forgets views below `view`. */
  prune(view: View): void;
}

export function createSeenProposals<T>(): SeenProposals<T> {
  const views = new Map<View, Map<ValidatorIndex, T>>();
  return {
    get: (view, proposer) => views.get(view)?.get(proposer),
    put(view, proposer, seen) {
      const proposers = views.get(view) ?? new Map<ValidatorIndex, T>();
      proposers.set(proposer, seen);
      views.set(view, proposers);
    },
    prune(view) {
      for (const old of views.keys()) if (old < view) views.delete(old);
    },
  };
}
