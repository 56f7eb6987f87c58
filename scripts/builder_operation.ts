/** What `builder register | unbond | withdraw` does once arguments, keys and genesis are read: asks a node whether the operation can succeed, and only
 *  then signs, submits and follows it, so that what is bound to fail costs no fee. Every refusal says what to do. */

import type { AccountStatus, ExecutedStatus, NodeStatus } from "../client/answers.ts";
import { type FollowOptions, type FollowResult, submitAndFollow } from "../client/follow.ts";
import type { RpcFailure } from "../client/http.ts";
import type { Account } from "../client/keys.ts";
import { signOpen } from "../client/open.ts";
import { builderRegister, builderUnbond, builderWithdraw } from "../client/operations.ts";
import type { Rpc } from "../client/rpc.ts";
import { chainIdOf } from "../crypto/hashes.ts";
import {
  describeCode,
  OPERATION_CODE_DESCRIPTIONS,
  type OperationCodeName,
  TRANSACTION_CODE_DESCRIPTIONS,
  type TransactionCodeName,
} from "../ledger/result_codes.ts";
import { withdrawableAt } from "../node/builder_standing.ts";
import { EXIT_CODES, NodeError } from "../node/errors.ts";
import type { BuilderEndpoint } from "../types/builder.ts";
import type { Genesis } from "../types/genesis.ts";
import { type AccountId, Height } from "../types/ids.ts";
import type { Operation } from "../types/transaction.ts";

export type BuilderCommand =
  /** `recipient` undefined: the builder's own account. */
  | {
      readonly name: "register";
      readonly bond: bigint;
      readonly recipient: AccountId | undefined;
      readonly endpoint: BuilderEndpoint | undefined;
    }
  | { readonly name: "unbond" }
  | { readonly name: "withdraw" };

export interface BuilderOperation {
  readonly command: BuilderCommand;
  readonly genesis: Genesis;
  readonly account: Account;
  readonly rpc: Pick<Rpc, "status" | "account" | "submit" | "transaction">;
  /** What people know `rpc` by. */
  readonly baseUrl: string;
  readonly follow: FollowOptions;
}

/** Time enough for a busy chain; a transaction that is not ordered by then never is. */
const EXPIRY_HEIGHTS = 512;
/** A node so far below its peers has not the state to judge by. */
const LAG_HEIGHTS_MAX = 16;

/** What to print, and the exit code. Throws NodeError where nothing was sent, or where its end is not known. */
export async function runBuilderOperation(
  given: BuilderOperation,
): Promise<{ readonly output: Readonly<Record<string, unknown>>; readonly exitCode: number }> {
  const { command, genesis, account, rpc } = given;
  const { name } = command;
  const at = await place(given);
  requireSense(given, at);
  if (name === "register") await requireRecipient(given, at);
  const signed = signOpen({
    account,
    chainId: chainIdOf(genesis),
    nonce: at.nonce,
    expiryHeight: Height.plus(at.height, EXPIRY_HEIGHTS),
    feeMax: feeOf(genesis),
    operations: [operationOf(command, account.id)],
  });
  if (!signed.ok) throw new NodeError("usage", `the ${name} cannot be encoded (${signed.reason}); check --bond`);
  const { hash } = signed.transaction;
  const result = await submitAndFollow(rpc, signed.transaction, given.follow);
  if (result.type !== "executed") throw new NodeError("environment", `${name} ${hash}: ${sentenceOf(result)}`);
  const { height, code, codeName, operationCodes, operationCodeNames } = result.status;
  const failure = failureOf(result.status);
  const output = { command: name, builder: account.id, hash, height, code, codeName, operationCodes, operationCodeNames };
  return code === 0 ? { output, exitCode: EXIT_CODES.ok } : { output: { ...output, failure }, exitCode: EXIT_CODES.usage };
}

/** How an account that is not open gets money. */
export function openingAdvice(feeAsset: number): string {
  return `anybody whose account has money opens it: one transaction with the operations openAccount (this account, asset ${feeAsset}) and transfer (the bond and some for fees), in this order; a transfer to an account that is not open fails`;
}

interface Place {
  /** The first unused one of the account. */
  readonly nonce: number;
  /** Last executed height of the node that answered. */
  readonly height: Height;
  readonly available: bigint;
  readonly builder: AccountStatus["builder"];
}

async function place({ rpc, genesis, account, baseUrl }: BuilderOperation): Promise<Place> {
  const { feeAsset } = genesis.parameters;
  const [status, record] = [await rpc.status(), await rpc.account({ account: account.id, asset: feeAsset })];
  if (!status.ok) throw failed(baseUrl, status.failure);
  if (!record.ok) throw failed(baseUrl, record.failure);
  const chainId = chainIdOf(genesis);
  if (status.value.chainId !== chainId) {
    throw new NodeError("usage", `${baseUrl} is a node of chain ${status.value.chainId}, genesis is of ${chainId}; check --rpc`);
  }
  requireLevel(status.value, baseUrl);
  const { available, nonces, builder } = record.value;
  const height = status.value.executedHeight;
  if (available === undefined || nonces === undefined) {
    const where = `at height ${height}, says ${baseUrl}, account ${account.id} is not open in the chain's fee asset ${feeAsset}`;
    throw new NodeError("usage", `${where}; ${openingAdvice(feeAsset)}`);
  }
  let nonce = nonces.base;
  while (nonces.used.includes(nonce)) nonce++;
  return { nonce, height, available, builder };
}

