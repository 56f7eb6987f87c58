/** Builders in the machine: bids that come to us as a leader, the one that we build with, the one that others built with, and what a builder that
 *  runs this machine needs to know. The rules B1 to B9 stand in `builder/README.md`; what needs state is judged here, by the state that the header
 *  names, so that all voters judge alike. A bid never delays a proposal: what is not here and right when we build does not exist. */

import { type Auction, createAuction, type IsParentHeld } from "../builder/auction.ts";
import { faultOfBid, faultOfTail, sealCheckOf, signatureCheckOf } from "../builder/bid_rules.ts";
import { bodyRootOf } from "../crypto/hashes.ts";
import { KEYGEN_BLOCK_MESSAGES_MAX } from "../mempool/keygen_interface.ts";
import type { ParsedTransaction } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import { type Bid, hasBundle, NO_BID, type OfferedBid } from "../types/bid.ts";
import type { BlockHeader } from "../types/block.ts";
import type { BuildingMaterial, Opportunity } from "../types/building.ts";
import { type AccountId, type BidHash, type BlockHash, Height, type TransactionHash, type ValidatorIndex, View } from "../types/ids.ts";
import { TAIL_BYTES_MAX, TAIL_TRANSACTIONS_MAX, UNOPENED_BLOCKS_MAX } from "../types/limits.ts";
import type { KeyId } from "../types/sealing.ts";
import type { Sender } from "../types/sender.ts";
import type { SigningDomain } from "../types/signing.ts";
import type { VerifyEd25519 } from "../types/suites.ts";
import type { Body } from "./bodies.ts";
import { findHeld } from "./body_flow.ts";
import { type BuilderHistory, createBuilderHistory, type ExecutedHistoryBlock } from "./builder_history.ts";
import { type Context, penalizePeer } from "./context.ts";
import { keyIdAt, NO_KEY } from "./sealing.ts";

/** Views ahead of ours whose leader we may turn out to be: bids for blocks of later ones come too early. */
const BID_VIEWS_AHEAD = 2;

/** Transactions of tails that are looked for before one proposal: enough for the largest tail after another that lacks its last. A look at a tail
 *  ends with the first transaction that cannot be taken, so a name that nobody knows costs its bid all and the others one look. */
const LOOK_UPS_MAX = 2 * TAIL_TRANSACTIONS_MAX;

/** Present on a chain that takes builders. */
export interface Builders {
  readonly history: BuilderHistory;
  readonly auction: Auction;
  readonly domain: SigningDomain;
  readonly self: ValidatorIndex | undefined;
  readonly verifyEd25519: VerifyEd25519;
  /** The block that was told last as one to build on, and the view for which. */
  told: { readonly parentHash: BlockHash; readonly view: View } | undefined;
}

export function createBuilders(
  options: Pick<Builders, "domain" | "self" | "verifyEd25519"> & {
    readonly builderOf: Parameters<typeof createBuilderHistory>[0]["builderOf"];
    readonly head: { readonly height: Height; readonly blockHash: BlockHash };
    readonly recentlyExecuted: readonly ExecutedHistoryBlock[];
  },
): Builders {
  const { domain, self, verifyEd25519, builderOf, head, recentlyExecuted } = options;
  const [first] = recentlyExecuted;
  const base = first === undefined ? head : { height: Height.previous(first.header.height), blockHash: first.header.parentHash };
  const history = createBuilderHistory({ builderOf, base, executed: recentlyExecuted });
  return { history, auction: createAuction(), domain, self, verifyEd25519, told: undefined };
}

/** From a builder. What costs anything is checked after what costs nothing; an honest builder that is a moment behind is not blamed. */
export function acceptBid(context: Context, from: Sender, offered: OfferedBid): void {
  const { builders, config } = context;
  if (builders?.self === undefined || !config.takesBids || from.type === "self") return;
  const { bid, tailHashes } = offered;
  const { auction } = builders;
  if (bid.expiryView < context.consensus.status.view || !isSoonLeader(context, builders.self)) return;
  auction.advance(tipOf(context));
  const isParentHeld: IsParentHeld = (of) => isParentHeldOf(context, of);
  if (auction.refusalOf(offered, isParentHeld) !== undefined || !isAffordable(context, bid)) return;
  if (!isBidSigned(builders, bid)) return penalizePeer(context, from.peer, "invalidBid");
  auction.noteTry(bid);
  const isTailNamed = tailHashes.length === bid.tailCount && bodyRootOf(tailHashes) === bid.tailRoot;
  if (!isTailNamed) return penalizePeer(context, from.peer, "invalidBid");
  const bundle = judgeBundle(context, builders, bid, keyIdAt(context.sealing, context.execution.final.height));
  if (bundle === "valid") auction.offer(offered, isParentHeld);
  else if (bundle === "invalid") penalizePeer(context, from.peer, "invalidBid");
}

/** The highest certified block that we hold, or the final one: what we propose next stands above it. */
function tipOf({ certifiedTip, bodies, execution: { final } }: Context): { readonly blockHash: BlockHash; readonly height: Height } {
  const certified = certifiedTip === undefined ? undefined : bodies.get(certifiedTip.blockHash)?.proposal.header.height;
  const isAbove = certifiedTip !== undefined && certified !== undefined && certified > final.height;
  return isAbove ? { blockHash: certifiedTip.blockHash, height: certified } : final;
}

