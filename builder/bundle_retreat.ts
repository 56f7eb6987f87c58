/** P3: which bundles give way to a newcomer when the pool is full. What a bundle declares is not believed; what its last simulation brought is.
 *
 *  Those that failed go first. Then unmeasured ones, as long as they hold their share of the pool or more. Then those that are worth less than the
 *  newcomer's tip. So unmeasured bundles always get a place, whatever flood of them comes, and at most their share of the pool at the expense of
 *  measured ones; a false tip gets no more than that. Each oldest first, but those worth something least worth first. */

import type { Bundle, BundleId } from "./bundle.ts";

export interface Measured {
  readonly bundle: Bundle;
  /** In the order in which they came. */
  readonly arrival: number;
  readonly worth: bigint;
  /** worthless: its last simulation says so. */
  readonly measure: "none" | "worthless" | "worthy";
}

/** One in so many places, and bytes, is for bundles that nobody has measured. */
export const UNMEASURED_SHARE = 4;

/** What must go; undefined: the newcomer finds no place. */
export function planRetreat(
  entries: readonly Measured[],
  newcomer: Pick<Bundle, "tip" | "bytes">,
  limits: { readonly countMax: number; readonly bytesMax: number },
): readonly BundleId[] | undefined {
  let countOver = entries.length + 1 - limits.countMax;
  let bytesOver = bytesOf(entries) + newcomer.bytes - limits.bytesMax;
  if (countOver <= 0 && bytesOver <= 0) return [];
  const [failed, unmeasured, worthy] = [classOf(entries, "worthless"), classOf(entries, "none"), classOf(entries, "worthy")];
  const countShare = Math.ceil(limits.countMax / UNMEASURED_SHARE);
  const bytesShare = Math.ceil(limits.bytesMax / UNMEASURED_SHARE);
  let unmeasuredBytes = bytesOf(unmeasured);
  const leaving: BundleId[] = [];
  while (countOver > 0 || bytesOver > 0) {
    const isShareFull = unmeasured.length >= countShare || unmeasuredBytes >= bytesShare;
    const [cheapest] = worthy;
    let next = failed.shift();
    if (next === undefined && isShareFull) {
      next = unmeasured.shift();
      unmeasuredBytes -= next?.bundle.bytes ?? 0;
    } else if (next === undefined && cheapest !== undefined && cheapest.worth < newcomer.tip) next = worthy.shift();
    if (next === undefined) return undefined;
    leaving.push(next.bundle.id);
    countOver--;
    bytesOver -= next.bundle.bytes;
  }
  return leaving;
}

function classOf(entries: readonly Measured[], measure: Measured["measure"]): Measured[] {
  return entries.filter((entry) => entry.measure === measure).sort(compareRetreat);
}

function compareRetreat(left: Measured, right: Measured): number {
  if (left.worth !== right.worth) return left.worth < right.worth ? -1 : 1;
  return left.arrival - right.arrival;
}

function bytesOf(entries: readonly Measured[]): number {
  return entries.reduce((sum, { bundle }) => sum + bundle.bytes, 0);
}
