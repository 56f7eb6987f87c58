/** What a builder is given and what it says. The shapes of the machine that runs beside it are those of `types/building.ts`; a final block is described
 *  here by the part of it that a builder looks at. */

import type { SimulatedGroup, Simulation, TransactionReceipt } from "../types/application.ts";
import type { OfferedBid } from "../types/bid.ts";
import type { BlockHeader } from "../types/block.ts";
import type { BuiltBlock } from "../types/builder.ts";
import type { BuildingMaterial, BundleGroup, Opportunity } from "../types/building.ts";
import type { AccountId, BlockHash, Height, TimestampMs } from "../types/ids.ts";
import type { KeyId, SealingSuite } from "../types/sealing.ts";
import type { SigningDomain } from "../types/signing.ts";
import type { BundleContents, BundleId, BundleStatus } from "./bundle.ts";
import type { AddBundleResult, BundlePoolLimits } from "./bundle_pool.ts";
import type { Strategy } from "./strategy.ts";
import type { TailLimits } from "./tail.ts";

export interface BuilderLimits {
  /** A bid may be used in the view that it was made for and so many after it. */
  readonly expiryViews: number;
  /** Bids that are made for one height; proposers look at no more of them. */
  readonly bidsMax: number;
  /** No bid is made for heights further above the final one. */
  readonly heightsMax: number;
  /** Bundles that are considered for one block. */
  readonly candidatesMax: number;
  /** Bundles that are measured each time that a block is considered. */
  readonly measuredMax: number;
  readonly tail: TailLimits;
  readonly bundles: BundlePoolLimits;
}

export interface BuilderOptions {
  /** The registered builder. */
  readonly account: AccountId;
  readonly domain: SigningDomain;
  /** Undefined on a chain without sealing: bids bring no bundle. */
  readonly suite: Pick<SealingSuite, "seal"> | undefined;
  /** Ed25519 with the account's key. */
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly strategy: Strategy;
  readonly limits: BuilderLimits;
}

export interface ConsiderRequest {
  readonly opportunity: Opportunity;
  readonly material: BuildingMaterial;
  /** The application's, on the state that `material` was taken from. */
  readonly simulate: (simulation: Simulation) => readonly SimulatedGroup[];
  readonly nowMs: TimestampMs;
  /** RANDOMNESS_BYTES fresh bytes: a bundle is sealed with them. */
  readonly randomness: Uint8Array;
}

/** A final block as far as a builder is concerned; the machine's own record of it fits. */
export interface FinalOutcome {
  readonly blockHash: BlockHash;
  readonly header: Pick<BlockHeader, "height" | "bidHash">;
  readonly receipts: readonly TransactionReceipt[];
  readonly built?: BuiltBlock | undefined;
  readonly bundle?: readonly BundleGroup[] | undefined;
}

export interface BuilderStatus {
  readonly account: AccountId;
  readonly strategy: string;
  readonly finalHeight: Height;
  /** Made since the start, and those that were sent again to another leader. */
  readonly bids: number;
  readonly resent: number;
  /** Final blocks that we bid for: built by us, and by others. */
  readonly won: number;
  readonly lost: number;
  /** Of the last ones, as the strategy is told. */
  readonly recentLosses: number;
  /** Bundles of ours that could not be read when they were opened. */
  readonly failed: number;
  /** Sum of the values of our final blocks, in the smallest unit of the fee asset. */
  readonly paid: bigint;
  readonly bundles: { readonly count: number; readonly bytes: number };
  /** Bids whose blocks are not final. */
  readonly open: number;
}

export interface BlockBuilder {
  submit(contents: BundleContents): AddBundleResult;
  statusOf(id: BundleId): BundleStatus | undefined;
  /** What to send to the opportunity's leader now: a new bid, or the one that stands if this leader has not had it. Undefined: nothing. */
  consider(request: ConsiderRequest): OfferedBid | undefined;
  /** The bid that stands, when only the leader has changed; costs nothing. `keyId`: the key that is live now. */
  resend(request: { readonly opportunity: Opportunity; readonly keyId: KeyId | undefined }): OfferedBid | undefined;
  /** Final blocks in order, each once, after they are executed. Those that a catch-up passed over may be left out. */
  onFinal(block: FinalOutcome): void;
  readonly status: BuilderStatus;
}
