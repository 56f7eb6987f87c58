/** When things are due. R5: a proposal is due when there is work or the heartbeat comes; the view is given up 2Δ after that
 *  without a proposal, 3Δ after that with one. Δ is measured, backs off with lost views and is fixed for a view on entry.
 *
 *  Deadlines are data; timers only wake us up. A timer is armed when none is armed that fires early enough, and one that fires
 *  too early is armed again, so a stale timer does nothing and a busy chain hardly ever touches one (failure 8).
 *  A clock that goes back shortens waits, never prolongs them. */

import { backedOffDeltaMs, type DelayEstimate, deltaMsOf, measureDelay, NO_ESTIMATE } from "./delay_estimate.ts";
import type { ConsensusConfig, ConsensusTimer } from "./interface.ts";

/** Repetition while stuck slows down to this multiple of its interval. */
export const RESEND_BACK_OFF_MAX = 8;
const PROPOSAL_DELTAS = 2;
const VIEW_DELTAS = 3;

export interface Pacemaker {
  /** Every step begins with this: no remembered time may lie in the future. */
  observe(nowMs: number): void;
  enterView(entry: { readonly nowMs: number; readonly isLost: boolean }): void;
  setWork(isAvailable: boolean, nowMs: number): void;
  /** The first proposal of the view has arrived. */
  noteProposal(nowMs: number): void;
  /** QC of the current view: measures Δ. */
  noteQuorum(nowMs: number): void;
  /** Something was certified or became final: the heartbeat counts from here and repetition starts over. */
  noteProgress(nowMs: number): void;
  /** Something was signed or asked for: repetition waits an interval from here. */
  noteSent(nowMs: number): void;
  noteResend(nowMs: number): void;
  /** When the leader should propose, and when followers begin to wait for it. */
  readonly proposalDueMs: number;
  /** When the view is given up. */
  readonly deadlineMs: number;
  readonly resendDueMs: number;
  readonly enteredAtMs: number;
  /** Returns the delay to arm `timer` with, or undefined when it is armed early enough already. */
  arm(timer: ConsensusTimer, atMs: number, nowMs: number): number | undefined;
  fired(timer: ConsensusTimer): void;
  readonly deltaMs: number;
  readonly consecutiveTimeouts: number;
}

interface Clockwork {
  enteredAtMs: number;
  progressAtMs: number;
  /** The last signature or request, first or repeated. */
  sentAtMs: number;
  workSinceMs: number | undefined;
  /** When the proposal was due or seen, whichever was first; fixed once it is seen. */
  proposedAtMs: number | undefined;
}

export function createPacemaker(config: ConsensusConfig): Pacemaker {
  const state: Clockwork = { enteredAtMs: 0, progressAtMs: 0, sentAtMs: 0, workSinceMs: undefined, proposedAtMs: undefined };
  const armed = new Map<ConsensusTimer, number>();
  let estimate: DelayEstimate = NO_ESTIMATE;
  let consecutiveTimeouts = 0;
  let resendRounds = 0;
  let viewDeltaMs = deltaMsOf(estimate, config);

  const proposalDueMs = (): number => state.proposedAtMs ?? dueMs(state, config);

  function noteProgress(nowMs: number): void {
    state.progressAtMs = nowMs;
    resendRounds = 0;
  }

  return {
    observe(nowMs) {
      state.enteredAtMs = Math.min(state.enteredAtMs, nowMs);
      state.progressAtMs = Math.min(state.progressAtMs, nowMs);
      state.sentAtMs = Math.min(state.sentAtMs, nowMs);
      if (state.workSinceMs !== undefined) state.workSinceMs = Math.min(state.workSinceMs, nowMs);
      if (state.proposedAtMs !== undefined) state.proposedAtMs = Math.min(state.proposedAtMs, nowMs);
    },
    enterView({ nowMs, isLost }) {
      consecutiveTimeouts = isLost ? consecutiveTimeouts + 1 : 0;
      viewDeltaMs = backedOffDeltaMs(deltaMsOf(estimate, config), consecutiveTimeouts, config);
      state.enteredAtMs = nowMs;
      state.proposedAtMs = undefined;
      resendRounds = 0;
    },
    setWork(isAvailable, nowMs) {
      if (!isAvailable) state.workSinceMs = undefined;
      else state.workSinceMs ??= nowMs;
    },
    noteProposal(nowMs) {
      state.proposedAtMs ??= Math.min(nowMs, proposalDueMs());
    },
    noteQuorum(nowMs) {
      if (state.proposedAtMs !== undefined) estimate = measureDelay(estimate, nowMs - state.proposedAtMs, config);
    },
    noteProgress,
    noteSent(nowMs) {
      state.sentAtMs = nowMs;
    },
    noteResend(nowMs) {
      state.sentAtMs = nowMs;
      resendRounds++;
    },
    get proposalDueMs() {
      return proposalDueMs();
    },
    get deadlineMs() {
      return proposalDueMs() + viewDeltaMs * (state.proposedAtMs === undefined ? PROPOSAL_DELTAS : VIEW_DELTAS);
    },
    get resendDueMs() {
      const sinceMs = Math.max(state.enteredAtMs, state.progressAtMs, state.sentAtMs);
      return sinceMs + config.resendMs * Math.min(RESEND_BACK_OFF_MAX, 2 ** resendRounds);
    },
    get enteredAtMs() {
      return state.enteredAtMs;
    },
    arm(timer, atMs, nowMs) {
      const armedMs = armed.get(timer);
      if (armedMs !== undefined && armedMs <= atMs) return undefined;
      armed.set(timer, atMs);
      return Math.max(0, Math.ceil(atMs - nowMs));
    },
    fired: (timer) => void armed.delete(timer),
    get deltaMs() {
      return viewDeltaMs;
    },
    get consecutiveTimeouts() {
      return consecutiveTimeouts;
    },
  };
}

/** Work makes a proposal due at once, but for the spacing of views under load (proposeDelayMs); an idle chain waits for the
 *  heartbeat. A view that follows a lost one finds the heartbeat overdue and waits for nothing. */
function dueMs(state: Clockwork, config: ConsensusConfig): number {
  const heartbeatMs = Math.max(state.enteredAtMs, state.progressAtMs + config.heartbeatMs);
  if (state.workSinceMs === undefined) return heartbeatMs;
  return Math.min(heartbeatMs, Math.max(state.enteredAtMs + config.proposeDelayMs, state.workSinceMs));
}
