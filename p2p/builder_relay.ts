/** What a validator passes on to its builders, which have no links with each other: proposals and certificates of validators that a builder lacks a link
 *  with, and transactions that another builder brought, by gossip too where full nodes listen. Transactions are passed on only once the node has judged them, each once within
 *  `passedForMs`, at a bounded rate for each builder that brings them, and never to a validator by link: so nothing goes in circles.
 *
 *  Every validator does so, since one that keeps them back must not be enough to hide them from a builder. The builder takes the first copy of a frame. */

import { createHash } from "node:crypto";
import type { ValidatorIndex } from "../types/ids.ts";
import { encodeMessage, type Message } from "../types/message.ts";
import { createRecentSet } from "../types/recent_set.ts";
import { Signers } from "../types/validator_set.ts";
import type { Gossip } from "./gossip.ts";
import type { NetworkHandlers } from "./interface.ts";
import type { NetworkLimits } from "./limits.ts";
import type { Peer, PeerTable } from "./peer_table.ts";
import { lengthPrefixed } from "./wire.ts";

const STAGGERED_MAX = 8;

export interface BuilderRelay {
  /** A frame that a validator's link brought. */
  passOn(source: Peer, message: Message, body: Uint8Array): void;
  /** Transactions that a builder's link brought: to the node, and on when it finds them good. */
  takeTransactions(source: Peer, transactions: readonly Uint8Array[]): void;
  /** At a builder: did another validator bring the same transactions a moment ago? */
  isRepeated(body: Uint8Array): boolean;
}

export function createBuilderRelay(options: {
  readonly self: ValidatorIndex | undefined;
  readonly limits: Pick<NetworkLimits, "passedForMs" | "passStaggerMs" | "passedTransactionsMax" | "recentFramesMax">;
  readonly nowMs: () => number;
  readonly peers: Pick<PeerTable, "all">;
  readonly gossip: Pick<Gossip, "publishTransactions" | "isFullNodeListening">;
  readonly handlers: Pick<NetworkHandlers, "onGossipedTransactions">;
}): BuilderRelay {
  const { self, limits, nowMs, peers, gossip, handlers } = options;
  const passed = createMemory({ countMax: limits.passedTransactionsMax, forMs: limits.passedForMs, nowMs });
  const frames = createMemory({ countMax: limits.recentFramesMax, forMs: limits.passedForMs, nowMs });

  function passTransactions(source: Peer, transactions: readonly Uint8Array[]): void {
    const fresh = transactions.filter((bytes) => !passed.has(bytes));
    if (fresh.length === 0) return;
    const byteCount = fresh.reduce((sum, { length }) => sum + length, 0);
    if (!source.builderPassLimiter.take(byteCount, nowMs())) return;
    for (const bytes of fresh) passed.add(bytes);
    const frame = lengthPrefixed(encodeMessage({ type: "transactions", transactions: fresh }));
    for (const peer of peers.all) {
      if (peer !== source && peer.linkRole === "peerBuilder") peer.link?.queueFrame("transactions", frame);
    }
    if (gossip.isFullNodeListening) setTimeout(() => gossip.publishTransactions(fresh), rankOf(source) * limits.passStaggerMs);
  }

  /** Our place among the validators that the builder says it is linked with. One's gossip reaches the others, whose own then goes nowhere: gossip knows
   *  a message by its content. */
  function rankOf({ links }: Peer): number {
    if (links === undefined || self === undefined) return 0;
    const before = Signers.indices(links).filter((index) => index < self).length;
    return Math.min(before, STAGGERED_MAX);
  }

  return {
    passOn(source, message, body) {
      const { validator } = source.identity;
      if (validator === undefined || (message.type !== "proposal" && message.type !== "certificate")) return;
      for (const { link, linkRole, links } of peers.all) {
        if (linkRole !== "peerBuilder" || links === undefined || Signers.has(links, validator)) continue;
        link?.queueFrame(message.type, lengthPrefixed(body));
      }
    },
    takeTransactions(source, transactions) {
      void handlers.onGossipedTransactions(source.sender, transactions).then((isWanted) => {
        if (isWanted) passTransactions(source, transactions);
      });
    },
    isRepeated(body) {
      if (frames.has(body)) return true;
      frames.add(body);
      return false;
    },
  };
}

interface Memory {
  has(bytes: Uint8Array): boolean;
  add(bytes: Uint8Array): void;
}

/** Of bytes, for `forMs` at most: what is repeated later is repeated on purpose. */
function createMemory(options: { readonly countMax: number; readonly forMs: number; readonly nowMs: () => number }): Memory {
  const recent = createRecentSet<string>(options.countMax);
  let sinceMs = options.nowMs();

  function expire(): void {
    const atMs = options.nowMs();
    if (atMs - sinceMs < options.forMs) return;
    sinceMs = atMs;
    recent.clear();
  }

  return {
    has(bytes) {
      expire();
      return recent.has(hashOf(bytes));
    },
    add: (bytes) => recent.add(hashOf(bytes)),
  };
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("base64");
