/** `npm run builder -- register | unbond | withdraw`: signs the operation with the builder's key, submits it, and waits until it is executed. */

import { submitAndFollow } from "../client/follow.ts";
import type { RpcFailure } from "../client/http.ts";
import { accountFromSeed } from "../client/keys.ts";
import { signOpen } from "../client/open.ts";
import { builderRegister, builderUnbond, builderWithdraw } from "../client/operations.ts";
import { createRpc, type Rpc } from "../client/rpc.ts";
import { chainIdOf } from "../crypto/hashes.ts";
import { parse, print, required, textOf } from "../node/arguments.ts";
import { type BuilderNodeConfig, readBuilderConfig } from "../node/builder_command_line.ts";
import { EXIT_CODES, NodeError, reportFailure } from "../node/errors.ts";
import { readGenesis } from "../node/genesis_file.ts";
import { builderAccountOf } from "../node/identity.ts";
import { readKeyFile } from "../node/key_store.ts";
import { readPassphrase } from "../node/passphrase.ts";
import { assert } from "../types/assert.ts";
import { type AccountId, Height, parseHash } from "../types/ids.ts";
import type { Operation } from "../types/transaction.ts";

export const REGISTRATION_COMMANDS = ["register", "unbond", "withdraw"] as const;
export type RegistrationCommand = (typeof REGISTRATION_COMMANDS)[number];

const REQUEST_DEADLINE_MS = 10_000;
const FOLLOW = { deadlineMs: 60_000, pauseMsMin: 50, pauseMsMax: 1_000 };
/** Time enough for a busy chain; a transaction that is not ordered by then never is. */
const EXPIRY_HEIGHTS = 512;

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
  const bond = command === "register" ? bondOf(required(values.bond, "--bond N")) : 0n;
  const recipient = accountOf(textOf(values.recipient));
  const baseUrl = textOf(values.rpc) ?? ownRpc(config);
  const genesis = await readGenesis(config.genesis);
  const keys = await readKeyFile(config.keyFile, await readPassphrase(config.passphraseEnv, textOf(values["passphrase-file"])));
  builderAccountOf(genesis, keys);
  const account = accountFromSeed(keys.ed25519Seed);
  assert(account !== undefined, "a key file holds a seed of 32 bytes");
  const rpc = createRpc({ baseUrl, deadlineMs: REQUEST_DEADLINE_MS });
  const { feeAsset, feePerTransaction, feePerOperation } = genesis.parameters;
  const chainId = chainIdOf(genesis);
  const { nonce, height } = await place(rpc, { account: account.id, feeAsset, chainId, baseUrl });
  const signed = signOpen({
    account,
    chainId,
    nonce,
    expiryHeight: Height.plus(height, EXPIRY_HEIGHTS),
    feeMax: BigInt(feePerTransaction) + BigInt(feePerOperation),
    operations: [operationOf(command, { bond, feeRecipient: recipient ?? account.id, config })],
  });
  if (!signed.ok) throw new NodeError("usage", `the ${command} cannot be encoded (${signed.reason}); check --bond`);
  const result = await submitAndFollow(rpc, signed.transaction, FOLLOW);
  if (result.type !== "executed") throw new NodeError("environment", `${command} ${signed.transaction.hash}: ${sentenceOf(result)}`);
  const { height: finalHeight, code, codeName, operationCodes } = result.status;
  print({ command, builder: account.id, hash: signed.transaction.hash, height: finalHeight, code, codeName, operationCodes });
  return code === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
}

function operationOf(
  command: RegistrationCommand,
  given: { readonly bond: bigint; readonly feeRecipient: AccountId; readonly config: BuilderNodeConfig },
): Operation {
  if (command === "unbond") return builderUnbond();
  if (command === "withdraw") return builderWithdraw();
  const { bond, feeRecipient, config } = given;
  const { endpoint } = config.builder;
  const [first = 0, second = 0, third = 0, fourth = 0] = (endpoint?.address ?? "").split(".").map(Number);
  const published = endpoint === undefined ? undefined : { ipv4: [first, second, third, fourth] as const, port: endpoint.port };
  return builderRegister({ feeRecipient, bond, endpoint: published });
}

/** The first unused nonce of the account, on the right chain. */
async function place(
  rpc: Rpc,
  given: { readonly account: AccountId; readonly feeAsset: number; readonly chainId: string; readonly baseUrl: string },
): Promise<{ readonly nonce: number; readonly height: Height }> {
  const [status, record] = [await rpc.status(), await rpc.account({ account: given.account, asset: given.feeAsset })];
  if (!status.ok) throw failed(given.baseUrl, status.failure);
  if (!record.ok) throw failed(given.baseUrl, record.failure);
  if (status.value.chainId !== given.chainId) {
    throw new NodeError(
      "usage",
      `${given.baseUrl} is a node of chain ${status.value.chainId}, genesis is of ${given.chainId}; check --rpc`,
    );
  }
  const { available, nonces } = record.value;
  if (available === undefined || nonces === undefined) {
    const advice = `send it the bond and some for fees in asset ${given.feeAsset} first`;
    throw new NodeError("usage", `account ${given.account} is not open in the chain's fee asset; ${advice}`);
  }
  let nonce = nonces.base;
  while (nonces.used.includes(nonce)) nonce++;
  return { nonce, height: status.value.finalHeight };
}

function failed(baseUrl: string, failure: RpcFailure): NodeError {
  return new NodeError("environment", `${baseUrl} does not answer as a node does (${failure.type}); check --rpc, or try another node`);
}

function sentenceOf(result: Exclude<Awaited<ReturnType<typeof submitAndFollow>>, { readonly type: "executed" }>): string {
  switch (result.type) {
    case "dropped":
      return `was dropped (${result.refusal.code}): ${result.refusal.advice}`;
    case "deadline":
      return "is not final yet; ask for it by its hash before you send another one";
    case "aborted":
      return "was given up";
    case "failed":
      return "message" in result.failure ? String(result.failure.message) : `failed (${result.failure.type})`;
    default:
      return result satisfies never;
  }
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
