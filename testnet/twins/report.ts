/** What a Twins run says at its end: the verdict in plain words with the scenario's file and the command that replays it, the one
 *  line for scripts, and the exit code. Knows nothing of how it was run. */

import { EXIT_CODES } from "../failure.ts";
import { formatScenario } from "./scenario.ts";
import type { SpaceShape } from "./space.ts";
import { FAILURES_MAX, type Failure, type SweepResult } from "./sweep.ts";

export interface TwinsReport {
  readonly result: SweepResult;
  /** Undefined when the scenario came from a file. */
  readonly space: { readonly shape: SpaceShape; readonly total: bigint } | undefined;
  /** How to run the same again when the scenario came from a file. */
  readonly path: string | undefined;
  readonly seconds: number;
}

export function exitCodeOf({ failures }: SweepResult): number {
  const kinds = new Set(failures.map(({ kind }) => kind));
  if (kinds.has("safety")) return EXIT_CODES.safety;
  if (kinds.has("crash")) return EXIT_CODES.crash;
  return kinds.has("liveness") ? EXIT_CODES.liveness : EXIT_CODES.ok;
}

/** The last line with --json. */
export function summaryOf(report: TwinsReport) {
  const { result, space } = report;
  const { failures, ...tallies } = result;
  return {
    type: "summary",
    ...tallies,
    total: (space?.total ?? 1n).toString(),
    perSecond: perSecond(report),
    violations: failures.map(({ index, invariant, kind, detail, scenario }) => ({
      ...(index === undefined ? {} : { index: index.toString() }),
      invariant,
      kind,
      detail,
      scenario,
    })),
  };
}

/** Lines for people. */
export function textOf(report: TwinsReport): readonly string[] {
  const { result, space } = report;
  const { failures, scenarios, withFinality, withEvidence, recoveryViewsMax } = result;
  const of = space === undefined ? "" : ` of ${space.total}`;
  const lines = [
    `${scenarios}${of} scenarios in ${report.seconds.toFixed(1)} s, ${perSecond(report)} per second`,
    `${withFinality} had final blocks before the heal, ${withEvidence} gave evidence, the slowest recovered ${recoveryViewsMax} views after it`,
  ];
  const first = failures.find(({ invariant }) => invariant === "agreement") ?? failures[0];
  if (first === undefined) return [...lines, "passed: all honest instances agree, nobody honest is accused, and all recovered"];
  const stopped = failures.length < FAILURES_MAX ? "" : "; stopped there";
  return [...lines, `FAILED in ${failures.length} scenarios${stopped}. One of them:`, ...failureText(first, report)];
}

function failureText(failure: Failure, { space, path }: TwinsReport): readonly string[] {
  const { kind, invariant, detail, scenario, index } = failure;
  const replay =
    space === undefined || index === undefined
      ? `npm run twins -- --scenario ${path ?? "FILE"}`
      : `npm run twins -- ${shapeText(space.shape)} --index ${index}`;
  return [`${KINDS[kind]} (${invariant}): ${detail}`, "as a scenario file:", formatScenario(scenario).trimEnd(), `replay: ${replay}`];
}

const KINDS = { safety: "a safety violation", liveness: "no progress", crash: "a crash" } as const;

const shapeText = ({ validators, twins, rounds, phases }: SpaceShape): string =>
  `--validators ${validators} --twins ${twins} --rounds ${rounds} --phases ${phases}`;

const perSecond = ({ result, seconds }: TwinsReport): number => (seconds > 0 ? Math.round(result.scenarios / seconds) : 0);
