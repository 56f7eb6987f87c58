/** Publishes our clients' transactions again while they wait. Gossip is sent once and has no receipt: what was published before
 *  a link came up would otherwise wait until we lead ourselves. Never publishes for others, and at most a batch at a time. */

import type { ParsedTransaction } from "../types/application.ts";
import type { TimestampMs, TransactionHash } from "../types/ids.ts";

/** One repetition carries at most this much. */
export const REPUBLISH_TRANSACTIONS_MAX = 256;
export const REPUBLISH_BYTES_MAX = 256 * 1024;

export interface Republisher {
  /** A client's transaction was published now. */
  note(hash: TransactionHash, nowMs: TimestampMs): void;
  /** Whether anything is waited for; forgotten hashes count until they come due. */
  readonly isWaiting: boolean;
  /** What is due and still pooled; each is due again an interval later. */
  takeDue(nowMs: TimestampMs): readonly Uint8Array[];
}

export function createRepublisher(options: {
  readonly intervalMs: number;
  readonly countMax: number;
  readonly find: (hash: TransactionHash) => ParsedTransaction | undefined;
}): Republisher {
  const { intervalMs, countMax, find } = options;
  /** When each was last published, the oldest first: an entry that is published again moves to the end. */
  const published = new Map<TransactionHash, TimestampMs>();

  return {
    note(hash, nowMs) {
      if (published.size < countMax) published.set(hash, nowMs);
    },
    get isWaiting() {
      return published.size > 0;
    },
    takeDue(nowMs) {
      const due: Uint8Array[] = [];
      let bytes = 0;
      for (const [hash, atMs] of published) {
        if (atMs + intervalMs > nowMs) break;
        const transaction = find(hash);
        const isTooMuch = transaction !== undefined && due.length > 0 && bytes + transaction.bytes.length > REPUBLISH_BYTES_MAX;
        if (isTooMuch || due.length === REPUBLISH_TRANSACTIONS_MAX) break;
        published.delete(hash);
        if (transaction === undefined) continue;
        published.set(hash, nowMs);
        due.push(transaction.bytes);
        bytes += transaction.bytes.length;
      }
      return due;
    },
  };
}
