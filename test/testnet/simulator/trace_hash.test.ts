/** The trace hash: every field of every fact counts. The table is made by walking one sample of each fact (and of each message inside)
 *  and changing one leaf at a time; a field that is left out on purpose is named in NOT_HASHED. */

import t from "tap";
import type { Fact } from "../../../testnet/simulator/facts.ts";
import { createTraceHash } from "../../../testnet/simulator/trace_hash.ts";
import { ALL_SAMPLES, SAMPLE_FACTS } from "../report/sample_facts.ts";

/** Discriminators choose the shape, and are covered by samples of each; advice follows from its code; error text is never hashed. */
const NOT_HASHED = /(^|\.)(type|on)$|refusal\.(advice|canRetry)$|^error$/;

/** Required where others of the same name are optional. */
const REQUIRED = /(request\.hash|blocks\.0\.block|dropped\.(hash|refusal)|receipts\.\d+\.hash) absent$/;

function digestOf(facts: Iterable<Fact>): string {
  const hash = createTraceHash();
  for (const fact of facts) hash.observe(fact);
  return hash.digest;
}

/** Copies of `value` that differ from it in one leaf each, with the path of the leaf. */
function* variantsOf(value: unknown, path: string): Generator<readonly [string, unknown]> {
  if (typeof value === "number") yield [path, value + 1];
  else if (typeof value === "boolean") yield [path, !value];
  else if (typeof value === "string") yield [path, `${value.startsWith("a") ? "b" : "a"}${value.slice(1)}`];
  else if (value instanceof Uint8Array) {
    if (value.length > 0) yield [path, value.with(value.length - 1, (value.at(-1) ?? 0) ^ 1)];
  } else if (Array.isArray(value)) {
    if (value.length > 0) yield [`${path} shorter`, value.slice(0, -1)];
    for (const [index, item] of value.entries()) {
      for (const [inner, variant] of variantsOf(item, `${path}.${index}`)) yield [inner, value.with(index, variant)];
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      const inner = path === "" ? key : `${path}.${key}`;
      for (const [where, variant] of variantsOf(item, inner)) yield [where, { ...value, [key]: variant }];
      if (item !== undefined && isOptional(key)) yield [`${inner} absent`, { ...value, [key]: undefined }];
    }
  }
}

const isOptional = (key: string): boolean =>
  ["hash", "refusal", "block", "commitCertificate", "parentCertificate", "admittedBy", "forMs", "restoredHeight", "lostWrites"].includes(
    key,
  );

t.test("createTraceHash: one field of one fact changed, another digest", async (t) => {
  for (const [type, samples] of Object.entries(SAMPLE_FACTS)) {
    let changed = 0;
    for (const sample of samples) {
      const before = digestOf([sample]);
      const seen = new Set([before]);
      for (const [path, variant] of variantsOf(sample, "")) {
        if (NOT_HASHED.test(path) || REQUIRED.test(`${type}.${path}`)) continue;
        const after = digestOf([variant as Fact]);
        if (seen.has(after)) t.fail(`${type}: ${path} does not count, or equals another change`);
        seen.add(after);
        changed++;
      }
    }
    t.ok(changed > 0 || type === "halted", `${type}: ${changed} fields`);
  }
});

t.test("createTraceHash: two facts in another order, another digest", async (t) => {
  const [first, second] = [ALL_SAMPLES[0] as Fact, ALL_SAMPLES[1] as Fact];
  t.not(digestOf([first, second]), digestOf([second, first]));
  t.not(digestOf([first]), digestOf([first, first]));
  t.not(digestOf([]), digestOf([first]));
});

t.test("createTraceHash: times above 2^32 µs, all 53 bits count", async (t) => {
  const at = (atUs: number): string => digestOf([{ ...(SAMPLE_FACTS.snapshot[0] as Fact), atUs }]);
  const times = [0, 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 40, 2 ** 40 + 1, Number.MAX_SAFE_INTEGER];
  t.equal(new Set(times.map(at)).size, times.length);
});

t.test("createTraceHash: the samples, one digest on every runtime", async (t) => {
  const hash = createTraceHash();
  for (const fact of ALL_SAMPLES) hash.observe(fact);
  t.equal(hash.count, ALL_SAMPLES.length);
  t.match(hash.digest, /^[0-9a-f]{32}$/);
  t.equal(hash.digest, hash.digest, "reading it changes nothing");
  t.equal(hash.digest, "3dee8167303d373ee336a934ffc6db46");
});

t.test("createTraceHash: key order of plain data, no difference", async (t) => {
  const fact = SAMPLE_FACTS.fault[0] as Fact & { readonly type: "fault" };
  const turned = { ...fact, fault: { forMs: fact.fault.forMs ?? 0, action: fact.fault.action, when: fact.fault.when } };
  t.equal(digestOf([turned]), digestOf([fact]));
});
