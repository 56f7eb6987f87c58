/** The files of a throw-away cluster are read back with the code that validators use. */

import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { ed25519PublicKeyOf } from "../../crypto/ed25519_sodium.ts";
import { chainIdOf } from "../../crypto/hashes.ts";
import { createLedger } from "../../ledger/ledger.ts";
import { loadBlsSuite } from "../../node/bls_suite.ts";
import { readConfig } from "../../node/config.ts";
import { readGenesis } from "../../node/genesis_file.ts";
import { readKeyFile } from "../../node/key_store.ts";
import { sealingPublicKeyOf } from "../../node/sealing_setup.ts";
import { loadSealingSuite } from "../../node/sealing_suite.ts";
import { deriveAccounts, type NetworkFiles, writeConfigurations, writeNetworkFiles } from "../../testnet/network_files.ts";
import type { ApplicationName } from "../../testnet/options.ts";
import { FEE_ASSET, PREFUNDED_AMOUNT, proposeDelayMsFor, TESTNET_PARAMETERS, TESTNET_PASSPHRASE } from "../../testnet/parameters.ts";
import { chooseFreePorts } from "../../testnet/ports.ts";
import { bytesEqual, fromHex, toHex } from "../../types/bytes.ts";

const { suite: bls } = await loadBlsSuite();
const sealing = await loadSealingSuite();

async function withFiles(application: ApplicationName, check: (files: NetworkFiles) => Promise<void>, builders = 0): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "sealstone-test-"));
  try {
    await check(
      await writeNetworkFiles({
        directory,
        validators: 3,
        builders,
        takesBids: builders > 0,
        application,
        accounts: 5,
        parameters: TESTNET_PARAMETERS,
        bls,
        sealing,
      }),
    );
  } finally {
    await rm(directory, { recursive: true });
  }
}

t.test("writeNetworkFiles: genesis reads back, validators prove their keys, accounts are funded", async (t) => {
  await withFiles("ledger", async (files) => {
    const genesis = await readGenesis(join(files.directory, "genesis.json"));
    t.same(genesis, files.genesis);
    t.equal(genesis.validators.length, 3);
    t.ok(genesis.validators.every((validator) => bls.verifyPossession(validator.blsPublicKey, validator.blsPossession)));
    t.same(
      genesis.balances,
      files.accounts.map(({ account }) => ({ account, asset: FEE_ASSET, amount: PREFUNDED_AMOUNT })),
    );
    t.match(JSON.parse(await readFile(files.accountsPath, "utf8")), {
      issuer: { account: genesis.assets[0]?.issuer, seed: toHex(files.issuer.seed) },
      accounts: files.accounts.map(({ account, seed }) => ({ account, seed: toHex(seed) })),
    });
    t.equal(createLedger({ genesis, chainId: chainIdOf(genesis) }).height, 0, "the ledger starts from it");
  });
});

t.test("writeNetworkFiles: each key file opens with the passphrase, is private, and fits genesis", async (t) => {
  await withFiles("null", async (files) => {
    t.same(files.genesis.balances, [], "the null application has no accounts");
    for (const [index, validator] of files.genesis.validators.entries()) {
      const path = join(files.directory, `v${index}`, "keys.json");
      const keys = await readKeyFile(path, TESTNET_PASSPHRASE);
      t.ok(bytesEqual(bls.publicKeyOf(keys.blsSecretKey), validator.blsPublicKey));
      t.ok(bytesEqual(ed25519PublicKeyOf(keys.ed25519Seed), fromHex(validator.ed25519PublicKey)));
      t.ok(bytesEqual(sealingPublicKeyOf(sealing, keys.ed25519Seed), validator.sealingPublicKey));
      if (process.platform !== "win32") t.equal((await stat(path)).mode & 0o777, 0o600);
    }
  });
});

t.test("writeNetworkFiles: builders have keys, money, and a configuration that names all validators and both strategies", async (t) => {
  const check = async (files: NetworkFiles): Promise<void> => {
    const configs = await Promise.all(files.builders.map(({ configPath }) => readConfig(configPath)));
    const validators = await Promise.all(files.validators.map(({ configPath }) => readConfig(configPath)));
    t.ok(validators.every(({ bids }) => bids));
    t.same(
      configs.map(({ builder, observer, peers }) => [builder?.strategy, observer, peers.length]),
      [
        ["plain", true, 3],
        ["aggressive", true, 3],
      ],
    );
    for (const [index, { account }] of files.builders.entries()) {
      const keys = await readKeyFile(join(files.directory, `b${index}`, "keys.json"), TESTNET_PASSPHRASE);
      t.equal(toHex(ed25519PublicKeyOf(keys.ed25519Seed)), account);
      t.ok(files.genesis.balances.some((balance) => balance.account === account && balance.amount === PREFUNDED_AMOUNT));
      t.equal(configs[index]?.builder?.endpoint?.port, configs[index]?.rpc.port);
    }
  };
  await withFiles("ledger", check, 2);
});

t.test("writeNetworkFiles: each configuration reads back and names where the others listen", async (t) => {
  await withFiles("ledger", async (files) => {
    const configs = await Promise.all(files.validators.map(({ configPath }) => readConfig(configPath)));
    for (const [index, config] of configs.entries()) {
      t.equal(config.genesis, join(files.directory, "genesis.json"));
      t.equal(config.dataDirectory, join(files.directory, `v${index}`, "data"));
      t.same(
        config.peers,
        configs.flatMap((other, validator) => (validator === index ? [] : [{ validator, addresses: other.listen }])),
      );
    }
    t.equal(new Set(configs.flatMap((config) => [config.listen[0], String(config.rpc.port)])).size, 6, "no port is used twice");
    const before = configs.map((config) => config.rpc.port);
    await writeConfigurations(files);
    const after = await Promise.all(files.validators.map(async ({ configPath }) => (await readConfig(configPath)).rpc.port));
    t.notSame(after, before, "written anew, with other ports");
  });
});

t.test("deriveAccounts: a function of the seed, and the first accounts do not depend on the count", async (t) => {
  const seed = new Uint8Array(32).fill(9);
  const accounts = deriveAccounts(seed, 4);
  t.same(accounts, deriveAccounts(seed, 8).slice(0, 4));
  t.notSame(accounts, deriveAccounts(new Uint8Array(32), 4));
  t.ok(accounts.every(({ account, seed: own }) => toHex(ed25519PublicKeyOf(own)) === account));
});

t.test("chooseFreePorts: as many different ports as asked for", async (t) => {
  const ports = await chooseFreePorts(20);
  t.equal(new Set(ports).size, 20);
  t.ok(ports.every((port) => port > 1_024 && port < 32_768));
});

t.test("proposeDelayMsFor: views of all nodes take half of the cores; never below a node's own spacing, never above 200 ms", async (t) => {
  t.equal(proposeDelayMsFor(4, 2), 40);
  t.equal(proposeDelayMsFor(7, 2), 70);
  t.equal(proposeDelayMsFor(4, 64), 15);
  t.equal(proposeDelayMsFor(64, 1), 200);
  t.equal(proposeDelayMsFor(1, 0), 20, "a runtime that tells no cores has one");
});
