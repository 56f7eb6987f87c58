/** The sealing suite as nodes run it: TDH2-R255-FO on libsodium. Apart from the rest, so that a signature worker loads nothing else. */

import { createSodiumGroup } from "../crypto/sealing/sodium_group.ts";
import { createSealingSuite } from "../crypto/sealing/suite.ts";
import type { SealingSuite } from "../types/sealing.ts";
import { loadSodium } from "./sodium.ts";

/** Resolves after the WebAssembly is compiled, about 10 ms the first time. */
export async function loadSealingSuite(): Promise<SealingSuite> {
  return createSealingSuite(createSodiumGroup(await loadSodium()));
}
