/** Answers requests wrongly, and unasked: other blocks, changed bodies, swapped proofs, nothing, far too much, another type; and claims
 *  huge heights in its status. A response is checked against its request and proven by certificates (failure 7, R7); what does
 *  not hold is asked from somebody else; a claimed height is only a hint whom to ask. */

import type { Block } from "../../../types/block.ts";
import { type BlockHash, Epoch, Height, TimestampMs, ValidatorIndex, View } from "../../../types/ids.ts";
import type { PeerStatus, SyncResponse } from "../../../types/sync.ts";
import type { WireMessage } from "../facts.ts";
import type { Strategy, TraitorContext } from "../strategy.ts";
import type { Stream } from "../streams.ts";
import { othersOf, unchanged } from "./ballots.ts";
import { inventBlsSignature, inventHash } from "./inventions.ts";
import { type Album, createAlbum } from "./memory.ts";

const UNASKED_MAX = 3;
const REQUEST_IDS_GUESSED = 64;
const REPEATED_BLOCKS_MAX = 64;
const REPEATED_CERTIFICATES_MAX = 256;
const HUGE = 2 ** 40;

export function createSyncLies(): Strategy {
  const seen = createAlbum<SyncResponse>({ earlyMax: 8, lateMax: 24 });
  return {
    onSend(message, { to }, context) {
      const { view } = context.status;
      if (message.type === "status" && context.acts(view)) {
        context.note(view, `claims a false status towards ${to}`);
        return unchanged({ type: "status", status: falseStatus(message.status, context) });
      }
      if (message.type !== "response") return unchanged(message);
      seen.add(message.response);
      if (!context.acts(view)) return unchanged(message);
      const lie = lieAbout(message.response, seen, context);
      context.note(view, lie === undefined ? `answers ${to} nothing` : `answers ${to} with a wrong ${lie.type}`);
      return lie === undefined ? [] : unchanged({ ...message, response: lie });
    },
    onReceive(message) {
      if (message.type === "response") seen.add(message.response);
      return [message];
    },
    onView(view, context) {
      const targets = othersOf(context);
      if (targets.length === 0 || !context.acts(view)) return;
      const count = context.stream.between(1, UNASKED_MAX);
      for (let index = 0; index < count; index++) context.send(context.stream.pick(targets), unasked(seen, context), 0);
      context.note(view, `sends ${count} answers that nobody asked for`);
    },
  };
}

function unasked(seen: Album<SyncResponse>, context: TraitorContext): WireMessage {
  const { stream, status } = context;
  const truth = {
    epoch: Epoch.ZERO,
    view: status.view,
    finalHeight: status.finalHeight,
    finalHash: status.finalHash,
    oldestHeight: Height.ZERO,
  };
  if (stream.chance(0.4)) return { type: "status", status: falseStatus(truth, context) };
  const known = seen.pick(stream) ?? { type: "status", status: truth };
  const response = lieAbout(known, seen, context) ?? known;
  return { type: "response", requestId: stream.below(REQUEST_IDS_GUESSED), response };
}

function falseStatus(status: PeerStatus, { stream }: TraitorContext): PeerStatus {
  const finalHash = inventHash<BlockHash>(stream);
  switch (stream.below(4)) {
    case 0:
      return { ...status, view: View.plus(status.view, HUGE), finalHeight: Height.plus(status.finalHeight, HUGE), finalHash };
    case 1:
      return { ...status, finalHeight: Height.plus(status.finalHeight, stream.between(1, 50)), finalHash };
    case 2:
      return { ...status, finalHash, oldestHeight: Height.plus(status.finalHeight, 10) };
    default:
      return { ...status, view: View.ZERO, finalHeight: Height.ZERO, oldestHeight: Height.ZERO };
  }
}

/** Undefined: silence. Whatever comes back passes the codec of responses. */
function lieAbout(response: SyncResponse, seen: Album<SyncResponse>, context: TraitorContext): SyncResponse | undefined {
  const { stream } = context;
  const choice = stream.below(10);
  if (choice === 0) return undefined;
  // An older answer, perhaps of another type.
  if (choice === 1) return seen.pick(stream);
  switch (response.type) {
    case "status":
      return { type: "status", status: falseStatus(response.status, context) };
    case "finalBlocks":
      return wrongRange(response, seen, stream);
    case "block":
      return { type: "block", block: wrongBlock(response.block, seen, stream) };
    case "timeoutCertificates":
      return wrongCertificates(response, stream);
    case "transactions":
      return wrongTransactions(response, seen, stream);
  }
}

type RangeResponse = Extract<SyncResponse, { readonly type: "finalBlocks" }>;

/** Seeds that open nothing, failures that nobody proved, one too few. */
function wrongOpenings({ openings }: RangeResponse, stream: Stream): RangeResponse["openings"] {
  const lie = stream.below(3);
  return openings.map((ofBlock) => {
    if (lie === 0) return ofBlock.slice(1);
    return ofBlock.map((opening) => {
      if (stream.chance(0.5)) return opening;
      const share = { validator: ValidatorIndex.of(0), share: stream.bytes(32), proof: stream.bytes(64) };
      return lie === 1 ? { type: "seed", seed: stream.bytes(32) } : { type: "failed", shares: [share] };
    });
  });
}

