/** The composed machine: consensus, pool, bodies, execution and catch-up behind one `step`. Pure: what it needs from the
 *  outside comes in as inputs, what it wants done goes out as durable writes and effects. R1–R12 and R14 live in
 *  `consensus/`; here they meet bodies and the ledger. */

import { isCertificateValid } from "../consensus/certificate_check.ts";
import { createConsensus } from "../consensus/core.ts";
import { isHeaderSigned } from "../consensus/evidence.ts";
import type { ConsensusEffect, ConsensusInput } from "../consensus/interface.ts";
import { createOpenPool } from "../mempool/open_pool.ts";
import type { Application } from "../types/application.ts";
import { assert, unreachable } from "../types/assert.ts";
import { Height, TimestampMs, type ValidatorIndex, View } from "../types/ids.ts";
import { createRecentSet } from "../types/recent_set.ts";
import type { SigningDomain } from "../types/signing.ts";
import type { BlsSuite, VerifyEd25519 } from "../types/suites.ts";
import type { ValidatorSetContext } from "../types/validator_set.ts";
import { acceptTransactions, refusalOf, republish } from "./admission.ts";
import { acceptBid, createBuilders, isBundleWaiting, materialFor, tellBuildable } from "./bid_flow.ts";
import { createBodies } from "./bodies.ts";
import { abandonBodies, checkBody, fetchMissing } from "./body_flow.ts";
import { buildBlock, resumeBuild } from "./build_flow.ts";
import { createCatchUp } from "./catch_up.ts";
import type { Context, ReplicaConfig } from "./context.ts";
import { armTimer, isRequested, penalizePeer, recountWork, sendRequest } from "./context.ts";
import { createExecution } from "./execution.ts";
import {
  acceptBlock,
  acceptRange,
  considerCatchUp,
  diverge,
  drainFinalQueue,
  onSyncTimer,
  queueFinal,
  RECENTLY_FINAL_MAX,
  requestRange,
} from "./final_flow.ts";
import type { Replica, ReplicaInput, Step } from "./interface.ts";
import { submitDueMessage } from "./keygen_flow.ts";
import { acceptList, askAgainForMissing, refreshList, sendListAfter, sendListOnEntry } from "./list_flow.ts";
import { acceptOpeningMessage, onOpeningTimer, tendOpenings } from "./opening_flow.ts";
import { createOutbox, toStep } from "./outbox.ts";
import { createParser } from "./parse.ts";
import { createPendingWork } from "./pending_work.ts";
import { laneBlockOf, parseBody, proposalOf, type RecoveredReplica } from "./recovery.ts";
import { createRepublisher } from "./republish.ts";
import { createSealing, type SealingOptions } from "./sealing.ts";
import { answer, statusOf } from "./status.ts";

export interface ReplicaOptions {
  readonly domain: SigningDomain;
  readonly validators: ValidatorSetContext;
  /** Undefined for an observer. */
  readonly self: ValidatorIndex | undefined;
  readonly bls: BlsSuite;
  readonly verifyEd25519: VerifyEd25519;
  /** Stands at the final head, as `recoverReplica` leaves it. */
  readonly application: Application;
  /** Undefined on a chain without sealed transactions. */
  readonly sealing: SealingOptions | undefined;
  readonly config: ReplicaConfig;
  readonly recovered: RecoveredReplica;
}

