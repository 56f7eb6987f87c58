/** What every codec promises, for every wire type: values come back, and bytes from a peer are either refused or the one
 *  encoding of the value they decode to. The second half is stated as `isRefusedOrCanonical` and tried on truncations, appended
 *  bytes, flipped bits, overwritten offsets, spliced encodings and noise. */

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type ByteViews, UintNumberType } from "@chainsafe/ssz";
import fc from "fast-check";
import t from "tap";
import { AssertionError } from "../../types/assert.ts";
import { bytesEqual, concatBytes, toHex } from "../../types/bytes.ts";
import { defineCodec } from "../../types/codec.ts";
import { holds } from "../support/property.ts";
import { CODECS, WIRE_TYPES, type WireType } from "../support/wire_types.ts";

/** Decoding never throws; a throw fails the property that calls this. */
function isRefusedOrCanonical(type: WireType, bytes: Uint8Array): boolean {
  const decoded = type.decode(bytes);
  return !decoded.ok || bytesEqual(type.encode(decoded.value), bytes);
}

/** As above, and bytes that differ from `original` never decode to its value. */
function isOther(type: WireType, original: Uint8Array, bytes: Uint8Array): boolean {
  const decoded = type.decode(bytes);
  const again = type.decode(original);
  if (!decoded.ok || !again.ok) return again.ok;
  return isRefusedOrCanonical(type, bytes) && !isDeepStrictEqual(decoded.value, again.value);
}

function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
  return flipped;
}

/** Reads 0 and 128 as the same value, as a careless format would. */
class SloppyType extends UintNumberType {
  constructor() {
    super(1);
  }
  override value_deserializeFromBytes(data: ByteViews, start: number, end: number): number {
    return super.value_deserializeFromBytes(data, start, end) & 0x7f;
  }
}

t.test("defineCodec: a type that reads two encodings as one value, only the one it writes is accepted", async (t) => {
  // SSZ itself refuses all non-canonical forms that the other tests try; this shows that our own check stands behind it.
  const codec = defineCodec({
    name: "Sloppy",
    version: 1,
    type: new SloppyType(),
    bytesMax: 2,
    toSsz: (value: number) => value,
    fromSsz: (value) => value,
  });
  t.same(codec.decode(Uint8Array.of(1, 5)), { ok: true, value: 5 });
  t.same(codec.decode(Uint8Array.of(1, 5 + 128)), { ok: false, reason: "nonCanonical" });
});

t.test("defineCodec: a version that is no byte or zero, assertion", async (t) => {
  for (const version of [0, 256]) {
    const definition = {
      name: "V",
      version,
      type: new SloppyType(),
      bytesMax: 2,
      toSsz: (value: number) => value,
      fromSsz: (value: number) => value,
    };
    t.throws(() => defineCodec(definition), AssertionError);
  }
});

