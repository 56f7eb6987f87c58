/** The two gossip topics: what is published, what is accepted, what is passed on.
 *
 *  gossipsub runs without a mesh: a publisher sends to every subscriber it is connected with, which in a cluster is everybody.
 *  Messages are handed over inside the topic validator, whose answer then only decides on forwarding: `Accept` forwards to
 *  gossipsub's direct peers, `Ignore` does not forward, `Reject` is for bytes that no honest node sends. */

import { type Message as GossipMessage, TopicValidatorResult } from "@chainsafe/libp2p-gossipsub";
import type { PeerId } from "@libp2p/interface";
import { toHex } from "../types/bytes.ts";
import type { ChainId, ValidatorIndex } from "../types/ids.ts";
import { decodeMessage, encodeMessage, type Message } from "../types/message.ts";
import type { PeerKey, PenaltyReason } from "../types/sender.ts";
import { Signers } from "../types/validator_set.ts";
import { describeError } from "./errors.ts";
import { gossipMessageId, type Host } from "./host.ts";
import { directPeersOf } from "./internals.ts";
import type { NetworkLimits } from "./limits.ts";
import type { Peer, PeerTable } from "./peer_table.ts";
import { consensusTopic, topicOf, transactionsTopic } from "./wire.ts";

export interface Gossip {
  /** Joins the topics; the host has started. */
  start(): void;
  publishTransactions(transactions: readonly Uint8Array[]): void;
  /** `body` is a frame's type byte and encoding. */
  publishConsensus(body: Uint8Array): void;
  /** Is a full node without a link among the subscribers of the consensus topic? */
  readonly isFullNodeListening: boolean;
  /** Do most peers take nothing at the moment? */
  readonly isCongested: boolean;
  /** A frame came over a direct link; if gossip brings it too, it is not handed over again. */
  noteDirectFrame(body: Uint8Array): void;
  /** Goes with the state of the links: joins or leaves the consensus topic, and says who needs messages passed on. */
  update(state: { readonly isRelaying: boolean; readonly needsHelp: ReadonlySet<ValidatorIndex>; readonly nowMs: number }): void;
  /** For how long this peer has had no gossip stream from us, in ms. */
  missingStreamMs(peer: Peer, nowMs: number): number;
}

/** Full nodes that publish need their messages passed on to everybody; that ends this long after their last message. */
const STRANGER_PUBLISHES_MS = 10_000;

