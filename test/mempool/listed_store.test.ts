/** The store of what lists name and the pool does not hold: a room for each validator, and a row of what our own pool let go. */

import t from "tap";
import { createListedStore, type ListedStore } from "../../mempool/listed_store.ts";
import { createSealedPool, type SealedAdmission } from "../../mempool/sealed_pool.ts";
import type { CheckResult, ParsedTransaction } from "../../types/application.ts";
import type { SealedEnvelope } from "../../types/envelope.ts";
import { type AccountId, type ChainId, Height, type TransactionHash, ValidatorIndex } from "../../types/ids.ts";
import { listBytesMax, listEntriesMax } from "../../types/inclusion_list.ts";
import { LISTED_BLOCKS_MAX } from "../../types/limits.ts";
import { type KeyId, SEALING_SUITES } from "../../types/sealing.ts";

const CHAIN = "c".repeat(64) as ChainId;
const KEY = "d".repeat(64) as KeyId;
const FUNDS = 100n;
const [ONE, TWO] = [ValidatorIndex.of(1), ValidatorIndex.of(2)];

interface Shape {
  readonly sender?: string;
  readonly nonce?: number;
  readonly fee?: number;
  readonly bytes?: number;
  readonly expiry?: number;
}

/** By default of a sender of its own. */
function transaction(name: string, { sender = name, nonce = 0, fee = 10, bytes = 10, expiry = 1_000 }: Shape = {}): ParsedTransaction {
  const expiryHeight = Height.of(expiry);
  const sealed = {
    chainId: CHAIN,
    suite: SEALING_SUITES.tdh2Ristretto255,
    keyId: KEY,
    sender: sender as AccountId,
    nonce,
    gasLimit: 4,
    fee,
    expiryHeight,
    sizeClass: 0,
  } as SealedEnvelope;
  return { hash: name as TransactionHash, bytes: new Uint8Array(bytes), sender, nonce, expiryHeight, operationCount: 4, sealed };
}

const REFUSED: CheckResult = { ok: false, refusal: { code: "poor", canRetry: true, advice: "" } };
const checkPayable = ({ sealed }: ParsedTransaction, reserved: bigint): CheckResult =>
  reserved + BigInt(sealed?.fee ?? 0) <= FUNDS ? { ok: true } : REFUSED;
const admission: SealedAdmission = { height: Height.of(1), keyId: KEY, checkPayable };

const storeFor = (validatorCount: number): ListedStore =>
  createListedStore({
    validatorCount,
    createRoom: (limits) => createSealedPool({ limits, chainId: CHAIN, suite: SEALING_SUITES.tdh2Ristretto255 }),
  });
const heldOf = (store: ListedStore, names: readonly string[]): readonly string[] =>
  names.filter((name) => store.get(name as TransactionHash) !== undefined);
const none = { transactions: [], checkPayable };

t.test("Q1: a full room is emptied for its own validator's list, nobody else's is touched", async (t) => {
  const store = storeFor(4);
  store.keep(TWO, transaction("other"), admission);
  const most = listEntriesMax(4);
  for (let index = 0; index < most; index++) store.keep(ONE, transaction(`${index}`, { sender: "one", nonce: index, fee: 0 }), admission);
  t.equal(store.count, most + 1);
  store.keep(ONE, transaction("new", { sender: "one", nonce: most, fee: 0 }), admission);
  t.same(heldOf(store, ["other", "0", "new"]), ["other", "new"]);
  t.equal(store.count, 2);
  t.equal(store.keptCount, most + 2);
});

t.test("Q2: a room holds one envelope for a nonce, and no more of a sender than it could pay", async (t) => {
  const store = storeFor(4);
  store.keep(ONE, transaction("first", { sender: "s" }), admission);
  store.keep(ONE, transaction("second", { sender: "s", fee: 11 }), admission);
  store.keep(TWO, transaction("third", { sender: "s", fee: 12 }), admission);
  store.keep(ONE, transaction("dear", { sender: "s", nonce: 1, fee: 91 }), admission);
  store.keep(ONE, transaction("cheap", { sender: "s", nonce: 1, fee: 90 }), admission);
  store.keep(ONE, transaction("foreign"), { ...admission, keyId: "e".repeat(64) as KeyId });
  t.same(heldOf(store, ["first", "second", "third", "dear", "cheap", "foreign"]), ["first", "third", "cheap"]);
});

t.test("Q3: of what our pool let go the oldest gives way, by number and by bytes", async (t) => {
  const store = storeFor(128);
  const most = listBytesMax(128);
  for (const name of ["a", "b", "c", "d"]) store.keepDropped(transaction(name, { bytes: most / 4 }), Height.of(1));
  store.keepDropped(transaction("e", { bytes: most / 2 }), Height.of(1));
  store.keepDropped(transaction("f", { bytes: most + 1 }), Height.of(1));
  t.same(heldOf(store, ["a", "b", "c", "d", "e", "f"]), ["c", "d", "e"]);
  for (let index = 0; index < listEntriesMax(128); index++) store.keepDropped(transaction(`${index}`), Height.of(1));
  t.equal(store.count, listEntriesMax(128));
});

t.test("Q4: what was ordered, has expired or is old goes; what cannot be paid any more waits in the row", async (t) => {
  const store = storeFor(4);
  store.keep(ONE, transaction("ordered"), admission);
  store.keep(ONE, transaction("expired", { expiry: 5 }), admission);
  store.keep(ONE, transaction("poor"), admission);
  store.keep(ONE, transaction("stays"), admission);
  store.keepDropped(transaction("row"), Height.of(1));
  const names = ["ordered", "expired", "poor", "stays", "row"];
  const checkPoor = (each: ParsedTransaction, reserved: bigint) => (each.sender === "poor" ? REFUSED : checkPayable(each, reserved));
  const ordered = [transaction("ordered"), transaction("spends", { sender: "poor", nonce: 1 })];
  store.advance({ height: Height.of(6), transactions: ordered, checkPayable: checkPoor });
  t.same(heldOf(store, names), ["poor", "stays", "row"]);
  store.advance({ ...none, height: Height.of(LISTED_BLOCKS_MAX + 1) });
  t.same(heldOf(store, names), ["poor", "stays", "row"]);
  store.advance({ ...none, height: Height.of(LISTED_BLOCKS_MAX + 2) });
  t.same(heldOf(store, names), ["poor"], "the row began later for it");
  store.advance({ ...none, height: Height.of(LISTED_BLOCKS_MAX + 7) });
  t.equal(store.count, 0);
});
