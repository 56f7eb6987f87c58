/** What happens once consensus or catch-up says that a block is final: fetch a missing body, execute in order, report,
 *  clean up. R7 in order, exactly once. Divergence: a certified root that differs from ours stops all signing. */

import { hashHeader } from "../crypto/hashes.ts";
import type { TransactionReceipt } from "../types/application.ts";
import type { Block, BlockHeader } from "../types/block.ts";
import type { BlockHash } from "../types/ids.ts";
import { Height } from "../types/ids.ts";
import { RANGE_BLOCKS_MAX } from "../types/limits.ts";
import type { PeerKey } from "../types/sender.ts";
import type { SyncResponse } from "../types/sync.ts";
import type { Certificate } from "../types/vote.ts";
import { heldTransactions } from "./bodies.ts";
import { offerToBodies, settleAwaiting, storeBody } from "./body_flow.ts";
import { isBodyUnderRoot, judgeRange, LEAD_AT_ONCE, type VerifiedRange } from "./catch_up.ts";
import {
  armTimer,
  type Context,
  isRequested,
  penalizePeer,
  type QueuedFinal,
  recountWork,
  sendRequest,
  type UntoldRun,
} from "./context.ts";
import type { ExecutableFinalBlock } from "./execution.ts";
import type { FinalizedBlock, OrderedBlock } from "./interface.ts";
import { dropLateMessages, submitDueMessage } from "./keygen_flow.ts";
import { keepDropped } from "./list_flow.ts";
import { forgetOpened, judgeServedOpenings, openAhead, openFinalBlock } from "./opening_flow.ts";
import { parseBody, proposalOf } from "./recovery.ts";

/** Final bodies kept in memory for peers that still gather them. */
export const RETAINED_BODIES = 16;
/** Hashes of lately final transactions kept against late gossip: at least so many, at most twice. */
export const RECENTLY_FINAL_MAX = 32_768;

export function queueFinal(
  context: Context,
  blocks: readonly { blockHash: BlockHash; header: BlockHeader }[],
  certificate: Certificate,
): void {
  const ordered = blocks.map(({ blockHash, header: { height } }): OrderedBlock => {
    return { blockHash, height, transactionHashes: context.bodies.get(blockHash)?.proposal.transactionHashes };
  });
  context.outbox.effects.push({ type: "ordered", blocks: ordered });
  for (const { blockHash, header } of blocks) {
    context.finalQueue.push({ blockHash, header, certificate });
  }
  drainFinalQueue(context);
  if (context.finalQueue.length > 0) recountWork(context);
  // What has to wait for its turn is opened meanwhile: waits for openings run side by side.
  for (const { blockHash } of blocks) {
    const body = context.bodies.get(blockHash);
    if (body?.state === "valid" && body.proposal.header.height > context.execution.final.height) openAhead(context, body);
  }
}

/** Executes queued blocks as far as their bodies are held. */
export function drainFinalQueue(context: Context): void {
  const executed: FinalizedBlock[] = [];
  for (let next = context.finalQueue[0]; next !== undefined && !context.hasDiverged; next = context.finalQueue[0]) {
    if (next.header.height > context.execution.final.height) {
      const finalized = executeQueued(context, next);
      if (finalized === undefined) break;
      executed.push(finalized);
    }
    context.finalQueue.shift();
  }
  afterExecution(context, executed);
}

/** A block asked for by hash: a certified one that consensus lacks, or the body of a final one. */
export function acceptBlock(context: Context, response: Extract<SyncResponse, { type: "block" }>, wanted: BlockHash, peer: PeerKey): void {
  const { block } = response;
  if (block === undefined) {
    armTimer(context, "bodies", context.config.bodyRetryMs);
    return;
  }
  const transactions = isWhole(context, block, wanted) ? parseBody(context.parse, block) : undefined;
  if (transactions === undefined) {
    penalizePeer(context, peer, "wrongResponse");
    return;
  }
  // Only certified blocks are asked for by hash: a quorum has checked their transactions' signatures.
  const from = { type: "relay", peer } as const;
  const proposal = proposalOf(block);
  const known = context.bodies.get(wanted);
  context.fetched = transactions;
  if (known !== undefined) offerToBodies(context, transactions);
  else if (context.finalQueue.some(({ blockHash }) => blockHash === wanted)) {
    const byHash = new Map(transactions.map((transaction) => [transaction.hash, transaction]));
    context.bodies.open({ blockHash: wanted, proposal, from, find: (hash) => byHash.get(hash) });
  }
  // A block that consensus wants gets its body when consensus has accepted the proposal; any other leaves nothing behind.
  context.feed({ type: "fetchedBlock", from, proposal });
  drainFinalQueue(context);
}

/** The block's hash covers header and body root; signature and parent's certificate are checked by themselves, since we serve
 *  the block on as it came. */
function isWhole(context: Context, block: Block, wanted: BlockHash): boolean {
  const { header, signature, parentCertificate } = block;
  if (hashHeader(header) !== wanted || !isBodyUnderRoot(block) || !context.isHeaderSigned({ header, signature })) return false;
  const isKnownParent = parentCertificate === undefined || parentCertificate.ballot.blockHash === header.parentHash;
  return isKnownParent && (parentCertificate === undefined || context.isCertificateValid(parentCertificate));
}

