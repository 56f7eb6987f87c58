/** C4, C5: every answer of a node, right, wrong or missing, is a value. The node is a fake behind `fetch`. */

import t from "tap";
import { canRetry, type RpcFailure } from "../../client/http.ts";
import { accountFromSeed } from "../../client/keys.ts";
import { signOpen } from "../../client/open.ts";
import { transfer } from "../../client/operations.ts";
import { createRpc, type Rpc } from "../../client/rpc.ts";
import { chainIdOf } from "../../crypto/hashes.ts";
import { Height, type TransactionHash } from "../../types/ids.ts";
import { createFakeNode, type FakeNode, FEE_ASSET, json, sealingKey } from "./fake_node.ts";

const account = accountFromSeed(new Uint8Array(32).fill(1));
const other = accountFromSeed(new Uint8Array(32).fill(2));
if (account === undefined || other === undefined) throw new Error("32 bytes make an account");
const to = other.id;
const HASH = "3d".repeat(32) as TransactionHash;

function start(isGenerating = false): { readonly node: FakeNode; readonly rpc: Rpc } {
  const node = createFakeNode({ accounts: [account?.id ?? to, to], isGenerating });
  return { node, rpc: createRpc({ baseUrl: "http://node.test:1/", deadlineMs: 5_000, fetch: node.fetch }) };
}

function transactionOf(node: FakeNode, nonce: number): { readonly hash: TransactionHash; readonly bytes: Uint8Array } {
  const operations = [transfer({ to, asset: FEE_ASSET, amount: 1n })];
  const given = { chainId: chainIdOf(node.genesis), nonce, expiryHeight: Height.of(100), feeMax: 100n, operations };
  const signed = signOpen({ account: account as NonNullable<typeof account>, ...given });
  if (!signed.ok) throw new Error(signed.reason);
  return signed.transaction;
}

async function failureOf(answer: Promise<{ readonly ok: boolean; readonly failure?: RpcFailure }>): Promise<RpcFailure | undefined> {
  return (await answer).failure;
}

t.test("createRpc: submit, then the status: pending, ordered, executed with its code", async (t) => {
  const { node, rpc } = start();
  const { hash, bytes } = transactionOf(node, 0);
  t.strictSame(await rpc.transaction(hash), { ok: true, value: { type: "unknown", dropped: undefined } });
  t.strictSame(await rpc.submit(bytes), { ok: true, value: hash });
  t.strictSame(await rpc.transaction(hash), { ok: true, value: { type: "pending" } });
  t.strictSame(await rpc.transaction(hash, { waitMs: 250 }), { ok: true, value: { type: "ordered", height: 1 } });
  const place = { lane: "open", position: 0, builder: undefined, paid: 0n };
  const value = { type: "executed", height: 1, code: 0, codeName: "ok", operationCodes: [0], operationCodeNames: ["ok"], ...place };
  t.strictSame(await rpc.transaction(hash), { ok: true, value });
  t.strictSame(node.asked.slice(0, 4), [
    `GET /v1/transactions/${hash}`,
    "POST /v1/transactions",
    `GET /v1/transactions/${hash}`,
    `GET /v1/transactions/${hash}?waitMs=250`,
  ]);
});

t.test("createRpc: submitMany has one outcome for each, in order, with the refusals' codes", async (t) => {
  const { node, rpc } = start();
  const [first, second] = [transactionOf(node, 0), transactionOf(node, 600)];
  const answer = await rpc.submitMany([first.bytes, second.bytes, new Uint8Array([9])]);
  t.match(answer, {
    ok: true,
    value: [
      { type: "accepted", hash: first.hash },
      { type: "refused", hash: second.hash, refusal: { code: "nonceTooFar", canRetry: true, advice: /\w/ } },
      { type: "refused", hash: undefined, refusal: { code: "unknownVersion", canRetry: false } },
    ],
  });
  node.override(() => json({ results: [] }));
  t.match(await failureOf(rpc.submitMany([first.bytes])), { type: "malformed" });
});

