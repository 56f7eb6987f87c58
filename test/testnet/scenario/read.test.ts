/** Scenario files: what may be left out, and that each mistake names its path and what is allowed. */

import { readFileSync } from "node:fs";
import path from "node:path";
import t from "tap";
import { DEFAULT_PROTOCOL, DEFAULT_TOPOLOGY, DEFAULT_WORKLOAD } from "../../../testnet/scenario/defaults.ts";
import type { Scenario } from "../../../testnet/scenario/manifest.ts";
import { formatOf, mistakesText, readScenario } from "../../../testnet/scenario/read.ts";
import { readScenarioFile } from "../../../testnet/scenario/read_file.ts";

const readYaml = (text: string) => readScenario(text, { format: "yaml" });

function scenarioOf(text: string): Scenario {
  const read = readYaml(text);
  if (!read.ok) throw new Error(mistakesText(read.mistakes));
  return read.scenario;
}

function mistakesOf(text: string): string {
  const read = readYaml(text);
  return read.ok ? "" : mistakesText(read.mistakes);
}

t.test("readScenario: nothing but the version, four equal validators and all defaults", async (t) => {
  t.same(scenarioOf("version: 1"), {
    version: 1,
    name: "unnamed",
    seed: 1,
    weights: [1, 1, 1, 1],
    topology: DEFAULT_TOPOLOGY,
    protocol: DEFAULT_PROTOCOL,
    application: "ledger",
    workload: DEFAULT_WORKLOAD,
    faults: [],
    byzantine: [],
    phases: { faultsMs: 6_000, coreHeights: 4, viewsMax: 64, settleMsMax: 60_000 },
    ties: "fifo",
    expect: "pass",
  });
});

t.test("readScenario: parts of sections, the rest is filled in", async (t) => {
  const scenario = scenarioOf(`
version: 1
validators: 7
protocol: { deltaMsMin: 30 }
workload: { mix: { linked: 2 } }
phases: { faultsMs: 9000 }
faults:
  - { when: { on: leader, validator: 2 }, action: { type: link, from: [0], to: [1], loss: 0.5 } }
  - { when: { on: time, atMs: 1.5 }, action: { type: crash, validator: 6 }, forMs: 100 }
byzantine: [{ validator: 1, strategy: amnesia }]
`);
  t.equal(scenario.weights.length, 7);
  t.same(scenario.protocol, { ...DEFAULT_PROTOCOL, deltaMsMin: 30 });
  t.same(scenario.workload.mix, { transfer: 0, linked: 2, pend: 0, invalid: 0, duplicate: 0, replay: 0, lie: 0 });
  t.same(scenario.phases, { faultsMs: 9_000, coreHeights: 4, viewsMax: 82, settleMsMax: 60_000 });
  t.same(scenario.faults[0]?.when, { on: "leader", validator: 2, nth: 1 });
  t.match(scenario.faults[0]?.action, { kinds: [], loss: 0.5, duplicate: 0, reorder: 0, reorderMs: 0, extraDelayMs: [0, 0] });
  t.notOk("forMs" in (scenario.faults[0] ?? {}), "what is left out is absent");
  t.match(scenario.faults[1]?.action, { type: "crash", unsynced: "lost" });
  t.same(scenario.byzantine, [{ validator: 1, strategy: "amnesia", chance: 1 }]);
});

const fault = (when: string, action: string, more = ""): string => `version: 1\nfaults: [{ when: ${when}, action: ${action}${more} }]`;
const action = (text: string): string => fault("{ on: time, atMs: 0 }", text);
const when = (text: string): string => fault(text, "{ type: pause, validator: 0 }");
const regions = (text: string): string => `version: 1\ntopology: { type: regions, ${text} }`;

