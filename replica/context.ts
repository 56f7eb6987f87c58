/** What the flows of the replica share: the parts, the step under way, and the inputs that consensus still has to see.
 *  Flows never call the consensus core themselves; they `feed` it, and the replica drains the feed in order. */

import type { Consensus, ConsensusConfig, ConsensusInput } from "../consensus/interface.ts";
import type { OpenPool, OpenPoolLimits } from "../mempool/open_pool.ts";
import type { Application, ParsedTransaction } from "../types/application.ts";
import type { BlockHeader } from "../types/block.ts";
import type { SignedHeader } from "../types/evidence.ts";
import type { BlockHash, Height, TimestampMs, TransactionHash, ValidatorIndex, View } from "../types/ids.ts";
import type { RecentSet } from "../types/recent_set.ts";
import type { PeerKey, PenaltyReason } from "../types/sender.ts";
import type { SyncRequest } from "../types/sync.ts";
import type { Certificate } from "../types/vote.ts";
import type { Builders } from "./bid_flow.ts";
import type { Bodies, Body } from "./bodies.ts";
import type { CatchUp } from "./catch_up.ts";
import type { Execution } from "./execution.ts";
import type { ReplicaTimer } from "./interface.ts";
import type { Outbox } from "./outbox.ts";
import type { ParseTransaction } from "./parse.ts";
import type { PendingWork } from "./pending_work.ts";
import type { Republisher } from "./republish.ts";
import type { Sealing } from "./sealing.ts";

/** Bounds and paces of one replica. Times in ms, sizes in bytes. */
export interface ReplicaConfig {
  readonly consensus: ConsensusConfig;
  readonly pool: OpenPoolLimits;
  /** What our own proposals may hold; never above the protocol's limits. */
  readonly blockBytesMax: number;
  readonly blockTransactionsMax: number;
  readonly snapshotBlocks: number;
  readonly requestDeadlineMs: number;
  /** A lead of a peer that is still there after this long is not news in flight: catch up. */
  readonly syncDelayMs: number;
  /** Gossip gets this long before missing transactions of a proposal are asked for. */
  readonly bodyGraceMs: number;
  readonly bodyRetryMs: number;
  /** A client's transaction that is still not final after this long is published again. */
  readonly republishMs: number;
  /** Do we let builders build our blocks? */
  readonly takesBids: boolean;
}

export type PendingRequest = { readonly request: SyncRequest; readonly blockHash: BlockHash | undefined };

/** A block that is final but not yet executed, since its body or an earlier one is missing. */
export interface QueuedFinal {
  readonly blockHash: BlockHash;
  readonly header: BlockHeader;
  readonly certificate: Certificate;
}

/** Headers of executed blocks, ascending, that consensus has not heard of: it takes a run of them only with the CC of its last.
 *  At most RANGE_BLOCKS_MAX + RANGE_HEADERS_MAX, since that CC came with the first of them. */
export interface UntoldRun {
  readonly headers: readonly BlockHeader[];
  readonly certificate: Certificate;
}

export interface Context {
  readonly config: ReplicaConfig;
  readonly application: Application;
  readonly parse: ParseTransaction;
  /** Undefined on a chain without sealed transactions. */
  readonly sealing: Sealing | undefined;
  /** Undefined on a chain without builders. */
  readonly builders: Builders | undefined;
  readonly pool: OpenPool;
  readonly bodies: Bodies;
  readonly execution: Execution;
  readonly work: PendingWork;
  readonly catchUp: CatchUp;
  readonly republisher: Republisher;
  readonly consensus: Consensus;
  readonly isCertificateValid: (certificate: Certificate) => boolean;
  readonly isHeaderSigned: (signed: SignedHeader) => boolean;
  /** Hashes that became final lately: late gossip must not order them again. */
  readonly recentlyFinal: RecentSet<TransactionHash>;
  readonly requests: Map<number, PendingRequest>;
  readonly finalQueue: QueuedFinal[];
  /** Complete bodies whose header names a state root that we have not reached yet. */
  readonly awaitingRoot: Set<Body>;
  readonly armed: Set<ReplicaTimer>;
  /** Key generation messages that wait in the pool, by validator. */
  readonly keygenWaiting: Map<ValidatorIndex, Set<TransactionHash>>;
  /** Our shares of blocks that are not executed, as the store gave them back, until their blocks are held. */
  readonly storedShares: Map<BlockHash, Uint8Array>;
  /** Transactions of the block that we are about to propose, until its body is opened. */
  draft: readonly ParsedTransaction[];
  /** Transactions of the block that this step's answer brought, for the body check that consensus may ask for. */
  fetched: readonly ParsedTransaction[];
  /** Header of the final head; undefined at genesis. */
  finalHeader: BlockHeader | undefined;
  /** Final bodies kept for peers that still gather them, oldest first. */
  readonly retained: BlockHash[];
  untold: UntoldRun | undefined;
  tipView: View;
  certifiedTip: { readonly view: View; readonly blockHash: BlockHash } | undefined;
  hasDiverged: boolean;
  /** A block was opened in this step: final ones may be executable now. */
  isOpeningNews: boolean;
  /** A view was entered in this step. */
  isEntryNews: boolean;
  /** When the timer of the openings fires, if it is armed. */
  openingDueMs: number | undefined;
  heightAtSyncArm: Height;
  nextRequestId: number;
  /** The step under way. */
  outbox: Outbox;
  nowMs: TimestampMs;
  readonly feed: (input: ConsensusInput) => void;
}

/** Counts again what the blocks under way carry. */
export function recountWork(context: Context): void {
  const { final } = context.execution;
  const finalHeight = context.finalQueue.at(-1)?.header.height ?? final.height;
  context.work.recount({ executedHash: final.blockHash, finalHeight });
}

/** Asks for something once; the answer or the failure comes back under the request's number. */
export function sendRequest(
  context: Context,
  query: { readonly request: SyncRequest; readonly candidates: readonly PeerKey[]; readonly blockHash: BlockHash | undefined },
): void {
  const requestId = context.nextRequestId++;
  context.requests.set(requestId, { request: query.request, blockHash: query.blockHash });
  const { requestDeadlineMs: deadlineMs } = context.config;
  context.outbox.effects.push({ type: "request", requestId, candidates: query.candidates, request: query.request, deadlineMs });
}

/** Is such a request under way already? */
export function isRequested(context: Context, type: SyncRequest["type"], blockHash: BlockHash | undefined): boolean {
  for (const pending of context.requests.values()) {
    if (pending.request.type === type && pending.blockHash === blockHash) return true;
  }
  return false;
}

/** Arms a timer of the replica's own unless it is armed; consensus timers have their own rule. */
export function armTimer(context: Context, timer: "sync" | "bodies" | "republish" | "lists", afterMs: number): void {
  if (context.armed.has(timer)) return;
  context.armed.add(timer);
  context.outbox.effects.push({ type: "setTimer", timer, afterMs });
}

/** Arms the openings' timer, or brings it forward. */
export function armOpeningTimer(context: Context, atMs: number): void {
  if (context.openingDueMs !== undefined && context.openingDueMs <= atMs) return;
  context.openingDueMs = atMs;
  context.outbox.effects.push({ type: "setTimer", timer: "opening", afterMs: Math.max(0, Math.ceil(atMs - context.nowMs)) });
}

export function penalizePeer(context: Context, peer: PeerKey, reason: PenaltyReason): void {
  context.outbox.effects.push({ type: "penalize", sender: { type: "relay", peer }, reason });
}
