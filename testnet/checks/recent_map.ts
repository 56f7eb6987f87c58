/** A map that forgets what was put in first once it is full: checkers of long runs must not grow without end. */

export interface RecentMap<Key, Value> {
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): void;
  delete(key: Key): void;
  clear(): void;
  readonly size: number;
  values(): Iterable<Value>;
}

export function createRecentMap<Key, Value>(sizeMax: number): RecentMap<Key, Value> {
  const entries = new Map<Key, Value>();
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      entries.set(key, value);
      if (entries.size <= sizeMax) return;
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        return;
      }
    },
    delete(key) {
      entries.delete(key);
    },
    clear: () => entries.clear(),
    get size() {
      return entries.size;
    },
    values: () => entries.values(),
  };
}

/** Views that a checker remembers: far more than any validator keeps records of. */
export const VIEWS_MAX = 65_536;
