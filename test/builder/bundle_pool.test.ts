/** P1 to P4 of the bundle pool, each by itself, and its bounds under random use. */

import fc from "fast-check";
import t from "tap";
import type { BundleContents, BundleId } from "../../builder/bundle.ts";
import { BUNDLE_POOL_LIMITS, type BundlePool, type BundlePoolLimits, createBundlePool } from "../../builder/bundle_pool.ts";
import { sha256 } from "../../crypto/hashes.ts";
import { AssertionError } from "../../types/assert.ts";
import { asciiBytes, concatBytes, fromHex, toHex } from "../../types/bytes.ts";
import type { SealedEnvelope } from "../../types/envelope.ts";
import { type BlockHash, Height } from "../../types/ids.ts";
import { holds } from "../support/property.ts";
import { named, type Shape, transaction } from "./builder_world.ts";

interface BundleShape {
  readonly from?: number;
  readonly to?: number;
  readonly tip?: number | bigint;
  readonly transactions?: readonly Shape[];
}

function contents({ from = 1, to = 10, tip = 5, transactions = [{}] }: BundleShape = {}): BundleContents {
  return { from: Height.of(from), to: Height.of(to), tip: BigInt(tip), transactions: transactions.map(transaction) };
}

const small = (change: Partial<BundlePoolLimits> = {}): BundlePool => createBundlePool({ ...BUNDLE_POOL_LIMITS, ...change });

function codeOf(pool: BundlePool, shape: BundleShape): string {
  const result = pool.add(contents(shape));
  return result.ok ? "ok" : result.refusal.code;
}

function idOf(pool: BundlePool, shape: BundleShape): BundleId {
  const result = pool.add(contents(shape));
  if (!result.ok) throw new Error(result.refusal.code);
  return result.id;
}

const by = (sender: string, nonce = 0): Shape => ({ sender, nonce });
const at = (height: number, countMax = 100) => ({ height: Height.of(height), countMax, isExcluded: () => false });
const tips = (pool: BundlePool, height: number, countMax?: number): bigint[] => pool.candidates(at(height, countMax)).map(({ tip }) => tip);

t.test("P1: add: what is wrong with a bundle, each with its own code", async (t) => {
  const pool = small({ transactionsMax: 3 });
  pool.advance({ height: Height.of(4) });
  const rows: readonly { readonly shape: BundleShape; readonly code: string }[] = [
    { shape: { transactions: [] }, code: "empty" },
    { shape: { transactions: [by("a", 0), by("a", 1), by("a", 2), by("a", 3)] }, code: "tooManyTransactions" },
    { shape: { transactions: [{ bytes: 65_600 }] }, code: "oversize" },
    { shape: { transactions: [{ isKeygen: true }] }, code: "notOpen" },
    { shape: { transactions: [by("a", 2), by("b"), by("a", 1)] }, code: "nonceOrder" },
    { shape: { transactions: [by("a", 2), { ...by("a", 2), variant: 1 }] }, code: "nonceOrder" },
    { shape: { transactions: [by("", 0), by("", 0)] }, code: "nonceOrder" },
    { shape: { tip: -1 }, code: "tipOutOfRange" },
    { shape: { tip: 2n ** 128n }, code: "tipOutOfRange" },
    { shape: { from: 8, to: 7 }, code: "rangeEmpty" },
    { shape: { from: 8, to: 9, transactions: [{ expiry: 7 }] }, code: "rangeEmpty" },
    { shape: { to: 4 }, code: "expired" },
    { shape: { to: 9, transactions: [{ expiry: 4 }] }, code: "expired" },
    { shape: { to: 4 + BUNDLE_POOL_LIMITS.horizonHeights + 1 }, code: "tooFar" },
    { shape: { to: 4 + BUNDLE_POOL_LIMITS.horizonHeights }, code: "ok" },
    { shape: { tip: 2n ** 128n - 1n, transactions: [by("", 0), { ...by("", 0), variant: 1 }] }, code: "ok" },
  ];
  for (const { shape, code } of rows)
    t.equal(codeOf(pool, shape), code, `${code}: ${JSON.stringify(shape, (_, value) => String(value)).slice(0, 80)}`);
  const sealed = { ...transaction(), sealed: {} as SealedEnvelope };
  const result = pool.add({ ...contents(), transactions: [sealed] });
  t.equal(!result.ok && result.refusal.code, "notOpen");
});

t.test("P1: add: so many bundles of one searcher, who is the sender of the first transaction", async (t) => {
  const pool = small({ searcherCountMax: 2 });
  t.equal(codeOf(pool, { tip: 1 }), "ok");
  const second = idOf(pool, { tip: 2 });
  t.equal(codeOf(pool, { tip: 3 }), "searcherLimit");
  t.equal(codeOf(pool, { tip: 3, transactions: [by("bob"), by("alice", 5)] }), "ok");
  pool.finish(second, { type: "unfit" });
  t.equal(codeOf(pool, { tip: 3 }), "ok");
});

