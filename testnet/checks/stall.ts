/** Stall: in a scenario that leaves no quorum, nothing new becomes final while its faults last. What was under way when the last of
 *  them began may still arrive, within a grace that follows from the scenario. */

import type { FaultAction, FaultType, Scenario, Topology } from "../scenario/manifest.ts";
import type { CheckedCluster, Checker } from "./checker.ts";
import { accuserOf, milliseconds } from "./violations.ts";

const accuse = accuserOf("noProgressWhenCut", "safety");

export function createStallChecker({ honest }: Pick<CheckedCluster, "honest">, scenario: Scenario): Checker {
  const graceUs = stallGraceMs(scenario) * 1_000;
  const expected = scenario.faults.filter(({ action }) => isLasting(action)).length;
  let begun = 0;
  let begunAtUs = 0;
  let isOver = false;
  let finalHeight = 0;

  return {
    invariant: "noProgressWhenCut",
    interests: ["fault", "phase", "saved"],
    observe(fact) {
      switch (fact.type) {
        case "fault":
          if (!isLasting(fact.fault.action)) return undefined;
          // Only all of them together leave no quorum; one that ends before the heal phase may give it back.
          if (fact.edge === "end") isOver = true;
          else begun++;
          begunAtUs = fact.atUs;
          return undefined;
        case "phase":
          if (fact.phase !== "faults") isOver = true;
          return undefined;
        case "saved": {
          const height = honest.has(fact.validator) ? (fact.durable.finality.at(-1)?.height ?? 0) : 0;
          if (height <= finalHeight) return undefined;
          const before = finalHeight;
          finalHeight = height;
          if (begun < expected || isOver || fact.atUs <= begunAtUs + graceUs) return undefined;
          const detail = `Validator ${fact.validator} made height ${height} final, above ${before}, ${milliseconds(fact.atUs - begunAtUs)} after the last fault began, although no quorum is left.`;
          return accuse(fact.atUs, [fact.validator], detail);
        }
        default:
          return undefined;
      }
    },
  };
}

/** Faults that take validators or links away. */
const LASTING: readonly FaultType[] = [
  "partition",
  "cut",
  "crash",
  "pause",
  "lateStart",
  "wipe",
  "diskFull",
  "bitFlip",
  "truncate",
  "rollback",
];

const isLasting = ({ type }: FaultAction): boolean => LASTING.includes(type);

/** Long enough for what was signed or sent before: a few message delays, a request that is repeated, a slow disk. */
export function stallGraceMs({ topology, protocol }: Pick<Scenario, "topology" | "protocol">): number {
  return 1_000 + 4 * protocol.resendMs + 8 * (longestDelayMs(topology) + protocol.syncMs[1]);
}

/** The longest one-way delay of the topology, without faults. */
export function longestDelayMs(topology: Topology): number {
  if (topology.type === "uniform") return topology.delayMs[1];
  const longest = Math.max(0, ...topology.matrix.roundTripMs.flat());
  return (longest / 2) * (1 + topology.jitter);
}
