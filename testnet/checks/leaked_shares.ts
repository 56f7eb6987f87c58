/** Shares of sealed transactions and bundles that honest validators sent to anybody, by transaction, whatever block orders it. Judges nothing. */

import type { PositionedShare } from "../../types/opening_message.ts";
import type { Fact, WireMessage } from "../simulator/facts.ts";
import type { CheckedCluster } from "./checker.ts";
import { createRecentMap } from "./recent_map.ts";
import type { SealedBlocks } from "./sealed_blocks.ts";

export interface LeakedShares {
  readonly id: string;
  /** By the validator whose share it is. */
  readonly shares: ReadonlyMap<number, Uint8Array>;
  /** Blocks that order the transaction and that shares came for. */
  readonly blocks: ReadonlySet<string>;
}

export interface Leaks {
  /** What is out of each transaction that the fact shows a share of, with that share. The same fact may come several times. */
  read(fact: Fact): readonly LeakedShares[];
  of(id: string): LeakedShares | undefined;
}

const TRANSACTIONS_MAX = 16_384;

export function createLeaks({ honest }: Pick<CheckedCluster, "honest">, blocks: SealedBlocks): Leaks {
  const leaked = createRecentMap<string, { readonly id: string; readonly shares: Map<number, Uint8Array>; readonly blocks: Set<string> }>(
    TRANSACTIONS_MAX,
  );
  let last: Fact | undefined;
  let shown: readonly LeakedShares[] = [];

  return {
    read(fact) {
      if (fact === last) return shown;
      last = fact;
      shown = [];
      if (fact.type !== "sent" || !honest.has(fact.from)) return shown;
      const sent = sentSharesOf(fact.message);
      if (sent === undefined) return shown;
      const opened = blocks.of(sent.blockHash)?.positions ?? [];
      shown = sent.shares.flatMap(({ position, share }) => {
        const id = opened[position];
        if (id === undefined) return [];
        const known = leaked.get(id) ?? { id, shares: new Map<number, Uint8Array>(), blocks: new Set<string>() };
        leaked.set(id, known);
        known.shares.set(fact.from, share);
        known.blocks.add(sent.blockHash);
        return [known];
      });
      return shown;
    },
    of: (id) => leaked.get(id),
  };
}

/** The shares that a message carries, with a proof or without. */
export function sentSharesOf(
  message: WireMessage,
): { readonly blockHash: string; readonly shares: readonly PositionedShare[] } | undefined {
  const { type } = message;
  if (type === "shares") return { blockHash: message.blockHash, shares: message.shares };
  if (type !== "proofs") return undefined;
  return { blockHash: message.blockHash, shares: message.batches.flatMap(({ shares }) => shares) };
}
