/** Sends old certificates for new ones: in proposals an old QC, missing or old TCs, a parent far back; on the links old QCs, TCs and CCs
 *  again and again. R1 asks for a TC for every view between parent and block, R2 refuses what lies below the last final block, R3
 *  drops known ballots before it looks at a signature, and no certificate moves a view backwards (R6). */

import { Height, type ValidatorIndex } from "../../../types/ids.ts";
import type { Certificate } from "../../../types/vote.ts";
import type { WireMessage } from "../facts.ts";
import type { Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import { othersOf, unchanged } from "./ballots.ts";
import { type Album, createAlbum } from "./memory.ts";

interface Albums {
  readonly quorums: Album<Certificate>;
  readonly timeouts: Album<Certificate>;
  readonly all: Album<Certificate>;
}

const SIZES = { earlyMax: 16, lateMax: 48 };
const EXCHANGE_CHANCE = 0.5;
const REPEATS_MAX = 4;

export function createStaleCertificates(): Strategy {
  const albums: Albums = { quorums: createAlbum(SIZES), timeouts: createAlbum(SIZES), all: createAlbum(SIZES) };
  return {
    beforeProposal(proposal, context) {
      const { view } = proposal.header;
      if (albums.quorums.count === 0 || !context.acts(view)) return [proposal];
      const stale = staleProposal(proposal, albums, context);
      if (stale === undefined) return [proposal];
      context.note(view, stale.what);
      return [stale.proposal];
    },
    onSend(message, route, context) {
      if (message.type !== "certificate") return unchanged(message);
      const { view } = message.certificate.ballot;
      keep(albums, message.certificate);
      const old = albums.all.pick(context.stream);
      if (old === undefined || old.ballot.view >= view || !context.acts(view) || !context.stream.chance(EXCHANGE_CHANCE))
        return unchanged(message);
      context.note(view, `forwards a certificate of view ${old.ballot.view} to ${route.to} instead`);
      return unchanged({ type: "certificate", certificate: old });
    },
    onReceive(message) {
      for (const certificate of certificatesIn(message)) keep(albums, certificate);
      return [message];
    },
    onView(view, context) {
      const targets = othersOf(context);
      if (targets.length === 0 || albums.all.count === 0 || !context.acts(view)) return;
      const count = context.stream.between(1, REPEATS_MAX);
      for (let index = 0; index < count; index++) {
        const certificate = albums.all.pick(context.stream);
        const to = context.stream.pick(targets) as ValidatorIndex;
        if (certificate !== undefined) context.send(to, { type: "certificate", certificate }, 0);
      }
      context.note(view, `repeats ${count} old certificates`);
    },
  };
}

function keep(albums: Albums, certificate: Certificate): void {
  albums.all.add(certificate);
  if (certificate.ballot.kind === "vote") albums.quorums.add(certificate);
  if (certificate.ballot.kind === "timeout") albums.timeouts.add(certificate);
}

function certificatesIn(message: WireMessage): readonly Certificate[] {
  if (message.type === "certificate") return [message.certificate];
  if (message.type !== "proposal") return [];
  const { parentCertificate, timeoutCertificates } = message.proposal;
  return parentCertificate === undefined ? timeoutCertificates : [parentCertificate, ...timeoutCertificates];
}

interface Stale {
  readonly proposal: UnsignedProposal;
  readonly what: string;
}

function staleProposal(proposal: UnsignedProposal, albums: Albums, context: TraitorContext): Stale | undefined {
  const { header } = proposal;
  const old = albums.quorums.pick(context.stream);
  if (old === undefined || old.ballot.view >= header.parentView) return undefined;
  switch (context.stream.below(4)) {
    case 0:
      return { proposal: { ...proposal, parentCertificate: old }, what: `justifies its block with the QC of view ${old.ballot.view}` };
    case 1:
      return { proposal: overOldParent(proposal, old, []), what: `builds on view ${old.ballot.view} without a TC` };
    case 2: {
      const timeout = albums.timeouts.pick(context.stream);
      const timeouts = timeout === undefined ? [] : [timeout];
      return { proposal: overOldParent(proposal, old, timeouts), what: `builds on view ${old.ballot.view} with an old TC` };
    }
    default:
      return { proposal: overOldParent(proposal, old, proposal.timeoutCertificates), what: `builds on view ${old.ballot.view}` };
  }
}

/** The same block over a parent far back. */
function overOldParent(proposal: UnsignedProposal, old: Certificate, timeoutCertificates: readonly Certificate[]): UnsignedProposal {
  const { header } = proposal;
  const height = Height.next(old.ballot.height);
  const executedHeight = Height.of(Math.min(header.executedHeight, old.ballot.height));
  const parent = { height, parentHash: old.ballot.blockHash, parentView: old.ballot.view, executedHeight };
  return { ...proposal, header: { ...header, ...parent }, parentCertificate: old, timeoutCertificates };
}
