/** Nonce windows (L3): for each sender, which of the 256 nonces of [base, base + 256) are used. Whatever lies below is used or given
 *  up, so no transaction can run twice, ever; up to 256 may be in flight and become final in any order. */

import { assert } from "../types/assert.ts";
import { copyWords, readInteger, writeInteger } from "./amounts.ts";
import type { HashBatch } from "./hash_batch.ts";
import { NONCE_WINDOW, TABLE_DEPTHS } from "./limits.ts";
import { ID_WORDS, SENDER } from "./record_layout.ts";
import { RecordTable, recordOffset } from "./record_table.ts";
import type { Undoable, UndoLog } from "./undo_log.ts";

const ACTION_ADDED = 1;

export type NonceVerdict = "fresh" | "tooOld" | "replayed" | "tooFar";

export class NonceStore implements Undoable {
  readonly table: RecordTable;
  readonly #undo: UndoLog;

  constructor({ batch, undo }: { readonly batch: HashBatch; readonly undo: UndoLog }) {
    this.table = new RecordTable({ depth: TABLE_DEPTHS.senders, batch, keepsBefore: false });
    this.#undo = undo;
  }

  /** A sender without a record (slot 0) has used nothing; its window begins at 0. */
  judge(slot: number, nonce: number): NonceVerdict {
    const words = this.table.words(slot);
    const at = recordOffset(slot);
    const base = readInteger(words, at + SENDER.base);
    if (nonce < base) return "tooOld";
    if (nonce >= base + 2 * NONCE_WINDOW) return "tooFar";
    if (nonce >= base + NONCE_WINDOW) return "fresh";
    return (words[at + bitmapWord(nonce)] as number) & bitOf(nonce) ? "replayed" : "fresh";
  }

  /** A record for a sender's first transaction. */
  add(sender: Uint32Array, from: number): number {
    const slot = this.table.append();
    this.#undo.saveAction(this, ACTION_ADDED, slot);
    copyWords(this.table.prepare(slot), recordOffset(slot), sender, from, ID_WORDS);
    return slot;
  }

  /** Marks a fresh nonce as used; one above the window slides the window up to it. */
  use(slot: number, nonce: number): void {
    assert(slot !== 0, "the reserved record keeps no nonces");
    this.#undo.saveRecord(this.table, slot);
    const words = this.table.prepare(slot);
    const at = recordOffset(slot);
    const base = readInteger(words, at + SENDER.base);
    if (nonce >= base + NONCE_WINDOW) {
      for (let entering = base + NONCE_WINDOW; entering <= nonce; entering++) {
        const word = at + bitmapWord(entering);
        words[word] = (words[word] as number) & ~bitOf(entering);
      }
      writeInteger(words, at + SENDER.base, nonce - NONCE_WINDOW + 1);
    }
    const word = at + bitmapWord(nonce);
    words[word] = (words[word] as number) | bitOf(nonce);
  }

  undo(): void {
    this.table.removeNewest();
  }

  /** The lowest nonce still usable, and those above it that are used, ascending. */
  window(slot: number): { readonly base: number; readonly used: readonly number[] } {
    const words = this.table.words(slot);
    const at = recordOffset(slot);
    const base = readInteger(words, at + SENDER.base);
    const used: number[] = [];
    for (let nonce = base; nonce < base + NONCE_WINDOW; nonce++) {
      if ((words[at + bitmapWord(nonce)] as number) & bitOf(nonce)) used.push(nonce);
    }
    return { base, used };
  }
}

const bitmapWord = (nonce: number): number => SENDER.bitmap + ((nonce % NONCE_WINDOW) >>> 5);
const bitOf = (nonce: number): number => 1 << (nonce % 32);
