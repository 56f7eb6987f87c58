/** The durable store of a node: one directory of logs under one journal. R9: `save` resolves when a kill or a power cut
 *  can no longer undo it. R12: evidence survives restart. README.md has the table of files and what is synced when.
 *
 *  Order of a save: blocks and evidence (synced), operations with openings (synced), journal frame (synced), finality and other
 *  operations (derivable, synced lazily), counter. Fail-stop: after one failed write nothing is written until a restart has judged what is on disk. */

import type { Durable, FinalityEntry, OperationEntry, ReplicaSnapshot } from "../replica/interface.ts";
import type { Block } from "../types/block.ts";
import type { Evidence } from "../types/evidence.ts";
import { type BlockHash, Height, type TransactionHash } from "../types/ids.ts";
import { type CheckedDurable, checkDurable, checkSnapshot, type DurableContext } from "./durable_check.ts";
import { invalidCall, StoreError } from "./errors.ts";
import { type DurableWriteHook, type FileLock, type Files, hookFiles, trackFiles } from "./files.ts";
import { openIndex } from "./index_filling.ts";
import type { Recovered, Store, StoreIdentity, TransactionLocation } from "./interface.ts";
import type { LogPositions } from "./journal_codec.ts";
import { STORE_LIMITS, type StoreLimits } from "./limits.ts";
import type { StoredFinality } from "./live_state.ts";
import type { StoredOperation } from "./operation_log.ts";
import { createRealFiles } from "./real_files.ts";
import { lockStore, openParts, type StoreParts } from "./recovery.ts";
import type { FrameLocation } from "./segmented_log.ts";
import { Snapshots } from "./snapshots.ts";
import type { StoreIndex } from "./store_index.ts";

export interface FileStoreOptions {
  /** Created when it does not exist. One node per directory. */
  readonly directory: string;
  readonly identity: StoreIdentity;
  /** A second copy of the counter, on another disk or at least outside `directory`: with it, a whole directory restored
   *  from an old backup, or deleted, is noticed. */
  readonly counterFile?: string | undefined;
  /** The operator vouches that the directory was never restored from a copy: writes missing counter files again. */
  readonly acceptMissingCounter?: boolean | undefined;
  /** tail: the last segment of each log and the headers of all (default). all: every byte; reads check in both cases. */
  readonly verify?: "tail" | "all" | undefined;
  /** Called right before and right after every change on disk; a test may kill the process in it. */
  readonly onDurableWrite?: DurableWriteHook | undefined;
  readonly files?: Files | undefined;
  readonly limits?: Partial<StoreLimits> | undefined;
}

/** Opens or creates a store. Rejects with StoreError when it must not be used; `code` says why, the message what to do. */
export async function openFileStore(options: FileStoreOptions): Promise<Store> {
  const base = options.files ?? createRealFiles();
  const tracked = trackFiles(options.onDurableWrite === undefined ? base : hookFiles(base, options.onDurableWrite));
  const { files } = tracked;
  const limits = { ...STORE_LIMITS, ...options.limits };
  const { directory, identity, counterFile } = options;
  const recovery = {
    files,
    directory,
    identity,
    counterFile,
    acceptMissingCounter: options.acceptMissingCounter === true,
    verifiesAll: options.verify === "all",
    limits,
  };
  const locks = lockStore(recovery);
  let index: StoreIndex | undefined;
  try {
    const parts = openParts(recovery);
    index = openIndex({ files, directory, limits, parts });
    const snapshots = new Snapshots(files, { directory, snapshotsKept: limits.snapshotsKept });
    return new FileStore({ parts, index, snapshots, limits, locks });
  } catch (error) {
    index?.close();
    tracked.closeAll();
    for (const lock of locks) lock.release();
    throw error;
  }
}

class FileStore implements Store {
  readonly #parts: StoreParts;
  readonly #index: StoreIndex;
  readonly #snapshots: Snapshots;
  readonly #limits: StoreLimits;
  readonly #locks: readonly FileLock[];
  readonly #context: DurableContext;
  #recovered: Recovered;
  /** How far the lazily synced logs are known to be on the device. */
  #synced: Pick<LogPositions, "finality" | "operations" | "operationHeight">;
  #framesSinceSync = 0;
  #refusal: StoreError | undefined;
  #snapshotInProgress: Promise<void> | undefined;

