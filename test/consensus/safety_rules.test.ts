/** The signing predicates, conjunct by conjunct, and against a slower second version over all small histories. */

import t from "tap";
import { judgeCommit, judgePropose, judgeTimeout, judgeVote, type SigningState } from "../../consensus/safety_rules.ts";
import { type BlockHash, Epoch, Height, View } from "../../types/ids.ts";
import { emptySafetyRecord, type SafetyRecord } from "../../types/safety_record.ts";

const A = "aa".repeat(32) as BlockHash;
const B = "bb".repeat(32) as BlockHash;
const view = View.of(5);

function state(gain: Partial<SafetyRecord>, views: { current?: number; final?: number } = {}): SigningState {
  return {
    record: { ...emptySafetyRecord(Epoch.ZERO, view), ...gain },
    currentView: View.of(views.current ?? 5),
    finalView: View.of(views.final ?? 3),
  };
}

const reasonOf = (verdict: ReturnType<typeof judgeVote>): string => (verdict.ok ? "ok" : verdict.reason);

t.test("R1: judgePropose grants one proposal in the current view, none after a timeout", async (t) => {
  t.equal(reasonOf(judgePropose(state({}))), "ok");
  t.equal(reasonOf(judgePropose(state({ proposedHash: A }))), "alreadyProposed");
  t.equal(reasonOf(judgePropose(state({ hasTimedOut: true }))), "hasTimedOut");
  t.equal(reasonOf(judgePropose(state({}, { current: 6 }))), "notCurrentView");
  t.equal(reasonOf(judgePropose(state({}, { final: 5 }))), "viewIsFinal");
});

t.test("R2: judgeVote refuses each broken conjunct", async (t) => {
  t.equal(reasonOf(judgeVote(state({}))), "ok");
  t.equal(reasonOf(judgeVote(state({ votedHash: A }))), "alreadyVoted", "a second vote, even for the same block");
  t.equal(reasonOf(judgeVote(state({ hasTimedOut: true }))), "hasTimedOut");
  t.equal(reasonOf(judgeVote(state({ committedHash: A }))), "alreadyCommitted");
  t.equal(reasonOf(judgeVote(state({}, { current: 6 }))), "notCurrentView", "a view that we left");
  t.equal(reasonOf(judgeVote(state({}, { current: 4 }))), "notCurrentView", "a view that we have not entered");
  t.equal(reasonOf(judgeVote(state({}, { final: 5 }))), "viewIsFinal");
});

t.test("R4: judgeCommit allows any view above the last final one, but no other block and no timed out view", async (t) => {
  t.equal(reasonOf(judgeCommit(state({}), A)), "ok", "without a vote of our own");
  t.equal(reasonOf(judgeCommit(state({ votedHash: A }), A)), "ok");
  t.equal(reasonOf(judgeCommit(state({ votedHash: A }, { current: 99 }), A)), "ok", "the network has moved on");
  t.equal(reasonOf(judgeCommit(state({ votedHash: B }), A)), "votedForAnother");
  t.equal(reasonOf(judgeCommit(state({ votedHash: A, hasTimedOut: true }), A)), "hasTimedOut");
  t.equal(reasonOf(judgeCommit(state({ committedHash: A }), A)), "alreadyCommitted");
  t.equal(reasonOf(judgeCommit(state({ committedHash: B }), A)), "alreadyCommitted");
  t.equal(reasonOf(judgeCommit(state({}, { final: 5 }), A)), "viewIsFinal");
});

t.test("R5: judgeTimeout is allowed after Vote, never after CommitVote, and only in the current view", async (t) => {
  t.equal(reasonOf(judgeTimeout(state({}))), "ok");
  t.equal(reasonOf(judgeTimeout(state({ votedHash: A }))), "ok");
  t.equal(reasonOf(judgeTimeout(state({ committedHash: A }))), "alreadyCommitted");
  t.equal(reasonOf(judgeTimeout(state({ hasTimedOut: true }))), "hasTimedOut");
  t.equal(reasonOf(judgeTimeout(state({}, { current: 6 }))), "notCurrentView", "having left it by its QC");
  t.equal(reasonOf(judgeTimeout(state({}, { final: 5 }))), "viewIsFinal");
});

t.test("R8: no sequence of granted signatures has CommitVote and Timeout of one view, or two of a kind", async (t) => {
  const actions = ["voteA", "voteB", "commitA", "commitB", "timeout", "leave"] as const;
  type Action = (typeof actions)[number];
  let sequences = 0;

  function explore(record: SafetyRecord, current: number, history: readonly Action[]): void {
    sequences++;
    const signatures = history.filter((action) => action !== "leave");
    const kinds = signatures.map((action) => action.replace(/[AB]$/, ""));
    if (new Set(kinds).size !== kinds.length) t.fail(`two of a kind: ${history}`);
    if (kinds.includes("commit") && kinds.includes("timeout")) t.fail(`commit vote and timeout: ${history}`);
    if (signatures.includes("voteA") && signatures.includes("commitB")) t.fail(`vote and commit vote differ: ${history}`);
    if (history.length === 5) return;
    const asked: SigningState = { record, currentView: View.of(current), finalView: View.of(3) };
    for (const action of actions) {
      const hash = action.endsWith("A") ? A : B;
      const next = [...history, action];
      if (action === "leave") explore(record, 6, next);
      else if (action === "timeout" && judgeTimeout(asked).ok) explore({ ...record, hasTimedOut: true }, current, next);
      else if (action.startsWith("vote") && judgeVote(asked).ok) {
        explore({ ...record, votedHash: hash, votedHeight: Height.of(1) }, current, next);
      } else if (action.startsWith("commit") && judgeCommit(asked, hash).ok) {
        explore({ ...record, committedHash: hash, committedHeight: Height.of(1) }, current, next);
      }
    }
  }

  explore(emptySafetyRecord(Epoch.ZERO, view), 5, []);
  t.ok(sequences > 50, `${sequences} histories explored`);
});
