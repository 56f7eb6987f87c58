/** A bounded memory of what was seen lately: at least the last `countMax` values, at most twice as many. Two generations, of
 *  which the older is dropped whole: deleting the oldest entry of a full Set one by one scans what was deleted before it. */

import { assert } from "./assert.ts";

export interface RecentSet<T> {
  add(value: T): void;
  has(value: T): boolean;
  clear(): void;
}

export function createRecentSet<T>(countMax: number): RecentSet<T> {
  assert(countMax > 0, "a recent set holds at least one value");
  let young = new Set<T>();
  let old = new Set<T>();

  return {
    add(value) {
      young.add(value);
      if (young.size < countMax) return;
      old = young;
      young = new Set();
    },
    has: (value) => young.has(value) || old.has(value),
    clear() {
      young = new Set();
      old = new Set();
    },
  };
}
