/** Evidence kept: an honest validator that was handed two ballots by their own signer, which no honest validator signs together, has a proof
 *  against it on disk soon after. R12. Asked only where the machine had to keep both votes: within the views it keeps, over a direct link, both
 *  signatures good, nothing of that signer undecodable before. One proof per offender is enough. */

import { ballotSigningBytes } from "../../types/signing.ts";
import type { SignedVote, VoteKind } from "../../types/vote.ts";
import type { Fact, FactOf, FactType } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { createProcessing, PROCESSING_FACTS, SAVES_UNTIL_DONE } from "./processing.ts";
import { createRecentMap, type RecentMap } from "./recent_map.ts";
import { accuserOf } from "./violations.ts";

const FACTS: readonly FactType[] = PROCESSING_FACTS;

const accuse = accuserOf("attribution", "safety");

/** R10: votes are kept for so many views ahead; behind, views with a TC are forgotten after as many. */
const VIEWS_KEPT = 16;
const VIEWS_MAX = 1_024;

interface Expected {
  readonly offender: number;
  readonly view: number;
  readonly sinceUs: number;
  /** The proof is on disk with this write at the latest. */
  readonly bySave: number;
}

/** What one life of one validator was handed. */
interface Memory {
  /** The first vote of each signer, view and kind. */
  readonly first: RecentMap<string, SignedVote>;
  readonly proven: Set<number>;
  /** Signers of whose votes it is not known what became of them. */
  readonly doubtful: Set<number>;
  expected: Expected[];
}

const emptyMemory = (): Memory => ({ first: createRecentMap(VIEWS_MAX), proven: new Set(), doubtful: new Set(), expected: [] });

export function createEvidenceKeptChecker(cluster: CheckedCluster): Checker {
  const { honest, weights, domain, bls, blsPublicKeys } = cluster;
  const processing = createProcessing(weights.length);
  const memories = weights.map(emptyMemory);
  const isSigning = weights.map(() => true);

  function isSigned({ validator, ballot, signature }: SignedVote): boolean {
    const publicKey = blsPublicKeys[validator];
    return publicKey !== undefined && bls.verify(publicKey, ballotSigningBytes(domain, ballot), signature);
  }

  function onDelivered({ atUs, from, to, message }: FactOf<"delivered">): void {
    const memory = memories[to] as Memory;
    if (memory.proven.has(from) || memory.doubtful.has(from)) return;
    if (message.type === "bytes") memory.doubtful.add(from);
    if (message.type !== "vote" || message.vote.validator !== from) return;
    if (processing.isCrowded(to) || isSigning[from] !== true || isSigning[to] !== true) return void memory.doubtful.add(from);
    const { vote } = message;
    const { kind, view, epoch } = vote.ballot;
    const current = processing.view(to);
    if (epoch !== domain.epoch || current === 0 || view <= processing.finalView(to)) return;
    if (view > current + VIEWS_KEPT || view < current - VIEWS_KEPT) return;
    const before = memory.first.get(nameOf(from, view, kind));
    if (before === undefined) memory.first.set(nameOf(from, view, kind), vote);
    const other = kind === "vote" ? undefined : memory.first.get(nameOf(from, view, kind === "commit" ? "timeout" : "commit"));
    const isDouble =
      before !== undefined && (before.ballot.blockHash !== vote.ballot.blockHash || before.ballot.height !== vote.ballot.height);
    const contradicted = isDouble ? before : other;
    if (contradicted === undefined) return;
    if (!isSigned(vote) || !isSigned(contradicted)) memory.doubtful.add(from);
    else memory.expected.push({ offender: from, view, sinceUs: atUs, bySave: processing.saves(to) + SAVES_UNTIL_DONE });
  }

  function onSaved({ atUs, validator, durable }: FactOf<"saved">): Violation | undefined {
    const memory = memories[validator] as Memory;
    for (const evidence of durable.evidence) {
      memory.proven.add(evidence.type === "doubleVote" ? evidence.first.validator : evidence.first.header.proposer);
    }
    if (memory.expected.length === 0) return undefined;
    const due = memory.expected.filter(({ bySave }) => bySave <= processing.saves(validator));
    memory.expected = memory.expected.filter(({ bySave }) => bySave > processing.saves(validator));
    for (const { offender, view, sinceUs } of due) {
      const isKept = view > processing.finalView(validator) && view >= processing.view(validator) - VIEWS_KEPT;
      if (memory.proven.has(offender) || memory.doubtful.has(offender) || !isKept) continue;
      const detail = `Validator ${validator} was handed two contradictory ballots of view ${view} by validator ${offender} at ${Math.round(sinceUs / 1_000)} ms, and has no proof of it on disk.`;
      return accuse(atUs, [validator, offender], detail);
    }
    return undefined;
  }

  return {
    invariant: "attribution",
    interests: FACTS,
    observe(fact: Fact) {
      processing.observe(fact);
      switch (fact.type) {
        case "started":
          memories[fact.validator] = emptyMemory();
          isSigning[fact.validator] = fact.isSigning;
          return undefined;
        case "delivered":
          if (honest.has(fact.to) && !honest.has(fact.from)) onDelivered(fact);
          return undefined;
        case "saved":
          return honest.has(fact.validator) ? onSaved(fact) : undefined;
        default:
          return undefined;
      }
    },
  };
}

const nameOf = (signer: number, view: number, kind: VoteKind): string => `${signer} ${view} ${kind}`;
