/** Never a CC and a TC of one view. R8: on this rests that a later proposal descends from whatever may be final. */

import type { Checker } from "./checker.ts";
import { createRecentMap, VIEWS_MAX } from "./recent_map.ts";
import { CERTIFICATE_FACTS, CERTIFICATE_NAMES, type ShownCertificate, type ShownCertificates } from "./shown_certificates.ts";
import { accuserOf } from "./violations.ts";

const accuse = accuserOf("commitExcludesTimeout", "safety");

export function createCommitExcludesTimeoutChecker(shown: ShownCertificates): Checker {
  const first = createRecentMap<number, ShownCertificate>(VIEWS_MAX);
  return {
    invariant: "commitExcludesTimeout",
    interests: CERTIFICATE_FACTS,
    observe(fact) {
      for (const seen of shown.read(fact)) {
        const { kind, view } = seen.certificate.ballot;
        if (seen.fault !== undefined || kind === "vote") continue;
        const other = first.get(view);
        if (other === undefined) first.set(view, seen);
        if (other === undefined || other.certificate.ballot.kind === kind) continue;
        const [earlier, later] = [other.certificate.ballot.kind, kind].map((each) => CERTIFICATE_NAMES[each]);
        const detail = `View ${view} has a ${earlier}, shown by validator ${other.validator}, and a ${later}, shown by validator ${seen.validator}.`;
        return accuse(fact.atUs, [other.validator, seen.validator], detail);
      }
      return undefined;
    },
  };
}
