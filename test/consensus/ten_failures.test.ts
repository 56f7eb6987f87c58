/** The ten failures seen in other implementations, one test each. Every test names the guard that it watches; each guard was
 *  removed by itself in a copy of the tree, the test was seen to fail there, and to pass again with the guard back. Where two
 *  guards stand one behind the other, the test asks both, since removing one alone must already fail. */

import t from "tap";
import { absorbCertificate } from "../../consensus/certificate_flow.ts";
import { onFetchedBlock, onProposal } from "../../consensus/proposal_flow.ts";
import { createMachine, start } from "../../consensus/recovery.ts";
import { judgeCommit } from "../../consensus/safety_rules.ts";
import { onVote } from "../../consensus/vote_flow.ts";
import { hashHeader } from "../../crypto/hashes.ts";
import { type BlockHash, Epoch, Height, TimestampMs, View } from "../../types/ids.ts";
import { FUTURE_VIEWS_MAX } from "../../types/limits.ts";
import { emptySafetyRecord, type SafetyRecord, safetyRecordCodec } from "../../types/safety_record.ts";
import { type SignedVote, timeoutBallot } from "../../types/vote.ts";
import { CALM, createConsensusCluster } from "../support/consensus_cluster.ts";
import { ballotOf, createFixture, directly, GENESIS_TIME, headerOver, RELAY, SELF, timeoutOf } from "../support/consensus_fixture.ts";
import { createDriver, of, quorumOf, signed } from "../support/core_driver.ts";
import { createPrng } from "../support/prng.ts";

const COUNT = { count: 4 };
const first = headerOver(undefined, 1, COUNT);
const second = headerOver(first, 2, COUNT);

// Guards: the line `if (record.view <= finalView)` of judgeCommit (safety_rules.ts): without it the first assertion fails;
// `machine.records.prune(finalView)` (finality.ts): with `machine.view` in its place the second part signs for view 3 again.
t.test("failure 1: no CommitVote after Timeout of the same view once pruning has erased the record", async (t) => {
  const erased = emptySafetyRecord(Epoch.ZERO, View.of(3));
  const verdict = judgeCommit({ record: erased, currentView: View.of(9), finalView: View.of(3) }, "aa".repeat(32) as BlockHash);
  t.same(verdict, { ok: false, reason: "viewIsFinal" }, "where records may be gone nothing is signed");

  const driver = createDriver();
  const third = headerOver(first, 3, COUNT);
  driver.propose(first);
  driver.certify(ballotOf("vote", first));
  driver.certify(timeoutOf(2));
  driver.step({ type: "work", isAvailable: true });
  driver.advance(10_000);
  t.same(signed(driver.timer("view")), ["timeout 3"]);
  const pruned = driver.certify(ballotOf("commit", first));
  t.equal(of(pruned, "finalize").length, 1, "finality of view 1 prunes");
  t.same(signed(pruned), [], "but the record of view 3 stays");
  const justification = {
    parentCertificate: quorumOf(driver.fixture, first),
    timeoutCertificates: [driver.fixture.certificate(timeoutOf(2), [1, 2, 3])],
  };
  t.same(signed([...driver.propose(third, { justification }), ...driver.certify(ballotOf("vote", third))]), []);
  driver.advance(10_000);
  t.notMatch(signed(driver.timer("resend")), ["commit 3"]);
});

// Guards: `sort` in Records.all (records.ts), by which recovery takes the highest view: without it the core starts in view 4
// and votes; `persist` before `cast` in signing.ts: with the two lines of castTimeout exchanged the order check fails.
t.test("failure 2: a restart replays the highest record, not the last, and records are written before anything is sent", async (t) => {
  const { fixture } = createDriver();
  const admitted = (view: number, gain: Partial<SafetyRecord>): SafetyRecord => ({
    ...emptySafetyRecord(Epoch.ZERO, View.of(view)),
    admittedBy: fixture.certificate(timeoutOf(view - 1), [1, 2, 3]),
    ...gain,
  });
  const records = [admitted(7, { hasTimedOut: true }), admitted(3, {}), admitted(4, {})];
  const restarted = createDriver({ fixture, recovered: { records } });
  t.equal(restarted.core.status.view, 7);
  t.same(signed(restarted.effects), ["timeout 7 again"]);
  const header = headerOver(undefined, 7, COUNT);
  const timeoutCertificates = [1, 2, 3, 4, 5, 6].map((view) => fixture.certificate(timeoutOf(view), [1, 2, 3]));
  t.same(signed(restarted.propose(header, { justification: { timeoutCertificates } })), [], "nothing contradictory");

  const driver = createDriver();
  driver.step({ type: "work", isAvailable: true });
  driver.advance(10_000);
  const kinds = driver.timer("view").map(({ type }) => type);
  t.ok(kinds.includes("castVote") && kinds.indexOf("persistRecord") < kinds.indexOf("castVote"));
});

