/** The whole gate: format, lint, tidy, types, tests on Node and on Deno. `npm test` or `deno task test`.
 *  Nothing is tried twice. The last line is `N passed, N failed` (and `, N skipped`): test cases on each runtime, and checks. */

import { parseArgs } from "node:util";
import { type Check, type CheckGroup, type CheckResult, listChecks, runCheck } from "./gate/checks.ts";
import { endAllProcesses, runBounded } from "./gate/processes.ts";
import { findRuntime, OWN_RUNTIME, type Runtime, type RuntimeName } from "./gate/runtimes.ts";
import { type FileResult, findTestFiles, runTestFile } from "./gate/test_files.ts";

const PARTS = ["check", "lint", "tidy", "types", "simulate", "node", "deno"] as const;
type Part = (typeof PARTS)[number];

const CHECK_GROUPS: Readonly<Record<Part, readonly CheckGroup[]>> = {
  check: ["lint", "tidy", "types"],
  lint: ["lint"],
  tidy: ["tidy"],
  types: ["types"],
  simulate: ["simulate"],
  node: [],
  deno: [],
};

const USAGE = `Usage: npm test -- [options] [FILTER ...]        (with Deno: deno task test [options] [FILTER ...])

Runs every check, then every test file on Node and on Deno. A FILTER keeps the test files whose path contains it.

  --only PART     one part: ${PARTS.join(", ")}; may be repeated
  --jobs N        processes at a time (2)
  --help          this text`;

interface Options {
  readonly only: readonly Part[];
  readonly filters: readonly string[];
  readonly jobs: number;
}

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

const totals: Totals = { passed: 0, failed: 0, skipped: 0 };

function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    process.exitCode = 1;
    return Promise.resolve();
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      endAllProcesses();
      process.exit(130);
    });
  }
  return runGate(options);
}

async function runGate(options: Options): Promise<void> {
  const deno = findRuntime("deno");
  const groups = options.only.flatMap((part) => CHECK_GROUPS[part]);
  const isWhole = options.only.length === 0;
  const checks = listChecks(deno).filter((check) => (isWhole && options.filters.length === 0) || groups.includes(check.group));
  await runChecks(checks, options.jobs);
  const files = findTestFiles(options.filters);
  const runtimes = (["node", "deno"] as const)
    .filter((name) => isWhole || options.only.includes(name))
    .map((name) => requireRuntime(name, deno));
  const jobs = runtimes
    .filter((runtime) => runtime !== undefined)
    .flatMap((runtime) => files.map((file) => () => runAndReport(runtime, file)));
  const results = await runBounded(jobs, options.jobs);
  reportSkips(results);
  const ran = totals.passed + totals.failed;
  if (ran === 0) print("Nothing ran: no test file matched.");
  print(summaryOf(results, checks.length));
  print(`${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ""}`);
  process.exitCode = totals.failed > 0 || ran === 0 ? 1 : 0;
}

/** With npm both runtimes are installed, so a missing one is a failure. With Deno alone there is no Node: said, not failed. */
function requireRuntime(name: RuntimeName, deno: Runtime | undefined): Runtime | undefined {
  const runtime = name === "deno" ? deno : findRuntime("node");
  if (runtime !== undefined) {
    print(`${name} ${runtime.version}`);
  } else if (OWN_RUNTIME === "deno") {
    print("node  no Node 24 or newer here: its half of the tests is left out (npm ci installs Node)");
  } else {
    totals.failed++;
    print(`not ok  ${name} was not found: npm ci installs it`);
  }
  return runtime;
}

async function runChecks(checks: readonly Check[], jobs: number): Promise<void> {
  const runAndReportCheck = async (check: Check): Promise<void> => reportCheck(await runCheck(check));
  await runBounded(
    checks.map((check) => () => runAndReportCheck(check)),
    jobs,
  );
}

function reportCheck({ check, process: result }: CheckResult): void {
  const isPassed = result.exitCode === 0 && !result.isOverdue;
  if (isPassed) totals.passed++;
  else totals.failed++;
  print(
    `${isPassed ? "ok    " : "not ok"} ${seconds(result.durationMs)}  check  ${check.name}${result.isOverdue ? " (not done in time)" : ""}`,
  );
  if (!isPassed) printBlock(result.stdout + result.stderr);
}

async function runAndReport(runtime: Runtime, file: string): Promise<FileResult> {
  const result = await runTestFile(runtime, file);
  const { report, fileFailure } = result;
  totals.passed += report.passed;
  totals.failed += report.failed + (fileFailure === undefined ? 0 : 1);
  totals.skipped += report.skipped;
  const isPassed = report.failed === 0 && fileFailure === undefined;
  const failed = isPassed ? "" : `, ${report.failed} failed`;
  const skipped = report.skipped === 0 ? "" : `, ${report.skipped} skipped`;
  const counts = `(${report.passed} passed${failed}${skipped})`;
  print(`${isPassed ? "ok    " : "not ok"} ${seconds(result.process.durationMs)}  ${runtime.name}   ${file} ${counts}`);
  if (fileFailure !== undefined) print(`         ${file}: ${fileFailure}`);
  for (const failure of report.failures) printBlock(`${failure.path.join(" > ")}\n${failure.detail}`);
  if (!isPassed) printBlock(result.process.stderr);
  if (fileFailure !== undefined && report.failures.length === 0) printBlock(result.process.stdout);
  return result;
}

/** Each distinct skip once, so that a missing prerequisite is seen. */
function reportSkips(results: readonly FileResult[]): void {
  const skips = new Set(results.flatMap((result) => result.report.skips.map((skip) => `${result.file} ${skip}`)));
  for (const skip of skips) print(`skip   ${skip}`);
}

function summaryOf(results: readonly FileResult[], checks: number): string {
  const casesOn = (name: RuntimeName): number =>
    results
      .filter((result) => result.runtime.name === name)
      .reduce((sum, { report }) => sum + report.passed + report.failed + report.skipped, 0);
  return `${checks} checks, ${casesOn("node")} test cases on Node, ${casesOn("deno")} on Deno, ${seconds(performance.now()).trim()}`;
}

function readOptions(args: readonly string[]): Options | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { only: { type: "string", multiple: true }, jobs: { type: "string" }, help: { type: "boolean" } },
    });
    const only = (values.only ?? []).map((name) => PARTS.find((part) => part === name));
    const jobs = Number(values.jobs ?? "2");
    if (values.help !== true && !only.includes(undefined) && Number.isInteger(jobs) && jobs >= 1) {
      return { only: only.filter((part) => part !== undefined), filters: positionals, jobs };
    }
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
  }
  print(USAGE);
  return undefined;
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1_000).toFixed(1).padStart(6)} s`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printBlock(text: string): void {
  if (text.trim() !== "") print(text.trimEnd().replace(/^/gm, "         "));
}

await main();
