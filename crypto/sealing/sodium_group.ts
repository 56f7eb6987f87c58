/** ristretto255, SHA-512 and ChaCha20-Poly1305 by libsodium in WebAssembly: what validators run, on Node and Deno. The instance is handed in ready
 *  (node/sodium.ts), since a pure folder cannot wait for WebAssembly. Points and scalars are their canonical bytes, never changed.
 *  The library frees what it copied of a secret into its memory without wiping it. */

import { assert } from "../../types/assert.ts";
import { SEALING_SIZES, SEALING_SUITES } from "../../types/sealing.ts";
import type { Group } from "./group.ts";

/** The functions of `libsodium-wrappers-sumo` that are used, and no others. */
export interface SodiumModule {
  crypto_core_ristretto255_add(left: Uint8Array, right: Uint8Array): Uint8Array;
  crypto_core_ristretto255_sub(left: Uint8Array, right: Uint8Array): Uint8Array;
  crypto_core_ristretto255_from_hash(hash: Uint8Array): Uint8Array;
  crypto_core_ristretto255_is_valid_point(bytes: Uint8Array): boolean;
  crypto_core_ristretto255_scalar_add(left: Uint8Array, right: Uint8Array): Uint8Array;
  crypto_core_ristretto255_scalar_sub(left: Uint8Array, right: Uint8Array): Uint8Array;
  crypto_core_ristretto255_scalar_mul(left: Uint8Array, right: Uint8Array): Uint8Array;
  crypto_core_ristretto255_scalar_invert(scalar: Uint8Array): Uint8Array;
  crypto_core_ristretto255_scalar_reduce(hash: Uint8Array): Uint8Array;
  crypto_scalarmult_ristretto255(scalar: Uint8Array, point: Uint8Array): Uint8Array;
  crypto_scalarmult_ristretto255_base(scalar: Uint8Array): Uint8Array;
  crypto_hash_sha512(message: Uint8Array): Uint8Array;
  crypto_aead_chacha20poly1305_ietf_encrypt(
    message: Uint8Array,
    associated: Uint8Array,
    secretNonce: null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): Uint8Array;
  crypto_aead_chacha20poly1305_ietf_decrypt(
    secretNonce: null,
    ciphertext: Uint8Array,
    associated: Uint8Array,
    nonce: Uint8Array,
    key: Uint8Array,
  ): Uint8Array;
}

/** ℓ = 2^252 + 27742317777372353535851937790883648493, little-endian. RFC 9496 §4. */
const ORDER = Uint8Array.of(
  ...[0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10],
);
const NONCE = new Uint8Array(12);
const IDENTITY = new Uint8Array(SEALING_SIZES.point);
/** More additions than this cost more than a multiplication (25 and 120 microseconds). */
const ADDITIONS_MAX = 4;

export function createSodiumGroup(sodium: SodiumModule): Group<Uint8Array, Uint8Array> {
  /** The library refuses to give out the identity, which is what zero times a point is. */
  const multiply = (point: Uint8Array, scalar: Uint8Array): Uint8Array =>
    isZero(scalar) || isZero(point) ? IDENTITY : sodium.crypto_scalarmult_ristretto255(scalar, point);
  const multiplyBase = (scalar: Uint8Array): Uint8Array => (isZero(scalar) ? IDENTITY : sodium.crypto_scalarmult_ristretto255_base(scalar));
  const add = (left: Uint8Array, right: Uint8Array): Uint8Array => sodium.crypto_core_ristretto255_add(left, right);

  return {
    name: "sodium",
    suite: SEALING_SUITES.tdh2Ristretto255,

    parseScalar: (bytes) => (isCanonicalScalar(bytes) ? bytes : undefined),
    encodeScalar: (scalar) => scalar,
    scalarFromHash: (hash) => sodium.crypto_core_ristretto255_scalar_reduce(hash),
    scalarOf: smallScalar,
    addScalars: (left, right) => sodium.crypto_core_ristretto255_scalar_add(left, right),
    subtractScalars: (left, right) => sodium.crypto_core_ristretto255_scalar_sub(left, right),
    multiplyScalars: (left, right) => sodium.crypto_core_ristretto255_scalar_mul(left, right),
    invertScalar: (scalar) => sodium.crypto_core_ristretto255_scalar_invert(scalar),

    parsePoint(bytes) {
      if (bytes.length !== SEALING_SIZES.point || isZero(bytes)) return undefined;
      return sodium.crypto_core_ristretto255_is_valid_point(bytes) ? bytes : undefined;
    },
    encodePoint: (point) => point,
    pointFromHash: (hash) => sodium.crypto_core_ristretto255_from_hash(hash),
    add,
    subtract: (left, right) => sodium.crypto_core_ristretto255_sub(left, right),
    multiplyBase,
    multiply,
    multiplyPublic: multiply,
    multiplySmall(point, factor) {
      const bits = factor.toString(2);
      const additions = bits.length - 1 + bits.replaceAll("0", "").length - 1;
      if (additions > ADDITIONS_MAX) return multiply(point, smallScalar(factor));
      let product = point;
      for (const bit of bits.slice(1)) {
        product = add(product, product);
        if (bit === "1") product = add(product, point);
      }
      return product;
    },
    combinePublic(points, scalars) {
      let sum: Uint8Array | undefined;
      for (const [index, point] of points.entries()) {
        const term = multiply(point, scalars[index] as Uint8Array);
        sum = sum === undefined ? term : add(sum, term);
      }
      assert(sum !== undefined, "a sum has at least one term");
      return sum;
    },

    hash: (bytes) => sodium.crypto_hash_sha512(bytes),
    encrypt: ({ key, associated, text }) => sodium.crypto_aead_chacha20poly1305_ietf_encrypt(text, associated, null, NONCE, key),
    decrypt({ key, associated, text }) {
      if (text.length < SEALING_SIZES.tag) return undefined;
      try {
        return sodium.crypto_aead_chacha20poly1305_ietf_decrypt(null, text, associated, NONCE, key);
      } catch {
        // The library's way to say that the tag does not fit.
        return undefined;
      }
    },
  };
}

function smallScalar(value: number): Uint8Array {
  const bytes = new Uint8Array(SEALING_SIZES.scalar);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Looks at all bytes whatever they are: scalars are often secret. */
function isZero(bytes: Uint8Array): boolean {
  let seen = 0;
  for (let index = 0; index < bytes.length; index++) seen |= bytes[index] as number;
  return seen === 0;
}

/** Below ℓ: the borrow of the subtraction, without branches on the bytes. */
function isCanonicalScalar(bytes: Uint8Array): boolean {
  if (bytes.length !== SEALING_SIZES.scalar) return false;
  let borrow = 0;
  for (let index = 0; index < ORDER.length; index++) borrow = (((bytes[index] as number) - (ORDER[index] as number) - borrow) >> 8) & 1;
  return borrow === 1;
}
