/** Accounts: one record for each (account id, asset), moved only in pairs, a debit here and the same credit there (L1). Knows funds
 *  and overflow (L7) and keeps the chain of next keys (L10). Never decides which code a failure gets. */

import { addAmount, copyWords, isCovered, isSumInRange, subtractAmount } from "./amounts.ts";
import type { HashBatch } from "./hash_batch.ts";
import { compareKeys, KeyOrder } from "./key_order.ts";
import { TABLE_DEPTHS } from "./limits.ts";
import { RecordIndex } from "./record_index.ts";
import { ACCOUNT, ACCOUNT_FLAG_ISSUER } from "./record_layout.ts";
import { RecordTable, recordOffset } from "./record_table.ts";
import type { Undoable, UndoLog } from "./undo_log.ts";

const ACTION_OPENED = 1;

export class AccountStore implements Undoable {
  readonly table: RecordTable;
  readonly #index: RecordIndex;
  readonly #order: KeyOrder;
  readonly #undo: UndoLog;

  constructor(options: { readonly batch: HashBatch; readonly undo: UndoLog; readonly seed: Uint8Array }) {
    this.table = new RecordTable({ depth: TABLE_DEPTHS.accounts, batch: options.batch, keepsBefore: true });
    this.#index = new RecordIndex({ table: this.table, keyWords: ACCOUNT.keyWords, seed: options.seed });
    this.#order = new KeyOrder(this.table);
    this.#undo = options.undo;
  }

  /** Slot of a key of 9 words (id, asset); 0 when it is not open. */
  find(key: Uint32Array): number {
    return this.#index.find(key);
  }

  /** Slot of the greatest key below `key`; 0, the head of the chain, when there is none. */
  predecessor(key: Uint32Array): number {
    return this.#order.predecessor(key);
  }

  /** Opens an account that is not open yet and links it into the chain of keys. */
  open(key: Uint32Array, flags: number): number {
    const { table } = this;
    const before = this.#order.predecessor(key);
    const slot = table.append();
    this.#undo.saveRecord(table, before);
    const linkFrom = table.prepare(before);
    const next = linkFrom[recordOffset(before) + ACCOUNT.next] as number;
    linkFrom[recordOffset(before) + ACCOUNT.next] = slot;
    const words = table.prepare(slot);
    const at = recordOffset(slot);
    copyWords(words, at, key, 0, ACCOUNT.keyWords);
    words[at + ACCOUNT.flags] = flags;
    words[at + ACCOUNT.next] = next;
    this.#index.insert(slot);
    this.#order.insert(slot);
    this.#undo.saveAction(this, ACTION_OPENED, slot);
    return slot;
  }

  undo(_action: number, slot: number): void {
    this.#order.remove(slot);
    this.#index.remove(slot);
    this.table.removeNewest();
  }

  assetOf(slot: number): number {
    return this.table.words(slot)[recordOffset(slot) + ACCOUNT.asset] as number;
  }

  senderOf(slot: number): number {
    return this.table.words(slot)[recordOffset(slot) + ACCOUNT.sender] as number;
  }

  setSender(slot: number, sender: number): void {
    this.#undo.saveRecord(this.table, slot);
    this.table.prepare(slot)[recordOffset(slot) + ACCOUNT.sender] = sender;
  }

  /** L7: available = credits posted − debits posted − debits pending; the issuer of the asset has no bound but overflow. */
  hasFunds(slot: number, amount: Uint32Array, from: number): boolean {
    const words = this.table.words(slot);
    const at = recordOffset(slot);
    if (((words[at + ACCOUNT.flags] as number) & ACCOUNT_FLAG_ISSUER) !== 0) return true;
    const fields = { credits: at + ACCOUNT.creditsPosted, debits: at + ACCOUNT.debitsPosted, pending: at + ACCOUNT.debitsPending };
    return isCovered(words, fields, amount, from);
  }

  /** Posted and pending together stay below 2^128, so posting what is pending can never overflow. */
  canDebit(slot: number, amount: Uint32Array, from: number): boolean {
    const at = recordOffset(slot);
    return isSumInRange(this.table.words(slot), at + ACCOUNT.debitsPosted, at + ACCOUNT.debitsPending, amount, from);
  }

  canCredit(slot: number, amount: Uint32Array, from: number): boolean {
    const at = recordOffset(slot);
    return isSumInRange(this.table.words(slot), at + ACCOUNT.creditsPosted, at + ACCOUNT.creditsPending, amount, from);
  }

  /** Moves an amount that was found to be covered and in range. Returns false on a carry, which the caller asserts against. */
  move(payer: number, payee: number, amount: Uint32Array, from: number): boolean {
    return this.#add(payer, ACCOUNT.debitsPosted, amount, from) && this.#add(payee, ACCOUNT.creditsPosted, amount, from);
  }

  /** Pends an amount on both sides. */
  reserve(payer: number, payee: number, amount: Uint32Array, from: number): boolean {
    return this.#add(payer, ACCOUNT.debitsPending, amount, from) && this.#add(payee, ACCOUNT.creditsPending, amount, from);
  }

  /** Takes a pended amount off both sides. */
  release(payer: number, payee: number, amount: Uint32Array, from: number): boolean {
    return this.#subtract(payer, ACCOUNT.debitsPending, amount, from) && this.#subtract(payee, ACCOUNT.creditsPending, amount, from);
  }

  /** Rebuilds index and order of a loaded table from its chain of keys; false when the chain is not one ascending walk over all. */
  rebuild(): boolean {
    const { table } = this;
    const key = new Uint32Array(ACCOUNT.keyWords);
    let linked = 1;
    for (let slot = this.#next(0); slot !== 0; slot = this.#next(slot)) {
      if (slot >= table.count || linked === table.count) return false;
      if (linked > 1 && compareKeys(table, slot, key) <= 0) return false;
      copyWords(key, 0, table.words(slot), recordOffset(slot), ACCOUNT.keyWords);
      this.#index.insert(slot);
      this.#order.append(slot);
      linked++;
    }
    return linked === table.count;
  }

  #next(slot: number): number {
    return this.table.words(slot)[recordOffset(slot) + ACCOUNT.next] as number;
  }

  #add(slot: number, field: number, amount: Uint32Array, from: number): boolean {
    if (this.#undo.isOpen) this.#undo.saveRecord(this.table, slot);
    return addAmount(this.table.prepare(slot), recordOffset(slot) + field, amount, from) === 0;
  }

  #subtract(slot: number, field: number, amount: Uint32Array, from: number): boolean {
    if (this.#undo.isOpen) this.#undo.saveRecord(this.table, slot);
    return subtractAmount(this.table.prepare(slot), recordOffset(slot) + field, amount, from) === 0;
  }
}
