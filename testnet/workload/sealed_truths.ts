/** What clients know of the sealed transactions that they made and nobody else can: what is inside, or what is wrong with them. The auditor
 *  holds what validators say against it; it is the only thing that it takes from the workload. */

import type { TransactionHash } from "../../types/ids.ts";
import type { ModelSealed } from "./ledger_model_records.ts";

export type SealedTruth =
  | { readonly type: "content"; readonly content: ModelSealed["content"] }
  /** No validator may take it; each says one of these codes. */
  | { readonly type: "refused"; readonly codes: readonly string[] };

export interface SealedTruths {
  tell(hash: TransactionHash, truth: SealedTruth): void;
  of(hash: TransactionHash): SealedTruth | undefined;
}

export function createSealedTruths(): SealedTruths {
  const truths = new Map<TransactionHash, SealedTruth>();
  return {
    // What is told first stays: a copy of the same bytes is the same transaction.
    tell: (hash, truth) => void (truths.has(hash) || truths.set(hash, truth)),
    of: (hash) => truths.get(hash),
  };
}
