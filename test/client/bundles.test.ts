/** Bundles from the searcher's side: named and refused as the builder does it, and every answer of a builder's node, right or wrong, is a
 *  value. The node's own handlers answer, with the builder's own pool and the ledger behind them. */

import t from "tap";
import { readBundle } from "../../builder/bundle.ts";
import { acceptedBundleOf, bundleStatusOf, type NotIncludedReason } from "../../client/bundle_answers.ts";
import { type BundleContents, type BundleFlaw, type PreparedBundle, prepareBundle, tipTransfer } from "../../client/bundles.ts";
import type { RpcFailure } from "../../client/http.ts";
import { type Account, accountFromSeed } from "../../client/keys.ts";
import { type PreparedTransaction, type PrepareResult, signOpen } from "../../client/open.ts";
import { transfer } from "../../client/operations.ts";
import { createRpc, type Rpc } from "../../client/rpc.ts";
import { sealTransaction } from "../../client/seal.ts";
import { chainIdOf } from "../../crypto/hashes.ts";
import { describeCode } from "../../ledger/result_codes.ts";
import { bundleStatusJson } from "../../node/rpc/bundle_json.ts";
import type { ParsedTransaction } from "../../types/application.ts";
import { messageBytesOf, SEALED_SIZE_CLASS_MAX } from "../../types/envelope.ts";
import { type BlockHash, type BundleId, Height, type TransactionHash } from "../../types/ids.ts";
import { BUNDLE_TRANSACTIONS_MAX } from "../../types/limits.ts";
import { BOND, VALUE } from "./fake_builder.ts";
import { createFakeNode, type FakeNode, FEE_ASSET, json, sealingKey } from "./fake_node.ts";

const accountOf = (fill: number): Account => {
  const account = accountFromSeed(new Uint8Array(32).fill(fill));
  if (account === undefined) throw new Error("32 bytes make an account");
  return account;
};
const [alice, bob, builder] = [accountOf(1), accountOf(2), accountOf(3)];
const accounts = [alice.id, bob.id, builder.id];
const at = (height: number): Height => Height.of(height);
const ID = "1d".repeat(32) as BundleId;

function start(): { readonly node: FakeNode; readonly rpc: Rpc } {
  const node = createFakeNode({ accounts, builder });
  return { node, rpc: createRpc({ baseUrl: "http://builder.test", deadlineMs: 5_000, fetch: node.fetch }) };
}

const { genesis, ledger } = start().node;
const chainId = chainIdOf(genesis);
const pay = transfer({ to: bob.id, asset: FEE_ASSET, amount: 7n });
const tip = (amount: bigint) => tipTransfer({ builder: { feeRecipient: builder.id }, parameters: genesis.parameters, amount });

function prepared(result: PrepareResult<string>): PreparedTransaction {
  if (!result.ok) throw new Error(result.reason);
  return result.transaction;
}

function open(given: Partial<Parameters<typeof signOpen>[0]> = {}): PreparedTransaction {
  return prepared(signOpen({ account: alice, chainId, nonce: 0, expiryHeight: at(20), feeMax: 10_000n, operations: [pay], ...given }));
}

function sealed(): PreparedTransaction {
  const given = { account: alice, chainId, key: sealingKey, nonce: 0, expiryHeight: at(20), gasLimit: 1, fee: 7, operations: [pay] };
  return prepared(sealTransaction(given));
}

/** Alice pays Bob, and Bob the builder. */
const CONTENTS: BundleContents = {
  transactions: [open(), open({ account: bob, operations: [tip(20n)] })],
  from: at(2),
  to: at(20),
  tip: 20n,
};

function bundleOf(change: Partial<BundleContents> = {}): PreparedBundle {
  const result = prepareBundle({ ...CONTENTS, ...change });
  if (!result.ok) throw new Error(result.reason);
  return result.bundle;
}

function parsedOf({ bytes }: PreparedTransaction): ParsedTransaction {
  const parsed = ledger.parse(bytes);
  if (!parsed.ok) throw new Error(parsed.refusal.code);
  return parsed.transaction;
}

