/** What searchers ask of a builder: to take a bundle, what became of it, and who the builder is. Only a builder's node answers. */

import type { Context, Hono } from "hono";
import { z } from "zod";
import type { BundleId, BundleStatus, NotIncludedReason } from "../../builder/bundle.ts";
import { tryFromHex } from "../../types/bytes.ts";
import { Height, parseHash } from "../../types/ids.ts";
import { BUNDLE_TRANSACTIONS_MAX, TRANSACTION_BYTES_MAX } from "../../types/limits.ts";
import type { BundleRequest } from "../bundle_ingress.ts";
import { describeIssues } from "../json_file.ts";
import { bodyOf } from "./body.ts";
import type { BuilderCore, NodeCore } from "./core.ts";
import { badRequest, failureResponse, notFound, refused } from "./errors.ts";
import { transactionFromValue } from "./transaction_json.ts";

/** A bundle fits the largest sealed bundle, which is smaller than this as hex; as JSON most are, too. */
const BODY_BYTES_MAX = 1024 * 1024;
const ADVICE = 'the shape is {"transactions":[hex or {"payload","signature"}],"fromHeight","toHeight","tip"}';

const height = z.int({ error: "must be a height" }).min(1, { error: "must be a height, from 1 on" }).max(Number.MAX_SAFE_INTEGER);
const bundleSchema = z.strictObject({
  transactions: z
    .array(z.unknown(), { error: "must be a list of transactions" })
    .min(1, { error: "must hold at least one transaction" })
    .max(BUNDLE_TRANSACTIONS_MAX, { error: `must hold at most ${BUNDLE_TRANSACTIONS_MAX} transactions` }),
  fromHeight: height,
  toHeight: height,
  tip: z
    .string({ error: "must be a decimal string" })
    .regex(/^(0|[1-9][0-9]{0,38})$/, { error: "must be a decimal string below 2^128" })
    .transform(BigInt)
    .refine((tip) => tip < 1n << 128n, { error: "must be below 2^128" }),
});

export function addBuilderRoutes(app: Hono, core: NodeCore): void {
  const { builder } = core;
  if (builder === undefined) return;

  app.post("/v1/bundles", async (context) => {
    const request = await readBundle(context);
    if (request instanceof Response) return request;
    const result = await builder.submitBundle(request);
    if (result.ok) return context.json({ id: result.id, status: "accepted" }, 202);
    const where = result.position === undefined ? "the bundle" : `transactions[${result.position}]`;
    const failure = refused(result.refusal);
    return failureResponse({ ...failure, message: `${where} was refused: ${failure.code}` });
  });

  app.get("/v1/bundles/:id", (context) => {
    const id = parseHash<BundleId>(context.req.param("id"));
    if (id === undefined)
      return failureResponse(badRequest("the id is not 64 lower-case hex digits", "send the id that submitting returned"));
    const status = builder.bundle(id);
    if (status === undefined) {
      return failureResponse(
        notFound("this builder knows no such bundle", "it was never taken here, or its end is forgotten; look for its transactions"),
      );
    }
    return context.json({ id, ...bundleStatusJson(status) });
  });

  app.get("/v1/builder", (context) => context.json(builderJson(builder)));
}

async function readBundle(context: Context): Promise<BundleRequest | Response> {
  const body = await bodyOf(context, BODY_BYTES_MAX);
  if (body instanceof Response) return body;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(body));
  } catch (cause) {
    return failureResponse(badRequest(`the body is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, ADVICE));
  }
  const parsed = bundleSchema.safeParse(json);
  if (!parsed.success) return failureResponse(badRequest(`the bundle has mistakes:\n${describeIssues(parsed.error).join("\n")}`, ADVICE));
  const { fromHeight, toHeight, tip } = parsed.data;
  const transactions: Uint8Array[] = [];
  for (const [position, item] of parsed.data.transactions.entries()) {
    const read = typeof item === "string" ? fromHexText(item) : transactionFromValue(item);
    if (!read.ok) return failureResponse(badRequest(`transactions[${position}]: ${read.message}`, ADVICE));
    transactions.push(read.bytes);
  }
  return { transactions, from: Height.of(fromHeight), to: Height.of(toHeight), tip };
}

function fromHexText(text: string): ReturnType<typeof transactionFromValue> {
  const bytes = text.length > 2 * TRANSACTION_BYTES_MAX ? undefined : tryFromHex(text);
  return bytes === undefined ? { ok: false, message: "is not the hex of one encoded transaction" } : { ok: true, bytes };
}

/** A bundle's status, its amounts as decimal strings and the reason in a sentence. */
export function bundleStatusJson(status: BundleStatus): Readonly<Record<string, unknown>> {
  switch (status.type) {
    case "pending":
      return { status: "pending", ...(status.last === undefined ? {} : { last: reasonJson(status.last) }) };
    case "offered":
      return { status: "offered", height: status.height, sequence: status.sequence, value: status.value.toString() };
    case "included":
      return { status: "included", height: status.height, blockHash: status.blockHash, position: status.position };
    case "notIncluded":
      return { status: "notIncluded", reason: reasonJson(status.reason) };
    default:
      return status satisfies never;
  }
}

function reasonJson(reason: NotIncludedReason): Readonly<Record<string, unknown>> {
  const { type, ...details } = reason;
  const shown = Object.entries(details).map(([name, value]) => [name, typeof value === "bigint" ? value.toString() : value]);
  return { type, message: sentenceOf(reason), ...Object.fromEntries(shown) };
}

function sentenceOf(reason: NotIncludedReason): string {
  switch (reason.type) {
    case "expired":
      return "its last height has passed";
    case "simulationFailed":
      return `on the last executed state its transaction ${reason.position} fails with code ${reason.code}`;
    case "executionFailed":
      return `it stood in block ${reason.height}, and its transaction ${reason.position} failed with code ${reason.code}: nothing of it was kept`;
    case "tipNotPaid":
      return `it brings the builder ${reason.measured}, less than the ${reason.declared} that it promises`;
    case "noRoom":
      return "other bundles paid better for the room there is";
    case "cannotSeal":
      return "it could not be sealed: there is no sealing key, or too many blocks wait to be opened";
    case "lostAuction":
      return `it was bid with, and somebody else built block ${reason.height}`;
    case "conflict":
      return reason.with.type === "bundle" ? "another bundle used one of its nonces" : "a public transaction used one of its nonces";
    case "unfit":
      return "one of its transactions is not an open one of this chain, well signed";
    case "unopened":
      return `what it was sealed in for block ${reason.height} did not open`;
    case "orderedApart":
      return `one of its transactions was ordered in block ${reason.height} without the others`;
    case "evicted":
      return "the builder's pool was full, and others are worth more";
    default:
      return reason satisfies never;
  }
}

function builderJson({ account, registered, status, lastBid, links }: BuilderCore): Readonly<Record<string, unknown>> {
  const { strategy, bids, resent, won, lost, failed, paid, bundles, open } = status;
  return {
    account,
    registered:
      registered === undefined ? null : { ...registered, bond: registered.bond.toString(), endpoint: registered.endpoint ?? null },
    strategy,
    links,
    bids,
    resent,
    open,
    wins: won,
    losses: lost,
    failed,
    paid: paid.toString(),
    bundles,
    lastBid:
      lastBid === undefined
        ? null
        : {
            height: lastBid.bid.height,
            sequence: lastBid.bid.sequence,
            value: lastBid.bid.value.toString(),
            leader: lastBid.leader,
            tailCount: lastBid.bid.tailCount,
            bundleBytes: lastBid.bid.bundle.length,
          },
  };
}
