/** What a core does with proposals, certificates and time in the ordinary course of views: R1, R2, R4, R6, R7. Validator 0 is
 *  under test among four of weight 1; the slot of view v belongs to validator v mod 4. */

import t from "tap";
import { hashHeader } from "../../crypto/hashes.ts";
import { Height, ValidatorIndex, View } from "../../types/ids.ts";
import { ballotOf, directly, GENESIS_HASH, headerOver, RELAY, SELF, timeoutOf } from "../support/consensus_fixture.ts";
import { createDriver, feedBack, of, quorumOf, signed } from "../support/core_driver.ts";

const COUNT = { count: 4 };
const first = headerOver(undefined, 1, COUNT);
const second = headerOver(first, 2, COUNT);

t.test("R1: the leader builds once per view when there is work, on the highest certified block", async (t) => {
  const driver = createDriver({ self: 1 });
  t.same(of(driver.effects, "build"), [], "an idle chain waits for its heartbeat");
  const [build] = of(driver.step({ type: "work", isAvailable: true }), "build");
  t.match(build, { view: 1, height: 1, parentHash: GENESIS_HASH, parentView: 0, timeMs: driver.nowMs });
  t.same(of(driver.step({ type: "work", isAvailable: true }), "build"), [], "not twice");
  const built = driver.step({
    type: "built",
    view: View.of(1),
    header: { ...first, timeMs: driver.nowMs },
    transactionHashes: [],
    lists: [],
  });
  t.same(
    built.map(({ type }) => type).filter((type) => type === "persistRecord" || type === "castProposal"),
    ["persistRecord", "castProposal"],
    "R9: the record comes first",
  );
  t.same(of(built, "persistRecord")[0]?.record.proposedHash, of(built, "castProposal")[0]?.blockHash);
  t.same(signed(feedBack(driver, built, 1)), ["vote 1"], "our own proposal is voted for like any other");
  const again = driver.step({
    type: "built",
    view: View.of(1),
    header: { ...first, height: Height.of(1) },
    transactionHashes: [],
    lists: [],
  });
  t.same(of(again, "castProposal"), [], "a second answer proposes nothing");
});

t.test("R1: a proposal carries the parent's QC and a TC for every skipped view", async (t) => {
  const driver = createDriver({ self: 0 });
  driver.propose(first);
  driver.certify(ballotOf("vote", first));
  driver.certify(timeoutOf(2));
  driver.step({ type: "work", isAvailable: true });
  const [build] = of(driver.certify(timeoutOf(3)), "build");
  t.match(build, { view: 4, height: 2, parentView: 1 });
  const header = headerOver(first, 4, { ...COUNT, change: { timeMs: driver.nowMs } });
  const [cast] = of(driver.step({ type: "built", view: View.of(4), header, transactionHashes: [], lists: [] }), "castProposal");
  t.equal(cast?.justification.parentCertificate?.ballot.blockHash, hashHeader(first));
  t.same(
    cast?.justification.timeoutCertificates.map(({ ballot }) => [ballot.kind, ballot.view]),
    [
      ["timeout", 2],
      ["timeout", 3],
    ],
  );
});

t.test("R1: a leader that lacks a skipped view's TC asks for the range and builds when it has come", async (t) => {
  const driver = createDriver({ self: 0 });
  driver.propose(first);
  driver.certify(ballotOf("vote", first));
  driver.step({ type: "work", isAvailable: true });
  const jumped = driver.certify(timeoutOf(3));
  t.match(of(jumped, "fetchTimeoutCertificates"), [{ fromView: 2, toView: 3 }]);
  t.same(of(jumped, "build"), []);
  const answered = driver.certify(timeoutOf(2));
  t.same(of(answered, "forwardCertificate"), [], "an answer is not news");
  t.equal(of(answered, "build")[0]?.view, 4);
});

