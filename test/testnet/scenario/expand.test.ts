/** What seeds become: valid by the schema, with an honest quorum that lasts, and over some thousand seeds everything that a scenario can hold. */

import { createHash } from "node:crypto";
import fc from "fast-check";
import t from "tap";
import { describeScenario } from "../../../testnet/scenario/describe.ts";
import { expandSeed } from "../../../testnet/scenario/expand.ts";
import { SAVE_CONTENTS } from "../../../testnet/scenario/fault_schema.ts";
import { BUILDER_STRATEGIES, MESSAGE_KINDS, type Scenario, STRATEGIES, WORKLOAD_KINDS } from "../../../testnet/scenario/manifest.ts";
import { readScenario } from "../../../testnet/scenario/read.ts";
import { parseScenario } from "../../../testnet/scenario/schema.ts";
import { writeScenario } from "../../../testnet/scenario/write.ts";
import { holds } from "../../support/property.ts";

const SEEDS = 3_000;
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const drawn: readonly Scenario[] = Array.from({ length: SEEDS }, (_, seed) => expandSeed(seed));

const FAULT_TYPES =
  "partition cut link bandwidth stall reset message crash pause upgrade lateStart wipe diskFull slowDisk bitFlip truncate rollback clockSkew clockDrift";

t.test("expandSeed: any seed, the schema accepts the scenario unchanged", async (t) => {
  const property = fc.property(seeds, (seed) => {
    const scenario = expandSeed(seed);
    const parsed = parseScenario(scenario);
    return parsed.ok && JSON.stringify(sorted(parsed.scenario)) === JSON.stringify(sorted(scenario)) && scenario.expect === "pass";
  });
  holds(t, property, 500);
});

t.test("expandSeed: one seed twice, the same scenario; other seeds, others", async (t) => {
  holds(
    t,
    fc.property(seeds, (seed) => {
      const [first, second] = [expandSeed(seed), expandSeed(seed)];
      return describeScenario(first) === describeScenario(second);
    }),
    200,
  );
  const texts = new Set(drawn.map((scenario) => describeScenario({ ...scenario, name: "", seed: 0 })));
  t.ok(texts.size > SEEDS - 5, `${texts.size} of ${SEEDS} scenarios differ`);
});

/** Written down, so that another runtime or a slip in a stream shows. Whoever changes what seeds mean writes the new one here. */
const DIGEST_OF_FIRST_SEEDS = "95e4cdb3ba91ad13";

t.test("expandSeed: the first 200 seeds, the scenarios that are written down", async (t) => {
  const digest = createHash("sha256");
  for (const scenario of drawn.slice(0, 200)) digest.update(`${describeScenario(scenario)}\n`);
  t.equal(digest.digest("hex").slice(0, 16), DIGEST_OF_FIRST_SEEDS);
});

/** Weighs by counting units with bigint, so that it shares nothing with the budget that draws. */
t.test("expandSeed: traitors and validators lost for good, always less than a third of the weight together", async (t) => {
  for (const { seed, weights, byzantine, faults } of drawn) {
    const gone = new Set<number>();
    for (const { validator } of byzantine) gone.add(validator);
    for (const { action } of faults) {
      if (action.type === "wipe" || action.type === "bitFlip" || action.type === "truncate" || action.type === "rollback")
        gone.add(action.validator);
    }
    let lost = 0n;
    let kept = 0n;
    for (const [validator, weight] of weights.entries()) {
      if (gone.has(validator)) lost += BigInt(weight);
      else kept += BigInt(weight);
    }
    if (!(kept > 2n * lost)) t.fail(`seed ${seed} loses ${lost} and keeps ${kept}`);
  }
});

t.test("expandSeed: clocks beyond what R14 tolerates, on less than a third of the weight", async (t) => {
  let count = 0;
  for (const { seed, weights, faults } of drawn) {
    const beyond = new Set<number>();
    for (const { action } of faults) if (action.type === "clockSkew" && Math.abs(action.offsetMs) > 1_000) beyond.add(action.validator);
    const weight = [...beyond].reduce((sum, validator) => sum + BigInt(weights[validator] ?? 0), 0n);
    const total = weights.reduce((sum, each) => sum + BigInt(each), 0n);
    if (beyond.size > 0) count++;
    if (!(3n * weight < total)) t.fail(`seed ${seed} has ${weight} of ${total} beyond`);
  }
  t.ok(count > 50, `${count} scenarios have such a clock`);
});

