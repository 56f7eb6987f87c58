/** Draws who betrays, and how: none in half of the runs, else one to three strategies among validators that the loss budget allows. */

import type { Stream } from "../simulator/streams.ts";
import type { LossBudget } from "./loss_budget.ts";
import { OPEN_STRATEGIES, SEALED_STRATEGIES, type StrategyName, type Traitor } from "./manifest.ts";

const CHANCES = [1, 1, 0.5, 0.25] as const;
const STRATEGIES_MAX = 3;

export function drawTraitors(
  stream: Stream,
  { weights, budget, isSealing }: { readonly weights: readonly number[]; readonly budget: LossBudget; readonly isSealing: boolean },
): readonly Traitor[] {
  if (stream.chance(0.5)) return [];
  // A few classes per run: strategies that rarely meet would otherwise hide one another.
  const known: readonly StrategyName[] = isSealing && stream.chance(0.6) ? SEALED_STRATEGIES : OPEN_STRATEGIES;
  const enabled = stream.shuffled(known).slice(0, stream.between(1, known.length));
  const strategies = stream.shuffled(enabled).slice(0, stream.between(1, STRATEGIES_MAX));
  const traitorsMax = stream.between(1, strategies.length);
  const traitors: number[] = [];
  for (const validator of stream.shuffled(weights.map((_, index) => index))) {
    if (traitors.length < traitorsMax && budget.take(validator)) traitors.push(validator);
  }
  if (traitors.length === 0) return [];
  const drawn = strategies.map((strategy, index) => traitorOf(stream, traitors[index % traitors.length] as number, strategy));
  // One strategy in several hands is a conspiracy.
  const shared = strategies[0];
  if (shared === undefined || !stream.chance(0.3)) return drawn;
  const others = traitors.filter((validator) => !drawn.some((traitor) => traitor.validator === validator && traitor.strategy === shared));
  return [...drawn, ...others.map((validator) => traitorOf(stream, validator, shared))].slice(0, STRATEGIES_MAX);
}

function traitorOf(stream: Stream, validator: number, strategy: StrategyName): Traitor {
  return { validator, strategy, chance: stream.pick(CHANCES) };
}
