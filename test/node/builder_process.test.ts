/** A builder as an operator and a searcher meet it: key, mistakes, registration, blocks that it builds, a bundle by RPC to a receipt, and unbonding. */

import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { submitAndFollow } from "../../client/follow.ts";
import { type Account, accountFromSeed } from "../../client/keys.ts";
import { type PreparedTransaction, signOpen } from "../../client/open.ts";
import { transfer } from "../../client/operations.ts";
import { createRpc, type Rpc } from "../../client/rpc.ts";
import { assert } from "../../types/assert.ts";
import { toHex } from "../../types/bytes.ts";
import type { AccountId, ChainId } from "../../types/ids.ts";
import { Height } from "../../types/ids.ts";
import { type Ended, runBuilderScript, runValidatorScript } from "./validator_script.ts";

t.setTimeout(300_000);

const base = await mkdtemp(join(tmpdir(), "sealstone-builder-"));
t.teardown(() => rm(base, { recursive: true, force: true }));
const file = (name: string) => join(base, name);
const writeJson = (name: string, value: unknown): void => writeFileSync(file(name), JSON.stringify(value));
const FOLLOW = { deadlineMs: 30_000, pauseMsMin: 10, pauseMsMax: 100 };
const CONFIG = { genesis: "genesis.json", listen: ["/ip4/127.0.0.1/tcp/0"], rpc: { port: 0 } };

const accountOf = (byte: number): Account => {
  const account = accountFromSeed(new Uint8Array(32).fill(byte));
  assert(account !== undefined, "a seed has 32 bytes");
  return account;
};
const [alice, bob] = [accountOf(1), accountOf(2)];
const ISSUER = "09".repeat(32) as AccountId;

async function jsonAt(url: string): Promise<Record<string, unknown>> {
  return (await (await fetch(url)).json()) as Record<string, unknown>;
}

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Ready {
  readonly rpc: string;
  readonly addresses: readonly string[];
  readonly builder: string;
}

type Run = (arguments_: readonly string[], onLine?: (line: string, stop: () => void) => Promise<void>) => Promise<Ended>;

/** Rejects when `act` does. */
async function runWith(run: Run, name: string, act: (ready: Ready) => Promise<void>): Promise<Ended> {
  let failure: unknown;
  const ended = await run(["--config", file(name)], async (line, stop) => {
    try {
      await act(JSON.parse(line) as Ready);
    } catch (error) {
      failure = error;
    }
    stop();
  });
  if (failure !== undefined) throw failure;
  return ended;
}

t.test("builder: help, and mistakes with what to do", async (t) => {
  const help = await runBuilderScript(["--help"]);
  t.equal(help.code, 0);
  t.match(help.output, /register --config FILE --bond N/);
  writeJson("plain.json", { ...CONFIG, keyFile: "keys.json", dataDirectory: "data" });
  writeJson("wrong.json", {
    ...CONFIG,
    keyFile: "keys.json",
    dataDirectory: "data",
    builder: { strategy: "clever", endpoint: { address: "1.2.3", port: 0 } },
  });
  const cases: [arguments_: string[], expected: RegExp][] = [
    [[], /--config FILE is needed/],
    [["keygen"], /--out FILE is needed/],
    [["--config", file("plain.json")], /has no "builder"; add for example/],
    [
      ["--config", file("wrong.json")],
      /builder\.strategy: must be one of plain, aggressive[\s\S]*builder\.endpoint\.address: must be an IPv4 address/,
    ],
    [["register", "--config", file("plain.json")], /has no "builder"/],
    [["unbond"], /--config FILE is needed/],
    [["unbond", "--bond", "4"], /--bond/],
  ];
  const endings = await Promise.all(cases.map(([arguments_]) => runBuilderScript(arguments_)));
  for (const [index, [arguments_, expected]] of cases.entries()) {
    const { code, errors } = endings[index] as Ended;
    t.equal(code, 1, arguments_.join(" "));
    t.match(errors, expected);
    t.notMatch(errors, /\n {4}at /, "no stack for a mistake of the operator");
  }
});

