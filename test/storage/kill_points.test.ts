/** R9, failure 2: a crash before and after every write, sync, rename and removal of a scripted run, enumerated, with every
 *  kind of loss that the disk is allowed. What was acknowledged is there after the restart; of what was not, either
 *  everything or nothing; and the run can be completed from there to the same end.
 *
 *  Some operations have openings: those are not derived again, and are there whenever their save was acknowledged.
 *
 *  Checked to fire: this file fails when any one of these is taken out: the sync of the journal, the sync of the blocks, the
 *  sync of the directory after the journal's rename, the sync of the lazy logs before a rotation; and when the counter is
 *  written before the journal is synced.
 */

import t from "tap";
import type { Durable } from "../../replica/interface.ts";
import { openFileStore } from "../../storage/file_store.ts";
import type { Store } from "../../storage/interface.ts";
import { createMemoryStore } from "../../storage/memory_store.ts";
import { Height } from "../../types/ids.ts";
import { type CrashMode, FaultyDisk, randomOf } from "./faulty_files.ts";
import { describeRecovered, describeStore, EMPTY, IDENTITY, scriptedSaves, snapshotOf } from "./fixtures.ts";

// Thousands of runs: minutes on a machine that is busy with other tests.
t.setTimeout(300_000);

const HEIGHTS = 5;
const LIMITS = {
  journalBytesMax: 2_500,
  blockSegmentBytesMax: 2_000,
  operationSegmentBytesMax: 600,
  evidenceSegmentBytesMax: 300,
  finalitySegmentEntries: 3,
  framesPerLazySync: 5,
};
const SAVES = scriptedSaves(HEIGHTS);
/** A snapshot of the executed height after this many saves. */
const SNAPSHOT_AFTER = new Map([
  [10, 2],
  [SAVES.length, HEIGHTS],
]);

class Crash extends Error {}

function optionsOf(disk: FaultyDisk, crashAt: number) {
  const onDurableWrite = (ordinal: number): void => {
    if (ordinal === crashAt) throw new Crash();
  };
  return { directory: "/data", counterFile: "/other/counter", identity: IDENTITY, limits: LIMITS, files: disk.files(), onDurableWrite };
}

interface Run {
  readonly acknowledged: number;
  readonly hasCrashed: boolean;
  readonly store: Store | undefined;
}

/** Performs the script until the crash; says how many saves were acknowledged. */
async function run(disk: FaultyDisk, crashAt: number): Promise<Run> {
  let acknowledged = 0;
  let store: Store | undefined;
  try {
    store = await openFileStore(optionsOf(disk, crashAt));
    for (const save of SAVES) {
      await store.save(save);
      acknowledged += 1;
      const height = SNAPSHOT_AFTER.get(acknowledged);
      if (height !== undefined) await store.saveSnapshot(snapshotOf(height));
    }
    await store.close();
    return { acknowledged, hasCrashed: false, store };
  } catch (error) {
    if (hasCause(error)) return { acknowledged, hasCrashed: true, store };
    throw error;
  }
}

function hasCause(error: unknown): boolean {
  return error instanceof Crash || (error instanceof Error && hasCause(error.cause));
}

/** Frees what the dead process held; its disk takes nothing any more. */
async function bury(store: Store | undefined): Promise<void> {
  await Promise.allSettled([store?.close()]);
}

/** What a restart may find after `count` saves: everything but operations and snapshots, which can be derived again. */
function expectedAfter(count: number): string {
  const twin = createMemoryStore({ identity: IDENTITY });
  for (const save of SAVES.slice(0, count)) twin.saveNow({ ...save, operations: [] });
  return `${describeRecovered(twin.reopen().recovered)}\n${describeStore(twin, HEIGHTS)}`;
}

const EXPECTED = Array.from({ length: SAVES.length + 1 }, (_, count) => expectedAfter(count));
/** Height of the last operation that a power cut may not take, after each save. */
const OPENED_HEIGHTS = SAVES.map((_, index) => {
  const opened = SAVES.slice(0, index + 1).filter(({ operations }) => operations.some(({ openings }) => openings.length > 0));
  return opened.at(-1)?.operations.at(-1)?.height ?? 0;
});
const OPERATION_HEIGHTS = SAVES.map((_, index) =>
  Math.max(0, ...SAVES.slice(0, index + 1).flatMap(({ operations }) => operations.map(({ height }) => height))),
);

