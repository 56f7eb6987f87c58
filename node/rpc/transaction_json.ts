/** A signed transaction as JSON: hashes, keys and the signature in hex, amounts as decimal strings, other integers as numbers or
 *  decimal strings. Mistakes are named by their path in the document. The bytes are what the signer signed, or the check fails. */

import { z } from "zod";
import { fromHex, tryFromHex } from "../../types/bytes.ts";
import { type AccountId, type ChainId, Height } from "../../types/ids.ts";
import { TRANSACTION_OPERATIONS_MAX } from "../../types/limits.ts";
import { OPERATION_KINDS, type OperationKind, type SignedTransaction, signedTransactionCodec } from "../../types/transaction.ts";
import { describeIssues } from "../json_file.ts";

export type TransactionJsonResult = { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly message: string };

const hex = (bytes: number) => {
  const error = `must be ${bytes} bytes as ${2 * bytes} lower-case hex digits`;
  return z.string({ error }).refine((text) => tryFromHex(text)?.length === bytes, { error });
};

/** A number, or the same as a decimal string. */
const integer = (max: number) => {
  const error = `must be a whole number from 0 to ${max}`;
  return z
    .custom<number | string>(
      (value) => {
        if (typeof value !== "number" && (typeof value !== "string" || !/^(0|[1-9][0-9]{0,15})$/.test(value))) return false;
        return Number.isSafeInteger(Number(value)) && Number(value) >= 0 && Number(value) <= max;
      },
      { error },
    )
    .transform(Number);
};

const amount = (bits: number) => {
  const error = `must be a decimal string below 2^${bits}`;
  return z
    .string({ error })
    .regex(/^(0|[1-9][0-9]{0,38})$/, { error })
    .refine((text) => /^[0-9]+$/.test(text) && BigInt(text) < 1n << BigInt(bits), { error })
    .transform(BigInt);
};

const KIND_NAMES = Object.keys(OPERATION_KINDS) as OperationKind[];
const kind = z
  .custom<number | string>(
    (value) =>
      typeof value === "string"
        ? Object.hasOwn(OPERATION_KINDS, value)
        : Number.isInteger(value) && Number(value) >= 0 && Number(value) < 256,
    { error: `must be one of ${KIND_NAMES.join(", ")}, or its number` },
  )
  .transform((value) => (typeof value === "string" ? OPERATION_KINDS[value as OperationKind] : value));

const operation = z.strictObject({
  kind,
  flags: integer(255).default(0),
  index: integer(65_535).default(0),
  asset: integer(2 ** 32 - 1).default(0),
  account: hex(32),
  amount: amount(128).default(0n),
  reference: integer(Number.MAX_SAFE_INTEGER).default(0),
});

const signedTransaction = z.strictObject({
  payload: z.strictObject({
    chainId: hex(32),
    sender: hex(32),
    nonce: integer(Number.MAX_SAFE_INTEGER),
    expiryHeight: integer(Number.MAX_SAFE_INTEGER),
    feeMax: amount(64),
    operations: z
      .array(operation, { error: "must be a list of operations" })
      .min(1, { error: "must hold at least one operation" })
      .max(TRANSACTION_OPERATIONS_MAX, { error: `must hold at most ${TRANSACTION_OPERATIONS_MAX} operations` }),
  }),
  signature: hex(64),
});

/** The encoding of the transaction that `text` describes. */
export function transactionFromJson(text: string): TransactionJsonResult {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return { ok: false, message: `the body is not JSON: ${cause instanceof Error ? cause.message : String(cause)}` };
  }
  return transactionFromValue(json);
}

/** The same for JSON that was read already. */
export function transactionFromValue(json: unknown): TransactionJsonResult {
  const parsed = signedTransaction.safeParse(json);
  if (!parsed.success) return { ok: false, message: `the transaction has mistakes:\n${describeIssues(parsed.error).join("\n")}` };
  const { payload, signature } = parsed.data;
  const transaction: SignedTransaction = {
    payload: {
      ...payload,
      chainId: payload.chainId as ChainId,
      sender: payload.sender as AccountId,
      expiryHeight: Height.of(payload.expiryHeight),
      operations: payload.operations.map((item) => ({ ...item, account: item.account as AccountId })),
    },
    signature: fromHex(signature),
  };
  return { ok: true, bytes: signedTransactionCodec.encode(transaction) };
}