// Guards: `bytes[0] !== version` in defineCodec (types/codec.ts): without it versions 0, 2 and 255 decode; `hasTimedOut > 1` in
// safetyRecordCodec (types/safety_record.ts): without it the value 2 decodes as "not timed out".
t.test(
  "failure 3: a record of an unknown version, or one that lacks a field, is refused instead of being read with defaults",
  async (t) => {
    const record: SafetyRecord = { ...emptySafetyRecord(Epoch.ZERO, View.of(3)), hasTimedOut: true };
    const encoded = safetyRecordCodec.encode(record);
    t.same(safetyRecordCodec.decode(encoded), { ok: true, value: record });
    for (const version of [0, 2, 255]) {
      const other = Uint8Array.from(encoded);
      other[0] = version;
      t.same(safetyRecordCodec.decode(other), { ok: false, reason: "unknownVersion" });
    }
    const timedOutAt = encoded.length - 5;
    t.equal(encoded[timedOutAt], 1, "the flag stands before the offset of the admitting certificate");
    const withoutFlag = Uint8Array.from([...encoded.slice(0, timedOutAt), ...encoded.slice(timedOutAt + 1)]);
    t.equal(safetyRecordCodec.decode(withoutFlag).ok, false);
    const strange = Uint8Array.from(encoded);
    strange[timedOutAt] = 2;
    t.equal(safetyRecordCodec.decode(strange).ok, false);
  },
);

// Guard: that nothing locks. A lock added to castVoteForProposal (`header.parentView < highestQuorum.view` refuses) fails the
// first half; QCs of views that we left treated as useless in certificate_flow.ts (`ballot.view < machine.view` for every
// kind in isUseless) fail the second.
t.test("failure 4: who left a view by its QC and who left it by its TC accept each other's ancestry", async (t) => {
  const { fixture } = createDriver();
  const timeout = fixture.certificate(timeoutOf(2), [1, 2, 3]);
  const parentCertificate = quorumOf(fixture, first);
  const leftByQuorum = createDriver({ fixture });
  const leftByTimeout = createDriver({ fixture });
  for (const driver of [leftByQuorum, leftByTimeout]) {
    driver.propose(first);
    driver.propose(second, { justification: { parentCertificate } });
  }
  leftByQuorum.certify(ballotOf("vote", second));
  leftByTimeout.certificate(timeout);
  t.same([leftByQuorum.core.status.view, leftByTimeout.core.status.view], [3, 3]);

  const overTimeout = headerOver(first, 3, COUNT);
  const justification = { parentCertificate, timeoutCertificates: [timeout] };
  t.same(signed(leftByQuorum.propose(overTimeout, { justification })), ["vote 3"], "though it knows a higher QC");
  const overQuorum = headerOver(second, 3, COUNT);
  const effects = leftByTimeout.propose(overQuorum, { justification: { parentCertificate: quorumOf(fixture, second) } });
  t.same(signed(effects), ["commit 2", "vote 3"], "though it left view 2 by TC; it never signed Timeout(2) itself");
});

