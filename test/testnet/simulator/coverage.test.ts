/** Points of interest: each by a short history made by hand, next to a history that must not count. */

import t from "tap";
import {
  COVERAGE_POINTS,
  type CoveragePoint,
  createCoverage,
  describeUnreached,
  mergeCoverage,
} from "../../../testnet/simulator/coverage.ts";
import type { Fact, FactOf } from "../../../testnet/simulator/facts.ts";
import type { ListsRoot } from "../../../types/ids.ts";
import type { KeyId } from "../../../types/sealing.ts";
import { blockOf, bytesOf, certificateOf, hashOf, headerOf, recordOf, SAMPLE_FACTS } from "../report/sample_facts.ts";
import { BUILDER_CASES, BUILDER_NODE } from "./coverage_builder_cases.ts";
import {
  atUs,
  blamed,
  certificate,
  crash,
  delivered,
  dropped,
  entered,
  evidence,
  final,
  finalSealed,
  HEADER,
  keygenBlock,
  operationWith,
  PROPOSED,
  pause,
  proposalDelivered,
  proposed,
  range,
  response,
  SHARE,
  STORED,
  saved,
  savedDurable,
  sent,
  signed,
  started,
  stopped,
  VOTED,
  voteDelivered,
} from "./coverage_facts.ts";

interface Case {
  /** Passes the point exactly once. */
  readonly reaches: readonly Fact[];
  /** As near as possible without passing it. */
  readonly misses: readonly Fact[];
}