const asBuilder = (contents: BundleContents) =>
  readBundle({ ...contents, transactions: contents.transactions.map(parsedOf) }, { transactionsMax: BUNDLE_TRANSACTIONS_MAX });

async function failureOf(answer: Promise<{ readonly ok: boolean; readonly failure?: RpcFailure }>): Promise<RpcFailure | undefined> {
  return (await answer).failure;
}

t.test("prepareBundle: id and last height are those that the builder comes to", async (t) => {
  const changes: readonly Partial<BundleContents>[] = [
    {},
    { tip: 2n ** 128n - 1n },
    { from: at(1), to: at(Number.MAX_SAFE_INTEGER) },
    { transactions: [open({ nonce: 4, expiryHeight: at(9) }), open({ nonce: 5, expiryHeight: at(8) })] },
  ];
  for (const change of changes) {
    const { id, lastHeight } = bundleOf(change);
    t.match(asBuilder({ ...CONTENTS, ...change }), { ok: true, bundle: { id, lastHeight } });
  }
  t.equal(bundleOf({ transactions: [open({ nonce: 4, expiryHeight: at(9) })] }).lastHeight, 9);
  t.equal(bundleOf({ to: at(12) }).lastHeight, 12);
});

/** With so many operations two transactions are just too much for a bundle; without the last they fit. */
const full = (operationCount: number, nonce: number) => open({ nonce, operations: new Array(operationCount).fill(pay) });
const FILLING = [full(500, 0), full(500, 1)];
const restBytes = messageBytesOf(SEALED_SIZE_CLASS_MAX) - 5 - 4 - FILLING.reduce((sum, { bytes }) => sum + 4 + bytes.length, 0);
const emptyBytes = open().bytes.length - 64;
const fitting = full(Math.floor((restBytes - 4 - emptyBytes) / 64), 2);
const tooLong = full(Math.floor((restBytes - 4 - emptyBytes) / 64) + 1, 2);

const FLAWS: readonly (readonly [BundleFlaw, Partial<BundleContents>, position?: number])[] = [
  ["empty", { transactions: [] }],
  ["tooManyTransactions", { transactions: Array.from({ length: BUNDLE_TRANSACTIONS_MAX + 1 }, (_, nonce) => open({ nonce })) }],
  ["oversize", { transactions: [...FILLING, tooLong] }],
  ["notOpen", { transactions: [open(), sealed()] }, 1],
  ["nonceOrder", { transactions: [open({ nonce: 1 }), open({ account: bob, nonce: 0 }), open({ nonce: 0 })] }, 2],
  ["nonceOrder", { transactions: [open({ nonce: 1 }), open({ nonce: 1, expiryHeight: at(19) })] }, 1],
  ["tipOutOfRange", { tip: -1n }],
  ["tipOutOfRange", { tip: 2n ** 128n }],
  ["rangeEmpty", { from: at(5), to: at(4) }],
  ["rangeEmpty", { from: at(5), transactions: [open(), open({ nonce: 1, expiryHeight: at(4) })] }, 1],
];

t.test("C4: prepareBundle: what no builder takes has the reason that the builder gives, and which transaction it is", async (t) => {
  for (const [reason, change, position] of FLAWS) {
    t.strictSame(prepareBundle({ ...CONTENTS, ...change }), { ok: false, reason, position }, reason);
    t.match(asBuilder({ ...CONTENTS, ...change }), { ok: false, refusal: { code: reason } }, reason);
  }
  const most = Array.from({ length: BUNDLE_TRANSACTIONS_MAX }, (_, nonce) => open({ nonce }));
  for (const transactions of [[...FILLING, fitting], most]) t.equal(asBuilder(bundleOf({ transactions })).ok, true);
});