// Guards: `ballot.view > machine.view + FUTURE_VIEWS_MAX` in onVote (vote_flow.ts): without it 200 slots are filled;
// isCertificateSigned before acceptCertificate (certificate_flow.ts): without it forged certificates are stored;
// the check of `absorbJustification` in onProposal (proposal_flow.ts): without it a block on a forged QC enters the tree.
t.test("failure 5: future views fill no memory, whatever a Byzantine validator sends", async (t) => {
  const fixture = createFixture([1, 1, 1, 1]);
  const machine = createMachine(fixture.options(0));
  machine.nowMs = TimestampMs.plus(GENESIS_TIME, 10_000);
  start(machine);
  const forgery = fixture.vote(3, timeoutOf(1)).signature;
  for (let view = 2; view <= 201; view++) {
    onVote(machine, directly(3), fixture.vote(3, timeoutOf(view)));
    const header = headerOver(undefined, view * 4 + 19, COUNT);
    const timeoutCertificates = Array.from({ length: 16 }, (_, index) => ({
      ...fixture.certificate(timeoutOf(header.view - 16 + index), [1, 2, 3]),
      signature: forgery,
    }));
    onProposal(machine, directly(3), fixture.propose(header, { timeoutCertificates }));
  }
  t.equal(machine.votes.count, FUTURE_VIEWS_MAX, "one slot for each view of the window");
  t.equal(machine.certificates.timeouts({ fromView: View.of(0), toView: View.of(10_000), countMax: 10_000 }).length, 0);
  t.equal(machine.tree.count, 0);
  t.equal(machine.view, 1);
  absorbCertificate(machine, fixture.certificate(timeoutOf(1), [1, 2, 3]), { from: RELAY, isAsked: false });
  for (let index = 0; index < 100; index++) {
    const ghost = headerOver(undefined, 1, { ...COUNT, change: { timeMs: TimestampMs.plus(GENESIS_TIME, index + 1) } });
    const parentCertificate = { ...quorumOf(fixture, ghost), signature: forgery };
    onProposal(machine, directly(2), fixture.propose(headerOver(ghost, 2, COUNT), { parentCertificate }));
  }
  t.equal(machine.tree.count, 0, "nor do proposals of the current view that stand on forged certificates");
});

// Guards: the loop of certify (vote_collector.ts) that rebuilds after dropping: with `if` in place of `while` no certificate is
// made; the slot check in fillSlot (vote_flow.ts): without it a signer's second vote is put twice.
t.test("failure 6: one well-formed bad signature does not spoil the aggregate, and no signer counts twice", async (t) => {
  const fixture = createFixture([1, 1, 1, 1]);
  const driver = createDriver({ fixture });
  driver.propose(first);
  const ballot = ballotOf("vote", first);
  const bad: SignedVote = { ...fixture.vote(3, ballot), signature: fixture.vote(3, timeoutOf(9)).signature };
  driver.step({ type: "vote", from: directly(3), vote: bad });
  driver.vote(1, ballot);
  const spoilt = driver.vote(2, ballot);
  t.match(of(spoilt, "penalize"), [{ sender: directly(3), reason: "invalidSignature" }]);
  t.equal(driver.core.status.view, 1, "two good votes are no quorum");
  for (let copy = 0; copy < 5; copy++) driver.vote(1, ballot);
  t.equal(driver.core.status.view, 1, "nor is one of them five times");
  t.equal(of(driver.vote(0, ballot, SELF), "forwardCertificate").length, 1, "the third good one is");

  const weighty = createDriver({ fixture: createFixture([1, 1, 1, 5]) });
  const heavy = ballotOf("vote", first);
  weighty.propose(first);
  const light = { ...weighty.fixture.vote(1, heavy), signature: bad.signature };
  weighty.step({ type: "vote", from: directly(1), vote: light });
  weighty.vote(2, heavy);
  const formed = of(weighty.vote(3, heavy), "forwardCertificate");
  t.equal(formed.length, 1, "7 of 8 with the bad one, still a quorum with 6: made anew at once, not at the next vote");
});

