/** The state that the flows of the consensus core share, and the moves that several of them make: enter a view, want a block,
 *  know the best parent and its leader. Flows take inputs in; `signing.ts` decides what to sign at the end of each step.
 *  R6 any certificate at or above our view moves us; R9 the admitting certificate is recorded on entry. */

import type { Evidence, SignedHeader } from "../types/evidence.ts";
import type { BlockHash, Epoch, Height, TimestampMs, ValidatorIndex } from "../types/ids.ts";
import { View } from "../types/ids.ts";
import { FUTURE_VIEWS_MAX } from "../types/limits.ts";
import type { Sender } from "../types/sender.ts";
import type { Certificate } from "../types/vote.ts";
import { BLOCKS_MAX, type BlockTree, type ParentFacts } from "./block_tree.ts";
import type { Certificates } from "./certificates.ts";
import type { ConsensusEffect, ConsensusOptions, ConsensusTimer } from "./interface.ts";
import { foldPauses, leaderOf, type Pauses, type ScheduleBlock, scheduleHeight } from "./leader_schedule.ts";
import type { Pacemaker } from "./pacemaker.ts";
import type { SeenProposals } from "./proposal_check.ts";
import type { RecordGain, Records } from "./records.ts";
import type { VoteCollector } from "./vote_collector.ts";

/** Blocks wanted by hash at a time, and how far above the root they may be at once. Farther up catch-up by ranges is tried first;
 *  a certified chain that nobody has a CC for is climbed down when the repetition finds it still missing. */
export const WANTED_MAX = 64;
export const WANTED_HEIGHTS_MAX = 32;

/** Proposals are remembered for this many views back, when finality does not forget them earlier. */
export const SEEN_VIEWS_MAX = 64;

export interface SeenProposal {
  readonly blockHash: BlockHash;
  readonly signed: SignedHeader;
}

export interface BestParent {
  readonly facts: ParentFacts;
  /** Undefined over genesis, and where we hold only a CC of the parent. */
  readonly quorum: Certificate | undefined;
  /** R1: the lowest skipped view whose TC we lack. */
  readonly missingTimeout: View | undefined;
}

export interface Machine {
  readonly options: ConsensusOptions;
  readonly epoch: Epoch;
  readonly self: ValidatorIndex | undefined;
  readonly records: Records;
  readonly tree: BlockTree;
  readonly certificates: Certificates;
  readonly votes: VoteCollector;
  readonly pacemaker: Pacemaker;
  readonly seen: SeenProposals<SeenProposal>;
  /** Final blocks of the schedule window, ascending, the root last. */
  readonly finalBlocks: ScheduleBlock[];
  /** QCs whose commit vote is still to be considered (R4). */
  readonly pendingCommits: Set<View>;
  readonly wanted: Map<BlockHash, View>;
  /** Offenders already accused, with the view of the fault. */
  readonly accused: Map<ValidatorIndex, View>;
  /** Validators that once sent a wrong signature: theirs are verified one by one from then on. */
  readonly suspects: Set<ValidatorIndex>;
  readonly heardIn: Map<ValidatorIndex, View>;
  readonly pausesByParent: Map<BlockHash, Pauses>;
  view: View;
  admittedBy: Certificate | undefined;
  hasStarted: boolean;
  hasStoppedSigning: boolean;
  /** R5 at once, for this view. */
  isGivingUp: boolean;
  /** The build under way: view and parent. */
  building: { readonly view: View; readonly parentHash: BlockHash } | undefined;
  timeoutsAsked: { readonly fromView: View; readonly toView: View } | undefined;
  /** View of the CC that `behind` was last said for. */
  behindView: View;
  bestParent: BestParent | undefined;
  /** When a laggard was last helped with a certificate. */
  helpedAtMs: number;
  /** When we last asked for what we lack, or lacked nothing. */
  askedAtMs: number;
  nowMs: TimestampMs;
  effects: ConsensusEffect[];
}

export const finalViewOf = (machine: Machine): View => machine.tree.root.view;

export function emit(machine: Machine, effect: ConsensusEffect): void {
  machine.effects.push(effect);
}

/** R9: adds to a record and hands it out ahead of what it covers. An observer signs nothing and keeps none. */
export function persist(machine: Machine, view: View, gain: RecordGain): void {
  if (machine.self === undefined) return;
  emit(machine, { type: "persistRecord", record: machine.records.add(view, gain) });
}

export function penalize(machine: Machine, sender: Sender, reason: Extract<ConsensusEffect, { type: "penalize" }>["reason"]): void {
  if (sender.type !== "self") emit(machine, { type: "penalize", sender, reason });
}

/** R10: nothing can come of this view any more: it has a TC, so no CC (R8), and it is far behind. */
export function isViewOver(machine: Machine, view: View): boolean {
  return view < machine.view - FUTURE_VIEWS_MAX && machine.certificates.of("timeout", view) !== undefined;
}

/** R6: leaves the current view by a certificate. The record of the new view names the certificate, so that the TCs we passed
 *  survive a restart. */
