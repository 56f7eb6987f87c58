/** The points of interest that one validator passes: what it signed in which view and life, what it had on record, what reached it.
 *  Bounded: of views it remembers the latest. */

import { unreachable } from "../../types/assert.ts";
import type { BlockHeader } from "../../types/block.ts";
import { ZERO_HASH } from "../../types/ids.ts";
import type { PenaltyReason } from "../../types/sender.ts";
import type { SignedVote, VoteKind } from "../../types/vote.ts";
import type { CoveragePoint } from "./coverage_points.ts";
import type { Fact, FactOf } from "./facts.ts";

export type Count = (point: CoveragePoint) => void;

export interface ValidatorCoverage {
  /** Everything that this validator did. */
  observe(fact: Exclude<Fact, FactOf<"sent" | "delivered" | "phase" | "fault" | "submitted" | "answered">>): void;
  delivered(fact: FactOf<"delivered">): void;
  /** Its pause is over. */
  resumed(): void;
}

/** Views, ballots and proposals remembered, each. */
const REMEMBERED_MAX = 512;

/** What a validator may sign in a view; with the view, a key. */
const SIGNED_KINDS = { vote: 0, commit: 1, timeout: 2, proposal: 3 } as const;
const keyOf = (view: number, kind: VoteKind | "proposal"): number => view * 4 + SIGNED_KINDS[kind];

export function createValidatorCoverage(index: number, count: Count): ValidatorCoverage {
  const state = new ValidatorState(index, count);
  return {
    observe: (fact) => observe(state, fact),
    delivered: (fact) => {
      if (fact.message.type === "proposal") state.proposalDelivered(fact.message.proposal.header);
      else if (fact.message.type === "vote") state.voteDelivered(fact.message.vote);
    },
    resumed: () => {
      state.isFirstSinceResume = true;
    },
  };
}

function observe(state: ValidatorState, fact: Parameters<ValidatorCoverage["observe"]>[0]): void {
  switch (fact.type) {
    case "saved":
      return state.saved(fact);
    case "signedVote":
      return state.signedVote(fact);
    case "signedProposal":
      return state.signedProposal(fact);
    case "enteredView":
      return state.enteredView(fact);
    case "certificate":
      return state.certificate(fact);
    case "finalized":
      return state.finalized(fact);
    case "started":
      return state.started(fact);
    case "stopped":
      return state.stopped(fact);
    case "penalized":
      return state.penalized(fact);
    case "dropped":
      if (fact.refusal.code === "evicted") state.count("evictedFromPool");
      if (fact.refusal.code === "expired") state.count("transactionExpired");
      return;
    case "snapshot":
      return state.count("snapshotTaken");
    case "refusedStart":
      return state.count("startRefused");
    case "ordered":
    case "opened":
    case "keyLive":
    case "certified":
    case "evidence":
    case "halted":
    case "diverged":
    case "sizes":
    case "betrayal":
    case "bidMade":
    case "bundleSubmitted":
      return;
    default:
      return unreachable(fact);
  }
}

class ValidatorState {
  readonly count: Count;
  isFirstSinceResume = false;
  readonly #index: number;
  /** Keys of what was signed; the value is the life in which it last was. */
  readonly #signed = new Map<number, number>();
  /** Keys of what is safe on disk and was not signed yet; the value is the life that saved it. */
  readonly #unsent = new Map<number, number>();
  readonly #leftByTc = new Map<number, boolean>();
  readonly #proposals = new Map<number, BlockHeader>();
  readonly #ballots = new Map<number, string>();
  #life = 0;
  #view = 0;
  #leader = -1;
  #enteredBy: FactOf<"enteredView">["by"] = "start";
  #participatedIn = 0;
  #isObserver = false;
  #wasUpgraded = false;
  #lastFinalTimeMs = 0;
  #lastLostView = 0;
  #badSignatureIn: number | undefined;

  constructor(index: number, count: Count) {
    this.#index = index;
    this.count = count;
  }

  saved({ durable }: FactOf<"saved">): void {
    for (const record of durable.records) {
      if (record.proposedHash !== ZERO_HASH) this.#recorded(keyOf(record.view, "proposal"));
      if (record.votedHash !== ZERO_HASH) this.#recorded(keyOf(record.view, "vote"));
      if (record.committedHash !== ZERO_HASH) this.#recorded(keyOf(record.view, "commit"));
      if (record.hasTimedOut) this.#recorded(keyOf(record.view, "timeout"));
    }
  }

  #recorded(key: number): void {
    if (!this.#signed.has(key) && !this.#unsent.has(key)) remember(this.#unsent, key, this.#life);
  }