/** Keys of one validator and one builder, and the genesis of a chain that takes builders. */
async function prepare(t: typeof import("tap").default | import("tap").Test): Promise<string> {
  const validator = await runValidatorScript(["keygen", "--out", file("validator_keys.json"), "--cost", "10"]);
  writeFileSync(file("validator_public.json"), validator.output);
  const made = await runBuilderScript(["keygen", "--out", file("keys.json"), "--cost", "10"]);
  t.equal(made.code, 0, made.errors);
  const { account } = JSON.parse(made.output) as { account: string };
  const parameters = {
    ...{ heartbeatMs: 200, feeAsset: 1, feePerTransaction: 2, feePerOperation: 1 },
    ...{ sealingSuite: 1, keygenWindowMs: 500, builderBondMin: "1000" },
  };
  const balances = [alice.id, bob.id, account as AccountId].map((id) => ({ account: id, asset: 1, amount: "100000" }));
  writeJson("template.json", { parameters, assets: [{ asset: 1, decimals: 2, issuer: ISSUER }], balances });
  const genesis = await runValidatorScript([
    ...["genesis", "--out", file("genesis.json"), "--name", "built", "--template", file("template.json")],
    file("validator_public.json"),
  ]);
  t.equal(genesis.code, 0, genesis.errors);
  writeJson("validator.json", { ...CONFIG, keyFile: "validator_keys.json", dataDirectory: "validator_data", proposeDelayMs: 100 });
  return account;
}

async function signed(rpc: Rpc, account: Account, nonce: number): Promise<PreparedTransaction> {
  const [genesis, status] = [await rpc.genesis(), await rpc.status()];
  assert(genesis.ok && status.ok, "the node answers");
  const { chainId, finalHeight } = { ...genesis.value, ...status.value } as { chainId: ChainId; finalHeight: Height };
  const operations = [transfer({ to: account === alice ? bob.id : alice.id, asset: 1, amount: 7n })];
  const result = signOpen({ account, chainId, nonce, expiryHeight: Height.plus(finalHeight, 500), feeMax: 100n, operations });
  assert(result.ok, "what the test signs can be signed");
  return result.transaction;
}

