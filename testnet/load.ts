/** Open-loop load: transactions are due by the clock, not by the answers. It holds back only where a client must: when a
 *  validator is busy or has too many of its requests open, and when senders would leave their nonce windows.
 *
 *  What a validator refuses for now is submitted again, the same bytes, after a pause. When a validator goes down, what it had
 *  taken lately is submitted to another one, as a careful client does; what was already final is then known as such.
 *
 *  | queue                     | limit                      | when full                                     |
 *  |---------------------------|----------------------------|-----------------------------------------------|
 *  | open requests per lane    | LANE_REQUESTS_MAX          | the lane gets nothing new                     |
 *  | batches to submit again   | the two other bounds       | the lane gets nothing new while there are any |
 *  | batches remembered        | RECENT_MS, RECENT_BYTES_MAX| the oldest is forgotten                       |
 */

import { messageOf } from "./failure.ts";
import type { RpcClient } from "./rpc_client.ts";
import { batchCountMax, type TransactionSource } from "./transactions.ts";

export interface LoadTarget {
  readonly validator: number;
  readonly rpc: string;
}

export interface LoadCounters {
  /** Handed to a validator, each transaction once. */
  readonly submitted: number;
  /** Refused for good. */
  readonly refused: number;
  /** Answers that said "not now"; the transactions were submitted again. */
  readonly retried: number;
  /** Due but never made, because validators or nonce windows had no room. */
  readonly heldBack: number;
  /** Refusals by code, for good or not. */
  readonly refusals: ReadonlyMap<string, number>;
}

export interface Load {
  start(): void;
  /** No new transactions from now on; resolves when all open requests are answered and nothing waits to be submitted again,
   *  or after the deadline. */
  stop(deadlineMs: number): Promise<void>;
  /** The validator is gone: what it had taken lately goes to others. */
  resubmit(validator: number): void;
  readonly counters: LoadCounters;
}

export interface LoadOptions {
  readonly source: TransactionSource;
  readonly client: RpcClient;
  /** Transactions per second. */
  readonly rate: number;
  /** One lane per validator; a lane's senders use that validator. */
  readonly lanes: number;
  /** Validators that serve now. */
  readonly targets: () => readonly LoadTarget[];
  /** Transactions known to be final, to see how many are not. */
  readonly finalized: () => number;
}

/** Short enough to keep arrivals even, long enough that requests cost little. */
const TICK_MS = 10;
/** More than this much delay of our own is not made up for. */
const LATE_MS_MAX = 500;
const REQUEST_DEADLINE_MS = 10_000;
const LANE_REQUESTS_MAX = 16;
/** Fewer transactions than this are not split over several validators: a request costs as much as many transactions. */
const SHARE_MIN = 32;
const BUSY_PAUSE_MS = 50;
const BATCH_BYTES = 256 * 1_024;
const RECENT_MS = 3_000;
const RECENT_BYTES_MAX = 16 * 1_024 * 1_024;
/** Codes that say that the same bytes are pending or final already. */
const KNOWN_CODES: ReadonlySet<string> = new Set(["duplicate", "alreadyOrdered"]);

interface Batch {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** A validator may have taken it before: a refusal is then no news. */
  readonly wasTaken: boolean;
}

interface Lane {
  readonly index: number;
  openRequests: number;
  /** Not before this time, after a refusal for now. */
  pausedUntilMs: number;
  readonly again: Batch[];
  readonly recent: { readonly batch: Batch; readonly atMs: number }[];
  recentBytes: number;
}

interface MutableCounters {
  submitted: number;
  refused: number;
  retried: number;
  heldBack: number;
  readonly refusals: Map<string, number>;
}

interface BatchResult {
  readonly status: string;
  readonly code: string | undefined;
  readonly canRetry: boolean;
}

