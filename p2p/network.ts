/** The network of one node: direct links between validators and with builders, two gossip topics, requests, scores, and the dial loop, over libp2p.
 *  It moves bytes and decides nothing about their meaning. `README.md` has the protocols, the handshake and the table of bounds. */

import type { Connection } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import { assert } from "../types/assert.ts";
import type { AccountId, ValidatorIndex } from "../types/ids.ts";
import { decodeMessage, encodeMessage, type Message } from "../types/message.ts";
import type { PeerKey, PenaltyReason, Sender } from "../types/sender.ts";
import type { SyncRequest, SyncResponse } from "../types/sync.ts";
import { createAdmission } from "./admission.ts";
import { type BuilderRelay, createBuilderRelay } from "./builder_relay.ts";
import { createDialer, type Dialer, type DialResult } from "./dialer.ts";
import { describeError, NetworkError } from "./errors.ts";
import { createGossip, type Gossip } from "./gossip.ts";
import type { ProvenIdentity } from "./handshake.ts";
import { createHost, type Host } from "./host.ts";
import type { Network, NetworkEvent, PeerInfo } from "./interface.ts";
import { corkSocketPerTurn, frameCountOf } from "./internals.ts";
import { assertLimits } from "./limits.ts";
import { isAccepted, isCarried, isOwnWord, linkRoleOf } from "./link_roles.ts";
import { createLinks, type Links } from "./links.ts";
import type { NetworkOptions, PeerAddresses } from "./options.ts";
import { createPeer, createPeerTable, type Peer, type PeerTable } from "./peer_table.ts";
import { createRequests, type Requests } from "./requests.ts";
import { createScoreTable, type ScoreTable } from "./scores.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import { createStatusExchange, type StatusExchange } from "./status_exchange.ts";
import { createTransactionBatcher, type TransactionBatcher } from "./transaction_batcher.ts";
import { createTransactionSpread } from "./transaction_spread.ts";
import { createTurnEnd, type TurnEnd } from "./turn_end.ts";
import { CONSENSUS_PROTOCOL, HANDSHAKE_PROTOCOL, lengthPrefixed, SESSION_BYTES, SYNC_PROTOCOL } from "./wire.ts";

const TICK_MS = 250;

/** Starts the network: when the promise resolves it listens, and dials its peers for as long as it runs.
 *  Rejects with a NetworkError of code `start`, for example when an address is taken. */
export async function createNetwork(options: NetworkOptions): Promise<Network> {
  assertLimits(options.limits);
  const hasClaim = options.self !== undefined || options.builder !== undefined;
  assert(hasClaim === (options.signHandshake !== undefined), "validators and builders sign handshakes, other full nodes do not");
  assert(options.self === undefined || options.builder === undefined, "a node is a validator or a builder, not both");
  const scores = createScoreTable(options.limits);
  try {
    const host = await createHost(options, (peer) => scores.isBanned(peer, options.nowMs()));
    const network = new LibP2pNetwork({ options, host, scores });
    await network.start();
    return network;
  } catch (error) {
    throw new NetworkError({ code: "start", detail: `the network could not start: ${describeError(error)}`, cause: error });
  }
}

class LibP2pNetwork implements Network {
  readonly self: PeerKey;
  readonly #options: NetworkOptions;
  readonly #host: Host;
  readonly #scores: ScoreTable;
  readonly #peers: PeerTable;
  readonly #turnEnd: TurnEnd = createTurnEnd();
  readonly #sessions: Sessions;
  readonly #links: Links;
  readonly #dialer: Dialer;
  readonly #gossip: Gossip;
  readonly #requests: Requests;
  readonly #batcher: TransactionBatcher;
  readonly #statuses: StatusExchange;
  readonly #builderRelay: BuilderRelay;
  /** The last peer id that proved each validator's key: penalties reach validators even while they are away. */
  readonly #keyOfValidator = new Map<ValidatorIndex, PeerKey>();
  readonly #throttled = new Set<PeerKey>();
  #ticker: ReturnType<typeof setInterval> | undefined;
  #noPeersReportedMs: number | undefined;
  #isStopping = false;

