/** Attribution: whenever agreement breaks, the signatures seen so far convict validators that weigh at least a third, and none that is
 *  honest. Two quorums share more than a third, so whatever was broken, its two certificates name them:
 *  CC against CC or QC against CC of one view, or CC(v) against the TC(v) that a later chain needed. R8, R12. */

import type { Ballot } from "../../types/vote.ts";
import type { Fact } from "../simulator/facts.ts";
import { describeConflict } from "./agreement.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { CLAIM_FACTS, type FinalClaims, type FinalConflict } from "./final_claims.ts";
import { createQuorum } from "./quorum.ts";
import { createRecentMap, VIEWS_MAX } from "./recent_map.ts";
import type { ShownCertificates } from "./shown_certificates.ts";
import { accuserOf, brief } from "./violations.ts";

export interface Offence {
  readonly validator: number;
  readonly view: number;
  readonly what: string;
}

export interface AttributionChecker extends Checker {
  /** Who is convicted by now, ascending by validator: the first offence of each. */
  readonly offences: readonly Offence[];
}

/** The first block each validator voted and commit-voted for, and who timed out, in one view. */
interface Signatures {
  readonly voted: (string | undefined)[];
  readonly committed: (string | undefined)[];
  readonly hasTimedOut: boolean[];
}

const accuse = accuserOf("attribution", "safety");

export function createAttributionChecker(
  { honest, weights }: Pick<CheckedCluster, "honest" | "weights">,
  sources: { readonly shown: ShownCertificates; readonly claims: FinalClaims },
): AttributionChecker {
  const { shown, claims } = sources;
  const quorum = createQuorum(weights);
  const views = createRecentMap<number, Signatures>(VIEWS_MAX);
  const convicted = new Map<number, Offence>();
  let isBroken = false;

  function note(signer: number, { kind, view, blockHash }: Ballot): void {
    let signed = views.get(view);
    if (signed === undefined) {
      signed = { voted: [], committed: [], hasTimedOut: [] };
      views.set(view, signed);
    }
    const { voted, committed, hasTimedOut } = signed;
    if (kind === "timeout") hasTimedOut[signer] = true;
    else if (kind === "vote") voted[signer] ??= blockHash;
    else committed[signer] ??= blockHash;
    if (convicted.has(signer)) return;
    const first = kind === "vote" ? voted[signer] : kind === "commit" ? committed[signer] : undefined;
    const what =
      first !== undefined && first !== blockHash ? `${kind} for both ${brief(first)} and ${brief(blockHash)}` : splitOf(signed, signer);
    if (what !== undefined) convicted.set(signer, { validator: signer, view, what });
  }

  function gather(fact: Fact): void {
    if (fact.type === "signedVote") note(fact.validator, fact.vote.ballot);
    for (const { certificate, fault } of shown.read(fact)) {
      if (fault !== undefined) continue;
      for (const signer of quorum.signersOf(certificate.signers) ?? []) note(signer, certificate.ballot);
    }
  }

  function judge(conflict: FinalConflict, atUs: number): Violation | undefined {
    const offences = sorted(convicted);
    const said = offences.map(({ validator, view, what }) => `${validator} (view ${view}: ${what})`).join(", ") || "nobody";
    const innocent = offences.filter(({ validator }) => honest.has(validator)).map(({ validator }) => validator);
    const weight = quorum.weightOf(offences.map(({ validator }) => validator));
    const broken = describeConflict(conflict);
    if (innocent.length > 0) return accuse(atUs, innocent, `${broken} The signatures convict honest validators: ${said}.`);
    if (quorum.isThird(weight)) return undefined;
    const detail = `${broken} The signatures convict only a weight of ${weight} of ${quorum.total}: ${said}.`;
    return accuse(atUs, [conflict.first.validator, conflict.second.validator], detail);
  }

  return {
    invariant: "attribution",
    interests: [...CLAIM_FACTS, "signedVote"],
    observe(fact) {
      gather(fact);
      const conflict = isBroken ? undefined : claims.read(fact);
      if (conflict === undefined) return undefined;
      isBroken = true;
      return judge(conflict, fact.atUs);
    },
    get offences() {
      return sorted(convicted);
    },
  };
}

function splitOf({ voted, committed, hasTimedOut }: Signatures, signer: number): string | undefined {
  const commit = committed[signer];
  if (commit === undefined) return undefined;
  if (hasTimedOut[signer] === true) return `commit for ${brief(commit)} and timeout`;
  const vote = voted[signer];
  return vote === undefined || vote === commit ? undefined : `vote for ${brief(vote)} and commit for ${brief(commit)}`;
}

function sorted(convicted: ReadonlyMap<number, Offence>): readonly Offence[] {
  return [...convicted.values()].sort((left, right) => left.validator - right.validator);
}
