/** One Byzantine validator of four against the whole machine. Each case once halted the chain or a validator; the comment says
 *  which line was taken out again to see the test fail. */

import t from "tap";
import { bodyRootOf, hashHeader } from "../../crypto/hashes.ts";
import type { ReplicaEffect } from "../../replica/interface.ts";
import type { ParsedTransaction } from "../../types/application.ts";
import { payloadOf } from "../support/chain.ts";
import { type Cluster, type ClusterNode, createCluster, disagreements } from "../support/replica_cluster.ts";

type Four = [ClusterNode, ClusterNode, ClusterNode, ClusterNode];

function heights(nodes: readonly ClusterNode[]): readonly number[] {
  return nodes.map(({ replica }) => replica.status.finalHeight);
}

/** The leader repeats its parent's transactions: to node 2 while that one lacks the parent's CC, to the others once they have it. */
function repeatParent(cluster: Cluster, node: ClusterNode, effect: Extract<ReplicaEffect, { type: "signProposal" }>): boolean {
  const [first, second, late] = cluster.nodes as Four;
  const parent = first.disk.blocks.get(effect.header.parentHash);
  if (parent === undefined || parent.transactions.length === 0) return false;
  const repeated = parent.transactions.flatMap((bytes): ParsedTransaction[] => {
    const parsed = node.application.parse(bytes);
    return parsed.ok ? [parsed.transaction] : [];
  });
  const transactionHashes = repeated.map(({ hash }) => hash);
  const bodyBytes = repeated.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const header = { ...effect.header, bodyRoot: bodyRootOf(transactionHashes), transactionCount: repeated.length, bodyBytes };
  const proposal = cluster.signProposal(node, { header, ...effect.justification, transactionHashes, lists: [] });
  const from = cluster.senderOf(node);
  const { epoch, view, height } = header;
  const vote = cluster.signVote(node, { kind: "vote", epoch, view, height, blockHash: hashHeader(header) });
  cluster.inject(late, { type: "proposal", from, proposal });
  cluster.after(30, () => {
    for (const honest of [first, second]) cluster.inject(honest, { type: "proposal", from, proposal });
    for (const honest of [first, second, late]) cluster.inject(honest, { type: "vote", from, vote });
  });
  return true;
}

// Fails when the verdict also asks whether an unfinished ancestor carries a transaction: honest nodes then differ about it.
t.test("R2: a leader that repeats its parent's transactions splits no verdicts and halts nobody", async (t) => {
  const cluster = createCluster({ count: 4, seed: 11, delayMs: [5, 5] });
  const [first, , , traitor] = cluster.nodes as Four;
  let isDone = false;
  cluster.intercept = (node, effect) => {
    if (isDone || node !== traitor || effect.type !== "signProposal") return false;
    isDone = repeatParent(cluster, node, effect);
    return isDone;
  };
  cluster.run({ forMs: 200 });
  for (let round = 0; round < 400 && !isDone; round++) {
    cluster.submit(round % 3, payloadOf(`payload ${round}`));
    cluster.run({ forMs: 2 });
  }
  t.ok(isDone, "the attack took place");
  cluster.run({ forMs: 500 });
  cluster.crash(3);
  const before = first.replica.status.finalHeight;
  cluster.submit(0, payloadOf("after"));
  cluster.run({ forMs: 20_000 });
  const honest = cluster.nodes.slice(0, 3);
  t.same(
    honest.map(({ replica }) => replica.status.hasDiverged),
    [false, false, false],
  );
  t.ok(
    heights(honest).every((height) => height > before + 5),
    `the chain goes on: ${before} to ${heights(honest).join()}`,
  );
  t.same(disagreements(cluster.nodes), []);
});

// Fails when `wantBlock` never looks farther up than WANTED_HEIGHTS_MAX: ranges serve only what is final, and nothing here is.
t.test("R4: a node returns to a certified chain that is long and not final, and the three finalize it", async (t) => {
  const cluster = createCluster({ count: 4, seed: 12 });
  const [first, , , traitor] = cluster.nodes as Four;
  cluster.run({ forMs: 3_000 });
  cluster.crash(2);
  cluster.intercept = (node, effect) => {
    if (node !== traitor) return false;
    const isCommitVote = effect.type === "signVote" && effect.ballot.kind === "commit";
    return isCommitVote || (effect.type === "broadcastCertificate" && effect.certificate.ballot.kind === "commit");
  };
  const depth = () => Math.max(...[...first.disk.blocks.values()].map(({ header }) => header.height)) - first.replica.status.finalHeight;
  for (let round = 0; round < 500 && depth() < 45; round++) {
    cluster.submit(round % 2, payloadOf(`payload ${round}`));
    cluster.run({ forMs: 300 });
  }
  t.ok(depth() >= 45, `certified and not final: ${depth()} blocks`);
  cluster.crash(3);
  cluster.restart(2);
  const honest = cluster.nodes.slice(0, 3);
  const isDeep = () => honest.every(({ replica }) => replica.status.finalHeight >= 45);
  t.ok(cluster.run({ forMs: 120_000, until: isDeep }), `final: ${heights(honest).join()}`);
  t.same(disagreements(cluster.nodes), []);
});

// Fails when every repetition of a body request names the proposer alone.
t.test("R2: transactions that a proposer withholds are asked of anybody at the second try", async (t) => {
  const cluster = createCluster({ count: 4, seed: 13, isGossipLost: (_hash, to) => to === 2 });
  const [, , victim] = cluster.nodes as Four;
  cluster.run({ forMs: 100 });
  cluster.filter = ({ to, kind }) => !(to === victim.index && (kind === "response" || kind === "commit" || kind === "certificate"));
  const hash = cluster.submit(3, payloadOf("withheld"));
  cluster.run({ forMs: 3_000 });
  const asked = victim.effects.flatMap((effect) => {
    if (effect.type !== "request" || effect.request.type !== "transactions") return [];
    return effect.request.hashes.includes(hash) ? [effect.candidates.length] : [];
  });
  t.equal(asked[0], 1, "the proposer is asked first");
  t.equal(asked[1], 0, "after that anyone");
});
