/** R3, R10, R11, R12: votes on their way to a certificate, the bounds around them, and what two signatures prove. */

import fc from "fast-check";
import t from "tap";
import { isCertificateValid } from "../../consensus/certificate_check.ts";
import { judgeEvidence } from "../../consensus/evidence.ts";
import { createVoteCollector } from "../../consensus/vote_collector.ts";
import type { Evidence } from "../../types/evidence.ts";
import { Epoch, Height, TimestampMs, ValidatorIndex, View } from "../../types/ids.ts";
import { FUTURE_VIEWS_MAX } from "../../types/limits.ts";
import { Signers } from "../../types/validator_set.ts";
import { type Ballot, type SignedVote, timeoutBallot } from "../../types/vote.ts";
import { ballotOf, createFixture, directly, headerOver, RELAY, SELF, timeoutOf } from "../support/consensus_fixture.ts";
import { createDriver, of, signed } from "../support/core_driver.ts";

const COUNT = { count: 4 };
const first = headerOver(undefined, 1, COUNT);
const other = headerOver(undefined, 1, { ...COUNT, change: { timeMs: TimestampMs.plus(first.timeMs, 7) } });
const ballot = ballotOf("vote", first);
/** Each validator's is spoilt in a byte of its own, so that two of them never cancel out. */
const spoil = (vote: SignedVote): SignedVote => ({
  ...vote,
  signature: vote.signature.map((byte, index) => (index === 40 + vote.validator ? byte ^ 1 : byte)),
});

t.test("R3: a quorum is strictly more than two thirds of the weight, not of the heads", async () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 }),
      fc.infiniteStream(fc.boolean()),
      (weights, picks) => {
        const fixture = createFixture(weights);
        const collector = createVoteCollector(fixture);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        let weight = 0;
        for (const [index, own] of weights.entries()) {
          if (picks.next().value !== true) continue;
          collector.put({ vote: fixture.vote(index, ballot), from: directly(index), isVerified: false });
          weight += own;
        }
        const isEnough = weight > 0 && BigInt(weight) * 3n > BigInt(total) * 2n;
        return collector.hasQuorum(ballot) === isEnough && (collector.certify(ballot).certificate !== undefined) === isEnough;
      },
    ),
    { numRuns: 60 },
  );
});

t.test("R3: certificates are refused for epoch, foreign bits, weight, signers that did not sign", async (t) => {
  const fixture = createFixture([1, 1, 1, 1]);
  const good = fixture.certificate(ballot, [0, 1, 3]);
  t.equal(isCertificateValid(good, fixture), true);
  const withSigners = (indices: number[]) => ({ ...good, signers: Signers.of(indices.map(ValidatorIndex.of)) });
  const cases = {
    epoch: { ...good, ballot: { ...ballot, epoch: Epoch.of(1) } },
    "foreign bit": withSigners([0, 1, 3, 9]),
    weight: fixture.certificate(ballot, [0, 1]),
    "another signer": withSigners([0, 1, 2]),
    "one more signer": withSigners([0, 1, 2, 3]),
    "another ballot": { ...good, ballot: { ...ballot, height: Height.of(2) } },
    "another kind": { ...good, ballot: { ...ballot, kind: "commit" as const } },
    "short bitfield": { ...good, signers: good.signers.slice(1) },
  };
  for (const [name, certificate] of Object.entries(cases)) t.equal(isCertificateValid(certificate, fixture), false, name);
});

t.test("R11: votes over direct links cost one aggregate check per certificate, and none after it", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  const { counts } = driver.fixture.bls;
  for (const validator of [1, 2, 3]) driver.vote(validator, ballot);
  t.same([counts.verify, counts.verifyAggregate], [0, 1]);
  driver.vote(0, ballot, SELF);
  driver.vote(1, ballot);
  driver.certify(ballot);
  driver.certificate(driver.fixture.certificate(ballot, [0, 1, 2]), RELAY);
  t.same([counts.verify, counts.verifyAggregate], [0, 1], "a known ballot is dropped by its id");
  t.equal(driver.core.status.view, 2);
});

