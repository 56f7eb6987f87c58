/** What the RPC asks of the node. Handlers know nothing else, so they are tested against a fake of this. */

import type { BundleId, BundleStatus } from "../../builder/bundle.ts";
import type { BuilderStatus } from "../../builder/interface.ts";
import type { PeerInfo } from "../../p2p/interface.ts";
import type { FinalityEntry, OperationEntry, ReplicaStatus } from "../../replica/interface.ts";
import type { Refusal } from "../../types/application.ts";
import type { Block } from "../../types/block.ts";
import type { Builder } from "../../types/builder.ts";
import type { Genesis } from "../../types/genesis.ts";
import type { AccountId, BlockHash, ChainId, Height, TransactionHash } from "../../types/ids.ts";
import type { LastBid } from "../builder_agent.ts";
import type { BuilderStanding } from "../builder_standing.ts";
import type { BuiltBlockTotals } from "../built_blocks.ts";
import type { BundleRequest, SubmitBundleResult } from "../bundle_ingress.ts";
import type { HistogramSnapshot } from "../histogram.ts";
import type { SealingAnswer } from "../sealing_answer.ts";

/** A transaction that did not parse has no hash. */
export type SubmitResult =
  | { readonly hash: TransactionHash; readonly refusal: undefined }
  | { readonly hash: TransactionHash | undefined; readonly refusal: Refusal };

export type TransactionStatus =
  /** `refusal`: why it left the pool of this node lately, where that is remembered. */
  | { readonly status: "unknown"; readonly refusal: Refusal | undefined }
  | { readonly status: "pending" }
  /** Its place is final; it waits to be opened and executed here. */
  | { readonly status: "ordered"; readonly height: Height; readonly index: number }
  | {
      readonly status: "final";
      readonly height: Height;
      /** Of the block's transactions; what its bundle executed is counted from their number on. */
      readonly index: number;
      readonly place: LanePlace;
      readonly blockHash: BlockHash;
      readonly code: number;
      readonly operationCodes: readonly number[];
    };

/** Where in its block a transaction stands, and who built that part of it. */
export interface LanePlace {
  readonly lane: "sealed" | "bundle" | "open";
  /** In the lane, from 0. */
  readonly position: number;
  /** Undefined: the proposer built the block. */
  readonly builder: AccountId | undefined;
  /** What the builder paid for the block. */
  readonly paid: bigint;
}

/** A builder's own part of its node. */
export interface BuilderCore {
  readonly account: AccountId;
  /** Undefined: not registered. */
  readonly registered: (Pick<Builder, "bond" | "feeRecipient" | "endpoint"> & { readonly isActive: boolean }) | undefined;
  /** Why it builds, or does not. */
  readonly standing: BuilderStanding;
  readonly status: BuilderStatus;
  readonly lastBid: LastBid | undefined;
  /** Validators that take bids from us now. */
  readonly links: number;
  submitBundle(request: BundleRequest): Promise<SubmitBundleResult>;
  bundle(id: BundleId): BundleStatus | undefined;
}

export interface StoredBlock {
  readonly blockHash: BlockHash;
  readonly block: Block;
  readonly finality: FinalityEntry;
  readonly operation: OperationEntry | undefined;
}

/** An account's record or the proof of its absence, already in JSON form, as the application answers. */
export type AccountAnswer =
  | { readonly ok: true; readonly account: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly reason: "notSupported" };

export interface NodeCore {
  readonly chainId: ChainId;
  readonly genesis: Genesis;
  /** One result for each transaction, in order. Never rejects. */
  submit(transactions: readonly Uint8Array[]): Promise<readonly SubmitResult[]>;
  transaction(hash: TransactionHash): TransactionStatus;
  /** Resolves when the transaction is final here, or after `waitMs`, or on abort; undefined when too many wait already. */
  waitForFinal(hash: TransactionHash, options: { readonly waitMs: number; readonly signal: AbortSignal }): Promise<void> | undefined;
  blockAt(height: Height): StoredBlock | undefined;
  heightOf(hash: BlockHash): Height | undefined;
  account(query: { readonly account: string; readonly asset: number }): AccountAnswer;
  describeCode(code: number): string;
  /** Does this result say that a sealed transaction paid and had no content that could run? */
  isFailedContent(code: number): boolean;
  sealing(): SealingAnswer;
  /** Undefined on a chain that takes no builders. */
  readonly builtBlocks: BuiltBlockTotals | undefined;
  /** Undefined where this node is no builder's. */
  readonly builder: BuilderCore | undefined;
  readonly replica: ReplicaStatus;
  readonly oldestHeight: Height;
  readonly peers: readonly PeerInfo[];
  /** From arrival here to a certain order, of open transactions and of sealed ones. */
  readonly finality: HistogramSnapshot;
  readonly sealedFinality: HistogramSnapshot;
  /** From a certain order to opened, of sealed transactions. */
  readonly opening: HistogramSnapshot;
  readonly identity: NodeIdentity;
}

export interface NodeIdentity {
  readonly applicationName: string;
  readonly runtime: string;
  /** Undefined for an observer. */
  readonly validator: number | undefined;
  readonly epoch: number;
  readonly version: string;
  readonly startedAtMs: number;
}
