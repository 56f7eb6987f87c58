/** Hashes of the suite: SHA-512 over length-prefixed inputs, the first of which is the tag of the purpose. Each input is preceded by
 *  its length (uint32, little-endian), so that no two lists of inputs give the same bytes. Tags are never reused for another purpose. */

import { asciiBytes } from "../../types/bytes.ts";
import type { Group } from "./group.ts";

const tag = (purpose: string): Uint8Array => asciiBytes(`TDH2-R255-FO/1/${purpose}`);

export const SEALING_TAGS = {
  /** Ḡ. */
  generator: tag("generator"),
  /** H_dem: key of the body. */
  body: tag("dem"),
  /** Hs_r: the exponent that the seed determines. */
  exponent: tag("r"),
  /** H_kem: what hides the seed. */
  seed: tag("kem"),
  /** Hs_s: nonce of the ciphertext's proof. */
  sealNonce: tag("s"),
  /** Hs_e: challenge of the ciphertext's proof. */
  challenge: tag("e"),
  shareStatement: tag("share/statement"),
  shareNonce: tag("share/nonce"),
  disclosureStatement: tag("disclosure/statement"),
  disclosureNonce: tag("disclosure/nonce"),
  secretKey: tag("secret-key"),
  dealRoot: tag("deal/root"),
  dealCoefficient: tag("deal/coefficient"),
  dealEphemeral: tag("deal/ephemeral"),
  dealMask: tag("deal/mask"),
  dealNonce: tag("deal/nonce"),
  dealChallenge: tag("deal/challenge"),
} as const;

/** Context strings of the DLEQ proofs (RFC 9497 calls them contextString). */
export const DLEQ_CONTEXTS = { share: tag("share"), disclosure: tag("disclosure") } as const;

const LENGTH_BYTES = 4;

/** 64 bytes. */
export function hashInputs<Point, Scalar>(group: Group<Point, Scalar>, purpose: Uint8Array, inputs: readonly Uint8Array[]): Uint8Array {
  let length = LENGTH_BYTES + purpose.length;
  for (const input of inputs) length += LENGTH_BYTES + input.length;
  const bytes = new Uint8Array(length);
  let offset = putInput(bytes, 0, purpose);
  for (const input of inputs) offset = putInput(bytes, offset, input);
  return group.hash(bytes);
}

export function hashToScalar<Point, Scalar>(group: Group<Point, Scalar>, purpose: Uint8Array, inputs: readonly Uint8Array[]): Scalar {
  return group.scalarFromHash(hashInputs(group, purpose, inputs));
}

/** A number as an input of a hash. */
export function uint32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES);
  putUint32(bytes, 0, value);
  return bytes;
}

function putInput(bytes: Uint8Array, offset: number, input: Uint8Array): number {
  putUint32(bytes, offset, input.length);
  bytes.set(input, offset + LENGTH_BYTES);
  return offset + LENGTH_BYTES + input.length;
}

function putUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}
