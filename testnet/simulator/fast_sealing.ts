/** A double of the sealing suite for simulation: the protocol of crypto/sealing/ word for word, over integers modulo 2^31 − 1 under addition. A point is
 *  its own discrete logarithm times a constant, so every law of the real group holds, every operation takes microseconds, and whoever wants can
 *  read all secrets: strategies must not divide by the base. Hash and cipher are cheap mixing of 32-bit words.
 *  Encodings are 32 bytes and canonical as the real ones are: any other bytes are refused. Never used outside of simulation and tests. */

import type { AeadInput, Group } from "../../crypto/sealing/group.ts";
import { createSealingSuite } from "../../crypto/sealing/suite.ts";
import { bytesEqual, concatBytes } from "../../types/bytes.ts";
import { SEALING_SIZES, SEALING_SUITES, type SealingSuite } from "../../types/sealing.ts";

export function createFastSealing(): SealingSuite {
  return createSealingSuite(fastGroup);
}

/** Prime, so that every number but zero has an inverse. Products of two are exact in halves (`multiply`). */
const ORDER = 2 ** 31 - 1;
const BASE = 0x1234_5677;
/** Last byte of an encoded point: points are no scalars. The identity alone has zero there. */
const POINT_MARK = 0x50;
const HASH_BYTES = 64;

export const fastGroup: Group<number, number> = {
  name: "fast",
  suite: SEALING_SUITES.tdh2Ristretto255,

  parseScalar: (bytes) => parseNumber(bytes, 0),
  encodeScalar: (scalar) => encodeNumber(scalar, 0),
  scalarFromHash: numberFromHash,
  scalarOf: (value) => value % ORDER,
  addScalars: add,
  subtractScalars: subtract,
  multiplyScalars: multiply,
  invertScalar: invert,

  parsePoint(bytes) {
    const value = parseNumber(bytes, POINT_MARK);
    return value === 0 ? undefined : value;
  },
  encodePoint: (point) => encodeNumber(point, point === 0 ? 0 : POINT_MARK),
  pointFromHash: numberFromHash,
  add,
  subtract,
  multiplyBase: (scalar) => multiply(BASE, scalar),
  multiply,
  multiplyPublic: multiply,
  multiplySmall: multiply,
  combinePublic: (points, scalars) => points.reduce((sum, point, index) => add(sum, multiply(point, scalars[index] as number)), 0),

  hash,
  encrypt({ key, associated, text }) {
    const ciphertext = withKeystream(key, text);
    return concatBytes([ciphertext, tagOf({ key, associated, text: ciphertext })]);
  },
  decrypt({ key, associated, text }) {
    if (text.length < SEALING_SIZES.tag) return undefined;
    const ciphertext = text.subarray(0, text.length - SEALING_SIZES.tag);
    const isTagRight = bytesEqual(tagOf({ key, associated, text: ciphertext }), text.subarray(ciphertext.length));
    return isTagRight ? withKeystream(key, ciphertext) : undefined;
  },
};

function add(left: number, right: number): number {
  return (left + right) % ORDER;
}

function subtract(left: number, right: number): number {
  return (left - right + ORDER) % ORDER;
}

/** Exact: no intermediate value reaches 2^48. */
function multiply(left: number, right: number): number {
  const high = (left * (right >>> 16)) % ORDER;
  return (high * 0x1_0000 + left * (right & 0xffff)) % ORDER;
}

/** By the extended Euclidean algorithm; the inverse of zero is asked by nobody. */
function invert(value: number): number {
  let [remainder, next] = [ORDER, value];
  let [coefficient, nextCoefficient] = [0, 1];
  while (next !== 0) {
    const quotient = Math.floor(remainder / next);
    [remainder, next] = [next, remainder - quotient * next];
    [coefficient, nextCoefficient] = [nextCoefficient, coefficient - quotient * nextCoefficient];
  }
  return coefficient < 0 ? coefficient + ORDER : coefficient;
}

