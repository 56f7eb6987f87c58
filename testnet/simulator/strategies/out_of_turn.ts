/** Proposes in views that it does not lead: a block with which nothing else is wrong, before the leader's own arrives. R2: only the leader's
 *  proposal is voted for. It votes for its own block instead of the leader's, so that no ballot of it contradicts another. */

import { View } from "../../../types/ids.ts";
import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import { honestOf, unchanged } from "./ballots.ts";
import { type ChainMemory, createChainMemory, emptyBlockOver, support } from "./chain_memory.ts";
import { createDeedLedger } from "./deed_ledger.ts";
import { createShelf } from "./memory.ts";

const VIEWS_BACK_MAX = 64;
const VIEWS_MAX = 64;

export function createOutOfTurn(): Strategy {
  const deeds = createDeedLedger();
  const chain = createChainMemory();
  const proposed = createShelf<number, true>(VIEWS_MAX);
  return {
    beforeVote(ballot) {
      if (ballot.kind !== "timeout" && proposed.has(ballot.view)) return [];
      deeds.noteMachine(ballot);
      return [ballot];
    },
    onSend(message) {
      chain.note(message);
      return unchanged(message);
    },
    onReceive(message, _from, context) {
      chain.note(message);
      return deeds.convicts(message, context) ? [] : [message];
    },
    onView(view, context) {
      if (context.status.leader === context.self) return;
      const block = blockOf(view, chain, context);
      if (block === undefined || !context.acts(view)) return;
      proposed.put(view, true);
      const proposal = context.signProposal(block);
      context.note(view, `proposes in the view of leader ${context.status.leader}`);
      for (const to of honestOf(context)) context.send(to, { type: "proposal", proposal }, 0);
      support(block, { deeds, recipients: honestOf(context), context });
    },
  };
}

/** Over the highest certified block, with the TCs since; undefined where one is missing. */
function blockOf(view: number, chain: ChainMemory, context: TraitorContext): UnsignedProposal | undefined {
  for (let parentView = view - 1; parentView > 0 && parentView >= view - VIEWS_BACK_MAX; parentView--) {
    const parentCertificate = chain.certificate("vote", parentView);
    if (parentCertificate === undefined) continue;
    const parent = chain.header(parentCertificate.ballot.blockHash);
    const timeoutCertificates = chain.timeoutsBetween({ after: parentView, before: view });
    if (parent === undefined || timeoutCertificates === undefined) return undefined;
    const header = emptyBlockOver(parent, { view: View.of(view), proposer: context.self });
    return { header, parentCertificate, timeoutCertificates, transactionHashes: [], lists: [] };
  }
  return undefined;
}
