/** The twin's own promises: what `file_store.test.ts` compares against must itself be right. */

import t from "tap";
import { createMemoryStore } from "../../storage/memory_store.ts";
import { Height } from "../../types/ids.ts";
import * as fixtures from "./fixtures.ts";
import { blockHashOf, blockOf, EMPTY, IDENTITY, viewOf } from "./fixtures.ts";

t.test("createMemoryStore: nothing saved, finds nothing", async (t) => {
  const store = createMemoryStore({ identity: IDENTITY });
  t.same(store.recovered, { records: [], finalHead: undefined, pendingBlocks: [], shares: [], snapshot: undefined, repairs: [] });
  t.same([store.finalHeight, store.oldestHeight, store.blockAt(Height.of(1)), store.evidence()], [0, 0, undefined, []]);
});

t.test("reopen: what was saved is found, the crashed store is dead", async (t) => {
  const store = createMemoryStore({ identity: IDENTITY });
  await store.save({ ...EMPTY, records: [fixtures.votedRecord(1)], blocks: [{ blockHash: blockHashOf(1), block: blockOf(1) }] });
  const again = store.reopen();
  t.same(again.recovered.records, [fixtures.votedRecord(1)]);
  t.same(
    again.recovered.pendingBlocks.map(({ blockHash }) => blockHash),
    [blockHashOf(1)],
  );
  await t.rejects(store.save(EMPTY), { code: "closed" });
  await again.close();
  await t.rejects(again.save(EMPTY), { code: "closed" });
});

t.test("R9: reopen: records above the view of the durable final head are kept, of one view the newest", async (t) => {
  const store = createMemoryStore({ identity: IDENTITY });
  for (const height of [1, 2]) {
    await store.save({
      ...EMPTY,
      records: [fixtures.votedRecord(height)],
      blocks: [{ blockHash: blockHashOf(height), block: blockOf(height) }],
    });
  }
  await store.save({ ...EMPTY, records: [fixtures.timedOutRecord(1, 1), fixtures.committedRecord(2), fixtures.timedOutRecord(2, 1)] });
  await store.save({ ...EMPTY, finality: [fixtures.finalityOf(1)] });
  const views = store.reopen().recovered.records.map(({ view, committedHash }) => [view, committedHash]);
  t.same(views, [
    [viewOf(1, 1), fixtures.timedOutRecord(1, 1).committedHash],
    [viewOf(2), blockHashOf(2)],
    [viewOf(2, 1), fixtures.timedOutRecord(2, 1).committedHash],
  ]);
});

t.test("save: a block that lost the race for its height, is forgotten with it", async (t) => {
  const store = createMemoryStore({ identity: IDENTITY });
  const blocks = [0, 1].map((fork) => ({ blockHash: blockHashOf(1, fork), block: blockOf(1, { fork }) }));
  await store.save({ ...EMPTY, blocks });
  t.ok(store.blockByHash(blockHashOf(1, 1)));
  t.equal(store.heightOf(blockHashOf(1)), undefined, "not final yet");
  await store.save({ ...EMPTY, finality: [fixtures.finalityOf(1)] });
  t.equal(store.blockByHash(blockHashOf(1, 1)), undefined);
  t.equal(store.heightOf(blockHashOf(1)), 1);
  await store.save({ ...EMPTY, blocks });
  t.equal(store.blockByHash(blockHashOf(1, 1)), undefined, "too old to come back");
});

t.test("saveSnapshot: the newest is recovered, an older one later does not replace it", async (t) => {
  const store = createMemoryStore({ identity: IDENTITY });
  for (const save of fixtures.scriptedSaves(4)) await store.save(save);
  await store.saveSnapshot(fixtures.snapshotOf(4));
  await store.saveSnapshot(fixtures.snapshotOf(2));
  t.equal(store.reopen().recovered.snapshot?.height, 4);
});
