/** The validator's command line: run, check, keygen, genesis. Returns the exit code; prints results on stdout, everything else on
 *  stderr. */

import process from "node:process";
import { ed25519PublicKeyOf } from "../crypto/ed25519_sodium.ts";
import { chainIdOf } from "../crypto/hashes.ts";
import { KEY_FILE_COST_DEFAULT, KEY_FILE_COST_MAX, KEY_FILE_COST_MIN } from "../crypto/key_file.ts";
import { toHex } from "../types/bytes.ts";
import { Epoch, TimestampMs } from "../types/ids.ts";
import { requireStartable } from "./application.ts";
import { integerOf, parse, parseWithFiles, print, required, textOf } from "./arguments.ts";
import { loadBlsSuite } from "./bls_suite.ts";
import { readConfig } from "./config.ts";
import { EXIT_CODES, NodeError, reportFailure } from "./errors.ts";
import {
  genesisTemplateSchema,
  readGenesis,
  type ValidatorJson,
  validatorFromJson,
  validatorSchema,
  writeGenesis,
} from "./genesis_file.ts";
import { findValidator, requirePossession, sealingOf } from "./identity.ts";
import { readJsonFile } from "./json_file.ts";
import { newKeys, readKeyFile, writeKeyFile } from "./key_store.ts";
import { readPassphrase } from "./passphrase.ts";
import { requireSealable, sealingPublicKeyOf, takesSealed } from "./sealing_setup.ts";
import { loadSealingSuite } from "./sealing_suite.ts";

export const HELP = `Runs one Sealstone validator, or prepares one.

  npm run validator -- --config FILE [--passphrase-file FILE] [--check] [--accept-missing-counter]
      Runs the validator of a configuration file until SIGINT or SIGTERM. Prints one JSON line when it serves; logs go to stderr.
      --check                   reads configuration, genesis and keys, says what it would run, and exits
      --passphrase-file FILE    the key file's passphrase; otherwise the environment variable named in the configuration
      --accept-missing-counter  you vouch that the data directory is the newest and was never restored from a copy

  npm run validator -- keygen --out FILE [--passphrase-file FILE] [--weight N] [--cost N]
      Creates an encrypted key file (mode 0600) and prints the validator's public part as JSON: give that to whoever makes genesis.
      The passphrase comes from SEALSTONE_PASSPHRASE or the file.

  npm run validator -- genesis --out FILE --name NAME [--template FILE] VALIDATOR.json…
      Makes a genesis from the public parts of validators, in the order given. The template may set application, parameters,
      assets and balances; "parameters": { "sealingSuite": 1 } makes a chain that takes sealed transactions, for which all
      validators need one weight. Prints the chain id: all operators must see the same.

Exit codes: 0 stopped as asked, 1 usage, 2 environment, 127 crash, 129 safety (never restart that one in a loop).
`;

/** Runs one command and returns its exit code. Never rejects. */
export async function runCommandLine(arguments_: readonly string[]): Promise<number> {
  try {
    const [command, ...rest] = arguments_;
    if (command === "keygen") return await keygen(rest);
    if (command === "genesis") return await makeGenesis(rest);
    return await run(arguments_);
  } catch (error) {
    return reportFailure(error);
  }
}