t.test("C4: prepareBundle: heights that are none, and bytes that are no transaction", async (t) => {
  for (const change of [{ from: at(0) }, { from: -1 as Height }, { to: 1.5 as Height }, { to: (2 ** 53) as Height }]) {
    t.match(prepareBundle({ ...CONTENTS, ...change }), { ok: false, reason: "heightOutOfRange" });
  }
  const rubbish = { hash: CONTENTS.transactions[0]?.hash as TransactionHash, bytes: new Uint8Array([1, 2]) };
  t.strictSame(prepareBundle({ ...CONTENTS, transactions: [rubbish] }), { ok: false, reason: "notOpen", position: 0 });
});

t.test(
  "createRpc: submitBundle, bundle: taken under its id, pending, offered, included; its transactions say where and by whom",
  async (t) => {
    const { node, rpc } = start();
    const bundle = bundleOf();
    t.strictSame(await rpc.submitBundle(bundle), { ok: true, value: bundle.id });
    t.strictSame(await rpc.bundle(bundle.id), { ok: true, value: { type: "pending", last: undefined } });
    t.strictSame(await rpc.bundle(bundle.id), { ok: true, value: { type: "offered", height: 3, sequence: 1, value: VALUE } });
    const before = node.ledger.feeBalanceOf(builder.id);
    t.match(await rpc.bundle(bundle.id), { ok: true, value: { type: "included", height: 3, group: 0, blockHash: /^[0-9a-f]{64}$/ } });
    t.equal(node.ledger.feeBalanceOf(builder.id), before + 20n + 2n * 7n, "the tip, and the fees on top");
    for (const [position, { hash }] of bundle.transactions.entries()) {
      const place = { lane: "bundle", position, builder: builder.id, paid: VALUE };
      t.match(await rpc.transaction(hash), { ok: true, value: { type: "executed", height: 3, code: 0, ...place } });
    }
    t.strictSame(node.asked.slice(0, 2), ["POST /v1/bundles", `GET /v1/bundles/${bundle.id}`]);
  },
);

t.test("createRpc: submitBundle: the builder's refusals; a bundle that is not known; a node without a builder", async (t) => {
  const { rpc } = start();
  const bundle = bundleOf();
  t.match(await failureOf(rpc.bundle(bundle.id)), { type: "refused", httpStatus: 404, code: "notFound", canRetry: false });
  t.match(await rpc.submitBundle(bundle), { ok: true });
  t.match(await failureOf(rpc.submitBundle(bundle)), { type: "refused", httpStatus: 422, code: "duplicate", canRetry: false });
  const far = bundleOf({ to: at(1_000) });
  t.match(await failureOf(rpc.submitBundle(far)), { type: "refused", httpStatus: 400, code: "tooFar", canRetry: false, advice: /\w/ });
  const many = bundleOf({ transactions: Array.from({ length: 17 }, (_, nonce) => open({ nonce })) });
  t.match(await failureOf(rpc.submitBundle(many)), { type: "refused", code: "tooManyTransactions" });
  const forged = { ...bundle, transactions: [open(), { hash: HASH, bytes: new Uint8Array([9]) }] };
  t.match(await failureOf(rpc.submitBundle(forged)), { type: "refused", message: /^transactions\[1\] was refused/ });
  const plain = createFakeNode({ accounts });
  const validator = createRpc({ baseUrl: "http://node.test", deadlineMs: 5_000, fetch: plain.fetch });
  t.match(await failureOf(validator.submitBundle(bundle)), { type: "refused", code: "notFound" });
  t.match(await failureOf(validator.builder()), { type: "refused", code: "notFound" });
});

t.test(
  "createRpc: bundle: a group that fails and one that pays too little say so, and are over when their height has passed",
  async (t) => {
    const { rpc } = start();
    const poor = bundleOf({ transactions: [open({ operations: [tip(9_999_999n)] })], to: at(3) });
    await rpc.submitBundle(poor);
    await rpc.bundle(poor.id);
    const operations = [{ index: 0, code: 16, codeName: "insufficientFunds" }];
    const message = /transaction 0 fails with code 110 \(operationsFailed\): its operation 0 with code 16 \(insufficientFunds\)/;
    const last = { type: "simulationFailed", position: 0, code: 110, codeName: "operationsFailed", operations, message };
    t.match(await rpc.bundle(poor.id), { ok: true, value: { type: "pending", last } });
    t.match(await rpc.bundle(poor.id), { ok: true, value: { type: "notIncluded", reason: last } });
    const mean = bundleOf({ tip: 35n });
    await rpc.submitBundle(mean);
    await rpc.bundle(mean.id);
    t.match(await rpc.bundle(mean.id), {
      ok: true,
      value: { type: "pending", last: { type: "tipNotPaid", declared: 35n, measured: 34n } },
    });
  },
);

