/** For people and RPC: where consensus stands, and the one thing it waits for. Reads, never changes. */

import { View, ZERO_HASH } from "../types/ids.ts";
import { FUTURE_VIEWS_MAX } from "../types/limits.ts";
import type { ConsensusStatus } from "./interface.ts";
import { finalViewOf, leaderOfView, type Machine } from "./machine.ts";
import { candidateOf } from "./signing.ts";

export function statusOf(machine: Machine): ConsensusStatus {
  const { tree, certificates, pacemaker } = machine;
  const oldest = machine.view - FUTURE_VIEWS_MAX;
  return {
    epoch: machine.epoch,
    view: machine.view,
    leader: leaderOfView(machine),
    finalHeight: tree.root.height,
    finalView: finalViewOf(machine),
    highestCertifiedView: certificates.highestQuorum?.ballot.view ?? View.ZERO,
    deltaMs: pacemaker.deltaMs,
    consecutiveTimeouts: pacemaker.consecutiveTimeouts,
    heardFrom: [...machine.heardIn]
      .filter(([, view]) => view >= oldest)
      .map(([validator]) => validator)
      .sort((left, right) => left - right),
    votesHeld: machine.votes.count,
    hasStoppedSigning: machine.hasStoppedSigning,
    waitingFor: waitingFor(machine),
  };
}

function waitingFor(machine: Machine): ConsensusStatus["waitingFor"] {
  if (!machine.hasStarted) return "start";
  if (machine.hasStoppedSigning) return "stopped";
  if (machine.certificates.commits().length > 0) return "certificates";
  const record = machine.records.get(machine.view);
  if (record.hasTimedOut) return "timeouts";
  if (record.votedHash !== ZERO_HASH) return "votes";
  const block = candidateOf(machine) ?? machine.tree.ofView(machine.view)[0];
  if (block !== undefined) {
    const isJustified = machine.certificates.firstMissingTimeout(block.proposal.header) === undefined;
    if (!block.isConnected || !isJustified) return "certificates";
    return block.body === "valid" ? "votes" : "body";
  }
  if (machine.pacemaker.proposalDueMs <= machine.nowMs) return "proposal";
  const isUnfinal = (machine.certificates.highestQuorum?.ballot.view ?? 0) > finalViewOf(machine);
  return isUnfinal ? "votes" : "idle";
}
