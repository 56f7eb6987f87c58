/** From submission to the result: sends a transaction, or a bundle to its builder, until a node takes it, then asks for its status until
 *  that is final, with pauses that grow while nothing changes. Ends by a result, the deadline or the caller's signal; it never waits
 *  without a bound. */

import type { Refusal } from "../types/application.ts";
import type { BundleId, TransactionHash } from "../types/ids.ts";
import type { ExecutedStatus, TransactionStatus } from "./answers.ts";
import type { BundleStatus, NotIncludedReason } from "./bundle_answers.ts";
import type { PreparedBundle } from "./bundles.ts";
import { type Answer, canRetry, type RpcFailure } from "./http.ts";
import type { PreparedTransaction } from "./open.ts";
import type { Rpc } from "./rpc.ts";

export interface FollowOptions<Status = TransactionStatus> {
  /** For the whole; a request under way at its end is waited for, up to the deadline of requests. */
  readonly deadlineMs: number;
  /** The pause after a change, and the longest one: each pause is twice the one before. */
  readonly pauseMsMin: number;
  readonly pauseMsMax: number;
  readonly signal?: AbortSignal | undefined;
  /** Told about every change of the status, the last one included. */
  readonly onStatus?: ((status: Status) => void) | undefined;
  /** Left out: the runtime's clock and timers. */
  readonly timing?: FollowTiming | undefined;
}

