/** Secrecy: nobody can read a sealed transaction or a bundle before its place is irrevocable. The observer holds the shares that honest validators let
 *  out, of whatever block and over whatever link, and those of all others by itself: with n − f of one transaction it could open it. A place is
 *  irrevocable when more than f honest validators have signed a commit vote for its block or for one above it, since then no TC can end the view. */

import type { Fact, FactOf } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import type { Leaks } from "./leaked_shares.ts";
import { faultyMax, SEALED_BLOCK_FACTS, type SealedBlocks } from "./sealed_blocks.ts";
import { accuserOf, brief } from "./violations.ts";

const accuse = accuserOf("secrecy", "safety");

export interface Irrevocable {
  /** Learns commit votes. */
  read(fact: Fact): void;
  has(blockHash: string): boolean;
}

/** Blocks that no run of the protocol can lose any more. */
export function createIrrevocable({ honest, weights }: Pick<CheckedCluster, "honest" | "weights">, blocks: SealedBlocks): Irrevocable {
  const committers = new Map<string, Set<number>>();
  const irrevocable = new Set<string>();
  let last: Fact | undefined;

  function note(blockHash: string, validator: number): void {
    const signers = committers.get(blockHash) ?? new Set<number>();
    committers.set(blockHash, signers.add(validator));
    if (signers.size <= faultyMax(weights.length)) return;
    for (let hash: string | undefined = blockHash; hash !== undefined && !irrevocable.has(hash); hash = blocks.of(hash)?.parentHash) {
      irrevocable.add(hash);
    }
  }

  return {
    read(fact) {
      if (fact === last) return;
      last = fact;
      if (fact.type !== "signedVote" || fact.vote.ballot.kind !== "commit" || !honest.has(fact.validator)) return;
      note(fact.vote.ballot.blockHash, fact.validator);
    },
    has: (blockHash) => irrevocable.has(blockHash),
  };
}

export function createSecrecyChecker(
  { honest, weights }: Pick<CheckedCluster, "honest" | "weights">,
  { blocks, irrevocable, leaks }: { readonly blocks: SealedBlocks; readonly irrevocable: Irrevocable; readonly leaks: Leaks },
): Checker {
  const needed = weights.length - faultyMax(weights.length);

  function onSent(fact: FactOf<"sent">): Violation | undefined {
    const { atUs, from, message } = fact;
    for (const { id, shares, blocks: places } of leaks.read(fact)) {
      // Whoever is not honest has a share of its own of everything.
      const count = shares.size + weights.length - honest.size;
      if (count < needed || isPlaced(places)) continue;
      const detail = `With the share that validator ${from} sent, ${count} shares of sealed transaction ${brief(id)} are out (${needed} open it), although no block that holds it is irrevocable: ${[...places].map(brief).join(", ")}.`;
      return accuse(atUs, [from], detail);
    }
    if (!honest.has(from) || message.type !== "seeds") return undefined;
    if (irrevocable.has(message.blockHash) || isPlacedElsewhere(message.blockHash)) return undefined;
    return accuse(atUs, [from], `Validator ${from} tells seeds of block ${brief(message.blockHash)}, which can still be lost.`);
  }

  const isPlaced = (places: Iterable<string>): boolean => [...places].some((hash) => irrevocable.has(hash));

  /** All that the block orders has an irrevocable place in another one. */
  function isPlacedElsewhere(blockHash: string): boolean {
    const opened = blocks.of(blockHash)?.positions ?? [];
    return opened.length > 0 && opened.every((id) => isPlaced(leaks.of(id)?.blocks ?? []));
  }

  return {
    invariant: "secrecy",
    interests: [...SEALED_BLOCK_FACTS, "signedVote", "sent"],
    hearsBuilders: true,
    observe(fact) {
      blocks.read(fact);
      irrevocable.read(fact);
      return fact.type === "sent" ? onSent(fact) : undefined;
    },
  };
}
