/** Bounds of the ledger's state. Validators must agree on them: they decide result codes and the shape of the tree. */

import { assert } from "../types/assert.ts";
import { TREE_DEPTH_MAX } from "./pair_hasher.ts";

export interface LedgerLimits {
  readonly accountsMax: number;
  readonly assetsMax: number;
  readonly pendingsMax: number;
  readonly buildersMax: number;
  /** L8: a resolved pending transfer is remembered at least until so many later ones are resolved. */
  readonly resolvedPendingsMin: number;
  /** L8: the rest expires in the next block; a transfer past its time cannot be posted in between. */
  readonly expiriesPerBlockMax: number;
}

/** Depths of the tables' trees: SSZ lists of at most 2^depth records. */
export const TABLE_DEPTHS = {
  accounts: TREE_DEPTH_MAX,
  senders: TREE_DEPTH_MAX,
  pendings: TREE_DEPTH_MAX,
  assets: 16,
  builders: 16,
} as const;

export const LEDGER_LIMITS: LedgerLimits = {
  accountsMax: 2 ** 26,
  assetsMax: 2 ** 15,
  pendingsMax: 2 ** 25,
  buildersMax: 4_096,
  resolvedPendingsMin: 4_096,
  expiriesPerBlockMax: 65_536,
};

/** Width of a sender's nonce window, and how far above it a nonce may lie (L3). */
export const NONCE_WINDOW = 256;
export const ASSET_DECIMALS_MAX = 38;

assert(LEDGER_LIMITS.accountsMax < 2 ** TABLE_DEPTHS.accounts, "accounts and the reserved slot fit their tree");
assert(LEDGER_LIMITS.assetsMax < 2 ** TABLE_DEPTHS.assets, "assets and the reserved slot fit their tree");
assert(LEDGER_LIMITS.pendingsMax < 2 ** TABLE_DEPTHS.pendings, "pending transfers and the reserved slot fit their tree");
assert(LEDGER_LIMITS.buildersMax < 2 ** TABLE_DEPTHS.builders, "builders and the reserved slot fit their tree");
assert(10n ** BigInt(ASSET_DECIMALS_MAX) < 2n ** 128n, "one whole unit of any asset is an amount");
