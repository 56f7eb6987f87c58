/** Every certificate that facts show, judged by definition: one ballot of this epoch, signers that weigh a quorum, and an aggregate that
 *  verifies. Each distinct certificate is verified once. What traitors only show each other is not looked at.
 *  R3 a quorum by weight; R10 members only; R13 this epoch. */

import { compareBytes } from "../../types/bytes.ts";
import { ZERO_HASH } from "../../types/ids.ts";
import { SIGNERS_BYTES } from "../../types/limits.ts";
import { ballotSigningBytes } from "../../types/signing.ts";
import type { Certificate, VoteKind } from "../../types/vote.ts";
import type { Fact, FactOf, FactType } from "../simulator/facts.ts";
import type { CheckedCluster } from "./checker.ts";
import { createQuorum } from "./quorum.ts";

/** forwarded: broadcast. record: what admitted to a view. finality: the CC of final blocks. parent: the QC in a block that was stored
 *  to vote for it. proposal: in an own proposal. passedOn: what came from peers and proves nothing about who holds it. */
export type Place = "forwarded" | "record" | "finality" | "parent" | "proposal" | "passedOn";

export interface ShownCertificate {
  readonly certificate: Certificate;
  /** What is wrong with it, as the end of a sentence; undefined when it is genuine. */
  readonly fault: string | undefined;
  readonly place: Place;
  readonly validator: number;
  readonly isHonest: boolean;
}

export interface ShownCertificates {
  /** What this fact shows for the first time: genuine certificates, and bad ones each time. The same list for the same fact. */
  read(fact: Fact): readonly ShownCertificate[];
}

/** Facts that show certificates. */
export const CERTIFICATE_FACTS: readonly FactType[] = ["certificate", "signedProposal", "saved", "delivered"];

interface Judged {
  readonly certificate: Certificate;
  readonly fault: string | undefined;
}

const JUDGED_MAX = 32_768;
const NOTHING: readonly ShownCertificate[] = [];

export function createShownCertificates(cluster: CheckedCluster): ShownCertificates {
  const { honest } = cluster;
  const judge = createJudge(cluster);
  const genuine = new WeakSet<Certificate>();
  let lastFact: Fact | undefined;
  let shown: ShownCertificate[] | undefined;

  function note(certificate: Certificate, place: Place, validator: number): void {
    if (genuine.has(certificate)) return;
    const fault = judge(certificate);
    if (fault === undefined) genuine.add(certificate);
    shown ??= [];
    shown.push({ certificate, fault, place, validator, isHonest: honest.has(validator) });
  }

  function noteSaved({ validator, durable }: FactOf<"saved">): void {
    for (const { admittedBy } of durable.records) if (admittedBy !== undefined) note(admittedBy, "record", validator);
    for (const { certificate } of durable.finality) note(certificate, "finality", validator);
    for (const { blockHash, block } of durable.blocks) {
      const { parentCertificate, timeoutCertificates } = block;
      // A block that is stored as final came from a peer with a CC, which covers all but its justification.
      const isCaughtUp = durable.finality.some((entry) => entry.blockHash === blockHash);
      if (parentCertificate !== undefined) note(parentCertificate, isCaughtUp ? "passedOn" : "parent", validator);
      for (const certificate of timeoutCertificates) note(certificate, "passedOn", validator);
    }
  }

  function noteProposal({ validator, proposal }: FactOf<"signedProposal">): void {
    if (proposal.parentCertificate !== undefined) note(proposal.parentCertificate, "proposal", validator);
    for (const certificate of proposal.timeoutCertificates) note(certificate, "proposal", validator);
  }

  return {
    read(fact) {
      if (fact === lastFact) return shown ?? NOTHING;
      lastFact = fact;
      shown = undefined;
      switch (fact.type) {
        case "certificate":
          if (honest.has(fact.validator)) note(fact.certificate, "forwarded", fact.validator);
          break;
        case "signedProposal":
          noteProposal(fact);
          break;
        case "saved":
          if (honest.has(fact.validator)) noteSaved(fact);
          break;
        case "delivered":
          if (fact.kind !== "response" || fact.message.type !== "response" || !honest.has(fact.to)) break;
          if (fact.message.response.type !== "timeoutCertificates") break;
          for (const certificate of fact.message.response.certificates) note(certificate, "passedOn", fact.to);
          break;
        default:
          break;
      }
      return shown ?? NOTHING;
    },
  };
}

/** Returns what is wrong with a certificate. Remembers verdicts by content, a view's certificates together. */
function createJudge(cluster: CheckedCluster): (certificate: Certificate) => string | undefined {
  const known: Readonly<Record<VoteKind, Map<number, Judged[]>>> = { vote: new Map(), commit: new Map(), timeout: new Map() };
  const examine = createExaminer(cluster);
  let count = 0;
  return (certificate) => {
    const { kind, view } = certificate.ballot;
    if (count >= JUDGED_MAX) {
      for (const views of Object.values(known)) views.clear();
      count = 0;
    }
    const ofView = known[kind].get(view) ?? [];
    if (ofView.length === 0) known[kind].set(view, ofView);
    const same = ofView.find((judged) => areSame(judged.certificate, certificate));
    if (same !== undefined) return same.fault;
    const fault = examine(certificate);
    ofView.push({ certificate, fault });
    count++;
    return fault;
  };
}

function createExaminer({ weights, domain, blsPublicKeys, bls }: CheckedCluster): (certificate: Certificate) => string | undefined {
  const quorum = createQuorum(weights);
  return ({ ballot, signers: bits, signature }) => {
    if (ballot.epoch !== domain.epoch) return `is of epoch ${ballot.epoch}, not ${domain.epoch}`;
    if (ballot.view === 0) return "is of view 0, in which nobody votes";
    const namesBlock = ballot.blockHash !== ZERO_HASH || ballot.height !== 0;
    if (namesBlock === (ballot.kind === "timeout")) return "names a block where it must not, or none where it must";
    const signers = bits.length === SIGNERS_BYTES ? quorum.signersOf(bits) : undefined;
    if (signers === undefined) return "has a bitfield that names somebody who is no validator";
    const weight = quorum.weightOf(signers);
    if (!quorum.isQuorum(weight)) return `weighs ${weight} of ${quorum.total}, which is no quorum`;
    const publicKeys = signers.map((signer) => blsPublicKeys[signer] as Uint8Array);
    const isSigned = bls.verifyAggregate(publicKeys, ballotSigningBytes(domain, ballot), signature);
    return isSigned ? undefined : "has an aggregate signature that does not verify";
  };
}

function areSame(left: Certificate, right: Certificate): boolean {
  const isSameBallot =
    left.ballot.blockHash === right.ballot.blockHash &&
    left.ballot.height === right.ballot.height &&
    left.ballot.epoch === right.ballot.epoch;
  return isSameBallot && compareBytes(left.signers, right.signers) === 0 && compareBytes(left.signature, right.signature) === 0;
}

/** How people call a certificate of this kind. */
export const CERTIFICATE_NAMES: Readonly<Record<VoteKind, string>> = { vote: "QC", commit: "CC", timeout: "TC" };
