/** R9: what a restarted core does with what storage held. */

import t from "tap";
import { hashHeader } from "../../crypto/hashes.ts";
import { Epoch, View } from "../../types/ids.ts";
import { emptySafetyRecord, type SafetyRecord } from "../../types/safety_record.ts";
import { ballotOf, directly, GENESIS_STATE, headerOver, SELF, timeoutOf } from "../support/consensus_fixture.ts";
import { type CoreDriver, createDriver, feedBack, of, quorumOf, signed } from "../support/core_driver.ts";

const COUNT = { count: 4 };
const first = headerOver(undefined, 1, COUNT);
const second = headerOver(first, 2, COUNT);
const third = headerOver(second, 3, COUNT);

/** The same node again, from the records it had persisted and the given blocks. */
function restart(driver: CoreDriver, self: number, headers: readonly (typeof first)[] = []): CoreDriver {
  const proposals = headers.map((header) => {
    const parent = headers.find((other) => hashHeader(other) === header.parentHash);
    return driver.fixture.propose(header, { parentCertificate: parent === undefined ? undefined : quorumOf(driver.fixture, parent) });
  });
  return createDriver({ fixture: driver.fixture, self, recovered: { records: [...driver.records.values()], proposals } });
}

t.test("R9: a restart re-enters the highest admitted view and repeats the same votes, not others", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  driver.propose(second, { justification: { parentCertificate: quorumOf(driver.fixture, first) } });
  t.same(signed(driver.effects), ["vote 1", "commit 1", "vote 2"]);
  const before = of(driver.effects, "castVote").map(({ ballot }) => ballot);

  const again = restart(driver, 0, [first, second]);
  t.match(of(again.effects, "enteredView"), [{ view: 2, by: "start" }]);
  t.same(signed(again.effects), ["vote 2 again", "commit 1 again"]);
  for (const { ballot } of of(again.effects, "castVote")) t.ok(before.some((cast) => JSON.stringify(cast) === JSON.stringify(ballot)));
  t.same(of(again.effects, "checkBody"), [], "blocks that we voted for were stored as valid");
  const other = headerOver(first, 2, { ...COUNT, change: { timeMs: second.timeMs + 1 } as never });
  t.same(signed(again.propose(other, { justification: { parentCertificate: quorumOf(again.fixture, first) } })), []);
  t.same(signed(again.certify(ballotOf("vote", second))), ["commit 2"], "the tree is there: no fetch needed");
});

t.test("R9: blocks that we had not voted for are checked again", async (t) => {
  const driver = createDriver();
  driver.bodies = undefined;
  driver.propose(first);
  const again = restart(driver, 0, [first]);
  t.equal(of(again.effects, "checkBody").length, 1);
  t.same(signed(again.effects), ["vote 1"], "a vote that was never cast is cast now");
});

t.test("R9: a leader repeats its own proposal after a restart and never makes another one for that view", async (t) => {
  const driver = createDriver({ self: 1 });
  driver.step({ type: "work", isAvailable: true });
  const header = { ...first, timeMs: driver.nowMs };
  const built = driver.step({ type: "built", view: View.of(1), header, transactionHashes: [], lists: [] });
  const [cast] = of(built, "castProposal");
  feedBack(driver, built, 1);

  const withBlock = restart(driver, 1, [header]);
  t.match(of(withBlock.effects, "castProposal"), [cast], "byte for byte");
  withBlock.step({ type: "work", isAvailable: true });
  t.same(of(withBlock.effects, "build"), []);

  const withoutBlock = restart(driver, 1);
  withoutBlock.step({ type: "work", isAvailable: true });
  t.same([...of(withoutBlock.effects, "castProposal"), ...of(withoutBlock.effects, "build")], [], "the view passes without us");
  const echoed = withoutBlock.step({ type: "proposal", from: directly(2), proposal: withoutBlock.fixture.propose(header) });
  t.equal(withoutBlock.core.status.hasStoppedSigning, false, "our own proposal that comes back is recognised");
  t.same(of(echoed, "castVote").length, 0, "and was voted for before the crash");
});

t.test("R9: TCs that we passed through survive, so that we can justify skipping their views", async (t) => {
  const driver = createDriver({ self: 3 });
  driver.certify(timeoutOf(1), [0, 1, 2]);
  driver.certify(timeoutOf(2), [0, 1, 2]);
  const again = restart(driver, 3);
  t.same(
    again.core.timeoutCertificates({ fromView: View.of(1), toView: View.of(9), countMax: 9 }).map(({ ballot }) => ballot.view),
    [1, 2],
  );
  t.equal(again.core.timeoutCertificates({ fromView: View.of(1), toView: View.of(9), countMax: 1 }).length, 1);
  const [build] = of(again.step({ type: "work", isAvailable: true }), "build");
  t.match(build, { view: 3, parentView: 0 });
  const header = headerOver(undefined, 3, { ...COUNT, change: { timeMs: again.nowMs } });
  const [cast] = of(again.step({ type: "built", view: View.of(3), header, transactionHashes: [], lists: [] }), "castProposal");
  t.equal(cast?.justification.timeoutCertificates.length, 2);
});

