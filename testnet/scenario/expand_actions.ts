/** Draws one fault action of a given type, within what a run may still lose. */

import { unreachable } from "../../types/assert.ts";
import type { Stream } from "../simulator/streams.ts";
import type { LossBudget } from "./loss_budget.ts";
import { type FaultAction, type FaultType, MESSAGE_KINDS } from "./manifest.ts";

/** Faults that need two validators. */
export const LINK_TYPES = ["partition", "cut", "link", "bandwidth", "stall", "reset", "message"] as const satisfies readonly FaultType[];

/** Kinds that a faulty link may single out. Those of the sealed mempool come in through links that touch all kinds. */
const DRAWN_KINDS = MESSAGE_KINDS.slice(0, MESSAGE_KINDS.indexOf("list"));

export interface ActionDraw {
  readonly weights: readonly number[];
  readonly faultsMs: number;
  readonly budget: LossBudget;
  /** Whose clock is off by more than others tolerate: less than a third of the weight. */
  readonly skewed: Set<number>;
  /** Who starts late: once. */
  readonly late: Set<number>;
}

/** Clocks that differ by at most 2 s may vote for each other's blocks (R14); two may be off in opposite directions. */
const SKEW_TOLERATED_MS = 900;
const SKEW_MS_MAX = 6_000;

/** What does not fit any more becomes a crash. */
export function drawAction(stream: Stream, type: FaultType, draw: ActionDraw): FaultAction {
  const { weights, budget } = draw;
  const validator = stream.below(weights.length);
  const crash = (): FaultAction => ({ type: "crash", validator, unsynced: stream.pick(["kept", "lost", "torn"]) });
  switch (type) {
    case "partition":
    case "cut":
    case "link":
    case "bandwidth":
    case "stall":
    case "reset":
    case "message":
      return drawLinkAction(stream, type, weights.length);
    case "crash":
      return crash();
    case "wipe":
    case "bitFlip":
    case "truncate":
      return budget.take(validator) ? { type, validator } : crash();
    case "rollback":
      return budget.take(validator) ? { type, validator, saves: stream.between(1, 20), ...drawHiding(stream) } : crash();
    case "lateStart":
      if (draw.late.has(validator)) return crash();
      draw.late.add(validator);
      return { type, validator };
    case "slowDisk": {
      const least = stream.between(1, 100);
      return { type, validator, syncMs: [least, least + stream.between(0, 200)] };
    }
    case "clockSkew":
      return { type, validator, offsetMs: drawOffsetMs(stream, validator, draw) };
    case "clockDrift": {
      // Over the whole fault phase this stays within what is tolerated.
      const most = Math.floor((SKEW_TOLERATED_MS * 1_000_000) / draw.faultsMs);
      return { type, validator, partsPerMillion: stream.between(-most, most) };
    }
    case "pause":
    case "upgrade":
    case "diskFull":
      return { type, validator };
    default:
      return unreachable(type);
  }
}

/** Rarely the counter is an old copy too. */
function drawHiding(stream: Stream): { readonly hidesCounter?: true } {
  return stream.chance(0.3) ? { hidesCounter: true } : {};
}

function drawOffsetMs(stream: Stream, validator: number, { weights, skewed }: ActionDraw): number {
  const sign = stream.chance(0.5) ? 1 : -1;
  const tolerated = sign * stream.between(1, SKEW_TOLERATED_MS);
  if (!stream.chance(0.5)) return tolerated;
  const weightOf = (members: Iterable<number>): number => [...members].reduce((sum, member) => sum + (weights[member] ?? 0), 0);
  const after = new Set(skewed).add(validator);
  if (3 * weightOf(after) >= weightOf(weights.keys())) return tolerated;
  skewed.add(validator);
  return sign * stream.between(2_001, SKEW_MS_MAX);
}

function drawLinkAction(stream: Stream, type: (typeof LINK_TYPES)[number], count: number): FaultAction {
  switch (type) {
    case "partition":
      return { type, groups: drawGroups(stream, count) };
    case "cut":
    case "stall":
    case "reset":
      return { type, ...drawEnds(stream, count) };
    case "bandwidth":
      return { type, ...drawEnds(stream, count), bytesPerSecond: stream.pick([10_000, 30_000, 100_000]) };
    case "link": {
      const kinds = stream.chance(0.5) ? [] : DRAWN_KINDS.filter(() => stream.chance(0.3));
      const extraLeast = stream.pick([0, 0, 10, 100]);
      const percent = (): number => (stream.chance(0.5) ? stream.below(81) / 100 : 0);
      return {
        type,
        ...(stream.chance(0.4) ? allEnds(count) : drawEnds(stream, count)),
        kinds,
        // All lost is a class of its own: of one kind it shows what stands in for that kind.
        loss: stream.chance(0.15) ? 1 : percent(),
        duplicate: percent(),
        reorder: percent(),
        reorderMs: stream.between(0, 300),
        extraDelayMs: [extraLeast, extraLeast + stream.pick([0, 10, 100, 400])],
      };
    }
    case "message": {
      const { from, to } = drawPair(stream, count);
      const kind = stream.pick(["proposal", "vote", "commit", "timeout", "certificate"] as const);
      const delaysMs = Array.from({ length: stream.below(3) }, () => stream.between(0, 3_000));
      return { type, message: { from, to, kind, view: stream.between(1, 25), nth: 0 }, delaysMs };
    }
    default:
      return unreachable(type);
  }
}

/** Halves, one left out, a bridge, a ring of neighbourhoods, or three parts. */
function drawGroups(stream: Stream, count: number): readonly (readonly number[])[] {
  const order = stream.shuffled(Array.from({ length: count }, (_, index) => index));
  const middle = Math.ceil(count / 2);
  const third = Math.ceil(count / 3);
  switch (stream.below(5)) {
    case 0:
      return [order.slice(0, middle), order.slice(middle)].map(sorted);
    case 1:
      return [order.slice(1)].map(sorted);
    case 2:
      return [order.slice(0, middle + 1), order.slice(middle)].map(sorted);
    case 3: {
      const reach = Math.max(2, Math.ceil((2 * count) / 3));
      return order.map((_, first) => sorted(Array.from({ length: reach }, (_, step) => order[(first + step) % count] as number)));
    }
    default:
      return [order.slice(0, third), order.slice(third, 2 * third), order.slice(2 * third)].filter((group) => group.length > 0).map(sorted);
  }
}

interface Ends {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

const allEnds = (count: number): Ends => {
  const all = Array.from({ length: count }, (_, index) => index);
  return { from: all, to: all };
};

/** One link, one way; or all that one validator says; or all that it hears. */
function drawEnds(stream: Stream, count: number): Ends {
  const { from, to } = drawPair(stream, count);
  const others = (self: number): readonly number[] => allEnds(count).from.filter((index) => index !== self);
  switch (stream.below(3)) {
    case 0:
      return { from: [from], to: [to] };
    case 1:
      return { from: [from], to: others(from) };
    default:
      return { from: others(to), to: [to] };
  }
}

function drawPair(stream: Stream, count: number): { readonly from: number; readonly to: number } {
  const from = stream.below(count);
  const to = (from + stream.between(1, count - 1)) % count;
  return { from, to };
}

const sorted = (items: readonly number[]): readonly number[] => [...items].sort((left, right) => left - right);
