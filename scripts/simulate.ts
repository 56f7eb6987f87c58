/** Command line of the simulator: `npm run simulate`, see testnet/simulator/README.md. */

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import process from "node:process";
import { EXIT_CODES, failureOf, messageOf, TestnetFailure } from "../testnet/failure.ts";
import { describeFact } from "../testnet/report/describe_fact.ts";
import { renderHtmlReport } from "../testnet/report/html_report.ts";
import { renderJunit } from "../testnet/report/junit.ts";
import { describeScenario } from "../testnet/scenario/describe.ts";
import { expandSeed } from "../testnet/scenario/expand.ts";
import { readScenarioFile } from "../testnet/scenario/read_file.ts";
import { writeScenario } from "../testnet/scenario/write.ts";
import { describeUnreached } from "../testnet/simulator/coverage.ts";
import type { Fact } from "../testnet/simulator/facts.ts";
import { runScenario, ScenarioError } from "../testnet/simulator/run.ts";
import { shrink } from "../testnet/simulator/shrink.ts";
import { parseSimulateOptions, SIMULATE_USAGE, type SimulateOptions } from "../testnet/simulator/simulate_options.ts";
import { createSweep, type Sweep, type SweepCase, type SweepFailure } from "../testnet/simulator/sweep.ts";

const SHRINK_MS_MAX = 60_000;
const PROGRESS_EVERY_MS = 5_000;

