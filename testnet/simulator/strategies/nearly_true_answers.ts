/** Claims the greatest height, so that it is asked first, and answers with something in which exactly one thing is wrong: a made-up block
 *  under a real CC, headers that lead on to it without being a chain, other bodies, a QC in place of the CC, another block than the one
 *  asked for. R7, failure 7: each single condition of an answer is checked. */

import { hashHeader } from "../../../crypto/hashes.ts";
import type { Block } from "../../../types/block.ts";
import { type BlockHash, Epoch, Height, TimestampMs } from "../../../types/ids.ts";
import type { PeerStatus, SyncResponse } from "../../../types/sync.ts";
import type { Strategy, TraitorContext } from "../strategy.ts";
import type { Stream } from "../streams.ts";
import { honestOf, unchanged } from "./ballots.ts";
import { inventHash } from "./inventions.ts";
import { type Album, createAlbum } from "./memory.ts";

interface Answer {
  readonly response: SyncResponse;
  readonly what: string;
}

/** Far enough ahead to be asked at once, and before anybody who tells the truth. */
const LEAD_MIN = 16;
const LEAD_MAX = 64;

export function createNearlyTrueAnswers(): Strategy {
  const blocks = createAlbum<Block>({ earlyMax: 8, lateMax: 24 });
  return {
    onSend(message, { to }, context) {
      const { view } = context.status;
      if (message.type === "status") {
        if (!context.acts(view)) return unchanged(message);
        context.note(view, `claims a great height towards ${to}`);
        return unchanged({ type: "status", status: greatStatus(message.status, context.stream) });
      }
      if (message.type !== "response") return unchanged(message);
      const answer = context.acts(view) ? nearly(message.response, blocks, context) : undefined;
      keep(message.response, blocks);
      if (answer === undefined) return unchanged(message);
      context.note(view, `answers ${to} with ${answer.what}`);
      return unchanged({ ...message, response: answer.response });
    },
    onReceive(message) {
      if (message.type === "response") keep(message.response, blocks);
      return [message];
    },
    onView(view, context) {
      const honest = honestOf(context);
      if (honest.length === 0 || !context.acts(view)) return;
      const to = context.stream.pick(honest);
      context.note(view, `claims a great height towards ${to} out of turn`);
      context.send(to, { type: "status", status: greatStatus(statusOf(context), context.stream) }, 0);
    },
  };
}

function statusOf({ status }: TraitorContext): PeerStatus {
  const { view, finalHeight, finalHash } = status;
  return { epoch: Epoch.ZERO, view, finalHeight, finalHash, oldestHeight: Height.ZERO };
}

function keep(response: SyncResponse, blocks: Album<Block>): void {
  if (response.type === "block" && response.block !== undefined) blocks.add(response.block);
  if (response.type === "finalBlocks") for (const block of response.blocks.slice(-4)) blocks.add(block);
}

function greatStatus(status: PeerStatus, stream: Stream): PeerStatus {
  const finalHeight = Height.plus(status.finalHeight, stream.between(LEAD_MIN, LEAD_MAX));
  return { ...status, finalHeight, finalHash: inventHash<BlockHash>(stream), oldestHeight: Height.ZERO };
}

/** Undefined: nothing to spoil, the truth goes out. */
function nearly(response: SyncResponse, blocks: Album<Block>, context: TraitorContext): Answer | undefined {
  if (response.type === "finalBlocks") return nearlyRange(response, blocks, context.stream);
  if (response.type === "block" && response.block !== undefined) return nearlyBlock(response.block, blocks, context.stream);
  // Its own bodies are asked for by hash of the block, once nobody gave the transactions.
  if (response.type !== "transactions" || response.transactions.length === 0) return undefined;
  return { response: { ...response, transactions: [] }, what: "no transactions" };
}

function nearlyRange(range: Extract<SyncResponse, { type: "finalBlocks" }>, seen: Album<Block>, stream: Stream): Answer | undefined {
  const { blocks, commitCertificate, trailingHeaders } = range;
  const last = blocks.at(-1);
  const rest = blocks.slice(0, -1);
  if (last === undefined || commitCertificate === undefined) return undefined;
  const madeUp = { ...last, header: { ...last.header, timeMs: TimestampMs.plus(last.header.timeMs, 1) } };
  switch (stream.below(4)) {
    case 0:
      return { response: { ...range, blocks: [...rest, madeUp], trailingHeaders: [] }, what: "a made-up block under a real CC" };
    case 1: {
      const top = trailingHeaders.at(-1) ?? last.header;
      return { response: { ...range, blocks: [...rest, madeUp], trailingHeaders: [top] }, what: "headers that are no chain" };
    }
    case 2: {
      const spoilt = blocks.map((block) => withOtherBody(block, seen, stream) ?? block);
      return { response: { ...range, blocks: spoilt }, what: "other bodies in a range" };
    }
    default: {
      const proof = last.parentCertificate;
      if (proof === undefined || rest.length === 0 || trailingHeaders.length > 0) return undefined;
      return {
        response: { ...range, blocks: rest, openings: range.openings.slice(0, -1), commitCertificate: proof },
        what: "a QC in place of a CC",
      };
    }
  }
}

function nearlyBlock(block: Block, seen: Album<Block>, stream: Stream): Answer | undefined {
  const other = seen.pick(stream);
  const isOther = other !== undefined && hashHeader(other.header) !== hashHeader(block.header);
  if (isOther && stream.chance(0.5)) return { response: { type: "block", block: other }, what: "another block" };
  const spoilt = withOtherBody(block, seen, stream);
  return spoilt === undefined ? undefined : { response: { type: "block", block: spoilt }, what: "another body" };
}

/** Transactions that are good in themselves, under a header that does not name them. */
function withOtherBody(block: Block, seen: Album<Block>, stream: Stream): Block | undefined {
  const { transactions } = block;
  const others = seen.pick(stream)?.transactions ?? [];
  if (transactions.length === 0) return others.length === 0 ? undefined : { ...block, transactions: others };
  return { ...block, transactions: transactions.length > 1 && stream.chance(0.5) ? transactions.slice(1) : [] };
}
