/** Scenarios in code, as text, and on one line. */

import t from "tap";
import { on, scenario } from "../../../testnet/scenario/build.ts";
import { describeScenario } from "../../../testnet/scenario/describe.ts";
import { expandSeed } from "../../../testnet/scenario/expand.ts";
import type { Scenario } from "../../../testnet/scenario/manifest.ts";
import { mistakesText, readScenario } from "../../../testnet/scenario/read.ts";
import { writeScenario } from "../../../testnet/scenario/write.ts";

const everything = scenario("everything", {
  seed: 9,
  weights: [3, 1, 2, 2, 2, 2, 2],
  topology: {
    type: "regions",
    regions: ["a", "a", "b", "b", "b", "b", "b"],
    jitter: 0.5,
    matrix: {
      regions: ["a", "b"],
      roundTripMs: [
        [1, 20.5],
        [21, 1],
      ],
    },
  },
  protocol: { heartbeatMs: 300, poolTransactionsMax: 20, syncMs: [0.25, 1.125] },
  application: "null",
  workload: { clients: 1, mix: { transfer: 3, lie: 1 } },
  phases: { faultsMs: 5_000 },
  ties: "shuffle",
})
  .partition(
    [
      [0, 1],
      [2, 3],
    ],
    { atMs: 1_000, forMs: 3_000 },
  )
  .cut({ from: [0], to: [1, 2] }, { when: on.view(4) })
  .link({ from: [0], to: [1], kinds: ["vote"], loss: 0.25, extraDelayMs: [1, 2.5] }, { when: on.heightAt(2, { height: 5 }), forMs: 100 })
  .bandwidth({ from: [0], to: [1], bytesPerSecond: 5_000 }, { when: on.height(3) })
  .stall({ from: [2], to: [3] }, { atMs: 10 })
  .reset({ from: [2], to: [3] }, { when: on.viewAt(1, { view: 7 }) })
  .message({ message: { from: 0, to: 1, kind: "vote", view: 3, nth: 1 }, delaysMs: [1.234, 50] }, { atMs: 0 })
  .crash(2, { when: on.afterSave(2, "vote", { nth: 3 }), forMs: 200, unsynced: "torn" })
  .crash(3, { when: on.beforeSave(3, "finality") })
  .pause(4, { when: on.leader(4, { nth: 2 }), forMs: 50 })
  .upgrade(5, { atMs: 20, forMs: 400 })
  .lateStart(6, { forMs: 700 })
  .wipe(1, { atMs: 30 })
  .diskFull(2, { atMs: 40, forMs: 10 })
  .slowDisk(2, { atMs: 50, syncMs: [5, 9] })
  .bitFlip(1, { atMs: 60 })
  .truncate(1, { atMs: 70 })
  .rollback(1, { atMs: 80, saves: 4 })
  .rollback(1, { atMs: 85, saves: 5, hidesCounter: true })
  .clockSkew(0, { atMs: 90, offsetMs: -700 })
  .clockDrift(0, { atMs: 95, partsPerMillion: 400 })
  .traitor(2, "doubleVote")
  .traitor(2, "amnesia", { chance: 0.5, views: [3, 4] });

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

function readBack(text: string): Scenario {
  const read = readScenario(text, { format: "yaml" });
  if (!read.ok) throw new Error(mistakesText(read.mistakes));
  return read.scenario;
}

t.test("scenario(): faults and traitors in the order of the calls, defaults filled in", async (t) => {
  const built = scenario("pair", { validators: 4 })
    .partition(
      [
        [0, 1],
        [2, 3],
      ],
      { atMs: 1_000, forMs: 3_000 },
    )
    .crash(1, { when: on.afterSave(1, "vote") })
    .traitor(3, "doubleVote")
    .build();
  t.same(built.faults, [
    {
      when: { on: "time", atMs: 1_000 },
      action: {
        type: "partition",
        groups: [
          [0, 1],
          [2, 3],
        ],
      },
      forMs: 3_000,
    },
    {
      when: { on: "save", validator: 1, content: "vote", edge: "after", nth: 1 },
      action: { type: "crash", validator: 1, unsynced: "lost" },
    },
  ]);
  t.same(built.byzantine, [{ validator: 3, strategy: "doubleVote", chance: 1 }]);
  t.match(built, { name: "pair", weights: [1, 1, 1, 1], expect: "pass", phases: { viewsMax: 64 } });
});

