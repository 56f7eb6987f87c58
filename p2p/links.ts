/** Direct links of all peers: makes them, opens and accepts their streams, and ends those of builders.
 *
 *  Two validators: the link lives as long as the connection; when it breaks, the connection goes and the dial loop makes a new one.
 *
 *  A builder and a validator: the builder opens its direction first and again every `builderRetryMs` until the validator answers with
 *  its own, which it does while `isBuilder` says so, there is room, and no other peer has a link under the same account. So of two
 *  processes with one account the older link stays, and the second process takes over when it ends. A refused attempt costs nothing
 *  within the stated rate, which also bounds how often an account's links begin. A link ends without its connection when the account is no builder any more. */

import type { Connection, Stream } from "@libp2p/interface";
import { assert, unreachable } from "../types/assert.ts";
import type { PeerKey, PenaltyReason, Sender } from "../types/sender.ts";
import type { AccountPace } from "./account_pace.ts";
import { createDirectLink, type DirectLink, type LinkBreak } from "./direct_link.ts";
import { describeError } from "./errors.ts";
import type { NetworkEvent, NetworkHandlers } from "./interface.ts";
import type { NetworkLimits } from "./limits.ts";
import type { Peer, PeerTable } from "./peer_table.ts";
import { createDeadline } from "./stream_io.ts";
import type { TurnEnd } from "./turn_end.ts";
import { CONSENSUS_PROTOCOL, type LinkStatus } from "./wire.ts";

export interface Links {
  /** Its handshake is over and it is in the table: opens our direction where it is ours to begin. */
  onPeer(peer: Peer): void;
  /** libp2p's handler of inbound consensus streams. Never rejects. */
  accept(stream: Stream, connection: Connection): Promise<void>;
  tick(nowMs: number): void;
}

export interface LinksOptions {
  readonly limits: NetworkLimits;
  readonly nowMs: () => number;
  readonly turnEnd: TurnEnd;
  readonly peers: PeerTable;
  readonly handlers: Pick<NetworkHandlers, "isBuilder" | "onValidatorLink">;
  /** Of new links with one builder's account, however many peers prove it. */
  readonly pace: AccountPace;
  readonly peerOf: (connection: Connection) => Promise<Peer | undefined>;
  /** A frame of `types/message.ts`: type byte and encoding. */
  readonly onFrame: (peer: Peer, body: Uint8Array) => void;
  readonly onStatus: (peer: Peer, status: LinkStatus) => void;
  readonly onUp: (peer: Peer) => void;
  readonly penalize: (sender: Sender, reason: PenaltyReason) => void;
  readonly report: (code: NetworkEvent["code"], detail: string, peer: PeerKey) => void;
  /** Ends the peer's connection. */
  readonly drop: (peer: Peer, detail: string) => void;
}

/** A builder's way to a link with one validator. */
interface Attempt {
  /** Of an attempt under way. */
  link: DirectLink | undefined;
  sinceMs: number;
}

