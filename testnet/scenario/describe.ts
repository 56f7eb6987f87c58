/** A scenario on one line: all options as `key=value`, in the order of the manifest. Made for people who compare runs; not read back. */

import { unreachable } from "../../types/assert.ts";
import type { BuilderPlan, Fault, FaultAction, Scenario, SealingPlan, Topology, Traitor, Trigger } from "./manifest.ts";

/** No spaces inside a value, except in the name, which is quoted. */
export function describeScenario(scenario: Scenario): string {
  const { protocol, workload, phases, weights } = scenario;
  const mix = Object.entries(workload.mix).filter(([, share]) => share > 0);
  const pairs: readonly (readonly [string, string | number])[] = [
    ["name", JSON.stringify(scenario.name)],
    ["seed", scenario.seed],
    ["expect", scenario.expect],
    ["n", weights.length],
    ["weights", weights.join(",")],
    ["topology", topologyText(scenario.topology)],
    ["deltaMs", `${protocol.deltaMsMin}-${protocol.deltaMsMax}`],
    ["heartbeatMs", protocol.heartbeatMs],
    ["proposeDelayMs", protocol.proposeDelayMs],
    ["resendMs", protocol.resendMs],
    ["blockTransactionsMax", protocol.blockTransactionsMax],
    ["poolTransactionsMax", protocol.poolTransactionsMax],
    ["snapshotBlocks", protocol.snapshotBlocks],
    ["syncMs", protocol.syncMs.join("-")],
    ["application", scenario.application],
    ...(scenario.sealing === undefined ? [] : [["sealing", sealingText(scenario.sealing)] as const]),
    ...(scenario.builders === undefined ? [] : [["builders", `[${scenario.builders.map(builderText).join(";")}]`] as const]),
    ["clients", workload.clients],
    ["perSecond", workload.perSecond],
    ["mix", mix.map(([kind, share]) => `${kind}:${share}`).join(",") || "none"],
    ["faults", `[${scenario.faults.map(faultText).join(";")}]`],
    ["byzantine", `[${scenario.byzantine.map(traitorText).join(";")}]`],
    ["faultsMs", phases.faultsMs],
    ["coreHeights", phases.coreHeights],
    ["viewsMax", phases.viewsMax],
    ["settleMsMax", phases.settleMsMax],
    ["ties", scenario.ties],
  ];
  return pairs.map(([key, value]) => `${key}=${value}`).join(" ");
}

/** One fault, as `crash(2,lost)@save(2,vote,after,#3)+500ms`. */
export function faultText({ when, action, forMs }: Fault): string {
  return `${actionText(action)}@${triggerText(when)}${forMs === undefined ? "" : `+${forMs}ms`}`;
}

function sealingText({ mix, ...rest }: SealingPlan): string {
  const shares = Object.entries(mix).filter(([, share]) => share > 0);
  return [...Object.entries(rest), ...shares].map(([key, value]) => `${key}:${value}`).join(",");
}

function builderText({ strategy, bond, bundlesPerSecond, buildMs, chance }: BuilderPlan): string {
  return `${strategy}:${chance},bond:${bond},bundles:${bundlesPerSecond}/s,build:${buildMs.join("-")}ms`;
}

function topologyText(topology: Topology): string {
  if (topology.type === "uniform") return `uniform:${topology.delayMs.join("-")}ms`;
  const { regions, matrix, jitter } = topology;
  return `regions:${regions.join(",")}:matrix${matrix.regions.length}:jitter${jitter}`;
}

function triggerText(when: Trigger): string {
  switch (when.on) {
    case "time":
      return `${when.atMs}ms`;
    case "height":
      return `height(${when.height}${byText(when.validator)})`;
    case "view":
      return `view(${when.view}${byText(when.validator)})`;
    case "leader":
      return `leader(${when.validator},#${when.nth})`;
    case "save":
      return `save(${when.validator},${when.content},${when.edge},#${when.nth})`;
    default:
      return unreachable(when);
  }
}

function actionText(action: FaultAction): string {
  switch (action.type) {
    case "partition":
      return `partition(${action.groups.map((group) => group.join(",")).join("|")})`;
    case "cut":
    case "stall":
    case "reset":
      return `${action.type}(${linkText(action)})`;
    case "link": {
      const { kinds, loss, duplicate, reorder, reorderMs, extraDelayMs } = action;
      const parts = [`loss:${loss}`, `duplicate:${duplicate}`, `reorder:${reorder}:${reorderMs}ms`, `extra:${extraDelayMs.join("-")}ms`];
      return `link(${linkText(action)},${kinds.join("/") || "all"},${parts.join(",")})`;
    }
    case "bandwidth":
      return `bandwidth(${linkText(action)},${action.bytesPerSecond}B/s)`;
    case "message": {
      const { from, to, kind, view, nth } = action.message;
      return `message(${from}>${to},${kind},v${view},#${nth},${action.delaysMs.map((ms) => `${ms}ms`).join("/") || "lost"})`;
    }
    case "crash":
      return `crash(${action.validator},${action.unsynced})`;
    case "slowDisk":
      return `slowDisk(${action.validator},${action.syncMs.join("-")}ms)`;
    case "rollback":
      return `rollback(${action.validator},${action.saves}${action.hidesCounter === true ? ",hidden" : ""})`;
    case "clockSkew":
      return `clockSkew(${action.validator},${action.offsetMs}ms)`;
    case "clockDrift":
      return `clockDrift(${action.validator},${action.partsPerMillion}ppm)`;
    case "pause":
    case "upgrade":
    case "lateStart":
    case "wipe":
    case "diskFull":
    case "bitFlip":
    case "truncate":
      return `${action.type}(${action.validator})`;
    default:
      return unreachable(action);
  }
}

const linkText = ({ from, to }: { readonly from: readonly number[]; readonly to: readonly number[] }): string =>
  `${from.join(",")}>${to.join(",")}`;

const byText = (validator: number | undefined): string => (validator === undefined ? "" : `,${validator}`);

function traitorText({ validator, strategy, chance, views }: Traitor): string {
  return `${validator}:${strategy}:${views === undefined ? chance : `views${views.join(",")}`}`;
}
