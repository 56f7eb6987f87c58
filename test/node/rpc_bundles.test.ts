/** Bundles of searchers: their way to the builder, and what the RPC says of them and of the builder. */

import t from "tap";
import { BUILDER_LIMITS, createBuilder } from "../../builder/builder.ts";
import { BUNDLE_REFUSALS, type BundleId, type BundleStatus, type NotIncludedReason } from "../../builder/bundle.ts";
import { STRATEGIES } from "../../builder/strategies.ts";
import { type Account, accountFromSeed } from "../../client/keys.ts";
import { signOpen } from "../../client/open.ts";
import { transfer } from "../../client/operations.ts";
import { chainIdOf } from "../../crypto/hashes.ts";
import { describeCode } from "../../ledger/result_codes.ts";
import { lastingRefusal } from "../../node/builder_setup.ts";
import { standingOf } from "../../node/builder_standing.ts";
import { type BundleRequest, createBundleIngress, type SubmitBundleResult } from "../../node/bundle_ingress.ts";
import { createHistogram } from "../../node/histogram.ts";
import type { BuilderCore } from "../../node/rpc/core.ts";
import { INVALID, VALID } from "../../node/signature_ring.ts";
import { createRateLimiter } from "../../p2p/rate_limiter.ts";
import type { ParsedTransaction, ParseResult, Refusal } from "../../types/application.ts";
import { toHex } from "../../types/bytes.ts";
import {
  type AccountId,
  type BlockHash,
  type ChainId,
  Epoch,
  Height,
  TimestampMs,
  type TransactionHash,
  ValidatorIndex,
  type ValidatorSetHash,
} from "../../types/ids.ts";
import { createFakeNode } from "../client/fake_node.ts";
import { appOf, BUSY, call, EXPIRED, HASH, hex, isFailure } from "./fake_core.ts";

const ACCOUNT = hex("0b") as AccountId;
const [ALICE, STRANGER] = [1, 2].map((byte) => accountFromSeed(new Uint8Array(32).fill(byte))) as [Account, Account];
const ID = hex("1d") as BundleId;
const domain = { chainId: hex("01") as ChainId, epoch: Epoch.ZERO, validatorSetHash: hex("02") as ValidatorSetHash };
const newBuilder = () =>
  createBuilder({
    account: ACCOUNT,
    domain,
    suite: undefined,
    sign: () => new Uint8Array(64),
    strategy: STRATEGIES.plain,
    limits: BUILDER_LIMITS,
  });

function builderCore(change: Partial<BuilderCore> = {}): BuilderCore {
  return {
    account: ACCOUNT,
    registered: undefined,
    standing: { type: "notRegistered" },
    status: newBuilder().status,
    lastBid: undefined,
    links: 0,
    submitBundle: async () => ({ ok: true, id: ID }),
    bundle: () => undefined,
    ...change,
  };
}

const post = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: typeof body === "string" ? body : JSON.stringify(body),
});
const BUNDLE = { transactions: ["00ff", "01"], fromHeight: 3, toHeight: 5, tip: "12" };

t.test("POST /v1/bundles: taken with its id; hex and heights reach the builder as they were sent", async (t) => {
  const requests: BundleRequest[] = [];
  const submitBundle = async (request: BundleRequest): Promise<SubmitBundleResult> => {
    requests.push(request);
    return { ok: true, id: ID };
  };
  const app = appOf({ builder: builderCore({ submitBundle }) });
  t.same(await call(app, "/v1/bundles", post(BUNDLE)), { status: 202, body: { id: ID, status: "accepted" } });
  t.same(requests, [{ transactions: [Uint8Array.of(0, 255), Uint8Array.of(1)], from: 3, to: 5, tip: 12n }]);
});

