/** What the machine tells of itself: status for people, and answers to peers from what it holds in memory. Changes nothing. */

import { unreachable } from "../types/assert.ts";
import type { TransactionHash } from "../types/ids.ts";
import { RANGE_BYTES_MAX } from "../types/limits.ts";
import type { SyncRequest, SyncResponse } from "../types/sync.ts";
import { blockOf } from "./bodies.ts";
import { findListed } from "./body_flow.ts";
import { type Context, isRequested } from "./context.ts";
import type { ReplicaStatus, SealingStatus } from "./interface.ts";
import { keyIdAt } from "./sealing.ts";

export function statusOf(context: Context): ReplicaStatus {
  const { status } = context.consensus;
  const { final } = context.execution;
  const isCatchingUp = isRequested(context, "finalBlocks", undefined);
  return {
    height: status.finalHeight,
    finalHeight: final.height,
    finalHash: final.blockHash,
    executedHeight: context.application.height,
    stateRoot: context.application.root,
    view: status.view,
    leader: status.leader,
    poolTransactions: context.pool.count,
    poolBytes: context.pool.bytes,
    votesHeld: status.votesHeld,
    isCatchingUp,
    hasDiverged: context.hasDiverged,
    hasStoppedSigning: status.hasStoppedSigning,
    sealing: sealingStatusOf(context),
    deltaMs: status.deltaMs,
    consecutiveTimeouts: status.consecutiveTimeouts,
    heardFrom: status.heardFrom,
    waitingFor: waitingForOf(context, status.waitingFor, isCatchingUp),
  };
}

function waitingForOf(context: Context, waitingFor: ReplicaStatus["waitingFor"], isCatchingUp: boolean): ReplicaStatus["waitingFor"] {
  if (context.hasDiverged || context.consensus.status.hasStoppedSigning) return "stopped";
  if (isCatchingUp) return "catchUp";
  if (waitingFor === "proposal" && context.sealing?.waitingBuild !== undefined) return "lists";
  if (waitingFor !== "idle") return waitingFor;
  const isUnopened = context.sealing?.openings.status().some(({ isFinal }) => isFinal) === true;
  return isUnopened ? "openings" : waitingFor;
}

function sealingStatusOf({ sealing, execution }: Context): SealingStatus | undefined {
  if (sealing === undefined) return undefined;
  return {
    keygen: sealing.keygen.status,
    keyId: keyIdAt(sealing, execution.final.height),
    waiting: sealing.pool.count,
    waitingBytes: sealing.pool.bytes,
    lists: sealing.inclusion.count,
    openings: sealing.openings.status(),
  };
}

export function answer(context: Context, request: SyncRequest): SyncResponse | undefined {
  switch (request.type) {
    case "transactions":
      return { type: "transactions", transactions: findTransactions(context, request.hashes) };
    case "block": {
      const body = context.bodies.get(request.hash);
      return body?.state === "valid" ? { type: "block", block: blockOf(body) } : undefined;
    }
    case "timeoutCertificates": {
      const countMax = request.toView - request.fromView + 1;
      return { type: "timeoutCertificates", certificates: context.consensus.timeoutCertificates({ ...request, countMax }) };
    }
    case "status":
    case "finalBlocks":
      return undefined;
    default:
      return unreachable(request);
  }
}

function findTransactions(context: Context, hashes: readonly TransactionHash[]): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  let bytes = 0;
  for (const hash of hashes) {
    const transaction = findListed(context, hash);
    if (transaction === undefined) continue;
    bytes += transaction.bytes.length;
    if (bytes > RANGE_BYTES_MAX) break;
    found.push(transaction.bytes);
  }
  return found;
}
