/** ristretto255 by `@noble/curves`, SHA-512 by `@noble/hashes`, ChaCha20-Poly1305 by `@noble/ciphers`: pure JavaScript, every runtime. For browsers
 *  and the edge, and the second opinion in tests. Its arithmetic is bigint, so secret-dependent time is only lessened, not excluded:
 *  validators run the other one (sodium_group.ts). */

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { pippenger } from "@noble/curves/abstract/curve.js";
import { ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { SEALING_SIZES, SEALING_SUITES } from "../../types/sealing.ts";
import type { Group } from "./group.ts";

const { Point } = ristretto255;
const { Fn } = Point;

export type NoblePoint = typeof Point.BASE;

const NONCE = new Uint8Array(12);
const ZERO_POINT = new Uint8Array(SEALING_SIZES.point);

export const nobleGroup: Group<NoblePoint, bigint> = {
  name: "noble",
  suite: SEALING_SUITES.tdh2Ristretto255,

  parseScalar(bytes) {
    if (bytes.length !== SEALING_SIZES.scalar) return undefined;
    const value = littleEndian(bytes);
    return value < Fn.ORDER ? value : undefined;
  },
  encodeScalar: (scalar) => Fn.toBytes(scalar),
  scalarFromHash: (hash) => Fn.create(littleEndian(hash)),
  scalarOf: (value) => BigInt(value),
  addScalars: (left, right) => Fn.add(left, right),
  subtractScalars: (left, right) => Fn.sub(left, right),
  multiplyScalars: (left, right) => Fn.mul(left, right),
  invertScalar: (scalar) => Fn.inv(scalar),

  parsePoint(bytes) {
    if (bytes.length !== SEALING_SIZES.point) return undefined;
    try {
      const point = Point.fromBytes(bytes);
      return point.is0() ? undefined : point;
    } catch {
      // The library's way to say that the bytes are no canonical encoding.
      return undefined;
    }
  },
  encodePoint: (point) => (point.is0() ? ZERO_POINT.slice() : point.toBytes()),
  pointFromHash: (hash) => deriveToCurve(hash),
  add: (left, right) => left.add(right),
  subtract: (left, right) => left.subtract(right),
  multiplyBase: (scalar) => multiply(Point.BASE, scalar),
  multiply,
  multiplyPublic: (point, scalar) => point.multiplyUnsafe(scalar),
  multiplySmall: (point, factor) => point.multiplyUnsafe(BigInt(factor)),
  combinePublic: (points, scalars) => pippenger(Point, [...points], [...scalars]),

  hash: (bytes) => sha512(bytes),
  encrypt: ({ key, associated, text }) => chacha20poly1305(key, NONCE, associated).encrypt(text),
  decrypt({ key, associated, text }) {
    if (text.length < SEALING_SIZES.tag) return undefined;
    try {
      return chacha20poly1305(key, NONCE, associated).decrypt(text);
    } catch {
      // The library's way to say that the tag does not fit.
      return undefined;
    }
  },
};

/** The library refuses zero in its constant-time ladder. */
function multiply(point: NoblePoint, scalar: bigint): NoblePoint {
  return scalar === 0n ? Point.ZERO : point.multiply(scalar);
}

function deriveToCurve(hash: Uint8Array): NoblePoint {
  const derive = ristretto255_hasher.deriveToCurve;
  if (derive === undefined) throw new Error("the library derives ristretto255 elements");
  return derive(hash);
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index] as number);
  return value;
}
