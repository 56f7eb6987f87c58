/** Sends certificates that claim a quorum which never was, on their own and inside proposals. R3 counts weight, R10 and R11 verify
 *  the aggregate before anything is stored or forwarded; a proposal that came spoilt is its sender's fault. */

import type { ValidatorIndex } from "../../../types/ids.ts";
import type { Certificate } from "../../../types/vote.ts";
import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import { othersOf, unchanged } from "./ballots.ts";
import { forge } from "./certificate_forgery.ts";
import { type Album, createAlbum } from "./memory.ts";

const EXTRA_MAX = 3;
const PROPOSAL_CHANCE = 0.3;

export function createInvalidCertificates(): Strategy {
  const seen: Album<Certificate> = createAlbum({ earlyMax: 8, lateMax: 24 });
  return {
    beforeProposal(proposal, context) {
      const { view } = proposal.header;
      if (proposal.parentCertificate === undefined || !context.acts(view) || !context.stream.chance(PROPOSAL_CHANCE)) return [proposal];
      const spoilt = withForgedJustification(proposal, proposal.parentCertificate, context);
      context.note(view, `justifies its block with ${spoilt.name}`);
      return [spoilt.proposal];
    },
    onSend(message, { to }, context) {
      if (message.type !== "certificate") return unchanged(message);
      const { view } = message.certificate.ballot;
      const other = seen.pick(context.stream) ?? message.certificate;
      if (!context.acts(view)) return unchanged(message);
      const forged = forge(message.certificate, other, context);
      context.note(view, `sends ${to} a certificate with ${forged.name}`);
      return unchanged({ type: "certificate", certificate: forged.certificate });
    },
    onReceive(message) {
      if (message.type === "certificate") seen.add(message.certificate);
      return [message];
    },
    onView(view, context) {
      const targets = othersOf(context);
      if (targets.length === 0 || seen.count === 0 || !context.acts(view)) return;
      const count = context.stream.between(1, EXTRA_MAX);
      for (let index = 0; index < count; index++) sendOne(context.stream.pick(targets), seen, context);
      context.note(view, `makes up ${count} certificates`);
    },
  };
}

/** Of the view under way, or of one long past. */
function sendOne(to: ValidatorIndex, seen: Album<Certificate>, context: TraitorContext): void {
  const certificate = seen.pickLate(context.stream);
  const other = seen.pick(context.stream);
  if (certificate === undefined || other === undefined) return;
  const isNow = context.stream.chance(0.5) && context.status.view > 0;
  const base = isNow ? { ...certificate, ballot: { ...certificate.ballot, view: context.status.view } } : certificate;
  context.send(to, { type: "certificate", certificate: forge(base, other, context).certificate }, 0);
}

/** The codec insists on a QC for the parent, so a forgery of another kind is turned back into one. */
function withForgedJustification(
  proposal: UnsignedProposal,
  parent: Certificate,
  context: TraitorContext,
): { readonly proposal: UnsignedProposal; readonly name: string } {
  const forged = forge(parent, proposal.timeoutCertificates[0] ?? parent, context);
  const isQuorum = forged.certificate.ballot.kind === "vote";
  const parentCertificate = isQuorum
    ? forged.certificate
    : { ...forged.certificate, ballot: parent.ballot, signers: new Uint8Array(parent.signers.length) };
  return { proposal: { ...proposal, parentCertificate }, name: forged.name };
}
