/** A simulated disk: the log of everything that was saved, with the store's in-memory twin as its index. A crash during a write keeps,
 *  loses or tears it; damage is found at the next start, as the file store finds it by its checksums and its counter. */

import type { Durable, ReplicaSnapshot } from "../../replica/interface.ts";
import type { StoreIdentity } from "../../storage/interface.ts";
import { createMemoryStore, type MemoryStore } from "../../storage/memory_store.ts";
import { assert } from "../../types/assert.ts";
import { Height } from "../../types/ids.ts";

export type DiskOpening = { readonly ok: true; readonly store: MemoryStore } | { readonly ok: false; readonly reason: string };

export interface CrashRemains {
  /** Writes that were under way and are not there, or not whole. */
  readonly lostWrites: number;
  /** What is there of the write that was under way. */
  readonly kept: Durable | undefined;
}

export interface SimulatedDisk {
  readonly store: MemoryStore;
  /** Starts a write; one at a time. */
  begin(durable: Durable): void;
  /** The write is synced. */
  commit(): void;
  /** The process died. What was being written is kept, lost, or torn. Of a torn write nothing is left either: the
   *  file store cuts off what its journal does not vouch for. After both, operations of the last saves are gone as well, since they
   *  are not synced; those up to the last one with openings are, and stay. */
  crash(unsynced: "kept" | "lost" | "torn"): CrashRemains;
  saveSnapshot(snapshot: ReplicaSnapshot): void;
  damage(kind: "bitFlip" | "truncate"): void;
  /** An old copy of the files is put back. The counter shows it, unless `hidesCounter`. */
  rollBack(options: { readonly saves: number; readonly hidesCounter: boolean }): void;
  open(): DiskOpening;
  readonly saves: number;
}

/** Saves whose operations a power cut may take along. */
const UNSYNCED_OPERATIONS_SAVES = 8;

export function createSimulatedDisk(identity: StoreIdentity): SimulatedDisk {
  let log: Durable[] = [];
  let store = createMemoryStore({ identity });
  let writing: Durable | undefined;
  let snapshot: ReplicaSnapshot | undefined;
  let damaged: "bitFlip" | "truncate" | undefined;
  let isRolledBack = false;

  function append(durable: Durable): void {
    store.saveNow(durable);
    log.push(durable);
  }

  /** Indexes the log anew. */
  function rebuild(): void {
    store = createMemoryStore({ identity });
    for (const durable of log) store.saveNow(durable);
    if (snapshot !== undefined && store.operation(snapshot.height) === undefined) snapshot = undefined;
    if (snapshot !== undefined) store.saveSnapshotNow(snapshot);
  }

  function loseOperations(): void {
    const first = Math.max(0, log.length - UNSYNCED_OPERATIONS_SAVES);
    let floor = snapshot?.height ?? Height.ZERO;
    for (const { operations } of log.slice(first)) {
      // Of one save all operations are synced when one has openings.
      if (operations.some(({ openings }) => openings.length > 0)) floor = highest(floor, operations.at(-1)?.height ?? floor);
    }
    const isLost = log.slice(first).some(({ operations }) => operations.some(({ height }) => height > floor));
    if (!isLost) return;
    log = log.map((durable, index) =>
      index < first ? durable : { ...durable, operations: durable.operations.filter(({ height }) => height <= floor) },
    );
    rebuild();
  }

  return {
    get store() {
      return store;
    },
    get saves() {
      return log.length;
    },
    begin(durable) {
      assert(writing === undefined, "writes go one after the other");
      writing = durable;
    },
    commit() {
      assert(writing !== undefined, "a write was begun");
      append(writing);
      writing = undefined;
    },
    crash(unsynced) {
      const torn = writing;
      writing = undefined;
      if (unsynced === "kept") {
        if (torn !== undefined) append(torn);
        return { lostWrites: 0, kept: torn };
      }
      loseOperations();
      return { lostWrites: torn === undefined ? 0 : 1, kept: undefined };
    },
    saveSnapshot(taken) {
      store.saveSnapshotNow(taken);
      snapshot = taken;
    },
    damage(kind) {
      damaged = kind;
    },
    rollBack({ saves, hidesCounter }) {
      if (log.length === 0) return;
      isRolledBack = !hidesCounter;
      log = log.slice(0, Math.max(0, log.length - saves));
      rebuild();
    },
    open() {
      if (damaged !== undefined) {
        const what = damaged === "bitFlip" ? "a frame's checksum does not fit" : "the journal ends before what was acknowledged";
        return { ok: false, reason: `the store is damaged: ${what}` };
      }
      if (isRolledBack) return { ok: false, reason: "the store is an old copy: its counter is ahead of its journal" };
      store = store.reopen();
      return { ok: true, store };
    },
  };
}

const highest = (left: Height, right: Height): Height => (left > right ? left : right);
