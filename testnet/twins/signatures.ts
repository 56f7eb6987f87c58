/** Signatures that are remembered, not computed: four bytes name an entry of who signed what. A check compares the entry with
 *  the claim, so nothing passes that was not signed; nobody without the suite makes a new entry. Cheaper than any arithmetic,
 *  and only of use where all instances share one memory and signatures never travel as bytes of a fixed length.
 *  Entries live until `forget`, which begins a scenario. */

import { assert } from "../../types/assert.ts";
import { bytesEqual } from "../../types/bytes.ts";
import type { BlsSuite, VerifyEd25519 } from "../../types/suites.ts";

export interface RememberedSignatures {
  /** What the consensus core needs of a BLS suite. */
  readonly bls: BlsSuite;
  readonly verifyEd25519: VerifyEd25519;
  /** Signs with the key of the validator whose public keys `publicKeysOf` gave. */
  sign(validator: number, message: Uint8Array): Uint8Array;
  forget(): void;
}

/** BLS public keys are 48 bytes and Ed25519 public keys 32; the first byte of each is the validator. */
export const blsPublicKeyOf = (validator: number): Uint8Array => new Uint8Array(48).fill(validator, 0, 1);
export const ed25519PublicKeyOf = (validator: number): Uint8Array => new Uint8Array(32).fill(validator, 0, 1);

/** Who signed, as the bits of validators, and what. Only signatures of one message are aggregated. */
interface Entry {
  readonly signers: number;
  readonly message: Uint8Array;
}

export function createRememberedSignatures(): RememberedSignatures {
  const entries: Entry[] = [];

  function enter(entry: Entry): Uint8Array {
    const number = entries.push(entry) - 1;
    return Uint8Array.of(number, number >> 8, number >> 16, number >> 24);
  }

  const entryOf = (signature: Uint8Array): Entry | undefined =>
    entries[
      (signature[0] as number) | ((signature[1] as number) << 8) | ((signature[2] as number) << 16) | ((signature[3] as number) << 24)
    ];

  function holds(signers: number, message: Uint8Array, signature: Uint8Array): boolean {
    const entry = entryOf(signature);
    return entry !== undefined && entry.signers === signers && (entry.message === message || bytesEqual(entry.message, message));
  }

  const signerOf = (publicKey: Uint8Array): number => 1 << (publicKey[0] as number);

  const bls: BlsSuite = {
    name: "remembered",
    deriveSecretKey: unused,
    isSecretKey: unused,
    publicKeyOf: unused,
    isPublicKey: unused,
    sign: unused,
    verify: (publicKey, message, signature) => holds(signerOf(publicKey), message, signature),
    aggregate(signatures) {
      let entry: Entry | undefined;
      for (const signature of signatures) {
        const next = entryOf(signature);
        const isAlike = entry === undefined || next === undefined || bytesEqual(entry.message, next.message);
        if (next === undefined || !isAlike || ((entry?.signers ?? 0) & next.signers) !== 0) return undefined;
        entry = { signers: (entry?.signers ?? 0) | next.signers, message: next.message };
      }
      return entry === undefined ? undefined : enter(entry);
    },
    verifyAggregate(publicKeys, message, signature) {
      let signers = 0;
      for (const publicKey of publicKeys) signers |= signerOf(publicKey);
      return signers !== 0 && holds(signers, message, signature);
    },
    verifyBatch: unused,
    provePossession: unused,
    verifyPossession: unused,
  };

  return {
    bls,
    verifyEd25519: (publicKey, message, signature) => holds(signerOf(publicKey), message, signature),
    sign: (validator, message) => enter({ signers: 1 << validator, message }),
    forget() {
      entries.length = 0;
    },
  };
}

function unused(): never {
  assert(false, "the consensus core only verifies and aggregates");
}
