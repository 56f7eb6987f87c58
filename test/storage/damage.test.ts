/** What a disk can do to a store, byte by byte: torn tails are cut off only where nothing was acknowledged; all else
 *  refuses to open, or to be read, with a StoreError; nothing ever comes back different from what was saved. */

import t from "tap";
import { StoreError } from "../../storage/errors.ts";
import { openFileStore } from "../../storage/file_store.ts";
import type { Files, OpenFile } from "../../storage/files.ts";
import type { Store } from "../../storage/interface.ts";
import { createMemoryStore } from "../../storage/memory_store.ts";
import { Height } from "../../types/ids.ts";
import { FaultyDisk } from "./faulty_files.ts";
import { describeRecovered, describeStore, EMPTY, IDENTITY, operationOf, scriptedSaves, snapshotOf } from "./fixtures.ts";

// Thousands of openings: minutes on a machine that is busy with other tests.
t.setTimeout(300_000);

type Image = ReadonlyMap<string, Uint8Array>;

const HEIGHTS = 4;
const SAVES = scriptedSaves(HEIGHTS + 1);
const LIMITS = { blockSegmentBytesMax: 1_500, operationSegmentBytesMax: 300, finalitySegmentEntries: 2, framesPerLazySync: 4 };
const COUNTER = "/data/counter";

function open(image: Image, verify: "tail" | "all" = "all"): Promise<Store> {
  return openFileStore({ directory: "/data", identity: IDENTITY, limits: LIMITS, files: new FaultyDisk(image).files(), verify });
}

/** The disk after `count` saves. */
async function imageAfter(count: number): Promise<Image> {
  const disk = new FaultyDisk();
  const store = await openFileStore({ directory: "/data", identity: IDENTITY, limits: LIMITS, files: disk.files() });
  for (const save of SAVES.slice(0, count)) await store.save(save);
  return disk.image();
}

function stateAfter(count: number): string {
  const twin = createMemoryStore({ identity: IDENTITY });
  for (const save of SAVES.slice(0, count)) twin.saveNow(save);
  return `${describeRecovered(twin.reopen().recovered)}\n${describeStore(twin, HEIGHTS)}`;
}

function stateOf(store: Store): string {
  return `${describeRecovered(store.recovered)}\n${describeStore(store, HEIGHTS)}`;
}

function journalOf(image: Image): string {
  return [...image.keys()].find((name) => name.startsWith("/data/journal")) as string;
}

function changed(image: Image, changes: Record<string, Uint8Array | undefined>): Image {
  const copy = new Map(image);
  for (const [name, bytes] of Object.entries(changes)) {
    if (bytes === undefined) copy.delete(name);
    else copy.set(name, bytes);
  }
  return copy;
}

