/** What sealing costs a cluster, as ratios within one report: sealed against open transactions at equal load, and the CPU time of one sealed
 *  transaction against the primitives that it needs. Four validators and the clients share this machine's cores. */

import { type ClusterBench, runTestnet } from "./cluster.ts";
import type { Figure } from "./report.ts";
import { benchPrimitives, type SealingFigures } from "./sealing_bench.ts";

export const SEALED_CLUSTER_BENCH: ClusterBench = {
  name: "sealed",
  about: "sealed transactions against open ones at equal load, bundles, and CPU per sealed transaction",
  run: benchSealedCluster,
};

const VALIDATORS = 4;
const SECONDS_MIN = 15;
/** Low enough that the cores are not full: a difference of CPU times means something. */
const OPEN_RATE = 60;
const SEALED_RATE = 40;
const LOADED_RATE = 100;
const SATURATING_RATE = 500;
const SUSTAINED_RATE = 250;
const SATURATED_SECONDS_MIN = 30;
const BUNDLE = { rate: 20, operations: 600 } as const;

/** Seven runs. */
async function benchSealedCluster(seconds: number, say: (line: string) => void): Promise<Figure[]> {
  const duration = Math.max(seconds, SECONDS_MIN);
  const run = (args: string, secondsMin = 0) => {
    say(`  testnet ${args}`);
    return runTestnet(args.split(" "), Math.max(duration, secondsMin), say);
  };
  const primitives = await benchPrimitives();
  const base = await run(`--load ${OPEN_RATE}`);
  const mixed = await run(`--load ${OPEN_RATE} --sealed ${SEALED_RATE}`);
  const open = await run(`--load ${LOADED_RATE}`);
  const sealed = await run(`--load 0 --sealed ${LOADED_RATE}`);
  const sustained = await run(`--load 0 --sealed ${SUSTAINED_RATE}`);
  const saturated = await run(`--load 0 --sealed ${SATURATING_RATE}`, SATURATED_SECONDS_MIN);
  const bundles = await run(`--load 0 --sealed ${BUNDLE.rate} --operations-per-transaction ${BUNDLE.operations}`);
  const cpuUs = ((meanOf(mixed.cpu) - meanOf(base.cpu)) * 1e6) / (mixed.sealed?.perSecond ?? Number.NaN);
  const openUs = ((meanOf(open.cpu) - meanOf(base.cpu)) * 1e6) / (LOADED_RATE - OPEN_RATE);
  return [
    plain(`open finality p50 at ${LOADED_RATE}/s`, open.finalityMs.p50, "ms"),
    plain(`sealed finality p50 at ${LOADED_RATE}/s`, sealed.sealed?.finalityMs.p50, "ms"),
    plain("sealed over open, at equal load", ratio(sealed.sealed?.finalityMs.p50, open.finalityMs.p50), "×", "≤ 1.25"),
    plain(
      `sealed over open in one run, ${OPEN_RATE} + ${SEALED_RATE}/s`,
      ratio(mixed.sealed?.finalityMs.p50, mixed.finalityMs.p50),
      "×",
      "≤ 1.25",
    ),
    plain(`opened after final p50 at ${SEALED_RATE}/s`, mixed.sealed?.openMs.p50, "ms"),
    plain(`opened after final p50 at ${LOADED_RATE}/s`, sealed.sealed?.openMs.p50, "ms", "≤ 10"),
    plain(`sealed transactions, ${SUSTAINED_RATE}/s offered`, sustained.sealed?.perSecond, "tx/s"),
    plain(`sealed transactions, ${SATURATING_RATE}/s offered`, saturated.sealed?.perSecond, "tx/s", "≥ 500"),
    plain(`operations in bundles of ${BUNDLE.operations}`, bundles.sealed?.operationsPerSecond, "op/s", "≥ 10000"),
    plain("primitives of one sealed transaction and validator", primitivesUs(primitives), "us"),
    plain("CPU of one sealed transaction and validator", cpuUs, "us"),
    plain("CPU of one open transaction and validator", openUs, "us"),
    plain("CPU beyond an open transaction's, over primitives", (cpuUs - openUs) / primitivesUs(primitives), "×"),
    plain("CPU over primitives", cpuUs / primitivesUs(primitives), "×", "≤ 1.3"),
  ];
}

/** One check, one share, one seed check, and of n validators one combines. */
function primitivesUs({ checkUs, shareUs, seedCheckUs, combineUs }: SealingFigures): number {
  return checkUs + shareUs + seedCheckUs + (combineUs[`n${VALIDATORS}`] ?? Number.NaN) / VALIDATORS;
}

function plain(name: string, value: number | null | undefined, unit: string, target?: string): Figure {
  return { name, value: value ?? null, unit, relativeTo: undefined, target };
}

function ratio(value: number | null | undefined, reference: number | null): number | null {
  return value === undefined || value === null || reference === null ? null : value / reference;
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
