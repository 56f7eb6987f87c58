/** What must hold in every scenario, told by consequences and with arithmetic of its own. Honest is who runs once: agreement at every
 *  height and ancestry among them, nothing signed twice, no accusation or blame of them; and of all: one certificate per kind and
 *  view, never a commit certificate next to a timeout certificate of one view. Keeps the first violation of each invariant. */

import type { ConsensusEffect } from "../../consensus/interface.ts";
import { hashHeader } from "../../crypto/hashes.ts";
import type { BlockHash, View } from "../../types/ids.ts";
import type { Ballot, Certificate } from "../../types/vote.ts";
import type { Violation } from "../checks/checker.ts";
import { instanceName, type TwinsScenario, validatorOf } from "./scenario.ts";

/** `detail` is for people; instances are named as in scenario files. */
export type TwinsViolation = Pick<Violation, "invariant" | "kind" | "detail">;

export interface TwinsChecker {
  /** Each effect of an instance, before it is performed. */
  effect(instance: number, effect: ConsensusEffect): void;
  /** An instance took blocks as final that a peer proved to it. */
  final(instance: number, blocks: readonly FinalBlock[]): void;
  report(violation: TwinsViolation): void;
  isHonest(instance: number): boolean;
  readonly violations: readonly TwinsViolation[];
  /** Pieces of evidence that honest instances found. */
  readonly evidenceCount: number;
  /** Final blocks of an instance. */
  heightOf(instance: number): number;
}

export type FinalBlock = Extract<ConsensusEffect, { type: "finalize" }>["blocks"][number];

export function createTwinsChecker(scenario: TwinsScenario): TwinsChecker {
  const instances = scenario.validators + scenario.twins.length;
  const violations: TwinsViolation[] = [];
  const honest = Array.from({ length: instances }, (_, instance) => !scenario.twins.includes(validatorOf(scenario, instance)));
  const finals: BlockHash[][] = Array.from({ length: instances }, () => []);
  /** By height: who finalized first, and what. */
  const agreed: { readonly instance: number; readonly blockHash: BlockHash }[] = [];
  const certified = new Map<number, BlockHash>();
  const signed = new Map<number, BlockHash>();
  let evidenceCount = 0;
  const nameOf = (instance: number): string => instanceName(scenario, instance);

  function report(violation: TwinsViolation): void {
    if (violations.every(({ invariant }) => invariant !== violation.invariant)) violations.push(violation);
  }

  function unsafe(invariant: TwinsViolation["invariant"], detail: string): void {
    report({ invariant, kind: "safety", detail });
  }

  function final(instance: number, blocks: readonly FinalBlock[]): void {
    const chain = finals[instance] as BlockHash[];
    for (const { blockHash, header } of blocks) {
      const isNext = header.height === chain.length + 1 && (chain.length === 0 || header.parentHash === chain.at(-1));
      if (honest[instance] === true && !isNext)
        unsafe(
          "ancestry",
          `instance ${nameOf(instance)} finalized height ${header.height} on top of ${chain.length} final blocks, not as their child`,
        );
      chain.push(blockHash);
      if (honest[instance] !== true) continue;
      const first = agreed[header.height];
      agreed[header.height] ??= { instance, blockHash };
      if (first === undefined || first.blockHash === blockHash) continue;
      unsafe(
        "agreement",
        `at height ${header.height} instance ${nameOf(first.instance)} has final block ${short(first.blockHash)} and instance ${nameOf(instance)} has ${short(blockHash)}`,
      );
    }
  }

  function certificate({ ballot }: Certificate): void {
    const { kind, view, blockHash } = ballot;
    const first = certified.get(slotOf(ballot));
    if (first === undefined) certified.set(slotOf(ballot), blockHash);
    else if (first !== blockHash)
      unsafe("oneCertificate", `view ${view} has two ${CERTIFICATES[kind]}s: of ${short(first)} and of ${short(blockHash)}`);
    const opposite = kind === "commit" ? "timeout" : "commit";
    if (kind !== "vote" && certified.has(slotOf({ kind: opposite, view })))
      unsafe("commitExcludesTimeout", `view ${view} has both a commit certificate and a timeout certificate`);
  }

  function signature(instance: number, ballot: Ballot): void {
    const { kind, view, blockHash } = ballot;
    const known = (other: Ballot["kind"]): BlockHash | undefined => signed.get(slotOf({ kind: other, view }) * instances + instance);
    const own = known(kind);
    if (own !== undefined && own !== blockHash)
      unsafe("signedOnce", `instance ${nameOf(instance)} signed two ${kind} ballots in view ${view}`);
    if (kind !== "vote" && known(kind === "commit" ? "timeout" : "commit") !== undefined)
      unsafe("signedOnce", `instance ${nameOf(instance)} signed both a commit vote and a timeout in view ${view}`);
    const voted = known("vote");
    if (kind === "commit" && voted !== undefined && voted !== blockHash)
      unsafe("signedOnce", `instance ${nameOf(instance)} voted for one block and commit-voted for another in view ${view}`);
    if (kind === "vote" && own === undefined && known("timeout") !== undefined)
      unsafe("signedOnce", `instance ${nameOf(instance)} voted in view ${view} after its timeout`);
    signed.set(slotOf(ballot) * instances + instance, blockHash);
  }

  function proposal(instance: number, view: View, blockHash: BlockHash): void {
    const slot = slotOf({ kind: "proposal", view }) * instances + instance;
    const own = signed.get(slot);
    if (own !== undefined && own !== blockHash) unsafe("signedOnce", `instance ${nameOf(instance)} proposed two blocks in view ${view}`);
    signed.set(slot, blockHash);
  }

  function accusation(instance: number, offender: number, what: string): void {
    if (scenario.twins.includes(offender)) return;
    unsafe("noHonestAccused", `instance ${nameOf(instance)} ${what} validator ${offender}, which runs only once and is honest`);
  }

  return {
    effect(instance, effect) {
      if (effect.type === "forwardCertificate") return certificate(effect.certificate);
      if (honest[instance] !== true) return;
      if (effect.type === "castVote") signature(instance, effect.ballot);
      if (effect.type === "castProposal") proposal(instance, effect.header.view, effect.blockHash);
      if (effect.type === "persistEvidence") {
        evidenceCount++;
        const { first } = effect.evidence;
        accusation(instance, "validator" in first ? first.validator : first.header.proposer, "keeps evidence against");
      }
      if (effect.type === "penalize" && effect.sender.type === "validator")
        accusation(instance, effect.sender.validator, `blames (${effect.reason})`);
    },
    final,
    report,
    isHonest: (instance) => honest[instance] === true,
    violations,
    get evidenceCount() {
      return evidenceCount;
    },
    heightOf: (instance) => (finals[instance] as BlockHash[]).length,
  };
}

/** Final blocks as catch-up brings them. */
export const finalBlocksOf = (headers: readonly FinalBlock["header"][]): FinalBlock[] =>
  headers.map((header) => ({ blockHash: hashHeader(header), header }));

const CERTIFICATES = { vote: "quorum certificate", commit: "commit certificate", timeout: "timeout certificate" } as const;
const KIND_NUMBERS = { vote: 0, commit: 1, timeout: 2, proposal: 3 } as const;

/** One number for each kind and view. */
const slotOf = ({ kind, view }: { readonly kind: keyof typeof KIND_NUMBERS; readonly view: View }): number => view * 4 + KIND_NUMBERS[kind];

const short = (hash: BlockHash): string => hash.slice(0, 8);
