/** Opening in the machine: a block is held when its body is judged right, released under a CC (SL3), its shares stored
 *  first (SL4), and executed when all of it is open (SL5). Carries out what the openings ask for; decides nothing about them. */

import type { OpeningEffect, SealedItem } from "../mempool/opening_interface.ts";
import { judgeOpenings, resultOf } from "../mempool/opening_judge.ts";
import type { ParsedTransaction } from "../types/application.ts";
import { assert, unreachable } from "../types/assert.ts";
import { type Bid, bundleLabelOf, hasBundle } from "../types/bid.ts";
import { type BlockHeader, openingCountOf } from "../types/block.ts";
import { labelOf } from "../types/envelope.ts";
import type { BlockHash, ChainId, ValidatorIndex } from "../types/ids.ts";
import type { OpeningMessage } from "../types/opening_message.ts";
import type { Opening, OpenResult } from "../types/sealing.ts";
import type { Sender } from "../types/sender.ts";
import { type Body, heldTransactions } from "./bodies.ts";
import { armOpeningTimer, type Context } from "./context.ts";
import type { Sealing } from "./sealing.ts";

/** The body is judged right: get ready to open it. */
export function holdBlock(context: Context, body: Body): void {
  const { sealing } = context;
  const { header } = body.proposal;
  if (sealing === undefined || openingCountOf(header) === 0 || sealing.openings.isHeld(body.blockHash)) return;
  const live = sealing.keygen.live;
  assert(live !== undefined && live.key.keyId === header.keyId, "SL1, B3: a block that has something to open names the live key");
  const { blockHash } = body;
  const { height, view } = header;
  const items = itemsToOpen({ header, bid: body.proposal.bid, transactions: heldTransactions(body) }, sealing.domain.chainId);
  const { isHeld, effects } = sealing.openings.hold({ blockHash, height, view, key: live.key, items });
  if (isHeld) sealing.unheld.delete(blockHash);
  else sealing.unheld.add(blockHash);
  carryOut(context, sealing, { blockHash, height }, effects);
  const stored = context.storedShares.get(blockHash);
  if (stored === undefined || !isHeld) return;
  context.storedShares.delete(blockHash);
  const { secretShare } = sealing.keygen;
  carryOut(context, sealing, { blockHash, height }, sealing.openings.restoreShares({ blockHash, bytes: stored, secretShare }));
}

/** What a block has to open. */
export interface OpenableBlock {
  readonly header: BlockHeader;
  readonly bid: Bid | undefined;
  readonly transactions: readonly ParsedTransaction[];
}

/** The sealed lane in its order, then the bundle. */
export function itemsOf({ header, bid, transactions }: OpenableBlock, chainId: ChainId): readonly SealedItem[] {
  const items: SealedItem[] = transactions.slice(0, header.sealedCount).map(({ sealed: envelope }) => {
    assert(envelope !== undefined, "a sealed lane holds sealed transactions");
    return { label: labelOf(envelope), sealed: envelope.sealed };
  });
  if (bid !== undefined && hasBundle(bid)) items.push({ label: bundleLabelOf(chainId, bid), sealed: bid.bundle });
  return items;
}

/** With our shares that came ready. One under another key is passed over: a resharing changes shares and key id, not the public key. */
function itemsToOpen(block: OpenableBlock, chainId: ChainId): readonly SealedItem[] {
  const { keyId, sealedCount } = block.header;
  return itemsOf(block, chainId).map((item, position) => {
    const ownShare = position < sealedCount ? block.transactions[position]?.ownShare : undefined;
    return ownShare?.keyId === keyId ? { ...item, share: ownShare.share } : item;
  });
}

/** SL3: a CC of the block or of a descendant is held, and its body. Returns what it holds once it is open, in order. */
export function openFinalBlock(
  context: Context,
  body: Body,
): { readonly opened: readonly OpenResult[]; readonly openings: readonly Opening[] } | undefined {
  const { sealing, nowMs } = context;
  const { header } = body.proposal;
  if (sealing === undefined || openingCountOf(header) === 0) return NOTHING_SEALED;
  const block = { blockHash: body.blockHash, height: header.height };
  const { blockHash } = block;
  holdBlock(context, body);
  const { secretShare } = sealing.keygen;
  carryOut(context, sealing, block, sealing.openings.release({ blockHash, secretShare }));
  carryOut(context, sealing, block, sealing.openings.finalize({ blockHash, nowMs }));
  const opened = sealing.openings.resultsOf(blockHash);
  const openings = sealing.openings.openingsOf(blockHash);
  return opened === undefined || openings === undefined ? undefined : { opened, openings };
}

