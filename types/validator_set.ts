/** The validator set of an epoch, quorum arithmetic and signer bitfields.
 *  A quorum is weight strictly greater than 2W/3; Byzantine weight is assumed below W/3. R13: the set is named by its hash. */

import { assert } from "./assert.ts";
import { type Codec, defineCodec, hashFromBytes, hashToBytes, ssz } from "./codec.ts";
import { Epoch, ValidatorIndex, type ValidatorSetHash } from "./ids.ts";
import { SIGNERS_BYTES, VALIDATORS_MAX, WEIGHT_MAX } from "./limits.ts";

export interface Validator {
  /** Compressed G1 point, 48 bytes: votes, commit votes and timeouts. */
  readonly blsPublicKey: Uint8Array;
  /** Signature of the BLS key over itself, 96 bytes: proof of possession. */
  readonly blsPossession: Uint8Array;
  /** 32 bytes, hex: proposals, handshakes, and whatever is never aggregated. */
  readonly ed25519PublicKey: string;
  /** Point of the sealing suite's group, 32 bytes: shares of sealing keys are dealt to it. */
  readonly sealingPublicKey: Uint8Array;
  /** Voting weight, 1 to WEIGHT_MAX. */
  readonly weight: number;
}

export interface ValidatorSet {
  readonly epoch: Epoch;
  readonly validators: readonly Validator[];
}

/** A validator set with what consensus asks of it all the time. Built once per epoch by `crypto/` (which hashes it). */
export interface ValidatorSetContext {
  readonly set: ValidatorSet;
  readonly hash: ValidatorSetHash;
  readonly totalWeight: number;
}

export const validatorType = ssz.container(
  {
    blsPublicKey: ssz.bytes(48),
    blsPossession: ssz.bytes(96),
    ed25519PublicKey: ssz.bytes(32),
    sealingPublicKey: ssz.bytes(32),
    weight: ssz.uint64,
  },
  "Validator",
);

export const validatorSetType = ssz.container({ epoch: ssz.uint64, validators: ssz.list(validatorType, VALIDATORS_MAX) }, "ValidatorSet");

export const validatorSetCodec: Codec<ValidatorSet> = defineCodec({
  name: "ValidatorSet",
  version: 2,
  type: validatorSetType,
  bytesMax: 1 + 12 + VALIDATORS_MAX * 216,
  toSsz: (set: ValidatorSet) => ({
    epoch: set.epoch,
    validators: set.validators.map((validator) => ({ ...validator, ed25519PublicKey: hashToBytes(validator.ed25519PublicKey) })),
  }),
  fromSsz: (value) => {
    const validators = value.validators.map((validator) => ({ ...validator, ed25519PublicKey: hashFromBytes(validator.ed25519PublicKey) }));
    if (validators.length === 0 || validators.some(({ weight }) => weight < 1 || weight > WEIGHT_MAX)) return undefined;
    return { epoch: Epoch.of(value.epoch), validators };
  },
});

export function totalWeightOf(set: ValidatorSet): number {
  let total = 0;
  for (const validator of set.validators) total += validator.weight;
  assert(set.validators.length > 0 && set.validators.length <= VALIDATORS_MAX, "a validator set has 1 to VALIDATORS_MAX members");
  return total;
}

/** Is `weight` strictly more than two thirds of `totalWeight`? */
export function isQuorum(weight: number, totalWeight: number): boolean {
  return 3 * weight > 2 * totalWeight;
}

/** Weight named by a bitfield. */
export function weightOfSigners(set: ValidatorSet, signers: Uint8Array): number {
  let weight = 0;
  for (const index of Signers.indices(signers)) weight += set.validators[index]?.weight ?? 0;
  return weight;
}

/** Signer bitfields: SIGNERS_BYTES bytes, bit i (little-endian within a byte) is validator i. */
export const Signers = {
  empty: (): Uint8Array => new Uint8Array(SIGNERS_BYTES),
  has: (signers: Uint8Array, index: ValidatorIndex): boolean => (((signers[index >> 3] ?? 0) >> (index & 7)) & 1) === 1,
  with(signers: Uint8Array, index: ValidatorIndex): Uint8Array {
    assert(index < VALIDATORS_MAX, "validator index is within the bitfield");
    const copy = signers.slice();
    copy[index >> 3] = (copy[index >> 3] as number) | (1 << (index & 7));
    return copy;
  },
  of(indices: Iterable<ValidatorIndex>): Uint8Array {
    let signers = Signers.empty();
    for (const index of indices) signers = Signers.with(signers, index);
    return signers;
  },
  indices(signers: Uint8Array): ValidatorIndex[] {
    const found: ValidatorIndex[] = [];
    for (let index = 0; index < signers.length * 8; index++) {
      if (Signers.has(signers, index as ValidatorIndex)) found.push(ValidatorIndex.of(index));
    }
    return found;
  },
  /** Do all set bits name members of a set of `count` validators? */
  areWithin: (signers: Uint8Array, count: number): boolean => Signers.indices(signers).every((index) => index < count),
} as const;
