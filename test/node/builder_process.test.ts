/** A builder as an operator and a searcher meet it: key, mistakes, registration, blocks that it builds, a bundle by RPC to a receipt, and unbonding. */

import { readFileSync } from "node:fs";
import t from "tap";
import { submitAndFollow } from "../../client/follow.ts";
import type { PreparedTransaction } from "../../client/open.ts";
import { createRpc, type Rpc } from "../../client/rpc.ts";
import { assert } from "../../types/assert.ts";
import { toHex } from "../../types/bytes.ts";
import {
  alice,
  bob,
  CONFIG,
  FOLLOW,
  file,
  jsonAt,
  prepare,
  type Ready,
  runWith,
  signed,
  until,
  writeJson,
} from "./builder_process_support.ts";
import { type Ended, runBuilderScript, runValidatorScript } from "./validator_script.ts";

t.setTimeout(300_000);

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
    [["regster", "--config", file("plain.json")], /"regster" is no command or option of this program; see --help/],
    [["--config", file("plain.json"), "register"], /"register" is no command/],
    [["keygen", "keys.json"], /"keys\.json" is no command/],
  ];
  const endings = await Promise.all(cases.map(([arguments_]) => runBuilderScript(arguments_)));
  for (const [index, [arguments_, expected]] of cases.entries()) {
    const { code, errors } = endings[index] as Ended;
    t.equal(code, 1, arguments_.join(" "));
    t.match(errors, expected);
    t.notMatch(errors, /\n {4}at /, "no stack for a mistake of the operator");
  }
});

t.test("builder: registers, builds blocks, includes a bundle, shows who was paid what, unbonds", async (t) => {
  const account = await prepare(t);
  const validator = await runWith(runValidatorScript, "validator.json", async ({ rpc: url, addresses }) => {
    const rpc = createRpc({ baseUrl: url, deadlineMs: 10_000 });
    const endpoint = { address: "127.0.0.1", port: 4_000 };
    const own = { ...CONFIG, keyFile: "keys.json", dataDirectory: "data", peers: [{ validator: 0, addresses }] };
    writeJson("builder.json", { ...own, builder: { strategy: "aggressive", endpoint } });
    const check = await runBuilderScript(["--config", file("builder.json"), "--check"]);
    t.match(JSON.parse(check.output), { ok: true, builder: account, strategy: "aggressive", bondMin: "1000", peers: 1, warnings: [] });
    for (const [peers, warnings] of [
      [[], [/"peers" is empty: this builder connects with nobody; list all validators/]],
      [[{ validator: 3, addresses }], [/"peers" lacks validators 0: they never get/, /names validators 3, and the genesis has only 1/]],
    ] as const) {
      writeJson("lonely.json", { ...own, peers, builder: {} });
      const lonely = await runBuilderScript(["--config", file("lonely.json"), "--check"]);
      t.match(JSON.parse(lonely.output), { ok: true, peers: peers.length, warnings });
    }
    const plainGenesis = JSON.parse(readFileSync(file("genesis.json"), "utf8")) as { parameters: object };
    writeJson("no_builders.json", { ...plainGenesis, parameters: { ...plainGenesis.parameters, builderBondMin: "0" } });
    writeJson("lost.json", { ...own, genesis: "no_builders.json", builder: {} });
    const lost = await runBuilderScript(["--config", file("lost.json")]);
    t.match(lost, { code: 1, errors: /this chain takes no builders; leave "builder" out/ });
    const builder = await runWith(runBuilderScript, "builder.json", async (ready) => {
      t.equal(ready.builder, account);
      t.match(await jsonAt(`${ready.rpc}/v1/builder`), { account, registered: null, bids: 0, lastBid: null });
      const mean = await runBuilderScript(["register", "--config", file("builder.json"), "--bond", "10", "--rpc", url]);
      t.match(mean, { code: 1, errors: /--bond 10 is below this chain's least bond, 1000/ });
      const nowhere = ["--bond", "50000", "--recipient", "77".repeat(32), "--rpc", url];
      const lostFees = await runBuilderScript(["register", "--config", file("builder.json"), ...nowhere]);
      t.match(lostFees, { code: 1, errors: /is not open in the chain's fee asset 1/ });
      const registered = await runBuilderScript(["register", "--config", file("builder.json"), "--bond", "50000", "--rpc", url]);
      t.equal(registered.code, 0, registered.errors);
      t.match(JSON.parse(registered.output), { command: "register", builder: account, code: 0 });
      await until("the link", async () => (await jsonAt(`${ready.rpc}/v1/builder`)).links === 1);
      t.match(await jsonAt(`${ready.rpc}/v1/builder`), {
        ...{ registered: { bond: "50000", isActive: true, endpoint, feeRecipient: account }, reason: { type: "active" } },
      });
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
      t.match(early.errors, /bondLocked\); withdraw works from height \d+ on, the chain is at \d+; nothing was sent/);
      t.match(await jsonAt(`${ready.rpc}/v1/builder`), { reason: { type: "unbonding", withdrawableAt: Number } });
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
