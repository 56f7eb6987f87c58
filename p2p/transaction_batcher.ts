/** Gathers transactions into gossip messages: a message costs about a millisecond of CPU at both ends whatever its size, so the
 *  fewer the better. The first transaction after a pause leaves at the end of the turn; then one message per interval, the
 *  interval growing from its minimum to its maximum while there is work; a full batch leaves without waiting.
 *
 *  Bounds: bytes and count. Drop rule: new transactions are dropped while the queue is full (it only fills while most peers take
 *  nothing); they stay in the pool of this node, and whoever needs them for a block asks by hash. */

import { assert } from "../types/assert.ts";
import type { NetworkLimits } from "./limits.ts";
import type { TransactionSpread } from "./transaction_spread.ts";
import type { TurnEnd } from "./turn_end.ts";

export interface TransactionBatcher {
  readonly queuedBytes: number;
  push(transactions: readonly Uint8Array[]): void;
  /** Transactions dropped since the last call. */
  takeDropped(): number;
  stop(): void;
}

export function createTransactionBatcher(options: {
  readonly limits: NetworkLimits;
  readonly turnEnd: TurnEnd;
  readonly spread: TransactionSpread;
}): TransactionBatcher {
  const { limits, turnEnd, spread } = options;
  let queue: Uint8Array[] = [];
  let queuedBytes = 0;
  let dropped = 0;
  let intervalMs = limits.transactionFlushMsMin;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isLeading = false;
  let isStopped = false;

  function takeBatch(): readonly Uint8Array[] {
    let bytes = 0;
    let count = 0;
    for (; count < queue.length; count++) {
      const { length } = queue[count] as Uint8Array;
      if (count > 0 && bytes + length > limits.transactionBatchBytes) break;
      bytes += length;
    }
    assert(count > 0, "a batch holds at least one transaction");
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    queuedBytes -= bytes;
    return batch;
  }

  /** Sends everything, or only the full batches. */
  function send(isAll: boolean): void {
    while (queue.length > 0 && (isAll || queuedBytes >= limits.transactionBatchBytes) && !spread.isCongested) spread.publish(takeBatch());
  }

  function onTimer(): void {
    timer = undefined;
    if (isStopped) return;
    if (queue.length === 0) {
      intervalMs = limits.transactionFlushMsMin;
      return;
    }
    send(true);
    intervalMs = Math.min(limits.transactionFlushMsMax, intervalMs * 1.5);
    timer = setTimeout(onTimer, intervalMs);
  }

  function sendLeading(): void {
    isLeading = false;
    if (isStopped || timer !== undefined) return;
    send(true);
    timer = setTimeout(onTimer, intervalMs);
  }

  return {
    get queuedBytes() {
      return queuedBytes;
    },
    push(transactions) {
      if (isStopped) return;
      for (const transaction of transactions) {
        const isFull =
          queue.length >= limits.transactionQueueCountMax || queuedBytes + transaction.length > limits.transactionQueueBytesMax;
        if (isFull) {
          dropped++;
          continue;
        }
        queue.push(transaction);
        queuedBytes += transaction.length;
      }
      send(false);
      if (timer !== undefined || isLeading || queue.length === 0) return;
      isLeading = true;
      turnEnd.flush(sendLeading);
    },
    takeDropped() {
      const count = dropped;
      dropped = 0;
      return count;
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
      queue = [];
      queuedBytes = 0;
    },
  };
}
