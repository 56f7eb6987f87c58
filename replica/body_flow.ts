/** From a proposal's list of hashes to a verdict on its body: gather, ask for what is missing, judge, store.
 *  R2/R4: the verdict "valid" leaves in the same step that hands the block to storage, so a body that we vote for is durable.
 *  Header roots are checked against our own execution (deferred state root). */

import type { ConsensusEffect } from "../consensus/interface.ts";
import type { ParsedTransaction } from "../types/application.ts";
import type { Proposal } from "../types/block.ts";
import { type BlockHash, View } from "../types/ids.ts";
import { BODY_REQUEST_TRANSACTIONS_MAX } from "../types/limits.ts";
import type { PeerKey, Sender } from "../types/sender.ts";
import { judgeBid, tellBuildable } from "./bid_flow.ts";
import { type Body, blockOf } from "./bodies.ts";
import { armTimer, type Context, isRequested, recountWork, sendRequest } from "./context.ts";
import { forgetOpened, holdBlock } from "./opening_flow.ts";
import { isLaneRight, laneIdsOf } from "./sealing.ts";

export function checkBody(context: Context, effect: Extract<ConsensusEffect, { type: "checkBody" }>): void {
  const { blockHash, proposal, from } = effect;
  const atHand = new Map([...context.draft, ...context.fetched].map((transaction) => [transaction.hash, transaction]));
  const find = (hash: ParsedTransaction["hash"]) => atHand.get(hash) ?? findListed(context, hash);
  noteLane(context, blockHash, proposal);
  context.builders?.history.note({ blockHash, header: proposal.header, bid: proposal.bid });
  const body = context.bodies.open({ blockHash, proposal, from, find });
  if (body.state === "incomplete") armTimer(context, "bodies", context.config.bodyGraceMs);
  else settle(context, body);
}

/** Among what waits to be ordered and what held bodies carry. */
export function findHeld(context: Context, hash: ParsedTransaction["hash"]): ParsedTransaction | undefined {
  return context.pool.get(hash) ?? context.sealing?.pool.get(hash) ?? context.bodies.find(hash);
}

/** As well what only lists name: fit to be proposed, voted for and passed on, though it is not waiting here. */
export function findListed(context: Context, hash: ParsedTransaction["hash"]): ParsedTransaction | undefined {
  return findHeld(context, hash) ?? context.sealing?.listed.get(hash);
}

/** What a block orders and lists counts for the lanes of its children, whether or not its body is here: without a QC it gets no child. */
function noteLane(context: Context, blockHash: BlockHash, { header, transactionHashes, lists }: Proposal): void {
  const { sealing } = context;
  if (sealing === undefined) return;
  sealing.lanes.note({ blockHash, header, ids: laneIdsOf(header, transactionHashes), lists });
  if (header.view > sealing.proposedView) sealing.proposedView = header.view;
}

/** Gives verified transactions to the bodies that wait for them. */
export function offerToBodies(context: Context, transactions: readonly ParsedTransaction[]): void {
  for (const transaction of transactions) {
    for (const body of context.bodies.offer(transaction)) settle(context, body);
  }
}

/** Judges complete bodies again that waited for an earlier block to be executed. */
export function settleAwaiting(context: Context): void {
  for (const body of [...context.awaitingRoot]) {
    context.awaitingRoot.delete(body);
    settle(context, body);
  }
}

/** Asks for the transactions that did not reach us: first the proposer, after that anyone. */
export function fetchMissing(context: Context): void {
  const incomplete = context.bodies.incomplete();
  for (const body of incomplete) {
    if (isRequested(context, "transactions", body.blockHash)) continue;
    const hashes = [...body.missing.keys()].slice(0, BODY_REQUEST_TRANSACTIONS_MAX);
    const candidates = body.fetches === 0 ? peersOf(body.from) : [];
    body.fetches++;
    sendRequest(context, { request: { type: "transactions", hashes }, candidates, blockHash: body.blockHash });
  }
  if (incomplete.length > 0) armTimer(context, "bodies", context.config.bodyRetryMs);
}

/** Drops what can no longer become final. */
export function abandonBodies(context: Context, blockHashes: readonly BlockHash[]): void {
  for (const blockHash of blockHashes) {
    const body = context.bodies.get(blockHash);
    if (body === undefined) continue;
    context.awaitingRoot.delete(body);
    context.bodies.delete(blockHash);
    context.sealing?.lanes.forget(blockHash);
    context.builders?.history.forget(blockHash);
  }
  forgetOpened(context, blockHashes);
}

function peersOf(sender: Sender): readonly PeerKey[] {
  return sender.type === "self" ? [] : [sender.peer];
}

function settle(context: Context, body: Body): void {
  if (body.state === "incomplete") return;
  const { blockHash } = body;
  if (body.proposal.header.height <= context.execution.final.height) {
    // Executed already, or beside what was: nothing is left to judge, but consensus may wait to hear that its root is held.
    if (context.retained.includes(blockHash)) context.feed({ type: "bodyChecked", blockHash, isValid: true });
    return;
  }
  const verdict = body.state === "invalid" ? "invalid" : judgeRoot(context, body);
  if (verdict === "unknown") {
    context.awaitingRoot.add(body);
    return;
  }
  // SL1, SL2 and B2 rest on the state at the header's executed height, which is reached here.
  const built = verdict === "valid" && isLaneRight(context.sealing, body) ? judgeBid(context, body) : "invalid";
  // A state that we have forgotten is no state to judge by: others vote.
  if (built === "unknown") return;
  const isValid = built === "valid";
  if (!isValid) body.state = "invalid";
  else {
    storeBody(context, body);
    holdBlock(context, body);
  }
  if (isValid && body.proposal.header.view >= context.tipView) {
    context.tipView = body.proposal.header.view;
    context.work.setTip(blockHash);
    recountWork(context);
  }
  context.feed({ type: "bodyChecked", blockHash, isValid });
  if (!isValid || body.proposal.header.view < context.tipView) return;
  const { height: parentHeight, view } = body.proposal.header;
  tellBuildable(context, { parentHash: blockHash, parentHeight, view: View.next(view) });
}

/** Hands a complete body to storage, once. */
export function storeBody(context: Context, body: Body): void {
  if (body.isStored) return;
  body.isStored = true;
  context.outbox.durable.blocks.push({ blockHash: body.blockHash, block: blockOf(body) });
}

/** unknown: the root is of a height that we have not executed. An unchanged claim is judged against the parent's. */
function judgeRoot(context: Context, body: Body): "valid" | "invalid" | "unknown" {
  const { header } = body.proposal;
  const ours = context.execution.rootAt(header.executedHeight);
  if (ours !== undefined) return ours === header.executedRoot ? "valid" : "invalid";
  if (header.executedHeight > context.execution.final.height) return "unknown";
  const parent = context.bodies.get(header.parentHash)?.proposal.header ?? context.finalHeader;
  const isUnchanged = parent?.executedHeight === header.executedHeight && parent.executedRoot === header.executedRoot;
  return isUnchanged ? "valid" : "invalid";
}
