/** The RPC against a fake node: every answer and every error, by request and response without a socket, and once over HTTP. */

import t from "tap";
import type { SubmitResult } from "../../node/rpc/core.ts";
import { startRpcServer } from "../../node/rpc/server.ts";
import type { Refusal } from "../../types/application.ts";
import { toHex } from "../../types/bytes.ts";
import { type AccountId, Height } from "../../types/ids.ts";
import { FRAME_BYTES_MAX, TRANSACTION_BYTES_MAX } from "../../types/limits.ts";
import { transactionBatchCodec } from "../../types/message.ts";
import { certificateCodec } from "../../types/vote.ts";
import { appOf, BLOCK_HASH, BUSY, bytesPost, call, certificate, EXPIRED, errors, HASH, hex, isFailure, ROOT } from "./fake_core.ts";

t.test("POST /v1/transactions: bytes that are taken, 202 with the hash", async (t) => {
  const seen: Uint8Array[] = [];
  const app = appOf({
    submit: async (transactions) => {
      seen.push(...transactions);
      return [{ hash: HASH, refusal: undefined }];
    },
  });
  t.same(await call(app, "/v1/transactions", bytesPost(Uint8Array.of(1, 2))), { status: 202, body: { hash: HASH, status: "accepted" } });
  t.same([...(seen[0] ?? [])], [1, 2]);
});

t.test("POST /v1/transactions: refusals, 503 with Retry-After when the same bytes may be taken later, else 422", async (t) => {
  const refusing = (refusal: Refusal) => appOf({ submit: async (): Promise<SubmitResult[]> => [{ hash: HASH, refusal }] });
  const busy = await refusing(BUSY).request("/v1/transactions", bytesPost(Uint8Array.of(1)));
  t.equal(busy.headers.get("retry-after"), "1");
  isFailure(t, { status: busy.status, body: await busy.json() }, { status: 503, code: "busy" });
  isFailure(t, await call(refusing(EXPIRED), "/v1/transactions", bytesPost(Uint8Array.of(1))), { status: 422, code: "expired" });
});

t.test("POST /v1/transactions: too large, wrong type, no JSON, each its own error", async (t) => {
  const app = appOf();
  const large = new Uint8Array(TRANSACTION_BYTES_MAX + 1);
  isFailure(t, await call(app, "/v1/transactions", bytesPost(large, { "content-length": String(large.length) })), {
    status: 413,
    code: "tooLarge",
  });
  isFailure(t, await call(app, "/v1/transactions", bytesPost(large)), { status: 413, code: "tooLarge" });
  isFailure(t, await call(app, "/v1/transactions", { method: "POST", headers: { "content-type": "text/plain" }, body: "x" }), {
    status: 415,
    code: "unsupportedType",
  });
  const json = (body: string) => call(app, "/v1/transactions", { method: "POST", headers: { "content-type": "application/json" }, body });
  isFailure(t, await json("{"), { status: 400, code: "badRequest", message: /not JSON/ });
  isFailure(t, await json("{}"), { status: 400, code: "badRequest", message: /payload: / });
});

t.test("POST /v1/transactions/batch: mixed results, one line for each in order", async (t) => {
  const app = appOf({
    submit: async (): Promise<SubmitResult[]> => [
      { hash: HASH, refusal: undefined },
      { hash: HASH, refusal: EXPIRED },
      { hash: undefined, refusal: BUSY },
    ],
  });
  const body = new Uint8Array(transactionBatchCodec.encode([1, 2, 3].map((byte) => Uint8Array.of(byte))));
  const answer = await call(app, "/v1/transactions/batch", bytesPost(body));
  t.same(answer, {
    status: 200,
    body: {
      results: [
        { hash: HASH, status: "accepted" },
        { hash: HASH, status: "refused", ...EXPIRED },
        { status: "refused", ...BUSY },
      ],
    },
  });
  isFailure(t, await call(app, "/v1/transactions/batch", bytesPost(Uint8Array.of(1, 2, 3))), {
    status: 400,
    code: "badRequest",
    message: /no batch/,
  });
  isFailure(t, await call(app, "/v1/transactions/batch", bytesPost(new Uint8Array(FRAME_BYTES_MAX + 1))), {
    status: 413,
    code: "tooLarge",
  });
});