t.test("P2: add: a bundle is its heights, tip and transactions; it is taken once, and not again when it is over", async (t) => {
  const pool = small({ finishedMax: 1 });
  const id = idOf(pool, {});
  const fields = new Uint8Array(32);
  fields.set([1], 0);
  fields.set([10], 8);
  fields.set([5], 16);
  const tag = new Uint8Array(16);
  tag.set(asciiBytes("sls/bundle-id/1"));
  t.equal(id, toHex(sha256(concatBytes([tag, fields, fromHex(transaction().hash)]))));
  t.equal(codeOf(pool, {}), "duplicate");
  const others = [{ from: 2 }, { to: 9 }, { tip: 6 }, { tip: 2n ** 64n + 5n }, { transactions: [by("bob")] }];
  t.equal(new Set(others.map((shape) => idOf(pool, shape))).size, others.length);
  pool.finish(id, { type: "unfit" });
  t.equal(codeOf(pool, {}), "finished");
  t.same(pool.statusOf(id), { type: "notIncluded", reason: { type: "unfit" } });
  pool.finish(idOf(pool, { tip: 7 }), { type: "unfit" });
  t.equal(pool.statusOf(id), undefined, "as many ends as finishedMax are remembered");
  t.equal(codeOf(pool, {}), "ok");
});

t.test("P3: add to a full pool: what is worth least gives way to what says more, and may come again", async (t) => {
  const pool = small({ countMax: 2 });
  const low = idOf(pool, { tip: 1 });
  idOf(pool, { tip: 5 });
  t.equal(codeOf(pool, { tip: 1, from: 2 }), "poolFull", "an equal tip pushes nobody out");
  t.same(pool.add(contents({ tip: 3 })), { ok: true, id: idOfContents({ tip: 3 }), evicted: [low] });
  t.same(pool.statusOf(low), { type: "notIncluded", reason: { type: "evicted" } });
  t.equal(codeOf(pool, { tip: 1 }), "poolFull");

  const heavy = small({ bytesMax: 1_000 });
  for (const tip of [1, 2, 9]) idOf(heavy, { tip, transactions: [{ bytes: 300 }] });
  const evicting = heavy.add(contents({ tip: 5, transactions: [{ bytes: 600 }] }));
  t.equal(evicting.ok && evicting.evicted.length, 2);
  t.equal(heavy.bytes, 900);
  t.equal(codeOf(heavy, { tip: 8, transactions: [{ bytes: 800 }] }), "poolFull");
});

t.test("P3: noteMeasured: what was simulated is worth what it brought, or nothing when it failed", async (t) => {
  const pool = small({ countMax: 2 });
  const liar = idOf(pool, { tip: 1_000 });
  idOf(pool, { tip: 5 });
  pool.noteMeasured(liar, { reason: { type: "tipNotPaid", declared: 1_000n, measured: 1n } });
  t.same(pool.statusOf(liar), { type: "pending", last: { type: "tipNotPaid", declared: 1_000n, measured: 1n } });
  t.same(tips(pool, 1), [5n, 1_000n]);
  const added = pool.add(contents({ tip: 2 }));
  t.same(added.ok && added.evicted, [liar]);
  const other = idOfContents({ tip: 2 });
  pool.noteMeasured(other, { gain: 70n });
  t.same(tips(pool, 1), [2n, 5n]);
  pool.noteMeasured(other, { reason: { type: "noRoom" } });
  t.same(tips(pool, 1), [2n, 5n], "no room says nothing about its worth");
});

t.test("candidates: for this height, worth most first, as many as asked for, without those excluded", async (t) => {
  const pool = small();
  idOf(pool, { from: 1, to: 2, tip: 3 });
  idOf(pool, { from: 2, to: 3, tip: 9 });
  idOf(pool, { from: 1, to: 9, tip: 7, transactions: [{ expiry: 2 }] });
  t.same(tips(pool, 1), [7n, 3n]);
  t.same(tips(pool, 2), [9n, 7n, 3n]);
  t.same(tips(pool, 3), [9n], "the transaction of one has expired");
  t.same(tips(pool, 2, 1), [9n]);
  t.same(
    pool.candidates({ ...at(2), isExcluded: ({ tip }) => tip === 9n }).map(({ tip }) => tip),
    [7n, 3n],
  );
});

t.test("P4: advance: a bid that is not final lost, and what can stand no higher ends with what kept it out", async (t) => {
  const pool = small();
  const [quiet, offered, failed] = [idOf(pool, { to: 2 }), idOf(pool, { to: 3, tip: 6 }), idOf(pool, { to: 2, tip: 7 })];
  const later = idOf(pool, { to: 9, tip: 8 });
  const expiring = idOf(pool, { to: 9, transactions: [{ expiry: 2 }] });
  pool.noteOffered(offered, { height: Height.of(2), sequence: 4, value: 3n });
  pool.noteOffered(later, { height: Height.of(3), sequence: 5, value: 3n });
  t.same(pool.statusOf(offered), { type: "offered", height: 2, sequence: 4, value: 3n });
  pool.noteMeasured(failed, { reason: { type: "simulationFailed", position: 0, code: 4 } });
  pool.advance({ height: Height.of(2) });
  t.same(pool.statusOf(quiet), { type: "notIncluded", reason: { type: "expired" } });
  t.same(pool.statusOf(failed), { type: "notIncluded", reason: { type: "simulationFailed", position: 0, code: 4 } });
  t.same(pool.statusOf(offered), { type: "pending", last: { type: "lostAuction", height: 2 } });
  t.same(pool.statusOf(later)?.type, "offered");
  t.same(pool.statusOf(expiring), { type: "notIncluded", reason: { type: "expired" } }, "its transaction can be ordered no more");
  pool.advance({ height: Height.of(3) });
  t.same(pool.statusOf(offered), { type: "notIncluded", reason: { type: "lostAuction", height: 2 } });
  t.same(pool.statusOf(later), { type: "pending", last: { type: "lostAuction", height: 3 } });
  pool.advance({ height: Height.of(1) });
  t.equal(codeOf(pool, { to: 3, tip: 1 }), "expired", "it never goes back");
});

