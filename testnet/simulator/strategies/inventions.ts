/** Values that nobody made: hashes, signatures, certificates. Right in shape, so that only a check of content refuses them. */

import { toHex } from "../../../types/bytes.ts";
import { SIGNERS_BYTES } from "../../../types/limits.ts";
import type { Ballot, Certificate } from "../../../types/vote.ts";
import type { Stream } from "../streams.ts";

const BLS_SIGNATURE_BYTES = 96;
const ED25519_SIGNATURE_BYTES = 64;

export function inventHash<Hash extends string>(stream: Stream): Hash {
  return toHex<Hash>(stream.bytes(32));
}

export function inventBlsSignature(stream: Stream): Uint8Array {
  return stream.bytes(BLS_SIGNATURE_BYTES);
}

export function inventEd25519Signature(stream: Stream): Uint8Array {
  return stream.bytes(ED25519_SIGNATURE_BYTES);
}

/** A bitfield that names validators 0 to `count` - 1. */
export function everybody(count: number): Uint8Array {
  const signers = new Uint8Array(SIGNERS_BYTES);
  for (let index = 0; index < count; index++) signers[index >> 3] = (signers[index >> 3] as number) | (1 << (index & 7));
  return signers;
}

/** Claims that all `count` validators signed `ballot`. */
export function inventCertificate(
  ballot: Ballot,
  { count, signature }: { readonly count: number; readonly signature: Uint8Array },
): Certificate {
  return { ballot, signers: everybody(count), signature };
}
