/** Benchmarks of single parts. Each lives in a file of its own beside this one, so that it can be run alone, and returns an object of
 *  figures whose names end in their unit (`…Us`, `…Ms`, `…PerSecond`); objects inside of it are figures of the same part. */

import type { CalibrationName } from "./calibration.ts";
import type { Figure } from "./report.ts";

export interface ComponentBench {
  readonly name: string;
  readonly about: string;
  /** What its times are compared with. */
  readonly relativeTo: CalibrationName;
  /** Loads the part only when it is wanted. */
  readonly run: () => Promise<unknown>;
}

const LEDGER_ACCOUNTS = 100_000;

export const COMPONENT_BENCHES: readonly ComponentBench[] = [
  {
    name: "storage",
    about: "durable saves beside a bare append and fdatasync of the same size; reads",
    relativeTo: "fdatasyncUs",
    run: async () => (await import("./storage_bench.ts")).benchStorage(),
  },
  {
    name: "network",
    about: "four processes on loopback: direct links, broadcast, gossip",
    relativeTo: "roundTripUs",
    run: async () => (await import("./network_bench.ts")).benchNetwork(),
  },
  {
    name: "simulator",
    about: "simulated time, drawn seeds and Twins scenarios per second, all checked, on one core",
    relativeTo: "hash64Us",
    run: async () => (await import("./simulator_bench.ts")).benchSimulator(),
  },
  {
    name: "ledger",
    about: `execution and state tree with ${LEDGER_ACCOUNTS} accounts, without signatures`,
    relativeTo: "hash64Us",
    run: async () => (await import("./ledger_bench.ts")).benchLedger({ accounts: LEDGER_ACCOUNTS }),
  },
  {
    name: "sealing",
    about: "threshold sealing: seal, check, share, combine, open, prove, deal",
    relativeTo: "ed25519VerifyUs",
    run: async () => (await import("./sealing_bench.ts")).benchSealing(),
  },
  {
    name: "bids",
    about: "a builder's bid: checked by a proposer, beside its signature and its proof alone; made by a builder",
    relativeTo: "ed25519VerifyUs",
    run: async () => (await import("./bid_bench.ts")).benchBids(),
  },
];

const UNITS: readonly (readonly [suffix: RegExp, unit: string])[] = [
  [/PerSecond$/, "per s"],
  [/Us(?=[A-Z0-9]|$)/, "us"],
  [/Ms(?=[A-Z0-9]|$)/, "ms"],
];

/** Numbers of a component's report as figures; text in it only names variants and is left out. */
export function figuresOf(report: unknown, relativeTo: CalibrationName): Figure[] {
  return collect(report, { label: "", unit: "", relativeTo });
}

function collect(value: unknown, place: { readonly label: string; readonly unit: string; readonly relativeTo: CalibrationName }): Figure[] {
  const { label, unit, relativeTo } = place;
  if (typeof value === "number") {
    const isTime = unit === "us" || unit === "ms";
    return [{ name: label, value, unit, relativeTo: isTime ? relativeTo : undefined, target: undefined }];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const own = UNITS.find(([suffix]) => suffix.test(name))?.[1];
    return collect(inner, { label: label === "" ? name : `${label} ${name}`, unit: own ?? unit, relativeTo });
  });
}
