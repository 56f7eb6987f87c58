/** S1 to S3 of the sealed pool, the bounds that it shares with the open pool, and all of it under random use against plain arrays. */

import fc from "fast-check";
import t from "tap";
import type { OpenPoolLimits } from "../../mempool/open_pool.ts";
import { SEALED_REFUSALS } from "../../mempool/refusals.ts";
import { createSealedPool, type SealedAdmission, type SealedPool } from "../../mempool/sealed_pool.ts";
import type { CheckResult, ParsedTransaction } from "../../types/application.ts";
import { AssertionError } from "../../types/assert.ts";
import { entryOf, envelopeBytesOf, feeClassOf, type SealedEnvelope } from "../../types/envelope.ts";
import { type AccountId, type ChainId, Height, type TransactionHash, ZERO_HASH } from "../../types/ids.ts";
import { SEALED_EXPIRY_HEIGHTS_MAX, TRANSACTION_OPERATIONS_MAX } from "../../types/limits.ts";
import type { KeyId } from "../../types/sealing.ts";
import { holds } from "../support/property.ts";

const LIMITS: OpenPoolLimits = { countMax: 100, bytesMax: 1_000_000, senderCountMax: 10 };
const CHAIN_ID = "11".repeat(32) as ChainId;
const KEY_ID = "22".repeat(32) as KeyId;
const OTHER_KEY = "33".repeat(32) as KeyId;

type Shape = { readonly [Name in keyof SealedEnvelope]?: SealedEnvelope[Name] } & { readonly variant?: number; readonly who?: string };

function transaction({ who = "alice", variant = 0, ...shape }: Shape = {}): ParsedTransaction {
  const sender = who as AccountId;
  const sealed: SealedEnvelope = {
    chainId: CHAIN_ID,
    suite: 1,
    keyId: KEY_ID,
    sender,
    nonce: 0,
    gasLimit: 1,
    fee: 10,
    expiryHeight: Height.of(1_000),
    sizeClass: 0,
    sealedHash: "",
    signature: new Uint8Array(0),
    sealed: new Uint8Array(0),
    ...shape,
  };
  const { nonce, expiryHeight, gasLimit, keyId, fee, sizeClass } = sealed;
  const hash = [who, nonce, fee, sizeClass, expiryHeight, gasLimit, keyId.slice(0, 2), variant].join("/") as TransactionHash;
  const bytes = new Uint8Array(envelopeBytesOf(Math.min(sizeClass, 8)));
  return { hash, bytes, sender, nonce, expiryHeight, operationCount: gasLimit, sealed };
}

const unpayable: CheckResult = { ok: false, refusal: { code: "insufficientForFee", canRetry: false, advice: "." } };
/** Everybody has so much. */
const withBalance =
  (balance: number) =>
  ({ sealed }: ParsedTransaction, reserved: bigint): CheckResult =>
    reserved + BigInt(sealed?.fee ?? 0) <= balance ? { ok: true } : unpayable;
const admission: SealedAdmission = { height: Height.of(1), keyId: KEY_ID, checkPayable: withBalance(1_000_000) };

const createPool = (limits: OpenPoolLimits = LIMITS): SealedPool => createSealedPool({ limits, chainId: CHAIN_ID, suite: 1 });

/** The code of `add`, after `refusalOf` said the same. */
function codeOf(pool: SealedPool, shape: Shape, given: Partial<SealedAdmission> = {}): string {
  const all = { ...admission, ...given };
  const foretold = pool.refusalOf(transaction(shape), all)?.code ?? "ok";
  const result = pool.add(transaction(shape), all);
  const code = result.ok ? "ok" : result.refusal.code;
  return code === foretold ? code : `${foretold} foretold, ${code} found`;
}

const wide = { height: Height.of(1), countMax: 1_000, bytesMax: 1_000_000, isExcluded: () => false };
const listed = (pool: SealedPool, request: Partial<Parameters<SealedPool["listFor"]>[0]> = {}): string[] =>
  pool.listFor({ ...wide, ...request }).map(({ id }) => id.split("/").slice(0, 2).join(""));

