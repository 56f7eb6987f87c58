/** The native and the pure suite are one suite: same bytes out, same verdict on anything, honest or hostile.
 *  noble takes some 10 ms for each pairing check, so the properties run few times. */

import { bls12_381 } from "@noble/curves/bls12-381.js";
import fc from "fast-check";
import t from "tap";
import { createBlstSuite } from "../../crypto/bls_blst.ts";
import { createNobleSuite } from "../../crypto/bls_noble.ts";
import { BLS_GROUP_ORDER, possessionMessage } from "../../crypto/bls_scalar.ts";
import { AssertionError } from "../../types/assert.ts";
import { asciiBytes, fromHex, toHex } from "../../types/bytes.ts";
import type { BlsSignatureSet, BlsSuite } from "../../types/suites.ts";
import { bytesOf } from "../support/arbitraries.ts";
import { holds } from "../support/property.ts";

const blst = createBlstSuite();
const noble = createNobleSuite();
const suites = [blst, noble];
const FIELD_PRIME = bls12_381.fields.Fp.ORDER;
const MESSAGE = asciiBytes("message");

const secretKeyOf = (index: number): Uint8Array => blst.deriveSecretKey(new Uint8Array(32).fill(index));
const publicKeyOf = (index: number): Uint8Array => blst.publicKeyOf(secretKeyOf(index));
const signatureOf = (index: number, message: Uint8Array = MESSAGE): Uint8Array => blst.sign(secretKeyOf(index), message);
const infinity = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index === 0 ? 0xc0 : 0));
const bigEndian = (value: bigint, length: number): Uint8Array => fromHex(value.toString(16).padStart(2 * length, "0"));

function negated(point: Uint8Array): Uint8Array {
  const copy = point.slice();
  copy[0] = (copy[0] as number) ^ 0x20;
  return copy;
}

/** What both suites answer; "differ" when they do not agree. */
function both<T extends string | boolean | undefined>(ask: (suite: BlsSuite) => T): T | "differ" {
  const answer = ask(blst);
  return answer === ask(noble) ? answer : "differ";
}

const hexOf = (bytes: Uint8Array | undefined): string | undefined => (bytes === undefined ? undefined : toHex(bytes));

t.test("deriveSecretKey: any seed of 32 bytes or more, both suites derive, sign and prove byte for byte alike", async (t) => {
  const inputs = fc.property(fc.uint8Array({ minLength: 32, maxLength: 80 }), fc.uint8Array({ maxLength: 200 }), (seed, message) => {
    const secretKey = blst.deriveSecretKey(seed);
    const outputs = (suite: BlsSuite): string =>
      [suite.deriveSecretKey(seed), suite.publicKeyOf(secretKey), suite.sign(secretKey, message), suite.provePossession(secretKey)]
        .map(hexOf)
        .join();
    return both(outputs) !== "differ";
  });
  holds(t, inputs, 12);
});

t.test("deriveSecretKey: fewer than 32 bytes of seed, assertion", async (t) => {
  for (const suite of suites) t.throws(() => suite.deriveSecretKey(new Uint8Array(31)), AssertionError, suite.name);
});

t.test("isSecretKey: 1 to r − 1 in 32 bytes, nothing else; signing asserts it", async (t) => {
  const allowed = [1n, BLS_GROUP_ORDER - 1n].map((value) => bigEndian(value, 32));
  const refused = [...[0n, BLS_GROUP_ORDER, BLS_GROUP_ORDER + 1n, 2n ** 256n - 1n].map((value) => bigEndian(value, 32)), new Uint8Array(0)];
  refused.push(bigEndian(1n, 31), bigEndian(1n, 33));
  for (const suite of suites) {
    t.strictSame(allowed.map(suite.isSecretKey), [true, true]);
    t.strictSame(refused.map(suite.isSecretKey), Array(refused.length).fill(false));
    for (const key of refused) {
      t.throws(() => suite.sign(key, MESSAGE), AssertionError);
      t.throws(() => suite.publicKeyOf(key), AssertionError);
    }
  }
  t.strictSame(allowed.map((key) => both((suite) => toHex(suite.publicKeyOf(key)))).includes("differ"), false);
});

t.test("verify: honest signature accepted; other key, message, or any flipped bit refused, by both suites", async (t) => {
  t.equal(
    both((suite) => suite.verify(publicKeyOf(1), MESSAGE, signatureOf(1))),
    true,
  );
  t.equal(
    both((suite) => suite.verify(publicKeyOf(2), MESSAGE, signatureOf(1))),
    false,
  );
  t.equal(
    both((suite) => suite.verify(publicKeyOf(1), asciiBytes("messages"), signatureOf(1))),
    false,
  );
  t.equal(
    both((suite) => suite.verify(publicKeyOf(1), MESSAGE, negated(signatureOf(1)))),
    false,
  );
  const flips = fc.property(fc.nat(48 * 8 + 96 * 8 - 1), (bit) => {
    const bytes = Uint8Array.of(...publicKeyOf(1), ...signatureOf(1));
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    return both((suite) => suite.verify(bytes.subarray(0, 48), MESSAGE, bytes.subarray(48))) === false;
  });
  holds(t, flips, 25);
});