/** Four bytes of value, little-endian, zeros, and the mark. */
function encodeNumber(value: number, mark: number): Uint8Array {
  const bytes = new Uint8Array(SEALING_SIZES.scalar);
  bytes[0] = value;
  bytes[1] = value >>> 8;
  bytes[2] = value >>> 16;
  bytes[3] = value >>> 24;
  bytes[31] = mark;
  return bytes;
}

function parseNumber(bytes: Uint8Array, mark: number): number | undefined {
  if (bytes.length !== SEALING_SIZES.scalar || bytes[31] !== mark) return undefined;
  for (let index = 4; index < 31; index++) if (bytes[index] !== 0) return undefined;
  const value = wordAt(bytes, 0) >>> 0;
  return value < ORDER ? value : undefined;
}

/** Never zero: identities would come about by chance once in 2^31 draws. */
function numberFromHash(bytes: Uint8Array): number {
  const wide = (wordAt(bytes, 0) >>> 0) + (wordAt(bytes, 4) & 0xf_ffff) * 2 ** 32;
  return (wide % (ORDER - 1)) + 1;
}

function hash(bytes: Uint8Array): Uint8Array {
  const state = absorb(bytes);
  const result = new Uint8Array(HASH_BYTES);
  for (let offset = 0; offset < HASH_BYTES; offset += 4) putWord(result, offset, squeeze(state));
  return result;
}

function tagOf({ key, associated, text }: AeadInput): Uint8Array {
  const lengths = new Uint8Array(4);
  putWord(lengths, 0, associated.length);
  return hash(concatBytes([key, lengths, associated, text])).subarray(0, SEALING_SIZES.tag);
}

function withKeystream(key: Uint8Array, text: Uint8Array): Uint8Array {
  const state = absorb(key);
  const result = new Uint8Array(text.length);
  let word = 0;
  for (let index = 0; index < text.length; index++) {
    if (index % 4 === 0) word = squeeze(state);
    result[index] = (text[index] as number) ^ (word >>> (8 * (index % 4)));
  }
  return result;
}

/** Four lanes of 32 bits. */
interface MixState {
  a: number;
  b: number;
  c: number;
  d: number;
}

function absorb(bytes: Uint8Array): MixState {
  let [a, b, c, d] = [0x6a09_e667, 0xbb67_ae85 | 0, 0x3c6e_f372, 0xa54f_f53a | 0];
  const { length } = bytes;
  for (let index = 0; index + 3 < length; index += 4) {
    const word = wordAt(bytes, index);
    a = Math.imul(a ^ word, 0x9e37_79b1) ^ (b >>> 15);
    b = Math.imul(b + word, 0x85eb_ca77) ^ (c >>> 13);
    c = Math.imul(c ^ a, 0xc2b2_ae3d) ^ (d >>> 16);
    d = Math.imul(d + b, 0x27d4_eb2f) ^ (a >>> 14);
  }
  for (let index = length & ~3; index < length; index++) {
    a = Math.imul(a ^ (bytes[index] as number), 0x9e37_79b1);
    d = Math.imul(d + a, 0x27d4_eb2f) ^ (a >>> 14);
  }
  return { a: a ^ length, b, c, d };
}

function squeeze(state: MixState): number {
  let { a, b, c, d } = state;
  a = Math.imul(a ^ (a >>> 16) ^ d, 0x85eb_ca6b);
  b = Math.imul(b ^ (b >>> 13) ^ a, 0xc2b2_ae35);
  c = Math.imul(c ^ (c >>> 16) ^ b, 0x9e37_79b1);
  d = Math.imul(d ^ (d >>> 15) ^ c, 0x27d4_eb2f);
  state.a = a;
  state.b = b;
  state.c = c;
  state.d = d;
  return (a ^ b ^ c ^ d) >>> 0;
}

function wordAt(bytes: Uint8Array, index: number): number {
  return (
    (bytes[index] as number) |
    ((bytes[index + 1] as number) << 8) |
    ((bytes[index + 2] as number) << 16) |
    ((bytes[index + 3] as number) << 24)
  );
}

function putWord(bytes: Uint8Array, offset: number, word: number): void {
  bytes[offset] = word;
  bytes[offset + 1] = word >>> 8;
  bytes[offset + 2] = word >>> 16;
  bytes[offset + 3] = word >>> 24;
}
