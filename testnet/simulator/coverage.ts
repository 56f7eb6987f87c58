/** Counts how often a run passes the points of interest of coverage_points.ts, from its facts alone. It judges nothing and keeps little:
 *  a few numbers for each validator and for each view. */

import { unreachable } from "../../types/assert.ts";
import type { Evidence } from "../../types/evidence.ts";
import { INLINE_TIMEOUT_CERTIFICATES_MAX } from "../../types/limits.ts";
import type { SyncResponse } from "../../types/sync.ts";
import { createBuilderCoverage } from "./coverage_builders.ts";
import { COVERAGE_POINTS, type CoveragePoint } from "./coverage_points.ts";
import { createSealingCoverage } from "./coverage_sealing.ts";
import { type Count, createValidatorCoverage, type ValidatorCoverage } from "./coverage_validator.ts";
import { type Fact, type FactOf, isOfBuilders } from "./facts.ts";

export { COVERAGE_POINTS, type CoveragePoint } from "./coverage_points.ts";

export interface Coverage {
  observe(fact: Fact): void;
  /** Every point, in the order of COVERAGE_POINTS. */
  counts(): ReadonlyMap<CoveragePoint, number>;
}

/** What the validators together did in one view. */
interface ViewSeen {
  hasQc: boolean;
  hasTc: boolean;
  hasCc: boolean;
  hasTimeout: boolean;
  hasCommit: boolean;
  hasCommitResent: boolean;
  isMixedCounted: boolean;
}

/** `validators`: how many there are; nodes from there on are builders. */
export function createCoverage(validatorCount: number): Coverage {
  const totals = new Map<CoveragePoint, number>(COVERAGE_POINTS.map(({ point }) => [point, 0]));
  const count: Count = (point) => totals.set(point, (totals.get(point) ?? 0) + 1);
  const validators = new Map<number, ValidatorCoverage>();
  const views = new Map<number, ViewSeen>();
  const down = new Set<number>();
  const lastOnLink = new Map<number, number>();
  const cluster: ClusterSeen = { count, views, down, lastOnLink, size: 1 };
  const validatorOf = (index: number): ValidatorCoverage => {
    const known = validators.get(index);
    if (known !== undefined) return known;
    const created = createValidatorCoverage(index, count);
    validators.set(index, created);
    return created;
  };
  const observeBuilders = createBuilderCoverage(count, validatorCount);
  const observeSealing = createSealingCoverage(count);
  return {
    observe(fact) {
      observeBuilders(fact);
      if (isOfBuilders(fact, validatorCount)) return;
      observeSealing(fact);
      switch (fact.type) {
        case "sent":
          return onSent(cluster, fact);
        case "phase":
        case "submitted":
        case "answered":
          return;
        case "fault":
          if (fact.fault.action.type === "pause" && fact.edge === "end") validatorOf(fact.fault.action.validator).resumed();
          return;
        case "delivered":
          onDelivered(cluster, fact);
          return validatorOf(fact.to).delivered(fact);
        default:
          onClusterFact(cluster, fact);
          return validatorOf(fact.validator).observe(fact);
      }
    },
    counts: () => new Map(totals),
  };
}

/** Adds up runs. */
export function mergeCoverage(
  left: ReadonlyMap<CoveragePoint, number>,
  right: ReadonlyMap<CoveragePoint, number>,
): ReadonlyMap<CoveragePoint, number> {
  return new Map(COVERAGE_POINTS.map(({ point }) => [point, (left.get(point) ?? 0) + (right.get(point) ?? 0)]));
}

/** The points that were never reached, for people: one line each; empty when there are none. */
export function describeUnreached(counts: ReadonlyMap<CoveragePoint, number>): string {
  return COVERAGE_POINTS.filter(({ point }) => (counts.get(point) ?? 0) === 0)
    .map(({ point, description }) => `never reached: ${point} (${description})\n`)
    .join("");
}

interface ClusterSeen {
  readonly count: Count;
  readonly views: Map<number, ViewSeen>;
  readonly down: Set<number>;
  /** The latest view of which a proposal arrived, by link. */
  readonly lastOnLink: Map<number, number>;
  /** Validators, as far as messages have named them: the first broadcast names all. */
  size: number;
}

function onSent(cluster: ClusterSeen, fact: FactOf<"sent">): void {
  if (fact.to >= cluster.size) cluster.size = fact.to + 1;
  if (fact.from >= cluster.size) cluster.size = fact.from + 1;
  if (fact.delaysUs.length === 1) return;
  cluster.count(fact.delaysUs.length === 0 ? "messageLost" : "messageDuplicated");
}

