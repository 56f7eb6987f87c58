/** Inclusion lists in the machine: with its vote or timeout for a view a validator sends the next leader the sealed transactions that it holds;
 *  when something new comes before that leader's proposal, a newer list, at most once per interval. The leader keeps the newest of each
 *  validator and asks the makers for what it does not hold. */

import type { SealedAdmission } from "../mempool/sealed_pool.ts";
import type { ParsedTransaction } from "../types/application.ts";
import type { ListEntry } from "../types/envelope.ts";
import { Height, type TransactionHash, type ValidatorIndex, View } from "../types/ids.ts";
import { type InclusionList, listBytesMax, listEntriesMax, signList } from "../types/inclusion_list.ts";
import { BODY_REQUEST_TRANSACTIONS_MAX } from "../types/limits.ts";
import type { Sender } from "../types/sender.ts";
import { findListed } from "./body_flow.ts";
import { armTimer, type Context, penalizePeer, sendRequest } from "./context.ts";
import { type AskedEntries, keyIdAt, NO_KEY, type Sealing } from "./sealing.ts";

/** Our vote or timeout of `view` leaves in this step: tell the next leader what we hold. */
export function sendListAfter(context: Context, view: View): void {
  sendList(context, View.next(view));
}

/** A view was entered: if its leader has no list of ours, as after a guess that was wrong, it gets one. */
export function sendListOnEntry(context: Context, view: View): void {
  const { sealing } = context;
  if (sealing === undefined) return;
  sealing.inclusion.advance(view);
  if (sealing.waitingBuild !== undefined && sealing.waitingBuild.view !== view) sealing.waitingBuild = undefined;
  const { sentList } = sealing;
  const isToldAlready = sentList?.view === view && sentList.leader === context.consensus.leaderOf(view);
  if (!isToldAlready) sendList(context, view);
}

/** Something new is pooled, or something that we named can be paid no more, which a leader that knows may not be able to hold: a newer list
 *  for the view whose proposal is awaited, at most once per interval. */
export function refreshList(context: Context): void {
  const { sealing, nowMs } = context;
  if (sealing === undefined) return;
  const sent = sealing.sentList;
  if (sent === undefined) {
    // The key has just become live, or we have restarted: the leader may be waiting for our first list.
    if (keyIdAt(sealing, context.execution.final.height) !== NO_KEY) sendListOnEntry(context, context.consensus.status.view);
    return;
  }
  if (changesOf(sealing) === sent.changes || sealing.proposedView >= sent.view) return;
  const waitMs = sent.atMs + sealing.config.listIntervalMs - nowMs;
  // Our own list costs nothing, and work that we can propose ourselves need not wait.
  if (waitMs > 0 && waitMs <= sealing.config.listIntervalMs && sent.leader !== sealing.self) return armTimer(context, "lists", waitMs);
  sendList(context, sent.view);
}

/** Grows with all that makes our list another one, but for what is ordered, which every leader knows. */
const changesOf = ({ pool, listed }: Sealing): number => pool.firstSeenCount + listed.droppedCount;

export function acceptList(context: Context, from: Sender, list: InclusionList): void {
  const { sealing } = context;
  // Lists come from their makers, over direct links: nobody else can make us verify one.
  if (sealing === undefined || from.type !== "validator" || from.validator !== list.validator) return;
  sealing.links.set(from.validator, from.peer);
  const refusal = sealing.inclusion.refusalOf(list);
  if (refusal === "staleView" || refusal === "futureView" || refusal === "superseded") return;
  if (refusal !== undefined || !sealing.verifyList(list)) return penalizePeer(context, from.peer, "invalidList");
  const isHeld = ({ id }: ListEntry): boolean => isKnown(context, id);
  sealing.inclusion.add(list, isHeld);
  // Gossip gets a moment to bring what the list names and we lack; a build that waits for it asks at once.
  const isOurs = context.consensus.leaderOf(list.view) === sealing.self;
  if (isOurs && !list.entries.every(isHeld)) armTimer(context, "bodies", context.config.bodyGraceMs);
}

/** Asks the makers of the lists that we may need for what we lack of them: each for its own, nothing of two at a time, so that whoever makes
 *  entries up delays nobody else's. What does not come is asked for again at an interval, then of anybody. */
