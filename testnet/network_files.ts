/** Keys, genesis and configuration files of a throw-away cluster in one directory:
 *  `genesis.json`, `accounts.json`, and for each validator `v<i>/{config.json, keys.json, data/, log}`, for each builder `b<i>/` alike.
 *  The keys are random and guard nothing: their passphrase is a constant and their scrypt cost the lowest allowed. */

import { createHash, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ed25519PublicKeyOf } from "../crypto/ed25519_sodium.ts";
import { KEY_FILE_COST_MIN, type ValidatorKeys } from "../crypto/key_file.ts";
import type { ConfigFile } from "../node/config.ts";
import { writeGenesis } from "../node/genesis_file.ts";
import { writeKeyFile } from "../node/key_store.ts";
import { sealingPublicKeyOf } from "../node/sealing_setup.ts";
import { assert } from "../types/assert.ts";
import { toHex } from "../types/bytes.ts";
import type { ChainParameters, Genesis } from "../types/genesis.ts";
import { type AccountId, Epoch, TimestampMs } from "../types/ids.ts";
import type { SealingSuite } from "../types/sealing.ts";
import type { BlsSuite } from "../types/suites.ts";
import type { ApplicationName } from "./options.ts";
import { FEE_ASSET, PREFUNDED_AMOUNT, proposeDelayMsFor, TESTNET_PASSPHRASE } from "./parameters.ts";
import { chooseFreePorts } from "./ports.ts";

export interface FundedAccount {
  readonly account: AccountId;
  readonly seed: Uint8Array;
}

export interface ValidatorFiles {
  readonly index: number;
  readonly configPath: string;
}

export interface BuilderFiles extends FundedAccount {
  readonly index: number;
  readonly configPath: string;
}

export interface NetworkFiles {
  readonly directory: string;
  readonly genesis: Genesis;
  readonly accounts: readonly FundedAccount[];
  /** Issuer of the fee asset; holds none of it. */
  readonly issuer: FundedAccount;
  readonly accountsPath: string;
  readonly validators: readonly ValidatorFiles[];
  /** With the account that each bids from. */
  readonly builders: readonly BuilderFiles[];
  /** Do the validators? */
  readonly takesBids: boolean;
}

export interface NetworkPlan {
  readonly directory: string;
  readonly validators: number;
  readonly builders: number;
  readonly takesBids: boolean;
  readonly application: ApplicationName;
  readonly accounts: number;
  readonly parameters: ChainParameters;
  readonly bls: BlsSuite;
  readonly sealing: SealingSuite;
}

/** Generates keys, genesis, accounts and configurations; the directory exists and holds none yet. */
export async function writeNetworkFiles(plan: NetworkPlan): Promise<NetworkFiles> {
  const { directory } = plan;
  const keys = Array.from({ length: plan.validators }, () => generateKeys(plan.bls));
  const builderKeys = Array.from({ length: plan.builders }, () => generateKeys(plan.bls));
  const [issuer, ...accounts] = deriveAccounts(randomBytes(32), plan.accounts + 1);
  assert(issuer !== undefined, "the first derived account is the issuer");
  const builders = builderKeys.map((key, index) => builderFilesOf(directory, index, key));
  const genesis = genesisOf(plan, { keys, accounts: [...accounts, ...builders], issuer });
  const validators = keys.map((_, index) => validatorFilesOf(directory, index));
  const owned = [...keys.map((key, index) => [`v${index}`, key] as const), ...builderKeys.map((key, index) => [`b${index}`, key] as const)];
  await Promise.all(owned.map(([name]) => mkdir(join(directory, name, "data"), { recursive: true, mode: 0o700 })));
  const accountsPath = join(directory, "accounts.json");
  await Promise.all([
    writeGenesis(join(directory, "genesis.json"), genesis),
    writeFile(accountsPath, accountsJson(issuer, accounts), { mode: 0o600 }),
    ...owned.map(([name, key]) => writeKeyFile(join(directory, name, "keys.json"), key, TESTNET_PASSPHRASE, { cost: KEY_FILE_COST_MIN })),
  ]);
  const { takesBids } = plan;
  const files = { directory, genesis, accounts, issuer, accountsPath, validators, builders, takesBids };
  await writeConfigurations(files);
  return files;
}

