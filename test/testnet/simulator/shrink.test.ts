/** Shrinking: what is left is what the failure needs, whatever else the scenario held. The cause is played by a predicate here, so
 *  that it is known exactly; real failures are shrunk the same way. */

import t from "tap";
import { scenario } from "../../../testnet/scenario/build.ts";
import type { Fault, Scenario } from "../../../testnet/scenario/manifest.ts";
import { realise } from "../../../testnet/simulator/realise.ts";
import { runScenario } from "../../../testnet/simulator/run.ts";
import { countActions, shrink } from "../../../testnet/simulator/shrink.ts";
import { withoutValidator } from "../../../testnet/simulator/shrink_validators.ts";

const ALL = [0, 1, 2, 3];
const TROUBLE = { from: ALL, to: ALL, kinds: [], loss: 0.2, duplicate: 0.1, reorder: 0.1, reorderMs: 20, extraDelayMs: [0, 10] } as const;

function busy(): Scenario {
  let build = scenario("busy", { validators: 4, seed: 9 }).link(TROUBLE, { atMs: 100, forMs: 900 });
  for (let index = 0; index < 20; index++) build = build.partition([[0, 1, 2], [3]], { atMs: 50 * index, forMs: 20 });
  return build.crash(2, { atMs: 700, forMs: 100 }).traitor(3, "doubleVote", { chance: 1 }).build();
}

const violation = { invariant: "agreement", kind: "safety", atUs: 0, validators: [], detail: "planted" } as const;
const never = (): boolean => false;

/** Fails when all of `needs` hold of a scenario. */
function failing(...needs: ((scenario: Scenario) => boolean)[]) {
  return (candidate: Scenario) => ({ violation: needs.every((need) => need(candidate)) ? violation : undefined });
}

const holds = (matches: (fault: Fault) => boolean) => (candidate: Scenario) => candidate.faults.some(matches);

t.test("shrink: one crash and one partition of twenty are to blame, those two are left", async (t) => {
  const run = failing(
    holds(({ action }) => action.type === "crash"),
    holds(({ action, when }) => action.type === "partition" && when.on === "time" && when.atMs === 350),
  );
  const shrunk = shrink(busy(), { invariant: "agreement", signatures: "fast", isTimeOver: never, run });
  t.equal(countActions(shrunk.scenario), 2);
  t.same(shrunk.scenario.faults.map(({ action }) => action.type).sort(), ["crash", "partition"]);
  t.same(shrunk.scenario.byzantine, []);
  t.ok(shrunk.isMinimal);
});

t.test("shrink: a deed of a traitor in one view is to blame, only that view is left", async (t) => {
  const acted = realise(busy(), "fast").byzantine[0]?.views ?? [];
  const view = acted[Math.floor(acted.length / 2)] as number;
  const run = failing(({ byzantine }) => byzantine.some(({ views }) => views === undefined || views.includes(view)));
  const shrunk = shrink(busy(), { invariant: "agreement", signatures: "fast", isTimeOver: never, run });
  t.same(
    shrunk.scenario.byzantine.map(({ views }) => views),
    [[view]],
  );
  t.same(shrunk.scenario.faults, []);
});

t.test("shrink: the time is over, the scenario stays as it was", async (t) => {
  const shrunk = shrink(busy(), { invariant: "agreement", signatures: "fast", isTimeOver: () => true, run: failing() });
  t.equal(shrunk.isMinimal, false);
  t.equal(shrunk.runs, 0);
});

t.test("shrink: a candidate that cannot be run, counts as one that does not fail", async (t) => {
  const run = (candidate: Scenario) => {
    if (candidate.faults.length < 22) throw new Error("no quorum");
    return { violation };
  };
  t.ok(countActions(shrink(busy(), { invariant: "agreement", signatures: "fast", isTimeOver: never, run }).scenario) >= 22);
});

t.test("realise: a run with its chances written down, ends in the same chain", async (t) => {
  const original = busy();
  const realised = realise(original, "fast");
  t.ok(realised.faults.some(({ action }) => action.type === "message"));
  t.notOk(realised.faults.some(({ action }) => action.type === "link"));
  t.ok((realised.byzantine[0]?.views?.length ?? 0) > 0);
  t.equal(runScenario(realised).finalHeight, runScenario(original).finalHeight);
});

t.test("withoutValidator: the others move down, whatever named the one who goes is left out", async (t) => {
  const smaller = withoutValidator(busy(), 2);
  t.equal(smaller?.weights.length, 3);
  t.same(
    smaller?.byzantine.map(({ validator }) => validator),
    [2],
  );
  t.notOk(smaller?.faults.some(({ action }) => action.type === "crash"));
  const partition = smaller?.faults.find(({ action }) => action.type === "partition")?.action;
  t.same(partition, { type: "partition", groups: [[0, 1], [2]] });
  t.equal(withoutValidator(scenario("one", { validators: 1 }).build(), 0), undefined);
});