  constructor(parts: { readonly options: NetworkOptions; readonly host: Host; readonly scores: ScoreTable }) {
    const { options, host, scores } = parts;
    const { limits, self, nowMs } = options;
    this.#options = options;
    this.#host = host;
    this.#scores = scores;
    this.self = host.peerId.toString() as PeerKey;
    const isBuilder = (account: AccountId): boolean => options.handlers.isBuilder(account);
    const { strangersMax, builderLinksMax: buildersMax } = limits;
    this.#peers = createPeerTable({ self, strangersMax, buildersMax, isBuilder });
    const shared = { self, limits, nowMs, peers: this.#peers, isPoor: (peer: PeerKey) => scores.isPoor(peer, nowMs()) };
    const penalize = (peer: Peer, reason: PenaltyReason) => this.penalize(peer.sender, reason);
    this.#gossip = createGossip({
      ...shared,
      host,
      chainId: options.chainId,
      onMessage: (peer, message) => options.handlers.onMessage({ type: "relay", peer: peer.key }, message),
      onTransactions: (peer, transactions) => options.handlers.onGossipedTransactions({ type: "relay", peer: peer.key }, transactions),
      penalize: (peer, reason) => this.penalize({ type: "relay", peer: peer.key }, reason),
      onPublishFailed: (detail) => this.#report("frameDropped", `gossip: ${detail}`, undefined),
    });
    this.#requests = createRequests({
      ...shared,
      penalize,
      onRequest: (peer, request) => options.handlers.onRequest(peer.sender, request),
      onUnanswered: (peer, detail) => this.#report("frameDropped", `request of peer not answered: ${detail}`, peer.key),
    });
    const spread = createTransactionSpread({ ...shared, gossip: this.#gossip, statuses: () => this.#statuses });
    this.#batcher = createTransactionBatcher({ limits, turnEnd: this.#turnEnd, spread });
    this.#statuses = createStatusExchange({
      ...shared,
      validatorCount: options.validators.set.validators.length,
      handlers: options.handlers,
      gossip: this.#gossip,
      request: (peer, request, bounds) => this.request(peer, request, bounds),
    });
    this.#builderRelay = createBuilderRelay({ ...shared, gossip: this.#gossip, handlers: options.handlers });
    const admission = createAdmission({ ...shared, scores, isBuilder });
    this.#sessions = createSessions({
      network: options,
      host,
      session: options.randomBytes(SESSION_BYTES),
      ...admission,
      register: (connection, identity) => this.#register(connection, identity),
      onRefused: (peer, detail) => this.#report("peerRefused", detail, peer),
      penalize: (peer, reason) => this.penalize({ type: "relay", peer }, reason),
    });
    this.#links = createLinks({
      ...shared,
      turnEnd: this.#turnEnd,
      handlers: options.handlers,
      pace: admission.linkPace,
      peerOf: (connection) => this.#sessions.peerOf(connection),
      onFrame: (peer, body) => this.#onFrame(peer, body),
      onStatus: (peer, status) => this.#statuses.onStatus(peer, status),
      onUp: (peer) => this.#statuses.onLinkUp(peer),
      penalize: (sender, reason) => this.penalize(sender, reason),
      report: (code, detail, peer) => this.#report(code, detail, peer),
      drop: (peer, detail) => this.#drop(peer, detail),
    });
    this.#dialer = createDialer({
      ...shared,
      peers: options.peers,
      randomBytes: options.randomBytes,
      isLinked: (validator) => this.#peers.ofValidator(validator)?.connection.status === "open",
      dial: (peer) => this.#dial(peer),
      onFailed: (peer, detail) => this.#report("dialFailed", `validator ${peer.validator}: ${detail}`, undefined),
    });
  }

  get addresses(): readonly string[] {
    return this.#host.getMultiaddrs().map((address) => address.toString());
  }

  get peers(): readonly PeerInfo[] {
    const nowMs = this.#options.nowMs();
    return [...this.#peers.all].map((peer) => ({
      peer: peer.key,
      validator: peer.identity.validator,
      builder: peer.identity.builder,
      isLinked: peer.link?.isUp === true,
      addresses: [peer.connection.remoteAddr.toString()],
      score: this.#scores.scoreOf(peer.key, nowMs),
      roundTripMs: peer.link?.roundTripMs,
      queuedBytes: peer.link?.queue.bytes ?? 0,
      status: peer.status,
    }));
  }

  async start(): Promise<void> {
    const host = this.#host;
    const { limits } = this.#options;
    // Own limits say no with a reason; those of libp2p stand just above them.
    await host.handle(HANDSHAKE_PROTOCOL, (stream, connection) => this.#sessions.serve(stream, connection), { maxInboundStreams: 1 });
    await host.handle(CONSENSUS_PROTOCOL, (stream, connection) => this.#links.accept(stream, connection), { maxInboundStreams: 1 });
    await host.handle(SYNC_PROTOCOL, (stream, connection) => this.#requests.serve(stream, connection), {
      maxInboundStreams: limits.requestsInPerPeerMax + 1,
    });
    host.addEventListener("connection:open", ({ detail }) => this.#sessions.onOpen(detail));
    host.addEventListener("connection:close", ({ detail }) => this.#onConnectionClosed(detail));
    await host.start();
    this.#gossip.start();
    this.#dialer.start();
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#report("listening", this.addresses.join(" "), undefined);
  }

  broadcast(message: Message): void {
    const body = encodeMessage(message);
    const frame = lengthPrefixed(body);
    for (const { link, linkRole } of this.#peers.all) {
      if (linkRole !== undefined && isCarried(linkRole, message.type)) link?.queueFrame(message.type, frame);
    }
    if (this.#statuses.isGossipNeeded(message)) this.#gossip.publishConsensus(body);
  }

  send(validator: ValidatorIndex, message: Message): void {
    const peer = this.#peers.ofValidator(validator);
    if (peer?.linkRole === undefined || !isCarried(peer.linkRole, message.type)) return;
    peer.link?.queueFrame(message.type, lengthPrefixed(encodeMessage(message)));
  }

  publishTransactions(transactions: readonly Uint8Array[]): void {
    this.#batcher.push(transactions);
  }

  request(
    peer: PeerKey,
    request: SyncRequest,
    bounds: { readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<SyncResponse> {
    return this.#requests.request(peer, request, bounds);
  }

  penalize(sender: Sender, reason: PenaltyReason): void {
    if (sender.type === "self") return;
    const nowMs = this.#options.nowMs();
    const isValidator = [...this.#keyOfValidator.values()].includes(sender.peer);
    const isRelayedByValidator = isValidator && sender.type === "relay";
    const score = this.#scores.penalize({ peer: sender.peer, reason, isRelayedByValidator, nowMs });
    if (score >= this.#options.limits.scoreMin) return;
    if (isValidator) {
      if (this.#throttled.has(sender.peer)) return;
      this.#throttled.add(sender.peer);
      this.#report("peerBanned", `validator throttled until its score heals; last reason: ${reason}`, sender.peer);
      return;
    }
    this.#scores.ban(sender.peer, nowMs);
    this.#report("peerBanned", `banned for ${this.#options.limits.banMs} ms; last reason: ${reason}`, sender.peer);
    const peer = this.#peers.get(sender.peer);
    if (peer !== undefined) this.#drop(peer, `banned: ${reason}`);
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    clearInterval(this.#ticker);
    this.#dialer.stop();
    this.#batcher.stop();
    this.#requests.stop();
    this.#sessions.stop();
    for (const peer of this.#peers.all) {
      peer.link?.flush();
      peer.link?.close();
    }
    await this.#host.stop();
  }

  #report(code: NetworkEvent["code"], detail: string, peer: PeerKey | undefined): void {
    if (!this.#isStopping) this.#options.handlers.onEvent({ code, detail, peer });
  }

  async #dial(peer: PeerAddresses): Promise<DialResult> {
    return await this.#sessions.dial(
      peer.addresses.map((address) => multiaddr(address)),
      peer.validator,
    );
  }

  #register(connection: Connection, identity: ProvenIdentity): Peer {
    const { limits, self, builder, nowMs } = this.#options;
    const { validator } = identity;
    const linkRole = linkRoleOf({ own: { validator: self, builder }, peer: identity });
    const peer = createPeer({ connection, identity, linkRole, limits, nowMs: nowMs() });
    const { key } = peer;
    const gone = this.#peers.add(peer);
    corkSocketPerTurn(connection, this.#turnEnd);
    if (validator !== undefined) {
      this.#keyOfValidator.set(validator, key);
      this.#dialer.onLinked(validator);
    }
    this.#report("peerUp", nameOf(identity), key);
    for (const displaced of gone) this.#bury(displaced, "replaced by a newer connection");
    this.#links.onPeer(peer);
    for (const { link } of gone) if (peer.link !== undefined) link?.queue.moveTo(peer.link.queue);
    this.#statuses.onPeer(peer);
    return peer;
  }

  #onFrame(peer: Peer, body: Uint8Array): void {
    const { handlers, nowMs } = this.#options;
    if (this.#throttled.has(peer.key)) {
      if (!this.#scores.isPoor(peer.key, nowMs())) this.#throttled.delete(peer.key);
      else if (!peer.frameLimiter.take(1, nowMs())) return;
    }
    const decoded = decodeMessage(body);
    const role = peer.linkRole;
    if (!decoded.ok || role === undefined || !isAccepted(role, decoded.message.type)) {
      this.penalize(peer.sender, "malformedMessage");
      const what = decoded.ok ? `${decoded.message.type} does not go over this link` : `frame does not decode: ${decoded.reason}`;
      this.#drop(peer, what);
      return;
    }
    const { message } = decoded;
    if (message.type === "bid" && message.bid.builder !== peer.identity.builder) {
      this.penalize(peer.sender, "malformedMessage");
      this.#drop(peer, "a bid of another builder does not go over this link");
      return;
    }
    if (role !== "peerBuilder") this.#gossip.noteDirectFrame(body);
    if (this.#statuses.isRelayNeeded(message)) this.#gossip.publishConsensus(body);
    if (role === "peerValidator") this.#builderRelay.passOn(peer, message, body);
    if (message.type === "transactions") {
      if (role === "peerBuilder") return this.#builderRelay.takeTransactions(peer, message.transactions);
      if (role === "toValidator" && this.#builderRelay.isRepeated(body)) return;
    }
    // What a validator gives a builder may be another validator's; what opens blocks is always its own.
    const isOwn = role !== "toValidator" || isOwnWord(message.type);
    handlers.onMessage(isOwn ? peer.sender : { type: "relay", peer: peer.key }, message);
  }

  /** Ends a peer's connection; the rest follows from its `close` event. */
  #drop(peer: Peer, detail: string): void {
    this.#bury(peer, detail);
    peer.connection.abort(new Error(detail));
  }

  #onConnectionClosed(connection: Connection): void {
    this.#sessions.onClose(connection);
    const peer = this.#peers.get(connection.remotePeer.toString() as PeerKey);
    if (peer?.connection === connection) this.#bury(peer, "connection closed");
  }

  /** Takes a peer out of the table and tells everybody, once. */
  #bury(peer: Peer, detail: string): void {
    const wasCurrent = this.#peers.remove(peer);
    const isReplaced = detail.startsWith("replaced");
    if (!wasCurrent && !isReplaced) return;
    peer.link?.close();
    if (isReplaced) peer.connection.abort(new Error(detail));
    if (this.#isStopping) return;
    const { handlers } = this.#options;
    const { validator } = peer.identity;
    this.#report("peerDown", detail, peer.key);
    if (peer.isAnnounced && validator !== undefined) handlers.onValidatorLink(validator, false);
    if (peer.isAnnounced && peer.linkRole === "peerBuilder")
      this.#report("builderDown", `builder ${peer.identity.builder}: ${detail}`, peer.key);
    if (this.#peers.get(peer.key) === undefined) handlers.onPeerGone(peer.key);
    if (validator !== undefined && this.#peers.ofValidator(validator) === undefined) this.#dialer.onLost(validator);
  }

  #tick(): void {
    const nowMs = this.#options.nowMs();
    const { limits } = this.#options;
    for (const peer of [...this.#peers.all]) {
      peer.link?.check(nowMs);
      const dropped = peer.link?.takeDropped() ?? 0;
      if (dropped > 0) this.#report("frameDropped", `${dropped} frames: the peer is slow`, peer.key);
      const frames = frameCountOf(peer.connection);
      if (frames !== undefined && Math.max(frames.sent, frames.received) > limits.connectionFramesMax) this.#renew(peer);
      else if (this.#gossip.missingStreamMs(peer, nowMs) > limits.gossipStreamMissingMs) this.#drop(peer, "gossip stream is missing");
    }
    const unsent = this.#batcher.takeDropped();
    if (unsent > 0) this.#report("frameDropped", `${unsent} transactions: peers are slow`, undefined);
    this.#links.tick(nowMs);
    this.#statuses.tick(nowMs);
    this.#reportNoPeers(nowMs);
  }

  /** The cipher's nonces run out: end the connection in good order; the dial loop makes a new one at once. */
  #renew(peer: Peer): void {
    peer.link?.flush();
    this.#bury(peer, "connection is renewed after many frames");
    peer.connection.close().catch((error: unknown) => peer.connection.abort(error instanceof Error ? error : new Error(String(error))));
  }

  #reportNoPeers(nowMs: number): void {
    if (this.#peers.count > 0 || this.#options.peers.length === 0) {
      this.#noPeersReportedMs = undefined;
      return;
    }
    if (this.#noPeersReportedMs !== undefined && nowMs - this.#noPeersReportedMs < this.#options.limits.noPeersRepeatMs) return;
    this.#noPeersReportedMs = nowMs;
    this.#report("noPeers", "connected with nobody; dialing goes on", undefined);
  }
}

function nameOf({ validator, builder }: ProvenIdentity): string {
  if (validator !== undefined) return `validator ${validator}`;
  return builder === undefined ? "full node" : `full node of account ${builder}`;
}