function isParentHeldOf({ bodies, execution: { final } }: Context, { height, parentHash }: Pick<Bid, "height" | "parentHash">): boolean {
  const parentHeight = parentHash === final.blockHash ? final.height : bodies.get(parentHash)?.proposal.header.height;
  return parentHeight !== undefined && Height.next(parentHeight) === height;
}

function isSoonLeader(context: Context, self: ValidatorIndex): boolean {
  const { view } = context.consensus.status;
  for (let ahead = 0; ahead <= BID_VIEWS_AHEAD; ahead++) if (context.consensus.leaderOf(View.plus(view, ahead)) === self) return true;
  return false;
}

/** As far as our own state knows; B2 is judged again when the block is built. */
function isAffordable({ application }: Context, { builder, value, height }: Bid): boolean {
  const known = application.builderOf?.(builder);
  return known?.isActiveAt(height) === true && value <= known.bond;
}

function isBidSigned({ domain, verifyEd25519 }: Builders, bid: Bid): boolean {
  const { publicKey, message, signature } = signatureCheckOf(domain, bid);
  return verifyEd25519(publicKey, message, signature);
}

/** B3. otherKey: sealed to a key that was or will be live, which is nobody's fault before the block is built. */
function judgeBundle({ sealing }: Context, { domain }: Builders, bid: Bid, keyId: KeyId): "valid" | "invalid" | "otherKey" {
  const check = sealCheckOf(domain.chainId, bid);
  if (check === undefined) return "valid";
  const live = sealing?.keygen.live;
  if (sealing === undefined || live === undefined || keyId === NO_KEY || bid.keyId !== keyId) return "otherKey";
  return sealing.suite.check({ ...check, publicKey: live.key.publicKey }) ? "valid" : "invalid";
}

/** B9: the bid that we build with, and its tail. Everything that voters will ask is asked here of our own state. */
export function chooseBid(
  context: Context,
  block: Pick<BlockHeader, "height" | "view" | "parentHash" | "executedHeight" | "keyId">,
): { readonly bid: Bid; readonly tail: readonly ParsedTransaction[] } | undefined {
  const { builders, config } = context;
  if (builders === undefined || !config.takesBids) return undefined;
  const carried = context.work.carriedBy(block.parentHash, context.execution.final.blockHash);
  let tail: readonly ParsedTransaction[] | undefined;
  const budget = { lookUpsLeft: LOOK_UPS_MAX };
  const best = builders.auction.best({
    ...block,
    isUsable: (offered) => {
      if (!isCovered(builders, offered.bid, block) || !isBundleInTime(offered.bid, block)) return false;
      tail = tailOf(context, offered, { height: block.height, carried, budget });
      return tail !== undefined;
    },
  });
  return best === undefined || tail === undefined ? undefined : { bid: best.bid, tail };
}

/** Is there a bundle that we can order now? What waits in a builder's hands is work that no pool shows; tails wait in the pool, and a bid with nothing
 *  to order is no work. Only the leader of this view says so: a bid is sent to leaders alone, and whoever waited for work that the leader of the
 *  view does not know of would give the view up by itself. */
export function isBundleWaiting(context: Context): boolean {
  const { builders, execution, consensus } = context;
  if (builders === undefined || builders.auction.count === 0 || !context.config.takesBids) return false;
  const { view } = consensus.status;
  if (builders.self !== consensus.leaderOf(view)) return false;
  const { final } = execution;
  const { blockHash: parentHash, height } = tipOf(context);
  const block = { height: Height.next(height), parentHash, executedHeight: final.height, keyId: keyIdAt(context.sealing, final.height) };
  const isUsable = ({ bid }: OfferedBid): boolean =>
    hasBundle(bid) && bid.tailCount === 0 && isCovered(builders, bid, block) && isBundleInTime(bid, block);
  return builders.auction.best({ ...block, view, isUsable }) !== undefined;
}

/** The whole tail, or nothing: voters who lack a part of it would have to fetch it. */
function tailOf(
  context: Context,
  { bid, tailHashes }: OfferedBid,
  block: { readonly height: Height; readonly carried: ReadonlySet<TransactionHash>; readonly budget: { lookUpsLeft: number } },
): readonly ParsedTransaction[] | undefined {
  const tail: ParsedTransaction[] = [];
  let keygenCount = 0;
  const seen = new Set<TransactionHash>();
  for (const hash of tailHashes) {
    // A name that comes twice ends the look as well: one held transaction must not use up what is there for all bids.
    if (block.budget.lookUpsLeft <= 0 || seen.has(hash)) return undefined;
    block.budget.lookUpsLeft--;
    seen.add(hash);
    const transaction = block.carried.has(hash) || context.recentlyFinal.has(hash) ? undefined : findHeld(context, hash);
    if (transaction === undefined || transaction.expiryHeight < block.height) return undefined;
    if (transaction.keygen !== undefined) keygenCount++;
    tail.push(transaction);
  }
  return keygenCount <= KEYGEN_BLOCK_MESSAGES_MAX && faultOfTail(bid, tail) === undefined ? tail : undefined;
}

