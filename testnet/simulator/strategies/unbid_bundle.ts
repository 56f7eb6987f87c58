/** As leader, puts a bundle on a block that it built itself: the header counts one, with a bid that it does not name, names without carrying, or carries
 *  without naming. B6: SELF brings neither bid nor bundle. */

import { type Bid, NO_BID } from "../../../types/bid.ts";
import type { Strategy, UnsignedProposal } from "../strategy.ts";
import { onBid } from "./bid_replacing.ts";
import { createAlbum } from "./memory.ts";

export function createUnbidBundle(): Strategy {
  const seen = createAlbum<Bid>({ earlyMax: 4, lateMax: 16 });
  return {
    beforeProposal(proposal, context) {
      const { view } = proposal.header;
      const bid = proposal.bid ?? seen.pickLate(context.stream);
      if (bid === undefined || !context.acts(view)) return [proposal];
      const named = onBid(proposal, bid);
      const spoils: readonly UnsignedProposal[] = [
        { ...named, header: { ...named.header, bidHash: NO_BID } },
        { ...named, bid: undefined },
        { ...proposal, bid: undefined, header: { ...proposal.header, bidHash: NO_BID, bundleCount: 1 } },
      ];
      context.note(view, "brings a bundle without a bid");
      return [context.stream.pick(spoils)];
    },
    onReceive(message) {
      if (message.type === "bid") seen.add(message.bid);
      return [message];
    },
  };
}
