/** One height as the auditor sees it: what the model expects of its block, and how a report differs from that. */

import { describeCode } from "../../ledger/result_codes.ts";
import type { OperationEntry } from "../../replica/interface.ts";
import type { TransactionReceipt } from "../../types/application.ts";
import type { TransactionHash } from "../../types/ids.ts";
import type { ModelReceipt } from "./ledger_model_records.ts";
import { type AuditedBlock, KEYGEN_CODE } from "./predictors.ts";

/** One height of the final chain. */
export interface AuditedHeight {
  readonly block: AuditedBlock;
  readonly expected: readonly ModelReceipt[];
  root: string | undefined;
  /** What the first honest validator reported. */
  reported: OperationEntry | undefined;
}

/** The receipts that the model expects. */
export function predictedReceipts({ block, expected }: AuditedHeight): readonly TransactionReceipt[] {
  return block.transactions.map(({ hash }, index) => ({ hash, ...(expected[index] as ModelReceipt) }));
}

/** The first receipt that is not as predicted. */
export function difference({ block, expected }: AuditedHeight, receipts: readonly TransactionReceipt[]): string | undefined {
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
