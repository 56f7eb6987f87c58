/** Builds our own block when we lead: the sealed lane by Canon of the inclusion lists, the rest from a builder's bid or from the pool, without what unfinished ancestors
 *  carry and under the limits. R1: one build per view; consensus decides when. Deferred root: the header names the latest height that we
 *  executed, never below the parent's. SL2: with too few lists the build waits, since without them nobody would vote for it. */

import type { ConsensusEffect } from "../consensus/interface.ts";
import { bidHashOf, bodyRootOf, listsRootOf } from "../crypto/hashes.ts";
import { isSameEntry } from "../mempool/canon.ts";
import { KEYGEN_BLOCK_MESSAGES_MAX } from "../mempool/keygen_interface.ts";
import type { CheckResult, ParsedTransaction } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import { hasBundle } from "../types/bid.ts";
import { type BlockHeader, PLAIN_BLOCK } from "../types/block.ts";
import { entryOf, type ListEntry } from "../types/envelope.ts";
import { type BlockHash, Height, type TransactionHash, type ValidatorIndex } from "../types/ids.ts";
import type { InclusionList } from "../types/inclusion_list.ts";
import { BLOCK_BODY_BYTES_MAX, BLOCK_TRANSACTIONS_MAX, EXECUTION_LAG_MAX } from "../types/limits.ts";
import type { SigningDomain } from "../types/signing.ts";
import { chooseBid } from "./bid_flow.ts";
import { findListed } from "./body_flow.ts";
import type { Context } from "./context.ts";
import { refusalOfKeygen } from "./keygen_flow.ts";
import { askForMissing } from "./list_flow.ts";
import { keyIdAt, needsLists, type Sealing } from "./sealing.ts";

type BuildEffect = Extract<ConsensusEffect, { type: "build" }>;

interface SealedLane {
  readonly lists: readonly InclusionList[];
  readonly transactions: readonly ParsedTransaction[];
}

const EMPTY_LANE: SealedLane = { lists: [], transactions: [] };

export interface Author {
  readonly domain: SigningDomain;
  readonly self: ValidatorIndex;
}

export function buildBlock(context: Context, effect: BuildEffect, author: Author): void {
  const executed = executedPosition(context, effect.parentHash);
  if (executed === undefined) {
    context.feed({ type: "built", view: effect.view, header: undefined, transactionHashes: [], lists: [] });
    return;
  }
  const { keyId, ...position } = executed;
  const lane = needsLists({ height: effect.height, ...executed }) ? sealedLane(context, effect) : EMPTY_LANE;
  if (lane === undefined) return;
  const isLagging = effect.height - executed.executedHeight > EXECUTION_LAG_MAX;
  const built = isLagging ? undefined : chooseBid(context, { ...effect, ...executed });
  const open = built?.tail ?? (isLagging ? [] : selectTransactions(context, effect, lane.transactions));
  const bid = built?.bid;
  const transactions = [...lane.transactions, ...open];
  const transactionHashes = transactions.map(({ hash }) => hash);
  const header: BlockHeader = {
    epoch: author.domain.epoch,
    height: effect.height,
    view: effect.view,
    proposer: author.self,
    parentHash: effect.parentHash,
    parentView: effect.parentView,
    timeMs: effect.timeMs,
    bodyRoot: bodyRootOf(transactionHashes),
    transactionCount: transactions.length,
    bodyBytes: bytesOf(transactions),
    ...position,
    ...PLAIN_BLOCK,
    sealedCount: lane.transactions.length,
    listsRoot: listsRootOf(lane.lists),
    keyId,
    bidHash: bidHashOf(bid),
    bundleCount: hasBundle(bid) ? 1 : 0,
  };
  context.draft = transactions;
  context.feed({ type: "built", view: effect.view, header, transactionHashes, lists: lane.lists, bid });
}

/** Something came that a waiting build may have lacked. */
export function resumeBuild(context: Context, author: Author | undefined): void {
  const { sealing } = context;
  const waiting = sealing?.waitingBuild;
  if (sealing === undefined || waiting === undefined || author === undefined) return;
  if (sealing.triedAt === newsOf(context, sealing)) return;
  sealing.waitingBuild = undefined;
  buildBlock(context, waiting, author);
}

/** Grows with the lists, the transactions and the executed blocks that a waiting build may have lacked. */
function newsOf(context: Context, { inclusion, pool, listed }: Sealing): number {
  return inclusion.addedCount + pool.firstSeenCount + listed.keptCount + context.execution.final.height;
}