t.test("GET /v1/transactions/:hash: unknown, dropped, pending and final", async (t) => {
  const path = `/v1/transactions/${HASH}`;
  t.same((await call(appOf(), path)).body, { hash: HASH, status: "unknown" });
  t.same((await call(appOf({ transaction: () => ({ status: "unknown", refusal: EXPIRED }) }), path)).body, {
    hash: HASH,
    status: "unknown",
    dropped: EXPIRED,
  });
  t.same((await call(appOf({ transaction: () => ({ status: "pending" }) }), path)).body, { hash: HASH, status: "pending" });
  const final = { status: "final", height: Height.of(1), index: 2, blockHash: BLOCK_HASH, code: 7, operationCodes: [0, 7] } as const;
  const place = { lane: "open", position: 1, builder: undefined, paid: 0n } as const;
  const names = { codeName: "code7", operationCodeNames: ["code0", "code7"] };
  const expected = { hash: HASH, ...final, ...names, lane: "open", position: 1, builder: null, paid: "0" };
  t.same((await call(appOf({ transaction: () => ({ ...final, place }) }), path)).body, expected);
  const account = hex("0b") as AccountId;
  const built = { lane: "bundle", position: 0, builder: account, paid: 5n } as const;
  t.match((await call(appOf({ transaction: () => ({ ...final, place: built }) }), path)).body, {
    lane: "bundle",
    builder: account,
    paid: "5",
  });
});

t.test("GET /v1/transactions/:hash?waitMs: waits once and answers with what is known then; too many waits are busy", async (t) => {
  const path = `/v1/transactions/${HASH}`;
  let waits = 0;
  let isFinal = false;
  const waiting = appOf({
    transaction: () => (isFinal ? { status: "pending" } : { status: "unknown", refusal: undefined }),
    waitForFinal: async (_hash, { waitMs }) => {
      t.equal(waitMs, 500);
      waits += 1;
      isFinal = true;
    },
  });
  t.same((await call(waiting, `${path}?waitMs=500`)).body, { hash: HASH, status: "pending" });
  t.equal(waits, 1);
  isFailure(t, await call(appOf({ waitForFinal: () => undefined }), `${path}?waitMs=5`), { status: 503, code: "busy" });
  for (const bad of ["-1", "1.5", "60001", "x"]) {
    isFailure(t, await call(appOf(), `${path}?waitMs=${bad}`), { status: 400, code: "badRequest", message: /waitMs/ });
  }
  isFailure(t, await call(appOf(), "/v1/transactions/ABC"), { status: 400, code: "badRequest", message: /64 lower-case hex/ });
});

t.test("GET /v1/blocks/:heightOrHash: by height and by hash the same; missing and misnamed are told apart", async (t) => {
  const app = appOf();
  const byHeight = await call(app, "/v1/blocks/1");
  t.same(byHeight, await call(app, `/v1/blocks/${BLOCK_HASH}`));
  t.match(byHeight.body, {
    height: 1,
    view: 3,
    proposer: 2,
    hash: BLOCK_HASH,
    stateRoot: ROOT,
    transactions: [/^[0-9a-f]{64}$/],
    receipts: [{ hash: HASH, code: 7, codeName: "code7", lane: "open", position: 0 }],
    bundleReceipts: [],
    builder: null,
    paid: "0",
  });
  isFailure(t, await call(app, "/v1/blocks/2"), { status: 404, code: "notFound", message: /holds heights 1 to 1/ });
  isFailure(t, await call(app, `/v1/blocks/${hex("99")}`), { status: 404, code: "notFound" });
  isFailure(t, await call(app, "/v1/blocks/latest"), { status: 400, code: "badRequest" });
});

t.test("GET /v1/blocks: a range, as far as it is held; bounds are checked", async (t) => {
  const app = appOf();
  const counts = { transactionCount: 1, sealedCount: 0, sealedFailed: 0, keygenCount: 0, bundleTransactions: 0, builder: null, paid: "0" };
  const expected = { height: 1, hash: BLOCK_HASH, view: 3, stateRoot: ROOT, ...counts, timeMs: 123, proposer: 2 };
  t.same((await call(app, "/v1/blocks?from=1&count=10")).body, { blocks: [expected] });
  t.same((await call(app, "/v1/blocks?from=5&count=10")).body, { blocks: [] });
  for (const query of ["from=x", "count=0", "count=1001", "from=-1"])
    isFailure(t, await call(app, `/v1/blocks?${query}`), { status: 400, code: "badRequest" });
});

