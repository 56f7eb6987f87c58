/** R5 and the pacemaker: when a view is given up, when nothing happens at all, what is repeated while stuck. */

import fc from "fast-check";
import t from "tap";
import { backedOffDeltaMs, deltaMsOf, measureDelay, NO_ESTIMATE } from "../../consensus/delay_estimate.ts";
import { createPacemaker, RESEND_BACK_OFF_MAX } from "../../consensus/pacemaker.ts";
import { RESENT_COMMITS_MAX } from "../../consensus/resend.ts";
import { hashHeader } from "../../crypto/hashes.ts";
import type { BlockHeader } from "../../types/block.ts";
import { Height, TimestampMs, type TransactionHash, View } from "../../types/ids.ts";
import { ballotOf, CONFIG, directly, headerOver, RELAY, SELF, timeoutOf } from "../support/consensus_fixture.ts";
import { createDriver, of, quorumOf, signed } from "../support/core_driver.ts";

const COUNT = { count: 4 };
const first = headerOver(undefined, 1, COUNT);
const INITIAL_DELTA = 4 * CONFIG.deltaMsMin;

t.test("R5: without work the wait for a proposal starts at the heartbeat, with work at once; 2Δ, then Timeout", async (t) => {
  const idle = createDriver();
  const [armed] = of(idle.effects, "setTimer");
  t.match(armed, { timer: "view", afterMs: CONFIG.heartbeatMs + 2 * INITIAL_DELTA });
  const busy = createDriver();
  t.match(of(busy.step({ type: "work", isAvailable: true }), "setTimer"), [{ timer: "view", afterMs: 2 * INITIAL_DELTA }]);
  busy.advance(2 * INITIAL_DELTA - 1);
  t.same(signed(busy.timer("view")), [], "one ms early");
  busy.advance(1);
  const effects = busy.timer("view");
  t.same(signed(effects), ["timeout 1"]);
  t.equal(busy.records.get(1)?.hasTimedOut, true);
  t.same(signed(busy.timer("view")), [], "once");
  t.equal(busy.core.status.waitingFor, "timeouts");
});

t.test("R5: with a proposal the view lasts 3Δ; Timeout is allowed after Vote", async (t) => {
  const driver = createDriver();
  driver.step({ type: "work", isAvailable: true });
  t.same(signed(driver.propose(first)), ["vote 1"]);
  driver.advance(2 * INITIAL_DELTA);
  t.same(signed(driver.timer("view")), []);
  driver.advance(INITIAL_DELTA);
  t.same(signed(driver.timer("view")), ["timeout 1"]);
});

t.test("R5: an invalid body, an invalid header, a failed build and the leader's own Timeout end the view at once", async (t) => {
  const invalidBody = createDriver();
  invalidBody.bodies = false;
  const refused = invalidBody.propose(first);
  t.same(signed(refused), ["timeout 1"]);
  t.match(of(refused, "penalize"), [{ sender: directly(1), reason: "invalidBlock" }]);

  const invalidHeader = createDriver();
  const early = headerOver(undefined, 1, { ...COUNT, change: { timeMs: TimestampMs.of(5) } });
  t.same(signed(invalidHeader.propose(early)), ["timeout 1"]);
  const relayed = createDriver();
  t.same(signed(relayed.propose(early, { from: RELAY })), ["timeout 1"], "its signature binds the leader, whoever passes it on");
  t.same(of(relayed.effects, "penalize"), [], "who passed it on is not to blame");

  const failedBuild = createDriver({ self: 1 });
  failedBuild.step({ type: "work", isAvailable: true });
  t.same(signed(failedBuild.step({ type: "built", view: View.of(1), header: undefined, transactionHashes: [], lists: [] })), ["timeout 1"]);

  const leaderGone = createDriver();
  t.same(signed(leaderGone.vote(2, timeoutOf(1))), [], "no amplification: another validator's Timeout is no reason");
  t.same(signed(leaderGone.vote(1, timeoutOf(1))), ["timeout 1"]);
});

t.test("R5: what a relay can spoil (justification, transaction list, signature) never ends the leader's view", async (t) => {
  const hashes = ["cc".repeat(32)] as never;
  const cases = [
    {
      name: "signature",
      proposal: (driver: ReturnType<typeof createDriver>) => ({ ...driver.fixture.propose(first), signature: new Uint8Array(64) }),
    },
    {
      name: "superfluous TC",
      proposal: (driver: ReturnType<typeof createDriver>) =>
        driver.fixture.propose(first, { timeoutCertificates: [driver.fixture.certificate(timeoutOf(1), [1, 2, 3])] }),
    },
    { name: "transactions", proposal: (driver: ReturnType<typeof createDriver>) => driver.fixture.propose(first, {}, hashes) },
  ];
  for (const { name, proposal } of cases) {
    const driver = createDriver();
    const effects = driver.step({ type: "proposal", from: RELAY, proposal: proposal(driver) });
    t.same(signed(effects), [], name);
    t.match(of(effects, "penalize"), [{ sender: RELAY }], name);
    t.same(signed(driver.propose(first)), ["vote 1"], `${name}: the genuine proposal still counts`);
  }
  const firstHand = createDriver();
  const spoilt = firstHand.fixture.propose(first, {}, hashes);
  t.same(
    signed(firstHand.step({ type: "proposal", from: directly(1), proposal: spoilt })),
    ["timeout 1"],
    "from the leader itself it does",
  );
});

