/** Opening through whole replicas when somebody withholds, is behind, or everything stands still for a while. */

import t from "tap";
import { UNOPENED_BLOCKS_MAX } from "../../types/limits.ts";
import type { ClusterNode } from "../support/replica_cluster.ts";
import { createSealedWorld, type SealedWorld } from "../support/sealed_world.ts";

const OPENING = new Set(["shares", "seeds", "proofs", "openingRequest", "proofRequest"]);

/** One transaction every 10 ms. */
function load(world: SealedWorld, rounds: number, nodes = 3): readonly string[] {
  return Array.from({ length: rounds }, (_, index) => {
    const hash = world.submitSealed(index % nodes, index % 8);
    world.run({ forMs: 10 });
    return hash;
  });
}

t.test("SL5: an opener that tells nothing delays every block by openMs, but not one after the other", async (t) => {
  const world = createSealedWorld({ count: 7, seed: 1, sealing: { opening: { fewSealed: 0, openMs: 100 } } });
  world.generateKey();
  world.filter = ({ from, kind }) => from !== 6 || kind !== "seeds";
  const started = world.nowMs;
  const hashes: string[] = [];
  for (let index = 0; index < 240; index++) {
    hashes.push(world.submitSealed(index % 6, index % 8));
    if (index % 8 === 7) world.run({ forMs: 10 });
  }
  const isDone = ({ finalized }: ClusterNode): boolean =>
    finalized.reduce((sum, { receipts }) => sum + receipts.filter(({ hash }) => hashes.includes(hash)).length, 0) === hashes.length;
  t.ok(world.run({ forMs: 5_000, until: () => world.nodes.slice(0, 6).every(isDone) }));
  const tookMs = Math.round(world.nowMs - started);
  t.ok(tookMs < 500, `executed after ${tookMs} ms`);
});

t.test("who was behind in opening serves and builds on what it executed since", async (t) => {
  const world = createSealedWorld({ count: 4, seed: 1, delayMs: [1, 10] });
  world.generateKey();
  world.filter = ({ to, kind }) => to !== 3 || (!OPENING.has(kind) && kind !== "status");
  load(world, 40);
  world.filter = undefined;
  const [first, , , late] = world.nodes;
  const aim = first?.replica.status.finalHeight ?? 0;
  t.ok(world.run({ forMs: 5_000, until: () => (late?.replica.status.finalHeight ?? 0) >= aim }), "it catches up");
  const recent = late?.finalized.slice(-8) ?? [];
  t.equal(recent.length, 8);
  for (const { blockHash } of recent) t.ok(late?.replica.answer({ type: "block", hash: blockHash }));
});

t.test("K: nothing opens for ten seconds: ordering goes on, then rests; afterwards all is executed", async (t) => {
  const world = createSealedWorld({ count: 4, seed: 1, delayMs: [1, 10] });
  world.generateKey();
  world.filter = ({ kind }) => !OPENING.has(kind);
  const hashes = load(world, 100);
  world.run({ forMs: 10_000 });
  for (const { replica, effects } of world.nodes) {
    const { height, finalHeight, waitingFor } = replica.status;
    t.ok(height - finalHeight > UNOPENED_BLOCKS_MAX, "blocks are final beyond the cap");
    t.ok(height - finalHeight < UNOPENED_BLOCKS_MAX + 16, "work that no block may carry drives nothing");
    t.equal(waitingFor, "openings");
    const proposals = effects.filter((effect) => effect.type === "signProposal");
    const laneOver = proposals.filter(
      ({ header }) => header.height - header.executedHeight > UNOPENED_BLOCKS_MAX && header.sealedCount > 0,
    );
    t.same(laneOver, []);
  }
  world.filter = undefined;
  const isDone = ({ finalized }: ClusterNode): boolean =>
    finalized.reduce((sum, { receipts }) => sum + receipts.filter(({ hash, code }) => code === 0 && hashes.includes(hash)).length, 0) ===
    100;
  t.ok(world.run({ forMs: 3_000, until: () => world.nodes.every(isDone) }));
});

t.test("openings are answered for after a restart, to whoever is still at that block", async (t) => {
  const world = createSealedWorld({ count: 4, seed: 3 });
  world.generateKey();
  world.filter = ({ to, kind }) => to !== 3 || (!OPENING.has(kind) && kind !== "status");
  const hash = world.submitSealed(0, 0);
  const isDone = ({ finalized }: ClusterNode): boolean =>
    finalized.some(({ receipts }) => receipts.some((receipt) => receipt.hash === hash));
  t.ok(world.run({ forMs: 1_000, until: () => world.nodes.slice(0, 3).every(isDone) }));
  for (const node of [0, 1, 2]) {
    world.crash(node);
    world.restart(node);
  }
  world.filter = ({ to, kind }) => to !== 3 || kind !== "status";
  t.ok(world.run({ forMs: 5_000, until: () => world.nodes.every(isDone) }));
});
