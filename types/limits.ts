/** Protocol limits: every bound that is part of what validators must agree on.
 *  Queue bounds of one process are not here; they stand in the tables of `p2p/` and `node/`. */

import { assert } from "./assert.ts";

export const VALIDATORS_MAX = 128;
/** Bytes of a signer bitfield: one bit for each possible validator, little-endian bit order. */
export const SIGNERS_BYTES = VALIDATORS_MAX / 8;
/** Sum of weights stays far inside the safe integers even when multiplied by 3 (quorum arithmetic). */
export const WEIGHT_MAX = 2 ** 32 - 1;

/** One transaction, encoded, in bytes. */
export const TRANSACTION_BYTES_MAX = 128 * 1024;
/** Transactions in one block. */
export const BLOCK_TRANSACTIONS_MAX = 16_384;
/** Sum of the encoded transactions of one block, in bytes. */
export const BLOCK_BODY_BYTES_MAX = 8 * 1024 * 1024;
/** Sealed transactions in one block: positions of its sealed lane are below this. */
export const BLOCK_SEALED_MAX = 2_048;
/** Sum of the encoded sealed transactions of one block, in bytes. */
export const SEALED_LANE_BYTES_MAX = 4 * 1024 * 1024;
/** A sealed transaction expires at most this many heights after the block that orders it: so long must ordered ids be remembered. */
export const SEALED_EXPIRY_HEIGHTS_MAX = 1_024;
/** The age of a listed transaction counts over at most this many blocks, so that it can be computed again from the last ones. */
export const LISTED_BLOCKS_MAX = 64;
/** Ordering goes on over this many blocks that are not executed; beyond it blocks carry no sealed lane until opening has caught up (K). */
export const UNOPENED_BLOCKS_MAX = 16;
/** Operations in one transaction. */
export const TRANSACTION_OPERATIONS_MAX = 1_024;

/** Timeout certificates carried inside a proposal; older skipped views are fetched by range (R1). */
export const INLINE_TIMEOUT_CERTIFICATES_MAX = 16;
/** Views above the current one for which votes are kept (R10). */
export const FUTURE_VIEWS_MAX = 16;
/** A header names an executed height at most this far behind its own, unless its block is empty (see docs/decisions). */
export const EXECUTION_LAG_MAX = 64;
/** A builder's bond goes back this many heights after it unbonded: by then every block that it could build is executed. */
export const BUILDER_UNBONDING_HEIGHTS = 1_024;
/** So many failures of a builder within so many heights keep it from building for BUILDER_BOX_HEIGHTS. */
export const BUILDER_FAILURES_MAX = 3;
export const BUILDER_FAILURES_HEIGHTS = 256;
export const BUILDER_BOX_HEIGHTS = 256;
/** What a builder may put behind the sealed lane of one block: with these bounds every lane still fits beside every tail. */
export const TAIL_TRANSACTIONS_MAX = 8_192;
/** Sum of the tail's encoded transactions, in bytes. */
export const TAIL_BYTES_MAX = 4 * 1024 * 1024;
/** Operations of a tail together. */
export const TAIL_OPERATIONS_MAX = 65_536;
/** Groups of a bundle, each all or none, and transactions in all of them. */
export const BUNDLE_GROUPS_MAX = 64;
export const BUNDLE_TRANSACTIONS_MAX = 128;
/** What a block has opened before it is executed: its sealed lane and its bundle. */
export const BLOCK_OPENINGS_MAX = BLOCK_SEALED_MAX + 1;
/** A block's time may be at most this far ahead of a voter's clock (R14), in ms. */
export const BLOCK_TIME_DRIFT_MS_MAX = 2_000;

/** Blocks in one range response, and their summed encoded size in bytes. */
export const RANGE_BLOCKS_MAX = 256;
export const RANGE_BYTES_MAX = 12 * 1024 * 1024;
/** Bare headers that a range response adds when no block among its full ones has a CC of its own: as many as may wait for one. */
export const RANGE_HEADERS_MAX = 4_096;
/** Certificates in one certificate response. */
export const RANGE_CERTIFICATES_MAX = 256;
/** Transactions named in one body request. */
export const BODY_REQUEST_TRANSACTIONS_MAX = 4_096;

/** Encoded state of key generation that a snapshot carries, in bytes: deals of all validators, twice (a resharing beside a live key). */
export const KEYGEN_STATE_BYTES_MAX = 8 * 1024 * 1024;

/** Largest frame of the consensus and gossip protocols, in bytes. */
export const FRAME_BYTES_MAX = 1024 * 1024;
/** Largest response of a request/response protocol, in bytes. */
export const RESPONSE_BYTES_MAX = 16 * 1024 * 1024;

assert(TAIL_BYTES_MAX + SEALED_LANE_BYTES_MAX <= BLOCK_BODY_BYTES_MAX, "every lane fits beside every tail");
assert(TAIL_TRANSACTIONS_MAX + BLOCK_SEALED_MAX <= BLOCK_TRANSACTIONS_MAX, "every lane fits beside every tail");
assert(BUILDER_UNBONDING_HEIGHTS > EXECUTION_LAG_MAX, "a bond outlasts every block that was voted for before the builder unbonded");
assert(RANGE_BYTES_MAX > BLOCK_BODY_BYTES_MAX, "a range response holds at least one full block");
assert(RESPONSE_BYTES_MAX > RANGE_BYTES_MAX, "a range response fits its frame");
assert(BLOCK_TRANSACTIONS_MAX * 32 < FRAME_BYTES_MAX, "a proposal's list of hashes fits a frame");
assert(TRANSACTION_BYTES_MAX < FRAME_BYTES_MAX, "a transaction fits a gossip frame");
assert(WEIGHT_MAX * VALIDATORS_MAX * 3 < Number.MAX_SAFE_INTEGER, "quorum arithmetic is exact");