export function enterView(
  machine: Machine,
  entry: { readonly view: View; readonly by: "QC" | "TC" | "CC"; readonly certificate: Certificate },
): void {
  const { view, by, certificate } = entry;
  machine.view = view;
  machine.admittedBy = certificate;
  machine.isGivingUp = false;
  machine.building = undefined;
  machine.timeoutsAsked = undefined;
  machine.bestParent = undefined;
  machine.votes.forgetWhere((old) => isViewOver(machine, old));
  machine.seen.prune(View.of(Math.max(0, view - SEEN_VIEWS_MAX)));
  machine.pacemaker.enterView({ nowMs: machine.nowMs, isLost: by === "TC" });
  persist(machine, view, { admittedBy: certificate });
  emit(machine, { type: "enteredView", view, by, leader: leaderOfView(machine) });
  if (machine.tree.ofView(view).length > 0) machine.pacemaker.noteProposal(machine.nowMs);
}

/** The block that a proposal of the current view should extend: the highest certified one whose chain of TCs is complete. */
export function bestParentOf(machine: Machine): BestParent {
  machine.bestParent ??= findBestParent(machine);
  return machine.bestParent;
}

function findBestParent(machine: Machine): BestParent {
  const { certificates, tree, view } = machine;
  let fallback: BestParent | undefined;
  for (const quorum of certificates.quorums()) {
    const facts = tree.facts(quorum.ballot.blockHash);
    if (facts === undefined || tree.get(facts.blockHash)?.body === "invalid") continue;
    const missingTimeout = certificates.firstMissingTimeout({ parentView: facts.view, view });
    if (missingTimeout === undefined) return { facts, quorum, missingTimeout };
    fallback ??= { facts, quorum, missingTimeout };
  }
  const { root } = tree;
  const missingTimeout = certificates.firstMissingTimeout({ parentView: root.view, view });
  const overRoot = { facts: root, quorum: undefined, missingTimeout };
  if (root.view === View.ZERO && missingTimeout === undefined) return overRoot;
  return fallback ?? overRoot;
}

/** Leader of the current view as we see it; a proposal is judged by its own parent instead. */
export function leaderOfView(machine: Machine): ValidatorIndex {
  return leaderUnder(machine, bestParentOf(machine).facts, machine.view);
}

export function leaderUnder(machine: Machine, parent: ParentFacts, view: View): ValidatorIndex {
  const { harness, validators } = machine.options;
  return harness?.leaderOf?.(view) ?? leaderOf(view, pausesUnder(machine, parent), validators);
}

const PAUSES_KEPT_MAX = 64;

function pausesUnder(machine: Machine, parent: ParentFacts): Pauses {
  const known = machine.pausesByParent.get(parent.blockHash);
  if (known !== undefined) return known;
  const upTo = scheduleHeight(parent);
  const blocks = machine.finalBlocks.filter(({ height }) => height <= upTo);
  if (upTo > machine.tree.root.height) {
    for (const { proposal } of machine.tree.pathTo(parent.blockHash)) {
      if (proposal.header.height <= upTo) blocks.push(proposal.header);
    }
  }
  const pauses = foldPauses(blocks, machine.options.validators);
  if (machine.pausesByParent.size >= PAUSES_KEPT_MAX) machine.pausesByParent.clear();
  machine.pausesByParent.set(parent.blockHash, pauses);
  return pauses;
}

/** Asks for a block that a certificate names, unless it is held, final, or so far up that catch-up should bring it.
 *  `isFarToo`: catch-up had its chance. */
export function wantBlock(
  machine: Machine,
  block: { readonly blockHash: BlockHash; readonly view: View; readonly height: Height; readonly isFarToo?: boolean },
): void {
  const { tree, wanted } = machine;
  const { blockHash, view, height, isFarToo } = block;
  const heightsMax = isFarToo === true ? BLOCKS_MAX : WANTED_HEIGHTS_MAX;
  if (view <= tree.root.view || height <= tree.root.height || tree.get(blockHash) !== undefined) return;
  if (wanted.has(blockHash) || wanted.size >= WANTED_MAX || height - tree.root.height > heightsMax) return;
  if (wanted.size === 0) machine.askedAtMs = machine.nowMs;
  wanted.set(blockHash, view);
  machine.pacemaker.noteSent(machine.nowMs);
  emit(machine, { type: "fetchBlock", blockHash, view });
}

/** R12: hands evidence out once per offender, until finality passes the fault: one proof is enough, and an offender could
 *  make us verify and store without end. Both signatures were verified by the caller. */
export function accuse(machine: Machine, evidence: Evidence): void {
  const [offender, view] =
    evidence.type === "doubleVote"
      ? [evidence.first.validator, evidence.first.ballot.view]
      : [evidence.first.header.proposer, evidence.first.header.view];
  if (offender === machine.self || machine.accused.has(offender)) return;
  machine.accused.set(offender, view);
  emit(machine, { type: "persistEvidence", evidence });
}

/** Sets a timer unless one is armed that fires early enough. */
export function armTimer(machine: Machine, timer: ConsensusTimer, atMs: number): void {
  const afterMs = machine.pacemaker.arm(timer, atMs, machine.nowMs);
  if (afterMs !== undefined) emit(machine, { type: "setTimer", timer, afterMs });
}
