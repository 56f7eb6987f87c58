/** Which way transactions leave. While every peer is a validator or a builder with a direct link and no link is missing between live ones,
 *  they go over the direct links: they share the turn's one write with votes, at a fraction of what a gossip message costs
 *  both ends (docs/decisions/0013). As soon as a full node listens, or a message must go around a gap, they go by gossip to all.
 *
 *  A full node sends no more a second than validators take from one: its clients must not be able to make it look like a flood. */

import type { ValidatorIndex } from "../types/ids.ts";
import { encodeMessage } from "../types/message.ts";
import type { Gossip } from "./gossip.ts";
import type { NetworkLimits } from "./limits.ts";
import type { PeerTable } from "./peer_table.ts";
import { createBudget } from "./rate_limiter.ts";
import type { StatusExchange } from "./status_exchange.ts";
import { lengthPrefixed } from "./wire.ts";

export interface TransactionSpread {
  publish(transactions: readonly Uint8Array[]): void;
  /** Do most peers take nothing at the moment, or would it be more than they take from us? */
  readonly isCongested: boolean;
}

export function createTransactionSpread(options: {
  readonly peers: PeerTable;
  readonly gossip: Pick<Gossip, "publishTransactions" | "isFullNodeListening" | "isCongested">;
  readonly statuses: () => Pick<StatusExchange, "isGoingAround">;
  /** Undefined for a full node. */
  readonly self: ValidatorIndex | undefined;
  readonly nowMs: () => number;
  readonly limits: Pick<NetworkLimits, "queueBytesMax" | "fullNodeTransactionBytesPerSecond">;
}): TransactionSpread {
  const { peers, gossip, statuses, self, nowMs, limits } = options;
  const perSecond = limits.fullNodeTransactionBytesPerSecond;
  const budget = self === undefined ? createBudget({ perSecond, nowMs: nowMs() }) : undefined;

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
      for (const { length } of transactions) budget?.spend(length, nowMs());
      if (!isDirectEnough()) return gossip.publishTransactions(transactions);
      const frame = lengthPrefixed(encodeMessage({ type: "transactions", transactions }));
      for (const { link } of peers.all) link?.queueFrame("transactions", frame);
    },
    get isCongested() {
      return (budget?.waitMs(nowMs()) ?? 0) > 0 || gossip.isCongested || isMostlyFull();
    },
  };
}
