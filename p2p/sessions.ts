/** From a connection to a peer: runs the handshake on every connection, registers those that pass, closes the others in time. */

import type { Connection, PeerId, Stream } from "@libp2p/interface";
import type { ValidatorIndex } from "../types/ids.ts";
import type { PeerKey, PenaltyReason } from "../types/sender.ts";
import type { DialResult } from "./dialer.ts";
import { describeError } from "./errors.ts";
import {
  type HandshakeContext,
  type HandshakeOutcome,
  type ProvenIdentity,
  sendVerdict,
  shakeHandsAsDialer,
  shakeHandsAsListener,
} from "./handshake.ts";
import type { Host } from "./host.ts";
import type { NetworkOptions } from "./options.ts";
import type { Candidate, Peer } from "./peer_table.ts";
import { createDeadline, endStream } from "./stream_io.ts";
import { HANDSHAKE_PROTOCOL, type HandshakeRefusal } from "./wire.ts";

export interface Sessions {
  /** Every new connection, in either direction. */
  onOpen(connection: Connection): void;
  onClose(connection: Connection): void;
  /** libp2p's handler of inbound handshake streams. Never rejects. */
  serve(stream: Stream, connection: Connection): Promise<void>;
  /** Dials and shakes hands; `expected` is the validator that must answer. */
  dial(addresses: Parameters<Host["dial"]>[0], expected: ValidatorIndex): Promise<DialResult>;
  /** The peer behind a connection, once its handshake is over; undefined when it has none. */
  peerOf(connection: Connection): Promise<Peer | undefined>;
  stop(): void;
}

interface Pending {
  readonly settled: Promise<Peer | undefined>;
  settle(peer: Peer | undefined): void;
  readonly timer: ReturnType<typeof setTimeout>;
}

const END_MS = 1_000;

/** Refusals after which dialing again soon is of no use. */
const HOPELESS: ReadonlySet<HandshakeRefusal> = new Set<HandshakeRefusal>([
  "wrongChain",
  "wrongValidatorSet",
  "wrongProof",
  "unexpectedValidator",
  "twoNodesOneKey",
  "banned",
]);

