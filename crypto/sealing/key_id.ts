/** Names a sealing key: SHA-256 over tag ‖ suite ‖ threshold ‖ number of shares ‖ Y ‖ all Y_i. A header carries it, so a commit certificate over
 *  the header certifies the key with all that belongs to it. */

import { asciiBytes, concatBytes, toHex } from "../../types/bytes.ts";
import type { KeyId, SealingKey } from "../../types/sealing.ts";
import { sha256 } from "../hashes.ts";

const TAG = new Uint8Array(16);
TAG.set(asciiBytes("sls/sealkey/1"));

/** Integers are uint32, little-endian; points are 32 bytes each, so the number of shares makes the encoding unambiguous. */
export function keyIdOf(given: Omit<SealingKey, "keyId"> & { readonly suite: number }): KeyId {
  const numbers = new DataView(new ArrayBuffer(12));
  numbers.setUint32(0, given.suite, true);
  numbers.setUint32(4, given.threshold, true);
  numbers.setUint32(8, given.shareKeys.length, true);
  return toHex<KeyId>(sha256(concatBytes([TAG, new Uint8Array(numbers.buffer), given.publicKey, ...given.shareKeys])));
}
