/** Draws the faults of a seed from the classes that its swarm enables: single faults, and scenes of several that belong together. */

import type { Stream } from "../simulator/streams.ts";
import { type ActionDraw, drawAction, LINK_TYPES } from "./expand_actions.ts";
import { SAVE_CONTENTS } from "./fault_schema.ts";
import type { LossBudget } from "./loss_budget.ts";
import { type Fault, type FaultAction, type FaultType, MESSAGE_KINDS, type Trigger } from "./manifest.ts";

/** skippedViews: proposals are lost until more views were skipped than a proposal carries TCs for. crashStorm: again and again at the edges of
 *  durable writes. longOutage: one is away so long that it catches up by ranges. noQuorum: halves without a quorum, for seconds. */
export const SCENES = ["skippedViews", "crashStorm", "longOutage", "noQuorum"] as const;
export type Scene = (typeof SCENES)[number];

export interface Swarm {
  readonly types: readonly FaultType[];
  readonly triggers: readonly Trigger["on"][];
  readonly scene: Scene | undefined;
  readonly faultsMax: number;
}

export const FAULTS_MAX = 8;

/** What writes of any chain hold. */
const OPEN_CONTENTS = SAVE_CONTENTS.slice(0, SAVE_CONTENTS.indexOf("shares"));
/** Messages of the sealed mempool. */
const SEALED_MESSAGES = MESSAGE_KINDS.slice(MESSAGE_KINDS.indexOf("list"), MESSAGE_KINDS.indexOf("bid"));

const TRIGGERS: readonly Trigger["on"][] = ["time", "height", "view", "leader", "save"];
const NODE_TYPES: readonly FaultType[] = [
  "crash",
  "pause",
  "upgrade",
  "lateStart",
  "wipe",
  "diskFull",
  "slowDisk",
  "bitFlip",
  "truncate",
  "rollback",
  "clockSkew",
  "clockDrift",
];

export function drawSwarm(stream: Stream, count: number): Swarm {
  const share = stream.pick([0.1, 0.3, 0.6]);
  const possible = count > 1 ? [...LINK_TYPES, ...NODE_TYPES] : NODE_TYPES;
  const types = possible.filter(() => stream.chance(share));
  const triggers = TRIGGERS.filter(() => stream.chance(0.5));
  const scene = stream.chance(0.3) ? stream.pick(count > 1 ? SCENES : (["crashStorm"] as const)) : undefined;
  return {
    types,
    triggers: triggers.length === 0 ? ["time"] : triggers,
    scene,
    faultsMax: stream.chance(0.1) ? 0 : stream.between(1, FAULTS_MAX),
  };
}

interface Drawing {
  readonly weights: readonly number[];
  readonly faultsMs: number;
  readonly swarm: Swarm;
  readonly budget: LossBudget;
}

export function drawFaults(stream: Stream, drawing: Drawing): readonly Fault[] {
  const { swarm, weights, faultsMs, budget } = drawing;
  const faults = swarm.scene === undefined ? [] : [...drawScene(stream, swarm.scene, drawing)];
  const actions: ActionDraw = { weights, faultsMs, budget, skewed: new Set(), late: new Set() };
  while (faults.length < swarm.faultsMax && swarm.types.length > 0) {
    const action = drawAction(stream, stream.pick(swarm.types), actions);
    const when: Trigger = action.type === "lateStart" ? { on: "time", atMs: 0 } : drawTrigger(stream, action, drawing);
    faults.push({ when, action, ...drawLength(stream, action, faultsMs) });
  }
  return faults;
}

/** Up to two faults that meet sealed transactions alone: their messages in trouble, or a crash around the write of shares. */
export function drawSealedFaults(stream: Stream, { weights, faultsMs, swarm }: Omit<Drawing, "budget">): readonly Fault[] {
  if (swarm.faultsMax === 0 || weights.length === 1) return [];
  const all = weights.map((_, index) => index);
  return Array.from({ length: stream.below(3) }, (): Fault => {
    const forMs = stream.between(200, Math.floor(faultsMs * 0.6));
    if (stream.chance(0.35)) {
      const validator = stream.below(weights.length);
      const edge = stream.pick(["before", "after"] as const);
      const when: Trigger = { on: "save", validator, content: "shares", edge, nth: stream.between(1, 8) };
      return { when, action: { type: "crash", validator, unsynced: stream.pick(["kept", "lost", "torn"]) }, forMs };
    }
    const kinds = SEALED_MESSAGES.filter(() => stream.chance(0.4));
    const from = stream.chance(0.5) ? all : [stream.below(weights.length)];
    const percent = (): number => (stream.chance(0.5) ? stream.below(81) / 100 : 0);
    const action: FaultAction = {
      type: "link",
      from,
      to: all,
      kinds: kinds.length === 0 ? ["shares"] : kinds,
      loss: stream.chance(0.3) ? 1 : percent(),
      duplicate: percent(),
      reorder: percent(),
      reorderMs: stream.between(0, 300),
      extraDelayMs: [0, stream.pick([0, 50, 400])],
    };
    return { when: { on: "time", atMs: stream.below(Math.floor(faultsMs * 0.8)) }, action, forMs };
  });
}

