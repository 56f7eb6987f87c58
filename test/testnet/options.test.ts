/** The command line: what is accepted, and that every mistake is named. */

import t from "tap";
import { TestnetFailure } from "../../testnet/failure.ts";
import { parseOptions, type TestnetOptions } from "../../testnet/options.ts";

function optionsOf(...args: readonly string[]): TestnetOptions {
  const parsed = parseOptions(args, "node");
  if (parsed.type !== "run") throw new Error("these arguments ask for help");
  return parsed.options;
}

t.test("parseOptions: no arguments, a light load on four validators of the own runtime until Ctrl-C", async (t) => {
  t.match(optionsOf(), {
    validators: 4,
    load: 20,
    sealed: 0,
    builders: 0,
    bundles: 0,
    killBuilders: false,
    noBids: false,
    runtime: "node",
    application: "ledger",
    killOne: false,
    json: false,
    keep: false,
  });
  t.equal(optionsOf().durationMs, undefined);
  t.match(parseOptions([], "deno"), { options: { runtime: "deno" } });
});

t.test("parseOptions: every option given, each is taken", async (t) => {
  const text =
    "--validators 7 --load 500 --sealed 30 --builders 3 --operations-per-transaction 64 --duration 60 --runtime mixed --kill-one --json --keep --data d";
  t.same(optionsOf(...text.split(" ")), {
    validators: 7,
    load: 500,
    sealed: 30,
    builders: 3,
    bundles: 50,
    operationsPerTransaction: 64,
    application: "ledger",
    payloadBytes: 512,
    durationMs: 60_000,
    runtime: "mixed",
    killOne: true,
    killBuilders: false,
    noBids: false,
    json: true,
    keep: true,
    dataDirectory: "d",
  });
  t.match(optionsOf(..."--builders 1 --no-bids --kill-builders --duration 5".split(" ")), {
    builders: 1,
    bundles: 2,
    noBids: true,
    killBuilders: true,
  });
  t.match(optionsOf(..."--builders 2 --load 0".split(" ")), { bundles: 0 }, "no load, no bundles");
  t.match(optionsOf(..."--builders 2 --load 5".split(" ")), { bundles: 0.5 });
  t.match(optionsOf(..."--builders 2 --load 0 --bundles 7".split(" ")), { bundles: 7 }, "but where they are asked for");
  t.match(optionsOf("--application", "null", "--payload-bytes", "2048", "--load=0"), { application: "null", payloadBytes: 2048, load: 0 });
});

t.test("parseOptions: --help wins over senseless values", async (t) => {
  t.same(parseOptions(["--help"], "node"), { type: "help" });
});

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ["--validators 0", /--validators must be a whole number from 1 to 64, not "0"/],
  ["--validators four", /--validators must be a whole number/],
  ["--validators 1e1", /--validators must be a whole number/],
  ["--load -5", /--load/],
  ["--load=-5", /--load must be a whole number from 0/],
  ["--load 1.5", /--load must be a whole number/],
  ["--duration 0", /--duration must be seconds from 1/],
  ["--duration soon", /--duration must be seconds/],
  ["--runtime bun", /--runtime must be one of node, deno, mixed, not "bun"/],
  ["--application evm", /--application must be one of ledger, null/],
  ["--operations-per-transaction 1025", /from 1 to 1024/],
  ["--application null --payload-bytes 31", /--payload-bytes must be a whole number from 32 to 131072/],
  ["--payload-bytes 512", /--payload-bytes needs --application null/],
  ["--application null --operations-per-transaction 2", /--operations-per-transaction needs --application ledger/],
  ["--sealed 1001", /--sealed must be a whole number from 0 to 1000/],
  ["--application null --sealed 5", /--sealed needs --application ledger/],
  ["--sealed 5 --operations-per-transaction 1024", /--sealed takes at most 1023 operations/],
  ["--bundles 5", /--bundles needs --builders/],
  ["--builders 1 --bundles 401", /--bundles must be a whole number from 0 to 400/],
  ["--no-bids", /--no-bids needs --builders/],
  ["--builders 17", /--builders must be a whole number from 0 to 16/],
  ["--application null --builders 1", /--builders needs --application ledger/],
  ["--kill-builders --duration 9", /--kill-builders needs --builders and --duration/],
  ["--kill-builders --kill-one --builders 2 --duration 9", /one of them at a time/],
  ["--kill-builders --builders 2", /--kill-builders needs --builders and --duration/],
  ["--kill-one", /--kill-one needs --duration/],
  ["--kill-one --duration 9 --validators 3", /--kill-one needs --validators 4 or more/],
  ["--nodes 4", /--nodes/],
  ["four", /four/],
  ["--data=", /--data needs the name of a directory/],
];

for (const [text, message] of REFUSED) {
  t.test(`parseOptions: ${text}, usage error that names it`, async (t) => {
    try {
      parseOptions(text.split(" "), "node");
      t.fail("the arguments were accepted");
    } catch (error) {
      t.ok(error instanceof TestnetFailure && error.code === "usage" && error.exitCode === 1, "exit code 1");
      t.match(String(error), message);
    }
  });
}
