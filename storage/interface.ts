/** What a node's durable store does; every store has an in-memory twin behind the same interface. */

import type { Durable, FinalityEntry, OperationEntry, ReplicaSnapshot, StoredShares } from "../replica/interface.ts";
import type { Block } from "../types/block.ts";
import type { Evidence } from "../types/evidence.ts";
import type { BlockHash, ChainId, Height, TransactionHash } from "../types/ids.ts";
import type { SafetyRecord } from "../types/safety_record.ts";

/** Who may open the store. A store of another chain or another key is foreign and is refused. */
export interface StoreIdentity {
  readonly chainId: ChainId;
  /** Ed25519 public key of the validator, hex; for an observer its node key. */
  readonly validatorKey: string;
}

/** What a restart finds. */
export interface Recovered {
  /** Newest record of each view not yet pruned (R9), ascending by (epoch, view). */
  readonly records: readonly SafetyRecord[];
  readonly finalHead: FinalityEntry | undefined;
  /** Stored blocks that are not final, any order. */
  readonly pendingBlocks: readonly { readonly blockHash: BlockHash; readonly block: Block }[];
  /** Our shares of blocks above the final head, ascending by (height, block hash); at most SHARE_BLOCKS_MAX (limits.ts). */
  readonly shares: readonly StoredShares[];
  readonly snapshot: ReplicaSnapshot | undefined;
  /** Torn tails that were cut off, for the log: one sentence each. */
  readonly repairs: readonly string[];
}

/** The first place at which a transaction was executed; a later one of the same bytes was refused. */
export interface TransactionLocation {
  readonly height: Height;
  /** Of the block's transactions, or, from its `transactionCount` on, of what its bundle executed. */
  readonly index: number;
}

/** Every call but the reads rejects with StoreError (errors.ts) when the store cannot or must not do it. */
export interface Store {
  readonly recovered: Recovered;
  /** Drops recovered records, blocks, shares and snapshot from memory once the replica was built from them. */
  releaseRecovered(): void;
  /** Resolves when everything given is synced (operations without openings: written; they can be derived again). Calls are made
   *  one at a time. Blocks and shares that are stored already, or at or below the final height, are ignored. Operations of heights
   *  that are logged already, and shares of a block, must be the same as before, which is checked. */
  save(durable: Durable): Promise<void>;
  /** Writes a snapshot and drops older ones; not in the path of votes. Its height's operation is saved already. */
  saveSnapshot(snapshot: ReplicaSnapshot): Promise<void>;
  /** 0 while nothing is final. */
  readonly finalHeight: Height;
  /** The first final height that is stored; 0 while nothing is final. */
  readonly oldestHeight: Height;
  finality(height: Height): FinalityEntry | undefined;
  /** The final block of a height. */
  blockAt(height: Height): Block | undefined;
  /** A final block, or one above the final head. */
  blockByHash(blockHash: BlockHash): Block | undefined;
  /** Height of a final block. */
  heightOf(blockHash: BlockHash): Height | undefined;
  operation(height: Height): OperationEntry | undefined;
  /** Where an executed transaction stands; `receiptAt` (receipt_places.ts) gives its receipt. */
  locate(hash: TransactionHash): TransactionLocation | undefined;
  evidence(): readonly Evidence[];
  close(): Promise<void>;
}
