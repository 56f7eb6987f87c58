/** How much to bid: the only thing about a builder that is a matter of taste. A strategy is pure and keeps nothing; what it may know comes in.
 *  An answer above what the bond covers is a bug of the strategy, and the builder halts on it (T2). */

/** The bid that stands for the block in question. */
export interface PreviousBid {
  readonly value: bigint;
  /** What the builder expected to gain when it made it. */
  readonly gain: bigint;
  /** So many bids were made for this block so far, this one included. */
  readonly count: number;
}

export interface BidSituation {
  /** Fees of the tail and what the groups of the bundle pay, as simulated; in the smallest unit of the fee asset. */
  readonly gain: bigint;
  /** What the bond covers for this block. */
  readonly spendable: bigint;
  readonly previous: PreviousBid | undefined;
  /** Of the last LOSSES_WINDOW blocks that we bid for, those that somebody else built. */
  readonly losses: number;
}

export interface Strategy {
  readonly name: string;
  /** What to bid now; undefined: nothing, and a bid that stands goes on standing. Between 1 and `spendable`. */
  valueOf(situation: BidSituation): bigint | undefined;
}

export const LOSSES_WINDOW = 16;

/** `percent` of `gain`, at most what can be spent; undefined when that is nothing, or not above what stands already. */
export function shareOf({ gain, spendable, previous }: BidSituation, percent: number): bigint | undefined {
  const share = (gain * BigInt(percent)) / 100n;
  const value = share < spendable ? share : spendable;
  return value >= 1n && value > (previous?.value ?? 0n) ? value : undefined;
}
