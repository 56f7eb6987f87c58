/** What holds of the canonical lane for any lists, among them f whose makers say what they like: honest lists name what their maker
 *  holds, the others name anything, also false descriptions. `plainLane` is a second, slower statement of the lane. */

import fc from "fast-check";
import t from "tap";
import { type Canon, type CanonInput, canon, type FirstListed, isSameEntry } from "../../mempool/canon.ts";
import { envelopeBytesOf, type ListEntry } from "../../types/envelope.ts";
import { Height, type TransactionHash } from "../../types/ids.ts";
import { holds } from "../support/property.ts";

const HEIGHT = Height.of(100);
const idOf = (number: number): TransactionHash => number.toString(16).padStart(64, "0") as TransactionHash;

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

/** A set of transactions, and n − f lists over them of which at most f were made by traitors. */
interface World {
  readonly faultMax: number;
  readonly transactions: readonly ListEntry[];
  /** What the honest makers among the chosen lists name. */
  readonly honest: readonly (readonly ListEntry[])[];
  readonly traitors: readonly (readonly ListEntry[])[];
  readonly firstListed: FirstListed;
  readonly ordered: ReadonlySet<TransactionHash>;
}

const describedAs = fc.record({
  expiryHeight: fc.integer({ min: 98, max: 104 }).map(Height.of),
  feeClass: fc.nat(3),
  sizeClass: fc.nat(2),
});

const worlds: fc.Arbitrary<World> = fc
  .record({ faultMax: fc.integer({ min: 1, max: 3 }), extra: fc.nat(2), count: fc.integer({ min: 1, max: 12 }), traitorCount: fc.nat(3) })
  .chain(({ faultMax, extra, count, traitorCount }) => {
    const listCount = 2 * faultMax + 1 + extra;
    const traitors = Math.min(faultMax, traitorCount);
    return fc.array(describedAs, { minLength: count, maxLength: count }).chain((descriptions) => {
      const transactions = descriptions.map((description, number) => entry(number, description));
      const ids = transactions.map(({ id }) => id);
      const lies = fc.uniqueArray(fc.nat(count + 2), { maxLength: count }).chain((picked) =>
        fc.tuple(
          ...picked.map((number) =>
            fc.oneof(
              fc.constant(transactions[number] ?? entry(number)),
              describedAs.map((description) => entry(number, description)),
            ),
          ),
        ),
      );
      return fc.record({
        faultMax: fc.constant(faultMax),
        transactions: fc.constant(transactions),
        honest: fc.array(fc.shuffledSubarray(transactions), { minLength: listCount - traitors, maxLength: listCount - traitors }),
        traitors: fc.array(lies, { minLength: traitors, maxLength: traitors }),
        firstListed: fc
          .shuffledSubarray(ids)
          .chain((aged) =>
            fc
              .array(fc.integer({ min: 20, max: 100 }), { minLength: aged.length, maxLength: aged.length })
              .map((heights) => new Map(aged.map((id, at) => [id, Height.of(heights[at] as number)]))),
          ),
        ordered: fc.subarray(ids, { maxLength: Math.min(2, count) }).map((some) => new Set(some)),
      });
    });
  });

function canonOf(world: World, fields: Partial<CanonInput> = {}): Canon {
  const { firstListed, ordered, faultMax } = world;
  return laneOf([...world.honest, ...world.traitors], {
    threshold: faultMax + 1,
    firstListed,
    isOrdered: (id) => ordered.has(id),
    ...fields,
  });
}

const honestCountOf = (world: World, { id }: ListEntry): number =>
  world.honest.filter((list) => list.some((each) => each.id === id)).length;
const isOrderable = (world: World, { id, expiryHeight }: ListEntry): boolean => expiryHeight >= HEIGHT && !world.ordered.has(id);
const positions = (lane: readonly ListEntry[]): Map<TransactionHash, number> => new Map(lane.map(({ id }, at) => [id, at]));

