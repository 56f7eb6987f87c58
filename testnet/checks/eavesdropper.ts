/** An eavesdropper tries to read: it holds every share that an honest validator sent to anybody, and all that the traitors know, their shares of the key.
 *  Whenever a share of a sealed transaction comes by whose place can still be lost, it makes a seed of what it has, be that as many shares as the
 *  key asks for or fewer, and seals again with it. Secrecy (secrecy.ts) counts shares; this finds also what no count shows, such as a key that fewer open. */

import { ValidatorIndex } from "../../types/ids.ts";
import type { SealingKey, SealingSuite, Share } from "../../types/sealing.ts";
import type { FactOf } from "../simulator/facts.ts";
import { type ReadEnvelope, readEnvelope } from "../workload/envelope_bytes.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { createRecentMap } from "./recent_map.ts";
import { SEALED_BLOCK_FACTS, type SealedBlocks } from "./sealed_blocks.ts";
import type { Irrevocable } from "./secrecy.ts";
import { accuserOf, brief } from "./violations.ts";

const accuse = accuserOf("secrecy", "safety");
const TRANSACTIONS_MAX = 16_384;

interface Target {
  readonly shares: Map<number, Uint8Array>;
  /** Blocks that order it. */
  readonly blocks: Set<string>;
}

export function createEavesdropper(
  { honest }: Pick<CheckedCluster, "honest">,
  {
    blocks,
    irrevocable,
    suite,
  }: {
    readonly blocks: SealedBlocks;
    readonly irrevocable: Irrevocable;
    readonly suite: Pick<SealingSuite, "shareOf" | "combine" | "isSeedOf">;
  },
): Checker {
  const envelopes = createRecentMap<string, ReadEnvelope>(TRANSACTIONS_MAX);
  const targets = createRecentMap<string, Target>(TRANSACTIONS_MAX);
  const traitorShares = new Map<number, Uint8Array>();
  let key: SealingKey | undefined;

  function onSent({ atUs, from, message }: FactOf<"sent">): Violation | undefined {
    if (!honest.has(from)) return undefined;
    if (message.type === "shares") return take(atUs, from, message.blockHash, message.shares);
    if (message.type !== "proofs") return undefined;
    return take(
      atUs,
      from,
      message.blockHash,
      message.batches.flatMap((batch) => batch.shares),
    );
  }

  function take(
    atUs: number,
    from: number,
    blockHash: string,
    shares: readonly { readonly position: number; readonly share: Uint8Array }[],
  ): Violation | undefined {
    const lane = blocks.of(blockHash)?.lane ?? [];
    for (const { position, share } of shares) {
      const id = lane[position];
      const envelope = id === undefined ? undefined : envelopes.get(id);
      if (id === undefined || envelope === undefined) continue;
      const target = targets.get(id) ?? { shares: new Map<number, Uint8Array>(), blocks: new Set<string>() };
      targets.set(id, target);
      target.blocks.add(blockHash);
      target.shares.set(from, share);
      if ([...target.blocks].some((hash) => irrevocable.has(hash)) || !isRead(envelope, target)) continue;
      const places = [...target.blocks].map(brief).join(", ");
      const detail = `Whoever listens and knows what the traitors know reads sealed transaction ${brief(id)} with the share that validator ${from} sent, although no block that holds it is irrevocable: ${places}.`;
      return accuse(atUs, [from], detail);
    }
    return undefined;
  }

  function isRead({ keyId, label, sealed }: ReadEnvelope, target: Target): boolean {
    if (key === undefined || key.keyId !== keyId) return false;
    const own = [...traitorShares].map(([validator, secret]): [number, Uint8Array] => [validator, suite.shareOf(secret, sealed)]);
    const shares = [...new Map([...own, ...target.shares])].map(
      ([validator, share]): Share => ({ validator: ValidatorIndex.of(validator), share }),
    );
    const seed = suite.combine({ shares, label, sealed });
    return seed !== undefined && suite.isSeedOf({ publicKey: key.publicKey, label, sealed, seed });
  }

  return {
    invariant: "secrecy",
    interests: [...SEALED_BLOCK_FACTS, "signedVote", "sent", "keyLive", "submitted"],
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
