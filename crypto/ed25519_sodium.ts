/** Ed25519 by libsodium (native, Node and Deno): the verifier that validators run. The rule of ed25519_point.ts comes first. */

import sodium from "sodium-native";
import { assert } from "../types/assert.ts";
import type { VerifyEd25519 } from "../types/suites.ts";
import { ED25519_PUBLIC_KEY_BYTES, ED25519_SEED_BYTES, ED25519_SIGNATURE_BYTES, isEd25519InputStrict } from "./ed25519_point.ts";

/** Views of a SharedArrayBuffer are accepted and copied first, so another thread cannot change them between rule and check. */
export const verifyEd25519: VerifyEd25519 = (publicKey, message, signature) => {
  const key = unshared(publicKey);
  const proof = unshared(signature);
  if (!isEd25519InputStrict(key, proof)) return false;
  const verdict: unknown = sodium.crypto_sign_verify_detached(asBuffer(proof), asBuffer(unshared(message)), asBuffer(key));
  assert(typeof verdict === "boolean", "the native verifier answered");
  return verdict;
};

/** Signs with a 32-byte seed (RFC 8032 private key); 64 bytes. */
export function signEd25519(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return createEd25519Signer(seed)(message);
}

/** Signs many messages with one seed: the key pair is derived once. */
export function createEd25519Signer(seed: Uint8Array): (message: Uint8Array) => Uint8Array {
  const { secretKey } = keyPairOf(seed);
  return (message) => {
    const signature = new Uint8Array(ED25519_SIGNATURE_BYTES);
    sodium.crypto_sign_detached(asBuffer(signature), asBuffer(unshared(message)), asBuffer(secretKey));
    return signature;
  };
}

export function ed25519PublicKeyOf(seed: Uint8Array): Uint8Array {
  return keyPairOf(seed).publicKey;
}

function keyPairOf(seed: Uint8Array): { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array } {
  assert(seed.length === ED25519_SEED_BYTES, "an Ed25519 seed is 32 bytes");
  const publicKey = new Uint8Array(ED25519_PUBLIC_KEY_BYTES);
  const secretKey = new Uint8Array(2 * ED25519_SEED_BYTES);
  sodium.crypto_sign_seed_keypair(asBuffer(publicKey), asBuffer(secretKey), asBuffer(unshared(seed)));
  return { publicKey, secretKey };
}

/** N-API on Deno answers nothing for views of shared memory; a private copy is also immune to a concurrent writer. */
function unshared(bytes: Uint8Array): Uint8Array {
  return bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
}

/** The typings ask for Buffer, the binding takes any Uint8Array. */
function asBuffer(bytes: Uint8Array): Parameters<typeof sodium.crypto_sign_verify_detached>[0] {
  return bytes as Parameters<typeof sodium.crypto_sign_verify_detached>[0];
}
