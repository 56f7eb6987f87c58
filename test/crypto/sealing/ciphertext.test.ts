/** Sealing, checking, sharing and opening. Properties run often on the double, whose protocol code is the same, and a few times on the real groups.
 *  A sealer that lies is built by hand with a valid proof (support.ts). */

import fc from "fast-check";
import t from "tap";
import { AssertionError } from "../../../types/assert.ts";
import { asciiBytes, bytesEqual, concatBytes, fromHex, toHex } from "../../../types/bytes.ts";
import { ValidatorIndex } from "../../../types/ids.ts";
import { SEALING_SIZES, type Share } from "../../../types/sealing.ts";
import { bytesOf } from "../../support/arbitraries.ts";
import { holds } from "../../support/property.ts";
import {
  all,
  counting,
  fast,
  freshKey,
  indices,
  LIES,
  noble,
  real,
  sharesOf,
  sodium,
  subsets,
  type Tested,
  type TestKey,
} from "./support.ts";

const LABEL = asciiBytes("a label of the envelope");
const MESSAGE = counting(64, 3);
const keys = new Map<string, TestKey>(all.map(({ name, suite }) => [name, freshKey(suite, 4)]));
const keyOf = ({ name }: Tested): TestKey => keys.get(name) as TestKey;

function sealedBy(tested: Tested, given: { readonly label?: Uint8Array; readonly message?: Uint8Array; readonly salt?: number } = {}) {
  const { publicKey } = keyOf(tested);
  const label = given.label ?? LABEL;
  const sealed = tested.suite.seal({ publicKey, label, message: given.message ?? MESSAGE, randomness: counting(64, given.salt ?? 9) });
  return { publicKey, label, sealed };
}

const withByte = (bytes: Uint8Array, index: number, mask = 1): Uint8Array => {
  const changed = bytes.slice();
  changed[index] = (changed[index] as number) ^ mask;
  return changed;
};

/** What the nodes that got these shares say that the sealed part is. */
function openedWith(
  tested: Tested,
  given: { readonly publicKey: Uint8Array; readonly label: Uint8Array; readonly sealed: Uint8Array },
  shares: readonly Share[],
): string {
  const seed = tested.suite.combine({ shares, label: given.label, sealed: given.sealed });
  if (seed === undefined || !tested.suite.isSeedOf({ ...given, seed })) return "badSeed";
  const result = tested.suite.open({ ...given, seed });
  return result.ok ? toHex(result.message) : result.reason;
}

const runsOf = (tested: Tested): number => (tested === fast ? 300 : tested === sodium ? 6 : 2);

t.test("seal: any message and label, checked, opened alike by every t-subset in any order", async (t) => {
  for (const tested of all) {
    const key = keyOf(tested);
    const inputs = fc.property(
      fc.uint8Array({ maxLength: 600 }),
      fc.uint8Array({ maxLength: 200 }),
      bytesOf(64),
      (message, label, randomness) => {
        const sealed = tested.suite.seal({ publicKey: key.publicKey, label, message, randomness });
        const given = { publicKey: key.publicKey, label, sealed };
        const shares = sharesOf(tested.suite, key, sealed);
        const answers = subsets(shares, key.threshold).flatMap((subset) => [subset, [...subset].reverse()]);
        return (
          sealed.length === message.length + SEALING_SIZES.overhead &&
          tested.suite.check(given) &&
          answers.every((subset) => openedWith(tested, given, subset) === toHex(message))
        );
      },
    );
    holds(t, inputs, runsOf(tested));
  }
});

t.test("combine: up to 16 validators on the double, any t-subset gives the seed", async (t) => {
  const inputs = fc.property(fc.integer({ min: 1, max: 16 }), fc.infiniteStream(fc.nat()), bytesOf(64), (count, order, randomness) => {
    const { suite } = fast;
    const key = freshKey(suite, count);
    const sealed = suite.seal({ publicKey: key.publicKey, label: LABEL, message: MESSAGE, randomness });
    const drawn = sharesOf(suite, key, sealed).map((share) => ({ share, at: order.next().value as number }));
    const shares = drawn.sort((left, right) => left.at - right.at).map(({ share }) => share);
    const seed = suite.combine({ shares: shares.slice(0, key.threshold), label: LABEL, sealed });
    return seed !== undefined && bytesEqual(seed, randomness.subarray(0, 32));
  });
  holds(t, inputs, 150);
});

