/** Twins over the shipped consensus core: exhaustive at the small size, and proof that the harness can fail: two twins of four break
 *  agreement, blocks that nobody may vote for end progress, an assertion is a crash. */

import t from "tap";
import { createTwinsFixture } from "../../../testnet/twins/fixture.ts";
import { playScenario, recoveryViewsMax } from "../../../testnet/twins/play.ts";
import { formatScenario, parseTwinsScenario, type TwinsScenario } from "../../../testnet/twins/scenario.ts";
import { createScenarioSpace } from "../../../testnet/twins/space.ts";
import { FAILURES_MAX, replay, sweep } from "../../../testnet/twins/sweep.ts";
import { TimestampMs, View } from "../../../types/ids.ts";

const fixture = createTwinsFixture(4);

t.test("R8: one twin of four, every scenario of two rounds, all agree, nobody honest is accused and all recover", async (t) => {
  const space = createScenarioSpace({ validators: 4, twins: 1, rounds: 2, phases: 1 });
  const result = sweep({ fixture, space, plan: { type: "exhaustive" } });
  t.same(result.failures, []);
  t.equal(result.scenarios, 4_695);
  t.ok(result.withFinality > 1_000 && result.withEvidence > 1_000, "the scenarios do something");
  t.ok(result.recoveryViewsMax < recoveryViewsMax(4), "the bound has room");
});

t.test("R8: one twin of four, every scenario of one round whose commit votes have a partition of their own", async (t) => {
  const space = createScenarioSpace({ validators: 4, twins: 1, rounds: 1, phases: 2 });
  const result = sweep({ fixture, space, plan: { type: "exhaustive" } });
  t.same(result.failures, []);
  t.equal(result.scenarios, 1_319);
});

t.test("R8: samples of larger shapes hold as well", async (t) => {
  const shapes = [
    { validators: 4, twins: 1, rounds: 6, phases: 2 },
    { validators: 7, twins: 2, rounds: 4, phases: 2 },
    { validators: 4, twins: 0, rounds: 4, phases: 2 },
  ] as const;
  for (const shape of shapes) {
    const space = createScenarioSpace(shape);
    const plan = { type: "sample", scenarios: 150, seed: 11 } as const;
    const result = sweep({ fixture: createTwinsFixture(shape.validators), space, plan });
    t.same(result.failures, [], JSON.stringify(shape));
    t.equal(result.scenarios, 150);
  }
});

t.test("sweep: two twins of four, agreement breaks somewhere in the enumeration, and the file replays it", async (t) => {
  const space = createScenarioSpace({ validators: 4, twins: 2, rounds: 1, phases: 1 });
  const result = sweep({ fixture, space, plan: { type: "exhaustive" } });
  const broken = result.failures.find(({ invariant }) => invariant === "agreement");
  if (broken === undefined) throw new Error("no disagreement was found");
  t.match(broken, { kind: "safety", detail: /^at height 1 instance 2 has final block .* and instance 3 has / });
  const parsed = parseTwinsScenario(JSON.parse(formatScenario(broken.scenario)));
  if (!parsed.ok) throw new Error(parsed.mistakes.join());
  t.same(replay(fixture, parsed.scenario).failures, [{ ...broken, index: undefined }]);
  t.same(replay(createTwinsFixture(4), parsed.scenario), replay(fixture, parsed.scenario), "what ran before does not matter");
});

t.test("sweep: a sample ends with the space, and a run with its failures", async (t) => {
  const small = createScenarioSpace({ validators: 4, twins: 1, rounds: 1, phases: 1 });
  t.equal(sweep({ fixture, space: small, plan: { type: "sample", scenarios: 1_000, seed: 1 } }).scenarios, Number(small.total));
  const broken = createScenarioSpace({ validators: 4, twins: 3, rounds: 2, phases: 1 });
  t.equal(sweep({ fixture, space: broken, plan: { type: "exhaustive" } }).failures.length, FAILURES_MAX);
});

const everybody = [[0, 1, 2, 3, 4]];

t.test("R1: the scenario names the leaders of its views, and both copies of a twinned one lead", async (t) => {
  const proposers: number[] = [];
  const watching = {
    ...fixture,
    header: (parts: Parameters<typeof fixture.header>[0]) => {
      proposers[parts.view] = (proposers[parts.view] ?? 0) * 10 + parts.instance;
      return fixture.header(parts);
    },
  };
  const scenario: TwinsScenario = {
    type: "twins",
    validators: 4,
    twins: [1],
    rounds: [3, 3, 1, 2].map((leader) => ({ leader, groups: everybody })),
  };
  const outcome = playScenario(watching, scenario);
  t.same(outcome.violations, []);
  t.same(proposers.slice(1, 5), [3, 3, 14, 2], "instance 4 is the second copy of validator 1");
  t.ok(outcome.evidenceCount > 0, "two blocks of one leader are evidence");
});

t.test("playScenario: blocks too far ahead of every clock, no progress after the heal is a liveness violation", async (t) => {
  const late: typeof fixture = {
    ...fixture,
    header: (parts) => ({ ...fixture.header(parts), timeMs: TimestampMs.plus(parts.timeMs, 1_000_000) }),
  };
  const { violations } = playScenario(late, { type: "twins", validators: 4, twins: [], rounds: [] });
  t.match(violations, [{ invariant: "progress", kind: "liveness", detail: /^9 views after the network healed/ }]);
  t.equal(violations.length, 1);
});

t.test("playScenario: an assertion that an instance trips is a crash", async (t) => {
  const wrong: typeof fixture = { ...fixture, header: (parts) => ({ ...fixture.header(parts), view: View.next(parts.view) }) };
  const { violations } = playScenario(wrong, { type: "twins", validators: 4, twins: [], rounds: [] });
  t.match(violations, [{ invariant: "noCrash", kind: "crash", detail: /AssertionError: the build is the one that was asked for/ }]);
});