/** Blocks with their openings, picked anew. */
function inOrder({ blocks, openings }: RangeResponse, indices: readonly number[]): Pick<RangeResponse, "blocks" | "openings"> {
  return { blocks: indices.flatMap((index) => blocks[index] ?? []), openings: indices.map((index) => openings[index] ?? []) };
}

function wrongRange(range: RangeResponse, seen: Album<SyncResponse>, stream: Stream): SyncResponse {
  const { blocks, commitCertificate } = range;
  const [first] = blocks;
  if (first === undefined || commitCertificate === undefined) return range;
  if (range.openings.some((openings) => openings.length > 0) && stream.chance(0.4))
    return { ...range, openings: wrongOpenings(range, stream) };
  switch (stream.below(7)) {
    case 0:
      return { type: "finalBlocks", blocks: [], openings: [], trailingHeaders: [], commitCertificate: undefined };
    case 1:
      return { ...range, ...inOrder(range, [...blocks.keys()].reverse()) };
    case 2:
      return { ...range, ...inOrder(range, blocks.length > 1 ? [...blocks.keys()].slice(1) : [0, 0]) };
    case 3:
      return {
        ...range,
        ...inOrder(
          range,
          Array.from({ length: REPEATED_BLOCKS_MAX }, (_, index) => index % blocks.length),
        ),
      };
    case 4: {
      const at = stream.below(blocks.length);
      return { ...range, blocks: blocks.map((block, index) => (index === at ? changedBlock(block, stream) : block)) };
    }
    case 5:
      return { ...range, commitCertificate: { ...commitCertificate, signature: inventBlsSignature(stream) } };
    default: {
      const other = seen.pick(stream);
      const proof = other?.type === "finalBlocks" ? other.commitCertificate : undefined;
      return { ...range, commitCertificate: proof ?? { ...commitCertificate, signature: inventBlsSignature(stream) } };
    }
  }
}

function wrongBlock(block: Block | undefined, seen: Album<SyncResponse>, stream: Stream): Block | undefined {
  const other = seen.pick(stream);
  const known = other?.type === "block" ? other.block : other?.type === "finalBlocks" ? other.blocks[0] : undefined;
  const model = block ?? known;
  switch (stream.below(3)) {
    case 0:
      return undefined;
    case 1:
      return known;
    default:
      return model === undefined ? undefined : changedBlock(model, stream);
  }
}

/** Another body under the same header, another header over the same body, or a justification that is not its own. */
function changedBlock(block: Block, stream: Stream): Block {
  const [first, ...rest] = block.transactions;
  switch (stream.below(3)) {
    case 0:
      if (first !== undefined && first.length > 0) return { ...block, transactions: [flipped(first, stream), ...rest] };
      return { ...block, header: { ...block.header, timeMs: TimestampMs.plus(block.header.timeMs, 1) } };
    case 1:
      return { ...block, header: { ...block.header, timeMs: TimestampMs.plus(block.header.timeMs, 1) } };
    default: {
      const { parentCertificate } = block;
      if (parentCertificate === undefined) return { ...block, signature: flipped(block.signature, stream) };
      return { ...block, parentCertificate: { ...parentCertificate, signature: inventBlsSignature(stream) } };
    }
  }
}

function wrongCertificates(response: Extract<SyncResponse, { readonly type: "timeoutCertificates" }>, stream: Stream): SyncResponse {
  const { certificates } = response;
  const [first] = certificates;
  if (first === undefined) return response;
  switch (stream.below(4)) {
    case 0:
      return { ...response, certificates: [] };
    case 1:
      return { ...response, certificates: Array.from({ length: REPEATED_CERTIFICATES_MAX }, () => first) };
    case 2:
      return { ...response, certificates: [...certificates].reverse().slice(1) };
    default:
      return { ...response, certificates: certificates.map((each) => ({ ...each, signature: inventBlsSignature(stream) })) };
  }
}

function wrongTransactions(
  response: Extract<SyncResponse, { readonly type: "transactions" }>,
  seen: Album<SyncResponse>,
  stream: Stream,
): SyncResponse {
  const { transactions } = response;
  const other = seen.pick(stream);
  switch (stream.below(4)) {
    case 0:
      return { ...response, transactions: [] };
    case 1:
      return { ...response, transactions: [stream.bytes(stream.between(1, 300))] };
    case 2:
      return {
        ...response,
        transactions: other?.type === "transactions" ? [...transactions, ...other.transactions].slice(0, 256) : transactions.slice(1),
      };
    default:
      return { ...response, transactions: transactions.map((bytes) => (bytes.length === 0 ? bytes : flipped(bytes, stream))) };
  }
}

/** A copy with one bit changed. */
function flipped(bytes: Uint8Array, stream: Stream): Uint8Array {
  const copy = bytes.slice();
  const bit = stream.below(copy.length * 8);
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
}
