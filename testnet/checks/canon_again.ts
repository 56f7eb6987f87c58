/** The sealed lane of a block from its lists and the blocks below it, written from the rules (C1 to C6 of mempool/canon.ts) by walking the
 *  chain for each question instead of keeping what it left over. Slow, and shares nothing with the product but types and limits. */

import type { ListEntry } from "../../types/envelope.ts";
import type { InclusionList } from "../../types/inclusion_list.ts";
import type { SealedBlock } from "./sealed_blocks.ts";

/** As docs and README state them, not taken from the product's tables. */
const WINDOW_BLOCKS = 64;
/** What is ordered has expired so many heights later: so far back ordered ids are remembered. */
export const EXPIRY_HEIGHTS_MAX = 1_024;
const LANE_MAX = 2_048;
const LANE_BYTES_MAX = 4 * 1024 * 1024;
const ENVELOPE_BYTES = 227 + 176;

interface Ranked {
  readonly entry: ListEntry;
  readonly count: number;
}

/** `below`: the blocks under this one, newest first, at least the last EXPIRY_HEIGHTS_MAX of them. */
export function laneAgain(given: {
  readonly height: number;
  readonly lists: readonly InclusionList[];
  readonly below: readonly SealedBlock[];
  /** f + 1. */
  readonly threshold: number;
}): readonly string[] {
  const { height, lists, below, threshold } = given;
  const ordered = orderedBelow(below);
  const ranked = [...descriptions(lists, height).values()].filter(({ entry }) => !ordered.has(entry.id));
  const ageOf = new Map(ranked.map(({ entry }) => [entry.id, firstListed(entry.id, height, below)]));
  ranked.sort((left, right) => {
    const byGroup = Number(right.count >= threshold) - Number(left.count >= threshold);
    if (byGroup !== 0) return byGroup;
    if (left.entry.feeClass !== right.entry.feeClass) return right.entry.feeClass - left.entry.feeClass;
    const byAge = (ageOf.get(left.entry.id) as number) - (ageOf.get(right.entry.id) as number);
    return byAge !== 0 ? byAge : left.entry.id < right.entry.id ? -1 : 1;
  });
  const lane: string[] = [];
  let bytes = 0;
  for (const { entry } of ranked) {
    bytes += ENVELOPE_BYTES + 256 * 2 ** entry.sizeClass;
    if (lane.length === LANE_MAX || bytes > LANE_BYTES_MAX) break;
    lane.push(entry.id);
  }
  return lane;
}

/** How deep below each id was ordered: 0 is the parent. */
export function orderedBelow(below: readonly SealedBlock[]): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  for (const [depth, { lane }] of below.slice(0, EXPIRY_HEIGHTS_MAX).entries())
    for (const id of lane) if (!depths.has(id)) depths.set(id, depth);
  return depths;
}

/** C1, C5: the description of each id that most lists share; of those, the lowest. */
function descriptions(lists: readonly InclusionList[], height: number): ReadonlyMap<string, Ranked> {
  const all = new Map<string, Map<string, { entry: ListEntry; count: number }>>();
  for (const { entries } of lists) {
    for (const entry of entries) {
      if (entry.expiryHeight < height || entry.expiryHeight > height + EXPIRY_HEIGHTS_MAX) continue;
      const ofId = all.get(entry.id) ?? new Map<string, { entry: ListEntry; count: number }>();
      all.set(entry.id, ofId);
      const words = `${entry.expiryHeight} ${entry.feeClass} ${entry.sizeClass}`;
      const same = ofId.get(words);
      if (same === undefined) ofId.set(words, { entry, count: 1 });
      else same.count += 1;
    }
  }
  const best = new Map<string, Ranked>();
  for (const [id, ofId] of all) {
    const [first] = [...ofId.values()].sort(
      (left, right) =>
        right.count - left.count ||
        left.entry.expiryHeight - right.entry.expiryHeight ||
        left.entry.feeClass - right.entry.feeClass ||
        left.entry.sizeClass - right.entry.sizeClass,
    );
    if (first !== undefined) best.set(id, first);
  }
  return best;
}

/** C6: how far back the blocks below have listed the id without a gap; what is asked for was ordered by none of them. */
function firstListed(id: string, height: number, below: readonly SealedBlock[]): number {
  let since = height;
  for (const [depth, block] of below.entries()) {
    const entry = descriptions(block.lists, block.height).get(id)?.entry;
    if (depth === WINDOW_BLOCKS || entry === undefined || entry.expiryHeight <= block.height) break;
    since = block.height;
  }
  return Math.max(since, height - WINDOW_BLOCKS + 1, 0);
}
