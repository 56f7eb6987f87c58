/** What one validator's lane of the picture shows: the views it was in and how it left them, when it was down and why, and its totals. */

import type { FaultAction } from "../scenario/manifest.ts";
import type { Fact, FactOf } from "../simulator/facts.ts";
import { labelOfAction } from "./describe_fault.ts";

/** How a view ended at a validator; `stop`: it went down; `end`: the run was over. */
export type ViewEnd = "QC" | "TC" | "CC" | "stop" | "end";

export interface ViewSegment {
  readonly fromUs: number;
  readonly toUs: number;
  readonly view: number;
  readonly leader: number;
  readonly endedBy: ViewEnd;
}

export interface DownTime {
  readonly fromUs: number;
  readonly toUs: number;
  readonly label: string;
}

export interface LaneTotals {
  readonly finalHeight: number;
  readonly highestView: number;
  readonly viewsEntered: number;
  readonly viewsLost: number;
  readonly sent: number;
  readonly lost: number;
  readonly received: number;
  readonly restarts: number;
  readonly downUs: number;
  readonly betrayals: number;
}

export interface LaneBuilder {
  observe(fact: Fact): void;
  finish(atUs: number): void;
  readonly downTimes: readonly DownTime[];
  readonly totals: LaneTotals;
}

interface OpenView {
  readonly fromUs: number;
  readonly view: number;
  readonly leader: number;
}

/** `onSegment` hears every view that is over, in order. */
export function createLane(validator: number, onSegment: (segment: ViewSegment) => void): LaneBuilder {
  let open: OpenView | undefined;
  let down: { readonly fromUs: number; label: string } | undefined = { fromUs: 0, label: "not started" };
  let cause: string | undefined;
  const downTimes: DownTime[] = [];
  const totals = {
    finalHeight: 0,
    highestView: 0,
    viewsEntered: 0,
    viewsLost: 0,
    sent: 0,
    lost: 0,
    received: 0,
    restarts: 0,
    downUs: 0,
    betrayals: 0,
  };

  function close(atUs: number, endedBy: ViewEnd): void {
    if (open !== undefined) onSegment({ ...open, toUs: atUs, endedBy });
    open = undefined;
  }

  function goDown(atUs: number, label: string): void {
    close(atUs, "stop");
    if (down === undefined) down = { fromUs: atUs, label };
    else down.label = label;
  }

  function comeUp(atUs: number): void {
    if (down !== undefined && down.fromUs < atUs) {
      downTimes.push({ ...down, toUs: atUs });
      totals.downUs += atUs - down.fromUs;
    }
    down = undefined;
  }

  function observeOwn(fact: Exclude<Fact, FactOf<"sent" | "delivered" | "phase" | "fault">>): void {
    switch (fact.type) {
      case "enteredView":
        if (fact.by !== "start") close(fact.atUs, fact.by);
        else close(fact.atUs, "stop");
        open = { fromUs: fact.atUs, view: fact.view, leader: fact.leader };
        totals.viewsEntered++;
        if (fact.by === "TC") totals.viewsLost++;
        totals.highestView = Math.max(totals.highestView, fact.view);
        return;
      case "finalized":
        totals.finalHeight = Math.max(totals.finalHeight, fact.blocks.at(-1)?.header.height ?? 0);
        return;
      case "started":
        if (fact.life > 1) totals.restarts++;
        return comeUp(fact.atUs);
      case "stopped":
        return goDown(fact.atUs, cause ?? `down: ${fact.why}`);
      case "refusedStart":
        return goDown(fact.atUs, "refuses to start");
      case "halted":
        return goDown(fact.atUs, "halted");
      case "betrayal":
        totals.betrayals++;
        return;
      default:
        return;
    }
  }

  return {
    downTimes,
    totals,
    observe(fact) {
      if (fact.type === "sent") {
        totals.sent++;
        if (fact.delaysUs.length === 0) totals.lost++;
      } else if (fact.type === "delivered") totals.received++;
      else if (fact.type === "fault") {
        if (isDownAction(fact.fault.action) && fact.fault.action.validator === validator) {
          cause = fact.edge === "begin" ? labelOfAction(fact.fault.action) : undefined;
          if (down !== undefined && cause !== undefined) down.label = cause;
        }
      } else if (fact.type !== "phase") observeOwn(fact);
    },
    finish(atUs) {
      close(atUs, "end");
      comeUp(atUs);
    },
  };
}

const DOWN_TYPES = ["crash", "upgrade", "lateStart", "wipe", "bitFlip", "truncate", "rollback"] as const;

/** Shown as time that the validator is down, not as a fault of its own. */
export function isDownAction(action: FaultAction): action is Extract<FaultAction, { type: (typeof DOWN_TYPES)[number] }> {
  return DOWN_TYPES.some((type) => type === action.type);
}