t.test(
  "C2: a lying sealer with a valid proof, every t-subset answers alike, and no seed that the sealer shows says otherwise",
  async (t) => {
    for (const tested of all) {
      const { suite } = tested;
      const key = keyOf(tested);
      const lies = fc.property(fc.constantFrom(...LIES), bytesOf(32), fc.integer({ min: 1, max: 255 }), (lie, seed, factor) => {
        const given = {
          publicKey: key.publicKey,
          label: LABEL,
          sealed: tested.forge({ publicKey: key.publicKey, label: LABEL, lie, seed, factor }),
        };
        const answers = subsets(sharesOf(suite, key, given.sealed), key.threshold).map((subset) => openedWith(tested, given, subset));
        const expected = lie === "wrongBody" ? "badBody" : "badSeed";
        return (
          suite.check(given) &&
          answers.every((answer) => answer === expected) &&
          suite.isSeedOf({ ...given, seed }) === (lie === "wrongBody")
        );
      });
      holds(t, lies, runsOf(tested));
    }
  },
);

t.test("C2: a sealer and t-th share holder in league, their share makes their seed come out, and it is refused", async (t) => {
  for (const tested of all) {
    const { suite } = tested;
    const key = keyOf(tested);
    const seed = counting(32, 50);
    const given = {
      publicKey: key.publicKey,
      label: LABEL,
      sealed: tested.forge({ publicKey: key.publicKey, label: LABEL, lie: "steered", seed, factor: 5 }),
    };
    const others = sharesOf(suite, key, given.sealed).slice(0, key.threshold - 1);
    const last = tested.steer({ others, validator: ValidatorIndex.of(3), factor: 5 });
    const combined = suite.combine({ shares: [...others, last], label: LABEL, sealed: given.sealed });
    t.strictSame(combined, seed, `${tested.name}: the share steers`);
    t.equal(suite.isSeedOf({ ...given, seed }), false, `${tested.name}: the seed proves nothing`);
  }
});

t.test("check: any byte of sealed part, label or key changed, false", async (t) => {
  for (const tested of all) {
    const { publicKey, label, sealed } = sealedBy(tested, { message: counting(8, 0) });
    t.equal(tested.suite.check({ publicKey, label, sealed }), true, tested.name);
    const step = tested === noble ? 23 : 1;
    for (let index = 0; index < sealed.length; index += step) {
      for (const mask of tested === fast ? [1, 0x80, 0xff] : [1]) {
        if (tested.suite.check({ publicKey, label, sealed: withByte(sealed, index, mask) })) t.fail(`${tested.name}: byte ${index}`);
      }
    }
    for (let index = 0; index < label.length; index += step) {
      if (tested.suite.check({ publicKey, label: withByte(label, index), sealed })) t.fail(`${tested.name}: label ${index}`);
    }
    t.equal(tested.suite.check({ publicKey: keyOf(tested).shareKeys[0] as Uint8Array, label, sealed }), false, "another key");
    for (const changed of [label.slice(1), concatBytes([label, Uint8Array.of(0)]), new Uint8Array(0)]) {
      t.equal(tested.suite.check({ publicKey, label: changed, sealed }), false, "a shorter or longer label");
    }
    for (const changed of [
      sealed.slice(0, -1),
      concatBytes([sealed, Uint8Array.of(0)]),
      sealed.slice(0, SEALING_SIZES.overhead - 1),
      new Uint8Array(0),
    ]) {
      t.equal(tested.suite.check({ publicKey, label, sealed: changed }), false, `${changed.length} bytes`);
    }
  }
});

t.test("check: points and scalars that are not canonical, and the identity, false even if the proof would hold", async (t) => {
  for (const tested of all) {
    const { publicKey, label, sealed } = sealedBy(tested);
    const isTaken = (offset: number, bytes: Uint8Array): boolean => {
      const changed = sealed.slice();
      changed.set(bytes, offset);
      return tested.suite.check({ publicKey, label, sealed: changed });
    };
    const notPoints = [new Uint8Array(32), new Uint8Array(32).fill(0xff), withByte(sealed.slice(0, 32), 31, 0x80)];
    for (const bytes of notPoints)
      for (const offset of [0, 32]) t.equal(isTaken(offset, bytes), false, `${tested.name}: point at ${offset}`);
    // The same residue, not reduced: e + ℓ and z + ℓ.
    const order = tested === fast ? 2n ** 31n - 1n : 2n ** 252n + 27742317777372353535851937790883648493n;
    for (const offset of [64, 96]) {
      const value = BigInt(`0x${toHex(sealed.slice(offset, offset + 32).reverse())}`);
      t.equal(
        isTaken(offset, fromHex((value + order).toString(16).padStart(64, "0")).reverse()),
        false,
        `${tested.name}: scalar at ${offset}`,
      );
    }
  }
});

