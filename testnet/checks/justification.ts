/** Justification: a block that an honest validator stores to vote for it shows the QC of exactly its parent (none over genesis) and a TC for
 *  exactly the newest views that it skips. What catch-up brings rests on its CC alone and is not asked. R1. */

import type { Block } from "../../types/block.ts";
import type { FactOf } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { accuserOf, brief } from "./violations.ts";

/** R1: the newest TCs that stand in the block itself. */
const INLINE_MAX = 16;

const accuse = accuserOf("ancestry", "safety");

export function createJustificationChecker({ honest }: Pick<CheckedCluster, "honest">): Checker {
  /** Blocks are mostly shared by those who store them. */
  const judged = new WeakSet<Block>();

  function onSaved({ atUs, validator, durable }: FactOf<"saved">): Violation | undefined {
    for (const { blockHash, block } of durable.blocks) {
      if (judged.has(block) || durable.finality.some((entry) => entry.blockHash === blockHash)) continue;
      judged.add(block);
      const flaw = flawOf(block);
      if (flaw === undefined) continue;
      const { height, view } = block.header;
      const detail = `Validator ${validator} stored block ${brief(blockHash)} of height ${height} and view ${view} ${flaw}.`;
      return accuse(atUs, [validator], detail);
    }
    return undefined;
  }

  return {
    invariant: "ancestry",
    interests: ["saved"],
    observe: (fact) => (fact.type === "saved" && honest.has(fact.validator) ? onSaved(fact) : undefined),
  };
}

function flawOf({ header, parentCertificate, timeoutCertificates }: Block): string | undefined {
  const { view, height, parentHash, parentView } = header;
  if (parentView === 0) {
    if (parentCertificate !== undefined) return "over genesis with the certificate of a parent";
  } else {
    if (parentCertificate === undefined) return "without a certificate of its parent";
    const { ballot } = parentCertificate;
    const isOfParent = ballot.kind === "vote" && ballot.view === parentView && ballot.blockHash === parentHash;
    if (!isOfParent || ballot.height !== height - 1)
      return `whose parent is ${brief(parentHash)} of view ${parentView}, with a ${ballot.kind} certificate of view ${ballot.view} for ${brief(ballot.blockHash)}`;
  }
  const first = Math.max(parentView + 1, view - INLINE_MAX);
  const views = timeoutCertificates.map(({ ballot }) => (ballot.kind === "timeout" ? ballot.view : 0));
  const isComplete = views.length === view - first && views.every((shown, index) => shown === first + index);
  return isComplete ? undefined : `with TCs of the views [${views.join(", ")}] instead of those from ${first} to ${view - 1}`;
}