async function run(arguments_: readonly string[]): Promise<number> {
  const { values } = parse(arguments_, {
    config: { type: "string" },
    "passphrase-file": { type: "string" },
    check: { type: "boolean" },
    "accept-missing-counter": { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return EXIT_CODES.ok;
  }
  const configFile = required(values.config, "--config FILE");
  const passphraseFile = textOf(values["passphrase-file"]);
  if (values.check === true) return check(configFile, passphraseFile);
  const acceptMissingCounter = values["accept-missing-counter"] === true;
  // Loaded here: making keys needs no network stack.
  const [{ runValidator }, { PRODUCTION_PARTS }] = await Promise.all([import("./validator_process.ts"), import("./node.ts")]);
  return runValidator({ configFile, passphraseFile, acceptMissingCounter, parts: PRODUCTION_PARTS });
}

async function check(configFile: string, passphraseFile: string | undefined): Promise<number> {
  const config = await readConfig(configFile);
  const genesis = await readGenesis(config.genesis);
  const { suite: bls } = await loadBlsSuite();
  requirePossession(genesis.validators, bls);
  requireStartable(genesis);
  const keys = await readKeyFile(config.keyFile, await readPassphrase(config.passphraseEnv, passphraseFile));
  const { observer, keyFile, dataDirectory, listen, rpc } = config;
  const validator = observer ? null : findValidator({ keys, validators: genesis.validators, bls, keyFile });
  const sealing = await sealingOf(genesis, { self: validator ?? undefined, keys, keyFile });
  print({
    ok: true,
    chainId: chainIdOf(genesis),
    name: genesis.name,
    validator,
    validators: genesis.validators.length,
    sealing: sealing?.suite.name ?? null,
    dataDirectory,
    listen,
    rpc,
  });
  return EXIT_CODES.ok;
}

async function keygen(arguments_: readonly string[]): Promise<number> {
  const { values } = parse(arguments_, {
    out: { type: "string" },
    "passphrase-file": { type: "string" },
    weight: { type: "string" },
    cost: { type: "string" },
  });
  const path = required(values.out, "--out FILE");
  const cost = integerOf(values.cost, { name: "--cost", fallback: KEY_FILE_COST_DEFAULT, min: KEY_FILE_COST_MIN, max: KEY_FILE_COST_MAX });
  const weight = integerOf(values.weight, { name: "--weight", fallback: 1, min: 1, max: 2 ** 32 - 1 });
  const passphrase = await readPassphrase("SEALSTONE_PASSPHRASE", textOf(values["passphrase-file"]));
  const { suite: bls } = await loadBlsSuite();
  const keys = newKeys(bls);
  await writeKeyFile(path, keys, passphrase, { cost });
  const publicPart: ValidatorJson = {
    blsPublicKey: toHex(bls.publicKeyOf(keys.blsSecretKey)),
    blsPossession: toHex(bls.provePossession(keys.blsSecretKey)),
    ed25519PublicKey: toHex(ed25519PublicKeyOf(keys.ed25519Seed)),
    sealingPublicKey: toHex(sealingPublicKeyOf(await loadSealingSuite(), keys.ed25519Seed)),
    weight,
  };
  print(publicPart);
  return EXIT_CODES.ok;
}

async function makeGenesis(arguments_: readonly string[]): Promise<number> {
  const { values, positionals } = parseWithFiles(arguments_, {
    out: { type: "string" },
    name: { type: "string" },
    template: { type: "string" },
  });
  const path = required(values.out, "--out FILE");
  const name = required(values.name, "--name NAME");
  if (positionals.length === 0) throw new NodeError("usage", "genesis needs the public JSON file of at least one validator");
  const templateFile = textOf(values.template);
  const template =
    templateFile === undefined ? genesisTemplateSchema.parse({}) : await readJsonFile(templateFile, "template", genesisTemplateSchema);
  const validators = await Promise.all(positionals.map((file) => readJsonFile(file, "validator", validatorSchema)));
  const genesis = {
    ...template,
    name,
    timeMs: TimestampMs.of(template.timeMs ?? Date.now()),
    epoch: Epoch.ZERO,
    validators: validators.map(validatorFromJson),
  };
  const { suite: bls } = await loadBlsSuite();
  requirePossession(genesis.validators, bls);
  requireStartable(genesis);
  if (takesSealed(genesis)) requireSealable(genesis, await loadSealingSuite());
  await writeGenesis(path, genesis);
  print({ chainId: chainIdOf(await readGenesis(path)), validators: positionals.length, out: path });
  return EXIT_CODES.ok;
}
