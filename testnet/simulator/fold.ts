/** Folds values into 128 bits, for the trace hash: four 32-bit lanes, each word multiplied into one lane and carried on to the next.
 *  For one state the step is a bijection of the word, so two streams that differ in one word never meet at once.
 *  It is no cryptographic hash and keeps nothing that it was given. */

export interface Fold {
  /** Any safe integer. */
  integer(value: number): void;
  flag(value: boolean): void;
  /** A literal of a small known set whose members differ in length, their first three characters or their last. */
  tag(literal: string): void;
  /** A whole short text. */
  name(text: string): void;
  /** The first 16 characters of a hash; undefined is another value than any hash. */
  hash(hex: string | undefined): void;
  /** All bytes, or the first and last BYTES_WHOLE_MAX / 2 of long ones, and the length. */
  bytes(bytes: Uint8Array): void;
  /** The last 8 bytes: enough of a signature, which depends on all that was signed. */
  tail(bytes: Uint8Array): void;
  /** Plain data of any shape, keys in canonical order. Slow. */
  value(value: unknown): void;
  /** The state as four words, each from 0 to 2^32 - 1. */
  state(): readonly number[];
  /** 32 hex digits of the state. */
  digest(): string;
}

const BYTES_WHOLE_MAX = 1_024;
const HASH_CHARACTERS = 16;
const TWO_32 = 2 ** 32;

export function createFold(): Fold {
  const lanes = Int32Array.of(0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a);
  let position = 0;

  const word = (value: number): void => {
    const lane = position & 3;
    position = (position + 1) | 0;
    const product = Math.imul((lanes[lane] as number) ^ value, 0x9e37_79b1);
    lanes[lane] = ((product << 15) | (product >>> 17)) + (lanes[(lane + 1) & 3] as number);
  };
  const integer = (value: number): void => {
    // Bitwise operators take the low 32 bits of any safe integer exactly.
    word(value | 0);
    if (value >= TWO_32 || value < 0) word(Math.floor(value / TWO_32) | 0);
  };
  const characters = (text: string, length: number): void => {
    word(length);
    for (let index = 0; index < length; index += 4) {
      word(
        text.charCodeAt(index) |
          (text.charCodeAt(index + 1) << 8) |
          (text.charCodeAt(index + 2) << 16) |
          (text.charCodeAt(index + 3) << 24),
      );
    }
  };
  const range = (bytes: Uint8Array, from: number, to: number): void => {
    for (let index = from; index < to; index += 4) {
      word((bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8) | ((bytes[index + 2] ?? 0) << 16) | ((bytes[index + 3] ?? 0) << 24));
    }
  };
  const bytes = (value: Uint8Array): void => {
    word(value.length);
    const half = BYTES_WHOLE_MAX / 2;
    if (value.length <= BYTES_WHOLE_MAX) return range(value, 0, value.length);
    range(value, 0, half);
    range(value, value.length - half, value.length);
  };
  const fold: Fold = {
    integer,
    flag: (value) => word(value ? 1 : 2),
    tag: (literal) => {
      const last = literal.length - 1;
      word((last << 24) | (literal.charCodeAt(0) << 16) | (literal.charCodeAt(1) << 8) | literal.charCodeAt(2));
      word(literal.charCodeAt(last));
    },
    name: (text) => characters(text, text.length),
    hash: (hex) => (hex === undefined ? word(-1) : characters(hex, Math.min(hex.length, HASH_CHARACTERS))),
    bytes,
    tail: (value) => range(value, Math.max(0, value.length - 8), value.length),
    value: (value) => foldValue(fold, value),
    state: () => [...mixed(lanes, position)].map((lane) => lane >>> 0),
    digest: () => digestOf(lanes, position),
  };
  return fold;
}

function foldValue(fold: Fold, value: unknown): void {
  if (value === undefined || value === null) return fold.name("undefined");
  if (typeof value === "boolean") return fold.flag(value);
  if (typeof value === "string") return fold.name(value);
  if (typeof value === "number") {
    // Shares and chances of a scenario are fractions: their 64 bits as they are.
    const bits = new DataView(new ArrayBuffer(8));
    bits.setFloat64(0, value);
    fold.integer(bits.getInt32(0));
    return fold.integer(bits.getInt32(4));
  }
  if (value instanceof Uint8Array) return fold.bytes(value);
  if (Array.isArray(value)) {
    fold.integer(value.length);
    for (const item of value) foldValue(fold, item);
    return;
  }
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([left], [right]) => (left < right ? -1 : 1));
  fold.integer(entries.length);
  for (const [key, inner] of entries) {
    fold.name(key);
    foldValue(fold, inner);
  }
}

function mixed(lanes: Int32Array, position: number): Int32Array {
  const words = lanes.map((lane) => finish(lane ^ position));
  for (let round = 0; round < 4; round++) {
    for (let lane = 0; lane < 4; lane++) {
      words[lane] = finish(Math.imul(words[lane] as number, 0x85eb_ca77) + (words[(lane + 3) & 3] as number) + round);
    }
  }
  return words;
}

function digestOf(lanes: Int32Array, position: number): string {
  return [...mixed(lanes, position)].map((lane) => (lane >>> 0).toString(16).padStart(8, "0")).join("");
}

/** A bijection of 32 bits in which each bit depends on all. */
function finish(value: number): number {
  let word = value | 0;
  word = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35);
  return word ^ (word >>> 16);
}
