/** What a traitor remembers of the chain: headers by hash, certificates by kind and view, as they came by. From it a strategy puts together
 *  blocks that are right in everything but the one rule that it breaks. Bounded; nothing here acts. */

import { bodyRootOf, hashHeader } from "../../../crypto/hashes.ts";
import type { BlockHeader, Proposal } from "../../../types/block.ts";
import { type BlockHash, Height, TimestampMs, type ValidatorIndex } from "../../../types/ids.ts";
import type { Certificate, VoteKind } from "../../../types/vote.ts";
import type { WireMessage } from "../facts.ts";
import type { TraitorContext, UnsignedProposal } from "../strategy.ts";
import { ballotFor } from "./ballots.ts";
import type { DeedLedger } from "./deed_ledger.ts";
import { createShelf } from "./memory.ts";

export interface ChainMemory {
  /** Takes in what a message shows, whether it comes or goes. */
  note(message: WireMessage): void;
  header(blockHash: BlockHash): BlockHeader | undefined;
  /** The header of a view that came by first. */
  headerOf(view: number): BlockHeader | undefined;
  certificate(kind: VoteKind, view: number): Certificate | undefined;
  /** TCs of all views between the two, ascending; undefined where one is missing. */
  timeoutsBetween(views: { readonly after: number; readonly before: number }): readonly Certificate[] | undefined;
}

const HEADERS_MAX = 256;
const CERTIFICATES_MAX = 512;

export function createChainMemory(): ChainMemory {
  const headers = createShelf<BlockHash, BlockHeader>(HEADERS_MAX);
  const views = createShelf<number, BlockHeader>(HEADERS_MAX);
  const certificates = createShelf<string, Certificate>(CERTIFICATES_MAX);

  function noteCertificate(certificate: Certificate): void {
    certificates.ensure(nameOf(certificate.ballot.kind, certificate.ballot.view), () => certificate);
  }

  function noteProposal({ header, parentCertificate, timeoutCertificates }: Proposal): void {
    headers.put(hashHeader(header), header);
    views.ensure(header.view, () => header);
    if (parentCertificate !== undefined) noteCertificate(parentCertificate);
    for (const certificate of timeoutCertificates) noteCertificate(certificate);
  }

  return {
    note(message) {
      if (message.type === "certificate") noteCertificate(message.certificate);
      else if (message.type === "proposal") noteProposal(message.proposal);
    },
    header: (blockHash) => headers.get(blockHash),
    headerOf: (view) => views.get(view),
    certificate: (kind, view) => certificates.get(nameOf(kind, view)),
    timeoutsBetween({ after, before }) {
      const found: Certificate[] = [];
      for (let view = after + 1; view < before; view++) {
        const certificate = certificates.get(nameOf("timeout", view));
        if (certificate === undefined) return undefined;
        found.push(certificate);
      }
      return found;
    },
  };
}

const nameOf = (kind: VoteKind, view: number): string => `${kind}/${view}`;

/** `header` over another parent: height, time and executed height follow from it. What it claims to have executed stays where the new
 *  parent allows it, else it is what the parent claims. */
export function overParent(header: BlockHeader, parent: BlockHeader): BlockHeader {
  const isClaimable = header.executedHeight >= parent.executedHeight && header.executedHeight <= parent.height;
  const { executedHeight, executedRoot } = isClaimable ? header : parent;
  return {
    ...header,
    height: Height.next(parent.height),
    parentHash: hashHeader(parent),
    parentView: parent.view,
    timeMs: TimestampMs.of(Math.max(header.timeMs, parent.timeMs + 1)),
    executedHeight,
    executedRoot,
  };
}

/** An empty block of `proposer` over `parent`: valid, were it the proposer's turn. */
export function emptyBlockOver(
  parent: BlockHeader,
  { view, proposer }: { readonly view: BlockHeader["view"]; readonly proposer: ValidatorIndex },
): BlockHeader {
  const empty = { ...parent, view, proposer, bodyRoot: bodyRootOf([]), transactionCount: 0, bodyBytes: 0 };
  return overParent(empty, parent);
}

/** Votes and commit-votes for a block at once, towards all `recipients`. Its own machine knows nothing of it. */
export function support(
  { header }: Pick<UnsignedProposal, "header">,
  {
    deeds,
    recipients,
    context,
  }: { readonly deeds: DeedLedger; readonly recipients: readonly ValidatorIndex[]; readonly context: TraitorContext },
): void {
  for (const kind of ["vote", "commit"] as const) {
    const ballot = ballotFor(kind, header);
    deeds.noteOwn(ballot);
    const vote = context.signVote(ballot);
    for (const to of recipients) context.send(to, { type: "vote", vote }, 0);
  }
}
