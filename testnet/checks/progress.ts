/** Progress: once a core with a quorum is healed it gains the heights that the scenario asks for within its bound of views; once all is
 *  healed the chain goes on within the bound, and in the end every honest validator that runs has come along. */

import type { Scenario } from "../scenario/manifest.ts";
import type { FactOf } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { createQuorum } from "./quorum.ts";
import { accuserOf } from "./violations.ts";

const accuse = accuserOf("progress", "liveness");

/** What somebody has to reach, and by which view. */
interface Goal {
  readonly phase: "core" | "heal";
  readonly members: readonly number[];
  readonly height: number;
  readonly startView: number;
}

export function createProgressChecker(cluster: CheckedCluster, { phases, expect }: Pick<Scenario, "phases" | "expect">): Checker {
  const { honest, weights } = cluster;
  const quorum = createQuorum(weights);
  const heights = weights.map(() => 0);
  const views = weights.map(() => 0);
  const isUp = weights.map(() => false);
  const isSigning = weights.map(() => true);
  let goal: Goal | undefined;

  const heightsOf = (members: readonly number[]): number[] => members.map((validator) => heights[validator] as number);
  const running = (): number[] => [...honest].filter((validator) => isUp[validator]);

  function setGoal(phase: "core" | "heal", members: readonly number[]): void {
    const gain = phase === "core" ? phases.coreHeights : 1;
    const startView = Math.max(0, ...[...honest].map((validator) => views[validator] as number));
    goal = { phase, members, height: Math.max(0, ...heightsOf([...honest])) + gain, startView };
  }

  function isReached({ members, height }: Goal): boolean {
    return Math.max(0, ...heightsOf(members)) >= height;
  }

  /** Somebody entered a view: has the goal been reached by the last view that counts? */
  function onView({ atUs, view }: FactOf<"enteredView">): Violation | undefined {
    if (goal === undefined || view <= goal.startView + phases.viewsMax) return undefined;
    const { phase, members, height, startView } = goal;
    const reached = Math.max(0, ...heightsOf(members));
    if (isReached(goal)) return undefined;
    goal = undefined;
    const who = phase === "core" ? `the core ${members.join(", ")}` : "the healed cluster";
    const detail = `In view ${view}, more than ${phases.viewsMax} views after view ${startView}, ${who} has final height ${reached} instead of ${height}.`;
    return accuse(atUs, members, detail);
  }

  function onPhase({ atUs, phase, core }: FactOf<"phase">): Violation | undefined {
    const before = goal;
    goal = undefined;
    if (phase === "core") setGoal("core", core);
    if (phase === "heal" && (expect === "pass" || isQuorumHonest())) setGoal("heal", [...honest]);
    if (before?.phase === "core" && !isReached(before)) {
      const detail = `The core ${before.members.join(", ")} ended at final height ${Math.max(...heightsOf(before.members))} instead of ${before.height}.`;
      return accuse(atUs, before.members, detail);
    }
    return before?.phase === "heal" ? judgeEnd(before, atUs) : undefined;
  }

  function isQuorumHonest(): boolean {
    return quorum.isQuorum(quorum.weightOf([...honest].filter((validator) => isSigning[validator])));
  }

  function judgeEnd({ height }: Goal, atUs: number): Violation | undefined {
    const late = running().filter((validator) => (heights[validator] as number) < height);
    if (late.length === 0) return undefined;
    const said = late.map((validator) => `validator ${validator} at ${heights[validator]}`).join(", ");
    return accuse(atUs, late, `At the end, after all faults were healed, final height ${height} is not reached everywhere: ${said}.`);
  }

  return {
    invariant: "progress",
    interests: ["phase", "enteredView", "saved", "started", "stopped", "halted"],
    observe(fact) {
      switch (fact.type) {
        case "phase":
          return onPhase(fact);
        case "enteredView":
          if (!honest.has(fact.validator)) return undefined;
          views[fact.validator] = Math.max(views[fact.validator] as number, fact.view);
          return onView(fact);
        case "saved":
          heights[fact.validator] = fact.durable.finality.at(-1)?.height ?? (heights[fact.validator] as number);
          return undefined;
        case "started":
          heights[fact.validator] = fact.finalHeight;
          isUp[fact.validator] = true;
          isSigning[fact.validator] = fact.isSigning;
          return undefined;
        case "stopped":
        case "halted":
          isUp[fact.validator] = false;
          return undefined;
        default:
          return undefined;
      }
    },
    finish(atUs) {
      return goal?.phase === "heal" ? judgeEnd(goal, atUs) : undefined;
    },
  };
}