/** What the new header says of execution; undefined when the parent is not held. */
function executedPosition(
  context: Context,
  parentHash: BlockHash,
): Pick<BlockHeader, "executedHeight" | "executedRoot" | "keyId"> | undefined {
  const { final } = context.execution;
  const root = context.execution.rootAt(final.height);
  const parent = parentHash === final.blockHash ? context.finalHeader : context.bodies.get(parentHash)?.proposal.header;
  if (root === undefined || (parent === undefined && (parentHash !== final.blockHash || final.height !== Height.ZERO))) return undefined;
  // Our execution can be behind the parent's claim only while a CC or an opening is in flight; a quorum has checked that claim.
  if (parent !== undefined && parent.executedHeight > final.height) {
    const { executedHeight, executedRoot, keyId } = parent;
    return { executedHeight, executedRoot, keyId };
  }
  return { executedHeight: final.height, executedRoot: root, keyId: keyIdAt(context.sealing, final.height) };
}

/** SL2: n − f lists all of whose entries we hold, and the lane that follows from them. Undefined: too few, the build waits. */
function sealedLane(context: Context, effect: BuildEffect): SealedLane | undefined {
  const { sealing } = context;
  assert(sealing !== undefined, "a chain without sealing has no key");
  const { view, height, parentHash } = effect;
  const isHeld = (entry: ListEntry): boolean =>
    entry.expiryHeight < height || sealing.lanes.isOrdered(parentHash, entry.id) || isDescribed(context, sealing, entry);
  const lists = sealing.inclusion.choose({ view, quorumCount: sealing.quorumCount, isHeld });
  if (lists === undefined) {
    sealing.waitingBuild = effect;
    sealing.triedAt = newsOf(context, sealing);
    askForMissing(context, sealing, view);
    return undefined;
  }
  const { lane } = sealing.lanes.laneOver(parentHash, { height, lists });
  const transactions = lane.map(({ id }) => {
    const transaction = findListed(context, id);
    assert(transaction !== undefined, "lists count only when all of their entries are held");
    return transaction;
  });
  return { lists, transactions };
}

function isDescribed(context: Context, sealing: Sealing, entry: ListEntry): boolean {
  const envelope = findListed(context, entry.id)?.sealed;
  const keyId = sealing.keygen.live?.key.keyId;
  return envelope !== undefined && envelope.keyId === keyId && isSameEntry(entry, entryOf(entry.id, envelope));
}

function selectTransactions(context: Context, effect: BuildEffect, lane: readonly ParsedTransaction[]): readonly ParsedTransaction[] {
  const carried = context.work.carriedBy(effect.parentHash, context.execution.final.blockHash);
  const selected = context.pool.select({
    bytesMax: Math.min(context.config.blockBytesMax, BLOCK_BODY_BYTES_MAX - bytesOf(lane)),
    countMax: Math.min(context.config.blockTransactionsMax, BLOCK_TRANSACTIONS_MAX - lane.length),
    height: effect.height,
    isExcluded: (hash) => carried.has(hash),
  });
  const worthy: ParsedTransaction[] = [];
  const dropped: TransactionHash[] = [];
  let keygenCount = 0;
  for (const transaction of selected) {
    const verdict = checkNow(context, transaction);
    if (verdict === "later") continue;
    if (!verdict.ok) {
      dropped.push(transaction.hash);
      context.outbox.effects.push({ type: "dropped", hash: transaction.hash, refusal: verdict.refusal });
    } else if (transaction.keygen === undefined || ++keygenCount <= KEYGEN_BLOCK_MESSAGES_MAX) worthy.push(transaction);
  }
  context.pool.remove(dropped);
  return worthy;
}

/** later: a key generation message whose phase has not begun. */
function checkNow(context: Context, transaction: ParsedTransaction): CheckResult | "later" {
  const { keygen } = transaction;
  if (keygen === undefined) return context.application.check(transaction);
  const refusal = refusalOfKeygen(context, transaction, keygen);
  if (refusal !== undefined) return { ok: false, refusal };
  return context.sealing?.keygen.check(keygen) === "counted" ? { ok: true } : "later";
}

function bytesOf(transactions: readonly ParsedTransaction[]): number {
  let bytes = 0;
  for (const transaction of transactions) bytes += transaction.bytes.length;
  return bytes;
}
