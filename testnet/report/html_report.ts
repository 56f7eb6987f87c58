/** One run as a page for people: a single HTML file with its style and script inside, that loads nothing. Verdict and replay command,
 *  a picture of all validators over time, and tables of invariants, validators and coverage. All text from a run is escaped. */

import { INVARIANTS, type Violation } from "../checks/checker.ts";
import { describeScenario } from "../scenario/describe.ts";
import type { Scenario } from "../scenario/manifest.ts";
import { COVERAGE_POINTS, type CoveragePoint } from "../simulator/coverage.ts";
import type { Fact } from "../simulator/facts.ts";
import { describeFact } from "./describe_fact.ts";
import { escapeMarkup, scriptJson } from "./escape.ts";
import { hiddenKindsOf, pageData, rolesOf } from "./page_data.ts";
import { pageScript, pageStyle } from "./page_files.ts";
import { renderPicture } from "./picture.ts";
import { buildTimeline, TIMELINE_LIMITS, type Timeline, type TimelineLimits } from "./timeline.ts";
import { describeMoment, nameOf, namesOf } from "./words.ts";

export interface ReportedRun {
  readonly scenario: Scenario;
  /** In order; gone through once. */
  readonly facts: Iterable<Fact>;
  readonly result: ReportedResult;
  /** TIMELINE_LIMITS unless given. */
  readonly limits?: TimelineLimits;
}

export interface ReportedResult {
  readonly verdict: "pass" | "violation";
  /** In the order in which they were seen. A run that was to break agreement passes with some. */
  readonly violations: readonly Violation[];
  /** The fact that showed the first of them, where one did. */
  readonly violatingFact?: Fact | undefined;
  readonly traceHash: string;
  readonly coverage: ReadonlyMap<CoveragePoint, number>;
  readonly replayCommand: string;
  readonly seed: number;
}

/** The whole page. */
export function renderHtmlReport({ scenario, facts, result, limits = TIMELINE_LIMITS }: ReportedRun): string {
  const [first] = result.violations;
  const timeline = buildTimeline(scenario, facts, { violationUs: first?.atUs, limits });
  const seed = `seed ${result.seed}`;
  const title = scenario.name.includes(seed) ? scenario.name : `${scenario.name} · ${seed}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeMarkup(title)}</title>
<style>
${pageStyle()}</style>
</head>
<body>
<header>
<h1>${escapeMarkup(title)}</h1>
${banner(result, scenario)}
${meta(scenario, timeline, result)}
</header>
<main>
${renderPicture(scenario, { hiddenKinds: hiddenKindsOf(scenario), notes: timeline.samplingNotes, hasViolation: first !== undefined })}
${invariantTable(result)}
${validatorTable(scenario, timeline)}
${coverageTable(result.coverage)}
</main>
<script type="application/json" id="data">${scriptJson(pageData(scenario, timeline, result.violations))}</script>
<script>
${pageScript()}</script>
</body>
</html>
`;
}

function banner(result: ReportedResult, { expect }: Scenario): string {
  const { verdict, violations, violatingFact, replayCommand } = result;
  const [first] = violations;
  const isPassed = verdict === "pass";
  const lines: string[] = [`<strong>${escapeMarkup(headline(isPassed, first, expect))}</strong>`];
  if (first !== undefined) {
    const who = first.validators.length === 0 ? "" : `, at ${namesOf(first.validators)}`;
    lines.push(`<p>${escapeMarkup(`At ${describeMoment(first.atUs)}${who}: ${first.detail}`)}</p>`);
  }
  if (violatingFact !== undefined) lines.push(`<p>First violating event: ${escapeMarkup(describeFact(violatingFact))}.</p>`);
  if (violations.length > 1) {
    lines.push(
      `<p>${escapeMarkup(
        `Also seen: ${violations
          .slice(1)
          .map(({ invariant, kind }) => `${invariant} (${kind})`)
          .join(", ")}.`,
      )}</p>`,
    );
  }
  const replay = `<p class="replay">Replay: <code id="replay">${escapeMarkup(replayCommand)}</code> <button type="button" id="copy">Copy</button></p>`;
  return `<div class="banner ${isPassed ? "good" : "bad"}" role="status">\n${lines.join("\n")}\n${replay}\n</div>`;
}

