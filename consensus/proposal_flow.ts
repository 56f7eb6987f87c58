/** Proposals and fetched blocks as they come in, cheap checks before signatures (R2). What the proposer signed (the header) can
 *  be held against it; justification and transaction list can be exchanged by whoever passes the proposal on, so a fault
 *  there is the proposer's only when it came from the proposer itself.
 *  R1 justification; R5 an invalid proposal of the leader ends the view; R6 its certificates move us; R12 two headers of one view. */

import { bidHashOf, bodyRootOf, hashHeader, listsRootOf } from "../crypto/hashes.ts";
import type { BlockHeader, Proposal } from "../types/block.ts";
import { type BlockHash, Height } from "../types/ids.ts";
import type { Sender } from "../types/sender.ts";
import type { Certificate } from "../types/vote.ts";
import { BLOCKS_MAX, ORPHANS_MAX, type ParentFacts, type TreeBlock } from "./block_tree.ts";
import { isJustificationShaped } from "./certificate_check.ts";
import { absorbCertificate } from "./certificate_flow.ts";
import { isHeaderSigned } from "./evidence.ts";
import { accuse, emit, finalViewOf, leaderOfView, leaderUnder, type Machine, penalize, type SeenProposal, wantBlock } from "./machine.ts";
import { faultOfHeader, faultUnderParent } from "./proposal_check.ts";

/** Whose fault a bad proposal is: the signer of the header, or only whoever sent it like this. */
type Fault = "signed" | "sent";

/** `body`: valid when storage held the block because we voted for it. */
type Arrived = Pick<TreeBlock, "blockHash" | "proposal" | "from"> & { readonly body?: TreeBlock["body"] };

export function onProposal(machine: Machine, from: Sender, proposal: Proposal): void {
  const { header } = proposal;
  if (header.epoch !== machine.epoch || header.view <= finalViewOf(machine)) return;
  if (header.proposer >= machine.options.validators.set.validators.length) return penalize(machine, from, "malformedMessage");
  const blockHash = hashHeader(header);
  const seen = machine.seen.get(header.view, header.proposer);
  if (seen?.blockHash === blockHash || machine.tree.get(blockHash) !== undefined) return;
  if (isByAnother(machine, header, blockHash)) return penalizeProposer(machine, from, header);
  if (from.type !== "self" && !isHeaderSigned(proposal, machine.options)) return penalize(machine, from, "invalidSignature");
  if (header.proposer === machine.self && isForeign(machine, from, { blockHash, header })) return;
  if (seen !== undefined) return onSecondProposal(machine, from, { seen, proposal });
  // Hashing the list costs more than the signature, so strangers' lists are never hashed.
  const fault = faultOfProposal(machine, proposal);
  if (fault !== undefined) return refuse(machine, from, { proposal, blockHash, fault });
  if (!absorbJustification(machine, from, proposal)) return refuse(machine, from, { proposal, blockHash, fault: "sent" });
  if (header.view > machine.view || header.view <= finalViewOf(machine)) return;
  remember(machine, proposal, blockHash);
  insertBlock(machine, { blockHash, proposal, from });
}

/** A block that we asked for by hash because a certificate names it. */
export function onFetchedBlock(machine: Machine, from: Sender, proposal: Proposal): void {
  const { header } = proposal;
  const blockHash = hashHeader(header);
  if (machine.tree.get(blockHash) !== undefined || header.view <= finalViewOf(machine)) return;
  if (!machine.wanted.has(blockHash)) return penalize(machine, from, "unsolicitedResponse");
  const count = machine.options.validators.set.validators.length;
  const isWhole = faultOfHeader(header, { epoch: machine.epoch, count }) === undefined && isJustificationShaped(header, proposal);
  if (!isWhole || !isHeaderSigned(proposal, machine.options)) return penalize(machine, from, "wrongResponse");
  if (!canExtendRoot(machine, header)) return;
  const seen = machine.seen.get(header.view, header.proposer);
  if (seen !== undefined && seen.blockHash !== blockHash) onSecondProposal(machine, from, { seen, proposal });
  const parent = proposal.parentCertificate;
  if (parent !== undefined && !isUsable(absorbCertificate(machine, parent, { from, isAsked: false }))) return;
  if (header.view > finalViewOf(machine)) insertBlock(machine, { blockHash, proposal, from });
}

/** R12: another header of one view and proposer, both with a good signature. */
function onSecondProposal(machine: Machine, from: Sender, second: { readonly seen: SeenProposal; readonly proposal: Proposal }): void {
  const { header, signature } = second.proposal;
  accuse(machine, { type: "doubleProposal", first: second.seen.signed, second: { header, signature } });
  if (isFromProposer(from, header)) penalize(machine, from, "equivocation");
}

