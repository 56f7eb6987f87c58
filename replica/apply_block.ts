/** Executes one final block: key generation messages go to the key generation, everything else to the application, and the receipts come
 *  back in the order of the block. The same for blocks that become final now, that catch-up brings and that a restart replays. */

import type { Keygen } from "../mempool/keygen_interface.ts";
import type { Application, ExecutionResult, ParsedTransaction, TransactionReceipt } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import type { BlockHeader } from "../types/block.ts";
import type { SignedKeygenMessage } from "../types/keygen.ts";
import type { OpenResult } from "../types/sealing.ts";

export interface ApplicableBlock {
  readonly header: BlockHeader;
  readonly transactions: readonly ParsedTransaction[];
  /** What the sealed lane turned out to be, one per sealed transaction. */
  readonly opened: readonly OpenResult[];
}

/** A key generation message that counted has this code; one that did not, a bare 1. */
const KEYGEN_CODES = { counted: 0, ignored: 1 } as const;

export function applyBlock(
  parts: { readonly application: Application; readonly keygen: Keygen | undefined },
  { header, transactions, opened }: ApplicableBlock,
): ExecutionResult {
  const { application, keygen } = parts;
  const { height, timeMs } = header;
  assert(opened.length === header.sealedCount, "a block is executed when its sealed lane is opened");
  const messages: SignedKeygenMessage[] = [];
  const ledgerTransactions: ParsedTransaction[] = [];
  for (const transaction of transactions) {
    if (transaction.keygen === undefined) ledgerTransactions.push(transaction);
    else messages.push(transaction.keygen);
  }
  const { stateRoot, receipts } = application.execute({ height, timeMs, transactions: ledgerTransactions, opened });
  const verdicts = keygen?.apply({ height, timeMs, messages }) ?? [];
  if (messages.length === 0) return { stateRoot, receipts };
  let nextReceipt = 0;
  let nextVerdict = 0;
  const merged = transactions.map((transaction): TransactionReceipt => {
    if (transaction.keygen === undefined) return receipts[nextReceipt++] as TransactionReceipt;
    const code = verdicts[nextVerdict++] === "counted" ? KEYGEN_CODES.counted : KEYGEN_CODES.ignored;
    return { hash: transaction.hash, code, operationCodes: [] };
  });
  return { stateRoot, receipts: merged };
}
