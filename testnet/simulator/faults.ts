/** Brings the faults of a scenario about: at their time, or when what they wait for happens. Lasting faults end after their time, with
 *  the core phase where they touch its members, or with the heal phase. What is lost for good stays lost: a wiped validator comes back as an
 *  observer, a damaged or outdated store stays down. */

import type { Durable } from "../../replica/interface.ts";
import { assert, unreachable } from "../../types/assert.ts";
import { ZERO_HASH } from "../../types/ids.ts";
import type { Fault, FaultAction, SaveContent, Scenario, Trigger } from "../scenario/manifest.ts";
import type { SimulatedCluster } from "./cluster.ts";
import type { Fact } from "./facts.ts";
import type { SimulatedValidator } from "./simulated_validator.ts";

export interface FaultController {
  /** Before anything runs: who starts late, what is timed. */
  begin(): void;
  observe(fact: Fact): void;
  onSave(validator: number, durable: Durable, edge: "before" | "after"): void;
  /** No fault begins any more; those that touch only these validators end, and they run. */
  healCore(core: readonly number[]): void;
  healAll(): void;
}

interface Watched {
  readonly index: number;
  readonly fault: Fault;
  seen: number;
}

/** How long a damaged or wiped validator is down before its operator tries to start it. */
const RESTART_AFTER_MS = 200;

export function createFaultController(cluster: SimulatedCluster, scenario: Scenario): FaultController {
  const { scheduler, network } = cluster;
  const watched: Watched[] = [];
  const active = new Map<number, Fault>();
  let core: ReadonlySet<number> = new Set();
  let isOver = false;

  const validatorAt = (index: number): SimulatedValidator => {
    const validator = cluster.nodes[index];
    assert(validator !== undefined, "the scenario's validators exist");
    return validator;
  };

  function fire({ index, fault }: { readonly index: number; readonly fault: Fault }): void {
    if (isOver) return;
    const { forMs } = fault;
    cluster.emit({ type: "fault", atUs: scheduler.nowUs, index, fault, edge: "begin" });
    active.set(index, fault);
    apply(index, fault.action);
    const lastsMs = forMs ?? momentMs(fault.action);
    if (lastsMs !== undefined) scheduler.after(lastsMs * 1_000, () => finish(index));
  }

  function finish(index: number): void {
    const fault = active.get(index);
    if (fault === undefined) return;
    active.delete(index);
    lift(index, fault.action);
    cluster.emit({ type: "fault", atUs: scheduler.nowUs, index, fault, edge: "end" });
  }

  function apply(index: number, action: FaultAction): void {
    switch (action.type) {
      case "partition":
      case "cut":
      case "stall":
      case "link":
      case "bandwidth":
      case "message":
        network.begin(index, action);
        return cluster.refreshLinks();
      case "reset":
        return cluster.resetLinks(action.from, action.to);
      case "crash":
        return cluster.stopValidator(action.validator, { why: "crash", unsynced: action.unsynced });
      case "upgrade":
        return cluster.stopValidator(action.validator, { why: "upgrade", unsynced: "kept" });
      case "pause":
        return validatorAt(action.validator).pause();
      case "lateStart":
        return;
      case "wipe":
        cluster.stopValidator(action.validator, { why: "wipe", unsynced: "lost" });
        return validatorAt(action.validator).wipe();
      case "diskFull":
        return validatorAt(action.validator).setDisk({ isFull: true });
      case "slowDisk":
        return validatorAt(action.validator).setDisk({ syncMs: action.syncMs });
      case "bitFlip":
      case "truncate":
        cluster.stopValidator(action.validator, { why: "crash", unsynced: "lost" });
        return validatorAt(action.validator).disk.damage(action.type);
      case "rollback":
        cluster.stopValidator(action.validator, { why: "crash", unsynced: "lost" });
        return validatorAt(action.validator).disk.rollBack({ saves: action.saves, hidesCounter: action.hidesCounter === true });
      case "clockSkew":
        return validatorAt(action.validator).clock.skew(action.offsetMs);
      case "clockDrift":
        return validatorAt(action.validator).clock.drift(action.partsPerMillion);
      default:
        return unreachable(action);
    }
  }

  function lift(index: number, action: FaultAction): void {
    switch (action.type) {
      case "partition":
      case "cut":
      case "stall":
      case "link":
      case "bandwidth":
      case "message":
        network.end(index);
        return cluster.refreshLinks();
      case "crash":
      case "upgrade":
      case "lateStart":
      case "wipe":
      case "bitFlip":
      case "truncate":
      case "rollback":
        return startUnlessDown(action.validator);
      case "pause":
        return validatorAt(action.validator).resume();
      case "diskFull":
        validatorAt(action.validator).setDisk({ isFull: false });
        return startUnlessDown(action.validator);
      case "slowDisk":
        return validatorAt(action.validator).setDisk({ syncMs: scenario.protocol.syncMs });
      case "clockSkew":
        return validatorAt(action.validator).clock.skew(0);
      case "clockDrift":
        return validatorAt(action.validator).clock.drift(0);
      case "reset":
        return;
      default:
        return unreachable(action);
    }
  }

  /** Another fault may still hold it down. */
  function startUnlessDown(validator: number): void {
    const isHeld = [...active.values()].some(({ action }) => isDown(action) && action.validator === validator);
    if (!isHeld) cluster.startValidator(validator);
  }

  function watch(matches: (trigger: Trigger) => boolean): void {
    for (const each of [...watched]) {
      const { when } = each.fault;
      if (!matches(when)) continue;
      each.seen++;
      if (each.seen < ("nth" in when ? when.nth : 1)) continue;
      watched.splice(watched.indexOf(each), 1);
      // A fault never strikes in the middle of a step: observers hear facts while effects are being performed.
      if (when.on === "save") fire(each);
      else scheduler.after(0, () => fire(each));
    }
  }

  return {
    begin() {
      const late = new Set<number>();
      for (const [index, fault] of scenario.faults.entries()) {
        if (fault.action.type === "lateStart") {
          late.add(fault.action.validator);
          fire({ index, fault });
        } else if (fault.when.on === "time") {
          scheduler.after(fault.when.atMs * 1_000, () => fire({ index, fault }));
        } else watched.push({ index, fault, seen: 0 });
      }
      for (const { index } of cluster.nodes) if (!late.has(index)) cluster.startValidator(index);
    },
    observe(fact) {
      if (watched.length === 0) return;
      if (fact.type === "enteredView") {
        watch(
          (when) =>
            (when.on === "view" && fact.view >= when.view && (when.validator ?? fact.validator) === fact.validator) ||
            (when.on === "leader" && fact.validator === when.validator && fact.leader === when.validator),
        );
      }
      if (fact.type === "finalized") {
        const height = fact.blocks.at(-1)?.header.height ?? 0;
        watch((when) => when.on === "height" && height >= when.height && (when.validator ?? fact.validator) === fact.validator);
      }
    },
    onSave(validator, durable, edge) {
      if (watched.length === 0) return;
      watch((when) => when.on === "save" && when.validator === validator && when.edge === edge && holds(durable, when.content));
    },
    healCore(members) {
      isOver = true;
      core = new Set(members);
      watched.length = 0;
      network.spare(members);
      for (const [index, { action }] of [...active]) if ("validator" in action && core.has(action.validator)) finish(index);
      for (const member of members) startUnlessDown(member);
      cluster.refreshLinks();
    },
    healAll() {
      isOver = true;
      for (const index of [...active.keys()]) finish(index);
      for (const { index } of cluster.nodes) cluster.startValidator(index);
      cluster.refreshLinks();
    },
  };
}

