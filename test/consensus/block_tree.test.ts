/** R10: the tree is bounded; R7: paths and roots. */

import t from "tap";
import { BLOCKS_MAX, type BlockTree, createBlockTree, ORPHANS_MAX, type TreeBlock } from "../../consensus/block_tree.ts";
import { insertBlock, onProposal } from "../../consensus/proposal_flow.ts";
import { createMachine, start } from "../../consensus/recovery.ts";
import { hashHeader } from "../../crypto/hashes.ts";
import type { BlockHeader } from "../../types/block.ts";
import { TimestampMs } from "../../types/ids.ts";
import {
  createFixture,
  directly,
  GENESIS_HASH,
  GENESIS_STATE,
  GENESIS_TIME,
  headerOver,
  SELF,
  timeoutOf,
} from "../support/consensus_fixture.ts";
import { of } from "../support/core_driver.ts";

const COUNT = { count: 4 };
const fixture = createFixture([1, 1, 1, 1]);
const block = (header: BlockHeader, isConnected = true): TreeBlock => ({
  blockHash: hashHeader(header),
  proposal: fixture.propose(header),
  from: SELF,
  body: "valid",
  isConnected,
});
const open = (): BlockTree => createBlockTree({ ...GENESIS_STATE.finalHead, proposer: undefined });

t.test("R7: a path leads from the root to a block, ascending; a new root keeps only its descendants", async (t) => {
  const tree = open();
  const first = headerOver(undefined, 1, COUNT);
  const second = headerOver(first, 2, COUNT);
  const rival = headerOver(undefined, 3, COUNT);
  const third = headerOver(second, 4, COUNT);
  for (const header of [first, second, rival, third]) t.equal(tree.insert(block(header)), true);
  t.same(
    tree.pathTo(hashHeader(third)).map(({ proposal }) => proposal.header.view),
    [1, 2, 4],
  );
  t.same(tree.pathTo(GENESIS_HASH), []);
  const dropped = tree.moveRoot({ ...second, blockHash: hashHeader(second) }, new Set([hashHeader(first), hashHeader(second)]));
  t.same(dropped, [hashHeader(rival)], "the final ones are not among the lost");
  t.same([tree.count, tree.root.height], [1, 2]);
  t.equal(tree.facts(hashHeader(second)), tree.root);
  t.equal(tree.facts(hashHeader(third))?.height, 3);
});

t.test("R10: the tree takes BLOCKS_MAX blocks and ORPHANS_MAX orphans, and no more", async (t) => {
  const tree = open();
  for (let index = 0; index < ORPHANS_MAX + 5; index++) {
    const ghost = headerOver(undefined, 1, { ...COUNT, change: { timeMs: TimestampMs.plus(GENESIS_TIME, index + 1) } });
    t.equal(tree.insert(block(headerOver(ghost, 2, COUNT), false)), index < ORPHANS_MAX);
  }
  t.equal(tree.orphans().length, ORPHANS_MAX);
});

t.test("R10: a full tree gives up the oldest uncertified block of a view that is over, and says so", async (t) => {
  const machine = createMachine(fixture.options(0));
  machine.nowMs = TimestampMs.plus(GENESIS_TIME, 10_000);
  start(machine);
  let parent: BlockHeader | undefined;
  for (let index = 1; index <= BLOCKS_MAX; index++) {
    const header = headerOver(parent, index, COUNT);
    machine.certificates.add(
      fixture.certificate(
        { kind: "vote", epoch: header.epoch, view: header.view, height: header.height, blockHash: hashHeader(header) },
        [],
      ),
    );
    insertBlock(machine, { blockHash: hashHeader(header), proposal: fixture.propose(header), from: SELF, body: "valid" });
    parent = header;
    if (index === BLOCKS_MAX - 1) break;
  }
  const loser = headerOver(undefined, 1, { ...COUNT, change: { timeMs: TimestampMs.plus(GENESIS_TIME, 77) } });
  insertBlock(machine, { blockHash: hashHeader(loser), proposal: fixture.propose(loser), from: SELF });
  t.equal(machine.tree.count, BLOCKS_MAX);
  machine.effects = [];
  machine.view = 5_000 as never;
  const next = headerOver(parent, 4_999, { ...COUNT, change: { proposer: 3 as never } });
  insertBlock(machine, { blockHash: hashHeader(next), proposal: fixture.propose(next), from: SELF });
  t.same(of(machine.effects, "abandon"), [{ type: "abandon", blockHashes: [hashHeader(loser)] }]);
  t.equal(machine.tree.count, BLOCKS_MAX);
  onProposal(
    machine,
    directly(1),
    fixture.propose(headerOver(undefined, 1, COUNT), { timeoutCertificates: [fixture.certificate(timeoutOf(1), [])] }),
  );
  t.equal(machine.tree.count, BLOCKS_MAX);
});