function headline(isPassed: boolean, first: Violation | undefined, expect: Scenario["expect"]): string {
  if (!isPassed) return first === undefined ? "Failed" : `Failed: ${first.kind}, invariant “${first.invariant}”`;
  if (expect === "break") return "Passed: agreement broke, as this scenario expects, and the checkers saw it";
  return expect === "stall" ? "Passed: nothing became final without a quorum, as expected" : "Passed: every invariant held";
}

function meta(scenario: Scenario, { endUs, facts }: Timeline, { traceHash }: ReportedResult): string {
  const text = `${scenario.weights.length} validators · ${describeMoment(endUs)} simulated · ${facts} facts · trace ${traceHash}`;
  return `<p class="meta">${escapeMarkup(text)}</p>
<details><summary>All options of the scenario</summary><p class="note"><code>${escapeMarkup(describeScenario(scenario))}</code></p></details>`;
}

function invariantTable({ violations }: ReportedResult): string {
  const rows = INVARIANTS.map((invariant) => {
    const violation = violations.find((each) => each.invariant === invariant);
    if (violation === undefined) return `<tr><td>${invariant}</td><td class="good">ok</td><td></td></tr>`;
    const detail = escapeMarkup(`${describeMoment(violation.atUs)}: ${violation.detail}`);
    return `<tr><td>${invariant}</td><td class="bad">violated</td><td>${detail}</td></tr>`;
  });
  return `<h2>Invariants</h2>
<div class="scroll"><table>
<thead><tr><th scope="col">Invariant</th><th scope="col">Verdict</th><th scope="col">First violation</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table></div>`;
}

const VALIDATOR_COLUMNS = [
  "Final height",
  "Highest view",
  "Views entered",
  "Lost (TC)",
  "Sent",
  "Of them lost",
  "Received",
  "Restarts",
  "Down",
  "Betrayals",
] as const;

function validatorTable(scenario: Scenario, { totals }: Timeline): string {
  const rows = totals.map((lane, validator) => {
    const { finalHeight, highestView, viewsEntered, viewsLost, sent, lost, received, restarts, downUs, betrayals } = lane;
    const numbers = [finalHeight, highestView, viewsEntered, viewsLost, sent, lost, received, restarts, describeMoment(downUs), betrayals];
    const cells = numbers.map((number) => `<td class="number">${number}</td>`).join("");
    const role = escapeMarkup(rolesOf(scenario, validator) || "honest");
    return `<tr><th scope="row">${nameOf(validator)}</th><td class="number">${scenario.weights[validator]}</td><td>${role}</td>${cells}</tr>`;
  });
  const heads = VALIDATOR_COLUMNS.map((name) => `<th scope="col" class="number">${name}</th>`).join("");
  return `<h2>Validators</h2>
<div class="scroll"><table>
<thead><tr><th scope="col">Validator</th><th scope="col" class="number">Weight</th><th scope="col">Role</th>${heads}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table></div>`;
}

function coverageTable(coverage: ReadonlyMap<CoveragePoint, number>): string {
  const reached = COVERAGE_POINTS.filter(({ point }) => (coverage.get(point) ?? 0) > 0).length;
  const rows = COVERAGE_POINTS.map(({ point, description }) => {
    const count = coverage.get(point) ?? 0;
    return `<tr${count === 0 ? ' class="zero"' : ""}><td class="number">${count}</td><td>${escapeMarkup(description)}</td></tr>`;
  });
  return `<h2>Moments of interest</h2>
<p class="note">${reached} of ${COVERAGE_POINTS.length} were reached in this run.</p>
<div class="scroll"><table>
<thead><tr><th scope="col" class="number">Times</th><th scope="col">What happened</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table></div>`;
}