/** Faults that have no length of their own but whose victim comes back by itself. */
function momentMs(action: FaultAction): number | undefined {
  switch (action.type) {
    case "reset":
      return 0;
    case "upgrade":
    case "wipe":
    case "bitFlip":
    case "truncate":
    case "rollback":
      return RESTART_AFTER_MS;
    default:
      return undefined;
  }
}

type DownAction = Extract<FaultAction, { type: "crash" | "upgrade" | "lateStart" | "wipe" | "bitFlip" | "truncate" | "rollback" }>;

const DOWN_TYPES: readonly FaultAction["type"][] = ["crash", "upgrade", "lateStart", "wipe", "bitFlip", "truncate", "rollback"];

function isDown(action: FaultAction): action is DownAction {
  return DOWN_TYPES.includes(action.type);
}

function holds(durable: Durable, content: SaveContent): boolean {
  switch (content) {
    case "proposal":
      return durable.records.some(({ proposedHash }) => proposedHash !== ZERO_HASH);
    case "vote":
      return durable.records.some(({ votedHash }) => votedHash !== ZERO_HASH);
    case "commit":
      return durable.records.some(({ committedHash }) => committedHash !== ZERO_HASH);
    case "timeout":
      return durable.records.some(({ hasTimedOut }) => hasTimedOut);
    case "admission":
      return durable.records.some(({ admittedBy }) => admittedBy !== undefined);
    case "finality":
      return durable.finality.length > 0;
    case "block":
      return durable.blocks.length > 0;
    case "shares":
      return durable.shares.length > 0;
    default:
      return unreachable(content);
  }
}
