/** Plays one scenario: its rounds, a slot each, then a network that is whole again until every honest instance has made something new
 *  final. Safety is checked all along; the end must come within a bound of views. */

import type { TwinsViolation } from "./checker.ts";
import { createTwinsCluster, type TwinsCluster } from "./cluster.ts";
import type { TwinsFixture } from "./fixture.ts";
import type { TwinsScenario } from "./scenario.ts";

export interface Outcome {
  /** The first of each invariant, in the order they were seen. Empty: the scenario passed. */
  readonly violations: readonly TwinsViolation[];
  /** Highest final height among the honest before the network healed. */
  readonly heightBeforeHeal: number;
  /** Views that it took after the heal; a slot begins at most one. */
  readonly recoveryViews: number;
  readonly evidenceCount: number;
  readonly stepCount: number;
}

/** Views within which all must recover. One may be needed to bring all to one view; then a view is lost when its leader is twinned,
 *  and by pauses that lost views cause a twinned validator may lead in place of another. Two rotations leave room for that. */
export const recoveryViewsMax = (validators: number): number => 2 * validators + 1;

export function playScenario(fixture: TwinsFixture, scenario: TwinsScenario): Outcome {
  const cluster = createTwinsCluster(fixture, scenario);
  const { checker } = cluster;
  let [heightBeforeHeal, recoveryViews] = [0, 0];
  try {
    for (const [index, { groups, commitGroups }] of scenario.rounds.entries()) {
      cluster.runSlot({ groups, commitGroups: commitGroups ?? groups, gate: index + 1 });
    }
    heightBeforeHeal = Math.max(...honestHeights(cluster, scenario));
    recoveryViews = recover(cluster, scenario, heightBeforeHeal);
  } catch (error) {
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    checker.report({ invariant: "noCrash", kind: "crash", detail: `an instance stopped with ${detail}` });
  }
  const { violations, evidenceCount } = checker;
  return { violations, heightBeforeHeal, recoveryViews, evidenceCount, stepCount: cluster.stepCount };
}

function recover(cluster: TwinsCluster, scenario: TwinsScenario, heightBefore: number): number {
  const everybody = [Array.from({ length: scenario.validators + scenario.twins.length }, (_, instance) => instance)];
  const viewsMax = recoveryViewsMax(scenario.validators);
  for (let views = 1; views <= viewsMax; views++) {
    cluster.runSlot({ groups: everybody, commitGroups: everybody, gate: cluster.highestView });
    if (honestHeights(cluster, scenario).every((height) => height > heightBefore)) return views;
  }
  const heights = honestHeights(cluster, scenario).join(", ");
  const detail = `${viewsMax} views after the network healed not all honest instances have a new final block: they are at heights ${heights}, the highest before was ${heightBefore}`;
  cluster.checker.report({ invariant: "progress", kind: "liveness", detail });
  return viewsMax;
}

function honestHeights({ checker }: TwinsCluster, scenario: TwinsScenario): readonly number[] {
  const heights: number[] = [];
  for (let instance = 0; instance < scenario.validators; instance++) {
    if (checker.isHonest(instance)) heights.push(checker.heightOf(instance));
  }
  return heights;
}
