/** What the end of each step decides: commit votes (R4), the timeout (R5), the vote (R2), the own proposal (R1). Each asks
 *  the safety rules, records, then casts (R9); nothing here trusts that the other decisions were taken. */

import { hashHeader } from "../crypto/hashes.ts";
import { assert } from "../types/assert.ts";
import type { BlockHeader, Justification, ProposalContents } from "../types/block.ts";
import { Height, TimestampMs, View } from "../types/ids.ts";
import { BLOCK_TIME_DRIFT_MS_MAX, INLINE_TIMEOUT_CERTIFICATES_MAX, RANGE_CERTIFICATES_MAX } from "../types/limits.ts";
import { type Ballot, timeoutBallot } from "../types/vote.ts";
import type { TreeBlock } from "./block_tree.ts";
import { bestParentOf, emit, finalViewOf, leaderUnder, type Machine, persist } from "./machine.ts";
import { isTooEarly } from "./proposal_check.ts";
import { judgeCommit, judgePropose, judgeTimeout, judgeVote, type SigningState } from "./safety_rules.ts";

/** R4: for every QC whose block is held and valid by now, however far the network has moved on. */
export function castCommitVotes(machine: Machine): void {
  for (const view of machine.pendingCommits) {
    const quorum = machine.certificates.of("vote", view);
    const block = quorum === undefined ? undefined : machine.tree.get(quorum.ballot.blockHash);
    const isCommitted = machine.certificates.of("commit", view) !== undefined;
    if (quorum === undefined || isCommitted || !canSign(machine)) {
      machine.pendingCommits.delete(view);
      continue;
    }
    if (block?.isConnected !== true || block.body !== "valid" || block.proposal.header.height !== quorum.ballot.height) continue;
    machine.pendingCommits.delete(view);
    const { blockHash, height } = quorum.ballot;
    if (!judgeCommit(signingState(machine, view), blockHash).ok) continue;
    persist(machine, view, { committedHash: blockHash, committedHeight: height });
    cast(machine, { kind: "commit", epoch: machine.epoch, view, height, blockHash });
  }
}

/** R5: `reason` to leave the current view was seen by the caller; the rules decide whether we may. */
export function castTimeout(machine: Machine): void {
  if (!canSign(machine) || !judgeTimeout(signingState(machine, machine.view)).ok) return;
  persist(machine, machine.view, { hasTimedOut: true });
  cast(machine, timeoutBallot(machine.epoch, machine.view));
}

/** R2: the first valid proposal of the current view, once its body is held and valid and every skipped view has its TC.
 *  R14: returns when to come back if its time is too far ahead of our clock now; until then, and while the view lasts, it waits. */
export function castVoteForProposal(machine: Machine): number | undefined {
  if (!canSign(machine) || !judgeVote(signingState(machine, machine.view)).ok) return undefined;
  const block = candidateOf(machine);
  if (block === undefined) return undefined;
  const { header } = block.proposal;
  const missing = machine.certificates.firstMissingTimeout(header);
  if (missing !== undefined) {
    askForTimeouts(machine, missing, View.previous(header.view));
    return undefined;
  }
  if (block.body !== "valid") return undefined;
  if (isTooEarly(header, machine.nowMs)) return header.timeMs - BLOCK_TIME_DRIFT_MS_MAX;
  persist(machine, header.view, { votedHash: block.blockHash, votedHeight: header.height });
  cast(machine, { kind: "vote", epoch: machine.epoch, view: header.view, height: header.height, blockHash: block.blockHash });
  return undefined;
}

/** The first proposal of the current view that stands under a known parent. */
export function candidateOf(machine: Machine): TreeBlock | undefined {
  return machine.tree.ofView(machine.view).find(({ isConnected }) => isConnected);
}

