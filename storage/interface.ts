/** What a node's durable store does; every store has an in-memory twin behind the same interface. */

import type { Durable, FinalityEntry, OperationEntry } from "../replica/interface.ts";
import type { StateSnapshot } from "../types/application.ts";
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
  readonly snapshot: StateSnapshot | undefined;
  /** Torn tails that were cut off, for the log: one sentence each. */
  readonly repairs: readonly string[];
}

export interface TransactionLocation {
  readonly height: Height;
  readonly index: number;
}

export interface Store {
  readonly recovered: Recovered;
  /** Resolves when everything given is synced. Calls are made one at a time. */
  save(durable: Durable): Promise<void>;
  /** Writes a snapshot and drops older ones; not in the path of votes. */
  saveSnapshot(snapshot: StateSnapshot): Promise<void>;
  readonly finalHeight: Height;
  readonly oldestHeight: Height;
  finality(height: Height): FinalityEntry | undefined;
  blockAt(height: Height): Block | undefined;
  blockByHash(blockHash: BlockHash): Block | undefined;
  heightOf(blockHash: BlockHash): Height | undefined;
  operation(height: Height): OperationEntry | undefined;
  locate(hash: TransactionHash): TransactionLocation | undefined;
  evidence(): readonly Evidence[];
  close(): Promise<void>;
}
