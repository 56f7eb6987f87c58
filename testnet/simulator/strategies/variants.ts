/** Other blocks for the same place in the chain, each of them valid by itself: what an equivocating leader sends around. */

import { bodyRootOf, hashHeader } from "../../../crypto/hashes.ts";
import type { BlockHash } from "../../../types/ids.ts";
import { TimestampMs } from "../../../types/ids.ts";
import type { UnsignedProposal } from "../strategy.ts";
import type { Stream } from "../streams.ts";

/** The `nth` variant, from 1: another time, then also another body, empty or in another order. All differ from each other. */
export function variantOf(proposal: UnsignedProposal, nth: number, stream: Stream): UnsignedProposal {
  const later = { ...proposal, header: { ...proposal.header, timeMs: TimestampMs.plus(proposal.header.timeMs, nth) } };
  if (proposal.transactionHashes.length === 0) return later;
  switch (stream.below(3)) {
    case 0:
      return withBody(later, { hashes: [], bodyBytes: 0 });
    case 1:
      return withBody(later, { hashes: [...proposal.transactionHashes].reverse(), bodyBytes: proposal.header.bodyBytes });
    default:
      return later;
  }
}

/** The same block with another list of transactions, of `bodyBytes` together. */
export function withBody(
  proposal: UnsignedProposal,
  body: { readonly hashes: UnsignedProposal["transactionHashes"]; readonly bodyBytes: number },
): UnsignedProposal {
  const { hashes, bodyBytes } = body;
  const header = { ...proposal.header, bodyRoot: bodyRootOf(hashes), transactionCount: hashes.length, bodyBytes };
  return { ...proposal, header, transactionHashes: hashes };
}

export function hashOf(proposal: UnsignedProposal): BlockHash {
  return hashHeader(proposal.header);
}
