/** Votes as they come in. R10 only for views from the last final one to FUTURE_VIEWS_MAX above ours. R11 a direct link vouches
 *  for its own validator's votes, so they wait unverified; a vote passed on by anybody else is verified before it may take a
 *  slot, and never displaces one. R12 two ballots of one validator become evidence when both signatures hold.
 *  R5 the leader's own Timeout is a reason for ours. */

import { Height, ZERO_HASH } from "../types/ids.ts";
import { FUTURE_VIEWS_MAX } from "../types/limits.ts";
import type { Sender } from "../types/sender.ts";
import type { Ballot, SignedVote } from "../types/vote.ts";
import { acceptCertificate, noteOwnSignature } from "./certificate_flow.ts";
import { areVotesConflicting } from "./evidence.ts";
import { accuse, emit, finalViewOf, isViewOver, leaderOfView, type Machine, penalize } from "./machine.ts";
import type { Slot } from "./vote_collector.ts";

export function onVote(machine: Machine, from: Sender, vote: SignedVote): void {
  const { ballot, validator } = vote;
  if (ballot.epoch !== machine.epoch || !isBallotShaped(ballot)) return;
  if (validator >= machine.options.validators.set.validators.length) return penalize(machine, from, "malformedMessage");
  if (ballot.view < finalViewOf(machine) || ballot.view > machine.view + FUTURE_VIEWS_MAX) return;
  if (isViewOver(machine, ballot.view)) return;
  if (validator === machine.self && from.type !== "self") return onOwnVote(machine, from, vote);
  if (isDirect(from, vote)) helpLaggard(machine, vote);
  const slot = fillSlot(machine, from, vote);
  if (slot === undefined) return;
  machine.heardIn.set(validator, ballot.view);
  considerLeadersTimeout(machine, vote);
  if (isCertificateHeld(machine, ballot) || !machine.votes.hasQuorum(ballot)) return;
  const { certificate, bad } = machine.votes.certify(ballot);
  for (const wrong of bad) blame(machine, wrong);
  if (certificate !== undefined) acceptCertificate(machine, certificate);
}

/** Puts the vote into its slot; undefined when it is dropped. */
function fillSlot(machine: Machine, from: Sender, vote: SignedVote): Slot | undefined {
  const { ballot, validator } = vote;
  const direct = isDirect(from, vote);
  const known = machine.votes.slot(ballot.kind, ballot.view, validator);
  if (known !== undefined) {
    if (!areVotesConflicting(known.vote, vote)) return undefined;
    return resolveConflict(machine, known, { vote, from, isVerified: false });
  }
  if (!direct && isCertificateHeld(machine, ballot)) return undefined;
  const slot: Slot = { vote, from, isVerified: from.type === "self" };
  const mustVerify = !slot.isVerified && (!direct || machine.suspects.has(validator));
  if (mustVerify && !verifySlot(machine, slot)) return undefined;
  machine.votes.put(slot);
  const opposite = oppositeSlot(machine, vote);
  if (opposite !== undefined && resolveConflict(machine, opposite, slot) === undefined && !slot.isVerified) return undefined;
  return slot;
}

/** Two ballots that no honest validator signs together: verify both before anybody is accused. Returns `later` when it is to
 *  count, which it is only when the earlier one proved forged. */
function resolveConflict(machine: Machine, earlier: Slot, later: Slot): Slot | undefined {
  if (machine.accused.has(later.vote.validator)) return undefined;
  if (!later.isVerified && !verifySlot(machine, later)) {
    machine.votes.drop(later);
    return undefined;
  }
  earlier.isVerified ||= machine.votes.verify(earlier.vote);
  if (earlier.isVerified) {
    accuse(machine, { type: "doubleVote", first: earlier.vote, second: later.vote });
    if (isDirect(later.from, later.vote)) penalize(machine, later.from, "equivocation");
    return undefined;
  }
  machine.votes.drop(earlier);
  blame(machine, earlier);
  const { kind, view } = later.vote.ballot;
  if (machine.votes.slot(kind, view, later.vote.validator) === undefined) machine.votes.put(later);
  return later;
}

/** Verifies one signature; a wrong one is its sender's fault. */
function verifySlot(machine: Machine, slot: Slot): boolean {
  slot.isVerified = machine.votes.verify(slot.vote);
  if (!slot.isVerified) blame(machine, slot);
  return slot.isVerified;
}

function blame(machine: Machine, slot: Slot): void {
  if (slot.from.type === "validator") machine.suspects.add(slot.from.validator);
  penalize(machine, slot.from, "invalidSignature");
}

/** R12 across kinds: a commit vote against a timeout of the same view and validator. */
function oppositeSlot(machine: Machine, { ballot, validator }: SignedVote): Slot | undefined {
  if (ballot.kind === "vote") return undefined;
  return machine.votes.slot(ballot.kind === "commit" ? "timeout" : "commit", ballot.view, validator);
}

function isCertificateHeld(machine: Machine, ballot: Ballot): boolean {
  if (ballot.view <= finalViewOf(machine)) return true;
  return machine.certificates.of(ballot.kind, ballot.view)?.ballot.blockHash === ballot.blockHash;
}

/** Over a direct link, a vote of the very validator at its other end. */
function isDirect(from: Sender, vote: SignedVote): boolean {
  return from.type === "self" || (from.type === "validator" && from.validator === vote.validator);
}

function isBallotShaped(ballot: Ballot): boolean {
  const namesNothing = ballot.blockHash === ZERO_HASH && ballot.height === Height.ZERO;
  return (ballot.kind === "timeout") === namesNothing && ballot.view > 0;
}

/** Our own vote from outside: an echo, or somebody else has our key (failure 10). An accusation of ourselves is never made. */
function onOwnVote(machine: Machine, from: Sender, vote: SignedVote): void {
  const { ballot } = vote;
  if (ballot.view <= finalViewOf(machine) || machine.records.hasSigned(ballot)) return;
  if (machine.votes.verify(vote)) noteOwnSignature(machine, ballot);
  else penalize(machine, from, "invalidSignature");
}

function considerLeadersTimeout(machine: Machine, { ballot, validator }: SignedVote): void {
  if (ballot.kind !== "timeout" || ballot.view !== machine.view || validator === machine.self) return;
  if (validator === leaderOfView(machine)) machine.isGivingUp = true;
}

/** A Timeout of a view that we left by QC or TC shows that its sender lacks that certificate: send it again, but not to the
 *  stragglers of a normal view change, and at most once per repetition interval. */
function helpLaggard(machine: Machine, { ballot }: SignedVote): void {
  const { pacemaker, admittedBy, nowMs, options } = machine;
  if (ballot.kind !== "timeout" || ballot.view >= machine.view || admittedBy === undefined) return;
  const idleSinceMs = Math.max(pacemaker.enteredAtMs, machine.helpedAtMs);
  if (nowMs - idleSinceMs < options.config.resendMs) return;
  machine.helpedAtMs = nowMs;
  emit(machine, { type: "forwardCertificate", certificate: admittedBy });
}
