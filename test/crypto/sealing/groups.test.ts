/** The groups under the sealing suite: published vectors of ristretto255 on both real ones, agreement on anything, laws of all three. */

import fc from "fast-check";
import t from "tap";
import type { Group } from "../../../crypto/sealing/group.ts";
import { asciiBytes, fromHex, toHex } from "../../../types/bytes.ts";
import { bytesOf } from "../../support/arbitraries.ts";
import { holds } from "../../support/property.ts";
import { readVectors } from "../../support/vectors.ts";
import { counting, fastGroup, nobleGroup, sodiumGroup } from "./support.ts";

interface Encoded {
  readonly encoding: string;
}

interface Rfc9496 {
  readonly smallMultiples: readonly (Encoded & { readonly k: number })[];
  readonly invalidEncodings: readonly (Encoded & { readonly reason: string })[];
  readonly hashToGroup: { readonly uniformBytes: readonly (Encoded & { readonly uniformBytes: string })[] };
  readonly hashToGroupFromLabels: { readonly vectors: readonly (Encoded & { readonly label: string })[] };
}

const published = readVectors<Rfc9496>("ristretto255.json");
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const littleEndian = (value: bigint): Uint8Array => fromHex(value.toString(16).padStart(64, "0")).reverse();
const IDENTITY = toHex(new Uint8Array(32));

/** A group spoken to in hex, so that all three have one type. Undefined: refused. */
function inHex<Point, Scalar>(group: Group<Point, Scalar>) {
  const scalar = (hash: Uint8Array): Scalar => group.scalarFromHash(hash);
  const point = (hash: Uint8Array): Point => group.pointFromHash(hash);
  const hex = (value: Point): string => toHex(group.encodePoint(value));
  const hexOfScalar = (value: Scalar): string => toHex(group.encodeScalar(value));
  return {
    name: group.name,
    derive: (hash: Uint8Array) => hex(point(hash)),
    base: (factor: number) => hex(group.multiplyBase(group.scalarOf(factor))),
    isPoint: (bytes: Uint8Array) => group.parsePoint(bytes) !== undefined,
    isScalar: (bytes: Uint8Array) => group.parseScalar(bytes) !== undefined,
    hash: (bytes: Uint8Array) => toHex(group.hash(bytes)),
    encrypt: (given: Parameters<typeof group.encrypt>[0]) => group.encrypt(given),
    decrypt: (given: Parameters<typeof group.encrypt>[0]) => group.decrypt(given),
    /** Everything that two hashes can be brought to. */
    everything(left: Uint8Array, right: Uint8Array, small: number): string[] {
      const [a, b, p, q] = [scalar(left), scalar(right), point(left), point(right)];
      const scalars = [a, group.addScalars(a, b), group.subtractScalars(a, b), group.multiplyScalars(a, b), group.invertScalar(a)];
      const points = [p, group.add(p, q), group.subtract(p, q), group.multiplyBase(a), group.multiply(p, b), group.multiplyPublic(p, b)];
      points.push(group.multiplySmall(p, small), group.combinePublic([p, q, p], [a, b, group.scalarOf(small)]));
      return [...scalars.map(hexOfScalar), ...points.map(hex)];
    },
    /** Pairs of what the laws of a group say is equal. */
    laws(left: Uint8Array, right: Uint8Array, small: number): [string, string][] {
      const [a, b, p, q] = [scalar(left), scalar(right), point(left), point(right)];
      const zero = group.scalarOf(0);
      return [
        [hex(group.multiply(p, group.addScalars(a, b))), hex(group.add(group.multiply(p, a), group.multiply(p, b)))],
        [hex(group.multiply(group.multiplyBase(a), b)), hex(group.multiplyBase(group.multiplyScalars(a, b)))],
        [hex(group.subtract(group.add(p, q), q)), hex(p)],
        [hex(group.subtract(p, p)), IDENTITY],
        [hex(group.multiply(p, zero)), IDENTITY],
        [hex(group.multiplyPublic(p, zero)), IDENTITY],
        [hex(group.multiplyBase(zero)), IDENTITY],
        [hex(group.add(group.multiplyBase(zero), p)), hex(p)],
        [hex(group.multiply(group.multiplyBase(zero), a)), IDENTITY],
        [hexOfScalar(group.multiplyScalars(a, group.invertScalar(a))), hexOfScalar(group.scalarOf(1))],
        [hexOfScalar(group.addScalars(group.subtractScalars(a, b), b)), hexOfScalar(a)],
        [hex(group.multiplySmall(p, small)), hex(group.multiply(p, group.scalarOf(small)))],
        [hex(group.combinePublic([p, q], [a, zero])), hex(group.multiply(p, a))],
        [hex(group.combinePublic([p], [b])), hex(group.multiplyPublic(p, b))],
      ];
    },
  };
}

const sodium = inHex(sodiumGroup);
const noble = inHex(nobleGroup);
const fast = inHex(fastGroup);
const real = [sodium, noble];
const all = [...real, fast];

t.test("RFC 9496 A.1: multiples of the generator", { skip: published.missing }, async (t) => {
  for (const { k, encoding } of published.vectors.smallMultiples) {
    for (const group of real) {
      t.equal(group.base(k), encoding, `${group.name}: ${k}`);
      t.equal(group.isPoint(fromHex(encoding)), k !== 0, `${group.name}: ${k} as input, where the identity is refused`);
    }
  }
});