export function createReplica(options: ReplicaOptions): Replica {
  const inputs: ConsensusInput[] = [];
  const context = createContext(options, (input) => inputs.push(input));
  const author = options.self === undefined ? undefined : { domain: options.domain, self: options.self };
  let isWorkTold = false;
  let isStarted = false;

  function drain(): void {
    for (let input = inputs.shift(); input !== undefined; input = inputs.shift()) {
      for (const effect of context.consensus.step(input, context.nowMs)) perform(context, effect, options);
    }
  }

  /** What sealed transactions ask for at the end of a step: a block may be executable, a build may go on, a list may be due. */
  function tendSealing(): void {
    if (context.sealing === undefined) return;
    while (context.isOpeningNews) {
      context.isOpeningNews = false;
      drainFinalQueue(context);
      drain();
    }
    if (context.isEntryNews) {
      context.isEntryNews = false;
      sendListOnEntry(context, context.consensus.status.view);
    }
    refreshList(context);
    resumeBuild(context, author);
    drain();
    tendOpenings(context);
  }

  function tellWork(): void {
    // A young chain has its first block to order: with it users see that the network lives, and consensus need not idle until then.
    const isYoung = isStarted && context.execution.final.height === Height.ZERO && context.tipView === View.ZERO;
    const waiting = { open: context.pool.count, sealed: context.sealing?.pool.count ?? 0, unexecuted: context.finalQueue.length };
    const isAvailable = isYoung || context.work.isAvailable(waiting) || isBundleWaiting(context);
    if (isAvailable === isWorkTold) return;
    isWorkTold = isAvailable;
    context.feed({ type: "work", isAvailable });
    drain();
  }

  return {
    step(input, nowMs): Step {
      context.outbox = createOutbox();
      context.nowMs = nowMs;
      isStarted ||= input.type === "start";
      accept(context, input);
      drain();
      tendSealing();
      tellWork();
      context.fetched = [];
      return toStep(context.outbox);
    },
    get status() {
      return statusOf(context);
    },
    answer: (request) => answer(context, request),
    isPending: (hash) => context.pool.has(hash) || context.sealing?.pool.has(hash) === true,
    parse: (bytes) => context.parse(bytes),
    refusalOf: (transaction) => refusalOf(context, transaction),
    materialFor: (builder, opportunity) => materialFor(context, builder, opportunity),
    get sealingKey() {
      return context.sealing?.keygen.live;
    },
  };
}

function createContext(options: ReplicaOptions, feed: (input: ConsensusInput) => void): Context {
  const { application, config, recovered, domain, validators, bls } = options;
  const { finalHead, recentFinalHeaders } = recovered.consensus;
  const pool = createOpenPool(config.pool);
  const bodies = createBodies();
  const sealing =
    options.sealing === undefined
      ? undefined
      : createSealing({ ...options, ...options.sealing, executed: recovered.recentLanes, head: finalHead.blockHash });
  for (const opened of recovered.recentOpenings) sealing?.openings.restoreOpenings(opened);
  const parse = createParser({ application, keygen: sealing?.keygen });
  const { builderOf } = application;
  const builders = builderOf === undefined ? undefined : createBuilders({ ...options, ...recovered, builderOf, head: finalHead });
  holdPending({ parse, bodies, sealing, builders }, recovered);
  return {
    config,
    application,
    parse,
    sealing,
    builders,
    pool,
    bodies,
    execution: createExecution({
      parts: { application, keygen: sealing?.keygen, parse, verifyEd25519: options.verifyEd25519, validators: validators.set },
      final: finalHead,
      roots: recovered.roots,
      snapshotBlocks: config.snapshotBlocks,
    }),
    work: createPendingWork({ bodies, isPooled: (hash, which) => (which === "open" ? pool : sealing?.pool)?.has(hash) === true }),
    catchUp: createCatchUp(),
    republisher: createRepublisher({
      intervalMs: config.republishMs,
      countMax: config.pool.countMax,
      find: (hash) => pool.get(hash) ?? sealing?.pool.get(hash),
    }),
    consensus: createConsensus({ ...options, config: config.consensus, recovered: recovered.consensus }),
    isCertificateValid: (certificate) => isCertificateValid(certificate, { domain, validators, bls }),
    isHeaderSigned: (signed) => isHeaderSigned(signed, options),
    recentlyFinal: createRecentSet(RECENTLY_FINAL_MAX),
    requests: new Map(),
    finalQueue: [],
    awaitingRoot: new Set(),
    armed: new Set(),
    keygenWaiting: new Map(),
    storedShares: new Map(recovered.shares.map(({ blockHash, shares }) => [blockHash, shares])),
    draft: [],
    fetched: [],
    finalHeader: recentFinalHeaders.at(-1),
    retained: [],
    untold: undefined,
    tipView: View.ZERO,
    certifiedTip: undefined,
    hasDiverged: false,
    isOpeningNews: false,
    isEntryNews: false,
    openingDueMs: undefined,
    heightAtSyncArm: finalHead.height,
    nextRequestId: 1,
    outbox: createOutbox(),
    nowMs: TimestampMs.of(0),
    feed,
  };
}