t.test("P4: finishIncluded: whoever wanted one of its nonces is over, and says to whom it went", async (t) => {
  const pool = small();
  const winner = idOf(pool, { transactions: [by("a", 1), by("b", 2)] });
  const rival = idOf(pool, { transactions: [by("c", 0), { ...by("b", 2), variant: 1 }] });
  const free = idOf(pool, { transactions: [by("b", 3)] });
  const place = { height: Height.of(3), blockHash: named<BlockHash>("block"), position: 1 };
  pool.finishIncluded(winner, place);
  t.same(pool.statusOf(winner), { type: "included", ...place });
  t.same(pool.statusOf(rival), { type: "notIncluded", reason: { type: "conflict", with: { type: "bundle", id: winner } } });
  t.same(pool.statusOf(free), { type: "pending", last: undefined });
  t.same(pool.holding(transaction(by("a", 1)).hash), []);
  t.same(
    pool.holding(transaction(by("b", 3)).hash).map(({ id }) => id),
    [free],
  );
});

t.test("P4: finishIncluded: of what was pushed out while a bid held it too", async (t) => {
  const pool = small({ countMax: 1 });
  const low = idOf(pool, { tip: 1 });
  pool.noteOffered(low, { height: Height.of(2), sequence: 4, value: 3n });
  idOf(pool, { tip: 2 });
  const place = { height: Height.of(2), blockHash: named<BlockHash>("block"), position: 0 };
  pool.finishIncluded(low, place);
  t.same(pool.statusOf(low), { type: "included", ...place });
  t.equal(pool.count, 1);
});

t.test("createBundlePool: a limit of zero is our own error", async (t) => {
  t.throws(() => small({ countMax: 0 }), AssertionError);
});

function idOfContents(shape: BundleShape): BundleId {
  return idOf(small(), shape);
}

t.test("P1: under random use: count, bytes and searchers stay within bounds and never drift; every id keeps a status", async (t) => {
  const limits: BundlePoolLimits = {
    countMax: 5,
    bytesMax: 1_500,
    searcherCountMax: 3,
    transactionsMax: 2,
    horizonHeights: 8,
    finishedMax: 1_000,
  };
  const arbitraryStep = fc.record({
    action: fc.constantFrom("add", "add", "add", "measure", "offer", "include", "fail", "advance"),
    senders: fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 }),
    bytes: fc.constantFrom(100, 400, 1_600),
    number: fc.integer({ min: 0, max: 12 }),
  });
  const property = fc.property(fc.array(arbitraryStep, { maxLength: 60 }), (steps) => {
    const pool = createBundlePool(limits);
    const ids: BundleId[] = [];
    let height = 0;
    for (const { action, senders, bytes, number } of steps) {
      const id = ids[number];
      if (action === "add") {
        const transactions = senders.map((sender, index) => ({ sender, nonce: number + index, bytes }));
        const added = pool.add(contents({ tip: number, to: height + number, from: 0, transactions }));
        if (added.ok) ids.push(added.id);
      } else if (action === "advance") {
        height += number % 3;
        pool.advance({ height: Height.of(height) });
      } else if (id === undefined) continue;
      else if (action === "measure") pool.noteMeasured(id, { gain: BigInt(number) });
      else if (action === "offer") pool.noteOffered(id, { height: Height.of(height + 1), sequence: 1, value: 1n });
      else if (action === "fail") pool.noteFailed(id, { type: "executionFailed", height: Height.of(height), position: 0, code: 1 });
      else pool.finishIncluded(id, { height: Height.of(height), blockHash: named<BlockHash>("b"), position: 0 });
      if (pool.count > limits.countMax || pool.bytes > limits.bytesMax) return false;
      const open = ids.filter((each) => pool.get(each) !== undefined);
      if (new Set(open).size !== pool.count || ids.some((each) => pool.statusOf(each) === undefined)) return false;
      const searchers = open.map((each) => pool.get(each)?.searcher);
      if (searchers.some((each) => searchers.filter((other) => other === each).length > limits.searcherCountMax)) return false;
    }
    pool.advance({ height: Height.of(1_000) });
    return pool.count === 0 && pool.bytes === 0 && ids.every((id) => ["included", "notIncluded"].includes(pool.statusOf(id)?.type ?? ""));
  });
  holds(t, property, 150);
});
