/** Openings cannot be derived from the blocks: they are on the device before the journal says that their height is final, damage to
 *  them is noticed, and what a crash leaves of them above the final head is dropped. Operations without openings cost no sync.
 *
 *  The crash points of one save are enumerated here; `kill_points.test.ts` does the same with a whole run. Checked to fire: this file
 *  fails when the operations are not synced before the journal frame, when the frame does not name them, and when a restart keeps
 *  operations above the final head. */

import t from "tap";
import type { Durable, OperationEntry } from "../../replica/interface.ts";
import { openFileStore } from "../../storage/file_store.ts";
import type { Store } from "../../storage/interface.ts";
import { createMemoryStore } from "../../storage/memory_store.ts";
import { Height } from "../../types/ids.ts";
import { type CrashMode, FaultyDisk } from "./faulty_files.ts";
import * as fixtures from "./fixtures.ts";
import { blockHashOf, blockOf, describeStore, EMPTY, IDENTITY } from "./fixtures.ts";

class Crash extends Error {}

const isCrash = (error: unknown): boolean => error instanceof Crash || (error instanceof Error && isCrash(error.cause));

function open(disk: FaultyDisk, options: Partial<Parameters<typeof openFileStore>[0]> = {}): Promise<Store> {
  return openFileStore({ directory: "/data", identity: IDENTITY, files: disk.files(), verify: "all", ...options });
}

const opened = (height: number, provers?: readonly number[]): OperationEntry => ({
  ...fixtures.operationOf(height),
  openings: fixtures.openingsOf(height, provers),
});
const plain = (height: number): OperationEntry => ({ ...fixtures.operationOf(height), openings: [] });

/** Blocks 1 to 4 with our shares of them; 1 and 2 are final and executed. */
const BEFORE: readonly Durable[] = [
  {
    ...EMPTY,
    blocks: [1, 2, 3, 4].map((height) => ({ blockHash: blockHashOf(height), block: blockOf(height) })),
    shares: [1, 2, 3, 4].map((height) => fixtures.sharesOf(height)),
  },
  { ...EMPTY, finality: [fixtures.finalityOf(1), fixtures.finalityOf(2)], operations: [plain(1), opened(2)] },
];
const SAVE: Durable = { ...EMPTY, finality: [fixtures.finalityOf(3, 4), fixtures.finalityOf(4)], operations: [opened(3), opened(4)] };
/** The same heights, opened a second time with other proofs of the failures. */
const AGAIN: Durable = { ...SAVE, operations: [opened(3, [1, 2, 3]), opened(4, [6])] };

async function changesOf(save: Durable): Promise<readonly string[]> {
  const calls: string[] = [];
  const store = await open(new FaultyDisk(), { onDurableWrite: (_, label) => void calls.push(label) });
  for (const earlier of BEFORE) await store.save(earlier);
  calls.length = 0;
  await store.save(save);
  return calls.filter((label) => label.startsWith("after ")).map((label) => label.slice("after ".length).replace("-00000001.log", ""));
}

t.test("R9: save: operations with openings are synced before the journal frame; others are written after it and not synced", async (t) => {
  t.same(await changesOf(SAVE), [
    "append operations",
    "sync operations",
    "append journal",
    "sync journal",
    "append finality",
    "write counter",
  ]);
  t.same(await changesOf({ ...SAVE, operations: [plain(3), plain(4)] }), [
    "append journal",
    "sync journal",
    "append finality",
    "append operations",
    "write counter",
  ]);
});

t.test("save: openings that come after the finality of their height, are synced too", async (t) => {
  t.same(await changesOf({ ...EMPTY, operations: [] }), []);
  const disk = new FaultyDisk();
  const store = await open(disk);
  for (const save of [...BEFORE, { ...SAVE, operations: [plain(3)] }, { ...EMPTY, operations: [opened(4)] }]) await store.save(save);
  const again = await open(disk.crash("powerLost"));
  t.same(again.operation(Height.of(4)), opened(4));
  t.same(again.operation(Height.of(3)), plain(3), "the one below it is there as well");
});

interface Crashed {
  readonly disk: FaultyDisk;
  readonly label: string;
}

