/** As leader after a lost view, builds on the block of that view, which has no QC, and shows a forged one. R1: a proposal is taken in only
 *  when each of its certificates holds. Before its own turn it keeps its vote back, so that the block more often stays without. */

import { View } from "../../../types/ids.ts";
import { Signers } from "../../../types/validator_set.ts";
import type { Certificate } from "../../../types/vote.ts";
import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import { ballotFor, honestOf, unchanged } from "./ballots.ts";
import { type ChainMemory, createChainMemory, overParent, support } from "./chain_memory.ts";
import { createDeedLedger } from "./deed_ledger.ts";
import { everybody, inventBlsSignature } from "./inventions.ts";

export function createUncertifiedParent(): Strategy {
  const deeds = createDeedLedger();
  const chain = createChainMemory();
  return {
    beforeVote(ballot) {
      deeds.noteMachine(ballot);
      return [ballot];
    },
    beforeProposal(proposal, context) {
      const { view } = proposal.header;
      const built = overUncertified(proposal, chain, context);
      if (built === undefined || !context.acts(view)) return [proposal];
      context.note(view, `builds on the uncertified block of view ${built.header.parentView}`);
      support(built, { deeds, recipients: honestOf(context), context });
      return [built];
    },
    onSend(message, { to }, context) {
      chain.note(message);
      if (message.type !== "vote" || message.vote.validator !== context.self) return unchanged(message);
      const { kind, view } = message.vote.ballot;
      if (kind !== "vote" || (view + 1) % context.count !== context.self || !context.acts(view + 1)) return unchanged(message);
      context.note(view + 1, `keeps its vote of view ${view} from ${to}`);
      return [];
    },
    onReceive(message, _from, context) {
      chain.note(message);
      return deeds.convicts(message, context) ? [] : [message];
    },
  };
}

/** Over the latest block above its parent; where there is none, no view was lost that had one. */
function overUncertified(proposal: UnsignedProposal, chain: ChainMemory, context: TraitorContext): UnsignedProposal | undefined {
  const { header } = proposal;
  for (let view = header.view - 1; view > header.parentView; view--) {
    const block = chain.headerOf(view);
    if (block === undefined || chain.certificate("vote", view) !== undefined) continue;
    const timeoutCertificates = chain.timeoutsBetween({ after: view, before: header.view });
    if (timeoutCertificates === undefined) return undefined;
    const ballot = { ...ballotFor("vote", block), view: View.of(view) };
    return { ...proposal, header: overParent(header, block), parentCertificate: forgedQuorum(ballot, context), timeoutCertificates };
  }
  return undefined;
}

function forgedQuorum(ballot: Certificate["ballot"], context: TraitorContext): Certificate {
  const own = { ballot, signers: everybody(context.count), signature: context.signVote(ballot).signature };
  switch (context.stream.below(3)) {
    case 0:
      return { ...own, signature: inventBlsSignature(context.stream) };
    case 1:
      // A signature that holds, of too few.
      return { ...own, signers: Signers.of([context.self]) };
    default:
      return own;
  }
}