export interface FollowTiming {
  nowMs(): number;
  /** Resolves after `ms`, or at once on abort. */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

/** deadline: nothing is known yet beyond `last`; follow again. failed: not submitted, or a node that cannot be asked. */
export type Unfinished<Status> =
  | { readonly type: "deadline"; readonly last: Status | undefined; readonly failure: RpcFailure | undefined }
  | { readonly type: "aborted" }
  | { readonly type: "failed"; readonly failure: RpcFailure };

/** executed: see its code; sealed ones that did not open have one too. dropped: a node let go of it before it was ordered; another node
 *  may still order it until it expires. */
export type FollowResult =
  | { readonly type: "executed"; readonly status: ExecutedStatus }
  | { readonly type: "dropped"; readonly refusal: Refusal }
  | Unfinished<TransactionStatus>;

export type IncludedBundle = Extract<BundleStatus, { readonly type: "included" }>;

/** included: all of it ran. notIncluded: none of it did, by this builder, and none will. unknown: the builder has forgotten the bundle, as
 *  it does when it restarts; ask for its transactions. */
export type FollowBundleResult =
  | { readonly type: "included"; readonly status: IncludedBundle }
  | { readonly type: "notIncluded"; readonly reason: NotIncludedReason }
  | { readonly type: "unknown" }
  | Unfinished<BundleStatus>;

/** Asks one node until the transaction is executed there. Failures that may pass are tried again. */
export function followTransaction(rpc: Pick<Rpc, "transaction">, hash: TransactionHash, options: FollowOptions): Promise<FollowResult> {
  return follow<TransactionStatus, FollowResult>(options, {
    ask: (signal) => rpc.transaction(hash, { signal }),
    keyOf: (status) => {
      if (status.type === "unknown") return `unknown ${status.dropped?.code ?? ""}`;
      return status.type === "ordered" ? `ordered ${status.height}` : status.type;
    },
    endOf: (status) => {
      if (status.type === "executed") return { type: "executed", status };
      return status.type === "unknown" && status.dropped !== undefined ? { type: "dropped", refusal: status.dropped } : undefined;
    },
    endOfFailure: () => undefined,
  });
}

/** Asks its builder until the bundle is included or cannot be any more. Failures that may pass are tried again. */
export function followBundle(rpc: Pick<Rpc, "bundle">, id: BundleId, options: FollowOptions<BundleStatus>): Promise<FollowBundleResult> {
  return follow<BundleStatus, FollowBundleResult>(options, {
    ask: (signal) => rpc.bundle(id, { signal }),
    keyOf: (status) => {
      if (status.type === "pending") return `pending ${status.last?.message ?? ""}`;
      return status.type === "offered" ? `offered ${status.height} ${status.sequence}` : status.type;
    },
    endOf: (status) => {
      if (status.type === "included") return { type: "included", status };
      return status.type === "notIncluded" ? { type: "notIncluded", reason: status.reason } : undefined;
    },
    endOfFailure: (failure) => (failure.type === "refused" && failure.code === "notFound" ? { type: "unknown" } : undefined),
  });
}

/** Submits and follows. The same bytes are sent again while it is unknown whether the node took them, which is safe: their nonce lets them
 *  run once. After such a doubt a refusal decides nothing, since it may be about our own first try: the transaction is followed. */
export async function submitAndFollow(
  rpc: Pick<Rpc, "submit" | "transaction">,
  transaction: PreparedTransaction,
  options: FollowOptions,
): Promise<FollowResult> {
  const sent = await send(options, { send: (signal) => rpc.submit(transaction.bytes, { signal }), knownCodes: [] });
  if (sent.type !== "taken") return sent;
  return followTransaction(rpc, transaction.hash, { ...options, deadlineMs: sent.leftMs });
}

/** Submits to a builder and follows there, in the same manner. A bundle that the builder knows already is followed. */
export async function submitAndFollowBundle(
  rpc: Pick<Rpc, "submitBundle" | "bundle">,
  bundle: PreparedBundle,
  options: FollowOptions<BundleStatus>,
): Promise<FollowBundleResult> {
  const sent = await send(options, { send: (signal) => rpc.submitBundle(bundle, { signal }), knownCodes: ["duplicate", "finished"] });
  if (sent.type !== "taken") return sent;
  return followBundle(rpc, bundle.id, { ...options, deadlineMs: sent.leftMs });
}

interface Followed<Status, Result> {
  readonly ask: (signal: AbortSignal | undefined) => Promise<Answer<Status>>;
  /** Two statuses with the same key are no change. */
  readonly keyOf: (status: Status) => string;
  readonly endOf: (status: Status) => Result | undefined;
  /** Of failures that tell an end. */
  readonly endOfFailure: (failure: RpcFailure) => Result | undefined;
}

async function follow<Status, Result>(
  options: FollowOptions<Status>,
  { ask, keyOf, endOf, endOfFailure }: Followed<Status, Result>,
): Promise<Result | Unfinished<Status>> {
  const pacer = createPacer(options);
  let last: Status | undefined;
  let failure: RpcFailure | undefined;
  for (;;) {
    const answer = await ask(options.signal);
    if (answer.ok) {
      failure = undefined;
      if (last === undefined || keyOf(last) !== keyOf(answer.value)) {
        last = answer.value;
        pacer.reset();
        options.onStatus?.(last);
      }
      const end = endOf(answer.value);
      if (end !== undefined) return end;
    } else {
      failure = answer.failure;
      const end = endOfFailure(failure);
      if (end !== undefined) return end;
      if (!canRetry(failure)) return failure.type === "aborted" ? { type: "aborted" } : { type: "failed", failure };
    }
    const ending = await pacer.pause();
    if (ending !== undefined) return ending === "aborted" ? { type: "aborted" } : { type: "deadline", last, failure };
  }
}

/** Until it is taken. `knownCodes`: of refusals that say that it was taken before. */
async function send(
  options: FollowOptions<never>,
  given: { readonly send: (signal: AbortSignal | undefined) => Promise<Answer<unknown>>; readonly knownCodes: readonly string[] },
): Promise<{ readonly type: "taken"; readonly leftMs: number } | Unfinished<never>> {
  const timing = options.timing ?? RUNTIME_TIMING;
  const startMs = timing.nowMs();
  const pacer = createPacer(options);
  let isInDoubt = false;
  for (;;) {
    const answer = await given.send(options.signal);
    if (answer.ok) break;
    const { failure } = answer;
    if (failure.type === "aborted") return { type: "aborted" };
    if (failure.type === "refused" && !failure.canRetry && (isInDoubt || given.knownCodes.includes(failure.code))) break;
    if (!canRetry(failure)) return { type: "failed", failure };
    isInDoubt ||= failure.type !== "refused";
    const ending = await pacer.pause();
    if (ending !== undefined) return ending === "aborted" ? { type: "aborted" } : { type: "deadline", last: undefined, failure };
  }
  return { type: "taken", leftMs: options.deadlineMs - (timing.nowMs() - startMs) };
}

interface Pacer {
  reset(): void;
  /** Waits, and says what ended the whole, if anything did. */
  pause(): Promise<"aborted" | "deadline" | undefined>;
}

function createPacer({ deadlineMs, pauseMsMin, pauseMsMax, signal, timing = RUNTIME_TIMING }: FollowOptions<never>): Pacer {
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
