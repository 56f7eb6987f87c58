/** Bids and pace: a bundle is work for the leader that has it and for nobody else, a certified one is driven on after a lost view, and what a bundle
 *  has ordered waits nowhere any more. */

import t from "tap";
import type { ReplicaEffect } from "../../replica/interface.ts";
import type { OfferedBid } from "../../types/bid.ts";
import { View } from "../../types/ids.ts";
import { type BidGiven, BUILDER, type BuiltWorld, createBuiltWorld } from "../support/built_world.ts";
import type { ClusterNode } from "../support/replica_cluster.ts";
import { userOf } from "../support/sealed_world.ts";

type Buildable = Extract<ReplicaEffect, { type: "buildable" }>;

const HEARTBEAT_MS = 10_000;

/** Idle, with a key and a builder, and far from the next heartbeat. */
function idleWorld(seed: number, observers = 0): BuiltWorld {
  const consensus = { deltaMsMin: 50, deltaMsMax: 2_000, heartbeatMs: HEARTBEAT_MS, proposeDelayMs: 0, resendMs: 300 };
  const world = createBuiltWorld({ count: 4, observers, seed, config: { consensus } });
  world.generateKey();
  world.registerBuilder();
  world.run({ forMs: 2_000 });
  return world;
}

const nodeAt = (world: BuiltWorld, index: number): ClusterNode => world.nodes[index] as ClusterNode;

function bidNow(
  world: BuiltWorld,
  given: Omit<BidGiven, "opportunity" | "material" | "value">,
): { readonly leader: ClusterNode; readonly offered: OfferedBid } {
  const { opportunity, material } = world.opportunityAt(nodeAt(world, 0));
  const change = { expiryView: opportunity.view, ...given.change };
  return {
    leader: nodeAt(world, opportunity.leader),
    offered: world.bid({ opportunity, material, value: 5n, tail: [], ...given, change }),
  };
}

const lostViews = (world: BuiltWorld): number =>
  world.nodes.flatMap(({ effects }) => effects).filter((effect) => effect.type === "enteredView" && effect.by === "TC").length;
const isBundleFinal = (world: BuiltWorld): boolean =>
  world.nodes.every(({ finalized }) => finalized.some(({ header }) => header.bundleCount > 0));

t.test("isBundleWaiting: the leader of an idle chain proposes a bundle at once", async (t) => {
  const world = idleWorld(100);
  const { leader, offered } = bidNow(world, { groups: [[world.transfer(1)]] });
  world.push(leader, offered);
  t.ok(world.run({ forMs: 300, until: () => isBundleFinal(world) }));
  t.equal(lostViews(world), 0);
});

t.test("isBundleWaiting: a bundle at leaders of later views only wakes nobody, and costs the next transaction no view", async (t) => {
  const world = idleWorld(101);
  const { leader, offered } = bidNow(world, { groups: [[world.transfer(1)]] });
  for (const node of world.nodes) if (node !== leader) world.push(node, offered);
  const before = nodeAt(world, 0).finalized.length;
  world.run({ forMs: 1_000 });
  t.equal(
    world.nodes.flatMap(({ effects }) => effects).filter((effect) => effect.type === "signVote" && effect.ballot.kind === "timeout").length,
    0,
  );
  t.equal(nodeAt(world, 0).finalized.length, before);
  world.submit(0, world.transfer(2));
  t.ok(world.run({ forMs: 100, until: () => world.nodes.every(({ finalized }) => finalized.length > before) }));
  t.equal(lostViews(world), 0);
});

t.test("isBundleWaiting: a bundle on a block that is not certified yet is work as soon as its leader leads", async (t) => {
  const world = idleWorld(102, 1);
  const group = [world.transfer(1)];
  let isSent = false;
  world.intercept = (node, effect) => {
    if (effect.type !== "buildable" || node.index !== 4 || isSent) return false;
    isSent = true;
    world.after(0, () => {
      const { opportunity } = effect;
      const material = node.replica.materialFor(userOf(BUILDER), opportunity);
      if (material === undefined) throw new Error("the parent is held");
      world.push(nodeAt(world, opportunity.leader), world.bid({ opportunity, material, value: 5n, tail: [], groups: [group] }));
    });
    return false;
  };
  world.submit(0, world.transfer(2));
  t.ok(world.run({ forMs: 300, until: () => isBundleFinal(world) }));
  t.equal(lostViews(world), 0);
});

