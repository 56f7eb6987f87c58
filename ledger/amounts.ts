/** Amounts of 128 bits as four little-endian 32-bit words inside typed arrays. Sums and differences of words are exact in a
 *  double, so no BigInt is needed where it costs; every carry out of the top is reported, never dropped (L7). Pure. */

import { assert } from "../types/assert.ts";

export const AMOUNT_WORDS = 4;
const WORD = 0x1_0000_0000;

/** Adds in place; returns the carry out of the top: 0, or 1 when the sum does not fit (the target then holds the sum mod 2^128). */
export function addAmount(target: Uint32Array, at: number, source: Uint32Array, from: number): number {
  let sum = (target[at] as number) + (source[from] as number);
  target[at] = sum;
  sum = (target[at + 1] as number) + (source[from + 1] as number) + (sum >= WORD ? 1 : 0);
  target[at + 1] = sum;
  sum = (target[at + 2] as number) + (source[from + 2] as number) + (sum >= WORD ? 1 : 0);
  target[at + 2] = sum;
  sum = (target[at + 3] as number) + (source[from + 3] as number) + (sum >= WORD ? 1 : 0);
  target[at + 3] = sum;
  return sum >= WORD ? 1 : 0;
}

/** Subtracts in place; returns the borrow out of the top: 0, or 1 when `source` was the larger one. */
export function subtractAmount(target: Uint32Array, at: number, source: Uint32Array, from: number): number {
  let rest = (target[at] as number) - (source[from] as number);
  target[at] = rest;
  rest = (target[at + 1] as number) - (source[from + 1] as number) - (rest < 0 ? 1 : 0);
  target[at + 1] = rest;
  rest = (target[at + 2] as number) - (source[from + 2] as number) - (rest < 0 ? 1 : 0);
  target[at + 2] = rest;
  rest = (target[at + 3] as number) - (source[from + 3] as number) - (rest < 0 ? 1 : 0);
  target[at + 3] = rest;
  return rest < 0 ? 1 : 0;
}

/** Is posted + pending + amount below 2^128? `posted` and `pending` are offsets into `words`. */
export function isSumInRange(words: Uint32Array, posted: number, pending: number, source: Uint32Array, from: number): boolean {
  let carry = 0;
  for (let word = 0; word < AMOUNT_WORDS; word++) {
    const sum = (words[posted + word] as number) + (words[pending + word] as number) + (source[from + word] as number) + carry;
    carry = Math.floor(sum / WORD);
  }
  return carry === 0;
}

/** Is credits − debits − pending at least the amount? The first three are offsets into `words`. */
export function isCovered(
  words: Uint32Array,
  { credits, debits, pending }: { readonly credits: number; readonly debits: number; readonly pending: number },
  source: Uint32Array,
  from: number,
): boolean {
  let borrow = 0;
  for (let word = 0; word < AMOUNT_WORDS; word++) {
    const rest =
      (words[credits + word] as number) -
      (words[debits + word] as number) -
      (words[pending + word] as number) -
      (source[from + word] as number) +
      borrow;
    borrow = Math.floor(rest / WORD);
  }
  return borrow === 0;
}

export function isAmountZero(words: Uint32Array, at: number): boolean {
  return ((words[at] as number) | (words[at + 1] as number) | (words[at + 2] as number) | (words[at + 3] as number)) === 0;
}

/** Negative, zero or positive as the left amount is below, equal to or above the right one. */
export function compareAmounts(left: Uint32Array, at: number, right: Uint32Array, from: number): number {
  for (let word = AMOUNT_WORDS - 1; word >= 0; word--) {
    const difference = (left[at + word] as number) - (right[from + word] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function copyWords(target: Uint32Array, at: number, source: Uint32Array, from: number, count: number): void {
  for (let word = 0; word < count; word++) target[at + word] = source[from + word] as number;
}

/** Reads a 64-bit field that is known to be a safe integer. */
export function readInteger(words: Uint32Array, at: number): number {
  return (words[at + 1] as number) * WORD + (words[at] as number);
}

export function writeInteger(words: Uint32Array, at: number, value: number): void {
  words[at] = value;
  words[at + 1] = Math.floor(value / WORD);
}

export function readAmount(words: Uint32Array, at: number): bigint {
  let value = 0n;
  for (let word = AMOUNT_WORDS - 1; word >= 0; word--) value = (value << 32n) | BigInt(words[at + word] as number);
  return value;
}

export function writeAmount(words: Uint32Array, at: number, value: bigint): void {
  assert(value >= 0n && value >> 128n === 0n, "an amount has 128 bits");
  for (let word = 0; word < AMOUNT_WORDS; word++) words[at + word] = Number((value >> BigInt(32 * word)) & 0xffff_ffffn);
}
