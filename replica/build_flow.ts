/** Builds our own block when we lead: transactions from the pool that no unfinished ancestor carries, under the limits.
 *  R1: one build per view; consensus decides when. Deferred root: the header names the latest height that we executed,
 *  never below the parent's. */

import type { ConsensusEffect } from "../consensus/interface.ts";
import { bodyRootOf } from "../crypto/hashes.ts";
import type { ParsedTransaction } from "../types/application.ts";
import type { BlockHeader } from "../types/block.ts";
import { type BlockHash, Height, type StateRoot, type ValidatorIndex } from "../types/ids.ts";
import { EXECUTION_LAG_MAX } from "../types/limits.ts";
import type { SigningDomain } from "../types/signing.ts";
import type { Context } from "./context.ts";

export function buildBlock(
  context: Context,
  effect: Extract<ConsensusEffect, { type: "build" }>,
  author: { readonly domain: SigningDomain; readonly self: ValidatorIndex },
): void {
  const executed = executedPosition(context, effect.parentHash);
  if (executed === undefined) {
    context.feed({ type: "built", view: effect.view, header: undefined, transactionHashes: [] });
    return;
  }
  const isLagging = effect.height - executed.executedHeight > EXECUTION_LAG_MAX;
  const transactions = isLagging ? [] : selectTransactions(context, effect);
  const transactionHashes = transactions.map(({ hash }) => hash);
  let bodyBytes = 0;
  for (const { bytes } of transactions) bodyBytes += bytes.length;
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
    bodyBytes,
    ...executed,
  };
  context.draft = transactions;
  context.feed({ type: "built", view: effect.view, header, transactionHashes });
}

/** What the new header says of execution; undefined when the parent is not held. */
function executedPosition(
  context: Context,
  parentHash: BlockHash,
): { readonly executedHeight: Height; readonly executedRoot: StateRoot } | undefined {
  const { final } = context.execution;
  const root = context.execution.rootAt(final.height);
  const parent = parentHash === final.blockHash ? context.finalHeader : context.bodies.get(parentHash)?.proposal.header;
  if (root === undefined || (parent === undefined && (parentHash !== final.blockHash || final.height !== Height.ZERO))) return undefined;
  // Our execution can be behind the parent's claim only while a CC is in flight; a quorum has checked that claim.
  if (parent !== undefined && parent.executedHeight > final.height) {
    return { executedHeight: parent.executedHeight, executedRoot: parent.executedRoot };
  }
  return { executedHeight: final.height, executedRoot: root };
}

function selectTransactions(context: Context, effect: Extract<ConsensusEffect, { type: "build" }>): readonly ParsedTransaction[] {
  const carried = context.work.carriedBy(effect.parentHash, context.execution.final.blockHash);
  const selected = context.pool.select({
    bytesMax: context.config.blockBytesMax,
    countMax: context.config.blockTransactionsMax,
    height: effect.height,
    isExcluded: (hash) => carried.has(hash),
  });
  const worthy: ParsedTransaction[] = [];
  for (const transaction of selected) {
    const verdict = context.application.check(transaction);
    if (verdict.ok) {
      worthy.push(transaction);
      continue;
    }
    context.pool.remove([transaction.hash]);
    context.outbox.effects.push({ type: "dropped", hash: transaction.hash, refusal: verdict.refusal });
  }
  return worthy;
}