/** Stored blocks that are not final: those that we voted for are not judged again, yet what their children may be depends on them. */
function holdPending(
  { parse, bodies, sealing, builders }: Pick<Context, "parse" | "bodies" | "sealing" | "builders">,
  { pendingBlocks }: RecoveredReplica,
): void {
  for (const { blockHash, block } of pendingBlocks) {
    const transactions = parseBody(parse, block);
    assert(transactions !== undefined, "a stored block parses");
    const byHash = new Map(transactions.map((transaction) => [transaction.hash, transaction]));
    const body = bodies.open({ blockHash, proposal: proposalOf(block), from: { type: "self" }, find: (hash) => byHash.get(hash) });
    body.isStored = true;
    sealing?.lanes.note(laneBlockOf(blockHash, block));
    builders?.history.note({ blockHash, header: block.header, bid: block.bid });
  }
}

function accept(context: Context, input: ReplicaInput): void {
  switch (input.type) {
    case "start":
      submitDueMessage(context);
      return context.feed(input);
    case "sealing":
      return acceptSealing(context, input);
    case "proposal":
    case "vote":
    case "certificate":
      return context.feed(input);
    case "signedVote":
      return context.feed({ type: "vote", from: { type: "self" }, vote: input.vote });
    case "signedProposal":
      return context.feed({ type: "proposal", from: { type: "self" }, proposal: input.proposal });
    case "bid":
      return acceptBid(context, input.from, input.offered);
    case "transactions":
      return acceptTransactions(context, input);
    case "response":
      return acceptResponse(context, input);
    case "requestFailed":
      return failRequest(context, input.requestId);
    case "peerStatus":
      context.catchUp.noteStatus(input.peer, input.status);
      return considerCatchUp(context);
    case "peerGone":
      return context.catchUp.forget(input.peer);
    case "timer":
      return acceptTimer(context, input);
    default:
      return unreachable(input);
  }
}

function acceptSealing(context: Context, { from, message }: Extract<ReplicaInput, { type: "sealing" }>): void {
  if (message.type === "list") acceptList(context, from, message.list);
  else acceptOpeningMessage(context, from, message);
}

function acceptTimer(context: Context, input: Extract<ReplicaInput, { type: "timer" }>): void {
  const { timer } = input;
  context.armed.delete(timer);
  if (timer === "sync") onSyncTimer(context);
  else if (timer === "bodies") onBodiesTimer(context);
  else if (timer === "republish") republish(context);
  else if (timer === "opening") onOpeningTimer(context);
  // What a list timer is for happens at the end of every step.
  else if (timer === "lists") return;
  else context.feed({ type: "timer", timer });
}

function onBodiesTimer(context: Context): void {
  fetchMissing(context);
  askAgainForMissing(context);
  drainFinalQueue(context);
}

function acceptResponse(context: Context, input: Extract<ReplicaInput, { type: "response" }>): void {
  const pending = context.requests.get(input.requestId);
  // The transport pairs answers with requests; a number that is not open any more is late, not wrong.
  if (pending === undefined) return;
  context.requests.delete(input.requestId);
  const { request } = pending;
  const { response, from: peer } = input;
  if (request.type === "finalBlocks" && response.type === "finalBlocks") {
    return acceptRange(context, response, { fromHeight: request.fromHeight, peer });
  }
  if (request.type === "block" && response.type === "block") return acceptBlock(context, response, request.hash, peer);
  if (request.type === "transactions" && response.type === "transactions") {
    const source = { type: "peer", sender: { type: "relay", peer } } as const;
    const { transactions } = response;
    if (transactions.length > 0) context.outbox.effects.push({ type: "verifyTransactions", source, transactions });
    return;
  }
  if (request.type === "timeoutCertificates" && response.type === "timeoutCertificates") {
    for (const certificate of response.certificates) {
      const { view } = certificate.ballot;
      if (view < request.fromView || view > request.toView) return penalizePeer(context, peer, "wrongResponse");
      context.feed({ type: "certificate", from: { type: "relay", peer }, certificate });
    }
    return;
  }
  penalizePeer(context, peer, "wrongResponse");
}

