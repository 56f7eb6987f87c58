/** One request to a node and its JSON answer, over `fetch`, with a deadline, a bound on the answer and every failure as a value. */

import { unreachable } from "../types/assert.ts";
import { objectOf, textOf } from "./json.ts";

/** What `fetch` is used for; a test brings its own. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: Uint8Array<ArrayBuffer>; signal: AbortSignal; redirect: "error" },
) => Promise<Response>;

/** Why there is no answer to use.
 *  unreachable: no connection, or it broke. deadline: no complete answer in time; after a submission the node may still have taken it.
 *  aborted: by the caller's signal. refused: the node said no and why. malformed: an answer that this version does not understand. */
export type RpcFailure =
  | { readonly type: "unreachable"; readonly message: string }
  | { readonly type: "deadline"; readonly deadlineMs: number }
  | { readonly type: "aborted" }
  | {
      readonly type: "refused";
      readonly httpStatus: number;
      readonly code: string;
      readonly message: string;
      readonly canRetry: boolean;
      readonly advice: string;
    }
  | { readonly type: "malformed"; readonly message: string };

export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: RpcFailure };

export interface HttpAnswer {
  readonly httpStatus: number;
  /** Undefined for a refusal without JSON, as proxies give it. */
  readonly json: unknown;
}

export interface RequestBody {
  readonly contentType: "application/octet-stream" | "application/json";
  readonly bytes: Uint8Array;
}

export interface HttpRequest {
  readonly url: string;
  /** POST; undefined: GET. */
  readonly body: RequestBody | undefined;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Longer answers are given up; the largest that a node gives to a client of this SDK is a genesis. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

/** Could the same request succeed a little later? */
export function canRetry(failure: RpcFailure): boolean {
  switch (failure.type) {
    case "unreachable":
    case "deadline":
      return true;
    case "refused":
      return failure.canRetry;
    case "aborted":
    case "malformed":
      return false;
    default:
      return unreachable(failure);
  }
}

/** Any HTTP status is an answer; see `refusalOf` for those that say no. */
export async function request(fetchLike: Fetch, given: HttpRequest): Promise<Answer<HttpAnswer>> {
  const { url, body, deadlineMs, signal } = given;
  // A timer of our own: one of AbortSignal.timeout goes on after the answer and keeps some runtimes alive.
  const ending = new AbortController();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    ending.abort();
  }, deadlineMs);
  const abort = (): void => ending.abort();
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted === true) abort();
  try {
    const response = await fetchLike(url, {
      method: body === undefined ? "GET" : "POST",
      headers: body === undefined ? {} : { "content-type": body.contentType },
      ...(body === undefined ? {} : { body: new Uint8Array(body.bytes) }),
      signal: ending.signal,
      redirect: "error",
    });
    const text = await readText(response);
    if (text === undefined) return malformed(`the answer exceeds ${ANSWER_BYTES_MAX} bytes`);
    const json = parseJson(text);
    if (json === undefined && response.ok) return malformed(`HTTP ${response.status} without JSON`);
    return { ok: true, value: { httpStatus: response.status, json } };
  } catch (cause) {
    if (signal?.aborted === true) return { ok: false, failure: { type: "aborted" } };
    if (isLate) return { ok: false, failure: { type: "deadline", deadlineMs } };
    return { ok: false, failure: { type: "unreachable", message: cause instanceof Error ? cause.message : String(cause) } };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

export function malformed(message: string): { readonly ok: false; readonly failure: RpcFailure } {
  return { ok: false, failure: { type: "malformed", message } };
}

/** What a node answers when it says no: `{ error: { code, message, canRetry, advice } }`. A proxy's own 5xx may be tried again. */
export function refusalOf({ httpStatus, json }: HttpAnswer): RpcFailure {
  const error = objectOf(objectOf(json)?.error) ?? {};
  return {
    type: "refused",
    httpStatus,
    code: textOf(error.code) ?? `http${httpStatus}`,
    message: textOf(error.message) ?? `the node answered HTTP ${httpStatus}`,
    canRetry: typeof error.canRetry === "boolean" ? error.canRetry : httpStatus >= 500 || httpStatus === 429,
    advice: textOf(error.advice) ?? "see the node's log",
  };
}

async function readText(response: Response): Promise<string | undefined> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let text = "";
  let byteCount = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    byteCount += value.length;
    if (byteCount > ANSWER_BYTES_MAX) {
      await reader.cancel();
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** JSON `null` is no answer either. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}
