/** Certificates, whether a peer's or our own aggregate: known ones are dropped before verification, new ones are forwarded once
 *  and acted upon. R3 forward once; R6 advance; R10 verified before stored, whatever the view; R11 an invalid one is its
 *  sender's fault. Failure 10: a certificate with our signature on a ballot that we never recorded stops our signing. */

import { View } from "../types/ids.ts";
import type { Sender } from "../types/sender.ts";
import { Signers } from "../types/validator_set.ts";
import type { Ballot, Certificate } from "../types/vote.ts";
import { isCertificateSigned, isCertificateWellFormed } from "./certificate_check.ts";
import { emit, enterView, finalViewOf, type Machine, penalize, wantBlock } from "./machine.ts";

/** held: of a ballot that we hold already, or that is of no use any more. */
export type Absorbed = "held" | "accepted" | "invalid" | "conflicting";

/** Takes a certificate in. `isAsked`: it belongs to a proposal or answers a request, so old TCs are wanted too. */
export function absorbCertificate(
  machine: Machine,
  certificate: Certificate,
  source: { readonly from: Sender; readonly isAsked: boolean },
): Absorbed {
  const { ballot } = certificate;
  // An old epoch's certificate is no fault of who relays it, and of no use here (R13).
  if (ballot.epoch !== machine.epoch) return "invalid";
  const known = machine.certificates.of(ballot.kind, ballot.view);
  if (known !== undefined) return known.ballot.blockHash === ballot.blockHash ? "held" : "conflicting";
  if (isUseless(machine, ballot, source.isAsked)) return "held";
  const context = machine.options;
  if (!isCertificateWellFormed(certificate, context) || !isCertificateSigned(certificate, context)) {
    penalize(machine, source.from, "invalidCertificate");
    return "invalid";
  }
  if (machine.self !== undefined && Signers.has(certificate.signers, machine.self)) noteOwnSignature(machine, ballot);
  acceptCertificate(machine, certificate);
  return "accepted";
}

/** Final, or a TC of a view that we left and nobody asked for. The QC of the last final block is of use: proposals need it. */
function isUseless(machine: Machine, ballot: Ballot, isAsked: boolean): boolean {
  const { root } = machine.tree;
  if (ballot.kind === "vote" && ballot.view === root.view) return ballot.blockHash !== root.blockHash;
  if (ballot.view <= root.view) return true;
  const isInRange = machine.timeoutsAsked !== undefined && ballot.view <= machine.timeoutsAsked.toView;
  return ballot.kind === "timeout" && ballot.view < machine.view && !isAsked && !isInRange;
}

/** Acts on a certificate that is verified or our own aggregate. */
export function acceptCertificate(machine: Machine, certificate: Certificate): void {
  const { ballot } = certificate;
  const isAnswer = ballot.kind === "timeout" && ballot.view < machine.view;
  machine.certificates.add(certificate);
  machine.bestParent = undefined;
  if (!isAnswer && machine.self !== undefined) emit(machine, { type: "forwardCertificate", certificate });
  switch (ballot.kind) {
    case "vote":
      return onQuorum(machine, certificate);
    case "commit":
      return onCommit(machine, certificate);
    case "timeout":
      if (ballot.view >= machine.view) enterView(machine, { view: View.next(ballot.view), by: "TC", certificate });
  }
}

/** R4: leave the view at once; the commit vote follows when the block is held and valid. */
function onQuorum(machine: Machine, certificate: Certificate): void {
  const { ballot } = certificate;
  const isCurrent = ballot.view === machine.view;
  if (isCurrent) machine.pacemaker.noteQuorum(machine.nowMs);
  machine.pacemaker.noteProgress(machine.nowMs);
  if (ballot.view >= machine.view) enterView(machine, { view: View.next(ballot.view), by: "QC", certificate });
  if (ballot.view <= finalViewOf(machine)) return;
  machine.pendingCommits.add(ballot.view);
  const block = machine.tree.get(ballot.blockHash);
  if (block === undefined) wantBlock(machine, ballot);
  else if (block.isConnected) emit(machine, { type: "certified", blockHash: ballot.blockHash, view: ballot.view });
}

/** A CC stands on a QC, so it moves us as one does; finality follows as soon as the ancestry is held (`finality.ts`). */
function onCommit(machine: Machine, certificate: Certificate): void {
  const { view } = certificate.ballot;
  if (view >= machine.view) enterView(machine, { view: View.next(view), by: "CC", certificate });
}

/** Our key's signature under something that our records do not know: another node signs with our key, or our store was rolled
 *  back. Signing on could contradict it, so we stop; following goes on. */
export function noteOwnSignature(machine: Machine, ballot: Ballot): void {
  if (machine.options.harness?.isKeyShared === true) return;
  if (ballot.view > finalViewOf(machine) && !machine.records.hasSigned(ballot)) machine.hasStoppedSigning = true;
}