const MISTAKES: readonly (readonly [string, string])[] = [
  ["", "(file): must be an object with: version, name, seed"],
  ["[]", "(file): must be an object with: version"],
  ["name: x", "version: must be 1, the version of this format"],
  ["version: 2", "version: must be 1"],
  ["version: 1\ncolour: red", '(file): unknown "colour"; allowed here: version, name, seed, validators, weights'],
  ["version: 1\nseed: -1", "seed: must be a whole number from 0 to 4294967295"],
  ["version: 1\nseed: 1.5", "seed: must be a whole number from 0 to 4294967295"],
  ['version: 1\nname: ""', "name: must be 1 to 200 printable characters"],
  ["version: 1\nvalidators: 65", "validators: must be a whole number from 1 to 64"],
  ["version: 1\nweights: []", "weights: must be a list of 1 to 64 weights"],
  ["version: 1\nweights: [1, 0]", "weights[1]: must be a whole number from 1 to 1000000"],
  ["version: 1\nvalidators: 2\nweights: [1, 1]", 'validators: give either "validators" or "weights", not both'],
  ["version: 1\ntopology: uniform", 'topology: must be an object with "type": one of uniform, regions'],
  ["version: 1\ntopology: { type: star }", "topology.type: must be one of uniform, regions"],
  ["version: 1\ntopology: { type: uniform, delayMs: [5, 1] }", "topology.delayMs: must be [least, most] in milliseconds, from 0 to 60000"],
  [regions("regions: [north], matrix: small"), "topology.regions: must name 4 regions, one per validator, not 1"],
  [
    regions("regions: [north, west, mars, far], matrix: small"),
    'topology.regions[2]: the matrix has no region "mars"; it has north, west, east',
  ],
  [regions("regions: [], matrix: large"), 'topology.matrix: must be "small", a path that ends in .json, or { regions, roundTripMs }'],
  [regions("regions: [], matrix: a.json"), 'topology.matrix: the file "a.json" cannot be read; paths are relative to the scenario'],
  [
    regions("regions: [a, a, a, a], matrix: { regions: [a, b], roundTripMs: [[1, 2]] }"),
    "topology.matrix: the matrix must be square: 2 regions need 2 rows, not 1",
  ],
  [
    regions("regions: [a, a, a, a], matrix: { regions: [a], roundTripMs: [[1, 2]] }"),
    "topology.matrix: the matrix must be square: row 0 needs 1 columns, not 2",
  ],
  [
    regions("regions: [a, a, a, a], matrix: { regions: [a], roundTripMs: [[-1]] }"),
    "topology.matrix.roundTripMs[0][0]: must be a number from 0 to 10000",
  ],
  ["version: 1\nprotocol: { deltaMsMin: 0 }", "protocol.deltaMsMin: must be a whole number from 1 to 60000"],
  ["version: 1\nprotocol: { deltaMsMin: 2000 }", "protocol.deltaMsMin: must not exceed deltaMsMax, which is 1000"],
  ["version: 1\nprotocol: { delta: 5 }", 'protocol: unknown "delta"; allowed here: deltaMsMin, deltaMsMax'],
  ["version: 1\napplication: null", 'application: must be ledger or "null", the latter in quotes'],
  ["version: 1\nworkload: { mix: { bribe: 1 } }", 'workload.mix: unknown "bribe"; allowed here: transfer, linked'],
  ["version: 1\nworkload: { mix: {} }", "workload.mix: must give at least one kind a share above 0, or set clients to 0"],
  ["version: 1\nfaults: {}", "faults: must be a list of 0 to 10000 faults"],
  ["version: 1\nfaults: [{}]", 'faults[0].when: must be an object with "on": one of time, height, view, leader, save'],
  [when("{ on: sunday }"), "faults[0].when.on: must be one of time, height, view, leader, save"],
  [when("{ on: time, atMs: -1 }"), "faults[0].when.atMs: must be milliseconds from 0 to 3600000, in whole microseconds"],
  [when("{ on: time, atMs: 0.0001 }"), "faults[0].when.atMs: must be milliseconds from 0 to 3600000, in whole microseconds"],
  [when("{ on: time, atMs: 6000 }"), "faults[0].when.atMs: must lie within the fault phase: below 6000"],
  [when("{ on: leader, validator: 4 }"), "faults[0].when.validator: must be a validator from 0 to 3"],
  [when("{ on: view, view: 3, validator: 9 }"), "faults[0].when.validator: must be a validator from 0 to 3"],
  [
    when("{ on: save, validator: 0, content: tea, edge: before }"),
    "faults[0].when.content: must be one of proposal, vote, commit, timeout",
  ],
  [when("{ on: save, validator: 0, content: vote, edge: during }"), "faults[0].when.edge: must be one of before, after"],
  [when("{ on: leader, validator: 0, nth: 0 }"), "faults[0].when.nth: must be a whole number from 1 to 1000000"],
  [action("{ type: meteor }"), "faults[0].action.type: must be one of partition, cut, link"],
  [action("{ type: crash, validator: 4 }"), "faults[0].action.validator: must be a validator from 0 to 3"],
  [action("{ type: crash, validator: 0, unsynced: eaten }"), "faults[0].action.unsynced: must be one of kept, lost, torn"],
  [action("{ type: crash, validator: 0, sync: kept }"), 'faults[0].action: unknown "sync"; allowed here: type, validator, unsynced'],
  [action("{ type: partition, groups: [[0, 4]] }"), "faults[0].action.groups[0][1]: must be a validator from 0 to 3"],
  [action("{ type: partition, groups: [[0], [1, 1]] }"), "faults[0].action.groups[1]: must name each validator once"],
  [action("{ type: cut, from: [], to: [1] }"), "faults[0].action.from: must be a list of 1 to 64 validators"],
  [action("{ type: cut, from: [0], to: [5] }"), "faults[0].action.to[0]: must be a validator from 0 to 3"],
  [action("{ type: cut, from: [0], to: [0] }"), "faults[0].action.to: must name somebody besides `from`: nobody sends to itself"],
  [action("{ type: link, from: [0], to: [1], loss: 1.5 }"), "faults[0].action.loss: must be a number from 0 to 1"],
  [action("{ type: link, from: [0], to: [1], kinds: [letter] }"), "faults[0].action.kinds[0]: must be one of proposal, vote"],
  [
    action("{ type: bandwidth, from: [0], to: [1], bytesPerSecond: 0 }"),
    "faults[0].action.bytesPerSecond: must be a whole number from 1 to 1000000000",
  ],
  [
    action("{ type: message, message: { from: 1, to: 1, kind: vote }, delaysMs: [] }"),
    "faults[0].action.message.to: must differ from `from`",
  ],
  [action("{ type: clockSkew, validator: 0, offsetMs: 1e9 }"), "faults[0].action.offsetMs: must be a whole number from -600000 to 600000"],
  [
    fault("{ on: time, atMs: 0 }", "{ type: reset, from: [0], to: [1] }", ", forMs: 5"),
    "faults[0].forMs: a reset is over at once: must be left out",
  ],
  [
    fault("{ on: time, atMs: 0 }", "{ type: pause, validator: 0 }", ", forMs: -5"),
    "faults[0].forMs: must be milliseconds from 0 to 3600000",
  ],
  [
    fault("{ on: view, view: 1 }", "{ type: lateStart, validator: 0 }"),
    "faults[0].when: lateStart begins with the run: must be { on: time, atMs: 0 }",
  ],
  ["version: 1\nbyzantine: [{ validator: 4, strategy: amnesia }]", "byzantine[0].validator: must be a validator from 0 to 3"],
  ["version: 1\nbyzantine: [{ validator: 0, strategy: bribery }]", "byzantine[0].strategy: must be one of equivocatingLeader, doubleVote"],
  ["version: 1\nbyzantine: [{ validator: 0, strategy: amnesia, chance: 2 }]", "byzantine[0].chance: must be a number from 0 to 1"],
  [
    "version: 1\nbyzantine: [{ validator: 0, strategy: amnesia }, { validator: 0, strategy: amnesia, chance: 0.5 }]",
    "byzantine[1]: validator 0 has the strategy amnesia already: must be named once",
  ],
  ["version: 1\nphases: { coreHeights: 0 }", "phases.coreHeights: must be a whole number from 1 to 10000"],
  ["version: 1\nties: random", "ties: must be one of fifo, shuffle"],
  ["version: 1\nexpect: luck", "expect: must be one of pass, stall, break"],
  [
    "version: 1\nbyzantine: [{ validator: 0, strategy: amnesia }, { validator: 1, strategy: amnesia }]",
    "expect: pass needs more than two thirds of the weight in honest validators that no fault takes for good: they have 2 of 4",
  ],
  [
    "version: 1\nvalidators: 3\nfaults: [{ when: { on: time, atMs: 0 }, action: { type: wipe, validator: 0 } }]",
    "expect: pass needs more than two thirds",
  ],
  ["version: 1\nexpect: break", "expect: break needs traitors with at least a third of the weight: they have 0 of 4"],
  ["version: 1\nversion: 1", "line 2, column 1: not YAML: Map keys must be unique"],
  ["version: [1", "line 1, column 12: not YAML:"],
];

