/** What may have to be taken back exactly: a linked chain (L6), a group of a bundle (L21), a simulation (L22). Records are saved whole
 *  before each change; changes of structures beside the records (index, order, queue) are saved as actions. Undone in reverse.
 *
 *  Scopes nest: a simulation holds groups, and a group holds linked chains. What an inner scope keeps is the outer one's to take back.
 *  The log never outgrows what the outermost scope may change: limits of transactions, groups and blocks bound it. */

import { assert } from "../types/assert.ts";
import { copyWords } from "./amounts.ts";
import { NodeList } from "./hash_batch.ts";
import { RECORD_WORDS } from "./record_layout.ts";
import { type RecordTable, recordOffset } from "./record_table.ts";

export interface Undoable {
  /** Takes one action back; saves nothing itself. */
  undo(action: number, value: number): void;
}

export class UndoLog {
  /** Where each open scope begins among the entries, outermost first. */
  readonly #scopes = new NodeList();
  /** A RecordTable entry restores a record; any other entry replays an action. */
  readonly #targets: (RecordTable | Undoable)[] = [];
  readonly #actions = new NodeList();
  readonly #values = new NodeList();
  #records = new Uint32Array(64 * RECORD_WORDS);
  #recordCount = 0;

  get isOpen(): boolean {
    return this.#scopes.count > 0;
  }

  /** Begins a scope inside the one that is open, if any. */
  open(): void {
    this.#scopes.push(this.#targets.length);
  }

  /** Ends the innermost scope and keeps what it did. Only the end of the outermost one forgets what was saved. */
  close(): void {
    assert(this.isOpen, "a scope is closed once");
    this.#scopes.count--;
    if (this.isOpen) return;
    this.#targets.length = 0;
    this.#actions.count = 0;
    this.#values.count = 0;
    this.#recordCount = 0;
  }

  saveRecord(table: RecordTable, slot: number): void {
    if (!this.isOpen) return;
    const at = this.#recordCount++ * RECORD_WORDS;
    if (at === this.#records.length) {
      const larger = new Uint32Array(2 * at);
      larger.set(this.#records);
      this.#records = larger;
    }
    copyWords(this.#records, at, table.words(slot), recordOffset(slot), RECORD_WORDS);
    this.#save(table, 0, slot);
  }

  saveAction(target: Undoable, action: number, value: number): void {
    if (this.isOpen) this.#save(target, action, value);
  }

  /** Ends the innermost scope and takes back everything since it was opened. */
  rollBack(): void {
    assert(this.isOpen, "only an open scope is taken back");
    const start = this.#scopes.items[this.#scopes.count - 1] as number;
    while (this.#targets.length > start) {
      const target = this.#targets.pop() as RecordTable | Undoable;
      const action = this.#actions.items[--this.#actions.count] as number;
      const value = this.#values.items[--this.#values.count] as number;
      if ("undo" in target) target.undo(action, value);
      else copyWords(target.prepare(value), recordOffset(value), this.#records, --this.#recordCount * RECORD_WORDS, RECORD_WORDS);
    }
    this.close();
  }

  #save(target: RecordTable | Undoable, action: number, value: number): void {
    this.#targets.push(target);
    this.#actions.push(action);
    this.#values.push(value);
  }
}
