/** One certificate: all QCs and CCs of one view are of one block, and whatever certificate an honest validator forwards, proposes
 *  with, or keeps to act upon is genuine. R2 and R3; R10: verified before stored. */

import type { Checker, Violation } from "./checker.ts";
import { createRecentMap, VIEWS_MAX } from "./recent_map.ts";
import { CERTIFICATE_FACTS, CERTIFICATE_NAMES, type Place, type ShownCertificate, type ShownCertificates } from "./shown_certificates.ts";
import { accuserOf, brief } from "./violations.ts";

const accuse = accuserOf("oneCertificate", "safety");

const DEEDS: Readonly<Record<Exclude<Place, "passedOn">, string>> = {
  forwarded: "forwarded",
  record: "recorded, as what admitted it to the next view,",
  finality: "saved, as the proof of final blocks,",
  parent: "stored, in a block to vote for,",
  proposal: "proposed with",
};

export function createOneCertificateChecker(shown: ShownCertificates): Checker {
  const first = createRecentMap<number, ShownCertificate>(VIEWS_MAX);

  function judge(seen: ShownCertificate, atUs: number): Violation | undefined {
    const { certificate, fault, place, validator, isHonest } = seen;
    const { kind, view, blockHash } = certificate.ballot;
    const name = `${CERTIFICATE_NAMES[kind]} of view ${view}`;
    if (fault !== undefined) {
      if (!isHonest || place === "passedOn") return undefined;
      return accuse(atUs, [validator], `Validator ${validator} ${DEEDS[place]} a ${name} that ${fault}.`);
    }
    if (kind === "timeout") return undefined;
    const other = first.get(view);
    if (other === undefined) first.set(view, seen);
    if (other === undefined || other.certificate.ballot.blockHash === blockHash) return undefined;
    const { ballot } = other.certificate;
    const detail = `Validator ${other.validator} shows a ${CERTIFICATE_NAMES[ballot.kind]} of view ${view} for block ${brief(ballot.blockHash)}, validator ${validator} a ${CERTIFICATE_NAMES[kind]} of that view for block ${brief(blockHash)}.`;
    return accuse(atUs, [other.validator, validator], detail);
  }

  return {
    invariant: "oneCertificate",
    interests: CERTIFICATE_FACTS,
    observe(fact) {
      for (const seen of shown.read(fact)) {
        const violation = judge(seen, fact.atUs);
        if (violation !== undefined) return violation;
      }
      return undefined;
    },
  };
}
