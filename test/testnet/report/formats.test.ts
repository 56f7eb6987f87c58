/** NDJSON, JUnit and escaping: lines that scripts can read, and markup that no text of a run can break. */

import t from "tap";
import type { Violation } from "../../../testnet/checks/checker.ts";
import { escapeMarkup, scriptJson } from "../../../testnet/report/escape.ts";
import { factLines, factToJson } from "../../../testnet/report/fact_json.ts";
import { renderJunit } from "../../../testnet/report/junit.ts";
import { ALL_SAMPLES, SAMPLE_FACTS } from "./sample_facts.ts";

t.test("factToJson: every sample, one line of JSON with type and time first and no long hash or body", async (t) => {
  for (const fact of ALL_SAMPLES) {
    const line = factToJson(fact);
    const parsed: unknown = JSON.parse(line);
    t.match(parsed, { type: fact.type, atUs: fact.atUs });
    t.ok(line.startsWith(`{"type":"${fact.type}","atUs":`), line);
    t.notMatch(line, /"[0-9a-f]{13}|\n/, fact.type);
    t.notMatch(line, /"signature"|"signers"|"0":/, "no bytes");
    t.ok(line.length < 700, `${fact.type}: ${line.length} characters`);
  }
  t.equal([...factLines(ALL_SAMPLES)].join("").split("\n").length, ALL_SAMPLES.length + 1);
});

t.test("factToJson: a vote, this line", async (t) => {
  const [vote] = SAMPLE_FACTS.signedVote;
  t.equal(
    vote && factToJson(vote),
    '{"type":"signedVote","atUs":50,"validator":3,"vote":{"kind":"vote","view":12,"height":7,"block":"0000005b5555","by":3},"isResend":false}',
  );
});

t.test("escapeMarkup: markup and control characters, harmless; other text, the same", async (t) => {
  t.equal(escapeMarkup(`<a href="x" class='y'>&</a>`), "&lt;a href=&quot;x&quot; class=&#39;y&#39;&gt;&amp;&lt;/a&gt;");
  t.equal(escapeMarkup("a\u0000b\u001bc\ufffe"), "a\ufffdb\ufffdc\ufffd");
  t.equal(escapeMarkup("line\n\ttab Größe 🜚"), "line\n\ttab Größe 🜚");
});

t.test("scriptJson: any text, reads back the same and cannot end its element", async (t) => {
  const value = { text: "</script><!-- & \u2028 \u2029", list: [1, "ok"] };
  const json = scriptJson(value);
  t.notMatch(json, /[<>&\u2028\u2029]/);
  t.same(JSON.parse(json), value);
});

t.test("renderJunit: passed and failed cases, counted and escaped", async (t) => {
  const violation: Violation = {
    invariant: "agreement",
    kind: "safety",
    atUs: 1_500_000,
    validators: [0, 2],
    detail: 'two blocks at height 3: "<a>" & "<b>"',
  };
  const xml = renderJunit([
    { name: "seed 1", seconds: 1.5, violation: undefined },
    { name: "seed <2>", seconds: 0.25, violation, notes: ["npm run simulate -- --seed 2"] },
  ]);
  t.equal(
    xml,
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="simulator" tests="2" failures="1" errors="0" skipped="0" time="1.750">
    <testcase classname="simulator" name="seed 1" time="1.500"/>
    <testcase classname="simulator" name="seed &lt;2&gt;" time="0.250">
      <failure type="safety" message="agreement: two blocks at height 3: &quot;&lt;a&gt;&quot; &amp; &quot;&lt;b&gt;&quot;">two blocks at height 3: &quot;&lt;a&gt;&quot; &amp; &quot;&lt;b&gt;&quot;
At 1.500 s, shown by V0 and V2.
npm run simulate -- --seed 2</failure>
    </testcase>
  </testsuite>
</testsuites>
`,
  );
});
