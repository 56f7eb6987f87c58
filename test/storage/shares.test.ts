/** Our shares: on the device before they are sent, live until their height is final, bounded, never changed. Store and twin alike. */

import t from "tap";
import type { Durable, StoredShares } from "../../replica/interface.ts";
import { openFileStore } from "../../storage/file_store.ts";
import type { Store } from "../../storage/interface.ts";
import { BLOCK_SHARES_BYTES_MAX, SHARE_BLOCKS_MAX } from "../../storage/limits.ts";
import { createMemoryStore, type MemoryStore } from "../../storage/memory_store.ts";
import { FaultyDisk } from "./faulty_files.ts";
import * as fixtures from "./fixtures.ts";
import { blockHashOf, blockOf, EMPTY, IDENTITY, sharesOf } from "./fixtures.ts";

/** Both stores, saved to and restarted together; a restart of the file store is a power cut. */
class Pair {
  #disk = new FaultyDisk();
  readonly calls: string[] = [];
  file!: Store;
  twin: MemoryStore = createMemoryStore({ identity: IDENTITY });

  static async create(): Promise<Pair> {
    const pair = new Pair();
    await pair.#open();
    return pair;
  }

  async save(save: Durable): Promise<void> {
    await this.file.save(save);
    this.twin.saveNow(save);
  }

  /** What a restart finds: file store, twin. */
  async restarted(): Promise<readonly (readonly StoredShares[])[]> {
    this.#disk = this.#disk.crash("powerLost");
    await this.#open();
    this.twin = this.twin.reopen();
    return [this.file.recovered.shares, this.twin.recovered.shares];
  }

  async #open(): Promise<void> {
    this.file = await openFileStore({
      directory: "/data",
      identity: IDENTITY,
      files: this.#disk.files(),
      limits: { journalBytesMax: 2_500 },
      onDurableWrite: (_, label) => void this.calls.push(label),
    });
  }
}

const twice = (shares: readonly StoredShares[]): readonly (readonly StoredShares[])[] => [shares, shares];

/** By height, then block hash. */
function inOrder(...shares: readonly StoredShares[]): readonly StoredShares[] {
  return [...shares].sort((left, right) => left.height - right.height || (left.blockHash < right.blockHash ? -1 : 1));
}

const blocks = (...heights: readonly number[]): Durable["blocks"] =>
  heights.map((height) => ({ blockHash: blockHashOf(height), block: blockOf(height) }));

t.test("R9: save: shares survive a power cut once save has resolved, and any number of rewrites of the journal", async (t) => {
  const pair = await Pair.create();
  await pair.save({ ...EMPTY, shares: [sharesOf(2), sharesOf(1)] });
  t.same(await pair.restarted(), twice([sharesOf(1), sharesOf(2)]));
  for (let height = 1; height <= 40; height++) await pair.save({ ...EMPTY, records: [fixtures.timedOutRecord(height)] });
  await pair.save({ ...EMPTY, shares: [sharesOf(3)] });
  t.ok(pair.calls.includes("after rename journal-00000002.log"), "the journal was rewritten");
  t.same(await pair.restarted(), twice([sharesOf(1), sharesOf(2), sharesOf(3)]));
});

t.test("save: finality of a height, forgets the shares of all blocks up to it and takes no more", async (t) => {
  const pair = await Pair.create();
  const forks = [sharesOf(3), sharesOf(3, 1)];
  await pair.save({ ...EMPTY, blocks: blocks(1, 2, 3), shares: [sharesOf(1), sharesOf(1, 1), sharesOf(2), ...forks] });
  await pair.save({ ...EMPTY, finality: [fixtures.finalityOf(1, 3)] });
  t.same(await pair.restarted(), twice(inOrder(sharesOf(2), ...forks)), "the CC's height is no bound, the final height is");
  await pair.save({ ...EMPTY, shares: [sharesOf(1), sharesOf(1, 1)] });
  t.same(await pair.restarted(), twice(inOrder(sharesOf(2), ...forks)), "too late");
  await pair.save({ ...EMPTY, finality: [fixtures.finalityOf(2, 3)], shares: [sharesOf(2, 1), sharesOf(4)] });
  t.same(await pair.restarted(), twice(inOrder(...forks, sharesOf(4))), "in the same save");
  t.equal(pair.twin.sizes.shareBlocks, 3);
});

t.test("save: shares of a block again, the same are ignored without a write, others are refused", async (t) => {
  const pair = await Pair.create();
  await pair.save({ ...EMPTY, shares: [sharesOf(1), sharesOf(1)] });
  pair.calls.length = 0;
  await pair.save({ ...EMPTY, shares: [sharesOf(1)] });
  t.same(pair.calls, []);
  const bad: Record<string, readonly StoredShares[]> = {
    "other bytes": [{ ...sharesOf(1), shares: sharesOf(2).shares }],
    "another height": [{ ...sharesOf(1), height: sharesOf(2).height }],
    "two kinds in one save": [sharesOf(5), { ...sharesOf(5), shares: sharesOf(6).shares }],
    "no bytes": [{ ...sharesOf(5), shares: new Uint8Array(0) }],
    "too many bytes": [{ ...sharesOf(5), shares: new Uint8Array(BLOCK_SHARES_BYTES_MAX + 1) }],
    "too many blocks": Array.from({ length: SHARE_BLOCKS_MAX + 1 }, (_, index) => sharesOf(5, index)),
  };
  for (const [what, shares] of Object.entries(bad)) {
    for (const store of [pair.file, pair.twin]) await t.rejects(store.save({ ...EMPTY, shares }), { code: "invalidCall" }, what);
  }
  t.same(await pair.restarted(), twice([sharesOf(1)]));
});

t.test("save: shares of more blocks than are kept, those saved first are forgotten", async (t) => {
  const pair = await Pair.create();
  const all = Array.from({ length: SHARE_BLOCKS_MAX + 9 }, (_, index) => sharesOf(2, index));
  for (const shares of all.slice(0, SHARE_BLOCKS_MAX)) await pair.save({ ...EMPTY, shares: [shares] });
  // The order of saving outlives a restart and a rewritten journal, in which everything comes from the checkpoint.
  t.same(await pair.restarted(), twice(inOrder(...all.slice(0, SHARE_BLOCKS_MAX))));
  await pair.save({ ...EMPTY, shares: all.slice(SHARE_BLOCKS_MAX - 3, SHARE_BLOCKS_MAX + 5) });
  await pair.save({ ...EMPTY, shares: all.slice(SHARE_BLOCKS_MAX + 5) });
  t.same(await pair.restarted(), twice(inOrder(...all.slice(9))));
  t.equal(pair.twin.sizes.shareBlocks, SHARE_BLOCKS_MAX);
});

t.test("save: the most bytes that may be live, are carried by the checkpoint", async (t) => {
  const pair = await Pair.create();
  const largest = (fork: number): StoredShares => ({ ...sharesOf(1, fork), shares: fixtures.bytesOf(`${fork}`, BLOCK_SHARES_BYTES_MAX) });
  const all = Array.from({ length: SHARE_BLOCKS_MAX }, (_, fork) => largest(fork));
  await pair.save({ ...EMPTY, shares: all });
  await pair.save({ ...EMPTY, records: [fixtures.timedOutRecord(1)] });
  t.ok(pair.calls.some((label) => /after rename journal/.test(label)));
  t.same(
    (await pair.restarted()).map((shares) => shares.length),
    [SHARE_BLOCKS_MAX, SHARE_BLOCKS_MAX],
  );
  t.same(pair.file.recovered.shares, pair.twin.recovered.shares);
});