export function createGossip(options: {
  readonly host: Host;
  readonly chainId: ChainId;
  readonly self: ValidatorIndex | undefined;
  readonly limits: NetworkLimits;
  readonly peers: PeerTable;
  readonly nowMs: () => number;
  readonly isPoor: (peer: PeerKey) => boolean;
  /** Of the consensus topic. */
  readonly onMessage: (peer: Peer, message: Message) => void;
  /** Resolves to whether they may be passed on. */
  readonly onTransactions: (peer: Peer, transactions: readonly Uint8Array[]) => Promise<boolean>;
  readonly penalize: (peer: Peer, reason: PenaltyReason) => void;
  readonly onPublishFailed: (detail: string) => void;
}): Gossip {
  const { host, self, limits, peers, nowMs } = options;
  const gossip = host.services.gossip;
  const topics = { transactions: transactionsTopic(options.chainId), consensus: consensusTopic(options.chainId) };
  /** Hashes of frames that came directly while we listen to the consensus topic, oldest first. */
  const recent = new Set<string>();
  let isSubscribed = false;
  let needsHelp: ReadonlySet<ValidatorIndex> = new Set();
  let strangerPublishedMs: number | undefined;
  let isFullNodeListening = false;

  const isStrange = (peer: Peer): boolean => peer.identity.validator === undefined;
  /** Does it get nothing but by gossip? */
  const isUnlinked = (peer: Peer): boolean => isStrange(peer) && peer.link === undefined;

  /** A full node listens, but for a builder that has a link with every validator it is connected with. */
  function isListeningAnyway(): boolean {
    if (self !== undefined) return false;
    const validators = [...peers.all].filter((peer) => !isStrange(peer));
    return validators.length === 0 || validators.some(({ link }) => link === undefined);
  }

  /** Does somebody we know of lack a link with the peer that sent this? */
  function isForwardNeeded(source: Peer): boolean {
    const author = source.identity.validator;
    for (const peer of peers.all) {
      if (peer === source) continue;
      if (isUnlinked(peer)) return true;
      if (self === undefined) continue;
      if (author === undefined) return true;
      if (peer.links !== undefined && !Signers.has(peer.links, author)) return true;
    }
    return false;
  }

  function refreshDirectPeers(atMs: number): void {
    const direct = directPeersOf(gossip);
    if (direct === undefined) return;
    const isForAll = self !== undefined && strangerPublishedMs !== undefined && atMs - strangerPublishedMs < STRANGER_PUBLISHES_MS;
    direct.clear();
    for (const peer of peers.all) {
      const { validator } = peer.identity;
      if (validator === undefined || isForAll || needsHelp.has(validator)) direct.add(peer.key);
    }
  }

  function refreshListeners(): void {
    isFullNodeListening = gossip.getSubscribers(topics.consensus).some((peerId) => {
      const peer = peers.get(peerId.toString() as PeerKey);
      return peer !== undefined && isUnlinked(peer);
    });
  }

  function accept(peerId: PeerId, received: GossipMessage): TopicValidatorResult | Promise<TopicValidatorResult> {
    const peer = peers.get(peerId.toString() as PeerKey);
    if (peer === undefined || (!isStrange(peer) && options.isPoor(peer.key))) return TopicValidatorResult.Ignore;
    const atMs = nowMs();
    if (!peer.gossipLimiter.take(received.data.length, atMs)) {
      options.penalize(peer, "flood");
      return TopicValidatorResult.Ignore;
    }
    const decoded = decodeMessage(received.data);
    const topic = decoded.ok ? topicOf(decoded.message) : undefined;
    if (!decoded.ok || topic === undefined || topics[topic] !== received.topic) {
      options.penalize(peer, "malformedMessage");
      return TopicValidatorResult.Reject;
    }
    if (isStrange(peer)) {
      strangerPublishedMs = atMs;
      refreshDirectPeers(atMs);
    }
    if (decoded.message.type === "transactions") return judged(peer, options.onTransactions(peer, decoded.message.transactions));
    if (!recent.has(hashOf(received.data))) options.onMessage(peer, decoded.message);
    return isForwardNeeded(peer) ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore;
  }

  /** What nobody judged yet is not passed on: whoever gets it from us would blame us for it. */
  function judged(peer: Peer, isWanted: Promise<boolean>): TopicValidatorResult | Promise<TopicValidatorResult> {
    if (!isForwardNeeded(peer)) return TopicValidatorResult.Ignore;
    return isWanted.then((isYes) => (isYes ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore));
  }

  function hashOf(body: Uint8Array): string {
    return recent.size === 0 && !isSubscribed ? "" : toHex(gossipMessageId(topics.consensus, body));
  }

  function publish(topic: string, body: Uint8Array): void {
    gossip.publish(topic, body).catch((error: unknown) => options.onPublishFailed(describeError(error)));
  }

  function setSubscribed(isWanted: boolean): void {
    if (isWanted === isSubscribed) return;
    isSubscribed = isWanted;
    if (isWanted) gossip.subscribe(topics.consensus);
    else {
      gossip.unsubscribe(topics.consensus);
      recent.clear();
    }
  }

  return {
    start() {
      for (const topic of Object.values(topics)) gossip.topicValidators.set(topic, accept);
      gossip.addEventListener("subscription-change", refreshListeners);
      gossip.subscribe(topics.transactions);
      setSubscribed(self === undefined);
    },
    publishTransactions: (transactions) => publish(topics.transactions, encodeMessage({ type: "transactions", transactions })),
    publishConsensus: (body) => publish(topics.consensus, body),
    get isFullNodeListening() {
      return isFullNodeListening;
    },
    get isCongested() {
      let congested = 0;
      for (const peer of peers.all) {
        const buffered = gossipStreamOf(peer)?.writeBufferLength ?? 0;
        if (buffered > limits.gossipBufferBytesMax / 4) congested++;
      }
      return congested * 2 > peers.count;
    },
    noteDirectFrame(body) {
      if (!isSubscribed) return;
      recent.add(hashOf(body));
      if (recent.size <= limits.recentFramesMax) return;
      for (const oldest of recent) {
        recent.delete(oldest);
        return;
      }
    },
    update(state) {
      needsHelp = state.needsHelp;
      setSubscribed(isListeningAnyway() || state.isRelaying);
      refreshDirectPeers(state.nowMs);
      refreshListeners();
    },
    missingStreamMs(peer, atMs) {
      const stream = gossipStreamOf(peer);
      peer.gossipMissingSinceMs = stream === undefined ? (peer.gossipMissingSinceMs ?? atMs) : undefined;
      return peer.gossipMissingSinceMs === undefined ? 0 : atMs - peer.gossipMissingSinceMs;
    },
  };
}

/** Our outbound gossip stream to a peer: gossipsub never opens a second one on the same connection once it is lost. */
function gossipStreamOf(peer: Peer): { readonly writeBufferLength: number } | undefined {
  return peer.connection.streams.find(
    (stream) => stream.direction === "outbound" && stream.status === "open" && stream.protocol.startsWith("/meshsub/"),
  );
}
