/** Streams of one seed are independent by name, and the same on every runtime. */

import { test } from "tap";
import { createStream } from "../../../testnet/simulator/streams.ts";

/** Made by this code once. */
const GOLDEN = [1184708556, 3413496824, 1573193308, 309727886];

test("Stream: one seed and name, gives these numbers on every runtime", async (t) => {
  const stream = createStream(42, "net/0/1");
  t.same(
    Array.from({ length: 4 }, () => stream.uint32()),
    GOLDEN,
  );
});

test("Stream: other seed or other name, gives other numbers", async (t) => {
  const first = (seed: number, name: string): number => createStream(seed, name).uint32();
  const seen = new Set<number>();
  for (let seed = 0; seed < 50; seed++) for (const name of ["a", "b", "disk/1", "disk/2"]) seen.add(first(seed, name));
  t.equal(seen.size, 200);
});

test("Stream: below and between, stay within their bounds and reach both ends", async (t) => {
  const stream = createStream(1, "bounds");
  const seen = new Set(Array.from({ length: 1_000 }, () => stream.between(3, 6)));
  t.same([...seen].sort(), [3, 4, 5, 6]);
  t.ok(Array.from({ length: 1_000 }, () => stream.below(7)).every((value) => value >= 0 && value < 7));
});

test("Stream: shuffled, is a permutation and leaves its argument alone", async (t) => {
  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  const shuffled = createStream(9, "shuffle").shuffled(items);
  t.same(items, [1, 2, 3, 4, 5, 6, 7, 8]);
  t.notSame(shuffled, items);
  t.same([...shuffled].sort(), items);
});

test("Stream: chance of 0 and of 1, never and always", async (t) => {
  const stream = createStream(5, "chance");
  t.ok(Array.from({ length: 500 }, () => stream.chance(0)).every((hit) => !hit));
  t.ok(Array.from({ length: 500 }, () => stream.chance(1)).every((hit) => hit));
});
