/** M1 to M5 of the open pool, each by itself, and all of them under random use against a pool that is a plain array. */

import fc from "fast-check";
import t from "tap";
import { createOpenPool, type OpenPool, type OpenPoolLimits, SELECT_MISFITS_MAX } from "../../mempool/open_pool.ts";
import { POOL_REFUSALS } from "../../mempool/refusals.ts";
import type { ParsedTransaction } from "../../types/application.ts";
import { Height, type TransactionHash } from "../../types/ids.ts";
import { holds } from "../support/property.ts";

const LIMITS: OpenPoolLimits = { countMax: 100, bytesMax: 100_000, senderCountMax: 10 };

interface Shape {
  readonly sender?: string;
  readonly nonce?: number;
  readonly bytes?: number;
  readonly expiry?: number;
  readonly variant?: number;
}

function transaction({ sender = "alice", nonce = 0, bytes = 200, expiry = 1_000, variant = 0 }: Shape = {}): ParsedTransaction {
  const hash = `${sender}/${nonce}/${bytes}/${expiry}/${variant}` as TransactionHash;
  return { hash, bytes: new Uint8Array(bytes), sender, nonce, expiryHeight: Height.of(expiry), operationCount: 1 };
}

function codeOf(pool: OpenPool, shape: Shape): string {
  const result = pool.add(transaction(shape), "client");
  return result.ok ? "ok" : result.refusal.code;
}

const none = (): boolean => false;
const wide = { bytesMax: 1e9, countMax: 1e9, height: Height.of(1), isExcluded: none };
const names = (transactions: readonly ParsedTransaction[]): string[] => transactions.map(({ sender, nonce }) => `${sender}${nonce}`);

t.test("M1: add: bounded by count, bytes and transactions of one sender, each with its own refusal", async (t) => {
  const pool = createOpenPool({ countMax: 4, bytesMax: 1_000, senderCountMax: 2 });
  t.equal(codeOf(pool, { bytes: 1_001 }), "oversize");
  t.equal(codeOf(pool, { nonce: 0 }), "ok");
  t.equal(codeOf(pool, { nonce: 1 }), "ok");
  t.equal(codeOf(pool, { nonce: 2 }), "senderLimit");
  t.equal(codeOf(pool, { sender: "bob", nonce: 0, bytes: 400 }), "ok");
  t.equal(codeOf(pool, { sender: "carol", bytes: 601 }), "poolFull", "bytes");
  t.equal(pool.bytes, 800);
  t.equal(codeOf(pool, { sender: "bob", nonce: 1 }), "ok");
  t.equal(codeOf(pool, { sender: "carol", bytes: 5_00 }), "poolFull", "count");
  t.equal(pool.count, 4);
});

t.test("M1: add: transactions without a sender share no sender bound and no nonce", async (t) => {
  const pool = createOpenPool({ countMax: 4, bytesMax: 1_000, senderCountMax: 2 });
  for (let variant = 0; variant < 4; variant++) t.equal(codeOf(pool, { sender: "", variant }), "ok");
  t.equal(codeOf(pool, { sender: "", variant: 4 }), "poolFull");
});

t.test("M2: rivals: what waits with the sender and nonce of what was ordered, and only that", async (t) => {
  const pool = createOpenPool(LIMITS);
  for (const shape of [{ nonce: 1 }, { nonce: 2 }, { sender: "bob", nonce: 1 }, { sender: "", variant: 1 }]) codeOf(pool, shape);
  const rivalsOf = (shape: Shape) => names(pool.rivals([transaction(shape)]));
  t.same(rivalsOf({ nonce: 1, variant: 9 }), ["alice1"]);
  t.same(rivalsOf({ nonce: 1 }), [], "the ordered one itself is none");
  t.same(rivalsOf({ nonce: 3, variant: 9 }), []);
  t.same(rivalsOf({ sender: "carol", nonce: 1 }), []);
  t.same(rivalsOf({ sender: "", variant: 2 }), []);
  t.equal(pool.count, 4, "nothing is removed");
});

