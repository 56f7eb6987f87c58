/** Runs a fast-check property as one assertion whose message carries the seed, or the counterexample when it fails. */

import fc from "fast-check";
import type { Test } from "tap";

/** A counterexample of some hundred bytes says little beyond its beginning; the seed stands in front. */
const REPORT_CHARACTERS_MAX = 4_000;

export function holds<Values>(t: Test, property: fc.IProperty<Values>, numRuns: number): void {
  const details = fc.check(property, { numRuns });
  const report = fc.defaultReportMessage(details)?.slice(0, REPORT_CHARACTERS_MAX);
  t.equal(details.failed, false, report ?? `${details.numRuns} runs from seed ${details.seed}`);
}
