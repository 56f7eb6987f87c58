/** Sends its shares of a block as soon as it sees the proposal, right ones, to everybody. Nobody else does, so that what n − f shares open stays
 *  closed; and who gets them early keeps them, within bounds, or not at all. */

import { hashHeader } from "../../../crypto/hashes.ts";
import type { PositionedShare } from "../../../types/opening_message.ts";
import type { Strategy } from "../strategy.ts";
import { othersOf, unchanged } from "./ballots.ts";
import { createSealedParts } from "./sealed_parts.ts";

export function createEarlyShares(): Strategy {
  const parts = createSealedParts();
  return {
    onSend(message, _route, context) {
      parts.see(message, context.sealing?.suite);
      return unchanged(message);
    },
    onReceive(message, _from, context) {
      parts.see(message, context.sealing?.suite);
      if (message.type !== "proposal" || message.proposal.header.sealedCount === 0) return [message];
      const { header, transactionHashes } = message.proposal;
      const { sealing } = context;
      const secret = sealing?.secretShare();
      if (secret === undefined || sealing === undefined || !context.acts(header.view)) return [message];
      const shares = transactionHashes.slice(0, header.sealedCount).flatMap((id, position): PositionedShare[] => {
        const sealed = parts.of(id);
        return sealed === undefined ? [] : [{ position, share: sealing.suite.shareOf(secret, sealed) }];
      });
      if (shares.length === 0) return [message];
      context.note(header.view, `lets out ${shares.length} shares before the block is voted for`);
      for (const to of othersOf(context)) context.send(to, { type: "shares", blockHash: hashHeader(header), shares }, 0);
      return [message];
    },
  };
}
