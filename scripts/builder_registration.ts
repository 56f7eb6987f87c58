/** `npm run builder -- register | unbond | withdraw`: signs the operation with the builder's key, submits it, and waits until it is executed. */

import { accountFromSeed } from "../client/keys.ts";
import { createRpc } from "../client/rpc.ts";
import { parse, print, required, textOf } from "../node/arguments.ts";
import { type BuilderNodeConfig, readBuilderConfig } from "../node/builder_command_line.ts";
import { NodeError, reportFailure } from "../node/errors.ts";
import { readGenesis } from "../node/genesis_file.ts";
import { builderAccountOf } from "../node/identity.ts";
import { readKeyFile } from "../node/key_store.ts";
import { readPassphrase } from "../node/passphrase.ts";
import { assert } from "../types/assert.ts";
import { type AccountId, parseHash } from "../types/ids.ts";
import { type BuilderCommand, runBuilderOperation } from "./builder_operation.ts";

export const REGISTRATION_COMMANDS = ["register", "unbond", "withdraw"] as const;
export type RegistrationCommand = (typeof REGISTRATION_COMMANDS)[number];

const REQUEST_DEADLINE_MS = 10_000;
const FOLLOW = { deadlineMs: 60_000, pauseMsMin: 50, pauseMsMax: 1_000 };

/** Runs one command and returns its exit code. Never rejects. */
export async function runRegistration(command: RegistrationCommand, arguments_: readonly string[]): Promise<number> {
  try {
    return await register(command, arguments_);
  } catch (error) {
    return reportFailure(error);
  }
}

async function register(command: RegistrationCommand, arguments_: readonly string[]): Promise<number> {
  const { values } = parse(arguments_, {
    config: { type: "string" },
    "passphrase-file": { type: "string" },
    rpc: { type: "string" },
    ...(command === "register" ? { bond: { type: "string" }, recipient: { type: "string" } } : {}),
  });
  const config = await readBuilderConfig(required(values.config, "--config FILE"));
  const baseUrl = textOf(values.rpc) ?? ownRpc(config);
  const asked = commandOf(command, { bond: textOf(values.bond), recipient: textOf(values.recipient), config });
  const genesis = await readGenesis(config.genesis);
  const keys = await readKeyFile(config.keyFile, await readPassphrase(config.passphraseEnv, textOf(values["passphrase-file"])));
  builderAccountOf(genesis, keys);
  const account = accountFromSeed(keys.ed25519Seed);
  assert(account !== undefined, "a key file holds a seed of 32 bytes");
  const rpc = createRpc({ baseUrl, deadlineMs: REQUEST_DEADLINE_MS });
  const { output, exitCode } = await runBuilderOperation({ command: asked, genesis, account, rpc, baseUrl, follow: FOLLOW });
  print(output);
  return exitCode;
}

function commandOf(
  name: RegistrationCommand,
  given: { readonly bond: string | undefined; readonly recipient: string | undefined; readonly config: BuilderNodeConfig },
): BuilderCommand {
  if (name !== "register") return { name };
  const { endpoint } = given.config.builder;
  return { name, bond: bondOf(required(given.bond, "--bond N")), recipient: accountOf(given.recipient), endpoint };
}

function bondOf(text: string): bigint {
  if (!/^(0|[1-9][0-9]{0,38})$/.test(text))
    throw new NodeError("usage", "--bond must be a whole number in the smallest unit of the fee asset");
  return BigInt(text);
}

function accountOf(text: string | undefined): AccountId | undefined {
  if (text === undefined) return undefined;
  const account = parseHash<AccountId>(text);
  if (account === undefined) throw new NodeError("usage", "--recipient must be an account: 64 lower-case hex digits");
  return account;
}

function ownRpc({ rpc }: BuilderNodeConfig): string {
  if (rpc.port === 0) throw new NodeError("usage", "the configuration names no fixed RPC port; give --rpc URL of a node of the chain");
  return `http://${rpc.host.includes(":") ? `[${rpc.host}]` : rpc.host}:${rpc.port}`;
}
