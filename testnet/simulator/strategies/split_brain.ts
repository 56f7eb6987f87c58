/** A conspiracy that keeps two chains alive. The honest are two halves; each half gets blocks of its own, all traitors vote for each half's
 *  blocks towards that half, and keep from it what would show the other chain. The machine follows one of the chains; on the
 *  other one the strategy proposes by itself: empty blocks over that half's highest QC. Below W/3 it only ever splits votes
 *  (R2, R4, R8); from W/3 on both halves finalize, which the checkers must see. */

import { bodyRootOf, hashHeader } from "../../../crypto/hashes.ts";
import { type BlockHeader, PLAIN_BLOCK } from "../../../types/block.ts";
import { type BlockHash, Height, TimestampMs, type ValidatorIndex, View } from "../../../types/ids.ts";
import type { Certificate } from "../../../types/vote.ts";
import type { WireMessage } from "../facts.ts";
import type { Outgoing, Strategy, TraitorContext, UnsignedProposal } from "../strategy.ts";
import { ballotFor, honestOf, unchanged } from "./ballots.ts";
import { createDeedLedger } from "./deed_ledger.ts";
import { createShelf, type Shelf } from "./memory.ts";
import { createMirror, type Mirror } from "./mirror.ts";
import { hashOf, variantOf } from "./variants.ts";

/** What is known of one half's chain. */
interface Half {
  readonly members: readonly ValidatorIndex[];
  /** The highest QC heard from it. */
  tip: Certificate | undefined;
  /** Certified blocks by height, and all blocks that it has heard of. */
  readonly certified: Shelf<number, BlockHash>;
  readonly known: Shelf<BlockHash, true>;
  /** The last view in which a block was made for it. */
  proposedView: number;
}

interface Memory {
  readonly headers: Shelf<BlockHash, BlockHeader>;
  readonly timeouts: Shelf<number, Certificate>;
  /** For whom a block of ours is meant. */
  readonly meantFor: Shelf<BlockHash, Half>;
  halves: readonly [Half, Half] | undefined;
}

const HEADERS_MAX = 512;
const VIEWS_MAX = 256;

export function createSplitBrain(): Strategy {
  const deeds = createDeedLedger();
  const mirror = createMirror(deeds);
  const memory: Memory = {
    headers: createShelf(HEADERS_MAX),
    timeouts: createShelf(VIEWS_MAX),
    meantFor: createShelf(VIEWS_MAX),
    halves: undefined,
  };
  return {
    beforeVote(ballot) {
      deeds.noteMachine(ballot);
      return [ballot];
    },
    beforeProposal(proposal, context) {
      const { view } = proposal.header;
      if (honestOf(context).length < 2 || !context.acts(view)) return [proposal];
      const blocks = halvesOf(memory, context).map((half, index) => {
        const block = blockFor(half, { proposal, index, memory, context });
        dedicate(block, half, { memory, mirror, context });
        return block;
      });
      context.note(view, "proposes one block to each half");
      // The machine's own block comes first, wherever it is meant to go.
      return blocks.includes(proposal) ? blocks.sort((left, right) => Number(right === proposal) - Number(left === proposal)) : blocks;
    },
    onSend: (message, route, context) =>
      isKeptFrom(message, route.to, memory, context) ? keepBack(message, route.to, context) : mirror.onSend(message, route, context),
    onReceive(message, from, context) {
      if (honestOf(context).length >= 2) learn(message, from, { memory, context });
      const rest = mirror.onReceive(message, from, context);
      if (honestOf(context).length >= 2) proposeToOtherHalf(message, from, { memory, mirror, context });
      return rest;
    },
  };
}

interface Scene {
  readonly memory: Memory;
  readonly mirror: Mirror;
  readonly context: TraitorContext;
}

function halvesOf(memory: Memory, context: TraitorContext): readonly [Half, Half] {
  if (memory.halves !== undefined) return memory.halves;
  const honest = honestOf(context);
  const middle = Math.ceil(honest.length / 2);
  const half = (members: readonly ValidatorIndex[]): Half => ({
    members,
    tip: undefined,
    certified: createShelf(HEADERS_MAX),
    known: createShelf(HEADERS_MAX),
    proposedView: 0,
  });
  memory.halves = [half(honest.slice(0, middle)), half(honest.slice(middle))];
  return memory.halves;
}

function halfOf(validator: ValidatorIndex, memory: Memory, context: TraitorContext): Half | undefined {
  return halvesOf(memory, context).find(({ members }) => members.includes(validator));
}

/** Notes blocks, certificates and votes under the half that they come from. */
function learn(message: WireMessage, from: ValidatorIndex, { memory, context }: Pick<Scene, "memory" | "context">): void {
  const half = halfOf(from, memory, context);
  if (message.type === "proposal") {
    const { header, parentCertificate, timeoutCertificates } = message.proposal;
    const blockHash = hashHeader(header);
    memory.headers.put(blockHash, header);
    half?.known.put(blockHash, true);
    if (parentCertificate !== undefined) learnCertificate(parentCertificate, half, memory);
    for (const certificate of timeoutCertificates) learnCertificate(certificate, half, memory);
  } else if (message.type === "certificate") learnCertificate(message.certificate, half, memory);
  else if (message.type === "vote" && message.vote.validator === from) half?.known.put(message.vote.ballot.blockHash, true);
}