t.test(
  "S1: add: another chain, suite or key, a gas limit out of range, an expiry height outside of the window: each with its own code",
  async (t) => {
    const pool = createPool();
    const height = Height.of(500);
    const far = Height.of(500 + SEALED_EXPIRY_HEIGHTS_MAX);
    const table: readonly (readonly [Shape, string])[] = [
      [{ chainId: "12".repeat(32) as ChainId }, "wrongChain"],
      [{ suite: 0 }, "unknownSuite"],
      [{ suite: 2 }, "unknownSuite"],
      [{ keyId: OTHER_KEY }, "wrongSealingKey"],
      [{ gasLimit: 0 }, "gasLimitOutOfRange"],
      [{ gasLimit: TRANSACTION_OPERATIONS_MAX + 1 }, "gasLimitOutOfRange"],
      [{ expiryHeight: Height.of(499) }, "expired"],
      [{ expiryHeight: Height.next(far) }, "expiryTooFar"],
      [{ nonce: 1, gasLimit: TRANSACTION_OPERATIONS_MAX, expiryHeight: far }, "ok"],
      [{ nonce: 2, expiryHeight: height }, "ok"],
    ];
    for (const [shape, code] of table) t.equal(codeOf(pool, shape, { height }), code, code);
    t.equal(codeOf(pool, { nonce: 3 }, { keyId: ZERO_HASH as string as KeyId }), "noSealingKey");
    t.equal(codeOf(pool, { nonce: 3, keyId: ZERO_HASH as string as KeyId }, { keyId: ZERO_HASH as string as KeyId }), "noSealingKey");
    t.equal(pool.count, 2, "what is refused is not held");
    t.equal(pool.reservedFeesOf("alice"), 20n);
    const { sealed: _, ...open } = transaction();
    t.throws(() => pool.add(open, admission), AssertionError, "an open transaction");
  },
);

t.test("S1: refusalOf: the application is asked last, and not at all about what is refused for another reason", async (t) => {
  const pool = createPool({ ...LIMITS, senderCountMax: 1 });
  let asked = 0;
  const checkPayable = (): CheckResult => (++asked > 0 ? { ok: true } : unpayable);
  pool.refusalOf(transaction({ suite: 9 }), { ...admission, checkPayable });
  pool.refusalOf(transaction({ expiryHeight: Height.of(0) }), { ...admission, checkPayable });
  t.equal(codeOf(pool, {}), "ok");
  for (const shape of [{}, { variant: 1 }, { nonce: 1 }]) pool.refusalOf(transaction(shape), { ...admission, checkPayable });
  t.equal(asked, 0);
  pool.refusalOf(transaction({ who: "bob" }), { ...admission, checkPayable });
  t.equal(asked, 1);
  t.equal(pool.count, 1, "refusalOf changes nothing");
});

t.test("M1, M2, M3 of the pool beneath: bounds, duplicates, nonces and expiry", async (t) => {
  const pool = createPool({ countMax: 4, bytesMax: 4 * envelopeBytesOf(0), senderCountMax: 2 });
  t.equal(codeOf(pool, { sizeClass: 4 }), "oversize");
  t.equal(codeOf(pool, { expiryHeight: Height.of(20) }), "ok");
  t.equal(codeOf(pool, { expiryHeight: Height.of(20) }), "duplicate");
  t.equal(codeOf(pool, { variant: 1 }), "nonceConflict");
  t.equal(codeOf(pool, { nonce: 1 }), "ok");
  t.equal(codeOf(pool, { nonce: 2 }), "senderLimit");
  t.equal(codeOf(pool, { who: "bob" }), "ok");
  t.equal(codeOf(pool, { who: "carol", sizeClass: 1 }), "poolFull", "bytes");
  t.equal(codeOf(pool, { who: "carol" }), "ok");
  t.equal(pool.bytes, 4 * envelopeBytesOf(0));
  t.equal(codeOf(pool, { who: "dave", sizeClass: 1 }), "poolFull");
  t.same(
    pool.rivals([transaction({ variant: 5 })]).map(({ hash }) => hash),
    [transaction({ expiryHeight: Height.of(20) }).hash],
  );
  t.same(pool.expire(Height.of(20)), []);
  t.same(
    pool.expire(Height.of(21)).map(({ nonce }) => nonce),
    [0],
  );
  t.equal(pool.reservedFeesOf("alice"), 10n);
  t.equal(codeOf(pool, { nonce: 3, expiryHeight: Height.of(20) }), "expired", "later arrivals too");
});

t.test("M5: add to a full pool: the heaviest sender's newest gives way whatever its fee; its promised fees go with it", async (t) => {
  const pool = createPool({ countMax: 4, bytesMax: 1_000_000, senderCountMax: 4 });
  for (let nonce = 0; nonce < 3; nonce++) codeOf(pool, { who: "heavy", nonce, fee: 100 * (nonce + 1) });
  codeOf(pool, { who: "light" });
  t.equal(pool.reservedFeesOf("heavy"), 600n);
  const added = pool.add(transaction({ who: "new", fee: 1 }), admission);
  t.same(added.ok && added.evicted.map(({ hash }) => hash), [transaction({ who: "heavy", nonce: 2, fee: 300 }).hash]);
  t.equal(pool.reservedFeesOf("heavy"), 300n);
  t.equal(
    codeOf(pool, { who: "light", nonce: 1, fee: 100_000 }),
    "poolFull",
    "a dear one buys no place: its sender would be the heavier one",
  );
  t.equal(codeOf(pool, { who: "heavy", nonce: 5, fee: 100_000 }), "poolFull");
  t.same(listed(pool), ["heavy0", "heavy1", "light0", "new0"]);
});

