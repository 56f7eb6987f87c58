/** C1 to C6 of the canonical lane, each by itself, and ages along random chains of blocks. What holds for any lists is in
 *  canon_properties.test.ts. */

import fc from "fast-check";
import t from "tap";
import { type Canon, type CanonInput, canon, type FirstListed, isSameEntry, leftoversOf } from "../../mempool/canon.ts";
import { AssertionError } from "../../types/assert.ts";
import { envelopeBytesOf, type ListEntry } from "../../types/envelope.ts";
import { Height, type TransactionHash } from "../../types/ids.ts";
import { LISTED_BLOCKS_MAX, SEALED_EXPIRY_HEIGHTS_MAX } from "../../types/limits.ts";
import { holds } from "../support/property.ts";

const HEIGHT = Height.of(100);
const idOf = (number: number): TransactionHash => number.toString(16).padStart(64, "0") as TransactionHash;
const numberOf = (id: TransactionHash): number => Number.parseInt(id, 16);

const entry = (number: number, fields: Partial<ListEntry> = {}): ListEntry => ({
  id: idOf(number),
  expiryHeight: Height.of(200),
  feeClass: 5,
  sizeClass: 0,
  ...fields,
});

const wide = { count: 10_000, bytes: 1e9 };
const none = (): boolean => false;

function laneOf(lists: readonly (readonly ListEntry[])[], fields: Partial<CanonInput> = {}): Canon {
  const input = { height: HEIGHT, threshold: 2, isOrdered: none, firstListed: new Map(), capacity: wide, ...fields };
  return canon({ lists: lists.map((entries) => ({ entries })), ...input });
}

const numbers = (entries: readonly ListEntry[]): number[] => entries.map(({ id }) => numberOf(id));
const left = ({ leftovers }: { readonly leftovers: FirstListed }): [number, number][] =>
  [...leftovers].map(([id, height]) => [numberOf(id), height]);

t.test("C1: ordered, expired and too far ahead: not in the lane, also at the boundary", async (t) => {
  const expiring = (number: number, height: number) => entry(number, { expiryHeight: Height.of(height) });
  const list = [
    expiring(1, 99),
    expiring(2, 100),
    expiring(3, 100 + SEALED_EXPIRY_HEIGHTS_MAX),
    expiring(4, 101 + SEALED_EXPIRY_HEIGHTS_MAX),
    entry(5),
  ];
  const result = laneOf([list, list], { isOrdered: (id) => id === idOf(5) });
  t.same(numbers(result.lane), [2, 3]);
  t.same(left(result), [], "as if not listed");
  t.same(
    left(laneOf([list], { capacity: { count: 0, bytes: 0 } })).map(([number]) => number),
    [3, 5],
    "what expires now is no leftover",
  );
});

t.test("C2, C3: f + 1 lists before fewer, then fee class, then age, then id", async (t) => {
  const [cheap, dear, old, plain] = [entry(1, { feeClass: 1 }), entry(2, { feeClass: 9 }), entry(4), entry(3)];
  const firstListed = new Map([[old.id, Height.of(98)]]);
  t.same(
    numbers(
      laneOf(
        [
          [plain, old, cheap],
          [cheap, dear, old, plain],
        ],
        { firstListed },
      ).lane,
    ),
    [4, 3, 1, 2],
  );
  t.same(
    numbers(
      laneOf(
        [
          [cheap, old],
          [plain, dear],
        ],
        { firstListed },
      ).lane,
    ),
    [2, 4, 3, 1],
    "all in the second group",
  );
  t.same(
    numbers(
      laneOf(
        [
          [cheap, old],
          [plain, dear],
        ],
        { firstListed, threshold: 1 },
      ).lane,
    ),
    [2, 4, 3, 1],
    "all in the first group",
  );
});

