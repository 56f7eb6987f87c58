/** The deterministic signature doubles of the simulator, for tests. */

export { createFastBls, createFastEd25519, type FastBls } from "../../testnet/simulator/fast_signatures.ts";