t.test("readScenario: mistakes, each is named by its path with what is allowed", async (t) => {
  for (const [text, expected] of MISTAKES) {
    const found = mistakesOf(text);
    t.ok(
      found.split("\n").some((line) => line.startsWith(expected)),
      `${JSON.stringify(text.slice(0, 120))} → ${expected}`,
      { found },
    );
  }
});

t.test("readScenario: several mistakes, all of them come at once", async (t) => {
  const found = mistakesOf("version: 1\nseed: x\nties: y\nfaults: [{ when: { on: time, atMs: 0 }, action: { type: crash } }]").split("\n");
  t.equal(found.length, 3);
  t.ok(found.includes("faults[0].action.validator: must be a whole number from 0 to 63"), found.join("\n"));
});

t.test("readScenario: YAML words that mean something elsewhere stay text or are refused", async (t) => {
  t.equal(scenarioOf("version: 1\nname: no").name, "no", "no Norway problem");
  t.match(mistakesOf("version: 1\nname: 12"), /^name: must be/);
  const bomb = ["version: 1", "a: &a [x,x,x,x,x,x,x,x,x]", ...Array.from({ length: 8 }, (_, index) => bombLine(index))].join("\n");
  t.match(mistakesOf(bomb), /not YAML/, "aliases cannot blow up");
});

