/** Scenario files: read back what was written, and every mistake named with its path and what is allowed. */

import t from "tap";
import { formatScenario, instanceName, parseTwinsScenario, type TwinsScenario, validatorOf } from "../../../testnet/twins/scenario.ts";

const SCENARIO: TwinsScenario = {
  type: "twins",
  validators: 4,
  twins: [2],
  rounds: [
    {
      leader: 2,
      groups: [
        [0, 1, 2],
        [3, 4],
      ],
    },
    { leader: 0, groups: [[0, 1, 2, 3, 4]], commitGroups: [[0], [1, 2, 3, 4]] },
  ],
};

t.test("formatScenario and parseTwinsScenario: what was written is read back", async (t) => {
  t.same(parseTwinsScenario(JSON.parse(formatScenario(SCENARIO))), { ok: true, scenario: SCENARIO });
  const empty = { ...SCENARIO, rounds: [] };
  t.same(parseTwinsScenario(JSON.parse(formatScenario(empty))), { ok: true, scenario: empty });
});

t.test("validatorOf and instanceName: the second copies come after the validators, in the order of `twins`", async (t) => {
  t.same(
    [0, 2, 4].map((instance) => validatorOf(SCENARIO, instance)),
    [0, 2, 2],
  );
  t.same(
    [2, 4].map((instance) => instanceName(SCENARIO, instance)),
    ["2", "4 (second copy of 2)"],
  );
});

const round = { leader: 0, groups: [[0, 1, 2, 3, 4]] };
const MISTAKES: readonly (readonly [string, unknown, RegExp])[] = [
  ["no object", [], /\(file\): must be an object with type, validators, twins, rounds, not \[\]/],
  ["another type", { ...SCENARIO, type: "seeds" }, /type: must be "twins", not "seeds"/],
  ["an unknown field", { ...SCENARIO, seed: 1 }, /\(file\): has no field "seed"; allowed are type/],
  ["no validators", { ...SCENARIO, validators: 0 }, /validators: must be a whole number from 1 to 32, not 0/],
  ["a fraction", { ...SCENARIO, validators: 4.5 }, /validators: must be a whole number/],
  ["no twins", { ...SCENARIO, twins: undefined }, /twins: must be a list of at most 4 entries, not nothing/],
  ["a twin outside of the set", { ...SCENARIO, twins: [4] }, /twins\[0\]: must be a whole number from 0 to 3, not 4/],
  ["a twin twice", { ...SCENARIO, twins: [1, 1] }, /twins\[1\]: validator 1 is named twice/],
  [
    "a leader that is an instance",
    { ...SCENARIO, rounds: [{ ...round, leader: 4 }] },
    /rounds\[0\]\.leader: must be a whole number from 0 to 3/,
  ],
  [
    "an instance in two groups",
    {
      ...SCENARIO,
      rounds: [
        {
          ...round,
          groups: [
            [0, 1],
            [1, 2, 3, 4],
          ],
        },
      ],
    },
    /rounds\[0\]\.groups\[1\]\[0\]: instance 1 is in rounds\[0\]\.groups\[0\] already/,
  ],
  [
    "an instance in no group",
    {
      ...SCENARIO,
      rounds: [
        {
          ...round,
          groups: [
            [0, 1],
            [2, 4],
          ],
        },
      ],
    },
    /rounds\[0\]\.groups: instances 3 are in no group/,
  ],
  [
    "an unknown instance",
    { ...SCENARIO, rounds: [{ ...round, groups: [[0, 1, 2, 3, 5]] }] },
    /rounds\[0\]\.groups\[0\]\[4\]: must be a whole number from 0 to 4, not 5/,
  ],
  [
    "commit groups that are no list",
    { ...SCENARIO, rounds: [round, { ...round, commitGroups: 3 }] },
    /rounds\[1\]\.commitGroups: must be a list/,
  ],
  [
    "too many rounds",
    { ...SCENARIO, rounds: Array.from({ length: 65 }, () => round) },
    /rounds: must be a list of at most 64 entries, not 65 entries/,
  ],
];

t.test("parseTwinsScenario: a mistake, named with its path and what is allowed", async (t) => {
  for (const [title, value, expected] of MISTAKES) {
    const parsed = parseTwinsScenario(value);
    t.match(parsed.ok ? [] : parsed.mistakes.join("\n"), expected, title);
  }
});
