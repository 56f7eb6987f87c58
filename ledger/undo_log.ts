/** What a linked chain changed, so that all of it can be taken back exactly (L6). Records are saved whole before each change;
 *  changes of structures beside the records (index, order, queue) are saved as actions. Undone in reverse. */

import { copyWords } from "./amounts.ts";
import { NodeList } from "./hash_batch.ts";
import { RECORD_WORDS } from "./record_layout.ts";
import { type RecordTable, recordOffset } from "./record_table.ts";

export interface Undoable {
  undo(action: number, value: number): void;
}

export class UndoLog {
  #isOpen = false;
  /** A RecordTable entry restores a record; any other entry replays an action. */
  readonly #targets: (RecordTable | Undoable)[] = [];
  readonly #actions = new NodeList();
  readonly #values = new NodeList();
  #records = new Uint32Array(64 * RECORD_WORDS);
  #recordCount = 0;

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(): void {
    this.#isOpen = true;
  }

  /** Forgets what was saved: the chain succeeded. */
  close(): void {
    this.#isOpen = false;
    this.#targets.length = 0;
    this.#actions.count = 0;
    this.#values.count = 0;
    this.#recordCount = 0;
  }

  saveRecord(table: RecordTable, slot: number): void {
    if (!this.#isOpen) return;
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
    if (this.#isOpen) this.#save(target, action, value);
  }

  rollBack(): void {
    this.#isOpen = false;
    for (let target = this.#targets.pop(); target !== undefined; target = this.#targets.pop()) {
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
