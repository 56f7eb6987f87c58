/** Deterministic doubles of the signature suites for simulation: a thousand times faster than the curves, same laws.
 *  A BLS signature here is magic ‖ 23 words mixed from the secret key and the message; aggregation adds word by word
 *  modulo 2^32, so it is associative and independent of order, exactly as adding curve points is. A check needs the secret
 *  keys, which the suite remembers from `publicKeyOf`; a key that it never saw verifies nothing, and nobody without a validator's
 *  secret key finds a signature that passes for it, unless by trying 2^96 of them.
 *  Never used outside simulation and tests: whoever holds the suite could sign for everybody. */

import { sha256 } from "../../crypto/hashes.ts";
import { bytesEqual, concatBytes, toHex } from "../../types/bytes.ts";
import type { BlsSuite, VerifyEd25519 } from "../../types/suites.ts";

const SIGNATURE_BYTES = 96;
const ED25519_SIGNATURE_BYTES = 64;
const MAGIC = 0x5ea1_57e1;
const WORDS = SIGNATURE_BYTES / 4 - 1;
const ED25519_WORDS = ED25519_SIGNATURE_BYTES / 4;

export interface FastBls extends BlsSuite {
  /** How often each check ran, for tests on cost (R11). */
  readonly counts: { verify: number; verifyAggregate: number; aggregate: number };
}

export function createFastBls(): FastBls {
  const keys = createKeyRing();
  const counts = { verify: 0, verifyAggregate: 0, aggregate: 0 };
  const sum = new Uint32Array(WORDS);
  const words = new Uint32Array(WORDS);

  function publicKeyOf(secretKey: Uint8Array): Uint8Array {
    const publicKey = concatBytes([sha256(concatBytes([Uint8Array.of(1), secretKey])), new Uint8Array(16).fill(0xb1)]);
    keys.remember(publicKey, secretKey);
    return publicKey;
  }

  function holds(publicKeys: readonly Uint8Array[], message: Uint8Array, signature: Uint8Array): boolean {
    const view = viewOf(signature);
    if (publicKeys.length === 0 || view === undefined) return false;
    sum.fill(0);
    for (const publicKey of publicKeys) {
      const secret = keys.secretOf(publicKey);
      if (secret === undefined) return false;
      mixInto(words, secret, message);
      for (let index = 0; index < WORDS; index++) sum[index] = ((sum[index] as number) + (words[index] as number)) >>> 0;
    }
    for (let index = 0; index < WORDS; index++) if (view.getUint32(4 * (index + 1), true) !== sum[index]) return false;
    return true;
  }

  function sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
    mixInto(words, stateOf(secretKey), message);
    return serialize(words);
  }

  return {
    name: "fast",
    counts,
    deriveSecretKey: (seed) => sha256(concatBytes([Uint8Array.of(0), seed])),
    isSecretKey: (secretKey) => secretKey.length === 32,
    publicKeyOf,
    isPublicKey: (publicKey) => keys.secretOf(publicKey) !== undefined,
    sign,
    verify(publicKey, message, signature) {
      counts.verify++;
      return holds([publicKey], message, signature);
    },
    aggregate(signatures) {
      counts.aggregate++;
      sum.fill(0);
      for (const signature of signatures) {
        const view = viewOf(signature);
        if (view === undefined) return undefined;
        for (let index = 0; index < WORDS; index++) sum[index] = ((sum[index] as number) + view.getUint32(4 * (index + 1), true)) >>> 0;
      }
      return signatures.length === 0 ? undefined : serialize(sum);
    },
    verifyAggregate(publicKeys, message, signature) {
      counts.verifyAggregate++;
      return holds(publicKeys, message, signature);
    },
    verifyBatch: (sets) => sets.length > 0 && sets.every((set) => holds(set.publicKeys, set.message, set.signature)),
    provePossession: (secretKey) => sign(secretKey, publicKeyOf(secretKey)),
    verifyPossession: (publicKey, proof) => holds([publicKey], publicKey, proof),
  };
}