t.test("R2: the first valid proposal of the current view gets our vote, once, after its record", async (t) => {
  const driver = createDriver();
  const effects = driver.propose(first);
  t.same(signed(effects), ["vote 1"]);
  const persistAt = effects.findIndex((effect) => effect.type === "persistRecord" && effect.record.votedHash === hashHeader(first));
  t.ok(persistAt >= 0 && persistAt < effects.findIndex(({ type }) => type === "castVote"), "R9: the record comes first");
  t.same(signed(driver.propose(first)), [], "a duplicate is dropped");
  const other = headerOver(undefined, 1, { ...COUNT, change: { timeMs: driver.nowMs } });
  t.same(signed(driver.propose(other)), [], "another proposal of the view gets no second vote");
});

t.test("R2: no vote before the body is held and valid, none for a view that we left meanwhile", async (t) => {
  const driver = createDriver();
  driver.bodies = undefined;
  const waiting = driver.propose(first);
  t.same([of(waiting, "checkBody").length, signed(waiting)], [1, []]);
  t.equal(driver.core.status.waitingFor, "body");
  t.same(signed(driver.step({ type: "bodyChecked", blockHash: hashHeader(first), isValid: true })), ["vote 1"]);
  const late = createDriver();
  late.bodies = undefined;
  late.propose(first);
  late.certify(timeoutOf(1));
  t.same(signed(late.step({ type: "bodyChecked", blockHash: hashHeader(first), isValid: true })), []);
});

t.test("R2: nothing is voted for after our own timeout of the view", async (t) => {
  const driver = createDriver();
  driver.step({ type: "work", isAvailable: true });
  driver.advance(10_000);
  t.same(signed(driver.timer("view")), ["timeout 1"]);
  t.same(signed(driver.propose(first)), []);
});

t.test("R2: a proposal that only carries its parent's QC brings us to its view", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  const effects = driver.propose(second, { justification: { parentCertificate: quorumOf(driver.fixture, first) } });
  t.same(
    of(effects, "enteredView").map(({ view, by }) => [view, by]),
    [[2, "QC"]],
  );
  t.same(signed(effects), ["commit 1", "vote 2"]);
  t.equal(of(effects, "forwardCertificate").length, 1, "R3: first sight inside a proposal counts");
});

t.test("R2: a proposal over an unknown parent waits for the parent, then is judged", async (t) => {
  const driver = createDriver();
  const parked = driver.propose(second, { justification: { parentCertificate: quorumOf(driver.fixture, first) } });
  t.match(of(parked, "fetchBlock"), [{ blockHash: hashHeader(first), view: 1 }]);
  t.same(signed(parked), []);
  t.equal(driver.core.status.waitingFor, "certificates");
  const fetched = driver.step({ type: "fetchedBlock", from: directly(2), proposal: driver.fixture.propose(first) });
  t.same(signed(fetched).toSorted(), ["commit 1", "vote 2"], "R4 commits to the fetched one, though we never saw it proposed");
});

t.test("R2: a proposal by another than the view's leader is dropped before any signature, and ends no view", async (t) => {
  const driver = createDriver();
  const usurped = headerOver(undefined, 1, { ...COUNT, change: { proposer: ValidatorIndex.of(3) } });
  t.match(driver.propose(usurped), [{ type: "penalize", sender: directly(3), reason: "invalidProposal" }]);
  t.same(driver.propose(usurped, { from: RELAY }), [], "who relays it is not to blame");
  t.equal(driver.core.status.view, 1);
  t.same(signed(driver.propose(first)), ["vote 1"]);
});

t.test("R2: a leader may skip views only with their TCs; missing older ones are fetched", async (t) => {
  const header = headerOver(undefined, 20, COUNT);
  const driver = createDriver({ self: 1 });
  const inline = Array.from({ length: 16 }, (_, index) => driver.fixture.certificate(timeoutOf(4 + index), [0, 2, 3]));
  const parked = driver.propose(header, { justification: { timeoutCertificates: inline } });
  t.equal(driver.core.status.view, 20, "R6: the newest inline TC admits us");
  t.match(of(parked, "fetchTimeoutCertificates"), [{ fromView: 1, toView: 19 }]);
  t.same(signed(parked), []);
  t.same(signed(driver.certify(timeoutOf(1), [0, 2, 3])), []);
  t.same(signed(driver.certify(timeoutOf(3), [0, 2, 3])), []);
  t.same(signed(driver.certify(timeoutOf(2), [0, 2, 3])), ["vote 20"]);
});

