/** The account keys in order, for predecessor search in O(log n) when an account is opened or its absence is proved (L10).
 *  Sorted blocks of slots; rebuilt from the next-key links on restore, never hashed. Keys compare by the bytes of the account id, then
 *  by the number of the asset. */

import { assert } from "../types/assert.ts";
import { ACCOUNT, ID_WORDS } from "./record_layout.ts";
import { type RecordTable, recordOffset } from "./record_table.ts";

const BLOCK_SLOTS = 256;

interface Block {
  readonly slots: Uint32Array;
  count: number;
}

export class KeyOrder {
  readonly #table: RecordTable;
  readonly #blocks: Block[] = [];

  constructor(table: RecordTable) {
    this.#table = table;
  }

  /** Slot of the greatest key below `key`; 0 (the head) when there is none. */
  predecessor(key: Uint32Array): number {
    const at = this.#blockOf(key);
    const block = this.#blocks[at];
    if (block === undefined) return 0;
    const position = this.#rank(block, key);
    if (position > 0) return block.slots[position - 1] as number;
    const previous = this.#blocks[at - 1];
    return previous === undefined ? 0 : (previous.slots[previous.count - 1] as number);
  }

  /** Adds a slot whose key is written and not present. */
  insert(slot: number): void {
    const key = this.#keyOf(slot);
    const at = this.#blockOf(key);
    const block = this.#blocks[at];
    if (block === undefined) {
      this.#blocks.push(newBlock([slot]));
      return;
    }
    const position = this.#rank(block, key);
    if (block.count < BLOCK_SLOTS) return insertAt(block, position, slot);
    const half = BLOCK_SLOTS / 2;
    const upper = newBlock(block.slots.subarray(half));
    block.count = half;
    this.#blocks.splice(at + 1, 0, upper);
    if (position <= half) insertAt(block, position, slot);
    else insertAt(upper, position - half, slot);
  }

  remove(slot: number): void {
    const key = this.#keyOf(slot);
    const at = this.#blockOf(key);
    const block = this.#blocks[at];
    assert(block !== undefined, "a key that is removed is in the order");
    const position = this.#rank(block, key);
    assert(block.slots[position] === slot, "a key that is removed is found at its rank");
    block.slots.copyWithin(position, position + 1, block.count);
    block.count--;
    if (block.count === 0) this.#blocks.splice(at, 1);
  }

  /** For rebuilding: the caller adds slots in ascending order of their keys. */
  append(slot: number): void {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.count < (3 * BLOCK_SLOTS) / 4) last.slots[last.count++] = slot;
    else this.#blocks.push(newBlock([slot]));
  }

  /** Number of the last block whose first key is not above `key`; 0 when all are. */
  #blockOf(key: Uint32Array): number {
    let low = 0;
    let high = this.#blocks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const first = (this.#blocks[middle] as Block).slots[0] as number;
      if (compareKeys(this.#table, first, key) <= 0) low = middle;
      else high = middle;
    }
    return low;
  }

  /** How many keys of the block are below `key`. */
  #rank(block: Block, key: Uint32Array): number {
    let low = 0;
    let high = block.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#table, block.slots[middle] as number, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #keyOf(slot: number): Uint32Array {
    const at = recordOffset(slot);
    return this.#table.words(slot).slice(at, at + ACCOUNT.keyWords);
  }
}

/** Order of the key of a stored account and a key of 9 words. */
export function compareKeys(table: RecordTable, slot: number, key: Uint32Array): number {
  const words = table.words(slot);
  const at = recordOffset(slot);
  for (let word = 0; word < ID_WORDS; word++) {
    const left = words[at + word] as number;
    const right = key[word] as number;
    if (left !== right) return swapBytes(left) - swapBytes(right);
  }
  return (words[at + ACCOUNT.asset] as number) - (key[ACCOUNT.asset] as number);
}

/** Words are little-endian; the order of the bytes is that of the words with their bytes swapped. */
function swapBytes(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

function newBlock(slots: ArrayLike<number>): Block {
  const block = { slots: new Uint32Array(BLOCK_SLOTS), count: slots.length };
  block.slots.set(slots);
  return block;
}

function insertAt(block: Block, position: number, slot: number): void {
  block.slots.copyWithin(position + 1, position, block.count);
  block.slots[position] = slot;
  block.count++;
}
