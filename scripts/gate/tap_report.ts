/** Reads one test file's TAP and counts test cases. A test case is a subtest without further subtests, or an assertion outside
 *  of any subtest. A case is skipped when it was skipped as a whole or all its assertions were; `# TODO` counts as failed. */

import { type FinalResults, Parser, type Result } from "tap-parser";

export interface TapFailure {
  /** Titles from the outermost subtest to the failed assertion. */
  readonly path: readonly string[];
  /** The diagnostics that tap wrote, as text. */
  readonly detail: string;
}

export interface TapReport {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly TapFailure[];
  /** "title: reason" of each skip. */
  readonly skips: readonly string[];
  /** False when the run broke off, for example without a plan. */
  readonly isComplete: boolean;
}

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  readonly failures: TapFailure[];
  readonly skips: string[];
}

/** What is known of one subtest while its lines arrive. */
interface Scope {
  subtests: number;
  assertions: number;
  failedAssertions: number;
  skippedAssertions: number;
}

/** Counts the cases of one finished run. Text that is not TAP is ignored, as the protocol says. */
export function readTap(text: string): TapReport {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
  const parser = new Parser({});
  let isSound = false;
  parser.on("complete", (results: FinalResults) => {
    // The parser takes empty output for a skipped file; only a plan that says so is one.
    const isSkippedFile = /^1\.\.0\s+#\s*skip/im.test(text);
    isSound = results.ok && (results.count > 0 || isSkippedFile);
    if (!isSkippedFile) return;
    tally.skipped++;
    tally.skips.push(results.plan.skipReason);
  });
  watch(parser, [], tally);
  parser.end(text);
  return { ...tally, isComplete: isSound || tally.failed > 0 };
}

function watch(parser: Parser, path: readonly string[], tally: Tally): Scope {
  const scope: Scope = { subtests: 0, assertions: 0, failedAssertions: 0, skippedAssertions: 0 };
  let child: Scope | undefined;
  parser.on("child", (childParser: Parser) => {
    scope.subtests++;
    child = watch(childParser, [...path, childParser.name], tally);
  });
  parser.on("assert", (result: Result) => {
    const ended = result.closingTestPoint ? child : undefined;
    child = undefined;
    if (ended !== undefined) countSubtest(result, ended, path, tally);
    else countAssertion(result, scope, path, tally);
  });
  return scope;
}

function countSubtest(result: Result, scope: Scope, path: readonly string[], tally: Tally): void {
  const isSound = result.ok && result.todo === false;
  const isExplained = scope.failedAssertions > 0 || scope.subtests > 0;
  if (!isSound && !isExplained) tally.failures.push(failureOf(result, path));
  if (scope.subtests > 0) return;
  const isSkipped = result.skip !== false || (scope.assertions > 0 && scope.skippedAssertions === scope.assertions);
  if (!isSound) tally.failed++;
  else if (isSkipped) tally.skipped++;
  else tally.passed++;
}

function countAssertion(result: Result, scope: Scope, path: readonly string[], tally: Tally): void {
  const isFailed = result.skip === false && (!result.ok || result.todo !== false);
  scope.assertions++;
  if (isFailed) {
    scope.failedAssertions++;
    tally.failures.push(failureOf(result, path));
  }
  if (result.skip !== false) {
    scope.skippedAssertions++;
    tally.skips.push([...path, result.name].join(" > ") + (typeof result.skip === "string" ? `: ${result.skip}` : ""));
  }
  if (path.length > 0) return;
  if (isFailed) tally.failed++;
  else if (result.skip !== false) tally.skipped++;
  else tally.passed++;
}

/** Parts of the diagnostics that only repeat the file, or that hold the runner's own frames. */
const PARTS_LEFT_OUT = new Set(["source", "compare", "tapCaught", "generated"]);
const FOREIGN_FRAME = /node_modules[\\/]|\(ext:|\(node:/;

function failureOf(result: Result, path: readonly string[]): TapFailure {
  const diagnostics: unknown = result.diag;
  const entries =
    typeof diagnostics === "object" && diagnostics !== null
      ? Object.entries(diagnostics).filter(([name]) => !PARTS_LEFT_OUT.has(name))
      : [];
  const reason = result.tapError ?? (result.todo === false ? undefined : "a TODO is not merged");
  const lines = reason === undefined || reason === null ? [] : [reason];
  return { path: [...path, result.name], detail: [...lines, ...entries.map(describeEntry)].join("\n") };
}

function describeEntry([name, value]: readonly [string, unknown]): string {
  if (typeof value !== "string") return `${name}: ${JSON.stringify(value)}`;
  const text =
    name === "stack"
      ? value
          .split("\n")
          .filter((frame) => !FOREIGN_FRAME.test(frame))
          .join("\n")
      : value;
  return text.includes("\n") ? `${name}:\n${text.trimEnd().replace(/^/gm, "  ")}` : `${name}: ${text}`;
}