const CASES: { readonly [Point in CoveragePoint]: Case } = {
  qcAndTcOfOneView: {
    reaches: [certificate("vote", 4), certificate("timeout", 4, 1), certificate("vote", 4, 2)],
    misses: [certificate("vote", 4), certificate("timeout", 5), certificate("commit", 4)],
  },
  lateQcAfterTc: {
    reaches: [entered(5, "TC"), certificate("vote", 4), certificate("vote", 4)],
    misses: [certificate("vote", 4), entered(5, "TC"), certificate("vote", 5), certificate("vote", 4, 1)],
  },
  timeoutAfterVote: {
    reaches: [signed("vote", 4), signed("timeout", 4), signed("timeout", 4, { isResend: true })],
    misses: [signed("vote", 4), signed("timeout", 5)],
  },
  commitAndTimeoutInOneView: {
    reaches: [signed("commit", 4), signed("timeout", 4, { validator: 1 }), signed("timeout", 4, { validator: 2 })],
    misses: [signed("commit", 4), signed("timeout", 5, { validator: 1 })],
  },
  commitAfterNextViewBegan: {
    reaches: [entered(5, "QC"), signed("vote", 5), signed("commit", 4)],
    misses: [entered(5, "QC"), signed("commit", 4), signed("vote", 5)],
  },
  commitLongAfterView: { reaches: [entered(8, "QC"), signed("commit", 4)], misses: [entered(7, "QC"), signed("commit", 4)] },
  commitAfterLostViews: {
    reaches: [entered(5, "QC"), entered(6, "TC"), signed("commit", 4)],
    misses: [entered(4, "TC"), entered(5, "QC"), signed("commit", 4)],
  },
  ccOnlyByResend: {
    reaches: [signed("commit", 4), signed("commit", 4, { isResend: true }), certificate("commit", 4), certificate("commit", 4, 1)],
    misses: [signed("commit", 4), certificate("commit", 4), signed("commit", 4, { isResend: true }), certificate("commit", 4, 1)],
  },
  quorumAfterBadSignature: {
    reaches: [entered(4, "QC"), blamed("invalidSignature"), certificate("vote", 4), certificate("vote", 5)],
    misses: [entered(4, "QC"), blamed("invalidSignature"), certificate("vote", 3), certificate("vote", 5), certificate("vote", 4)],
  },
  enteredFarAhead: {
    reaches: [entered(1, "start"), entered(3, "QC")],
    misses: [entered(1, "start"), entered(2, "QC"), entered(5, "start")],
  },
  viewsLostInARow: {
    reaches: [entered(4, "TC"), entered(5, "TC"), entered(6, "QC")],
    misses: [entered(4, "TC"), entered(5, "QC"), entered(6, "TC")],
  },
  leaderPaused: {
    reaches: [sent([1]), entered(5, "QC", { leader: 2 })],
    misses: [sent([1]), entered(5, "QC"), entered(6, "start", { leader: 1 })],
  },
  skippedViewsFinal: {
    reaches: [final({ view: 9, parentView: 7 })],
    misses: [final({ view: 9, parentView: 8 }, { view: 2, parentView: 0 })],
  },
  proposalSkippedMoreThan16Views: { reaches: [proposed({ view: 30, parentView: 12 })], misses: [proposed({ view: 29, parentView: 12 })] },
  timeoutCertificatesByRange: {
    reaches: [response({ type: "timeoutCertificates", certificates: [certificateOf("timeout", { view: 3, height: 0, block: 0 })] })],
    misses: [response({ type: "timeoutCertificates", certificates: [] })],
  },
  blockByHash: { reaches: [response({ type: "block", block: blockOf(HEADER) })], misses: [response({ type: "block", block: undefined })] },
  bodyByHash: {
    reaches: [response({ type: "transactions", transactions: [bytesOf(1, 9)] })],
    misses: [response({ type: "transactions", transactions: [] })],
  },
  catchUpByRange: {
    reaches: [range(false)],
    misses: [response({ type: "finalBlocks", blocks: [], openings: [], trailingHeaders: [], commitCertificate: undefined })],
  },
  rangeWithTrailingHeaders: { reaches: [range(true)], misses: [range(false)] },
  manyBlocksByOneCc: {
    reaches: [final({ height: 5, view: 9 }, { height: 6, view: 10 })],
    misses: [final({ height: 5 }), final({ height: 6 })],
  },
  blockTimeClamped: {
    reaches: [final({ timeMs: 5_000 }), final({ timeMs: 5_001 })],
    misses: [final({ timeMs: 5_000 }), final({ timeMs: 5_002 })],
  },
  restartBetweenRecordAndSend: {
    reaches: [started(1), saved(VOTED), ...crash],
    misses: [started(1), saved(VOTED), signed("vote", 9), ...crash, saved(recordOf(10, {})), stopped("crash")],
  },
  repeatedAfterRestart: {
    reaches: [
      started(1),
      saved(VOTED),
      signed("vote", 9),
      signed("vote", 9, { isResend: true }),
      ...crash,
      signed("vote", 9, { isResend: true }),
    ],
    misses: [started(1), saved(VOTED), signed("vote", 9), ...crash, signed("timeout", 9)],
  },
  proposalRepeatedAfterRestart: {
    reaches: [started(1), saved(PROPOSED), ...crash, proposed()],
    misses: [started(1), saved(PROPOSED), proposed(), ...crash, proposed({ view: 10 })],
  },
  unsyncedWriteLost: { reaches: [stopped("crash", 1)], misses: [stopped("crash", 0)] },
  leaderCrashed: {
    reaches: [entered(4, "QC", { leader: 0 }), stopped("crash")],
    misses: [entered(5, "QC", { leader: 1 }), stopped("crash"), entered(4, "QC"), stopped("upgrade")],
  },
  stoppedByFullDisk: { reaches: [stopped("diskFull")], misses: [stopped("crash")] },
  upgraded: { reaches: [stopped("upgrade"), started(2)], misses: [stopped("upgrade")] },
  startRefused: { reaches: [{ type: "refusedStart", atUs, validator: 0, reason: "damage" }], misses: [stopped("crash")] },
  timeoutRightAfterPause: {
    reaches: [pause("begin"), pause("end"), signed("timeout", 4), signed("timeout", 5)],
    misses: [pause("begin"), signed("timeout", 3), pause("end"), signed("vote", 4), signed("timeout", 4)],
  },
  snapshotTaken: { reaches: [{ type: "snapshot", atUs, validator: 0, height: 64 }], misses: [] },
  restoredFromSnapshot: { reaches: [started(2, { restoredHeight: 64 })], misses: [started(2), started(3, { restoredHeight: 0 })] },
  observerFollows: { reaches: [started(2, { isSigning: false }), final({})], misses: [started(1), final({})] },
  finalWhileOneIsDown: { reaches: [stopped("crash"), final({}), started(2), final({})], misses: [stopped("crash"), started(2), final({})] },
  twoProposalsDelivered: {
    reaches: [proposalDelivered({}), proposalDelivered({}), proposalDelivered({ timeMs: 5_001 })],
    misses: [proposalDelivered({}), proposalDelivered({}), proposalDelivered({ view: 13 }), proposalDelivered({ proposer: 2, timeMs: 8 })],
  },
  twoVotesDelivered: {
    reaches: [voteDelivered("vote", 1), voteDelivered("vote", 1), voteDelivered("vote", 2)],
    misses: [voteDelivered("vote", 1), voteDelivered("commit", 2), voteDelivered("timeout", 3), voteDelivered("timeout", 4)],
  },
  doubleVoteEvidence: { reaches: [evidence("vote", "vote")], misses: [evidence("commit", "timeout")] },
  commitAndTimeoutEvidence: { reaches: [evidence("timeout", "commit")], misses: [evidence("commit", "commit")] },
  doubleProposalEvidence: {
    reaches: [
      {
        type: "evidence",
        atUs,
        validator: 0,
        evidence: {
          type: "doubleProposal",
          first: { header: headerOf(HEADER), signature: bytesOf(1, 64) },
          second: { header: headerOf({ ...HEADER, timeMs: 1 }), signature: bytesOf(2, 64) },
        },
      },
    ],
    misses: [evidence("vote", "vote")],
  },
  badCertificateRefused: { reaches: [blamed("invalidCertificate")], misses: [blamed("equivocation")] },
  badProposalRefused: { reaches: [blamed("invalidBlock")], misses: [blamed("invalidTransaction")] },
  badMessageRefused: { reaches: [blamed("flood")], misses: [blamed("invalidSignature")] },
  syncLieRefused: { reaches: [blamed("wrongResponse")], misses: [blamed("malformedMessage")] },
  messageLost: { reaches: [sent([])], misses: [sent([5])] },
  messageDuplicated: { reaches: [sent([5, 6])], misses: [sent([5])] },
  messageOvertaken: {
    reaches: [proposalDelivered({ view: 13 }), proposalDelivered({ view: 9 })],
    misses: [
      proposalDelivered({ view: 9 }),
      proposalDelivered({ view: 13 }),
      { ...(proposalDelivered({ view: 9 }) as FactOf<"delivered">), nth: 1 },
      voteDelivered("vote", 1),
    ],
  },
  evictedFromPool: { reaches: [dropped("evicted")], misses: [dropped("nonceTooLow")] },
  transactionExpired: { reaches: [dropped("expired")], misses: [dropped("evicted")] },
  sealingKeyMade: { reaches: [SAMPLE_FACTS.keyLive[0] as Fact], misses: [] },
  keygenSecondRound: { reaches: [savedDurable({ blocks: [keygenBlock(1)] })], misses: [savedDurable({ blocks: [keygenBlock(0)] })] },
  sealedLaneFinal: { reaches: [finalSealed({ sealedCount: 1 })], misses: [finalSealed({})] },
  sealedLaneSuspended: {
    reaches: [finalSealed({ keyId: hashOf<KeyId>(7) })],
    misses: [finalSealed({ keyId: hashOf<KeyId>(7), listsRoot: hashOf<ListsRoot>(8) }), finalSealed({})],
  },
  openedAllToAll: {
    reaches: [delivered("openingRequest", { type: "openingRequest", blockHash: hashOf(9), positions: [0] }, 0)],
    misses: [delivered("shares", { type: "shares", blockHash: hashOf(9), shares: [SHARE] }, 0)],
  },
  disputeHeld: {
    reaches: [delivered("proofs", { type: "proofs", blockHash: hashOf(9), batches: [{ shares: [SHARE], proof: new Uint8Array(64) }] }, 0)],
    misses: [delivered("proofRequest", { type: "proofRequest", blockHash: hashOf(9), positions: [0], isSeparate: false }, 0)],
  },
  failureProven: {
    reaches: [savedDurable({ operations: [operationWith({ type: "failed", shares: [] })] })],
    misses: [savedDurable({ operations: [operationWith({ type: "seed", seed: new Uint8Array(32) })] })],
  },
  badOpeningRefused: { reaches: [blamed("invalidOpening")], misses: [blamed("invalidList")] },
  badListRefused: { reaches: [blamed("invalidList")], misses: [blamed("invalidOpening")] },
  restartedWithShares: {
    reaches: [savedDurable({ shares: [STORED] }), stopped("crash"), started(2, { finalHeight: 4 })],
    misses: [savedDurable({ shares: [STORED] }), stopped("crash"), started(2, { finalHeight: 5 })],
  },
  ...BUILDER_CASES,
};