/** The replica's verdict on a body. R2 a valid one may be voted for; R5 an invalid one of the leader ends the view. */
export function onBodyChecked(machine: Machine, verdict: { readonly blockHash: BlockHash; readonly isValid: boolean }): void {
  const { tree } = machine;
  if (verdict.blockHash === tree.root.blockHash) {
    tree.isRootHeld ||= verdict.isValid;
    return;
  }
  const block = tree.get(verdict.blockHash);
  if (block === undefined || block.body === "valid") return;
  block.body = verdict.isValid ? "valid" : "invalid";
  machine.bestParent = undefined;
  if (verdict.isValid) return;
  if (block.proposal.header.view === machine.view) machine.isGivingUp = true;
  if (isFromProposer(block.from, block.proposal.header)) penalize(machine, block.from, "invalidBlock");
}

/** Adds a block whose header is signed or certified, connects what can be connected and asks for the missing parent. */
export function insertBlock(machine: Machine, arrived: Arrived): void {
  const { header } = arrived.proposal;
  const parent = machine.tree.facts(header.parentHash);
  const isCertified = machine.wanted.has(arrived.blockHash);
  const proposal = withHeldCertificates(machine, arrived.proposal);
  const block: TreeBlock = { ...arrived, proposal, body: arrived.body ?? "waiting", isConnected: parent !== undefined, isCertified };
  if (parent !== undefined && !isSoundUnder(machine, block, parent)) return;
  if (!makeRoom(machine, block)) return;
  machine.tree.insert(block);
  machine.wanted.delete(block.blockHash);
  if (header.view === machine.view) machine.pacemaker.noteProposal(machine.nowMs);
  if (parent !== undefined) connect(machine, block);
  else wantBlock(machine, { blockHash: header.parentHash, view: header.parentView, height: parentHeightOf(header), isFarToo: isCertified });
}

/** Whoever passes a proposal on may exchange its justification for another of the same ballots, and a known ballot's is not looked at.
 *  What we keep, store and serve carries the certificates that we hold, which are verified. */
function withHeldCertificates(machine: Machine, proposal: Proposal): Proposal {
  const held = (certificate: Certificate): Certificate => {
    const { kind, view, blockHash } = certificate.ballot;
    const known = machine.certificates.of(kind, view);
    return known?.ballot.blockHash === blockHash ? known : certificate;
  };
  const { parentCertificate, timeoutCertificates } = proposal;
  return {
    ...proposal,
    parentCertificate: parentCertificate === undefined ? undefined : held(parentCertificate),
    timeoutCertificates: timeoutCertificates.map(held),
  };
}

/** Connects the orphans whose parent has become known, and theirs. */
export function connectOrphansOf(machine: Machine, parentHash: BlockHash): void {
  const parent = machine.tree.facts(parentHash);
  if (parent === undefined) return;
  for (const orphan of machine.tree.orphansOf(parentHash)) {
    if (isSoundUnder(machine, orphan, parent)) connect(machine, orphan);
    else machine.tree.remove(orphan.blockHash);
  }
}

function connect(machine: Machine, block: TreeBlock): void {
  const { blockHash, proposal, from } = block;
  block.isConnected = true;
  machine.bestParent = undefined;
  if (block.body === "waiting") {
    block.body = "asked";
    emit(machine, { type: "checkBody", blockHash, proposal, from });
  }
  const { view } = proposal.header;
  if (machine.certificates.of("vote", view)?.ballot.blockHash === blockHash) emit(machine, { type: "certified", blockHash, view });
  connectOrphansOf(machine, blockHash);
}

/** R2 against the parent: height, time, executed height, and the leader of the view under that parent. A certified block's
 *  leader was checked by a quorum. The fault of a signed header is its proposer's, and ends the leader's view. */
function isSoundUnder(machine: Machine, block: TreeBlock, parent: ParentFacts): boolean {
  const { header } = block.proposal;
  const isFaulty = faultUnderParent(header, parent) !== undefined;
  const isForeignSlot = isByAnother(machine, header, block.blockHash);
  if (!isFaulty && !isForeignSlot) return true;
  if (!isForeignSlot && header.view === machine.view) machine.isGivingUp = true;
  penalizeProposer(machine, block.from, header);
  return false;
}

/** Is the proposer, under a known parent, not the leader of the view? A certified block's leader was checked by a quorum. */
function isByAnother(machine: Machine, header: BlockHeader, blockHash: BlockHash): boolean {
  const parent = machine.tree.facts(header.parentHash);
  if (parent === undefined || machine.certificates.of("vote", header.view)?.ballot.blockHash === blockHash) return false;
  return leaderUnder(machine, parent, header.view) !== header.proposer;
}

function penalizeProposer(machine: Machine, from: Sender, header: BlockHeader): void {
  if (isFromProposer(from, header)) penalize(machine, from, "invalidProposal");
}

