/** What both BLS suites share: lengths, the tag of the ciphersuite, secret-key range and the message under a possession proof.
 *  Source: draft-irtf-cfrg-bls-signature-05, minimal-pubkey-size, proof of possession. */

import { concatBytes } from "../types/bytes.ts";
import { TAGS } from "../types/signing.ts";

export const BLS_SECRET_KEY_BYTES = 32;
export const BLS_PUBLIC_KEY_BYTES = 48;
export const BLS_SIGNATURE_BYTES = 96;
/** KeyGen asks for at least this much secret input. */
export const BLS_SEED_BYTES_MIN = 32;
/** Weight of one statement in a batch check; drawn by the caller. */
export const BLS_BATCH_RANDOM_BYTES = 16;
/** Parsed public keys that a suite keeps: several epochs of the largest validator set. */
export const BLS_KEY_CACHE_MAX = 1_024;

export const BLS_SIGNATURE_DST = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

/** r, the order of G1 and G2. */
export const BLS_GROUP_ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

/** 32 bytes, big-endian, from 1 to r − 1. */
export function isBlsSecretKey(secretKey: Uint8Array): boolean {
  if (secretKey.length !== BLS_SECRET_KEY_BYTES) return false;
  const scalar = bigEndianToBigint(secretKey);
  return scalar > 0n && scalar < BLS_GROUP_ORDER;
}

/** Is this the compressed form, by length and flag? Both libraries would also take the uncompressed one. */
export function isBlsCompressed(bytes: Uint8Array, length: number): boolean {
  return bytes.length === length && ((bytes[0] as number) & 0x80) !== 0;
}

/** The message under a proof of possession. The native library signs with one DST only, so the tag in front separates proofs
 *  from votes instead of the draft's second DST (README.md, deviations). */
export function possessionMessage(publicKey: Uint8Array): Uint8Array {
  return concatBytes([TAGS.possession, publicKey]);
}

export function bigEndianToBigint(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}
