/** Dealing without a trusted dealer: fresh keys, cheating dealers, complaints, resharing. Properties run on the double, single cases on all groups. */

import fc from "fast-check";
import t from "tap";
import { keyIdOf } from "../../../crypto/sealing/key_id.ts";
import { AssertionError } from "../../../types/assert.ts";
import { asciiBytes, toHex } from "../../../types/bytes.ts";
import { ValidatorIndex } from "../../../types/ids.ts";
import type { KeyDeal } from "../../../types/sealing.ts";
import { bytesOf } from "../../support/arbitraries.ts";
import { holds } from "../../support/property.ts";
import { all, contextOf, counting, dealOf, fast, freshKey, indices, keyOfDeals, recipientsOf, sharesOf, type Tested } from "./support.ts";

const LABEL = asciiBytes("label");
const MESSAGE = asciiBytes("message");
const ROUND = "round";
const RECIPIENT = ValidatorIndex.of(2);

function opens(tested: Tested, key: ReturnType<typeof freshKey>, sealed: Uint8Array): boolean {
  const shares = sharesOf(tested.suite, key, sealed).slice(-key.threshold);
  const seed = tested.suite.combine({ shares, label: LABEL, sealed });
  return seed !== undefined && tested.suite.isSeedOf({ publicKey: key.publicKey, label: LABEL, sealed, seed });
}

const seal = (tested: Tested, publicKey: Uint8Array): Uint8Array =>
  tested.suite.seal({ publicKey, label: LABEL, message: MESSAGE, randomness: counting(64, 1) });

/** One deal to four, and what is asked about it. */
function dealt(tested: Tested) {
  const recipients = recipientsOf(tested.suite, 4, 1);
  const deal = dealOf(tested.suite, { dealer: 0, round: ROUND, threshold: 3, recipients });
  const context = contextOf(ROUND, 0);
  const of = { recipient: RECIPIENT, secretKey: recipients.secretKeys[RECIPIENT] as Uint8Array, context };
  const judged = { recipient: RECIPIENT, recipientKey: recipients.publicKeys[RECIPIENT] as Uint8Array, context };
  return { recipients, deal, context, of, judged };
}

/** A deal that proves itself and gives two recipients nothing that fits: their keys were exchanged when it was made. */
function cheatingDeal(tested: Tested): KeyDeal {
  const { suite } = tested;
  const keys = recipientsOf(suite, 4, 1);
  const publicKeys = [...keys.publicKeys];
  [publicKeys[2], publicKeys[3]] = [publicKeys[3] as Uint8Array, publicKeys[2] as Uint8Array];
  return dealOf(suite, { dealer: 0, round: ROUND, threshold: 3, recipients: { ...keys, publicKeys } });
}

t.test("deal: honest dealers, well-formed, every share fits, shares and share keys belong together, and the key opens", async (t) => {
  for (const tested of all) {
    const { suite } = tested;
    const key = freshKey(suite, 4);
    t.strictSame(key.secretShares.map(suite.publicKeyOf).map(toHex), key.shareKeys.map(toHex), tested.name);
    t.ok(opens(tested, key, seal(tested, key.publicKey)));
    t.ok(suite.isPublicKey(key.publicKey));
    const { deal, context } = dealt(tested);
    t.equal(suite.isDealWellFormed({ deal, threshold: 3, recipients: 4, context }), true);
    t.equal(suite.isDealWellFormed({ deal, threshold: 2, recipients: 4, context }), false);
    t.equal(suite.isDealWellFormed({ deal, threshold: 3, recipients: 5, context }), false);
  }
});

t.test("D1: any byte of a deal changed, or another context, not well-formed", async (t) => {
  for (const tested of all) {
    const { deal, context } = dealt(tested);
    const isWellFormed = (changed: KeyDeal): boolean =>
      tested.suite.isDealWellFormed({ deal: changed, threshold: 3, recipients: 4, context });
    const changedAt = (bytes: Uint8Array, index: number): Uint8Array => bytes.map((byte, at) => (at === index ? byte ^ 1 : byte));
    const step = tested === fast ? 1 : 11;
    for (let index = 0; index < 96; index += step)
      if (isWellFormed({ ...deal, proof: changedAt(deal.proof, index) })) t.fail(`proof ${index}`);
    for (let index = 0; index < 32; index += step) {
      if (isWellFormed({ ...deal, ephemeral: changedAt(deal.ephemeral, index) })) t.fail(`ephemeral ${index}`);
      const changeIn = (list: readonly Uint8Array[], which: number): Uint8Array[] =>
        list.map((bytes, at) => (at === which ? changedAt(bytes, index) : bytes));
      for (const which of [0, 2]) {
        if (isWellFormed({ ...deal, commitments: changeIn(deal.commitments, which) })) t.fail(`commitment ${which}, ${index}`);
        if (isWellFormed({ ...deal, sealedShares: changeIn(deal.sealedShares, which) })) t.fail(`share ${which}, ${index}`);
      }
    }
    for (const malformed of [
      { ...deal, proof: deal.proof.slice(1) },
      { ...deal, ephemeral: new Uint8Array(32) },
      { ...deal, ephemeral: new Uint8Array(0) },
      { ...deal, commitments: [...deal.commitments.slice(1), new Uint8Array(32)] },
      { ...deal, sealedShares: [...deal.sealedShares.slice(1), new Uint8Array(32).fill(0xff)] },
      { ...deal, commitments: [] },
    ]) {
      t.equal(isWellFormed(malformed), false, tested.name);
    }
    const other = contextOf(ROUND, 1);
    t.equal(tested.suite.isDealWellFormed({ deal, threshold: 3, recipients: 4, context: other }), false, "a deal copied by another dealer");
  }
});

