/** The record outside the tables: chain, height and time that the state stands at, and the ends of the queue of resolved
 *  pending transfers. Part of the root, so roots of different chains and heights never meet. */

import { readInteger, writeInteger } from "./amounts.ts";
import { idWords, META, RECORD_WORDS } from "./record_layout.ts";
import type { Undoable, UndoLog } from "./undo_log.ts";

export class MetaRecord implements Undoable {
  readonly words = new Uint32Array(RECORD_WORDS);
  readonly #undo: UndoLog;

  constructor(undo: UndoLog, chainId: string) {
    this.#undo = undo;
    this.words.set(idWords(chainId), META.chainId);
  }

  get height(): number {
    return readInteger(this.words, META.height);
  }

  get timeMs(): number {
    return readInteger(this.words, META.timeMs);
  }

  advance(height: number, timeMs: number): void {
    writeInteger(this.words, META.height, height);
    writeInteger(this.words, META.timeMs, timeMs);
  }

  get(word: number): number {
    return this.words[word] as number;
  }

  set(word: number, value: number): void {
    this.#undo.saveAction(this, word, this.words[word] as number);
    this.words[word] = value;
  }

  undo(word: number, value: number): void {
    this.words[word] = value;
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.words.buffer).slice();
  }
}
