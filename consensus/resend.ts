/** Repetition. After a restart (R9) and while stuck (R5) we send again what the records say we signed, byte for byte, with the
 *  certificates that others may lack, and ask again for what is still missing. Nothing is signed here that was not recorded. */

import { type View, ZERO_HASH } from "../types/ids.ts";
import type { SafetyRecord } from "../types/safety_record.ts";
import { type Certificate, timeoutBallot } from "../types/vote.ts";
import { seekAncestry } from "./finality.ts";
import { emit, finalViewOf, type Machine, wantBlock } from "./machine.ts";

/** Of the commit votes without a CC, the newest are repeated: a CC of any later block covers the older ones. */
export const RESENT_COMMITS_MAX = 4;
/** How far back a commit vote is repeated. It lies well within what the signer remembers (node/signer.ts). */
export const RESENT_VIEWS_MAX = 512;

/** Is anything of ours unanswered? An idle chain with everything final has nothing to repeat and stays silent. */
export function isAnythingPending(machine: Machine): boolean {
  const { certificates } = machine;
  const record = machine.records.get(machine.view);
  const hasSigned = record.hasTimedOut || record.votedHash !== ZERO_HASH || record.proposedHash !== ZERO_HASH;
  const isUnfinal = (certificates.highestQuorum?.ballot.view ?? 0) > finalViewOf(machine);
  const isAsking = machine.wanted.size > 0 || machine.timeoutsAsked !== undefined;
  return hasSigned || isUnfinal || isAsking || certificates.commits().length > 0;
}

/** While stuck: everything again. */
export function repeatAll(machine: Machine): void {
  castAgain(machine);
  forwardAgain(machine);
  askAgain(machine);
  machine.pacemaker.noteResend(machine.nowMs);
}

/** Our signatures that may still be missing somewhere: those of the current view and commit votes without a CC. */
export function castAgain(machine: Machine): void {
  if (machine.self === undefined || machine.hasStoppedSigning) return;
  const { epoch, view } = machine;
  const record = machine.records.get(view);
  if (!record.hasTimedOut) proposeAgain(machine, record);
  if (record.votedHash !== ZERO_HASH) {
    const ballot = { kind: "vote", epoch, view, height: record.votedHeight, blockHash: record.votedHash } as const;
    emit(machine, { type: "castVote", ballot, isResend: true });
  }
  if (record.hasTimedOut) emit(machine, { type: "castVote", ballot: timeoutBallot(epoch, view), isResend: true });
  for (const committed of unansweredCommits(machine)) {
    const { committedHash: blockHash, committedHeight: height } = committed;
    const ballot = { kind: "commit", epoch, view: committed.view, height, blockHash } as const;
    emit(machine, { type: "castVote", ballot, isResend: true });
  }
}

function unansweredCommits(machine: Machine): readonly SafetyRecord[] {
  const committed = machine.records
    .all()
    .filter(({ committedHash, view }) => committedHash !== ZERO_HASH && view + RESENT_VIEWS_MAX > machine.view)
    .filter((record) => machine.certificates.of("commit", record.view) === undefined);
  return committed.slice(-RESENT_COMMITS_MAX);
}

/** R1: the same proposal, never another one for the same view. When its block did not survive, the view passes without us. */
function proposeAgain(machine: Machine, record: SafetyRecord): void {
  const block = record.proposedHash === ZERO_HASH ? undefined : machine.tree.get(record.proposedHash);
  if (block === undefined) return;
  const { header, transactionHashes, lists, bid, parentCertificate, timeoutCertificates } = block.proposal;
  const justification = { parentCertificate, timeoutCertificates };
  emit(machine, { type: "castProposal", header, blockHash: block.blockHash, justification, transactionHashes, lists, bid });
}

/** What moved us here, and the highest QC: whoever lacks one of them is stuck behind us. */
function forwardAgain(machine: Machine): void {
  if (machine.self === undefined) return;
  const { admittedBy } = machine;
  const { highestQuorum } = machine.certificates;
  if (admittedBy !== undefined) emit(machine, { type: "forwardCertificate", certificate: admittedBy });
  if (highestQuorum !== undefined && highestQuorum !== admittedBy) {
    emit(machine, { type: "forwardCertificate", certificate: highestQuorum });
  }
}

/** A chain that moves on without us keeps putting the resend timer off. What we lack we ask for all the same: whoever was asked first may have
 *  lied, and finality may need our commit votes. */
export function askWhenDue(machine: Machine): void {
  if (machine.nowMs - machine.askedAtMs < machine.options.config.resendMs) return;
  const isLacking = machine.wanted.size > 0 || machine.tree.orphans().length > 0;
  if (isLacking) askAgain(machine);
  machine.askedAtMs = machine.nowMs;
}

function askAgain(machine: Machine): void {
  machine.askedAtMs = machine.nowMs;
  machine.timeoutsAsked = undefined;
  machine.behindView = 0 as View;
  for (const [blockHash, view] of machine.wanted) emit(machine, { type: "fetchBlock", blockHash, view });
  for (const { ballot } of machine.certificates.quorums()) wantBlock(machine, { ...ballot, isFarToo: true });
  for (const { proposal } of machine.tree.orphans()) {
    const certificate: Certificate | undefined = proposal.parentCertificate;
    if (certificate !== undefined && machine.tree.facts(certificate.ballot.blockHash) === undefined) {
      wantBlock(machine, { ...certificate.ballot, isFarToo: true });
    }
  }
  const [unresolved] = machine.certificates.commits();
  if (unresolved !== undefined) seekAncestry(machine, unresolved);
}
