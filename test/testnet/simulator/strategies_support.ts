/** Short runs of a simulated cluster with traitors, without phases or checkers: what the strategies did, and what the honest made of it. */

import type { Fault, Scenario, StrategyName, Traitor } from "../../../testnet/scenario/manifest.ts";
import { createSimulatedCluster, type SimulatedCluster } from "../../../testnet/simulator/cluster.ts";
import type { Fact, FactOf, Observer } from "../../../testnet/simulator/facts.ts";
import { createFaultController } from "../../../testnet/simulator/faults.ts";
import { createWorld, type SignatureTier, type World } from "../../../testnet/simulator/world.ts";
import { payloadOf } from "../../support/chain.ts";

export interface ShortRun {
  readonly world: World;
  readonly cluster: SimulatedCluster;
  readonly facts: readonly Fact[];
  /** Final blocks of the honest, by height: more than one hash is a broken agreement. */
  readonly finalHashes: ReadonlyMap<number, ReadonlySet<string>>;
  readonly betrayals: readonly FactOf<"betrayal">[];
  /** Highest final height of an honest validator. */
  readonly height: number;
  of<Type extends Fact["type"]>(type: Type): readonly FactOf<Type>[];
}

export interface ShortRunOptions {
  readonly seed: number;
  readonly byzantine: readonly Traitor[];
  readonly weights?: readonly number[];
  readonly faults?: readonly Fault[];
  readonly forMs: number;
  readonly signatures?: SignatureTier;
  /** Hears every fact when it happens. */
  readonly observer?: Observer;
}

export function traitor(validator: number, strategy: StrategyName, chance = 1): Traitor {
  return { validator, strategy, chance };
}

export function scenarioOf({ seed, byzantine, weights = [1, 1, 1, 1], faults = [], forMs }: ShortRunOptions): Scenario {
  return {
    version: 1,
    name: "strategies",
    seed,
    weights,
    topology: { type: "uniform", delayMs: [2, 12] },
    protocol: {
      deltaMsMin: 50,
      deltaMsMax: 1_000,
      heartbeatMs: 200,
      proposeDelayMs: 0,
      resendMs: 200,
      blockTransactionsMax: 32,
      poolTransactionsMax: 4_096,
      snapshotBlocks: 1_000,
      syncMs: [0, 1],
    },
    application: "null",
    workload: { clients: 0, perSecond: 0, mix: { transfer: 1, linked: 0, pend: 0, invalid: 0, duplicate: 0, replay: 0, lie: 0 } },
    faults,
    byzantine,
    phases: { faultsMs: forMs, coreHeights: 1, viewsMax: 100, settleMsMax: 10_000 },
    ties: "fifo",
    expect: "pass",
  };
}

export function runShortly(options: ShortRunOptions): ShortRun {
  const scenario = scenarioOf(options);
  const world = createWorld(scenario, options.signatures ?? "fast");
  const facts: Fact[] = [];
  const finalHashes = new Map<number, Set<string>>();
  let height = 0;
  const follow = (fact: Fact): void => {
    facts.push(fact);
    if (fact.type !== "finalized" || !world.checked.honest.has(fact.validator)) return;
    for (const { header, blockHash } of fact.blocks) {
      height = Math.max(height, header.height);
      finalHashes.set(header.height, (finalHashes.get(header.height) ?? new Set()).add(blockHash));
    }
  };
  const cluster = createSimulatedCluster({
    world,
    observers: [follow, options.observer ?? (() => undefined), (fact) => controller.observe(fact)],
    isShuffled: false,
    onActs: () => undefined,
  });
  const controller = createFaultController(cluster, scenario);
  cluster.onSave = (validator, durable, edge) => controller.onSave(validator, durable, edge);
  controller.begin();
  submitEvery(cluster, { everyMs: 40, forMs: options.forMs });
  cluster.scheduler.run(options.forMs * 1_000, () => false);
  const of = <Type extends Fact["type"]>(type: Type): readonly FactOf<Type>[] =>
    facts.filter((fact): fact is FactOf<Type> => fact.type === type);
  return { world, cluster, facts, finalHashes, betrayals: of("betrayal"), height, of };
}

/** Heights at which honest validators hold different final blocks. */
export function brokenHeights({ finalHashes }: ShortRun): readonly number[] {
  return [...finalHashes].filter(([, hashes]) => hashes.size > 1).map(([height]) => height);
}

/** Honest validators named as offenders by evidence of honest ones. */
export function accusedHonest({ world, of }: ShortRun): readonly number[] {
  const { honest } = world.checked;
  const offenders = of("evidence").flatMap(({ validator, evidence }) => {
    const offender = evidence.type === "doubleVote" ? evidence.first.validator : evidence.first.header.proposer;
    return honest.has(validator) && honest.has(offender) ? [offender] : [];
  });
  return offenders;
}

function submitEvery(cluster: SimulatedCluster, { everyMs, forMs }: { readonly everyMs: number; readonly forMs: number }): void {
  for (let atMs = 20; atMs < forMs; atMs += everyMs) {
    cluster.scheduler.after(atMs * 1_000, () => {
      const to = (atMs / 20) % cluster.nodes.length;
      const validator = cluster.nodes[Math.floor(to)];
      if (validator?.state === "up") validator.submit(payloadOf(`payload ${atMs}`), 0);
    });
  }
}
