/** Built blocks through whole replicas: bids pushed to leaders, judged by voters, paid when final, with bundles that open and run. */

import t from "tap";
import type { ReplicaEffect } from "../../replica/interface.ts";
import { NO_BID, type OfferedBid } from "../../types/bid.ts";
import type { BlockHeader } from "../../types/block.ts";
import type { BuildingMaterial, Opportunity } from "../../types/building.ts";
import { type BidGiven, BOND, BUILDER, type BuiltWorld, createBuiltWorld } from "../support/built_world.ts";
import { type ClusterNode, chainOf, disagreements } from "../support/replica_cluster.ts";
import { userOf } from "../support/sealed_world.ts";

type Buildable = Extract<ReplicaEffect, { type: "buildable" }>;
type Answer = (at: { readonly opportunity: Opportunity; readonly material: BuildingMaterial }) => OfferedBid | undefined;

/** Four validators and an observer that bids as `answer` says, whenever its machine tells it of a block that may be built. */
function worldWithBuilder(seed: number, answer: (world: BuiltWorld) => Answer): BuiltWorld {
  const world = createBuiltWorld({
    count: 4,
    observers: 1,
    seed,
    config: { consensus: { deltaMsMin: 50, deltaMsMax: 2_000, heartbeatMs: 1_000, proposeDelayMs: 15, resendMs: 300 } },
  });
  world.generateKey();
  world.registerBuilder();
  const bidFor = answer(world);
  world.intercept = (node, effect) => {
    if (effect.type === "buildable" && node.index === 4) bidAt(world, node, effect, bidFor);
    return false;
  };
  return world;
}

function bidAt(world: BuiltWorld, node: ClusterNode, { opportunity }: Buildable, answer: Answer): void {
  world.after(0, () => {
    const material = node.replica.materialFor(userOf(BUILDER), opportunity);
    const offered = material === undefined ? undefined : answer({ opportunity, material });
    if (offered !== undefined) world.push(world.nodes[opportunity.leader] as ClusterNode, offered);
  });
}

const builtBlocks = (node: ClusterNode) => node.finalized.filter(({ header }) => header.bidHash !== NO_BID);
const headerOf = ({ header }: { readonly header: BlockHeader }): BlockHeader => header;

t.test("B7: a builder's bid is taken, its block is final, its value is paid once to whoever proposed", async (t) => {
  const world = worldWithBuilder(1, (w) => ({ opportunity, material }) => {
    return material.transactions.length === 0 ? undefined : w.bid({ opportunity, material, value: 5n });
  });
  for (let round = 0; round < 20; round++) {
    for (let user = 1; user < 5; user++) world.submit(user % 4, world.transfer(user));
    world.run({ forMs: 60 });
  }
  world.run({ forMs: 2_000 });
  const [node] = world.nodes as [ClusterNode];
  const built = builtBlocks(node);
  t.ok(built.length >= 5, `${built.length} blocks were built by the builder`);
  t.ok(built.every((block) => block.built?.builder === userOf(BUILDER) && block.built.value === 5n && !block.built.failed));
  for (const each of world.nodes) t.equal(world.bondAt(each), BOND - 5n * BigInt(built.length), "the bond pays each of them once");
  t.same(disagreements(world.nodes), []);
  t.equal(new Set(world.nodes.map((each) => chainOf(each).join())).size, 1);
});

t.test("B3, L21: a bundle opens with its block and runs before the tail; a group that fails leaves nothing", async (t) => {
  let groups: BidGiven["groups"];
  const world = worldWithBuilder(2, (w) => ({ opportunity, material }) => {
    const given = groups;
    groups = undefined;
    return given === undefined ? undefined : w.bid({ opportunity, material, value: 1n, groups: given });
  });
  const good = world.transfer(1, { to: 2, amount: 50n });
  const alsoGood = world.transfer(2, { to: 3, amount: 1_000_020n });
  const failing = world.transfer(3, { to: 4, amount: 9_000_000n });
  const innocent = world.transfer(5, { to: 6, amount: 7n });
  groups = [
    [good, alsoGood],
    [innocent, failing],
  ];
  world.run({ forMs: 5_000 });
  for (const node of world.nodes) {
    const [block] = builtBlocks(node);
    t.equal(block?.header.bundleCount, 1);
    t.match(
      block?.bundle?.map(({ result }) => (result === "unfit" ? result : result.isIncluded)),
      [true, false],
    );
    t.equal(world.balanceOf(node, 5), 1_000_000n, "the innocent member of a failing group pays no fee");
    t.equal(world.balanceOf(node, 2), 1_000_000n + 50n - 1_000_020n - 3n, "the second transaction spends what the first brought");
  }
  t.same(disagreements(world.nodes), []);
});

