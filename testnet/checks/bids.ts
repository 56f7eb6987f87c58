/** Bids: every block that an honest validator takes as valid either was built by its proposer, and then carries neither bid nor bundle, or stands
 *  on a bid for just this block, signed by the builder that it names, whose tail is the block's open part and whose bundle passes its check. What the
 *  builder may promise is the auditor's to know (`bonds`, in testnet/workload). B1, B3 to B6 of `builder/README.md`. */

import { bidHashOf } from "../../crypto/hashes.ts";
import { type Bid, bidSigningBytes, bundleLabelOf, NO_BID } from "../../types/bid.ts";
import type { Block } from "../../types/block.ts";
import { fromHex } from "../../types/bytes.ts";
import type { FactOf } from "../simulator/facts.ts";
import { readTransaction } from "../workload/transaction_bytes.ts";
import { bodyOf } from "./bodies.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { createRecentMap } from "./recent_map.ts";
import { accuserOf, brief } from "./violations.ts";

const accuse = accuserOf("bids", "safety");
/** As docs state them. */
const LAG_MAX = 64;
const UNOPENED_MAX = 16;
const SEALED_KIND = 2;
const BLOCKS_MAX = 16_384;

export function createBidsChecker(
  cluster: Pick<CheckedCluster, "honest" | "domain" | "chainId" | "verifyEd25519" | "sealingSuite">,
  { takesBuilders }: { readonly takesBuilders: boolean },
): Checker {
  const { honest, domain, chainId, verifyEd25519, sealingSuite } = cluster;
  const judged = createRecentMap<string, true>(BLOCKS_MAX);
  const publicKeys = new Map<string, Uint8Array>();

  function judge(block: Block): string | undefined {
    const { header, bid } = block;
    if (bid === undefined) {
      if (header.bidHash !== NO_BID) return "names a bid that it does not carry";
      return header.bundleCount === 0 ? undefined : "was built by its proposer, and brings a bundle";
    }
    if (!takesBuilders) return "was built by a builder on a chain that takes none";
    if (bidHashOf(bid) !== header.bidHash) return "carries another bid than it names";
    if (header.height - header.executedHeight > LAG_MAX)
      return `was built while execution is ${header.height - header.executedHeight} heights behind`;
    return flawOfBid(bid, block) ?? flawOfTail(bid, block) ?? flawOfBundle(bid, block);
  }

  function flawOfBid(bid: Bid, { header }: Block): string | undefined {
    if (bid.height !== header.height || bid.parentHash !== header.parentHash)
      return `carries a bid for height ${bid.height} on ${brief(bid.parentHash)}`;
    if (bid.expiryView < header.view) return `carries a bid that was good until view ${bid.expiryView}`;
    const isSigned = verifyEd25519(fromHex(bid.builder), bidSigningBytes(domain, bid), bid.signature);
    return isSigned ? undefined : `carries a bid that builder ${brief(bid.builder)} did not sign`;
  }

  function flawOfTail(bid: Bid, block: Block): string | undefined {
    const tail = block.transactions.slice(block.header.sealedCount);
    const { root, bytes } = bodyOf({ transactions: tail });
    if (tail.length !== bid.tailCount || root !== (bid.tailRoot as string)) return "has another tail than its bid names";
    if (bytes !== bid.tailBytes) return `has a tail of ${bytes} bytes instead of ${bid.tailBytes}`;
    const gas = tail.reduce((sum, each) => sum + (readTransaction(each)?.payload.operations.length ?? 1), 0);
    if (gas !== bid.gas) return `has a tail of ${gas} operations instead of ${bid.gas}`;
    return tail.some(([kind]) => kind === SEALED_KIND) ? "has a sealed transaction in the tail of a bid" : undefined;
  }

  function flawOfBundle(bid: Bid, { header }: Block): string | undefined {
    const hasBundle = bid.bundle.length > 0;
    if (header.bundleCount !== (hasBundle ? 1 : 0)) return `counts ${header.bundleCount} bundles`;
    if (!hasBundle) return undefined;
    if (bid.keyId !== header.keyId) return "has a bundle that is sealed to another key than the live one";
    if (header.height - header.executedHeight > UNOPENED_MAX) return "has a bundle while too many blocks wait to be opened";
    const publicKey = publicKeys.get(bid.keyId);
    if (publicKey === undefined) return "has a bundle that is sealed to a key that nobody has";
    const isRight = sealingSuite.check({ publicKey, label: bundleLabelOf(chainId, bid), sealed: bid.bundle });
    return isRight ? undefined : "has a bundle that does not pass its check";
  }

  function onSaved({ atUs, validator, durable }: FactOf<"saved">): Violation | undefined {
    for (const { blockHash, block } of durable.blocks) {
      if (judged.get(blockHash) !== undefined) continue;
      judged.set(blockHash, true);
      const flaw = judge(block);
      if (flaw === undefined) continue;
      const what = `Block ${brief(blockHash)} of height ${block.header.height} and view ${block.header.view}, which validator ${validator} stored as valid,`;
      return accuse(atUs, [validator], `${what} ${flaw}.`);
    }
    return undefined;
  }

  return {
    invariant: "bids",
    interests: ["saved", "keyLive"],
    observe(fact) {
      if (!("validator" in fact) || !honest.has(fact.validator)) return undefined;
      if (fact.type === "keyLive") publicKeys.set(fact.key.keyId, fact.key.publicKey);
      return fact.type === "saved" ? onSaved(fact) : undefined;
    },
  };
}