t.test("POST /v1/bundles: mistakes are named by their path, refusals by code and transaction", async (t) => {
  const app = appOf({ builder: builderCore() });
  const cases: [body: unknown, message: RegExp][] = [
    ["{", /not JSON/],
    [{ ...BUNDLE, transactions: [] }, /transactions: must hold at least one/],
    [{ ...BUNDLE, transactions: Array.from({ length: 129 }, () => "00") }, /at most 128/],
    [{ ...BUNDLE, transactions: ["00", "0g"] }, /transactions\[1\]: is not the hex/],
    [{ ...BUNDLE, transactions: ["0xAB"] }, /transactions\[0\]: is not the hex, lower case and without 0x/],
    [{ ...BUNDLE, transactions: [{ payload: 1 }] }, /transactions\[0\]: the transaction has mistakes/],
    [{ ...BUNDLE, fromHeight: 0 }, /fromHeight: must be a height/],
    [{ ...BUNDLE, toHeight: "5" }, /toHeight: must be a height/],
    [{ ...BUNDLE, tip: 5 }, /tip: must be a decimal string/],
    [{ ...BUNDLE, tip: (1n << 128n).toString() }, /tip: must be below 2\^128/],
    [{ ...BUNDLE, more: 1 }, /more/],
  ];
  for (const [body, message] of cases) {
    const answer = await call(app, "/v1/bundles", post(body));
    isFailure(t, answer, { status: 400, code: "badRequest", message });
    t.match(answer.body, { error: { advice: /lower case without 0x, and tip is a decimal string/ } });
  }
  isFailure(t, await call(app, "/v1/bundles", post(" ".repeat(1024 * 1024 + 1))), { status: 413, code: "tooLarge" });
  const refusing = (result: SubmitBundleResult) => appOf({ builder: builderCore({ submitBundle: async () => result }) });
  isFailure(t, await call(refusing({ ok: false, refusal: EXPIRED, position: 1 }), "/v1/bundles", post(BUNDLE)), {
    ...{ status: 422, code: "expired", message: /^transactions\[1\] was refused/ },
  });
  isFailure(t, await call(refusing({ ok: false, refusal: BUSY, position: undefined }), "/v1/bundles", post(BUNDLE)), {
    ...{ status: 503, code: "busy", message: /^the bundle was refused/ },
  });
  for (const code of ["tooFar", "rangeEmpty", "tipOutOfRange"] as const) {
    const result = { ok: false, refusal: BUNDLE_REFUSALS[code], position: undefined } as const;
    const answer = await call(refusing(result), "/v1/bundles", post(BUNDLE));
    isFailure(t, answer, { status: 400, code, message: /^the bundle was refused/ });
    t.match(answer.body, { error: { canRetry: false } }, "the same request is wrong at any time");
  }
});

const at = Height.of(9);
const BLOCK = hex("cd") as BlockHash;
const REASONS: readonly NotIncludedReason[] = [
  { type: "expired" },
  { type: "simulationFailed", position: 1, code: 7, operations: [] },
  { type: "executionFailed", height: at, position: 1, code: 7, operations: [] },
  { type: "tipNotPaid", declared: 5n, measured: 4n },
  { type: "noRoom" },
  { type: "cannotSeal" },
  { type: "lostAuction", height: at },
  { type: "conflict", with: { type: "bundle", id: ID } },
  { type: "conflict", with: { type: "transaction", hash: HASH } },
  { type: "unfit" },
  { type: "unopened", height: at },
  { type: "orderedApart", height: at, transaction: HASH as TransactionHash },
  { type: "evicted" },
];