/** Asks for the next range when a peer is ahead and nothing is under way. */
export function requestRange(context: Context): void {
  const { final } = context.execution;
  const { target } = context.catchUp;
  if (target <= final.height || context.hasDiverged || isRequested(context, "finalBlocks", undefined)) return;
  const fromHeight = Height.next(final.height);
  // Always a full range: an answer ends, if it can, at a block with a CC of its own, which may lie beyond the target.
  const request = { type: "finalBlocks", fromHeight, count: RANGE_BLOCKS_MAX } as const;
  sendRequest(context, { request, candidates: context.catchUp.candidates(fromHeight), blockHash: undefined });
}

/** Looks at how far peers are ahead: far asks now, near waits whether the news arrives by itself. */
export function considerCatchUp(context: Context): void {
  const lead = context.catchUp.target - context.execution.final.height;
  if (lead > LEAD_AT_ONCE) {
    requestRange(context);
    return;
  }
  if (lead <= 0 || context.armed.has("sync")) return;
  context.heightAtSyncArm = context.execution.final.height;
  armTimer(context, "sync", context.config.syncDelayMs);
}

export function onSyncTimer(context: Context): void {
  const { final } = context.execution;
  if (context.catchUp.target <= final.height) return;
  if (final.height === context.heightAtSyncArm) requestRange(context);
  context.heightAtSyncArm = final.height;
  armTimer(context, "sync", context.config.syncDelayMs);
}

export function acceptRange(
  context: Context,
  response: Extract<SyncResponse, { type: "finalBlocks" }>,
  asked: { readonly fromHeight: Height; readonly peer: PeerKey },
): void {
  const { final } = context.execution;
  // The head may have moved while the answer was under way; the peer is not to blame.
  if (asked.fromHeight !== final.height + 1) {
    requestRange(context);
    return;
  }
  const verdict = judgeRange(response, final, context.isCertificateValid);
  if (verdict.type !== "range") {
    // A peer that claims heights and has nothing to show for them is not believed until it speaks again. It may be honest: while
    // it catches up itself it holds blocks without the headers that lead to their CC.
    context.catchUp.forget(asked.peer);
    if (verdict.type === "invalid") penalizePeer(context, asked.peer, "wrongResponse");
    armTimer(context, "sync", context.config.syncDelayMs);
    return;
  }
  if (!applyRange(context, verdict.range)) {
    context.catchUp.forget(asked.peer);
    penalizePeer(context, asked.peer, "wrongResponse");
    armTimer(context, "sync", context.config.syncDelayMs);
    return;
  }
  // Later blocks may have waited for these.
  drainFinalQueue(context);
  requestRange(context);
}

/** False when openings in it are not right: what came before them is executed. */
function applyRange(context: Context, range: VerifiedRange): boolean {
  const { certificate } = range;
  const executed: FinalizedBlock[] = [];
  const headers: BlockHeader[] = [];
  let areOpeningsRight = true;
  for (const { blockHash, block, openings } of range.blocks) {
    const { header } = block;
    const transactions = parseBody(context.parse, block);
    if (transactions === undefined || differsFromOurs(context, header)) {
      diverge(context, header);
      break;
    }
    const { bid } = block;
    const opened = judgeServedOpenings(context, { header, bid, transactions }, openings);
    if (opened === undefined) {
      areOpeningsRight = false;
      break;
    }
    const ids = transactions.slice(0, header.sealedCount).map(({ hash }) => hash);
    context.sealing?.lanes.note({ blockHash, header, ids, lists: block.lists });
    if (context.bodies.get(blockHash)?.isStored !== true) context.outbox.durable.blocks.push({ blockHash, block });
    executed.push(execute(context, { blockHash, header, bid, transactions, certificate, opened, openings }));
    // Whoever is behind us may ask for them as if we had opened the block ourselves.
    if (openings.length > 0) context.sealing?.openings.restoreOpenings({ blockHash, openings });
    context.finalHeader = header;
    headers.push(header);
  }
  afterExecution(context, executed);
  // What the certificate is of may lie beyond the range: we are behind at least to there.
  context.catchUp.noteCertified(certificate.ballot.height);
  if (!context.hasDiverged && areOpeningsRight) tellConsensus(context, { headers, certificate });
  return areOpeningsRight;
}

/** Feeds `synced` for each run of executed headers that ends where its certificate says, and keeps what is left for the next range.
 *  A run waits for the certificate it began with: it ends there, whatever peers serve meanwhile, and so it is bounded. */
function tellConsensus(context: Context, next: UntoldRun): void {
  const known = context.consensus.status.finalHeight;
  const untold = context.untold !== undefined && context.untold.certificate.ballot.height > known ? context.untold : undefined;
  const certificate = untold?.certificate ?? next.certificate;
  const { height: end } = certificate.ballot;
  const headers = [...(untold?.headers ?? []), ...next.headers];
  const last = headers.at(-1);
  if (last === undefined || last.height < end) {
    context.untold = { headers, certificate };
    return;
  }
  context.untold = undefined;
  context.feed({ type: "synced", headers: headers.filter(({ height }) => height <= end), certificate });
  const rest = headers.filter(({ height }) => height > end);
  if (rest.length > 0) tellConsensus(context, { headers: rest, certificate: next.certificate });
}

