/** Deterministic doubles of the signature suites for simulation: thousands of times faster than the curves, same laws.
 *  A BLS signature here is magic ‖ 23 words derived from SHA-256(secret key ‖ message); aggregation adds word by word
 *  modulo 2^32, so it is associative and independent of order, exactly as adding curve points is. A check needs the secret
 *  keys, which the suite remembers from `deriveSecretKey` and `publicKeyOf`; a key that it never saw verifies nothing.
 *  Never used outside tests: whoever holds the suite could sign for everybody. */

import { sha256 } from "../../crypto/hashes.ts";
import { bytesEqual, concatBytes, toHex } from "../../types/bytes.ts";
import type { BlsSuite, VerifyEd25519 } from "../../types/suites.ts";

const SIGNATURE_BYTES = 96;
const MAGIC = 0x5ea1_57e1;
const WORDS = SIGNATURE_BYTES / 4 - 1;
const EXPECTED_MAX = 20_000;

export interface FastBls extends BlsSuite {
  /** How often each check ran, for tests on cost (R11). */
  readonly counts: { verify: number; verifyAggregate: number; aggregate: number };
}

export function createFastBls(): FastBls {
  const secretKeys = new Map<string, Uint8Array>();
  const expected = new Map<string, Uint32Array>();
  const counts = { verify: 0, verifyAggregate: 0, aggregate: 0 };

  function publicKeyOf(secretKey: Uint8Array): Uint8Array {
    const publicKey = concatBytes([sha256(concatBytes([Uint8Array.of(1), secretKey])), new Uint8Array(16).fill(0xb1)]);
    secretKeys.set(toHex(publicKey), secretKey);
    return publicKey;
  }

  function wordsOf(secretKey: Uint8Array, message: Uint8Array): Uint32Array {
    const digest = sha256(concatBytes([secretKey, message]));
    const key = toHex(digest);
    const known = expected.get(key);
    if (known !== undefined) return known;
    const blocks = [0, 1, 2].map((block) => sha256(concatBytes([digest, Uint8Array.of(block)])));
    const words = new Uint32Array(concatBytes(blocks).buffer, 0, WORDS);
    if (expected.size >= EXPECTED_MAX) expected.clear();
    expected.set(key, words);
    return words;
  }

  function holds(publicKeys: readonly Uint8Array[], message: Uint8Array, signature: Uint8Array): boolean {
    const words = parse(signature);
    if (publicKeys.length === 0 || words === undefined) return false;
    const sum = new Uint32Array(WORDS);
    for (const publicKey of publicKeys) {
      const secretKey = secretKeys.get(toHex(publicKey));
      if (secretKey === undefined) return false;
      add(sum, wordsOf(secretKey, message));
    }
    return sum.every((word, index) => word === words[index]);
  }

  return {
    name: "fast",
    counts,
    deriveSecretKey: (seed) => sha256(concatBytes([Uint8Array.of(0), seed])),
    isSecretKey: (secretKey) => secretKey.length === 32,
    publicKeyOf,
    isPublicKey: (publicKey) => secretKeys.has(toHex(publicKey)),
    sign: (secretKey, message) => serialize(wordsOf(secretKey, message)),
    verify(publicKey, message, signature) {
      counts.verify++;
      return holds([publicKey], message, signature);
    },
    aggregate(signatures) {
      counts.aggregate++;
      const sum = new Uint32Array(WORDS);
      for (const signature of signatures) {
        const words = parse(signature);
        if (words === undefined) return undefined;
        add(sum, words);
      }
      return signatures.length === 0 ? undefined : serialize(sum);
    },
    verifyAggregate(publicKeys, message, signature) {
      counts.verifyAggregate++;
      return holds(publicKeys, message, signature);
    },
    verifyBatch: (sets) => sets.length > 0 && sets.every((set) => holds(set.publicKeys, set.message, set.signature)),
    provePossession: (secretKey) => serialize(wordsOf(secretKey, publicKeyOf(secretKey))),
    verifyPossession: (publicKey, proof) => holds([publicKey], publicKey, proof),
  };
}

/** Ed25519's double: 64 bytes of SHA-256 over secret key and message; the same rule of remembered keys. */
export function createFastEd25519(): {
  publicKeyOf(secretKey: Uint8Array): Uint8Array;
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  readonly verify: VerifyEd25519;
} {
  const secretKeys = new Map<string, Uint8Array>();
  const sign = (secretKey: Uint8Array, message: Uint8Array): Uint8Array => {
    const first = sha256(concatBytes([Uint8Array.of(2), secretKey, message]));
    return concatBytes([first, sha256(first)]);
  };
  return {
    publicKeyOf(secretKey) {
      const publicKey = sha256(concatBytes([Uint8Array.of(3), secretKey]));
      secretKeys.set(toHex(publicKey), secretKey);
      return publicKey;
    },
    sign,
    verify(publicKey, message, signature) {
      const secretKey = secretKeys.get(toHex(publicKey));
      return secretKey !== undefined && bytesEqual(sign(secretKey, message), signature);
    },
  };
}

function add(sum: Uint32Array, words: Uint32Array): void {
  for (let index = 0; index < WORDS; index++) sum[index] = ((sum[index] as number) + (words[index] as number)) >>> 0;
}

function parse(signature: Uint8Array): Uint32Array | undefined {
  if (signature.length !== SIGNATURE_BYTES) return undefined;
  const view = new DataView(signature.buffer, signature.byteOffset, SIGNATURE_BYTES);
  if (view.getUint32(0, true) !== MAGIC) return undefined;
  const words = Uint32Array.from({ length: WORDS }, (_, index) => view.getUint32(4 * (index + 1), true));
  return words.some((word) => word !== 0) ? words : undefined;
}

function serialize(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(SIGNATURE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  for (let index = 0; index < WORDS; index++) view.setUint32(4 * (index + 1), words[index] as number, true);
  return bytes;
}