/** C1 to C4 again, one entry after the other: each time, the best of what is left. */
function plainLane(world: World, capacity: CanonInput["capacity"]): ListEntry[] {
  const lists = [...world.honest, ...world.traitors];
  const countOf = (described: ListEntry): number => lists.filter((list) => list.some((each) => isSameEntry(each, described))).length;
  const textOf = ({ expiryHeight, feeClass, sizeClass }: ListEntry): string =>
    [expiryHeight, feeClass, sizeClass].map((part) => String(part).padStart(5, "0")).join();
  const ageOf = ({ id }: ListEntry): number => Math.max(world.firstListed.get(id) ?? HEIGHT, HEIGHT - 63);
  const keyOf = (described: ListEntry): string => {
    const group = countOf(described) > world.faultMax ? 0 : 1;
    return `${group} ${99 - described.feeClass} ${String(ageOf(described)).padStart(3, "0")} ${described.id}`;
  };
  const isBetter = (one: ListEntry, other: ListEntry): boolean =>
    one.id === other.id && (countOf(one) > countOf(other) || (countOf(one) === countOf(other) && textOf(one) < textOf(other)));
  const orderable = lists.flat().filter((one) => isOrderable(world, one));
  let open = orderable.filter((one) => !orderable.some((other) => isBetter(other, one)));
  const lane: ListEntry[] = [];
  let bytes = 0;
  while (open.length > 0) {
    const [best] = [...open].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
    if (best === undefined) break;
    bytes += envelopeBytesOf(best.sizeClass);
    if (lane.length + 1 > capacity.count || bytes > capacity.bytes) break;
    lane.push(best);
    open = open.filter(({ id }) => id !== best.id);
  }
  return lane;
}

t.test("canon: any lists, the lane that the plain statement of its rules gives", async (t) => {
  const property = fc.property(worlds, fc.nat(12), fc.integer({ min: 0, max: 9_000 }), (world, count, bytes) => {
    const capacity = { count, bytes };
    return JSON.stringify(canonOf(world, { capacity }).lane) === JSON.stringify(plainLane(world, capacity));
  });
  holds(t, property, 300);
});

t.test("canon: lists and entries in any order, the same lane and leftovers", async (t) => {
  const property = fc.property(worlds, fc.nat(5), fc.infiniteStream(fc.nat()), (world, count, luck) => {
    const shuffled = <T>(items: readonly T[]): T[] => {
      const keyed = items.map((item) => ({ item, key: luck.next().value as number }));
      return keyed.sort((one, other) => one.key - other.key).map(({ item }) => item);
    };
    const capacity = { count, bytes: 1e9 };
    const given = canonOf(world, { capacity });
    const lists = shuffled([...world.honest, ...world.traitors]).map((entries) => ({ entries: shuffled(entries) }));
    const again = canonOf(world, { capacity, lists });
    return JSON.stringify([given.lane, [...given.leftovers]]) === JSON.stringify([again.lane, [...again.leftovers]]);
  });
  holds(t, property, 200);
});

t.test("canon: inclusion, what every honest list names is in the lane while there is room, whatever f lists say", async (t) => {
  // Any n − f lists hold at least n − 2f >= f + 1 honest ones. Weaker and enough: f + 1 honest lists name it.
  const property = fc.property(worlds, (world) => {
    const { lane } = canonOf(world);
    return world.transactions.every(
      (transaction) =>
        honestCountOf(world, transaction) <= world.faultMax ||
        !isOrderable(world, transaction) ||
        lane.some((each) => isSameEntry(each, transaction)),
    );
  });
  holds(t, property, 300);
});

t.test("canon: inclusion, at full capacity it is passed only by what ranks before it and an honest list names", async (t) => {
  const property = fc.property(worlds, fc.nat(6), (world, count) => {
    const { lane } = canonOf(world, { capacity: { count, bytes: 1e9 } });
    const place = positions(lane);
    return world.transactions.every((transaction) => {
      const isOwed = honestCountOf(world, transaction) > world.faultMax && isOrderable(world, transaction);
      if (!isOwed || place.has(transaction.id)) return true;
      const isOutranked = lane.every((each) => honestCountOf(world, each) > 0 && each.feeClass >= transaction.feeClass);
      return lane.length === count && isOutranked;
    });
  });
  holds(t, property, 300);
});

t.test(
  "canon: order, f lists put nothing that no honest list names before what f + 1 honest lists name, nor reorder fee classes among these",
  async (t) => {
    const property = fc.property(worlds, (world) => {
      const { lane } = canonOf(world);
      // What is in the lane is described truly or falsely; honest lists name the true description.
      const isTrue = (each: ListEntry): boolean => world.transactions.some((transaction) => isSameEntry(transaction, each));
      const isOwed = (each: ListEntry): boolean => isTrue(each) && honestCountOf(world, each) > world.faultMax;
      return lane.every((each, at) => {
        if (!isOwed(each)) return true;
        const before = lane.slice(0, at);
        return before.every((earlier) => honestCountOf(world, earlier) > 0 && (!isOwed(earlier) || earlier.feeClass >= each.feeClass));
      });
    });
    holds(t, property, 300);
  },
);
