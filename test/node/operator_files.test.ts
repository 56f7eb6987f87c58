/** Configuration, genesis, key and passphrase files: what an operator writes, and what he is told when it is wrong. */

import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import t, { type Test } from "tap";
import { createNobleSuite } from "../../crypto/bls_noble.ts";
import { ed25519PublicKeyOf } from "../../crypto/ed25519_sodium.ts";
import { chainIdOf } from "../../crypto/hashes.ts";
import { requireStartable } from "../../node/application.ts";
import { readConfig } from "../../node/config.ts";
import { exitCodeOf, NodeError } from "../../node/errors.ts";
import { DEFAULT_PARAMETERS, genesisToJson, readGenesis, writeGenesis } from "../../node/genesis_file.ts";
import { findValidator, requirePossession } from "../../node/identity.ts";
import { readKeyFile, writeKeyFile } from "../../node/key_store.ts";
import { readPassphrase } from "../../node/passphrase.ts";
import { toHex } from "../../types/bytes.ts";
import type { Genesis } from "../../types/genesis.ts";
import { type AccountId, Epoch, TimestampMs } from "../../types/ids.ts";
import { BUILDER_BOND_ACCOUNT } from "../../types/transaction.ts";

const bls = createNobleSuite();
const keysOf = (fill: number) => ({
  blsSecretKey: bls.deriveSecretKey(new Uint8Array(32).fill(fill)),
  ed25519Seed: new Uint8Array(32).fill(fill + 1),
  nodeSeed: new Uint8Array(32).fill(fill + 2),
});
const keys = keysOf(1);
const validatorOf = (secret: ReturnType<typeof keysOf>) => ({
  blsPublicKey: bls.publicKeyOf(secret.blsSecretKey),
  blsPossession: bls.provePossession(secret.blsSecretKey),
  sealingPublicKey: new Uint8Array(32),
  ed25519PublicKey: toHex(ed25519PublicKeyOf(secret.ed25519Seed)),
  weight: 1,
});
const validator = validatorOf(keys);
const genesis: Genesis = {
  name: "test chain",
  application: "ledger",
  timeMs: TimestampMs.of(1_700_000_000_000),
  epoch: Epoch.ZERO,
  parameters: { ...DEFAULT_PARAMETERS, builderBondMin: 2n ** 126n },
  validators: [validator],
  assets: [{ asset: 0, decimals: 2, issuer: "11".repeat(32) as AccountId }],
  balances: [{ account: "22".repeat(32) as AccountId, asset: 0, amount: 2n ** 127n }],
};
const CONFIG = {
  genesis: "../genesis.json",
  keyFile: "keys.json",
  dataDirectory: "data",
  listen: ["/ip4/127.0.0.1/tcp/0"],
  rpc: { port: 0 },
};

async function directory(t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "sealstone-node-"));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function rejection(work: Promise<unknown>): Promise<NodeError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof NodeError) return error;
    throw error;
  }
  throw new Error("was expected to be refused");
}

t.test("readConfig: a minimal file, paths relative to it and defaults filled in", async (t) => {
  const path = await directory(t);
  await writeFile(join(path, "config.json"), JSON.stringify(CONFIG));
  const config = await readConfig(join(path, "config.json"));
  t.equal(config.keyFile, join(path, "keys.json"));
  t.equal(config.genesis, join(path, "..", "genesis.json"));
  t.match(config, {
    passphraseEnv: "SEALSTONE_PASSPHRASE",
    rpc: { host: "127.0.0.1", port: 0 },
    peers: [],
    observer: false,
    log: { level: "info" },
  });
  t.equal(config.counterFile, undefined);
  t.equal(config.builder, undefined);
  t.equal(config.bids, true);
});

t.test("readConfig: a builder is an observer, bids as plain unless told otherwise, and publishes no endpoint by itself", async (t) => {
  const path = await directory(t);
  const file = join(path, "config.json");
  const builderOf = async (builder: object) => {
    await writeFile(file, JSON.stringify({ ...CONFIG, builder, bids: false }));
    return readConfig(file);
  };
  const config = await builderOf({});
  t.same(config.builder, { strategy: "plain", endpoint: undefined });
  t.equal(config.observer, true);
  t.equal(config.bids, false);
  const endpoint = { address: "203.0.113.255", port: 65_535 };
  t.same((await builderOf({ strategy: "aggressive", endpoint })).builder, { strategy: "aggressive", endpoint });
  for (const address of ["203.0.113.256", "1.2.3", "1.2.3.4.", "01.2.3.4", "::1", "host"]) {
    const error = await rejection(builderOf({ endpoint: { address, port: 80 } }));
    t.match(error.message, /builder\.endpoint\.address: must be an IPv4 address/, address);
  }
  t.match((await rejection(builderOf({ strategy: "clever" }))).message, /builder\.strategy: must be one of plain, aggressive/);
  t.match(
    (await rejection(builderOf({ endpoint: { address: "1.2.3.4", port: 0 } }))).message,
    /builder\.endpoint\.port: must be a whole number/,
  );
});