t.test("verify: message in shared memory, same verdict", async (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(MESSAGE.length + 8), 8);
  shared.set(MESSAGE);
  t.equal(
    both((suite) => suite.verify(publicKeyOf(1), shared, signatureOf(1))),
    true,
  );
  t.equal(
    both((suite) => toHex(suite.sign(secretKeyOf(1), shared))),
    toHex(signatureOf(1)),
  );
});

/** Bytes that are no public key: points outside the subgroup, infinity, other forms, coordinates beyond the field. */
function hostilePublicKeys(): Map<string, Uint8Array> {
  const valid = publicKeyOf(1);
  const point = bls12_381.G1.Point.fromBytes(valid);
  const hostile = new Map<string, Uint8Array>([
    ["infinity", infinity(48)],
    ["infinity with a sign", Uint8Array.from(infinity(48), (byte, index) => (index === 0 ? 0xe0 : byte))],
    ["infinity with a payload", Uint8Array.from(infinity(48), (byte, index) => (index === 47 ? 1 : byte))],
    ["zero bytes", new Uint8Array(48)],
    ["all ones", new Uint8Array(48).fill(255)],
    ["no compression flag", Uint8Array.from(valid, (byte, index) => (index === 0 ? byte & 0x7f : byte))],
    ["uncompressed", point.toBytes(false)],
    ["uncompressed, cut", point.toBytes(false).slice(0, 48)],
    ["empty", new Uint8Array(0)],
    ["short", valid.slice(0, 47)],
    ["long", Uint8Array.of(...valid, 0)],
    ["x = p", withFlags(bigEndian(FIELD_PRIME, 48))],
  ]);
  const curve = bls12_381.fields.Fp;
  for (let x = 1n; hostile.size < 16; x++) {
    const y2 = curve.add(curve.pow(x, 3n), 4n);
    // On the curve but, except with negligible probability, not in the subgroup: the cofactor of G1 is about 2^125.
    if (curve.eql(curve.pow(y2, (FIELD_PRIME - 1n) / 2n), 1n)) hostile.set(`outside the subgroup, x = ${x}`, withFlags(bigEndian(x, 48)));
  }
  for (let index = 1; !hostile.has("x + p"); index++) {
    const { x } = bls12_381.G1.Point.fromBytes(publicKeyOf(index)).toAffine();
    const sign = (publicKeyOf(index)[0] as number) & 0x20;
    if (x + FIELD_PRIME < 2n ** 381n) hostile.set("x + p", withFlags(bigEndian(x + FIELD_PRIME, 48), sign));
  }
  return hostile;
}

function withFlags(bytes: Uint8Array, sign = 0): Uint8Array {
  return Uint8Array.from(bytes, (byte, index) => (index === 0 ? byte | 0x80 | sign : byte));
}

t.test("isPublicKey: hostile encodings and points, refused everywhere a key is taken", async (t) => {
  for (const [what, key] of hostilePublicKeys()) {
    t.equal(
      both((suite) => suite.isPublicKey(key)),
      false,
      what,
    );
    t.equal(
      both((suite) => suite.verify(key, MESSAGE, signatureOf(1))),
      false,
      what,
    );
    t.equal(
      both((suite) => suite.verifyAggregate([publicKeyOf(1), key], MESSAGE, signatureOf(1))),
      false,
      what,
    );
    t.equal(
      both((suite) => suite.verifyPossession(key, signatureOf(1))),
      false,
      what,
    );
    const sets = [{ publicKeys: [key], message: MESSAGE, signature: signatureOf(1) }];
    t.equal(
      both((suite) => suite.verifyBatch(sets, new Uint8Array(16).fill(1))),
      false,
      what,
    );
  }
});