t.test("defineCodec: every codec of types/, in the table of these tests", async (t) => {
  const folder = path.resolve(import.meta.dirname, "..", "..", "types");
  const sources = readdirSync(folder)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(path.join(folder, name), "utf8"));
  const defined = sources.flatMap((source) => [...source.matchAll(/defineCodec\(\{\s*name: "(\w+)"/g)].map((match) => match[1]));
  t.same(defined.sort(), CODECS.map(({ name }) => name).sort());
});

for (const type of WIRE_TYPES) {
  t.test(`${type.name}: any value, decodes to itself from its own and from shared memory`, async (t) => {
    const property = fc.property(type.samples, ({ value, bytes }) => {
      const decoded = type.decode(bytes);
      const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 3), 3);
      shared.set(bytes);
      const again = type.decode(shared);
      return decoded.ok && isDeepStrictEqual(decoded.value, value) && again.ok && isDeepStrictEqual(again.value, value);
    });
    holds(t, property, 60);
  });

  t.test(`${type.name}: the buffer is reused after decoding, the value does not change`, async (t) => {
    const property = fc.property(type.samples, ({ value, bytes }) => {
      const buffer = bytes.slice();
      const decoded = type.decode(buffer);
      buffer.fill(0xff);
      return decoded.ok && isDeepStrictEqual(decoded.value, value);
    });
    holds(t, property, 20);
  });

  t.test(`${type.name}: every truncation, refused or the encoding of another value`, async (t) => {
    const property = fc.property(type.samples, ({ bytes }) => {
      for (let length = 0; length < bytes.length; length++) {
        const cut = bytes.subarray(0, length);
        if (type.isFixedSize ? type.decode(cut).ok : !isOther(type, bytes, cut)) return false;
      }
      return true;
    });
    holds(t, property, 4);
  });

  t.test(`${type.name}: appended bytes, refused or the encoding of another value`, async (t) => {
    const property = fc.property(type.samples, fc.uint8Array({ minLength: 1, maxLength: 70 }), ({ bytes }, tail) => {
      const longer = concatBytes([bytes, tail]);
      return type.isFixedSize ? !type.decode(longer).ok : isOther(type, bytes, longer);
    });
    holds(t, property, 60);
  });

  t.test(`${type.name}: any flipped bit, refused or the encoding of another value`, async (t) => {
    const property = fc.property(type.samples, ({ bytes }) => {
      // All bits of the first 256 bytes, where offsets and lengths are, then a sample.
      const step = (bit: number): number => (bit < 2_048 ? 1 : 37);
      for (let bit = 0; bit < 8 * bytes.length; bit += step(bit)) {
        if (!isOther(type, bytes, flipBit(bytes, bit))) return false;
      }
      return true;
    });
    holds(t, property, 3);
  });

  t.test(`${type.name}: four bytes overwritten as an offset, refused or canonical`, async (t) => {
    const offsets = fc.oneof(fc.nat(300), fc.constantFrom(0, 1, 4, 0x7fff_ffff, 0x8000_0000, 0xffff_fffc, 0xffff_ffff));
    const property = fc.property(type.samples, fc.nat(), offsets, ({ bytes }, at, offset) => {
      const altered = bytes.slice();
      const position = at % Math.max(1, bytes.length - 4);
      if (bytes.length >= position + 4) new DataView(altered.buffer).setUint32(position, offset, true);
      return isRefusedOrCanonical(type, altered);
    });
    holds(t, property, 150);
  });

  t.test(`${type.name}: head of one encoding and tail of another, refused or canonical`, async (t) => {
    const property = fc.property(type.samples, type.samples, fc.nat(), fc.nat(), (left, right, head, tail) =>
      isRefusedOrCanonical(
        type,
        concatBytes([left.bytes.subarray(0, head % left.bytes.length), right.bytes.subarray(tail % right.bytes.length)]),
      ),
    );
    holds(t, property, 60);
  });

  t.test(`${type.name}: noise behind the right first bytes, refused or canonical`, async (t) => {
    const property = fc.property(type.samples, fc.nat(4), fc.uint8Array({ maxLength: 400 }), ({ bytes }, kept, noise) =>
      isRefusedOrCanonical(type, concatBytes([bytes.subarray(0, kept), noise])),
    );
    holds(t, property, 150);
  });

  t.test(`${type.name}: nothing and more than its bound, refused by name`, async (t) => {
    t.same(type.decode(new Uint8Array(0)), { ok: false, reason: "empty" });
    t.same(type.decode(new Uint8Array(type.bytesMax + 1)), { ok: false, reason: "oversize" });
  });
}

for (const codec of CODECS) {
  t.test(`${codec.name}: any other version byte, unknownVersion`, async (t) => {
    const [sample] = fc.sample(codec.samples, { numRuns: 1, seed: 1 });
    const reasons = new Set<string>();
    for (let version = 0; version < 256; version++) {
      const bytes = (sample as { bytes: Uint8Array }).bytes.slice();
      if (bytes[0] === version) continue;
      bytes[0] = version;
      const decoded = codec.decode(bytes);
      reasons.add(decoded.ok ? `version ${version} accepted: ${toHex(bytes)}` : decoded.reason);
    }
    t.same([...reasons], ["unknownVersion"]);
  });
}

t.test("decodeMessage: frame types outside the table, unknownType", async (t) => {
  const [frame] = WIRE_TYPES.slice(-1) as [WireType];
  const reasons = Array.from({ length: 256 }, (_, type) => frame.decode(Uint8Array.of(type, 1, 2, 3))).map((decoded) =>
    decoded.ok ? "ok" : decoded.reason,
  );
  t.equal(reasons.filter((reason) => reason === "unknownType").length, 250);
});
