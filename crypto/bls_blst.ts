/** BLS12-381 by `@chainsafe/blst` (native): the suite that validators run. Byte-identical with bls_noble.ts.
 *  The library throws on bytes that are no point; a peer chooses those, so here they become false or undefined. */

import {
  aggregatePublicKeys,
  aggregateSignatures,
  fastAggregateVerify,
  PublicKey,
  SecretKey,
  Signature,
  verifyMultipleAggregateSignatures,
  verify as verifyOne,
} from "@chainsafe/blst";
import { assert } from "../types/assert.ts";
import type { BlsSignatureSet, BlsSuite } from "../types/suites.ts";
import {
  BLS_BATCH_RANDOM_BYTES,
  BLS_KEY_CACHE_MAX,
  BLS_PUBLIC_KEY_BYTES,
  BLS_SEED_BYTES_MIN,
  BLS_SIGNATURE_BYTES,
  isBlsCompressed,
  isBlsSecretKey,
  possessionMessage,
} from "./bls_scalar.ts";
import { createKeyCache, type KeyCache } from "./key_cache.ts";

export function createBlstSuite(): BlsSuite {
  const keys = createKeyCache(BLS_KEY_CACHE_MAX, parsePublicKey);

  function publicKeyOf(secretKey: Uint8Array): Uint8Array {
    return parseSecretKey(secretKey).toPublicKey().toBytes();
  }

  function sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
    return parseSecretKey(secretKey).sign(message).toBytes();
  }

  function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    const key = keys(publicKey);
    const parsed = parseSignature(signature);
    return key !== undefined && parsed !== undefined && verifyOne(message, key, parsed, false, false);
  }

  return {
    name: "blst",
    deriveSecretKey(seed) {
      assert(seed.length >= BLS_SEED_BYTES_MIN, "KeyGen takes at least 32 bytes of seed");
      return SecretKey.fromKeygen(seed).toBytes();
    },
    isSecretKey: isBlsSecretKey,
    publicKeyOf,
    isPublicKey: (publicKey) => keys(publicKey) !== undefined,
    sign,
    verify,
    aggregate,
    verifyAggregate(publicKeys, message, signature) {
      const parsedKeys = parseAll(keys, publicKeys);
      const parsed = parseSignature(signature);
      return parsedKeys !== undefined && parsed !== undefined && fastAggregateVerify(message, parsedKeys, parsed, false);
    },
    verifyBatch: (sets, randomBytes) => verifyBatch(keys, sets, randomBytes),
    provePossession: (secretKey) => sign(secretKey, possessionMessage(publicKeyOf(secretKey))),
    verifyPossession: (publicKey, proof) => verify(publicKey, possessionMessage(publicKey), proof),
  };
}

function aggregate(signatures: readonly Uint8Array[]): Uint8Array | undefined {
  const parsed: Signature[] = [];
  for (const bytes of signatures) {
    const signature = parseSignature(bytes);
    if (signature === undefined) return undefined;
    parsed.push(signature);
  }
  return parsed.length === 0 ? undefined : aggregateSignatures(parsed, false).toBytes();
}

/** One multi-pairing. The native call draws its own 64-bit weights, so `randomBytes` are only counted here: the verdict is a
 *  function of the sets alone, except that a forged batch passes with probability 2^-64. */
function verifyBatch(keys: KeyCache<PublicKey>, sets: readonly BlsSignatureSet[], randomBytes: Uint8Array): boolean {
  assert(randomBytes.length === sets.length * BLS_BATCH_RANDOM_BYTES, "16 random bytes for each set");
  const parsed: { msg: Uint8Array; pk: PublicKey; sig: Signature }[] = [];
  for (const { publicKeys, message, signature } of sets) {
    const parsedKeys = parseAll(keys, publicKeys);
    const sig = parseSignature(signature);
    if (parsedKeys === undefined || sig === undefined) return false;
    parsed.push({ msg: message, pk: aggregatePublicKeys(parsedKeys, false), sig });
  }
  return parsed.length > 0 && verifyMultipleAggregateSignatures(parsed, false, false);
}

/** Undefined for an empty list and when one key is refused. */
function parseAll(keys: KeyCache<PublicKey>, publicKeys: readonly Uint8Array[]): PublicKey[] | undefined {
  const parsed: PublicKey[] = [];
  for (const bytes of publicKeys) {
    const key = keys(bytes);
    if (key === undefined) return undefined;
    parsed.push(key);
  }
  return parsed.length === 0 ? undefined : parsed;
}

function parseSecretKey(bytes: Uint8Array): SecretKey {
  assert(isBlsSecretKey(bytes), "a secret key is 32 bytes from 1 to r - 1");
  return SecretKey.fromBytes(bytes);
}

/** Subgroup-checked; infinity is refused. */
function parsePublicKey(bytes: Uint8Array): PublicKey | undefined {
  if (!isBlsCompressed(bytes, BLS_PUBLIC_KEY_BYTES)) return undefined;
  try {
    return PublicKey.fromBytes(bytes, true);
  } catch {
    return undefined;
  }
}

/** Subgroup-checked; infinity parses (it is the neutral element of `aggregate`) and can verify under no single key. */
function parseSignature(bytes: Uint8Array): Signature | undefined {
  if (!isBlsCompressed(bytes, BLS_SIGNATURE_BYTES)) return undefined;
  try {
    return Signature.fromBytes(bytes, true, false);
  } catch {
    return undefined;
  }
}