function main(): number {
  const parsed = parseSimulateOptions(process.argv.slice(2));
  if (parsed.type === "help") {
    process.stdout.write(`${SIMULATE_USAGE}\n`);
    return EXIT_CODES.ok;
  }
  const { options } = parsed;
  const say = (text: string): boolean => (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  for (const file of [options.reportFile, options.junitFile]) if (file !== undefined) writeOrFail(file, "");
  const startedMs = performance.now();
  const sweep = createSweep(options);
  let last: SweepCase | undefined;
  let saidMs = startedMs;
  let runningMs = 0;
  for (const next of casesOf(options, startedMs)) {
    last = next;
    if (options.first === options.last || options.scenario !== undefined) say(describeScenario(next.scenario));
    const runStartedMs = performance.now();
    const result = sweep.run(next);
    runningMs += performance.now() - runStartedMs;
    emitRun(options, next, result);
    const failure = sweep.failures.at(-1);
    if (failure?.case === next) {
      tellFailure(options, failure, say);
      if (!options.keepGoing) break;
    }
    if (performance.now() - saidMs > PROGRESS_EVERY_MS) {
      saidMs = performance.now();
      say(`${sweep.runs} runs, ${sweep.failures.length} failed, now at ${next.name}`);
    }
  }
  finish({ options, sweep, last, say, wallMs: runningMs });
  return sweep.exitCode;
}

type Say = (text: string) => boolean;

function* casesOf(options: SimulateOptions, startedMs: number): Generator<SweepCase> {
  if (options.scenario !== undefined) {
    const scenario = readScenarioOrFail(options.scenario);
    return yield { name: options.scenario, seed: scenario.seed, scenario };
  }
  const endMs = options.minutes === undefined ? undefined : startedMs + options.minutes * 60_000;
  for (let seed = options.first; endMs === undefined ? seed <= options.last : performance.now() < endMs; seed++) {
    yield { name: `seed ${seed}`, seed, scenario: expandSeed(seed) };
  }
}

function readScenarioOrFail(file: string): ReturnType<typeof expandSeed> {
  const read = readScenarioFile(file);
  if (read.ok) return read.scenario;
  throw new TestnetFailure("usage", `${file} is no scenario:\n${read.mistakes.map((mistake) => `  ${mistake}`).join("\n")}`);
}

function emitRun(options: SimulateOptions, { name, seed }: SweepCase, result: ReturnType<typeof runScenario>): void {
  if (!options.json) return;
  const { verdict, violation, traceHash, events, simulatedMs, finalHeight } = result;
  process.stdout.write(`${JSON.stringify({ type: "run", name, seed, verdict, violation, traceHash, events, simulatedMs, finalHeight })}\n`);
}

function tellFailure(options: SimulateOptions, failure: SweepFailure, say: Say): void {
  const { violation, result, case: failed } = failure;
  say(`\n${failed.name} failed: ${violation.kind}, invariant ${violation.invariant}, at ${(violation.atUs / 1_000).toFixed(3)} ms`);
  say(`  ${violation.detail}`);
  if (result.violatingFact !== undefined) say(`  first violating event: ${describeFact(result.violatingFact)}`);
  if (options.scenario === undefined) say(`  ${describeScenario(failed.scenario)}`);
  say(`  replay: ${replayCommand(options, failed)}`);
  if (!options.shrink) return;
  const startedMs = performance.now();
  const { invariant } = violation;
  const isTimeOver = (): boolean => performance.now() - startedMs > SHRINK_MS_MAX;
  const shrunk = shrink(failed.scenario, { invariant, signatures: options.signatures, isTimeOver });
  const file = `shrunk-${invariant}-${failed.seed}.yaml`;
  writeOrFail(file, writeScenario({ ...shrunk.scenario, name: `shrunk from ${failed.name}` }));
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  say(
    `  shrunk to ${shrunk.actions} actions on ${shrunk.scenario.weights.length} validators in ${seconds} s and ${shrunk.runs} runs${shrunk.isMinimal ? "" : " (time over, may shrink further)"}`,
  );
  say(`  replay: npm run simulate -- --scenario ${file}`);
}

function replayCommand(options: SimulateOptions, { seed }: SweepCase): string {
  const what = options.scenario === undefined ? `--seed ${seed}` : `--scenario ${options.scenario}`;
  const commit = commitOf();
  return `npm run simulate -- ${what}${options.signatures === "bls" ? " --bls" : ""}${commit === undefined ? "" : `   (at commit ${commit})`}`;
}

function commitOf(): string | undefined {
  try {
    return execFileSync("git", ["rev-parse", "--short=12", "HEAD"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    // Not a clone: the seed alone has to do.
    return undefined;
  }
}

function finish(end: {
  readonly options: SimulateOptions;
  readonly sweep: Sweep;
  readonly last: SweepCase | undefined;
  readonly say: Say;
  readonly wallMs: number;
}): void {
  const { options, sweep, last, say } = end;
  const summary = sweep.summary(end.wallMs);
  const { passed, failed, simulatedSeconds, wallSeconds, eventsPerSecond, traceHash } = summary;
  const pace = `${simulatedSeconds} s simulated in ${wallSeconds} s, ${eventsPerSecond} events/s`;
  say(`${passed} passed, ${failed.length} failed; ${pace}, trace ${traceHash}`);
  if (summary.seeds > 1) say(describeUnreached(sweep.coverage).trimEnd());
  const shown = sweep.failures[0]?.case ?? last;
  if (options.reportFile !== undefined && shown !== undefined) writeReport(options, options.reportFile, shown);
  if (options.junitFile !== undefined) writeOrFail(options.junitFile, renderJunit(sweep.cases));
  if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
}

/** The run once more, this time with everything written down: it is the same run. */
function writeReport(options: SimulateOptions, file: string, shown: SweepCase): void {
  const facts: Fact[] = [];
  const result = runScenario(shown.scenario, { signatures: options.signatures, observers: [(fact) => facts.push(fact)] });
  const { verdict, violations, violatingFact, traceHash, coverage } = result;
  const replay = replayCommand(options, shown);
  writeOrFail(
    file,
    renderHtmlReport({
      scenario: shown.scenario,
      facts,
      result: { verdict, violations, violatingFact, traceHash, coverage, replayCommand: replay, seed: shown.seed },
    }),
  );
}

function writeOrFail(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new TestnetFailure("environment", `cannot write ${file}: ${messageOf(error)}`);
  }
}

function fail(error: unknown): never {
  const failure = error instanceof ScenarioError ? new TestnetFailure("usage", error.message) : failureOf(error);
  process.stderr.write(`${failure.code === "usage" ? "simulate: " : ""}${failure.message}\n`);
  process.exit(failure.exitCode);
}

try {
  process.exitCode = main();
} catch (error) {
  fail(error);
}
