/** What goes into the consensus core and what comes out. The core is pure: `step(input, nowMs)` returns effects in order;
 *  `replica/` performs or forwards them. Bodies of blocks are the replica's business: the core sees headers and asks. */

import type { BlockHeader, Justification, Proposal, ProposalContents } from "../types/block.ts";
import type { Evidence } from "../types/evidence.ts";
import type { BlockHash, Epoch, Height, StateRoot, TimestampMs, ValidatorIndex, View } from "../types/ids.ts";
import type { SafetyRecord } from "../types/safety_record.ts";
import type { PenaltyReason, Sender } from "../types/sender.ts";
import type { SigningDomain } from "../types/signing.ts";
import type { BlsSuite, VerifyEd25519 } from "../types/suites.ts";
import type { ValidatorSetContext } from "../types/validator_set.ts";
import type { Ballot, Certificate, SignedVote } from "../types/vote.ts";

/** view: R5's timers of the current view (proposal and view deadline share it). propose: leader's heartbeat or pacing.
 *  resend: repetition while stuck. Setting a timer replaces the one of the same name. */
export type ConsensusTimer = "view" | "propose" | "resend";

export type ConsensusInput =
  /** Once, first: re-sends what the records say and enters the recovered view. */
  | { readonly type: "start" }
  | { readonly type: "proposal"; readonly from: Sender; readonly proposal: Proposal }
  | { readonly type: "vote"; readonly from: Sender; readonly vote: SignedVote }
  | { readonly type: "certificate"; readonly from: Sender; readonly certificate: Certificate }
  /** A certified or final block's header that we had asked for with `fetchBlock`, at any view; never makes us vote for a view we left. */
  | { readonly type: "fetchedBlock"; readonly from: Sender; readonly proposal: Proposal }
  /** The replica's verdict on a body it was asked to check with `checkBody`: held, well-formed, root correct. */
  | { readonly type: "bodyChecked"; readonly blockHash: BlockHash; readonly isValid: boolean }
  /** Is there anything to order? The pacemaker proposes at once, or waits for the heartbeat. */
  | { readonly type: "work"; readonly isAvailable: boolean }
  /** Answer to `build`. `header` undefined: the build failed (R5 at once). */
  | ({ readonly type: "built"; readonly view: View; readonly header: BlockHeader | undefined } & ProposalContents)
  | { readonly type: "timer"; readonly timer: ConsensusTimer }
  /** Catch-up finalized a range outside the tree: headers ascending, the last proven by `certificate` (already verified). */
  | { readonly type: "synced"; readonly headers: readonly BlockHeader[]; readonly certificate: Certificate };

export type ConsensusEffect =
  /** R9: record before any later effect of this step is performed. */
  | { readonly type: "persistRecord"; readonly record: SafetyRecord }
  | { readonly type: "persistEvidence"; readonly evidence: Evidence }
  /** Sign with the BLS key, send to all validators, feed back as `vote` from self. `isResend`: a repetition. */
  | { readonly type: "castVote"; readonly ballot: Ballot; readonly isResend: boolean }
  /** Sign with the Ed25519 key, send to all validators, feed back as `proposal` from self. */
  | ({
      readonly type: "castProposal";
      readonly header: BlockHeader;
      readonly blockHash: BlockHash;
      readonly justification: Justification;
    } & ProposalContents)
  /** R3: forward a certificate, once, to all validators. */
  | { readonly type: "forwardCertificate"; readonly certificate: Certificate }
  /** Build a block on `parentHash` for `view`; answer with `built` (in the same or a later step). `timeMsMin` is R14's bound. */
  | {
      readonly type: "build";
      readonly view: View;
      readonly height: Height;
      readonly parentHash: BlockHash;
      readonly parentView: View;
      readonly timeMs: TimestampMs;
    }
  /** Hold and validate the body of a proposal; answer with `bodyChecked`, now or when its parts have arrived. */
  | { readonly type: "checkBody"; readonly blockHash: BlockHash; readonly proposal: Proposal; readonly from: Sender }
  /** A certificate names a block that we lack. */
  | { readonly type: "fetchBlock"; readonly blockHash: BlockHash; readonly view: View }
  | { readonly type: "fetchTimeoutCertificates"; readonly fromView: View; readonly toView: View }
  /** R7: these blocks, ascending, are final by `certificate`, each exactly once. */
  | {
      readonly type: "finalize";
      readonly blocks: readonly { readonly blockHash: BlockHash; readonly header: BlockHeader }[];
      readonly certificate: Certificate;
    }
  /** A valid CC is of a block whose ancestry we lack: catch up by ranges, at least to this height. */
  | { readonly type: "behind"; readonly certificate: Certificate }
  /** These blocks lost: no descendant of theirs can become final. Bodies may be dropped, transactions return to the pool. */
  | { readonly type: "abandon"; readonly blockHashes: readonly BlockHash[] }
  | { readonly type: "certified"; readonly blockHash: BlockHash; readonly view: View }
  | { readonly type: "enteredView"; readonly view: View; readonly by: "start" | "QC" | "TC" | "CC"; readonly leader: ValidatorIndex }
  | { readonly type: "penalize"; readonly sender: Sender; readonly reason: PenaltyReason }
  | { readonly type: "setTimer"; readonly timer: ConsensusTimer; readonly afterMs: number }
  | { readonly type: "cancelTimer"; readonly timer: ConsensusTimer };

