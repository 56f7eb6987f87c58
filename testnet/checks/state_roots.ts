/** State roots: every validator that executes a height reaches the same root and the same receipts, in every life, and the roots that
 *  final blocks name are those. A validator that finds itself diverged is a violation by itself. */

import type { TransactionReceipt } from "../../types/application.ts";
import type { Fact, FactOf } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { CHAIN_FACTS, type FinalChain } from "./final_chain.ts";
import { createRecentMap } from "./recent_map.ts";
import { accuserOf, brief } from "./violations.ts";

interface Claim {
  readonly root: string;
  /** Who says so, as the beginning of a sentence. */
  readonly validator: number;
  /** The height of the final block that names the root; undefined: the validator executed it. */
  readonly namedAt: number | undefined;
}

/** Heights whose receipts are kept for comparison. */
const RECEIPTS_HEIGHTS_MAX = 4_096;

const accuse = accuserOf("stateRoots", "safety");

export function createStateRootsChecker({ honest }: Pick<CheckedCluster, "honest">, chain: FinalChain): Checker {
  const claims: (Claim | undefined)[] = [];
  const receipts = createRecentMap<number, readonly TransactionReceipt[]>(RECEIPTS_HEIGHTS_MAX);

  function claim(atUs: number, height: number, next: Claim): Violation | undefined {
    const first = claims[height];
    if (first === undefined) claims[height] = next;
    if (first === undefined || first.root === next.root) return undefined;
    const validators = first.validator === next.validator ? [first.validator] : [first.validator, next.validator];
    return accuse(atUs, validators, `After height ${height}, ${describe(first)} and ${describe(next)}.`);
  }

  function compareReceipts(
    atUs: number,
    validator: number,
    result: { readonly height: number; readonly receipts: readonly TransactionReceipt[] },
  ): Violation | undefined {
    const { height } = result;
    const first = receipts.get(height);
    if (first === undefined) receipts.set(height, result.receipts);
    if (first === undefined || first === result.receipts || areSame(first, result.receipts)) return undefined;
    return accuse(atUs, [validator], `At height ${height}, the receipts of validator ${validator} differ from those that were seen first.`);
  }

  function onExecuted(fact: FactOf<"saved"> | FactOf<"finalized">): Violation | undefined {
    const { atUs, validator } = fact;
    const results =
      fact.type === "saved"
        ? fact.durable.operations
        : fact.blocks.map(({ header, stateRoot, receipts }) => ({ height: header.height, stateRoot, receipts }));
    for (const result of results) {
      const violation =
        claim(atUs, result.height, { root: result.stateRoot, validator, namedAt: undefined }) ?? compareReceipts(atUs, validator, result);
      if (violation !== undefined) return violation;
    }
    return undefined;
  }

  function onChain(fact: Fact): Violation | undefined {
    for (const { height, header } of chain.read(fact)) {
      const named = { root: header.executedRoot, validator: header.proposer, namedAt: height };
      const violation = claim(fact.atUs, header.executedHeight, named);
      if (violation !== undefined) return violation;
    }
    return undefined;
  }

  return {
    invariant: "stateRoots",
    interests: [...CHAIN_FACTS, "diverged"],
    observe(fact) {
      if ("validator" in fact && honest.has(fact.validator)) {
        if (fact.type === "diverged") {
          const { validator, height, ours, certified } = fact;
          const detail = `Validator ${validator} has root ${brief(ours)} after height ${height}, where a quorum certified ${brief(certified)}.`;
          return accuse(fact.atUs, [validator], detail);
        }
        const violation = fact.type === "saved" || fact.type === "finalized" ? onExecuted(fact) : undefined;
        if (violation !== undefined) return violation;
      }
      return onChain(fact);
    },
  };
}

function describe({ root, validator, namedAt }: Claim): string {
  return namedAt === undefined
    ? `validator ${validator} has state root ${brief(root)}`
    : `the final block of height ${namedAt}, by validator ${validator}, names state root ${brief(root)}`;
}

function areSame(left: readonly TransactionReceipt[], right: readonly TransactionReceipt[]): boolean {
  if (left.length !== right.length) return false;
  return left.every((receipt, index) => {
    const other = right[index] as TransactionReceipt;
    const { operationCodes } = receipt;
    if (receipt.hash !== other.hash || receipt.code !== other.code || operationCodes.length !== other.operationCodes.length) return false;
    return operationCodes.every((code, position) => code === other.operationCodes[position]);
  });
}