const NO_WORK: Readonly<Record<string, (world: BuiltWorld) => Omit<BidGiven, "opportunity" | "material" | "value">>> = {
  "no bundle": () => ({}),
  "a bundle and a tail that nobody holds": (world) => {
    const stranger = nodeAt(world, 0).replica.parse(world.transfer(2));
    if (!stranger.ok) throw new Error("a transfer parses");
    return { groups: [[world.transfer(1)]], tail: [stranger.transaction] };
  },
};

for (const [index, [name, given]] of Object.entries(NO_WORK).entries()) {
  t.test(`isBundleWaiting: a bid with ${name} is no work`, async (t) => {
    const world = idleWorld(103 + index);
    const { leader, offered } = bidNow(world, given(world));
    const before = world.nodes.flatMap(({ effects }) => effects).filter(({ type }) => type === "signProposal").length;
    world.push(leader, offered);
    world.run({ forMs: 1_000 });
    t.equal(world.nodes.flatMap(({ effects }) => effects).filter(({ type }) => type === "signProposal").length, before);
  });
}

t.test("driving on: a certified block with nothing but a bundle becomes final soon after its view was lost", async (t) => {
  const world = idleWorld(110);
  const { leader, offered } = bidNow(world, { groups: [[world.transfer(1)]] });
  let isLost = false;
  world.intercept = (_, effect) => {
    if (effect.type === "enteredView" && effect.by === "TC") isLost = true;
    return false;
  };
  // Votes reach the leader alone, which tells nobody: it knows the QC, all others give the view up.
  world.filter = ({ from, to, kind }) => {
    if (isLost) return true;
    return kind === "vote" ? to === leader.index : kind !== "commit" && !(kind === "certificate" && from === leader.index);
  };
  world.push(leader, offered);
  t.ok(world.run({ forMs: 2_000, until: () => isBundleFinal(world) }));
  t.ok(lostViews(world) > 0);
});

t.test("driving on: a lost view with nothing in it, and a bid that brings nothing to order, leave an idle chain idle", async (t) => {
  const world = idleWorld(111);
  const { leader, offered } = bidNow(world, {});
  world.push(leader, offered);
  let proposals = 0;
  world.intercept = (_, effect) => {
    if (effect.type === "signProposal") proposals++;
    return false;
  };
  world.filter = ({ kind }) => kind !== "commit" && kind !== "vote";
  const isLost = (): boolean => lostViews(world) >= 4;
  t.ok(world.run({ forMs: 2 * HEARTBEAT_MS, until: isLost }), "the heartbeat's block is lost");
  world.filter = undefined;
  world.run({ forMs: 4_000 });
  const before = proposals;
  world.run({ forMs: HEARTBEAT_MS / 2 });
  t.ok(proposals - before <= 1);
});

t.test("tellBuildable: a lost view is told with its successor's leader, on the same parent", async (t) => {
  const world = idleWorld(112, 1);
  const observer = nodeAt(world, 4);
  const { opportunity } = world.opportunityAt(observer);
  world.crash(opportunity.leader);
  for (const node of world.nodes) if (node.isUp && node.index !== 4) world.hand(node.index, world.transfer(1, { nonce: 500 }));
  const toldAt = (view: View): Buildable | undefined =>
    observer.effects.find((effect): effect is Buildable => effect.type === "buildable" && effect.opportunity.view === view);
  const next = View.next(opportunity.view);
  t.ok(world.run({ forMs: 3_000, until: () => toldAt(next) !== undefined }));
  const { parentHash, height } = opportunity;
  t.same(toldAt(next)?.opportunity, { parentHash, height, view: next, leader: (opportunity.leader + 1) % 4 });
});

t.test("final bundles: what they ordered is in no pool any more, and late gossip does not bring it back", async (t) => {
  const world = idleWorld(113);
  const bytes = world.transfer(1);
  const { leader, offered } = bidNow(world, { groups: [[bytes]] });
  world.push(leader, offered);
  world.run({ forMs: 1 });
  // Somebody hands it round in the open as well, after the bundle has its place.
  const hash = world.hand(leader.index, bytes);
  t.ok(leader.replica.isPending(hash));
  t.ok(world.run({ forMs: 1_000, until: () => isBundleFinal(world) }));
  t.notOk(leader.replica.isPending(hash));
  t.notOk(
    leader.effects.some((effect) => effect.type === "dropped" && effect.hash === hash),
    "it was ordered, not dropped",
  );
  world.hand(leader.index, bytes);
  world.run({ forMs: 50 });
  t.notOk(leader.replica.isPending(hash));
  t.equal(lostViews(world), 0);
});
