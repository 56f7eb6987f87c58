/** What the state tree needs of SHA-256: many pairs of 32-byte nodes to their parents in one call. Which library does it is the
 *  composition root's choice (L13): all give the same bytes. Pure. */

import { sha256 } from "../crypto/hashes.ts";
import { concatBytes } from "../types/bytes.ts";

export interface PairHasher {
  readonly name: string;
  /** SHA-256 of each 64 bytes of `input` into each 32 bytes of `output`; `input` is twice as long as `output`, not empty. */
  readonly hashPairs: (input: Uint8Array, output: Uint8Array) => void;
}

/** Deepest tree of the ledger: log2 of the largest table's limit. */
export const TREE_DEPTH_MAX = 28;

/** Roots of all-zero subtrees by depth, as SSZ pads its lists; depth 0 is 32 zero bytes. */
export const ZERO_ROOTS: readonly Uint8Array[] = (() => {
  const roots: Uint8Array[] = [new Uint8Array(32)];
  for (let depth = 1; depth <= TREE_DEPTH_MAX; depth++) {
    const below = roots[depth - 1] as Uint8Array;
    roots.push(sha256(concatBytes([below, below])));
  }
  return roots;
})();
