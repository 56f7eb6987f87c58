/** R10: the tree is bounded; R7: paths and roots. */

import t from "tap";
import { BLOCKS_MAX, type BlockTree, createBlockTree, ORPHANS_MAX, type TreeBlock } from "../../consensus/block_tree.ts";
import { insertBlock } from "../../consensus/proposal_flow.ts";
import { createMachine, start } from "../../consensus/recovery.ts";
import { hashHeader } from "../../crypto/hashes.ts";
import type { BlockHeader } from "../../types/block.ts";
import { TimestampMs, View } from "../../types/ids.ts";
import {
  ballotOf,
  createFixture,
  GENESIS_HASH,
  GENESIS_STATE,
  GENESIS_TIME,
  headerOver,
  RELAY,
  SELF,
} from "../support/consensus_fixture.ts";
import { createDriver, of, quorumOf } from "../support/core_driver.ts";

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
  for (const header of [first, second, rival, third]) tree.insert(block(header));
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

/** A core at view 1,000,000, so that blocks of earlier views may be given up. */
function openMachine() {
  const machine = createMachine(fixture.options(0));
  machine.nowMs = TimestampMs.plus(GENESIS_TIME, 10_000);
  start(machine);
  machine.view = View.of(1_000_000);
  machine.effects = [];
  return machine;
}

function arrive(machine: ReturnType<typeof openMachine>, header: BlockHeader): void {
  insertBlock(machine, { blockHash: hashHeader(header), proposal: fixture.propose(header), from: SELF });
}

t.test("R10: orphans are bounded; a newer one takes the place of the oldest, needed ones stay", async (t) => {
  const machine = openMachine();
  const orphan = (view: number) => headerOver(headerOver(undefined, view - 1, COUNT), view, COUNT);
  for (let view = 2; view < 2 + ORPHANS_MAX; view++) arrive(machine, orphan(view));
  t.equal(machine.tree.orphans().length, ORPHANS_MAX);
  arrive(machine, orphan(500));
  t.equal(machine.tree.orphans().length, ORPHANS_MAX);
  t.same(of(machine.effects, "abandon"), [{ type: "abandon", blockHashes: [hashHeader(orphan(2))] }]);
  machine.view = View.of(3);
  arrive(machine, orphan(600));
  t.equal(machine.tree.get(hashHeader(orphan(600))), undefined, "none of the current or a later view is given up");
});

t.test("R10: a full tree gives up the oldest uncertified block of a past view, and certified ones find room", async (t) => {
  const machine = openMachine();
  const loser = headerOver(undefined, 1, { ...COUNT, change: { timeMs: TimestampMs.plus(GENESIS_TIME, 77) } });
  arrive(machine, loser);
  let parent: BlockHeader | undefined;
  for (let view = 1; machine.tree.count < BLOCKS_MAX; view++) {
    const header = headerOver(parent, view, COUNT);
    machine.certificates.add(quorumOf(fixture, header));
    arrive(machine, header);
    parent = header;
  }
  machine.effects = [];
  const next = headerOver(parent, BLOCKS_MAX + 3, COUNT);
  machine.certificates.add(quorumOf(fixture, next));
  arrive(machine, next);
  t.same(of(machine.effects, "abandon"), [{ type: "abandon", blockHashes: [hashHeader(loser)] }]);
  t.equal(machine.tree.count, BLOCKS_MAX);
  const more = headerOver(next, BLOCKS_MAX + 4, COUNT);
  arrive(machine, more);
  t.equal(machine.tree.count, BLOCKS_MAX + 1, "nothing but certified blocks left: the chain can still be extended");
});

t.test("R7: a certified chain deeper than catch-up's reach is climbed down by hash when repetition still misses it", async (t) => {
  const chain: BlockHeader[] = [];
  for (let view = 1; view <= 100; view++) chain.push(headerOver(chain.at(-1), view, COUNT));
  const proposalOf = (header: BlockHeader) => {
    const parent = chain[header.height - 2];
    return fixture.propose(header, { parentCertificate: parent === undefined ? undefined : quorumOf(fixture, parent) });
  };
  const driver = createDriver({ fixture });
  const tip = chain.at(-1) as BlockHeader;
  t.same(of(driver.certify(ballotOf("vote", tip)), "fetchBlock"), [], "too far for a single fetch: catch-up goes first");
  driver.advance(300);
  let asked = of(driver.timer("resend"), "fetchBlock");
  let rounds = 0;
  for (; asked.length > 0; rounds++) {
    const wanted = chain.find((header) => hashHeader(header) === asked[0]?.blockHash);
    t.ok(wanted !== undefined, "only what a certificate names is asked for");
    asked = of(driver.step({ type: "fetchedBlock", from: RELAY, proposal: proposalOf(wanted as BlockHeader) }), "fetchBlock");
  }
  t.equal(rounds, 100);
  t.equal(of(driver.certify(ballotOf("commit", tip)), "finalize")[0]?.blocks.length, 100);
});