/** Bytes that are no signature. Infinity is not among them: it is one that verifies nothing. */
function hostileSignatures(): Map<string, Uint8Array> {
  const valid = signatureOf(1);
  const point = bls12_381.longSignatures.Signature.fromBytes(valid);
  const { Fp2 } = bls12_381.fields;
  const hostile = new Map<string, Uint8Array>([
    ["infinity with a sign", Uint8Array.from(infinity(96), (byte, index) => (index === 0 ? 0xe0 : byte))],
    ["infinity with a payload", Uint8Array.from(infinity(96), (byte, index) => (index === 95 ? 1 : byte))],
    ["zero bytes", new Uint8Array(96)],
    ["all ones", new Uint8Array(96).fill(255)],
    ["no compression flag", Uint8Array.from(valid, (byte, index) => (index === 0 ? byte & 0x7f : byte))],
    ["uncompressed", point.toBytes(false)],
    ["uncompressed, cut", point.toBytes(false).slice(0, 96)],
    ["empty", new Uint8Array(0)],
    ["short", valid.slice(0, 95)],
    ["long", Uint8Array.of(...valid, 0)],
    ["a public key", publicKeyOf(1)],
  ]);
  for (let real = 1n; hostile.size < 14; real++) {
    const x = Fp2.create({ c0: real, c1: 0n });
    const y2 = Fp2.add(Fp2.pow(x, 3n), Fp2.create({ c0: 4n, c1: 4n }));
    const isOnCurve = Fp2.eql(Fp2.pow(y2, (Fp2.ORDER - 1n) / 2n), Fp2.ONE);
    if (isOnCurve) hostile.set(`outside the subgroup, x = ${real}`, withFlags(bigEndian(real, 96)));
  }
  return hostile;
}

t.test("verify, aggregate: hostile signatures, refused everywhere a signature is taken", async (t) => {
  for (const [what, signature] of hostileSignatures()) {
    t.equal(
      both((suite) => suite.verify(publicKeyOf(1), MESSAGE, signature)),
      false,
      what,
    );
    t.equal(
      both((suite) => hexOf(suite.aggregate([signature]))),
      undefined,
      what,
    );
    t.equal(
      both((suite) => hexOf(suite.aggregate([signatureOf(1), signature]))),
      undefined,
      what,
    );
    t.equal(
      both((suite) => suite.verifyAggregate([publicKeyOf(1)], MESSAGE, signature)),
      false,
      what,
    );
    const sets = [{ publicKeys: [publicKeyOf(1)], message: MESSAGE, signature }];
    t.equal(
      both((suite) => suite.verifyBatch(sets, new Uint8Array(16).fill(1))),
      false,
      what,
    );
  }
});

t.test("isPublicKey, aggregate: random bytes with plausible flags, both suites agree", async (t) => {
  const flag = fc.constantFrom(0x00, 0x20, 0x40, 0x80, 0xa0, 0xc0, 0xe0);
  const random = (length: number) =>
    fc.tuple(bytesOf(length), flag).map(([bytes, bits]) => Uint8Array.from(bytes, (byte, at) => (at === 0 ? (byte & 0x1f) | bits : byte)));
  holds(
    t,
    fc.property(random(48), (key) => both((suite) => suite.isPublicKey(key)) === false),
    40,
  );
  holds(
    t,
    fc.property(random(96), (signature) => both((suite) => hexOf(suite.aggregate([signature]))) !== "differ"),
    40,
  );
});

t.test("aggregate: empty refused, infinity neutral, opposite signatures sum to infinity, order irrelevant", async (t) => {
  const [one, two, three] = [1, 2, 3].map((index) => signatureOf(index)) as [Uint8Array, Uint8Array, Uint8Array];
  const sum = (list: Uint8Array[]) => both((suite) => hexOf(suite.aggregate(list)));
  t.equal(sum([]), undefined);
  t.equal(sum([infinity(96)]), toHex(infinity(96)));
  t.equal(sum([infinity(96), one]), toHex(one));
  t.equal(sum([one, negated(one)]), toHex(infinity(96)));
  t.equal(sum([one, two, three]), sum([three, one, two]));
  t.not(sum([one, one]), toHex(one));
});

t.test("verifyAggregate: exactly the signers, each as often as it signed; false for none", async (t) => {
  const keys = [1, 2, 3, 4].map(publicKeyOf);
  const signature = blst.aggregate([1, 2, 3, 4].map((index) => signatureOf(index))) as Uint8Array;
  const check = (list: Uint8Array[], proof: Uint8Array) => both((suite) => suite.verifyAggregate(list, MESSAGE, proof));
  t.equal(check(keys, signature), true);
  t.equal(check([...keys].reverse(), signature), true);
  t.equal(check(keys.slice(1), signature), false);
  t.equal(check([...keys, publicKeyOf(5)], signature), false);
  t.equal(check([...keys, publicKeyOf(1)], signature), false);
  t.equal(check([], signature), false);
  t.equal(check([], infinity(96)), false);
});