/** The block is final, others come before it. Where its key is not live here yet it waits for its turn. */
export function openAhead(context: Context, body: Body): void {
  if (context.sealing?.keygen.live?.key.keyId === body.proposal.header.keyId) openFinalBlock(context, body);
}

const NOTHING_SEALED = { opened: [], openings: [] } as const;

/** Openings that came with a final block: undefined when they are not right. */
export function judgeServedOpenings(
  context: Context,
  block: OpenableBlock,
  openings: readonly Opening[],
): readonly OpenResult[] | undefined {
  const { sealing } = context;
  const { header } = block;
  if (openingCountOf(header) === 0) return openings.length === 0 ? [] : undefined;
  const key = sealing?.keygen.live?.key;
  if (sealing === undefined || key === undefined || key.keyId !== header.keyId) return undefined;
  const { suite } = sealing;
  const items = itemsOf(block, sealing.domain.chainId);
  if (!judgeOpenings({ suite, key, items, openings })) return undefined;
  return items.map((item, position) => resultOf({ suite, key, item, opening: openings[position] as Opening }));
}

export function acceptOpeningMessage(context: Context, from: Sender, message: OpeningMessage): void {
  const { sealing, nowMs } = context;
  // Shares and seeds travel on direct links only: nobody else's word says whose share it is.
  if (sealing === undefined || from.type !== "validator" || from.validator === sealing.self) return;
  sealing.links.set(from.validator, from.peer);
  const { blockHash } = message;
  const height = context.bodies.get(blockHash)?.proposal.header.height;
  carryOut(context, sealing, { blockHash, height }, sealing.openings.receive({ from: from.validator, message, nowMs }));
}

export function onOpeningTimer(context: Context): void {
  const { sealing, nowMs } = context;
  context.openingDueMs = undefined;
  if (sealing === undefined) return;
  carryOut(context, sealing, undefined, sealing.openings.proceed());
  const { dueMs } = sealing.openings;
  if (dueMs !== undefined && dueMs <= nowMs) carryOut(context, sealing, undefined, sealing.openings.timer(nowMs));
}

/** The end of each step: the openings' own timer, and blocks that found no room. */
export function tendOpenings(context: Context): void {
  const { sealing } = context;
  if (sealing === undefined) return;
  const { dueMs } = sealing.openings;
  if (dueMs !== undefined) armOpeningTimer(context, dueMs);
}

/** Executed or abandoned. Makes room for blocks that found none. */
export function forgetOpened(context: Context, blockHashes: readonly BlockHash[]): void {
  const { sealing } = context;
  if (sealing === undefined) return;
  for (const blockHash of blockHashes) {
    sealing.openings.forget(blockHash);
    sealing.unheld.delete(blockHash);
    context.storedShares.delete(blockHash);
  }
  for (const blockHash of [...sealing.unheld]) {
    const body = context.bodies.get(blockHash);
    if (body === undefined) sealing.unheld.delete(blockHash);
    else holdBlock(context, body);
  }
}

function carryOut(
  context: Context,
  sealing: Sealing,
  block: { readonly blockHash: BlockHash; readonly height: BlockHeader["height"] | undefined } | undefined,
  effects: readonly OpeningEffect[],
): void {
  const { outbox } = context;
  for (const effect of effects) {
    switch (effect.type) {
      case "storeShares": {
        const height = effect.blockHash === block?.blockHash ? block.height : context.bodies.get(effect.blockHash)?.proposal.header.height;
        assert(height !== undefined, "shares are of a block that is held");
        outbox.durable.shares.push({ blockHash: effect.blockHash, height, shares: effect.bytes });
        break;
      }
      case "send":
        outbox.effects.push({ type: "sendDirect", to: effect.to, message: effect.message });
        break;
      case "broadcast":
        outbox.effects.push({ type: "sendDirect", to: undefined, message: effect.message });
        break;
      case "opened":
        outbox.effects.push({ type: "opened", blockHash: effect.blockHash });
        context.isOpeningNews = true;
        break;
      case "penalize":
        blame(context, sealing, effect.validator);
        break;
      case "proceed":
        armOpeningTimer(context, context.nowMs);
        break;
      default:
        unreachable(effect);
    }
  }
}

function blame(context: Context, sealing: Sealing, validator: ValidatorIndex): void {
  const peer = sealing.links.get(validator);
  if (peer === undefined) return;
  context.outbox.effects.push({ type: "penalize", sender: { type: "validator", validator, peer }, reason: "invalidOpening" });
}
