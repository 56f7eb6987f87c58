/** Key → slot by open addressing with linear probing over typed arrays. Rebuilt from the table on restore; never hashed (L13).
 *
 *  Anyone may choose account ids, so the hash is keyed: Carter–Wegman, Σ kᵢ·xᵢ mod 2^31 − 1 over the key's 16-bit halves, universal for
 *  whoever does not know the keys. The composition root passes secret random bytes; the keys change no result and no root. */

import { sha256 } from "../crypto/hashes.ts";
import { assert } from "../types/assert.ts";
import { concatBytes } from "../types/bytes.ts";
import { type RecordTable, recordOffset } from "./record_table.ts";

const PRIME = 0x7fff_ffff;
const CELLS_MIN = 1_024;

export class RecordIndex {
  readonly #table: RecordTable;
  readonly #keyWords: number;
  /** Two multipliers for each key word: low half, high half. */
  readonly #multipliers: Float64Array;
  /** 0: empty. */
  #slots = new Uint32Array(CELLS_MIN);
  #hashes = new Uint32Array(CELLS_MIN);
  #count = 0;

  constructor(options: { readonly table: RecordTable; readonly keyWords: number; readonly seed: Uint8Array }) {
    this.#table = options.table;
    this.#keyWords = options.keyWords;
    this.#multipliers = multipliersOf(options.seed, 2 * options.keyWords);
  }

  /** Slot of the record with the key at the start of `key`; 0 when there is none. */
  find(key: Uint32Array): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const hash = this.#hash(key, 0);
    for (let cell = hash & mask; ; cell = (cell + 1) & mask) {
      const slot = slots[cell] as number;
      if (slot === 0) return 0;
      if (this.#hashes[cell] === hash && this.#hasKey(slot, key)) return slot;
    }
  }

  /** Adds a record whose key is already written and not present. */
  insert(slot: number): void {
    if (2 * (this.#count + 1) > this.#slots.length) this.#grow();
    this.#place(slot, this.#hash(this.#table.words(slot), recordOffset(slot)));
    this.#count++;
  }

  /** Removes a record whose key is still written; closes the gap, so that no tombstones pile up. */
  remove(slot: number): void {
    const slots = this.#slots;
    const hashes = this.#hashes;
    const mask = slots.length - 1;
    let gap = this.#hash(this.#table.words(slot), recordOffset(slot)) & mask;
    while (slots[gap] !== slot) {
      assert(slots[gap] !== 0, "a record that is removed is in the index");
      gap = (gap + 1) & mask;
    }
    for (let cell = (gap + 1) & mask; slots[cell] !== 0; cell = (cell + 1) & mask) {
      const home = (hashes[cell] as number) & mask;
      if (((cell - home) & mask) < ((cell - gap) & mask)) continue;
      slots[gap] = slots[cell] as number;
      hashes[gap] = hashes[cell] as number;
      gap = cell;
    }
    slots[gap] = 0;
    this.#count--;
  }

  #hasKey(slot: number, key: Uint32Array): boolean {
    const words = this.#table.words(slot);
    const at = recordOffset(slot);
    for (let word = 0; word < this.#keyWords; word++) if (words[at + word] !== key[word]) return false;
    return true;
  }

  /** The sum stays below 22 · 2^47 < 2^53, so it is exact. */
  #hash(words: Uint32Array, at: number): number {
    const multipliers = this.#multipliers;
    let sum = 0;
    for (let word = 0; word < this.#keyWords; word++) {
      const value = words[at + word] as number;
      sum += (multipliers[2 * word] as number) * (value & 0xffff) + (multipliers[2 * word + 1] as number) * (value >>> 16);
    }
    const high = Math.floor(sum / 0x8000_0000);
    const folded = high + (sum - high * 0x8000_0000);
    return folded >= PRIME ? folded - PRIME : folded;
  }

  #place(slot: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let cell = hash & mask;
    while (this.#slots[cell] !== 0) cell = (cell + 1) & mask;
    this.#slots[cell] = slot;
    this.#hashes[cell] = hash;
  }

  #grow(): void {
    const slots = this.#slots;
    const hashes = this.#hashes;
    this.#slots = new Uint32Array(2 * slots.length);
    this.#hashes = new Uint32Array(2 * slots.length);
    for (let cell = 0; cell < slots.length; cell++) {
      const slot = slots[cell] as number;
      if (slot !== 0) this.#place(slot, hashes[cell] as number);
    }
  }
}

/** Multipliers below 2^31 − 1, from SHA-256(seed ‖ counter). */
function multipliersOf(seed: Uint8Array, count: number): Float64Array {
  const multipliers = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    const digest = sha256(concatBytes([seed, Uint8Array.of(index)]));
    multipliers[index] = new DataView(digest.buffer, digest.byteOffset).getUint32(0, true) % PRIME;
  }
  return multipliers;
}
