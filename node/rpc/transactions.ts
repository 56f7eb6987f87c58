/** Submitting transactions and following one to finality. */

import type { Context, Hono } from "hono";
import type { Refusal } from "../../types/application.ts";
import { parseHash, type TransactionHash } from "../../types/ids.ts";
import { FRAME_BYTES_MAX, TRANSACTION_BYTES_MAX } from "../../types/limits.ts";
import { transactionBatchCodec } from "../../types/message.ts";
import { bodyOf } from "./body.ts";
import type { NodeCore, SubmitResult, TransactionStatus } from "./core.ts";
import { badRequest, busy, failureResponse, refused } from "./errors.ts";
import { transactionFromJson } from "./transaction_json.ts";

/** The longest wait of one request; a client asks again. */
export const WAIT_MS_MAX = 60_000;
/** JSON is at most this much longer than the encoding: every byte as two digits, names and punctuation of each operation. */
const JSON_BYTES_MAX = 8 * TRANSACTION_BYTES_MAX;
const BATCH_BYTES_MAX = FRAME_BYTES_MAX;

export function addTransactionRoutes(app: Hono, core: NodeCore): void {
  app.post("/v1/transactions", async (context) => {
    const encoded = await readTransaction(context);
    if (encoded instanceof Response) return encoded;
    const [result] = await core.submit([encoded]);
    if (result === undefined) return failureResponse(busy("the node gave no answer"));
    if (result.refusal !== undefined) return failureResponse(refused(result.refusal));
    return context.json({ hash: result.hash, status: "accepted" }, 202);
  });

  app.post("/v1/transactions/batch", async (context) => {
    const body = await bodyOf(context, BATCH_BYTES_MAX);
    if (body instanceof Response) return body;
    const decoded = transactionBatchCodec.decode(body);
    if (!decoded.ok) {
      const advice = "send application/octet-stream: the TransactionBatch encoding, at least one transaction";
      return failureResponse(badRequest(`the body is no batch of transactions (${decoded.reason})`, advice));
    }
    const results = await core.submit(decoded.value);
    return context.json({ results: results.map(resultJson) });
  });

  app.get("/v1/transactions/:hash", async (context) => {
    const hash = parseHash<TransactionHash>(context.req.param("hash"));
    if (hash === undefined)
      return failureResponse(badRequest("the hash is not 64 lower-case hex digits", "send the hash that submit returned"));
    const waitMs = waitOf(context.req.query("waitMs"));
    if (waitMs === undefined) {
      return failureResponse(badRequest(`waitMs is not a whole number from 0 to ${WAIT_MS_MAX}`, "leave it out or give milliseconds"));
    }
    if (waitMs > 0 && core.transaction(hash).status !== "final") {
      const waiting = core.waitForFinal(hash, { waitMs, signal: context.req.raw.signal });
      if (waiting === undefined) return failureResponse(busy("too many requests wait for transactions already"));
      await waiting;
    }
    return context.json(statusJson(hash, core.transaction(hash), core));
  });
}

async function readTransaction(context: Context): Promise<Uint8Array | Response> {
  const type = (context.req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (type === "application/octet-stream") return bodyOf(context, TRANSACTION_BYTES_MAX);
  if (type !== "application/json") {
    const advice = "send application/octet-stream (one SignedTransaction encoding) or application/json";
    return failureResponse({ status: 415, code: "unsupportedType", message: "unknown content type", canRetry: false, advice });
  }
  const body = await bodyOf(context, JSON_BYTES_MAX);
  if (body instanceof Response) return body;
  const result = transactionFromJson(new TextDecoder().decode(body));
  if (result.ok) return result.bytes;
  const advice = 'correct the named fields; the shape is {"payload":{chainId,sender,nonce,expiryHeight,feeMax,operations},"signature"}';
  return failureResponse(badRequest(result.message, advice));
}

function waitOf(text: string | undefined): number | undefined {
  if (text === undefined) return 0;
  const waitMs = /^[0-9]{1,5}$/.test(text) ? Number(text) : undefined;
  return waitMs !== undefined && waitMs <= WAIT_MS_MAX ? waitMs : undefined;
}

type BatchResultJson = { hash: string | undefined; status: "accepted" | "refused" } & Partial<Refusal>;

function resultJson(result: SubmitResult): BatchResultJson {
  const { hash, refusal } = result;
  if (refusal === undefined) return { hash, status: "accepted" };
  return { hash, status: "refused", code: refusal.code, canRetry: refusal.canRetry, advice: refusal.advice };
}

function statusJson(hash: TransactionHash, status: TransactionStatus, core: NodeCore): Readonly<Record<string, unknown>> {
  switch (status.status) {
    case "pending":
    case "ordered":
      return { hash, ...status };
    case "unknown":
      return { hash, status: "unknown", ...(status.refusal === undefined ? {} : { dropped: status.refusal }) };
    case "final": {
      const { place, ...rest } = status;
      const { lane, position, builder, paid } = place;
      const names = {
        codeName: core.describeCode(status.code),
        operationCodeNames: status.operationCodes.map((each) => core.describeCode(each)),
      };
      return { hash, ...rest, ...names, lane, position, builder: builder ?? null, paid: paid.toString() };
    }
  }
}