export function createSessions(options: {
  readonly network: NetworkOptions;
  readonly host: Host;
  readonly session: Uint8Array;
  /** The rule on duplicates, bans and room. */
  readonly judge: (candidate: Candidate) => HandshakeRefusal | undefined;
  /** The same at that moment; what is let in is counted. */
  readonly admit: (candidate: Candidate) => HandshakeRefusal | undefined;
  readonly register: (connection: Connection, identity: ProvenIdentity) => Peer;
  readonly onRefused: (peer: PeerKey, detail: string) => void;
  readonly penalize: (peer: PeerKey, reason: PenaltyReason) => void;
}): Sessions {
  const { network, host } = options;
  const pending = new Map<string, Pending>();
  const registered = new WeakMap<Connection, Peer>();
  const ownNodeKey = ed25519KeyOf(host.peerId);

  function onOpen(connection: Connection): void {
    const { promise, resolve } = Promise.withResolvers<Peer | undefined>();
    const timer = setTimeout(() => {
      settle(connection, undefined);
      connection.abort(new Error("no handshake in time"));
    }, network.limits.handshakeDeadlineMs);
    pending.set(connection.id, { settled: promise, settle: resolve, timer });
  }

  function settle(connection: Connection, peer: Peer | undefined): void {
    const entry = pending.get(connection.id);
    if (entry === undefined) return;
    pending.delete(connection.id);
    clearTimeout(entry.timer);
    if (peer !== undefined) registered.set(connection, peer);
    entry.settle(peer);
  }

  function contextOf(connection: Connection, expected: ValidatorIndex | undefined): HandshakeContext | undefined {
    const remoteNodeKey = ed25519KeyOf(connection.remotePeer);
    if (remoteNodeKey === undefined || ownNodeKey === undefined) return undefined;
    return {
      ...network,
      session: options.session,
      ownNodeKey,
      remoteNodeKey,
      judge(identity) {
        if (expected !== undefined && identity.validator !== expected) return "unexpectedValidator";
        return options.judge(candidateOf(connection, identity));
      },
    };
  }

  /** Registers the peer if the rule still allows it: other handshakes may have ended in between. */
  function admit(connection: Connection, outcome: HandshakeOutcome): HandshakeOutcome {
    if (!outcome.ok) return outcome;
    if (connection.status !== "open" || !pending.has(connection.id)) return { ok: false, refusal: "duplicate", isOurs: true };
    const refusal = options.admit(candidateOf(connection, outcome.identity));
    if (refusal !== undefined) return { ok: false, refusal, isOurs: true };
    settle(connection, options.register(connection, outcome.identity));
    return outcome;
  }

  function report(connection: Connection, outcome: HandshakeOutcome): void {
    if (outcome.ok || outcome.refusal === "duplicate") return;
    const key = connection.remotePeer.toString() as PeerKey;
    options.onRefused(key, `${outcome.refusal}, refused by ${outcome.isOurs ? "us" : "the peer"}`);
    if (outcome.isOurs && outcome.refusal === "wrongProof") options.penalize(key, "invalidSignature");
    if (outcome.isOurs && outcome.refusal === "malformed") options.penalize(key, "malformedMessage");
  }

  async function serve(stream: Stream, connection: Connection): Promise<void> {
    const context = contextOf(connection, undefined);
    if (context === undefined || !pending.has(connection.id)) {
      stream.abort(new Error("no handshake is due on this connection"));
      return;
    }
    const deadline = createDeadline(network.limits.handshakeDeadlineMs, "handshake");
    try {
      const outcome = admit(connection, await shakeHandsAsListener(stream, context, deadline.signal));
      report(connection, outcome);
      if (outcome.ok) await sendVerdict(stream, "accepted", deadline.signal);
      else if (outcome.isOurs) await sendVerdict(stream, outcome.refusal, deadline.signal);
      await endStream(stream, END_MS);
      if (!outcome.ok) await closeRefused(connection);
    } catch (error) {
      connection.abort(error instanceof Error ? error : new Error(String(error)));
    } finally {
      deadline.clear();
    }
  }

  async function closeRefused(connection: Connection): Promise<void> {
    settle(connection, undefined);
    await connection.close();
  }

  async function dial(addresses: Parameters<Host["dial"]>[0], expected: ValidatorIndex): Promise<DialResult> {
    const deadline = createDeadline(network.limits.dialDeadlineMs, "dial");
    let connection: Connection | undefined;
    try {
      connection = await host.dial(addresses, { signal: deadline.signal });
      if (registered.has(connection)) return { ok: true };
      return await shakeHandsOn(connection, expected, deadline.signal);
    } catch (error) {
      const reason = deadline.signal.aborted ? deadline.signal.reason : error;
      connection?.abort(error instanceof Error ? error : new Error(String(error)));
      return { ok: false, detail: describeError(reason), isHopeless: false };
    } finally {
      deadline.clear();
    }
  }

  async function shakeHandsOn(connection: Connection, expected: ValidatorIndex, signal: AbortSignal): Promise<DialResult> {
    const context = contextOf(connection, expected);
    if (context === undefined) {
      connection.abort(new Error("peer id is not an Ed25519 key"));
      return { ok: false, detail: "peer id is not an Ed25519 key", isHopeless: true };
    }
    const stream = await connection.newStream(HANDSHAKE_PROTOCOL, { signal });
    const outcome = admit(connection, await shakeHandsAsDialer(stream, context, signal));
    await endStream(stream, END_MS);
    report(connection, outcome);
    if (outcome.ok) return { ok: true };
    await closeRefused(connection);
    return { ok: false, detail: `handshake: ${outcome.refusal}`, isHopeless: HOPELESS.has(outcome.refusal) };
  }

  return {
    onOpen,
    onClose: (connection) => settle(connection, undefined),
    serve,
    dial,
    async peerOf(connection) {
      return registered.get(connection) ?? (await pending.get(connection.id)?.settled);
    },
    stop() {
      for (const { timer, settle: resolve } of pending.values()) {
        clearTimeout(timer);
        resolve(undefined);
      }
      pending.clear();
    },
  };
}

function candidateOf(connection: Connection, identity: ProvenIdentity): Candidate {
  return { key: connection.remotePeer.toString() as PeerKey, identity, isOutbound: connection.direction === "outbound" };
}

/** The 32-byte key behind a peer id; undefined for other kinds of keys, which this network does not use. */
function ed25519KeyOf(peerId: PeerId): Uint8Array | undefined {
  return peerId.type === "Ed25519" ? peerId.publicKey.raw : undefined;
}
