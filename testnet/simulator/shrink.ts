/** Shrinks a failing scenario to its cause. What happened by chance is first written down as data: which messages fared otherwise than
 *  on a healthy link, in which views a traitor acted, when a triggered fault struck. Then delta debugging (Zeller and Hildebrandt,
 *  "Simplifying and isolating failure-inducing input", 2002) takes away actions, then validators, then time, as long as the same
 *  invariant is still violated. The result is a scenario like any other. */

import type { Invariant } from "../checks/checker.ts";
import type { Fault, Scenario } from "../scenario/manifest.ts";
import { realise } from "./realise.ts";
import { type RunResult, runScenario } from "./run.ts";
import { withoutValidator } from "./shrink_validators.ts";
import type { SignatureTier } from "./world.ts";

export interface Shrunk {
  readonly scenario: Scenario;
  /** Faults and deeds of traitors that are left. */
  readonly actions: number;
  readonly runs: number;
  /** False when the time was over before nothing more could be taken away. */
  readonly isMinimal: boolean;
}

export interface ShrinkOptions {
  readonly invariant: Invariant;
  readonly signatures: SignatureTier;
  /** Asked before each run. */
  readonly isTimeOver: () => boolean;
  /** Replaceable by tests. */
  readonly run?: (scenario: Scenario) => Pick<RunResult, "violation">;
}

/** One thing that a scenario does to the cluster. */
type Action =
  | { readonly type: "fault"; readonly fault: Fault }
  | { readonly type: "deed"; readonly traitor: number; readonly view: number | undefined };

export function shrink(scenario: Scenario, options: ShrinkOptions): Shrunk {
  const search = createSearch(options);
  const plain = search.minimize(scenario);
  const data = search.keepIfFailing(plain, realise(plain, options.signatures));
  // Written down, one bad link can be hundreds of messages: that form is better only where few of them matter.
  const realised = data === plain ? plain : search.minimize(data);
  let smallest = countActions(realised) <= countActions(plain) ? realised : plain;
  for (const simpler of simplifications) smallest = search.keepIfFailing(smallest, simpler(smallest));
  smallest = search.dropValidators(smallest);
  smallest = search.shorten(smallest);
  smallest = search.minimize(smallest);
  return { scenario: smallest, actions: actionsOf(smallest).length, runs: search.runs, isMinimal: !options.isTimeOver() };
}

/** How many things a scenario does. */
export function countActions(scenario: Scenario): number {
  return actionsOf(scenario).length;
}

interface Search {
  readonly runs: number;
  /** `candidate` if it still fails, else `current`. */
  keepIfFailing(current: Scenario, candidate: Scenario): Scenario;
  minimize(scenario: Scenario): Scenario;
  dropValidators(scenario: Scenario): Scenario;
  shorten(scenario: Scenario): Scenario;
}

function createSearch(options: ShrinkOptions): Search {
  const run = options.run ?? ((scenario) => runScenario(scenario, { signatures: options.signatures }));
  let runs = 0;

  function isFailing(scenario: Scenario): boolean {
    if (options.isTimeOver()) return false;
    runs++;
    try {
      return run(scenario).violation?.invariant === options.invariant;
    } catch {
      // A candidate may make no sense, for instance without a quorum: then it is no smaller failure.
      return false;
    }
  }

  function keepIfFailing(current: Scenario, candidate: Scenario): Scenario {
    return candidate !== current && isFailing(candidate) ? candidate : current;
  }

  /** ddmin: halves first, then ever smaller parts, until no single action can go. */
  function minimize(scenario: Scenario): Scenario {
    let kept = actionsOf(scenario);
    if (kept.length > 0 && isFailing(withActions(scenario, []))) return withActions(scenario, []);
    let parts = 2;
    while (kept.length > 1 && !options.isTimeOver()) {
      const size = Math.ceil(kept.length / parts);
      let isSmaller = false;
      for (let start = 0; start < kept.length; start += size) {
        const rest = [...kept.slice(0, start), ...kept.slice(start + size)];
        if (!isFailing(withActions(scenario, rest))) continue;
        kept = rest;
        parts = Math.max(2, parts - 1);
        isSmaller = true;
        break;
      }
      if (isSmaller) continue;
      if (size === 1) break;
      parts = Math.min(kept.length, parts * 2);
    }
    return withActions(scenario, kept);
  }

  function dropValidators(scenario: Scenario): Scenario {
    let smallest = scenario;
    for (let index = scenario.weights.length - 1; index >= 0; index--) {
      const candidate = withoutValidator(smallest, index);
      if (candidate !== undefined) smallest = keepIfFailing(smallest, candidate);
    }
    return smallest;
  }

  function shorten(scenario: Scenario): Scenario {
    let smallest = scenario;
    for (const share of [0.1, 0.25, 0.5, 0.75, 0.9]) {
      const faultsMs = Math.max(100, Math.round(scenario.phases.faultsMs * share));
      const candidate = {
        ...smallest,
        phases: { ...smallest.phases, faultsMs },
        faults: smallest.faults.filter((fault) => beginsBefore(fault, faultsMs)),
      };
      if (faultsMs < smallest.phases.faultsMs) smallest = keepIfFailing(smallest, candidate);
    }
    return smallest;
  }

  return {
    get runs() {
      return runs;
    },
    keepIfFailing,
    minimize,
    dropValidators,
    shorten,
  };
}

const beginsBefore = ({ when }: Fault, atMs: number): boolean => when.on !== "time" || when.atMs < atMs;

/** What usually does not matter. */
const simplifications: readonly ((scenario: Scenario) => Scenario)[] = [
  (scenario) => ({ ...scenario, workload: { ...scenario.workload, clients: 0, perSecond: 0 } }),
  (scenario) => ({ ...scenario, ties: "fifo" }),
  (scenario) => ({ ...scenario, topology: { type: "uniform", delayMs: [2, 2] } }),
  (scenario) => ({ ...scenario, weights: scenario.weights.map(() => 1) }),
];

function actionsOf(scenario: Scenario): readonly Action[] {
  const deeds = scenario.byzantine.flatMap(({ views }, traitor): Action[] =>
    views === undefined ? [{ type: "deed", traitor, view: undefined }] : views.map((view) => ({ type: "deed", traitor, view })),
  );
  return [...deeds, ...scenario.faults.map((fault): Action => ({ type: "fault", fault }))];
}

function withActions(scenario: Scenario, actions: readonly Action[]): Scenario {
  const byzantine = scenario.byzantine.flatMap((traitor, index) => {
    const mine = actions.filter((action) => action.type === "deed" && action.traitor === index);
    if (mine.length === 0) return [];
    if (traitor.views === undefined) return [traitor];
    return [{ ...traitor, views: mine.flatMap((action) => (action.type === "deed" && action.view !== undefined ? [action.view] : [])) }];
  });
  return { ...scenario, byzantine, faults: actions.flatMap((action) => (action.type === "fault" ? [action.fault] : [])) };
}
