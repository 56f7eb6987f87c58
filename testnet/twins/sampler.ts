/** A seeded order of all numbers below a bound, computed and not stored: the n-th number of the order is a keyed permutation of n.
 *  A Feistel network permutes the next power of four; values at or above the bound are permuted again until they fall below
 *  it (cycle walking), which leaves a permutation of the numbers below. So any prefix is a sample without replacement. */

import { assert } from "../../types/assert.ts";

export interface Sampler {
  /** The number at `position` of the order; both are below the bound. */
  at(position: bigint): bigint;
}

/** Odd and above the four rounds that make a permutation look random to whoever does not attack it. */
const FEISTEL_ROUNDS = 7;
const WORD_BITS = 32n;
const WORD_MASK = 0xffff_ffffn;

export function createSampler(options: { readonly total: bigint; readonly seed: number }): Sampler {
  const { total, seed } = options;
  assert(total > 0n, "there is something to draw from");
  const bits = BigInt((total - 1n).toString(2).length);
  const halfBits = (bits + 1n) / 2n;
  const mask = (1n << halfBits) - 1n;

  function permute(value: bigint): bigint {
    let [left, right] = [value >> halfBits, value & mask];
    for (let round = 0; round < FEISTEL_ROUNDS; round++) [left, right] = [right, left ^ (scramble(right, round) & mask)];
    return (left << halfBits) | right;
  }

  /** As many bits as a half has, mixed from half, round and seed. */
  function scramble(half: bigint, round: number): bigint {
    let state = mix((seed >>> 0) ^ Math.imul(round + 1, 0x9e37_79b1), Math.floor(seed / 2 ** 32));
    for (let rest = half; rest > 0n; rest >>= WORD_BITS) state = mix(state, Number(rest & WORD_MASK));
    let scrambled = 0n;
    for (let produced = 0n; produced < halfBits; produced += WORD_BITS) {
      state = mix(state, 0x6a09_e667);
      scrambled = (scrambled << WORD_BITS) | BigInt(state);
    }
    return scrambled;
  }

  return {
    at(position) {
      assert(position >= 0n && position < total, "a position is below the bound");
      let value = permute(position);
      while (value >= total) value = permute(value);
      return value;
    },
  };
}

/** Two words into one, by the finalizer of murmur3. */
function mix(left: number, right: number): number {
  let word = (Math.imul(left, 0x85eb_ca77) + right) >>> 0;
  word = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b) >>> 0;
  word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35) >>> 0;
  return (word ^ (word >>> 16)) >>> 0;
}