t.test("M2: add: the same transaction and the same nonce of a sender are refused, with different codes", async (t) => {
  const pool = createOpenPool(LIMITS);
  t.equal(codeOf(pool, {}), "ok");
  t.equal(codeOf(pool, {}), "duplicate");
  t.equal(codeOf(pool, { variant: 1 }), "nonceConflict");
  t.equal(codeOf(pool, { sender: "bob" }), "ok");
  pool.remove([transaction().hash]);
  t.equal(codeOf(pool, { variant: 1 }), "ok", "free again once the first has left");
});

t.test("M3: expire: drops what can no longer be ordered, in order of expiry; later arrivals are refused; select skips", async (t) => {
  const pool = createOpenPool(LIMITS);
  for (const [nonce, expiry] of [30, 10, 20, 10].entries()) pool.add(transaction({ nonce, expiry }), "peer");
  t.strictSame(names(pool.select({ ...wide, height: Height.of(11) })), ["alice0", "alice2"], "already skipped before they are dropped");
  t.strictSame(names(pool.expire(Height.of(10))), [], "at its expiry height it may still be ordered");
  t.strictSame(names(pool.expire(Height.of(21))), ["alice1", "alice3", "alice2"]);
  t.equal(pool.count, 1);
  t.equal(codeOf(pool, { nonce: 9, expiry: 20 }), "expired");
  t.equal(codeOf(pool, { nonce: 9, expiry: 21 }), "ok");
  t.strictSame(names(pool.expire(Height.of(1_000_000_000))), ["alice9", "alice0"], "a long way costs no more than the pool");
  t.equal(pool.bytes, 0);
});

t.test("M4: select: order of arrival, within both bounds, without what is excluded, and nothing is removed", async (t) => {
  const pool = createOpenPool(LIMITS);
  for (const [index, sender] of ["a", "b", "a", "c", "b"].entries())
    pool.add(transaction({ sender, nonce: index, bytes: 100 + index }), "client");
  t.strictSame(names(pool.select(wide)), ["a0", "b1", "a2", "c3", "b4"]);
  t.strictSame(names(pool.select({ ...wide, countMax: 2 })), ["a0", "b1"]);
  t.strictSame(names(pool.select({ ...wide, bytesMax: 303 })), ["a0", "b1", "a2"]);
  t.strictSame(names(pool.select({ ...wide, bytesMax: 302 })), ["a0", "b1"], "a later one that would fit has to wait for none: none fits");
  const excluded = transaction({ sender: "b", nonce: 1, bytes: 101 }).hash;
  t.strictSame(names(pool.select({ ...wide, isExcluded: (hash) => hash === excluded })), ["a0", "a2", "c3", "b4"]);
  t.equal(pool.count, 5);
});

t.test("M4: select: passes over a large one that does not fit, but not over arbitrarily many", async (t) => {
  const pool = createOpenPool({ countMax: 1_000, bytesMax: 1_000_000, senderCountMax: 1_000 });
  pool.add(transaction({ nonce: 0, bytes: 900 }), "client");
  pool.add(transaction({ nonce: 1, bytes: 900 }), "client");
  pool.add(transaction({ nonce: 2, bytes: 100 }), "client");
  t.strictSame(names(pool.select({ ...wide, bytesMax: 1_000 })), ["alice0", "alice2"]);
  for (let nonce = 3; nonce < 3 + SELECT_MISFITS_MAX; nonce++) pool.add(transaction({ nonce, bytes: 950 }), "client");
  pool.add(transaction({ nonce: 500, bytes: 10 }), "client");
  let asked = 0;
  pool.select({ ...wide, bytesMax: 920, isExcluded: () => ++asked < 0 });
  t.ok(asked <= SELECT_MISFITS_MAX + 2, "the walk ends after SELECT_MISFITS_MAX misfits");
});