/** The state, or the code of the error that refused it at opening or reading. */
async function outcomeOf(
  image: Image,
  verify: "tail" | "all",
): Promise<{ readonly state: string; readonly repairs: readonly string[] } | string> {
  try {
    const store = await open(image, verify);
    try {
      return { state: stateOf(store), repairs: store.recovered.repairs };
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return error.code;
  }
}

// A save with records, blocks, finality and operations behind it: the first save of the last height.
const LAST = SAVES.findIndex(({ blocks }) => blocks.some(({ block }) => block.header.height === HEIGHTS)) + 1;

t.test("openFileStore: a save was torn at any byte before it was acknowledged, is cut off and reported", async (t) => {
  const before = await imageAfter(LAST - 1);
  const after = await withSameStoreId(before, LAST);
  const journal = journalOf(before);
  const [start, full] = [before.get(journal) as Uint8Array, after.get(journal) as Uint8Array];
  const [earlier, later] = [stateAfter(LAST - 1), stateAfter(LAST)];
  for (let length = start.length; length <= full.length; length++) {
    const store = await open(changed(after, { [journal]: full.slice(0, length), [COUNTER]: before.get(COUNTER) }));
    const isWhole = length === full.length;
    const isRight = stateOf(store) === (isWhole ? later : earlier);
    const reports = store.recovered.repairs.filter((line) => line.startsWith("journal"));
    if (!isRight || reports.length !== (isWhole || length === start.length ? 0 : 1))
      t.fail(`cut at ${length}`, { repairs: store.recovered.repairs });
  }
  t.ok(full.length - start.length > 200, "all lengths were tried");
});

t.test("openFileStore: an acknowledged save was torn at any byte, is refused and never cut off", async (t) => {
  const before = await imageAfter(LAST - 1);
  const after = await withSameStoreId(before, LAST);
  const journal = journalOf(before);
  const [start, full] = [before.get(journal) as Uint8Array, after.get(journal) as Uint8Array];
  const codes = new Set<string>();
  for (let length = start.length; length < full.length; length++) {
    const outcome = await outcomeOf(changed(after, { [journal]: full.slice(0, length) }), "tail");
    codes.add(typeof outcome === "string" ? `${length === start.length} ${outcome}` : "opened");
  }
  t.same([...codes], ["true rolledBack", "false corrupt"]);
});

/** The image with one more save, made from `image` itself so that both are of one store. */
async function withSameStoreId(image: Image, count: number): Promise<Image> {
  const disk = new FaultyDisk(image);
  const store = await openFileStore({ directory: "/data", identity: IDENTITY, limits: LIMITS, files: disk.files() });
  await store.save(SAVES[count - 1] ?? EMPTY);
  return disk.image();
}

async function fullImage(): Promise<Image> {
  const disk = new FaultyDisk();
  const store = await openFileStore({ directory: "/data", identity: IDENTITY, limits: LIMITS, files: disk.files() });
  for (const save of SAVES) await store.save(save);
  for (const height of [2, 4]) await store.saveSnapshot(snapshotOf(height));
  await store.close();
  return disk.image();
}

/** A complaint, unless this was refused, or is the same, or lacks only what can be derived again (and says so). */
async function judge(
  image: Image,
  { verify, expected, needsReport }: { readonly verify: "tail" | "all"; readonly expected: string; readonly needsReport: boolean },
): Promise<string | undefined> {
  const outcome = await outcomeOf(image, verify);
  if (typeof outcome === "string" || outcome.state === expected) return undefined;
  if (needsReport && outcome.repairs.length === 0) return "different without a word";
  const store = await open(image, verify);
  const missing = Array.from({ length: HEIGHTS + 1 }, (_, index) => operationOf(index + 1)).filter(
    ({ height }) => store.operation(height) === undefined,
  );
  await store.save({ ...EMPTY, operations: missing });
  for (const height of [2, 4]) await store.saveSnapshot(snapshotOf(height));
  const repaired = `${describeRecovered({ ...store.recovered, snapshot: snapshotOf(4) })}\n${describeStore(store, HEIGHTS)}`;
  return repaired === expected ? undefined : "different after the repair";
}

for (const { verify, stride } of [
  { verify: "all", stride: 11 },
  { verify: "tail", stride: 31 },
] as const) {
  t.test(
    `openFileStore: a bit flips anywhere (verify ${verify}), is refused, or repaired and reported, never silently different`,
    async (t) => {
      const image = await fullImage();
      const expected = stateOf(await open(image));
      const complaints: string[] = [];
      const tried = new Map<string, number>();
      for (const [name, bytes] of image) {
        for (let offset = 0; offset < bytes.length; offset += stride) {
          const harmed = bytes.slice();
          harmed[offset] = (harmed[offset] as number) ^ (1 << ((offset / stride) % 8));
          const complaint = await judge(changed(image, { [name]: harmed }), { verify, expected, needsReport: true });
          if (complaint !== undefined) complaints.push(`${name} byte ${offset}: ${complaint}`);
          tried.set(name, offset);
        }
      }
      t.equal(tried.size, image.size, "every file was harmed");
      t.same(complaints, []);
    },
  );
}

// The last unsynced operations and snapshots can vanish whole without a trace; they are derived again.
t.test(
  "openFileStore: any file is missing, cut short, or replaced by a sibling, is refused, or loses only what is derived again",
  async (t) => {
    const image = await fullImage();
    const expected = stateOf(await open(image));
    const names = [...image.keys()];
    for (const name of names) {
      const bytes = image.get(name) as Uint8Array;
      const sibling = names.find((other) => other !== name && other.slice(0, 12) === name.slice(0, 12));
      const harms = [
        undefined,
        new Uint8Array(0),
        bytes.slice(0, bytes.length - 1),
        bytes.slice(0, bytes.length >> 1),
        image.get(sibling ?? name),
      ];
      for (const [index, harm] of harms.entries()) {
        const complaint = await judge(changed(image, { [name]: harm }), {
          verify: "all",
          expected,
          needsReport: harm !== undefined && harm.length > 0,
        });
        t.equal(complaint, undefined, `${name}, harm ${index}`);
      }
    }
  },
);

t.test("openFileStore: damage in the middle of the journal, is refused with the place and the operator's next step", async (t) => {
  const image = await fullImage();
  const journal = journalOf(image);
  const bytes = (image.get(journal) as Uint8Array).slice();
  bytes[700] = (bytes[700] as number) ^ 1;
  await t.rejects(open(changed(image, { [journal]: bytes })), {
    code: "corrupt",
    message:
      /journal-\d+\.log is damaged at byte \d+, with valid records after it.*operator's move: check the disk, then restore the newest complete copy/,
  });
});

t.test("openFileStore: a segment in the middle is missing, is refused by name", async (t) => {
  const image = await fullImage();
  await t.rejects(open(changed(image, { "/data/blocks-00000002.log": undefined }), "tail"), {
    code: "corrupt",
    message: /Segment blocks-00000002\.log is missing/,
  });
});

t.test("blockAt: a sealed segment rots while verify is tail, the read throws instead of returning another block", async (t) => {
  const image = await fullImage();
  const bytes = (image.get("/data/blocks-00000001.log") as Uint8Array).slice();
  bytes[200] = (bytes[200] as number) ^ 4;
  const store = await open(changed(image, { "/data/blocks-00000001.log": bytes }), "tail");
  t.throws(() => store.blockAt(Height.of(1)), { code: "corrupt", message: /blocks-00000001\.log: the record at byte \d+ is damaged/ });
});

t.test("save: the disk is full at any byte, the save is not acknowledged, the store stops, and a restart goes on", async (t) => {
  let failures = 0;
  for (let roomBytes = 1_500; ; roomBytes += 97) {
    const disk = new FaultyDisk();
    const store = await openFileStore({ directory: "/data", identity: IDENTITY, limits: LIMITS, files: disk.files() });
    disk.roomBytes = roomBytes - 1_500;
    let acknowledged = 0;
    let failure: unknown;
    for (const save of SAVES) {
      try {
        await store.save(save);
        acknowledged += 1;
      } catch (error) {
        failure = error;
        break;
      }
    }
    if (failure === undefined) break;
    failures += 1;
    t.match(failure, { name: "StoreError", code: "writeFailed", message: /ENOSPC.*operator's move: free space/ });
    await t.rejects(store.save(SAVES[acknowledged] ?? EMPTY), { code: "stopped" });
    const again = await open(disk.crash("kill").image());
    const states = [stateAfter(acknowledged), stateAfter(acknowledged + 1)];
    t.ok(states.includes(stateOf(again)) || withoutOperations(again) === withoutOperationsAfter(acknowledged + 1), `room for ${roomBytes}`);
  }
  t.ok(failures > 50, `${failures} places`);
});

/** A save whose operations did not fit any more is complete without them: they are derived again. */
function withoutOperations(store: Store): string {
  return describeRecovered(store.recovered);
}

function withoutOperationsAfter(count: number): string {
  const twin = createMemoryStore({ identity: IDENTITY });
  for (const save of SAVES.slice(0, count)) twin.saveNow(save);
  return describeRecovered(twin.reopen().recovered);
}

t.test("save: a sync fails, the save is not acknowledged and the sync is never tried again", async (t) => {
  const disk = new FaultyDisk();
  let syncs = 0;
  let hasFailed = false;
  const failing = (file: OpenFile): OpenFile =>
    Object.create(file, {
      sync: {
        value: () => {
          syncs += 1;
          if (hasFailed) throw Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" });
          file.sync();
        },
      },
    });
  const base = disk.files();
  const files: Files = { ...base, create: (path) => failing(base.create(path)), open: (path) => failing(base.open(path)) };
  const store = await openFileStore({ directory: "/data", identity: IDENTITY, limits: LIMITS, files });
  for (const save of SAVES.slice(0, 3)) await store.save(save);
  hasFailed = true;
  syncs = 0;
  await t.rejects(store.save(SAVES[3] ?? EMPTY), { code: "writeFailed", message: /EIO.*check the disk/ });
  t.equal(syncs, 1);
  await t.rejects(store.save(SAVES[3] ?? EMPTY), { code: "stopped", message: /Restart the node/ });
  await t.rejects(store.saveSnapshot(snapshotOf(2)), { code: "stopped" });
  t.equal(store.finalHeight, 0);
  await store.close();
  t.equal(syncs, 1, "close does not sync what is unknown");
});
