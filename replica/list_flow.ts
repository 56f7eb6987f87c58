/** Inclusion lists in the machine: with its vote or timeout for a view a validator sends the next leader the sealed transactions that it holds;
 *  when something new comes before that leader's proposal, a newer list, at most once per interval. The leader keeps the newest of each
 *  validator and asks the makers for what it does not hold. */

import type { ListEntry } from "../types/envelope.ts";
import { type TransactionHash, type ValidatorIndex, View } from "../types/ids.ts";
import { type InclusionList, listEntriesMax, signList } from "../types/inclusion_list.ts";
import { BODY_REQUEST_TRANSACTIONS_MAX } from "../types/limits.ts";
import type { Sender } from "../types/sender.ts";
import { armTimer, type Context, isRequested, penalizePeer, sendRequest } from "./context.ts";
import { keyIdAt, NO_KEY, type Sealing } from "./sealing.ts";

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

/** Something new is pooled, or the interval has passed: a newer list for the view whose proposal is awaited. */
export function refreshList(context: Context): void {
  const { sealing, nowMs } = context;
  if (sealing === undefined) return;
  const sent = sealing.sentList;
  if (sent === undefined) {
    // The key has just become live, or we have restarted: the leader may be waiting for our first list.
    if (keyIdAt(sealing, context.execution.final.height) !== NO_KEY) sendListOnEntry(context, context.consensus.status.view);
    return;
  }
  if (sealing.pool.firstSeenCount === sent.firstSeenCount || sealing.proposedView >= sent.view) return;
  const waitMs = sent.atMs + sealing.config.listIntervalMs - nowMs;
  // Our own list costs nothing, and work that we can propose ourselves need not wait.
  if (waitMs > 0 && waitMs <= sealing.config.listIntervalMs && sent.leader !== sealing.self) return armTimer(context, "lists", waitMs);
  sendList(context, sent.view);
}

export function acceptList(context: Context, from: Sender, list: InclusionList): void {
  const { sealing } = context;
  if (sealing === undefined || from.type === "self") return;
  const { validator } = list;
  if (from.type === "validator") sealing.links.set(from.validator, from.peer);
  const refusal = sealing.inclusion.refusalOf(list);
  if (refusal === "staleView" || refusal === "futureView" || refusal === "superseded") return;
  if (refusal !== undefined || !sealing.verifyList(list)) {
    const isOwn = from.type === "validator" && from.validator === validator;
    return isOwn || refusal !== undefined ? penalizePeer(context, from.peer, "invalidList") : undefined;
  }
  sealing.inclusion.add(list);
  askForMissing(context, sealing, list.view);
}

function askForMissing(context: Context, sealing: Sealing, view: View): void {
  if (context.consensus.leaderOf(view) !== sealing.self || isRequested(context, "transactions", undefined)) return;
  const isHeld = (entry: ListEntry): boolean => isKnown(context, sealing, entry.id);
  const [lacking] = sealing.inclusion.missing({ view, isHeld });
  if (lacking === undefined) return;
  const hashes = lacking.entries.slice(0, BODY_REQUEST_TRANSACTIONS_MAX).map(({ id }) => id);
  const peer = sealing.links.get(lacking.validator);
  sendRequest(context, { request: { type: "transactions", hashes }, candidates: peer === undefined ? [] : [peer], blockHash: undefined });
}

function isKnown(context: Context, sealing: Sealing, id: TransactionHash): boolean {
  return sealing.pool.has(id) || context.bodies.find(id) !== undefined || context.recentlyFinal.has(id);
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
    isExcluded: (id) => carried.has(id),
  });
  sealing.listSequence++;
  const list = signList({ domain, list: { epoch: domain.epoch, view, sequence: sealing.listSequence, validator: self, entries }, sign });
  sealing.sentList = { view, leader, firstSeenCount: pool.firstSeenCount, atMs: nowMs };
  if (leader === self) sealing.inclusion.add(list);
  else context.outbox.effects.push({ type: "sendDirect", to: leader, message: { type: "list", list } });
}
