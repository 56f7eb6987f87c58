/** Who built the final blocks that this node has seen since it started, what builders paid, how many bids came in, and how long the ones that were used
 *  had waited. Bounded: totals, the last block, and when the last bids arrived. */

import type { FinalizedBlock } from "../replica/interface.ts";
import type { Bid } from "../types/bid.ts";
import type { AccountId, Height } from "../types/ids.ts";
import { createHistogram, type HistogramSnapshot } from "./histogram.ts";

export interface LastBlock {
  readonly height: Height;
  /** Undefined: its proposer built it. */
  readonly builder: AccountId | undefined;
  readonly paid: bigint;
}

export interface BuiltBlocks {
  noteBid(bid: NamedBid, nowMs: number): void;
  /** We propose with it. */
  noteProposed(bid: NamedBid, nowMs: number): void;
  noteFinal(blocks: readonly FinalizedBlock[]): void;
  readonly totals: BuiltBlockTotals;
}

export interface BuiltBlockTotals {
  readonly byBuilders: number;
  readonly bySelf: number;
  readonly bidsReceived: number;
  readonly paid: bigint;
  readonly last: LastBlock | undefined;
  /** From a bid's arrival here to our proposal with it. */
  readonly bidToProposal: HistogramSnapshot;
}

type NamedBid = Pick<Bid, "builder" | "sequence">;

/** Arrivals that are remembered; bids for blocks that we did not propose push each other out. */
const ARRIVALS_MAX = 256;

const nameOf = ({ builder, sequence }: NamedBid): string => `${builder}/${sequence}`;

export function createBuiltBlocks(): BuiltBlocks {
  let totals: Omit<BuiltBlockTotals, "bidToProposal"> = { byBuilders: 0, bySelf: 0, bidsReceived: 0, paid: 0n, last: undefined };
  const arrivals = new Map<string, number>();
  const bidToProposal = createHistogram();

  return {
    noteBid(bid, nowMs) {
      totals = { ...totals, bidsReceived: totals.bidsReceived + 1 };
      if (!arrivals.has(nameOf(bid))) arrivals.set(nameOf(bid), nowMs);
      const [oldest] = arrivals.keys();
      if (arrivals.size > ARRIVALS_MAX && oldest !== undefined) arrivals.delete(oldest);
    },
    noteProposed(bid, nowMs) {
      const arrivedMs = arrivals.get(nameOf(bid));
      if (arrivedMs !== undefined) bidToProposal.record(nowMs - arrivedMs);
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
      return { ...totals, bidToProposal: bidToProposal.snapshot() };
    },
  };
}
