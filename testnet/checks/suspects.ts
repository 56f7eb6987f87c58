/** Suspects: validators whose store was replaced by an older copy that nothing shows to be old. They may contradict what they signed before, so
 *  from then on they count as honest no more. */

import type { Fact } from "../simulator/facts.ts";
import type { CheckedCluster } from "./checker.ts";

export interface Suspects {
  /** The cluster as checkers see it: its set of honest validators shrinks while the run goes on. */
  readonly cluster: CheckedCluster;
  /** Has to hear a fact before any checker does. */
  observe(fact: Fact): void;
}

export function createSuspects(cluster: CheckedCluster): Suspects {
  const honest = new Set(cluster.honest);
  return {
    cluster: { ...cluster, honest },
    observe(fact) {
      const rolledBack = rolledBackBy(fact);
      if (rolledBack !== undefined) honest.delete(rolledBack.validator);
    },
  };
}

/** Whose store this fact says is an old copy that looks like a new one, and how many writes it lacks. */
export function rolledBackBy(fact: Fact): { readonly validator: number; readonly saves: number } | undefined {
  if (fact.type !== "fault" || fact.edge !== "begin") return undefined;
  const { action } = fact.fault;
  return action.type === "rollback" && action.hidesCounter === true ? action : undefined;
}