export function createLoad(options: LoadOptions): Load {
  const { source, client, rate } = options;
  const counters: MutableCounters = { submitted: 0, refused: 0, retried: 0, heldBack: 0, refusals: new Map() };
  const lanes = Array.from({ length: options.lanes }, (_, index): Lane => {
    return { index, openRequests: 0, pausedUntilMs: 0, again: [], recent: [], recentBytes: 0 };
  });
  const batchMax = Math.min(batchCountMax(source.transactionBytes), Math.max(1, Math.floor(BATCH_BYTES / source.transactionBytes)));
  let timer: NodeJS.Timeout | undefined;
  let dueSinceMs = 0;
  let due = 0;
  let turn = 0;

  function tick(): void {
    const nowMs = performance.now();
    due += (Math.min(nowMs - dueSinceMs, LATE_MS_MAX) * rate) / 1_000;
    dueSinceMs = nowMs;
    const targets = options.targets().filter((target) => target.validator < lanes.length);
    for (const target of targets) repeat(target, nowMs);
    submitDue(targets, nowMs);
  }

  /** Spreads what is due over the validators in turn, starting with another one each time. */
  function submitDue(targets: readonly LoadTarget[], nowMs: number): void {
    const roomInWindows = source.unfinishedMax - (counters.submitted - counters.refused - options.finalized());
    let count = Math.floor(due);
    due -= count;
    const open = targets.filter((target) => hasRoom(laneOf(target), nowMs));
    const allowed = open.length === 0 ? 0 : Math.max(0, Math.min(count, roomInWindows));
    counters.heldBack += count - allowed;
    count = allowed;
    const share = Math.min(batchMax, Math.max(SHARE_MIN, Math.ceil(count / Math.max(1, open.length))));
    for (let attempt = 0; count > 0 && attempt < 4 * open.length; attempt++) {
      const target = open[turn++ % open.length];
      if (target === undefined || !hasRoom(laneOf(target), nowMs)) continue;
      const size = Math.min(share, count);
      count -= size;
      counters.submitted += size;
      send(target, { bytes: source.batch(target.validator, size), count: size, wasTaken: false });
    }
    counters.heldBack += count;
  }

  function laneOf(target: LoadTarget): Lane {
    return lanes[target.validator] as Lane;
  }

  function hasRoom(lane: Lane, nowMs: number): boolean {
    return lane.openRequests < LANE_REQUESTS_MAX && lane.again.length === 0 && nowMs >= lane.pausedUntilMs;
  }

  function repeat(target: LoadTarget, nowMs: number): void {
    const lane = laneOf(target);
    if (nowMs < lane.pausedUntilMs || lane.openRequests >= LANE_REQUESTS_MAX) return;
    const batch = lane.again.shift();
    if (batch !== undefined) send(target, batch);
  }

  function send(target: LoadTarget, batch: Batch): void {
    const lane = laneOf(target);
    lane.openRequests++;
    client
      .post(target.rpc, "/v1/transactions/batch", batch.bytes, REQUEST_DEADLINE_MS)
      .then((response) => onAnswer(lane, batch, response.status, response.text))
      .catch((error: unknown) => onNoAnswer(lane, batch, messageOf(error)))
      .finally(() => {
        lane.openRequests--;
        // The validator went away while this was open: whoever said so could not know of this batch.
        if (!options.targets().some(({ validator }) => validator === lane.index)) resubmit(lane.index);
      });
  }

  function onAnswer(lane: Lane, batch: Batch, status: number, text: string): void {
    const results = status === 200 ? parseResults(text, batch.count) : undefined;
    if (results === undefined) return onNoAnswer(lane, batch, `http${status}`);
    const retry: number[] = [];
    for (const [index, result] of results.entries()) {
      if (result.status !== "accepted" && onRefusal(result, batch.wasTaken)) retry.push(index);
    }
    remember(lane, batch);
    if (retry.length > 0) putBack(lane, retry.length === batch.count ? batch : pick(batch, retry, source.transactionBytes));
  }

  /** Counts a refusal; true when the transaction is to be submitted again. */
  function onRefusal(result: BatchResult, wasTaken: boolean): boolean {
    const code = result.code ?? "unknown";
    if (KNOWN_CODES.has(code) || (wasTaken && !result.canRetry)) return false;
    counters.refusals.set(code, (counters.refusals.get(code) ?? 0) + 1);
    if (result.canRetry) counters.retried++;
    else counters.refused++;
    return result.canRetry;
  }

  /** Nobody knows what became of it: the same bytes again, which cannot take effect twice. */
  function onNoAnswer(lane: Lane, batch: Batch, reason: string): void {
    const code = reason.startsWith("http") ? reason : "noAnswer";
    counters.refusals.set(code, (counters.refusals.get(code) ?? 0) + batch.count);
    counters.retried += batch.count;
    putBack(lane, { ...batch, wasTaken: true });
  }

  function putBack(lane: Lane, batch: Batch): void {
    lane.again.push(batch);
    lane.pausedUntilMs = performance.now() + BUSY_PAUSE_MS;
  }

  function remember(lane: Lane, batch: Batch): void {
    const atMs = performance.now();
    lane.recent.push({ batch, atMs });
    lane.recentBytes += batch.bytes.length;
    for (let oldest = lane.recent[0]; oldest !== undefined; oldest = lane.recent[0]) {
      if (atMs - oldest.atMs <= RECENT_MS && lane.recentBytes <= RECENT_BYTES_MAX) break;
      lane.recent.shift();
      lane.recentBytes -= oldest.batch.bytes.length;
    }
  }

  function resubmit(validator: number): void {
    const from = lanes[validator];
    const others = options.targets().filter((target) => target.validator !== validator && target.validator < lanes.length);
    if (from === undefined || others.length === 0) return;
    const orphans = [...from.recent.splice(0).map(({ batch }) => ({ ...batch, wasTaken: true })), ...from.again.splice(0)];
    from.recentBytes = 0;
    for (const [index, batch] of orphans.entries()) laneOf(others[index % others.length] as LoadTarget).again.push(batch);
  }

  return {
    start() {
      dueSinceMs = performance.now();
      timer = setInterval(tick, TICK_MS);
    },
    async stop(deadlineMs) {
      clearInterval(timer);
      due = 0;
      const untilMs = performance.now() + deadlineMs;
      const isBusy = (): boolean => lanes.some((lane) => lane.openRequests > 0 || lane.again.length > 0);
      while (isBusy() && performance.now() < untilMs) {
        for (const target of options.targets()) repeat(target, performance.now());
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      }
    },
    resubmit,
    counters,
  };
}

/** The transactions at `indices` as a batch of their own; all are equally long. */
function pick(batch: Batch, indices: readonly number[], transactionBytes: number): Batch {
  const bytes = new Uint8Array(1 + indices.length * (4 + transactionBytes));
  const view = new DataView(bytes.buffer);
  bytes[0] = batch.bytes[0] as number;
  for (const [position, index] of indices.entries()) {
    const offset = 4 * indices.length + position * transactionBytes;
    const from = 1 + 4 * batch.count + index * transactionBytes;
    view.setUint32(1 + 4 * position, offset, true);
    bytes.set(batch.bytes.subarray(from, from + transactionBytes), 1 + offset);
  }
  return { bytes, count: indices.length, wasTaken: batch.wasTaken };
}

/** One result per transaction, in order; undefined when the answer is anything else. */
function parseResults(text: string, count: number): BatchResult[] | undefined {
  try {
    const value = JSON.parse(text) as { readonly results?: unknown };
    return Array.isArray(value.results) && value.results.length === count ? (value.results as BatchResult[]) : undefined;
  } catch {
    // Not JSON: the caller treats it as no answer.
    return undefined;
  }
}
