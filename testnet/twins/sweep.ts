/** Runs many scenarios and keeps what went wrong, with the scenario and its number. Synchronous and without a clock: the caller
 *  measures time and hears of progress. */

import { assert } from "../../types/assert.ts";
import type { TwinsViolation } from "./checker.ts";
import type { TwinsFixture } from "./fixture.ts";
import type { TwinsPlan } from "./options.ts";
import { playScenario } from "./play.ts";
import { createSampler } from "./sampler.ts";
import type { TwinsScenario } from "./scenario.ts";
import type { ScenarioSpace } from "./space.ts";

/** A failed scenario, with the gravest of its violations. */
export interface Failure extends TwinsViolation {
  /** Its number in the space; undefined when it came from a file. */
  readonly index: bigint | undefined;
  readonly scenario: TwinsScenario;
}

/** What the scenarios did, so that a sweep that tested nothing shows. */
export interface Tallies {
  scenarios: number;
  /** Something was final before the heal. */
  withFinality: number;
  /** An honest instance found evidence. */
  withEvidence: number;
  recoveryViewsMax: number;
  steps: number;
}

export interface SweepResult extends Readonly<Tallies> {
  readonly failures: readonly Failure[];
}

/** A sweep stops at this many failed scenarios: more of them say nothing new. */
export const FAILURES_MAX = 10;

export function sweep(
  runs: { readonly fixture: TwinsFixture; readonly space: ScenarioSpace; readonly plan: TwinsPlan },
  onScenario?: (tallies: Readonly<Tallies>) => void,
): SweepResult {
  const tallies = emptyTallies();
  const failures: Failure[] = [];
  for (const index of indicesOf(runs.space, runs.plan)) {
    const scenario = runs.space.scenarioAt(index);
    const failure = playInto(tallies, runs.fixture, scenario);
    if (failure !== undefined) failures.push({ ...failure, index, scenario });
    onScenario?.(tallies);
    if (failures.length >= FAILURES_MAX) break;
  }
  return { ...tallies, failures };
}

/** One scenario that is given, not drawn. */
export function replay(fixture: TwinsFixture, scenario: TwinsScenario): SweepResult {
  const tallies = emptyTallies();
  const failure = playInto(tallies, fixture, scenario);
  return { ...tallies, failures: failure === undefined ? [] : [{ ...failure, index: undefined, scenario }] };
}

function playInto(tallies: Tallies, fixture: TwinsFixture, scenario: TwinsScenario): TwinsViolation | undefined {
  const outcome = playScenario(fixture, scenario);
  tallies.scenarios++;
  tallies.steps += outcome.stepCount;
  if (outcome.heightBeforeHeal > 0) tallies.withFinality++;
  if (outcome.evidenceCount > 0) tallies.withEvidence++;
  tallies.recoveryViewsMax = Math.max(tallies.recoveryViewsMax, outcome.recoveryViews);
  return gravestOf(outcome.violations);
}

/** Two final blocks at one height are what all else leads to; then safety before crashes before lost progress. */
function gravestOf(violations: readonly TwinsViolation[]): TwinsViolation | undefined {
  const agreement = violations.find(({ invariant }) => invariant === "agreement");
  const ofKind = (kind: TwinsViolation["kind"]) => violations.find((violation) => violation.kind === kind);
  return agreement ?? ofKind("safety") ?? ofKind("crash") ?? ofKind("liveness");
}

function* indicesOf(space: ScenarioSpace, plan: TwinsPlan): Iterable<bigint> {
  switch (plan.type) {
    case "index":
      assert(plan.index < space.total, "the number is one of the space's");
      yield plan.index;
      return;
    case "exhaustive":
      for (let index = 0n; index < space.total; index++) yield index;
      return;
    case "sample": {
      const sampler = createSampler({ total: space.total, seed: plan.seed });
      for (let position = 0n; position < space.total && position < BigInt(plan.scenarios); position++) yield sampler.at(position);
    }
  }
}

const emptyTallies = (): Tallies => ({ scenarios: 0, withFinality: 0, withEvidence: 0, recoveryViewsMax: 0, steps: 0 });
