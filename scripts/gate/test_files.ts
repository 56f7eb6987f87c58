/** Test files: finding them, and running one of them on one runtime in a process of its own. */

import { readdirSync } from "node:fs";
import { join, sep } from "node:path";
import { type ProcessResult, runProcess } from "./processes.ts";
import { GATE_ENVIRONMENT, PROJECT_ROOT, type Runtime, scriptArgs } from "./runtimes.ts";
import { readTap, type TapReport } from "./tap_report.ts";

export interface FileResult {
  readonly runtime: Runtime;
  readonly file: string;
  readonly report: TapReport;
  readonly process: ProcessResult;
  /** Why the file as a whole counts as one failed case more; undefined when its TAP says it all. */
  readonly fileFailure: string | undefined;
}

const FILE_DEADLINE_MS = 300_000;
const DENO_PRELOAD = "test/support/deno_tap.ts";

/** Paths of all test files relative to the project, sorted, that contain one of `filters` (all when there is none). */
export function findTestFiles(filters: readonly string[]): string[] {
  const entries = readdirSync(join(PROJECT_ROOT, "test"), { recursive: true, encoding: "utf8" });
  const files = entries.filter((path) => path.endsWith(".test.ts")).map((path) => `test/${path.split(sep).join("/")}`);
  return files.filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter))).sort();
}

export async function runTestFile(runtime: Runtime, file: string): Promise<FileResult> {
  const args = runtime.name === "deno" ? ["run", "-A", "--no-prompt", "--preload", DENO_PRELOAD, file] : scriptArgs("node", file, []);
  const plan = { command: runtime.executable, args, cwd: PROJECT_ROOT, env: GATE_ENVIRONMENT, deadlineMs: FILE_DEADLINE_MS };
  const result = await runProcess(plan);
  const report = readTap(result.stdout);
  return { runtime, file, report, process: result, fileFailure: fileFailureOf(result, report) };
}

function fileFailureOf(result: ProcessResult, report: TapReport): string | undefined {
  if (result.isOverdue) return `not done after ${FILE_DEADLINE_MS / 1_000} s, ended`;
  if (result.exitCode === undefined) return "ended by a signal";
  if (result.exitCode !== 0 && report.failed === 0) return `exit code ${result.exitCode} without a failed test`;
  if (report.passed + report.failed + report.skipped === 0) return "ran no test";
  if (!report.isComplete && report.failed === 0) return "broke off: its TAP does not match its plan";
  return undefined;
}
