/** The corpus as files, and latency matrices. What its scenarios do when they run is tested with the simulator. */

import { readFileSync } from "node:fs";
import t from "tap";
import { listCorpus, readCorpus } from "../../../testnet/scenario/corpus.ts";
import { loadMatrix, matrixMistakes, parseMatrix } from "../../../testnet/scenario/latency.ts";
import { SMALL_MATRIX } from "../../../testnet/scenario/small_matrix.ts";
import { readVectors } from "../../support/vectors.ts";

t.test("corpus: every file is valid, bears its own name, has its own seed and opens with a comment that says why", async (t) => {
  const corpus = readCorpus();
  t.same(
    corpus.map(({ name }) => name),
    listCorpus(),
  );
  for (const { name, file, scenario } of corpus) {
    t.equal(scenario.name, name);
    const [first = ""] = readFileSync(file, "utf8").split("\n");
    t.ok(first.startsWith("# ") && first.length > 30, `${name}: ${first}`);
    if (name.startsWith("must_stall")) t.equal(scenario.expect, "stall", name);
    else t.equal(scenario.expect, name.startsWith("must_break") ? "break" : "pass", name);
  }
  t.equal(new Set(corpus.map(({ scenario }) => scenario.seed)).size, corpus.length);
});

t.test("corpus: sorted by code units; some that pass, some that must stall, some that must break, and the known failures", async (t) => {
  const names = listCorpus();
  t.same(names, [...names].sort());
  const counts = ["must_stall_", "must_break_", "failure_"].map((prefix) => names.filter((name) => name.startsWith(prefix)).length);
  t.same(
    counts.map((count) => count >= 3),
    [true, true, true],
  );
  t.ok(["calm", "light_faults"].every((name) => names.includes(name)));
});

t.test("SMALL_MATRIX: square, whole milliseconds, nearer within a region than between any two", async (t) => {
  t.same(matrixMistakes(SMALL_MATRIX), []);
  t.equal(SMALL_MATRIX.regions.length, 6);
  for (const [from, row] of SMALL_MATRIX.roundTripMs.entries()) {
    t.ok(row.every(Number.isInteger));
    t.ok(row.every((ms, to) => from === to || ms > (row[from] ?? 0)));
  }
  t.same(
    loadMatrix("small", () => undefined),
    { ok: true, matrix: SMALL_MATRIX },
  );
});

const file = {
  unit: "ms",
  kind: "rtt",
  regions: ["a", "b"],
  matrix: [
    [1, 2],
    [3, 1],
  ],
};

const REFUSED: readonly (readonly [unknown, RegExp])[] = [
  [{ ...file, unit: "s" }, /"unit" must be "ms"/],
  [{ ...file, kind: "oneWay" }, /"kind" must be "rtt"/],
  [{ ...file, matrix: [[1, 2]] }, /must be square: 2 regions need 2 rows, not 1/],
  [{ ...file, matrix: [[1, 2], [3]] }, /row 1 needs 2 columns, not 1/],
  [
    {
      ...file,
      matrix: [
        [1, 2],
        [3, -1],
      ],
    },
    /row 1 holds something other than a round trip/,
  ],
  [{ ...file, regions: ["a", "a"] }, /each region has a name of its own/],
  [{ ...file, regions: [], matrix: [] }, /1 to 64 regions, not 0/],
  [{}, /"unit" must be/],
];

t.test("parseMatrix: a file of the wrong shape, its mistake is named after the file", async (t) => {
  t.match(parseMatrix(JSON.stringify(file), "m.json"), {
    ok: true,
    matrix: {
      regions: ["a", "b"],
      roundTripMs: [
        [1, 2],
        [3, 1],
      ],
    },
  });
  for (const [value, message] of REFUSED) {
    const parsed = parseMatrix(JSON.stringify(value), "m.json");
    t.match(parsed, { ok: false, message });
    t.match(parsed, { ok: false, message: /^m\.json: / });
  }
  t.match(parseMatrix("[", "m.json"), { ok: false, message: "m.json is not JSON" });
});

const published = readVectors<unknown>("latency/aws-21-regions.json");

t.test("parseMatrix: the measured matrix of 21 regions, loaded as it stands", { skip: published.missing }, async (t) => {
  const loaded = parseMatrix(JSON.stringify(published.vectors), "aws-21-regions.json");
  if (!loaded.ok) throw new Error(loaded.message);
  t.equal(loaded.matrix.regions.length, 21);
  t.ok(loaded.matrix.regions.includes("eu-central-1"));
  t.ok(loaded.matrix.roundTripMs.flat().every((ms) => ms > 0 && ms < 1_000));
});