t.test("B3: a restarted validator replays a block with a bundle from its store to the same root", async (t) => {
  let groups: BidGiven["groups"];
  const world = worldWithBuilder(3, (w) => ({ opportunity, material }) => {
    const given = groups;
    groups = undefined;
    return given === undefined ? undefined : w.bid({ opportunity, material, value: 1n, groups: given });
  });
  groups = [[world.transfer(1, { to: 2, amount: 50n })]];
  world.run({ forMs: 3_000 });
  const [node] = world.nodes as [ClusterNode];
  t.equal(builtBlocks(node).length, 1);
  const before = node.replica.status;
  world.crash(0);
  world.restart(0);
  t.equal(node.replica.status.stateRoot, before.stateRoot);
  t.equal(world.bondAt(node), BOND - 1n);
});

t.test("B8: a bundle that opens to rubbish is paid for, runs nothing, and the third one boxes the builder", async (t) => {
  let tries = 0;
  const world = worldWithBuilder(4, (w) => ({ opportunity, material }) => {
    if (tries >= 12) return undefined;
    tries++;
    return w.bid({ opportunity, material, value: 2n, message: new Uint8Array(256).fill(7) });
  });
  for (let round = 0; round < 30; round++) {
    world.submit(round % 4, world.transfer(1 + (round % 5)));
    world.run({ forMs: 80 });
  }
  const [node] = world.nodes as [ClusterNode];
  const built = builtBlocks(node);
  t.ok(built.length >= 3 && built.every((block) => block.built?.failed === true));
  t.equal(world.bondAt(node), BOND - 2n * BigInt(built.length));
  const third = built[2] as { readonly header: BlockHeader };
  const beyond = built.filter(({ header }) => header.height > third.header.height + 16);
  t.same(beyond.map(headerOf), [], "nothing of it is built once the box is known");
  t.same(disagreements(world.nodes), []);
});

t.test("B9: a bid whose tail the leader does not hold costs no time: the leader builds itself", async (t) => {
  const world = worldWithBuilder(5, (w) => ({ opportunity, material }) => {
    const stranger = w.nodes[4]?.replica.parse(w.transfer(6));
    if (stranger?.ok !== true) return undefined;
    return w.bid({ opportunity, material, value: 9n, tail: [stranger.transaction] });
  });
  for (let round = 0; round < 10; round++) {
    world.submit(round % 4, world.transfer(1 + (round % 5)));
    world.run({ forMs: 60 });
  }
  world.run({ forMs: 500 });
  const [node] = world.nodes as [ClusterNode];
  t.same(builtBlocks(node).map(headerOf), []);
  t.ok(node.finalized.length >= 8);
  t.ok(
    node.effects.every((effect) => effect.type !== "enteredView" || effect.by !== "TC"),
    "no view is lost",
  );
});

t.test("catch-up: a validator that was down fetches built blocks with their openings and agrees", async (t) => {
  const world = worldWithBuilder(6, (w) => ({ opportunity, material }) => {
    return w.bid({ opportunity, material, value: 1n, groups: [[w.transfer(1, { to: 2 })]] });
  });
  world.crash(3);
  for (let round = 0; round < 15; round++) {
    world.submit(round % 3, world.transfer(5));
    world.run({ forMs: 100 });
  }
  world.restart(3);
  world.submit(0, world.transfer(5));
  const [node, , , late] = world.nodes as [ClusterNode, ClusterNode, ClusterNode, ClusterNode];
  t.ok(world.run({ forMs: 20_000, until: () => late.replica.status.finalHeight >= node.replica.status.finalHeight }));
  t.ok(builtBlocks(node).length >= 3);
  t.same(disagreements(world.nodes), []);
});

t.test("materialFor: an opportunity that finality has passed by is none", async (t) => {
  const told: Opportunity[] = [];
  const world = worldWithBuilder(7, () => ({ opportunity }) => {
    told.push(opportunity);
    return undefined;
  });
  for (let round = 0; round < 6; round++) {
    world.submit(round % 4, world.transfer(5));
    world.run({ forMs: 100 });
  }
  const observer = world.nodes[4] as ClusterNode;
  const { finalHeight } = observer.replica.status;
  const passed = told.filter(({ height }) => height <= finalHeight);
  t.ok(passed.length >= 3);
  for (const opportunity of passed) t.equal(observer.replica.materialFor(userOf(BUILDER), opportunity), undefined);
});
