/** What whoever builds blocks hears of the machine: which block may be built next, what there is to build it from, and what became of a bundle.
 *  Types only; the rules B1 to B9 stand in `builder/README.md`. */

import type { GroupResult, ParsedTransaction } from "./application.ts";
import type { AccountId, BidHash, BlockHash, Height, TransactionHash, ValidatorIndex, View } from "./ids.ts";
import type { SealingKey } from "./sealing.ts";

/** A block that a builder may bid for: asked for by whoever follows the chain, told as soon as the parent's body is judged or its view is over. */
export interface Opportunity {
  readonly height: Height;
  readonly parentHash: BlockHash;
  /** The view in which the block would come next, and its leader as far as can be told. */
  readonly view: View;
  readonly leader: ValidatorIndex;
}

/** What a builder needs to know of an opportunity. */
export interface BuildingMaterial {
  /** The state on which the machine stands. */
  readonly executedHeight: Height;
  /** What the builder's bond still covers for this block; 0 when it may not build it. */
  readonly spendable: bigint;
  readonly feeRecipient: AccountId;
  /** The key that a bundle would be sealed to; undefined: no bundle can be. */
  readonly key: SealingKey | undefined;
  /** Open transactions that wait and that no ancestor carries, best first, as our own proposal would take them. */
  readonly transactions: readonly ParsedTransaction[];
  /** Bids in the parent and its ancestors above `executedHeight`: what stands in their bundles only their builders know. */
  readonly ancestorBids: readonly BidHash[];
}

/** A group of an opened bundle with what became of it. `unfit`: one of its transactions is not an open one of this chain, well signed. */
export interface BundleGroup {
  readonly hashes: readonly TransactionHash[];
  readonly result: GroupResult | "unfit";
}
