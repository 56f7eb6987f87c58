/** No censorship while there is room: what every honest validator but the leader named in all of its lists for a view is in the sealed lane of the
 *  view's block, if that block becomes final, unless a block below it ordered it or its expiry height has passed. Lists are taken from what validators
 *  send, not from what the leader says that they sent. */

import type { BlockHeader } from "../../types/block.ts";
import { ZERO_HASH } from "../../types/ids.ts";
import type { InclusionList } from "../../types/inclusion_list.ts";
import { EXPIRY_HEIGHTS_MAX, orderedBelow } from "./canon_again.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { CHAIN_FACTS, type FinalChain } from "./final_chain.ts";
import { createRecentMap } from "./recent_map.ts";
import { SEALED_BLOCK_FACTS, type SealedBlock, type SealedBlocks } from "./sealed_blocks.ts";
import { accuserOf, brief } from "./violations.ts";

const accuse = accuserOf("noCensorship", "safety");
const UNOPENED_MAX = 16;
const VIEWS_MAX = 4_096;
/** Fewer than any limit of a lane in count and bytes: there is room. */
const ROOM = 64;

/** Of one validator and view: what all of its lists name, with the expiry height. */
type Named = Map<string, number>;

export function createNoCensorshipChecker(
  { honest }: Pick<CheckedCluster, "honest">,
  { blocks, chain }: { readonly blocks: SealedBlocks; readonly chain: FinalChain },
): Checker {
  const views = createRecentMap<number, Map<number, Named>>(VIEWS_MAX);
  const seen = new WeakSet<InclusionList>();

  function note(from: number, list: InclusionList): void {
    if (seen.has(list) || list.validator !== from) return;
    seen.add(list);
    const byValidator = views.get(list.view) ?? new Map<number, Named>();
    views.set(list.view, byValidator);
    const before = byValidator.get(from);
    const named: Named = new Map();
    for (const { id, expiryHeight } of list.entries) if (before === undefined || before.has(id)) named.set(id, expiryHeight);
    byValidator.set(from, named);
  }

  function judge(header: BlockHeader, block: SealedBlock, atUs: number): Violation | undefined {
    if (header.keyId === (ZERO_HASH as string) || header.height - header.executedHeight > UNOPENED_MAX) return undefined;
    const byValidator = views.get(header.view);
    if (byValidator === undefined || block.lane.length >= ROOM) return undefined;
    const others = [...honest].filter((validator) => validator !== header.proposer);
    const [first, ...rest] = others.map((validator) => byValidator.get(validator));
    if (first === undefined || rest.some((named) => named === undefined)) return undefined;
    const ordered = orderedBelow(blocks.chainOf(header.parentHash, EXPIRY_HEIGHTS_MAX));
    for (const [id, expiryHeight] of first) {
      if (expiryHeight < header.height || rest.some((named) => named?.has(id) !== true)) continue;
      if (block.lane.includes(id) || ordered.has(id)) continue;
      const detail = `The final block ${brief(block.blockHash)} of view ${header.view}, proposed by validator ${header.proposer}, leaves out sealed transaction ${brief(id)}, which all other honest validators had named for that view.`;
      return accuse(atUs, [header.proposer], detail);
    }
    return undefined;
  }

  return {
    invariant: "noCensorship",
    interests: [...new Set([...SEALED_BLOCK_FACTS, ...CHAIN_FACTS, "sent" as const])],
    observe(fact) {
      blocks.read(fact);
      if (fact.type === "sent") {
        if (fact.message.type === "list" && honest.has(fact.from)) note(fact.from, fact.message.list);
        return undefined;
      }
      for (const { header, blockHash } of chain.read(fact)) {
        const block = blocks.of(blockHash);
        const violation = block === undefined ? undefined : judge(header, block, fact.atUs);
        if (violation !== undefined) return violation;
      }
      return undefined;
    },
  };
}
