/** Scenarios as YAML: short, in a stable order, one line per fault and traitor. What the reader fills in is left out, so reading it back
 *  gives an equal scenario. Never judges: a scenario with mistakes is written as it is. */

import { Document, isCollection, isMap, isPair, isSeq, type Node } from "yaml";
import {
  DEFAULT_BUILDER,
  DEFAULT_NAME,
  DEFAULT_PROTOCOL,
  DEFAULT_SEALING,
  DEFAULT_TOPOLOGY,
  DEFAULT_WORKLOAD,
  defaultPhases,
  NO_MIX,
  NO_SEALED_MIX,
} from "./defaults.ts";
import type { Fault, FaultAction, LatencyMatrix, Scenario, SealingPlan, Topology, Traitor, Trigger, Workload } from "./manifest.ts";
import { SMALL_MATRIX, SMALL_MATRIX_NAME } from "./small_matrix.ts";

/** `comment`: lines that stand on top of the file. */
export function writeScenario(scenario: Scenario, { comment = "" }: { readonly comment?: string } = {}): string {
  const document = new Document(briefly(scenario), { version: "1.2", schema: "core", aliasDuplicateObjects: false });
  if (comment !== "") document.commentBefore = comment.replaceAll(/^/gm, " ");
  layOut(document.contents);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

type Plain = Record<string, unknown>;

/** The scenario as a file has it: keys in the order of the manifest, without defaults. */
function briefly(scenario: Scenario): Plain {
  const { weights, protocol, workload, phases } = scenario;
  const isEqual = weights.every((weight) => weight === 1);
  return defined({
    version: scenario.version,
    name: unless(scenario.name, DEFAULT_NAME),
    seed: scenario.seed,
    validators: isEqual ? weights.length : undefined,
    weights: isEqual ? undefined : weights,
    topology: unless(topologyOf(scenario.topology), DEFAULT_TOPOLOGY),
    protocol: unlessEmpty(without({ ...protocol }, { ...DEFAULT_PROTOCOL })),
    application: unless(scenario.application, "ledger"),
    sealing: scenario.sealing === undefined ? undefined : sealingOf(scenario.sealing),
    builders: scenario.builders?.map((builder) => without({ ...builder }, { ...DEFAULT_BUILDER })),
    workload: unlessEmpty(workloadOf(workload)),
    faults: unlessEmpty(scenario.faults.map(faultOf)),
    byzantine: unlessEmpty(scenario.byzantine.map(traitorOf)),
    phases: unlessEmpty(without({ ...phases }, { ...defaultPhases(weights.length) })),
    ties: unless(scenario.ties, "fifo"),
    expect: scenario.expect,
  });
}

function topologyOf(topology: Topology): Plain {
  if (topology.type === "uniform") return { ...topology };
  const { type, regions, matrix, jitter } = topology;
  return defined({ type, regions, matrix: matrixOf(matrix), jitter: unless(jitter, 0) });
}

function matrixOf({ regions, roundTripMs }: LatencyMatrix): unknown {
  return isSame({ regions, roundTripMs }, SMALL_MATRIX) ? SMALL_MATRIX_NAME : { regions, roundTripMs };
}

function workloadOf({ clients, perSecond, mix }: Workload): Plain {
  const scalars = without({ clients, perSecond }, { ...DEFAULT_WORKLOAD });
  const inOrder = Object.fromEntries(Object.keys(NO_MIX).map((kind) => [kind, mix[kind as keyof typeof mix]]));
  return isSame(inOrder, DEFAULT_WORKLOAD.mix) ? scalars : { ...scalars, mix: without(inOrder, { ...NO_MIX }) };
}

/** `{}` where all is as usual: its presence says that the chain seals. */
function sealingOf({ mix, ...rest }: SealingPlan): Plain {
  const scalars = without({ ...rest }, { ...DEFAULT_SEALING });
  const inOrder = Object.fromEntries(Object.keys(NO_SEALED_MIX).map((kind) => [kind, mix[kind as keyof typeof mix]]));
  return isSame(inOrder, DEFAULT_SEALING.mix) ? scalars : { ...scalars, mix: without(inOrder, { ...NO_SEALED_MIX }) };
}

function faultOf({ when, action, forMs }: Fault): Plain {
  return defined({ when: triggerOf(when), action: actionOf(action), forMs });
}

function triggerOf(when: Trigger): Plain {
  return "nth" in when ? without({ ...when }, { nth: 1 }) : defined({ ...when });
}

function actionOf(action: FaultAction): Plain {
  switch (action.type) {
    case "link":
      return without({ ...action }, { kinds: [], loss: 0, duplicate: 0, reorder: 0, reorderMs: 0, extraDelayMs: [0, 0] });
    case "message":
      return { ...action, message: without({ ...action.message }, { view: 0, nth: 0 }) };
    case "crash":
      return without({ ...action }, { unsynced: "lost" });
    case "rollback":
      return without({ ...action }, { saves: 1 });
    default:
      return { ...action };
  }
}

function traitorOf({ validator, strategy, chance, views }: Traitor): Plain {
  return defined({ validator, strategy, chance: unless(chance, 1), views });
}

/** The fields that differ from these. */
function without(value: Plain, defaults: Plain): Plain {
  return Object.fromEntries(
    Object.entries(value).filter(([key, item]) => item !== undefined && !(key in defaults && isSame(item, defaults[key]))),
  );
}

const defined = (value: Plain): Plain => without(value, {});
const unless = (value: unknown, usual: unknown): unknown => (isSame(value, usual) ? undefined : value);
const unlessEmpty = (value: object): unknown => (Object.keys(value).length === 0 ? undefined : value);
const isSame = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right);

/** Sections stand on lines of their own, and so do the items of a list of objects; everything further in stays on its line. */
function layOut(contents: Node | null): void {
  if (!isMap(contents)) return;
  for (const pair of contents.items) {
    if (!isPair(pair) || !isCollection(pair.value)) continue;
    const section = pair.value;
    const isList = isSeq(section) && section.items.some((item) => isMap(item));
    if (!isList) section.flow = true;
    else for (const item of section.items) if (isCollection(item)) item.flow = true;
  }
}
