/** The gate's count of test cases, on TAP text written by hand: what counts as passed, failed and skipped, and that a run that
 *  broke off is never taken for a good one. */

import t from "tap";
import { readTap } from "../../scripts/gate/tap_report.ts";

interface Expectation {
  readonly title: string;
  readonly lines: readonly string[];
  readonly counts: readonly [passed: number, failed: number, skipped: number];
  readonly isComplete: boolean;
}

const subtest = (title: string, ok: boolean, ...inner: readonly string[]): string[] => [
  `# Subtest: ${title}`,
  ...inner.map((line) => `    ${line}`),
  `${ok ? "ok" : "not ok"} 1 - ${title}`,
];

const EXPECTATIONS: readonly Expectation[] = [
  {
    title: "a subtest with two assertions is one passed case",
    lines: [...subtest("a", true, "ok 1 - x", "ok 2 - y", "1..2"), "1..1"],
    counts: [1, 0, 0],
    isComplete: true,
  },
  {
    title: "a subtest with a failed assertion is one failed case",
    lines: [...subtest("a", false, "ok 1 - x", "not ok 2 - y", "1..2"), "1..1"],
    counts: [0, 1, 0],
    isComplete: true,
  },
  {
    title: "only the innermost subtests count",
    lines: [...subtest("outer", true, ...subtest("inner", true, "ok 1 - x", "1..1"), "1..1"), "1..1"],
    counts: [1, 0, 0],
    isComplete: true,
  },
  { title: "an assertion outside of subtests is a case", lines: ["ok 1 - bare", "1..1"], counts: [1, 0, 0], isComplete: true },
  { title: "a skipped test is a skipped case", lines: ["ok 1 - a # SKIP no vectors", "1..1"], counts: [0, 0, 1], isComplete: true },
  {
    title: "a subtest whose only assertion is a skip is a skipped case",
    lines: [...subtest("a", true, "ok 1 - no vectors # SKIP", "1..1"), "1..1"],
    counts: [0, 0, 1],
    isComplete: true,
  },
  { title: "a TODO is a failed case", lines: ["not ok 1 - a # TODO later", "1..1"], counts: [0, 1, 0], isComplete: true },
  {
    title: "a subtest that threw before any assertion is a failed case",
    lines: [...subtest("a", false, "1..0"), "1..1"],
    counts: [0, 1, 0],
    isComplete: true,
  },
  { title: "a run without a plan broke off", lines: ["ok 1 - a"], counts: [1, 0, 0], isComplete: false },
  { title: "a run with fewer results than planned broke off", lines: ["1..3", "ok 1 - a"], counts: [1, 0, 0], isComplete: false },
  { title: "no output at all is no test", lines: [], counts: [0, 0, 0], isComplete: false },
  { title: "a file skipped by its plan is a skipped case", lines: ["1..0 # SKIP not here"], counts: [0, 0, 1], isComplete: true },
];

for (const { title, lines, counts, isComplete } of EXPECTATIONS) {
  t.test(`readTap: ${title}`, async (t) => {
    const report = readTap(`${["TAP version 14", ...lines].join("\n")}\n`);
    t.same([report.passed, report.failed, report.skipped], counts);
    t.equal(report.isComplete, isComplete);
  });
}

t.test("readTap: a failed assertion is reported with its titles and diagnostics", async (t) => {
  const failed = ["not ok 1 - equal", "  ---", "  diff: |", "    -1", "    +2", "  ..."];
  const report = readTap(`${["TAP version 14", ...subtest("outer", false, ...failed, "1..1"), "1..1"].join("\n")}\n`);
  t.same(report.failures, [{ path: ["outer", "equal"], detail: "diff:\n  -1\n  +2" }]);
});
