/** How fast the simulator is: simulated time per wall time at n = 4 with light faults, with light load and with the corpus' benchmark
 *  scenario; drawn seeds per second; Twins scenarios per second. CPU time of this process stands beside wall time, since on a shared
 *  machine only the former repeats. Every run is checked by all checkers, as always.
 *  Run: node scripts/bench/simulator_bench.ts */

import process from "node:process";
import { scenario } from "../../testnet/scenario/build.ts";
import { readCorpusScenario } from "../../testnet/scenario/corpus.ts";
import { expandSeed } from "../../testnet/scenario/expand.ts";
import type { Scenario } from "../../testnet/scenario/manifest.ts";
import { runScenario } from "../../testnet/simulator/run.ts";
import { createTwinsFixture } from "../../testnet/twins/fixture.ts";
import { playScenario } from "../../testnet/twins/play.ts";
import { createSampler } from "../../testnet/twins/sampler.ts";
import { createScenarioSpace } from "../../testnet/twins/space.ts";

export interface SimulatorBenchReport {
  /** Simulated seconds per second, an idle chain (one block a second) with a crash and a partition every minute. */
  readonly idleSimulatedPerSecond: number;
  readonly idleSimulatedPerCpuSecond: number;
  /** The same under a transaction a second. */
  readonly lightSimulatedPerSecond: number;
  readonly lightSimulatedPerCpuSecond: number;
  /** The corpus' `light_faults`: four transactions a second, 1 % loss. */
  readonly corpusSimulatedPerSecond: number;
  readonly eventsPerSecond: number;
  readonly seedsPerSecond: number;
  /** Four validators, one of them twice, with two partitions a round. */
  readonly twins4RoundsPerSecond: number;
  readonly twins8RoundsPerSecond: number;
}

const MINUTES = 10;
const SEEDS = 60;
const TWINS = 3_000;

export function benchSimulator(): SimulatorBenchReport {
  // Warm up: the first runs compile.
  for (let seed = 1; seed <= 10; seed++) runScenario(expandSeed(seed));
  const idle = measure([lightFaults(0)]);
  const light = measure([lightFaults(1)]);
  const corpus = measure([readCorpusScenario("light_faults").scenario]);
  const seeds = measure(Array.from({ length: SEEDS }, (_, index) => expandSeed(1_000 + index)));
  return {
    idleSimulatedPerSecond: idle.simulatedSeconds / idle.wallSeconds,
    idleSimulatedPerCpuSecond: idle.simulatedSeconds / idle.cpuSeconds,
    lightSimulatedPerSecond: light.simulatedSeconds / light.wallSeconds,
    lightSimulatedPerCpuSecond: light.simulatedSeconds / light.cpuSeconds,
    corpusSimulatedPerSecond: corpus.simulatedSeconds / corpus.wallSeconds,
    eventsPerSecond: seeds.events / seeds.wallSeconds,
    seedsPerSecond: SEEDS / seeds.wallSeconds,
    twins4RoundsPerSecond: twinsPerSecond(4),
    twins8RoundsPerSecond: twinsPerSecond(8),
  };
}

/** Four validators, a crash of 5 s and a partition of 3 s every minute. */
function lightFaults(perSecond: number): Scenario {
  const workload = perSecond === 0 ? { clients: 0, perSecond: 0 } : { clients: 2, perSecond, mix: { transfer: 1 } };
  let build = scenario("bench", { validators: 4, seed: 1, workload, phases: { faultsMs: MINUTES * 60_000 } });
  for (let minute = 0; minute < MINUTES; minute++) {
    build = build
      .crash(minute % 4, { atMs: minute * 60_000 + 20_000, forMs: 5_000 })
      .partition([[0, 1, 2], [3]], { atMs: minute * 60_000 + 40_000, forMs: 3_000 });
  }
  return build.build();
}

function twinsPerSecond(rounds: number): number {
  const space = createScenarioSpace({ validators: 4, twins: 1, rounds, phases: 2 });
  const sampler = createSampler({ total: space.total, seed: 1 });
  const fixture = createTwinsFixture(4);
  for (let warm = 0; warm < 200; warm++) playScenario(fixture, space.scenarioAt(sampler.at(BigInt(warm))));
  const startedMs = performance.now();
  for (let index = 0; index < TWINS; index++) {
    const { violations } = playScenario(fixture, space.scenarioAt(sampler.at(BigInt(200 + index))));
    if (violations[0] !== undefined) throw new Error(violations[0].detail);
  }
  return (TWINS * 1_000) / (performance.now() - startedMs);
}

interface Cost {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly simulatedSeconds: number;
  readonly events: number;
}

function measure(scenarios: readonly Scenario[]): Cost {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  let simulatedMs = 0;
  let events = 0;
  for (const each of scenarios) {
    const result = runScenario(each);
    if (result.violation !== undefined) throw new Error(`${each.name}: ${result.violation.detail}`);
    simulatedMs += result.simulatedMs;
    events += result.events;
  }
  const { user, system } = process.cpuUsage(before);
  return {
    wallSeconds: (performance.now() - startedMs) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    simulatedSeconds: simulatedMs / 1_000,
    events,
  };
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(benchSimulator(), null, 2)}\n`);
