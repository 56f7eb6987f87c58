/** Operations by name, with the fields that their kind uses and zero in the others; and what no encoding could carry. Whether an
 *  operation will succeed is the ledger's business. */

import { type AccountId, parseHash } from "../types/ids.ts";
import { OPERATION_FLAG_LINKED, OPERATION_KINDS, type Operation } from "../types/transaction.ts";

export type OperationFlaw = "noOperations" | "tooManyOperations" | "operationOutOfRange";

const NOBODY = "0".repeat(64) as AccountId;
const UNUSED: Omit<Operation, "kind"> = { flags: 0, index: 0, asset: 0, account: NOBODY, amount: 0n, reference: 0 };

/** Names a pending transfer: who promised, in the transaction with which nonce, as which operation of it. */
export interface PendingName {
  readonly payer: AccountId;
  readonly nonce: number;
  readonly index: number;
}

export function openAccount(given: { readonly account: AccountId; readonly asset: number }): Operation {
  return { ...UNUSED, kind: OPERATION_KINDS.openAccount, ...given };
}

export function registerAsset(given: { readonly asset: number; readonly decimals: number }): Operation {
  return { ...UNUSED, kind: OPERATION_KINDS.registerAsset, asset: given.asset, amount: BigInt(given.decimals) };
}

export function transfer(given: { readonly to: AccountId; readonly asset: number; readonly amount: bigint }): Operation {
  return { ...UNUSED, kind: OPERATION_KINDS.transfer, account: given.to, asset: given.asset, amount: given.amount };
}

/** `timeToLiveMs` counts in block time; 0: until it is posted or voided. */
export function pend(given: {
  readonly to: AccountId;
  readonly asset: number;
  readonly amount: bigint;
  readonly timeToLiveMs: number;
}): Operation {
  const { to, asset, amount, timeToLiveMs } = given;
  return { ...UNUSED, kind: OPERATION_KINDS.pend, account: to, asset, amount, reference: timeToLiveMs };
}

export function post(given: PendingName & { readonly amount: bigint }): Operation {
  const { payer, nonce, index, amount } = given;
  return { ...UNUSED, kind: OPERATION_KINDS.post, account: payer, reference: nonce, index, amount };
}

export function voidPending({ payer, nonce, index }: PendingName): Operation {
  return { ...UNUSED, kind: OPERATION_KINDS.void, account: payer, reference: nonce, index };
}

/** Makes the sender a builder, or changes what it registered. `bond` is added to what lies there; `endpoint` is where searchers reach it. */
export function builderRegister(given: {
  readonly feeRecipient: AccountId;
  readonly bond: bigint;
  readonly endpoint?: { readonly ipv4: readonly [number, number, number, number]; readonly port: number } | undefined;
}): Operation {
  const { feeRecipient, bond, endpoint } = given;
  const address = (endpoint?.ipv4 ?? []).reduce((word, byte) => word * 256 + byte, 0);
  const fields = { account: feeRecipient, amount: bond, asset: address, index: endpoint?.port ?? 0 };
  return { ...UNUSED, kind: OPERATION_KINDS.builderRegister, ...fields };
}

/** The sender builds no more; its bond can be withdrawn later. */
export function builderUnbond(): Operation {
  return { ...UNUSED, kind: OPERATION_KINDS.builderUnbond };
}

/** All of the bond goes back to the sender. */
export function builderWithdraw(): Operation {
  return { ...UNUSED, kind: OPERATION_KINDS.builderWithdraw };
}

/** The same operations joined: all of them succeed or none does. Unjoined ones of a transaction stand each alone. */
export function linked(operations: readonly Operation[]): readonly Operation[] {
  const last = operations.length - 1;
  return operations.map((operation, index) => (index === last ? operation : { ...operation, flags: OPERATION_FLAG_LINKED }));
}

/** What keeps a list of operations from being encoded. */
export function flawOfOperations(operations: readonly Operation[], countMax: number): OperationFlaw | undefined {
  if (operations.length === 0) return "noOperations";
  if (operations.length > countMax) return "tooManyOperations";
  return operations.every(isInRange) ? undefined : "operationOutOfRange";
}

export function isUnsigned(value: number, bits: 8 | 16 | 32 | 53): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < 2 ** bits;
}

function isInRange({ kind, flags, index, asset, account, amount, reference }: Operation): boolean {
  const areNumbers = isUnsigned(kind, 8) && isUnsigned(flags, 8) && isUnsigned(index, 16) && isUnsigned(asset, 32);
  return areNumbers && isUnsigned(reference, 53) && parseHash(account) !== undefined && amount >= 0n && amount < 2n ** 128n;
}
