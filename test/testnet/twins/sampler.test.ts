/** The seeded order: a permutation of all numbers below the bound, another one for another seed, and no list kept. */

import t from "tap";
import { createSampler } from "../../../testnet/twins/sampler.ts";

const order = (total: number, seed: number): number[] => {
  const sampler = createSampler({ total: BigInt(total), seed });
  return Array.from({ length: total }, (_, position) => Number(sampler.at(BigInt(position))));
};

t.test("createSampler: every number below the bound exactly once, for every bound up to 200 and some larger ones", async (t) => {
  const bounds = [...Array.from({ length: 200 }, (_, index) => index + 1), 256, 257, 1_000, 4_095, 4_096, 4_097, 4_695];
  const isWhole = (numbers: readonly number[]): boolean =>
    new Set(numbers).size === numbers.length && Math.max(...numbers) < numbers.length;
  const broken = bounds.filter((bound) => !isWhole(order(bound, bound)));
  t.same(broken, []);
});

t.test("createSampler: the seed decides the order, the same one every time", async (t) => {
  t.same(order(1_000, 3), order(1_000, 3));
  t.notSame(order(1_000, 3), order(1_000, 4));
  t.notSame(order(1_000, 3), order(1_000, 3 + 2 ** 32), "all bits of a seed count");
});

t.test("createSampler: the beginning of the order is spread evenly over the numbers", async (t) => {
  const sampler = createSampler({ total: 1_141_124_462_957_083n, seed: 9 });
  const counts = new Array<number>(10).fill(0);
  const drawn = new Set<bigint>();
  for (let position = 0n; position < 5_000n; position++) {
    const number = sampler.at(position);
    drawn.add(number);
    const tenth = Number((number * 10n) / 1_141_124_462_957_083n);
    counts[tenth] = (counts[tenth] ?? 0) + 1;
  }
  t.equal(drawn.size, 5_000, "no repetition");
  t.ok(
    counts.every((count) => count > 400 && count < 600),
    `each tenth holds about a tenth: ${counts.join(" ")}`,
  );
});
