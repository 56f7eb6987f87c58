/** The network as `node/` sees it: frames to validators and builders, gossip to all, requests with deadlines. Moves bytes, decides nothing. */

import type { AccountId, ValidatorIndex } from "../types/ids.ts";
import type { Message } from "../types/message.ts";
import type { PeerKey, PenaltyReason, Sender } from "../types/sender.ts";
import type { PeerStatus, SyncRequest, SyncResponse } from "../types/sync.ts";

export interface PeerInfo {
  readonly peer: PeerKey;
  /** Present when the handshake proved a validator's key. */
  readonly validator: ValidatorIndex | undefined;
  /** Present when the handshake proved the key of this account, which need not be a registered builder. */
  readonly builder: AccountId | undefined;
  /** Has it a direct link with us that works? */
  readonly isLinked: boolean;
  readonly addresses: readonly string[];
  /** 0 is neutral; below a stated bound the peer is disconnected and banned for a stated time. */
  readonly score: number;
  readonly roundTripMs: number | undefined;
  readonly queuedBytes: number;
  readonly status: PeerStatus | undefined;
}

/** Calls into the node. None may throw; none is awaited unless it returns a promise. */
export interface NetworkHandlers {
  /** A decoded frame from a direct stream or the consensus topic. Malformed ones never get here. */
  onMessage(from: Sender, message: Message): void;
  /** Transactions from a gossip topic or, at a validator, from a builder's link. Resolves to whether they may be passed on; the network does so only then. Never rejects. */
  onGossipedTransactions(from: Sender, transactions: readonly Uint8Array[]): Promise<boolean>;
  onRequest(from: Sender, request: SyncRequest): Promise<SyncResponse>;
  onPeerStatus(peer: PeerKey, status: PeerStatus): void;
  onPeerGone(peer: PeerKey): void;
  onValidatorLink(validator: ValidatorIndex, isUp: boolean): void;
  /** Is this account registered as a builder now? Cheap: asked when a link is opened and on every tick while it is there. */
  isBuilder(account: AccountId): boolean;
  /** Our own status, for peers that ask or that just connected. */
  currentStatus(): PeerStatus;
  /** For the log: one event with a literal code and details. */
  onEvent(event: NetworkEvent): void;
}

export interface NetworkEvent {
  readonly code:
    | "listening"
    | "noPeers"
    | "peerUp"
    | "peerDown"
    | "builderUp"
    | "builderDown"
    | "peerRefused"
    | "peerBanned"
    | "frameDropped"
    | "dialFailed";
  readonly detail: string;
  readonly peer: PeerKey | undefined;
}

export interface Network {
  readonly self: PeerKey;
  readonly addresses: readonly string[];
  readonly peers: readonly PeerInfo[];
  /** Queues `message` for every direct link that carries its kind; all frames of one turn for one peer leave in one write. */
  broadcast(message: Message): void;
  /** Nothing is queued where there is no link, or for a link that does not carry this kind (`link_roles.ts`). */
  send(validator: ValidatorIndex, message: Message): void;
  /** Spreads transactions to all, on direct links or by gossip; in batches under load, at once when idle. */
  publishTransactions(transactions: readonly Uint8Array[]): void;
  /** Asks `peer`; rejects with a NetworkError whose `code` says why (deadline, gone, refused, invalid, busy). */
  request(
    peer: PeerKey,
    request: SyncRequest,
    options: { readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<SyncResponse>;
  penalize(sender: Sender, reason: PenaltyReason): void;
  stop(): Promise<void>;
}
