/** Share discipline: an honest validator sends its shares of a block only when the block is irrevocable, whatever it signed for it itself; they were on its disk before, byte for byte, also in an earlier life; and of one block it never makes two different sets. */

import { bytesEqual } from "../../types/bytes.ts";
import type { PositionedShare } from "../../types/opening_message.ts";
import type { FactOf } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { sentSharesOf } from "./leaked_shares.ts";
import { SEALED_BLOCK_FACTS, type SealedBlocks } from "./sealed_blocks.ts";
import type { Irrevocable } from "./secrecy.ts";
import { accuserOf, brief } from "./violations.ts";
import { wipedBy } from "./wiped.ts";

const SHARE_BYTES = 32;
const accuse = accuserOf("secrecy", "safety");

interface Known {
  readonly stored: Map<string, Uint8Array>;
}

export function createShareDisciplineChecker(
  { honest, weights }: Pick<CheckedCluster, "honest" | "weights">,
  { blocks, irrevocable }: { readonly blocks: SealedBlocks; readonly irrevocable: Irrevocable },
): Checker {
  const validators = weights.map((): Known => ({ stored: new Map() }));
  const knownOf = (validator: number): Known => validators[validator] as Known;

  function onSaved({ atUs, validator, durable }: FactOf<"saved">): Violation | undefined {
    const { stored } = knownOf(validator);
    for (const { blockHash, shares } of durable.shares) {
      const before = stored.get(blockHash);
      stored.set(blockHash, shares);
      // Version byte, then one share after the other without a prefix of their own.
      if (before !== undefined && !bytesEqual(before, shares)) {
        return accuse(atUs, [validator], `Validator ${validator} stored other shares of block ${brief(blockHash)} than before.`);
      }
    }
    return undefined;
  }

  function onShares(fact: FactOf<"sent">, blockHash: string, shares: readonly PositionedShare[]): Violation | undefined {
    const { atUs, from } = fact;
    const { stored } = knownOf(from);
    const what = `Validator ${from} sent shares of block ${brief(blockHash)}`;
    if (!irrevocable.has(blockHash)) return accuse(atUs, [from], `${what}, which can still be lost.`);
    const bytes = stored.get(blockHash);
    if (bytes === undefined) return accuse(atUs, [from], `${what} that are not on its disk.`);
    const first = bytes.length % SHARE_BYTES;
    for (const { position, share } of shares) {
      const at = first + position * SHARE_BYTES;
      if (!bytesEqual(bytes.subarray(at, at + SHARE_BYTES), share)) {
        return accuse(atUs, [from], `${what} of which position ${position} is not the one on its disk.`);
      }
    }
    return undefined;
  }

  return {
    invariant: "secrecy",
    interests: [...SEALED_BLOCK_FACTS, "signedVote", "sent", "stopped", "fault"],
    observe(fact) {
      blocks.read(fact);
      irrevocable.read(fact);
      const wiped = wipedBy(fact);
      if (wiped !== undefined) knownOf(wiped).stored.clear();
      if (fact.type === "saved" && honest.has(fact.validator)) return onSaved(fact);
      if (fact.type !== "sent" || !honest.has(fact.from)) return undefined;
      const sent = sentSharesOf(fact.message);
      return sent === undefined ? undefined : onShares(fact, sent.blockHash, sent.shares);
    },
  };
}
