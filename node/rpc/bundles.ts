/** What searchers ask of a builder: to take a bundle, what became of it, and who the builder is. Only a builder's node answers. */

import type { Context, Hono } from "hono";
import { z } from "zod";
import type { BundleId, BundleRefusalCode } from "../../builder/bundle.ts";
import { tryFromHex } from "../../types/bytes.ts";
import { Height, parseHash } from "../../types/ids.ts";
import { BUNDLE_TRANSACTIONS_MAX, TRANSACTION_BYTES_MAX } from "../../types/limits.ts";
import { type BuilderStanding, describeStanding } from "../builder_standing.ts";
import type { BundleRequest } from "../bundle_ingress.ts";
import { describeIssues } from "../json_file.ts";
import { bodyOf } from "./body.ts";
import { bundleStatusJson } from "./bundle_json.ts";
import type { BuilderCore, NodeCore } from "./core.ts";
import { badRequest, failureResponse, notFound, refused } from "./errors.ts";
import { transactionFromValue } from "./transaction_json.ts";

/** A bundle fits the largest sealed bundle, which is smaller than this as hex; as JSON most are, too. */
const BODY_BYTES_MAX = 1024 * 1024;
const ADVICE =
  'the shape is {"transactions":["01ab…" or {"payload","signature"}],"fromHeight":1200,"toHeight":1260,"tip":"50"}; hex is lower case without 0x, and tip is a decimal string';
/** Refusals that speak of a field of the request, as a value out of range does: the same request is wrong at any time. */
const FIELD_FAULTS: ReadonlySet<string> = new Set<BundleRefusalCode>(["tipOutOfRange", "rangeEmpty", "tooFar"]);

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
    const status = FIELD_FAULTS.has(failure.code) ? 400 : failure.status;
    return failureResponse({ ...failure, status, message: `${where} was refused: ${failure.code}` });
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
    return context.json({ id, ...bundleStatusJson(status, core.describeCode) });
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
  return bytes === undefined
    ? { ok: false, message: "is not the hex, lower case and without 0x, of one encoded transaction" }
    : { ok: true, bytes };
}

function builderJson({ account, registered, standing, status, lastBid, links }: BuilderCore): Readonly<Record<string, unknown>> {
  const { strategy, bids, resent, won, lost, failed, paid, bundles, open } = status;
  return {
    account,
    reason: standingJson(standing),
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

/** Why it builds, or does not. */
function standingJson(standing: BuilderStanding): Readonly<Record<string, unknown>> {
  const { type, ...details } = standing;
  const shown = Object.entries(details).map(([name, value]) => [name, typeof value === "bigint" ? value.toString() : value]);
  return { type, message: describeStanding(standing), ...Object.fromEntries(shown) };
}
