/** Groups of open transactions, all or none: those of a block's bundle (L21), and those that a builder tries on the state before it offers
 *  them (L22). A group that fails is taken back through the undo log, fees and nonces included. Never judges a transaction itself. */

import type { GroupResult, ParsedTransaction, SimulatedGroup, Simulation, TransactionReceipt } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import { readAmount } from "./amounts.ts";
import { accountKey } from "./genesis_state.ts";
import type { LedgerState } from "./ledger_state.ts";
import { ACCOUNT } from "./record_layout.ts";
import { recordOffset } from "./record_table.ts";
import { TRANSACTION_CODES } from "./result_codes.ts";
import type { TransactionExecutor } from "./transaction_executor.ts";

export class GroupExecutor {
  readonly #state: LedgerState;
  readonly #executor: TransactionExecutor;
  readonly #feeAsset: number;

  constructor(options: { readonly state: LedgerState; readonly executor: TransactionExecutor; readonly feeAsset: number }) {
    this.#state = options.state;
    this.#executor = options.executor;
    this.#feeAsset = options.feeAsset;
  }

  /** L21: runs the groups of a bundle, one after the other, in the block that the executor has begun. */
  runBundle(groups: readonly (readonly ParsedTransaction[])[]): readonly GroupResult[] {
    for (const group of groups) {
      assert(group.length > 0, "L21: a group of a bundle holds transactions");
      for (const { keygen } of group) assert(keygen === undefined, "L21: a bundle holds open transactions only");
    }
    return groups.map((group) => this.#runGroup(group));
  }

  /** L22: what the groups would do, one after the other, on the state as it stands. Leaves nothing behind. */
  simulate({ height, timeMs, payee, groups }: Simulation): readonly SimulatedGroup[] {
    const { undo, meta } = this.#state;
    assert(height > meta.height, "L22: what is executed is not simulated");
    assert(!undo.isOpen, "L22: a simulation stands between blocks");
    this.#executor.beginSimulation({ height, timeMs }, payee);
    const key = accountKey(payee, this.#feeAsset);
    undo.open();
    let available = this.#availableOf(key);
    const results = groups.map(({ transactions, isAllOrNone }): SimulatedGroup => {
      const result = isAllOrNone ? this.#runGroup(transactions) : this.#runEach(transactions);
      const before = available;
      available = this.#availableOf(key);
      return { result, gain: available - before };
    });
    undo.rollBack();
    return results;
  }

  #runGroup(transactions: readonly ParsedTransaction[]): GroupResult {
    const { undo } = this.#state;
    const receipts: TransactionReceipt[] = [];
    undo.open();
    for (const [position, transaction] of transactions.entries()) {
      const receipt = this.#executor.execute(transaction);
      if (receipt.code !== TRANSACTION_CODES.ok) {
        undo.rollBack();
        return { isIncluded: false, failed: receipt, position };
      }
      receipts.push(receipt);
    }
    undo.close();
    return { isIncluded: true, receipts };
  }

  /** As in the open part of a block: each stands or fails alone. */
  #runEach(transactions: readonly ParsedTransaction[]): GroupResult {
    return { isIncluded: true, receipts: transactions.map((transaction) => this.#executor.execute(transaction)) };
  }

  /** L7: what the account of this key can spend; 0 while it is not open. */
  #availableOf(key: Uint32Array): bigint {
    const { accounts } = this.#state;
    const slot = accounts.find(key);
    if (slot === 0) return 0n;
    const words = accounts.table.words(slot);
    const at = recordOffset(slot);
    const debits = readAmount(words, at + ACCOUNT.debitsPosted) + readAmount(words, at + ACCOUNT.debitsPending);
    return readAmount(words, at + ACCOUNT.creditsPosted) - debits;
  }
}
