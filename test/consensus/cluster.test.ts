/** Whole clusters of cores under seeded faults. The cluster's checker throws, with the seed, on every violation: agreement, one QC
 *  per view, CC(v) next to TC(v), anything signed twice or before its record is on disk, an honest validator accused (R12).
 *  Each run ends healed and must then make progress. */

import t from "tap";
import { View } from "../../types/ids.ts";
import { CALM, type ConsensusCluster, createConsensusCluster, type Faults } from "../support/consensus_cluster.ts";
import { createPrng, type Prng } from "../support/prng.ts";

const SHAPES: readonly (readonly number[])[] = [[1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1], [3, 1, 2, 1, 1], [1]];
/** The most Byzantine weight that each shape bears. */
const BYZANTINE: readonly (readonly number[])[] = [[3], [5, 6], [2], []];
const HEALED_MS_MAX = 15_000;

interface Run {
  readonly seed: number;
  readonly weights: readonly number[];
  readonly byzantine?: readonly number[];
  readonly crash?: number;
}

/** Four phases of random faults, then calm; undefined when three more blocks became final everywhere, else what happened. */
function runFaults({ seed, weights, byzantine, crash }: Run): string | undefined {
  const prng = createPrng(seed + 1_000);
  try {
    const cluster = createConsensusCluster({ weights, seed, byzantine: byzantine ?? [] });
    for (let phase = 0; phase < 4; phase++) {
      cluster.faults = randomFaults(prng, weights.length, crash ?? 0);
      cluster.setWork(prng.real() < 0.6);
      cluster.run(200 + prng.below(1_000));
    }
    return heal(cluster, prng.real() < 0.5) ? undefined : `seed ${seed}: no progress after healing`;
  } catch (error) {
    return error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
  }
}

function randomFaults(prng: Prng, count: number, crash: number): Faults {
  const all = Array.from({ length: count }, (_, index) => index);
  return {
    loss: prng.real() < 0.5 ? prng.real() * 0.3 : 0,
    duplicate: 0.1,
    crash: crash * prng.real(),
    delayMs: [1, 1 + prng.below(100)],
    groups: prng.real() < 0.3 ? [all.filter(() => prng.real() < 0.5)] : undefined,
  };
}

function heal(cluster: ConsensusCluster, hasWork: boolean): boolean {
  cluster.faults = CALM;
  for (const { index } of cluster.nodes) cluster.restart(index);
  cluster.setWork(hasWork);
  const reached = Math.max(...cluster.honest.map(({ disk }) => disk.finalHeaders.length));
  const hasProgressed = cluster.run(HEALED_MS_MAX, () => cluster.finalHeight >= reached + 3);
  return hasProgressed && cluster.honest.every(({ consensus }) => consensus?.status.hasStoppedSigning === false);
}

t.test("R8: agreement and progress under loss, delay, partitions, crashes at any point of a step, and restarts", async (t) => {
  for (let seed = 0; seed < 200; seed++) {
    const failure = runFaults({ seed, weights: SHAPES[seed % SHAPES.length] as readonly number[], crash: 0.01 });
    if (failure !== undefined) t.fail(failure);
  }
  t.pass("200 seeds");
});

t.test("R12: with Byzantine validators that sign everything twice, the honest agree, go on, and accuse nobody else", async (t) => {
  for (let seed = 0; seed < 60; seed++) {
    const weights = SHAPES[seed % 3] as readonly number[];
    const failure = runFaults({ seed, weights, byzantine: BYZANTINE[seed % 3] as readonly number[] });
    if (failure !== undefined) t.fail(failure);
  }
  t.pass("60 seeds");
});

t.test("R12: the Byzantine validator's double votes and double proposals become evidence", async (t) => {
  const kinds = new Set<string>();
  for (let seed = 0; seed < 4; seed++) {
    const cluster = createConsensusCluster({ weights: [1, 1, 1, 1], seed, byzantine: [3] });
    cluster.run(10);
    cluster.setWork(true);
    cluster.run(1_000);
    for (const { effects } of cluster.honest) {
      for (const effect of effects) if (effect.type === "persistEvidence") kinds.add(effect.evidence.type);
    }
  }
  t.same([...kinds].toSorted(), ["doubleProposal", "doubleVote"]);
});

