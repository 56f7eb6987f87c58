/** Who leads a view, given the block that its proposal extends. Rotation over the set, skipping validators that are serving a
 *  pause for missed views. Pauses are computed from one chain of blocks only, so all who have the same parent agree (R2).
 *
 *  The k-th view in a row that a leader lost pauses it for min(2^k, 64)·n views; a block of its own clears it. Never so many
 *  pauses that the rest is less than a quorum. Only SCHEDULE_FOLD_BLOCKS blocks are looked at, so a restart can do the same. */

import { assert } from "../types/assert.ts";
import { Height, ValidatorIndex, View } from "../types/ids.ts";
import { EXECUTION_LAG_MAX } from "../types/limits.ts";
import { isQuorum, type ValidatorSetContext } from "../types/validator_set.ts";

/** Blocks that the pauses of a view are computed from. */
export const SCHEDULE_FOLD_BLOCKS = 256;
/** Final headers to keep below the root: the fold may end as far below a parent as execution may lag. */
export const SCHEDULE_WINDOW_BLOCKS = SCHEDULE_FOLD_BLOCKS + EXECUTION_LAG_MAX + 1;
/** Of a longer row of lost views only the latest are counted. */
export const SKIPPED_VIEWS_COUNTED_MAX = 1_024;
const PAUSE_ROUNDS_MAX = 64;

/** What the schedule needs of a block; genesis has no proposer. */
export interface ScheduleBlock {
  readonly height: Height;
  readonly view: View;
  readonly proposer: ValidatorIndex | undefined;
  readonly executedHeight: Height;
}

interface Activity {
  /** Views lost in a row. */
  readonly misses: number;
  /** The last view of the pause. */
  readonly pausedUntil: View;
}

/** Activity by validator; who is absent has lost nothing. */
export type Pauses = ReadonlyMap<ValidatorIndex, Activity>;

export const NO_PAUSES: Pauses = new Map();

/** The height up to which blocks count for children of `parent`: what its proposer had executed, or the oldest allowed. */
export function scheduleHeight(parent: { readonly height: Height; readonly executedHeight: Height }): Height {
  return Height.of(Math.max(parent.executedHeight, parent.height - EXECUTION_LAG_MAX, 0));
}

/** Pauses after the last of `blocks`, which are consecutive and ascending. At most SCHEDULE_FOLD_BLOCKS of them count.
 *  A lost view is charged to the leader that the schedule named, as far as this fold knows it. */
export function foldPauses(blocks: readonly ScheduleBlock[], validators: ValidatorSetContext): Pauses {
  const window = blocks.slice(-SCHEDULE_FOLD_BLOCKS);
  const [first] = window;
  if (first === undefined) return NO_PAUSES;
  const after: Pauses[] = [NO_PAUSES];
  for (let index = 1; index < window.length; index++) {
    const [previous, block] = [window[index - 1] as ScheduleBlock, window[index] as ScheduleBlock];
    assert(block.height === previous.height + 1, "the schedule reads consecutive blocks");
    const known = after[scheduleHeight(previous) - first.height] ?? NO_PAUSES;
    after.push(advance({ pauses: after[index - 1] as Pauses, known, previous, block }, validators));
  }
  return after.at(-1) ?? NO_PAUSES;
}

/** The leader of `view` under `pauses`: its slot's owner, or a substitute for one who is serving a pause. */
export function leaderOf(view: View, pauses: Pauses, validators: ValidatorSetContext): ValidatorIndex {
  const count = validators.set.validators.length;
  const owner = ValidatorIndex.of(view % count);
  if (pauses.size === 0) return owner;
  const paused = pausedAt(view, pauses, validators);
  if (!paused.has(owner)) return owner;
  const actives: ValidatorIndex[] = [];
  for (let index = 0; index < count; index++) {
    const candidate = ValidatorIndex.of(index);
    if (!paused.has(candidate)) actives.push(candidate);
  }
  const substitute = actives[Math.floor(view / count) % actives.length];
  assert(substitute !== undefined, "a quorum is never paused");
  return substitute;
}

interface Transition {
  readonly pauses: Pauses;
  /** What the leaders of the lost views were chosen by. */
  readonly known: Pauses;
  readonly previous: ScheduleBlock;
  readonly block: ScheduleBlock;
}

function advance({ pauses, known, previous, block }: Transition, validators: ValidatorSetContext): Pauses {
  const skippedCount = block.view - previous.view - 1;
  const isClearing = block.proposer !== undefined && pauses.has(block.proposer);
  if (skippedCount === 0 && !isClearing) return pauses;
  const next = new Map(pauses);
  const firstCounted = Math.max(previous.view + 1, block.view - SKIPPED_VIEWS_COUNTED_MAX);
  for (let skipped = firstCounted; skipped < block.view; skipped++) {
    const view = View.of(skipped);
    const leader = leaderOf(view, known, validators);
    const misses = (next.get(leader)?.misses ?? 0) + 1;
    const rounds = Math.min(2 ** Math.min(misses, 6), PAUSE_ROUNDS_MAX);
    next.set(leader, { misses, pausedUntil: View.plus(view, rounds * validators.set.validators.length) });
  }
  if (block.proposer !== undefined) next.delete(block.proposer);
  return next;
}

/** Who sits out `view`: the most often missing first, as long as the others are a quorum. */
function pausedAt(view: View, pauses: Pauses, validators: ValidatorSetContext): ReadonlySet<ValidatorIndex> {
  const serving = [...pauses].filter(([, activity]) => activity.pausedUntil >= view);
  serving.sort(([left, leftActivity], [right, rightActivity]) => rightActivity.misses - leftActivity.misses || left - right);
  const paused = new Set<ValidatorIndex>();
  let activeWeight = validators.totalWeight;
  for (const [validator] of serving) {
    const weight = validators.set.validators[validator]?.weight ?? 0;
    if (!isQuorum(activeWeight - weight, validators.totalWeight)) continue;
    activeWeight -= weight;
    paused.add(validator);
  }
  return paused;
}