t.test("builder: registers, builds blocks, includes a bundle, shows who was paid what, unbonds", async (t) => {
  const account = await prepare(t);
  const validator = await runWith(runValidatorScript, "validator.json", async ({ rpc: url, addresses }) => {
    const rpc = createRpc({ baseUrl: url, deadlineMs: 10_000 });
    const endpoint = { address: "127.0.0.1", port: 4_000 };
    const own = { ...CONFIG, keyFile: "keys.json", dataDirectory: "data", peers: [{ validator: 0, addresses }] };
    writeJson("builder.json", { ...own, builder: { strategy: "aggressive", endpoint } });
    const check = await runBuilderScript(["--config", file("builder.json"), "--check"]);
    t.match(JSON.parse(check.output), { ok: true, builder: account, strategy: "aggressive", bondMin: "1000" });
    const plainGenesis = JSON.parse(readFileSync(file("genesis.json"), "utf8")) as { parameters: object };
    writeJson("no_builders.json", { ...plainGenesis, parameters: { ...plainGenesis.parameters, builderBondMin: "0" } });
    writeJson("lost.json", { ...own, genesis: "no_builders.json", builder: {} });
    const lost = await runBuilderScript(["--config", file("lost.json")]);
    t.match(lost, { code: 1, errors: /this chain takes no builders; leave "builder" out/ });
    const builder = await runWith(runBuilderScript, "builder.json", async (ready) => {
      t.equal(ready.builder, account);
      t.match(await jsonAt(`${ready.rpc}/v1/builder`), { account, registered: null, bids: 0, lastBid: null });
      const registered = await runBuilderScript(["register", "--config", file("builder.json"), "--bond", "50000", "--rpc", url]);
      t.equal(registered.code, 0, registered.errors);
      t.match(JSON.parse(registered.output), { command: "register", builder: account, code: 0 });
      await until("the link", async () => (await jsonAt(`${ready.rpc}/v1/builder`)).links === 1);
      t.match(await jsonAt(`${ready.rpc}/v1/builder`), { registered: { bond: "50000", isActive: true, endpoint, feeRecipient: account } });
      await until("the sealing key", async () => (await rpc.sealing()).ok && (await jsonAt(`${url}/v1/sealing`)).status === "live");
      // Under load a view waits before it proposes, so that bids are there in time.
      let nonce = 0;
      await until("a block of the builder", async () => {
        const burst: PreparedTransaction[] = [];
        for (let count = 0; count < 20; count++) burst.push(await signed(rpc, alice, nonce++));
        const results = burst.map(async (transaction) => {
          t.match(await submitAndFollow(rpc, transaction, FOLLOW), { type: "executed", status: { code: 0 } });
          return (await jsonAt(`${url}/v1/transactions/${transaction.hash}`)).builder === account;
        });
        return (await Promise.all(results)).some(Boolean);
      });
      await takesBundles(t, { ready, url, rpc, account });
      const status = await jsonAt(`${url}/v1/status`);
      t.match(status, { builders: { links: 1, paid: /^[1-9]\d*$/ } });
      t.match(await jsonAt(`${ready.rpc}/v1/builder`), { wins: Number, bids: Number, strategy: "aggressive", lastBid: { leader: 0 } });
      const unbonded = await runBuilderScript(["unbond", "--config", file("builder.json"), "--rpc", url]);
      t.match(JSON.parse(unbonded.output), { command: "unbond", code: 0 });
      const early = await runBuilderScript(["withdraw", "--config", file("builder.json"), "--rpc", url]);
      t.equal(early.code, 1, "the bond is not free yet");
      t.not((JSON.parse(early.output) as { code: number }).code, 0);
    });
    t.equal(builder.code, 0, builder.errors);
  });
  t.equal(validator.code, 0, validator.errors);
});

async function takesBundles(
  t: import("tap").Test,
  given: { readonly ready: Ready; readonly url: string; readonly rpc: Rpc; readonly account: string },
): Promise<void> {
  const { ready, url, rpc, account } = given;
  let nonce = 0;
  let hash = "";
  let last: Record<string, unknown> = {};
  const post = (body: unknown) =>
    fetch(`${ready.rpc}/v1/bundles`, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  await until("an included bundle", async () => {
    const transaction = await signed(rpc, bob, nonce);
    const status = await rpc.status();
    assert(status.ok, "the node answers");
    const range = { fromHeight: status.value.finalHeight + 1, toHeight: status.value.finalHeight + 20 };
    const posted = await post({ transactions: [toHex(transaction.bytes)], ...range, tip: "1" });
    const { id } = (await posted.json()) as { id: string };
    t.equal(posted.status, 202);
    await until("its end", async () => {
      last = await jsonAt(`${ready.rpc}/v1/bundles/${id}`);
      return last.status === "included" || last.status === "notIncluded";
    });
    hash = transaction.hash;
    if (last.status === "notIncluded") t.match(last, { reason: { type: String, message: /./ } });
    else nonce++;
    return last.status === "included";
  });
  const receipt = await jsonAt(`${url}/v1/transactions/${hash}`);
  t.match(
    receipt,
    { status: "final", code: 0, lane: "bundle", position: 0, builder: account, height: last.height },
    "the validator knows it, too",
  );
  const block = await jsonAt(`${url}/v1/blocks/${String(receipt.height)}`);
  t.match(block, {
    builder: account,
    paid: receipt.paid,
    bundleCount: 1,
    bundleReceipts: [{ hash, lane: "bundle", position: 0, codeName: "ok" }],
  });
  for (const [body, code] of [
    [{ transactions: ["00"], fromHeight: 1, toHeight: 2, tip: "1" }, 422],
    [{ transactions: [], fromHeight: 1, toHeight: 2, tip: "1" }, 400],
  ] as const) {
    t.equal((await post(body)).status, code);
  }
}