t.test("readConfig: a mistake, is named by its path together with what is allowed", async (t) => {
  const path = await directory(t);
  const file = join(path, "config.json");
  const cases: [name: string, change: object, expected: RegExp][] = [
    ["port out of range", { rpc: { port: 70_000 } }, /rpc\.port: must be a whole number from 0 to 65535/],
    ["port as text", { rpc: { port: "80" } }, /rpc\.port: must be a whole number/],
    ["no rpc", { rpc: undefined }, /rpc: must be an object with: host, port/],
    ["unknown key", { lisen: [] }, /\(file\): unknown "lisen"; allowed here: genesis, keyFile/],
    ["unknown inner key", { log: { level: "info", colour: true } }, /log: unknown "colour"; allowed here: level/],
    ["bad level", { log: { level: "loud" } }, /log\.level: must be one of fatal, error/],
    ["no multiaddr", { listen: ["127.0.0.1:80"] }, /listen\[0\]: must be a multiaddr such as/],
    ["nothing to listen on", { listen: [] }, /listen: must list at least 1 address/],
    [
      "bad peer",
      {
        peers: [
          { validator: 1, addresses: ["/ip4/1.2.3.4/tcp/1"] },
          { validator: -1, addresses: [] },
        ],
      },
      /peers\[1\]\.validator: must be a whole number from 0/,
    ],
    ["bad environment name", { passphraseEnv: "A B" }, /passphraseEnv: must be the name of an environment variable/],
  ];
  for (const [name, change, expected] of cases) {
    await writeFile(file, JSON.stringify({ ...CONFIG, ...change }));
    const error = await rejection(readConfig(file));
    t.match(error.message, expected, name);
    t.equal(exitCodeOf(error), 1);
  }
  await writeFile(file, "{ not json");
  t.match((await rejection(readConfig(file))).message, /configuration .*config\.json is not JSON/);
  t.match((await rejection(readConfig(join(path, "none.json")))).message, /none\.json does not exist; check the path/);
});

t.test("readGenesis: what writeGenesis wrote, gives the same chain id and exact amounts", async (t) => {
  const file = join(await directory(t), "genesis.json");
  await writeGenesis(file, genesis);
  const read = await readGenesis(file);
  t.equal(chainIdOf(read), chainIdOf(genesis));
  t.equal(read.balances[0]?.amount, 2n ** 127n);
  t.equal(read.parameters.builderBondMin, 2n ** 126n);
  t.match(await readFile(file, "utf8"), /"amount": "170141183460469231731687303715884105728"/);
});

t.test("readGenesis: a mistake, is named by its path", async (t) => {
  const file = join(await directory(t), "genesis.json");
  const json = genesisToJson(genesis);
  const cases: [change: object, expected: RegExp][] = [
    [{ application: "chess" }, /application: must be "ledger" or "null"/],
    [{ validators: [{ ...json.validators[0], weight: 0 }] }, /validators\[0\]\.weight: must be a whole number from 1/],
    [
      { validators: [{ ...json.validators[0], blsPublicKey: "AB" }] },
      /validators\[0\]\.blsPublicKey: must be 48 bytes as 96 lower-case hex digits/,
    ],
    [{ balances: [{ account: "22".repeat(32), asset: 0, amount: 5 }] }, /balances\[0\]\.amount: must be a decimal string/],
    [
      { balances: [{ account: "22".repeat(32), asset: 0, amount: (2n ** 128n).toString() }] },
      /balances\[0\]\.amount: must be a decimal string below 2\^128/,
    ],
    [{ parameters: { ...json.parameters, deltaMsMin: 500, deltaMsMax: 50 } }, /parameters: deltaMsMin must not exceed deltaMsMax/],
    [{ parameters: { ...json.parameters, builderBondMin: 5 } }, /parameters\.builderBondMin: must be a decimal string below 2\^128/],
    [{ validators: [json.validators[0], json.validators[0]] }, /validators\[1\] and validators\[0\] share a key/],
  ];
  for (const [change, expected] of cases) {
    await writeFile(file, JSON.stringify({ ...json, ...change }));
    t.match((await rejection(readGenesis(file))).message, expected);
  }
});

