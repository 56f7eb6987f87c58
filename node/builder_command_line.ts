/** The builder's command line as far as it needs no client: keygen, check, run. Returns the exit code; prints results on stdout, everything else on stderr.
 *  A builder's key file is a validator's key file: its Ed25519 key is the builder's account. */

import process from "node:process";
import { ed25519PublicKeyOf } from "../crypto/ed25519_sodium.ts";
import { chainIdOf } from "../crypto/hashes.ts";
import { KEY_FILE_COST_DEFAULT, KEY_FILE_COST_MAX, KEY_FILE_COST_MIN } from "../crypto/key_file.ts";
import { toHex } from "../types/bytes.ts";
import { requireStartable } from "./application.ts";
import { integerOf, parse, print, required, textOf } from "./arguments.ts";
import { loadBlsSuite } from "./bls_suite.ts";
import { type BuilderConfig, type NodeConfig, readConfig } from "./config.ts";
import { EXIT_CODES, NodeError, reportFailure } from "./errors.ts";
import { readGenesis } from "./genesis_file.ts";
import { builderAccountOf } from "./identity.ts";
import { newKeys, readKeyFile, writeKeyFile } from "./key_store.ts";
import { readPassphrase } from "./passphrase.ts";

export const BUILDER_HELP = `Runs one Sealstone builder, or looks after its registration.

  npm run builder -- --config FILE [--passphrase-file FILE] [--check]
      Runs the builder of a configuration file until SIGINT or SIGTERM: a full node that bids for blocks and takes bundles of searchers.
      Prints one JSON line when it serves; logs go to stderr. It bids as soon as its account is registered.
      --check                   reads configuration, genesis and keys, says what it would run, and exits
      --passphrase-file FILE    the key file's passphrase; otherwise the environment variable named in the configuration

  npm run builder -- keygen --out FILE [--passphrase-file FILE] [--cost N]
      Creates an encrypted key file (mode 0600) and prints the account. It needs the bond and some for fees, in the chain's fee asset. A new account
      must be opened before it can be paid: whoever pays it sends openAccount and then transfer, as two operations of one transaction.

  npm run builder -- register --config FILE --bond N [--recipient ACCOUNT] [--rpc URL] [--passphrase-file FILE]
      Registers the account, or adds N to its bond and replaces what it registered; unbonding ends. Fees go to the recipient (its own account unless
      another is given, which must be open in the fee asset); searchers find it at "builder.endpoint" of the configuration.
  npm run builder -- unbond --config FILE [--rpc URL] [--passphrase-file FILE]
      Builds no more; the bond can be withdrawn 1,024 heights later.
  npm run builder -- withdraw --config FILE [--rpc URL] [--passphrase-file FILE]
      Gives the bond back. Each of the three first asks the node whether it can succeed; then it waits until the transaction is final and prints its
      result.
      --rpc URL                 of any node of the chain; otherwise the RPC that the configuration names

Exit codes: 0 stopped as asked, 1 usage, 2 environment, 127 crash, 129 safety.
`;

export type BuilderNodeConfig = NodeConfig & { readonly builder: BuilderConfig };

/** Runs one command and returns its exit code. Never rejects. */
export async function runBuilderCommandLine(arguments_: readonly string[]): Promise<number> {
  try {
    const [command, ...rest] = arguments_;
    return command === "keygen" ? await keygen(rest) : await run(arguments_);
  } catch (error) {
    return reportFailure(error);
  }
}

/** Throws NodeError "usage" for a configuration that is no builder's. */
export async function readBuilderConfig(file: string): Promise<BuilderNodeConfig> {
  const config = await readConfig(file);
  const { builder } = config;
  if (builder === undefined) {
    throw new NodeError("usage", `configuration ${file} has no "builder"; add for example "builder": { "strategy": "plain" }`);
  }
  return { ...config, builder };
}

async function run(arguments_: readonly string[]): Promise<number> {
  const { values } = parse(arguments_, {
    config: { type: "string" },
    "passphrase-file": { type: "string" },
    check: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  if (values.help === true) {
    process.stdout.write(BUILDER_HELP);
    return EXIT_CODES.ok;
  }
  const configFile = required(values.config, "--config FILE");
  const passphraseFile = textOf(values["passphrase-file"]);
  const config = await readBuilderConfig(configFile);
  if (values.check === true) return check(config, passphraseFile);
  // Loaded here: making keys needs no network stack.
  const [{ runValidator }, { PRODUCTION_PARTS }] = await Promise.all([import("./validator_process.ts"), import("./node.ts")]);
  return runValidator({ configFile, passphraseFile, acceptMissingCounter: false, parts: PRODUCTION_PARTS });
}

async function check(config: BuilderNodeConfig, passphraseFile: string | undefined): Promise<number> {
  const genesis = await readGenesis(config.genesis);
  requireStartable(genesis);
  const keys = await readKeyFile(config.keyFile, await readPassphrase(config.passphraseEnv, passphraseFile));
  const { name, parameters } = genesis;
  const { strategy, endpoint } = config.builder;
  print({
    ok: true,
    chainId: chainIdOf(genesis),
    name,
    builder: builderAccountOf(genesis, keys),
    strategy,
    endpoint: endpoint ?? null,
    bondMin: parameters.builderBondMin.toString(),
    feeAsset: parameters.feeAsset,
    dataDirectory: config.dataDirectory,
    listen: config.listen,
    rpc: config.rpc,
    peers: config.peers.length,
    warnings: peerWarnings(config, genesis.validators.length),
  });
  return EXIT_CODES.ok;
}

/** A builder bids with those only that it is linked with, and it dials all links itself. */
function peerWarnings({ peers }: NodeConfig, validatorCount: number): readonly string[] {
  const known = new Set(peers.map(({ validator }) => validator));
  const warnings: string[] = [];
  const missing = Array.from({ length: validatorCount }, (_, index) => index).filter((index) => !known.has(index));
  if (known.size === 0) warnings.push('"peers" is empty: this builder connects with nobody; list all validators');
  else if (missing.length > 0) warnings.push(`"peers" lacks validators ${missing.join(", ")}: they never get a bid of this builder`);
  const foreign = [...known].filter((index) => index >= validatorCount);
  if (foreign.length > 0) warnings.push(`"peers" names validators ${foreign.join(", ")}, and the genesis has only ${validatorCount}`);
  return warnings;
}

async function keygen(arguments_: readonly string[]): Promise<number> {
  const { values } = parse(arguments_, { out: { type: "string" }, "passphrase-file": { type: "string" }, cost: { type: "string" } });
  const path = required(values.out, "--out FILE");
  const cost = integerOf(values.cost, { name: "--cost", fallback: KEY_FILE_COST_DEFAULT, min: KEY_FILE_COST_MIN, max: KEY_FILE_COST_MAX });
  const passphrase = await readPassphrase("SEALSTONE_PASSPHRASE", textOf(values["passphrase-file"]));
  const keys = newKeys((await loadBlsSuite()).suite);
  await writeKeyFile(path, keys, passphrase, { cost });
  print({ account: toHex(ed25519PublicKeyOf(keys.ed25519Seed)) });
  process.stderr.write(
    "Next: have the account opened in the chain's fee asset (openAccount) and pay it the bond and some for fees; then register.\n",
  );
  return EXIT_CODES.ok;
}
