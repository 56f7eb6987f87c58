/** Chooses the BLS suite: the native one where it loads, else the portable one, which is correct but about fifteen times slower. */

import type { BlsSuite } from "../types/suites.ts";
import { messageOf } from "./errors.ts";

export interface LoadedBlsSuite {
  readonly suite: BlsSuite;
  /** Why the native suite is not used; undefined when it is. */
  readonly warning: string | undefined;
}

/** Imports the native addon at run time, so that a platform without its binary still runs a validator. */
export async function loadBlsSuite(): Promise<LoadedBlsSuite> {
  try {
    const { createBlstSuite } = await import("../crypto/bls_blst.ts");
    return { suite: createBlstSuite(), warning: undefined };
  } catch (cause) {
    const { createNobleSuite } = await import("../crypto/bls_noble.ts");
    const warning = `native BLS (blst) does not load: ${messageOf(cause)}; the portable suite is used, expect some 10 ms for each vote`;
    return { suite: createNobleSuite(), warning };
  }
}