t.test("M5: add to a full pool: the heaviest sender's newest gives way to a lighter sender, until they weigh alike", async (t) => {
  const pool = createOpenPool({ countMax: 6, bytesMax: 1_000_000, senderCountMax: 6 });
  for (let nonce = 0; nonce < 5; nonce++) pool.add(transaction({ sender: "heavy", nonce }), "client");
  pool.add(transaction({ sender: "light", nonce: 0 }), "client");
  const added = pool.add(transaction({ sender: "light", nonce: 1 }), "client");
  t.strictSame(added.ok && names(added.evicted), ["heavy4"]);
  t.equal(codeOf(pool, { sender: "heavy", nonce: 9 }), "poolFull", "the heaviest pushes nobody out");
  t.equal(codeOf(pool, { sender: "new", nonce: 0 }), "ok");
  t.strictSame(names(pool.select(wide)), ["heavy0", "heavy1", "heavy2", "light0", "light1", "new0"]);
  t.equal(codeOf(pool, { sender: "light", nonce: 2 }), "poolFull", "it would become the heavier one");
  t.equal(pool.has(transaction({ sender: "heavy", nonce: 4 }).hash), false);
});

t.test("M5: add to a full pool: by bytes, all or nothing", async (t) => {
  const pool = createOpenPool({ countMax: 100, bytesMax: 4_096, senderCountMax: 100 });
  for (let nonce = 0; nonce < 16; nonce++) pool.add(transaction({ sender: "heavy", nonce, bytes: 256 }), "client");
  const added = pool.add(transaction({ sender: "large", bytes: 2_048 }), "client");
  t.equal(added.ok && added.evicted.length, 8);
  t.equal(codeOf(pool, { sender: "larger", bytes: 2_304 }), "poolFull", "it would outweigh what it pushes out");
  t.equal(pool.bytes, 4_096);
  t.equal(pool.count, 9);
});

t.test("POOL_REFUSALS: each says what to do, under its own code", async (t) => {
  for (const [code, refusal] of Object.entries(POOL_REFUSALS)) {
    t.equal(refusal.code, code);
    t.match(refusal.advice, /\.$/);
  }
  t.throws(() => createOpenPool({ ...LIMITS, countMax: 0 }), { name: "AssertionError" });
});

/** The same pool as an array in order of arrival. */
class PlainPool {
  held: ParsedTransaction[] = [];
  heightMin = 0;
  readonly limits: OpenPoolLimits;

  constructor(limits: OpenPoolLimits) {
    this.limits = limits;
  }

  weight(sender: string): number {
    return this.held.filter((each) => each.sender === sender).reduce((sum, { bytes }) => sum + Math.ceil(bytes.length / 256), 0);
  }

  add(newcomer: ParsedTransaction): string {
    const own = this.held.filter(({ sender }) => sender === newcomer.sender);
    if (this.held.some(({ hash }) => hash === newcomer.hash)) return "duplicate";
    if (newcomer.expiryHeight < this.heightMin) return "expired";
    if (newcomer.bytes.length > this.limits.bytesMax) return "oversize";
    if (own.some(({ nonce }) => nonce === newcomer.nonce)) return "nonceConflict";
    if (own.length >= this.limits.senderCountMax) return "senderLimit";
    const senders = [...new Set(this.held.map(({ sender }) => sender))];
    const heaviest = Math.max(0, ...senders.map((sender) => this.weight(sender)));
    const kept = [...this.held];
    const isOver = (): boolean => kept.length + 1 > this.limits.countMax || bytesOf(kept) + newcomer.bytes.length > this.limits.bytesMax;
    if (!isOver()) {
      this.held.push(newcomer);
      return "ok";
    }
    const candidates = senders.filter((sender) => this.weight(sender) === heaviest);
    return candidates.length === 1 && candidates[0] !== newcomer.sender
      ? this.#evict(kept, candidates[0] as string, newcomer, isOver)
      : "unclear";
  }