/** Bounds and paces, from genesis parameters and node configuration. Times in ms. */
export interface ConsensusConfig {
  readonly deltaMsMin: number;
  readonly deltaMsMax: number;
  readonly heartbeatMs: number;
  /** A leader waits this long after entering a view before it proposes, so that blocks fill under load; 0 proposes at once. */
  readonly proposeDelayMs: number;
  /** Interval of repetition while stuck. */
  readonly resendMs: number;
}

/** What storage gave back (R9). `headers` are the stored blocks above the final head, any order. */
export interface RecoveredConsensus {
  readonly records: readonly SafetyRecord[];
  readonly finalHead: FinalHead;
  /** CC of the final head; undefined at genesis. */
  readonly finalCertificate: Certificate | undefined;
  readonly proposals: readonly Proposal[];
  /** Final headers of the schedule window up to the head, ascending (leaders' activity is computed from them). */
  readonly recentFinalHeaders: readonly BlockHeader[];
}

/** The root of the block tree: genesis or the last final block. */
export interface FinalHead {
  readonly blockHash: BlockHash;
  readonly height: Height;
  readonly view: View;
  readonly timeMs: TimestampMs;
  readonly executedHeight: Height;
  readonly executedRoot: StateRoot;
}

export interface ConsensusOptions {
  readonly domain: SigningDomain;
  readonly validators: ValidatorSetContext;
  /** Our own index; undefined for an observer, which follows and never signs. */
  readonly self: ValidatorIndex | undefined;
  readonly bls: BlsSuite;
  readonly verifyEd25519: VerifyEd25519;
  readonly config: ConsensusConfig;
  readonly recovered: RecoveredConsensus;
  readonly harness?: ConsensusHarness;
}

/** What a test harness may take into its own hands (testnet/twins). A node sets none of it. */
export interface ConsensusHarness {
  /** Names the leader of a view whatever the chain says; undefined: the schedule decides. The same for all validators of a run. */
  readonly leaderOf?: (view: View) => ValidatorIndex | undefined;
  /** Another instance signs with our key on purpose, so what it signed does not stop us (failure 10). */
  readonly isKeyShared?: boolean;
}

/** For people and RPC: where consensus stands and, when nothing moves, what it waits for. */
export interface ConsensusStatus {
  readonly epoch: Epoch;
  readonly view: View;
  readonly leader: ValidatorIndex;
  readonly finalHeight: Height;
  readonly finalView: View;
  readonly highestCertifiedView: View;
  readonly deltaMs: number;
  readonly consecutiveTimeouts: number;
  /** Validators whose vote, commit vote or timeout we hold for recent views. */
  readonly heardFrom: readonly ValidatorIndex[];
  /** Votes, commit votes and timeouts that are kept, our own among them (R10). */
  readonly votesHeld: number;
  /** Our key signed something that our records do not know: another node uses it, or our store was rolled back. Nothing
   *  more is signed until an operator has looked (failure 10). */
  readonly hasStoppedSigning: boolean;
  /** idle: nothing to order. stopped: see `hasStoppedSigning`. Other values name the missing piece. */
  readonly waitingFor: "idle" | "proposal" | "body" | "votes" | "timeouts" | "certificates" | "start" | "stopped";
}

export interface Consensus {
  step(input: ConsensusInput, nowMs: TimestampMs): readonly ConsensusEffect[];
  readonly status: ConsensusStatus;
  /** Who would lead `view` if it came next, as we see it now. */
  leaderOf(view: View): ValidatorIndex;
  /** TCs held for views in [fromView, toView], ascending, at most `countMax` (serves sync requests). */
  timeoutCertificates(range: { readonly fromView: View; readonly toView: View; readonly countMax: number }): readonly Certificate[];
}
