/** What a conspiracy can do. Traitors of W/3 or more, one partition away, must be able to finalize two blocks at one height, or a
 *  must-break scenario would test nothing; with less weight the same strategies must fail. */

import t from "tap";
import type { Fault, Traitor } from "../../../testnet/scenario/manifest.ts";
import { accusedHonest, brokenHeights, runShortly, traitor } from "./strategies_support.ts";

interface Conspiracy {
  readonly name: string;
  readonly weights: readonly number[];
  readonly byzantine: readonly Traitor[];
  readonly groups: readonly (readonly number[])[];
}

const FOUR = [1, 1, 1, 1];
const SEVEN = [1, 1, 1, 1, 1, 1, 1];
const SEVEN_SPLIT = [
  [0, 1, 4, 5, 6],
  [2, 3, 4, 5, 6],
];

const STRONG: readonly Conspiracy[] = [
  {
    name: "equivocatingLeader and doubleVote, 2 of 4",
    weights: FOUR,
    byzantine: [traitor(2, "equivocatingLeader"), traitor(3, "doubleVote")],
    groups: [
      [0, 2, 3],
      [1, 2, 3],
    ],
  },
  {
    name: "doubleVote and equivocatingLeader, the first 2 of 4",
    weights: FOUR,
    byzantine: [traitor(0, "equivocatingLeader"), traitor(1, "doubleVote")],
    groups: [
      [0, 1, 2],
      [0, 1, 3],
    ],
  },
  {
    name: "splitBrain, 2 of 4",
    weights: FOUR,
    byzantine: [traitor(2, "splitBrain"), traitor(3, "splitBrain")],
    groups: [
      [0, 2, 3],
      [1, 2, 3],
    ],
  },
  {
    name: "splitBrain, 3 of 7",
    weights: SEVEN,
    byzantine: [traitor(4, "splitBrain"), traitor(5, "splitBrain"), traitor(6, "splitBrain")],
    groups: SEVEN_SPLIT,
  },
  {
    name: "equivocatingLeader and doubleVote, 3 of 7",
    weights: SEVEN,
    byzantine: [traitor(4, "equivocatingLeader"), traitor(5, "doubleVote"), traitor(6, "doubleVote")],
    groups: SEVEN_SPLIT,
  },
];

const WEAK: readonly Conspiracy[] = [
  {
    name: "splitBrain, 1 of 4",
    weights: FOUR,
    byzantine: [traitor(3, "splitBrain")],
    groups: [
      [0, 1, 3],
      [2, 3],
    ],
  },
  {
    name: "splitBrain, 2 of 7",
    weights: SEVEN,
    byzantine: [traitor(5, "splitBrain"), traitor(6, "splitBrain")],
    groups: [
      [0, 1, 2, 5, 6],
      [3, 4, 5, 6],
    ],
  },
  {
    name: "doubleVote, 33 of 100",
    weights: [33, 33, 34],
    byzantine: [traitor(0, "doubleVote")],
    groups: [
      [0, 1],
      [0, 2],
    ],
  },
  {
    name: "equivocatingLeader, a third of all",
    weights: [1, 1, 1],
    byzantine: [traitor(0, "equivocatingLeader")],
    groups: [
      [0, 1],
      [0, 2],
    ],
  },
];

const splitFrom = (groups: Conspiracy["groups"]): readonly Fault[] => [
  { when: { on: "time", atMs: 0 }, action: { type: "partition", groups } },
];

for (const { name, weights, byzantine, groups } of STRONG) {
  t.test(`R3: ${name}: both sides of a split finalize, and the honest see two chains`, async (t) => {
    for (let seed = 1; seed <= 3; seed++) {
      const run = runShortly({ seed, byzantine, weights, forMs: 3_000, faults: splitFrom(groups) });
      t.ok(brokenHeights(run).length > 0, `seed ${seed}`);
      t.same(accusedHonest(run), [], `seed ${seed}: no honest validator is accused`);
    }
    const open = runShortly({ seed: 1, byzantine, weights, forMs: 3_000 });
    t.ok(brokenHeights(open).length > 0, "even without a partition");
  });
}

for (const { name, weights, byzantine, groups } of WEAK) {
  t.test(`R2, R8: ${name}: too light to break agreement, split or not`, async (t) => {
    for (let seed = 1; seed <= 3; seed++) {
      for (const faults of [splitFrom(groups), []]) {
        const run = runShortly({ seed, byzantine, weights, forMs: 2_000, faults });
        t.same(brokenHeights(run), [], `seed ${seed}`);
        t.same(accusedHonest(run), [], `seed ${seed}`);
      }
    }
  });
}

t.test("R3: splitBrain goes on: the two chains grow beyond the first fork", async (t) => {
  const byzantine = [traitor(2, "splitBrain"), traitor(3, "splitBrain")];
  const groups = [
    [0, 2, 3],
    [1, 2, 3],
  ];
  const longest = [1, 2, 3, 4].map(
    (seed) => brokenHeights(runShortly({ seed, byzantine, forMs: 3_000, faults: splitFrom(groups) })).length,
  );
  t.ok(Math.max(...longest) > 10, `broken heights: ${longest.join(", ")}`);
});

t.test("R3: the same conspiracy breaks agreement with real signatures, and every message passes its codec", async (t) => {
  const byzantine = [traitor(2, "splitBrain"), traitor(3, "splitBrain")];
  const groups = [
    [0, 2, 3],
    [1, 2, 3],
  ];
  const run = runShortly({ seed: 1, byzantine, forMs: 500, faults: splitFrom(groups), signatures: "bls" });
  t.ok(brokenHeights(run).length > 0);
});