t.test("RFC 9496 A.2: encodings to refuse", { skip: published.missing }, async (t) => {
  for (const { reason, encoding } of published.vectors.invalidEncodings) {
    for (const group of real) t.equal(group.isPoint(fromHex(encoding)), false, `${group.name}: ${reason}`);
  }
});

t.test("RFC 9496 A.3: elements from uniform bytes and from hashed labels", { skip: published.missing }, async (t) => {
  for (const { uniformBytes, encoding } of published.vectors.hashToGroup.uniformBytes) {
    for (const group of real) t.equal(group.derive(fromHex(uniformBytes)), encoding, group.name);
  }
  for (const { label, encoding } of published.vectors.hashToGroupFromLabels.vectors) {
    for (const group of real) t.equal(group.derive(fromHex(group.hash(asciiBytes(label)))), encoding, group.name);
  }
});

t.test("Group: any inputs, libsodium and noble compute the same bytes", async (t) => {
  const inputs = fc.property(bytesOf(64), bytesOf(64), fc.integer({ min: 1, max: 128 }), (left, right, small) => {
    t.strictSame(sodium.everything(left, right, small), noble.everything(left, right, small));
  });
  holds(t, inputs, 8);
});

t.test("Group: every evaluation point, multiplySmall is multiplication", async (t) => {
  const [hash] = [counting(64, 7)];
  for (const group of [sodium, fast]) {
    for (let small = 1; small <= 128; small++) {
      const [product, expected] = group.laws(hash, hash, small)[11] as [string, string];
      if (product !== expected) t.fail(`${group.name}: ${small}`);
    }
  }
});

t.test("Group: any inputs, the laws of a group of prime order", async (t) => {
  for (const group of all) {
    const inputs = fc.property(bytesOf(64), bytesOf(64), fc.integer({ min: 1, max: 128 }), (left, right, small) =>
      group.laws(left, right, small).every(([value, expected]) => value === expected),
    );
    holds(t, inputs, group === fast ? 500 : 6);
  }
});

t.test("parseScalar: below the order and 32 bytes, nothing else", async (t) => {
  for (const group of real) {
    for (const value of [0n, 1n, ORDER - 1n]) t.equal(group.isScalar(littleEndian(value)), true, `${group.name}: ${value}`);
    for (const value of [ORDER, ORDER + 1n, 2n ** 253n, 2n ** 256n - 1n])
      t.equal(group.isScalar(littleEndian(value)), false, `${group.name}: ${value}`);
  }
  for (const value of [0n, 1n, 2n ** 31n - 2n]) t.equal(fast.isScalar(littleEndian(value)), true, `fast: ${value}`);
  for (const value of [2n ** 31n - 1n, 2n ** 31n, 2n ** 40n, 2n ** 255n])
    t.equal(fast.isScalar(littleEndian(value)), false, `fast: ${value}`);
  for (const group of all) for (const length of [0, 31, 33]) t.equal(group.isScalar(new Uint8Array(length)), false);
});

t.test(
  "parsePoint: any bytes, both real groups judge alike; no group takes the identity, a wrong length or a flipped high byte",
  async (t) => {
    const verdicts = fc.property(bytesOf(32), (bytes) => sodium.isPoint(bytes) === noble.isPoint(bytes));
    holds(t, verdicts, 60);
    for (const group of all) {
      for (const length of [0, 31, 32, 33]) t.equal(group.isPoint(new Uint8Array(length)), false, `${group.name}: ${length} zero bytes`);
      const point = fromHex(group.base(5));
      t.equal(group.isPoint(point), true);
      t.equal(group.isPoint(point.slice(0, 31)), false);
      for (const bit of [0x80, 0x40]) {
        const flipped = point.slice();
        flipped[31] = (flipped[31] as number) ^ bit;
        if (bit === 0x80 || group === fast) t.equal(group.isPoint(flipped), false, `${group.name}: ${bit}`);
      }
    }
  },
);

t.test("hash and cipher: any text, libsodium and noble alike; the cipher opens what it closed and nothing else", async (t) => {
  const texts = fc.property(bytesOf(32), fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 300 }), (key, associated, text) => {
    const closed = sodium.encrypt({ key, associated, text });
    const outputs = [noble.encrypt({ key, associated, text }), sodium.decrypt({ key, associated, text: closed })];
    return sodium.hash(text) === noble.hash(text) && toHex(outputs[0] ?? key) === toHex(closed) && toHex(outputs[1] ?? key) === toHex(text);
  });
  holds(t, texts, 30);
  for (const group of all) {
    const given = { key: counting(32, 1), associated: counting(20, 2), text: counting(50, 3) };
    const closed = group.encrypt(given);
    t.equal(closed.length, 66);
    t.strictSame(group.decrypt({ ...given, text: closed }), given.text);
    t.equal(group.decrypt({ ...given, text: closed.slice(0, 15) }), undefined, "shorter than a tag");
    t.equal(group.decrypt({ ...given, text: closed, key: counting(32, 2) }), undefined, "another key");
    t.equal(group.decrypt({ ...given, text: closed, associated: counting(20, 3) }), undefined, "other associated data");
    for (let index = 0; index < closed.length; index++) {
      const changed = closed.slice();
      changed[index] = (changed[index] as number) ^ 1;
      if (group.decrypt({ ...given, text: changed }) !== undefined) t.fail(`${group.name}: byte ${index} changed`);
    }
  }
});
