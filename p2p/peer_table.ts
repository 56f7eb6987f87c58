/** Peers whose handshake holds, and the rule that decides between two connections of one peer or one validator key.
 *
 *  One validator, two connections:
 *  - same peer id, same process: the connection that the lower validator index dialed stays; of two dialed by one side, the newer.
 *  - same peer id, another process: it restarted, the newer stays. If a process that was displaced comes back, both are alive
 *    (a copied key): the lower session stays.
 *  - another peer id with the same validator key: the lower peer id stays, everywhere.
 *  The last two are reported as `twoNodesOneKey`.
 *
 *  One peer id that proves no validator, two connections: of one process the newer; of two processes the one that is connected stays,
 *  and the other is refused as `twoNodesOneKey`, since two that displaced each other would do so without end. */

import type { Connection } from "@libp2p/interface";
import type { AccountId, ValidatorIndex } from "../types/ids.ts";
import type { PeerKey, Sender } from "../types/sender.ts";
import type { PeerStatus } from "../types/sync.ts";
import type { DirectLink } from "./direct_link.ts";
import type { ProvenIdentity } from "./handshake.ts";
import type { NetworkLimits } from "./limits.ts";
import type { LinkRole } from "./link_roles.ts";
import { createRateLimiter, type RateLimiter } from "./rate_limiter.ts";
import type { HandshakeRefusal } from "./wire.ts";

export interface Peer {
  readonly key: PeerKey;
  readonly connection: Connection;
  readonly identity: ProvenIdentity;
  /** How it is named to the node when it speaks for itself. */
  readonly sender: Sender;
  /** Undefined: it never has a link with us. */
  readonly linkRole: LinkRole | undefined;
  /** Between two validators always; between a validator and a builder while it is open. */
  link: DirectLink | undefined;
  /** Has this link been reported as up? */
  isAnnounced: boolean;
  status: PeerStatus | undefined;
  /** The validators that this peer says it is linked with. */
  links: Uint8Array | undefined;
  /** Our requests to it, and its requests to us, under way. */
  requestsOut: number;
  requestsIn: number;
  readonly requestLimiter: RateLimiter;
  readonly byteLimiter: RateLimiter;
  readonly gossipLimiter: RateLimiter;
  /** Frames of a throttled validator. */
  readonly frameLimiter: RateLimiter;
  /** What comes over a builder's link, its refused attempts to open one, and its requests while it has one. */
  readonly builderFrameLimiter: RateLimiter;
  readonly builderByteLimiter: RateLimiter;
  readonly builderRequestLimiter: RateLimiter;
  /** Its transactions that we pass on. */
  readonly builderPassLimiter: RateLimiter;
  readonly attemptLimiter: RateLimiter;
  gossipMissingSinceMs: number | undefined;
}

export interface Candidate {
  readonly key: PeerKey;
  readonly identity: ProvenIdentity;
  readonly isOutbound: boolean;
}

export interface PeerTable {
  readonly all: Iterable<Peer>;
  readonly count: number;
  /** Peers that are neither validators nor builders with a link. */
  readonly strangerCount: number;
  get(key: PeerKey): Peer | undefined;
  ofValidator(validator: ValidatorIndex): Peer | undefined;
  /** May `candidate` take its place? Undefined: yes, and whoever holds it now must go. */
  judge(candidate: Candidate): HandshakeRefusal | undefined;
  /** Returns the peers that it displaces, already removed. */
  add(peer: Peer): readonly Peer[];
  /** Does nothing when another connection has taken the peer's place. */
  remove(peer: Peer): boolean;
}

/** A peer whose handshake has just succeeded. */
export function createPeer(options: {
  readonly connection: Connection;
  readonly identity: ProvenIdentity;
  readonly linkRole: LinkRole | undefined;
  readonly limits: NetworkLimits;
  readonly nowMs: number;
}): Peer {
  const { connection, identity, linkRole, limits, nowMs } = options;
  const { validator } = identity;
  const key = connection.remotePeer.toString() as PeerKey;
  const limiter = (perSecond: number, burst: number): RateLimiter => createRateLimiter({ perSecond, burst, nowMs });
  const gossipRate = validator === undefined ? limits.gossipBytesPerSecondStranger : limits.gossipBytesPerSecondValidator;
  return {
    key,
    connection,
    identity,
    sender: validator === undefined ? { type: "relay", peer: key } : { type: "validator", validator, peer: key },
    linkRole,
    link: undefined,
    isAnnounced: false,
    status: undefined,
    links: undefined,
    requestsOut: 0,
    requestsIn: 0,
    requestLimiter: limiter(limits.strangerRequestsPerSecond, 2 * limits.strangerRequestsPerSecond),
    byteLimiter: limiter(limits.strangerBytesPerSecond, 2 * limits.strangerResponseBytesMax),
    gossipLimiter: limiter(gossipRate, gossipRate),
    frameLimiter: limiter(limits.throttledFramesPerSecond, limits.throttledFramesPerSecond),
    builderFrameLimiter: limiter(limits.builderFramesPerSecond, limits.builderFramesPerSecond),
    builderByteLimiter: limiter(limits.builderBytesPerSecond, 2 * limits.builderBytesPerSecond),
    builderRequestLimiter: limiter(limits.builderRequestsPerSecond, limits.builderRequestsPerSecond),
    builderPassLimiter: limiter(limits.builderPassedBytesPerSecond, limits.builderPassedBytesPerSecond),
    attemptLimiter: limiter(limits.builderAttemptsPerSecond, 2 * limits.builderAttemptsPerSecond),
    gossipMissingSinceMs: undefined,
  };
}

