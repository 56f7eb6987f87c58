/** P1 to P4 of the bundle pool, each by itself, and its bounds under random use. */

import fc from "fast-check";
import t from "tap";
import { type BundleContents, type BundleId, failureOf } from "../../builder/bundle.ts";
import { BUNDLE_POOL_LIMITS, type BundlePool, type BundlePoolLimits, createBundlePool } from "../../builder/bundle_pool.ts";
import { sha256 } from "../../crypto/hashes.ts";
import { AssertionError } from "../../types/assert.ts";
import { asciiBytes, concatBytes, fromHex, toHex } from "../../types/bytes.ts";
import type { SealedEnvelope } from "../../types/envelope.ts";
import { type BlockHash, Height, type TransactionHash } from "../../types/ids.ts";
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
const worths = (pool: BundlePool): bigint[] => pool.candidates(at(1)).map(({ worth }) => worth);
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

t.test("P1: add: so many bundles of one searcher that are worth something; the sender of the first transaction counts", async (t) => {
  const pool = small({ searcherCountMax: 2 });
  const [first, second] = [idOf(pool, { tip: 1 }), idOf(pool, { tip: 2 })];
  for (const [id, gain] of [[first, 4n] as const, [second, 6n] as const]) pool.noteMeasured(id, { gain });
  t.equal(codeOf(pool, { tip: 4 }), "searcherLimit");
  t.equal(codeOf(pool, { tip: 3, transactions: [by("bob"), by("alice", 5)] }), "ok");
  const better = idOf(pool, { tip: 5 });
  t.equal(pool.statusOf(first)?.type, "pending", "nothing goes for what is only said");
  pool.noteMeasured(better, { gain: 5n });
  t.same(pool.statusOf(first), { type: "notIncluded", reason: { type: "evicted" } }, "what is worth least of this searcher");
  pool.noteFailed(second, { type: "executionFailed", height: Height.of(1), position: 0, code: 4, operations: [] });
  t.equal(codeOf(pool, { tip: 3 }), "ok", "what fails does not count");
});

