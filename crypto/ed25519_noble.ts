/** Ed25519 by `@noble/curves` (pure JavaScript, every runtime): for browsers and the edge, and the second opinion in tests.
 *  Same answers as ed25519_sodium.ts. The library's own `verify` multiplies by the cofactor and would accept mixed-order
 *  signatures that libsodium refuses, so the cofactorless equation is computed here. */

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { assert } from "../types/assert.ts";
import { bytesEqual, concatBytes } from "../types/bytes.ts";
import type { VerifyEd25519 } from "../types/suites.ts";
import { ED25519_SEED_BYTES, isEd25519InputStrict } from "./ed25519_point.ts";

const Point = ed25519.Point;

/** encode(S·B − k·A) = R with k = SHA-512(R ‖ A ‖ M) mod L. R is compared as bytes, so it is never decoded. RFC 8032 §5.1.7. */
export const verifyEd25519: VerifyEd25519 = (publicKey, message, signature) => {
  if (!isEd25519InputStrict(publicKey, signature)) return false;
  const key = parsePoint(publicKey);
  if (key === undefined) return false;
  const nonce = signature.subarray(0, 32);
  const challenge = littleEndianToBigint(sha512(concatBytes([nonce, publicKey, message]))) % Point.Fn.ORDER;
  const response = littleEndianToBigint(signature.subarray(32));
  const expected = Point.BASE.multiplyUnsafe(response).subtract(key.multiplyUnsafe(challenge));
  return bytesEqual(expected.toBytes(), nonce);
};

/** Signs with a 32-byte seed (RFC 8032 private key); 64 bytes. */
export function signEd25519(seed: Uint8Array, message: Uint8Array): Uint8Array {
  assert(seed.length === ED25519_SEED_BYTES, "an Ed25519 seed is 32 bytes");
  return ed25519.sign(message, seed);
}

export function ed25519PublicKeyOf(seed: Uint8Array): Uint8Array {
  assert(seed.length === ED25519_SEED_BYTES, "an Ed25519 seed is 32 bytes");
  return ed25519.getPublicKey(seed);
}

/** The bytes are canonical already; about half of all y coordinates are on the curve, the library throws on the others. */
function parsePoint(bytes: Uint8Array): typeof Point.BASE | undefined {
  try {
    return Point.fromBytes(bytes, false);
  } catch {
    return undefined;
  }
}

function littleEndianToBigint(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index] as number);
  return value;
}