t.test("C4: the lane ends at the first entry that does not fit, by count and by bytes", async (t) => {
  const large = entry(2, { sizeClass: 3 });
  const list = [entry(1), large, entry(3), entry(4)];
  const bytes = 2 * envelopeBytesOf(0) + envelopeBytesOf(3);
  t.same(numbers(laneOf([list], { capacity: { count: 4, bytes } }).lane), [1, 2, 3]);
  t.same(
    numbers(laneOf([list], { capacity: { count: 4, bytes: envelopeBytesOf(0) + envelopeBytesOf(3) - 1 } }).lane),
    [1],
    "3 and 4 would fit",
  );
  t.same(numbers(laneOf([list], { capacity: { count: 2, bytes } }).lane), [1, 2]);
  const none = laneOf([list], { capacity: { count: 0, bytes } });
  t.same(numbers(none.lane), []);
  t.same(
    left(none),
    [1, 2, 3, 4].map((number) => [number, 100]),
  );
});

t.test("C5: one place for an id: the description in more lists, else the lower expiry height, fee class, size class", async (t) => {
  const plain = entry(1);
  const table: readonly (readonly [string, ListEntry[][], ListEntry])[] = [
    ["more lists", [[plain], [entry(1, { feeClass: 1 })], [plain]], plain],
    ["more lists, dearer", [[entry(1, { feeClass: 9 })], [plain], [entry(1, { feeClass: 9 })]], entry(1, { feeClass: 9 })],
    [
      "expiry height",
      [[plain], [entry(1, { expiryHeight: Height.of(199), feeClass: 9 })]],
      entry(1, { expiryHeight: Height.of(199), feeClass: 9 }),
    ],
    ["fee class", [[entry(1, { feeClass: 4, sizeClass: 2 })], [plain]], entry(1, { feeClass: 4, sizeClass: 2 })],
    ["size class", [[entry(1, { sizeClass: 1 })], [plain]], plain],
  ];
  for (const [what, lists, chosen] of table) t.same(laneOf(lists).lane, [chosen], what);
  const expired = entry(1, { expiryHeight: Height.of(99) });
  t.same(laneOf([[expired], [expired], [plain]]).lane, [plain], "a description outside of the window hides nothing");
  const split = laneOf([[entry(1)], [entry(1, { feeClass: 9 })], [entry(2)], [entry(2)]]);
  t.same(numbers(split.lane), [2, 1], "lists count for a description, not for an id");
});

t.test("C6: what is left over keeps its first height, at most LISTED_BLOCKS_MAX blocks back; a block without it begins anew", async (t) => {
  const full = { capacity: { count: 0, bytes: 0 } };
  const first = laneOf([[entry(1)]], full);
  t.same(left(first), [[1, 100]]);
  const second = laneOf([[entry(1), entry(2)]], { ...full, height: Height.of(101), firstListed: first.leftovers });
  t.same(left(second), [
    [1, 100],
    [2, 101],
  ]);
  const third = laneOf([[entry(2)]], { ...full, height: Height.of(102), firstListed: second.leftovers });
  t.same(left(third), [[2, 101]], "1 was not listed");
  const old = laneOf([[entry(1)]], { ...full, firstListed: new Map([[idOf(1), Height.of(3)]]) });
  t.same(left(old), [[1, 100 - LISTED_BLOCKS_MAX + 1]]);
  const ancient = new Map([
    [idOf(2), Height.of(3)],
    [idOf(3), Height.of(4)],
  ]);
  t.same(numbers(laneOf([[entry(3), entry(2), entry(1)]], { firstListed: ancient }).lane), [2, 3, 1], "beyond that all are equally old");
  t.throws(() => laneOf([[entry(1)]], { firstListed: new Map([[idOf(1), Height.of(101)]]) }), AssertionError);
});

t.test("isSameEntry: alike in all four fields", async (t) => {
  t.ok(isSameEntry(entry(1), entry(1)));
  for (const other of [entry(2), entry(1, { feeClass: 4 }), entry(1, { sizeClass: 1 }), entry(1, { expiryHeight: Height.of(5) })]) {
    t.notOk(isSameEntry(entry(1), other));
  }
});

