/** What consensus signs and shows, folded into a trace: each field in order. */

import type { BlockHeader, Justification, Proposal } from "../../types/block.ts";
import type { Ballot, Certificate, SignedVote } from "../../types/vote.ts";
import type { Fold } from "./fold.ts";
import { foldOptionalBid } from "./fold_bid.ts";
import { foldLists } from "./fold_sealing.ts";

export function foldBallot(fold: Fold, { kind, epoch, view, height, blockHash }: Ballot): void {
  fold.tag(kind);
  fold.integer(epoch);
  fold.integer(view);
  fold.integer(height);
  fold.hash(blockHash);
}

export function foldVote(fold: Fold, vote: SignedVote): void {
  foldBallot(fold, vote.ballot);
  fold.integer(vote.validator);
  fold.tail(vote.signature);
}

export function foldCertificate(fold: Fold, certificate: Certificate): void {
  foldBallot(fold, certificate.ballot);
  fold.bytes(certificate.signers);
  fold.tail(certificate.signature);
}

export function foldOptionalCertificate(fold: Fold, certificate: Certificate | undefined): void {
  fold.flag(certificate !== undefined);
  if (certificate !== undefined) foldCertificate(fold, certificate);
}

export function foldHeader(fold: Fold, header: BlockHeader): void {
  fold.integer(header.epoch);
  fold.integer(header.height);
  fold.integer(header.view);
  fold.integer(header.proposer);
  fold.hash(header.parentHash);
  fold.integer(header.parentView);
  fold.integer(header.timeMs);
  fold.hash(header.bodyRoot);
  fold.integer(header.transactionCount);
  fold.integer(header.bodyBytes);
  fold.integer(header.executedHeight);
  fold.hash(header.executedRoot);
  fold.integer(header.sealedCount);
  fold.hash(header.listsRoot);
  fold.hash(header.keyId);
  fold.hash(header.bidHash);
  fold.integer(header.bundleCount);
}

export function foldJustification(fold: Fold, { parentCertificate, timeoutCertificates }: Justification): void {
  foldOptionalCertificate(fold, parentCertificate);
  fold.integer(timeoutCertificates.length);
  for (const certificate of timeoutCertificates) foldCertificate(fold, certificate);
}

export function foldProposal(fold: Fold, proposal: Proposal): void {
  foldHeader(fold, proposal.header);
  foldJustification(fold, proposal);
  foldHashes(fold, proposal.transactionHashes);
  foldLists(fold, proposal.lists);
  foldOptionalBid(fold, proposal.bid);
  fold.tail(proposal.signature);
}

/** Of a transaction its length and its end, which is its signature and depends on the rest. */
export function foldHashes(fold: Fold, hashes: readonly string[]): void {
  fold.integer(hashes.length);
  for (const hash of hashes) fold.hash(hash);
}
