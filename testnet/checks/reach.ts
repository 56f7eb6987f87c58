/** What may have reached whom: follows starts, stops and network faults, and knows for each pair up to which moment something said by one
 *  can have come to the other, over any number of hops and any delay. Errs on the side of "it may have": loss, stalls and pauses cut
 *  nothing, what was sent before a cut still arrives, and traitors hear each other always. */

import type { FaultAction } from "../scenario/manifest.ts";
import type { Fact, FactType } from "../simulator/facts.ts";
import type { CheckedCluster } from "./checker.ts";

export interface Reach {
  observe(fact: Fact): void;
  /** The latest moment, in microseconds, at which `from` can have said something that `to` knows by now; Infinity while they are
   *  connected, -1 when never. */
  heardUntilUs(to: number, from: number): number;
  /** Can everybody who runs hear everybody who runs? */
  readonly isWhole: boolean;
}

export const REACH_FACTS: readonly FactType[] = ["started", "stopped", "halted", "fault", "phase"];

type Cut = Extract<FaultAction, { type: "partition" | "cut" | "message" }>;

export function createReach({ weights, honest }: Pick<CheckedCluster, "weights" | "honest">): Reach {
  const count = weights.length;
  const isUp = weights.map(() => false);
  const cuts = new Map<number, Cut>();
  let core: ReadonlySet<number> = new Set();
  /** By `to * count + from`. */
  let heard = new Array<number>(count * count).fill(-1);
  let isWhole = true;
  /** Until when the present connections lasted is not known yet: these are the pairs that they connect. */
  let connected = closure();

  function isLinked(from: number, to: number): boolean {
    if (from === to) return true;
    if (!isUp[from] || !isUp[to]) return false;
    if (core.has(from) && core.has(to)) return true;
    if (!honest.has(from) && !honest.has(to)) return true;
    let isCut = false;
    for (const action of cuts.values()) {
      if (lets(action, from, to)) return true;
      isCut ||= separates(action, from, to);
    }
    return !isCut;
  }

  function closure(): boolean[] {
    const reaches = new Array<boolean>(count * count);
    for (let to = 0; to < count; to++) for (let from = 0; from < count; from++) reaches[to * count + from] = isLinked(from, to);
    for (let via = 0; via < count; via++) {
      for (let to = 0; to < count; to++) {
        if (!reaches[to * count + via]) continue;
        for (let from = 0; from < count; from++) reaches[to * count + from] ||= reaches[via * count + from] as boolean;
      }
    }
    return reaches;
  }

  /** The present connections end at `atUs`: what they brought is added to what was known before. */
  function settle(atUs: number): void {
    heard = heard.map((_, pair) => (connected[pair] ? atUs : throughOthers(Math.floor(pair / count), pair % count)));
  }

  function throughOthers(to: number, from: number): number {
    let latest = heard[to * count + from] as number;
    for (let via = 0; via < count; via++) {
      if (connected[to * count + via]) latest = Math.max(latest, heard[via * count + from] as number);
    }
    return latest;
  }

  function change(atUs: number, apply: () => void): void {
    settle(atUs);
    apply();
    connected = closure();
    isWhole = true;
    for (let to = 0; to < count; to++)
      for (let from = 0; from < count; from++) isWhole &&= !isUp[to] || !isUp[from] || (connected[to * count + from] as boolean);
  }

  return {
    get isWhole() {
      return isWhole;
    },
    observe(fact) {
      switch (fact.type) {
        case "started":
          return change(fact.atUs, () => (isUp[fact.validator] = true));
        case "stopped":
        case "halted":
          return change(fact.atUs, () => (isUp[fact.validator] = false));
        case "phase":
          return change(fact.atUs, () => {
            if (fact.phase === "core") core = new Set(fact.core);
            if (fact.phase === "heal") cuts.clear();
          });
        case "fault": {
          const { index, edge } = fact;
          const { action } = fact.fault;
          if (action.type !== "partition" && action.type !== "cut" && action.type !== "message") return;
          return change(fact.atUs, () => {
            if (edge === "begin") cuts.set(index, action);
            else cuts.delete(index);
          });
        }
        default:
          return;
      }
    },
    heardUntilUs: (to, from) => (connected[to * count + from] ? Number.POSITIVE_INFINITY : throughOthers(to, from)),
  };
}

function separates(action: Cut, from: number, to: number): boolean {
  switch (action.type) {
    case "partition":
      return !action.groups.some((group) => group.includes(from) && group.includes(to));
    case "cut":
      return action.from.includes(from) && action.to.includes(to);
    case "message":
      return false;
  }
}

/** A message whose delivery is fixed by name passes whatever is cut. */
function lets(action: Cut, from: number, to: number): boolean {
  return action.type === "message" && action.delaysMs.length > 0 && action.message.from === from && action.message.to === to;
}