t.test("D1: the ephemeral point of another dealer in a deal of one's own, no disclosure is made for it", async (t) => {
  for (const tested of all) {
    const { recipients, deal, of, context } = dealt(tested);
    const own = dealOf(tested.suite, { dealer: 1, round: ROUND, threshold: 3, recipients });
    const theft: KeyDeal = { ...own, ephemeral: deal.ephemeral };
    t.equal(tested.suite.isDealWellFormed({ deal: theft, threshold: 3, recipients: 4, context: contextOf(ROUND, 1) }), false);
    t.throws(() => tested.suite.discloseShare({ deal: theft, ...of, context: contextOf(ROUND, 1) }), AssertionError, tested.name);
    t.throws(() => tested.suite.discloseShare({ deal, ...of, context: contextOf(ROUND, 1) }), AssertionError);
    t.doesNotThrow(() => tested.suite.discloseShare({ deal, ...of, context }));
  }
});

t.test("complaint: a cheating dealer is found, a groundless one is found out, a disclosure that proves nothing is invalid", async (t) => {
  for (const tested of all) {
    const { suite } = tested;
    const { deal, of, judged, recipients } = dealt(tested);
    const cheating = cheatingDeal(tested);
    t.equal(
      suite.isDealWellFormed({ deal: cheating, threshold: 3, recipients: 4, context: of.context }),
      true,
      "nothing is seen from outside",
    );
    t.not(suite.receiveShare({ deal, ...of }), undefined);
    t.equal(suite.receiveShare({ deal: cheating, ...of }), undefined);
    const honest = ValidatorIndex.of(1);
    t.not(suite.receiveShare({ ...of, deal: cheating, recipient: honest, secretKey: recipients.secretKeys[1] as Uint8Array }), undefined);
    const disclosure = suite.discloseShare({ deal: cheating, ...of });
    t.equal(suite.judgeDisclosure({ deal: cheating, disclosure, ...judged }), "dealerCheated", tested.name);
    const groundless = suite.discloseShare({ deal, ...of });
    t.equal(suite.judgeDisclosure({ deal, disclosure: groundless, ...judged }), "groundless");
    const invalid = (given: Partial<Parameters<typeof suite.judgeDisclosure>[0]>): void => {
      t.equal(suite.judgeDisclosure({ deal: cheating, disclosure, ...judged, ...given }), "invalid", tested.name);
    };
    invalid({ disclosure: groundless });
    invalid({ recipientKey: recipients.publicKeys[0] as Uint8Array });
    invalid({ disclosure: { ...disclosure, sharedPoint: recipients.publicKeys[0] as Uint8Array } });
    invalid({ disclosure: { ...disclosure, proof: disclosure.proof.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) } });
    invalid({ disclosure: { sharedPoint: new Uint8Array(0), proof: new Uint8Array(0) } });
    invalid({ recipient: ValidatorIndex.of(4) });
    invalid({ deal: { ...cheating, commitments: [] } });
  }
});

t.test("deal: the same inputs give the same bytes; any other input, no part comes again but a given constant", async (t) => {
  for (const tested of all) {
    const recipients = recipientsOf(tested.suite, 4, 1);
    const base = { dealer: 0, round: ROUND, threshold: 3, recipients };
    const partsOf = (deal: KeyDeal): string[] => [...deal.commitments, deal.ephemeral, ...deal.sealedShares, deal.proof].map(toHex);
    const first = partsOf(dealOf(tested.suite, base));
    t.strictSame(partsOf(dealOf(tested.suite, base)), first, tested.name);
    const [constant, other] = [tested.suite.deriveSecretKey(counting(32, 8)), tested.suite.deriveSecretKey(counting(32, 7))];
    const changed = [
      { round: "other" },
      { dealer: 1 },
      { threshold: 2 },
      { recipients: recipientsOf(tested.suite, 4, 2) },
      { constant },
      { constant: other },
    ];
    const variants = changed.map((change) => partsOf(dealOf(tested.suite, { ...base, ...change })));
    const parts = [first, ...variants].flat();
    t.equal(new Set(parts).size, parts.length);
    const reshared = dealOf(tested.suite, { ...base, constant });
    t.equal(tested.suite.isDealOfShare(reshared, tested.suite.publicKeyOf(constant)), true);
    t.equal(tested.suite.isDealOfShare(dealOf(tested.suite, base), tested.suite.publicKeyOf(constant)), false);
  }
});