/** The disk after a crash at the given call of SAVE; undefined when SAVE has fewer calls. */
async function crashIn(crashAt: number, { mode, segmentBytes }: { mode: CrashMode; segmentBytes: number }): Promise<Crashed | undefined> {
  const disk = new FaultyDisk();
  let calls = Number.NEGATIVE_INFINITY;
  let label = "";
  const onDurableWrite = (_: number, what: string): void => {
    label = what;
    if (calls++ === crashAt) throw new Crash();
  };
  const store = await open(disk, { onDurableWrite, limits: { operationSegmentBytesMax: segmentBytes } });
  for (const save of BEFORE) await store.save(save);
  calls = 0;
  try {
    await store.save(SAVE);
    return undefined;
  } catch (error) {
    if (!isCrash(error)) throw error;
  }
  const found = disk.crash(typeof mode === "string" ? mode : { torn: mode.torn * 1_009 + crashAt });
  await store.close();
  return { disk: found, label };
}

function twinAfter(saves: readonly Durable[]): Store {
  const twin = createMemoryStore({ identity: IDENTITY });
  for (const save of saves) twin.saveNow(save);
  return twin.reopen();
}

/** Restarts, looks, saves the heights again unless they are final, and restarts. */
async function judge({ disk, label }: Crashed): Promise<{ readonly complaint?: string; readonly hasCut: boolean }> {
  const store = await open(disk);
  const isThere = store.finalHeight === 4;
  const expected = twinAfter(isThere ? [...BEFORE, SAVE] : BEFORE);
  const hasCut = store.recovered.repairs.some((repair) => /^operations: cut off \d+ bytes/.test(repair));
  if (describeStore(store, 5) !== describeStore(expected, 5)) return { complaint: `${label}: differs from the twin`, hasCut };
  if (fixtures.describeRecovered(store.recovered) !== fixtures.describeRecovered(expected.recovered))
    return { complaint: `${label}: recovers something else than the twin`, hasCut };
  if (isThere) await store.save({ ...EMPTY, operations: AGAIN.operations });
  else await store.save(AGAIN);
  const last = await open(disk.crash("powerLost"));
  const end = describeStore(twinAfter([...BEFORE, isThere ? SAVE : AGAIN]), 5);
  return describeStore(last, 5) === end ? { hasCut } : { complaint: `${label}: ends differently`, hasCut };
}

for (const mode of ["kill", "powerLost", { torn: 1 }, { torn: 2 }] as const) {
  for (const segmentBytes of [1 << 20, 100]) {
    const name = `${typeof mode === "string" ? mode : `torn ${mode.torn}`}, segments of ${segmentBytes} bytes`;
    t.test(
      `R9: a crash (${name}) anywhere in a save with openings, all of it or nothing, and the heights can be opened again`,
      async (t) => {
        const complaints: string[] = [];
        let cuts = 0;
        let points = 0;
        for (; ; points++) {
          const crashed = await crashIn(points, { mode, segmentBytes });
          if (crashed === undefined) break;
          const { complaint, hasCut } = await judge(crashed);
          if (complaint !== undefined) complaints.push(complaint);
          if (hasCut) cuts += 1;
        }
        t.ok(points >= 12, `${points} crash points`);
        t.ok(cuts > 0, "some crashes left openings above the final head, which were cut off and reported");
        t.same(complaints, []);
      },
    );
  }
}

t.test("openFileStore: openings that the journal names are damaged, is refused and never cut off", async (t) => {
  const disk = new FaultyDisk();
  const store = await open(disk);
  for (const save of [...BEFORE, SAVE]) await store.save(save);
  const image = disk.image();
  const log = image.get("/data/operations-00000001.log") as Uint8Array;
  for (let offset = log.length - 600; offset < log.length; offset += 7) {
    const harmed = new Map(image).set("/data/operations-00000001.log", log.with(offset, (log[offset] as number) ^ 1));
    await t.rejects(open(new FaultyDisk(harmed), { verify: "tail" }), { code: "corrupt", message: /operations-00000001\.log/ });
  }
  const short = new Map(image).set("/data/operations-00000001.log", log.slice(0, log.length - 1));
  await t.rejects(open(new FaultyDisk(short)), { code: "corrupt" });
});

t.test(
  "save: a height that is logged is opened again, other proofs of a failure change nothing, another seed stops the store",
  async (t) => {
    const store = await open(new FaultyDisk());
    const twin = createMemoryStore({ identity: IDENTITY });
    for (const either of [store, twin]) {
      for (const save of [...BEFORE, SAVE]) await either.save(save);
      await either.save({ ...EMPTY, operations: AGAIN.operations });
      t.same(either.operation(Height.of(4)), opened(4), "the first is kept");
      const otherSeed = { ...opened(4), openings: [...fixtures.openingsOf(5).slice(0, 1), ...fixtures.openingsOf(4).slice(1)] };
      await t.rejects(either.save({ ...EMPTY, operations: [otherSeed] }), { code: "diverged", message: /receipts or openings differ/ });
      await t.rejects(either.save(EMPTY), { code: "stopped" });
    }
  },
);