function countsOf(facts: readonly Fact[]): ReadonlyMap<CoveragePoint, number> {
  const coverage = createCoverage(BUILDER_NODE);
  for (const fact of facts) coverage.observe(fact);
  return coverage.counts();
}

t.test("createCoverage: a history that passes each point once, and one that just misses it", async (t) => {
  for (const { point } of COVERAGE_POINTS) {
    const { reaches, misses } = CASES[point];
    t.equal(countsOf(reaches).get(point), 1, `${point} is reached`);
    t.equal(countsOf(misses).get(point), 0, `${point} is missed`);
  }
});

t.test("createCoverage: thousands of views, only the latest are remembered", async (t) => {
  const coverage = createCoverage(BUILDER_NODE);
  for (let view = 1; view <= 3_000; view++) coverage.observe(signed("vote", view));
  coverage.observe(started(2));
  coverage.observe(signed("vote", 1, { isResend: true }));
  t.equal(coverage.counts().get("repeatedAfterRestart"), 0, "a view that old is forgotten");
  coverage.observe(signed("vote", 3_000, { isResend: true }));
  t.equal(coverage.counts().get("repeatedAfterRestart"), 1);
});

t.test("mergeCoverage and describeUnreached: two runs, sums; what neither reached is named", async (t) => {
  const left = countsOf([sent([]), sent([])]);
  const right = countsOf([sent([]), sent([1, 2])]);
  const both = mergeCoverage(left, right);
  t.equal(both.get("messageLost"), 3);
  t.equal(both.get("messageDuplicated"), 1);
  t.same(
    [...both.keys()],
    COVERAGE_POINTS.map(({ point }) => point),
    "every point, in order",
  );
  const text = describeUnreached(both);
  t.match(text, /never reached: snapshotTaken \(a snapshot was stored\)\n/);
  t.notMatch(text, /messageLost/);
  t.equal(text.split("\n").length - 1, COVERAGE_POINTS.length - 2);
  t.equal(describeUnreached(new Map(COVERAGE_POINTS.map(({ point }) => [point, 1]))), "");
});