/** Everything that can be said without a certificate's signature. */
function faultOfProposal(machine: Machine, proposal: Proposal): Fault | undefined {
  const { header, transactionHashes, lists, bid } = proposal;
  const count = machine.options.validators.set.validators.length;
  if (faultOfHeader(header, { epoch: machine.epoch, count }) !== undefined) return "signed";
  if (!canExtendRoot(machine, header)) return "signed";
  const parent = machine.tree.facts(header.parentHash);
  if (parent !== undefined && faultUnderParent(header, parent) !== undefined) return "signed";
  if (!isJustificationShaped(header, proposal) || transactionHashes.length !== header.transactionCount) return "sent";
  const areRootsRight = bodyRootOf(transactionHashes) === header.bodyRoot && listsRootOf(lists) === header.listsRoot;
  return areRootsRight && bidHashOf(bid) === header.bidHash ? undefined : "sent";
}

/** R2: a parent at the last final view is the last final block. A lower one would need the TC of a view that has a CC (R8). */
function canExtendRoot(machine: Machine, header: BlockHeader): boolean {
  const { root } = machine.tree;
  return header.parentView > root.view || (header.parentView === root.view && header.parentHash === root.blockHash);
}

/** R5: an invalid proposal of this view's leader ends the view at once. One that was spoilt on the way does not. */
function refuse(
  machine: Machine,
  from: Sender,
  refused: { readonly proposal: Proposal; readonly blockHash: BlockHash; readonly fault: Fault },
): void {
  const { proposal, blockHash, fault } = refused;
  const { header } = proposal;
  const isFirstHand = isFromProposer(from, header);
  if (isFirstHand || fault === "sent") penalize(machine, from, "invalidProposal");
  if (fault === "sent" && !isFirstHand) return;
  if (header.view !== machine.view) return;
  remember(machine, proposal, blockHash);
  const parent = machine.tree.facts(header.parentHash);
  const leader = parent === undefined ? leaderOfView(machine) : leaderUnder(machine, parent, header.view);
  if (leader === header.proposer) machine.isGivingUp = true;
}

function remember(machine: Machine, { header, signature }: Proposal, blockHash: BlockHash): void {
  machine.seen.put(header.view, header.proposer, { blockHash, signed: { header, signature } });
}

/** R1 and R6: the parent's QC and the inline TCs, each like any certificate. False when one of them does not hold. */
function absorbJustification(machine: Machine, from: Sender, proposal: Proposal): boolean {
  const { header, parentCertificate, timeoutCertificates } = proposal;
  if (parentCertificate !== undefined && !isUsable(absorbCertificate(machine, parentCertificate, { from, isAsked: false }))) return false;
  const isVotable = header.view >= machine.view;
  if (!isVotable) return true;
  return timeoutCertificates.every((certificate) => isUsable(absorbCertificate(machine, certificate, { from, isAsked: true })));
}

const isUsable = (absorbed: ReturnType<typeof absorbCertificate>): boolean => absorbed === "held" || absorbed === "accepted";

/** A proposal in our name that we did not record: our key is used elsewhere (failure 10). */
function isForeign(machine: Machine, from: Sender, own: { readonly blockHash: BlockHash; readonly header: BlockHeader }): boolean {
  if (from.type === "self" || machine.options.harness?.isKeyShared === true) return false;
  const isOurs = machine.records.get(own.header.view).proposedHash === own.blockHash;
  if (!isOurs) machine.hasStoppedSigning = true;
  return !isOurs;
}

function isFromProposer(from: Sender, header: BlockHeader): boolean {
  return from.type === "validator" && from.validator === header.proposer;
}

/** R10: above the bounds, the oldest uncertified block of a view that is over is given up for a new one. An orphan that no
 *  certificate names finds room only among its like; everything else finds room, since a view leaves at most one certified
 *  block behind. */
function makeRoom(machine: Machine, arriving: TreeBlock): boolean {
  const { tree } = machine;
  const orphans = arriving.isConnected || arriving.isCertified === true ? [] : tree.idleOrphans();
  const isOrphanTooMany = orphans.length >= ORPHANS_MAX;
  if (!isOrphanTooMany && tree.count < BLOCKS_MAX) return true;
  const isNeeded = (block: TreeBlock): boolean => {
    const { view } = block.proposal.header;
    const isCertified = block.isCertified === true || machine.certificates.of("vote", view)?.ballot.blockHash === block.blockHash;
    return isCertified || view >= machine.view;
  };
  const candidates = (isOrphanTooMany ? orphans : tree.all()).filter((block) => !isNeeded(block));
  candidates.sort((left, right) => left.proposal.header.view - right.proposal.header.view);
  const [victim] = candidates;
  if (victim === undefined) return !isOrphanTooMany;
  tree.remove(victim.blockHash);
  emit(machine, { type: "abandon", blockHashes: [victim.blockHash] });
  return true;
}

const parentHeightOf = (header: BlockHeader): Height => Height.previous(header.height);
