/** BLS12-381 by `@noble/curves` (pure JavaScript, every runtime): the fallback, the light client's and the tests' second opinion.
 *  Byte-identical with bls_blst.ts; fifteen times slower, so no cluster runs on it. The library's default tag is the NUL
 *  ciphersuite's: every hash here names the POP one. */

import { bls12_381 } from "@noble/curves/bls12-381.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { assert } from "../types/assert.ts";
import { asciiBytes, concatBytes } from "../types/bytes.ts";
import type { BlsSignatureSet, BlsSuite } from "../types/suites.ts";
import {
  BLS_BATCH_RANDOM_BYTES,
  BLS_GROUP_ORDER,
  BLS_KEY_CACHE_MAX,
  BLS_PUBLIC_KEY_BYTES,
  BLS_SECRET_KEY_BYTES,
  BLS_SEED_BYTES_MIN,
  BLS_SIGNATURE_BYTES,
  BLS_SIGNATURE_DST,
  bigEndianToBigint,
  isBlsCompressed,
  isBlsSecretKey,
  possessionMessage,
} from "./bls_scalar.ts";
import { createKeyCache, type KeyCache } from "./key_cache.ts";

const G1 = bls12_381.G1.Point;
const G2 = bls12_381.G2.Point;
const Fp12 = bls12_381.fields.Fp12;
type G1Point = typeof G1.BASE;
type G2Point = typeof G2.BASE;

export function createNobleSuite(): BlsSuite {
  const keys = createKeyCache(BLS_KEY_CACHE_MAX, parsePublicKey);

  function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    return verifyAggregate(keys, { publicKeys: [publicKey], message, signature });
  }

  return {
    name: "noble",
    deriveSecretKey,
    isSecretKey: isBlsSecretKey,
    publicKeyOf,
    isPublicKey: (publicKey) => keys(publicKey) !== undefined,
    sign,
    verify,
    aggregate,
    verifyAggregate: (publicKeys, message, signature) => verifyAggregate(keys, { publicKeys, message, signature }),
    verifyBatch: (sets, randomBytes) => verifyBatch(keys, sets, randomBytes),
    provePossession: (secretKey) => sign(secretKey, possessionMessage(publicKeyOf(secretKey))),
    verifyPossession: (publicKey, proof) => verify(publicKey, possessionMessage(publicKey), proof),
  };
}

const KEYGEN_OUTPUT_BYTES = 48;

/** KeyGen with empty key_info: HKDF-SHA-256, hashing the salt again until the scalar is not zero. Draft section 2.3. */
function deriveSecretKey(seed: Uint8Array): Uint8Array {
  assert(seed.length >= BLS_SEED_BYTES_MIN, "KeyGen takes at least 32 bytes of seed");
  const input = concatBytes([seed, Uint8Array.of(0)]);
  const info = Uint8Array.of(0, KEYGEN_OUTPUT_BYTES);
  let salt = asciiBytes("BLS-SIG-KEYGEN-SALT-");
  let scalar = 0n;
  while (scalar === 0n) {
    salt = sha256(salt);
    scalar = bigEndianToBigint(expand(sha256, extract(sha256, input, salt), info, KEYGEN_OUTPUT_BYTES)) % BLS_GROUP_ORDER;
  }
  const secretKey = new Uint8Array(BLS_SECRET_KEY_BYTES);
  for (let index = 0; index < secretKey.length; index++) secretKey[index] = Number((scalar >> BigInt(8 * (31 - index))) & 0xffn);
  return secretKey;
}

function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  assert(isBlsSecretKey(secretKey), "a secret key is 32 bytes from 1 to r - 1");
  return G1.BASE.multiply(bigEndianToBigint(secretKey)).toBytes(true);
}

function sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
  assert(isBlsSecretKey(secretKey), "a secret key is 32 bytes from 1 to r - 1");
  return encodeSignature(hashToPoint(message).multiply(bigEndianToBigint(secretKey)));
}

