/** As leader, takes a bid's value and not its tail: without the last of its transactions, in another order, or with the tail and without the bundle.
 *  B4: the tail is what the builder signed. */

import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import { withOrder } from "./bid_replacing.ts";

export function createSwappedTail(): Strategy {
  return {
    beforeProposal(proposal, context) {
      const { header, bid } = proposal;
      if (bid === undefined || !context.acts(header.view)) return [proposal];
      const swapped = swap(proposal, context);
      if (swapped === undefined) return [proposal];
      context.note(header.view, "proposes another tail than its bid names");
      return [swapped];
    },
  };
}

function swap(proposal: UnsignedProposal, { stream }: TraitorContext): UnsignedProposal | undefined {
  const { header, transactionHashes } = proposal;
  const lane = transactionHashes.slice(0, header.sealedCount);
  const tail = transactionHashes.slice(header.sealedCount);
  const withoutBundle = { ...proposal, header: { ...header, bundleCount: 1 - header.bundleCount } };
  if (tail.length < 2) return header.bundleCount === 1 ? withoutBundle : undefined;
  const [first, ...others] = tail;
  const isDoubled = stream.chance(0.5);
  const hashes = [...lane, ...(isDoubled ? others : tail.toReversed())];
  const swapped = withOrder(proposal, hashes, header.sealedCount);
  if (!isDoubled || first === undefined) return swapped;
  // One in place of another of equal length: the header's count of bytes stays true for plain transfers.
  return withOrder(proposal, [...lane, ...others, others[0] as typeof first], header.sealedCount);
}
