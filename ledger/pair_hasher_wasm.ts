/** Pair hashing by `@chainsafe/as-sha256` (WebAssembly): runs everywhere, the default. */

import { hashInto } from "@chainsafe/as-sha256";
import type { PairHasher } from "./pair_hasher.ts";

export const wasmPairHasher: PairHasher = { name: "as-sha256", hashPairs: hashInto };