function aggregate(signatures: readonly Uint8Array[]): Uint8Array | undefined {
  let sum = G2.ZERO;
  for (const bytes of signatures) {
    const signature = parseSignature(bytes);
    if (signature === undefined) return undefined;
    sum = sum.add(signature);
  }
  return signatures.length === 0 ? undefined : encodeSignature(sum);
}

/** e(Σ keys, H(message)) = e(g1, signature), where no argument is infinity. */
function verifyAggregate(keys: KeyCache<G1Point>, set: BlsSignatureSet): boolean {
  const statement = parseSet(keys, set);
  if (statement === undefined) return false;
  return isProductOne([
    { g1: statement.publicKey, g2: hashToPoint(set.message) },
    { g1: G1.BASE.negate(), g2: statement.signature },
  ]);
}

/** Π e(w·keys, H(message)) = e(g1, Σ w·signature) with a 127-bit odd weight w per set, so a false statement cannot cancel another. */
function verifyBatch(keys: KeyCache<G1Point>, sets: readonly BlsSignatureSet[], randomBytes: Uint8Array): boolean {
  assert(randomBytes.length === sets.length * BLS_BATCH_RANDOM_BYTES, "16 random bytes for each set");
  const pairs: PointPair[] = [];
  let sum = G2.ZERO;
  for (const [index, set] of sets.entries()) {
    const statement = parseSet(keys, set);
    if (statement === undefined) return false;
    const start = index * BLS_BATCH_RANDOM_BYTES;
    const weight = bigEndianToBigint(randomBytes.subarray(start, start + BLS_BATCH_RANDOM_BYTES)) | 1n;
    pairs.push({ g1: statement.publicKey.multiplyUnsafe(weight), g2: hashToPoint(set.message) });
    sum = sum.add(statement.signature.multiplyUnsafe(weight));
  }
  if (pairs.length === 0 || sum.is0()) return false;
  return isProductOne([...pairs, { g1: G1.BASE.negate(), g2: sum }]);
}

interface PointPair {
  readonly g1: G1Point;
  readonly g2: G2Point;
}

function isProductOne(pairs: readonly PointPair[]): boolean {
  return Fp12.eql(bls12_381.pairingBatch([...pairs]), Fp12.ONE);
}

/** The sum of the keys and the signature; undefined when something does not parse, is infinity, or no key is given. */
function parseSet(
  keys: KeyCache<G1Point>,
  { publicKeys, signature }: BlsSignatureSet,
): { readonly publicKey: G1Point; readonly signature: G2Point } | undefined {
  let sum = G1.ZERO;
  for (const bytes of publicKeys) {
    const key = keys(bytes);
    if (key === undefined) return undefined;
    sum = sum.add(key);
  }
  const parsed = parseSignature(signature);
  if (parsed === undefined || parsed.is0() || sum.is0()) return undefined;
  return { publicKey: sum, signature: parsed };
}

function hashToPoint(message: Uint8Array): G2Point {
  return bls12_381.longSignatures.hash(message, BLS_SIGNATURE_DST);
}

/** `fromBytes` checks curve and subgroup; infinity, which it accepts, is refused. */
function parsePublicKey(bytes: Uint8Array): G1Point | undefined {
  if (!isBlsCompressed(bytes, BLS_PUBLIC_KEY_BYTES)) return undefined;
  try {
    const point = G1.fromBytes(bytes);
    return point.is0() ? undefined : point;
  } catch {
    return undefined;
  }
}

/** Subgroup-checked; infinity parses. */
function parseSignature(bytes: Uint8Array): G2Point | undefined {
  if (!isBlsCompressed(bytes, BLS_SIGNATURE_BYTES)) return undefined;
  try {
    return bls12_381.longSignatures.Signature.fromBytes(bytes);
  } catch {
    return undefined;
  }
}

/** A sum may be infinity in a projective form that the library does not encode; its encoding is the flag alone. */
function encodeSignature(point: G2Point): Uint8Array {
  if (!point.is0()) return bls12_381.longSignatures.Signature.toBytes(point);
  const infinity = new Uint8Array(BLS_SIGNATURE_BYTES);
  infinity[0] = 0xc0;
  return infinity;
}