const DISPLACED_MAX = 4;

export function createPeerTable(options: {
  readonly self: ValidatorIndex | undefined;
  readonly strangersMax: number;
  readonly buildersMax: number;
  readonly isBuilder: (account: AccountId) => boolean;
}): PeerTable {
  const byKey = new Map<PeerKey, Peer>();
  const byValidator = new Map<ValidatorIndex, Peer>();
  /** Sessions of each validator that a newer one displaced, oldest first. */
  const displaced = new Map<ValidatorIndex, string[]>();

  function strangerCount(): number {
    let count = 0;
    for (const { identity, link } of byKey.values()) if (identity.validator === undefined && link === undefined) count++;
    return count;
  }

  /** A registered builder has a place of its own, one for each account. */
  function hasBuilderPlace({ identity: { builder } }: Candidate): boolean {
    if (builder === undefined || !options.isBuilder(builder)) return false;
    const accounts = new Set<AccountId>();
    for (const { identity } of byKey.values()) {
      if (identity.builder === builder) return false;
      if (identity.builder !== undefined && options.isBuilder(identity.builder)) accounts.add(identity.builder);
    }
    return accounts.size < options.buildersMax;
  }

  function judgeFullNode(candidate: Candidate): HandshakeRefusal | undefined {
    const holder = byKey.get(candidate.key);
    if (holder === undefined) return strangerCount() < options.strangersMax || hasBuilderPlace(candidate) ? undefined : "full";
    if (holder.identity.validator !== undefined) return "duplicate";
    const isOther = holder.connection.status === "open" && holder.identity.session !== candidate.identity.session;
    return isOther ? "twoNodesOneKey" : undefined;
  }

  function judge(candidate: Candidate): HandshakeRefusal | undefined {
    const { validator, session } = candidate.identity;
    if (validator === undefined) return judgeFullNode(candidate);
    if (validator === options.self) return "twoNodesOneKey";
    const holder = byValidator.get(validator);
    if (holder === undefined || holder.connection.status !== "open") return undefined;
    if (holder.key !== candidate.key) return candidate.key < holder.key ? undefined : "twoNodesOneKey";
    if (holder.identity.session === session) return judgeSameProcess(holder, candidate, validator);
    const isBack = displaced.get(validator)?.includes(session) === true;
    return isBack && session > holder.identity.session ? "twoNodesOneKey" : undefined;
  }

  function judgeSameProcess(holder: Peer, candidate: Candidate, validator: ValidatorIndex): HandshakeRefusal | undefined {
    const isHolderOutbound = holder.connection.direction === "outbound";
    if (isHolderOutbound === candidate.isOutbound || options.self === undefined) return undefined;
    const isLowerOurs = options.self < validator;
    return candidate.isOutbound === isLowerOurs ? undefined : "duplicate";
  }

  function remember(validator: ValidatorIndex, session: string): void {
    const sessions = displaced.get(validator) ?? [];
    sessions.push(session);
    displaced.set(validator, sessions.slice(-DISPLACED_MAX));
  }

  function remove(peer: Peer): boolean {
    if (byKey.get(peer.key) !== peer) return false;
    byKey.delete(peer.key);
    const { validator } = peer.identity;
    if (validator !== undefined && byValidator.get(validator) === peer) byValidator.delete(validator);
    return true;
  }

  return {
    get all() {
      return byKey.values();
    },
    get count() {
      return byKey.size;
    },
    get strangerCount() {
      return strangerCount();
    },
    get: (key) => byKey.get(key),
    ofValidator: (validator) => byValidator.get(validator),
    judge,
    add(peer) {
      const gone: Peer[] = [];
      const { validator, session } = peer.identity;
      const holders = [byKey.get(peer.key), validator === undefined ? undefined : byValidator.get(validator)];
      for (const holder of holders) {
        if (holder === undefined || !remove(holder)) continue;
        gone.push(holder);
        if (validator !== undefined && holder.identity.session !== session) remember(validator, holder.identity.session);
      }
      byKey.set(peer.key, peer);
      if (validator !== undefined) byValidator.set(validator, peer);
      return gone;
    },
    remove,
  };
}
