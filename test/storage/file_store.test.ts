/** The file store on a real disk: restart after every save, index, contract, snapshots, journal rewriting, hook. */

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import t, { type Test } from "tap";
import type { Durable } from "../../replica/interface.ts";
import { StoreError } from "../../storage/errors.ts";
import { type FileStoreOptions, openFileStore } from "../../storage/file_store.ts";
import type { Store } from "../../storage/interface.ts";
import { createMemoryStore } from "../../storage/memory_store.ts";
import { Height } from "../../types/ids.ts";
import { KEYGEN_STATE_BYTES_MAX } from "../../types/limits.ts";
import * as fixtures from "./fixtures.ts";
import { blockHashOf, blockOf, describeRecovered, describeStore, EMPTY, IDENTITY, scriptedSaves, snapshotOf } from "./fixtures.ts";

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

function temporary(t: Test): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "sealstone-storage-"));
  t.teardown(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function opened(t: Test, options: Partial<FileStoreOptions> & { readonly directory: string }): Promise<Store> {
  const store = await openFileStore({ identity: IDENTITY, limits: SMALL_LIMITS, ...options });
  t.teardown(() => store.close());
  return store;
}

t.test("openFileStore: a directory on disk, reopened after every save, finds the twin's state", async (t) => {
  const directory = path.join(temporary(t), "new", "data");
  let twin = createMemoryStore({ identity: IDENTITY });
  for (const save of scriptedSaves(9)) {
    const store = await opened(t, { directory });
    t.equal(describeRecovered(store.recovered), describeRecovered(twin.recovered));
    await store.save(save);
    twin.saveNow(save);
    t.equal(describeStore(store, 9), describeStore(twin, 9));
    await store.close();
    twin = twin.reopen();
  }
});

t.test("R9: a final head whose CC is of a later block, records between the two views survive a restart", async (t) => {
  const directory = temporary(t);
  let store = await opened(t, { directory });
  let twin = createMemoryStore({ identity: IDENTITY });
  const check = async (save: Durable, expected: Durable["records"], what: string): Promise<void> => {
    await store.save(save);
    twin.saveNow(save);
    await store.close();
    store = await opened(t, { directory });
    twin = twin.reopen();
    t.same(store.recovered.records, expected, `file: ${what}`);
    t.same(twin.recovered.records, expected, `memory: ${what}`);
  };
  const heights = [1, 2, 3];
  const between = [fixtures.timedOutRecord(1, 1), fixtures.committedRecord(2), fixtures.timedOutRecord(2, 1), fixtures.committedRecord(3)];
  const above = fixtures.votedRecord(4);
  const blocks = heights.map((height) => ({ blockHash: blockHashOf(height), block: blockOf(height) }));
  const records = [fixtures.committedRecord(1), ...between, above];
  await check({ ...EMPTY, records, blocks }, records, "nothing is final");
  await check({ ...EMPTY, finality: [fixtures.finalityOf(1, 3)] }, [...between, above], "height 1 by the CC of height 3");
  await check(
    { ...EMPTY, records: [fixtures.timedOutRecord(4, 1)] },
    [...between, above, fixtures.timedOutRecord(4, 1)],
    "a save without finality",
  );
  await check(
    { ...EMPTY, finality: [2, 3].map((height) => fixtures.finalityOf(height, 3)) },
    [above, fixtures.timedOutRecord(4, 1)],
    "the block of the CC itself",
  );
});

t.test("openFileStore: the index was deleted, damaged or belongs to another store, is filled again from the logs", async (t) => {
  const directory = temporary(t);
  const first = await opened(t, { directory });
  for (const save of scriptedSaves(9)) await first.save(save);
  const expected = describeStore(first, 9);
  await first.close();
  const index = path.join(directory, "index.sqlite");
  const harms: Record<string, () => void> = {
    deleted: () => fs.rmSync(index),
    empty: () => fs.writeFileSync(index, ""),
    garbage: () => fs.writeFileSync(index, "x".repeat(8_192)),
    "pages overwritten": () => fs.writeFileSync(index, fs.readFileSync(index).fill(0xff, 4_096)),
    "another store's": () => edit(index, "UPDATE marks SET store = 'other'"),
    "ahead of the logs": () => edit(index, "UPDATE marks SET final_height = 100, operation_height = 100"),
    "operations ahead": () => edit(index, "UPDATE marks SET operation_height = 100"),
    "a wrong last block": () => edit(index, "UPDATE blocks SET height = height + 1"),
    "wrong places": () => edit(index, "UPDATE operations SET offset = offset + 1"),
  };
  for (const [name, harm] of Object.entries(harms)) {
    harm();
    const store = await openFileStore({ identity: IDENTITY, limits: SMALL_LIMITS, directory });
    t.equal(describeStore(store, 9), expected, name);
    await store.close();
  }
});

function edit(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

t.test("locate, heightOf: an index that names a wrong place, is not believed", async (t) => {
  const directory = temporary(t);
  const first = await opened(t, { directory });
  for (const save of scriptedSaves(6)) await first.save(save);
  await first.close();
  edit(
    path.join(directory, "index.sqlite"),
    "UPDATE transactions SET position = 1 - position; UPDATE blocks SET height = 7 - height WHERE height IN (2, 5)",
  );
  const store = await opened(t, { directory });
  t.equal(store.locate(fixtures.transactionHashOf(3, 0)), undefined);
  t.equal(store.heightOf(blockHashOf(2)), undefined);
  t.equal(store.heightOf(blockHashOf(3)), 3);
});

t.test("save: the index queue is bounded, and what waits in it is found", async (t) => {
  const store = await opened(t, {
    directory: temporary(t),
    limits: { indexQueueRowsMax: 7, indexSliceRows: 2, indexFlushDelayMs: 60_000 },
  });
  for (const save of scriptedSaves(12)) await store.save(save);
  for (let height = 1; height <= 12; height++) {
    t.equal(store.heightOf(blockHashOf(height)), height);
    t.same(store.locate(fixtures.transactionHashOf(height, 1)), { height, index: 1 });
  }
});

t.test("save: rows of the index are written by themselves in slices", async (t) => {
  const directory = temporary(t);
  const store = await opened(t, { directory, limits: { indexSliceRows: 2, indexFlushDelayMs: 0 } });
  for (const save of scriptedSaves(6)) await store.save(save);
  const database = new DatabaseSync(path.join(directory, "index.sqlite"), { readOnly: true });
  t.teardown(() => database.close());
  const count = database.prepare("SELECT (SELECT count(*) FROM blocks) + (SELECT count(*) FROM transactions) AS rows");
  while (count.get()?.rows !== 6 + 12) await new Promise((resolve) => setImmediate(resolve));
  t.equal(describeStore(store, 6).includes("none none"), false);
});

const CONTRACT: readonly { readonly name: string; readonly save: Durable; readonly says: RegExp }[] = [
  { name: "finality with a gap", save: { ...EMPTY, finality: [fixtures.finalityOf(6)] }, says: /does not follow/ },
  { name: "finality again", save: { ...EMPTY, finality: [fixtures.finalityOf(4)] }, says: /does not follow/ },
  { name: "finality of a block that is not stored", save: { ...EMPTY, finality: [fixtures.finalityOf(5)] }, says: /is not stored/ },
  {
    name: "finality without a CC",
    save: {
      ...EMPTY,
      blocks: [{ blockHash: blockHashOf(5), block: blockOf(5) }],
      finality: [{ ...fixtures.finalityOf(5), certificate: fixtures.certificateOf("vote", 5) }],
    },
    says: /no CC/,
  },
  { name: "operation with a gap", save: { ...EMPTY, operations: [fixtures.operationOf(6)] }, says: /does not follow/ },
  { name: "operation before finality", save: { ...EMPTY, operations: [fixtures.operationOf(5)] }, says: /before it was final/ },
  { name: "a record that forgets a vote", save: { ...EMPTY, records: [fixtures.timedOutRecord(5)] }, says: /would forget what was signed/ },
];

for (const { name, save, says } of CONTRACT) {
  t.test(`save: ${name}, is refused by store and twin and changes nothing`, async (t) => {
    const store = await opened(t, { directory: temporary(t) });
    const twin = createMemoryStore({ identity: IDENTITY });
    for (const either of [store, twin]) {
      for (const earlier of scriptedSaves(4)) await either.save(earlier);
      await either.save({ ...EMPTY, records: [fixtures.votedRecord(5)] });
      const before = describeStore(either, 6);
      await t.rejects(either.save(save), { code: "invalidCall", message: says });
      t.equal(describeStore(either, 6), before);
      await either.save({ ...EMPTY, blocks: [{ blockHash: blockHashOf(5), block: blockOf(5) }] });
    }
  });
}

t.test("save: an operation of another block than the final one, is refused", async (t) => {
  const store = await opened(t, { directory: temporary(t) });
  for (const save of scriptedSaves(4)) await store.save({ ...save, operations: [] });
  await t.rejects(store.save({ ...EMPTY, operations: [{ ...fixtures.operationOf(1), blockHash: blockHashOf(2) }] }), {
    code: "invalidCall",
  });
});

t.test("save: executing a block again gives another result, stops the store and its twin", async (t) => {
  const store = await opened(t, { directory: temporary(t) });
  const twin = createMemoryStore({ identity: IDENTITY });
  for (const either of [store, twin]) {
    for (const save of scriptedSaves(4)) await either.save(save);
    const again = { ...fixtures.operationOf(3), stateRoot: fixtures.operationOf(2).stateRoot };
    await t.rejects(either.save({ ...EMPTY, operations: [again] }), { code: "diverged" });
    await t.rejects(either.save({ ...EMPTY, operations: [fixtures.operationOf(3)] }), { code: "stopped" });
    t.equal(either.operation(Height.of(3))?.stateRoot, fixtures.operationOf(3).stateRoot, "it can still be read");
  }
});

t.test("saveSnapshot: keeps the newest two and their chunks, and refuses a root that was not logged", async (t) => {
  const directory = temporary(t);
  const store = await opened(t, { directory });
  for (const save of scriptedSaves(8)) await store.save(save);
  for (const height of [2, 4, 6]) await store.saveSnapshot(snapshotOf(height));
  await t.rejects(store.saveSnapshot({ ...snapshotOf(8), root: snapshotOf(6).root }), { code: "invalidCall" });
  await t.rejects(store.saveSnapshot(snapshotOf(9)), { code: "invalidCall" });
  const both = [store.saveSnapshot(snapshotOf(8)), store.saveSnapshot(snapshotOf(8))];
  t.same(
    (await Promise.allSettled(both)).map(({ status }) => status),
    ["fulfilled", "rejected"],
  );
  const manifests = fs.readdirSync(path.join(directory, "snapshots")).filter((name) => name.endsWith(".manifest"));
  t.same(manifests, ["0000000000000006.manifest", "0000000000000008.manifest"]);
  t.equal(fs.readdirSync(path.join(directory, "snapshots", "chunks")).length, 5, "one chunk is shared");
  await store.close();
  t.same((await opened(t, { directory })).recovered.snapshot, snapshotOf(8));
});

t.test("saveSnapshot: the state of key generation is given back, shared while it stays the same, and bounded", async (t) => {
  const directory = temporary(t);
  const store = await opened(t, { directory });
  const twin = createMemoryStore({ identity: IDENTITY });
  for (const either of [store, twin]) {
    for (const save of scriptedSaves(4)) await either.save(save);
    const largest = { ...snapshotOf(2), keygen: new Uint8Array(KEYGEN_STATE_BYTES_MAX) };
    const tooLong = { ...largest, keygen: new Uint8Array(KEYGEN_STATE_BYTES_MAX + 1) };
    await t.rejects(either.saveSnapshot(tooLong), { code: "invalidCall", message: /bytes of key generation/ });
    await either.saveSnapshot(largest);
    await either.saveSnapshot({ ...snapshotOf(4), keygen: new Uint8Array(0) });
  }
  t.equal(fs.readdirSync(path.join(directory, "snapshots", "chunks")).length, 5);
  await store.save({ ...EMPTY, operations: [] });
  await store.saveSnapshot({ ...snapshotOf(2), keygen: new Uint8Array(0) });
  t.equal(fs.readdirSync(path.join(directory, "snapshots", "chunks")).length, 4, "both have the same state");
  await store.close();
  const { snapshot } = (await opened(t, { directory })).recovered;
  t.same(snapshot, { ...snapshotOf(4), keygen: new Uint8Array(0) });
  t.same(twin.reopen().recovered.snapshot, snapshot);
});

t.test("recovered: the newest snapshot is damaged, the one before serves and the loss is reported", async (t) => {
  const directory = temporary(t);
  const store = await opened(t, { directory });
  for (const save of scriptedSaves(8)) await store.save(save);
  for (const height of [6, 8]) await store.saveSnapshot(snapshotOf(height));
  await store.close();
  const chunks = path.join(directory, "snapshots", "chunks");
  const victim = fs
    .readdirSync(chunks)
    .find((name) => fs.readFileSync(path.join(chunks, name)).equals(snapshotOf(8).chunks[1] as Uint8Array));
  fs.appendFileSync(path.join(chunks, victim as string), "x");
  const second = await opened(t, { directory });
  t.equal(second.recovered.snapshot?.height, 6);
  t.match(second.recovered.repairs, [/Snapshot of height 8 was set aside: chunk [0-9a-f]+ is damaged/]);
  await second.saveSnapshot(snapshotOf(8));
  await second.close();
  t.equal((await opened(t, { directory })).recovered.snapshot?.height, 8, "the chunk was written again");
});

t.test("releaseRecovered: recovered blocks and snapshot are let go", async (t) => {
  const store = await opened(t, { directory: temporary(t) });
  for (const save of scriptedSaves(3)) await store.save(save);
  store.releaseRecovered();
  const { records, pendingBlocks, shares, snapshot } = store.recovered;
  t.same([records, pendingBlocks, shares, snapshot], [[], [], [], undefined]);
});

t.test("close: twice is harmless, and every later call says that the store is closed", async (t) => {
  const store = await opened(t, { directory: temporary(t) });
  await store.close();
  await store.close();
  await t.rejects(store.save(EMPTY), { code: "closed" });
  await t.rejects(store.saveSnapshot(snapshotOf(1)), { code: "closed" });
  t.throws(() => store.operation(Height.of(1)), { code: "closed" });
});

t.test("R9: the journal is rewritten to its live records, and stays small", async (t) => {
  const directory = temporary(t);
  const store = await opened(t, { directory });
  for (const save of scriptedSaves(60)) await store.save(save);
  const journals = fs.readdirSync(directory).filter((name) => name.startsWith("journal"));
  t.equal(journals.length, 1);
  t.ok(fs.statSync(path.join(directory, journals[0] as string)).size < 2 * SMALL_LIMITS.journalBytesMax);
});

t.test("R9: records above the newest durable CC survive any number of rewrites of the journal", async (t) => {
  const directory = temporary(t);
  const store = await opened(t, { directory });
  for (const save of scriptedSaves(2)) await store.save(save);
  for (let height = 3; height <= 60; height++) await store.save({ ...EMPTY, records: [fixtures.timedOutRecord(height)] });
  await store.close();
  const views = (await opened(t, { directory })).recovered.records.map(({ view, hasTimedOut }) => (hasTimedOut ? view : -1));
  t.same(
    views,
    range(3, 60).map((height) => fixtures.viewOf(height)),
  );
});

t.test("R9: a long outage prunes nothing, and the journal is still rewritten seldom", async (t) => {
  const directory = temporary(t);
  const store = await opened(t, { directory });
  for (let height = 1; height <= 400; height++) await store.save({ ...EMPTY, records: [fixtures.timedOutRecord(height)] });
  const [journal] = fs.readdirSync(directory).filter((name) => name.startsWith("journal"));
  t.ok(Number(journal?.slice(8, 16)) < 15, `${journal}`);
  await store.close();
  t.equal((await opened(t, { directory })).recovered.records.length, 400);
});

t.test("R12: evidence against one validator is bounded and survives restart", async (t) => {
  const directory = temporary(t);
  const store = await opened(t, { directory, limits: { evidencePerValidatorMax: 3 } });
  for (let number = 0; number < 40; number++) await store.save({ ...EMPTY, evidence: [fixtures.evidenceOf(number)] });
  t.equal(store.evidence().length, 12);
  await store.close();
  t.equal((await opened(t, { directory, limits: { evidencePerValidatorMax: 3 } })).evidence().length, 12);
});

t.test("onDurableWrite: is called before and after each change, in order, and blocks come before the journal", async (t) => {
  const calls: string[] = [];
  const ordinals: number[] = [];
  const onDurableWrite = (ordinal: number, label: string): void => {
    ordinals.push(ordinal);
    calls.push(label);
  };
  const store = await opened(t, { directory: temporary(t), limits: {}, onDurableWrite });
  calls.length = 0;
  const [first] = scriptedSaves(1);
  await store.save(first as Durable);
  const changes = [
    "append blocks-00000001.log",
    "sync blocks-00000001.log",
    "append journal-00000001.log",
    "sync journal-00000001.log",
    "write counter",
  ];
  t.same(
    calls,
    changes.flatMap((change) => [`before ${change}`, `after ${change}`]),
  );
  t.same(ordinals, range(0, ordinals.length - 1));
});

t.test("StoreError: is an Error with a name, a code and a cause", async (t) => {
  const cause = new Error("why");
  const error = new StoreError({ code: "corrupt", message: "what", cause });
  t.match(error, { name: "StoreError", code: "corrupt", message: "what", cause });
});

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
