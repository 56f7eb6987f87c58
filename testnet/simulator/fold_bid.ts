/** What builders say, folded into a trace: bids, alone or with the hashes that their tail's root is over. */

import type { Bid, OfferedBid } from "../../types/bid.ts";
import type { Fold } from "./fold.ts";

const TWO_32 = 2n ** 32n;

export function foldBid(fold: Fold, bid: Bid): void {
  fold.integer(bid.height);
  fold.hash(bid.parentHash);
  fold.hash(bid.builder);
  fold.integer(bid.sequence);
  foldAmount(fold, bid.value);
  fold.integer(bid.expiryView);
  fold.hash(bid.keyId);
  fold.bytes(bid.bundle);
  fold.hash(bid.tailRoot);
  fold.integer(bid.tailCount);
  fold.integer(bid.tailBytes);
  fold.integer(bid.gas);
  fold.tail(bid.signature);
}

export function foldOptionalBid(fold: Fold, bid: Bid | undefined): void {
  fold.flag(bid !== undefined);
  if (bid !== undefined) foldBid(fold, bid);
}

export function foldOffered(fold: Fold, { bid, tailHashes }: OfferedBid): void {
  foldBid(fold, bid);
  fold.integer(tailHashes.length);
  for (const hash of tailHashes) fold.hash(hash);
}

/** Four words, the lowest first. */
function foldAmount(fold: Fold, amount: bigint): void {
  let rest = amount;
  for (let word = 0; word < 4; word++) {
    fold.integer(Number(rest % TWO_32));
    rest /= TWO_32;
  }
}
