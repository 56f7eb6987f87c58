/** What the node does with what the network brings: messages of consensus, of the sealed lane and of builders go to the machine, transactions to
 *  the ingress, requests to the sync server. Never throws and never blocks. */

import type { NetworkHandlers } from "../p2p/interface.ts";
import { unreachable } from "../types/assert.ts";
import type { Bid } from "../types/bid.ts";
import type { AccountId, ValidatorIndex } from "../types/ids.ts";
import type { Message } from "../types/message.ts";
import type { Sender } from "../types/sender.ts";
import type { PeerStatus, SyncRequest, SyncResponse } from "../types/sync.ts";
import type { ActivityLog } from "./activity_log.ts";
import type { Driver } from "./driver.ts";
import type { TransactionIngress } from "./transaction_ingress.ts";

export function createNetworkHandlers(parts: {
  readonly driver: Pick<Driver, "submit">;
  readonly ingress: Pick<TransactionIngress, "fromGossip">;
  readonly answer: (request: SyncRequest) => Promise<SyncResponse>;
  readonly currentStatus: () => PeerStatus;
  readonly activity: Pick<ActivityLog, "onNetworkEvent">;
  /** A validator's link came up: it gets our latest messages, which it missed. */
  readonly onLinkUp: (validator: ValidatorIndex) => void;
  readonly isBuilder: (account: AccountId) => boolean;
  readonly onBid: (bid: Bid) => void;
}): NetworkHandlers {
  const { driver, ingress } = parts;

  function onMessage(from: Sender, message: Message): void {
    switch (message.type) {
      case "proposal":
        return driver.submit({ type: "proposal", from, proposal: message.proposal });
      case "vote":
        return driver.submit({ type: "vote", from, vote: message.vote });
      case "certificate":
        return driver.submit({ type: "certificate", from, certificate: message.certificate });
      case "transactions":
        void ingress.fromGossip(from, message.transactions);
        return;
      case "bid": {
        const { bid, tailHashes } = message;
        parts.onBid(bid);
        return driver.submit({ type: "bid", from, offered: { bid, tailHashes } });
      }
      case "list":
      case "shares":
      case "seeds":
      case "openingRequest":
      case "proofRequest":
      case "proofs":
        return driver.submit({ type: "sealing", from, message });
      default:
        return unreachable(message);
    }
  }

  return {
    onMessage,
    onGossipedTransactions: (from, transactions) => ingress.fromGossip(from, transactions),
    onRequest: (_from, request) => parts.answer(request),
    onPeerStatus: (peer, status) => driver.submit({ type: "peerStatus", peer, status }),
    onPeerGone: (peer) => driver.submit({ type: "peerGone", peer }),
    onValidatorLink: (validator, isUp) => {
      if (isUp) parts.onLinkUp(validator);
    },
    isBuilder: parts.isBuilder,
    currentStatus: parts.currentStatus,
    onEvent: (event) => parts.activity.onNetworkEvent(event),
  };
}