t.test("createRpc: builder: account, registration and counts; before it is registered", async (t) => {
  const { node, rpc } = start();
  const registered = { bond: BOND, feeRecipient: builder.id, endpoint: { address: "192.0.2.7", port: 8_080 }, isActive: true };
  const counts = { links: 4, bids: 1, resent: 2, wins: 0, losses: 4, failed: 0, open: 1 };
  const nowhere = { unbondingHeight: undefined, withdrawableAt: undefined, until: undefined };
  const reason = { type: "active", message: "it bids for blocks", ...nowhere };
  const value = { account: builder.id, reason, registered, strategy: "plain", ...counts, paid: 0n, bundles: { count: 0, bytes: 0 } };
  t.strictSame(await rpc.builder(), { ok: true, value });
  const answer = (await (await node.fetch("http://builder.test/v1/builder", GET)).json()) as { readonly registered: JsonShape };
  node.override(() => json({ ...answer, registered: null }));
  t.strictSame(await rpc.builder(), { ok: true, value: { ...value, registered: undefined } });
  node.override(() => json({ ...answer, registered: { ...answer.registered, endpoint: null } }));
  t.match(await rpc.builder(), { ok: true, value: { registered: { endpoint: undefined, bond: BOND } } });
  const unbonding = { type: "unbonding", message: "it has unbonded", unbondingHeight: 5, withdrawableAt: 1_029 };
  for (const [given, read] of [
    [unbonding, { ...nowhere, ...unbonding }],
    [
      { type: "moonPhase", message: "too full", until: 9 },
      { ...nowhere, type: "moonPhase", message: "too full", until: 9 },
    ],
    [undefined, undefined],
    [{ type: 5, message: "" }, undefined],
  ]) {
    node.override(() => json({ ...answer, reason: given }));
    t.strictSame(await rpc.builder(), { ok: true, value: { ...value, reason: read } });
  }
  const endpoints = [undefined, { address: "1.2.3", port: 80 }, { address: "1.2.3.256", port: 80 }, { address: "1.2.3.4", port: 0 }, 7];
  const broken = [
    ...[{ account: "x" }, { strategy: 5 }, { paid: 1 }, { paid: "-1" }, { bundles: undefined }, { bundles: { count: 1 } }],
    ...["links", "bids", "resent", "wins", "losses", "failed", "open"].flatMap((name) => [{ [name]: undefined }, { [name]: -1 }]),
    ...[{ registered: undefined }, { registered: 1 }],
    ...[{ bond: 5 }, { feeRecipient: null }, { isActive: 1 }].map((each) => ({ registered: { ...answer.registered, ...each } })),
    ...[...endpoints, { address: "1.2.3.4", port: 65_536 }].map((endpoint) => ({ registered: { ...answer.registered, endpoint } })),
  ];
  for (const change of broken) {
    node.override(() => json({ ...answer, ...change }));
    t.match(await failureOf(rpc.builder()), { type: "malformed" }, JSON.stringify(change));
  }
});

const GET = { method: "GET", headers: {}, signal: new AbortController().signal, redirect: "error" } as const;
const HASH = "ab".repeat(32) as TransactionHash;