t.test(
  "requireStartable: a genesis with builders, the ledger takes it, and the reserved account or another application is refused",
  async (t) => {
    t.doesNotThrow(() => requireStartable(genesis));
    t.throws(() => requireStartable({ ...genesis, application: "null" }), /builders need the application "ledger"/);
    const reserved = { ...genesis, balances: [{ account: BUILDER_BOND_ACCOUNT, asset: 0, amount: 1n }] };
    t.throws(() => requireStartable(reserved), /reservedAccount.*belongs to nobody/);
  },
);

t.test("writeKeyFile and readKeyFile: round trip, mode 0600, never overwritten", async (t) => {
  const file = join(await directory(t), "keys.json");
  await writeKeyFile(file, keys, "correct horse", { cost: 10 });
  t.equal((await stat(file)).mode & 0o777, 0o600);
  t.same(await readKeyFile(file, "correct horse"), keys);
  t.notMatch(await readFile(file, "utf8"), new RegExp(toHex(keys.blsSecretKey)), "no secret in clear");
  t.match((await rejection(writeKeyFile(file, keys, "correct horse", { cost: 10 }))).message, /exists and is not overwritten/);
  t.match((await rejection(writeKeyFile(`${file}2`, keys, "short", { cost: 10 }))).message, /fewer than 8 characters/);
});

t.test("readKeyFile: wrong passphrase, loose mode, damage, each with its own advice", async (t) => {
  const path = await directory(t);
  const file = join(path, "keys.json");
  await writeKeyFile(file, keys, "correct horse", { cost: 10 });
  t.match((await rejection(readKeyFile(file, "battery staple"))).message, /does not open with this passphrase/);
  await chmod(file, 0o644);
  t.match((await rejection(readKeyFile(file, "correct horse"))).message, /can be read by other users \(mode 0644\); run: chmod 600/);
  await chmod(file, 0o600);
  await writeFile(file, (await readFile(file, "utf8")).slice(0, 100));
  t.match((await rejection(readKeyFile(file, "correct horse"))).message, /damaged or no key file; restore it/);
  t.match((await rejection(readKeyFile(join(path, "none"), "correct horse"))).message, /does not exist/);
});

t.test("readPassphrase: from the environment or the first line of a file, else advice", async (t) => {
  const file = join(await directory(t), "passphrase");
  await writeFile(file, "from the file\nsecond line\n");
  process.env.SEALSTONE_TEST_PASSPHRASE = "from the environment";
  t.teardown(() => delete process.env.SEALSTONE_TEST_PASSPHRASE);
  t.equal(await readPassphrase("SEALSTONE_TEST_PASSPHRASE", undefined), "from the environment");
  t.equal(await readPassphrase("SEALSTONE_TEST_PASSPHRASE", file), "from the file");
  t.match((await rejection(readPassphrase("SEALSTONE_TEST_NONE", undefined))).message, /set the environment variable SEALSTONE_TEST_NONE/);
});

t.test("findValidator: keys of the set, mixed keys and foreign keys, the index or advice", async (t) => {
  const other = keysOf(40);
  const validators = [validatorOf(other), validator];
  t.equal(findValidator({ keys, validators, bls, keyFile: "k" }), 1);
  const mixed = { ...keys, ed25519Seed: other.ed25519Seed };
  t.throws(() => findValidator({ keys: mixed, validators, bls, keyFile: "k" }), /not of one validator/);
  t.throws(() => findValidator({ keys: keysOf(80), validators, bls, keyFile: "k" }), /keys are of no validator.*"observer": true/);
});

t.test("requirePossession: a proof of another key or no key at all, is refused by its place", async (t) => {
  const other = validatorOf(keysOf(40));
  t.doesNotThrow(() => requirePossession([validator, other], bls));
  t.throws(
    () => requirePossession([validator, { ...other, blsPossession: validator.blsPossession }], bls),
    /validators\[1\]\.blsPossession/,
  );
  t.throws(
    () => requirePossession([{ ...validator, blsPublicKey: new Uint8Array(48) }], bls),
    /validators\[0\]\.blsPublicKey is no valid BLS key/,
  );
});
