/** The one rule of Ed25519 that all validators share, checked before any library sees a signature: exact lengths, canonical
 *  encodings (y < p, S < L, no negative zero), and no small-order public key or R. Libraries disagree on exactly these inputs,
 *  so a signature that passes here has one verdict under cofactorless verification wherever it is checked.
 *  Sources: RFC 8032 §5.1.7; Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs" (2020). */

export const ED25519_PUBLIC_KEY_BYTES = 32;
export const ED25519_SIGNATURE_BYTES = 64;
export const ED25519_SEED_BYTES = 32;

/** Is (publicKey, signature) of a form that may be verified at all? Says nothing about validity. */
export function isEd25519InputStrict(publicKey: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== ED25519_PUBLIC_KEY_BYTES || signature.length !== ED25519_SIGNATURE_BYTES) return false;
  return isScalarBelowOrder(signature) && isEncodingStrict(publicKey) && isEncodingStrict(signature);
}

/** Group order L = 2^252 + 27742317777372353535851937790883648493, little-endian. */
const ORDER = littleEndian(2n ** 252n + 27742317777372353535851937790883648493n);
const FIELD_PRIME = 2n ** 255n - 19n;

/** The y coordinates of the eight points of small order: of order 1 (y = 1), 2 (y = −1), 4 (y = 0) and 8 (two values). */
const ORDER_EIGHT_Y = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
const SMALL_ORDER_Y: readonly Uint8Array[] = [0n, 1n, FIELD_PRIME - 1n, ORDER_EIGHT_Y, FIELD_PRIME - ORDER_EIGHT_Y].map(littleEndian);

/** The first 32 bytes of `bytes` as an encoded point: y is canonical and of no small-order point, whatever the sign bit.
 *  Negative zero (x = 0 with the sign bit set) exists only for y = ±1, which are refused as small-order. */
function isEncodingStrict(bytes: Uint8Array): boolean {
  return isFieldElementCanonical(bytes) && !SMALL_ORDER_Y.some((y) => isSameY(bytes, y));
}

/** y < 2^255 − 19, the sign bit ignored: only the 19 values with all upper bits set are not canonical. */
function isFieldElementCanonical(bytes: Uint8Array): boolean {
  if (((bytes[31] as number) & 0x7f) !== 0x7f || (bytes[0] as number) < 0xed) return true;
  for (let index = 1; index < 31; index++) {
    if (bytes[index] !== 0xff) return true;
  }
  return false;
}

function isSameY(bytes: Uint8Array, y: Uint8Array): boolean {
  if (((bytes[31] as number) & 0x7f) !== y[31]) return false;
  for (let index = 0; index < 31; index++) {
    if (bytes[index] !== y[index]) return false;
  }
  return true;
}

/** S, the last 32 bytes of the signature, is below L. */
function isScalarBelowOrder(signature: Uint8Array): boolean {
  for (let index = 31; index >= 0; index--) {
    const difference = (signature[32 + index] as number) - (ORDER[index] as number);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let index = 0; index < 32; index++) bytes[index] = Number((value >> BigInt(8 * index)) & 0xffn);
  return bytes;
}
