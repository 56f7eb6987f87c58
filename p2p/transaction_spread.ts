/** Which way transactions leave. While every peer is a validator or a builder with a direct link and no link is missing between live ones,
 *  they go over the direct links: they share the turn's one write with votes, at a fraction of what a gossip message costs
 *  both ends (docs/decisions/0013). As soon as a full node listens, or a message must go around a gap, they go by gossip to all. */

import { encodeMessage } from "../types/message.ts";
import type { Gossip } from "./gossip.ts";
import type { NetworkLimits } from "./limits.ts";
import type { PeerTable } from "./peer_table.ts";
import type { StatusExchange } from "./status_exchange.ts";
import { lengthPrefixed } from "./wire.ts";

export interface TransactionSpread {
  publish(transactions: readonly Uint8Array[]): void;
  /** Do most peers take nothing at the moment? */
  readonly isCongested: boolean;
}

export function createTransactionSpread(options: {
  readonly peers: PeerTable;
  readonly gossip: Pick<Gossip, "publishTransactions" | "isFullNodeListening" | "isCongested">;
  readonly statuses: () => Pick<StatusExchange, "isGoingAround">;
  readonly limits: Pick<NetworkLimits, "queueBytesMax">;
}): TransactionSpread {
  const { peers, gossip, statuses, limits } = options;

  function isDirectEnough(): boolean {
    if (statuses().isGoingAround || gossip.isFullNodeListening) return false;
    return [...peers.all].every(({ link }) => link !== undefined);
  }

  function isMostlyFull(): boolean {
    let full = 0;
    for (const { link } of peers.all) if (link !== undefined && link.queue.bytes > limits.queueBytesMax / 8) full++;
    return full * 2 > peers.count;
  }

  return {
    publish(transactions) {
      if (!isDirectEnough()) return gossip.publishTransactions(transactions);
      const frame = lengthPrefixed(encodeMessage({ type: "transactions", transactions }));
      for (const { link } of peers.all) link?.queueFrame("transactions", frame);
    },
    get isCongested() {
      return gossip.isCongested || isMostlyFull();
    },
  };
}
