/** Whole runs with builders: what they build, that they cost nobody a view, and that blocks keep coming at the pace of a chain that has none. */

import t from "tap";
import { type ScenarioBuilder, scenario } from "../../../testnet/scenario/build.ts";
import { BUILDER_STRATEGIES, type BuilderStrategyName, type Scenario } from "../../../testnet/scenario/manifest.ts";
import type { Fact } from "../../../testnet/simulator/facts.ts";
import { runScenario } from "../../../testnet/simulator/run.ts";

const VALIDATORS = 4;
/** Validators are 0 to 3; the first builder is node 4. */
const FIRST_BUILDER = VALIDATORS;

/** Δ leaves no excuse for a lost view, so the checker of calm is at work in all of these. */
function calm(name: string, strategies: readonly BuilderStrategyName[], seed = 5): ScenarioBuilder {
  return scenario(name, {
    seed,
    validators: VALIDATORS,
    topology: { type: "uniform", delayMs: [2, 6] },
    protocol: { deltaMsMin: 100 },
    sealing: { perSecond: 4 },
    ...(strategies.length === 0 ? {} : { builders: strategies.map((strategy) => ({ strategy, bundlesPerSecond: 6 })) }),
    workload: { clients: 2, perSecond: 20, mix: { transfer: 6, linked: 1 } },
    phases: { faultsMs: 3_000 },
  });
}

interface Seen {
  readonly verdict: string | undefined;
  readonly lostViews: number;
  readonly heightAtEnd: number;
  readonly coverage: ReadonlyMap<string, number>;
}

function run(made: Scenario): Seen {
  let lostViews = 0;
  let heightAtEnd = 0;
  const watch = (fact: Fact): void => {
    if (fact.type === "enteredView" && fact.validator < VALIDATORS && fact.by === "TC") lostViews++;
    if (fact.type === "finalized" && fact.atUs <= 3_000_000) heightAtEnd = Math.max(heightAtEnd, fact.blocks.at(-1)?.header.height ?? 0);
  };
  const { violation, coverage } = runScenario(made, { observers: [watch] });
  return { verdict: violation?.detail, lostViews, heightAtEnd, coverage };
}

t.test("builders: two honest ones build most blocks once they are registered, and bundles run", async (t) => {
  const { verdict, coverage, lostViews } = run(calm("two builders", ["plain", "aggressive"]).build());
  t.equal(verdict, undefined);
  t.equal(lostViews, 0);
  for (const point of ["blockBuilt", "bundleFinal", "groupIncluded", "tailFromBuilder"]) t.ok((coverage.get(point) ?? 0) > 0, point);
});

t.test("builders: none, dead, paused or cut off, no view is lost and blocks come at the same pace", async (t) => {
  const without = run(calm("without", []).build());
  const two = () => calm("two builders", ["plain", "aggressive"]);
  const everybody = [0, 1, 2, 3];
  const cases: readonly (readonly [string, Scenario])[] = [
    [
      "dead",
      two()
        .crash(FIRST_BUILDER, { atMs: 1_000 })
        .crash(FIRST_BUILDER + 1, { atMs: 1_200 })
        .build(),
    ],
    [
      "paused",
      two()
        .pause(FIRST_BUILDER, { atMs: 800 })
        .pause(FIRST_BUILDER + 1, { atMs: 900 })
        .build(),
    ],
    [
      "cut off",
      two()
        .cut({ from: [FIRST_BUILDER, FIRST_BUILDER + 1], to: everybody }, { atMs: 700 })
        .build(),
    ],
  ];
  for (const [name, made] of cases) {
    const seen = run(made);
    t.equal(seen.verdict, undefined, name);
    t.equal(seen.lostViews, without.lostViews, `${name}: no view is lost`);
    t.ok(seen.heightAtEnd >= 0.85 * without.heightAtEnd, `${name}: height ${seen.heightAtEnd}, without builders ${without.heightAtEnd}`);
  }
});

t.test("builders: each strategy of traitors, beside an honest one, costs no view and leaves every invariant whole", async (t) => {
  for (const strategy of BUILDER_STRATEGIES.slice(2)) {
    const seen = run(calm(strategy, [strategy, "plain"], 11).build());
    t.equal(seen.verdict, undefined, strategy);
    t.equal(seen.lostViews, 0, `${strategy}: no view is lost`);
  }
});