/** Picks free ports and writes every configuration anew; called again when a port was taken before it could be used. */
export async function writeConfigurations(files: Pick<NetworkFiles, "directory" | "validators" | "builders" | "takesBids">): Promise<void> {
  const count = files.validators.length;
  const nodes = [...files.validators, ...files.builders];
  const ports = await chooseFreePorts(2 * nodes.length);
  const addressOf = (node: number): string => `/ip4/127.0.0.1/tcp/${ports[node]}`;
  await Promise.all(
    nodes.map(({ configPath }, node) => {
      const others = files.validators.filter((other) => other.index !== node);
      const port = ports[nodes.length + node] ?? 0;
      const config: ConfigFile = {
        genesis: "../genesis.json",
        keyFile: "keys.json",
        dataDirectory: "data",
        listen: [addressOf(node)],
        peers: others.map((other) => ({ validator: other.index, addresses: [addressOf(other.index)] })),
        rpc: { host: "127.0.0.1", port },
        log: { level: "info" },
        proposeDelayMs: proposeDelayMsFor(nodes.length, availableParallelism()),
        ...(node < count
          ? { bids: files.takesBids }
          : { builder: { strategy: strategyOf(node - count), endpoint: { address: "127.0.0.1", port } } }),
      };
      return writeFile(configPath, `${JSON.stringify(config, undefined, 2)}\n`);
    }),
  );
}

/** Both strategies compete as soon as there are two builders. */
const strategyOf = (builder: number): "plain" | "aggressive" => (builder % 2 === 0 ? "plain" : "aggressive");

/** Accounts as a function of one seed: account i signs with SHA-256(seed ‖ i). */
export function deriveAccounts(runSeed: Uint8Array, count: number): FundedAccount[] {
  return Array.from({ length: count }, (_, index) => {
    const seed = new Uint8Array(createHash("sha256").update(runSeed).update(`account ${index}`).digest());
    return { seed, account: toHex<AccountId>(ed25519PublicKeyOf(seed)) };
  });
}

function validatorFilesOf(directory: string, index: number): ValidatorFiles {
  return { index, configPath: join(directory, `v${index}`, "config.json") };
}

function builderFilesOf(directory: string, index: number, { ed25519Seed: seed }: ValidatorKeys): BuilderFiles {
  const account = toHex<AccountId>(ed25519PublicKeyOf(seed));
  return { index, account, seed, configPath: join(directory, `b${index}`, "config.json") };
}

function generateKeys(bls: BlsSuite): ValidatorKeys {
  const random = (): Uint8Array => new Uint8Array(randomBytes(32));
  return { blsSecretKey: bls.deriveSecretKey(random()), ed25519Seed: random(), nodeSeed: random() };
}

interface Owners {
  readonly keys: readonly ValidatorKeys[];
  readonly accounts: readonly FundedAccount[];
  readonly issuer: FundedAccount;
}

function genesisOf(plan: NetworkPlan, { keys, accounts, issuer }: Owners): Genesis {
  const hasAssets = plan.application === "ledger";
  return {
    name: "sealstone-testnet",
    application: plan.application,
    timeMs: TimestampMs.of(Date.now()),
    epoch: Epoch.ZERO,
    parameters: plan.parameters,
    validators: keys.map((key) => ({
      blsPublicKey: plan.bls.publicKeyOf(key.blsSecretKey),
      blsPossession: plan.bls.provePossession(key.blsSecretKey),
      ed25519PublicKey: toHex(ed25519PublicKeyOf(key.ed25519Seed)),
      sealingPublicKey: sealingPublicKeyOf(plan.sealing, key.ed25519Seed),
      weight: 1,
    })),
    assets: hasAssets ? [{ asset: FEE_ASSET, decimals: 6, issuer: issuer.account }] : [],
    balances: hasAssets ? accounts.map(({ account }) => ({ account, asset: FEE_ASSET, amount: PREFUNDED_AMOUNT })) : [],
  };
}

function accountsJson(issuer: FundedAccount, accounts: readonly FundedAccount[]): string {
  const row = ({ account, seed }: FundedAccount) => ({ account, seed: toHex(seed) });
  const funded = { asset: FEE_ASSET, amount: PREFUNDED_AMOUNT.toString(), accounts: accounts.map(row) };
  return `${JSON.stringify({ issuer: row(issuer), ...funded }, undefined, 2)}\n`;
}