function executeQueued(context: Context, next: QueuedFinal): FinalizedBlock | undefined {
  const body = context.bodies.get(next.blockHash);
  if (body === undefined || body.state === "incomplete") {
    if (!isRequested(context, "block", next.blockHash)) {
      const candidates = context.catchUp.candidates(next.header.height);
      sendRequest(context, { request: { type: "block", hash: next.blockHash }, candidates, blockHash: next.blockHash });
    }
    return undefined;
  }
  if (body.state === "invalid" || differsFromOurs(context, next.header)) {
    diverge(context, next.header);
    return undefined;
  }
  storeBody(context, body);
  const open = openFinalBlock(context, body);
  if (open === undefined) return undefined;
  context.finalHeader = next.header;
  return execute(context, { ...next, bid: body.proposal.bid, transactions: heldTransactions(body), ...open });
}

/** Executes a final block. What waits here with a nonce that the block has used can never be ordered any more: kept, it would look like work
 *  that no other validator knows of, and this one would time out alone, waiting for it. */
function execute(context: Context, next: ExecutableFinalBlock): FinalizedBlock {
  const { finalized, applied } = context.execution.execute(next, context.outbox);
  context.builders?.history.execute({ ...next, changes: applied.changes });
  const { sealing, application } = context;
  sealing?.lanes.execute(next.blockHash);
  const transactions = [...next.transactions, ...applied.bundleTransactions];
  for (const pool of sealing === undefined ? [context.pool] : [context.pool, sealing.pool]) {
    for (const rival of pool.rivals(transactions)) {
      const checked = application.check(rival);
      if (checked.ok) continue;
      pool.remove([rival.hash]);
      keepDropped(context, rival);
      context.outbox.effects.push({ type: "dropped", hash: rival.hash, refusal: checked.refusal });
    }
  }
  if (sealing === undefined || application.checkSealed === undefined) return finalized;
  // Who has spent what was promised for sealed transactions loses those that wait.
  sealing.pool.remove(transactions.map(({ hash }) => hash));
  const senders = transactions.map(({ sender }) => sender);
  for (const { transaction, refusal } of sealing.pool.recheck(senders, application.checkSealed)) {
    keepDropped(context, transaction);
    context.outbox.effects.push({ type: "dropped", hash: transaction.hash, refusal });
  }
  const height = Height.next(next.header.height);
  sealing.listed.advance({ height, transactions, checkPayable: application.checkSealed });
  return finalized;
}

function receiptsOf(bundle: FinalizedBlock["bundle"]): readonly TransactionReceipt[] {
  return (bundle ?? []).flatMap(({ result }) => (result !== "unfit" && result.isIncluded ? result.receipts : []));
}

/** What was opened is done with, and our part of the key generation may go on. */
function afterSealedExecution(context: Context, executed: readonly FinalizedBlock[]): void {
  if (context.sealing === undefined) return;
  forgetOpened(
    context,
    executed.map(({ blockHash }) => blockHash),
  );
  dropLateMessages(context);
  submitDueMessage(context);
}

function differsFromOurs(context: Context, header: BlockHeader): boolean {
  const ours = context.execution.rootAt(header.executedHeight);
  return ours !== undefined && ours !== header.executedRoot;
}

/** A quorum certified something that our own execution contradicts: nothing more is signed, and the operator is told. */
export function diverge(context: Context, header: BlockHeader): void {
  if (context.hasDiverged) return;
  context.hasDiverged = true;
  const ours = context.execution.rootAt(header.executedHeight) ?? context.application.root;
  context.outbox.effects.push({ type: "diverged", height: header.executedHeight, ours, certified: header.executedRoot });
}

function afterExecution(context: Context, executed: readonly FinalizedBlock[]): void {
  const last = executed.at(-1);
  if (last === undefined) return;
  context.outbox.effects.push({ type: "finalized", blocks: executed });
  for (const { blockHash, receipts, bundle } of executed) {
    const hashes = [...receipts, ...receiptsOf(bundle)].map(({ hash }) => hash);
    context.pool.remove(hashes);
    context.sealing?.pool.remove(hashes);
    for (const hash of hashes) context.recentlyFinal.add(hash);
    context.retained.push(blockHash);
  }
  for (const blockHash of context.retained.splice(0, Math.max(0, context.retained.length - RETAINED_BODIES)))
    context.bodies.delete(blockHash);
  const height = Height.next(last.header.height);
  context.builders?.auction.advance(last.header);
  for (const expired of [...context.pool.expire(height), ...(context.sealing?.pool.expire(height) ?? [])]) {
    const refusal = { code: "expired", canRetry: false, advice: "sign it again with a later expiry height" };
    context.outbox.effects.push({ type: "dropped", hash: expired.hash, refusal });
  }
  afterSealedExecution(context, executed);
  recountWork(context);
  settleAwaiting(context);
}