t.test("S2: add: a sender pays for all that waits, or the next one is refused with the application's refusal", async (t) => {
  const pool = createPool();
  const poor = { checkPayable: withBalance(25) };
  t.equal(codeOf(pool, { nonce: 0 }, poor), "ok");
  t.equal(codeOf(pool, { nonce: 1 }, poor), "ok");
  t.equal(codeOf(pool, { nonce: 2 }, poor), "insufficientForFee");
  t.equal(codeOf(pool, { nonce: 2, fee: 5 }, poor), "ok", "25 are promised");
  t.equal(codeOf(pool, { who: "bob" }, poor), "ok", "each sender for itself");
  pool.remove([transaction({ nonce: 0 }).hash, "unknown" as TransactionHash]);
  t.equal(pool.reservedFeesOf("alice"), 15n);
  t.equal(codeOf(pool, { nonce: 3 }, poor), "ok");
  const rich = { checkPayable: (): CheckResult => ({ ok: true }) };
  for (const nonce of [5, 6]) codeOf(pool, { who: "carol", nonce, fee: Number.MAX_SAFE_INTEGER }, rich);
  t.equal(pool.reservedFeesOf("carol"), 2n * BigInt(Number.MAX_SAFE_INTEGER), "sums are exact");
});

t.test("S2: recheck: what can no longer be paid goes, later ones first, of the senders named alone", async (t) => {
  const pool = createPool();
  for (const [nonce, fee] of [30, 10, 20, 5].entries()) codeOf(pool, { nonce, fee });
  codeOf(pool, { who: "bob", fee: 50 });
  const dropped = pool.recheck(["alice", "nobody", "alice"], withBalance(45));
  t.same(
    dropped.map(({ transaction, refusal }) => [transaction.nonce, refusal.code]),
    [[2, "insufficientForFee"]],
    "30 and 10 come first, and 5 still fits",
  );
  t.equal(pool.reservedFeesOf("alice"), 45n);
  t.same(listed(pool), ["alice0", "alice1", "alice3", "bob0"]);
  t.same(pool.recheck(["bob"], withBalance(49)).length, 1);
  t.equal(pool.reservedFeesOf("bob"), 0n);
});

t.test(
  "S3: listFor: in order of first sight, also behind what came again; by height, number and exclusion; what entries say is true",
  async (t) => {
    const pool = createPool();
    for (const [nonce, who] of ["a", "b", "a", "c"].entries())
      codeOf(pool, { who, nonce, fee: 2 ** nonce, sizeClass: nonce, expiryHeight: Height.of(10 + nonce) });
    t.same(listed(pool), ["a0", "b1", "a2", "c3"]);
    t.same(listed(pool, { countMax: 2 }), ["a0", "b1"]);
    t.same(listed(pool, { countMax: 0 }), []);
    t.same(listed(pool, { height: Height.of(12) }), ["a2", "c3"]);
    t.same(listed(pool, { isExcluded: (id) => id.startsWith("b") }), ["a0", "a2", "c3"]);
    const [first] = pool.listFor({ ...wide, countMax: 1 });
    if (first === undefined) {
      t.fail("an entry");
      return;
    }
    t.same(first, { id: first.id, expiryHeight: 10, feeClass: feeClassOf({ fee: 1, gasLimit: 1 }), sizeClass: 0 });
    t.ok(pool.describes(first));
    t.notOk(pool.describes({ ...first, feeClass: 9 }));
    t.notOk(pool.describes({ ...first, id: "other" as TransactionHash }));
    pool.remove([first.id]);
    t.notOk(pool.describes(first));
    codeOf(pool, { who: "a", nonce: 0, fee: 1, expiryHeight: Height.of(10) });
    t.same(listed(pool), ["b1", "a2", "c3", "a0"]);
  },
);

t.test("firstSeenCount: grows with each transaction taken, by nothing else", async (t) => {
  const pool = createPool();
  t.equal(pool.firstSeenCount, 0);
  codeOf(pool, {});
  t.equal(pool.firstSeenCount, 1);
  codeOf(pool, {});
  pool.remove([transaction().hash]);
  pool.expire(Height.of(5));
  t.equal(pool.firstSeenCount, 1);
  codeOf(pool, {});
  t.equal(pool.firstSeenCount, 2);
});