t.test("resharing: to more, fewer or other validators, Y stays, old sealed parts open, old and new shares do not mix", async (t) => {
  for (const tested of all) {
    for (const count of tested === fast ? [1, 3, 4, 7, 10] : [3, 7]) {
      const { suite } = tested;
      const old = freshKey(suite, 4);
      const sealed = seal(tested, old.publicKey);
      const threshold = count - Math.floor((count - 1) / 3);
      const recipients = recipientsOf(suite, count, 40);
      const dealers = [0, 2, 3].map(ValidatorIndex.of);
      const deals = dealers.map((dealer) =>
        dealOf(suite, { dealer, round: "re", threshold, recipients, constant: old.secretShares[dealer] as Uint8Array }),
      );
      t.ok(deals.every((deal, at) => suite.isDealOfShare(deal, old.shareKeys[dealers[at] as number] as Uint8Array)));
      const key = keyOfDeals(suite, { deals, dealers, round: "re", recipients, isResharing: true });
      t.equal(toHex(key.publicKey), toHex(old.publicKey), `${tested.name}: Y for ${count}`);
      t.strictSame(key.secretShares.map(suite.publicKeyOf).map(toHex), key.shareKeys.map(toHex));
      t.ok(opens(tested, key, sealed));
      if (count < 3) continue;
      const mixed = [...sharesOf(suite, old, sealed).slice(0, 1), ...sharesOf(suite, key, sealed).slice(1, threshold)];
      const seed = suite.combine({ shares: mixed, label: LABEL, sealed });
      t.equal(seed !== undefined && suite.isSeedOf({ publicKey: key.publicKey, label: LABEL, sealed, seed }), false);
    }
  }
});

t.test("fresh key: any size, any qualified dealers in any order, all get the same key and working shares", async (t) => {
  const { suite } = fast;
  const inputs = fc.property(fc.integer({ min: 1, max: 10 }), fc.infiniteStream(fc.nat()), (count, order) => {
    const threshold = count - Math.floor((count - 1) / 3);
    const recipients = recipientsOf(suite, count, 3);
    const drawn = indices(count).map((dealer) => ({ dealer, at: order.next().value as number }));
    const dealers = drawn
      .sort((left, right) => left.at - right.at)
      .map(({ dealer }) => dealer)
      .slice(0, threshold);
    const deals = dealers.map((dealer) => dealOf(suite, { dealer, round: "any", threshold, recipients }));
    const key = keyOfDeals(suite, { deals, dealers, round: "any", recipients, isResharing: false });
    const sealed = seal(fast, key.publicKey);
    return (
      opens(fast, key, sealed) &&
      key.secretShares.every((secret, at) => toHex(suite.publicKeyOf(secret)) === toHex(key.shareKeys[at] as Uint8Array))
    );
  });
  holds(t, inputs, 80);
});

t.test("bytes from outside: any deal and disclosure, judged without a throw", async (t) => {
  const { suite } = fast;
  const bytes = fc.oneof(
    bytesOf(32),
    fc.uint8Array({ maxLength: 40 }),
    fc.constant(suite.publicKeyOf(suite.deriveSecretKey(counting(32, 1)))),
  );
  const lists = fc.array(bytes, { maxLength: 5 });
  const inputs = fc.property(
    lists,
    lists,
    bytes,
    fc.uint8Array({ maxLength: 100 }),
    bytes,
    (commitments, sealedShares, ephemeral, proof, point) => {
      const deal = { commitments, sealedShares, ephemeral, proof };
      const { of, judged, context } = dealt(fast);
      const verdict = suite.judgeDisclosure({ deal, disclosure: { sharedPoint: point, proof }, ...judged });
      const isWellFormed = suite.isDealWellFormed({ deal, threshold: commitments.length, recipients: sealedShares.length, context });
      return verdict === "invalid" && !isWellFormed && suite.receiveShare({ deal, ...of }) === undefined;
    },
  );
  holds(t, inputs, 300);
});

t.test("keyIdOf: any field changed, another name", async (t) => {
  const { publicKey, shareKeys, threshold } = freshKey(fast.suite, 4);
  const key = { suite: 1, threshold, publicKey, shareKeys };
  const names = [
    key,
    { ...key, suite: 2 },
    { ...key, threshold: 2 },
    { ...key, publicKey: shareKeys[0] as Uint8Array },
    { ...key, shareKeys: shareKeys.slice(1) },
    { ...key, shareKeys: [...shareKeys].reverse() },
    { ...key, publicKey: shareKeys[0] as Uint8Array, shareKeys: [publicKey, ...shareKeys.slice(1)] },
  ].map(keyIdOf);
  t.equal(new Set(names).size, names.length);
  t.match(names[0], /^[0-9a-f]{64}$/);
});
