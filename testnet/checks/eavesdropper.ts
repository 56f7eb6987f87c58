/** An eavesdropper tries to read: it holds every share that an honest validator sent to anybody, and all that the traitors know, their shares of the key.
 *  Whenever a share of a sealed transaction comes by whose place can still be lost, it makes a seed of what it has, be that as many shares as the
 *  key asks for or fewer, and seals again with it. Secrecy (secrecy.ts) counts shares; this finds also what no count shows, such as a key that fewer open. */

import { bundleLabelOf } from "../../types/bid.ts";
import { ValidatorIndex } from "../../types/ids.ts";
import type { SealingKey, SealingSuite, Share } from "../../types/sealing.ts";
import type { FactOf } from "../simulator/facts.ts";
import { type ReadEnvelope, readEnvelope } from "../workload/envelope_bytes.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import type { Leaks } from "./leaked_shares.ts";
import { createRecentMap } from "./recent_map.ts";
import { SEALED_BLOCK_FACTS, type SealedBlocks } from "./sealed_blocks.ts";
import type { Irrevocable } from "./secrecy.ts";
import { accuserOf, brief } from "./violations.ts";

const accuse = accuserOf("secrecy", "safety");
const TRANSACTIONS_MAX = 16_384;

type SealedPart = Pick<ReadEnvelope, "keyId" | "label" | "sealed">;

export function createEavesdropper(
  { honest, chainId }: Pick<CheckedCluster, "honest" | "chainId">,
  {
    blocks,
    irrevocable,
    leaks,
    suite,
  }: {
    readonly blocks: SealedBlocks;
    readonly irrevocable: Irrevocable;
    readonly leaks: Leaks;
    readonly suite: Pick<SealingSuite, "shareOf" | "combine" | "isSeedOf">;
  },
): Checker {
  const envelopes = createRecentMap<string, ReadEnvelope>(TRANSACTIONS_MAX);
  const traitorShares = new Map<number, Uint8Array>();
  let key: SealingKey | undefined;

  function onSent(fact: FactOf<"sent">): Violation | undefined {
    const { atUs, from } = fact;
    for (const { id, shares, blocks: places } of leaks.read(fact)) {
      const envelope = envelopes.get(id) ?? bundleOf(id);
      if (envelope === undefined || [...places].some((hash) => irrevocable.has(hash)) || !isRead(envelope, shares)) continue;
      const detail = `Whoever listens and knows what the traitors know reads ${blocks.bundleOf(id) === undefined ? "sealed transaction" : "the bundle of bid"} ${brief(id)} with the share that validator ${from} sent, although no block that holds it is irrevocable: ${[...places].map(brief).join(", ")}.`;
      return accuse(atUs, [from], detail);
    }
    return undefined;
  }

  function bundleOf(bidHash: string): SealedPart | undefined {
    const bid = blocks.bundleOf(bidHash);
    return bid === undefined ? undefined : { keyId: bid.keyId, label: bundleLabelOf(chainId, bid), sealed: bid.bundle };
  }

  function isRead({ keyId, label, sealed }: SealedPart, leaked: ReadonlyMap<number, Uint8Array>): boolean {
    if (key === undefined || key.keyId !== keyId) return false;
    const own = [...traitorShares].map(([validator, secret]): [number, Uint8Array] => [validator, suite.shareOf(secret, sealed)]);
    const shares = [...new Map([...own, ...leaked])].map(
      ([validator, share]): Share => ({ validator: ValidatorIndex.of(validator), share }),
    );
    const seed = suite.combine({ shares, label, sealed });
    return seed !== undefined && suite.isSeedOf({ publicKey: key.publicKey, label, sealed, seed });
  }

  return {
    invariant: "secrecy",
    interests: [...SEALED_BLOCK_FACTS, "signedVote", "sent", "keyLive", "submitted"],
    hearsBuilders: true,
    observe(fact) {
      blocks.read(fact);
      irrevocable.read(fact);
      if (fact.type === "keyLive") {
        if (honest.has(fact.validator)) key ??= fact.key;
        else if (fact.secretShare !== undefined) traitorShares.set(fact.validator, fact.secretShare);
      } else if (fact.type === "submitted" && fact.hash !== undefined) {
        const envelope = readEnvelope(fact.bytes);
        if (envelope !== undefined) envelopes.set(fact.hash, envelope);
      }
      return fact.type === "sent" ? onSent(fact) : undefined;
    },
  };
}