t.test("dropKey: what is sealed to a key that is gone, and only that", async (t) => {
  const pool = createPool();
  codeOf(pool, { nonce: 0 });
  codeOf(pool, { nonce: 1, keyId: OTHER_KEY }, { keyId: OTHER_KEY });
  codeOf(pool, { who: "bob", keyId: OTHER_KEY }, { keyId: OTHER_KEY });
  t.same(
    pool.dropKey(OTHER_KEY).map(({ sender, nonce }) => [sender, nonce]),
    [
      ["alice", 1],
      ["bob", 0],
    ],
  );
  t.same(listed(pool), ["alice0"]);
  t.equal(pool.reservedFeesOf("alice"), 10n);
  t.equal(pool.reservedFeesOf("bob"), 0n);
  t.same(pool.dropKey(OTHER_KEY), []);
});

t.test("SEALED_REFUSALS: each says what to do, under its own code", async (t) => {
  for (const [code, refusal] of Object.entries(SEALED_REFUSALS)) {
    t.equal(refusal.code, code);
    t.match(refusal.advice, /\.$/);
  }
});

type Step =
  | { readonly type: "add"; readonly shape: Shape }
  | { readonly type: "remove" | "expire" | "recheck" | "dropKey"; readonly value: number };

const WHO = ["alice", "bob", "carol", "dave"];
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .record({
          who: fc.constantFrom(...WHO),
          nonce: fc.nat(6),
          fee: fc.integer({ min: 1, max: 30 }),
          sizeClass: fc.nat(2),
          expiryHeight: fc.integer({ min: 1, max: 40 }).map(Height.of),
          keyId: fc.constantFrom(KEY_ID, KEY_ID, KEY_ID, OTHER_KEY),
        })
        .map((shape) => ({ type: "add" as const, shape })),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constantFrom("remove" as const, "expire" as const, "recheck" as const, "dropKey" as const),
        value: fc.nat(60),
      }),
    },
  ),
  { maxLength: 120, size: "max" },
);

t.test(
  "SealedPool: any use, within its bounds, fee sums exact, and lists in order of first sight, as plain arrays have them",
  async (t) => {
    const limits = { countMax: 9, bytesMax: 9_000, senderCountMax: 4 };
    const property = fc.property(steps, (run) => {
      const pool = createPool(limits);
      let held: ParsedTransaction[] = [];
      const without = (gone: readonly ParsedTransaction[]): void => {
        held = held.filter(({ hash }) => !gone.some((each) => each.hash === hash));
      };
      let height = 1;
      for (const step of run) {
        if (step.type === "add") {
          const given = transaction(step.shape);
          const live = step.shape.keyId ?? KEY_ID;
          const result = pool.add(given, { height: Height.of(height), keyId: live, checkPayable: withBalance(60) });
          if (result.ok) {
            without(result.evicted);
            held.push(given);
          }
        } else if (step.type === "remove") {
          const gone = held.slice(step.value % 7, (step.value % 7) + 1);
          pool.remove(gone.map(({ hash }) => hash));
          without(gone);
        } else if (step.type === "expire") {
          height += step.value % 3;
          without(pool.expire(Height.of(height)));
          if (held.some(({ expiryHeight }) => expiryHeight < height)) return false;
        } else if (step.type === "recheck") {
          without(pool.recheck([WHO[step.value % 4] as string], withBalance(step.value)).map(({ transaction }) => transaction));
        } else without(pool.dropKey(OTHER_KEY));
        if (!isAs(pool, held, limits)) return false;
      }
      without(pool.expire(Height.of(1_000)));
      return held.length === 0 && pool.count === 0 && pool.bytes === 0 && WHO.every((who) => pool.reservedFeesOf(who) === 0n);
    });
    holds(t, property, 200);
  },
);

function isAs(pool: SealedPool, held: readonly ParsedTransaction[], limits: OpenPoolLimits): boolean {
  const bytes = held.reduce((sum, each) => sum + each.bytes.length, 0);
  const feesOf = (who: string): number => held.reduce((sum, { sender, sealed }) => sum + (sender === who ? (sealed?.fee ?? 0) : 0), 0);
  const entries = held.map(({ hash, sealed }) => entryOf(hash, sealed as SealedEnvelope));
  return (
    pool.count === held.length &&
    pool.bytes === bytes &&
    pool.count <= limits.countMax &&
    pool.bytes <= limits.bytesMax &&
    WHO.every(
      (who) =>
        pool.reservedFeesOf(who) === BigInt(feesOf(who)) && held.filter(({ sender }) => sender === who).length <= limits.senderCountMax,
    ) &&
    JSON.stringify(pool.listFor(wide)) === JSON.stringify(entries)
  );
}
