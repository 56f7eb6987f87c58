/** Remembers the latest proposals of every other validator and sends them back to whoever made them: at once, a few times later, and
 *  all of them again in every view. Who knows its own proposal drops it, and blames nobody (R2). One whose store was rolled back unnoticed
 *  meets a proposal with its signature that its records lack, and must stop signing (failure 10). Forges nothing, spoils nothing. */

import { hashHeader } from "../../../crypto/hashes.ts";
import type { BlockHash, ValidatorIndex } from "../../../types/ids.ts";
import type { WireMessage } from "../facts.ts";
import type { Strategy, TraitorContext } from "../strategy.ts";
import { createShelf, type Shelf } from "./memory.ts";

const PROPOSALS_MAX = 4;
const PROPOSERS_MAX = 128;
const RETURNS_MAX = 3;
const DELAY_MS_MAX = 1_000;

type ProposalMessage = Extract<WireMessage, { readonly type: "proposal" }>;

export function createReturnedProposals(): Strategy {
  const byProposer = createShelf<ValidatorIndex, Shelf<BlockHash, ProposalMessage>>(PROPOSERS_MAX);
  return {
    onReceive(message, _from, context) {
      if (message.type !== "proposal" || !isByAnother(message, context)) return [message];
      const { header } = message.proposal;
      const latest = byProposer.ensure(header.proposer, () => createShelf(PROPOSALS_MAX));
      const blockHash = hashHeader(header);
      if (latest.has(blockHash)) return [message];
      latest.put(blockHash, message);
      if (!context.acts(context.status.view)) return [message];
      const count = context.stream.between(1, RETURNS_MAX);
      context.send(header.proposer, message, 0);
      for (let index = 0; index < count; index++) context.send(header.proposer, message, context.stream.between(1, DELAY_MS_MAX));
      context.note(context.status.view, `sends the proposal of view ${header.view} back to validator ${header.proposer}`);
      return [message];
    },
    onView(view, context) {
      const known = byProposer.values().flatMap((latest) => latest.values());
      if (known.length === 0 || !context.acts(view)) return;
      for (const message of known) context.send(message.proposal.header.proposer, message, 0);
      context.note(view, `sends all proposals that it holds back to their proposers (${known.length})`);
    },
  };
}

/** Indices of messages are anybody's claim: who is no validator of this cluster can get nothing back. */
function isByAnother({ proposal }: ProposalMessage, { self, count }: TraitorContext): boolean {
  return proposal.header.proposer !== self && proposal.header.proposer < count;
}