t.test("GET /v1/certificates/:height: the encoding and its fields", async (t) => {
  const { body } = await call(appOf(), "/v1/certificates/1");
  t.match(body, {
    certificate: { hex: toHex(certificateCodec.encode(certificate)), signers: [0, 1, 3], ballot: { kind: "commit", view: 3 } },
    blockHash: BLOCK_HASH,
    header: { height: 1 },
  });
  isFailure(t, await call(appOf(), "/v1/certificates/9"), { status: 404, code: "notFound" });
  isFailure(t, await call(appOf(), "/v1/certificates/x"), { status: 400, code: "badRequest" });
});

t.test("GET /v1/accounts/:id: passes the query on; without accounts and with a bad id, errors", async (t) => {
  t.match((await call(appOf(), `/v1/accounts/${hex("07")}?asset=3`)).body, { account: hex("07"), asset: 3 });
  isFailure(t, await call(appOf({ account: () => ({ ok: false, reason: "notSupported" }) }), `/v1/accounts/${hex("07")}`), {
    status: 404,
    code: "notFound",
  });
  for (const bad of ["xyz", `${hex("07")}?asset=4294967296`])
    isFailure(t, await call(appOf(), `/v1/accounts/${bad}`), { status: 400, code: "badRequest" });
});

t.test("GET /v1/genesis and unknown paths", async (t) => {
  t.match((await call(appOf(), "/v1/genesis")).body, { chainId: hex("01"), genesis: { name: "test", validators: { length: 4 } } });
  isFailure(t, await call(appOf(), "/v2/none"), { status: 404, code: "notFound", message: /nothing answers GET \/v2\/none/ });
  isFailure(t, await call(appOf(), "/v1/status", { method: "DELETE" }), { status: 404, code: "notFound" });
});

t.test("GET /v1/status: every field that the testnet reads", async (t) => {
  const { body } = await call(appOf(), "/v1/status");
  const names =
    "chainId name application runtime validator epoch height view leader finalHeight finalHash executedHeight stateRoot peers pool isCatchingUp waitingFor whyNotFinal finality memoryBytes cpuMs uptimeMs version";
  for (const name of names.split(" ")) t.ok(Object.hasOwn(body as object, name), name);
  t.match(body, { validator: 0, whyNotFinal: null, version: "1.2.3", finality: { count: 0, histogram: { boundsMs: { length: 161 } } } });
});

t.test("createRpcApp: a handler that throws, 500 without its text; too many requests, busy", async (t) => {
  const failing = appOf({
    blockAt: () => {
      throw new Error("secret detail");
    },
  });
  const answer = await call(failing, "/v1/blocks/1");
  isFailure(t, answer, { status: 500, code: "internal" });
  t.notMatch(JSON.stringify(answer.body), /secret/);
  t.match(errors.at(-1), /secret detail/);
  const held = Promise.withResolvers<void>();
  const app = appOf({ waitForFinal: () => held.promise }, 1);
  const first = app.request(`/v1/transactions/${HASH}?waitMs=10`);
  isFailure(t, await call(app, "/v1/status"), { status: 503, code: "busy" });
  held.resolve();
  t.equal((await first).status, 200);
  t.equal((await call(app, "/v1/status")).status, 200, "and the place is free again");
});

t.test("startRpcServer: over HTTP, answers, refuses long headers and large bodies, names a taken port", async (t) => {
  const app = appOf();
  const server = await startRpcServer({ app, host: "127.0.0.1", port: 0, connectionsMax: 10 });
  t.teardown(() => server.stop());
  const status = await fetch(`${server.url}/v1/status`);
  t.equal(status.status, 200);
  t.match(await status.json(), { name: "test" });
  const large = await fetch(`${server.url}/v1/transactions`, bytesPost(new Uint8Array(TRANSACTION_BYTES_MAX + 1)));
  t.equal(large.status, 413);
  await large.arrayBuffer();
  const headers = await fetch(`${server.url}/v1/status`, { headers: { "x-long": "x".repeat(20_000) } });
  t.equal(headers.status, 431);
  await headers.arrayBuffer();
  const port = Number(new URL(server.url).port);
  await t.rejects(startRpcServer({ app, host: "127.0.0.1", port, connectionsMax: 10 }), {
    message: /rpc\.port \d+ on 127\.0\.0\.1 is in use/,
  });
});
