/** Bounded memories of strategies: a traitor must not make the simulator grow. The oldest entry goes first. */

import type { Stream } from "../streams.ts";

/** Keys with their values in order of first insertion. */
export interface Shelf<Key, Value> {
  get(key: Key): Value | undefined;
  has(key: Key): boolean;
  put(key: Key, value: Value): void;
  /** Oldest first. */
  values(): readonly Value[];
  /** What is held under `key`, made by `make` where nothing is. */
  ensure(key: Key, make: () => Value): Value;
}

export function createShelf<Key, Value>(countMax: number): Shelf<Key, Value> {
  const held = new Map<Key, Value>();
  const put = (key: Key, value: Value): void => {
    held.set(key, value);
    if (held.size <= countMax) return;
    const [oldest] = held.keys();
    held.delete(oldest as Key);
  };
  return {
    get: (key) => held.get(key),
    has: (key) => held.has(key),
    put,
    values: () => [...held.values()],
    ensure(key, make) {
      const known = held.get(key);
      if (known !== undefined) return known;
      const made = make();
      put(key, made);
      return made;
    },
  };
}

/** Some of everything that came by: the first `earlyMax` for good, of the rest the last `lateMax`. */
export interface Album<Item> {
  add(item: Item): void;
  readonly count: number;
  pick(stream: Stream): Item | undefined;
  /** One of the first, while there are any. */
  pickEarly(stream: Stream): Item | undefined;
  /** One of the last. */
  pickLate(stream: Stream): Item | undefined;
}

export function createAlbum<Item>({ earlyMax, lateMax }: { readonly earlyMax: number; readonly lateMax: number }): Album<Item> {
  const early: Item[] = [];
  const late: Item[] = [];
  let next = 0;
  const pickOf = (items: readonly Item[], stream: Stream): Item | undefined => (items.length === 0 ? undefined : stream.pick(items));
  return {
    add(item) {
      if (early.length < earlyMax) {
        early.push(item);
        return;
      }
      late[next] = item;
      next = (next + 1) % lateMax;
    },
    get count() {
      return early.length + late.length;
    },
    pick: (stream) => pickOf(stream.below(early.length + late.length) < early.length ? early : late, stream),
    pickEarly: (stream) => pickOf(early, stream),
    pickLate: (stream) => pickOf(late.length === 0 ? early : late, stream),
  };
}
