/** The one chain that honest validators call final, put together from what they save and report, with the headers that facts show. Who
 *  contradicts it is `agreement.ts`'s business: the first to name a height is believed here. */

import { hashHeader } from "../../crypto/hashes.ts";
import type { BlockHeader } from "../../types/block.ts";
import type { Fact, FactType } from "../simulator/facts.ts";
import type { CheckedCluster } from "./checker.ts";

export interface FinalBlockSeen {
  readonly height: number;
  readonly blockHash: string;
  readonly header: BlockHeader;
  /** The parent's header; undefined over genesis. */
  readonly parent: BlockHeader | undefined;
  /** Who first made it final. */
  readonly validator: number;
}

export interface FinalChain {
  /** Blocks that this fact made final for the first time, ascending without a gap. The same list for the same fact. */
  read(fact: Fact): readonly FinalBlockSeen[];
  /** A header shown by somebody, its hash recomputed; old ones are forgotten. */
  header(blockHash: string): BlockHeader | undefined;
  hashAt(height: number): string | undefined;
  /** Hashes a header once, however many validators hold it. */
  hashOf(header: BlockHeader): string;
}

/** Facts that show headers or finality. */
export const CHAIN_FACTS: readonly FactType[] = ["signedProposal", "saved", "finalized"];

/** Headers below the final head that are kept, in heights: nobody extends a block further down. */
const HEADERS_KEPT = 64;
/** Headers further up than this are invented: validators hold no unfinished chain of such a length. */
const HEADERS_AHEAD_MAX = 8_192;
const NOTHING: readonly FinalBlockSeen[] = [];

export function createFinalChain(cluster: Pick<CheckedCluster, "honest" | "genesisHash">): FinalChain {
  const headers = new Map<string, BlockHeader>();
  const byHeight = new Map<number, string[]>();
  const hashes: string[] = [cluster.genesisHash];
  const claimedBy: number[] = [-1];
  const hashOf = createHeaderHasher();
  let finalHeight = 0;
  let head: BlockHeader | undefined;
  let lastFact: Fact | undefined;
  let found: FinalBlockSeen[] | undefined;

  function learn(header: BlockHeader): void {
    if (header.height <= finalHeight - HEADERS_KEPT || header.height > finalHeight + HEADERS_AHEAD_MAX) return;
    const hash = hashOf(header);
    if (headers.has(hash)) return;
    headers.set(hash, header);
    const siblings = byHeight.get(header.height);
    if (siblings === undefined) byHeight.set(header.height, [hash]);
    else siblings.push(hash);
  }

  function claim(height: number, blockHash: string, validator: number): void {
    if (hashes[height] !== undefined) return;
    hashes[height] = blockHash;
    claimedBy[height] = validator;
  }

  function advance(): void {
    for (let hash = hashes[finalHeight + 1]; hash !== undefined; hash = hashes[finalHeight + 1]) {
      const header = headers.get(hash);
      if (header === undefined) return;
      finalHeight++;
      found ??= [];
      found.push({ height: finalHeight, blockHash: hash, header, parent: head, validator: claimedBy[finalHeight] as number });
      head = header;
      const oldHeight = finalHeight - HEADERS_KEPT;
      for (const old of byHeight.get(oldHeight) ?? []) headers.delete(old);
      byHeight.delete(oldHeight);
    }
  }

  return {
    read(fact) {
      if (fact === lastFact) return found ?? NOTHING;
      lastFact = fact;
      found = undefined;
      switch (fact.type) {
        case "signedProposal":
          learn(fact.proposal.header);
          break;
        case "saved":
          if (!cluster.honest.has(fact.validator)) break;
          for (const { block } of fact.durable.blocks) learn(block.header);
          for (const { height, blockHash } of fact.durable.finality) claim(height, blockHash, fact.validator);
          break;
        case "finalized":
          if (!cluster.honest.has(fact.validator)) break;
          for (const { header, blockHash } of fact.blocks) {
            learn(header);
            claim(header.height, blockHash, fact.validator);
          }
          break;
        default:
          break;
      }
      advance();
      return found ?? NOTHING;
    },
    header: (blockHash) => headers.get(blockHash),
    hashAt: (height) => hashes[height],
    hashOf,
  };
}

/** Hashes a header once, however many validators hold it. */
export function createHeaderHasher(): (header: BlockHeader) => string {
  const known = new WeakMap<BlockHeader, string>();
  return (header) => {
    const before = known.get(header);
    if (before !== undefined) return before;
    const hash = hashHeader(header);
    known.set(header, hash);
    return hash;
  };
}
