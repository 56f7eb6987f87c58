/** One height as the auditor sees it: what the model expects of its block, and how a report differs from that. */

import { describeCode } from "../../ledger/result_codes.ts";
import type { OperationEntry } from "../../replica/interface.ts";
import type { TransactionReceipt } from "../../types/application.ts";
import type { BuiltBlock } from "../../types/builder.ts";
import type { TransactionHash } from "../../types/ids.ts";
import type { ModelReceipt } from "./ledger_model_records.ts";
import { type AuditedBlock, KEYGEN_CODE, type Prediction } from "./predictors.ts";

/** One height of the final chain. */
export interface AuditedHeight {
  readonly block: AuditedBlock;
  readonly expected: Prediction;
  root: string | undefined;
  /** What the first honest validator reported. */
  reported: OperationEntry | undefined;
}

/** What one validator says of one height. */
export interface Report {
  readonly validator: number;
  readonly atUs: number;
  readonly entry: OperationEntry;
  /** Who built the block, as far as the report says. */
  readonly built?: { readonly told: BuiltBlock | undefined };
}

/** The receipts that the model expects. */
export function predictedReceipts({ block, expected }: AuditedHeight): readonly TransactionReceipt[] {
  return block.transactions.map(({ hash }, index) => ({ hash, ...(expected.receipts[index] as ModelReceipt) }));
}

/** The receipts of a bundle that the model expects: of groups that ran. */
export function predictedBundle({ block, expected }: Pick<AuditedHeight, "block" | "expected">): readonly TransactionReceipt[] {
  return (block.bundle ?? []).flatMap(({ hashes }, at) =>
    (expected.groups[at] ?? []).map((receipt, index) => ({ hash: hashes[index] as TransactionHash, ...receipt })),
  );
}

/** What a validator says of a built block and its bundle that is not as predicted. */
export function bundleDifference(
  height: Pick<AuditedHeight, "block" | "expected">,
  receipts: readonly TransactionReceipt[],
): string | undefined {
  const wanted = predictedBundle(height);
  const text = (all: readonly TransactionReceipt[]): string =>
    all.map(({ hash, code, operationCodes }) => [hash.slice(0, 12), code, ...operationCodes].join(" ")).join(", ") || "none";
  const [got, predicted] = [text(receipts), text(wanted)];
  return got === predicted ? undefined : `receipts of the bundle are ${got}; predicted ${predicted}`;
}

/** What a validator says of who built a block that is not as the bid has it. */
export function builtDifference(wanted: BuiltBlock | undefined, told: BuiltBlock | undefined): string | undefined {
  const text = (built: BuiltBlock | undefined): string =>
    built === undefined
      ? "nobody"
      : `${built.builder} for ${built.value} to ${built.proposer}${built.failed ? ", with a bundle that failed" : ""}`;
  return text(told) === text(wanted) ? undefined : `the block was built by ${text(told)}; it was by ${text(wanted)}`;
}

/** The first receipt that is not as predicted. */
export function difference(
  { block, expected: { receipts: expected } }: AuditedHeight,
  receipts: readonly TransactionReceipt[],
): string | undefined {
  if (receipts.length !== expected.length) return `${receipts.length} receipts for ${expected.length} transactions`;
  for (const [index, receipt] of receipts.entries()) {
    const { hash } = block.transactions[index] as { readonly hash: TransactionHash };
    const wanted = expected[index] as ModelReceipt;
    if (receipt.hash !== hash) return `receipt ${index} is of ${receipt.hash} instead of ${hash}`;
    if (wanted.code === KEYGEN_CODE && (receipt.code === 0 || receipt.code === 1) && receipt.operationCodes.length === 0) continue;
    if (receipt.code !== wanted.code)
      return `transaction ${hash} got ${describeCode(receipt.code)}, predicted ${describeCode(wanted.code)}`;
    const [got, predicted] = [receipt.operationCodes, wanted.operationCodes];
    if (got.length === predicted.length && predicted.every((code, at) => code === got[at])) continue;
    return `operations of ${hash} got ${got.map(describeCode).join(", ")}, predicted ${predicted.map(describeCode).join(", ")}`;
  }
  return undefined;
}
