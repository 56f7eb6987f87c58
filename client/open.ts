/** Open transactions: everybody reads them as soon as they are sent. For what must not be read before its place is final, see seal.ts. */

import { hashTransaction } from "../crypto/hashes.ts";
import type { ChainId, Height, TransactionHash } from "../types/ids.ts";
import { TRANSACTION_OPERATIONS_MAX } from "../types/limits.ts";
import { buildTransaction, type Operation } from "../types/transaction.ts";
import type { Account } from "./keys.ts";
import { flawOfOperations, isUnsigned, type OperationFlaw } from "./operations.ts";

/** Ready to be submitted. Sending the same bytes again is safe: the nonce lets them run once. */
export interface PreparedTransaction {
  readonly hash: TransactionHash;
  readonly bytes: Uint8Array;
}

export type PrepareResult<Reason extends string> =
  | { readonly ok: true; readonly transaction: PreparedTransaction }
  | { readonly ok: false; readonly reason: Reason };

export function signOpen(given: {
  readonly account: Account;
  readonly chainId: ChainId;
  readonly nonce: number;
  readonly expiryHeight: Height;
  /** The most that is paid; the chain takes what it must. */
  readonly feeMax: bigint;
  readonly operations: readonly Operation[];
}): PrepareResult<OperationFlaw | "fieldOutOfRange"> {
  const { account, chainId, nonce, expiryHeight, feeMax, operations } = given;
  const flaw = flawOfOperations(operations, TRANSACTION_OPERATIONS_MAX);
  if (flaw !== undefined) return { ok: false, reason: flaw };
  const isFeeInRange = feeMax >= 0n && feeMax < 2n ** 64n;
  if (!isFeeInRange || !isUnsigned(nonce, 53) || !isUnsigned(expiryHeight, 53)) return { ok: false, reason: "fieldOutOfRange" };
  const payload = { chainId, sender: account.id, nonce, expiryHeight, feeMax, operations };
  const bytes = buildTransaction({ payload, sign: account.sign });
  return { ok: true, transaction: { hash: hashTransaction(bytes), bytes } };
}