function drawTrigger(stream: Stream, action: FaultAction, { swarm, weights, faultsMs }: Drawing): Trigger {
  // What is to happen between a record and its message has to strike the one who saves.
  const validator = "validator" in action && stream.chance(0.7) ? action.validator : stream.below(weights.length);
  const whose = stream.chance(0.5) ? { validator } : {};
  const on = stream.pick(swarm.triggers);
  switch (on) {
    case "time":
      return { on, atMs: stream.below(Math.floor(faultsMs * 0.9)) };
    case "height":
      return { on, height: stream.between(1, 15), ...whose };
    case "view":
      return { on, view: stream.between(1, 30), ...whose };
    case "leader":
      return { on, validator, nth: stream.between(1, 4) };
    case "save":
      return { on, ...drawSave(stream, validator), nth: stream.between(1, 10) };
  }
}

function drawSave(stream: Stream, validator: number): Omit<Extract<Trigger, { on: "save" }>, "on" | "nth"> {
  return { validator, content: stream.pick(OPEN_CONTENTS), edge: stream.chance(0.5) ? "before" : "after" };
}

/** Short mostly; sometimes until the heal phase. */
function drawLength(stream: Stream, action: FaultAction, faultsMs: number): { readonly forMs?: number } {
  switch (action.type) {
    case "reset":
    case "message":
    case "wipe":
    case "bitFlip":
    case "truncate":
    case "rollback":
      return {};
    case "upgrade":
      return { forMs: stream.between(50, 1_500) };
    // The offset that a drift leaves behind does not heal with it, so its length is bounded.
    case "clockDrift":
      return { forMs: stream.between(500, faultsMs) };
    default:
      if (stream.chance(0.15)) return {};
      return { forMs: stream.chance(0.5) ? stream.between(20, 500) : stream.between(500, Math.floor(faultsMs * 0.6)) };
  }
}

function drawScene(stream: Stream, scene: Scene, { weights, faultsMs }: Drawing): readonly Fault[] {
  const all = weights.map((_, index) => index);
  const at = (atMs: number): Trigger => ({ on: "time", atMs });
  const beginMs = stream.between(200, 1_000);
  switch (scene) {
    case "skippedViews": {
      const forMs = Math.floor(faultsMs * 0.75);
      const lost = {
        type: "link",
        from: all,
        to: all,
        kinds: ["proposal"],
        loss: 1,
        duplicate: 0,
        reorder: 0,
        reorderMs: 0,
        extraDelayMs: [0, 0],
      } as const;
      const skipped: Fault = { when: at(beginMs), action: lost, forMs };
      if (!stream.chance(0.6)) return [skipped];
      // Who is away meanwhile has none of the TCs and must fetch them by range.
      const away = { type: "crash", validator: stream.below(weights.length), unsynced: "lost" } as const;
      return [skipped, { when: at(beginMs + 100), action: away, forMs: Math.floor(forMs * 0.8) }];
    }
    case "crashStorm": {
      const victims = stream.shuffled(all).slice(0, stream.between(1, Math.min(3, weights.length)));
      return Array.from({ length: stream.between(3, 6) }, () => {
        const validator = stream.pick(victims);
        const unsynced = stream.pick(["kept", "lost", "torn"] as const);
        const when: Trigger = { on: "save", ...drawSave(stream, validator), nth: stream.between(1, 15) };
        return { when, action: { type: "crash", validator, unsynced }, forMs: stream.between(10, 300) };
      });
    }
    case "longOutage": {
      const validator = stream.below(weights.length);
      const isDown = stream.chance(0.7);
      const action: FaultAction = isDown
        ? { type: "crash", validator, unsynced: "lost" }
        : { type: "partition", groups: [all.filter((index) => index !== validator)] };
      return [{ when: at(beginMs), action, forMs: Math.floor(faultsMs * 0.7) }];
    }
    case "noQuorum": {
      const order = stream.shuffled(all);
      const middle = Math.ceil(order.length / 2);
      const groups = [sorted(order.slice(0, middle)), sorted(order.slice(middle))];
      const forMs = stream.between(2_000, Math.min(7_000, Math.floor(faultsMs * 0.8)));
      return [{ when: at(beginMs), action: { type: "partition", groups }, forMs }];
    }
  }
}

const sorted = (items: readonly number[]): number[] => [...items].sort((left, right) => left - right);
