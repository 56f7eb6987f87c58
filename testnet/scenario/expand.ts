/** A seed as a scenario: every option is drawn from streams of the seed, one stream per concern, so that a new option elsewhere changes little.
 *  Swarm testing (Groce et al., ISSTA 2012): each seed enables its own subset of fault, trigger and strategy classes, so that some runs
 *  are about crashes alone and some about traitors alone. Whatever is drawn, an honest quorum lasts, so `pass` is what must come. */

import { createStream, type Stream } from "../simulator/streams.ts";
import { defaultPhases } from "./defaults.ts";
import { againstBuilders, drawBuilderFaults, drawBuilders, withBuilders } from "./expand_builders.ts";
import { drawOverload, drawProtocol, drawSealing, drawTopology, drawWeights, drawWorkload, viewMsOf } from "./expand_cluster.ts";
import { drawFaults, drawSealedFaults, drawSwarm, FAULTS_MAX } from "./expand_faults.ts";
import { drawTraitors } from "./expand_traitors.ts";
import { createLossBudget } from "./loss_budget.ts";
import type { Protocol, Scenario } from "./manifest.ts";

/** Views that a run's fault phase is meant to make, were there no faults. */
const VIEWS_AIM: readonly [number, number] = [20, 60];
const FAULTS_MS_MIN = 4_000;
const FAULTS_MS_MAX = 12_000;
/** Messages grow with the square of the cluster, so larger ones run for less time and under less load. */
const LARGE_COUNT = 8;
const LARGE_FAULTS_MS_MAX = 6_000;

/** However small blocks are, so many must hold all that clients send, or the run never ends. */
const BLOCKS_OF_LOAD_MAX = 60;
const SETTLE_MS_MAX = 120_000;

const perSecondMaxOf = ({ blockTransactionsMax }: Protocol, faultsMs: number): number =>
  Math.floor((BLOCKS_OF_LOAD_MAX * blockTransactionsMax * 1_000) / faultsMs);

/** The scenario of a seed from 0 to 2^32 - 1: always the same one. */
export function expandSeed(seed: number): Scenario {
  const stream = (name: string): Stream => createStream(seed, `expand/${name}`);
  const weights = drawWeights(stream("weights"));
  const swarm = drawSwarm(stream("swarm"), weights.length);
  const { scene } = swarm;
  const topology = drawTopology(stream("topology"), { count: weights.length, isFast: scene === "skippedViews" });
  const paced = drawProtocol(stream("protocol"), { topology, scene });
  const viewMs = viewMsOf(topology, paced);
  const isLarge = weights.length >= LARGE_COUNT;
  const usual = { protocol: paced, workload: drawWorkload(stream("workload"), { viewMs, isLarge }) };
  const { protocol, workload } = isLarge ? usual : drawOverload(stream("overload"), usual);
  const phaseStream = stream("phases");
  const perSecond = workload.clients === 0 ? 0 : workload.perSecond;
  const betweenViewsMs = Math.max(viewMs, Math.min(protocol.heartbeatMs, perSecond === 0 ? protocol.heartbeatMs : 1_000 / perSecond));
  const aimedMs = Math.round(phaseStream.between(...VIEWS_AIM) * betweenViewsMs);
  const leastMs = scene === "skippedViews" ? 9_000 : FAULTS_MS_MIN;
  const faultsMs = Math.max(leastMs, Math.min(isLarge ? LARGE_FAULTS_MS_MAX : FAULTS_MS_MAX, aimedMs));
  const application = stream("application").chance(0.15) ? "null" : "ledger";
  const isSealable = application === "ledger" && weights.every((weight) => weight === weights[0]) && scene !== "skippedViews";
  const sealing = isSealable ? drawSealing(stream("sealing"), { protocol, isLarge }) : undefined;
  const budget = createLossBudget(weights);
  const byzantine = drawTraitors(stream("traitors"), { weights, budget, isSealing: sealing !== undefined });
  const sealedFaults = sealing === undefined ? [] : drawSealedFaults(stream("sealed faults"), { weights, faultsMs, swarm });
  const builders = drawBuilders(stream("builders"), { isLedger: application === "ledger" });
  const counts = { validators: weights.length, builders: builders?.length ?? 0 };
  const builderFaults = builders === undefined ? [] : drawBuilderFaults(stream("builder faults"), { ...counts, faultsMs });
  const sides = stream("sides of builders");
  const drawnFaults = [...sealedFaults, ...drawFaults(stream("faults"), { weights, faultsMs, swarm, budget })];
  const faults = [...builderFaults, ...drawnFaults].slice(0, FAULTS_MAX);
  return {
    version: 1,
    name: `seed ${seed}`,
    seed,
    weights,
    topology,
    protocol,
    application,
    ...(sealing === undefined ? {} : { sealing }),
    ...(builders === undefined ? {} : { builders }),
    workload: { ...workload, perSecond: Math.max(1, Math.min(workload.perSecond, perSecondMaxOf(protocol, faultsMs))) },
    faults: builders === undefined ? faults : faults.map((fault) => withBuilders(fault, sides, counts)),
    byzantine: builders === undefined ? byzantine : againstBuilders(byzantine, stream("traitors against builders")),
    phases: { ...defaultPhases(weights.length), faultsMs, coreHeights: phaseStream.between(3, 5), settleMsMax: SETTLE_MS_MAX },
    ties: phaseStream.chance(0.5) ? "shuffle" : "fifo",
    expect: "pass",
  };
}
