/** A bounded cache of parsed public keys: parsing checks the subgroup, which costs as much as a tenth of a verification. */

import { assert } from "../types/assert.ts";
import { toHex } from "../types/bytes.ts";

/** Answers with the parsed key, or undefined when `parse` refuses the bytes. Refusals are not kept: a peer chooses those bytes. */
export type KeyCache<Key> = (bytes: Uint8Array) => Key | undefined;

/** Keeps the `countMax` most recently used keys. */
export function createKeyCache<Key>(countMax: number, parse: (bytes: Uint8Array) => Key | undefined): KeyCache<Key> {
  assert(countMax > 0, "a cache holds at least one key");
  const keys = new Map<string, Key>();
  return (bytes) => {
    const name = toHex(bytes);
    const known = keys.get(name);
    const key = known ?? parse(bytes);
    if (key === undefined) return undefined;
    // A map iterates in order of insertion, so inserting again makes the key the youngest.
    keys.delete(name);
    keys.set(name, key);
    if (keys.size > countMax) {
      for (const oldest of keys.keys()) {
        keys.delete(oldest);
        break;
      }
    }
    return key;
  };
}
