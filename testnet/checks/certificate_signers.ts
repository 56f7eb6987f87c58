/** True signers: every honest validator that a genuine certificate names has signed that very ballot before. Whatever signing bytes, sets and
 *  aggregates have in common, nobody makes a signature of an honest validator out of another one. R3, R13. */

import type { Ballot } from "../../types/vote.ts";
import type { Fact, FactType } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { createQuorum } from "./quorum.ts";
import { createRecentMap, VIEWS_MAX } from "./recent_map.ts";
import { CERTIFICATE_FACTS, CERTIFICATE_NAMES, type ShownCertificate, type ShownCertificates } from "./shown_certificates.ts";
import { accuserOf, brief } from "./violations.ts";

const FACTS: readonly FactType[] = [...CERTIFICATE_FACTS, "signedVote"];

const accuse = accuserOf("oneCertificate", "safety");

export function createCertificateSignersChecker(
  { honest, weights }: Pick<CheckedCluster, "honest" | "weights">,
  shown: ShownCertificates,
): Checker {
  const quorum = createQuorum(weights);
  /** Who signed what, by view and then by ballot. */
  const views = createRecentMap<number, Map<string, Set<number>>>(VIEWS_MAX);

  function note(validator: number, ballot: Ballot): void {
    let ofView = views.get(ballot.view);
    if (ofView === undefined) {
      ofView = new Map();
      views.set(ballot.view, ofView);
    }
    const name = nameOf(ballot);
    const signers = ofView.get(name);
    if (signers === undefined) ofView.set(name, new Set([validator]));
    else signers.add(validator);
  }

  function judge({ certificate, fault, validator }: ShownCertificate, atUs: number): Violation | undefined {
    if (fault !== undefined) return undefined;
    const { ballot, signers } = certificate;
    const signed = views.get(ballot.view)?.get(nameOf(ballot));
    for (const signer of quorum.signersOf(signers) ?? []) {
      if (signed?.has(signer) === true || !honest.has(signer)) continue;
      const block = ballot.kind === "timeout" ? "" : ` for block ${brief(ballot.blockHash)}`;
      const detail = `Validator ${validator} shows a ${CERTIFICATE_NAMES[ballot.kind]} of view ${ballot.view}${block} that names validator ${signer}, which is honest and never signed that.`;
      return accuse(atUs, [validator, signer], detail);
    }
    return undefined;
  }

  return {
    invariant: "oneCertificate",
    interests: FACTS,
    observe(fact: Fact) {
      if (fact.type === "signedVote" && honest.has(fact.validator)) note(fact.validator, fact.vote.ballot);
      for (const seen of shown.read(fact)) {
        const violation = judge(seen, fact.atUs);
        if (violation !== undefined) return violation;
      }
      return undefined;
    },
  };
}

const nameOf = ({ kind, height, blockHash }: Ballot): string => `${kind} ${height} ${blockHash}`;
