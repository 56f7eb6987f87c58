/** Benchmarks of a whole cluster: each is one run of the testnet as a child process, read from the last line that it prints
 *  with `--json`. Four validators, whatever this machine has in cores: they share them, as the figures say. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { OWN_RUNTIME, PROJECT_ROOT, scriptArgs } from "../gate/runtimes.ts";
import type { Figure } from "./report.ts";

/** The fields of a testnet summary that are read here. */
export interface TestnetSummary {
  readonly ok: boolean;
  readonly firstFinalMs: number | null;
  readonly finalityMs: { readonly p50: number | null; readonly p99: number | null };
  readonly txPerSecond: number;
  readonly operationsPerSecond: number;
  readonly payloadMBPerSecond: number;
  readonly cpuMsPerView: number | null;
  readonly cpu: readonly number[];
  readonly memoryBytes: readonly { readonly first: number; readonly last: number }[];
  /** With --sealed only. */
  readonly sealed?: {
    readonly perSecond: number;
    readonly operationsPerSecond: number;
    readonly finalityMs: { readonly p50: number | null; readonly p99: number | null };
    readonly openMs: { readonly p50: number | null; readonly p99: number | null };
  };
  /** With --builders only. */
  readonly builders?: {
    readonly builtShare: number | null;
    readonly bidToProposalMs: { readonly p50: number | null };
    readonly killed?: { readonly viewsLostAfter: number };
  };
  readonly catchUp?: { readonly blocks: number; readonly blocksPerSecond: number };
}

export interface ClusterBench {
  readonly name: string;
  readonly about: string;
  /** `seconds`: of each run of the testnet. `say` gets its text for people. */
  readonly run: (seconds: number, say: (line: string) => void) => Promise<Figure[]>;
}

/** One run of the testnet. */
interface RunPlan {
  readonly name: string;
  readonly about: string;
  /** Arguments of the testnet besides --json and --duration. */
  readonly args: readonly string[];
  /** Runs shorter than this show nothing. */
  readonly secondsMin: number;
  readonly read: (summary: TestnetSummary) => Figure[];
}

const PLANS: readonly RunPlan[] = [
  {
    name: "idle",
    about: "four validators with nothing to order",
    args: ["--load", "0"],
    secondsMin: 10,
    read: ({ firstFinalMs, cpu, memoryBytes }) => [
      { name: "first final block", value: firstFinalMs, unit: "ms", relativeTo: undefined, target: "≤ 2000" },
      { name: "idle CPU, busiest validator", value: percent(maxOf(cpu)), unit: "% of a core", relativeTo: undefined, target: "≤ 2" },
      {
        name: "idle memory, largest validator",
        value: megabytes(maxOf(memoryBytes.map(({ last }) => last))),
        unit: "MB",
        relativeTo: undefined,
        target: "≤ 200",
      },
    ],
  },
  {
    name: "quiet",
    about: "2 transfers per second: finality without queueing",
    args: ["--load", "2"],
    secondsMin: 10,
    read: (summary) => finalityFigures("quiet", summary, undefined),
  },
  {
    name: "loaded",
    about: "200 transfers per second",
    args: ["--load", "200"],
    secondsMin: 10,
    read: (summary) => [
      ...finalityFigures("200 tx/s", summary, "≤ 25"),
      {
        name: "CPU per view at 200 tx/s, mean validator",
        value: summary.cpuMsPerView,
        unit: "ms",
        relativeTo: "blsVerifyUs",
        target: undefined,
      },
      ...memoryFigures("200 tx/s", summary),
    ],
  },
  {
    name: "transfers",
    about: "as many signed transfers as fit, one operation each",
    args: ["--load", "6000"],
    secondsMin: 10,
    read: (summary) => [
      { name: "signed transfers", value: summary.txPerSecond, unit: "tx/s", relativeTo: "ed25519VerifyUs", target: "≥ 2000" },
      ...finalityFigures("saturated", summary, undefined),
      ...memoryFigures("saturated", summary),
    ],
  },
  {
    name: "operations",
    about: "as many operations as fit, 64 under one signature",
    args: ["--load", "3000", "--operations-per-transaction", "64"],
    secondsMin: 10,
    read: (summary) => [
      {
        name: "operations, 64 per transaction",
        value: summary.operationsPerSecond,
        unit: "op/s",
        relativeTo: "hash64Us",
        target: "≥ 100000",
      },
      ...memoryFigures("operations", summary),
    ],
  },
  {
    name: "ordering",
    about: "null application, payloads of 512 bytes: ordering only",
    args: ["--load", "60000", "--application", "null", "--payload-bytes", "512"],
    secondsMin: 10,
    read: (summary) => [
      { name: "ordered payload", value: summary.payloadMBPerSecond, unit: "MB/s", relativeTo: "hash64Us", target: "≥ 20" },
      { name: "ordered payloads", value: summary.txPerSecond, unit: "tx/s", relativeTo: "hash64Us", target: undefined },
    ],
  },
  {
    name: "catch-up",
    about: "a validator is killed a third into the run and restarted at two thirds, under 200 tx/s",
    args: ["--load", "200", "--kill-one"],
    secondsMin: 30,
    read: ({ catchUp }) => [
      { name: "catch-up", value: catchUp?.blocksPerSecond ?? null, unit: "blocks/s", relativeTo: "blsVerifyUs", target: undefined },
      { name: "catch-up, blocks fetched", value: catchUp?.blocks ?? null, unit: "blocks", relativeTo: undefined, target: undefined },
    ],
  },
];

