/** Blocks with what a sealed lane depends on, by hash, as facts show them: shared by the checkers of sealed transactions. Judges nothing. */

import type { Bid } from "../../types/bid.ts";
import type { Block } from "../../types/block.ts";
import type { InclusionList } from "../../types/inclusion_list.ts";
import type { Fact, FactType } from "../simulator/facts.ts";
import { bodyOf } from "./bodies.ts";
import { createHeaderHasher } from "./final_chain.ts";
import { createRecentMap } from "./recent_map.ts";

export interface SealedBlock {
  readonly blockHash: string;
  readonly height: number;
  readonly view: number;
  readonly parentHash: string;
  /** Ids of the sealed lane, in its order. */
  readonly lane: readonly string[];
  readonly lists: readonly InclusionList[];
  /** What is opened with the block, by position: the lane, then the bundle under its bid's hash. */
  readonly positions: readonly string[];
}

export interface SealedBlocks {
  /** Learns what the fact shows. The same fact may come several times. */
  read(fact: Fact): void;
  of(blockHash: string): SealedBlock | undefined;
  /** The bid of this hash that a block carries with a bundle. */
  bundleOf(bidHash: string): Bid | undefined;
  /** The block and those below it, as far as they are known, newest first. */
  chainOf(blockHash: string, count: number): readonly SealedBlock[];
}

export const SEALED_BLOCK_FACTS: readonly FactType[] = ["signedProposal", "delivered", "saved"];
const BLOCKS_MAX = 16_384;

export function createSealedBlocks(): SealedBlocks {
  const blocks = createRecentMap<string, SealedBlock>(BLOCKS_MAX);
  const hashOf = createHeaderHasher();
  const bundles = createRecentMap<string, Bid>(BLOCKS_MAX);
  let last: Fact | undefined;

  function learn({ header, lists, bid }: Pick<Block, "header" | "lists" | "bid">, hashes: readonly string[]): void {
    const blockHash = hashOf(header);
    if (blocks.get(blockHash) !== undefined) return;
    const { height, view, parentHash, sealedCount } = header;
    const lane = hashes.slice(0, sealedCount);
    const positions = [...lane];
    if (bid !== undefined && bid.bundle.length > 0) {
      bundles.set(header.bidHash, bid);
      positions.push(header.bidHash);
    }
    blocks.set(blockHash, { blockHash, height, view, parentHash, lane, lists, positions });
  }

  return {
    read(fact) {
      if (fact === last) return;
      last = fact;
      if (fact.type === "signedProposal") learn(fact.proposal, fact.proposal.transactionHashes);
      else if (fact.type === "delivered" && fact.message.type === "proposal") {
        learn(fact.message.proposal, fact.message.proposal.transactionHashes);
      } else if (fact.type === "saved") {
        for (const { block } of fact.durable.blocks) learn(block, bodyOf(block).hashes);
      }
    },
    of: (blockHash) => blocks.get(blockHash),
    bundleOf: (bidHash) => bundles.get(bidHash),
    chainOf(blockHash, count) {
      const chain: SealedBlock[] = [];
      for (let block = blocks.get(blockHash); block !== undefined && chain.length < count; block = blocks.get(block.parentHash))
        chain.push(block);
      return chain;
    },
  };
}

/** f by count: sealing asks for equal weights. */
export const faultyMax = (validators: number): number => Math.floor((validators - 1) / 3);
