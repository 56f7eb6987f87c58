/** The benchmark report's arithmetic: units of component figures, ratios to the calibration, and a table that shows failures. */

import t from "tap";
import type { Calibration } from "../../scripts/bench/calibration.ts";
import { figuresOf } from "../../scripts/bench/components.ts";
import { describeReport, type Figure, ratioOf, reportJson } from "../../scripts/bench/report.ts";

const CALIBRATION: Calibration = {
  blsSignUs: 400,
  blsVerifyUs: 1_000,
  ed25519VerifyUs: 50,
  hash64Us: 0.5,
  fdatasyncUs: 100,
  roundTripUs: 80,
  finalityPathUs: 3_120,
};

const figure = (value: number | null, unit: string, relativeTo: Figure["relativeTo"]): Figure => ({
  name: "x",
  value,
  unit,
  relativeTo,
  target: undefined,
});

t.test("ratioOf: times in units of the calibrated operation, rates as the share of one core", async (t) => {
  t.equal(ratioOf(figure(8, "ms", "roundTripUs"), CALIBRATION), 100);
  t.equal(ratioOf(figure(1, "us", "hash64Us"), CALIBRATION), 2);
  t.equal(ratioOf(figure(2_000, "tx/s", "ed25519VerifyUs"), CALIBRATION), 0.1);
  t.equal(ratioOf(figure(64, "MB/s", "hash64Us"), CALIBRATION), 0.5);
});

t.test("ratioOf: without a value, a reference or a calibration, none", async (t) => {
  t.equal(ratioOf(figure(null, "ms", "roundTripUs"), CALIBRATION), undefined);
  t.equal(ratioOf(figure(1, "ms", undefined), CALIBRATION), undefined);
  t.equal(ratioOf(figure(1, "ms", "roundTripUs"), undefined), undefined);
});

t.test("figuresOf: names carry units, nested figures inherit them, text is left out", async (t) => {
  const figures = figuresOf({ hasher: "native", roundTripMs: { p50: 1, p99: 2 }, hash64Us: 3, readsPerSecond: 4, count: 5 }, "roundTripUs");
  t.same(
    figures.map(({ name, value, unit, relativeTo }) => [name, value, unit, relativeTo]),
    [
      ["roundTripMs p50", 1, "ms", "roundTripUs"],
      ["roundTripMs p99", 2, "ms", "roundTripUs"],
      ["hash64Us", 3, "us", "roundTripUs"],
      ["readsPerSecond", 4, "per s", undefined],
      ["count", 5, "", undefined],
    ],
  );
});

t.test("describeReport: figures with ratio and target, missing values and failures are shown", async (t) => {
  const report = {
    startedAt: "2000-01-01T00:00:00.000Z",
    machine: { cores: 2, cpu: "CPU", runtime: "node 26", platform: "os" },
    calibration: CALIBRATION,
    sections: [
      {
        name: "loaded",
        about: "200/s",
        figures: [{ ...figure(8, "ms", "roundTripUs"), target: "≤ 25" }, figure(null, "ms", undefined)],
        failure: undefined,
      },
      { name: "broken", about: "nothing", figures: [], failure: "exit code 128" },
    ],
  };
  const lines = describeReport(report).split("\n");
  t.ok(lines.some((line) => /^ {2}x +8 ms +100 × roundTrip +≤ 25$/.test(line)));
  t.ok(lines.some((line) => /^ {2}x +– ms$/.test(line)));
  t.ok(lines.includes("  failed: exit code 128"));
  t.match(JSON.parse(reportJson(report)), { sections: [{ figures: [{ value: 8, ratio: 100 }] }, {}] });
});
