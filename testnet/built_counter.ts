/** Counts who built the final blocks, each height once whoever shows it first. */

import type { BlockSummary } from "./rpc_shapes.ts";

export interface BuiltCounts {
  /** By account. */
  readonly byBuilder: ReadonlyMap<string, number>;
  readonly bySelf: number;
  readonly paid: bigint;
  readonly bundleTransactions: number;
  /** Views that left no block. */
  readonly lostViews: number;
  /** Up to here it has counted. */
  readonly height: number;
}

export interface BuiltCounter {
  /** Blocks in order of height; those that were counted, or that leave a gap, or that are not executed yet, are passed over. */
  add(blocks: readonly BlockSummary[]): void;
  /** Counts anew from the next height on. */
  reset(): void;
  readonly counts: BuiltCounts;
}

const NOTHING = { bySelf: 0, paid: 0n, bundleTransactions: 0, lostViews: 0 } as const;

export function createBuiltCounter(): BuiltCounter {
  let byBuilder = new Map<string, number>();
  let totals: Omit<BuiltCounts, "byBuilder" | "height"> = NOTHING;
  let last = { height: 0, view: 0 };

  return {
    add(blocks) {
      for (const { height, view, stateRoot, builder, paid, bundleTransactions } of blocks) {
        if (height !== last.height + 1 || stateRoot === undefined) continue;
        if (builder !== undefined) byBuilder.set(builder, (byBuilder.get(builder) ?? 0) + 1);
        totals = {
          bySelf: totals.bySelf + (builder === undefined ? 1 : 0),
          paid: totals.paid + paid,
          bundleTransactions: totals.bundleTransactions + bundleTransactions,
          lostViews: totals.lostViews + (view - last.view - 1),
        };
        last = { height, view };
      }
    },
    reset() {
      byBuilder = new Map();
      totals = NOTHING;
    },
    get counts() {
      return { ...totals, byBuilder, height: last.height };
    },
  };
}
