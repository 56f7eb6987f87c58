/** The state tree against its oracle: @chainsafe/ssz hashes the same records as lists of ByteVector[128]. */

import { ByteVectorType, ListCompositeType } from "@chainsafe/ssz";
import fc from "fast-check";
import t from "tap";
import { HashBatch } from "../../ledger/hash_batch.ts";
import type { PairHasher } from "../../ledger/pair_hasher.ts";
import { nativePairHasher } from "../../ledger/pair_hasher_native.ts";
import { wasmPairHasher } from "../../ledger/pair_hasher_wasm.ts";
import { RecordTable, recordOffset } from "../../ledger/record_table.ts";
import { toHex } from "../../types/bytes.ts";
import { holds } from "../support/property.ts";
import { ALICE, BOB, LedgerWorld, operation, transfer } from "./ledger_world.ts";

const HASHERS: readonly PairHasher[] = [wasmPairHasher, nativePairHasher];
const record = new ByteVectorType(128);

const newTable = (depth: number, hasher: PairHasher): RecordTable =>
  new RecordTable({ depth, batch: new HashBatch(hasher), keepsBefore: false });

function write(table: RecordTable, slot: number, value: number): void {
  const words = table.prepare(slot);
  words[recordOffset(slot) + (value % 32)] = value;
}

function oracle(table: RecordTable): string {
  const list = new ListCompositeType(record, 2 ** table.depth);
  return toHex(list.hashTreeRoot(Array.from({ length: table.count }, (_, slot) => table.record(slot))));
}

for (const hasher of HASHERS) {
  for (const count of [1, 2, 511, 512, 513, 1_024, 1_025, 2_600]) {
    t.test(`L9: RecordTable.root by ${hasher.name}: ${count} records hash as the SSZ list`, async (t) => {
      const table = newTable(28, hasher);
      while (table.count < count) write(table, table.append(), table.count * 2_654_435_761);
      t.equal(toHex(table.root()), oracle(table));
      for (const slot of [0, count >> 1, count - 1]) write(table, slot, 77);
      t.equal(toHex(table.root()), oracle(table), "after changing the first, a middle and the last record");
    });
  }
}

t.test(
  "L9 L12: RecordTable: random writes, appends, removals, roots and shares keep the SSZ root, and shared pages keep their bytes",
  async (t) => {
    const step = fc.record({
      what: fc.constantFrom("write", "append", "remove", "root", "share"),
      value: fc.integer({ min: 1, max: 2 ** 31 }),
    });
    const property = fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 520 }), (steps, first) => {
      const table = newTable(16, wasmPairHasher);
      while (table.count < first) write(table, table.append(), table.count);
      const shared: { readonly live: Uint8Array; readonly copy: Uint8Array }[] = [];
      for (const { what, value } of steps) {
        if (what === "write") write(table, value % table.count, value);
        else if (what === "append") write(table, table.append(), value);
        else if (what === "remove" && table.count > 1) table.removeNewest();
        else if (what === "root") table.root();
        else if (what === "share") for (const live of table.share()) shared.push({ live, copy: live.slice() });
      }
      return toHex(table.root()) === oracle(table) && shared.every(({ live, copy }) => toHex(live) === toHex(copy));
    });
    holds(t, property, 60);
  },
);

t.test("L9: createLedger, genesis and a block: the root equals @chainsafe/ssz over the model's records", async (t) => {
  const world = new LedgerWorld();
  t.equal(world.ledger.root, world.model.root(), "at genesis");
  world.run([world.payload(ALICE, [transfer(BOB, 5n), operation("registerAsset", { asset: 1, amount: 4n })])]);
  t.equal(world.ledger.root, world.model.root(), "after a block");
  const before = world.ledger.root;
  world.run([]);
  t.not(world.ledger.root, before, "an empty block moves height and time, which the root covers");
  t.equal(world.ledger.root, world.model.root());
});

t.test("L13: createLedger: both hashers reach the same roots", async (t) => {
  const worlds = HASHERS.map((hasher) => new LedgerWorld({ hasher }));
  for (let block = 0; block < 5; block++) {
    const roots = worlds.map((world) => world.run([world.payload(ALICE, [transfer(BOB, BigInt(block) + 1n)])]).stateRoot);
    t.equal(roots[0], roots[1]);
  }
});
