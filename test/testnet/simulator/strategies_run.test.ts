/** Strategies in whole runs, with phases, workload, faults and every checker: each passes alone, and conspiracies break as expected. */

import t from "tap";
import { DEFAULT_SEALING } from "../../../testnet/scenario/defaults.ts";
import { OPEN_STRATEGIES, type Scenario, SEALED_STRATEGIES, type SealingPlan, type Traitor } from "../../../testnet/scenario/manifest.ts";
import { runScenario } from "../../../testnet/simulator/run.ts";
import { scenarioOf, traitor } from "./strategies_support.ts";

/** One traitor of four, some loss for a while, and a ledger with traffic. */
function scenarioWith(seed: number, byzantine: readonly Traitor[]): Scenario {
  const everybody = [0, 1, 2, 3];
  const base = scenarioOf({ seed, byzantine, forMs: 1_500 });
  return {
    ...base,
    application: "ledger",
    workload: { clients: 2, perSecond: 20, mix: { transfer: 6, linked: 1, pend: 1, invalid: 1, duplicate: 1, replay: 1, lie: 1 } },
    faults: [
      {
        when: { on: "time", atMs: 300 },
        forMs: 500,
        action: {
          type: "link",
          from: everybody,
          to: everybody,
          kinds: [],
          loss: 0.1,
          duplicate: 0.1,
          reorder: 0.1,
          reorderMs: 40,
          extraDelayMs: [0, 5],
        },
      },
    ],
    phases: { faultsMs: 1_500, coreHeights: 3, viewsMax: 200, settleMsMax: 30_000 },
  };
}

/** Dense sealed traffic, so that there is something to betray from the first second on. */
const SEALING: SealingPlan = {
  ...DEFAULT_SEALING,
  keygenWindowMs: 200,
  perSecond: 60,
  mix: { valid: 4, failing: 3, refused: 1, copied: 1 },
};

for (const [index, name] of SEALED_STRATEGIES.entries()) {
  t.test(`${name}: a whole run passes all checkers while it acts`, async (t) => {
    let deeds = 0;
    const count = (fact: { readonly type: string }): void => {
      if (fact.type === "betrayal") deeds++;
    };
    const scenario = { ...scenarioWith(80 + index, [traitor(index % 4, name)]), sealing: SEALING };
    const result = runScenario(scenario, { observers: [count] });
    t.equal(result.verdict, "pass", result.violation === undefined ? "" : `${result.violation.invariant}: ${result.violation.detail}`);
    t.ok(deeds > 0, `${deeds} deeds`);
  });
}

for (const [index, name] of OPEN_STRATEGIES.entries()) {
  t.test(`${name}: a whole run passes all checkers while it acts`, async (t) => {
    let deeds = 0;
    const count = (fact: { readonly type: string }): void => {
      if (fact.type === "betrayal") deeds++;
    };
    const result = runScenario(scenarioWith(40 + index, [traitor(index % 4, name)]), { observers: [count] });
    t.equal(result.verdict, "pass", result.violation === undefined ? "" : `${result.violation.invariant}: ${result.violation.detail}`);
    t.ok(deeds > 0, `${deeds} deeds`);
  });
}

t.test("R3: two traitors of four and a partition: the checkers see agreement broken, and nobody honest is blamed", async (t) => {
  const conspiracies: readonly (readonly Traitor[])[] = [
    [traitor(2, "equivocatingLeader"), traitor(3, "doubleVote")],
    [traitor(2, "splitBrain"), traitor(3, "splitBrain")],
  ];
  for (const byzantine of conspiracies) {
    const groups = [
      [0, 2, 3],
      [1, 2, 3],
    ];
    const faults = [{ when: { on: "time", atMs: 0 }, action: { type: "partition", groups } }] as const;
    const scenario: Scenario = { ...scenarioOf({ seed: 3, byzantine, forMs: 3_000, faults }), expect: "break" };
    const result = runScenario(scenario);
    t.equal(result.verdict, "pass", result.violation?.detail ?? "");
    t.ok(result.violations.some(({ invariant }) => invariant === "agreement"));
  }
});
