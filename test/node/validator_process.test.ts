/** The validator as an operator meets it: commands, the ready line, a transaction to finality, a clean stop, and exit codes. */

import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { runValidatorScript as run } from "./validator_script.ts";

t.setTimeout(300_000);

const base = await mkdtemp(join(tmpdir(), "sealstone-process-"));
t.teardown(() => rm(base, { recursive: true, force: true }));
const file = (name: string) => join(base, name);

const CONFIG = { genesis: "genesis.json", keyFile: "keys.json", dataDirectory: "data", listen: ["/ip4/127.0.0.1/tcp/0"], rpc: { port: 0 } };
const writeJson = (name: string, value: unknown): void => writeFileSync(file(name), JSON.stringify(value));

t.test("validator: help and mistakes on the command line, exit codes 0 and 1 with what to do", async (t) => {
  const help = await run(["--help"]);
  t.equal(help.code, 0);
  t.match(help.output, /--config FILE/);
  const cases: [arguments_: string[], expected: RegExp][] = [
    [[], /--config FILE is needed/],
    [["--confg", "x"], /--confg.*See --help/s],
    [["--config", file("none.json")], /none\.json does not exist/],
    [["keygen"], /--out FILE is needed/],
    [["keygen", "--out", file("k"), "--cost", "99"], /--cost must be a whole number from 10 to 20/],
    [["genesis", "--out", file("g"), "--name", "x"], /at least one validator/],
    [["genisis", "--config", file("none.json")], /"genisis" is no command or option of this program; see --help/],
    [["keygen", "keys.json"], /"keys\.json" is no command/],
  ];
  for (const [arguments_, expected] of cases) {
    const { code, errors } = await run(arguments_);
    t.equal(code, 1, arguments_.join(" "));
    t.match(errors, expected);
    t.notMatch(errors, /\n {4}at /, "no stack for a mistake of the operator");
  }
});

t.test("validator: keygen, genesis, check, run, a transaction to final, SIGTERM", async (t) => {
  const keygen = await run(["keygen", "--out", file("keys.json"), "--cost", "10"]);
  t.equal(keygen.code, 0, keygen.errors);
  writeFileSync(file("public.json"), keygen.output);
  writeJson("template.json", { application: "null", parameters: { heartbeatMs: 100 } });
  const genesis = await run([
    "genesis",
    "--out",
    file("genesis.json"),
    "--name",
    "one",
    "--template",
    file("template.json"),
    file("public.json"),
  ]);
  t.equal(genesis.code, 0, genesis.errors);
  const { chainId } = JSON.parse(genesis.output) as { chainId: string };
  writeJson("config.json", CONFIG);
  const check = await run(["--config", file("config.json"), "--check"]);
  t.match(JSON.parse(check.output), { ok: true, chainId, validator: 0, validators: 1 });
  let status: unknown;
  let transaction: unknown;
  const validator = await run(["--config", file("config.json")], async (line, stop) => {
    const ready = JSON.parse(line) as { rpc: string };
    t.match(ready, {
      type: "ready",
      rpc: /^http:\/\/127\.0\.0\.1:\d+$/,
      addresses: [/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\//],
      validator: 0,
      height: 0,
      view: 1,
    });
    const headers = { "content-type": "application/octet-stream" };
    const submitted = await fetch(`${ready.rpc}/v1/transactions`, { method: "POST", body: "some bytes", headers });
    const { hash } = (await submitted.json()) as { hash: string };
    transaction = await (await fetch(`${ready.rpc}/v1/transactions/${hash}?waitMs=20000`)).json();
    status = await (await fetch(`${ready.rpc}/v1/status`)).json();
    stop();
  });
  t.equal(validator.code, 0, validator.errors);
  t.match(transaction, { status: "final", code: 0, index: 0, blockHash: /^[0-9a-f]{64}$/ });
  t.match(status, { chainId, whyNotFinal: null, finality: { count: 1 } });
  const messages = validator.errors
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
  t.match(messages.at(-1), /^stopped$/);
  t.ok(messages.includes("started") && messages.includes("shutting down"));
});

t.test("validator: the RPC port is taken, exit code 2 and the setting's name", async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => void server.close());
  const { port } = server.address() as AddressInfo;
  writeJson("taken.json", { ...CONFIG, rpc: { port } });
  const { code, errors } = await run(["--config", file("taken.json")]);
  t.equal(code, 2);
  t.match(errors, /rpc\.port \d+ on 127\.0\.0\.1 is in use/);
});

t.test("R9: validator, a data directory of another chain, exit code 129 and nothing signed", async (t) => {
  const template = JSON.parse(readFileSync(file("template.json"), "utf8")) as object;
  writeJson("template.json", { ...template, timeMs: 5 });
  t.equal(
    (await run(["genesis", "--out", file("other.json"), "--name", "other", "--template", file("template.json"), file("public.json")])).code,
    0,
  );
  writeJson("foreign.json", { ...CONFIG, genesis: "other.json" });
  const { code, errors } = await run(["--config", file("foreign.json")]);
  t.equal(code, 129);
  t.match(errors, /refused \(foreign\)/);
});
