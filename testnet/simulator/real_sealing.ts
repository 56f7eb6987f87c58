/** The sealing suite as validators run it, on libsodium: for the slower tier. Its WebAssembly is instantiated once, while this module loads (10 ms). */

import { createSodiumGroup } from "../../crypto/sealing/sodium_group.ts";
import { createSealingSuite } from "../../crypto/sealing/suite.ts";
import { loadSodium } from "../../node/sodium.ts";
import type { SealingSuite } from "../../types/sealing.ts";

const group = createSodiumGroup(await loadSodium());

export const createRealSealing = (): SealingSuite => createSealingSuite(group);
