/** Canon: the sealed lane of a block as a function of its inclusion lists. Pure: whoever has the lists computes the same lane.
 *
 *  C1 orderable: not ordered by an ancestor, and height <= expiry height <= height + SEALED_EXPIRY_HEIGHTS_MAX; others are as if not listed.
 *  C2 entries in at least `threshold` = f + 1 lists come first, then the others. C3 within each group: dearer fee class first, then the
 *  one listed first, then the smaller id. C4 the lane ends at the first entry that does not fit: no size passes another one by.
 *  C5 an id has one place. Two descriptions of it compete before anything is ranked: the one in more lists stays, then the one with the lower
 *  expiry height, fee class, size class. C6 age: the first height of an unbroken run of blocks that list the id without ordering it,
 *  counted over the last LISTED_BLOCKS_MAX blocks, so that these blocks alone give it again.
 *
 *  What f lists that say what they like can do among n − f: name any transaction, which then stands in the second group; lift one that an
 *  honest list names into the first group, where it takes room if it is dearer; start or prolong an age; describe falsely what no more lists
 *  than they describe truly. What they cannot do: remove an entry that f + 1 honest lists name, except by lifting what honest lists name and
 *  ranks before it; put one that no honest list names before it; change the order of two such entries of different fee classes. */

import { assert } from "../types/assert.ts";
import { envelopeBytesOf, type ListEntry } from "../types/envelope.ts";
import { Height, type TransactionHash } from "../types/ids.ts";
import type { InclusionList } from "../types/inclusion_list.ts";
import { LISTED_BLOCKS_MAX, SEALED_EXPIRY_HEIGHTS_MAX } from "../types/limits.ts";

/** Each list names an id at most once; decoding has seen to that. Their order says nothing. */
export type EntryList = Pick<InclusionList, "entries">;

/** First height of the unbroken run that lists an id, after some block: what its children's lanes are ranked with. */
export type FirstListed = ReadonlyMap<TransactionHash, Height>;

export interface CanonInput {
  readonly lists: readonly EntryList[];
  /** Of the block whose lane this is. */
  readonly height: Height;
  /** f + 1. */
  readonly threshold: number;
  /** Did an ancestor of the block order it? Asked once for each id. */
  readonly isOrdered: (id: TransactionHash) => boolean;
  /** Leftovers of the parent. */
  readonly firstListed: FirstListed;
  readonly capacity: { readonly count: number; readonly bytes: number };
}

export interface Canon {
  readonly lane: readonly ListEntry[];
  /** C6, for the block's children. */
  readonly leftovers: FirstListed;
}

export function canon(input: CanonInput): Canon {
  const candidates = candidatesOf(input);
  const lane: ListEntry[] = [];
  let bytes = 0;
  for (const { entry } of candidates.toSorted(compareRanks(input.threshold))) {
    bytes += envelopeBytesOf(entry.sizeClass);
    if (lane.length === input.capacity.count || bytes > input.capacity.bytes) break;
    lane.push(entry);
  }
  const laneIds = new Set(lane.map(({ id }) => id));
  return { lane, leftovers: leftoversAmong(candidates, { height: input.height, laneIds }) };
}

/** C6 for a block whose lane is known: what `canon` gave for it. A block without lists leaves nothing over: runs break there.
 *  `isOrdered` may know later blocks than this one; after the last of them, the result is the same. */
export function leftoversOf(
  input: Omit<CanonInput, "threshold" | "capacity"> & { readonly laneIds: ReadonlySet<TransactionHash> },
): FirstListed {
  return leftoversAmong(candidatesOf(input), input);
}

interface Candidate {
  readonly entry: ListEntry;
  readonly listCount: number;
  readonly firstListed: Height;
}

interface Tally {
  readonly entry: ListEntry;
  listCount: number;
}

/** C1, C5: one candidate for each id, in no order. */
function candidatesOf(input: Pick<CanonInput, "lists" | "height" | "isOrdered" | "firstListed">): Candidate[] {
  const { height } = input;
  const heightMin = Math.max(0, height - LISTED_BLOCKS_MAX + 1);
  const candidates: Candidate[] = [];
  for (const [id, tallies] of talliesById(input.lists, height)) {
    if (input.isOrdered(id)) continue;
    const { entry, listCount } = tallies.reduce((best, other) => (compareTallies(other, best) < 0 ? other : best));
    const since = input.firstListed.get(id) ?? height;
    assert(since <= height, "C6: an age begins at or before the block that is ranked with it");
    candidates.push({ entry, listCount, firstListed: Height.of(Math.max(since, heightMin)) });
  }
  return candidates;
}

/** An entry outside of the window competes with none, so that claiming a wrong expiry height hides nothing. */
function talliesById(lists: readonly EntryList[], height: Height): ReadonlyMap<TransactionHash, readonly Tally[]> {
  const byId = new Map<TransactionHash, Tally[]>();
  for (const { entries } of lists) {
    for (const entry of entries) {
      if (!isWithinWindow(entry, height)) continue;
      const tallies = byId.get(entry.id);
      const same = tallies?.find((tally) => isSameEntry(tally.entry, entry));
      if (same !== undefined) same.listCount++;
      else if (tallies !== undefined) tallies.push({ entry, listCount: 1 });
      else byId.set(entry.id, [{ entry, listCount: 1 }]);
    }
  }
  return byId;
}

/** Do both say the same of the same transaction? */
export function isSameEntry(left: ListEntry, right: ListEntry): boolean {
  return (
    left.id === right.id &&
    left.expiryHeight === right.expiryHeight &&
    left.feeClass === right.feeClass &&
    left.sizeClass === right.sizeClass
  );
}

/** C5: negative when `left` is preferred. */
function compareTallies(left: Tally, right: Tally): number {
  return (
    right.listCount - left.listCount ||
    left.entry.expiryHeight - right.entry.expiryHeight ||
    left.entry.feeClass - right.entry.feeClass ||
    left.entry.sizeClass - right.entry.sizeClass
  );
}

/** C1, but for what was ordered. The upper bound meets no honest list: its maker admits by a height that is not above the block's. */
function isWithinWindow(entry: ListEntry, height: Height): boolean {
  return entry.expiryHeight >= height && entry.expiryHeight <= height + SEALED_EXPIRY_HEIGHTS_MAX;
}

/** C2, C3. Ids differ, so no two candidates rank alike. */
const compareRanks =
  (threshold: number) =>
  (left: Candidate, right: Candidate): number => {
    const group = Number(right.listCount >= threshold) - Number(left.listCount >= threshold);
    const rank = group || right.entry.feeClass - left.entry.feeClass || left.firstListed - right.firstListed;
    return rank || (left.entry.id < right.entry.id ? -1 : 1);
  };

/** Sorted by id, so that equal leftovers are equal maps. */
function leftoversAmong(
  candidates: readonly Candidate[],
  { height, laneIds }: { readonly height: Height; readonly laneIds: ReadonlySet<TransactionHash> },
): FirstListed {
  const left = candidates.filter(({ entry }) => entry.expiryHeight > height && !laneIds.has(entry.id));
  left.sort((one, other) => (one.entry.id < other.entry.id ? -1 : 1));
  return new Map(left.map(({ entry, firstListed }) => [entry.id, firstListed]));
}
