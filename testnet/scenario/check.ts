/** How the parts of a scenario go together: who is named exists, lists are not contradictory, times lie in their phase, and what is expected
 *  can come true. Each value by itself was checked before (schema.ts). */

import { matrixMistakes } from "./latency.ts";
import type { Fault, FaultAction, FaultType, Scenario, Topology, Trigger } from "./manifest.ts";

/** `path`: where in the file, as `faults[2].when.atMs`. */
export interface Mistake {
  readonly path: string;
  readonly message: string;
}

/** Faults whose validator never signs again. */
export const LOST_FOR_GOOD: readonly FaultType[] = ["wipe", "bitFlip", "truncate", "rollback"];

/** All mistakes, in the order of the file. */
export function scenarioMistakes(scenario: Scenario): readonly Mistake[] {
  return [
    ...topologyMistakes(scenario.topology, scenario.weights.length),
    ...protocolMistakes(scenario),
    ...workloadMistakes(scenario),
    ...sealingMistakes(scenario),
    ...builderMistakes(scenario),
    ...scenario.faults.flatMap((fault, index) => faultMistakes(fault, `faults[${index}]`, scenario)),
    ...traitorMistakes(scenario),
    ...expectationMistakes(scenario),
  ];
}

/** Validators that no fault takes for good and that have no strategy. */
export function lastingHonest({ weights, faults, byzantine }: Pick<Scenario, "weights" | "faults" | "byzantine">): readonly number[] {
  const gone = new Set(byzantine.map(({ validator }) => validator));
  for (const { action } of faults) if (LOST_FOR_GOOD.includes(action.type) && "validator" in action) gone.add(action.validator);
  return weights.map((_, index) => index).filter((index) => !gone.has(index));
}

/** All that run: validators, then builders. */
export const nodeCountOf = ({ weights, builders }: Pick<Scenario, "weights" | "builders">): number =>
  weights.length + (builders?.length ?? 0);

function topologyMistakes(topology: Topology, count: number): Mistake[] {
  if (topology.type === "uniform") return [];
  const { regions, matrix } = topology;
  const mistakes = matrixMistakes(matrix).map((message) => ({ path: "topology.matrix", message }));
  if (regions.length !== count)
    mistakes.push({ path: "topology.regions", message: `must name ${count} regions, one per validator, not ${regions.length}` });
  for (const [index, region] of regions.entries()) {
    if (matrix.regions.includes(region)) continue;
    mistakes.push({
      path: `topology.regions[${index}]`,
      message: `the matrix has no region ${JSON.stringify(region)}; it has ${matrix.regions.join(", ")}`,
    });
  }
  return mistakes;
}

function protocolMistakes({ protocol: { deltaMsMin, deltaMsMax } }: Scenario): Mistake[] {
  return deltaMsMin <= deltaMsMax ? [] : [{ path: "protocol.deltaMsMin", message: `must not exceed deltaMsMax, which is ${deltaMsMax}` }];
}

function workloadMistakes({ workload: { clients, perSecond, mix } }: Scenario): Mistake[] {
  const isIdle = clients === 0 || perSecond === 0;
  const total = Object.values(mix).reduce((sum, share) => sum + share, 0);
  return isIdle || total > 0 ? [] : [{ path: "workload.mix", message: "must give at least one kind a share above 0, or set clients to 0" }];
}

function sealingMistakes({ sealing, application, weights }: Scenario): Mistake[] {
  if (sealing === undefined) return [];
  const mistakes: Mistake[] = [];
  if (application !== "ledger") mistakes.push({ path: "sealing", message: "asks for the ledger: must be left out" });
  if (weights.some((weight) => weight !== weights[0]))
    mistakes.push({ path: "sealing", message: "asks for equal weights: must be left out" });
  if (sealing.perSecond > 0 && Object.values(sealing.mix).every((share) => share === 0)) {
    mistakes.push({ path: "sealing.mix", message: "must give at least one kind a share above 0, or set perSecond to 0" });
  }
  return mistakes;
}

function builderMistakes({ builders, application }: Scenario): Mistake[] {
  if (builders === undefined || application === "ledger") return [];
  return [{ path: "builders", message: "asks for the ledger: must be left out" }];
}

