/** Whole replicas in one thread under a seeded network: agreement, pacing, recovery, divergence. Each test runs the shipped
 *  machine with the null application; only clock, network, disk and signatures are doubles. */

import t from "tap";
import { createNullApplication } from "../../ledger/null_application.ts";
import type { Application } from "../../types/application.ts";
import type { StateRoot } from "../../types/ids.ts";
import { CHAIN_ID, payloadOf } from "../support/chain.ts";
import { type ClusterNode, chainOf, createCluster, disagreements } from "../support/replica_cluster.ts";

const isFinalEverywhere = (nodes: readonly ClusterNode[], hashes: readonly string[]) => () =>
  nodes.every((node) => {
    const final = new Set(node.finalized.flatMap(({ receipts }) => receipts.map(({ hash }) => hash as string)));
    return hashes.every((hash) => final.has(hash));
  });

t.test("R7: four replicas finalize what a client submits, in one order and with equal roots", async (t) => {
  const cluster = createCluster({ count: 4, seed: 1 });
  const hashes = Array.from({ length: 50 }, (_, index) => cluster.submit(index % 4, payloadOf(`payload ${index}`)));
  t.ok(cluster.run({ forMs: 5_000, until: isFinalEverywhere(cluster.nodes, hashes) }), "all are final within 5 s of simulated time");
  t.same(disagreements(cluster.nodes), []);
  const count = cluster.nodes[0]?.finalized.flatMap(({ receipts }) => receipts).length;
  t.equal(count, 50, "each exactly once");
});

t.test("R7: a single validator makes progress alone", async (t) => {
  const cluster = createCluster({ count: 1, seed: 2 });
  const hash = cluster.submit(0, payloadOf("alone"));
  t.ok(cluster.run({ forMs: 2_000, until: isFinalEverywhere(cluster.nodes, [hash]) }));
});

t.test("pacing: an idle chain makes a block per heartbeat and hardly anything else", async (t) => {
  const cluster = createCluster({ count: 4, seed: 3 });
  cluster.run({ forMs: 20_500 });
  const [node] = cluster.nodes as [ClusterNode];
  const heights = node.replica.status.finalHeight;
  t.ok(heights >= 17 && heights <= 21, `about one block a second: ${heights} in 20 s`);
  t.equal(
    node.effects.filter(({ type }) => type === "signVote").length,
    2 * heights,
    "one vote and one commit vote per block, no timeouts",
  );
});

t.test("pacing: the last block with transactions becomes final without another block", async (t) => {
  const cluster = createCluster({ count: 4, seed: 4 });
  cluster.run({ forMs: 100 });
  const hash = cluster.submit(2, payloadOf("lonely"));
  const startedMs = cluster.nowMs;
  t.ok(cluster.run({ forMs: 900, until: isFinalEverywhere(cluster.nodes, [hash]) }));
  t.ok(cluster.nowMs - startedMs < 100, `final after ${cluster.nowMs - startedMs} ms with delays of 1 to 5 ms`);
});

t.test("R2: bodies that gossip did not bring are fetched by hash", async (t) => {
  const cluster = createCluster({ count: 4, seed: 5, isGossipLost: (_hash, to) => to === 3 });
  const hashes = Array.from({ length: 20 }, (_, index) => cluster.submit(0, payloadOf(`lost ${index}`)));
  t.ok(cluster.run({ forMs: 10_000, until: isFinalEverywhere(cluster.nodes, hashes) }));
  const requests = cluster.nodes[3]?.effects.filter((effect) => effect.type === "request" && effect.request.type === "transactions");
  t.ok((requests?.length ?? 0) > 0, "node 3 asked for what it lacked");
  t.same(disagreements(cluster.nodes), []);
});

t.test("R5: three of four go on without the fourth, and it catches up by ranges", async (t) => {
  const cluster = createCluster({ count: 4, seed: 6 });
  cluster.run({ forMs: 500 });
  cluster.crash(1);
  const hashes: string[] = [];
  for (let round = 0; round < 40; round++) {
    hashes.push(cluster.submit(round % 2 === 0 ? 0 : 2, payloadOf(`without ${round}`)));
    cluster.run({ forMs: 200 });
  }
  const others = cluster.nodes.filter(({ index }) => index !== 1);
  t.ok(cluster.run({ forMs: 10_000, until: isFinalEverywhere(others, hashes) }), "progress while one is down");
  cluster.restart(1);
  t.ok(cluster.run({ forMs: 10_000, until: isFinalEverywhere(cluster.nodes, hashes) }), "the restarted one has everything");
  t.same(disagreements(cluster.nodes), []);
  const ranges = cluster.nodes[1]?.effects.filter((effect) => effect.type === "request" && effect.request.type === "finalBlocks");
  t.ok((ranges?.length ?? 0) > 0);
  const hash = cluster.submit(1, payloadOf("after"));
  t.ok(cluster.run({ forMs: 10_000, until: isFinalEverywhere(cluster.nodes, [hash]) }), "and takes part again");
});

