/** Results as JUnit XML, which CI systems show: one test case for each seed or scenario. */

import type { Violation } from "../checks/checker.ts";
import { escapeMarkup } from "./escape.ts";
import { describeMoment, namesOf } from "./words.ts";

export interface JunitCase {
  /** "seed 7", or the file's name. */
  readonly name: string;
  /** How long it took, or simulated time; shown only. */
  readonly seconds: number;
  readonly violation: Violation | undefined;
  /** More lines for people, such as the replay command. */
  readonly notes?: readonly string[];
}

export function renderJunit(cases: readonly JunitCase[], suite = "simulator"): string {
  const failures = cases.filter(({ violation }) => violation !== undefined).length;
  const seconds = cases.reduce((sum, each) => sum + each.seconds, 0);
  const head = `name="${escapeMarkup(suite)}" tests="${cases.length}" failures="${failures}" errors="0" skipped="0" time="${seconds.toFixed(3)}"`;
  const body = cases.map((each) => renderCase(each, suite)).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  <testsuite ${head}>\n${body}  </testsuite>\n</testsuites>\n`;
}

function renderCase({ name, seconds, violation, notes }: JunitCase, suite: string): string {
  const open = `    <testcase classname="${escapeMarkup(suite)}" name="${escapeMarkup(name)}" time="${seconds.toFixed(3)}"`;
  if (violation === undefined) return `${open}/>\n`;
  const { invariant, kind, detail, atUs, validators } = violation;
  const lines = [detail, `At ${describeMoment(atUs)}, shown by ${namesOf(validators)}.`, ...(notes ?? [])];
  const failure = `<failure type="${escapeMarkup(kind)}" message="${escapeMarkup(`${invariant}: ${detail}`)}">${escapeMarkup(lines.join("\n"))}</failure>`;
  return `${open}>\n      ${failure}\n    </testcase>\n`;
}
