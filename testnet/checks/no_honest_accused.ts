/** No honest validator is ever accused, and every accusation of an honest validator is true: both signatures verify, and the pair is
 *  one that honest validators never sign. Nor does anybody lose score for bad signatures, certificates, proposals or
 *  blocks that it, being honest, cannot have sent. R11 and R12. */

import { hashHeader } from "../../crypto/hashes.ts";
import type { Evidence } from "../../types/evidence.ts";
import type { PenaltyReason } from "../../types/sender.ts";
import { ballotSigningBytes, proposalSigningBytes } from "../../types/signing.ts";
import type { SignedVote } from "../../types/vote.ts";
import type { FactOf, FactType } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { accuserOf } from "./violations.ts";

const FACTS: readonly FactType[] = ["evidence", "saved", "penalized"];

/** What a direct message of an honest validator never earns. Answers to requests are left out: those come late or half. */
const UNDESERVED: readonly PenaltyReason[] = [
  "equivocation",
  "invalidSignature",
  "invalidCertificate",
  "invalidProposal",
  "invalidBlock",
  "malformedMessage",
];

const accuse = accuserOf("noHonestAccused", "safety");

export function createNoHonestAccusedChecker(cluster: CheckedCluster): Checker {
  const { honest } = cluster;
  const judged = new WeakSet<Evidence>();

  function judge(atUs: number, accuser: number, evidence: Evidence): Violation | undefined {
    if (judged.has(evidence)) return undefined;
    judged.add(evidence);
    const { offender, view, flaw } = examine(cluster, evidence);
    const said = `Validator ${accuser} accuses validator ${offender} of a ${evidence.type === "doubleVote" ? "double vote" : "double proposal"} in view ${view}`;
    if (flaw !== undefined) return accuse(atUs, [accuser, offender], `${said}, but ${flaw}.`);
    return honest.has(offender) ? accuse(atUs, [accuser, offender], `${said}, which is honest.`) : undefined;
  }

  function onPenalty({ atUs, validator, sender, reason }: FactOf<"penalized">): Violation | undefined {
    if (sender.type !== "validator" || !honest.has(sender.validator) || !UNDESERVED.includes(reason)) return undefined;
    return accuse(
      atUs,
      [validator, sender.validator],
      `Validator ${validator} blames validator ${sender.validator}, which is honest, for ${reason}.`,
    );
  }

  return {
    invariant: "noHonestAccused",
    interests: FACTS,
    observe(fact) {
      if (!("validator" in fact) || !honest.has(fact.validator)) return undefined;
      switch (fact.type) {
        case "evidence":
          return judge(fact.atUs, fact.validator, fact.evidence);
        case "saved":
          for (const evidence of fact.durable.evidence) {
            const violation = judge(fact.atUs, fact.validator, evidence);
            if (violation !== undefined) return violation;
          }
          return undefined;
        case "penalized":
          return onPenalty(fact);
        default:
          return undefined;
      }
    },
  };
}

/** Who is accused, of what view, and what keeps it from being a proof. */
function examine(
  cluster: CheckedCluster,
  evidence: Evidence,
): { readonly offender: number; readonly view: number; readonly flaw: string | undefined } {
  if (evidence.type === "doubleVote") {
    const { first, second } = evidence;
    return { offender: first.validator, view: first.ballot.view, flaw: flawOfVotes(cluster, first, second) };
  }
  const { first, second } = evidence;
  const [left, right] = [first.header, second.header];
  const isOneSlot = left.proposer === right.proposer && left.view === right.view && left.epoch === right.epoch;
  const isContradiction = isOneSlot && hashHeader(left) !== hashHeader(right);
  const areSigned = [first, second].every(({ header, signature }) => {
    const publicKey = cluster.ed25519PublicKeys[header.proposer];
    const message = proposalSigningBytes(cluster.domain, header.view, hashHeader(header));
    return publicKey !== undefined && cluster.verifyEd25519(publicKey, message, signature);
  });
  const flaw = isContradiction ? (areSigned ? undefined : "a signature does not verify") : "the two headers do not contradict each other";
  return { offender: left.proposer, view: left.view, flaw };
}

function flawOfVotes({ domain, blsPublicKeys, bls }: CheckedCluster, first: SignedVote, second: SignedVote): string | undefined {
  const [left, right] = [first.ballot, second.ballot];
  if (first.validator !== second.validator) return `the other signature is of validator ${second.validator}`;
  if (left.view !== right.view || left.epoch !== right.epoch || left.epoch !== domain.epoch)
    return "the ballots are of different views or epochs";
  const kinds = new Set([left.kind, right.kind]);
  const isSplit = kinds.has("commit") && kinds.has("timeout");
  const isDouble = kinds.size === 1 && (left.blockHash !== right.blockHash || left.height !== right.height);
  if (!isSplit && !isDouble) return "the two ballots do not contradict each other";
  const publicKey = blsPublicKeys[first.validator];
  const isSigned = ({ ballot, signature }: SignedVote): boolean =>
    publicKey !== undefined && bls.verify(publicKey, ballotSigningBytes(domain, ballot), signature);
  return isSigned(first) && isSigned(second) ? undefined : "a signature does not verify";
}
