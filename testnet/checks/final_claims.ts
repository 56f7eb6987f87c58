/** Who says that which block is final: honest validators by what they save and report, and CCs by themselves. Finds the first two that
 *  differ about a height. R7. */

import type { Fact, FactType } from "../simulator/facts.ts";
import type { CheckedCluster } from "./checker.ts";
import { CERTIFICATE_FACTS, type ShownCertificates } from "./shown_certificates.ts";

export interface FinalClaim {
  readonly blockHash: string;
  readonly validator: number;
  /** The claim rests on the CC of this view, which the validator shows; undefined: on the validator's word. */
  readonly certificateView: number | undefined;
}

export interface FinalConflict {
  readonly height: number;
  readonly first: FinalClaim;
  readonly second: FinalClaim;
}

export interface FinalClaims {
  /** The first conflict that this fact shows. The same answer for the same fact. */
  read(fact: Fact): FinalConflict | undefined;
}

/** Facts that say what is final. */
export const CLAIM_FACTS: readonly FactType[] = [...CERTIFICATE_FACTS, "finalized"];

export function createFinalClaims({ honest }: Pick<CheckedCluster, "honest">, shown: ShownCertificates): FinalClaims {
  const claims: (FinalClaim | undefined)[] = [];
  let lastFact: Fact | undefined;
  let conflict: FinalConflict | undefined;

  function claim(height: number, next: FinalClaim): void {
    const first = claims[height];
    if (first === undefined) claims[height] = next;
    else if (first.blockHash !== next.blockHash) conflict ??= { height, first, second: next };
  }

  return {
    read(fact) {
      if (fact === lastFact) return conflict;
      lastFact = fact;
      conflict = undefined;
      if (fact.type === "saved" && honest.has(fact.validator)) {
        const { validator, durable } = fact;
        for (const { height, blockHash } of durable.finality) claim(height, { blockHash, validator, certificateView: undefined });
      } else if (fact.type === "finalized" && honest.has(fact.validator)) {
        const { validator, blocks } = fact;
        for (const { blockHash, header } of blocks) claim(header.height, { blockHash, validator, certificateView: undefined });
      }
      for (const { certificate, fault, validator } of shown.read(fact)) {
        const { kind, height, blockHash, view } = certificate.ballot;
        if (kind === "commit" && fault === undefined) claim(height, { blockHash, validator, certificateView: view });
      }
      return conflict;
    },
  };
}