t.test("createRpc: sealing: the key with its proof, or how far its generation is", async (t) => {
  const live = await start().rpc.sealing();
  t.match(live, { ok: true, value: { type: "live", proof: { suite: 1, activationHeight: 7 } } });
  if (live.ok && live.value.type === "live") t.strictSame(live.value.proof.key, sealingKey);
  t.strictSame(await start(true).rpc.sealing(), { ok: true, value: { type: "generating", detail: "2 of 4 deals" } });
  const { node, rpc } = start();
  node.override(() => json({ error: { code: "busy", message: "many requests", canRetry: true, advice: "wait" } }, 503));
  t.match(await failureOf(rpc.sealing()), { type: "refused", httpStatus: 503, code: "busy", canRetry: true });
  node.override(() => json({ ...sealingKey, publicKey: "zz" }));
  t.match(await failureOf(rpc.sealing()), { type: "malformed" });
});

t.test("createRpc: account, status and genesis are read, unknown fields ignored", async (t) => {
  const { node, rpc } = start();
  const chainId = chainIdOf(node.genesis);
  t.match(await rpc.account({ account: to, asset: FEE_ASSET }), { ok: true, value: { available: 10_000n, nonces: { base: 0, used: [] } } });
  const unsaid = { isCatchingUp: undefined, isValidator: undefined, peers: undefined };
  const heights = { chainId, finalHeight: 0, executedHeight: 0 };
  t.strictSame(await rpc.status(), { ok: true, value: { ...heights, ...unsaid } });
  const peers = [
    { isLinked: true, status: { finalHeight: 7 } },
    { isLinked: true, status: null },
    { isLinked: false, status: { finalHeight: 9 } },
  ];
  node.override(() => json({ ...heights, isCatchingUp: true, validator: null, peers }));
  t.strictSame(await rpc.status(), {
    ok: true,
    value: { ...heights, isCatchingUp: true, isValidator: false, peers: { count: 2, finalHeightMax: 7 } },
  });
  node.override(() => json({ ...heights, validator: 0, peers: [] }));
  t.match(await rpc.status(), { ok: true, value: { isValidator: true, peers: { count: 0, finalHeightMax: 0 } } });
  t.strictSame(await rpc.genesis(), { ok: true, value: { chainId, genesis: node.genesis } });
  node.override(() => json({ account: to, asset: 3, record: { available: "-5" }, nonces: null }));
  t.match(await rpc.account({ account: to, asset: 3 }), { ok: true, value: { available: -5n, nonces: undefined } });
  node.override(() => json({ account: to, asset: 3, record: null, nonces: null }));
  t.strictSame(await rpc.account({ account: to, asset: 3 }), {
    ok: true,
    value: { account: to, asset: 3, available: undefined, nonces: undefined, builder: undefined },
  });
  const registered = { bond: "50", feeRecipient: to, endpoint: null, unbondingHeight: 7, boxedUntil: null };
  for (const [given, builder] of [
    [null, "none"],
    [registered, { bond: 50n, feeRecipient: to, unbondingHeight: 7 }],
    [
      { ...registered, unbondingHeight: null },
      { bond: 50n, feeRecipient: to, unbondingHeight: undefined },
    ],
    [{ ...registered, bond: 50 }, undefined],
  ]) {
    node.override(() => json({ account: to, asset: 3, record: null, nonces: null, builder: given }));
    t.match(await rpc.account({ account: to, asset: 3 }), { ok: true, value: { builder } });
  }
});

/** As a node says it of a block that its proposer built. */
const PLACE = { lane: "open", position: 2, builder: null, paid: "0" };