/** R1: as leader, once per view, when a proposal is due. Returns when to come back, if the time is all that is missing. */
export function startBuild(machine: Machine): number | undefined {
  if (!canSign(machine) || machine.building !== undefined) return undefined;
  if (!judgePropose(signingState(machine, machine.view)).ok) return undefined;
  const { facts, quorum, missingTimeout } = bestParentOf(machine);
  if (leaderUnder(machine, facts, machine.view) !== machine.self) return undefined;
  if (missingTimeout !== undefined) {
    askForTimeouts(machine, missingTimeout, View.previous(machine.view));
    return undefined;
  }
  const isHeld = facts === machine.tree.root ? machine.tree.isRootHeld : machine.tree.get(facts.blockHash)?.body === "valid";
  if (!isHeld || (quorum === undefined && facts.view !== View.ZERO)) return undefined;
  const dueMs = machine.pacemaker.proposalDueMs;
  if (dueMs > machine.nowMs) return dueMs;
  machine.building = { view: machine.view, parentHash: facts.blockHash };
  const { height, view: parentView, blockHash: parentHash } = facts;
  const timeMs = TimestampMs.of(Math.max(facts.timeMs + 1, machine.nowMs));
  emit(machine, { type: "build", view: machine.view, height: Height.next(height), parentHash, parentView, timeMs });
  return undefined;
}

/** The build came back: propose it, or give the view up (R5). An answer for a view that we left means nothing. */
export function onBuilt(
  machine: Machine,
  built: { readonly view: View; readonly header: BlockHeader | undefined } & ProposalContents,
): void {
  const { building } = machine;
  const { header, transactionHashes, lists, bid } = built;
  if (building === undefined || built.view !== machine.view || building.view !== built.view) return;
  if (header === undefined) {
    machine.isGivingUp = true;
    return;
  }
  assert(header.view === building.view && header.parentHash === building.parentHash, "the build is the one that was asked for");
  assert(header.proposer === machine.self && header.epoch === machine.epoch, "the build is our own");
  if (!canSign(machine) || !judgePropose(signingState(machine, machine.view)).ok) return;
  const blockHash = hashHeader(header);
  persist(machine, header.view, { proposedHash: blockHash });
  machine.pacemaker.noteSent(machine.nowMs);
  const justification = justificationOf(machine, header);
  emit(machine, { type: "castProposal", header, blockHash, justification, transactionHashes, lists, bid });
}

/** R1: the parent's QC, and the newest TCs of the skipped views inline. */
function justificationOf(machine: Machine, header: BlockHeader): Justification {
  const { certificates } = machine;
  const firstInline = Math.max(header.parentView + 1, header.view - INLINE_TIMEOUT_CERTIFICATES_MAX);
  const timeoutCertificates = certificates.timeouts({
    fromView: View.of(firstInline),
    toView: View.previous(header.view),
    countMax: INLINE_TIMEOUT_CERTIFICATES_MAX,
  });
  assert(timeoutCertificates.length === header.view - firstInline, "R1: a TC is held for every skipped view");
  const parentCertificate = header.parentView === View.ZERO ? undefined : certificates.of("vote", header.parentView);
  assert(header.parentView === View.ZERO || parentCertificate?.ballot.blockHash === header.parentHash, "R1: the parent's QC is held");
  return { parentCertificate, timeoutCertificates };
}

/** R1: TCs that are neither held nor inline are fetched by range, a response's worth at a time, from the first gap on. */
export function askForTimeouts(machine: Machine, fromView: View, lastView: View): void {
  const asked = machine.timeoutsAsked;
  if (asked !== undefined && fromView >= asked.fromView && fromView <= asked.toView) return;
  const toView = View.of(Math.min(lastView, fromView + RANGE_CERTIFICATES_MAX - 1));
  machine.timeoutsAsked = { fromView, toView };
  machine.pacemaker.noteSent(machine.nowMs);
  emit(machine, { type: "fetchTimeoutCertificates", fromView, toView });
}

function cast(machine: Machine, ballot: Ballot): void {
  machine.pacemaker.noteSent(machine.nowMs);
  emit(machine, { type: "castVote", ballot, isResend: false });
}

function canSign(machine: Machine): boolean {
  return machine.self !== undefined && !machine.hasStoppedSigning;
}

function signingState(machine: Machine, view: View): SigningState {
  return { record: machine.records.get(view), currentView: machine.view, finalView: finalViewOf(machine) };
}
