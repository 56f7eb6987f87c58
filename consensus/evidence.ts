/** R12: what two signatures prove. Every accusation stands on two signatures that were each verified by themselves; an honest
 *  validator, whatever crashes, never signs such a pair (R1, R2, R4, R5 with R9). */

import { hashHeader } from "../crypto/hashes.ts";
import { fromHex } from "../types/bytes.ts";
import type { Evidence, SignedHeader } from "../types/evidence.ts";
import type { ValidatorIndex } from "../types/ids.ts";
import { ballotSigningBytes, proposalSigningBytes } from "../types/signing.ts";
import type { VerifyEd25519 } from "../types/suites.ts";
import type { SignedVote } from "../types/vote.ts";
import type { CertificateContext } from "./certificate_check.ts";

export interface EvidenceContext extends CertificateContext {
  readonly verifyEd25519: VerifyEd25519;
}

/** Would these two, if both are signed by the validator they name, prove a fault? */
export function areVotesConflicting(first: SignedVote, second: SignedVote): boolean {
  const [left, right] = [first.ballot, second.ballot];
  if (first.validator !== second.validator || left.epoch !== right.epoch || left.view !== right.view) return false;
  if (left.kind === right.kind) return left.blockHash !== right.blockHash || left.height !== right.height;
  return (left.kind === "commit" && right.kind === "timeout") || (left.kind === "timeout" && right.kind === "commit");
}

/** Does the evidence prove a fault by itself, with nothing but the validator set? Returns the offender. */
export function judgeEvidence(evidence: Evidence, context: EvidenceContext): ValidatorIndex | undefined {
  return evidence.type === "doubleVote"
    ? judgeVotes(evidence.first, evidence.second, context)
    : judgeProposals(evidence.first, evidence.second, context);
}

function judgeVotes(first: SignedVote, second: SignedVote, context: EvidenceContext): ValidatorIndex | undefined {
  const { domain, validators, bls } = context;
  const validator = validators.set.validators[first.validator];
  if (validator === undefined || first.ballot.epoch !== domain.epoch || !areVotesConflicting(first, second)) return undefined;
  const isSigned = ({ ballot, signature }: SignedVote): boolean =>
    bls.verify(validator.blsPublicKey, ballotSigningBytes(domain, ballot), signature);
  return isSigned(first) && isSigned(second) ? first.validator : undefined;
}

function judgeProposals(first: SignedHeader, second: SignedHeader, context: EvidenceContext): ValidatorIndex | undefined {
  const [left, right] = [first.header, second.header];
  const isOfOneView = left.proposer === right.proposer && left.epoch === right.epoch && left.view === right.view;
  if (!isOfOneView || left.epoch !== context.domain.epoch || hashHeader(left) === hashHeader(right)) return undefined;
  return isHeaderSigned(first, context) && isHeaderSigned(second, context) ? left.proposer : undefined;
}

/** The proposer's Ed25519 signature over its header. */
export function isHeaderSigned({ header, signature }: SignedHeader, context: Omit<EvidenceContext, "bls">): boolean {
  const proposer = context.validators.set.validators[header.proposer];
  if (proposer === undefined) return false;
  const message = proposalSigningBytes(context.domain, header.view, hashHeader(header));
  return context.verifyEd25519(fromHex(proposer.ed25519PublicKey), message, signature);
}
