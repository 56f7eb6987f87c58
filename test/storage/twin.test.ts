/** The file store against its in-memory twin: random sequences of saves, snapshots, crashes and clean restarts; after each
 *  step both answer every question alike. */

import fc from "fast-check";
import t from "tap";
import type { Durable } from "../../replica/interface.ts";
import { openFileStore } from "../../storage/file_store.ts";
import type { Store } from "../../storage/interface.ts";
import { createMemoryStore, type MemoryStore } from "../../storage/memory_store.ts";
import { FaultyDisk } from "./faulty_files.ts";
import * as fixtures from "./fixtures.ts";
import { blockHashOf, blockOf, describeRecovered, describeStore, EMPTY, IDENTITY, snapshotOf } from "./fixtures.ts";

const SMALL_LIMITS = {
  journalBytesMax: 2_500,
  blockSegmentBytesMax: 2_500,
  operationSegmentBytesMax: 700,
  finalitySegmentEntries: 3,
  framesPerLazySync: 6,
  cacheEntriesMax: 2,
  indexSliceRows: 5,
  openSegmentsMax: 2,
};

type Move =
  | "vote"
  | "rival"
  | "commit"
  | "share"
  | "timeout"
  | "finalize"
  | "execute"
  | "evidence"
  | "repeat"
  | "all"
  | "snapshot"
  | "crash"
  | "restart";
const MOVES: readonly Move[] = [
  "vote",
  "rival",
  "commit",
  "share",
  "timeout",
  "finalize",
  "execute",
  "evidence",
  "repeat",
  "all",
  "snapshot",
  "crash",
  "restart",
];

/** Where a scripted validator stands: the highest stored, final and executed heights. */
interface Progress {
  stored: number;
  final: number;
  executed: number;
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

/** A save that is allowed at this point; advances `progress`. */
function saveFor(move: Move, count: number, progress: Progress): Durable {
  const next = progress.stored + 1;
  switch (move) {
    case "vote":
      progress.stored = next;
      return {
        ...EMPTY,
        records: [fixtures.votedRecord(next)],
        blocks: [{ blockHash: blockHashOf(next), block: blockOf(next, { count }) }],
      };
    case "rival":
      return { ...EMPTY, blocks: [{ blockHash: blockHashOf(next, 1), block: blockOf(next, { fork: 1 }) }] };
    case "commit":
      return {
        ...EMPTY,
        records: range(progress.final + 1, progress.stored)
          .slice(-count)
          .map(fixtures.committedRecord),
      };
    // Of the final head too, and some again: those are ignored.
    case "share":
      return {
        ...EMPTY,
        shares: range(Math.max(1, progress.final), progress.stored)
          .slice(-count)
          .flatMap((height) => [fixtures.sharesOf(height), fixtures.sharesOf(height, 1)]),
      };
    case "timeout":
      return { ...EMPTY, records: [fixtures.timedOutRecord(next, 1)] };
    case "finalize": {
      const last = Math.min(progress.stored, progress.final + count);
      const heights = range(progress.final + 1, last);
      progress.final = last;
      return { ...EMPTY, finality: heights.map((height) => fixtures.finalityOf(height, last)) };
    }
    case "execute": {
      const heights = range(progress.executed + 1, Math.min(progress.final, progress.executed + count));
      progress.executed += heights.length;
      return { ...EMPTY, operations: heights.map((height) => fixtures.operationOf(height, height % 4)) };
    }
    case "evidence":
      return { ...EMPTY, evidence: [fixtures.evidenceOf(count), fixtures.evidenceOf(progress.stored)] };
    case "repeat": {
      const stored = range(Math.max(1, progress.stored - count), progress.stored);
      const operations = range(Math.max(1, progress.executed - count), progress.executed).map((height) =>
        fixtures.operationOf(height, height % 4),
      );
      return { ...EMPTY, blocks: stored.map((height) => ({ blockHash: blockHashOf(height), block: blockOf(height) })), operations };
    }
    case "all": {
      const parts = (["vote", "share", "finalize", "execute", "evidence"] as const).map((part) => saveFor(part, count, progress));
      const join = <K extends keyof Durable>(key: K): Durable[K] =>
        parts.flatMap((part) => part[key] as readonly unknown[]) as unknown as Durable[K];
      return {
        records: join("records"),
        blocks: join("blocks"),
        finality: join("finality"),
        operations: join("operations"),
        evidence: join("evidence"),
        shares: join("shares"),
      };
    }
    default:
      return EMPTY;
  }
}

const scriptArbitrary = fc.array(fc.tuple(fc.constantFrom(...MOVES), fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 60 });

async function play(script: readonly (readonly [Move, number])[]): Promise<void> {
  const progress: Progress = { stored: 0, final: 0, executed: 0 };
  let twin: MemoryStore = createMemoryStore({ identity: IDENTITY });
  let disk = new FaultyDisk();
  const open = (verify: "tail" | "all"): Promise<Store> =>
    openFileStore({ directory: "/data", identity: IDENTITY, limits: SMALL_LIMITS, files: disk.files(), verify });
  let store = await open("tail");
  const compare = (what: string): void => {
    if (describeStore(store, progress.stored) !== describeStore(twin, progress.stored)) throw new Error(`reads differ after ${what}`);
  };
  for (const [move, count] of [...script, ["crash", 1] as const]) {
    if (move === "crash" || move === "restart") {
      if (move === "restart") await store.close();
      disk = disk.crash("kill");
      store = await open(count === 1 ? "all" : "tail");
      twin = twin.reopen();
      if (store.recovered.repairs.length > 0) throw new Error(`repaired ${store.recovered.repairs.join()}`);
      if (describeRecovered(store.recovered) !== describeRecovered(twin.recovered)) throw new Error(`recovered differs after ${move}`);
    } else if (move === "snapshot") {
      const snapshot = snapshotOf(progress.executed);
      await store.saveSnapshot(snapshot);
      await twin.saveSnapshot(snapshot);
    } else {
      const save = saveFor(move, count, progress);
      await store.save(save);
      twin.saveNow(save);
    }
    compare(move);
  }
  await store.close();
}

t.test("openFileStore: random saves, crashes and restarts, answers like its twin in memory", async (t) => {
  await fc.assert(fc.asyncProperty(scriptArbitrary, play), { numRuns: 150 });
  t.pass("no difference found");
});
