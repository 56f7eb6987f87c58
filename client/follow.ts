/** From submission to the result: sends a transaction until a node takes it, then asks for its status until it is executed, with pauses
 *  that grow while nothing changes. Ends by a result, the deadline or the caller's signal; it never waits without a bound. */

import type { Refusal } from "../types/application.ts";
import type { TransactionHash } from "../types/ids.ts";
import type { ExecutedStatus, TransactionStatus } from "./answers.ts";
import { canRetry, type RpcFailure } from "./http.ts";
import type { PreparedTransaction } from "./open.ts";
import type { Rpc } from "./rpc.ts";

export interface FollowOptions {
  /** For the whole; a request under way at its end is waited for, up to the deadline of requests. */
  readonly deadlineMs: number;
  /** The pause after a change, and the longest one: each pause is twice the one before. */
  readonly pauseMsMin: number;
  readonly pauseMsMax: number;
  readonly signal?: AbortSignal | undefined;
  /** Told about every change of the status, the last one included. */
  readonly onStatus?: ((status: TransactionStatus) => void) | undefined;
  /** Left out: the runtime's clock and timers. */
  readonly timing?: FollowTiming | undefined;
}

export interface FollowTiming {
  nowMs(): number;
  /** Resolves after `ms`, or at once on abort. */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

/** executed: see its code; sealed ones that did not open have one too. dropped: a node let go of it before it was ordered; another node
 *  may still order it until it expires. deadline: nothing is known yet beyond `last`; follow again. refused, failed: not submitted, or
 *  a node that cannot be asked. */
export type FollowResult =
  | { readonly type: "executed"; readonly status: ExecutedStatus }
  | { readonly type: "dropped"; readonly refusal: Refusal }
  | { readonly type: "deadline"; readonly last: TransactionStatus | undefined; readonly failure: RpcFailure | undefined }
  | { readonly type: "aborted" }
  | { readonly type: "failed"; readonly failure: RpcFailure };

/** Asks one node until the transaction is executed there. Failures that may pass are tried again. */
export async function followTransaction(
  rpc: Pick<Rpc, "transaction">,
  hash: TransactionHash,
  options: FollowOptions,
): Promise<FollowResult> {
  const pacer = createPacer(options);
  let last: TransactionStatus | undefined;
  let failure: RpcFailure | undefined;
  for (;;) {
    const answer = await rpc.transaction(hash, { signal: options.signal });
    if (answer.ok) {
      failure = undefined;
      if (!isSame(last, answer.value)) {
        last = answer.value;
        pacer.reset();
        options.onStatus?.(last);
      }
      if (last?.type === "executed") return { type: "executed", status: last };
      if (last?.type === "unknown" && last.dropped !== undefined) return { type: "dropped", refusal: last.dropped };
    } else {
      failure = answer.failure;
      if (!canRetry(failure)) return failure.type === "aborted" ? { type: "aborted" } : { type: "failed", failure };
    }
    const ending = await pacer.pause();
    if (ending !== undefined) return ending === "aborted" ? { type: "aborted" } : { type: "deadline", last, failure };
  }
}

/** Submits and follows. The same bytes are sent again while it is unknown whether the node took them, which is safe: their nonce lets them
 *  run once. After such a doubt a refusal decides nothing, since it may be about our own first try: the transaction is followed. */
export async function submitAndFollow(
  rpc: Pick<Rpc, "submit" | "transaction">,
  transaction: PreparedTransaction,
  options: FollowOptions,
): Promise<FollowResult> {
  const timing = options.timing ?? RUNTIME_TIMING;
  const startMs = timing.nowMs();
  const pacer = createPacer(options);
  let isInDoubt = false;
  for (;;) {
    const answer = await rpc.submit(transaction.bytes, { signal: options.signal });
    if (answer.ok) break;
    const { failure } = answer;
    if (failure.type === "aborted") return { type: "aborted" };
    if (failure.type === "refused" && !failure.canRetry && isInDoubt) break;
    if (!canRetry(failure)) return { type: "failed", failure };
    isInDoubt ||= failure.type !== "refused";
    const ending = await pacer.pause();
    if (ending !== undefined) return ending === "aborted" ? { type: "aborted" } : { type: "deadline", last: undefined, failure };
  }
  const deadlineMs = options.deadlineMs - (timing.nowMs() - startMs);
  return followTransaction(rpc, transaction.hash, { ...options, deadlineMs });
}

interface Pacer {
  reset(): void;
  /** Waits, and says what ended the whole, if anything did. */
  pause(): Promise<"aborted" | "deadline" | undefined>;
}

function createPacer({ deadlineMs, pauseMsMin, pauseMsMax, signal, timing = RUNTIME_TIMING }: FollowOptions): Pacer {
  const endMs = timing.nowMs() + deadlineMs;
  let pauseMs = pauseMsMin;
  return {
    reset() {
      pauseMs = pauseMsMin;
    },
    async pause() {
      if (isAborted(signal)) return "aborted";
      const leftMs = endMs - timing.nowMs();
      if (leftMs <= 0) return "deadline";
      await timing.pause(Math.min(pauseMs, leftMs), signal);
      pauseMs = Math.min(2 * pauseMs, pauseMsMax);
      return isAborted(signal) ? "aborted" : undefined;
    },
  };
}

const RUNTIME_TIMING: FollowTiming = {
  nowMs: () => performance.now(),
  pause: (ms, signal) =>
    new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal?.addEventListener("abort", finish, { once: true });
      if (signal?.aborted === true) finish();
    }),
};

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function isSame(left: TransactionStatus | undefined, right: TransactionStatus): boolean {
  if (left?.type !== right.type) return false;
  return left.type !== "ordered" || right.type !== "ordered" || left.height === right.height;
}