t.test("R3: votes of a quorum become the certificate, which is forwarded once", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  for (const validator of [1, 2]) t.same(of(driver.vote(validator, ballotOf("vote", first)), "forwardCertificate"), []);
  const effects = driver.vote(3, ballotOf("vote", first));
  t.match(of(effects, "forwardCertificate"), [{ certificate: { ballot: { kind: "vote", view: 1 } } }]);
  t.match(of(effects, "certified"), [{ blockHash: hashHeader(first), view: 1 }]);
  t.same(driver.vote(0, ballotOf("vote", first), SELF), [], "a late vote for a certified block is dropped");
  t.same(of(driver.certify(ballotOf("vote", first)), "forwardCertificate"), [], "another aggregate of the same ballot is no news");
});

t.test("R4: on the QC the next view begins at once, and the commit vote follows when the block is there", async (t) => {
  const driver = createDriver();
  const early = driver.certify(ballotOf("vote", first));
  t.match(of(early, "enteredView"), [{ view: 2, by: "QC" }]);
  t.match(of(early, "fetchBlock"), [{ blockHash: hashHeader(first) }]);
  t.same(signed(early), []);
  driver.certify(timeoutOf(2));
  driver.certify(timeoutOf(3));
  t.equal(driver.core.status.view, 4);
  t.same(signed(driver.propose(first)), ["commit 1"], "though the network has moved on");
});

t.test("R4: no commit vote after our timeout of that view, or for another block than we voted for", async (t) => {
  const timedOut = createDriver();
  timedOut.propose(first);
  timedOut.step({ type: "work", isAvailable: true });
  timedOut.advance(10_000);
  t.same(signed(timedOut.timer("view")), ["timeout 1"], "R5: allowed after Vote");
  t.same(signed(timedOut.certify(ballotOf("vote", first))), []);
  const voted = createDriver();
  const other = headerOver(undefined, 1, { ...COUNT, change: { timeMs: voted.nowMs } });
  t.same(signed(voted.propose(other)), ["vote 1"]);
  voted.certify(ballotOf("vote", first));
  t.same(signed(voted.step({ type: "fetchedBlock", from: directly(2), proposal: voted.fixture.propose(first) })), []);
});

t.test("R6: any certificate at or above our view moves us on; its record keeps it", async (t) => {
  const driver = createDriver();
  t.match(of(driver.certify(timeoutOf(1)), "enteredView"), [{ view: 2, by: "TC", leader: 2 }]);
  t.match(of(driver.certify(timeoutOf(7)), "enteredView"), [{ view: 8, by: "TC" }]);
  t.equal(driver.records.get(8)?.admittedBy?.ballot.view, 7);
  t.same(of(driver.certify(timeoutOf(5)), "enteredView"), [], "an older one does not");
  const header = headerOver(undefined, 9, COUNT);
  t.match(of(driver.certify(ballotOf("commit", header)), "enteredView"), [{ view: 10, by: "CC" }]);
  t.equal(driver.records.get(10)?.admittedBy?.ballot.kind, "commit");
});

t.test("R7: a CC makes its block and all ancestors final, in order, once", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  driver.propose(second, { justification: { parentCertificate: quorumOf(driver.fixture, first) } });
  const third = headerOver(second, 3, COUNT);
  driver.propose(third, { justification: { parentCertificate: quorumOf(driver.fixture, second) } });
  const effects = driver.certify(ballotOf("commit", second));
  t.same(
    of(effects, "finalize").map(({ blocks }) => blocks.map(({ header }) => header.height)),
    [[1, 2]],
  );
  t.same(of(driver.certify(ballotOf("commit", first)), "finalize"), [], "an older CC adds nothing");
  t.same(of(driver.certify(ballotOf("commit", second), [0, 1, 2]), "finalize"), []);
  driver.certify(ballotOf("vote", third));
  t.same(
    of(driver.certify(ballotOf("commit", third)), "finalize").map(({ blocks }) => blocks.map(({ header }) => header.height)),
    [[3]],
  );
  t.equal(driver.core.status.finalHeight, 3);
});