t.test("scenario(): a builder that is continued twice, neither sees the other's faults", async (t) => {
  const base = scenario("base");
  const first = base.pause(0, { atMs: 1 });
  const second = base.pause(1, { atMs: 2 });
  t.same(
    [base, first, second].map((builder) => builder.build().faults.length),
    [0, 1, 1],
  );
});

t.test("scenario(): mistakes, build asserts and names them", async (t) => {
  const senseless = scenario("senseless").crash(4, { atMs: 0 }).expect("break");
  t.throws(() => senseless.build(), {
    message: /scenario "senseless": faults\[0\]\.action\.validator: must be a validator from 0 to 3\nexpect: break needs/,
  });
});

t.test("writeScenario: every fault, trigger and option that has none of its defaults, reading gives it back", async (t) => {
  const built = everything.traitor(0, "silentLeader").traitor(3, "syncLies").expect("break").build();
  t.equal(new Set(built.faults.map(({ action }) => action.type)).size, 19, "all types of faults");
  const text = writeScenario(built, { comment: "First line.\nSecond line." });
  t.ok(text.startsWith("# First line.\n# Second line.\n"), text.slice(0, 40));
  t.same(plain(readBack(text)), plain(built));
});

t.test("writeScenario: short, sections in order, one line per fault, defaults left out", async (t) => {
  const built = scenario("short").crash(1, { atMs: 500, forMs: 100 }).traitor(2, "amnesia").build();
  t.equal(
    writeScenario(built),
    [
      "version: 1",
      "name: short",
      "seed: 1",
      "validators: 4",
      "faults:",
      "  - { when: { on: time, atMs: 500 }, action: { type: crash, validator: 1 }, forMs: 100 }",
      "byzantine:",
      "  - { validator: 2, strategy: amnesia }",
      "expect: pass",
      "",
    ].join("\n"),
  );
});

t.test("writeScenario: the null application and a matrix by name, written as the reader wants them", async (t) => {
  const { topology } = expandRegional();
  const text = writeScenario(scenario("n", { application: "null", topology }).build());
  t.match(text, /^application: "null"$/m);
  t.match(text, /matrix: small/);
  t.same(plain(readBack(text).topology), plain(topology));
});

function expandRegional(): Scenario {
  for (let seed = 0; ; seed++) {
    const drawn = expandSeed(seed);
    if (drawn.topology.type === "regions" && drawn.weights.length === 4) return drawn;
  }
}

t.test("describeScenario: one line with every option, the same for the same scenario", async (t) => {
  const built = everything.traitor(0, "silentLeader").traitor(3, "syncLies").expect("break").build();
  const text = describeScenario(built);
  t.notMatch(text, /\n/);
  for (const part of [
    'name="everything" seed=9 expect=break n=7 weights=3,1,2,2,2,2,2',
    "topology=regions:a,a,b,b,b,b,b:matrix2:jitter0.5",
    "poolTransactionsMax=20",
    "syncMs=0.25-1.125",
    "rollback(1,4)@80ms;rollback(1,5,hidden)@85ms",
    "application=null",
    "mix=transfer:3,lie:1",
    "partition(0,1|2,3)@1000ms+3000ms",
    "cut(0>1,2)@view(4)",
    "link(0>1,vote,loss:0.25,duplicate:0,reorder:0:0ms,extra:1-2.5ms)@height(5,2)+100ms",
    "message(0>1,vote,v3,#1,1.234ms/50ms)@0ms",
    "crash(2,torn)@save(2,vote,after,#3)+200ms",
    "pause(4)@leader(4,#2)+50ms",
    "clockDrift(0,400ppm)@95ms",
    "byzantine=[2:doubleVote:1;2:amnesia:views3,4;0:silentLeader:1;3:syncLies:1]",
    "ties=shuffle",
  ]) {
    t.ok(text.includes(part), part, { text });
  }
});
