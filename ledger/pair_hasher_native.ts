/** Pair hashing by `@chainsafe/hashtree` (native, about ten times faster in batches). Importing this file throws where no
 *  binary exists for the platform: the composition root imports it and falls back to `pair_hasher_wasm.ts`. */

import { hashInto } from "@chainsafe/hashtree";
import type { PairHasher } from "./pair_hasher.ts";

export const nativePairHasher: PairHasher = { name: "hashtree", hashPairs: hashInto };
