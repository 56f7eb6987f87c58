/** Loads libsodium's WebAssembly once per process, for the sealing suite (crypto/sealing/sodium_group.ts). The same on Node and Deno. */

import sodium from "libsodium-wrappers-sumo";
import type { SodiumModule } from "../crypto/sealing/sodium_group.ts";

/** Resolves when the instance can be called; about 10 ms the first time. */
export async function loadSodium(): Promise<SodiumModule> {
  await sodium.ready;
  return sodium;
}
