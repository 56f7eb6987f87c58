/** R9: merging, gaining and pruning of safety records. */

import fc from "fast-check";
import t from "tap";
import { createRecords } from "../../consensus/records.ts";
import { AssertionError } from "../../types/assert.ts";
import { type BlockHash, Epoch, Height, View } from "../../types/ids.ts";
import { emptySafetyRecord, type SafetyRecord, safetyRecordCodec } from "../../types/safety_record.ts";
import { createFixture, timeoutOf } from "../support/consensus_fixture.ts";

const A = "aa".repeat(32) as BlockHash;
const B = "bb".repeat(32) as BlockHash;
const record = (view: number, gain: Partial<SafetyRecord> = {}): SafetyRecord => ({
  ...emptySafetyRecord(Epoch.ZERO, View.of(view)),
  ...gain,
});
const open = (recovered: readonly SafetyRecord[], finalView = 0) =>
  createRecords({ epoch: Epoch.ZERO, finalView: View.of(finalView), recovered });

t.test("R9: records of one view are merged, whatever their order", async (t) => {
  const stages = [
    record(4, { proposedHash: A }),
    record(4, { proposedHash: A, votedHash: A, votedHeight: Height.of(2) }),
    record(4, { proposedHash: A, votedHash: A, votedHeight: Height.of(2), committedHash: A, committedHeight: Height.of(2) }),
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray(stages, { minLength: 3 }), (shuffled) => {
      const merged = open(shuffled).get(View.of(4));
      return merged.committedHash === A && merged.votedHash === A && merged.proposedHash === A && merged.votedHeight === 2;
    }),
  );
  t.same(open(stages).all(), [stages[2]]);
});

t.test("R9: a record never takes anything back: a contradiction is an assertion", async (t) => {
  const voted = record(4, { votedHash: A, votedHeight: Height.of(2) });
  t.throws(() => open([voted, record(4, { votedHash: B, votedHeight: Height.of(2) })]), AssertionError);
  t.throws(() => open([voted]).add(View.of(4), { votedHash: B }), AssertionError);
  t.throws(() => open([record(4, { hasTimedOut: true })]).add(View.of(4), { committedHash: A }), AssertionError, "R8");
  t.equal(open([voted]).add(View.of(4), { votedHash: A, votedHeight: Height.of(2) }).votedHash, A, "the same again is no change");
});

t.test("R9: finality prunes up to the final view, nothing else does", async (t) => {
  const records = open([record(2, { hasTimedOut: true }), record(3, { hasTimedOut: true }), record(4, { hasTimedOut: true })]);
  t.equal(records.all().length, 3);
  records.prune(View.of(3));
  t.same(
    records.all().map(({ view }) => view),
    [4],
  );
});

t.test("R13: records of another epoch take no part", async (t) => {
  const old = { ...record(7, { hasTimedOut: true }), epoch: Epoch.of(1) };
  t.same(open([old]).all(), []);
  t.equal(open([old]).get(View.of(7)).hasTimedOut, false);
});

t.test("hasSigned: knows exactly what a record says", async (t) => {
  const records = open([record(4, { votedHash: A, votedHeight: Height.of(2) }), record(5, { hasTimedOut: true })]);
  const ballot = { epoch: Epoch.ZERO, view: View.of(4), height: Height.of(2) };
  t.equal(records.hasSigned({ ...ballot, kind: "vote", blockHash: A }), true);
  t.equal(records.hasSigned({ ...ballot, kind: "vote", blockHash: B }), false);
  t.equal(records.hasSigned({ ...ballot, kind: "vote", blockHash: A, height: Height.of(3) }), false);
  t.equal(records.hasSigned({ ...ballot, kind: "commit", blockHash: A }), false);
  t.equal(records.hasSigned(timeoutOf(4)), false);
  t.equal(records.hasSigned(timeoutOf(5)), true);
});

t.test("R9: a record survives its encoding whole, the admitting certificate included", async (t) => {
  const admittedBy = createFixture([1, 1, 1, 1]).certificate(timeoutOf(3), [0, 1, 2]);
  const whole = record(4, { votedHash: A, votedHeight: Height.of(2), hasTimedOut: true, admittedBy });
  const decoded = safetyRecordCodec.decode(safetyRecordCodec.encode(whole));
  t.same(decoded, { ok: true, value: whole });
});