t.test("R7: a block that lost is abandoned", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  driver.certify(timeoutOf(1));
  const winner = headerOver(undefined, 2, COUNT);
  driver.propose(winner, { justification: { timeoutCertificates: [driver.fixture.certificate(timeoutOf(1), [1, 2, 3])] } });
  driver.certify(ballotOf("vote", winner));
  const effects = driver.certify(ballotOf("commit", winner));
  t.same(of(effects, "abandon"), [{ type: "abandon", blockHashes: [hashHeader(first)] }]);
});

t.test("R7: a CC without its ancestry asks for it, says behind once, and finalizes when it came", async (t) => {
  const driver = createDriver();
  const third = headerOver(second, 3, COUNT);
  const effects = driver.certify(ballotOf("commit", third));
  t.equal(of(effects, "behind").length, 1);
  t.same(of(driver.certify(timeoutOf(4)), "behind"), [], "once per CC");
  t.equal(driver.core.status.waitingFor, "certificates");
  const certificate = driver.fixture.certificate(ballotOf("commit", second), [1, 2, 3]);
  const synced = driver.step({ type: "synced", headers: [first, second], certificate });
  t.same(of(synced, "finalize"), [], "the replica has finalized what it brought");
  const proposal = driver.fixture.propose(third, { parentCertificate: quorumOf(driver.fixture, second) });
  const fetched = driver.step({ type: "fetchedBlock", from: directly(1), proposal });
  t.same(
    of(fetched, "finalize").map(({ blocks }) => blocks.map(({ header }) => header.height)),
    [[3]],
  );
});

t.test("R7: catch-up that does not extend our last final block, or does not end where its CC says, changes nothing", async (t) => {
  const certificate = (header: typeof first) => createDriver().fixture.certificate(ballotOf("commit", header), [1, 2, 3]);
  const gap = { ...second, height: Height.of(5) };
  const cases = [
    { name: "empty", headers: [], of: second },
    { name: "gap at the root", headers: [second], of: second },
    { name: "gap inside", headers: [first, gap], of: gap },
    { name: "CC of another block", headers: [first, second], of: first },
    { name: "wrong order", headers: [second, first], of: first },
  ];
  for (const { name, headers, of: proven } of cases) {
    const driver = createDriver();
    t.same(driver.step({ type: "synced", headers, certificate: certificate(proven) }), [], name);
    t.equal(driver.core.status.finalHeight, 0, name);
  }
  const whole = createDriver();
  whole.step({ type: "synced", headers: [first, second], certificate: certificate(second) });
  t.equal(whole.core.status.finalHeight, 2);
  t.equal(whole.core.status.view, 3);
});

t.test("observer: follows, forwards nothing, signs nothing, keeps no records", async (t) => {
  const driver = createDriver({ isObserver: true });
  driver.propose(first);
  driver.certify(ballotOf("vote", first));
  const effects = driver.certify(ballotOf("commit", first));
  t.equal(of(effects, "finalize").length, 1);
  driver.advance(100_000);
  for (const timer of ["view", "propose", "resend"] as const) driver.timer(timer);
  const silent = ["persistRecord", "castVote", "castProposal", "build", "forwardCertificate"] as const;
  for (const type of silent) t.same(of(driver.effects, type), [], type);
});

t.test("start: inputs before it are as good as lost", async (t) => {
  const driver = createDriver({ isStarted: false });
  t.equal(driver.core.status.waitingFor, "start");
  t.same(driver.propose(first), []);
  t.match(of(driver.step({ type: "start" }), "enteredView"), [{ view: 1, by: "start", leader: 1 }]);
  t.equal(driver.core.status.waitingFor, "idle");
});
