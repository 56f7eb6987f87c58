/** Whose store the crash tests create: nobody's, since it is only opened. */

import type { StoreIdentity } from "../../storage/interface.ts";
import type { ChainId } from "../../types/ids.ts";

export const CREATION_IDENTITY: StoreIdentity = { chainId: "ab".repeat(32) as ChainId, validatorKey: "cd".repeat(32) };
