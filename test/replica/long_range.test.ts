/** One CC may make more heights final than a range holds: whoever lacks them all still catches up (R7, catch-up). */

import t, { type Test } from "tap";
import type { Block } from "../../types/block.ts";
import { type BlockHash, Height } from "../../types/ids.ts";
import { RANGE_BLOCKS_MAX } from "../../types/limits.ts";
import type { SyncResponse } from "../../types/sync.ts";
import type { Certificate } from "../../types/vote.ts";
import { payloadOf } from "../support/chain.ts";
import { type Cluster, type ClusterNode, chainOf, createCluster, disagreements } from "../support/replica_cluster.ts";

/** Above two ranges, so that one answer has neither its start nor its end at a block with a CC of its own. */
const HEIGHTS = 2 * RANGE_BLOCKS_MAX + 40;

/** Validators 0 to 2 have made HEIGHTS blocks final under one CC; validator 3 has nothing and is down. */
function grown(seed: number): { readonly cluster: Cluster; readonly holders: readonly ClusterNode[]; readonly fresh: ClusterNode } {
  const cluster = createCluster({ count: 4, seed, config: { syncDelayMs: 50 } });
  const holders = cluster.nodes.slice(0, 3);
  const [fresh] = cluster.nodes.slice(3) as [ClusterNode];
  cluster.crash(fresh.index);
  cluster.intercept = (_node, { type, ...effect }) =>
    type === "signVote" && "ballot" in effect && effect.ballot.kind === "commit" && effect.ballot.height < HEIGHTS;
  const isFinal = () => holders.every(({ replica }) => replica.status.finalHeight >= HEIGHTS);
  if (!cluster.run({ forMs: 5_000_000, until: isFinal })) throw new Error("the chain did not grow");
  cluster.intercept = undefined;
  return { cluster, holders, fresh };
}

/** Runs until the fresh validator has what validator 0 has. */
function catchesUp(cluster: Cluster, fresh: ClusterNode): boolean {
  return cluster.run({
    forMs: 60_000,
    until: () => fresh.replica.status.finalHeight >= HEIGHTS && fresh.replica.status.height >= HEIGHTS,
  });
}

function checkOneCertificate(t: Test, holder: ClusterNode): void {
  const proofs = new Set([...holder.disk.finality.values()].map(({ certificate }) => certificate.ballot.height));
  t.ok(Math.min(...proofs) >= HEIGHTS, `heights 1 to ${Math.min(...proofs)} are final under one CC`);
}

t.test("R7: hundreds of heights are final under one CC, a fresh validator catches up and takes part", async (t) => {
  const { cluster, holders, fresh } = grown(41);
  checkOneCertificate(t, holders[0] as ClusterNode);
  cluster.restart(fresh.index);
  t.ok(catchesUp(cluster, fresh), "it has all of them, and so has its consensus");
  t.same(disagreements(cluster.nodes), []);
  t.same(chainOf(fresh).slice(0, HEIGHTS), chainOf(holders[0] as ClusterNode).slice(0, HEIGHTS));
  const hash = cluster.submit(fresh.index, payloadOf("after"));
  const isFinal = () =>
    cluster.nodes.every(({ finalized }) => finalized.some(({ receipts }) => receipts.some((entry) => entry.hash === hash)));
  t.ok(cluster.run({ forMs: 20_000, until: isFinal }), "what it submits becomes final everywhere");
  t.notOk(
    fresh.effects.some(({ type }) => type === "penalize"),
    "nobody was to blame",
  );
});

t.test("R9: a crash between two ranges of one CC, recovery starts from blocks whose CC is of a later one", async (t) => {
  const { cluster, fresh } = grown(42);
  cluster.restart(fresh.index);
  const hasFirstRange = () => fresh.replica.status.finalHeight >= RANGE_BLOCKS_MAX;
  t.ok(cluster.run({ forMs: 60_000, until: hasFirstRange }));
  const { finalHeight, height } = fresh.replica.status;
  t.ok(finalHeight < HEIGHTS && height < finalHeight, "executed, and consensus not yet told");
  cluster.crash(fresh.index);
  cluster.restart(fresh.index);
  t.equal(fresh.replica.status.finalHeight, finalHeight);
  t.ok(catchesUp(cluster, fresh));
  t.same(disagreements(cluster.nodes), []);
  const heights = fresh.finalized.map(({ header }) => Number(header.height));
  t.same(
    heights,
    heights.map((_, index) => index + 1),
    "each height exactly once, in order, over both lives",
  );
});

t.test("R10: a peer whose answers all end short of their certificate, consensus hears of each run when it is whole", async (t) => {
  const { cluster, holders, fresh } = grown(43);
  const [holder] = holders as [ClusterNode];
  cluster.run({ forMs: 60_000 });
  const blockAt = (height: number): Block =>
    holder.disk.blocks.get(holder.disk.finality.get(Height.of(height))?.blockHash as BlockHash) as Block;
  const proofs = [...holder.disk.finality.values()]
    .map(({ certificate }) => certificate)
    .filter(({ ballot }) => ballot.height > HEIGHTS + 4);
  t.ok(proofs.length > 8, "certificates of many later blocks");
  let answers = 0;
  const answerTo = (fromHeight: number): SyncResponse => {
    const certificate = proofs[answers++ % 8] as Certificate;
    const end = certificate.ballot.height;
    const blocks = Array.from({ length: Math.min(16, end - fromHeight) }, (_, index) => blockAt(fromHeight + index));
    const first = fromHeight + blocks.length;
    const trailingHeaders = Array.from({ length: end - first + 1 }, (_, index) => blockAt(first + index).header);
    return { type: "finalBlocks", blocks, openings: blocks.map(() => []), trailingHeaders, commitCertificate: certificate };
  };
  // After its first answer nobody is there whose status would say how far the chain goes: the CC says it.
  cluster.filter = ({ to, kind }) => to !== fresh.index || (kind === "status" && answers === 0);
  cluster.intercept = (node, effect) => {
    if (node !== fresh || effect.type !== "request" || effect.request.type !== "finalBlocks") return false;
    const response = answerTo(effect.request.fromHeight);
    cluster.after(1, () => {
      for (const { peer } of holders) cluster.inject(node, { type: "peerGone", peer });
      cluster.inject(node, { type: "response", requestId: effect.requestId, from: holder.peer, response });
    });
    return true;
  };
  cluster.restart(fresh.index);
  const [firstProof] = proofs as [Certificate];
  const isNear = () => fresh.replica.status.finalHeight >= HEIGHTS - 32;
  t.ok(cluster.run({ forMs: 60_000, until: isNear }));
  t.ok(fresh.replica.status.finalHeight < firstProof.ballot.height);
  t.equal(fresh.replica.status.height, 0, "the first run is not whole yet");
  t.ok(cluster.run({ forMs: 60_000, until: () => fresh.replica.status.finalHeight >= firstProof.ballot.height }));
  t.equal(fresh.replica.status.height, firstProof.ballot.height, "told with the certificate that the run began with");
  t.ok(answers > 30, "no answer ended at the block of its certificate");
  t.notOk(fresh.effects.some(({ type }) => type === "penalize"));
});
