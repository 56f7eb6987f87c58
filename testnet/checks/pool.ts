/** Pool: what is final for a validator has left its pool: it is not dropped later in the same life, and with the ledger the pool never
 *  holds more than clients have submitted and is not yet final there. M2. Ledger transactions stay final by their nonces; others may be
 *  let in again after a restart, and traitors may have made some, so those pools are not counted. */

import type { Scenario } from "../scenario/manifest.ts";
import type { FactOf } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { accuserOf, brief } from "./violations.ts";

const accuse = accuserOf("bounds", "safety");

const KEYGEN_PER_VALIDATOR = 4;

interface Pool {
  /** The heights that this life made final: above the first, up to the last. */
  firstHeight: number;
  lastHeight: number;
}

export function createPoolChecker(
  { honest, weights }: Pick<CheckedCluster, "honest" | "weights">,
  { application, sealing }: Pick<Scenario, "application" | "sealing">,
): Checker {
  const pools = weights.map((): Pool => ({ firstHeight: 0, lastHeight: 0 }));
  const submitted = new Set<string>();
  /** Height at which a transaction was first final. */
  const finalAt = new Map<string, number>();
  /** Submitted transactions that are final up to a height, by height. */
  const counts: number[] = [0];
  /** Nobody submits them: of each validator, a few of this phase and the next. */
  const keygenMax = sealing === undefined ? 0 : KEYGEN_PER_VALIDATOR * weights.length;
  const isCounted = application === "ledger" && honest.size === weights.length;

  function onFinalized({ validator, blocks }: FactOf<"finalized">): void {
    const pool = pools[validator] as Pool;
    for (const { header, receipts } of blocks) {
      pool.lastHeight = header.height;
      if (header.height !== counts.length) continue;
      let count = counts[header.height - 1] as number;
      for (const { hash } of receipts) {
        if (finalAt.has(hash)) continue;
        finalAt.set(hash, header.height);
        if (submitted.has(hash)) count++;
      }
      counts.push(count);
    }
  }

  function onDropped({ atUs, validator, hash, refusal }: FactOf<"dropped">): Violation | undefined {
    const { firstHeight, lastHeight } = pools[validator] as Pool;
    const height = finalAt.get(hash);
    if (height === undefined || height <= firstHeight || height > lastHeight) return undefined;
    const detail = `Validator ${validator} dropped transaction ${brief(hash)} from its pool (${refusal.code}), which it had made final at height ${height}.`;
    return accuse(atUs, [validator], detail);
  }

  function onSizes({ atUs, validator, poolTransactions }: FactOf<"sizes">): Violation | undefined {
    const final = counts[(pools[validator] as Pool).lastHeight];
    if (!isCounted || final === undefined || poolTransactions <= submitted.size - final + keygenMax) return undefined;
    const detail = `Validator ${validator} holds ${poolTransactions} transactions in its pool, although only ${submitted.size - final} of those submitted are not final there and at most ${keygenMax} are of the key generation.`;
    return accuse(atUs, [validator], detail);
  }

  return {
    invariant: "bounds",
    interests: ["started", "submitted", "finalized", "dropped", "sizes"],
    observe(fact) {
      if (fact.type === "submitted") {
        if (fact.hash !== undefined) submitted.add(fact.hash);
        return undefined;
      }
      if (!("validator" in fact) || !honest.has(fact.validator)) return undefined;
      switch (fact.type) {
        case "started":
          pools[fact.validator] = { firstHeight: fact.finalHeight, lastHeight: fact.finalHeight };
          return undefined;
        case "finalized":
          onFinalized(fact);
          return undefined;
        case "dropped":
          return onDropped(fact);
        case "sizes":
          return onSizes(fact);
        default:
          return undefined;
      }
    },
  };
}
