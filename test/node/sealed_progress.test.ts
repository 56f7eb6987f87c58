/** Blocks from ordered to executed: where their transactions stand meanwhile, and how long the opening took. */

import t from "tap";
import { createSealedProgress } from "../../node/sealed_progress.ts";
import type { FinalizedBlock, OrderedBlock } from "../../replica/interface.ts";
import { type BlockHash, Height, type TransactionHash } from "../../types/ids.ts";

const hash = (name: string) => name as TransactionHash;
const ordered = (height: number, ...names: string[]): OrderedBlock => {
  return { blockHash: `${height}` as BlockHash, height: Height.of(height), transactionHashes: names.map(hash) };
};
const finalized = (height: number, sealedCount: number) =>
  ({ blockHash: `${height}`, header: { height, sealedCount } }) as unknown as FinalizedBlock;
const at = (height: number, index: number) => ({ height: Height.of(height), index });

t.test("createSealedProgress: ordered and not executed, its place is known; executed, it is the store's knowledge", async (t) => {
  const progress = createSealedProgress({ blocksMax: 10 });
  progress.noteOrdered([ordered(1, "a", "b"), ordered(2, "c")], 100);
  t.same(progress.locate(hash("b")), at(1, 1));
  t.same(progress.locate(hash("c")), at(2, 0));
  t.equal(progress.locate(hash("d")), undefined);
  progress.noteFinal([finalized(1, 1)]);
  t.equal(progress.locate(hash("b")), undefined);
  t.same(progress.locate(hash("c")), at(2, 0));
  progress.noteOrdered([{ ...ordered(3), transactionHashes: undefined }], 100);
  t.equal(progress.locate(hash("x")), undefined, "a block whose transactions are not known yet");
});

t.test("createSealedProgress: opening, one measure for each sealed transaction, none for what others opened", async (t) => {
  const progress = createSealedProgress({ blocksMax: 10 });
  progress.noteOrdered([ordered(1, "a", "b", "c")], 100);
  progress.noteOpened("1" as BlockHash, 120);
  progress.noteFinal([finalized(1, 2)]);
  t.equal(progress.opening.count, 2);
  t.ok((progress.opening.p50Ms ?? 0) >= 20 && (progress.opening.p50Ms ?? 0) < 22);
  progress.noteOpened("2" as BlockHash, 130);
  progress.noteOrdered([ordered(2, "d")], 135);
  progress.noteFinal([finalized(2, 1), finalized(3, 5)]);
  t.equal(progress.opening.count, 3, "opened before its certificate was here: no time; catch-up: not measured");
});

t.test("createSealedProgress: more blocks than its bound, the oldest are forgotten", async (t) => {
  const progress = createSealedProgress({ blocksMax: 2 });
  progress.noteOrdered([ordered(1, "a"), ordered(2, "b"), ordered(3, "c")], 0);
  t.equal(progress.locate(hash("a")), undefined);
  t.same(progress.locate(hash("c")), at(3, 0));
  for (const height of [1, 2, 3]) progress.noteOpened(`${height}` as BlockHash, 1);
  progress.noteFinal([finalized(1, 1), finalized(2, 1), finalized(3, 1)]);
  t.equal(progress.opening.count, 2);
});