t.test("R9: all four crash at once and go on from their disks", async (t) => {
  const cluster = createCluster({ count: 4, seed: 7 });
  const before = Array.from({ length: 10 }, (_, index) => cluster.submit(index % 4, payloadOf(`before ${index}`)));
  cluster.run({ forMs: 5_000, until: isFinalEverywhere(cluster.nodes, before) });
  const chain = chainOf(cluster.nodes[0] as ClusterNode);
  for (const { index } of cluster.nodes) cluster.crash(index);
  for (const { index } of cluster.nodes) cluster.restart(index);
  const hash = cluster.submit(0, payloadOf("after the crash"));
  t.ok(cluster.run({ forMs: 20_000, until: isFinalEverywhere(cluster.nodes, [hash]) }));
  t.same(chainOf(cluster.nodes[0] as ClusterNode).slice(0, chain.length), chain, "nothing final was lost");
  t.same(disagreements(cluster.nodes), []);
});

t.test("R7: random crashes, loss and partitions never break agreement, and the chain goes on after healing", async (t) => {
  for (let seed = 100; seed < 130; seed++) {
    const cluster = createCluster({ count: 4, seed, delayMs: [1, 60] });
    const cut = seed % 4;
    const hashes: string[] = [];
    cluster.run({ forMs: 300 });
    cluster.filter = ({ from, to, kind }) => (from + to + seed + kind.length) % 5 !== 0 && from !== cut;
    for (let round = 0; round < 10; round++) {
      hashes.push(cluster.submit((cut + 1) % 4, payloadOf(`seed ${seed} round ${round}`)));
      cluster.run({ forMs: 150 });
      if (round === 4) cluster.crash((cut + 2) % 4);
      if (round === 7) cluster.restart((cut + 2) % 4);
    }
    cluster.filter = undefined;
    const isHealed = cluster.run({ forMs: 60_000, until: isFinalEverywhere(cluster.nodes, hashes) });
    if (!isHealed) t.fail(`seed ${seed}: not final after healing: ${JSON.stringify(cluster.nodes.map(({ replica }) => replica.status))}`);
    t.same(disagreements(cluster.nodes), [], `seed ${seed}: all agree`);
  }
});

t.test("deferred root: a validator whose execution differs stops signing and says so", async (t) => {
  let count = 0;
  const createApplication = (): Application => {
    const application = createNullApplication({ chainId: CHAIN_ID });
    if (count++ !== 3) return application;
    return new Proxy(application, {
      get(target, key) {
        if (key === "execute")
          return (block: Parameters<Application["execute"]>[0]) => ({ ...target.execute(block), stateRoot: "f".repeat(64) as StateRoot });
        const value = Reflect.get(target, key) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  const cluster = createCluster({ count: 4, seed: 8, createApplication });
  const hashes = Array.from({ length: 5 }, (_, index) => cluster.submit(0, payloadOf(`d ${index}`)));
  const honest = cluster.nodes.slice(0, 3);
  t.ok(cluster.run({ forMs: 10_000, until: isFinalEverywhere(honest, hashes) }), "the other three go on");
  cluster.run({ forMs: 5_000 });
  const [odd] = cluster.nodes.slice(3) as [ClusterNode];
  t.equal(odd.replica.status.hasDiverged, true);
  t.equal(odd.replica.status.waitingFor, "stopped");
  t.equal(odd.effects.filter(({ type }) => type === "diverged").length, 1);
  const signedSoFar = odd.effects.filter(({ type }) => type === "signVote" || type === "signProposal").length;
  cluster.run({ forMs: 5_000 });
  t.equal(odd.effects.filter(({ type }) => type === "signVote" || type === "signProposal").length, signedSoFar, "and signs nothing more");
});