// Guards: `machine.wanted.has` in onFetchedBlock (proposal_flow.ts): without it the unsolicited block is taken in unblamed;
// the checks of chainFrom (finality.ts): without them a gap in `synced` moves the root, which the assertions below see.
t.test("failure 7: unsolicited, ill-fitting and invalid responses reach no assertion and change nothing", async (t) => {
  const driver = createDriver();
  const unsolicited = driver.step({ type: "fetchedBlock", from: RELAY, proposal: driver.fixture.propose(first) });
  t.match(unsolicited, [{ type: "penalize", sender: RELAY, reason: "unsolicitedResponse" }]);
  const gap = headerOver({ ...first, height: Height.of(7) }, 8, COUNT);
  for (const headers of [[], [second], [gap], [first, gap], [second, first]]) {
    const certificate = driver.fixture.certificate(ballotOf("commit", headers.at(-1) ?? first), [1, 2, 3]);
    driver.step({ type: "synced", headers, certificate });
  }
  t.match(driver.core.status, { finalHeight: 0, view: 1 });
  driver.certify(ballotOf("vote", first));
  const unsigned = { ...driver.fixture.propose(first), signature: new Uint8Array(64) };
  t.match(driver.step({ type: "fetchedBlock", from: RELAY, proposal: unsigned }), [{ type: "penalize", reason: "wrongResponse" }]);
  driver.step({ type: "bodyChecked", blockHash: hashHeader(second), isValid: false });
  driver.step({ type: "built", view: View.of(2), header: second, transactionHashes: [], lists: [] });
  t.match(driver.core.status, { finalHeight: 0, view: 2 });
  const machine = createMachine(driver.fixture.options(0));
  start(machine);
  onFetchedBlock(machine, RELAY, driver.fixture.propose(first));
  t.equal(machine.tree.count, 0);
  fuzz(t.fail.bind(t));
});

