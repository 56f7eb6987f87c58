/** Who loses its store, and with it everything that it remembered of its past. */

import type { Fact } from "../simulator/facts.ts";

/** The validator that this fact says is wiped: running ones are stopped for it, others only named by the fault. */
export function wipedBy(fact: Fact): number | undefined {
  if (fact.type === "stopped") return fact.why === "wipe" ? fact.validator : undefined;
  if (fact.type !== "fault" || fact.edge !== "begin") return undefined;
  const { action } = fact.fault;
  return action.type === "wipe" ? action.validator : undefined;
}
