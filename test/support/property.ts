/** Runs a fast-check property as one assertion whose message carries the seed, or the counterexample when it fails. */

import fc from "fast-check";
import type { Test } from "tap";

export function holds<Values>(t: Test, property: fc.IProperty<Values>, numRuns: number): void {
  const details = fc.check(property, { numRuns });
  t.equal(details.failed, false, fc.defaultReportMessage(details) ?? `${details.numRuns} runs from seed ${details.seed}`);
}
