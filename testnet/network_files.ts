/** Keys, genesis and configuration files of a throw-away cluster in one directory:
 *  `genesis.json`, `accounts.json`, and for each validator `v<i>/{config.json, keys.json, data/, log}`.
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

export interface NetworkFiles {
  readonly directory: string;
  readonly genesis: Genesis;
  readonly accounts: readonly FundedAccount[];
  /** Issuer of the fee asset; holds none of it. */
  readonly issuer: FundedAccount;
  readonly accountsPath: string;
  readonly validators: readonly ValidatorFiles[];
}

export interface NetworkPlan {
  readonly directory: string;
  readonly validators: number;
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
  const [issuer, ...accounts] = deriveAccounts(randomBytes(32), plan.accounts + 1);
  assert(issuer !== undefined, "the first derived account is the issuer");
  const genesis = genesisOf(plan, { keys, accounts, issuer });
  const validators = keys.map((_, index) => validatorFilesOf(directory, index));
  await Promise.all(keys.map((_, index) => mkdir(join(directory, `v${index}`, "data"), { recursive: true, mode: 0o700 })));
  const accountsPath = join(directory, "accounts.json");
  await Promise.all([
    writeGenesis(join(directory, "genesis.json"), genesis),
    writeFile(accountsPath, accountsJson(issuer, accounts), { mode: 0o600 }),
    ...keys.map((key, index) =>
      writeKeyFile(join(directory, `v${index}`, "keys.json"), key, TESTNET_PASSPHRASE, { cost: KEY_FILE_COST_MIN }),
    ),
  ]);
  const files = { directory, genesis, accounts, issuer, accountsPath, validators };
  await writeConfigurations(files);
  return files;
}

/** Picks free ports and writes every configuration anew; called again when a port was taken before it could be used. */
export async function writeConfigurations(files: Pick<NetworkFiles, "directory" | "validators">): Promise<void> {
  const count = files.validators.length;
  const ports = await chooseFreePorts(2 * count);
  const addressOf = (index: number): string => `/ip4/127.0.0.1/tcp/${ports[index]}`;
  await Promise.all(
    files.validators.map(({ index, configPath }) => {
      const others = files.validators.filter((other) => other.index !== index);
      const config: ConfigFile = {
        genesis: "../genesis.json",
        keyFile: "keys.json",
        dataDirectory: "data",
        listen: [addressOf(index)],
        peers: others.map((other) => ({ validator: other.index, addresses: [addressOf(other.index)] })),
        rpc: { host: "127.0.0.1", port: ports[count + index] ?? 0 },
        log: { level: "info" },
        proposeDelayMs: proposeDelayMsFor(count, availableParallelism()),
      };
      return writeFile(configPath, `${JSON.stringify(config, undefined, 2)}\n`);
    }),
  );
}

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