t.test("R5: cut off from a quorum nothing becomes final; healed, everything goes on", async (t) => {
  const cluster = createConsensusCluster({ weights: [1, 1, 1, 1], seed: 4 });
  cluster.run(10);
  cluster.setWork(true);
  cluster.run(1_000);
  const before = cluster.finalHeight;
  t.ok(before > 50, `${before} blocks in the first second`);
  cluster.faults = { ...CALM, groups: [[0, 1]] };
  cluster.run(100);
  const cut = Math.max(...cluster.nodes.map(({ disk }) => disk.finalHeaders.length));
  cluster.run(60_000);
  t.equal(Math.max(...cluster.nodes.map(({ disk }) => disk.finalHeaders.length)), cut, "no progress for a minute");
  t.ok(heal(cluster, true));
});

t.test("pacing: an idle chain makes one block per heartbeat, with at most two votes each, and loses no view", async (t) => {
  const cluster = createConsensusCluster({ weights: [1, 1, 1, 1], seed: 5 });
  cluster.run(30_500);
  const height = cluster.finalHeight;
  t.ok(height >= 27 && height <= 30, `${height} blocks in 30 s`);
  for (const { effects, consensus } of cluster.nodes) {
    const ballots = effects.flatMap((effect) => (effect.type === "castVote" ? [effect.ballot.kind] : []));
    const counts = ["vote", "commit"].map((kind) => ballots.filter((other) => other === kind).length);
    t.ok(
      counts.every((count) => count <= height && count > height / 2),
      `${counts} votes, fewer where a certificate came first`,
    );
    t.notOk(ballots.includes("timeout"));
    t.equal(consensus?.status.view, height + 1);
    t.equal(consensus?.status.waitingFor, "idle");
  }
});

t.test("pacing: the last block with work becomes final by itself, without another block", async (t) => {
  const cluster = createConsensusCluster({ weights: [1, 1, 1, 1], seed: 6 });
  cluster.run(10);
  cluster.setWork(true);
  cluster.run(300);
  cluster.setWork(false);
  cluster.run(50);
  for (const { consensus } of cluster.nodes) {
    t.equal(consensus?.status.highestCertifiedView, consensus?.status.finalView, "nothing certified is left unfinal");
    t.equal(consensus?.status.waitingFor, "idle");
  }
});

t.test("leaders: a validator that is down costs ever fewer views", async (t) => {
  const cluster = createConsensusCluster({ weights: [1, 1, 1, 1], seed: 7 });
  cluster.run(10);
  cluster.setWork(true);
  cluster.crash(3);
  cluster.run(10_000);
  const lost = cluster.nodes.slice(0, 3).map(({ disk }) => (disk.finalHeaders.at(-1)?.view ?? 0) - disk.finalHeaders.length);
  const blocks = cluster.nodes[0]?.disk.finalHeaders.length ?? 0;
  t.ok(blocks > 400, `${blocks} blocks in 10 s with one of four down`);
  t.ok(Math.max(...lost) < blocks / 20, `${lost} views lost; without pauses it would be every third`);
});

t.test("R10: memory of a core follows what is not final, not what happened", async (t) => {
  const cluster = createConsensusCluster({ weights: [1, 1, 1, 1], seed: 9 });
  cluster.run(10);
  cluster.setWork(true);
  cluster.run(3_000);
  for (const { disk, consensus } of cluster.nodes) {
    t.ok(disk.finalHeaders.length > 200);
    t.ok(disk.records.length < 12, `${disk.records.length} records above the last final view`);
    t.equal(consensus?.timeoutCertificates({ fromView: View.ZERO, toView: View.of(1_000_000), countMax: 1_000 }).length, 0);
  }
});
