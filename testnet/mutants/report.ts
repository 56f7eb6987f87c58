/** What the hunt for planted bugs says: one line for each, and the summary. */

import { type HuntResult, replayCommand } from "./hunting.ts";
import type { Mutant } from "./mutant.ts";

/** One JSON line for scripts. */
export function eventOf(result: HuntResult): { readonly type: "mutant" } & Readonly<Record<string, unknown>> {
  const { mutant, outcome, found, cases, unsound, stuckIn } = result;
  return {
    type: "mutant",
    name: mutant.name,
    rule: mutant.rule,
    class: mutant.class,
    outcome,
    seconds: rounded(result.seconds),
    cases,
    ...(found === undefined ? {} : { case: found.case.name, ...found.finding, replay: replayCommand(mutant, found.case) }),
    ...(stuckIn === undefined ? {} : { stuckIn }),
    ...(unsound.length === 0 ? {} : { unsound }),
  };
}

/** Some lines for people. */
export function describeResult(result: HuntResult): string {
  const { mutant, found, cases, unsound, stuckIn } = result;
  const head = `${result.outcome.padEnd(8)} ${mutant.rule.padEnd(3)} ${mutant.name.padEnd(42)} ${rounded(result.seconds).toFixed(1).padStart(6)} s`;
  const lines = [found === undefined ? `${head}  ${cases} cases` : `${head}  ${found.case.name}: ${found.finding.invariant}`];
  if (found === undefined) {
    lines.push(`         ${mutant.what}`);
    if (mutant.needs !== undefined) lines.push(`         It takes: ${mutant.needs}`);
  }
  if (stuckIn !== undefined) lines.push(`         The process had to be ended: ${stuckIn} did not end.`);
  if (unsound.length > 0) lines.push(`         These cases fail without the bug too: ${unsound.join(", ")}`);
  return lines.join("\n");
}

export interface MutantSummary {
  readonly type: "summary";
  readonly mutants: number;
  readonly killed: number;
  readonly survived: readonly string[];
  /** Of those that were killed; null when none was. */
  readonly medianSecondsToKill: number | null;
}

export function summaryOf(results: readonly HuntResult[]): MutantSummary {
  const killed = results.filter(({ outcome }) => outcome === "killed");
  const seconds = killed.map((result) => result.seconds).sort((left, right) => left - right);
  const middle = seconds.length >> 1;
  const upper = seconds[middle];
  const lower = seconds.length % 2 === 0 ? seconds[middle - 1] : upper;
  return {
    type: "summary",
    mutants: results.length,
    killed: killed.length,
    survived: results.filter(({ outcome }) => outcome === "survived").map(({ mutant }) => mutant.name),
    medianSecondsToKill: upper === undefined || lower === undefined ? null : rounded((lower + upper) / 2),
  };
}

export function describeSummary({ mutants, killed, survived, medianSecondsToKill }: MutantSummary): string {
  const median = medianSecondsToKill === null ? "" : `, after ${medianSecondsToKill} s in the median`;
  return `${killed} of ${mutants} planted bugs found${median}${survived.length === 0 ? "" : `; survived: ${survived.join(", ")}`}`;
}

export function describeMutant({ name, rule, file, what, needs }: Mutant): string {
  return `${name} (${rule}, ${file})\n    ${what}${needs === undefined ? "" : ` Needs: ${needs}`}`;
}

const rounded = (seconds: number): number => Math.round(seconds * 100) / 100;
