/** What a header says by itself, as far as no cluster test brings it about. */

import t from "tap";
import { faultOfHeader } from "../../consensus/proposal_check.ts";
import { type BlockHeader, PLAIN_BLOCK } from "../../types/block.ts";
import {
  type BidHash,
  type BlockHash,
  type BodyRoot,
  Epoch,
  Height,
  type StateRoot,
  TimestampMs,
  ValidatorIndex,
  View,
} from "../../types/ids.ts";
import { EXECUTION_LAG_MAX } from "../../types/limits.ts";

const EMPTY: BlockHeader = {
  epoch: Epoch.ZERO,
  height: Height.of(100),
  view: View.of(120),
  proposer: ValidatorIndex.of(1),
  parentHash: "11".repeat(32) as BlockHash,
  parentView: View.of(119),
  timeMs: TimestampMs.of(1_000),
  bodyRoot: "22".repeat(32) as BodyRoot,
  transactionCount: 0,
  bodyBytes: 0,
  executedHeight: Height.of(100 - EXECUTION_LAG_MAX - 1),
  executedRoot: "33".repeat(32) as StateRoot,
  ...PLAIN_BLOCK,
};
const RULES = { epoch: Epoch.ZERO, count: 4 };

t.test("B5: execution may lag behind an empty block without bound, behind one that a builder built not", async (t) => {
  const built = { ...EMPTY, bidHash: "44".repeat(32) as BidHash };
  t.equal(faultOfHeader(EMPTY, RULES), undefined);
  t.equal(faultOfHeader(built, RULES), "executionLag");
  t.equal(faultOfHeader({ ...EMPTY, transactionCount: 1 }, RULES), "executionLag");
  t.equal(faultOfHeader({ ...built, executedHeight: Height.next(built.executedHeight) }, RULES), undefined);
});