t.test("check: a sealed part of another label, and parts of two put together, false", async (t) => {
  for (const tested of all) {
    const [mine, other] = [sealedBy(tested), sealedBy(tested, { label: asciiBytes("another label of same len"), salt: 70 })];
    t.equal(tested.suite.check({ ...mine, label: other.label }), false);
    for (const cut of [32, 64, 96, 128, 160]) {
      const mixed = concatBytes([mine.sealed.subarray(0, cut), other.sealed.subarray(cut)]);
      t.equal(tested.suite.check({ ...mine, sealed: mixed }), false, `${tested.name}: cut at ${cut}`);
      t.equal(tested.suite.check({ ...other, sealed: mixed }), false);
    }
  }
});

t.test("combine: t − 1 shares, or one share that is not right, never a seed that is accepted", async (t) => {
  for (const tested of all) {
    const { suite } = tested;
    const key = keyOf(tested);
    const inputs = fc.property(bytesOf(64), fc.nat({ max: 2 }), fc.nat({ max: 3 }), (randomness, at, how) => {
      const sealed = suite.seal({ publicKey: key.publicKey, label: LABEL, message: MESSAGE, randomness });
      const given = { publicKey: key.publicKey, label: LABEL, sealed };
      const shares = sharesOf(suite, key, sealed);
      const right = shares.slice(0, key.threshold);
      const wrong = [
        key.publicKey,
        sealed.slice(0, 32),
        (shares[3] as Share).share,
        suite.shareOf(key.secretShares[at] as Uint8Array, sealedBy(tested).sealed),
      ][how] as Uint8Array;
      const replaced = right.map((share, index) => (index === at ? { ...share, share: wrong } : share));
      const fewer = [1, 2].flatMap((size) => subsets(shares, size));
      return openedWith(tested, given, replaced) === "badSeed" && fewer.every((subset) => openedWith(tested, given, subset) === "badSeed");
    });
    holds(t, inputs, runsOf(tested));
  }
});

t.test("isSeedOf: what an observer sees, none of it is a seed: ciphertext fields, shares, keys, proofs, other seeds", async (t) => {
  for (const tested of all) {
    const { suite } = tested;
    const key = keyOf(tested);
    const given = sealedBy(tested);
    const shares = sharesOf(suite, key, given.sealed).slice(0, key.threshold - 1);
    const proof = suite.proveShares({ secretShare: key.secretShares[0] as Uint8Array, sealed: [given.sealed] });
    const seen = [
      key.publicKey,
      ...key.shareKeys,
      ...shares.map(({ share }) => share),
      proof.slice(0, 32),
      proof.slice(32),
      counting(32, 10),
      new Uint8Array(32),
    ];
    for (let offset = 0; offset + 32 <= SEALING_SIZES.overhead; offset += 32) seen.push(given.sealed.slice(offset, offset + 32));
    for (const seed of seen) t.equal(suite.isSeedOf({ ...given, seed }), false, tested.name);
    t.equal(suite.isSeedOf({ ...given, seed: counting(32, 9) }), true, "the seed");
    t.equal(suite.isSeedOf({ ...given, seed: counting(33, 9) }), false, "a byte too many");
    for (let index = 0; index < 32; index++) t.equal(suite.isSeedOf({ ...given, seed: withByte(counting(32, 9), index) }), false);
    t.equal(suite.isSeedOf({ ...given, seed: counting(32, 9), label: asciiBytes("other") }), false);
    t.equal(suite.isSeedOf({ ...given, seed: counting(32, 9), sealed: given.sealed.slice(0, 100) }), false);
  }
});