/** Feeds cores random sequences of individually well-formed inputs; only an exception is a failure. */
function fuzz(fail: (message: string) => unknown): void {
  const fixture = createFixture([1, 1, 1, 1]);
  const headers = [first, second];
  for (let view = 3; view < 12; view++) headers.push(headerOver(headers[view % headers.length], view, COUNT));
  for (let seed = 0; seed < 10; seed++) {
    const prng = createPrng(seed);
    const pick = <T>(items: readonly T[]): T => items[prng.below(items.length)] as T;
    const driver = createDriver({ fixture, self: pick([0, 1, 2]) });
    const certificate = () =>
      fixture.certificate(
        pick([ballotOf("vote", pick(headers)), ballotOf("commit", first), timeoutOf(prng.below(12) + 1)]),
        pick([[1, 2, 3], [0, 1], [3]]),
      );
    try {
      for (let round = 0; round < 200; round++) {
        driver.advance(prng.below(400));
        driver.bodies = pick([true, false, undefined]);
        const from = pick([directly(1), directly(2), directly(3), RELAY]);
        const header = pick(headers);
        const proposal = fixture.propose(header, {
          parentCertificate: pick([undefined, certificate()]),
          timeoutCertificates: pick([[], [certificate()]]),
        });
        const inputs = [
          { type: "proposal", from, proposal },
          { type: "fetchedBlock", from, proposal },
          { type: "certificate", from, certificate: certificate() },
          {
            type: "vote",
            from,
            vote: fixture.vote(prng.below(4), pick([ballotOf("vote", header), ballotOf("commit", header), timeoutOf(prng.below(20) + 1)])),
          },
          { type: "synced", headers: [pick(headers), header], certificate: certificate() },
          { type: "bodyChecked", blockHash: hashHeader(header), isValid: pick([true, false]) },
          { type: "built", view: header.view, header: undefined, transactionHashes: [], lists: [] },
          { type: "work", isAvailable: pick([true, false]) },
          { type: "timer", timer: pick(["view", "propose", "resend"] as const) },
        ] as const;
        driver.step(pick(inputs));
      }
    } catch (error) {
      fail(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
}

// Guards: `nowMs >= pacemaker.deadlineMs` in onTimer (core.ts): without it the stale timer signs; `armedMs <= atMs` in
// Pacemaker.arm (pacemaker.ts): without it every input arms the timer again.
t.test("failure 8: a timer of an earlier view does nothing, none is armed twice for a view, and load does not livelock", async (t) => {
  const driver = createDriver();
  driver.step({ type: "work", isAvailable: true });
  driver.propose(first);
  driver.advance(390);
  driver.certify(ballotOf("vote", first));
  driver.advance(10);
  t.same(signed(driver.timer("view")), [], "the deadline of view 1 has passed, view 2 is 10 ms old");
  const before = of(driver.effects, "setTimer").filter(({ timer }) => timer === "view").length;
  for (let round = 0; round < 50; round++) {
    driver.advance(1);
    driver.vote(2, timeoutOf(3 + round));
  }
  const after = of(driver.effects, "setTimer").filter(({ timer }) => timer === "view").length;
  t.equal(after, before, "messages neither arm nor postpone it");

  const cluster = createConsensusCluster({ weights: [1, 1, 1, 1], seed: 8 });
  cluster.faults = { ...CALM, delayMs: [30, 90] };
  cluster.run(10);
  cluster.setWork(true);
  cluster.run(20_000);
  const lost = (cluster.nodes[0]?.consensus?.status.view ?? 0) - cluster.finalHeight;
  t.ok(cluster.finalHeight > 60, `${cluster.finalHeight} blocks in 20 s at 30 to 90 ms of delay`);
  t.ok(lost < 10, `${lost} views lost, though Δ began far below the real delay`);
});

// Guards: `record.epoch !== epoch` in createRecords (records.ts): without it the old timeout of view 9 is replayed;
// the epoch checks in onVote and absorbCertificate: without them who relays old messages is penalized for their signatures.
t.test("failure 9: records, votes and certificates of the old epoch are not replayed into the new one", async (t) => {
  const epoch = Epoch.of(1);
  const before = createFixture([1, 1, 1, 1]);
  const now = createFixture([1, 1, 1, 1], epoch);
  const old: SafetyRecord = {
    ...emptySafetyRecord(Epoch.ZERO, View.of(9)),
    hasTimedOut: true,
    admittedBy: before.certificate(timeoutOf(8), [1, 2, 3]),
  };
  const driver = createDriver({ fixture: now, recovered: { records: [old] } });
  t.equal(driver.core.status.view, 1);
  t.same(signed(driver.effects), []);
  t.same(driver.certificate(before.certificate(timeoutOf(4), [1, 2, 3]), RELAY), []);
  t.same(driver.step({ type: "vote", from: RELAY, vote: before.vote(3, timeoutOf(1)) }), []);
  const disguised = { ...before.vote(3, timeoutOf(1)), ballot: timeoutBallot(epoch, View.of(1)) };
  t.match(
    driver.step({ type: "vote", from: RELAY, vote: disguised }),
    [{ type: "penalize", reason: "invalidSignature" }],
    "the epoch is in the signed bytes",
  );
  const header = { ...first, epoch };
  t.same(signed(driver.propose(header)), ["vote 1"], "the new epoch begins unburdened");
});

// Guard: the body of noteOwnSignature (certificate_flow.ts), asked by votes and certificates, and isForeign (proposal_flow.ts):
// without the first the vote and certificate cases go on signing, without the second the proposal case does.
t.test("failure 10: a second node with our key is noticed, and we stop signing before we can contradict it", async (t) => {
  const cases = {
    "a vote that we never cast": (driver: ReturnType<typeof createDriver>) => driver.vote(0, ballotOf("vote", first), RELAY),
    "a certificate with our signature": (driver: ReturnType<typeof createDriver>) => driver.certify(timeoutOf(5), [0, 1, 2]),
    "a proposal in our name": (driver: ReturnType<typeof createDriver>) => driver.propose(headerOver(undefined, 4, COUNT), { from: RELAY }),
    "finality that we took part in": (driver: ReturnType<typeof createDriver>) =>
      driver.step({ type: "synced", headers: [first], certificate: driver.fixture.certificate(ballotOf("commit", first), [0, 1, 2]) }),
  };
  for (const [name, show] of Object.entries(cases)) {
    const driver = createDriver();
    const shown = show(driver);
    t.match(driver.core.status, { hasStoppedSigning: true, waitingFor: "stopped" }, name);
    t.same(of(shown, "persistEvidence"), [], `${name}: we never accuse ourselves`);
    const count = of(driver.effects, "castVote").length;
    driver.step({ type: "work", isAvailable: true });
    driver.propose(first);
    driver.certify(ballotOf("vote", first));
    driver.advance(100_000);
    for (const timer of ["view", "propose", "resend"] as const) driver.timer(timer);
    t.equal(of(driver.effects, "castVote").length, count, `${name}: nothing more is signed`);
  }
  const echoed = createDriver();
  echoed.propose(first);
  echoed.vote(0, ballotOf("vote", first), RELAY);
  echoed.certify(ballotOf("vote", first), [0, 1, 2]);
  t.equal(echoed.core.status.hasStoppedSigning, false, "an echo of what we did sign is no alarm");
});