/** Every reason that a builder knows, as it shows it, and what is a reason no more when a field is missing. */
const REASONS: Readonly<Record<string, readonly Parameters<typeof reasonJson>[0][]>> = {
  plain: [{ type: "expired" }, { type: "noRoom" }, { type: "cannotSeal" }, { type: "unfit" }, { type: "evicted" }],
  failures: [
    { type: "simulationFailed", position: 1, code: 110, operations: [{ index: 3, code: 7 }] },
    { type: "executionFailed", height: at(9), position: 0, code: 106, operations: [] },
  ],
  tips: [
    { type: "tipNotPaid", declared: 5n, measured: 4n },
    { type: "tipNotPaid", declared: 5n, measured: -4n },
  ],
  heights: [
    { type: "lostAuction", height: at(9) },
    { type: "unopened", height: at(9) },
  ],
  others: [
    { type: "conflict", with: { type: "bundle", id: ID } },
    { type: "conflict", with: { type: "transaction", hash: HASH } },
    { type: "orderedApart", height: at(9), transaction: HASH },
  ],
};

function reasonJson(reason: Extract<Parameters<typeof bundleStatusJson>[0], { type: "notIncluded" }>["reason"]): JsonShape {
  const shown = bundleStatusJson({ type: "notIncluded", reason }, describeCode) as { readonly reason: JsonShape };
  // Through text, as it travels.
  return JSON.parse(JSON.stringify(shown.reason)) as JsonShape;
}
type JsonShape = Readonly<Record<string, unknown>>;

const endOf = (reason: unknown): NotIncludedReason | undefined => {
  const status = bundleStatusOf({ id: ID, status: "notIncluded", reason }, ID);
  return status?.type === "notIncluded" ? status.reason : undefined;
};

t.test("C4: bundleStatusOf: each reason of the builder is read as it was meant; without one of its fields it is none", async (t) => {
  for (const reason of Object.values(REASONS).flat()) {
    const shown = reasonJson(reason);
    const names =
      "code" in reason
        ? {
            codeName: describeCode(reason.code),
            operations: reason.operations.map((each) => ({ ...each, codeName: describeCode(each.code) })),
          }
        : {};
    t.strictSame(endOf(shown), { ...reason, ...names, message: shown.message }, reason.type);
    for (const name of Object.keys(shown)) {
      t.equal(endOf({ ...shown, [name]: undefined }), undefined, `${reason.type} without ${name}`);
      t.equal(endOf({ ...shown, [name]: { type: 5 } }), undefined, `${reason.type} with another ${name}`);
    }
  }
  t.strictSame(endOf({ type: "moonPhase", message: "too full", age: 9 }), { type: "other", name: "moonPhase", message: "too full" });
  t.equal(endOf({ type: "conflict", message: "m", with: { type: "bundle", id: "x" } }), undefined);
  t.equal(endOf({ type: "conflict", message: "m", with: { type: "transaction", id: ID } }), undefined);
});

t.test("C4: bundleStatusOf: answers about another bundle, of unknown status or without their fields are malformed", async (t) => {
  const { node, rpc } = start();
  const offered = { id: ID, status: "offered", height: 9, sequence: 3, value: "8" };
  const included = { id: ID, status: "included", height: 9, blockHash: HASH as string as BlockHash, group: 2 };
  const rows = [
    ...[null, [], 5, {}, { id: ID }, { id: ID, status: "somewhere" }, { status: "pending" }, { id: HASH, status: "pending" }],
    ...[
      { id: ID, status: "pending", last: null },
      { id: ID, status: "pending", last: {} },
      { id: ID, status: "notIncluded" },
    ],
    ...[{ height: -1 }, { sequence: "3" }, { value: 8 }, { value: "-8" }].map((change) => ({ ...offered, ...change })),
    ...[{ height: "9" }, { blockHash: "x" }, { group: undefined }].map((change) => ({ ...included, ...change })),
  ];
  for (const row of rows) {
    node.override(() => json(row));
    t.match(await failureOf(rpc.bundle(ID)), { type: "malformed" }, JSON.stringify(row));
  }
  const bundle = bundleOf();
  for (const row of [{}, { id: ID, status: "accepted" }, { id: 5 }]) {
    node.override(() => json(row, 202));
    t.match(await failureOf(rpc.submitBundle(bundle)), { type: "malformed" }, "not the id of this bundle");
  }
  t.equal(acceptedBundleOf({ id: ID }), ID);
});
