/** The structures beside the records, which no root covers (L13), against plain arrays, Maps and BigInt. */

import fc from "fast-check";
import t from "tap";
import {
  addAmount,
  compareAmounts,
  isCovered,
  isSumInRange,
  readAmount,
  readInteger,
  subtractAmount,
  writeAmount,
  writeInteger,
} from "../../ledger/amounts.ts";
import { ExpiryQueue } from "../../ledger/expiry_queue.ts";
import { HashBatch } from "../../ledger/hash_batch.ts";
import { KeyOrder } from "../../ledger/key_order.ts";
import { wasmPairHasher } from "../../ledger/pair_hasher_wasm.ts";
import { RecordIndex } from "../../ledger/record_index.ts";
import { RecordTable, recordOffset } from "../../ledger/record_table.ts";
import { toHex } from "../../types/bytes.ts";
import { holds } from "../support/property.ts";

const amount = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  fc.constantFrom(0n, 1n, 2n ** 32n - 1n, 2n ** 64n, 2n ** 96n - 1n, 2n ** 128n - 1n),
);
const RANGE = 2n ** 128n;

function wordsOf(...amounts: readonly bigint[]): Uint32Array {
  const words = new Uint32Array(4 * amounts.length);
  for (const [index, value] of amounts.entries()) writeAmount(words, 4 * index, value);
  return words;
}

t.test("L7: amounts in words: sums, differences, order and cover equal BigInt's, carries are reported", async (t) => {
  const property = fc.property(amount, amount, amount, amount, (a, b, c, d) => {
    const words = wordsOf(a, b, c, d);
    const isInRange = isSumInRange(words, 0, 4, words, 8) === a + b + c < RANGE;
    const isFunded = isCovered(words, { credits: 0, debits: 4, pending: 8 }, words, 12) === a - b - c >= d;
    const isOrdered = Math.sign(compareAmounts(words, 0, words, 4)) === (a < b ? -1 : a > b ? 1 : 0);
    const sum = wordsOf(a, b);
    const carry = addAmount(sum, 0, sum, 4);
    const difference = wordsOf(a, b);
    const borrow = subtractAmount(difference, 0, difference, 4);
    const isSum = readAmount(sum, 0) === (a + b) % RANGE && carry === Number(a + b >= RANGE);
    return isInRange && isFunded && isOrdered && isSum && readAmount(difference, 0) === (a - b + RANGE) % RANGE && borrow === Number(a < b);
  });
  holds(t, property, 2_000);
  const integers = fc.property(fc.maxSafeNat(), (value) => {
    const words = new Uint32Array(2);
    writeInteger(words, 0, value);
    return readInteger(words, 0) === value;
  });
  holds(t, integers, 500);
});

t.test("L8: ExpiryQueue: gives the earliest time, then the lowest slot, under any inserts and removals", async (t) => {
  const step = fc.record({ slot: fc.integer({ min: 1, max: 700 }), time: fc.integer({ min: 1, max: 20 }) });
  const property = fc.property(fc.array(step, { maxLength: 600, size: "max" }), (steps) => {
    const queue = new ExpiryQueue();
    const expected = new Map<number, number>();
    for (const { slot, time } of steps) {
      if (expected.has(slot)) {
        if (!queue.remove(slot)) return false;
        expected.delete(slot);
      } else {
        queue.insert(slot, time);
        expected.set(slot, time);
      }
    }
    const order = [...expected].sort(([leftSlot, leftTime], [rightSlot, rightTime]) => leftTime - rightTime || leftSlot - rightSlot);
    return (
      order.every(([slot, time]) => queue.due(time - 1) === 0 && queue.due(time) === slot && queue.remove(slot)) &&
      queue.count === 0 &&
      !queue.remove(1)
    );
  });
  holds(t, property, 60);
});

function tableOf(keys: readonly number[]): RecordTable {
  const table = new RecordTable({ depth: 16, batch: new HashBatch(wasmPairHasher), keepsBefore: false });
  for (const key of keys) {
    const slot = table.append();
    table.prepare(slot)[recordOffset(slot)] = key;
  }
  return table;
}

const keyWords = (key: number): Uint32Array => Uint32Array.of(key, 0, 0, 0, 0, 0, 0, 0, 0);

t.test("L13: RecordIndex: finds what a Map finds under any inserts and removals, for any seed", async (t) => {
  const keys = Array.from({ length: 3_000 }, (_, index) => Math.imul(index + 1, 2_654_435_761) >>> 0);
  const table = tableOf(keys);
  const property = fc.property(
    fc.array(fc.integer({ min: 1, max: keys.length }), { maxLength: 3_000, size: "max" }),
    fc.uint8Array({ minLength: 8, maxLength: 8 }),
    (slots, seed) => {
      const index = new RecordIndex({ table, keyWords: 9, seed });
      const held = new Set<number>();
      for (const slot of slots) {
        if (held.delete(slot)) index.remove(slot);
        else {
          held.add(slot);
          index.insert(slot);
        }
      }
      return keys.every((key, at) => index.find(keyWords(key)) === (held.has(at + 1) ? at + 1 : 0));
    },
  );
  holds(t, property, 15);
});

t.test("L10: KeyOrder: predecessors are those of a sorted array under any inserts and removals", async (t) => {
  const keys = Array.from({ length: 2_000 }, (_, index) => Math.imul(index + 1, 2_654_435_761) >>> 0);
  const table = tableOf(keys);
  const bytewise = (key: number): string => toHex(new Uint8Array(Uint32Array.of(key).buffer));
  const slot = fc.integer({ min: 1, max: keys.length });
  const property = fc.property(
    fc.array(slot, { maxLength: 1_500, size: "max" }),
    fc.array(fc.nat({ max: 2 ** 32 - 1 }), { minLength: 20, maxLength: 20 }),
    (slots, probes) => {
      const order = new KeyOrder(table);
      const held = new Set<number>();
      for (const each of slots) {
        if (held.delete(each)) order.remove(each);
        else {
          held.add(each);
          order.insert(each);
        }
      }
      const sorted = [...held]
        .map((each) => ({ slot: each, key: bytewise(keys[each - 1] as number) }))
        .sort((left, right) => (left.key < right.key ? -1 : 1));
      const candidates = [...probes, ...slots.slice(0, 20).map((each) => keys[each - 1] as number)];
      return candidates.every(
        (probe) => order.predecessor(keyWords(probe)) === (sorted.findLast(({ key }) => key < bytewise(probe))?.slot ?? 0),
      );
    },
  );
  holds(t, property, 25);
});
