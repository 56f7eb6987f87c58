/** The consensus core: two-phase HotStuff with broadcast votes and the view change of Simplex, sans I/O. `consensus/README.md`
 *  is its specification; R1 to R12 and R14 are carried by the flows that this dispatcher calls.
 *  Each step takes one input in, then decides what may be signed now. No clock, network, key, storage or randomness. */

import { unreachable } from "../types/assert.ts";
import { absorbCertificate } from "./certificate_flow.ts";
import { finalizeCertified, onSynced } from "./finality.ts";
import type { Consensus, ConsensusInput, ConsensusOptions, ConsensusTimer } from "./interface.ts";
import { armTimer, bestParentOf, leaderUnder, type Machine } from "./machine.ts";
import { onBodyChecked, onFetchedBlock, onProposal } from "./proposal_flow.ts";
import { createMachine, start } from "./recovery.ts";
import { askWhenDue, isAnythingPending, repeatAll } from "./resend.ts";
import { castCommitVotes, castTimeout, castVoteForProposal, onBuilt, startBuild } from "./signing.ts";
import { statusOf } from "./status.ts";
import { onVote } from "./vote_flow.ts";

export function createConsensus(options: ConsensusOptions): Consensus {
  const machine = createMachine(options);
  return {
    step(input, nowMs) {
      machine.effects = [];
      machine.nowMs = nowMs;
      machine.pacemaker.observe(nowMs);
      machine.helpedAtMs = Math.min(machine.helpedAtMs, nowMs);
      machine.askedAtMs = Math.min(machine.askedAtMs, nowMs);
      // What arrives before the start is as good as lost: peers repeat what matters.
      if (!machine.hasStarted && input.type !== "start") return machine.effects;
      accept(machine, input);
      decide(machine);
      return machine.effects;
    },
    get status() {
      return statusOf(machine);
    },
    leaderOf: (view) => leaderUnder(machine, bestParentOf(machine).facts, view),
    timeoutCertificates: (range) => machine.certificates.timeouts(range),
  };
}

function accept(machine: Machine, input: ConsensusInput): void {
  switch (input.type) {
    case "start":
      return start(machine);
    case "proposal":
      return onProposal(machine, input.from, input.proposal);
    case "vote":
      return onVote(machine, input.from, input.vote);
    case "certificate":
      absorbCertificate(machine, input.certificate, { from: input.from, isAsked: false });
      return;
    case "fetchedBlock":
      return onFetchedBlock(machine, input.from, input.proposal);
    case "bodyChecked":
      return onBodyChecked(machine, input);
    case "work":
      return machine.pacemaker.setWork(input.isAvailable, machine.nowMs);
    case "built":
      return onBuilt(machine, input);
    case "timer":
      return onTimer(machine, input.timer);
    case "synced":
      return onSynced(machine, input.headers, input.certificate);
    default:
      return unreachable(input);
  }
}

/** Timers only wake us up: what is due is read from the clock, so one of an earlier view changes nothing (failure 8). */
function onTimer(machine: Machine, timer: ConsensusTimer): void {
  const { pacemaker, nowMs } = machine;
  pacemaker.fired(timer);
  if (timer === "view" && nowMs >= pacemaker.deadlineMs) machine.isGivingUp = true;
  if (timer === "resend" && nowMs >= pacemaker.resendDueMs && isAnythingPending(machine)) repeatAll(machine);
}

function decide(machine: Machine): void {
  askWhenDue(machine);
  finalizeCertified(machine);
  castCommitVotes(machine);
  if (machine.isGivingUp) castTimeout(machine);
  const votableAtMs = castVoteForProposal(machine);
  const dueAtMs = startBuild(machine);
  for (const atMs of [votableAtMs, dueAtMs]) if (atMs !== undefined) armTimer(machine, "propose", atMs);
  const isGivenUp = machine.records.get(machine.view).hasTimedOut;
  if (machine.self !== undefined && !machine.hasStoppedSigning && !isGivenUp) armTimer(machine, "view", machine.pacemaker.deadlineMs);
  if (isAnythingPending(machine)) armTimer(machine, "resend", machine.pacemaker.resendDueMs);
}
