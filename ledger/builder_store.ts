/** Builders (L17): one record for each, found by account; a record of zeroes is free, and the lowest free one is taken first. Keeps who
 *  may build when and who failed lately (L18, L20), and which builders a block changed (L18). Moves no money: bonds lie in BUILDER_BOND_ACCOUNT, and here stands whose they are. */

import type { BuilderChange } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import type { Builder } from "../types/builder.ts";
import { type AccountId, Height, ZERO_HASH } from "../types/ids.ts";
import { BUILDER_BOX_HEIGHTS, BUILDER_FAILURES_HEIGHTS, BUILDER_FAILURES_MAX } from "../types/limits.ts";
import { addAmount, copyWords, readAmount, readInteger, subtractAmount, writeInteger } from "./amounts.ts";
import type { HashBatch } from "./hash_batch.ts";
import { TABLE_DEPTHS } from "./limits.ts";
import { RecordIndex } from "./record_index.ts";
import { BUILDER, ID_WORDS, idText, RECORD_WORDS } from "./record_layout.ts";
import { RecordTable, recordOffset } from "./record_table.ts";
import type { Undoable, UndoLog } from "./undo_log.ts";

const ACTION_APPENDED = 1;
const ACTION_INDEXED = 2;
const ACTION_UNINDEXED = 3;

/** What a builder publishes of itself: words of the fee recipient's id in `words` from `recipientAt`. */
export interface BuilderTerms {
  readonly words: Uint32Array;
  readonly recipientAt: number;
  readonly ipv4: number;
  readonly port: number;
}

export class BuilderStore implements Undoable {
  readonly table: RecordTable;
  readonly #index: RecordIndex;
  readonly #undo: UndoLog;
  /** By slot, records as they were before the block first touched them. What was taken back stands here too. */
  readonly #before = new Map<number, Uint32Array>();
  #count = 0;

  constructor(options: { readonly batch: HashBatch; readonly undo: UndoLog; readonly seed: Uint8Array }) {
    this.table = new RecordTable({ depth: TABLE_DEPTHS.builders, batch: options.batch, keepsBefore: false });
    this.#index = new RecordIndex({ table: this.table, keyWords: BUILDER.keyWords, seed: options.seed });
    this.#undo = options.undo;
  }

  /** Number of registered builders. */
  get count(): number {
    return this.#count;
  }

  /** Slot of the builder with this account id; 0 when there is none. */
  find(account: Uint32Array): number {
    return this.#index.find(account);
  }

  /** A record for an account that has none; without bond and terms. */
  add(account: Uint32Array): number {
    const slot = this.#takeSlot();
    copyWords(this.table.prepare(slot), recordOffset(slot) + BUILDER.account, account, 0, ID_WORDS);
    this.#insert(slot);
    this.#undo.saveAction(this, ACTION_INDEXED, slot);
    return slot;
  }

  /** Frees the record. */
  remove(slot: number): void {
    this.#take(slot);
    this.#undo.saveAction(this, ACTION_UNINDEXED, slot);
    const at = recordOffset(slot);
    this.#prepare(slot).fill(0, at, at + RECORD_WORDS);
  }

  /** Replaces what the builder publishes, and takes an unbonding back. */
  setTerms(slot: number, terms: BuilderTerms): void {
    const words = this.#prepare(slot);
    const at = recordOffset(slot);
    copyWords(words, at + BUILDER.recipient, terms.words, terms.recipientAt, ID_WORDS);
    words[at + BUILDER.ipv4] = terms.ipv4;
    words[at + BUILDER.port] = terms.port;
    writeInteger(words, at + BUILDER.unbondingHeight, 0);
  }