t.test("bytes from outside: too short, no points, never thrown", async (t) => {
  for (const tested of all) {
    const { suite } = tested;
    const given = sealedBy(tested);
    const key = keyOf(tested);
    const shares = sharesOf(suite, key, given.sealed).slice(0, key.threshold);
    const seed = counting(32, 9);
    for (const share of [new Uint8Array(32), new Uint8Array(0), new Uint8Array(32).fill(0xff)]) {
      const spoilt = [...shares.slice(1), { validator: ValidatorIndex.of(0), share }];
      t.equal(suite.combine({ shares: spoilt, label: given.label, sealed: given.sealed }), undefined);
    }
    t.equal(suite.combine({ shares: [], label: given.label, sealed: given.sealed }), undefined);
    t.equal(suite.combine({ shares, label: given.label, sealed: given.sealed.slice(0, 175) }), undefined);
    t.strictSame(suite.open({ ...given, seed, sealed: given.sealed.slice(0, 175) }), { ok: false, reason: "badSeed" });
    t.strictSame(suite.open({ ...given, seed: counting(32, 10) }), { ok: false, reason: "badBody" });
    t.equal(suite.check({ ...given, publicKey: new Uint8Array(3) }), false);
    t.equal(suite.isSeedOf({ ...given, seed, publicKey: new Uint8Array(32) }), false);
    t.throws(
      () => suite.combine({ shares: [...shares, shares[0] as Share], label: given.label, sealed: given.sealed }),
      AssertionError,
      "twice the same validator is our bug",
    );
    t.throws(() => suite.shareOf(key.secretShares[0] as Uint8Array, new Uint8Array(176)), AssertionError, "C1");
    t.throws(() => suite.seal({ ...given, message: MESSAGE, randomness: new Uint8Array(63) }), AssertionError);
  }
});

t.test("seal: the same random bytes with another message or label, nothing comes again but the seed", async (t) => {
  for (const tested of all) {
    const variants = [sealedBy(tested), sealedBy(tested, { message: counting(64, 4) }), sealedBy(tested, { label: asciiBytes("b") })];
    for (const [from, to] of [
      [0, 32],
      [32, 64],
      [64, 96],
      [96, 128],
      [128, 160],
      [160, 176],
    ]) {
      t.equal(new Set(variants.map(({ sealed }) => toHex(sealed.subarray(from, to)))).size, 3, `${tested.name}: bytes ${from} to ${to}`);
    }
  }
});

t.test("dispute: any set of bad shares, the proofs find exactly those; a batch holds only without any", async (t) => {
  for (const tested of all) {
    const { suite } = tested;
    const key = keyOf(tested);
    const sealed = [1, 2, 3].map((salt) => sealedBy(tested, { salt }).sealed);
    const inputs = fc.property(fc.subarray(indices(4)), fc.nat({ max: 2 }), (bad, at) => {
      const found = indices(4).filter((validator) => {
        const secretShare = key.secretShares[validator] as Uint8Array;
        const right = sealed.map((each) => suite.shareOf(secretShare, each));
        const sent = bad.includes(validator)
          ? right.map((share, index) => (index === at ? (sealed[0] as Uint8Array).slice(0, 32) : share))
          : right;
        const proof = suite.proveShares({ secretShare, sealed });
        return !suite.verifyShares({ shareKey: key.shareKeys[validator] as Uint8Array, sealed, shares: sent, proof });
      });
      return toHex(Uint8Array.from(found)) === toHex(Uint8Array.from(bad));
    });
    holds(t, inputs, runsOf(tested) === 300 ? 60 : runsOf(tested));
  }
});

t.test("verifyShares: other key, order, lengths or no sealed part, false; what was no sealed part, false", async (t) => {
  for (const tested of real) {
    const { suite } = tested;
    const key = keyOf(tested);
    const sealed = [1, 2].map((salt) => sealedBy(tested, { salt }).sealed);
    const [secretShare, shareKey] = [key.secretShares[1] as Uint8Array, key.shareKeys[1] as Uint8Array];
    const shares = sealed.map((each) => suite.shareOf(secretShare, each));
    const proof = suite.proveShares({ secretShare, sealed });
    const given = { shareKey, sealed, shares, proof };
    t.equal(suite.verifyShares(given), true);
    t.equal(suite.verifyShares({ ...given, shareKey: key.shareKeys[2] as Uint8Array }), false);
    t.equal(suite.verifyShares({ ...given, shares: [...shares].reverse() }), false);
    t.equal(suite.verifyShares({ ...given, sealed: [...sealed].reverse(), shares: [...shares].reverse() }), false);
    t.equal(suite.verifyShares({ ...given, shares: shares.slice(1) }), false);
    t.equal(
      suite.verifyShares({ ...given, sealed: sealed.slice(1), shares: shares.slice(1) }),
      false,
      "a proof of two proves no one of them",
    );
    t.equal(suite.verifyShares({ ...given, sealed: [], shares: [] }), false);
    t.equal(suite.verifyShares({ ...given, sealed: [new Uint8Array(4), sealed[1] as Uint8Array] }), false);
    t.equal(suite.verifyShares({ ...given, shareKey: new Uint8Array(32) }), false);
    t.equal(suite.verifyShares({ ...given, proof: proof.slice(1) }), false);
  }
});
