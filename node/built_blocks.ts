/** Who built the final blocks that this node has seen since it started, what builders paid, and how many bids came in. Bounded: only totals and the last
 *  block are kept. */

import type { FinalizedBlock } from "../replica/interface.ts";
import type { AccountId, Height } from "../types/ids.ts";

export interface LastBlock {
  readonly height: Height;
  /** Undefined: its proposer built it. */
  readonly builder: AccountId | undefined;
  readonly paid: bigint;
}

export interface BuiltBlocks {
  noteBid(): void;
  noteFinal(blocks: readonly FinalizedBlock[]): void;
  readonly totals: BuiltBlockTotals;
}

export interface BuiltBlockTotals {
  readonly byBuilders: number;
  readonly bySelf: number;
  readonly bidsReceived: number;
  readonly paid: bigint;
  readonly last: LastBlock | undefined;
}

export function createBuiltBlocks(): BuiltBlocks {
  let totals: BuiltBlockTotals = { byBuilders: 0, bySelf: 0, bidsReceived: 0, paid: 0n, last: undefined };

  return {
    noteBid() {
      totals = { ...totals, bidsReceived: totals.bidsReceived + 1 };
    },
    noteFinal(blocks) {
      for (const { header, built } of blocks) {
        const paid = built?.value ?? 0n;
        totals = {
          ...totals,
          byBuilders: totals.byBuilders + (built === undefined ? 0 : 1),
          bySelf: totals.bySelf + (built === undefined ? 1 : 0),
          paid: totals.paid + paid,
          last: { height: header.height, builder: built?.builder, paid },
        };
      }
    },
    get totals() {
      return totals;
    },
  };
}
