/** The store of what lists name and the pool does not hold: bounded for each validator, by number and bytes. */

import t from "tap";
import { createListedStore } from "../../mempool/listed_store.ts";
import type { ParsedTransaction } from "../../types/application.ts";
import { Height, type TransactionHash, ValidatorIndex } from "../../types/ids.ts";
import { listBytesMax, listEntriesMax } from "../../types/inclusion_list.ts";

const idOf = (name: string | number): TransactionHash => String(name) as TransactionHash;
const transaction = (name: string | number, bytes = 10, expiryHeight = 100): ParsedTransaction => ({
  hash: idOf(name),
  bytes: new Uint8Array(bytes),
  sender: "sender",
  nonce: 0,
  expiryHeight: Height.of(expiryHeight),
  operationCount: 1,
});
const [ONE, TWO] = [ValidatorIndex.of(1), ValidatorIndex.of(2)];

t.test("Q1: number: the oldest of the same validator gives way, nobody else's", async (t) => {
  const store = createListedStore(4);
  store.keep(TWO, transaction("other"));
  const most = listEntriesMax(4);
  for (let index = 0; index <= most; index++) store.keep(ONE, transaction(index));
  t.equal(store.count, most + 1);
  t.equal(store.keptCount, most + 2);
  t.equal(store.get(idOf(0)), undefined);
  t.ok(store.get(idOf(1)));
  t.ok(store.get(idOf("other")));
});

t.test("Q1: bytes: as many of the oldest give way as are needed; what never fits is not taken", async (t) => {
  const store = createListedStore(128);
  const most = listBytesMax(128);
  for (const name of ["a", "b", "c", "d"]) store.keep(ONE, transaction(name, most / 4));
  store.keep(ONE, transaction("e", most / 2));
  t.same(
    ["a", "b", "c", "d", "e"].map((name) => store.get(idOf(name)) !== undefined),
    [false, false, true, true, true],
  );
  store.keep(ONE, transaction("f", most + 1));
  t.equal(store.get(idOf("f")), undefined);
  t.equal(store.count, 3);
});

t.test("keep: what is held stays with whom it is; remove and expire make room again", async (t) => {
  const store = createListedStore(4);
  store.keep(ONE, transaction("a", 10, 5));
  store.keep(TWO, transaction("a", 10, 5));
  store.keep(TWO, transaction("b", 10, 6));
  t.equal(store.count, 2);
  store.expire(Height.of(6));
  t.equal(store.get(idOf("a")), undefined);
  t.ok(store.get(idOf("b")));
  store.remove([idOf("b"), idOf("unknown")]);
  t.equal(store.count, 0);
});
