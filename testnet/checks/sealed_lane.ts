/** The sealed lane: every block that an honest validator takes as valid names the key that is live, carries n − f signed lists for its view unless
 *  too many blocks below it wait to be opened, and has exactly the lane that follows from them, each envelope as its entry says. All honest
 *  validators have the same key, with a threshold of n − f; and where nothing kept them from complaining, each holds
 *  its share. */

import type { Block } from "../../types/block.ts";
import { compareBytes } from "../../types/bytes.ts";
import { hashToBytes } from "../../types/codec.ts";
import { ZERO_HASH } from "../../types/ids.ts";
import { type InclusionList, listSigningBytes } from "../../types/inclusion_list.ts";
import type { FactOf } from "../simulator/facts.ts";
import { bodyOf } from "./bodies.ts";
import { EXPIRY_HEIGHTS_MAX, laneAgain } from "./canon_again.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { createRecentMap } from "./recent_map.ts";
import { faultyMax, SEALED_BLOCK_FACTS, type SealedBlock, type SealedBlocks } from "./sealed_blocks.ts";
import { accuserOf, brief } from "./violations.ts";

const accuse = accuserOf("sealedLane", "safety");
/** As docs state them. */
const UNOPENED_MAX = 16;
const ENTRIES_MAX = 1_024;
const ENTRIES_IN_ALL = 15_360;
const SEALED_KIND = 2;

export function createSealedLaneChecker(
  cluster: CheckedCluster,
  { blocks, isUndisturbed }: { readonly blocks: SealedBlocks; readonly isUndisturbed: boolean },
): Checker {
  const { honest, weights } = cluster;
  const count = weights.length;
  const quorum = count - faultyMax(count);
  const judged = createRecentMap<string, true>(16_384);
  let live: { readonly keyId: string; readonly activationHeight: number; readonly validator: number } | undefined;

  function onKey({ atUs, validator, key, activationHeight, secretShare }: FactOf<"keyLive">): Violation | undefined {
    if (!honest.has(validator)) return undefined;
    if (key.threshold !== quorum || key.shareKeys.length !== count) {
      const detail = `Validator ${validator} has a key that ${key.threshold} of ${key.shareKeys.length} shares open; it has to be ${quorum} of ${count}.`;
      return accuse(atUs, [validator], detail);
    }
    if (isUndisturbed && secretShare === undefined) {
      return accuse(
        atUs,
        [validator],
        `Validator ${validator} has no share of the key, although nothing kept it from complaining in time.`,
      );
    }
    live ??= { keyId: key.keyId, activationHeight, validator };
    if (live.keyId === key.keyId && live.activationHeight === activationHeight) return undefined;
    const detail = `Validators ${live.validator} and ${validator} have different keys: ${brief(live.keyId)} from height ${live.activationHeight} on, ${brief(key.keyId)} from height ${activationHeight} on.`;
    return accuse(atUs, [live.validator, validator], detail);
  }

  function judge(block: Block, seen: SealedBlock): string | undefined {
    const { header } = block;
    const wantedKey = live !== undefined && live.activationHeight <= header.executedHeight + 1 ? live.keyId : ZERO_HASH;
    if (header.keyId !== (wantedKey as string)) return `names the key ${brief(header.keyId)} instead of ${brief(wantedKey)}`;
    const isOpen = header.keyId !== (ZERO_HASH as string) && header.height - header.executedHeight <= UNOPENED_MAX;
    if (!isOpen) return block.lists.length === 0 && header.sealedCount === 0 ? undefined : "has a sealed lane that it must not have";
    return flawOfLists(block.lists, header.view) ?? flawOfLane(block, seen);
  }

  function flawOfLists(lists: readonly InclusionList[], view: number): string | undefined {
    if (lists.length !== quorum) return `carries ${lists.length} lists instead of ${quorum}`;
    let before = -1;
    for (const list of lists) {
      const { validator, entries } = list;
      if (validator <= before) return "carries lists that do not ascend";
      before = validator;
      if (list.view !== view || list.epoch !== cluster.domain.epoch) return `carries validator ${validator}'s list for view ${list.view}`;
      if (entries.length > Math.min(ENTRIES_MAX, Math.floor(ENTRIES_IN_ALL / count))) return `carries a list of ${entries.length} entries`;
      if (new Set(entries.map(({ id }) => id)).size !== entries.length) return "carries a list that names an id twice";
      const publicKey = cluster.ed25519PublicKeys[validator];
      const isSigned = publicKey !== undefined && cluster.verifyEd25519(publicKey, listSigningBytes(cluster.domain, list), list.signature);
      if (!isSigned) return `carries a list in the name of validator ${validator} that it did not sign`;
    }
    return undefined;
  }

  function flawOfLane(block: Block, seen: SealedBlock): string | undefined {
    const { header, lists, transactions } = block;
    const below = blocks.chainOf(header.parentHash, EXPIRY_HEIGHTS_MAX);
    const lane = laneAgain({ height: header.height, lists, below, threshold: count - quorum + 1 });
    const differs = lane.length !== seen.lane.length || lane.some((id, index) => id !== seen.lane[index]);
    if (differs) return `has the lane ${seen.lane.map(brief).join(" ")} instead of ${lane.map(brief).join(" ")}`;
    const { hashes } = bodyOf(block);
    for (const [index, bytes] of transactions.entries()) {
      const isInLane = index < lane.length;
      if ((bytes[0] === SEALED_KIND) !== isInLane) return `has transaction ${brief(hashes[index] ?? "")} in the wrong lane`;
      if (isInLane && compareBytes(bytes.subarray(34, 66), hashToBytes(header.keyId)) !== 0) {
        return `orders transaction ${brief(hashes[index] ?? "")}, which is sealed to another key`;
      }
    }
    return undefined;
  }

  function onSaved({ atUs, validator, durable }: FactOf<"saved">): Violation | undefined {
    for (const { blockHash, block } of durable.blocks) {
      const seen = blocks.of(blockHash);
      if (judged.get(blockHash) !== undefined || seen === undefined) continue;
      judged.set(blockHash, true);
      const flaw = judge(block, seen);
      if (flaw === undefined) continue;
      const what = `Block ${brief(blockHash)} of height ${block.header.height} and view ${block.header.view}, which validator ${validator} stored as valid,`;
      return accuse(atUs, [validator], `${what} ${flaw}.`);
    }
    return undefined;
  }

  return {
    invariant: "sealedLane",
    interests: [...SEALED_BLOCK_FACTS, "keyLive"],
    observe(fact) {
      blocks.read(fact);
      if (fact.type === "keyLive") return onKey(fact);
      return fact.type === "saved" && honest.has(fact.validator) ? onSaved(fact) : undefined;
    },
  };
}