t.test("R11: a bad signature at quorum is found, dropped and blamed; the certificate is made from the rest", async () => {
  const weights = [1, 1, 1, 1, 1, 1, 1];
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 2 }), (badOnes) => {
      const driver = createDriver({ weights });
      const header = headerOver(undefined, 1, { count: 7 });
      const target = ballotOf("vote", header);
      driver.propose(header);
      driver.vote(0, target, SELF);
      const effects = [1, 2, 3, 4, 5, 6].flatMap((validator) => {
        const vote = driver.fixture.vote(validator, target);
        return driver.step({ type: "vote", from: directly(validator), vote: badOnes.includes(validator) ? spoil(vote) : vote });
      });
      const [formed] = of(effects, "forwardCertificate");
      const blamed = of(effects, "penalize").map(({ sender }) => (sender.type === "validator" ? sender.validator : -1));
      const certificate = formed?.certificate;
      const isRight = certificate !== undefined && isCertificateValid(certificate, driver.fixture);
      const seenBad = badOnes.filter((bad) => !Signers.has(certificate?.signers ?? Signers.empty(), ValidatorIndex.of(bad)));
      return isRight && seenBad.length === badOnes.length && blamed.every((validator) => badOnes.includes(validator));
    }),
    { numRuns: 40 },
  );
});

t.test("R11: two bad signatures that cancel out still aggregate to what both signed; alone each proves nothing", async (t) => {
  const fixture = createFixture([1, 1, 1, 1]);
  const collector = createVoteCollector(fixture);
  const [left, right] = [fixture.vote(1, ballot), fixture.vote(2, ballot)];
  const shift = (vote: SignedVote, by: number): SignedVote => {
    const signature = vote.signature.slice();
    const view = new DataView(signature.buffer);
    view.setUint32(4, (view.getUint32(4, true) + by) >>> 0, true);
    return { ...vote, signature };
  };
  for (const vote of [fixture.vote(0, ballot), shift(left, 5), shift(right, -5)]) {
    collector.put({ vote, from: directly(vote.validator), isVerified: false });
  }
  const { certificate, bad } = collector.certify(ballot);
  t.equal(certificate !== undefined && isCertificateValid(certificate, fixture), true);
  t.same(bad, []);
  t.equal(collector.verify(shift(left, 5)), false);
});

t.test("R11: who once sent a bad signature is verified one by one from then on", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  driver.vote(1, ballot);
  driver.vote(2, ballot);
  driver.step({ type: "vote", from: directly(3), vote: spoil(driver.fixture.vote(3, ballot)) });
  const { counts } = driver.fixture.bls;
  const before = counts.verify;
  const effects = driver.step({ type: "vote", from: directly(3), vote: spoil(driver.fixture.vote(3, timeoutOf(1))) });
  t.equal(counts.verify, before + 1);
  t.match(of(effects, "penalize"), [{ sender: directly(3), reason: "invalidSignature" }]);
});

t.test("R11: a relayed vote is verified before it takes a slot, and displaces nothing", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  const { counts } = driver.fixture.bls;
  const forged = driver.step({ type: "vote", from: RELAY, vote: spoil(driver.fixture.vote(3, ballot)) });
  t.match(of(forged, "penalize"), [{ sender: RELAY, reason: "invalidSignature" }]);
  t.equal(counts.verify, 1);
  const impostor = driver.step({ type: "vote", from: directly(2), vote: spoil(driver.fixture.vote(3, ballot)) });
  t.match(of(impostor, "penalize"), [{ sender: directly(2), reason: "invalidSignature" }]);
  driver.vote(3, ballot);
  const relayed = driver.vote(3, ballot, RELAY);
  t.same(relayed, [], "the slot is taken");
  for (const validator of [1, 2]) driver.vote(validator, ballot);
  t.equal(driver.core.status.view, 2, "the genuine votes made the certificate");
});

