/** Each invariant of the Twins checker, shown to fire on hand-made effects, and not to fire on what is allowed. */

import t from "tap";
import type { ConsensusEffect } from "../../../consensus/interface.ts";
import { createTwinsChecker, type FinalBlock, finalBlocksOf, type TwinsChecker } from "../../../testnet/twins/checker.ts";
import { createTwinsFixture } from "../../../testnet/twins/fixture.ts";
import type { TwinsScenario } from "../../../testnet/twins/scenario.ts";
import { type BlockHash, Epoch, Height, TimestampMs, View } from "../../../types/ids.ts";
import { Signers } from "../../../types/validator_set.ts";
import type { Ballot, VoteKind } from "../../../types/vote.ts";

/** Instance 4 is the second copy of validator 0. */
const SCENARIO: TwinsScenario = { type: "twins", validators: 4, twins: [0], rounds: [] };
const [A, B] = ["a".repeat(64) as BlockHash, "b".repeat(64) as BlockHash];
const fixture = createTwinsFixture(4);

const ballot = (kind: VoteKind, view: number, blockHash: BlockHash = A): Ballot => ({
  kind,
  epoch: Epoch.ZERO,
  view: View.of(view),
  height: Height.of(1),
  blockHash,
});
const cast = (kind: VoteKind, view: number, blockHash?: BlockHash): ConsensusEffect => ({
  type: "castVote",
  ballot: ballot(kind, view, blockHash),
  isResend: false,
});
const certified = (kind: VoteKind, view: number, blockHash?: BlockHash): ConsensusEffect => ({
  type: "forwardCertificate",
  certificate: { ballot: ballot(kind, view, blockHash), signers: Signers.empty(), signature: new Uint8Array(4) },
});
const accused = (validator: number): ConsensusEffect => {
  const vote = fixture.vote(validator, ballot("vote", 1));
  return { type: "persistEvidence", evidence: { type: "doubleVote", first: vote, second: vote } };
};
const blamed = (validator: number): ConsensusEffect => {
  const [sender] = fixture.senders.slice(validator);
  if (sender === undefined) throw new Error("no such validator");
  return { type: "penalize", sender, reason: "invalidProposal" };
};
const headerBy = (instance: number, height: number, parentHash: BlockHash) =>
  fixture.header({
    proposer: instance % 4,
    instance,
    height: Height.of(height),
    view: View.of(height),
    parentHash,
    parentView: View.of(height - 1),
    timeMs: TimestampMs.of(height),
    executedHeight: Height.ZERO,
  });
const blocksBy = (instance: number, height: number, parentHash: BlockHash): FinalBlock[] =>
  finalBlocksOf([headerBy(instance, height, parentHash)]);
const proposed = (instance: number, blockHash: BlockHash): ConsensusEffect => ({
  type: "castProposal",
  header: headerBy(instance, 1, A),
  blockHash,
  justification: { parentCertificate: undefined, timeoutCertificates: [] },
  transactionHashes: [],
  lists: [],
});

function violationsOf(act: (checker: TwinsChecker) => void): readonly string[] {
  const checker = createTwinsChecker(SCENARIO);
  act(checker);
  return checker.violations.map(({ invariant }) => invariant);
}

const after = (instance: number, ...effects: readonly ConsensusEffect[]): readonly string[] =>
  violationsOf((checker) => {
    for (const effect of effects) checker.effect(instance, effect);
  });

t.test("agreement: two honest instances with two blocks at one height, the twins may have what they want", async (t) => {
  const finals = (one: number, other: number, second: number): readonly string[] =>
    violationsOf((checker) => {
      checker.final(one, blocksBy(1, 1, A));
      checker.final(other, blocksBy(second, 1, A));
    });
  t.same(finals(1, 2, 2), ["agreement"]);
  t.same(finals(1, 2, 1), []);
  t.same(finals(1, 4, 2), []);
});

t.test("ancestry: a final block that is not the child of the one before", async (t) => {
  t.same(
    violationsOf((checker) => checker.final(1, blocksBy(1, 2, A))),
    ["ancestry"],
    "a height is missing",
  );
  const second = (parentHash: BlockHash) =>
    violationsOf((checker) => {
      checker.final(1, blocksBy(1, 1, A));
      checker.final(1, blocksBy(1, 2, parentHash));
    });
  t.same(second(B), ["ancestry"]);
  t.same(second(blocksBy(1, 1, A)[0]?.blockHash as BlockHash), []);
});

t.test("oneCertificate: two blocks certified in one view, whoever forwards them", async (t) => {
  t.same(after(0, certified("vote", 1, A), certified("vote", 1, B)), ["oneCertificate"]);
  t.same(after(1, certified("vote", 1, A), certified("vote", 1, A), certified("vote", 2, B), certified("commit", 2, B)), []);
});

t.test("commitExcludesTimeout: both certificates of one view, in either order", async (t) => {
  t.same(after(1, certified("commit", 1), certified("timeout", 1, B)), ["commitExcludesTimeout"]);
  t.same(after(1, certified("timeout", 1, B), certified("commit", 1)), ["commitExcludesTimeout"]);
  t.same(after(1, certified("timeout", 1, B), certified("vote", 1), certified("commit", 2)), []);
});

t.test("signedOnce: every pair that no honest instance signs in one view", async (t) => {
  const pairs: readonly (readonly [ConsensusEffect, ConsensusEffect])[] = [
    [cast("vote", 1, A), cast("vote", 1, B)],
    [cast("commit", 1, A), cast("commit", 1, B)],
    [cast("vote", 1, A), cast("commit", 1, B)],
    [cast("commit", 1), cast("timeout", 1, B)],
    [cast("timeout", 1, B), cast("commit", 1)],
    [cast("timeout", 1, B), cast("vote", 1)],
    [proposed(1, A), proposed(1, B)],
  ];
  for (const pair of pairs) {
    t.same(after(1, ...pair), ["signedOnce"]);
    t.same(after(4, ...pair), [], "a twin may");
  }
  t.same(after(1, cast("vote", 1), cast("vote", 1), cast("timeout", 1, B), cast("timeout", 1, B), cast("vote", 2), cast("commit", 2)), []);
});

t.test("noHonestAccused: evidence or blame against who runs once; against the twinned it is right", async (t) => {
  t.same(after(1, accused(2)), ["noHonestAccused"]);
  t.same(after(1, blamed(2)), ["noHonestAccused"]);
  t.same(after(1, accused(0), blamed(0)), []);
  t.same(after(4, accused(2), blamed(2)), [], "what a twin thinks proves nothing");
});