function bombLine(index: number): string {
  const [name, inner] = [String.fromCharCode(98 + index), String.fromCharCode(97 + index)];
  return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${inner}`).join(",")}]`;
}

t.test("README: its example is a scenario", async (t) => {
  const readme = readFileSync(path.join(import.meta.dirname, "../../../testnet/scenario/README.md"), "utf8");
  const [, example = ""] = /```yaml\n([\s\S]*?)```/.exec(readme) ?? [];
  t.equal(mistakesOf(example), "");
  t.match(scenarioOf(example), { weights: [2, 1, 1, 1], faults: [{}, { forMs: 200 }] });
});

t.test("readScenario: JSON, the same schema; text that is no JSON is named", async (t) => {
  const read = readScenario('{"version":1,"application":"null"}', { format: "json" });
  t.match(read, { ok: true, scenario: { application: "null" } });
  t.match(readScenario("{", { format: "json" }), { ok: false, mistakes: [{ path: "(file)", message: /not JSON/ }] });
});

t.test("readScenario: a matrix by path, read relative to the scenario by whoever may", async (t) => {
  const matrix = JSON.stringify({ unit: "ms", kind: "rtt", regions: ["a"], matrix: [[3.25]], source: "a test" });
  const asked: string[] = [];
  const readText = (name: string): string => {
    asked.push(name);
    return matrix;
  };
  const read = readScenario(regions("regions: [a, a, a, a], matrix: ../m.json"), { format: "yaml", readText });
  t.same(asked, ["../m.json"]);
  t.match(read, { ok: true, scenario: { topology: { matrix: { regions: ["a"], roundTripMs: [[3.25]] }, jitter: 0 } } });
});

t.test("formatOf and readScenarioFile: by the file's ending; a file that is not there is named", async (t) => {
  t.same(["a.yaml", "b.yml", "c.json", "d.toml", "e"].map(formatOf), ["yaml", "yaml", "json", undefined, undefined]);
  t.same(readScenarioFile("nowhere.yaml"), { ok: false, mistakes: ["(file): cannot be read; check the path"] });
  t.same(readScenarioFile("scenario.toml"), { ok: false, mistakes: ["(file): must end in .yaml, .yml or .json"] });
  const directory = t.testdir({
    "s.yaml": `${regions("regions: [a, a, a, a], matrix: m.json")}\n`,
    "m.json": '{ "unit": "ms", "kind": "rtt", "regions": ["a"], "matrix": [[3]] }',
    "bad.yaml": "version: 1\nseed: x\nties: y\n",
  });
  t.match(readScenarioFile(`${directory}/s.yaml`), { ok: true, scenario: { topology: { matrix: { roundTripMs: [[3]] } } } });
  t.match(readScenarioFile(`${directory}/bad.yaml`), { ok: false, mistakes: [/^seed: /, /^ties: /] });
});