t.test("R10: votes are kept from the last final view to FUTURE_VIEWS_MAX above ours, one per validator, view and kind", async (t) => {
  const driver = createDriver();
  t.equal(driver.core.status.view, 1);
  for (const view of [1 + FUTURE_VIEWS_MAX + 1, 5_000]) {
    for (const validator of [1, 2, 3]) t.same(of(driver.vote(validator, timeoutOf(view)), "enteredView"), []);
  }
  t.equal(driver.core.status.view, 1, "even a quorum of them is not looked at");
  for (const validator of [1, 2, 3]) driver.vote(validator, timeoutOf(1 + FUTURE_VIEWS_MAX));
  t.equal(driver.core.status.view, 2 + FUTURE_VIEWS_MAX, "within the window it counts");
});

t.test("R10: a collector's slots are bounded by the window, whatever is sent", async (t) => {
  const fixture = createFixture([1, 1, 1, 1]);
  const collector = createVoteCollector(fixture);
  for (let view = 1; view <= 10; view++) {
    for (const validator of [0, 1, 2, 3]) {
      collector.put({ vote: fixture.vote(validator, timeoutOf(view)), from: directly(validator), isVerified: false });
    }
  }
  t.equal(collector.count, 40);
  collector.prune(View.of(8));
  t.equal(collector.count, 12, "finality forgets the views below it");
  collector.forgetWhere((view) => view === 9);
  t.equal(collector.count, 8);
});

t.test("R12: two votes of one validator and view are evidence that stands by itself", async (t) => {
  const pairs: [string, Ballot, Ballot][] = [
    ["votes", ballotOf("vote", first), ballotOf("vote", other)],
    ["commit votes", ballotOf("commit", first), ballotOf("commit", other)],
    ["commit vote, then timeout", ballotOf("commit", first), timeoutOf(1)],
    ["timeout, then commit vote", timeoutOf(1), ballotOf("commit", first)],
  ];
  for (const [name, left, right] of pairs) {
    const driver = createDriver();
    driver.vote(3, left);
    const effects = driver.vote(3, right);
    const [found] = of(effects, "persistEvidence");
    t.equal(found !== undefined && judgeEvidence(found.evidence, driver.fixture.options(0)), 3, name);
    t.match(of(effects, "penalize"), [{ sender: directly(3), reason: "equivocation" }], name);
    t.same(of(driver.vote(3, right), "persistEvidence"), [], `${name}: once`);
  }
  const prolific = createDriver();
  for (let view = 1; view <= 5; view++) {
    for (const header of [first, other]) prolific.vote(3, { ...ballotOf("vote", header), view: View.of(view) });
  }
  t.equal(of(prolific.effects, "persistEvidence").length, 1, "one proof is enough: an offender cannot fill our disk");
  const fine = createDriver();
  fine.vote(3, ballotOf("vote", first));
  t.same(of(fine.vote(3, timeoutOf(1)), "persistEvidence"), [], "a vote and a timeout are no fault");
});

t.test("R12: nobody is accused on a signature that was not verified, and the genuine vote wins the slot", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  driver.step({ type: "vote", from: directly(3), vote: spoil(driver.fixture.vote(3, ballotOf("vote", other))) });
  const effects = driver.vote(3, ballot);
  t.same(of(effects, "persistEvidence"), []);
  t.match(of(effects, "penalize"), [{ sender: directly(3), reason: "invalidSignature" }]);
  for (const validator of [1, 2]) driver.vote(validator, ballot);
  t.equal(driver.core.status.view, 2, "the genuine one was counted");
  const late = createDriver();
  late.vote(3, ballot);
  t.same(
    of(late.step({ type: "vote", from: directly(3), vote: spoil(late.fixture.vote(3, ballotOf("vote", other))) }), "persistEvidence"),
    [],
  );
});

t.test("R12: two proposals of one leader and view are evidence; the first is voted for", async (t) => {
  const driver = createDriver();
  t.same(signed(driver.propose(first)), ["vote 1"]);
  const effects = driver.propose(other, { from: RELAY });
  const [found] = of(effects, "persistEvidence");
  t.equal(found !== undefined && judgeEvidence(found.evidence, driver.fixture.options(0)), 1);
  t.same(signed(effects), []);
  const forged = createDriver();
  forged.propose(first);
  const proposal = { ...forged.fixture.propose(other), signature: new Uint8Array(64) };
  t.same(of(forged.step({ type: "proposal", from: RELAY, proposal }), "persistEvidence"), []);
});

