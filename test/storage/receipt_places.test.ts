/** Where the receipts of a bundle stand: behind those of their block, found by hash, in the store and its twin, from the cache, from the log,
 *  while the index is still written, after a restart, and from an index that was made again. */

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import t from "tap";
import type { Durable, OperationEntry } from "../../replica/interface.ts";
import { openFileStore } from "../../storage/file_store.ts";
import type { Store } from "../../storage/interface.ts";
import { createMemoryStore } from "../../storage/memory_store.ts";
import { decodeOperation, encodeOperation, operationsEqual, receiptHashAt } from "../../storage/operation_codec.ts";
import { receiptAt, receiptPlaces } from "../../storage/receipt_places.ts";
import type { TransactionReceipt } from "../../types/application.ts";
import type { TransactionHash } from "../../types/ids.ts";
import { BUNDLE_TRANSACTIONS_MAX } from "../../types/limits.ts";
import * as fixtures from "./fixtures.ts";
import { blockHashOf, blockOf, EMPTY, hashOf, IDENTITY } from "./fixtures.ts";

const REFUSED = 106;
const receipt = (name: string, code = 0): TransactionReceipt => ({
  hash: hashOf<TransactionHash>(name),
  code,
  operationCodes: code === 0 ? [0, 0, 0] : [],
});
const entryOf = (
  height: number,
  receipts: readonly TransactionReceipt[],
  bundleReceipts: readonly TransactionReceipt[],
): OperationEntry => ({
  ...fixtures.operationOf(height),
  receipts,
  bundleReceipts,
});

/** "a" runs at height 1; "b" is of the bundle of height 2 and refused in its tail, "c" of the bundle alone; height 3 repeats all of them,
 *  in bundle and block, and brings "e" in a bundle without a tail. */
const ENTRIES: readonly OperationEntry[] = [
  entryOf(1, [receipt("a")], []),
  entryOf(2, [receipt("d"), receipt("b", REFUSED)], [receipt("b"), receipt("c")]),
  entryOf(3, [], [receipt("e"), receipt("d"), receipt("a"), receipt("b")]),
  entryOf(4, [receipt("c", REFUSED), receipt("e", REFUSED)], []),
];
const PLACES: Readonly<Record<string, readonly [height: number, index: number]>> = {
  a: [1, 0],
  b: [2, 2],
  c: [2, 3],
  d: [2, 0],
  e: [3, 0],
};

const SAVES: readonly Durable[] = ENTRIES.map((operation) => ({
  ...EMPTY,
  blocks: [{ blockHash: blockHashOf(operation.height), block: blockOf(operation.height) }],
  finality: [fixtures.finalityOf(operation.height)],
  operations: [operation],
}));

/** What is wrong with the places that the store tells. */
function complaints(store: Store): readonly string[] {
  return Object.entries(PLACES).flatMap(([name, [height, index]]) => {
    const { hash } = receipt(name);
    const place = store.locate(hash);
    if (place?.height !== height || place.index !== index) return [`${name} at ${place?.height}/${place?.index}`];
    const entry = store.operation(place.height);
    const found = entry === undefined ? undefined : receiptAt(entry, place.index);
    return found?.hash === hash && found.code === 0 ? [] : [`${name}: another receipt`];
  });
}

t.test("locate: a bundle's transactions stand behind those of their block, and the first place that ran stays", async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "sealstone-receipts-"));
  t.teardown(() => fs.rmSync(directory, { recursive: true, force: true }));
  const limits = { cacheEntriesMax: 1, indexFlushDelayMs: 60_000, indexSliceRows: 1 };
  const open = (): Promise<Store> => openFileStore({ directory, identity: IDENTITY, limits });
  let twin = createMemoryStore({ identity: IDENTITY });
  let store = await open();
  for (const save of SAVES) {
    await store.save(save);
    twin.saveNow(save);
  }
  t.strictSame(complaints(twin), []);
  t.strictSame(complaints(store), [], "from the queue of the index");
  twin = twin.reopen();
  t.strictSame(complaints(twin), []);
  for (const harm of ["none", "lost", "none"]) {
    await store.close();
    if (harm === "lost") fs.rmSync(path.join(directory, "index.sqlite"));
    store = await open();
    t.strictSame(complaints(store), [], `restarted, index ${harm === "lost" ? "made again" : "kept"}`);
  }
  await store.close();
});

t.test("save: a height that is executed again with another bundle receipt, stops the store", async (t) => {
  const twin = createMemoryStore({ identity: IDENTITY });
  for (const save of SAVES) twin.saveNow(save);
  const again = ENTRIES[1] as OperationEntry;
  await twin.save({ ...EMPTY, operations: [again] });
  const [first, ...others] = again.bundleReceipts as [TransactionReceipt, ...TransactionReceipt[]];
  const other = { ...again, bundleReceipts: [{ ...first, code: 1 }, ...others] };
  t.equal(operationsEqual(again, other), false);
  await t.rejects(twin.save({ ...EMPTY, operations: [other] }), { code: "diverged" });
});

t.test("receiptPlaces, receiptAt, receiptHashAt: the same hash at every place, and none behind the last", async (t) => {
  for (const entry of [...ENTRIES, fixtures.operationOf(6, 7), entryOf(5, [], [])]) {
    const payload = encodeOperation(entry);
    t.strictSame(decodeOperation(payload), entry);
    const places = receiptPlaces(entry);
    const count = entry.receipts.length + entry.bundleReceipts.length;
    t.strictSame(
      [...places].map(({ index }) => index).sort((left, right) => left - right),
      Array.from({ length: count }, (_, index) => index),
    );
    for (const { hash, index } of places) t.strictSame([receiptAt(entry, index)?.hash, receiptHashAt(payload, index)], [hash, hash]);
    t.strictSame([receiptAt(entry, count), receiptHashAt(payload, count)], [undefined, undefined]);
  }
});

t.test("encodeOperation: more receipts than a bundle may have trip an assertion", async (t) => {
  const most = Array.from({ length: BUNDLE_TRANSACTIONS_MAX }, (_, index) => receipt(`bundled ${index}`));
  const entry = entryOf(1, [], most);
  t.strictSame(decodeOperation(encodeOperation(entry)), entry);
  t.throws(() => encodeOperation({ ...entry, bundleReceipts: [...most, receipt("one more")] }), { name: "AssertionError" });
});
