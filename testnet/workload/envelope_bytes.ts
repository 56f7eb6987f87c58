/** Sealed envelopes read from their bytes by the documented layout (types/envelope.ts), sharing no code with the parser that validators use.
 *  Reads the clear part only and never judges what it means. */

import { sha256 } from "../../crypto/hashes.ts";
import { concatBytes, toHex } from "../../types/bytes.ts";
import { type AccountId, type ChainId, Height } from "../../types/ids.ts";
import { TAGS } from "../../types/signing.ts";

export interface ReadEnvelope {
  readonly chainId: ChainId;
  readonly suite: number;
  readonly keyId: string;
  readonly sender: AccountId;
  readonly nonce: number;
  readonly gasLimit: number;
  readonly fee: number;
  readonly expiryHeight: Height;
  readonly sizeClass: number;
  /** What the sender signed, and the signature. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** L. */
  readonly label: Uint8Array;
  readonly sealed: Uint8Array;
}

const VERSION = 2;
const HASH_AT = 127;
const SIGNATURE_AT = 159;
const OFFSET_AT = 223;
const SEALED_AT = 227;
const SIZE_CLASS_MAX = 8;
const OVERHEAD = 176;
const GAS_MAX = 1_024;

export const isEnvelope = (bytes: Uint8Array): boolean => bytes[0] === VERSION;

/** Undefined unless the bytes are exactly one envelope whose hash fits its sealed part and whose numbers are in range. */
export function readEnvelope(bytes: Uint8Array): ReadEnvelope | undefined {
  if (bytes.length < SEALED_AT || bytes[0] !== VERSION) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const integer = (at: number): number => view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
  const hex = <Hash extends string>(at: number): Hash => toHex<Hash>(bytes.subarray(at, at + 32));
  const sizeClass = view.getUint8(126);
  if (sizeClass > SIZE_CLASS_MAX || bytes.length !== SEALED_AT + OVERHEAD + 256 * 2 ** sizeClass) return undefined;
  if (view.getUint32(OFFSET_AT, true) !== SEALED_AT - 1) return undefined;
  const [nonce, fee, expiryHeight] = [integer(98), integer(110), integer(118)];
  if (![nonce, fee, expiryHeight].every(Number.isSafeInteger)) return undefined;
  const gasLimit = view.getUint32(106, true);
  if (gasLimit < 1 || gasLimit > GAS_MAX) return undefined;
  const sealed = bytes.slice(SEALED_AT);
  if (hex(HASH_AT) !== toHex(sha256(sealed))) return undefined;
  const label = concatBytes([TAGS.label, bytes.subarray(1, HASH_AT)]);
  return {
    chainId: hex(1),
    suite: view.getUint8(33),
    keyId: hex(34),
    sender: hex(66),
    nonce,
    gasLimit,
    fee,
    expiryHeight: Height.of(expiryHeight),
    sizeClass,
    message: concatBytes([TAGS.envelope, label, bytes.subarray(HASH_AT, SIGNATURE_AT)]),
    signature: bytes.slice(SIGNATURE_AT, OFFSET_AT),
    label,
    sealed,
  };
}