function learnCertificate(certificate: Certificate, half: Half | undefined, memory: Memory): void {
  const { kind, view, height, blockHash } = certificate.ballot;
  if (kind === "timeout") memory.timeouts.put(view, certificate);
  if (kind !== "vote" || half === undefined) return;
  half.known.put(blockHash, true);
  half.certified.put(height, blockHash);
  if (half.tip === undefined || half.tip.ballot.view < view) half.tip = certificate;
}

/** Have both halves certified different blocks at a height that both know? */
function areApart([left, right]: readonly [Half, Half]): boolean {
  const height = Math.min(left.tip?.ballot.height ?? 0, right.tip?.ballot.height ?? 0);
  const ours = left.certified.get(height);
  const theirs = right.certified.get(height);
  return ours !== undefined && theirs !== undefined && ours !== theirs;
}

interface Wanted {
  readonly proposal: UnsignedProposal;
  readonly index: number;
  readonly memory: Memory;
  readonly context: TraitorContext;
}

/** The machine's block for the half whose chain it extends; while the chains are one, a variant of it for the second half. */
function blockFor(half: Half, { proposal, index, memory, context }: Wanted): UnsignedProposal {
  const { header } = proposal;
  if (!areApart(halvesOf(memory, context))) return index === 0 ? proposal : variantOf(proposal, 1, context.stream);
  if (half.certified.get(header.height - 1) === header.parentHash) return proposal;
  return blockOverTip(half, header.view, { memory, context, timeMs: header.timeMs }) ?? variantOf(proposal, 1, context.stream);
}

/** An empty block over the half's highest QC; undefined where a TC between is missing. */
function blockOverTip(
  { tip }: Half,
  view: View,
  { memory, context, timeMs }: Pick<Scene, "memory" | "context"> & { readonly timeMs: number },
): UnsignedProposal | undefined {
  const parent = tip === undefined ? undefined : memory.headers.get(tip.ballot.blockHash);
  if (tip === undefined || parent === undefined || parent.view >= view) return undefined;
  const timeoutCertificates: Certificate[] = [];
  for (let skipped = parent.view + 1; skipped < view; skipped++) {
    const certificate = memory.timeouts.get(skipped);
    if (certificate === undefined) return undefined;
    timeoutCertificates.push(certificate);
  }
  const header: BlockHeader = {
    epoch: parent.epoch,
    height: Height.next(parent.height),
    view,
    proposer: context.self,
    parentHash: tip.ballot.blockHash,
    parentView: parent.view,
    timeMs: TimestampMs.of(Math.max(timeMs, parent.timeMs + 1)),
    bodyRoot: bodyRootOf([]),
    transactionCount: 0,
    bodyBytes: 0,
    executedHeight: parent.executedHeight,
    executedRoot: parent.executedRoot,
    ...PLAIN_BLOCK,
  };
  // Of a long row of lost views only the newest TCs are inline; such a proposal is given up here.
  return timeoutCertificates.length > 16
    ? undefined
    : { header, parentCertificate: tip, timeoutCertificates, transactionHashes: [], lists: [] };
}

function dedicate(block: UnsignedProposal, half: Half, { memory, mirror, context }: Scene): void {
  const blockHash = hashOf(block);
  memory.headers.put(blockHash, block.header);
  memory.meantFor.put(blockHash, half);
  half.known.put(blockHash, true);
  half.proposedView = Math.max(half.proposedView, block.header.view);
  for (const member of half.members) mirror.assign(member, ballotFor("vote", block.header), context);
}

/** Our blocks for the other half, and certificates of blocks that this half has never heard of once the chains are apart. */
function isKeptFrom(message: WireMessage, to: ValidatorIndex, memory: Memory, context: TraitorContext): boolean {
  const half = honestOf(context).length < 2 ? undefined : halfOf(to, memory, context);
  if (half === undefined) return false;
  if (message.type === "proposal") {
    const meantFor = memory.meantFor.get(hashHeader(message.proposal.header));
    return meantFor !== undefined && meantFor !== half;
  }
  if (message.type !== "certificate" || message.certificate.ballot.kind === "timeout") return false;
  return areApart(halvesOf(memory, context)) && !half.known.has(message.certificate.ballot.blockHash);
}

function keepBack(message: WireMessage, to: ValidatorIndex, context: TraitorContext): readonly Outgoing[] {
  const { view } = context.status;
  if (message.type !== "proposal" && !context.acts(view)) return unchanged(message);
  if (message.type !== "proposal") context.note(view, `keeps the other chain from ${to}`);
  return [];
}

/** A half that has moved to a view of ours gets a block there when the machine, on the other chain, makes none for it. */
function proposeToOtherHalf(message: WireMessage, from: ValidatorIndex, { memory, mirror, context }: Scene): void {
  const half = halfOf(from, memory, context);
  if (message.type !== "certificate" || half === undefined) return;
  const halves = halvesOf(memory, context);
  const view = View.next(message.certificate.ballot.view);
  if (view % context.count !== context.self || half.proposedView >= view || !areApart(halves)) return;
  if (half.certified.get(context.status.height) === undefined || !context.acts(view)) return;
  const block = blockOverTip(half, view, { memory, context, timeMs: 0 });
  if (block === undefined) return;
  dedicate(block, half, { memory, mirror, context });
  context.note(view, "proposes on the chain that its machine does not follow");
  const proposal = context.signProposal(block);
  const vote = context.signVote(ballotFor("vote", block.header));
  for (const to of half.members) {
    context.send(to, { type: "proposal", proposal }, 0);
    context.send(to, { type: "vote", vote }, 0);
  }
  for (const to of context.traitors) if (to !== context.self) context.send(to, { type: "proposal", proposal }, 0);
}