t.test(
  "canon: what f lists can do, one lifts an entry of one honest list before another; f + 1 honest lists for it take that away",
  async (t) => {
    const [one, other] = [entry(1, { feeClass: 1 }), entry(2, { feeClass: 9 })];
    t.same(numbers(laneOf([[one], [other], []]).lane), [2, 1]);
    t.same(numbers(laneOf([[one], [other], [one]]).lane), [1, 2], "lifted by the third");
    t.same(numbers(laneOf([[one, other], [other], [one]]).lane), [2, 1]);
  },
);

/** Blocks one after the other: random lists over few ids, some capacity, now and then a block without lists. */
interface ChainBlock {
  readonly lists: readonly (readonly ListEntry[])[];
  readonly count: number;
}

const pool = Array.from({ length: 8 }, (_, number) =>
  entry(number, { expiryHeight: Height.of(number === 0 ? 90 : 1_000), feeClass: number % 2 }),
);
const mostly = <T>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 150, arbitrary: usual }, { weight: 1, arbitrary: rare });
const chains: fc.Arbitrary<readonly ChainBlock[]> = fc.array(
  fc.record({
    lists: mostly(fc.array(fc.subarray(pool, { minLength: 6 }), { minLength: 2, maxLength: 3 }), fc.constant<ListEntry[][]>([])),
    count: mostly(fc.constant(0), fc.constant(1)),
  }),
  { minLength: 1, maxLength: 160, size: "max" },
);

t.test(
  "C6: ages computed along the chain, and from its last LISTED_BLOCKS_MAX blocks alone with all that is known later, are the same",
  async (t) => {
    let clamped = 0;
    const property = fc.property(chains, (chain) => {
      const ordered = new Set<TransactionHash>();
      const blocks: {
        readonly lists: readonly { readonly entries: readonly ListEntry[] }[];
        readonly height: Height;
        readonly laneIds: ReadonlySet<TransactionHash>;
      }[] = [];
      let along: FirstListed = new Map();
      for (const [index, { lists, count }] of chain.entries()) {
        const height = Height.of(index + 1);
        const capacity = { count, bytes: 1e9 };
        const before = new Set(ordered);
        const given = { height, firstListed: along, isOrdered: (id: TransactionHash) => before.has(id) };
        const result = laneOf(lists, { ...given, capacity });
        const block = { lists: lists.map((entries) => ({ entries })), height, laneIds: new Set(result.lane.map(({ id }) => id)) };
        const known = leftoversOf({ ...given, ...block });
        if (JSON.stringify([...known]) !== JSON.stringify([...result.leftovers])) return false;
        for (const id of block.laneIds) ordered.add(id);
        blocks.push(block);
        along = result.leftovers;
      }
      let again: FirstListed = new Map();
      for (const block of blocks.slice(-LISTED_BLOCKS_MAX))
        again = leftoversOf({ ...block, firstListed: again, isOrdered: (id) => ordered.has(id) });
      if ([...along.values()].some((height) => height === chain.length - LISTED_BLOCKS_MAX + 1)) clamped++;
      return JSON.stringify([...along]) === JSON.stringify([...again]);
    });
    holds(t, property, 60);
    t.ok(clamped > 0, `${clamped} chains had an age at its bound`);
  },
);

t.test("canon: full lists of 12 validators, ranked within the time of a proposal", async (t) => {
  const lists = Array.from({ length: 8 }, (_, list) =>
    Array.from({ length: 1_024 }, (_, at) => entry((at * 7 + list * 300) % 3_000, { feeClass: at % 50 })),
  );
  const { lane } = laneOf(lists, { threshold: 4, capacity: { count: 2_048, bytes: 4 * 1024 * 1024 } });
  t.equal(lane.length, 2_048);
});
