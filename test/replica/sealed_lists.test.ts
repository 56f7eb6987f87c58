/** SL2 lives on n − f lists whose entries the leader holds. Pools of honest validators differ, and some validators lie: leaders get enough
 *  lists all the same. */

import t from "tap";
import { View } from "../../types/ids.ts";
import type { PeerKey } from "../../types/sender.ts";
import type { ClusterNode } from "../support/replica_cluster.ts";
import { disagreements } from "../support/replica_cluster.ts";
import { createSealedWorld, type SealedWorld } from "../support/sealed_world.ts";

const codesOf = (node: ClusterNode): ReadonlyMap<string, number> =>
  new Map(node.finalized.flatMap(({ receipts }) => receipts.map(({ hash, code }) => [hash, code])));

/** Views that the first node left by a TC, by their leaders. */
function lostViewsOf(world: SealedWorld): readonly number[] {
  const lost: number[] = [];
  let leader: number | undefined;
  for (const effect of world.nodes[0]?.effects ?? []) {
    if (effect.type !== "enteredView") continue;
    if (effect.by === "TC" && leader !== undefined) lost.push(leader);
    leader = effect.leader;
  }
  return lost;
}

t.test(
  "SL2: a client gives two envelopes of one nonce to different validators, again and again: no view is lost, one of each pair counts",
  async (t) => {
    const world = createSealedWorld({ count: 4, seed: 1 });
    world.generateKey();
    const lostBefore = lostViewsOf(world);
    const pairs: [string, string][] = [];
    for (let index = 0; index < 60; index++) {
      const nonce = Math.floor(index / 8);
      const user = index % 8;
      const first = world.submitSealed(index % 4, user, { nonce });
      pairs.push([first, world.submitSealed((index + 2) % 4, user, { nonce, fee: 11 })]);
      if (index % 4 === 3) world.run({ forMs: 10 });
    }
    world.run({ forMs: 5_000 });
    t.same(lostViewsOf(world), lostBefore);
    for (const node of world.nodes) {
      const codes = codesOf(node);
      const counted = pairs.map((pair) => pair.filter((hash) => codes.get(hash) === 0).length);
      t.ok(counted.every((count) => count === 1));
      t.equal(node.replica.status.sealing?.waiting, 0);
    }
    t.same(disagreements(world.nodes), []);
  },
);

t.test("SL2: each validator alone holds something, and one lists what it never hands out: leaders fetch the rest", async (t) => {
  const world = createSealedWorld({ count: 4, seed: 2 });
  world.generateKey();
  world.filter = ({ from, kind }) => from !== 3 || (kind !== "response" && kind !== "proposal");
  for (let index = 0; index < 5; index++) world.hand(3, world.seal(index));
  const lostBefore = lostViewsOf(world).length;
  const hashes: string[] = [];
  let hasWaitedForLists = false;
  const watch = (): boolean => {
    hasWaitedForLists ||= world.nodes.some(({ replica }) => replica?.status.waitingFor === "lists");
    return false;
  };
  for (let round = 0; round < 10; round++) {
    for (const node of [0, 1, 2]) hashes.push(world.hand(node, world.seal(5 + node)));
    world.run({ forMs: 100, until: watch });
  }
  t.ok(hasWaitedForLists, "a leader says that it lacks what lists name");
  const isOrdered = (node: ClusterNode): boolean => hashes.every((hash) => codesOf(node).has(hash));
  t.ok(world.run({ forMs: 3_000, until: () => world.nodes.slice(0, 3).every(isOrdered) }));
  t.same(
    lostViewsOf(world)
      .slice(lostBefore)
      .filter((leader) => leader !== 3),
    [],
  );
});

t.test("SL2: pools are full of different transactions: lists that name what others have no room for count", async (t) => {
  const pool = { countMax: 4, bytesMax: 10_000_000, senderCountMax: 100 };
  const world = createSealedWorld({ count: 4, seed: 3, sealing: { pool } });
  world.generateKey();
  const lostBefore = lostViewsOf(world);
  for (let round = 0; round < 20; round++) {
    for (let user = 0; user < 8; user++) world.submitSealed((user + round) % 4, user);
    world.run({ forMs: 10 });
  }
  world.run({ forMs: 3_000 });
  t.same(lostViewsOf(world), lostBefore);
  t.same(
    world.nodes.map(({ replica }) => replica.status.sealing?.waiting),
    [0, 0, 0, 0],
  );
  t.same(disagreements(world.nodes), []);
});

t.test("lists come from their makers alone: what others pass on is not looked at", async (t) => {
  const world = createSealedWorld({ count: 4, seed: 4 });
  world.generateKey();
  const [maker, other, target] = world.nodes as [ClusterNode, ClusterNode, ClusterNode];
  world.crash(3);
  world.run({ forMs: 1_000 });
  const lists = maker.effects.flatMap((effect) =>
    effect.type === "sendDirect" && effect.message.type === "list" ? [effect.message.list] : [],
  );
  const latest = lists.at(-1);
  t.ok(latest);
  if (latest === undefined) return;
  const forged = { ...latest, view: View.plus(target.replica.status.view, 1), sequence: latest.sequence + 1 };
  const before = target.replica.status.sealing?.lists;
  const relay = { type: "relay", peer: "somebody" as PeerKey } as const;
  for (const from of [relay, world.senderOf(other)])
    world.inject(target, { type: "sealing", from, message: { type: "list", list: forged } });
  const blamed = () => target.effects.filter((effect) => effect.type === "penalize");
  t.same(blamed(), []);
  t.equal(target.replica.status.sealing?.lists, before);
  world.inject(target, { type: "sealing", from: world.senderOf(maker), message: { type: "list", list: forged } });
  t.match(blamed(), [{ reason: "invalidList" }]);
});