t.test("GET /v1/bundles/:id: every state, each reason with a sentence; unknown ids and bad ones", async (t) => {
  const shown = async (status: BundleStatus) =>
    (await call(appOf({ builder: builderCore({ bundle: () => status }) }), `/v1/bundles/${ID}`)).body;
  t.same(await shown({ type: "pending", last: undefined }), { id: ID, status: "pending" });
  t.match(await shown({ type: "pending", last: { type: "noRoom" } }), { status: "pending", last: { type: "noRoom", message: /./ } });
  t.same(await shown({ type: "offered", height: at, sequence: 3, value: 8n }), {
    id: ID,
    status: "offered",
    height: 9,
    sequence: 3,
    value: "8",
  });
  t.same(await shown({ type: "included", height: at, blockHash: BLOCK, group: 2 }), {
    ...{ id: ID, status: "included", height: 9, blockHash: BLOCK, group: 2 },
  });
  const messages = new Set<string>();
  for (const reason of REASONS) {
    const { reason: said } = (await shown({ type: "notIncluded", reason })) as { reason: { type: string; message: string } };
    t.equal(said.type, reason.type);
    messages.add(said.message);
  }
  t.equal(messages.size, REASONS.length, "no two reasons read the same");
  t.match(await shown({ type: "notIncluded", reason: { type: "tipNotPaid", declared: 5n, measured: 4n } }), {
    reason: { declared: "5", measured: "4" },
  });
  const operations = [
    { index: 0, code: 1 },
    { index: 2, code: 16 },
  ];
  const failed = { status: "notIncluded", reason: { type: "simulationFailed", position: 1, code: 110, codeName: "operationsFailed" } };
  const named = appOf({
    builder: builderCore({
      bundle: () => ({ type: "notIncluded", reason: { type: "simulationFailed", position: 1, code: 110, operations } }),
    }),
    describeCode,
  });
  const answer = (await call(named, `/v1/bundles/${ID}`)).body;
  t.match(answer, failed);
  t.match(answer, {
    reason: {
      operations: [{ codeName: "linkedOperationFailed" }, { index: 2, code: 16, codeName: "insufficientFunds" }],
      message: /transaction 1 fails with code 110 \(operationsFailed\): its operation 2 with code 16 \(insufficientFunds\)/,
    },
  });
  const app = appOf({ builder: builderCore() });
  isFailure(t, await call(app, `/v1/bundles/${ID}`), { status: 404, code: "notFound", message: /knows no such bundle/ });
  isFailure(t, await call(app, "/v1/bundles/xyz"), { status: 400, code: "badRequest" });
});

t.test("GET /v1/builder: registered or not, with the last bid; a node without a builder answers none of it", async (t) => {
  t.match((await call(appOf({ builder: builderCore() }), "/v1/builder")).body, {
    ...{ account: ACCOUNT, registered: null, strategy: "plain", wins: 0, losses: 0, bids: 0, paid: "0", lastBid: null },
  });
  const endpoint = { address: "203.0.113.7", port: 80 };
  const registered = { bond: 5n, feeRecipient: ACCOUNT, endpoint, isActive: true };
  const bid = { height: at, sequence: 3, value: 8n, tailCount: 4, bundle: new Uint8Array(9) };
  const lastBid = { bid, leader: ValidatorIndex.of(2) } as unknown as NonNullable<BuilderCore["lastBid"]>;
  t.match((await call(appOf({ builder: builderCore({ registered, lastBid, links: 4 }) }), "/v1/builder")).body, {
    registered: { bond: "5", isActive: true, endpoint, feeRecipient: ACCOUNT },
    lastBid: { height: 9, sequence: 3, value: "8", leader: 2, tailCount: 4, bundleBytes: 9 },
    links: 4,
  });
  for (const path of ["/v1/builder", `/v1/bundles/${ID}`]) isFailure(t, await call(appOf(), path), { status: 404, code: "notFound" });
  isFailure(t, await call(appOf(), "/v1/bundles", post(BUNDLE)), { status: 404, code: "notFound" });
});

