/** Draws the builders of a seed, and what happens to them: in a fifth of the chains with a ledger one or two, honest or not. They weigh nothing, so that
 *  any number of them may betray or be away; each partition puts them into one of its groups. */

import type { Stream } from "../simulator/streams.ts";
import { BUILDER_STRATEGIES, type BuilderPlan, type Fault, PROPOSER_STRATEGIES, type StrategyName, type Traitor } from "./manifest.ts";

const BUILDER_CHANCE = 0.2;
const BUILDERS_DRAWN_MAX = 2;
const HONEST_CHANCE = 0.55;
const CHANCES = [1, 1, 0.5, 0.25] as const;
const BONDS = [1_000, 5_000, 1_000_000] as const;

/** Undefined: the chain takes none. */
export function drawBuilders(stream: Stream, { isLedger }: { readonly isLedger: boolean }): readonly BuilderPlan[] | undefined {
  if (!stream.chance(BUILDER_CHANCE) || !isLedger) return undefined;
  const traitors = BUILDER_STRATEGIES.slice(2);
  return Array.from({ length: stream.between(1, BUILDERS_DRAWN_MAX) }, () => ({
    strategy: stream.chance(HONEST_CHANCE) ? stream.pick(["plain", "aggressive"] as const) : stream.pick(traitors),
    bond: stream.pick(BONDS),
    bundlesPerSecond: stream.chance(0.2) ? 0 : stream.between(1, 8),
    buildMs: [0, stream.between(0, 20)],
    chance: stream.pick(CHANCES),
  }));
}

/** What befalls builders alone. */
export function drawBuilderFaults(
  stream: Stream,
  { validators, builders, faultsMs }: { readonly validators: number; readonly builders: number; readonly faultsMs: number },
): readonly Fault[] {
  if (stream.chance(0.4)) return [];
  const at = (): Fault["when"] => ({ on: "time", atMs: stream.between(0, faultsMs - 1) });
  const forMs = (): number => stream.between(200, Math.max(201, Math.floor(faultsMs / 2)));
  const everybody = Array.from({ length: validators }, (_, index) => index);
  const draw = (validator: number): Fault => {
    switch (stream.below(4)) {
      case 0:
        return {
          when: at(),
          action: { type: "crash", validator, unsynced: stream.pick(["kept", "lost", "torn"] as const) },
          forMs: forMs(),
        };
      case 1:
        return { when: at(), action: { type: "pause", validator }, forMs: forMs() };
      case 2:
        return { when: at(), action: { type: "cut", from: [validator], to: everybody }, forMs: forMs() };
      default: {
        const loss = stream.between(1, 9) / 10;
        const link = {
          kinds: ["bid"],
          loss,
          duplicate: 0.2,
          reorder: 0.2,
          reorderMs: 40,
          extraDelayMs: [0, stream.between(0, 40)],
        } as const;
        return { when: at(), action: { type: "link", from: [validator], to: everybody, ...link }, forMs: forMs() };
      }
    }
  };
  return Array.from({ length: stream.between(1, 2) }, () => draw(validators + stream.below(builders)));
}

/** In most runs with builders and traitors, those who propose act against builders instead. */
export function againstBuilders(traitors: readonly Traitor[], stream: Stream): readonly Traitor[] {
  if (stream.chance(0.3)) return traitors;
  const strategies = stream.shuffled(PROPOSER_STRATEGIES);
  return traitors.slice(0, strategies.length).map((traitor, index) => ({ ...traitor, strategy: strategies[index] as StrategyName }));
}

/** A partition of validators, with each builder in one of its groups. */
export function withBuilders(
  fault: Fault,
  stream: Stream,
  { validators, builders }: { readonly validators: number; readonly builders: number },
): Fault {
  const { action } = fault;
  if (action.type !== "partition" || action.groups.length === 0) return fault;
  const groups = action.groups.map((group) => [...group]);
  for (let builder = 0; builder < builders; builder++) stream.pick(groups).push(validators + builder);
  return { ...fault, action: { ...action, groups } };
}
