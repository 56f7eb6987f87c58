/** Inputs that wait for the machine: one list in order of arrival, bounded for what peers send.
 *
 *  Never dropped: our own inputs (start, timers, signed votes and proposals, transactions of clients) and what we asked for
 *  (responses, failures, a peer's leaving); each of these is bounded where it is made. Dropped when the peers' share is full:
 *  the oldest bid, else the oldest vote, else the oldest certificate, else the oldest batch of a peer's transactions, else the oldest list, share or
 *  other message of the sealed lane, else the oldest proposal. All but bids are repeated or fetched by the protocol, votes most
 *  cheaply; without a bid its proposer builds the block itself. A newer status of a peer replaces its older one. */

import type { ReplicaInput } from "../replica/interface.ts";
import { unreachable } from "../types/assert.ts";
import type { OfferedBid } from "../types/bid.ts";
import { LIST_ENTRY_BYTES } from "../types/inclusion_list.ts";
import { openingBytesOf, type SealingMessage } from "../types/opening_message.ts";
import { SEALING_SIZES } from "../types/sealing.ts";
import type { PeerKey } from "../types/sender.ts";
import type { TimerTicket } from "./timers.ts";

/** How droppable inputs leave when their share is full, first to last. */
const DROP_ORDER = ["bid", "vote", "certificate", "transactions", "sealing", "proposal"] as const;
type DroppableType = (typeof DROP_ORDER)[number];

export interface InputQueueLimits {
  /** Peers' proposals, votes, certificates, bids, sealing messages and batches of transactions that may wait. */
  readonly peerInputsMax: number;
  /** Transactions in the waiting batches of peers, their bids and their sealing messages, in bytes. */
  readonly peerBytesMax: number;
}

/** `ticket` is set for timers: which setting of the timer expired. */
export interface QueuedInput {
  readonly input: ReplicaInput;
  readonly ticket: TimerTicket | undefined;
}

export interface InputQueue {
  push(queued: QueuedInput): void;
  /** Puts inputs that result from the step just done before everything that waits. */
  pushFirst(inputs: readonly ReplicaInput[]): void;
  /** Empties the queue. */
  takeAll(): QueuedInput[];
  readonly length: number;
  readonly droppedCount: number;
}

export function createInputQueue(limits: InputQueueLimits): InputQueue {
  let waiting: QueuedInput[] = [];
  let peerInputs = 0;
  let peerBytes = 0;
  let droppedCount = 0;

  function dropOne(): boolean {
    for (const type of DROP_ORDER) {
      const index = waiting.findIndex(({ input }) => droppableType(input) === type);
      const dropped = waiting[index];
      if (dropped === undefined) continue;
      waiting.splice(index, 1);
      peerInputs -= 1;
      peerBytes -= bytesOf(dropped.input);
      droppedCount += 1;
      return true;
    }
    return false;
  }

  function push(queued: QueuedInput): void {
    const { input } = queued;
    if (input.type === "peerStatus") dropStatus(waiting, input.peer);
    waiting.push(queued);
    if (droppableType(input) === undefined) return;
    peerInputs += 1;
    peerBytes += bytesOf(input);
    while ((peerInputs > limits.peerInputsMax || peerBytes > limits.peerBytesMax) && dropOne());
  }

  return {
    push,
    pushFirst(inputs) {
      waiting = [...inputs.map((input) => ({ input, ticket: undefined })), ...waiting];
    },
    takeAll() {
      const taken = waiting;
      waiting = [];
      peerInputs = 0;
      peerBytes = 0;
      return taken;
    },
    get length() {
      return waiting.length;
    },
    get droppedCount() {
      return droppedCount;
    },
  };
}

function droppableType(input: ReplicaInput): DroppableType | undefined {
  switch (input.type) {
    case "vote":
    case "certificate":
    case "proposal":
    case "sealing":
    case "bid":
      return input.from.type === "self" ? undefined : input.type;
    case "transactions":
      return input.source.type === "client" ? undefined : input.type;
    default:
      return undefined;
  }
}

function bytesOf(input: ReplicaInput): number {
  if (input.type === "sealing") return sealingBytesOf(input.message);
  if (input.type === "bid") return bidBytesOf(input.offered);
  if (input.type !== "transactions") return 0;
  let bytes = 0;
  for (const transaction of input.transactions) bytes += transaction.bytes.length;
  return bytes;
}

const HASH_BYTES = 32;
const bidBytesOf = ({ bid, tailHashes }: OfferedBid): number => bid.bundle.length + HASH_BYTES * tailHashes.length;

/** Roughly what the message takes on the wire. */
function sealingBytesOf(message: SealingMessage): number {
  switch (message.type) {
    case "list":
      return LIST_ENTRY_BYTES * message.list.entries.length;
    case "shares":
      return SEALING_SIZES.point * message.shares.length;
    case "seeds":
      return message.openings.reduce((total, { opening }) => total + openingBytesOf(opening), 0);
    case "proofs":
      return message.batches.reduce((total, { shares }) => total + SEALING_SIZES.proof + SEALING_SIZES.point * shares.length, 0);
    case "openingRequest":
    case "proofRequest":
      return 2 * message.positions.length;
    default:
      return unreachable(message);
  }
}

function dropStatus(waiting: QueuedInput[], peer: PeerKey): void {
  const index = waiting.findIndex(({ input }) => input.type === "peerStatus" && input.peer === peer);
  if (index >= 0) waiting.splice(index, 1);
}