export function createLinks(options: LinksOptions): Links {
  const { limits, nowMs, peers, handlers, penalize, report, drop } = options;
  /** Of a builder only: validators that it has no link with. */
  const attempts = new Map<Peer, Attempt>();

  function createLink(peer: Peer): DirectLink {
    const link = createDirectLink({
      limits,
      turnEnd: options.turnEnd,
      nowMs,
      owner: {
        isAllowed: (bytes) => isAllowed(peer, bytes),
        onFrame: (body) => options.onFrame(peer, body),
        onStatus: (status) => options.onStatus(peer, status),
        onUp: () => onUp(peer, link),
        onMalformed: (failure) => {
          penalize(peer.sender, "malformedMessage");
          drop(peer, `malformed frame: ${failure}`);
        },
        onBroken: (failure) => onBroken(peer, link, failure),
      },
    });
    return link;
  }

  function isAllowed(peer: Peer, bytes: number): boolean {
    if (peer.linkRole !== "peerBuilder") return true;
    const atMs = nowMs();
    if (peer.builderFrameLimiter.take(1, atMs) && peer.builderByteLimiter.take(bytes, atMs)) return true;
    penalize(peer.sender, "flood");
    return false;
  }

  function onUp(peer: Peer, link: DirectLink): void {
    if (peer.isAnnounced || peers.get(peer.key) !== peer) return;
    attempts.delete(peer);
    peer.link = link;
    peer.isAnnounced = true;
    options.onUp(peer);
    if (peer.linkRole === "peerBuilder") report("builderUp", `builder ${peer.identity.builder}`, peer.key);
    else if (peer.sender.type === "validator") handlers.onValidatorLink(peer.sender.validator, true);
  }

  /** To a builder a stream that ends says that it is no builder now; the connection is still of use. */
  function onBroken(peer: Peer, link: DirectLink, { isStreamOver, detail }: LinkBreak): void {
    if (peer.linkRole !== "toValidator" || !isStreamOver) return drop(peer, detail);
    discard(link, detail);
    if (peer.link === link) unlink(peer);
    if (peers.get(peer.key) === peer) attempts.set(peer, { link: undefined, sinceMs: nowMs() });
  }

  function unlink(peer: Peer): void {
    const wasAnnounced = peer.isAnnounced;
    peer.link = undefined;
    peer.links = undefined;
    peer.isAnnounced = false;
    if (wasAnnounced && peer.sender.type === "validator") handlers.onValidatorLink(peer.sender.validator, false);
  }

  /** Opens our direction of a link whose failure is the connection's. */
  async function open(peer: Peer, link: DirectLink): Promise<void> {
    const deadline = createDeadline(limits.handshakeDeadlineMs, "opening the consensus stream");
    try {
      const stream = await peer.connection.newStream(CONSENSUS_PROTOCOL, { signal: deadline.signal });
      if (peer.link === link) link.attachOutbound(stream);
      else refuse(stream, "the link has ended");
    } catch (error) {
      if (peer.link === link) drop(peer, `no consensus stream: ${describeError(error)}`);
    } finally {
      deadline.clear();
    }
  }

  /** Opens a builder's direction. Owns its failure: another attempt follows. */
  async function attempt(peer: Peer): Promise<void> {
    const link = createLink(peer);
    attempts.set(peer, { link, sinceMs: nowMs() });
    const deadline = createDeadline(limits.handshakeDeadlineMs, "opening the consensus stream");
    const isOver: LinkBreak = { isStreamOver: true, detail: "refused" };
    try {
      const stream = await peer.connection.newStream(CONSENSUS_PROTOCOL, { signal: deadline.signal });
      if (!isUnderWay(peer, link)) return refuse(stream, "the attempt is over");
      link.attachOutbound(stream);
      // A stream that was reset before we listened to it says nothing any more.
      if (stream.status !== "open") onBroken(peer, link, isOver);
    } catch {
      if (isUnderWay(peer, link)) onBroken(peer, link, isOver);
    } finally {
      deadline.clear();
    }
  }

  const isUnderWay = (peer: Peer, link: DirectLink): boolean => attempts.get(peer)?.link === link || peer.link === link;

  function refuse(stream: Stream, detail: string): void {
    stream.abort(new Error(detail));
  }

  /** Counts the link that it does not refuse. */
  function refusalOf(peer: Peer): string | undefined {
    const { builder } = peer.identity;
    assert(builder !== undefined, "only a builder's peer has this role");
    if (peer.link !== undefined) return "there is a link";
    if (peers.get(peer.key) !== peer) return "the connection was replaced";
    if (!handlers.isBuilder(builder)) return "no registered builder";
    let count = 0;
    for (const other of peers.all) {
      if (other.linkRole !== "peerBuilder" || other.link === undefined) continue;
      if (other.identity.builder === builder) return "another peer has the account's link";
      count++;
    }
    if (count >= limits.builderLinksMax) return "all builders' links are taken";
    return options.pace.take(builder) ? undefined : "the account's links begin too often";
  }

  function acceptBuilder(peer: Peer, stream: Stream): void {
    const refusal = refusalOf(peer);
    if (refusal !== undefined) {
      refuse(stream, refusal);
      if (!peer.attemptLimiter.take(1, nowMs())) penalize(peer.sender, "flood");
      return;
    }
    const link = createLink(peer);
    peer.link = link;
    link.attachInbound(stream);
    void open(peer, link);
  }

  function acceptValidator(peer: Peer, stream: Stream): void {
    const link = attempts.get(peer)?.link;
    // The answer to an attempt that we have given up, or that was broken off.
    if (link === undefined) refuse(stream, "no link is being opened");
    else link.attachInbound(stream);
  }

  function endIfUnregistered(peer: Peer): void {
    const { link } = peer;
    const { builder } = peer.identity;
    if (link === undefined || builder === undefined || handlers.isBuilder(builder)) return;
    discard(link, "no registered builder any more");
    unlink(peer);
    report("builderDown", `builder ${builder} is not registered any more`, peer.key);
  }

  function tickAttempts(atMs: number): void {
    for (const [peer, { link, sinceMs }] of attempts) {
      if (peers.get(peer.key) !== peer) attempts.delete(peer);
      else if (link === undefined && atMs - sinceMs >= limits.builderRetryMs) void attempt(peer);
      else if (link !== undefined && atMs - sinceMs > limits.handshakeDeadlineMs) {
        onBroken(peer, link, { isStreamOver: true, detail: "the validator did not answer" });
      }
    }
  }

  return {
    onPeer(peer) {
      switch (peer.linkRole) {
        case "peerValidator":
          peer.link ??= createLink(peer);
          return void open(peer, peer.link);
        case "toValidator":
          return void attempt(peer);
        case "peerBuilder":
        case undefined:
          return;
        default:
          return unreachable(peer.linkRole);
      }
    },
    async accept(stream, connection) {
      const peer = await options.peerOf(connection);
      if (peer?.linkRole === "peerBuilder") return acceptBuilder(peer, stream);
      if (peer?.linkRole === "toValidator") return acceptValidator(peer, stream);
      if (peer?.link !== undefined) return peer.link.attachInbound(stream);
      const key = connection.remotePeer.toString() as PeerKey;
      refuse(stream, "consensus streams are for validators and builders");
      report("peerRefused", "consensus stream of a stranger", key);
      penalize({ type: "relay", peer: key }, "malformedMessage");
    },
    tick(atMs) {
      for (const peer of [...peers.all]) if (peer.linkRole === "peerBuilder") endIfUnregistered(peer);
      tickAttempts(atMs);
    },
  };
}

/** No call of it reaches us afterwards, and the peer learns that its streams are over. */
function discard(link: DirectLink, detail: string): void {
  link.close();
  link.abort(new Error(detail));
}