t.test("P1: add: bundles that begin with somebody's transaction and fail, or are not measured, do not keep its sender out", async (t) => {
  const pool = small();
  const victim = by("victim", 7);
  for (let index = 0; index < BUNDLE_POOL_LIMITS.searcherCountMax; index++) {
    const id = idOf(pool, { tip: 1_000 + index, transactions: [victim, by("attacker", index)] });
    if (index % 2 === 0) pool.noteMeasured(id, { reason: { type: "simulationFailed", position: 1, code: 104, operations: [] } });
  }
  t.equal(codeOf(pool, { tip: 1, transactions: [by("victim", 8)] }), "ok");
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

t.test(
  "P3: add to a full pool: failed ones go first, then unmeasured ones that hold their share, then what is worth less than the tip",
  async (t) => {
    const pool = small({ countMax: 4 });
    const [failed, low, high, fresh] = [1, 2, 3, 4].map((tip) => idOf(pool, { tip })) as [BundleId, BundleId, BundleId, BundleId];
    pool.noteMeasured(low, { gain: 20n });
    pool.noteMeasured(high, { gain: 30n });
    pool.noteMeasured(failed, { reason: { type: "tipNotPaid", declared: 1n, measured: 0n } });
    const evictedBy = (shape: BundleShape): readonly BundleId[] | undefined => {
      const added = pool.add(contents(shape));
      return added.ok ? added.evicted : undefined;
    };
    t.same(evictedBy({ tip: 5 }), [failed]);
    t.same(pool.statusOf(failed), { type: "notIncluded", reason: { type: "evicted" } });
    t.same(evictedBy({ tip: 1 }), [fresh], "the oldest that nobody has measured");
    const [fifth, sixth] = [idOfContents({ tip: 5 }), idOfContents({ tip: 1 })];
    pool.noteMeasured(fifth, { gain: 50n });
    pool.noteMeasured(sixth, { gain: 60n });
    t.equal(codeOf(pool, { tip: 20 }), "poolFull", "an equal tip pushes nobody out");
    t.same(evictedBy({ tip: 21 }), [low], "a higher one takes the place of what is worth least");
    t.same(evictedBy({ tip: 1_000 }), [idOfContents({ tip: 21 })], "but unmeasured ones get no more than their share");
    pool.finish(high, { type: "unfit" });
    t.same(evictedBy({ tip: 1, from: 2 }), [], "a place is free");
    t.equal(pool.get(idOfContents({ tip: 1_000 }))?.tip, 1_000n);
  },
);

t.test("P3: add to a full pool: a flood of high tips that nobody has measured takes no more than its share", async (t) => {
  const pool = small({ countMax: 16 });
  const honest = Array.from({ length: 16 }, (_, index) => idOf(pool, { tip: 1, transactions: [by("honest", index)] }));
  for (const [index, id] of honest.entries()) pool.noteMeasured(id, { gain: 10n + BigInt(index) });
  for (let index = 0; index < 200; index++) idOf(pool, { tip: 2n ** 127n, from: 5, transactions: [by(`liar ${index}`)] });
  t.same(
    honest.filter((id) => pool.get(id) !== undefined),
    honest.slice(4),
  );
  t.equal(pool.count, 16);
});

t.test("P3: add to a full pool: bytes count like places", async (t) => {
  const pool = small({ bytesMax: 1_000 });
  const ids = [1, 2, 9].map((tip) => idOf(pool, { tip, transactions: [{ bytes: 300 }] }));
  const added = pool.add(contents({ tip: 5, transactions: [{ bytes: 600 }] }));
  t.same(added.ok && added.evicted, ids.slice(0, 2));
  t.equal(pool.bytes, 900);
  for (const id of [ids[2] as BundleId, added.ok ? added.id : (ids[0] as BundleId)]) pool.noteMeasured(id, { gain: 9n });
  t.equal(codeOf(pool, { tip: 8, transactions: [{ bytes: 800 }] }), "poolFull");
});

t.test("P3: noteMeasured: what was simulated is worth what it brought, or nothing when it failed or was not yet", async (t) => {
  const pool = small();
  const [liar, other] = [idOf(pool, { tip: 1_000 }), idOf(pool, { tip: 5 })];
  t.same(tips(pool, 1), [1_000n, 5n], "the order of arrival, as long as nobody knows");
  t.same(worths(pool), [0n, 0n]);
  pool.noteMeasured(liar, { reason: { type: "tipNotPaid", declared: 1_000n, measured: 1n } });
  t.same(pool.statusOf(liar), { type: "pending", last: { type: "tipNotPaid", declared: 1_000n, measured: 1n } });
  pool.noteMeasured(other, { gain: 70n });
  t.same(tips(pool, 1), [5n, 1_000n]);
  pool.noteMeasured(other, { reason: { type: "noRoom" } });
  t.same(worths(pool), [70n, 0n], "no room says nothing about its worth");
});

t.test("P3: nextToMeasure: new ones first, of those what may stand now, then the oldest measure; each once for a height", async (t) => {
  const pool = small();
  const [later, now] = [idOf(pool, { from: 4, to: 9, tip: 99 }), idOf(pool, { tip: 1 })];
  const next = (height: number, countMax = 2) => pool.nextToMeasure({ height: Height.of(height), countMax }).map(({ id }) => id);
  t.same(next(1, 1), [now]);
  t.same(next(1), [later]);
  t.same(next(1), []);
  const fresh = idOf(pool, { tip: 2 });
  t.same(next(2), [fresh, now]);
  t.same(next(3, 1), [later], "its measure is the oldest");
});

t.test("P4: finishRivals: a public transaction that was ordered ends what wanted its nonce; only what was noted is known", async (t) => {
  const pool = small({ rivalsMax: 2 });
  const [a, b] = [idOf(pool, { transactions: [by("a")] }), idOf(pool, { transactions: [by("b")] })];
  const rivals = ["a", "b", "c"].map((sender) => transaction({ sender, variant: 1 }));
  pool.notePublic(rivals);
  const [first, second, third] = rivals.map(({ hash }) => hash) as [TransactionHash, TransactionHash, TransactionHash];
  pool.finishRivals(third);
  pool.finishRivals(first);
  t.same(pool.statusOf(a), { type: "notIncluded", reason: { type: "conflict", with: { type: "transaction", hash: first } } });
  t.equal(pool.statusOf(b)?.type, "pending");
  pool.notePublic([2, 3].map((variant) => transaction({ sender: "b", variant })));
  pool.finishRivals(second);
  t.equal(pool.statusOf(b)?.type, "pending", "the latest are remembered");
});

t.test("candidates: for this height, worth most first, as many as asked for, without those excluded", async (t) => {
  const pool = small();
  for (const shape of [
    { to: 2, tip: 3 },
    { from: 2, to: 3, tip: 9 },
    { to: 9, tip: 7, transactions: [{ expiry: 2 }] },
  ]) {
    pool.noteMeasured(idOf(pool, shape), { gain: BigInt(shape.tip) });
  }
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
  pool.noteMeasured(failed, { reason: { type: "simulationFailed", position: 0, code: 4, operations: [] } });
  pool.advance({ height: Height.of(2) });
  t.same(pool.statusOf(quiet), { type: "notIncluded", reason: { type: "expired" } });
  t.same(pool.statusOf(failed), { type: "notIncluded", reason: { type: "simulationFailed", position: 0, code: 4, operations: [] } });
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
  const place = { height: Height.of(3), blockHash: named<BlockHash>("block"), group: 1 };
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
  const place = { height: Height.of(2), blockHash: named<BlockHash>("block"), group: 0 };
  pool.finishIncluded(low, place);
  t.same(pool.statusOf(low), { type: "included", ...place });
  t.equal(pool.count, 1);
});

t.test("failureOf: the first operation with each code that is none of success, a few of them", async (t) => {
  const failed = { hash: transaction().hash, code: 110, operationCodes: [0, 1, 16, 1, 13, 16, 9, 8, 7] };
  t.same(failureOf({ isIncluded: false, position: 2, failed }), {
    ...{ position: 2, code: 110 },
    operations: [
      { index: 1, code: 1 },
      { index: 2, code: 16 },
      { index: 4, code: 13 },
      { index: 6, code: 9 },
    ],
  });
  t.same(failureOf({ isIncluded: false, position: 0, failed: { ...failed, operationCodes: [] } }).operations, []);
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
    rivalsMax: 2,
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
      else if (action === "fail")
        pool.noteFailed(id, { type: "executionFailed", height: Height.of(height), position: 0, code: 1, operations: [] });
      else pool.finishIncluded(id, { height: Height.of(height), blockHash: named<BlockHash>("b"), group: 0 });
      if (pool.count > limits.countMax || pool.bytes > limits.bytesMax) return false;
      const open = ids.filter((each) => pool.get(each) !== undefined);
      if (new Set(open).size !== pool.count || ids.some((each) => pool.statusOf(each) === undefined)) return false;
      const worthy = pool
        .candidates({ height: Height.of(height), countMax: 99, isExcluded: () => false })
        .filter(({ worth }) => worth > 0n);
      const searchers = worthy.map(({ searcher }) => searcher);
      if (searchers.some((each) => searchers.filter((other) => other === each).length > limits.searcherCountMax)) return false;
    }
    pool.advance({ height: Height.of(1_000) });
    return pool.count === 0 && pool.bytes === 0 && ids.every((id) => ["included", "notIncluded"].includes(pool.statusOf(id)?.type ?? ""));
  });
  holds(t, property, 150);
});