function onDelivered(cluster: ClusterSeen, { from, to, kind, view, nth, message }: FactOf<"delivered">): void {
  if (kind === "response" && message.type === "response") return onResponse(cluster.count, message.response);
  if (kind !== "proposal" || nth !== 0) return;
  // For the first time, proposals of one leader go out in order of their views, so an older view that comes later was overtaken.
  const link = from * 64 + to;
  const last = cluster.lastOnLink.get(link) ?? 0;
  if (view < last) cluster.count("messageOvertaken");
  else cluster.lastOnLink.set(link, view);
}

function onResponse(count: Count, response: SyncResponse): void {
  switch (response.type) {
    case "status":
      return;
    case "finalBlocks":
      if (response.blocks.length > 0) count("catchUpByRange");
      if (response.trailingHeaders.length > 0) count("rangeWithTrailingHeaders");
      return;
    case "block":
      if (response.block !== undefined) count("blockByHash");
      return;
    case "timeoutCertificates":
      if (response.certificates.length > 0) count("timeoutCertificatesByRange");
      return;
    case "transactions":
      if (response.transactions.length > 0) count("bodyByHash");
      return;
    default:
      return unreachable(response);
  }
}

type OfOneValidator = Parameters<ValidatorCoverage["observe"]>[0];

function onClusterFact(cluster: ClusterSeen, fact: OfOneValidator): void {
  switch (fact.type) {
    case "started":
      return void cluster.down.delete(fact.validator);
    case "stopped":
      return void cluster.down.add(fact.validator);
    case "certificate":
      return onCertificate(cluster, fact);
    case "signedVote":
      return onVote(cluster, fact);
    case "signedProposal": {
      const { view, parentView } = fact.proposal.header;
      if (view - parentView - 1 > INLINE_TIMEOUT_CERTIFICATES_MAX) cluster.count("proposalSkippedMoreThan16Views");
      return;
    }
    case "enteredView":
      if (fact.by !== "start" && fact.leader !== fact.view % cluster.size) cluster.count("leaderPaused");
      return;
    case "finalized":
      if (cluster.down.size > 0) cluster.count("finalWhileOneIsDown");
      return;
    case "evidence":
      return cluster.count(evidencePoint(fact.evidence));
    default:
      return;
  }
}

function seenIn(cluster: ClusterSeen, view: number): ViewSeen {
  const known = cluster.views.get(view);
  if (known !== undefined) return known;
  const seen: ViewSeen = {
    hasQc: false,
    hasTc: false,
    hasCc: false,
    hasTimeout: false,
    hasCommit: false,
    hasCommitResent: false,
    isMixedCounted: false,
  };
  cluster.views.set(view, seen);
  return seen;
}

function onCertificate(cluster: ClusterSeen, { certificate }: FactOf<"certificate">): void {
  const { kind, view } = certificate.ballot;
  const seen = seenIn(cluster, view);
  const hadBoth = seen.hasQc && seen.hasTc;
  if (kind === "vote") seen.hasQc = true;
  if (kind === "timeout") seen.hasTc = true;
  if (!hadBoth && seen.hasQc && seen.hasTc) cluster.count("qcAndTcOfOneView");
  if (kind !== "commit" || seen.hasCc) return;
  seen.hasCc = true;
  if (seen.hasCommitResent) cluster.count("ccOnlyByResend");
}

function onVote(cluster: ClusterSeen, { vote, isResend }: FactOf<"signedVote">): void {
  const { kind, view } = vote.ballot;
  const seen = seenIn(cluster, view);
  if (kind === "timeout") seen.hasTimeout = true;
  if (kind === "commit") seen.hasCommit = true;
  if (kind === "commit" && isResend && !seen.hasCc) seen.hasCommitResent = true;
  if (!seen.hasTimeout || !seen.hasCommit || seen.isMixedCounted) return;
  seen.isMixedCounted = true;
  cluster.count("commitAndTimeoutInOneView");
}

function evidencePoint(evidence: Evidence): CoveragePoint {
  if (evidence.type === "doubleProposal") return "doubleProposalEvidence";
  const isOneKind = evidence.first.ballot.kind === evidence.second.ballot.kind;
  return isOneKind ? "doubleVoteEvidence" : "commitAndTimeoutEvidence";
}
