/** As leader of a built block, moves, drops or adds in the sealed lane for its builder: its own, or one that conspires with it. SL2: whoever builds, the
 *  lane is what the lists give. */

import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import { withOrder } from "./bid_replacing.ts";

export function createColludingLane(): Strategy {
  return {
    beforeProposal(proposal, context) {
      const { header, bid } = proposal;
      if (bid === undefined || !context.acts(header.view)) return [proposal];
      const moved = move(proposal, context);
      if (moved === undefined) return [proposal];
      context.note(header.view, "changes the sealed lane of a built block");
      return [moved];
    },
  };
}

function move(proposal: UnsignedProposal, { stream }: TraitorContext): UnsignedProposal | undefined {
  const { header, transactionHashes } = proposal;
  const { sealedCount } = header;
  const lane = transactionHashes.slice(0, sealedCount);
  const tail = transactionHashes.slice(sealedCount);
  const [first, ...others] = lane;
  if (first === undefined) return tail.length === 0 ? undefined : withOrder(proposal, transactionHashes, 1);
  const moves = [
    () => withOrder(proposal, [...lane, ...tail], sealedCount - 1),
    () => withOrder(proposal, [...others, ...tail, first], sealedCount - 1),
    ...(others.length > 0 ? [() => withOrder(proposal, [...others, first, ...tail], sealedCount)] : []),
  ];
  return stream.pick(moves)();
}
