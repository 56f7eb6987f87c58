/** As leader, takes the bundle of a bid that it holds into another bid: its own, that of a builder that conspires with it, or the same builder's for
 *  another value or block; or replays a whole bid. A bundle opens under its own label only (B3), and a bid is signed and for one block (B1). */

import { type Bid, bidSigningBytes } from "../../../types/bid.ts";
import { toHex } from "../../../types/bytes.ts";
import type { AccountId } from "../../../types/ids.ts";
import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import { onBid, withoutTail } from "./bid_replacing.ts";
import { createAlbum } from "./memory.ts";

const RECENT_MAX = 8;

/** Bids that reached any traitor. */
function recentOf({ shared }: TraitorContext): Bid[] {
  const recent = (shared.get("recentBids") ?? []) as Bid[];
  shared.set("recentBids", recent);
  return recent;
}

export function createBundleCopying(): Strategy {
  const seen = createAlbum<Bid>({ earlyMax: 4, lateMax: 16 });

  /** Of another block, in time, and without a tail that would have to be there. */
  const replayableIn = ({ header }: UnsignedProposal, context: TraitorContext): Bid | undefined =>
    recentOf(context).findLast((bid) => bid.parentHash !== header.parentHash && bid.expiryView >= header.view && bid.tailCount === 0);

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
      const replayed = context.stream.chance(0.3) ? replayableIn(proposal, context) : undefined;
      const body = replayed === undefined ? undefined : withoutTail(proposal);
      if (replayed !== undefined && body !== undefined) {
        context.note(view, "builds on a bid for another block");
        return [onBid(body, replayed)];
      }
      const bid = victim.bundle.length === 0 ? undefined : copied(proposal, victim, context);
      if (bid === undefined) return [proposal];
      context.note(view, "builds on a bid with another's bundle");
      return [onBid(proposal, bid)];
    },
    onReceive(message, _, context) {
      if (message.type === "bid") {
        seen.add(message.bid);
        const recent = recentOf(context);
        recent.push(message.bid);
        if (recent.length > RECENT_MAX) recent.shift();
      }
      return [message];
    },
  };
}
