/** What strategies of proposers do to the bid that their block stands on, with a header that fits it. */

import { bidHashOf, bodyRootOf } from "../../../crypto/hashes.ts";
import type { Bid } from "../../../types/bid.ts";
import type { TransactionHash } from "../../../types/ids.ts";
import type { UnsignedProposal } from "../strategy.ts";

/** The same block on another bid; undefined: on none. */
export function onBid(proposal: UnsignedProposal, bid: Bid | undefined): UnsignedProposal {
  const bundleCount = bid === undefined || bid.bundle.length === 0 ? 0 : 1;
  return { ...proposal, bid, header: { ...proposal.header, bidHash: bidHashOf(bid), bundleCount } };
}

/** The same block with these transactions, none of them new. */
export function withOrder(proposal: UnsignedProposal, hashes: readonly TransactionHash[], sealedCount: number): UnsignedProposal {
  const { header } = proposal;
  return {
    ...proposal,
    transactionHashes: hashes,
    header: { ...header, bodyRoot: bodyRootOf(hashes), transactionCount: hashes.length, sealedCount },
  };
}

/** The same block without its open part; undefined where the size of what stays is not known. */
export function withoutTail(proposal: UnsignedProposal): UnsignedProposal | undefined {
  const { header } = proposal;
  if (header.transactionCount === header.sealedCount) return proposal;
  if (header.sealedCount > 0) return undefined;
  const empty = withOrder(proposal, [], 0);
  return { ...empty, header: { ...empty.header, bodyBytes: 0 } };
}