t.test("verifyAggregate: keys that cancel out, refused with any signature", async (t) => {
  const keys = [publicKeyOf(1), negated(publicKeyOf(1))];
  t.equal(
    both((suite) => suite.isPublicKey(keys[1] as Uint8Array)),
    true,
    "each key alone is one",
  );
  for (const signature of [infinity(96), signatureOf(1)]) {
    t.equal(
      both((suite) => suite.verifyAggregate(keys, MESSAGE, signature)),
      false,
    );
    const cancelled = { publicKeys: keys, message: MESSAGE, signature };
    const honest = { publicKeys: [publicKeyOf(2)], message: MESSAGE, signature: signatureOf(2) };
    t.equal(
      both((suite) => suite.verifyBatch([cancelled], new Uint8Array(16).fill(3))),
      false,
    );
    t.equal(
      both((suite) => suite.verifyBatch([honest, cancelled], new Uint8Array(32).fill(3))),
      false,
    );
  }
  t.equal(
    both((suite) => suite.verify(publicKeyOf(1), MESSAGE, infinity(96))),
    false,
  );
});

const batchOf = (count: number): BlsSignatureSet[] =>
  Array.from({ length: count }, (_, index) => {
    const message = Uint8Array.of(index);
    const signers = [index + 1, index + 2];
    return {
      publicKeys: signers.map(publicKeyOf),
      message,
      signature: blst.aggregate(signers.map((signer) => signatureOf(signer, message))) as Uint8Array,
    };
  });

t.test("verifyBatch: all statements true accepted, one false refuses all, none refused", async (t) => {
  const sets = batchOf(3);
  const [first, second, third] = sets as [BlsSignatureSet, BlsSignatureSet, BlsSignatureSet];
  const check = (list: typeof sets) =>
    both((suite) =>
      suite.verifyBatch(
        list,
        Uint8Array.from({ length: 16 * list.length }, (_, index) => index * 7 + 1),
      ),
    );
  t.equal(check(sets), true);
  t.equal(check([first]), true);
  t.equal(check([first, second, { ...third, message: MESSAGE }]), false);
  t.equal(check([first, { ...second, publicKeys: [] }]), false);
  t.equal(check([first, { ...second, signature: infinity(96) }]), false);
  t.equal(check([]), false);
});

t.test("verifyBatch: random bytes for another number of sets, assertion", async (t) => {
  for (const suite of suites) t.throws(() => suite.verifyBatch(batchOf(2), new Uint8Array(16)), AssertionError, suite.name);
});

t.test("verifyBatch: forged pair whose errors cancel in a plain sum, refused", async (t) => {
  const [first, second] = batchOf(2) as [BlsSignatureSet, BlsSignatureSet];
  const error = signatureOf(9);
  const forged = [
    { ...first, signature: blst.aggregate([first.signature, error]) as Uint8Array },
    { ...second, signature: blst.aggregate([second.signature, negated(error)]) as Uint8Array },
  ];
  const sumOf = (sets: readonly { signature: Uint8Array }[]) => hexOf(blst.aggregate(sets.map(({ signature }) => signature)));
  t.equal(sumOf(forged), sumOf([first, second]), "the sums agree, so only weights can tell");
  const random = Uint8Array.from({ length: 32 }, (_, index) => index * index + 3);
  t.equal(
    both((suite) => suite.verifyBatch(forged, random)),
    false,
  );
  t.equal(noble.verifyBatch(forged, new Uint8Array(32).fill(5)), true, "equal weights would let it pass: the caller's bytes decide");
});

t.test("verifyPossession: own proof accepted; another key's proof or a vote over the same bytes refused", async (t) => {
  const proof = noble.provePossession(secretKeyOf(1));
  t.equal(
    both((suite) => suite.verifyPossession(publicKeyOf(1), proof)),
    true,
  );
  t.equal(
    both((suite) => suite.verifyPossession(publicKeyOf(2), proof)),
    false,
  );
  t.equal(
    both((suite) => suite.verifyPossession(publicKeyOf(1), signatureOf(1, publicKeyOf(1)))),
    false,
  );
  t.equal(
    both((suite) => suite.verify(publicKeyOf(1), possessionMessage(publicKeyOf(1)), proof)),
    true,
  );
});

t.test("verifyPossession: rogue key that would forge an aggregate, has no proof", async (t) => {
  // rogue = x·G − honest: with it, x's signature alone passes as the aggregate of both.
  const rogue = bls12_381.G1.Point.fromBytes(publicKeyOf(2))
    .subtract(bls12_381.G1.Point.fromBytes(publicKeyOf(1)))
    .toBytes(true);
  t.equal(
    both((suite) => suite.verifyAggregate([publicKeyOf(1), rogue], MESSAGE, signatureOf(2))),
    true,
    "the attack works without proofs",
  );
  for (const proof of [
    blst.provePossession(secretKeyOf(1)),
    blst.provePossession(secretKeyOf(2)),
    signatureOf(2, possessionMessage(rogue)),
  ]) {
    t.equal(
      both((suite) => suite.verifyPossession(rogue, proof)),
      false,
    );
  }
});
