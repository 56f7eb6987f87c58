/** Every answer that is not a success: `{ error: { code, message, canRetry, advice } }` with a fitting HTTP status. */

import type { Refusal } from "../../types/application.ts";

export interface RpcFailure {
  readonly status: 400 | 404 | 405 | 413 | 415 | 422 | 500 | 503;
  readonly code: string;
  readonly message: string;
  readonly canRetry: boolean;
  readonly advice: string;
}

export function badRequest(message: string, advice: string): RpcFailure {
  return { status: 400, code: "badRequest", message, canRetry: false, advice };
}

export function notFound(message: string, advice: string): RpcFailure {
  return { status: 404, code: "notFound", message, canRetry: false, advice };
}

export function tooLarge(bytesMax: number): RpcFailure {
  const advice = "send fewer transactions in one request";
  return { status: 413, code: "tooLarge", message: `the body exceeds ${bytesMax} bytes`, canRetry: false, advice };
}

export function busy(message: string): RpcFailure {
  return { status: 503, code: "busy", message, canRetry: true, advice: "send the same request again in a moment, or to another validator" };
}

/** A transaction that was refused: its own code; 503 when the same bytes may be taken later, 422 when they never will. */
export function refused({ code, canRetry, advice }: Refusal): RpcFailure {
  return { status: canRetry ? 503 : 422, code, message: `the transaction was refused: ${code}`, canRetry, advice };
}

export function failureResponse({ status, code, message, canRetry, advice }: RpcFailure): Response {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (status === 503) headers["retry-after"] = "1";
  return new Response(JSON.stringify({ error: { code, message, canRetry, advice } }), { status, headers });
}
