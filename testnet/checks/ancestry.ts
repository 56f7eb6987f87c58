/** Ancestry: each final block stands on the final block below it, each certified block on a certified one, and every view skipped
 *  between parent and child has a genuine TC that an honest validator held. R1, R2, R8: this is what makes locks needless. */

import type { BlockHeader } from "../../types/block.ts";
import type { FactOf } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { CHAIN_FACTS, type FinalBlockSeen, type FinalChain } from "./final_chain.ts";
import { createRecentMap, VIEWS_MAX } from "./recent_map.ts";
import { CERTIFICATE_FACTS, type ShownCertificates } from "./shown_certificates.ts";
import { accuserOf, brief } from "./violations.ts";

const accuse = accuserOf("ancestry", "safety");

export function createAncestryChecker(
  cluster: CheckedCluster,
  sources: { readonly shown: ShownCertificates; readonly chain: FinalChain },
): Checker {
  const { shown, chain } = sources;
  const timeouts = createRecentMap<number, true>(VIEWS_MAX);
  /** Block of the QC, by view. */
  const certified = createRecentMap<number, string>(VIEWS_MAX);
  const checkedBlocks = createRecentMap<string, true>(VIEWS_MAX);

  function missingTimeout(header: BlockHeader): number | undefined {
    for (let view = header.parentView + 1; view < header.view; view++) if (timeouts.get(view) === undefined) return view;
    return undefined;
  }

  function judgeFinal({ height, blockHash, header, parent, validator }: FinalBlockSeen, atUs: number): Violation | undefined {
    const refuse = (what: string): Violation =>
      accuse(
        atUs,
        [validator],
        `Final block ${brief(blockHash)} of height ${height} and view ${header.view}, first at validator ${validator}, ${what}.`,
      );
    const below = chain.hashAt(height - 1) ?? "";
    if (header.parentHash !== below)
      return refuse(`has parent ${brief(header.parentHash)}, but the final block below it is ${brief(below)}`);
    const parentView = parent?.view ?? 0;
    if (header.parentView !== parentView)
      return refuse(`says that its parent is of view ${header.parentView}, which is of view ${parentView}`);
    const missing = missingTimeout(header);
    return missing === undefined
      ? undefined
      : refuse(`skips view ${missing} after its parent's view ${parentView}, and nobody ever showed a TC of view ${missing}`);
  }

  function judgeCertified({ atUs, validator, blockHash, view }: FactOf<"certified">): Violation | undefined {
    const header = chain.header(blockHash);
    if (header === undefined || checkedBlocks.get(blockHash) !== undefined) return undefined;
    checkedBlocks.set(blockHash, true);
    const refuse = (what: string): Violation =>
      accuse(atUs, [validator], `Certified block ${brief(blockHash)} of view ${view}, seen by validator ${validator}, ${what}.`);
    if (header.view !== view) return refuse(`says that it is of view ${header.view}`);
    const parent = chain.header(header.parentHash);
    if (parent !== undefined && parent.view !== header.parentView) {
      return refuse(`says that its parent is of view ${header.parentView}, which is of view ${parent.view}`);
    }
    const isOverGenesis = header.parentHash === cluster.genesisHash && header.parentView === 0;
    if (!isOverGenesis && certified.get(header.parentView) !== header.parentHash) {
      return refuse(`stands on ${brief(header.parentHash)} of view ${header.parentView}, and nobody ever showed a QC of that`);
    }
    const missing = missingTimeout(header);
    return missing === undefined
      ? undefined
      : refuse(`skips view ${missing} after its parent's view ${header.parentView}, and nobody ever showed a TC of view ${missing}`);
  }

  return {
    invariant: "ancestry",
    interests: [...CERTIFICATE_FACTS, ...CHAIN_FACTS, "certified"],
    observe(fact) {
      for (const { certificate, fault } of shown.read(fact)) {
        if (fault !== undefined) continue;
        const { kind, view, blockHash } = certificate.ballot;
        if (kind === "timeout") timeouts.set(view, true);
        else if (certified.get(view) === undefined) certified.set(view, blockHash);
      }
      for (const block of chain.read(fact)) {
        const violation = judgeFinal(block, fact.atUs);
        if (violation !== undefined) return violation;
      }
      return fact.type === "certified" && cluster.honest.has(fact.validator) ? judgeCertified(fact) : undefined;
    },
  };
}
