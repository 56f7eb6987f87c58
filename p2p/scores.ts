/** Scores of peers. 0 is neutral; a penalty subtracts its weight; half of what is lost heals in each half-life.
 *
 *  Below `scoreMin` a full node is disconnected and banned for `banMs`. A validator is never banned, because a quorum may need its
 *  votes: it is throttled instead (see `README.md`) until its score has healed. What a validator merely passed on counts a tenth:
 *  relaying proves nothing about the author, and a hostile author must not turn honest relays against each other. */

import type { PeerKey, PenaltyReason } from "../types/sender.ts";

export const PENALTY_WEIGHTS: Readonly<Record<PenaltyReason, number>> = {
  invalidSignature: 20,
  invalidCertificate: 20,
  invalidProposal: 20,
  invalidBlock: 20,
  invalidTransaction: 2,
  malformedMessage: 40,
  unsolicitedResponse: 20,
  wrongResponse: 20,
  equivocation: 50,
  invalidOpening: 20,
  invalidList: 20,
  invalidBid: 20,
  flood: 5,
};

const RELAYED_FACTOR = 0.1;

/** Reasons that lie in content somebody else may have made. */
const CONTENT_REASONS: ReadonlySet<PenaltyReason> = new Set<PenaltyReason>([
  "invalidSignature",
  "invalidCertificate",
  "invalidProposal",
  "invalidBlock",
  "invalidTransaction",
  "equivocation",
]);

export interface ScoreTable {
  scoreOf(peer: PeerKey, nowMs: number): number;
  /** Is the score below the bound now? */
  isPoor(peer: PeerKey, nowMs: number): boolean;
  penalize(penalty: {
    readonly peer: PeerKey;
    readonly reason: PenaltyReason;
    /** A validator passed on what somebody else made. */
    readonly isRelayedByValidator: boolean;
    readonly nowMs: number;
  }): number;
  ban(peer: PeerKey, nowMs: number): void;
  isBanned(peer: PeerKey, nowMs: number): boolean;
  readonly count: number;
}

export interface ScoreBounds {
  readonly scoreMin: number;
  readonly scoreHalfLifeMs: number;
  readonly banMs: number;
  readonly scoresMax: number;
  readonly bansMax: number;
}

export function createScoreTable(bounds: ScoreBounds): ScoreTable {
  /** Least recently penalized first. */
  const scores = new Map<PeerKey, { readonly score: number; readonly atMs: number }>();
  /** Banned until; oldest ban first. */
  const bans = new Map<PeerKey, number>();

  function scoreOf(peer: PeerKey, nowMs: number): number {
    const entry = scores.get(peer);
    if (entry === undefined) return 0;
    return entry.score * 2 ** (-Math.max(0, nowMs - entry.atMs) / bounds.scoreHalfLifeMs);
  }

  function dropOldest<T>(map: Map<PeerKey, T>, countMax: number): void {
    for (const key of map.keys()) {
      if (map.size <= countMax) return;
      map.delete(key);
    }
  }

  return {
    scoreOf,
    isPoor: (peer, nowMs) => scoreOf(peer, nowMs) < bounds.scoreMin,
    penalize({ peer, reason, isRelayedByValidator, nowMs }) {
      const factor = isRelayedByValidator && CONTENT_REASONS.has(reason) ? RELAYED_FACTOR : 1;
      const score = scoreOf(peer, nowMs) - PENALTY_WEIGHTS[reason] * factor;
      scores.delete(peer);
      scores.set(peer, { score, atMs: nowMs });
      dropOldest(scores, bounds.scoresMax);
      return score;
    },
    ban(peer, nowMs) {
      bans.delete(peer);
      bans.set(peer, nowMs + bounds.banMs);
      dropOldest(bans, bounds.bansMax);
    },
    isBanned(peer, nowMs) {
      const untilMs = bans.get(peer);
      if (untilMs === undefined) return false;
      if (nowMs < untilMs) return true;
      bans.delete(peer);
      return false;
    },
    get count() {
      return scores.size + bans.size;
    },
  };
}
