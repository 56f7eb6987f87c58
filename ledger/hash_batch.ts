/** Merkle hashing in batches over node heaps (node 1 is the root, the children of n are 2n and 2n + 1, so a pair of children is
 *  64 consecutive bytes). Pairs are gathered into one buffer and hashed in one call, because the call costs more than a hash. */

import type { PairHasher } from "./pair_hasher.ts";
import { RECORD_WORDS } from "./record_layout.ts";

export const NODE_WORDS = 8;
const PAIR_WORDS = 16;
const BATCH_PAIRS = 4_096;
const BATCH_RECORDS = BATCH_PAIRS / 2;

/** A complete binary tree of nodes with one dirty flag each. */
export interface NodeHeap {
  readonly nodes: Uint32Array;
  readonly flags: Uint8Array;
}

/** A list of heap nodes by number; grows as needed and is reused. */
export class NodeList {
  items = new Uint32Array(64);
  count = 0;

  push(item: number): void {
    if (this.count === this.items.length) {
      const larger = new Uint32Array(2 * this.items.length);
      larger.set(this.items);
      this.items = larger;
    }
    this.items[this.count++] = item;
  }
}

export class HashBatch {
  readonly #hasher: PairHasher;
  readonly #input = new Uint32Array(BATCH_PAIRS * PAIR_WORDS);
  readonly #middle = new Uint32Array(BATCH_PAIRS * NODE_WORDS);
  readonly #output = new Uint32Array(BATCH_PAIRS * NODE_WORDS);
  readonly #inputBytes = new Uint8Array(this.#input.buffer);
  readonly #middleBytes = new Uint8Array(this.#middle.buffer);
  readonly #outputBytes = new Uint8Array(this.#output.buffer);

  constructor(hasher: PairHasher) {
    this.#hasher = hasher;
  }

  /** Recomputes each listed node from its children. Item = heap number · 2^shift + node. Clears the flags of the nodes. */
  hashNodes(heaps: readonly NodeHeap[], list: NodeList, shift: number): void {
    const mask = 2 ** shift - 1;
    for (let start = 0; start < list.count; start += BATCH_PAIRS) {
      const count = Math.min(BATCH_PAIRS, list.count - start);
      for (let index = 0; index < count; index++) {
        const item = list.items[start + index] as number;
        const { nodes } = heaps[item >>> shift] as NodeHeap;
        copy(this.#input, index * PAIR_WORDS, nodes, (item & mask) * PAIR_WORDS, PAIR_WORDS);
      }
      this.#hash(count);
      for (let index = 0; index < count; index++) {
        const item = list.items[start + index] as number;
        const { nodes, flags } = heaps[item >>> shift] as NodeHeap;
        copy(nodes, (item & mask) * NODE_WORDS, this.#output, index * NODE_WORDS, NODE_WORDS);
        flags[item & mask] = 0;
      }
    }
  }

  /** Roots of 128-byte records: `read` puts record `index` into the buffer, `write` takes its root out. */
  hashRecords(
    count: number,
    read: (index: number, target: Uint32Array, at: number) => void,
    write: (index: number, source: Uint32Array, at: number) => void,
  ): void {
    for (let start = 0; start < count; start += BATCH_RECORDS) {
      const part = Math.min(BATCH_RECORDS, count - start);
      for (let index = 0; index < part; index++) read(start + index, this.#input, index * RECORD_WORDS);
      this.#hasher.hashPairs(this.#inputBytes.subarray(0, part * 128), this.#middleBytes.subarray(0, part * 64));
      this.#hasher.hashPairs(this.#middleBytes.subarray(0, part * 64), this.#outputBytes.subarray(0, part * 32));
      for (let index = 0; index < part; index++) write(start + index, this.#output, index * NODE_WORDS);
    }
  }

  /** Parent of two nodes, in a fresh array. */
  hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
    this.#inputBytes.set(left, 0);
    this.#inputBytes.set(right, 32);
    this.#hash(1);
    return this.#outputBytes.slice(0, 32);
  }

  #hash(pairs: number): void {
    this.#hasher.hashPairs(this.#inputBytes.subarray(0, pairs * 64), this.#outputBytes.subarray(0, pairs * 32));
  }
}

function copy(target: Uint32Array, at: number, source: Uint32Array, from: number, count: number): void {
  for (let word = 0; word < count; word++) target[at + word] = source[from + word] as number;
}