  addBond(slot: number, amount: Uint32Array, from: number): void {
    const carry = addAmount(this.#prepare(slot), recordOffset(slot) + BUILDER.bond, amount, from);
    assert(carry === 0, "L17: a bond is no more than what lies in the bond account");
  }

  takeBond(slot: number, amount: Uint32Array, from: number): void {
    const borrow = subtractAmount(this.#prepare(slot), recordOffset(slot) + BUILDER.bond, amount, from);
    assert(borrow === 0, "L19: the bond covers the value, as voters have checked");
  }

  startUnbonding(slot: number, height: number): void {
    writeInteger(this.#prepare(slot), recordOffset(slot) + BUILDER.unbondingHeight, height);
  }

  /** L20: the last failure of too many within the window boxes the builder, and the count begins anew. */
  noteFailure(slot: number, height: number): void {
    const words = this.#prepare(slot);
    const at = recordOffset(slot) + BUILDER.failures;
    const oldest = readInteger(words, at);
    if (oldest !== 0 && height - oldest < BUILDER_FAILURES_HEIGHTS) {
      words.fill(0, at, at + FAILURE_WORDS);
      writeInteger(words, recordOffset(slot) + BUILDER.boxedUntil, height + BUILDER_BOX_HEIGHTS);
      return;
    }
    words.copyWithin(at, at + 2, at + FAILURE_WORDS);
    writeInteger(words, at + FAILURE_WORDS - 2, height);
  }

  /** 0: it does not unbond. */
  unbondingHeight(slot: number): number {
    return readInteger(this.table.words(slot), recordOffset(slot) + BUILDER.unbondingHeight);
  }

  /** L18: what the record says now, with the bond below which nobody may build. */
  describe(slot: number, bondMin: bigint): Builder {
    return describeRecord(this.#copyOf(slot), bondMin);
  }

  /** From here on changes are those of the next block. */
  beginBlock(): void {
    this.#before.clear();
  }

  /** Builders whose record is another one than at `beginBlock`, by account. */
  changes(bondMin: bigint): readonly BuilderChange[] {
    // A builder may have left one slot and taken another: what it was stands in the first.
    const before = new Map<AccountId, Uint32Array | undefined>();
    for (const [slot, then] of this.#before) {
      const now = this.#copyOf(slot);
      if (now.every((word, at) => word === then[at])) continue;
      const held = idText<AccountId>(then, BUILDER.account);
      const holds = idText<AccountId>(now, BUILDER.account);
      if (held !== FREE) before.set(held, then);
      if (holds !== FREE && !before.has(holds)) before.set(holds, undefined);
    }
    return [...before]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([account, record]) => ({ account, before: record === undefined ? undefined : describeRecord(record, bondMin) }));
  }

  undo(action: number, slot: number): void {
    if (action === ACTION_APPENDED) this.table.removeNewest();
    else if (action === ACTION_INDEXED) this.#take(slot);
    else this.#insert(slot);
  }

  /** Finds the builders of a loaded table; false when an account appears twice. */
  rebuild(): boolean {
    const account = new Uint32Array(ID_WORDS);
    for (let slot = 1; slot < this.table.count; slot++) {
      if (this.#isFree(slot)) continue;
      copyWords(account, 0, this.table.words(slot), recordOffset(slot) + BUILDER.account, ID_WORDS);
      if (this.#index.find(account) !== 0) return false;
      this.#insert(slot);
    }
    return true;
  }

  #takeSlot(): number {
    if (this.#count < this.table.count - 1) {
      let slot = 1;
      while (!this.#isFree(slot)) slot++;
      this.#note(slot);
      this.#undo.saveRecord(this.table, slot);
      return slot;
    }
    const slot = this.table.append();
    this.#note(slot);
    this.#undo.saveAction(this, ACTION_APPENDED, slot);
    return slot;
  }

  #isFree(slot: number): boolean {
    const words = this.table.words(slot);
    const at = recordOffset(slot) + BUILDER.account;
    for (let word = 0; word < ID_WORDS; word++) if (words[at + word] !== 0) return false;
    return true;
  }

  #note(slot: number): void {
    if (!this.#before.has(slot)) this.#before.set(slot, this.#copyOf(slot));
  }

  /** The record, or zeroes where its slot was taken back. */
  #copyOf(slot: number): Uint32Array {
    if (slot >= this.table.count) return new Uint32Array(RECORD_WORDS);
    return this.table.words(slot).slice(recordOffset(slot), recordOffset(slot) + RECORD_WORDS);
  }

  #prepare(slot: number): Uint32Array {
    this.#note(slot);
    this.#undo.saveRecord(this.table, slot);
    return this.table.prepare(slot);
  }

  #insert(slot: number): void {
    this.#index.insert(slot);
    this.#count++;
  }

  #take(slot: number): void {
    this.#index.remove(slot);
    this.#count--;
  }
}

/** What a record without an account holds in its place. */
const FREE = ZERO_HASH as string as AccountId;

function describeRecord(words: Uint32Array, bondMin: bigint): Builder {
  const bond = readAmount(words, BUILDER.bond);
  const unbondingHeight = readInteger(words, BUILDER.unbondingHeight);
  const boxedUntil = Height.of(readInteger(words, BUILDER.boxedUntil));
  const port = words[BUILDER.port] as number;
  return {
    bond,
    feeRecipient: idText<AccountId>(words, BUILDER.recipient),
    endpoint: port === 0 ? undefined : { address: dottedOf(words[BUILDER.ipv4] as number), port },
    unbondingHeight: unbondingHeight === 0 ? undefined : Height.of(unbondingHeight),
    boxedUntil: boxedUntil === 0 ? undefined : boxedUntil,
    isActiveAt: (height) => bond >= bondMin && height > boxedUntil && (unbondingHeight === 0 || height <= unbondingHeight + 1),
  };
}

/** Heights of all failures but the one that boxes, oldest first. */
const FAILURE_WORDS = 2 * (BUILDER_FAILURES_MAX - 1);
assert(BUILDER.failures + FAILURE_WORDS === BUILDER.boxedUntil, "the record has room for the failures that are remembered");

function dottedOf(ipv4: number): string {
  return [ipv4 >>> 24, (ipv4 >>> 16) & 255, (ipv4 >>> 8) & 255, ipv4 & 255].join(".");
}
