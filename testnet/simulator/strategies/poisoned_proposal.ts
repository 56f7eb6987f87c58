/** As leader, once: sends its block with a spoilt copy of a certificate that everybody holds already, to all honest validators but one,
 *  helps them certify it, and falls silent for good. Who holds the certificate sees nothing wrong (R3 drops known ballots unverified);
 *  who was left out must still get the block from them in a form that it accepts (R7), or the rest is no quorum any more. */

import type { ValidatorIndex } from "../../../types/ids.ts";
import type { Certificate } from "../../../types/vote.ts";
import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import { honestOf, unchanged } from "./ballots.ts";

interface Poisoning {
  readonly view: number;
  readonly leftOut: ValidatorIndex;
  hasVoted: boolean;
}

/** Not in the first views: there is little to spoil, and nothing to halt. */
const VIEW_MIN = 6;

export function createPoisonedProposal(): Strategy {
  let done: Poisoning | undefined;
  return {
    beforeProposal(proposal, context) {
      const { view } = proposal.header;
      if (done !== undefined) return [];
      const honest = honestOf(context);
      if (view < VIEW_MIN || honest.length < 2 || proposal.parentCertificate === undefined || !context.acts(view)) return [proposal];
      done = { view, leftOut: context.stream.pick(honest), hasVoted: false };
      context.note(view, `spoils what everybody holds, leaves out ${done.leftOut}, and falls silent`);
      return [poison(proposal, proposal.parentCertificate, context)];
    },
    onSend(message, { to }) {
      if (done === undefined) return unchanged(message);
      return message.type === "proposal" && message.proposal.header.view === done.view && to !== done.leftOut ? unchanged(message) : [];
    },
    onReceive(message, from, context) {
      if (done === undefined || done.hasVoted || message.type !== "vote" || message.vote.validator !== from) return [message];
      const { ballot } = message.vote;
      if (ballot.kind !== "vote" || ballot.view !== done.view || context.traitors.includes(from)) return [message];
      done.hasVoted = true;
      const vote = context.signVote(ballot);
      for (const to of honestOf(context)) if (to !== done.leftOut) context.send(to, { type: "vote", vote }, 0);
      return [message];
    },
  };
}

/** The header stays, and with it the hash; the QC's ballot stays, so that it is recognised. */
function poison(proposal: UnsignedProposal, parent: Certificate, { stream }: TraitorContext): UnsignedProposal {
  const isSignature = stream.chance(0.5);
  const bytes = (isSignature ? parent.signature : parent.signers).slice();
  const at = isSignature ? stream.below(bytes.length) : 0;
  bytes[at] = (bytes[at] as number) ^ 1;
  return { ...proposal, parentCertificate: isSignature ? { ...parent, signature: bytes } : { ...parent, signers: bytes } };
}
