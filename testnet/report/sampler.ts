/** Keeps a bounded part of many items by a rule that people can be told: all items of every k-th key (a view, mostly), k being the smallest
 *  power of two with which they fit. What lies in the pinned time is kept apart, with a bound of its own. */

import { assert } from "../../types/assert.ts";

export interface Sampler<Item> {
  /** `key`: a whole number from 0; items of one key are kept or left out together. */
  add(item: Item, where: { readonly key: number; readonly atUs: number }): void;
  /** In the order of their times. */
  items(): readonly Item[];
  readonly offered: number;
  /** Every how many-th key is kept; 1: all. */
  readonly stride: number;
}

export interface SamplerLimits {
  readonly itemsMax: number;
  /** Everything in here is kept, up to `itemsMax` again. */
  readonly pinnedUs: readonly [number, number] | undefined;
}

/** One key may fill this share of the bound; more of it is left out. */
const KEY_SHARE = 4;

interface Held<Item> {
  readonly item: Item;
  readonly atUs: number;
  readonly order: number;
}

export function createSampler<Item>({ itemsMax, pinnedUs }: SamplerLimits): Sampler<Item> {
  assert(itemsMax >= KEY_SHARE, "a sampler keeps something");
  const groups = new Map<number, Held<Item>[]>();
  const pinned: Held<Item>[] = [];
  let held = 0;
  let offered = 0;
  let stride = 1;

  function thin(): void {
    stride *= 2;
    for (const [key, group] of groups) {
      if (key % stride === 0) continue;
      groups.delete(key);
      held -= group.length;
    }
  }

  return {
    add(item, { key, atUs }) {
      const next = { item, atUs, order: offered++ };
      if (pinnedUs !== undefined && atUs >= pinnedUs[0] && atUs <= pinnedUs[1]) {
        if (pinned.length < itemsMax) pinned.push(next);
        return;
      }
      if (key % stride !== 0) return;
      const group = groups.get(key) ?? [];
      if (group.length >= itemsMax / KEY_SHARE) return;
      if (group.length === 0) groups.set(key, group);
      group.push(next);
      held++;
      while (held > itemsMax && groups.size > 1) thin();
    },
    items() {
      const all = [...groups.values(), pinned].flat();
      all.sort((left, right) => left.atUs - right.atUs || left.order - right.order);
      return all.map(({ item }) => item);
    },
    get offered() {
      return offered;
    },
    get stride() {
      return stride;
    },
  };
}