  #evict(kept: ParsedTransaction[], victim: string, newcomer: ParsedTransaction, isOver: () => boolean): string {
    const newcomerWeight = this.weight(newcomer.sender) + Math.ceil(newcomer.bytes.length / 256);
    while (isOver()) {
      const at = kept.findLastIndex(({ sender }) => sender === victim);
      if (at < 0) return "poolFull";
      kept.splice(at, 1);
      const rest = kept.filter(({ sender }) => sender === victim).reduce((sum, { bytes }) => sum + Math.ceil(bytes.length / 256), 0);
      if (rest < newcomerWeight) return "poolFull";
    }
    this.held = [...kept, newcomer];
    return "ok";
  }
}

const bytesOf = (transactions: readonly ParsedTransaction[]): number => transactions.reduce((sum, { bytes }) => sum + bytes.length, 0);

t.test("M1 M2 M3 M4 M5: random use: codes, content, order and totals equal those of a plain array", async (t) => {
  const step = fc.record({
    what: fc.constantFrom("add", "add", "add", "add", "add", "remove", "expire"),
    sender: fc.constantFrom("a", "a", "b", "c", "d"),
    nonce: fc.nat({ max: 12 }),
    bytes: fc.constantFrom(100, 300, 700, 2_100),
    expiry: fc.integer({ min: 1, max: 60 }),
    variant: fc.nat({ max: 1 }),
  });
  const limits = { countMax: 12, bytesMax: 6_000, senderCountMax: 7 };
  const property = fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
    const pool = createOpenPool(limits);
    const plain = new PlainPool(limits);
    for (const { what, ...shape } of steps) {
      const subject = transaction(shape);
      if (what === "remove") {
        pool.remove([subject.hash]);
        plain.held = plain.held.filter(({ hash }) => hash !== subject.hash);
      } else if (what === "expire") {
        const height = Math.max(plain.heightMin, shape.expiry >> 1);
        pool.expire(Height.of(height));
        plain.heightMin = height;
        plain.held = plain.held.filter(({ expiryHeight }) => expiryHeight >= height);
      } else {
        const expected = plain.add(subject);
        const got = codeOf(pool, shape);
        // Ties for the heaviest sender are broken by arrival of the sender, which the plain pool does not know.
        if (expected === "unclear") plain.held = pool.select({ ...wide, height: Height.of(0) });
        else if (got !== expected) throw new Error(`${got} instead of ${expected}`);
      }
      const held = pool.select({ ...wide, height: Height.of(0) });
      if (names(held).join() !== names(plain.held).join()) throw new Error(`holds ${names(held)} instead of ${names(plain.held)}`);
      if (pool.count !== held.length || pool.bytes !== bytesOf(held) || pool.bytes > limits.bytesMax || pool.count > limits.countMax)
        return false;
      if (!held.every(({ hash }) => pool.has(hash) && pool.get(hash)?.hash === hash)) return false;
    }
    return true;
  });
  holds(t, property, 300);
});

t.test("M4: 50,000 transactions of 1,000 senders: one walk over what is selected, and the pool empties completely", async (t) => {
  const pool = createOpenPool({ countMax: 50_000, bytesMax: 1e9, senderCountMax: 64 });
  for (let index = 0; index < 50_000; index++)
    pool.add(transaction({ sender: `s${index % 1_000}`, nonce: index, bytes: 10, expiry: 1 + (index % 90) }), "peer");
  t.equal(pool.count, 50_000);
  let asked = 0;
  const selected = pool.select({ ...wide, countMax: 1_000, isExcluded: () => ++asked < 0 });
  t.equal(selected.length, 1_000);
  t.equal(asked, 1_000, "nothing beyond the selected is looked at");
  pool.remove(selected.map(({ hash }) => hash));
  t.equal(pool.expire(Height.of(91)).length, 49_000);
  t.equal(pool.bytes, 0);
});