t.test("R12: judgeEvidence refuses what proves nothing", async (t) => {
  const fixture = createFixture([1, 1, 1, 1]);
  const context = fixture.options(0);
  const double = (left: SignedVote, right: SignedVote): Evidence => ({ type: "doubleVote", first: left, second: right });
  const header = (of: typeof first) => ({ header: of, signature: fixture.sign(of) });
  const cases: Record<string, Evidence> = {
    "the same vote twice": double(fixture.vote(1, ballot), fixture.vote(1, ballot)),
    "two validators": double(fixture.vote(1, ballot), fixture.vote(2, ballotOf("vote", other))),
    "two views": double(fixture.vote(1, timeoutOf(1)), fixture.vote(1, timeoutOf(2))),
    "vote and timeout": double(fixture.vote(1, ballot), fixture.vote(1, timeoutOf(1))),
    "forged signature": double(fixture.vote(1, ballot), spoil(fixture.vote(1, ballotOf("vote", other)))),
    "another epoch": double(
      fixture.vote(1, { ...ballot, epoch: Epoch.of(2) }),
      fixture.vote(1, { ...ballotOf("vote", other), epoch: Epoch.of(2) }),
    ),
    "unknown validator": double(
      { ...fixture.vote(1, ballot), validator: ValidatorIndex.of(9) },
      { ...fixture.vote(1, ballotOf("vote", other)), validator: ValidatorIndex.of(9) },
    ),
    "one proposal twice": { type: "doubleProposal", first: header(first), second: header(first) },
    "two leaders": { type: "doubleProposal", first: header(first), second: header({ ...other, proposer: ValidatorIndex.of(2) }) },
    "forged header": { type: "doubleProposal", first: header(first), second: { header: other, signature: new Uint8Array(64) } },
  };
  for (const [name, evidence] of Object.entries(cases)) t.equal(judgeEvidence(evidence, context), undefined, name);
});

t.test("R13: votes, certificates and proposals of another epoch are not looked at", async (t) => {
  const driver = createDriver();
  const foreign = createFixture([1, 1, 1, 1], Epoch.of(1));
  const header = { ...first, epoch: Epoch.of(1) };
  const timeout = timeoutBallot(Epoch.of(1), View.of(1));
  for (const validator of [1, 2, 3])
    t.same(driver.step({ type: "vote", from: directly(validator), vote: foreign.vote(validator, timeout) }), []);
  t.same(driver.certificate(foreign.certificate(timeout, [1, 2, 3])), []);
  t.same(driver.step({ type: "proposal", from: directly(1), proposal: foreign.propose(header) }), []);
  t.same([driver.fixture.bls.counts.verify, driver.fixture.bls.counts.verifyAggregate], [0, 0]);
});

t.test("certificates: an invalid one is its sender's fault; timeouts of views that we left are not even verified", async (t) => {
  const driver = createDriver();
  const forged = { ...driver.fixture.certificate(ballot, [1, 2, 3]), signature: driver.fixture.vote(1, ballot).signature };
  t.match(of(driver.certificate(forged, RELAY), "penalize"), [{ sender: RELAY, reason: "invalidCertificate" }]);
  driver.certify(timeoutOf(5));
  const { verifyAggregate } = driver.fixture.bls.counts;
  t.same(driver.certificate({ ...forged, ballot: timeoutOf(3) }), []);
  t.equal(driver.fixture.bls.counts.verifyAggregate, verifyAggregate);
});

t.test("heardFrom and status: who spoke lately, and what is missing", async (t) => {
  const driver = createDriver();
  driver.vote(3, timeoutOf(1));
  driver.vote(2, timeoutOf(1));
  t.match(driver.core.status, { view: 1, leader: 1, finalHeight: 0, heardFrom: [2, 3], hasStoppedSigning: false });
  driver.step({ type: "work", isAvailable: true });
  t.equal(driver.core.status.waitingFor, "proposal");
  driver.propose(first);
  t.equal(driver.core.status.waitingFor, "votes");
});