  constructor(options: {
    readonly parts: StoreParts;
    readonly index: StoreIndex;
    readonly snapshots: Snapshots;
    readonly limits: StoreLimits;
    readonly locks: readonly FileLock[];
  }) {
    const { parts } = options;
    this.#parts = parts;
    this.#index = options.index;
    this.#snapshots = options.snapshots;
    this.#limits = options.limits;
    this.#locks = options.locks;
    const { live } = parts.journal;
    this.#context = {
      get finalHeight() {
        return live.finalHeight;
      },
      get operationHeight() {
        return parts.operations.lastHeight;
      },
      isPending: (blockHash) => live.pending.has(blockHash),
      finalHashAt: (height) => this.finality(height)?.blockHash,
      record: (key) => live.record(key),
      shares: (blockHash) => live.shares.get(blockHash),
    };
    this.#synced = this.#logEnds();
    this.#recovered = this.#recover();
  }

  get recovered(): Recovered {
    return this.#recovered;
  }

  get finalHeight(): Height {
    return this.#parts.journal.live.finalHeight;
  }

  get oldestHeight(): Height {
    return this.#parts.journal.live.oldestHeight;
  }

  releaseRecovered(): void {
    this.#recovered = { ...this.#recovered, records: [], pendingBlocks: [], shares: [], snapshot: undefined };
  }

  async save(durable: Durable): Promise<void> {
    this.#requireOpen();
    const checked = checkDurable(durable, this.#context);
    try {
      this.#write(checked, durable.evidence);
    } catch (error) {
      throw this.#stop(error);
    }
  }

  async saveSnapshot(snapshot: ReplicaSnapshot): Promise<void> {
    this.#requireOpen();
    if (this.#snapshotInProgress !== undefined) throw invalidCall("A snapshot is being written already.");
    checkSnapshot(snapshot, (height) => this.operation(height)?.stateRoot);
    try {
      // A snapshot must not outlive the operations that it stands on.
      this.#syncLazy();
    } catch (error) {
      throw this.#stop(error);
    }
    this.#snapshotInProgress = this.#snapshots.save(snapshot);
    try {
      await this.#snapshotInProgress;
    } catch (error) {
      throw writeError("The snapshot could not be written; the one before it is still there.", error);
    } finally {
      this.#snapshotInProgress = undefined;
    }
  }

  finality(height: Height): FinalityEntry | undefined {
    return this.#storedFinality(height)?.entry;
  }

  blockAt(height: Height): Block | undefined {
    const stored = this.#storedFinality(height);
    return stored === undefined ? undefined : this.#parts.blocks.read(stored.entry.blockHash, stored.block);
  }

  blockByHash(blockHash: BlockHash): Block | undefined {
    this.#requireReadable();
    const pending = this.#parts.journal.live.pending.get(blockHash);
    if (pending !== undefined) return this.#parts.blocks.read(blockHash, pending.location);
    const height = this.heightOf(blockHash);
    return height === undefined ? undefined : this.blockAt(height);
  }

  heightOf(blockHash: BlockHash): Height | undefined {
    this.#requireReadable();
    const height = this.#index.heightOf(blockHash);
    return height !== undefined && this.finality(height)?.blockHash === blockHash ? height : undefined;
  }

  operation(height: Height): OperationEntry | undefined {
    this.#requireReadable();
    const location = this.#operationPlace(height);
    return location === undefined ? undefined : this.#parts.operations.read(height, location);
  }

  locate(hash: TransactionHash): TransactionLocation | undefined {
    this.#requireReadable();
    const found = this.#index.locate(hash);
    const location = found === undefined ? undefined : this.#operationPlace(found.height);
    if (found === undefined || location === undefined) return undefined;
    return this.#parts.operations.receiptHash(found.height, { location, index: found.index }) === hash ? found : undefined;
  }

  evidence(): readonly Evidence[] {
    return this.#parts.evidence.all;
  }

  async close(): Promise<void> {
    if (this.#refusal?.code === "closed") return;
    const hasFailed = this.#refusal !== undefined;
    this.#refusal = new StoreError({ code: "closed", message: "The store is closed. Open it again to use it." });
    await Promise.allSettled([this.#snapshotInProgress]);
    const { journal, blocks, finality, operations, evidence, counters } = this.#parts;
    try {
      if (!hasFailed) {
        this.#syncLazy();
        this.#index.flush();
      }
    } finally {
      this.#index.close();
      for (const part of [journal, blocks, finality, operations, evidence, ...counters]) part.close();
      for (const lock of this.#locks) lock.release();
    }
  }

  #write(checked: CheckedDurable, newEvidence: readonly Evidence[]): void {
    const { journal, blocks, finality, operations, evidence, counters } = this.#parts;
    for (const entry of checked.repeatedOperations) this.#checkRepeated(entry);
    if (journal.isFull) this.#rotateJournal();
    const evidenceEnd = evidence.end;
    const locations = checked.blocks.length === 0 ? [] : blocks.save(checked.blocks);
    evidence.save(newEvidence);
    const storedBlocks = checked.blocks.map(({ blockHash, block }, index) => {
      const location = locations[index];
      if (location === undefined) throw new Error("each block has a place");
      return { blockHash, height: block.header.height, location };
    });
    const places = new Map(storedBlocks.map(({ blockHash, location }) => [blockHash, location]));
    const storedFinality = checked.finality.map((entry): StoredFinality => {
      const place = places.get(entry.blockHash) ?? journal.live.pending.get(entry.blockHash)?.location;
      if (place === undefined) throw new Error("the check has found the block");
      return { entry, block: place };
    });
    const hasEvidence = evidence.end.length !== evidenceEnd.length || evidence.end.segment !== evidenceEnd.segment;
    const isJournaled =
      hasEvidence || checked.records.length > 0 || storedBlocks.length > 0 || storedFinality.length > 0 || checked.shares.length > 0;
    const openedFirst = this.#saveOpened(checked.operations);
    if (isJournaled) {
      const change = { records: checked.records, finality: storedFinality, blocks: storedBlocks, shares: checked.shares };
      journal.save(change, { blocks: blocks.end, evidence: evidence.end, ...this.#synced });
    }
    finality.append(storedFinality);
    const storedOperations = openedFirst ?? operations.append(checked.operations);
    if (isJournaled) {
      for (const counter of counters) counter.write(journal.sequence);
      this.#framesSinceSync += 1;
    }
    if (this.#framesSinceSync >= this.#limits.framesPerLazySync) this.#syncLazy();
    this.#index.addFinality(storedFinality);
    this.#index.addOperations(storedOperations);
  }

  /** Openings cannot be derived from the blocks: operations with some are on the device before the journal says that their heights
   *  are final, and that frame names them, so that damage to them is noticed. A restart without the frame cuts them off again. */
  #saveOpened(entries: readonly OperationEntry[]): readonly StoredOperation[] | undefined {
    if (entries.every(({ openings }) => openings.length === 0)) return undefined;
    const { operations } = this.#parts;
    const stored = operations.append(entries);
    operations.sync();
    this.#synced = { ...this.#synced, operations: operations.end, operationHeight: operations.lastHeight };
    return stored;
  }

  #checkRepeated(entry: OperationEntry): void {
    const location = this.#index.operationAt(entry.height);
    if (location !== undefined) this.#parts.operations.checkSame(entry, location);
  }

  #rotateJournal(): void {
    this.#syncLazy();
    const { journal, blocks, evidence } = this.#parts;
    journal.rotate({ blocks: blocks.end, evidence: evidence.end, ...this.#synced });
  }

  #syncLazy(): void {
    const { finality, operations, counters } = this.#parts;
    finality.sync();
    operations.sync();
    for (const counter of counters) counter.sync();
    this.#synced = this.#logEnds();
    this.#framesSinceSync = 0;
  }

  #logEnds(): Pick<LogPositions, "finality" | "operations" | "operationHeight"> {
    const { finality, operations } = this.#parts;
    return { finality: finality.end, operations: operations.end, operationHeight: operations.lastHeight };
  }

  #storedFinality(height: Height): StoredFinality | undefined {
    this.#requireReadable();
    const { finalHeight, oldestHeight } = this;
    if (height > finalHeight || height < oldestHeight || oldestHeight === Height.ZERO) return undefined;
    return this.#parts.finality.read(height, oldestHeight);
  }

  #operationPlace(height: Height): FrameLocation | undefined {
    return height > this.#parts.operations.lastHeight ? undefined : this.#index.operationAt(height);
  }

  /** A store that has stopped can still be read. */
  #requireReadable(): void {
    if (this.#refusal?.code === "closed") throw this.#refusal;
  }

  #requireOpen(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  /** Fail-stop: what a failed write or sync left on disk is unknown until a restart reads it. */
  #stop(error: unknown): unknown {
    const reason = error instanceof Error ? error.message : String(error);
    this.#refusal = new StoreError({
      code: "stopped",
      message: `The store has stopped after an earlier failure and takes nothing more (${reason}). Restart the node once the cause is removed.`,
      cause: error,
    });
    const isOurs = error instanceof StoreError || (error instanceof Error && error.name === "AssertionError");
    return isOurs ? error : writeError("A save could not be written; it was not acknowledged, and nothing of it may be sent.", error);
  }

  #recover(): Recovered {
    const { journal, blocks, repairs } = this.#parts;
    const pending = [...journal.live.pending.values()].sort(inOrderOfHeight);
    const loaded = this.#snapshots.load((height, root) => height === Height.ZERO || this.operation(height)?.stateRoot === root);
    return {
      records: journal.live.records,
      finalHead: journal.live.finalHead?.entry,
      pendingBlocks: pending.map(({ blockHash, location }) => ({ blockHash, block: blocks.read(blockHash, location) })),
      shares: [...journal.live.shares.values()].sort(inOrderOfHeight),
      snapshot: loaded.snapshot,
      repairs: [...repairs, ...loaded.repairs],
    };
  }
}

interface OfBlock {
  readonly height: Height;
  readonly blockHash: BlockHash;
}

const inOrderOfHeight = (left: OfBlock, right: OfBlock): number =>
  left.height - right.height || (left.blockHash < right.blockHash ? -1 : 1);

function writeError(what: string, cause: unknown): StoreError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
  const advice = code === "ENOSPC" || code === "EDQUOT" ? "free space on the disk of the data directory" : "check the disk and its mount";
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StoreError({
    code: "writeFailed",
    message: `${what} The system said: ${reason} (${code}). It is the operator's move: ${advice}, then restart the node; it goes on from the last acknowledged save.`,
    cause,
  });
}
