/** Secrecy: nobody can read a sealed transaction before its place is irrevocable. The observer holds the shares that honest validators let
 *  out, of whatever block and over whatever link, and those of all others by itself: with n − f of one transaction it could open it. A place is
 *  irrevocable when more than f honest validators have signed a commit vote for its block or for one above it, since then no TC can end the view. */

import type { Fact, FactOf } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
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
  { blocks, irrevocable }: { readonly blocks: SealedBlocks; readonly irrevocable: Irrevocable },
): Checker {
  /** By transaction: which honest validators let a share of it out, and the blocks that hold it. */
  const held = new Map<string, { readonly from: Set<number>; readonly blocks: Set<string> }>();
  const needed = weights.length - faultyMax(weights.length);

  function onSent({ atUs, from, message }: FactOf<"sent">): Violation | undefined {
    if (!honest.has(from)) return undefined;
    if (message.type === "shares")
      return take(
        atUs,
        from,
        message.blockHash,
        message.shares.map(({ position }) => position),
      );
    if (message.type === "proofs") {
      return take(
        atUs,
        from,
        message.blockHash,
        message.batches.flatMap(({ shares }) => shares.map(({ position }) => position)),
      );
    }
    if (message.type !== "seeds" || irrevocable.has(message.blockHash) || isPlacedElsewhere(message.blockHash)) return undefined;
    return accuse(atUs, [from], `Validator ${from} tells seeds of block ${brief(message.blockHash)}, which can still be lost.`);
  }

  /** All that the block orders has an irrevocable place in another one. */
  function isPlacedElsewhere(blockHash: string): boolean {
    const lane = blocks.of(blockHash)?.lane ?? [];
    return lane.length > 0 && lane.every((id) => [...(held.get(id)?.blocks ?? [])].some((hash) => irrevocable.has(hash)));
  }

  function take(atUs: number, from: number, blockHash: string, positions: readonly number[]): Violation | undefined {
    const lane = blocks.of(blockHash)?.lane ?? [];
    for (const position of positions) {
      const id = lane[position];
      if (id === undefined) continue;
      const known = held.get(id) ?? { from: new Set<number>(), blocks: new Set<string>() };
      held.set(id, known);
      known.from.add(from);
      known.blocks.add(blockHash);
      // Whoever is not honest has a share of its own of everything.
      const count = known.from.size + weights.length - honest.size;
      if (count < needed || [...known.blocks].some((hash) => irrevocable.has(hash))) continue;
      const detail = `With the share that validator ${from} sent, ${count} shares of sealed transaction ${brief(id)} are out (${needed} open it), although no block that holds it is irrevocable: ${[...known.blocks].map(brief).join(", ")}.`;
      return accuse(atUs, [from], detail);
    }
    return undefined;
  }

  return {
    invariant: "secrecy",
    interests: [...SEALED_BLOCK_FACTS, "signedVote", "sent"],
    observe(fact) {
      blocks.read(fact);
      irrevocable.read(fact);
      return fact.type === "sent" ? onSent(fact) : undefined;
    },
  };
}
