/** Who stands where, who is linked with whom, and what follows from it for gossip.
 *
 *  Linked peers tell each other their status and their links: at once when a link is up, then when something changed
 *  (looked at once per interval), then anyway after a longer one. A full node asks the validators that it has no link with.
 *  From the links follows when messages must also go by gossip (`relay.ts`). What a builder says of itself helps to serve it and goes
 *  no further: nobody catches up from builders. */

import { bytesEqual } from "../types/bytes.ts";
import type { ValidatorIndex } from "../types/ids.ts";
import type { Message } from "../types/message.ts";
import type { PeerKey } from "../types/sender.ts";
import type { PeerStatus, SyncRequest, SyncResponse } from "../types/sync.ts";
import { Signers } from "../types/validator_set.ts";
import { NetworkError } from "./errors.ts";
import type { Gossip } from "./gossip.ts";
import type { NetworkHandlers } from "./interface.ts";
import type { NetworkLimits } from "./limits.ts";
import type { Peer, PeerTable } from "./peer_table.ts";
import { createLasting, hasOwnGap, type LinkView, peersWithGap } from "./relay.ts";
import { type LinkStatus, topicOf } from "./wire.ts";

export interface StatusExchange {
  onPeer(peer: Peer): void;
  onLinkUp(peer: Peer): void;
  onStatus(peer: Peer, status: LinkStatus): void;
  tick(nowMs: number): void;
  /** Is a link missing between two live validators, so that messages have to go around it? */
  readonly isGoingAround: boolean;
  /** Must our own message also go by gossip? */
  isGossipNeeded(message: Message): boolean;
  /** Must a message that came over a direct link be published for full nodes? */
  isRelayNeeded(message: Message): boolean;
}

export function createStatusExchange(options: {
  readonly limits: NetworkLimits;
  readonly self: ValidatorIndex | undefined;
  readonly validatorCount: number;
  readonly peers: PeerTable;
  readonly gossip: Gossip;
  readonly handlers: NetworkHandlers;
  readonly nowMs: () => number;
  readonly request: (
    peer: PeerKey,
    request: SyncRequest,
    bounds: { readonly deadlineMs: number; readonly signal: AbortSignal },
  ) => Promise<SyncResponse>;
}): StatusExchange {
  const { limits, self, peers, gossip, handlers } = options;
  const ownGap = createLasting({ delayMs: limits.gapDelayMs, lingerMs: limits.gapLingerMs });
  const anyGap = createLasting({ delayMs: limits.gapDelayMs, lingerMs: limits.gapLingerMs });
  const never = new AbortController().signal;
  let isGoingAround = false;
  let sent: LinkStatus | undefined;
  let sentMs = 0;
  let lookedMs = 0;

  function ownStatus(): LinkStatus {
    const linked: ValidatorIndex[] = [];
    for (const { link, identity } of peers.all) {
      if (link?.isUp === true && identity.validator !== undefined) linked.push(identity.validator);
    }
    return { status: handlers.currentStatus(), links: Signers.of(linked) };
  }

  function exchange(nowMs: number): void {
    const current = ownStatus();
    const isDue = nowMs - sentMs >= limits.statusRepeatMs;
    if (!isDue && sent !== undefined && isSame(sent, current)) return;
    sent = current;
    for (const { link } of peers.all) {
      link?.queueStatus(current);
      if (isDue) link?.queuePing();
    }
    if (isDue) sentMs = nowMs;
  }

  function updateRelay(nowMs: number): void {
    const views: LinkView[] = [];
    for (const { link, identity, links } of peers.all) {
      if (link?.isUp === true && identity.validator !== undefined) views.push({ validator: identity.validator, links });
    }
    const isOwn = hasOwnGap({ self, count: options.validatorCount, views });
    isGoingAround = ownGap.update(isOwn, nowMs);
    // A builder's gap is for its own transactions; validators help each other.
    const needsHelp = self === undefined ? new Set<ValidatorIndex>() : peersWithGap(views);
    const isGap = self !== undefined && (isOwn || needsHelp.size > 0);
    gossip.update({ isRelaying: anyGap.update(isGap, nowMs), needsHelp, nowMs });
  }

  /** Full nodes ask. A peer that does not answer shows in the requests' own accounts. */
  async function poll(peer: Peer): Promise<void> {
    try {
      const response = await options.request(peer.key, { type: "status" }, { deadlineMs: limits.statusRepeatMs, signal: never });
      if (response.type === "status") take(peer, response.status);
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
    }
  }

  function take(peer: Peer, status: PeerStatus): void {
    peer.status = status;
    handlers.onPeerStatus(peer.key, status);
  }

  function pollAll(): void {
    for (const peer of peers.all) {
      if (peer.identity.validator !== undefined && peer.link === undefined && peer.requestsOut === 0) void poll(peer);
    }
  }

  return {
    onPeer(peer) {
      if (self === undefined && peer.identity.validator !== undefined) void poll(peer);
    },
    onLinkUp(peer) {
      peer.link?.queueStatus(ownStatus());
      peer.link?.queuePing();
      // The others learn of the new link with the next look.
      lookedMs = 0;
    },
    onStatus(peer, { status, links }) {
      peer.links = links;
      if (peer.identity.validator === undefined) peer.status = status;
      else take(peer, status);
    },
    tick(nowMs) {
      if (nowMs - lookedMs >= limits.statusIntervalMs) {
        lookedMs = nowMs;
        if (self === undefined) pollAll();
        exchange(nowMs);
      }
      updateRelay(nowMs);
    },
    get isGoingAround() {
      return isGoingAround;
    },
    isGossipNeeded(message) {
      if (self !== undefined && isGoingAround) return topicOf(message) === "consensus";
      return gossip.isFullNodeListening && (message.type === "proposal" || message.type === "certificate");
    },
    isRelayNeeded: (message) => gossip.isFullNodeListening && (message.type === "proposal" || message.type === "certificate"),
  };
}

function isSame(left: LinkStatus, right: LinkStatus): boolean {
  const isSamePlace =
    left.status.epoch === right.status.epoch &&
    left.status.view === right.status.view &&
    left.status.finalHeight === right.status.finalHeight &&
    left.status.finalHash === right.status.finalHash &&
    left.status.oldestHeight === right.status.oldestHeight;
  return isSamePlace && bytesEqual(left.links, right.links);
}