t.test(
  "createRpc: statuses of any shape: final means executed and says where, what has no code is ordered, others are refused",
  async (t) => {
    const { node, rpc } = start();
    const rows: readonly (readonly [unknown, unknown])[] = [
      [
        { status: "final", height: 4, code: 112, codeName: "badBody", operationCodes: [], index: 0, blockHash: "x", ...PLACE },
        { type: "executed", code: 112, codeName: "badBody", lane: "open", position: 2, builder: undefined, paid: 0n },
      ],
      [
        { status: "final", height: 4, code: 0, ...PLACE, lane: "bundle", builder: to, paid: "7" },
        { type: "executed", lane: "bundle", position: 2, builder: to, paid: 7n },
      ],
      [
        { status: "final", height: 4, code: 0, ...PLACE, lane: "sealed", builder: to, paid: "7" },
        { type: "executed", lane: "sealed", builder: to, paid: 7n },
      ],
      [
        { status: "final", height: 4 },
        { type: "ordered", height: 4 },
      ],
      [
        { status: "executed", height: 4, code: 7, ...PLACE },
        { type: "executed", codeName: "code 7", operationCodes: [] },
      ],
      [
        { status: "final", height: 4, code: 110, ...PLACE, operationCodes: [0, 31], operationCodeNames: ["ok", "bondTooLow"] },
        { type: "executed", operationCodes: [0, 31], operationCodeNames: ["ok", "bondTooLow"] },
      ],
      [
        { status: "final", height: 4, code: 110, ...PLACE, operationCodes: [31], operationCodeNames: 7 },
        { type: "executed", operationCodes: [31], operationCodeNames: ["code 31"] },
      ],
      [
        { status: "unknown", dropped: { code: "expired", canRetry: false, advice: "sign again" } },
        { type: "unknown", dropped: { code: "expired" } },
      ],
    ];
    for (const [given, value] of rows) {
      node.override(() => json(given));
      t.match(await rpc.transaction(HASH), { ok: true, value });
    }
    const final = { status: "final", height: 4, code: 0, ...PLACE };
    const broken = [
      ...[{ status: "executed", height: 4 }, { status: "ordered" }, { status: "somewhere" }, [], 5, "ordered"],
      ...[{ lane: "tail" }, { lane: undefined }, { position: -1 }, { position: undefined }, { builder: undefined }, { builder: "bob" }],
      ...[{ paid: 7 }, { paid: "-7" }, { paid: undefined }, { paid: "7" }, { lane: "bundle" }],
    ];
    for (const each of broken) {
      const given = typeof each === "object" && !Array.isArray(each) && !("status" in each) ? { ...final, ...each } : each;
      node.override(() => json(given));
      t.match(await failureOf(rpc.transaction(HASH)), { type: "malformed" }, JSON.stringify(each));
    }
  },
);

t.test("C4: createRpc: refusals, broken connections and answers that are none each have their failure", async (t) => {
  const { node, rpc } = start();
  const { bytes } = transactionOf(node, 700);
  t.match(await failureOf(rpc.submit(bytes)), { type: "refused", httpStatus: 422, code: "nonceTooFar", canRetry: true, advice: /\w/ });
  const rows: readonly (readonly [() => Response | Promise<Response>, Partial<RpcFailure>, boolean])[] = [
    [() => json({ error: {} }, 500), { type: "refused", code: "http500" }, true],
    [() => json({ oops: 1 }, 404), { type: "refused", code: "http404" }, false],
    [() => new Response("<html>", { status: 502 }), { type: "refused", code: "http502" }, true],
    [() => new Response("", { status: 200 }), { type: "malformed" }, false],
    [() => new Response("null", { status: 200 }), { type: "malformed" }, false],
    [() => new Response(undefined, { status: 204 }), { type: "malformed" }, false],
    [() => new Response("{", { status: 200 }), { type: "malformed" }, false],
    [() => Promise.reject(new TypeError("connection refused")), { type: "unreachable", message: "connection refused" }, true],
    [() => new Response(endless(), { status: 200 }), { type: "malformed" }, false],
    [() => new Response(broken(), { status: 200 }), { type: "unreachable" }, true],
  ];
  for (const [answer, expected, isRetryable] of rows) {
    node.override(answer);
    const failure = await failureOf(rpc.transaction(HASH));
    t.match(failure, expected);
    t.equal(failure !== undefined && canRetry(failure), isRetryable, `${expected.type}: retry`);
  }
});

t.test("C5: createRpc: a request ends at its deadline and at the caller's signal", async (t) => {
  const hanging = createRpc({
    baseUrl: "http://node.test",
    deadlineMs: 10,
    fetch: (_url, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  t.strictSame(await failureOf(hanging.status()), { type: "deadline", deadlineMs: 10 });
  const controller = new AbortController();
  const slow = createRpc({
    baseUrl: "http://node.test",
    deadlineMs: 60_000,
    fetch: (_url, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  const asked = failureOf(slow.status({ signal: controller.signal }));
  controller.abort();
  const failure = await asked;
  t.strictSame(failure, { type: "aborted" });
  t.equal(failure !== undefined && canRetry(failure), false);
});

/** A body without end, a mebibyte at a time. */
function endless(): ReadableStream<Uint8Array> {
  const piece = new Uint8Array(1024 * 1024).fill(32);
  return new ReadableStream({ pull: (controller) => controller.enqueue(piece) });
}

function broken(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) });
}