t.test("GET /v1/builder: why it does not build, first of what keeps it from it; amounts as strings", async (t) => {
  const height = Height.of(100);
  const record = { bond: 50n, feeRecipient: ACCOUNT, endpoint: undefined, isActiveAt: () => true };
  const fine = { record, height, bondMin: 50n, isCatchingUp: false, links: 2, peers: 3, isOpen: () => true };
  const unbonding = { ...record, unbondingHeight: Height.of(90) };
  const rows: readonly (readonly [Partial<Parameters<typeof standingOf>[0]>, Record<string, unknown>])[] = [
    [{}, { type: "active" }],
    [{ isCatchingUp: true, record: undefined }, { type: "catchingUp" }],
    [{ record: undefined, links: 0 }, { type: "notRegistered" }],
    [{ record: undefined, links: 0, peers: 0 }, { type: "notLinked" }],
    [
      { record: unbonding, links: 0 },
      { type: "unbonding", unbondingHeight: 90, withdrawableAt: 90 + 1_024 },
    ],
    [{ bondMin: 51n }, { type: "bondTooLow", bond: "50", bondMin: "51" }],
    [{ record: { ...record, boxedUntil: Height.of(101) } }, { type: "boxed", until: 101 }],
    [{ record: { ...record, boxedUntil: height } }, { type: "active" }],
    [
      { isOpen: () => false, links: 0 },
      { type: "noFeeRecipient", feeRecipient: ACCOUNT },
    ],
    [{ links: 0 }, { type: "notLinked" }],
  ];
  const messages = new Set<string>();
  for (const [change, reason] of rows) {
    const app = appOf({ builder: builderCore({ standing: standingOf({ ...fine, ...change }) }) });
    const { reason: shown } = (await call(app, "/v1/builder")).body as { reason: { message: string } };
    const { message, ...rest } = shown;
    t.same(rest, reason);
    messages.add(message);
  }
  t.equal(messages.size, rows.length - 2, "each with its own sentence");
});

t.test("notFound: a builder's node names what only builders answer to", async (t) => {
  const advice = async (app: Parameters<typeof call>[0]) =>
    ((await call(app, "/v1/nothing")).body as { error: { advice: string } }).error.advice;
  t.match(await advice(appOf({ builder: builderCore() })), /\/v1\/genesis, \/v1\/bundles, \/v1\/builder$/);
  t.match(await advice(appOf()), /\/v1\/genesis$/);
});

t.test("GET /v1/status: builders, null on a chain without; links, bids and the last block's builder", async (t) => {
  t.match((await call(appOf(), "/v1/status")).body, { builders: null });
  const peer = {
    peer: "p",
    validator: undefined,
    builder: ACCOUNT,
    addresses: [],
    score: 0,
    roundTripMs: undefined,
    queuedBytes: 0,
    status: undefined,
  };
  const peers = [true, false].map((isLinked) => ({ ...peer, isLinked })) as never;
  const last = { height: at, builder: ACCOUNT, paid: 7n };
  const builtBlocks = { byBuilders: 3, bySelf: 4, bidsReceived: 5, paid: 21n, last, bidToProposal: createHistogram().snapshot() };
  t.match((await call(appOf({ builtBlocks, peers }), "/v1/status")).body, {
    builders: {
      links: 1,
      bidsReceived: 5,
      blocksByBuilders: 3,
      blocksBySelf: 4,
      paid: "21",
      lastBlock: { height: 9, builder: ACCOUNT, paid: "7" },
    },
  });
});

const FOREIGN_NONCE = 77;
const FOREIGN: Refusal = { code: "wrongChain", canRetry: false, advice: "Sign with this chain's id." };

/** Transactions of one byte: 200 and above do not parse, 100 and above are sealed; the others are signed by 1, 2, … */
function parse(bytes: Uint8Array): ParseResult {
  const [kind = 0] = bytes;
  if (kind >= 200) return { ok: false, refusal: EXPIRED };
  const transaction = {
    ...{ hash: toHex(new Uint8Array(32).fill(kind)) as TransactionHash, bytes, sender: "s", nonce: kind },
    ...{ expiryHeight: Height.of(100), operationCount: 1 },
  };
  const signature = { publicKey: bytes, message: bytes, signature: bytes };
  return { ok: true, transaction, signature: kind >= 100 ? undefined : signature };
}

function ingressFixture(options: { readonly isTaken?: boolean; readonly perSecond?: number } = {}) {
  let taken = 0;
  const builder = newBuilder();
  const ingress = createBundleIngress({
    parse,
    lastingRefusal: ({ nonce }) => (nonce === FOREIGN_NONCE ? FOREIGN : undefined),
    workers: {
      verify(checks, done) {
        if (options.isTaken === false) return false;
        setImmediate(() => done(checks.map((check) => ("signature" in check && check.signature[0] === 66 ? INVALID : VALID))));
        return true;
      },
    },
    builder,
    onTaken: () => taken++,
    limiter: createRateLimiter({ perSecond: options.perSecond ?? 100, burst: options.perSecond ?? 100, nowMs: 0 }),
    elapsedMs: () => 0,
    checkingMax: 2,
  });
  const submit = (...kinds: number[]) =>
    ingress.submit({ transactions: kinds.map((kind) => Uint8Array.of(kind)), from: Height.of(1), to: Height.of(9), tip: 1n });
  return { submit, builder, taken: () => taken };
}

