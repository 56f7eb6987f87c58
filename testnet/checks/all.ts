/** All checkers of a run, in the order in which they speak: causes before consequences. What concerns the workload (conservation,
 *  outcomes, answers) is the auditor's, in testnet/workload. */

import type { Scenario } from "../scenario/manifest.ts";
import { type Fact, type FactType, isOfBuilders } from "../simulator/facts.ts";
import { GENESIS_TIME_MS } from "../simulator/world.ts";
import { createAgreementChecker } from "./agreement.ts";
import { createAncestryChecker } from "./ancestry.ts";
import { createAttributionChecker } from "./attribution.ts";
import { createBidsChecker } from "./bids.ts";
import { createBoundsChecker } from "./bounds.ts";
import { createCalmChecker, isCalm } from "./calm.ts";
import { createCertificateSignersChecker } from "./certificate_signers.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { createCommitExcludesTimeoutChecker } from "./commit_excludes_timeout.ts";
import { createEavesdropper } from "./eavesdropper.ts";
import { createEvidenceKeptChecker } from "./evidence_kept.ts";
import { createFinalChain, type FinalChain } from "./final_chain.ts";
import { createFinalClaims } from "./final_claims.ts";
import { createForeignSignaturesChecker } from "./foreign_signatures.ts";
import { createJustificationChecker } from "./justification.ts";
import { createTurnsChecker } from "./leaders_turn.ts";
import { createLeaks } from "./leaked_shares.ts";
import { createNoCensorshipChecker } from "./no_censorship.ts";
import { createNoCrashChecker } from "./no_crash.ts";
import { createNoHonestAccusedChecker } from "./no_honest_accused.ts";
import { createNoProgressWhenCutChecker } from "./no_progress_when_cut.ts";
import { createOneCertificateChecker } from "./one_certificate.ts";
import { createPoolChecker } from "./pool.ts";
import { createProgressChecker } from "./progress.ts";
import { createRecordedFirstChecker } from "./recorded_first.ts";
import { createSameOpeningsChecker } from "./same_openings.ts";
import { createSealedBlocks, faultyMax } from "./sealed_blocks.ts";
import { createSealedLaneChecker } from "./sealed_lane.ts";
import { createIrrevocable, createSecrecyChecker } from "./secrecy.ts";
import { createShareDisciplineChecker } from "./share_discipline.ts";
import { createShownCertificates } from "./shown_certificates.ts";
import { createSignedOnceChecker } from "./signed_once.ts";
import { createStallChecker } from "./stall.ts";
import { createStateRootsChecker } from "./state_roots.ts";
import { createSuspects } from "./suspects.ts";
import { createValidityChecker } from "./validity.ts";
import { createVoteSubjectsChecker } from "./vote_subjects.ts";

/** Fresh checkers for one run. They share what they read of certificates and of the final chain, each fact read once. */
export function createCheckers({
  cluster: whole,
  scenario,
}: {
  readonly cluster: CheckedCluster;
  readonly scenario: Scenario;
}): readonly Checker[] {
  const suspects = createSuspects(whole);
  const { cluster } = suspects;
  const { application, protocol } = scenario;
  const shown = createShownCertificates(cluster);
  const chain = createFinalChain(cluster);
  const claims = createFinalClaims(cluster, shown);
  return [
    // The first, so that all others know who is a suspect.
    createForeignSignaturesChecker(suspects, victimsOf(scenario)),
    createNoCrashChecker(cluster),
    createRecordedFirstChecker(cluster),
    createSignedOnceChecker(cluster),
    createNoHonestAccusedChecker(cluster),
    createVoteSubjectsChecker(cluster, { chain, genesisTimeMs: GENESIS_TIME_MS }),
    createOneCertificateChecker(shown),
    createCertificateSignersChecker(cluster, shown),
    createJustificationChecker(cluster),
    createCommitExcludesTimeoutChecker(shown),
    createAncestryChecker(cluster, { shown, chain }),
    createAgreementChecker(cluster, claims),
    createAttributionChecker(cluster, { shown, claims }),
    createEvidenceKeptChecker(cluster),
    createTurnsChecker(cluster, chain),
    createValidityChecker(cluster, { chain, application, blockTransactionsMax: protocol.blockTransactionsMax }),
    createStateRootsChecker(cluster, chain),
    createNoProgressWhenCutChecker(cluster),
    ...(scenario.expect === "stall" ? [createStallChecker(cluster, scenario)] : []),
    ...(scenario.expect === "break" ? [] : [createProgressChecker(cluster, scenario)]),
    ...(isCalm(scenario) ? [createCalmChecker(cluster, scenario)] : []),
    ...(scenario.sealing === undefined ? [] : createSealingCheckers(cluster, { chain, isUndisturbed: scenario.faults.length === 0 })),
    createBidsChecker(cluster, { takesBuilders: scenario.builders !== undefined }),
    createBoundsChecker(cluster, scenario),
    createPoolChecker(cluster, scenario),
  ];
}

/** With more than f traitors nothing that is sealed is safe. */
function createSealingCheckers(
  cluster: CheckedCluster,
  { chain, isUndisturbed }: { readonly chain: FinalChain; readonly isUndisturbed: boolean },
): readonly Checker[] {
  const blocks = createSealedBlocks();
  const irrevocable = createIrrevocable(cluster, blocks);
  const leaks = createLeaks(cluster, blocks);
  const isBroken = cluster.weights.length - cluster.honest.size > faultyMax(cluster.weights.length);
  return [
    createShareDisciplineChecker(cluster, { blocks, irrevocable }),
    ...(isBroken
      ? []
      : [
          createSecrecyChecker(cluster, { blocks, irrevocable, leaks }),
          createEavesdropper(cluster, { blocks, irrevocable, leaks, suite: cluster.sealingSuite }),
        ]),
    createSealedLaneChecker(cluster, { blocks, isUndisturbed }),
    ...(isBroken ? [] : [createNoCensorshipChecker(cluster, { blocks, chain })]),
    createSameOpeningsChecker(cluster),
  ];
}

/** Whose store an old copy replaces without a sign of it. Of a traitor nobody asks that it stops. */
function victimsOf({ faults, byzantine }: Scenario): ReadonlySet<number> {
  const traitors = new Set(byzantine.map(({ validator }) => validator));
  return new Set(
    faults.flatMap(({ action }) => {
      const isVictim = action.type === "rollback" && action.hidesCounter === true && !traitors.has(action.validator);
      return isVictim ? [action.validator] : [];
    }),
  );
}

/** Hands each fact to those who care for its type, and reports every violation with the checker that found it. */
export function createDispatcher(
  checkers: readonly Checker[],
  { validators, report }: { readonly validators: number; readonly report: (checker: Checker, violation: Violation) => void },
): (fact: Fact) => void {
  const tables = new Map<FactType, readonly Checker[]>();
  return (fact) => {
    const isForAll = !isOfBuilders(fact, validators);
    let interested = tables.get(fact.type);
    if (interested === undefined) {
      interested = checkers.filter(({ interests }) => interests === undefined || interests.includes(fact.type));
      tables.set(fact.type, interested);
    }
    for (const checker of interested) {
      if (!isForAll && checker.hearsBuilders !== true) continue;
      const violation = checker.observe(fact);
      if (violation !== undefined) report(checker, violation);
    }
  };
}