t.test("R5: never after CommitVote, and never for a view that was left by its QC", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  driver.certify(ballotOf("vote", first));
  driver.advance(100_000);
  t.same(signed(driver.timer("view")), ["timeout 2"], "the timer that was armed in view 1 speaks of the current view only");
  t.equal(driver.records.get(1)?.hasTimedOut, false);
});

t.test("R5: while stuck, our signatures and the certificates that others may lack are repeated, ever more slowly", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  driver.certify(ballotOf("vote", first));
  driver.certify(timeoutOf(2));
  driver.step({ type: "work", isAvailable: true });
  driver.advance(5_000);
  t.same(signed(driver.timer("view")), ["timeout 3"]);
  let waitMs = 0;
  const waits: number[] = [];
  for (let round = 0; round < 6; round++) {
    const armed = of(driver.effects, "setTimer").filter(({ timer }) => timer === "resend");
    waitMs = armed.at(-1)?.afterMs ?? 0;
    waits.push(waitMs);
    driver.advance(waitMs);
    const effects = driver.timer("resend");
    t.same(signed(effects).toSorted(), ["commit 1 again", "timeout 3 again"]);
    t.same(
      of(effects, "forwardCertificate").map(({ certificate }) => [certificate.ballot.kind, certificate.ballot.view]),
      [
        ["timeout", 2],
        ["vote", 1],
      ],
    );
  }
  t.equal(waits.at(-1), CONFIG.resendMs * RESEND_BACK_OFF_MAX, "up to the cap");
});

t.test("resend: of many commit votes without a CC only the newest are repeated", async (t) => {
  const driver = createDriver();
  let parent: BlockHeader | undefined;
  for (let view = 1; view <= 8; view++) {
    const header = headerOver(parent, view, COUNT);
    const justification = parent === undefined ? {} : { parentCertificate: quorumOf(driver.fixture, parent) };
    driver.propose(header, { justification, from: header.proposer === 0 ? SELF : directly(header.proposer) });
    driver.certify(ballotOf("vote", header));
    parent = header;
  }
  driver.advance(CONFIG.resendMs);
  const repeated = signed(driver.timer("resend"));
  t.same(repeated, ["commit 5 again", "commit 6 again", "commit 7 again", "commit 8 again"]);
  t.equal(repeated.length, RESENT_COMMITS_MAX);
});

t.test("resend: nothing is repeated, and no timer kept, when everything is final", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  driver.certify(ballotOf("vote", first));
  driver.certify(ballotOf("commit", first));
  driver.advance(CONFIG.resendMs);
  t.same(driver.timer("resend"), []);
  t.equal(driver.core.status.waitingFor, "idle");
});

t.test("R6: a Timeout of a view that we left long ago is answered with the certificate, not more often than we repeat", async (t) => {
  const driver = createDriver();
  driver.certify(timeoutOf(1));
  t.same(of(driver.vote(3, timeoutOf(1)), "forwardCertificate"), [], "a straggler of the view change itself");
  driver.advance(CONFIG.resendMs);
  t.equal(of(driver.vote(3, timeoutOf(1)), "forwardCertificate").length, 1);
  t.same(of(driver.vote(3, timeoutOf(1)), "forwardCertificate"), []);
  driver.advance(CONFIG.resendMs);
  t.equal(of(driver.vote(3, timeoutOf(1)), "forwardCertificate").length, 1);
});

t.test("pacing: proposals keep proposeDelayMs from the view's start, late work goes out at once, without work the heartbeat", async (t) => {
  const config = { ...CONFIG, proposeDelayMs: 20 };
  const pacemaker = createPacemaker(config);
  pacemaker.enterView({ nowMs: 1_000, isLost: false });
  pacemaker.noteProgress(1_000);
  t.equal(pacemaker.proposalDueMs, 2_000);
  pacemaker.setWork(true, 1_500);
  t.equal(pacemaker.proposalDueMs, 1_500, "the view is older than the delay: nothing to wait for");
  pacemaker.enterView({ nowMs: 1_600, isLost: false });
  t.equal(pacemaker.proposalDueMs, 1_620, "work that was there before counts from the view's start");
  pacemaker.setWork(false, 1_601);
  t.equal(pacemaker.proposalDueMs, 2_000);
  pacemaker.enterView({ nowMs: 3_000, isLost: true });
  t.equal(pacemaker.proposalDueMs, 3_000, "after a lost view the overdue heartbeat waits for nothing");
});

