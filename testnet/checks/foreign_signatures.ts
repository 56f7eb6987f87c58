/** Foreign signatures: once a validator has met its own signature under what its records lack, it signs nothing more in this life
 *  (failure 10). That happens to those whose store was rolled back, so they alone are followed here. What they hold is put together
 *  from their writes, less those that the old copy lacks.
 *  A certificate counts from the moment they forward it; a ballot or a proposal, once they have surely dealt with it. */

import type { Durable } from "../../replica/interface.ts";
import type { SafetyRecord } from "../../types/safety_record.ts";
import { ballotSigningBytes, proposalSigningBytes } from "../../types/signing.ts";
import type { Ballot } from "../../types/vote.ts";
import type { Fact, FactOf, FactType } from "../simulator/facts.ts";
import type { Checker, Violation } from "./checker.ts";
import { createHeaderHasher } from "./final_chain.ts";
import { createProcessing, PROCESSING_FACTS, SAVES_UNTIL_DONE } from "./processing.ts";
import { createQuorum } from "./quorum.ts";
import { holdsBallot } from "./recorded_first.ts";
import { rolledBackBy, type Suspects } from "./suspects.ts";
import { accuserOf, brief } from "./violations.ts";

const FACTS: readonly FactType[] = [...PROCESSING_FACTS, "signedVote", "signedProposal", "fault"];

const accuse = accuserOf("signedOnce", "safety");

/** R10: ballots of so many views ahead are looked at. */
const VIEWS_AHEAD = 16;

interface Met {
  readonly view: number;
  /** Ballots of views long left are not looked at; proposals are, as long as their view is not final. */
  readonly isBallot: boolean;
  readonly what: string;
  /** The machine has dealt with it when this write is done. */
  readonly bySave: number;
}

interface Suspect {
  /** Its writes, in order. */
  log: Pick<Durable, "records" | "finality" | "blocks">[];
  records: Map<number, SafetyRecord>;
  blocks: Set<string>;
  /** View of the last final block that the machine knows of. */
  finalView: number;
  isRolledBack: boolean;
  met: Met[];
  /** Why it must not sign any more in this life. */
  mustStopFor: string | undefined;
}

