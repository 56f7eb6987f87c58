/** Draws the cluster of a seed: weights, topology, protocol paces, workload. */

import type { Stream } from "../simulator/streams.ts";
import { DEFAULT_PROTOCOL } from "./defaults.ts";
import type { Scene } from "./expand_faults.ts";
import type { Protocol, SealingPlan, Topology, Workload } from "./manifest.ts";
import { SMALL_MATRIX } from "./small_matrix.ts";

const WEIGHT_MAX = 1_000_000;

export function drawWeights(stream: Stream): readonly number[] {
  const count = drawCount(stream);
  const each = (draw: () => number): readonly number[] => Array.from({ length: count }, draw);
  const shape = stream.below(10);
  if (shape < 5) {
    const weight = stream.chance(0.7) ? 1 : stream.between(2, WEIGHT_MAX);
    return each(() => weight);
  }
  if (shape < 7) return each(() => stream.between(1, 4));
  if (shape < 8) return each(() => stream.between(1, WEIGHT_MAX));
  if (shape < 9) return each(() => 2 ** stream.below(8));
  // One heavy validator among equals: at most a third, or enough to block alone.
  const heavy = stream.below(count);
  const weight = stream.chance(0.5) ? Math.max(1, Math.floor((count - 1) / 2)) : count;
  return each(() => 1).map((one, index) => (index === heavy ? weight : one));
}

/** Mostly 4 to 7, sometimes fewer, up to 16. */
function drawCount(stream: Stream): number {
  const draw = stream.below(100);
  if (draw < 40) return 4;
  if (draw < 70) return stream.between(5, 7);
  if (draw < 85) return stream.between(1, 3);
  return stream.between(8, 16);
}

export function drawTopology(stream: Stream, { count, isFast }: { readonly count: number; readonly isFast: boolean }): Topology {
  if (!isFast && stream.chance(0.4)) {
    const used = stream.shuffled(SMALL_MATRIX.regions).slice(0, stream.between(1, SMALL_MATRIX.regions.length));
    const regions = Array.from({ length: count }, () => stream.pick(used));
    return { type: "regions", regions, matrix: SMALL_MATRIX, jitter: stream.below(6) / 10 };
  }
  const least = stream.between(0, isFast ? 3 : 20);
  return { type: "uniform", delayMs: [least, least + stream.between(0, isFast ? 5 : 30)] };
}

export function drawProtocol(
  stream: Stream,
  { topology, scene }: { readonly topology: Topology; readonly scene: Scene | undefined },
): Protocol {
  const slowestMs = slowestMsOf(topology);
  const syncLeast = stream.below(3);
  const syncMs: readonly [number, number] = [syncLeast, syncLeast + stream.between(0, 6)];
  // A view must be able to succeed within 2Δ and 3Δ once Δ has grown: a proposal, its body, votes, and a write before each.
  const leastMs = Math.max(60, Math.ceil(4 * (slowestMs + syncMs[1])));
  const deltaMsMax =
    scene === "skippedViews" ? stream.between(leastMs, leastMs + 20) : Math.min(2_000, leastMs + stream.pick([0, 100, 400, 1_000, 2_000]));
  const deltaMsMin = Math.min(deltaMsMax, stream.between(20, 200));
  return {
    deltaMsMin,
    deltaMsMax,
    heartbeatMs: stream.between(150, 1_000),
    proposeDelayMs: stream.pick([0, 5, 15]),
    resendMs: Math.ceil(2 * slowestMs) + stream.between(50, 400),
    blockTransactionsMax: stream.chance(0.25) ? stream.between(2, 8) : DEFAULT_PROTOCOL.blockTransactionsMax,
    poolTransactionsMax: DEFAULT_PROTOCOL.poolTransactionsMax,
    snapshotBlocks: scene === "longOutage" || stream.chance(0.5) ? stream.between(3, 10) : DEFAULT_PROTOCOL.snapshotBlocks,
    syncMs,
  };
}

/** Time between two views under load, roughly: two delays, two writes, and the wait for a fuller block. */
export function viewMsOf(topology: Topology, { syncMs, proposeDelayMs }: Protocol): number {
  return Math.ceil(1.5 * slowestMsOf(topology) + syncMs[0] + syncMs[1] + proposeDelayMs);
}

export function drawWorkload(stream: Stream, { viewMs, isLarge }: { readonly viewMs: number; readonly isLarge: boolean }): Workload {
  // Where views are short, a dense load would only make more of them.
  const perSecondMax = viewMs < 70 || isLarge ? 12 : 40;
  const share = (): number => (stream.chance(0.5) ? stream.between(1, 6) : 0);
  return {
    clients: stream.chance(0.1) ? 0 : stream.between(1, 4),
    perSecond: stream.between(2, perSecondMax),
    mix: {
      transfer: stream.between(1, 8),
      linked: share(),
      pend: share(),
      invalid: share(),
      duplicate: share(),
      replay: share(),
      lie: share(),
    },
  };
}

/** Rarely more is sent than blocks have room for, and pools are small, so that they fill up. */
export function drawOverload(
  stream: Stream,
  drawn: { readonly protocol: Protocol; readonly workload: Workload },
): { readonly protocol: Protocol; readonly workload: Workload } {
  const { protocol, workload } = drawn;
  if (!stream.chance(0.08)) return drawn;
  const blockTransactionsMax = stream.between(1, 4);
  const poolTransactionsMax = stream.between(4, 30);
  return {
    protocol: { ...protocol, blockTransactionsMax, poolTransactionsMax },
    workload: { ...workload, clients: stream.between(2, 4), perSecond: stream.between(60, 120) },
  };
}

/** Undefined: the chain seals nothing. */
export function drawSealing(
  stream: Stream,
  { protocol, isLarge }: { readonly protocol: Protocol; readonly isLarge: boolean },
): SealingPlan | undefined {
  if (!stream.chance(0.4)) return undefined;
  const share = (): number => (stream.chance(0.6) ? stream.between(1, 4) : 0);
  const slowMs = 2 * protocol.resendMs;
  return {
    keygenWindowMs: stream.between(200, 1_500),
    fewSealed: stream.pick([0, 2, 2, 8]),
    openMs: stream.between(40, Math.max(60, slowMs)),
    listIntervalMs: stream.pick([0, 5, 20]),
    poolTransactionsMax: stream.chance(0.1) ? stream.between(4, 20) : 1_024,
    perSecond: stream.between(3, isLarge ? 10 : 30),
    mix: { valid: stream.between(1, 6), failing: share(), refused: share(), copied: share() },
  };
}

/** Longest one-way delay, in ms. */
function slowestMsOf(topology: Topology): number {
  if (topology.type === "uniform") return topology.delayMs[1];
  const { regions, matrix, jitter } = topology;
  const indices = [...new Set(regions)].map((region) => matrix.regions.indexOf(region));
  const roundTrips = indices.flatMap((from) => indices.map((to) => matrix.roundTripMs[from]?.[to] ?? 0));
  return (Math.max(...roundTrips) / 2) * (1 + jitter);
}
