/** The checks that are not tests: format and lint, promises, tidy, types on both compilers.
 *  Each is a tool run as its own process by the runtime that runs the gate. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CANARY } from "../../testnet/mutants/canary.ts";
import { type ProcessResult, runProcess } from "./processes.ts";
import { GATE_ENVIRONMENT, OWN_RUNTIME, PROJECT_ROOT, type Runtime, scriptArgs } from "./runtimes.ts";

export type CheckGroup = "lint" | "tidy" | "types" | "simulate";

export interface Check {
  readonly name: string;
  readonly group: CheckGroup;
  readonly command: string;
  readonly args: readonly string[];
}

export interface CheckResult {
  readonly check: Check;
  readonly process: ProcessResult;
}

/** Folders whose promises typescript-eslint watches. */
const ADAPTER_FOLDERS = ["storage", "p2p", "node", "client", "testnet", "scripts"];
const CHECK_DEADLINE_MS = 480_000;

/** All checks, in the order in which they are started. Without Deno its compiler's check is left out. */
export function listChecks(deno: Runtime | undefined): Check[] {
  const tool = (name: string, group: CheckGroup, script: string, ...args: readonly string[]): Check => ({
    name,
    group,
    command: process.execPath,
    args: scriptArgs(OWN_RUNTIME, script, args),
  });
  const tsc = "node_modules/typescript/bin/tsc";
  const checks = [
    tool("biome check", "lint", "node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."),
    tool("eslint", "lint", "node_modules/eslint/bin/eslint.js", "--max-warnings", "0", ...ADAPTER_FOLDERS.filter(isInProject)),
    tool("tidy", "tidy", "scripts/tidy.ts"),
    tool("tsc", "types", tsc, "-p", "."),
    ...simulations(tool),
    ...nestedProjects().map((folder) => tool(`tsc ${folder}`, "types", tsc, "-p", folder)),
  ];
  if (deno !== undefined) checks.push({ name: "deno check", group: "types", command: deno.executable, args: ["check", "--quiet", "."] });
  return checks;
}

type MakeCheck = (name: string, group: CheckGroup, script: string, ...args: readonly string[]) => Check;

/** Bounded parts of the long sweeps, which are commands of their own: seeds, the exhaustive small Twins, and one planted bug that must be caught. */
function simulations(tool: MakeCheck): Check[] {
  return [
    tool("simulate 300 seeds", "simulate", "scripts/simulate.ts", "--seeds", "300"),
    tool("simulate 4 seeds with real signatures and sealing", "simulate", "scripts/simulate.ts", "--seeds", "5..8", "--bls"),
    tool("twins, exhaustive and small", "simulate", "scripts/twins.ts", "--rounds", "2", "--phases", "1", "--exhaustive"),
    tool("mutants, the canary", "simulate", "scripts/mutants.ts", "--only", CANARY),
  ];
}

export async function runCheck(check: Check): Promise<CheckResult> {
  const { command, args } = check;
  return { check, process: await runProcess({ command, args, cwd: PROJECT_ROOT, env: GATE_ENVIRONMENT, deadlineMs: CHECK_DEADLINE_MS }) };
}

function isInProject(folder: string): boolean {
  return existsSync(join(PROJECT_ROOT, folder));
}

/** Pure folders: each has a project of its own, without the types of any runtime. */
function nestedProjects(): string[] {
  const folders = readdirSync(PROJECT_ROOT, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== "node_modules",
  );
  return folders.map((entry) => entry.name).filter((name) => existsSync(join(PROJECT_ROOT, name, "tsconfig.json")));
}
