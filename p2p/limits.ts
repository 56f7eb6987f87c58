/** Every bound, interval and deadline of the network in one table. `p2p/README.md` lists what happens at each queue's bound.
 *  Nothing here has a default elsewhere: `createNetwork` takes the table as an option, tests pass smaller ones. */

import { assert } from "../types/assert.ts";
import { FRAME_BYTES_MAX, RESPONSE_BYTES_MAX, VALIDATORS_MAX } from "../types/limits.ts";

export interface NetworkLimits {
  /** Connections in all, and those of them that have not proven themselves yet or belong to no validator. */
  readonly connectionsMax: number;
  readonly pendingHandshakesMax: number;
  readonly strangersMax: number;
  /** Builders with a link. Registered ones find a place beside the strangers. */
  readonly builderLinksMax: number;
  /** New connections accepted per second and address. */
  readonly inboundConnectionsPerSecond: number;
  readonly handshakeDeadlineMs: number;
  readonly dialDeadlineMs: number;
  /** Back-off between dials of one peer: doubles from the first to the second, with jitter. */
  readonly dialRetryMsMin: number;
  readonly dialRetryMsMax: number;
  /** Of two validators the lower index dials at once; the higher one gives it this long. */
  readonly dialYieldMs: number;
  /** How often `noPeers` is repeated while it lasts. */
  readonly noPeersRepeatMs: number;
  /** A connection is renewed after this many noise frames in one direction (the cipher's nonce ends at 2^32). */
  readonly connectionFramesMax: number;

  /** Direct streams: queue of each peer. */
  readonly queueBytesMax: number;
  readonly queueFramesMax: number;
  /** Largest single write to a stream, unless one frame is larger. */
  readonly writeBytesMax: number;
  /** libp2p's own write and read buffer of a stream. */
  readonly streamBufferBytesMax: number;
  /** A peer that takes nothing for this long loses its connection. */
  readonly stuckMs: number;
  /** A peer that sends nothing for this long is taken for dead. */
  readonly linkSilenceMs: number;
  /** Frames per second accepted from a validator whose score is below `scoreMin`. */
  readonly throttledFramesPerSecond: number;

  /** A builder tries to open its link again this long after it was refused; a validator takes so many attempts a second from one. */
  readonly builderRetryMs: number;
  readonly builderAttemptsPerSecond: number;
  /** Registered accounts whose new connections and links are counted, each at the rate of attempts. */
  readonly pacedAccountsMax: number;
  /** Frames and bytes a second accepted from one builder's link, control frames included; a second's worth (of bytes two) at once. */
  readonly builderFramesPerSecond: number;
  readonly builderBytesPerSecond: number;
  /** Transactions a second that one builder brought and a validator passes on to others; a second's worth at once. */
  readonly builderPassedBytesPerSecond: number;
  /** Transactions that were passed on lately are not passed on again for so long; so many are remembered at least. */
  readonly passedForMs: number;
  readonly passedTransactionsMax: number;
  /** Where full nodes listen, one validator after the other publishes them, so long apart. */
  readonly passStaggerMs: number;
  /** Requests a second of a builder with a link. */
  readonly builderRequestsPerSecond: number;

  /** Status frames: looked at this often and sent when changed; sent anyway after `statusRepeatMs`. */
  readonly statusIntervalMs: number;
  readonly statusRepeatMs: number;
  /** A missing link must last this long before messages go around it by gossip, and be healed this long before that ends. */
  readonly gapDelayMs: number;
  readonly gapLingerMs: number;

  /** Transactions that a full node sends a second: less than is taken from a stranger by gossip, or over a builder's link beside its bids. */
  readonly fullNodeTransactionBytesPerSecond: number;
  /** Gossip of transactions: the pause between two messages adapts between these bounds. */
  readonly transactionFlushMsMin: number;
  readonly transactionFlushMsMax: number;
  /** A batch this large leaves without waiting. */
  readonly transactionBatchBytes: number;
  readonly transactionQueueBytesMax: number;
  readonly transactionQueueCountMax: number;
  readonly gossipBufferBytesMax: number;
  /** A gossip stream that is missing for this long costs the connection, so that a fresh one replaces it. */
  readonly gossipStreamMissingMs: number;
  readonly gossipBytesPerSecondValidator: number;
  readonly gossipBytesPerSecondStranger: number;
  readonly gossipSeenMs: number;
  /** Hashes of direct frames that are remembered while gossip, or to a builder another validator, may bring them a second time. */
  readonly recentFramesMax: number;

  /** Requests under way: ours and those of peers. */
  readonly requestsOutMax: number;
  readonly requestsOutPerPeerMax: number;
  readonly requestsInMax: number;
  readonly requestsInPerPeerMax: number;
  /** To read a request, have it answered, and write the answer. */
  readonly serveDeadlineMs: number;
  readonly responseBytesMax: number;
  readonly strangerResponseBytesMax: number;
  readonly strangerRequestsPerSecond: number;
  readonly strangerBytesPerSecond: number;

