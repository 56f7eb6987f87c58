/** Lanes rest on what recent blocks listed and ordered: whoever restarts, or falls behind, must come to the same lanes as all others. */

import t from "tap";
import { createLanes, LANE_MEMORY_BLOCKS, type LaneBlock } from "../../replica/lanes.ts";
import { type BlockHeader, PLAIN_BLOCK } from "../../types/block.ts";
import type { ListEntry } from "../../types/envelope.ts";
import { type BlockHash, Epoch, Height, type TransactionHash, ValidatorIndex, View } from "../../types/ids.ts";
import type { InclusionList } from "../../types/inclusion_list.ts";
import { LISTED_BLOCKS_MAX } from "../../types/limits.ts";
import { disagreements } from "../support/replica_cluster.ts";
import { createSealedWorld } from "../support/sealed_world.ts";

for (const seed of [3, 4, 14]) {
  t.test(`SL2: validators restart in turn with blocks under way, lanes stay the same everywhere (seed ${seed})`, async (t) => {
    const world = createSealedWorld({ count: 4, seed, delayMs: [1, 15] });
    world.generateKey();
    for (let index = 0; index < 80; index++) {
      world.submitSealed(index % 4, index % 8);
      world.run({ forMs: 10 });
      if (index % 10 !== 5) continue;
      const restarted = (index * 7 + seed) % 4;
      world.crash(restarted);
      world.restart(restarted);
    }
    world.run({ forMs: 5_000 });
    t.notOk(world.nodes.some(({ replica }) => replica.status.hasDiverged));
    t.same(
      world.nodes.map(({ replica }) => replica.status.sealing?.waiting),
      [0, 0, 0, 0],
      "everything is ordered",
    );
    const blamed = world.nodes.flatMap(({ effects }) => effects.filter((effect) => effect.type === "penalize"));
    t.same(
      blamed.filter(({ reason }) => reason === "invalidBlock"),
      [],
      "nobody is blamed for its block",
    );
    t.same(disagreements(world.nodes), []);
  });
}

const hashOf = (height: number): BlockHash => height.toString(16).padStart(64, "0") as BlockHash;
const ID = "ab".repeat(32) as TransactionHash;
const ENTRY: ListEntry = { id: ID, expiryHeight: Height.of(4_000), feeClass: 5, sizeClass: 0 };
/** Ranks before it at equal age. */
const RIVAL: ListEntry = { ...ENTRY, id: "00".repeat(32) as TransactionHash };
const LIST = { epoch: Epoch.ZERO, view: View.ZERO, sequence: 1, validator: ValidatorIndex.of(0), signature: new Uint8Array(64) };
const listOf = (entries: readonly ListEntry[]): InclusionList => ({ ...LIST, entries });

/** A block that lists `entries`, and orders them or not. */
function blockAt(height: number, entries: readonly ListEntry[], isOrdered: boolean): LaneBlock {
  const header = { ...PLAIN_BLOCK, height: Height.of(height), parentHash: hashOf(height - 1) } as BlockHeader;
  return { blockHash: hashOf(height), header, ids: isOrdered ? entries.map(({ id }) => id) : [], lists: [listOf(entries)] };
}

t.test("C6: an id that is listed on after it was ordered has the same age after a restart", async (t) => {
  const orderedAt = 40;
  const chain: LaneBlock[] = [];
  const live = createLanes({ threshold: 2, executed: [], head: hashOf(0) });
  for (let height = 1; height <= 300; height++) {
    const block = blockAt(height, height < orderedAt ? [] : [ENTRY], height === orderedAt);
    chain.push(block);
    live.note(block);
    live.execute(block.blockHash);
    const restarted = createLanes({ threshold: 2, executed: chain.slice(-LANE_MEMORY_BLOCKS), head: block.blockHash });
    const child = { height: Height.of(height + 1), lists: [listOf([ENTRY, RIVAL])] };
    t.same(restarted.laneOver(block.blockHash, child), live.laneOver(block.blockHash, child));
  }
  t.equal(live.count, LISTED_BLOCKS_MAX);
});

t.test("a block whose parent is not known yet, as after a restart, counts once the parent is known", async (t) => {
  const [first, second, third] = [blockAt(1, [], false), blockAt(2, [ENTRY], true), blockAt(3, [], false)];
  const lanes = createLanes({ threshold: 2, executed: [], head: hashOf(0) });
  lanes.note(third);
  lanes.note(second);
  t.equal(lanes.count, 0);
  lanes.note(first);
  t.equal(lanes.count, 3);
  t.ok(lanes.isOrdered(third.blockHash, ID));
});
