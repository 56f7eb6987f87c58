/** A scenario with one validator less: those above it move down by one. */

import type { Fault, FaultAction, Scenario, Trigger } from "../scenario/manifest.ts";

/** Undefined where it cannot be done: the last validator. Faults and roles of the one who goes are left out. */
export function withoutValidator(scenario: Scenario, gone: number): Scenario | undefined {
  if (scenario.weights.length === 1) return undefined;
  const isKept = (_: unknown, index: number): boolean => index !== gone;
  const { topology } = scenario;
  return {
    ...scenario,
    weights: scenario.weights.filter(isKept),
    topology: topology.type === "regions" ? { ...topology, regions: topology.regions.filter(isKept) } : topology,
    byzantine: scenario.byzantine.flatMap((traitor) =>
      traitor.validator === gone ? [] : [{ ...traitor, validator: moved(traitor.validator, gone) }],
    ),
    faults: scenario.faults.flatMap((fault) => withoutInFault(fault, gone)),
  };
}

const moved = (index: number, gone: number): number => (index > gone ? index - 1 : index);

const movedAll = (indices: readonly number[], gone: number): number[] =>
  indices.filter((index) => index !== gone).map((index) => moved(index, gone));

function withoutInFault(fault: Fault, gone: number): readonly Fault[] {
  const when = withoutInTrigger(fault.when, gone);
  const action = withoutInAction(fault.action, gone);
  return when === undefined || action === undefined ? [] : [{ ...fault, when, action }];
}

function withoutInTrigger(when: Trigger, gone: number): Trigger | undefined {
  if (!("validator" in when) || when.validator === undefined) return when;
  return when.validator === gone ? undefined : { ...when, validator: moved(when.validator, gone) };
}

function withoutInAction(action: FaultAction, gone: number): FaultAction | undefined {
  if (action.type === "partition")
    return { ...action, groups: action.groups.map((group) => movedAll(group, gone)).filter(({ length }) => length > 0) };
  if (action.type === "message") {
    const { message } = action;
    if (message.from === gone || message.to === gone) return undefined;
    return { ...action, message: { ...message, from: moved(message.from, gone), to: moved(message.to, gone) } };
  }
  if ("validator" in action) return action.validator === gone ? undefined : { ...action, validator: moved(action.validator, gone) };
  const from = movedAll(action.from, gone);
  const to = movedAll(action.to, gone);
  return from.length === 0 || to.length === 0 ? undefined : { ...action, from, to };
}