  /** Scores: 0 is neutral, penalties subtract, time heals by half each half-life. */
  readonly scoreMin: number;
  readonly scoreHalfLifeMs: number;
  readonly banMs: number;
  /** Remembered scores and bans of peers that are gone. */
  readonly scoresMax: number;
  readonly bansMax: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const NETWORK_LIMITS: NetworkLimits = {
  connectionsMax: 2 * VALIDATORS_MAX + 160,
  pendingHandshakesMax: 64,
  strangersMax: 64,
  builderLinksMax: 32,
  inboundConnectionsPerSecond: 50,
  handshakeDeadlineMs: 5_000,
  dialDeadlineMs: 5_000,
  dialRetryMsMin: 50,
  dialRetryMsMax: 5_000,
  dialYieldMs: 400,
  noPeersRepeatMs: 10_000,
  connectionFramesMax: 2 ** 31,

  queueBytesMax: 8 * MIB,
  queueFramesMax: 4_096,
  writeBytesMax: 256 * KIB,
  streamBufferBytesMax: 4 * MIB,
  stuckMs: 5_000,
  linkSilenceMs: 15_000,
  throttledFramesPerSecond: 50,

  builderRetryMs: 1_000,
  builderAttemptsPerSecond: 2,
  pacedAccountsMax: 1_024,
  builderFramesPerSecond: 500,
  builderBytesPerSecond: 4 * MIB,
  builderPassedBytesPerSecond: MIB,
  passedForMs: 1_000,
  passedTransactionsMax: 16_384,
  passStaggerMs: 50,
  builderRequestsPerSecond: 50,

  statusIntervalMs: 1_000,
  statusRepeatMs: 5_000,
  gapDelayMs: 1_000,
  gapLingerMs: 5_000,

  fullNodeTransactionBytesPerSecond: MIB,
  transactionFlushMsMin: 4,
  transactionFlushMsMax: 20,
  transactionBatchBytes: 64 * KIB,
  transactionQueueBytesMax: 8 * MIB,
  transactionQueueCountMax: 16_384,
  gossipBufferBytesMax: 8 * MIB,
  gossipStreamMissingMs: 5_000,
  gossipBytesPerSecondValidator: 64 * MIB,
  gossipBytesPerSecondStranger: 2 * MIB,
  gossipSeenMs: 30_000,
  recentFramesMax: 1_024,

  requestsOutMax: 64,
  requestsOutPerPeerMax: 8,
  requestsInMax: 32,
  requestsInPerPeerMax: 8,
  serveDeadlineMs: 10_000,
  responseBytesMax: RESPONSE_BYTES_MAX,
  strangerResponseBytesMax: RESPONSE_BYTES_MAX,
  strangerRequestsPerSecond: 5,
  strangerBytesPerSecond: 4 * MIB,

  scoreMin: -100,
  scoreHalfLifeMs: 60_000,
  banMs: 300_000,
  scoresMax: 1_024,
  bansMax: 1_024,
};

/** Checks relations between the figures of a table, so that a bad one fails at start. */
export function assertLimits(limits: NetworkLimits): void {
  assert(limits.queueBytesMax > FRAME_BYTES_MAX, "a queue holds at least one frame of every size");
  assert(limits.streamBufferBytesMax > limits.writeBytesMax + FRAME_BYTES_MAX, "one write fits the stream's buffer");
  assert(limits.transactionFlushMsMin <= limits.transactionFlushMsMax, "the flush interval has a range");
  assert(limits.transactionBatchBytes < FRAME_BYTES_MAX / 2, "a batch fits a frame");
  assert(limits.statusRepeatMs * 2 < limits.linkSilenceMs, "a live peer is heard more often than silence is judged");
  assert(limits.responseBytesMax <= RESPONSE_BYTES_MAX, "responses stay within the protocol's bound");
  assert(limits.scoreMin < 0, "a neutral peer is above the bound");
  assert(limits.builderBytesPerSecond > FRAME_BYTES_MAX, "a builder may send a frame of every size");
  assert(limits.fullNodeTransactionBytesPerSecond < limits.gossipBytesPerSecondStranger, "an honest full node is no flood");
  assert(limits.builderAttemptsPerSecond * limits.builderRetryMs > 1_000, "an honest builder's attempts stay within their rate");
  assert(limits.connectionFramesMax < 2 ** 32, "a connection is renewed before its nonces end");
}

assert(NETWORK_LIMITS.strangerResponseBytesMax >= RESPONSE_BYTES_MAX, "a full node can fetch whatever range a validator serves");
