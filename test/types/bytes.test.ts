/** The small tools of types/: hex, comparison, joining, branded ids and assertions. */

import fc from "fast-check";
import t from "tap";
import { AssertionError, assert, unreachable } from "../../types/assert.ts";
import { asciiBytes, bytesEqual, compareBytes, concatBytes, fromHex, toHex, tryFromHex } from "../../types/bytes.ts";
import { Epoch, Height, parseHash, TimestampMs, ValidatorIndex, View } from "../../types/ids.ts";
import { holds } from "../support/property.ts";

const bytes = fc.uint8Array({ maxLength: 40 });

t.test("toHex, fromHex: any bytes, the text that Buffer writes, and back", async (t) => {
  holds(
    t,
    fc.property(bytes, (input) => toHex(input) === Buffer.from(input).toString("hex") && bytesEqual(fromHex(toHex(input)), input)),
    100,
  );
});

t.test("tryFromHex: odd length, upper case, spaces, signs or other alphabets, undefined; fromHex asserts", async (t) => {
  for (const text of ["0", "abc", "AB", "0x", " 1", "1 ", "+1", "-1", "g0", "0g", "é0", "\u{1d7d8}", "\u0660\u0660", "00\n0"]) {
    t.equal(tryFromHex(text), undefined, JSON.stringify(text));
    t.throws(() => fromHex(text), AssertionError);
  }
  t.same(tryFromHex(""), new Uint8Array(0));
});

t.test("tryFromHex: any text, undefined or the text again", async (t) => {
  const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom("0", "9", "a", "f", "F", "g") }));
  const property = fc.property(text, (input) => {
    const decoded = tryFromHex(input);
    return decoded === undefined ? !/^([0-9a-f]{2})*$/.test(input) : toHex(decoded) === input;
  });
  holds(t, property, 300);
});

t.test("compareBytes, bytesEqual: any two arrays, the order of Buffer.compare", async (t) => {
  const similar = fc.oneof(bytes, fc.uint8Array({ maxLength: 3, max: 1 }));
  const property = fc.property(similar, similar, (left, right) => {
    const expected = Buffer.compare(left, right);
    return Math.sign(compareBytes(left, right)) === expected && bytesEqual(left, right) === (expected === 0);
  });
  holds(t, property, 300);
});

t.test("concatBytes: any parts, one after the other in a fresh array", async (t) => {
  holds(
    t,
    fc.property(fc.array(bytes), (parts) => toHex(concatBytes(parts)) === parts.map((part) => toHex(part)).join("")),
    100,
  );
  const part = Uint8Array.of(1);
  const joined = concatBytes([part]);
  part[0] = 2;
  t.same(joined, Uint8Array.of(1));
});

t.test("asciiBytes: ASCII to codes, anything else trips the assertion", async (t) => {
  t.same(asciiBytes("aZ~"), Uint8Array.of(97, 90, 126));
  t.throws(() => asciiBytes("é"), AssertionError);
});

t.test("Epoch, View, Height, ValidatorIndex, TimestampMs: only safe integers from 0", async (t) => {
  for (const make of [Epoch.of, View.of, Height.of, ValidatorIndex.of, TimestampMs.of]) {
    t.equal(make(0), 0);
    t.equal(make(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
    for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER + 1])
      t.throws(() => make(value), AssertionError);
  }
});

t.test("View, Height, TimestampMs: steps stay in range or trip the assertion", async (t) => {
  t.equal(View.next(View.of(4)), 5);
  t.equal(View.previous(View.of(4)), 3);
  t.equal(Height.plus(Height.of(4), 6), 10);
  t.equal(TimestampMs.plus(TimestampMs.of(4), 6), 10);
  t.throws(() => View.previous(View.ZERO), AssertionError);
  t.throws(() => Height.previous(Height.ZERO), AssertionError);
  t.throws(() => Height.next(Height.of(Number.MAX_SAFE_INTEGER)), AssertionError);
});

t.test("parseHash: 64 lower-case hex characters, nothing else", async (t) => {
  const hash = "0123456789abcdef".repeat(4);
  t.equal(parseHash(hash), hash);
  for (const text of ["", hash.slice(1), `${hash}0`, hash.toUpperCase(), `${hash}\n`, ` ${hash.slice(1)}`, `${hash.slice(0, 63)}g`]) {
    t.equal(parseHash(text), undefined, JSON.stringify(text));
  }
});

t.test("assert, unreachable: throw an AssertionError that says what broke", async (t) => {
  t.throws(() => assert(false, "the invariant"), { name: "AssertionError", message: "the invariant" });
  t.doesNotThrow(() => assert(true, "the invariant"));
  t.throws(() => unreachable("case" as never), { name: "AssertionError", message: "unreachable case: case" });
});
