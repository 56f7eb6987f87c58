/** The verified certificates that we hold, one per kind and view, all above the last final view (and the QC of the last
 *  final block, which the next proposal needs). R3: known ones are recognised before a signature is looked at.
 *  R10: a certificate gets here only after verification, so a forger cannot fill it; finality prunes it. */

import { View } from "../types/ids.ts";
import type { Certificate, VoteKind } from "../types/vote.ts";

export interface Certificates {
  of(kind: VoteKind, view: View): Certificate | undefined;
  add(certificate: Certificate): void;
  /** QCs, the highest view first. */
  quorums(): readonly Certificate[];
  /** CCs not yet acted upon, the highest view first. */
  commits(): readonly Certificate[];
  readonly highestQuorum: Certificate | undefined;
  /** The lowest view in (parentView, view) without a TC; undefined when R1's chain is complete. */
  firstMissingTimeout(range: { readonly parentView: View; readonly view: View }): View | undefined;
  /** TCs with views in [fromView, toView], ascending, at most `countMax`. */
  timeouts(range: { readonly fromView: View; readonly toView: View; readonly countMax: number }): readonly Certificate[];
  prune(finalView: View): void;
}

export function createCertificates(): Certificates {
  const byKind: Readonly<Record<VoteKind, Map<View, Certificate>>> = { vote: new Map(), commit: new Map(), timeout: new Map() };
  let highestQuorum: Certificate | undefined;

  return {
    of: (kind, view) => byKind[kind].get(view),
    add(certificate) {
      const { kind, view } = certificate.ballot;
      byKind[kind].set(view, certificate);
      if (kind === "vote" && (highestQuorum === undefined || view > highestQuorum.ballot.view)) highestQuorum = certificate;
    },
    quorums: () => descending(byKind.vote),
    commits: () => descending(byKind.commit),
    get highestQuorum() {
      return highestQuorum;
    },
    firstMissingTimeout({ parentView, view }) {
      for (let skipped = View.next(parentView); skipped < view; skipped = View.next(skipped)) {
        if (!byKind.timeout.has(skipped)) return skipped;
      }
      return undefined;
    },
    timeouts({ fromView, toView, countMax }) {
      const held = [...byKind.timeout.values()].filter(({ ballot }) => ballot.view >= fromView && ballot.view <= toView);
      return held.sort((left, right) => left.ballot.view - right.ballot.view).slice(0, countMax);
    },
    prune(finalView) {
      for (const view of byKind.vote.keys()) if (view < finalView) byKind.vote.delete(view);
      for (const view of byKind.timeout.keys()) if (view <= finalView) byKind.timeout.delete(view);
      for (const view of byKind.commit.keys()) if (view <= finalView) byKind.commit.delete(view);
      if (highestQuorum !== undefined && highestQuorum.ballot.view < finalView) highestQuorum = undefined;
    },
  };
}

function descending(certificates: ReadonlyMap<View, Certificate>): readonly Certificate[] {
  const all = [...certificates.values()];
  return all.length < 2 ? all : all.sort((left, right) => right.ballot.view - left.ballot.view);
}
