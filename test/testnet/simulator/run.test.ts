/** Whole runs: what each expectation comes to, that a run is a function of its scenario, and that hearing it changes nothing. */

import t from "tap";
import { runProcess } from "../../../scripts/gate/processes.ts";
import { findRuntime, GATE_ENVIRONMENT, PROJECT_ROOT, scriptArgs } from "../../../scripts/gate/runtimes.ts";
import { on, scenario } from "../../../testnet/scenario/build.ts";
import { readCorpusScenario } from "../../../testnet/scenario/corpus.ts";
import { expandSeed } from "../../../testnet/scenario/expand.ts";
import type { Scenario } from "../../../testnet/scenario/manifest.ts";
import type { Fact } from "../../../testnet/simulator/facts.ts";
import { runScenario, ScenarioError } from "../../../testnet/simulator/run.ts";

/** Seeds whose hashes are compared between processes: clusters of several sizes, with traitors and without. */
const SEEDS = [3, 8, 11];

t.test("runScenario: one scenario twice, the same trace hash; another seed, another one", async (t) => {
  const hashOf = (seed: number): string => runScenario(expandSeed(seed)).traceHash;
  t.equal(hashOf(3), hashOf(3));
  t.not(hashOf(3), hashOf(8));
});

t.test("runScenario: observers listen, the trace is the same", async (t) => {
  let count = 0;
  const heard = runScenario(expandSeed(8), { observers: [() => count++] });
  t.equal(heard.traceHash, runScenario(expandSeed(8)).traceHash);
  t.equal(count, heard.facts);
});

t.test("simulate: two processes, Node and Deno, the same trace hash", async (t) => {
  const runtimes = [findRuntime("node"), findRuntime("deno")].filter((runtime) => runtime !== undefined);
  const hashes: string[] = SEEDS.map((seed) => runScenario(expandSeed(seed)).traceHash);
  for (const runtime of runtimes) {
    for (const [index, seed] of SEEDS.entries()) {
      const args = scriptArgs(runtime.name, "scripts/simulate.ts", ["--seed", String(seed), "--json"]);
      const child = await runProcess({ command: runtime.executable, args, cwd: PROJECT_ROOT, env: GATE_ENVIRONMENT, deadlineMs: 120_000 });
      t.equal(child.exitCode, 0, child.stderr);
      const run = JSON.parse(child.stdout.split("\n")[0] ?? "{}") as { traceHash?: string };
      t.equal(run.traceHash, hashes[index], `seed ${seed} on ${runtime.name}`);
    }
  }
});

t.test("runScenario: expectations, met by the corpus and not by each other's scenarios", async (t) => {
  const verdict = (name: string, change: Partial<Scenario> = {}) => runScenario({ ...readCorpusScenario(name).scenario, ...change });
  t.equal(verdict("calm").verdict, "pass");
  t.equal(verdict("must_stall_halves").verdict, "pass");
  t.equal(verdict("must_break_split_brain").verdict, "pass");
  t.match(verdict("calm", { expect: "break" }), { verdict: "violation", violation: { invariant: "agreement", kind: "safety" } });
  t.match(verdict("calm", { expect: "stall" }), { verdict: "violation", violation: { invariant: "noProgressWhenCut" } });
});

t.test("runScenario: no honest quorum lasts though progress is expected, an error that says so", async (t) => {
  const hopeless = { ...scenario("hopeless", { validators: 4 }).build(), byzantine: [0, 1].map(silent) };
  t.throws(() => runScenario(hopeless), ScenarioError);
});

t.test("faults: each kind in one run, begins, ends and is survived", async (t) => {
  const all = [0, 1, 2, 3];
  const eventful = scenario("eventful", { validators: 4, seed: 5 })
    .partition(
      [
        [0, 1],
        [2, 3],
      ],
      { atMs: 300, forMs: 400 },
    )
    .cut({ from: [0], to: [1] }, { atMs: 900, forMs: 300 })
    .stall({ from: [1], to: all }, { atMs: 1_300, forMs: 200 })
    .bandwidth({ from: all, to: [2], bytesPerSecond: 20_000 }, { atMs: 1_600, forMs: 300 })
    .reset({ from: [0], to: [1, 2, 3] }, { atMs: 2_000 })
    .crash(1, { when: on.afterSave(1, "vote", { nth: 3 }), forMs: 200, unsynced: "torn" })
    .pause(2, { atMs: 2_300, forMs: 200 })
    .upgrade(3, { atMs: 2_600 })
    .slowDisk(0, { atMs: 2_800, forMs: 200, syncMs: [20, 40] })
    .diskFull(1, { atMs: 3_000, forMs: 200 })
    .clockSkew(2, { atMs: 3_200, forMs: 300, offsetMs: 400 })
    .clockDrift(3, { atMs: 3_200, forMs: 300, partsPerMillion: 50_000 })
    .bitFlip(0, { atMs: 3_600 })
    .build();
  const seen = new Map<string, string[]>();
  const note = (fact: Fact): void => {
    if (fact.type === "fault") seen.set(fact.fault.action.type, [...(seen.get(fact.fault.action.type) ?? []), fact.edge]);
    if (fact.type === "refusedStart") seen.set("refused", [fact.reason]);
  };
  const result = runScenario(eventful, { observers: [note] });
  t.same(result.violations, []);
  for (const { action } of eventful.faults) t.same(seen.get(action.type), ["begin", "end"], action.type);
  t.match(seen.get("refused")?.[0], /the store is damaged/);
});

function silent(validator: number) {
  return { validator, strategy: "silentLeader", chance: 1 } as const;
}
