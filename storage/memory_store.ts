/** The in-memory twin of the file store: same contract, no disk. For the simulator, and the oracle of the file store's
 *  tests, so it is written with plain maps and shares only the contract check.
 *
 *  A crash is `reopen()`: the old store is dead, the new one finds what was saved, and nothing else. */

import type { Durable, FinalityEntry, OperationEntry, ReplicaSnapshot, StoredShares } from "../replica/interface.ts";
import type { Block } from "../types/block.ts";
import type { Evidence } from "../types/evidence.ts";
import { type BlockHash, Height, type TransactionHash } from "../types/ids.ts";
import type { SafetyRecord } from "../types/safety_record.ts";
import { checkDurable, checkSnapshot } from "./durable_check.ts";
import { divergedError, StoreError } from "./errors.ts";
import { EvidenceSet } from "./evidence_log.ts";
import { checkIdentity } from "./identity_file.ts";
import type { Recovered, Store, StoreIdentity, TransactionLocation } from "./interface.ts";
import { SHARE_BLOCKS_MAX, STORE_LIMITS } from "./limits.ts";
import { isPrunable } from "./live_state.ts";
import { operationsEqual } from "./operation_codec.ts";
import { receiptPlaces } from "./receipt_places.ts";

export interface MemoryStore extends Store {
  /** `save` without a promise, for drivers with virtual time. */
  saveNow(durable: Durable): void;
  /** `saveSnapshot` without a promise. */
  saveSnapshotNow(snapshot: ReplicaSnapshot): void;
  /** How much is held that finality has to free. */
  readonly sizes: MemoryStoreSizes;
  /** Simulates a crash and restart. Throws StoreError "foreign" for another identity; the same one when left out. */
  reopen(identity?: StoreIdentity): MemoryStore;
}

export interface MemoryStoreSizes {
  readonly records: number;
  readonly pendingBlocks: number;
  /** Blocks whose shares are live. */
  readonly shareBlocks: number;
}

export function createMemoryStore(options: { readonly identity: StoreIdentity }): MemoryStore {
  return new MemoryStoreTwin({ identity: options.identity, disk: emptyDisk() });
}

/** What survives a crash. */
interface Disk {
  readonly records: Map<string, SafetyRecord>;
  /** Final blocks, and those above the final head. */
  readonly blocks: Map<BlockHash, Block>;
  readonly pending: Map<BlockHash, Block>;
  readonly finality: Map<Height, FinalityEntry>;
  readonly heights: Map<BlockHash, Height>;
  readonly operations: Map<Height, OperationEntry>;
  readonly transactions: Map<TransactionHash, TransactionLocation>;
  readonly evidence: EvidenceSet;
  /** Of blocks above the final head, in the order of saving. */
  shares: readonly StoredShares[];
  snapshot: ReplicaSnapshot | undefined;
  oldestHeight: Height;
  finalHeight: Height;
  operationHeight: Height;
}

class MemoryStoreTwin implements MemoryStore {
  readonly #identity: StoreIdentity;
  readonly #disk: Disk;
  #recovered: Recovered;
  #refusal: StoreError | undefined;

  constructor(options: { readonly identity: StoreIdentity; readonly disk: Disk }) {
    this.#identity = options.identity;
    this.#disk = options.disk;
    this.#recovered = recover(options.disk);
  }

  get recovered(): Recovered {
    return this.#recovered;
  }

  get finalHeight(): Height {
    return this.#disk.finalHeight;
  }

  get oldestHeight(): Height {
    return this.#disk.oldestHeight;
  }

  releaseRecovered(): void {
    this.#recovered = { ...this.#recovered, records: [], pendingBlocks: [], shares: [], snapshot: undefined };
  }

  async save(durable: Durable): Promise<void> {
    this.saveNow(durable);
  }

  saveNow(durable: Durable): void {
    this.#requireOpen();
    const disk = this.#disk;
    const checked = checkDurable(durable, {
      finalHeight: disk.finalHeight,
      operationHeight: disk.operationHeight,
      isPending: (hash) => disk.pending.has(hash),
      finalHashAt: (height) => disk.finality.get(height)?.blockHash,
      record: (key) => disk.records.get(keyOf(key)),
      shares: (blockHash) => disk.shares.find((entry) => entry.blockHash === blockHash),
    });
    for (const entry of checked.repeatedOperations) this.#checkRepeated(entry);
    for (const record of checked.records) disk.records.set(keyOf(record), record);
    for (const { blockHash, block } of checked.blocks) {
      disk.blocks.set(blockHash, block);
      disk.pending.set(blockHash, block);
    }
    for (const entry of checked.finality) finalize(disk, entry);
    if (checked.finality.length > 0) forgetOld(disk);
    disk.shares = [...disk.shares, ...checked.shares].filter(({ height }) => height > disk.finalHeight).slice(-SHARE_BLOCKS_MAX);
    for (const entry of checked.operations) logOperation(disk, entry);
    for (const evidence of durable.evidence) disk.evidence.add(evidence);
  }

