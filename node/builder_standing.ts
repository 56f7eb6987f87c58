/** Why a builder builds, or does not: the first thing that keeps it from bidding for the next block. Looks only; decides nothing. */

import type { Builder } from "../types/builder.ts";
import type { AccountId } from "../types/ids.ts";
import { Height } from "../types/ids.ts";
import { BUILDER_UNBONDING_HEIGHTS } from "../types/limits.ts";

export type BuilderStanding =
  | { readonly type: "active" }
  /** What it knows is not the chain's last word: nothing else can be told. */
  | { readonly type: "catchingUp" }
  | { readonly type: "notRegistered" }
  /** `withdrawableAt`: the first height whose block may give the bond back. */
  | { readonly type: "unbonding"; readonly unbondingHeight: Height; readonly withdrawableAt: Height }
  | { readonly type: "bondTooLow"; readonly bond: bigint; readonly bondMin: bigint }
  /** Too many of its bundles did not open: no block up to this height is its. */
  | { readonly type: "boxed"; readonly until: Height }
  /** The account is not open in the fee asset, so nothing that it builds would bring it anything. */
  | { readonly type: "noFeeRecipient"; readonly feeRecipient: AccountId }
  /** No validator takes its bids. */
  | { readonly type: "notLinked" };

export function standingOf(given: {
  readonly record: Builder | undefined;
  /** Of the last executed block. */
  readonly height: Height;
  readonly bondMin: bigint;
  readonly isCatchingUp: boolean;
  /** Validators that take its bids now, and all nodes that it is connected with. */
  readonly links: number;
  readonly peers: number;
  /** Asked about the fee asset. */
  readonly isOpen: (account: AccountId) => boolean;
}): BuilderStanding {
  const { record, height, bondMin, isCatchingUp, links, peers, isOpen } = given;
  if (isCatchingUp) return { type: "catchingUp" };
  // Who hears nobody cannot tell whether it is registered by now.
  if (record === undefined) return peers === 0 ? { type: "notLinked" } : { type: "notRegistered" };
  const { bond, feeRecipient, unbondingHeight, boxedUntil } = record;
  if (unbondingHeight !== undefined) return { type: "unbonding", unbondingHeight, withdrawableAt: withdrawableAt(unbondingHeight) };
  if (bond < bondMin) return { type: "bondTooLow", bond, bondMin };
  if (boxedUntil !== undefined && height < boxedUntil) return { type: "boxed", until: boxedUntil };
  if (!isOpen(feeRecipient)) return { type: "noFeeRecipient", feeRecipient };
  return links === 0 ? { type: "notLinked" } : { type: "active" };
}

/** The first height whose block may give the bond back. */
export function withdrawableAt(unbondingHeight: Height): Height {
  return Height.plus(unbondingHeight, BUILDER_UNBONDING_HEIGHTS);
}

export function describeStanding(standing: BuilderStanding): string {
  switch (standing.type) {
    case "active":
      return "it bids for blocks";
    case "catchingUp":
      return "this node is catching up with the chain: wait";
    case "notRegistered":
      return "its account is no builder: register it";
    case "unbonding":
      return `it has unbonded at height ${standing.unbondingHeight}: withdraw works from height ${standing.withdrawableAt} on; register it again to stay`;
    case "bondTooLow":
      return `its bond of ${standing.bond} is below the chain's least, ${standing.bondMin}: register what is missing`;
    case "boxed":
      return `bundles of it did not open: it builds again above height ${standing.until}`;
    case "noFeeRecipient":
      return `account ${standing.feeRecipient}, its fee recipient, is not open in the fee asset: open that account, or register another recipient`;
    case "notLinked":
      return "no validator takes its bids: list every validator as a peer, and look at this node's log";
    default:
      return standing satisfies never;
  }
}