/** `victims`: whose store the scenario rolls back unnoticed. */
export function createForeignSignaturesChecker({ cluster, observe }: Suspects, victims: ReadonlySet<number>): Checker {
  const { weights, domain, bls, blsPublicKeys, ed25519PublicKeys, verifyEd25519 } = cluster;
  const quorum = createQuorum(weights);
  const processing = createProcessing(weights.length);
  const hashOf = createHeaderHasher();
  const suspects = new Map([...victims].map((validator): [number, Suspect] => [validator, emptySuspect()]));

  function lacks({ records, finalView }: Suspect, ballot: Ballot): boolean {
    return ballot.epoch === domain.epoch && ballot.view > finalView && !holdsBallot(records.get(ballot.view), ballot);
  }

  function onCertificate(suspect: Suspect, { validator, certificate }: FactOf<"certificate">): void {
    const { ballot } = certificate;
    const isNamed = quorum.signersOf(certificate.signers)?.includes(validator) === true;
    if (isNamed && lacks(suspect, ballot)) suspect.mustStopFor ??= `a certificate of view ${ballot.view} (${ballot.kind}) that names it`;
    if (ballot.kind === "commit") suspect.finalView = Math.max(suspect.finalView, ballot.view);
  }

  function onDelivered(suspect: Suspect, { from, to, message }: FactOf<"delivered">): void {
    if (from === to || processing.view(to) === 0 || processing.isCrowded(to)) return;
    const bySave = processing.saves(to) + SAVES_UNTIL_DONE;
    if (message.type === "response" && message.response.type === "block" && message.response.block !== undefined) {
      suspect.blocks.add(hashOf(message.response.block.header));
    }
    if (message.type === "vote") {
      const { ballot, validator, signature } = message.vote;
      const isKept = ballot.view <= processing.view(to) + VIEWS_AHEAD && ballot.view >= processing.view(to) - VIEWS_AHEAD;
      if (validator !== to || !isKept || !lacks(suspect, ballot)) return;
      if (!bls.verify(blsPublicKeys[to] as Uint8Array, ballotSigningBytes(domain, ballot), signature)) return;
      suspect.met.push({ view: ballot.view, isBallot: true, what: `its own ${ballot.kind} of view ${ballot.view}`, bySave });
    }
    if (message.type === "proposal") {
      const { header, signature } = message.proposal;
      if (header.proposer !== to || header.epoch !== domain.epoch || header.view <= suspect.finalView) return;
      const hash = hashOf(header);
      if (suspect.blocks.has(hash) || suspect.records.get(header.view)?.proposedHash === hash) return;
      if (!verifyEd25519(ed25519PublicKeys[to] as Uint8Array, proposalSigningBytes(domain, header.view, hash as never), signature)) return;
      suspect.met.push({ view: header.view, isBallot: false, what: `its own proposal ${brief(hash)} of view ${header.view}`, bySave });
    }
  }

  function onSaved(suspect: Suspect, { validator, durable }: FactOf<"saved">): void {
    suspect.log.push(durable);
    take(suspect, durable);
    const done = suspect.met.filter(({ bySave }) => bySave <= processing.saves(validator));
    suspect.met = suspect.met.filter(({ bySave }) => bySave > processing.saves(validator));
    for (const { view, isBallot, what } of done) {
      const isLeft = isBallot && view < processing.view(validator) - VIEWS_AHEAD;
      // What finality has passed meanwhile may not have been looked at.
      if (view > suspect.finalView && !isLeft) suspect.mustStopFor ??= what;
    }
  }

  function onSigned(suspect: Suspect, { atUs, validator }: FactOf<"signedVote"> | FactOf<"signedProposal">): Violation | undefined {
    if (suspect.mustStopFor === undefined) return undefined;
    const detail = `Validator ${validator}, whose store was rolled back, signs on after it has met ${suspect.mustStopFor}, of which its records know nothing.`;
    return accuse(atUs, [validator], detail);
  }

  function follow(suspect: Suspect, fact: Exclude<Fact, { readonly type: "fault" | "delivered" }>): Violation | undefined {
    switch (fact.type) {
      case "saved":
        onSaved(suspect, fact);
        return undefined;
      case "started":
        suspect.met = [];
        suspect.mustStopFor = undefined;
        return undefined;
      case "certificate":
        if (suspect.isRolledBack) onCertificate(suspect, fact);
        return undefined;
      case "signedVote":
      case "signedProposal":
        return onSigned(suspect, fact);
      default:
        return undefined;
    }
  }

  return {
    invariant: "signedOnce",
    interests: FACTS,
    observe(fact) {
      observe(fact);
      if (suspects.size === 0) return undefined;
      processing.observe(fact);
      const rolledBack = rolledBackBy(fact);
      const victim = rolledBack === undefined ? undefined : suspects.get(rolledBack.validator);
      if (rolledBack !== undefined && victim !== undefined) rollBack(victim, rolledBack.saves);
      if (fact.type === "fault") return undefined;
      if (fact.type === "delivered") {
        const suspect = suspects.get(fact.to);
        if (suspect?.isRolledBack === true) onDelivered(suspect, fact);
        return undefined;
      }
      const suspect = "validator" in fact ? suspects.get(fact.validator) : undefined;
      return suspect === undefined ? undefined : follow(suspect, fact);
    },
  };
}

function emptySuspect(): Suspect {
  return { log: [], records: new Map(), blocks: new Set(), finalView: 0, isRolledBack: false, met: [], mustStopFor: undefined };
}

function take(suspect: Suspect, { records, finality, blocks }: Suspect["log"][number]): void {
  for (const record of records) suspect.records.set(record.view, record);
  for (const { blockHash } of blocks) suspect.blocks.add(blockHash);
  suspect.finalView = Math.max(suspect.finalView, finality.at(-1)?.view ?? 0);
}

function rollBack(suspect: Suspect, saves: number): void {
  suspect.log = suspect.log.slice(0, Math.max(0, suspect.log.length - saves));
  suspect.records = new Map();
  suspect.blocks = new Set();
  suspect.finalView = 0;
  suspect.isRolledBack = true;
  for (const durable of suspect.log) take(suspect, durable);
}