  async saveSnapshot(snapshot: ReplicaSnapshot): Promise<void> {
    this.saveSnapshotNow(snapshot);
  }

  saveSnapshotNow(snapshot: ReplicaSnapshot): void {
    this.#requireOpen();
    checkSnapshot(snapshot, (height) => this.operation(height)?.stateRoot);
    const newest = this.#disk.snapshot;
    if (newest === undefined || newest.height <= snapshot.height) this.#disk.snapshot = snapshot;
  }

  finality(height: Height): FinalityEntry | undefined {
    return this.#disk.finality.get(height);
  }

  blockAt(height: Height): Block | undefined {
    const hash = this.#disk.finality.get(height)?.blockHash;
    return hash === undefined ? undefined : this.#disk.blocks.get(hash);
  }

  blockByHash(blockHash: BlockHash): Block | undefined {
    return this.#disk.blocks.get(blockHash);
  }

  heightOf(blockHash: BlockHash): Height | undefined {
    return this.#disk.heights.get(blockHash);
  }

  operation(height: Height): OperationEntry | undefined {
    return this.#disk.operations.get(height);
  }

  locate(hash: TransactionHash): TransactionLocation | undefined {
    return this.#disk.transactions.get(hash);
  }

  evidence(): readonly Evidence[] {
    return this.#disk.evidence.all;
  }

  get sizes(): MemoryStoreSizes {
    const { records, pending, shares } = this.#disk;
    return { records: records.size, pendingBlocks: pending.size, shareBlocks: shares.length };
  }

  reopen(identity: StoreIdentity = this.#identity): MemoryStore {
    checkIdentity(this.#identity, identity, "The store");
    this.#refusal = new StoreError({ code: "closed", message: "The store crashed. Use the one that `reopen` returned." });
    return new MemoryStoreTwin({ identity, disk: this.#disk });
  }

  async close(): Promise<void> {
    this.#refusal ??= new StoreError({ code: "closed", message: "The store is closed. Open it again to use it." });
  }

  #checkRepeated(entry: OperationEntry): void {
    const logged = this.#disk.operations.get(entry.height);
    if (logged === undefined || operationsEqual(logged, entry)) return;
    throw this.#stop(divergedError(entry, logged));
  }

  #stop(error: StoreError): StoreError {
    this.#refusal = new StoreError({
      code: "stopped",
      message: `The store has stopped after an earlier failure (${error.message}).`,
      cause: error,
    });
    return error;
  }

  #requireOpen(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
  }
}

function emptyDisk(): Disk {
  return {
    records: new Map(),
    blocks: new Map(),
    pending: new Map(),
    finality: new Map(),
    heights: new Map(),
    operations: new Map(),
    transactions: new Map(),
    evidence: new EvidenceSet(STORE_LIMITS.evidencePerValidatorMax),
    shares: [],
    snapshot: undefined,
    oldestHeight: Height.ZERO,
    finalHeight: Height.ZERO,
    operationHeight: Height.ZERO,
  };
}

function finalize(disk: Disk, entry: FinalityEntry): void {
  if (disk.oldestHeight === Height.ZERO) disk.oldestHeight = entry.height;
  disk.finality.set(entry.height, entry);
  disk.heights.set(entry.blockHash, entry.height);
  disk.finalHeight = entry.height;
}

/** R9: records up to the view of the durable final head may go. Blocks that lost the race for their height go too. */
function forgetOld(disk: Disk): void {
  const head = disk.finality.get(disk.finalHeight);
  for (const [key, record] of disk.records) if (head !== undefined && isPrunable(record, head)) disk.records.delete(key);
  for (const [hash, block] of disk.pending) {
    if (block.header.height > disk.finalHeight) continue;
    disk.pending.delete(hash);
    if (!disk.heights.has(hash)) disk.blocks.delete(hash);
  }
}

function logOperation(disk: Disk, entry: OperationEntry): void {
  disk.operations.set(entry.height, entry);
  disk.operationHeight = entry.height;
  for (const { hash, index } of receiptPlaces(entry)) {
    if (!disk.transactions.has(hash)) disk.transactions.set(hash, { height: entry.height, index });
  }
}

function recover(disk: Disk): Recovered {
  const pendingBlocks = Array.from(disk.pending, ([blockHash, block]) => ({ blockHash, block })).sort(
    (left, right) => left.block.header.height - right.block.header.height || (left.blockHash < right.blockHash ? -1 : 1),
  );
  return {
    records: [...disk.records.values()].sort((left, right) => left.epoch - right.epoch || left.view - right.view),
    finalHead: disk.finality.get(disk.finalHeight),
    pendingBlocks,
    shares: [...disk.shares].sort((left, right) => left.height - right.height || (left.blockHash < right.blockHash ? -1 : 1)),
    snapshot: disk.snapshot,
    repairs: [],
  };
}

const keyOf = ({ epoch, view }: Pick<SafetyRecord, "epoch" | "view">): string => `${epoch}/${view}`;
