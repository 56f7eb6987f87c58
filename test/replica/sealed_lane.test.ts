/** Sealed transactions through whole replicas: key generation, lists, lanes, shares, openings, deferred execution, restart. */

import t from "tap";
import { SEALING_SIZES } from "../../types/sealing.ts";
import { type ClusterNode, chainOf, disagreements } from "../support/replica_cluster.ts";
import { createSealedWorld, type SealedWorld } from "../support/sealed_world.ts";

const receiptsOf = (node: ClusterNode) =>
  new Map(node.finalized.flatMap(({ receipts }) => receipts.map((receipt) => [receipt.hash, receipt])));

function runUntilFinal(
  world: SealedWorld,
  hashes: readonly string[],
  nodes = world.nodes.filter(({ isUp }) => isUp),
  forMs = 20_000,
): boolean {
  const isFinal = (node: ClusterNode): boolean => {
    const receipts = receiptsOf(node);
    return hashes.every((hash) => receipts.has(hash as never));
  };
  return world.run({ forMs, until: () => nodes.every(isFinal) });
}

t.test("SL2: key generation, then a sealed transaction is ordered, opened and executed alike everywhere", async (t) => {
  const world = createSealedWorld({ count: 4, seed: 1 });
  world.generateKey();
  const hash = world.submitSealed(0, 0);
  t.ok(runUntilFinal(world, [hash]), "executed");
  for (const node of world.nodes) {
    t.match(receiptsOf(node).get(hash), { code: 0, operationCodes: [0] });
    t.equal(world.balanceOf(node, 0), 1_000_000n - 11n);
    t.equal(world.balanceOf(node, 1), 1_000_001n);
  }
  t.same(disagreements(world.nodes), []);
});

t.test("SL5: many senders and lanes, every transaction once, equal roots", async (t) => {
  const world = createSealedWorld({ count: 7, seed: 2 });
  world.generateKey();
  const hashes: string[] = [];
  for (let round = 0; round < 20; round++) {
    for (let user = 0; user < 8; user++) hashes.push(world.submitSealed((round + user) % 7, user));
    world.run({ forMs: 20 });
  }
  t.ok(runUntilFinal(world, hashes), "all executed");
  for (const node of world.nodes) {
    const receipts = node.finalized.flatMap(({ receipts }) => receipts.filter(({ hash }) => hashes.includes(hash)));
    t.equal(receipts.length, hashes.length);
    t.ok(receipts.every(({ code }) => code === 0));
  }
  t.same(disagreements(world.nodes), []);
});

t.test("SL3: one validator down and one withholding shares among seven, everything opens", async (t) => {
  const world = createSealedWorld({ count: 7, seed: 3 });
  world.generateKey();
  world.crash(6);
  world.filter = ({ from, kind }) => from !== 5 || (kind !== "shares" && kind !== "seeds" && kind !== "proofs");
  const hashes = Array.from({ length: 16 }, (_, index) => world.submitSealed(index % 5, index % 8));
  t.ok(runUntilFinal(world, hashes), "all executed");
  t.same(disagreements(world.nodes), []);
});

t.test("SL4: all crash with a final block unopened, stored shares open it after the restart", async (t) => {
  const world = createSealedWorld({ count: 4, seed: 4 });
  world.generateKey();
  const opening = new Set(["shares", "seeds", "proofs", "openingRequest", "proofRequest"]);
  world.filter = ({ kind }) => !opening.has(kind);
  const hash = world.submitSealed(0, 0);
  t.notOk(runUntilFinal(world, [hash], undefined, 3_000), "nothing opens while shares are lost");
  t.ok(world.nodes.every(({ effects }) => effects.some(({ type }) => type === "ordered")));
  t.ok(
    world.nodes.some(({ disk }) => disk.shares.size > 0),
    "shares are stored",
  );
  for (const { index } of world.nodes) world.crash(index);
  world.filter = undefined;
  for (const { index } of world.nodes) world.restart(index);
  t.ok(runUntilFinal(world, [hash]), "executed after the restart");
  t.same(disagreements(world.nodes), []);
});

t.test("SL5: a validator that was away catches up through sealed blocks, and one that restarts replays them", async (t) => {
  const world = createSealedWorld({ count: 4, seed: 5 });
  world.generateKey();
  world.crash(3);
  const hashes: string[] = [];
  for (let round = 0; round < 30; round++) {
    hashes.push(world.submitSealed(round % 3, round % 8));
    world.run({ forMs: 60 });
  }
  t.ok(runUntilFinal(world, hashes));
  world.crash(0);
  world.restart(0);
  world.restart(3);
  const more = [world.submitSealed(1, 1), world.submitSealed(2, 2)];
  t.ok(runUntilFinal(world, more), "the new ones are executed by all");
  world.run({ forMs: 3_000 });
  t.same(disagreements(world.nodes), []);
  t.equal(new Set(world.nodes.map(({ replica }) => replica.status.stateRoot)).size, 1);
});

t.test("a content that is rubbish is ordered, pays, and fails with a reason", async (t) => {
  const world = createSealedWorld({ count: 4, seed: 6 });
  world.generateKey();
  const hash = world.submitSealed(0, 0, { message: new Uint8Array(256).fill(7), fee: 20 });
  t.ok(runUntilFinal(world, [hash]));
  for (const node of world.nodes) {
    const receipt = receiptsOf(node).get(hash);
    t.not(receipt?.code, 0);
    t.equal(world.balanceOf(node, 0), 1_000_000n - 20n, "the fee is kept");
  }
});

t.test("SL3: no share leaves before the sender holds a CC", async (t) => {
  const world = createSealedWorld({ count: 4, seed: 7 });
  world.generateKey();
  const hashes = Array.from({ length: 12 }, (_, index) => world.submitSealed(index % 4, index % 8));
  t.ok(runUntilFinal(world, hashes));
  let seen = 0;
  for (const node of world.nodes) {
    const irrevocable = new Set<string>();
    for (const effect of node.effects) {
      if (effect.type === "ordered") for (const { blockHash } of effect.blocks) irrevocable.add(blockHash);
      if (effect.type !== "sendDirect" || effect.message.type !== "shares") continue;
      seen++;
      t.ok(irrevocable.has(effect.message.blockHash));
      t.equal(effect.message.shares[0]?.share.length, SEALING_SIZES.point);
    }
  }
  t.ok(seen > 0);
  t.ok(chainOf(world.nodes[0] as ClusterNode).length > 0);
});
