/** Faults in plain words, for people who did not write the scenario: a sentence for a list, and a label of a few words for a picture. */

import { unreachable } from "../../types/assert.ts";
import type { Fault, FaultAction, Trigger } from "../scenario/manifest.ts";
import { compactIndices, joined, nameOf, namesOf } from "./words.ts";

/** "V2 is cut off from V0 and V1 for 700 ms (from 1000 ms on)". */
export function describeFault({ when, action, forMs }: Fault): string {
  const length = forMs === undefined ? "" : ` for ${forMs} ms`;
  return `${describeAction(action)}${length} (${describeTrigger(when)})`;
}

/** What happens, without when. */
export function describeAction(action: FaultAction): string {
  switch (action.type) {
    case "partition":
      return `the network is split into ${action.groups.map((group) => `{${namesOf(group)}}`).join(" and ")}`;
    case "cut":
      return `${namesOf(action.to)} cannot hear ${namesOf(action.from)}`;
    case "link":
      return `${action.kinds.length === 0 ? "messages" : joined(action.kinds)} from ${namesOf(action.from)} to ${namesOf(action.to)} suffer: ${linkHarm(action)}`;
    case "bandwidth":
      return `the links from ${namesOf(action.from)} to ${namesOf(action.to)} carry only ${action.bytesPerSecond} bytes per second`;
    case "stall":
      return `messages from ${namesOf(action.from)} to ${namesOf(action.to)} wait on the link`;
    case "reset":
      return `the links between ${namesOf(action.from)} and ${namesOf(action.to)} are reset, and what was in flight is lost`;
    case "message": {
      const { from, to, kind, view, nth } = action.message;
      const fate = action.delaysMs.length === 0 ? "is lost" : `arrives after ${joined(action.delaysMs.map((ms) => `${ms} ms`))}`;
      return `${kind} message ${nth} of view ${view} from ${nameOf(from)} to ${nameOf(to)} ${fate}`;
    }
    case "crash":
      return `${nameOf(action.validator)} is killed, ${UNSYNCED[action.unsynced]}`;
    case "pause":
      return `${nameOf(action.validator)} is frozen`;
    case "upgrade":
      return `${nameOf(action.validator)} is stopped in order, as for an upgrade`;
    case "lateStart":
      return `${nameOf(action.validator)} starts late`;
    case "wipe":
      return `${nameOf(action.validator)} loses its store, and comes back as an observer`;
    case "diskFull":
      return `the disk of ${nameOf(action.validator)} is full`;
    case "slowDisk":
      return `a write of ${nameOf(action.validator)} takes ${action.syncMs[0]} to ${action.syncMs[1]} ms`;
    case "bitFlip":
      return `a bit in the store of ${nameOf(action.validator)} flips`;
    case "truncate":
      return `a file in the store of ${nameOf(action.validator)} is cut short`;
    case "rollback":
      return `the store of ${nameOf(action.validator)} is put back by ${action.saves} writes`;
    case "clockSkew":
      return `the clock of ${nameOf(action.validator)} is off by ${action.offsetMs} ms`;
    case "clockDrift":
      return `the clock of ${nameOf(action.validator)} runs ${action.partsPerMillion} parts per million too fast`;
    default:
      return unreachable(action);
  }
}

/** A few words for a shaded area. */
export function labelOfAction(action: FaultAction): string {
  switch (action.type) {
    case "partition":
      return `partition ${action.groups.map(compactIndices).join(" | ")}`;
    case "cut":
      return `cut ${linkText(action)}`;
    case "link":
      return `bad link ${linkText(action)}${action.kinds.length === 0 ? "" : ` (${action.kinds.join(", ")})`}`;
    case "bandwidth":
      return "low bandwidth";
    case "stall":
      return `stall ${linkText(action)}`;
    case "reset":
      return "links reset";
    case "message":
      return action.delaysMs.length === 0 ? "message lost" : "message late";
    case "crash":
      return "crash";
    case "pause":
      return "frozen";
    case "upgrade":
      return "upgrade";
    case "lateStart":
      return "late start";
    case "wipe":
      return "store wiped";
    case "diskFull":
      return "disk full";
    case "slowDisk":
      return "slow disk";
    case "bitFlip":
      return "bit flip";
    case "truncate":
      return "file cut short";
    case "rollback":
      return "store rolled back";
    case "clockSkew":
      return `clock ${action.offsetMs > 0 ? "+" : ""}${action.offsetMs} ms`;
    case "clockDrift":
      return `clock ${action.partsPerMillion > 0 ? "+" : ""}${action.partsPerMillion} ppm`;
    default:
      return unreachable(action);
  }
}

/** Whose lanes a fault shades, of `count` validators. A partition touches everybody who misses somebody. */
export function validatorsTouched(action: FaultAction, count: number): readonly number[] {
  if ("validator" in action) return [action.validator];
  const all = Array.from({ length: count }, (_, index) => index);
  switch (action.type) {
    case "partition":
      return all.filter((validator) => {
        const heard = new Set(action.groups.filter((group) => group.includes(validator)).flat());
        return all.some((other) => other !== validator && !heard.has(other));
      });
    case "message":
      return [action.message.to];
    case "cut":
    case "stall":
    case "link":
    case "bandwidth":
      return all.filter((validator) => action.to.includes(validator));
    case "reset":
      return all.filter((validator) => action.to.includes(validator) || action.from.includes(validator));
    default:
      return unreachable(action);
  }
}

const linkText = ({ from, to }: { readonly from: readonly number[]; readonly to: readonly number[] }): string =>
  `${compactIndices(from)} → ${compactIndices(to)}`;

const UNSYNCED = {
  kept: "and what it was writing is kept",
  lost: "and what it was writing is lost",
  torn: "and what it was writing is torn",
} as const;

function linkHarm({ loss, duplicate, reorder, reorderMs, extraDelayMs }: Extract<FaultAction, { type: "link" }>): string {
  const percent = (share: number): string => `${Math.round(share * 1_000) / 10} %`;
  const harms: string[] = [];
  if (loss > 0) harms.push(`${percent(loss)} are lost`);
  if (duplicate > 0) harms.push(`${percent(duplicate)} arrive twice`);
  if (reorder > 0) harms.push(`${percent(reorder)} come up to ${reorderMs} ms late`);
  if (extraDelayMs[1] > 0) harms.push(`all take ${extraDelayMs[0]} to ${extraDelayMs[1]} ms longer`);
  return harms.length === 0 ? "nothing" : joined(harms);
}

function describeTrigger(when: Trigger): string {
  const by = (validator: number | undefined): string => (validator === undefined ? "somebody" : nameOf(validator));
  switch (when.on) {
    case "time":
      return `from ${when.atMs} ms on`;
    case "height":
      return `once ${by(when.validator)} has height ${when.height}`;
    case "view":
      return `once ${by(when.validator)} is in view ${when.view}`;
    case "leader":
      return `when ${nameOf(when.validator)} leads for the ${ordinal(when.nth)} time`;
    case "save":
      return `${when.edge === "before" ? "before" : "right after"} the ${ordinal(when.nth)} write of ${nameOf(when.validator)} that holds a ${when.content}`;
    default:
      return unreachable(when);
  }
}

function ordinal(nth: number): string {
  const tail = nth % 100 >= 11 && nth % 100 <= 13 ? 0 : nth % 10;
  return `${nth}${["th", "st", "nd", "rd"][tail] ?? "th"}`;
}