function withoutOperations(store: Store): string {
  const bare: Store = Object.create(store, {
    recovered: { value: { ...store.recovered, snapshot: undefined } },
    operation: { value: () => undefined },
    locate: { value: () => undefined },
    finalHeight: { value: store.finalHeight },
    oldestHeight: { value: store.oldestHeight },
    finality: { value: (height: Height) => store.finality(height) },
    blockAt: { value: (height: Height) => store.blockAt(height) },
    blockByHash: { value: (hash: Parameters<Store["blockByHash"]>[0]) => store.blockByHash(hash) },
    heightOf: { value: (hash: Parameters<Store["heightOf"]>[0]) => store.heightOf(hash) },
    evidence: { value: () => store.evidence() },
  });
  return `${describeRecovered(bare.recovered)}\n${describeStore(bare, HEIGHTS)}`;
}

function operationsOf(store: Store): number {
  let height = 0;
  while (store.operation(Height.of(height + 1)) !== undefined) height += 1;
  return height;
}

/** Judges the restarted store; returns a complaint or the number of saves that it holds. */
function judge(store: Store, acknowledged: number, mode: CrashMode): string | number {
  const found = withoutOperations(store);
  // A restart may add nothing to a save without records, so several counts can look alike: take the highest that fits.
  const held = [acknowledged + 1, acknowledged].find((count) => EXPECTED[count] === found);
  if (held === undefined) return `neither ${acknowledged} nor ${acknowledged + 1} saves:\n${found}`;
  const operations = operationsOf(store);
  const kept = mode === "kill" ? OPERATION_HEIGHTS : OPENED_HEIGHTS;
  const least = acknowledged > 0 ? (kept[acknowledged - 1] as number) : 0;
  if (operations < least) return `operations up to ${operations}, ${least} were acknowledged`;
  if (operations > store.finalHeight) return `operations up to ${operations}, final is ${store.finalHeight}`;
  const snapshotHeight = store.recovered.snapshot?.height ?? 0;
  return snapshotHeight > operations ? `snapshot at ${snapshotHeight} stands on no operation` : held;
}

/** Executes again what is missing, then completes the script. */
async function complete(store: Store, held: number): Promise<string> {
  const operations = operationsOf(store);
  const missing = SAVES.slice(0, held)
    .flatMap((save) => save.operations)
    .filter(({ height }) => height > operations);
  const rest: Durable[] = [{ ...EMPTY, operations: missing }, ...SAVES.slice(held)];
  for (const save of rest) await store.save(save);
  const end = describeStore(store, HEIGHTS);
  await store.close();
  return end;
}

const twin = createMemoryStore({ identity: IDENTITY });
for (const save of SAVES) twin.saveNow(save);
const END = describeStore(twin, HEIGHTS);

const MODES: readonly CrashMode[] = ["kill", "powerLost", { torn: 1 }, { torn: 2 }];

for (const mode of MODES) {
  const name = typeof mode === "string" ? mode : `torn ${mode.torn}`;
  t.test(`R9: a crash (${name}) at every durable write, nothing acknowledged is lost and nothing is invented`, async (t) => {
    const complaints: string[] = [];
    let points = 0;
    for (let crashAt = 0; ; crashAt++) {
      const disk = new FaultyDisk();
      const { acknowledged, hasCrashed, store } = await run(disk, crashAt);
      if (!hasCrashed) break;
      points += 1;
      const seeded = typeof mode === "string" ? mode : { torn: mode.torn * 100_003 + crashAt };
      const found = disk.crash(seeded);
      await bury(store);
      const complaint = await judgeRestart(found, {
        acknowledged,
        mode: seeded,
        recoveryCrashAt: Math.floor(randomOf(crashAt)() * 30),
      });
      if (complaint !== undefined) complaints.push(`crash at ${crashAt}: ${complaint}`);
    }
    t.ok(points > 250, `${points} crash points`);
    t.same(complaints, []);
  });
}

/** Restarts, crashes once more inside the recovery (or soon after), restarts again and completes. */
async function judgeRestart(
  found: FaultyDisk,
  { acknowledged, mode, recoveryCrashAt }: { readonly acknowledged: number; readonly mode: CrashMode; readonly recoveryCrashAt: number },
): Promise<string | undefined> {
  let disk = found;
  try {
    const first = await openFileStore(optionsOf(disk, recoveryCrashAt));
    await first.close();
  } catch (error) {
    if (!(error instanceof Crash)) return `second restart: ${String(error)}`;
  }
  disk = disk.crash(mode);
  const store = await openFileStore({ ...optionsOf(disk, -1), verify: "all" });
  const held = judge(store, acknowledged, mode);
  if (typeof held === "string") return held;
  const end = await complete(store, held);
  return end === END ? undefined : `the completed run ends differently:\n${end}`;
}
