/** Quorum arithmetic against exact integers, and signer bitfields against plain sets. */

import fc from "fast-check";
import t from "tap";
import { AssertionError } from "../../types/assert.ts";
import { Epoch, ValidatorIndex } from "../../types/ids.ts";
import { SIGNERS_BYTES, VALIDATORS_MAX, WEIGHT_MAX } from "../../types/limits.ts";
import { isQuorum, Signers, totalWeightOf, type ValidatorSet, weightOfSigners } from "../../types/validator_set.ts";
import { validatorSets } from "../support/arbitraries.ts";
import { holds } from "../support/property.ts";

const TOTAL_MAX = WEIGHT_MAX * VALIDATORS_MAX;

t.test("isQuorum: any weights up to the largest total, the answer of exact arithmetic", async (t) => {
  const totals = fc.oneof(
    fc.integer({ min: 1, max: 40 }),
    fc.maxSafeInteger().map((value) => 1 + (Math.abs(value) % TOTAL_MAX)),
  );
  // Weights near two thirds of the total are where rounding would show.
  const cases = totals.chain((total) => {
    const third = Math.floor((2 * total) / 3);
    const near = fc.integer({ min: -2, max: 2 }).map((offset) => Math.min(total, Math.max(0, third + offset)));
    return fc.record({
      total: fc.constant(total),
      weight: fc.oneof(
        near,
        fc.nat(1_000).map((part) => Math.floor((total / 1_000) * part)),
      ),
    });
  });
  const property = fc.property(cases, ({ total, weight }) => isQuorum(weight, total) === 3n * BigInt(weight) > 2n * BigInt(total));
  holds(t, property, 2_000);
});

t.test("isQuorum: equal weights, the known sizes, and two quorums share more than a third", async (t) => {
  const sizes = [1, 2, 3, 4, 5, 6, 7, 10, 31, 100, 128];
  const smallest = sizes.map((count) => Array.from({ length: count + 1 }, (_, weight) => weight).find((weight) => isQuorum(weight, count)));
  t.same(smallest, [1, 2, 3, 3, 4, 5, 5, 7, 21, 67, 86]);
  for (const [index, count] of sizes.entries()) t.ok(3 * (2 * (smallest[index] as number) - count) > count, `${count} validators`);
});

t.test("isQuorum: the largest set with the largest weights, exact at the boundary", async (t) => {
  const boundary = (2 * TOTAL_MAX) / 3;
  t.ok(Number.isInteger(boundary));
  t.equal(isQuorum(boundary, TOTAL_MAX), false);
  t.equal(isQuorum(boundary + 1, TOTAL_MAX), true);
});

const indexLists = fc.uniqueArray(fc.nat(VALIDATORS_MAX - 1)).map((list) => list.map(ValidatorIndex.of));

t.test("Signers: any set of validators, listed in order, each bit where the layout says", async (t) => {
  const property = fc.property(indexLists, (list) => {
    const signers = Signers.of(list);
    const sorted = [...list].sort((left, right) => left - right);
    const hasAll = list.every((index) => Signers.has(signers, index) && ((signers[index >> 3] as number) & (1 << (index & 7))) !== 0);
    const bits = signers.reduce((count, byte) => count + byte.toString(2).replaceAll("0", "").length, 0);
    return signers.length === SIGNERS_BYTES && hasAll && bits === list.length && Signers.indices(signers).join() === sorted.join();
  });
  holds(t, property, 200);
});

t.test("Signers.with: the original stays as it was; the same validator twice changes nothing", async (t) => {
  const empty = Signers.empty();
  const one = Signers.with(empty, ValidatorIndex.of(9));
  t.same(Signers.indices(empty), []);
  t.same(
    one,
    Uint8Array.from({ length: SIGNERS_BYTES }, (_, index) => (index === 1 ? 2 : 0)),
  );
  t.same(Signers.with(one, ValidatorIndex.of(9)), one);
  t.throws(() => Signers.with(empty, ValidatorIndex.of(VALIDATORS_MAX)), AssertionError);
});

t.test("Signers.areWithin: a bit beyond the set, false", async (t) => {
  const property = fc.property(indexLists, fc.nat(VALIDATORS_MAX), (list, count) => {
    const highest = Math.max(-1, ...list);
    return Signers.areWithin(Signers.of(list), count) === highest < count;
  });
  holds(t, property, 200);
});

t.test("weightOfSigners: any subset, the sum of its members' weights; bits beyond the set weigh nothing", async (t) => {
  const property = fc.property(validatorSets, indexLists, (set, list) => {
    const expected = list.reduce((sum, index) => sum + BigInt(set.validators[index]?.weight ?? 0), 0n);
    return BigInt(weightOfSigners(set, Signers.of(list))) === expected;
  });
  holds(t, property, 200);
});

t.test("totalWeightOf: the largest set, exact; none or one too many members, assertion", async (t) => {
  const setOf = (count: number): ValidatorSet => ({
    epoch: Epoch.ZERO,
    validators: Array.from({ length: count }, () => ({
      blsPublicKey: new Uint8Array(48),
      blsPossession: new Uint8Array(96),
      sealingPublicKey: new Uint8Array(32),
      ed25519PublicKey: "0".repeat(64),
      weight: WEIGHT_MAX,
    })),
  });
  t.equal(BigInt(totalWeightOf(setOf(VALIDATORS_MAX))), BigInt(WEIGHT_MAX) * BigInt(VALIDATORS_MAX));
  t.throws(() => totalWeightOf(setOf(0)), AssertionError);
  t.throws(() => totalWeightOf(setOf(VALIDATORS_MAX + 1)), AssertionError);
});