function faultMistakes({ when, action, forMs }: Fault, path: string, scenario: Scenario): Mistake[] {
  const mistakes = [
    ...triggerMistakes(when, `${path}.when`, scenario),
    ...actionMistakes(action, `${path}.action`, nodesOf(action, scenario)),
  ];
  if (action.type === "lateStart" && !(when.on === "time" && when.atMs === 0)) {
    mistakes.push({ path: `${path}.when`, message: "lateStart begins with the run: must be { on: time, atMs: 0 }" });
  }
  if (action.type === "reset" && forMs !== undefined)
    mistakes.push({ path: `${path}.forMs`, message: "a reset is over at once: must be left out" });
  return mistakes;
}

/** Builders share links, crashes and disks with validators. A store lost for good is a matter of who signs. */
function nodesOf({ type }: FaultAction, scenario: Scenario): number {
  return LOST_FOR_GOOD.includes(type) ? scenario.weights.length : nodeCountOf(scenario);
}

function triggerMistakes(when: Trigger, path: string, { weights, phases }: Scenario): Mistake[] {
  const mistakes =
    "validator" in when && when.validator !== undefined ? indexMistakes([when.validator], `${path}.validator`, weights.length) : [];
  if (when.on === "time" && when.atMs >= phases.faultsMs) {
    mistakes.push({ path: `${path}.atMs`, message: `must lie within the fault phase: below ${phases.faultsMs}` });
  }
  return mistakes;
}

function actionMistakes(action: FaultAction, path: string, count: number): Mistake[] {
  if ("validator" in action) return indexMistakes([action.validator], `${path}.validator`, count);
  if (action.type === "partition") {
    return action.groups.flatMap((group, index) => listMistakes(group, `${path}.groups[${index}]`, count));
  }
  if (action.type === "message") {
    const { from, to } = action.message;
    const mistakes = [...indexMistakes([from], `${path}.message.from`, count), ...indexMistakes([to], `${path}.message.to`, count)];
    if (from === to) mistakes.push({ path: `${path}.message.to`, message: "must differ from `from`: nobody sends to itself" });
    return mistakes;
  }
  const mistakes = [...listMistakes(action.from, `${path}.from`, count), ...listMistakes(action.to, `${path}.to`, count)];
  if (action.from.length === 1 && action.to.length === 1 && action.from[0] === action.to[0]) {
    mistakes.push({ path: `${path}.to`, message: "must name somebody besides `from`: nobody sends to itself" });
  }
  return mistakes;
}

function listMistakes(validators: readonly number[], path: string, count: number): Mistake[] {
  const mistakes = validators.flatMap((validator, index) => indexMistakes([validator], `${path}[${index}]`, count));
  if (new Set(validators).size !== validators.length) mistakes.push({ path, message: "must name each validator once" });
  return mistakes;
}

function indexMistakes(validators: readonly number[], path: string, count: number): Mistake[] {
  const message = `must be a validator from 0 to ${count - 1}`;
  return validators.filter((validator) => validator >= count).map(() => ({ path, message }));
}

function traitorMistakes({ byzantine, weights }: Scenario): Mistake[] {
  const seen = new Set<string>();
  return byzantine.flatMap(({ validator, strategy }, index) => {
    const mistakes = indexMistakes([validator], `byzantine[${index}].validator`, weights.length);
    const key = `${validator} ${strategy}`;
    if (seen.has(key))
      mistakes.push({
        path: `byzantine[${index}]`,
        message: `validator ${validator} has the strategy ${strategy} already: must be named once`,
      });
    seen.add(key);
    return mistakes;
  });
}

/** `pass` and `stall` end with a healed cluster that must move on; `break` needs traitors who can do it. */
function expectationMistakes(scenario: Scenario): Mistake[] {
  const { weights, byzantine, expect } = scenario;
  const total = sumOf(weights);
  if (expect === "break") {
    const traitors = [...new Set(byzantine.map(({ validator }) => validator))];
    const weight = sumOf(traitors.map((validator) => weights[validator] ?? 0));
    if (3 * weight >= total) return [];
    return [{ path: "expect", message: `break needs traitors with at least a third of the weight: they have ${weight} of ${total}` }];
  }
  const weight = sumOf(lastingHonest(scenario).map((validator) => weights[validator] ?? 0));
  if (3 * weight > 2 * total) return [];
  const who = "honest validators that no fault takes for good";
  return [{ path: "expect", message: `${expect} needs more than two thirds of the weight in ${who}: they have ${weight} of ${total}` }];
}

const sumOf = (weights: readonly number[]): number => weights.reduce((sum, weight) => sum + weight, 0);
