/** The points of interest of sealed transactions, from facts alone. */

import { TRANSACTION_KINDS } from "../../types/application.ts";
import { ZERO_HASH } from "../../types/ids.ts";
import { signedKeygenMessageCodec } from "../../types/keygen.ts";
import type { Count } from "./coverage_validator.ts";
import type { Fact, FactOf } from "./facts.ts";

/** Takes every fact. */
export function createSealingCoverage(count: Count): (fact: Fact) => void {
  /** By validator: the highest height of a block whose shares it has stored. */
  const shares = new Map<number, number>();

  function onSaved({ validator, durable }: FactOf<"saved">): void {
    for (const { height } of durable.shares) shares.set(validator, Math.max(height, shares.get(validator) ?? 0));
    for (const { openings } of durable.operations) if (openings.some(({ type }) => type === "failed")) count("failureProven");
    for (const { block } of durable.blocks) if (block.transactions.some(isOfLaterRound)) count("keygenSecondRound");
  }

  return (fact) => {
    switch (fact.type) {
      case "saved":
        return onSaved(fact);
      case "keyLive":
        return count("sealingKeyMade");
      case "delivered":
        if (fact.kind === "openingRequest") count("openedAllToAll");
        if (fact.kind === "proofs") count("disputeHeld");
        return;
      case "finalized":
        for (const { header } of fact.blocks) {
          if (header.sealedCount > 0) count("sealedLaneFinal");
          if (header.keyId !== (ZERO_HASH as string) && header.listsRoot === (ZERO_HASH as string)) count("sealedLaneSuspended");
        }
        return;
      case "penalized":
        if (fact.reason === "invalidOpening") count("badOpeningRefused");
        if (fact.reason === "invalidList") count("badListRefused");
        return;
      case "started":
        if ((shares.get(fact.validator) ?? 0) > fact.finalHeight) count("restartedWithShares");
        return;
      default:
        return;
    }
  };
}

function isOfLaterRound(bytes: Uint8Array): boolean {
  if (bytes[0] !== TRANSACTION_KINDS.keygen) return false;
  const decoded = signedKeygenMessageCodec.decode(bytes);
  return decoded.ok && decoded.value.message.round > 0;
}
