/** The page: one file, nothing of a run's text as markup, and a script that runs. The script is run here on a stand-in for the browser that
 *  notes what is drawn and said; how it looks is for eyes. */

import t from "tap";
import { type ReportedResult, renderHtmlReport } from "../../../testnet/report/html_report.ts";
import { pageScript } from "../../../testnet/report/page_files.ts";
import { COVERAGE_POINTS } from "../../../testnet/simulator/coverage.ts";
import type { Fact } from "../../../testnet/simulator/facts.ts";
import { createFakeBrowser } from "./fake_browser.ts";
import { clusterHistory, scenarioOf } from "./history.ts";
import { SAMPLE_FACTS } from "./sample_facts.ts";

const PASSED: ReportedResult = {
  verdict: "pass",
  violations: [],
  traceHash: "0123456789abcdef0123456789abcdef",
  coverage: new Map([["messageLost", 3]]),
  replayCommand: "npm run simulate -- --seed 9",
  seed: 9,
};
const FAILED: ReportedResult = {
  ...PASSED,
  verdict: "violation",
  violations: [
    { invariant: "agreement", kind: "safety", atUs: 200_000, validators: [0, 1], detail: "Two blocks at height 3: <i>A</i> & B." },
    { invariant: "attribution", kind: "safety", atUs: 210_000, validators: [3], detail: "Only one is named." },
  ],
  violatingFact: SAMPLE_FACTS.finalized[0],
};

const HISTORY: readonly Fact[] = [...clusterHistory({ validators: 4, views: 12, seed: 1 })];

const pageOf = (result: ReportedResult, name = "made by hand"): string =>
  renderHtmlReport({ scenario: { ...scenarioOf(4), name }, facts: HISTORY, result });

t.test("renderHtmlReport: a failed run, verdict, first violating event, replay command and violated invariants in words", async (t) => {
  const page = pageOf(FAILED);
  t.match(page, "Failed: safety, invariant “agreement”");
  t.match(page, "At 0.200 s, at V0 and V1: Two blocks at height 3: &lt;i&gt;A&lt;/i&gt; &amp; B.");
  t.match(page, "First violating event: V2 has as final: height 7 (block 0000005b5555 of view 12).");
  t.match(page, "Also seen: attribution (safety).");
  t.match(page, "npm run simulate -- --seed 9</code>");
  t.equal(page.split('<td class="bad">violated</td>').length - 1, 2);
  t.match(page, 'data-action="violation"');
});

t.test("renderHtmlReport: a passed run, all invariants ok, totals and coverage in tables", async (t) => {
  const page = pageOf(PASSED);
  t.match(page, "Passed: every invariant held");
  t.notMatch(page, "violated</td>");
  t.match(page, `1 of ${COVERAGE_POINTS.length} were reached`);
  t.match(page, '<td class="number">3</td><td>a message was lost on its link</td>');
  t.match(page, /<th scope="row">V3<\/th><td class="number">1<\/td><td>doubleVote<\/td><td class="number">12<\/td>/);
  t.notMatch(page, 'data-action="violation"');
});

t.test("renderHtmlReport: hostile names and texts, no markup of theirs, and nothing loaded from elsewhere", async (t) => {
  const page = pageOf(FAILED, '</title><script>alert("x")</script><img src=x onerror=y>');
  t.notMatch(page, /<script>alert|<img|<b>twice|<i>A/);
  t.equal(page.split("<script").length - 1, 2, "the data and the script");
  t.equal(page.split("</script>").length - 1, 2);
  t.notMatch(page, /(src|href)="|url\(|@import|https?:/);
  t.match(page, "default-src 'none'");
});

t.test("renderHtmlReport: a run without facts, a page all the same", async (t) => {
  const page = renderHtmlReport({ scenario: scenarioOf(1), facts: [], result: PASSED });
  const browser = createFakeBrowser(page);
  browser.run(pageScript());
  t.match(browser.text("shown"), /^0\.0000 s to 0\.0000 s\. 0 messages/);
});

t.test("renderHtmlReport: a long run of many validators, at most 4 MB", async (t) => {
  const facts = clusterHistory({ validators: 10, views: 160, seed: 2 });
  const page = renderHtmlReport({ scenario: scenarioOf(10), facts, result: FAILED });
  t.ok(page.length < 4_000_000, `${page.length} characters`);
  t.match(page, /Of \d+ messages, \d+ are shown/);
});

t.test("page script: opens on the first violation, lists the facts there, and follows keys, wheel and boxes", async (t) => {
  const browser = createFakeBrowser(pageOf(FAILED));
  browser.run(pageScript());
  t.match(browser.text("at"), /^Cursor at 0\.200000 s/);
  t.ok(browser.drawnTexts().includes("agreement"), "the violation is labelled");
  t.ok(browser.drawnTexts().includes("V3"));
  t.ok(browser.drawnTexts().includes("traitor: doubleVote"));
  t.ok(browser.listed("near") > 10);

  const whole = browser.text("shown");
  browser.key("+");
  t.not(browser.text("shown"), whole, "+ zooms in");
  const before = browser.text("at");
  browser.key("ArrowDown");
  t.not(browser.text("at"), before, "the cursor moves to the next fact");
  browser.key("ArrowUp");
  t.equal(browser.text("at").slice(0, 20), before.slice(0, 20), "and back");
  browser.key("Home");
  t.equal(browser.text("shown"), whole, "Home shows the whole run");
  browser.wheel({ x: 500, deltaY: -400 });
  t.not(browser.text("shown"), whole, "the wheel zooms");
  browser.click("whole");
  t.equal(browser.text("shown"), whole);
  for (const lane of [0, 1, 2, 3]) browser.untick("lane", String(lane));
  t.match(browser.text("shown"), " 0 messages");
  t.notOk(browser.drawnTexts().includes("V3"), "hidden lanes are not drawn");
});

t.test("page script: the pointer over a view, its words; a click, the cursor there", async (t) => {
  const browser = createFakeBrowser(pageOf(PASSED));
  browser.run(pageScript());
  browser.point({ x: 300, y: 50 + 40 });
  t.match(browser.text("tip"), /^V0 in view \d+, led by/);
  browser.press({ x: 400, y: 100 });
  t.match(browser.text("at"), /^Cursor at \d/);
});