t.test("back-off: Δ doubles with each lost view up to its bound, and progress resets it", async (t) => {
  const pacemaker = createPacemaker(CONFIG);
  const deltas: number[] = [];
  for (let view = 0; view < 5; view++) {
    pacemaker.enterView({ nowMs: view, isLost: view > 0 });
    deltas.push(pacemaker.deltaMs);
  }
  t.same(deltas, [200, 400, 800, 1_000, 1_000]);
  t.equal(pacemaker.consecutiveTimeouts, 4);
  pacemaker.enterView({ nowMs: 6, isLost: false });
  t.equal(pacemaker.deltaMs, 200);
  t.equal(backedOffDeltaMs(1, 1_000_000, CONFIG), CONFIG.deltaMsMax, "no overflow");
});

t.test("Δ: follows the measured delay and stays within its bounds", async (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -100, max: 100_000 }), { maxLength: 50 }), (samples) => {
      let estimate = NO_ESTIMATE;
      for (const sample of samples) estimate = measureDelay(estimate, sample, CONFIG);
      const deltaMs = deltaMsOf(estimate, CONFIG);
      return Number.isInteger(deltaMs) && deltaMs >= CONFIG.deltaMsMin && deltaMs <= CONFIG.deltaMsMax;
    }),
  );
  let estimate = NO_ESTIMATE;
  for (let round = 0; round < 100; round++) estimate = measureDelay(estimate, 120, CONFIG);
  t.equal(deltaMsOf(estimate, CONFIG), 121, "a steady delay is Δ");
  t.equal(deltaMsOf(measureDelay(estimate, 400, CONFIG), CONFIG) > 300, true, "a jump widens it at once");
});

t.test("clock: going back an hour prolongs no wait beyond its length", async (t) => {
  const pacemaker = createPacemaker(CONFIG);
  pacemaker.enterView({ nowMs: 3_600_000, isLost: false });
  pacemaker.noteProgress(3_600_000);
  pacemaker.setWork(true, 3_600_000);
  pacemaker.observe(1_000);
  t.equal(pacemaker.proposalDueMs, 1_000);
  t.equal(pacemaker.deadlineMs, 1_000 + 2 * INITIAL_DELTA);
  t.equal(pacemaker.resendDueMs, 1_000 + CONFIG.resendMs);
});

t.test("R14: voters refuse a time before the parent's, and wait with one that is too far ahead of their clock", async (t) => {
  const notAfter = createDriver();
  const same = headerOver(undefined, 1, { ...COUNT, change: { timeMs: TimestampMs.of(first.timeMs - 1) } });
  t.same(signed(notAfter.propose(same)), ["timeout 1"]);

  const driver = createDriver();
  const ahead = headerOver(undefined, 1, { ...COUNT, change: { timeMs: TimestampMs.plus(driver.nowMs, 2_500) } });
  const effects = driver.propose(ahead);
  t.same(signed(effects), []);
  const wakeUps = of(effects, "setTimer").filter(({ timer }) => timer === "propose");
  t.match(wakeUps, [{ timer: "propose", afterMs: 500 }]);
  driver.advance(499);
  t.same(signed(driver.timer("propose")), []);
  driver.advance(1);
  t.same(signed(driver.timer("propose")), ["vote 1"]);

  const certified = createDriver();
  certified.propose(ahead);
  t.same(signed(certified.certify(ballotOf("vote", ahead))), ["commit 1"], "a quorum whose clocks allow it may go on");
});

t.test("R14: our own block's time is the clock's, or 1 ms after a parent that is ahead", async (t) => {
  const driver = createDriver({ self: 2 });
  const ahead = headerOver(undefined, 1, { ...COUNT, change: { timeMs: TimestampMs.plus(driver.nowMs, 1_000) } });
  driver.propose(ahead);
  driver.step({ type: "work", isAvailable: true });
  const [build] = of(driver.certify(ballotOf("vote", ahead)), "build");
  t.equal(build?.timeMs, ahead.timeMs + 1);
});

t.test("R2: executedHeight never falls, and lags by more than its bound only in an empty block", async (t) => {
  const tall = headerOver(undefined, 90, { ...COUNT, change: { height: Height.of(100), executedHeight: Height.of(30) } });
  const finalHead = { ...tall, blockHash: hashHeader(tall) };
  const hash = "cc".repeat(32) as TransactionHash;
  const over = (executedHeight: number, transactionHashes: readonly TransactionHash[]) =>
    headerOver(tall, 91, { ...COUNT, change: { executedHeight: Height.of(executedHeight) }, transactionHashes });
  const cases = [
    { name: "empty block, any lag", executedHeight: 30, hashes: [], outcome: ["vote 91"] },
    { name: "below the parent's", executedHeight: 29, hashes: [], outcome: ["timeout 91"] },
    { name: "full block, lag 71", executedHeight: 30, hashes: [hash], outcome: ["timeout 91"] },
    { name: "full block, lag 65", executedHeight: 36, hashes: [hash], outcome: ["timeout 91"] },
    { name: "full block, lag 64", executedHeight: 37, hashes: [hash], outcome: ["vote 91"] },
  ];
  for (const { name, executedHeight, hashes, outcome } of cases) {
    const driver = createDriver({ recovered: { finalHead } });
    const justification = { parentCertificate: quorumOf(driver.fixture, tall) };
    const effects = driver.propose(over(executedHeight, hashes), { justification, transactionHashes: hashes });
    t.same(signed(effects), outcome, name);
  }
});