/** What a run may take beyond its duration: start, settling, the comparison of all validators. */
const GRACE_MS = 180_000;

export const CLUSTER_BENCHES: readonly ClusterBench[] = PLANS.map(({ name, about, args, secondsMin, read }) => ({
  name,
  about,
  run: async (seconds, say) => read(await runTestnet(args, Math.max(seconds, secondsMin), say)),
}));

/** Rejects when the testnet printed no summary or was not ok. `say` gets its text for people. `duration` in seconds. */
export async function runTestnet(benchArgs: readonly string[], duration: number, say: (line: string) => void): Promise<TestnetSummary> {
  const args = scriptArgs(OWN_RUNTIME, "scripts/testnet.ts", ["--json", "--duration", String(duration), ...benchArgs]);
  const child = spawn(process.execPath, args, { cwd: PROJECT_ROOT, stdio: ["ignore", "pipe", "pipe"] });
  // A terminated testnet stops its validators and removes its files; a killed one could not.
  const end = (): boolean => child.kill("SIGTERM");
  const deadline = setTimeout(end, duration * 1_000 + GRACE_MS);
  process.once("SIGINT", end);
  const lastLines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => lastLines.push(line));
  let summary: (TestnetSummary & { readonly type: string }) | undefined;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const event: unknown = JSON.parse(line);
    if (isSummary(event)) summary = event;
  });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  }).finally(() => {
    clearTimeout(deadline);
    process.off("SIGINT", end);
  });
  if (summary?.ok === true) return summary;
  for (const line of lastLines.slice(-30)) say(line);
  throw new Error(`the testnet ended with exit code ${exitCode}${summary === undefined ? " and no summary" : ""}`);
}

function isSummary(event: unknown): event is TestnetSummary & { readonly type: string } {
  return typeof event === "object" && event !== null && "type" in event && event.type === "summary";
}

function finalityFigures(when: string, { finalityMs }: TestnetSummary, target: string | undefined): Figure[] {
  return [
    { name: `finality p50, ${when}`, value: finalityMs.p50, unit: "ms", relativeTo: "finalityPathUs", target },
    { name: `finality p99, ${when}`, value: finalityMs.p99, unit: "ms", relativeTo: "finalityPathUs", target: undefined },
  ];
}

function memoryFigures(when: string, { memoryBytes }: TestnetSummary): Figure[] {
  const last = megabytes(maxOf(memoryBytes.map((memory) => memory.last)));
  const growth = megabytes(maxOf(memoryBytes.map((memory) => memory.last - memory.first)));
  return [
    { name: `memory, ${when}, largest validator`, value: last, unit: "MB", relativeTo: undefined, target: "≤ 200" },
    { name: `memory growth, ${when}, largest`, value: growth, unit: "MB", relativeTo: undefined, target: "flat" },
  ];
}

function maxOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}

function percent(fraction: number | null): number | null {
  return fraction === null ? null : fraction * 100;
}

function megabytes(bytes: number | null): number | null {
  return bytes === null ? null : bytes / 1e6;
}
