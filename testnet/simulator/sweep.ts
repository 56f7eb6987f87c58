/** Runs many scenarios one after the other and adds up what they show. Counts and hashes depend on the scenarios alone; only the wall time
 *  and what follows from it do not. */

import { sha256 } from "../../crypto/hashes.ts";
import { asciiBytes, toHex } from "../../types/bytes.ts";
import type { Violation } from "../checks/checker.ts";
import { EXIT_CODES } from "../failure.ts";
import type { JunitCase } from "../report/junit.ts";
import type { Scenario } from "../scenario/manifest.ts";
import { COVERAGE_POINTS, type CoveragePoint, mergeCoverage } from "./coverage.ts";
import { type RunResult, runScenario, ScenarioError } from "./run.ts";
import type { SignatureTier } from "./world.ts";

export interface SweepCase {
  /** "seed 7", or the file's name. */
  readonly name: string;
  readonly seed: number;
  readonly scenario: Scenario;
}

export interface SweepFailure {
  readonly case: SweepCase;
  readonly violation: Violation;
  readonly result: RunResult;
}

export interface Sweep {
  run(next: SweepCase): RunResult;
  readonly failures: readonly SweepFailure[];
  /** Every run, for JUnit. */
  readonly cases: readonly JunitCase[];
  readonly runs: number;
  readonly coverage: ReadonlyMap<CoveragePoint, number>;
  /** Points of interest that no run has reached. */
  readonly unreached: readonly CoveragePoint[];
  readonly exitCode: number;
  summary(wallMs: number): SweepSummary;
}

export interface SweepSummary {
  readonly type: "summary";
  readonly seeds: number;
  readonly passed: number;
  readonly failed: readonly {
    readonly seed: number;
    readonly name: string;
    readonly invariant: string;
    readonly kind: string;
    readonly detail: string;
  }[];
  readonly simulatedSeconds: number;
  readonly wallSeconds: number;
  readonly eventsPerSecond: number;
  readonly traceHash: string;
  readonly unreached: readonly string[];
}

export function createSweep(options: { readonly signatures: SignatureTier }): Sweep {
  const failures: SweepFailure[] = [];
  const cases: JunitCase[] = [];
  let runs = 0;
  let simulatedMs = 0;
  let events = 0;
  let digest = "";
  let coverage: ReadonlyMap<CoveragePoint, number> = new Map();

  return {
    failures,
    cases,
    get runs() {
      return runs;
    },
    get coverage() {
      return coverage;
    },
    get unreached() {
      return unreachedIn(coverage);
    },
    get exitCode() {
      return exitCodeOf(failures);
    },
    run(next) {
      const result = runOrCrash(next.scenario, options.signatures);
      runs++;
      simulatedMs += result.simulatedMs;
      events += result.events;
      cases.push({ name: next.name, seconds: result.simulatedMs / 1_000, violation: result.violation });
      digest = runs === 1 ? result.traceHash : toHex(sha256(asciiBytes(`${digest}${result.traceHash}`))).slice(0, 32);
      coverage = mergeCoverage(coverage, result.coverage);
      if (result.violation !== undefined) failures.push({ case: next, violation: result.violation, result });
      return result;
    },
    summary(wallMs) {
      const wallSeconds = wallMs / 1_000;
      return {
        type: "summary",
        seeds: runs,
        passed: runs - failures.length,
        failed: failures.map(({ case: { seed, name }, violation: { invariant, kind, detail } }) => ({
          seed,
          name,
          invariant,
          kind,
          detail,
        })),
        simulatedSeconds: Math.round(simulatedMs / 1_000),
        wallSeconds: Math.round(wallSeconds * 100) / 100,
        eventsPerSecond: Math.round(events / Math.max(wallSeconds, 0.001)),
        // Of several runs, a hash over theirs in order.
        traceHash: digest,
        unreached: unreachedIn(coverage),
      };
    },
  };
}

/** What the run itself throws is a finding too: it has a seed, and the sweep goes on. */
function runOrCrash(scenario: Scenario, signatures: SignatureTier): RunResult {
  try {
    return runScenario(scenario, { signatures });
  } catch (error) {
    if (error instanceof ScenarioError) throw error;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const violation: Violation = { invariant: "noCrash", kind: "crash", atUs: 0, validators: [], detail: `The run itself failed: ${text}` };
    const nothing = { facts: 0, events: 0, simulatedMs: 0, finalHeight: 0, coverage: new Map(), traceHash: "0".repeat(32) };
    return { verdict: "violation", violation, violations: [violation], violatingFact: undefined, ...nothing };
  }
}

function unreachedIn(coverage: ReadonlyMap<CoveragePoint, number>): readonly CoveragePoint[] {
  return COVERAGE_POINTS.map(({ point }) => point).filter((point) => (coverage.get(point) ?? 0) === 0);
}

/** The gravest failure decides. */
function exitCodeOf(failures: readonly SweepFailure[]): number {
  const kinds = new Set(failures.map(({ violation }) => violation.kind));
  if (kinds.has("safety")) return EXIT_CODES.safety;
  if (kinds.has("liveness")) return EXIT_CODES.liveness;
  return kinds.has("crash") ? EXIT_CODES.crash : EXIT_CODES.ok;
}