function failRequest(context: Context, requestId: number): void {
  const pending = context.requests.get(requestId);
  context.requests.delete(requestId);
  // What is still missing is asked for again by a timer: an answer that fails at once must not become a loop.
  if (pending?.request.type === "finalBlocks") armTimer(context, "sync", context.config.syncDelayMs);
  if (pending?.request.type === "block") armTimer(context, "bodies", context.config.bodyRetryMs);
}

function perform(context: Context, effect: ConsensusEffect, options: ReplicaOptions): void {
  const { effects, durable } = context.outbox;
  switch (effect.type) {
    case "persistRecord":
      durable.records.push(effect.record);
      return;
    case "persistEvidence":
      durable.evidence.push(effect.evidence);
      return;
    case "castVote":
      return castVote(context, effect);
    case "castProposal":
      if (!context.hasDiverged) effects.push({ ...effect, type: "signProposal" });
      return;
    case "forwardCertificate":
      effects.push({ type: "broadcastCertificate", certificate: effect.certificate });
      return;
    case "build":
      assert(options.self !== undefined, "an observer never builds");
      return buildBlock(context, effect, { domain: options.domain, self: options.self });
    case "checkBody":
      return checkBody(context, effect);
    case "fetchBlock":
      if (isRequested(context, "block", effect.blockHash)) return;
      return sendRequest(context, { request: { type: "block", hash: effect.blockHash }, candidates: [], blockHash: effect.blockHash });
    case "fetchTimeoutCertificates": {
      if (isRequested(context, "timeoutCertificates", undefined)) return;
      const { fromView, toView } = effect;
      return sendRequest(context, { request: { type: "timeoutCertificates", fromView, toView }, candidates: [], blockHash: undefined });
    }
    case "finalize":
      return queueFinal(context, effect.blocks, effect.certificate);
    case "behind":
      context.catchUp.noteCertified(effect.certificate.ballot.height);
      return requestRange(context);
    case "abandon":
      return abandonBodies(context, effect.blockHashes);
    case "certified":
      return onCertified(context, effect);
    case "enteredView":
      return onEnteredView(context, effect);
    case "penalize":
    case "setTimer":
    case "cancelTimer":
      effects.push(effect);
      return;
    default:
      return unreachable(effect);
  }
}

/** Every vote and timeout takes our list for the next view along. SL3: no share leaves with a commit vote (docs/decisions/0023). */
function castVote(context: Context, { ballot, isResend }: Extract<ConsensusEffect, { type: "castVote" }>): void {
  if (context.hasDiverged) return;
  context.outbox.effects.push({ type: "signVote", ballot, isResend });
  if (context.sealing !== undefined && ballot.kind !== "commit") sendListAfter(context, ballot.view);
}

function onCertified(context: Context, effect: Extract<ConsensusEffect, { type: "certified" }>): void {
  context.outbox.effects.push(effect);
  if (context.certifiedTip === undefined || effect.view > context.certifiedTip.view) context.certifiedTip = effect;
  if (effect.view >= context.tipView) {
    context.tipView = effect.view;
    context.work.setTip(effect.blockHash);
    recountWork(context);
  }
  const body = context.bodies.get(effect.blockHash);
  if (body?.state === "invalid") diverge(context, body.proposal.header);
}

function onEnteredView(context: Context, effect: Extract<ConsensusEffect, { type: "enteredView" }>): void {
  context.outbox.effects.push(effect);
  context.isEntryNews = true;
  if (effect.by !== "TC") return;
  // The view was lost: its proposal, if any, no longer counts as carrying our transactions.
  const tip = context.certifiedTip ?? { view: context.execution.final.view, blockHash: context.execution.final.blockHash };
  context.tipView = tip.view;
  context.work.setTip(tip.blockHash);
  context.work.noteViewLost();
  recountWork(context);
  const { final } = context.execution;
  const parentHeight = tip.blockHash === final.blockHash ? final.height : context.bodies.get(tip.blockHash)?.proposal.header.height;
  if (parentHeight !== undefined) tellBuildable(context, { parentHash: tip.blockHash, parentHeight, view: effect.view });
}