/** B2 for a block above this executed height; false as well where we cannot tell. */
function isCovered(builders: Builders, bid: Bid, block: Pick<BlockHeader, "height" | "parentHash" | "executedHeight">): boolean {
  return judgeCover(builders, bid, block) === "valid";
}

type Verdict = "valid" | "invalid" | "unknown";

function judgeCover(
  { history }: Builders,
  { builder: account, value }: Bid,
  { height, parentHash, executedHeight }: Pick<BlockHeader, "height" | "parentHash" | "executedHeight">,
): Verdict {
  const { isKnown, builder } = history.at(account, executedHeight);
  const promised = history.promised(account, { parentHash, executedHeight });
  if (!isKnown || promised === undefined) return "unknown";
  return builder?.isActiveAt(height) === true && value + promised <= builder.bond ? "valid" : "invalid";
}

/** B5: a bundle waits for its opening like a sealed lane, so it is brought only where one may be. */
function isBundleInTime(bid: Bid, { height, executedHeight, keyId }: Pick<BlockHeader, "height" | "executedHeight" | "keyId">): boolean {
  return !hasBundle(bid) || (bid.keyId === keyId && height - executedHeight <= UNOPENED_BLOCKS_MAX);
}

/** B1 to B6 of a complete body whose executed height we have reached. unknown: it rests on a state that a restart forgot. */
export function judgeBid(context: Context, body: Body): Verdict {
  const { header, bid } = body.proposal;
  if (faultOfBid(bid, header) !== undefined) return "invalid";
  if (bid === undefined) return "valid";
  const { builders } = context;
  if (builders === undefined || !isBundleInTime(bid, header)) return "invalid";
  const tail = body.transactions.slice(header.sealedCount).map((transaction) => {
    assert(transaction !== undefined, "the body is complete");
    return transaction;
  });
  if (faultOfTail(bid, tail) !== undefined) return "invalid";
  const cover = judgeCover(builders, bid, header);
  if (cover !== "valid") return cover;
  // What we built ourselves is made of a bid that was verified when it came.
  if (body.from.type === "self") return "valid";
  return isBidSigned(builders, bid) && judgeBundle(context, builders, bid, header.keyId) === "valid" ? "valid" : "invalid";
}

/** Tells a builder that runs this machine where a block may come next, each once. */
export function tellBuildable(
  context: Context,
  at: { readonly parentHash: BlockHash; readonly parentHeight: Height; readonly view: View },
): void {
  const { builders } = context;
  if (builders === undefined || builders.self !== undefined) return;
  const { parentHash, view } = at;
  if (builders.told?.parentHash === parentHash && builders.told.view === view) return;
  builders.told = { parentHash, view };
  const opportunity = { height: Height.next(at.parentHeight), parentHash, view, leader: context.consensus.leaderOf(view) };
  context.outbox.effects.push({ type: "buildable", opportunity });
}

export function materialFor(context: Context, account: AccountId, opportunity: Opportunity): BuildingMaterial | undefined {
  const { builders, sealing } = context;
  const { final } = context.execution;
  const { height, parentHash } = opportunity;
  // Final bodies are kept for a while: a catch-up may have passed the opportunity by.
  const isHeld = parentHash === final.blockHash || (height > final.height && context.bodies.get(parentHash) !== undefined);
  if (builders === undefined || !isHeld) return undefined;
  const executedHeight = final.height;
  const { builder } = builders.history.at(account, executedHeight);
  const promised = builders.history.promised(account, { parentHash, executedHeight });
  if (builder === undefined || promised === undefined) return undefined;
  const covered = builder.isActiveAt(height) ? builder.bond - promised : 0n;
  const keyId = keyIdAt(sealing, executedHeight);
  const isOpenSoon = height - executedHeight <= UNOPENED_BLOCKS_MAX && keyId !== NO_KEY;
  const carried = context.work.carriedBy(parentHash, final.blockHash);
  return {
    executedHeight,
    spendable: covered > 0n ? covered : 0n,
    feeRecipient: builder.feeRecipient,
    ancestorBids: ancestorBidsOf(context, parentHash),
    key: isOpenSoon ? sealing?.keygen.live?.key : undefined,
    transactions: context.pool.select({
      bytesMax: TAIL_BYTES_MAX,
      countMax: TAIL_TRANSACTIONS_MAX,
      height,
      isExcluded: (hash) => carried.has(hash),
    }),
  };
}

/** Bids of the blocks between the executed head and the parent, the parent's first. */
function ancestorBidsOf(context: Context, parentHash: BlockHash): readonly BidHash[] {
  const bids: BidHash[] = [];
  for (let hash = parentHash; hash !== context.execution.final.blockHash; ) {
    const header = context.bodies.get(hash)?.proposal.header;
    if (header === undefined) return bids;
    if (header.bidHash !== NO_BID) bids.push(header.bidHash);
    hash = header.parentHash;
  }
  return bids;
}