  signedVote({ vote, isResend }: FactOf<"signedVote">): void {
    const { kind, view } = vote.ballot;
    if (this.isFirstSinceResume && kind === "timeout") this.count("timeoutRightAfterPause");
    this.isFirstSinceResume = false;
    if (kind === "timeout" && !isResend && this.#signed.has(keyOf(view, "vote"))) this.count("timeoutAfterVote");
    if (kind === "commit" && !isResend) this.#committed(view);
    if (kind !== "commit" && view > this.#participatedIn) this.#participatedIn = view;
    this.#sign(keyOf(view, kind));
  }

  #committed(view: number): void {
    if (this.#participatedIn > view) this.count("commitAfterNextViewBegan");
    if (this.#view >= view + 4) this.count("commitLongAfterView");
    if (this.#lastLostView > view) this.count("commitAfterLostViews");
  }

  signedProposal({ proposal }: FactOf<"signedProposal">): void {
    const { view } = proposal.header;
    if (view > this.#participatedIn) this.#participatedIn = view;
    this.isFirstSinceResume = false;
    if (this.#sign(keyOf(view, "proposal"))) this.count("proposalRepeatedAfterRestart");
  }

  /** Notes that it left. Was it signed or recorded in an earlier life? */
  #sign(key: number): boolean {
    const isRepeated = (this.#signed.get(key) ?? this.#unsent.get(key) ?? this.#life) < this.#life;
    if (isRepeated) this.count("repeatedAfterRestart");
    this.#unsent.delete(key);
    remember(this.#signed, key, this.#life);
    return isRepeated;
  }

  enteredView({ view, by, leader }: FactOf<"enteredView">): void {
    if (by !== "start") {
      if (view >= this.#view + 2) this.count("enteredFarAhead");
      if (by === "TC") {
        if (this.#enteredBy === "TC" && view === this.#view + 1) this.count("viewsLostInARow");
        this.#lastLostView = view - 1;
        remember(this.#leftByTc, view - 1, true);
      }
    }
    this.#view = view;
    this.#leader = leader;
    this.#enteredBy = by;
  }

  certificate({ certificate }: FactOf<"certificate">): void {
    const { kind, view } = certificate.ballot;
    if (kind === "vote" && this.#leftByTc.delete(view)) this.count("lateQcAfterTc");
    if (this.#badSignatureIn === undefined || view < this.#badSignatureIn) return;
    if (view === this.#badSignatureIn) this.count("quorumAfterBadSignature");
    this.#badSignatureIn = undefined;
  }

  finalized({ blocks }: FactOf<"finalized">): void {
    if (this.#isObserver) this.count("observerFollows");
    let sameProof = 0;
    for (const [position, { header, certificate }] of blocks.entries()) {
      if (header.parentView > 0 && header.view > header.parentView + 1) this.count("skippedViewsFinal");
      if (header.timeMs === this.#lastFinalTimeMs + 1) this.count("blockTimeClamped");
      this.#lastFinalTimeMs = header.timeMs;
      sameProof = position > 0 && blocks[position - 1]?.certificate.ballot.view === certificate.ballot.view ? sameProof + 1 : 0;
      if (sameProof === 1) this.count("manyBlocksByOneCc");
    }
  }

  started({ life, isSigning, restoredHeight }: FactOf<"started">): void {
    this.#life = life;
    this.#isObserver = !isSigning;
    this.#view = 0;
    // Finality may have moved while it was down; a height between is not seen, so no time is compared across a restart.
    this.#lastFinalTimeMs = 0;
    if (restoredHeight !== undefined && restoredHeight > 0) this.count("restoredFromSnapshot");
    if (this.#wasUpgraded) this.count("upgraded");
    this.#wasUpgraded = false;
  }

  stopped({ why, lostWrites }: FactOf<"stopped">): void {
    const isUnsent = this.#unsent.size > 0 && [...this.#unsent.values()].includes(this.#life);
    if (why === "crash" && isUnsent) this.count("restartBetweenRecordAndSend");
    if ((lostWrites ?? 0) > 0) this.count("unsyncedWriteLost");
    if (why === "crash" && this.#leader === this.#index) this.count("leaderCrashed");
    if (why === "diskFull") this.count("stoppedByFullDisk");
    this.#wasUpgraded = why === "upgrade";
    this.#badSignatureIn = undefined;
    this.isFirstSinceResume = false;
  }

  penalized({ reason, sender }: FactOf<"penalized">): void {
    if (reason === "invalidSignature" && sender.type === "validator") this.#badSignatureIn = this.#view;
    const point = PENALTY_POINTS[reason];
    if (point !== undefined) this.count(point);
  }

  proposalDelivered(header: BlockHeader): void {
    const key = header.view * 64 + header.proposer;
    const first = this.#proposals.get(key);
    if (first === undefined) return remember(this.#proposals, key, header);
    if (!isSameHeader(first, header)) this.count("twoProposalsDelivered");
  }

  voteDelivered({ ballot, validator }: SignedVote): void {
    // A timeout names no block, so two of one view are the same ballot.
    if (ballot.kind === "timeout") return;
    const key = keyOf(ballot.view, ballot.kind) * 64 + validator;
    const first = this.#ballots.get(key);
    if (first === undefined) remember(this.#ballots, key, ballot.blockHash);
    else if (first !== ballot.blockHash) this.count("twoVotesDelivered");
  }
}

/** Keeps the newest REMEMBERED_MAX keys. */
function remember<Value>(map: Map<number, Value>, key: number, value: Value): void {
  map.set(key, value);
  if (map.size <= REMEMBERED_MAX) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

const PENALTY_POINTS: Readonly<Partial<Record<PenaltyReason, CoveragePoint>>> = {
  invalidCertificate: "badCertificateRefused",
  invalidProposal: "badProposalRefused",
  invalidBlock: "badProposalRefused",
  malformedMessage: "badMessageRefused",
  flood: "badMessageRefused",
  wrongResponse: "syncLieRefused",
  unsolicitedResponse: "syncLieRefused",
};

function isSameHeader(left: BlockHeader, right: BlockHeader): boolean {
  return (
    left.parentHash === right.parentHash && left.bodyRoot === right.bodyRoot && left.timeMs === right.timeMs && left.height === right.height
  );
}