t.test("expandSeed: 3,000 seeds, everything that a scenario can hold was drawn", async (t) => {
  const missing: string[] = [];
  const expected: readonly (readonly [string, readonly string[], (scenario: Scenario) => readonly (string | number)[]])[] = [
    ["fault", FAULT_TYPES.split(" "), ({ faults }) => faults.map(({ action }) => action.type)],
    ["strategy", STRATEGIES, ({ byzantine }) => byzantine.map(({ strategy }) => strategy)],
    ["trigger", ["time", "height", "view", "leader", "save"], ({ faults }) => faults.map(({ when }) => when.on)],
    ["content", SAVE_CONTENTS, ({ faults }) => faults.map(({ when }) => (when.on === "save" ? when.content : ""))],
    ["edge", ["before", "after"], ({ faults }) => faults.map(({ when }) => (when.on === "save" ? when.edge : ""))],
    ["kind", MESSAGE_KINDS, ({ faults }) => faults.flatMap(({ action }) => (action.type === "link" ? action.kinds : []))],
    ["builders", BUILDER_STRATEGIES, ({ builders }) => (builders ?? []).map(({ strategy }) => strategy)],
    ["number of builders", ["0", "1", "2"], ({ builders }) => [builders?.length ?? 0]],
    ["unsynced", ["kept", "lost", "torn"], ({ faults }) => faults.map(({ action }) => (action.type === "crash" ? action.unsynced : ""))],
    [
      "hidden counter",
      ["true", "undefined"],
      ({ faults }) => faults.map(({ action }) => String(action.type === "rollback" && action.hidesCounter)),
    ],
    ["small pool", ["true", "false"], ({ protocol }) => [String(protocol.poolTransactionsMax < 100)]],
    ["application", ["ledger", "null"], ({ application }) => [application]],
    ["ties", ["fifo", "shuffle"], ({ ties }) => [ties]],
    ["topology", ["uniform", "regions"], ({ topology }) => [topology.type]],
    ["validators", Array.from({ length: 16 }, (_, index) => String(index + 1)), ({ weights }) => [weights.length]],
    ["weights", ["equal", "unequal"], ({ weights }) => [weights.every((weight) => weight === weights[0]) ? "equal" : "unequal"]],
    ["workload", WORKLOAD_KINDS, ({ workload }) => WORKLOAD_KINDS.filter((kind) => workload.mix[kind] > 0)],
    ["clients", ["0", "1", "2", "3", "4"], ({ workload }) => [workload.clients]],
    ["faults", Array.from({ length: 9 }, (_, index) => String(index)), ({ faults }) => [faults.length]],
    ["strategies", ["0", "1", "2", "3"], ({ byzantine }) => [byzantine.length]],
  ];
  for (const [what, values, of] of expected) {
    const seen = new Set(drawn.flatMap((scenario) => of(scenario).map(String)));
    missing.push(...values.filter((value) => !seen.has(value)).map((value) => `${what} ${value}`));
  }
  t.same(missing, []);
});

t.test("expandSeed: swarm, some runs are about crashes alone, some about traitors alone, some about nothing", async (t) => {
  const kinds = drawn.map(({ faults, byzantine }) => {
    const types = [...new Set(faults.map(({ action }) => action.type))];
    if (types.length === 0) return byzantine.length === 0 ? "calm" : "traitors";
    return types.length === 1 && types[0] === "crash" && byzantine.length === 0 ? "crashes" : "mixed";
  });
  for (const kind of ["calm", "traitors", "crashes", "mixed"]) t.ok(kinds.filter((each) => each === kind).length >= 30, kind);
});

t.test("expandSeed: options within the bounds that keep a run short", async (t) => {
  for (const { seed, protocol, phases, faults, byzantine, topology } of drawn) {
    const { deltaMsMin, deltaMsMax } = protocol;
    const areDeltasFine = deltaMsMin >= 20 && deltaMsMin <= 200 && deltaMsMax <= 2_000;
    const arePhasesFine = phases.faultsMs >= 4_000 && phases.faultsMs <= 12_000 && phases.coreHeights >= 3 && phases.coreHeights <= 5;
    // 2Δ must hold one way of a proposal and some, or views could never succeed.
    const isFastEnough = topology.type !== "uniform" || 2 * deltaMsMax > 4 * topology.delayMs[1];
    if (!areDeltasFine || !arePhasesFine || !isFastEnough || faults.length > 8 || byzantine.length > 3) t.fail(`seed ${seed}`);
  }
});

t.test("writeScenario: scenarios of seeds, readScenario gives them back; as JSON too", async (t) => {
  const property = fc.property(seeds, (seed) => {
    const scenario = expandSeed(seed);
    const expected = JSON.stringify(sorted(scenario));
    const fromYaml = readScenario(writeScenario(scenario), { format: "yaml" });
    const fromJson = readScenario(JSON.stringify(scenario), { format: "json" });
    return (
      fromYaml.ok &&
      fromJson.ok &&
      JSON.stringify(sorted(fromYaml.scenario)) === expected &&
      JSON.stringify(sorted(fromJson.scenario)) === expected
    );
  });
  holds(t, property, 200);
});

/** Objects with their keys in order, for comparison as text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return entries.map(([key, item]) => [key, sorted(item)]);
}