export function askForMissing(context: Context, sealing: Sealing, view: View): void {
  if (sealing.proposedView >= view || context.consensus.leaderOf(view) !== sealing.self) return;
  const { nowMs, config } = context;
  const isHeld = ({ id }: ListEntry): boolean => isKnown(context, id);
  const lacking = sealing.inclusion.missing({ view, isHeld });
  const isFresh = ({ atMs }: AskedEntries): boolean => nowMs - atMs < config.bodyRetryMs && nowMs >= atMs;
  const underWay = new Set([...sealing.asked.values()].filter(isFresh).flatMap(({ ids }) => [...ids]));
  const lastAskedMs = (validator: ValidatorIndex): number => sealing.asked.get(validator)?.atMs ?? 0;
  for (const { validator, entries } of [...lacking].sort((left, right) => lastAskedMs(left.validator) - lastAskedMs(right.validator))) {
    const before = sealing.asked.get(validator);
    const ids = entries.filter(({ id }) => !underWay.has(id)).map(({ id }) => id);
    // Whoever sends list after list gets no request for each of them.
    const isTooSoon = before !== undefined && nowMs >= before.atMs && nowMs - before.atMs < config.bodyGraceMs;
    if (ids.length === 0 || isTooSoon) continue;
    const rounds = ids.some((id) => before?.ids.has(id)) ? (before?.rounds ?? 0) + 1 : 0;
    const stillAwaited = before !== undefined && isFresh(before) ? before.ids : [];
    sealing.asked.set(validator, { ids: new Set([...stillAwaited, ...ids]), atMs: nowMs, rounds });
    for (const id of ids) underWay.add(id);
    const peer = sealing.links.get(validator);
    const candidates = peer === undefined || rounds % 2 === 1 ? [] : [peer];
    const hashes = ids.slice(0, BODY_REQUEST_TRANSACTIONS_MAX);
    sendRequest(context, { request: { type: "transactions", hashes }, candidates, blockHash: undefined });
  }
  if (lacking.length > 0) armTimer(context, "bodies", config.bodyGraceMs);
}

const isKnown = (context: Context, id: TransactionHash): boolean => findListed(context, id) !== undefined || context.recentlyFinal.has(id);

/** What did not come may have to be asked for again. */
export function askAgainForMissing(context: Context): void {
  const { sealing } = context;
  if (sealing === undefined) return;
  const { view } = context.consensus.status;
  askForMissing(context, sealing, view);
  askForMissing(context, sealing, View.next(view));
}

/** The pool refused it. If a list made us ask for it, that list must count all the same. */
export function keepListed(sealing: Sealing, transaction: ParsedTransaction, admission: SealedAdmission): void {
  for (const [validator, { ids }] of sealing.asked) {
    if (ids.has(transaction.hash)) return sealing.listed.keep(validator, transaction, admission);
  }
}

/** Our pool let it go. Lists that were made before, ours among them, may name it. */
export function keepDropped({ sealing, execution }: Context, transaction: ParsedTransaction): void {
  if (transaction.sealed !== undefined) sealing?.listed.keepDropped(transaction, Height.next(execution.final.height));
}

function sendList(context: Context, view: View): void {
  const { sealing, nowMs } = context;
  if (sealing?.self === undefined || sealing.sign === undefined || context.hasDiverged) return;
  if (keyIdAt(sealing, context.execution.final.height) === NO_KEY) return;
  const leader: ValidatorIndex = context.consensus.leaderOf(view);
  const { domain, self, pool, sign } = sealing;
  const carried = context.work.carriedByTip(context.execution.final.blockHash);
  const entries = pool.listFor({
    height: context.execution.final.height,
    countMax: listEntriesMax(sealing.validatorCount),
    bytesMax: listBytesMax(sealing.validatorCount),
    isExcluded: (id) => carried.has(id),
  });
  sealing.listSequence++;
  const list = signList({ domain, list: { epoch: domain.epoch, view, sequence: sealing.listSequence, validator: self, entries }, sign });
  sealing.sentList = { view, leader, changes: changesOf(sealing), atMs: nowMs };
  if (leader === self) sealing.inclusion.add(list);
  else context.outbox.effects.push({ type: "sendDirect", to: leader, message: { type: "list", list } });
}
