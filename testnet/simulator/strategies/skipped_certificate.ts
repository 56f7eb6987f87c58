/** As leader, takes back a certified block: proposes over its parent, with the QC of that and every TC that there is, but without the one of
 *  the certified view, which nobody can have. R8: each skipped view shows a TC, or what is final could be left out. It holds its
 *  commit vote for such a block back, so that its finality comes late, and supports its own block at once. */

import { INLINE_TIMEOUT_CERTIFICATES_MAX } from "../../../types/limits.ts";
import type { Certificate } from "../../../types/vote.ts";
import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import { honestOf, unchanged } from "./ballots.ts";
import { type ChainMemory, createChainMemory, overParent, support } from "./chain_memory.ts";
import { createDeedLedger } from "./deed_ledger.ts";
import { createShelf } from "./memory.ts";

/** The proposal goes out a second time: who had not entered the view yet has dropped the first. */
const AGAIN_AFTER_MS = 6;
const VIEWS_MAX = 64;

export function createSkippedCertificate(): Strategy {
  const deeds = createDeedLedger();
  const chain = createChainMemory();
  const taken = createShelf<number, true>(VIEWS_MAX);
  return {
    beforeVote(ballot) {
      deeds.noteMachine(ballot);
      return [ballot];
    },
    beforeProposal(proposal, context) {
      const { view } = proposal.header;
      const skipping = skippingParent(proposal, chain, context);
      if (skipping === undefined || !context.acts(view)) return [proposal];
      taken.put(view, true);
      context.note(view, `skips the certified view ${proposal.header.parentView} with ${skipping.timeoutCertificates.length} TCs`);
      support(skipping, { deeds, recipients: honestOf(context), context });
      return [skipping];
    },
    onSend(message, _route, context) {
      chain.note(message);
      if (message.type === "vote" && message.vote.validator === context.self)
        return isKeptBack(message.vote.ballot) ? [] : unchanged(message);
      const isTaken = message.type === "proposal" && taken.has(message.proposal.header.view);
      return isTaken ? [...unchanged(message), { message, delayMs: AGAIN_AFTER_MS }] : unchanged(message);

      /** The commit vote for the last block before its own turn. */
      function isKeptBack({ kind, view }: { readonly kind: string; readonly view: number }): boolean {
        return kind === "commit" && (view + 1) % context.count === context.self && context.acts(view + 1);
      }
    },
    onReceive(message, _from, context) {
      chain.note(message);
      return deeds.convicts(message, context) ? [] : [message];
    },
  };
}

/** The same block over the parent of its parent. */
function skippingParent(proposal: UnsignedProposal, chain: ChainMemory, context: TraitorContext): UnsignedProposal | undefined {
  const { header } = proposal;
  const parent = chain.header(header.parentHash);
  const older = parent === undefined ? undefined : chain.header(parent.parentHash);
  const parentCertificate = older === undefined ? undefined : chain.certificate("vote", older.view);
  if (parent === undefined || older === undefined || parentCertificate === undefined) return undefined;
  const before = chain.timeoutsBetween({ after: older.view, before: parent.view }) ?? [];
  const timeoutCertificates: readonly Certificate[] = [...before, ...proposal.timeoutCertificates].slice(-INLINE_TIMEOUT_CERTIFICATES_MAX);
  const isBare = timeoutCertificates.length < INLINE_TIMEOUT_CERTIFICATES_MAX && context.stream.chance(0.3);
  return { ...proposal, header: overParent(header, older), parentCertificate, timeoutCertificates: isBare ? [] : timeoutCertificates };
}