t.test("R9: the QC that admitted us survives, so that the last final block can be extended", async (t) => {
  const driver = createDriver({ self: 2 });
  driver.propose(first);
  driver.certify(ballotOf("vote", first), [0, 1, 3]);
  const certificate = driver.fixture.certificate(ballotOf("commit", first), [0, 1, 3]);
  driver.certificate(certificate);
  const finalHead = { ...first, blockHash: hashHeader(first) };
  const records = [...driver.records.values()].filter(({ view }) => view > 1);
  const again = createDriver({
    fixture: driver.fixture,
    self: 2,
    recovered: { records, finalHead, finalCertificate: certificate, recentFinalHeaders: [first] },
  });
  t.match(again.core.status, { view: 2, finalHeight: 1, finalView: 1 });
  t.match(of(again.step({ type: "work", isAvailable: true }), "build"), [{ view: 2, parentHash: hashHeader(first) }]);

  const bare = createDriver({
    fixture: driver.fixture,
    self: 2,
    recovered: { finalHead, finalCertificate: certificate, recentFinalHeaders: [first] },
  });
  t.equal(bare.core.status.view, 2, "the CC alone admits as well");
  t.same(of(bare.step({ type: "work", isAvailable: true }), "build"), [], "but R1 needs the QC");
  t.equal(of(bare.certify(ballotOf("vote", first), [0, 1, 3]), "build").length, 1, "which any peer that is stuck repeats");
});

t.test("R9: a CC above the recovered head is acted on again: its block was final, but not yet executed", async (t) => {
  const driver = createDriver();
  const certificate = driver.fixture.certificate(ballotOf("commit", second), [1, 2, 3]);
  driver.propose(first);
  driver.propose(second, { justification: { parentCertificate: quorumOf(driver.fixture, first) } });
  driver.certificate(certificate);
  const again = createDriver({
    fixture: driver.fixture,
    recovered: {
      records: [...driver.records.values()],
      finalHead: { ...first, blockHash: hashHeader(first) },
      finalCertificate: certificate,
      recentFinalHeaders: [first],
      proposals: [driver.fixture.propose(second, { parentCertificate: quorumOf(driver.fixture, first) })],
    },
  });
  t.match(of(again.effects, "finalize"), [{ blocks: [{ header: { height: 2 } }] }]);
  t.match(again.core.status, { finalHeight: 2, view: 3 });
});

t.test("R9: every signature and every entry into a view has its record earlier in the same step", async (t) => {
  const driver = createDriver({ self: 2 });
  const steps = [
    driver.propose(first),
    driver.certify(ballotOf("vote", first), [0, 1, 3]),
    driver.step({ type: "work", isAvailable: true }),
    driver.step({ type: "built", view: View.of(2), header: { ...second, timeMs: driver.nowMs }, transactionHashes: [], lists: [] }),
    driver.certify(timeoutOf(2), [0, 1, 3]),
  ];
  for (const effects of steps) {
    for (const [index, effect] of effects.entries()) {
      const records = of(effects.slice(0, index), "persistRecord").map(({ record }) => record);
      if (effect.type === "castVote" && !effect.isResend) {
        t.ok(
          records.some((record) => record.view === effect.ballot.view && covers(record, effect.ballot.kind)),
          `${effect.ballot.kind} is recorded`,
        );
      }
      if (effect.type === "castProposal") t.ok(records.some(({ proposedHash }) => proposedHash === effect.blockHash));
      if (effect.type === "enteredView") t.ok(records.some(({ view, admittedBy }) => view === effect.view && admittedBy !== undefined));
    }
  }
});

function covers(record: SafetyRecord, kind: string): boolean {
  if (kind === "timeout") return record.hasTimedOut;
  return (kind === "vote" ? record.votedHeight : record.committedHeight) > 0;
}

t.test("R9: records that finality covers are not read, whatever they say", async (t) => {
  const covered: SafetyRecord = { ...emptySafetyRecord(Epoch.ZERO, View.of(1)), hasTimedOut: true };
  const finalHead = { ...second, blockHash: hashHeader(second) };
  const driver = createDriver({ recovered: { ...GENESIS_STATE, records: [covered], finalHead, recentFinalHeaders: [first, second] } });
  t.equal(driver.core.status.view, 3);
  t.same(signed(driver.effects), []);
  t.same(signed(driver.propose(third, { justification: { parentCertificate: quorumOf(driver.fixture, second) } })), ["vote 3"]);
});

t.test("R9: our own vote coming back after a restart fills its slot again", async (t) => {
  const driver = createDriver();
  driver.propose(first);
  const again = restart(driver, 0, [first]);
  feedBack(again, again.effects, 0);
  again.vote(1, ballotOf("vote", first));
  t.equal(of(again.vote(2, ballotOf("vote", first)), "forwardCertificate").length, 1);
  t.same(again.vote(0, ballotOf("vote", first), SELF), []);
});