t.test("createBundleIngress: parsed and checked, it reaches the builder; refusals say which transaction", async (t) => {
  const { submit, builder, taken } = ingressFixture();
  const result = await submit(1, 2);
  t.match(result, { ok: true, id: /^[0-9a-f]{64}$/ });
  if (result.ok) t.match(builder.statusOf(result.id), { type: "pending" });
  t.equal(taken(), 1);
  t.match(await submit(1, 2), { ok: false, refusal: { code: "duplicate" }, position: undefined });
  t.match(await submit(1, 200), { ok: false, refusal: EXPIRED, position: 1 });
  t.match(await submit(1, FOREIGN_NONCE), { ok: false, refusal: FOREIGN, position: 1 });
  t.match(await submit(3, 100), { ok: false, refusal: { code: "notOpen" }, position: 1 });
  t.match(await submit(3, 4, 66), { ok: false, refusal: { code: "badSignature" }, position: 2 });
  t.match(await submit(5, 4), { ok: false, refusal: { code: "nonceOrder" }, position: undefined });
  t.equal(taken(), 1, "nothing that was refused wakes the builder");
  t.equal(builder.status.bundles.count, 1);
});

t.test("lastingRefusal: a used nonce, another chain or too low a fee can never run; funds and nonces ahead may come right", async (t) => {
  const node = createFakeNode({ accounts: [ALICE.id] });
  const { ledger, genesis } = node;
  const chainId = chainIdOf(genesis);
  const parsed = (change: Partial<Parameters<typeof signOpen>[0]>, account = ALICE): ParsedTransaction => {
    const operations = [transfer({ to: ACCOUNT, asset: 3, amount: 1n })];
    const signed = signOpen({ account, chainId, nonce: 0, expiryHeight: Height.of(50), feeMax: 100n, operations, ...change });
    const result = signed.ok ? ledger.parse(signed.transaction.bytes) : undefined;
    if (result?.ok !== true) throw new Error("what the test signs parses");
    return result.transaction;
  };
  const used = parsed({ nonce: 3 });
  ledger.execute({ height: Height.of(1), timeMs: TimestampMs.of(2_000), transactions: [used], opened: [] });
  const codeOf = (transaction: ParsedTransaction) => lastingRefusal(ledger, transaction)?.code;
  t.equal(codeOf(used), "nonceReplayed");
  t.equal(codeOf(parsed({ nonce: 3, feeMax: 99n })), "nonceReplayed", "whoever used it");
  t.equal(codeOf(parsed({ chainId: hex("77") as ChainId })), "wrongChain");
  t.equal(codeOf(parsed({ feeMax: 1n })), "feeTooLow");
  for (const hopeful of [parsed({ nonce: 4 }), parsed({ nonce: 5_000 }), parsed({}, STRANGER)]) t.equal(codeOf(hopeful), undefined);
});

t.test("createBundleIngress: bounded under way and a second, and busy when the workers are", async (t) => {
  const { submit } = ingressFixture();
  const results = await Promise.all([submit(1), submit(2), submit(3)]);
  t.match(results, [{ ok: true }, { ok: true }, { ok: false, refusal: { code: "busy", canRetry: true } }]);
  t.match(await submit(4), { ok: true }, "the places are free again");
  t.match(await ingressFixture({ isTaken: false }).submit(1), { ok: false, refusal: { code: "busy" } });
  const slow = ingressFixture({ perSecond: 1 });
  t.match(await slow.submit(1), { ok: true });
  t.match(await slow.submit(2), { ok: false, refusal: { code: "busy" } });
});