/** Ed25519's double: 64 bytes mixed from secret key and message; the same rule of remembered keys. */
export function createFastEd25519(): {
  publicKeyOf(secretKey: Uint8Array): Uint8Array;
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  readonly verify: VerifyEd25519;
} {
  const keys = createKeyRing();
  const words = new Uint32Array(ED25519_WORDS);

  function signWith(secret: KeyState, message: Uint8Array): Uint8Array {
    mixInto(words, secret, message);
    const signature = new Uint8Array(ED25519_SIGNATURE_BYTES);
    const view = new DataView(signature.buffer);
    for (let index = 0; index < ED25519_WORDS; index++) view.setUint32(4 * index, words[index] as number, true);
    return signature;
  }

  return {
    publicKeyOf(secretKey) {
      const publicKey = sha256(concatBytes([Uint8Array.of(3), secretKey]));
      keys.remember(publicKey, secretKey);
      return publicKey;
    },
    sign: (secretKey, message) => signWith(stateOf(secretKey), message),
    verify(publicKey, message, signature) {
      const secret = keys.secretOf(publicKey);
      return secret !== undefined && bytesEqual(signWith(secret, message), signature);
    },
  };
}

/** The first 128 bits of a secret key, which seed the mixing. */
type KeyState = readonly [number, number, number, number];

interface KeyRing {
  remember(publicKey: Uint8Array, secretKey: Uint8Array): void;
  secretOf(publicKey: Uint8Array): KeyState | undefined;
}

function createKeyRing(): KeyRing {
  const secrets = new Map<string, KeyState>();
  const byIdentity = new WeakMap<Uint8Array, KeyState>();
  return {
    remember: (publicKey, secretKey) => secrets.set(toHex(publicKey), stateOf(secretKey)),
    secretOf(publicKey) {
      const known = byIdentity.get(publicKey);
      if (known !== undefined) return known;
      const found = secrets.get(toHex(publicKey));
      // Keys of a validator set are the same arrays all along; callers never write to them.
      if (found !== undefined) byIdentity.set(publicKey, found);
      return found;
    },
  };
}

function stateOf(secretKey: Uint8Array): KeyState {
  const view = new DataView(secretKey.buffer, secretKey.byteOffset, secretKey.length);
  return [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)];
}

/** Fills `words` from key and message: four lanes of 32 bits take the message in and are then squeezed. */
function mixInto(words: Uint32Array, secret: KeyState, message: Uint8Array): void {
  let [a, b, c, d] = secret;
  const { length } = message;
  for (let index = 0; index + 3 < length; index += 4) {
    const word =
      (message[index] as number) |
      ((message[index + 1] as number) << 8) |
      ((message[index + 2] as number) << 16) |
      ((message[index + 3] as number) << 24);
    a = Math.imul(a ^ word, 0x9e37_79b1) ^ (b >>> 15);
    b = Math.imul(b + word, 0x85eb_ca77) ^ (c >>> 13);
    c = Math.imul(c ^ a, 0xc2b2_ae3d) ^ (d >>> 16);
    d = Math.imul(d + b, 0x27d4_eb2f) ^ (a >>> 14);
  }
  for (let index = length & ~3; index < length; index++) {
    a = Math.imul(a ^ (message[index] as number), 0x9e37_79b1);
    d = Math.imul(d + a, 0x27d4_eb2f) ^ (a >>> 14);
  }
  a ^= length;
  for (let index = 0; index < words.length; index++) {
    a = Math.imul(a ^ (a >>> 16) ^ d, 0x85eb_ca6b);
    b = Math.imul(b ^ (b >>> 13) ^ a, 0xc2b2_ae35);
    c = Math.imul(c ^ (c >>> 16) ^ b, 0x9e37_79b1);
    d = Math.imul(d ^ (d >>> 15) ^ c, 0x27d4_eb2f);
    words[index] = (a ^ b ^ c ^ d) >>> 0;
  }
}

/** The view of a well-formed signature; undefined for any other bytes, among them the empty sum ("infinity"). */
function viewOf(signature: Uint8Array): DataView | undefined {
  if (signature.length !== SIGNATURE_BYTES) return undefined;
  const view = new DataView(signature.buffer, signature.byteOffset, SIGNATURE_BYTES);
  if (view.getUint32(0, true) !== MAGIC) return undefined;
  for (let index = 1; index <= WORDS; index++) if (view.getUint32(4 * index, true) !== 0) return view;
  return undefined;
}

function serialize(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(SIGNATURE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  for (let index = 0; index < WORDS; index++) view.setUint32(4 * (index + 1), words[index] as number, true);
  return bytes;
}