/** A node that is behind knows neither balances nor nonces of now. */
function requireLevel({ executedHeight, isCatchingUp, isValidator, peers }: NodeStatus, baseUrl: string): void {
  const advice = "wait until it is level, or give --rpc URL of another node of the chain";
  const isAlone = isValidator === false && peers?.count === 0;
  if (isAlone) throw new NodeError("environment", `${baseUrl} is at height ${executedHeight} and linked with nobody; ${advice}`);
  const highest = peers?.finalHeightMax ?? 0;
  if (isCatchingUp !== true && highest <= executedHeight + LAG_HEIGHTS_MAX) return;
  const where = highest > executedHeight ? `at height ${executedHeight} of ${highest} or more` : `at height ${executedHeight}`;
  throw new NodeError("environment", `${baseUrl} is still catching up with the chain, ${where}; ${advice}`);
}

/** What the state says already; a node that tells nothing about builders leaves it to the chain. */
function requireSense({ command, genesis }: BuilderOperation, { available, builder, height }: Place): void {
  const unsent = "; nothing was sent";
  if (command.name === "register") {
    const { builderBondMin } = genesis.parameters;
    const held = builder === undefined || builder === "none" ? 0n : builder.bond;
    if (builder !== undefined && held + command.bond < builderBondMin) {
      const sum = held === 0n ? `--bond ${command.bond} is` : `--bond ${command.bond} on top of ${held} is`;
      throw new NodeError("usage", `${sum} below this chain's least bond, ${builderBondMin}: it needs ${builderBondMin - held}${unsent}`);
    }
    const needed = command.bond + feeOf(genesis);
    if (available >= needed) return;
    throw new NodeError("usage", `the account has ${available}; bond and fee are ${needed}: pay it what is missing${unsent}`);
  }
  if (builder === undefined) return;
  if (builder === "none") throw new NodeError("usage", `the account is no builder at height ${height}: register it first${unsent}`);
  const { unbondingHeight } = builder;
  if (command.name === "unbond") {
    if (unbondingHeight === undefined) return;
    throw new NodeError("usage", `it has unbonded at height ${unbondingHeight} already; ${withdrawText(unbondingHeight)}${unsent}`);
  }
  if (unbondingHeight === undefined) throw new NodeError("usage", `the builder has not unbonded: unbond first${unsent}`);
  if (height + 1 >= withdrawableAt(unbondingHeight)) return;
  throw new NodeError("usage", `the bond is locked (bondLocked); ${withdrawText(unbondingHeight)}, the chain is at ${height}${unsent}`);
}

const withdrawText = (unbondingHeight: Height): string => `withdraw works from height ${withdrawableAt(unbondingHeight)} on`;

/** To an account that is not open no fee can go, so the builder would never gain anything by a bid. */
async function requireRecipient({ command, genesis, account, rpc, baseUrl }: BuilderOperation, { height }: Place): Promise<void> {
  if (command.name !== "register" || command.recipient === undefined || command.recipient === account.id) return;
  const { feeAsset } = genesis.parameters;
  const record = await rpc.account({ account: command.recipient, asset: feeAsset });
  if (!record.ok) throw failed(baseUrl, record.failure);
  if (record.value.available !== undefined) return;
  const what = `--recipient ${command.recipient} is not open in the chain's fee asset ${feeAsset} at height ${height}`;
  throw new NodeError(
    "usage",
    `${what}: no fee could go there, and the builder would never bid; have it opened by openAccount first; nothing was sent`,
  );
}

function operationOf(command: BuilderCommand, self: AccountId): Operation {
  if (command.name === "unbond") return builderUnbond();
  if (command.name === "withdraw") return builderWithdraw();
  const { bond, recipient, endpoint } = command;
  const [first = 0, second = 0, third = 0, fourth = 0] = (endpoint?.address ?? "").split(".").map(Number);
  const published = endpoint === undefined ? undefined : { ipv4: [first, second, third, fourth] as const, port: endpoint.port };
  return builderRegister({ feeRecipient: recipient ?? self, bond, endpoint: published });
}

function feeOf({ parameters: { feePerTransaction, feePerOperation } }: Genesis): bigint {
  return BigInt(feePerTransaction) + BigInt(feePerOperation);
}

/** What failed, by name and in a sentence: its one operation, or the transaction as a whole. */
function failureOf({ code, operationCodes }: Pick<ExecutedStatus, "code" | "operationCodes">): Readonly<Record<string, string>> {
  const failed = operationCodes.find((each) => each !== 0);
  const name = describeCode(failed ?? code);
  const { meaning, advice } =
    failed === undefined
      ? TRANSACTION_CODE_DESCRIPTIONS[name as TransactionCodeName]
      : OPERATION_CODE_DESCRIPTIONS[name as OperationCodeName];
  return { name, meaning, advice };
}

function failed(baseUrl: string, failure: RpcFailure): NodeError {
  return new NodeError("environment", `${baseUrl} does not answer as a node does (${failure.type}); check --rpc, or try another node`);
}

function sentenceOf(result: Exclude<FollowResult, { readonly type: "executed" }>): string {
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
