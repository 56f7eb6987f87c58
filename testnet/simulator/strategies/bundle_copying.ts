/** As leader, takes the bundle of a bid that it holds into another bid: its own, that of a builder that conspires with it, or the same builder's for
 *  another value or block; or replays a whole bid. A bundle opens under its own label only (B3), and a bid is signed and for one block (B1). */

import { type Bid, bidSigningBytes } from "../../../types/bid.ts";
import { toHex } from "../../../types/bytes.ts";
import type { AccountId } from "../../../types/ids.ts";
import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import { onBid } from "./bid_replacing.ts";
import { createAlbum } from "./memory.ts";

export function createBundleCopying(): Strategy {
  const seen = createAlbum<Bid>({ earlyMax: 4, lateMax: 16 });

  function copied(proposal: UnsignedProposal, victim: Bid, { sealing, colluders, stream }: TraitorContext): Bid | undefined {
    if (sealing === undefined) return undefined;
    const own = { account: toHex<AccountId>(sealing.account), sign: sealing.sign };
    const thief = colluders.length > 0 && stream.chance(0.7) ? stream.pick(colluders) : own;
    const { height, parentHash } = proposal.header;
    const { signature: _, ...content } = { ...(proposal.bid ?? victim), height, parentHash, builder: thief.account };
    const stolen = { ...content, keyId: victim.keyId, bundle: victim.bundle };
    return { ...stolen, signature: thief.sign(bidSigningBytes(sealing.domain, stolen)) };
  }

  return {
    beforeProposal(proposal, context) {
      const { view } = proposal.header;
      const victim = proposal.bid?.bundle.length ? proposal.bid : seen.pickLate(context.stream);
      if (victim === undefined || !context.acts(view)) return [proposal];
      const isReplay = context.stream.chance(0.3);
      const bid = isReplay ? victim : copied(proposal, victim, context);
      if (bid === undefined || bid === proposal.bid) return [proposal];
      context.note(view, isReplay ? "builds on a bid for another block" : "builds on a bid with another's bundle");
      return [onBid(proposal, bid)];
    },
    onReceive(message) {
      if (message.type === "bid" && message.bid.bundle.length > 0) seen.add(message.bid);
      return [message];
    },
  };
}
