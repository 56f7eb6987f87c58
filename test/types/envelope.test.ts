/** Envelopes: their fixed layout, what the label and the signature cover, fee classes, and messages in their padding. That the codecs
 *  are canonical is tested with all others in codec.test.ts. */

import fc from "fast-check";
import t from "tap";
import { sha256 } from "../../crypto/hashes.ts";
import { AssertionError } from "../../types/assert.ts";
import { bytesEqual, concatBytes, toHex } from "../../types/bytes.ts";
import {
  buildEnvelope,
  decodeContent,
  ENVELOPE_AT,
  ENVELOPE_OVERHEAD,
  type EnvelopeFields,
  encodeContent,
  entryOf,
  envelopeBytesOf,
  envelopeSigningBytes,
  FEE_CLASS_MAX,
  feeClassOf,
  LABEL_BYTES,
  labelOf,
  messageBytesOf,
  SEALED_OPERATIONS_MAX,
  SEALED_SIZE_CLASS_MAX,
  type SealedContent,
  sealedBytesOf,
  sealedContentCodec,
  sealedEnvelopeCodec,
} from "../../types/envelope.ts";
import type { TransactionHash } from "../../types/ids.ts";
import { SEALING_SIZES } from "../../types/sealing.ts";
import { TAGS } from "../../types/signing.ts";
import type { Operation } from "../../types/transaction.ts";
import { hashes, integersFrom, operations } from "../support/arbitraries.ts";
import { holds } from "../support/property.ts";
import { contents, envelopeFields, envelopes } from "../support/sealed_arbitraries.ts";

const id = "ab".repeat(32) as TransactionHash;

t.test("sealedEnvelopeCodec: any envelope, each field at the offset of ENVELOPE_AT, as long as its size class says", async (t) => {
  const property = fc.property(envelopes, (envelope) => {
    const bytes = sealedEnvelopeCodec.encode(envelope);
    const view = new DataView(bytes.buffer);
    const hex = (at: number, length: number): string => toHex(bytes.subarray(at, at + length));
    const integer = (at: number): number => Number(view.getBigUint64(at, true));
    return (
      bytes.length === envelopeBytesOf(envelope.sizeClass) &&
      bytes[ENVELOPE_AT.version] === 2 &&
      hex(ENVELOPE_AT.chainId, 32) === envelope.chainId &&
      bytes[ENVELOPE_AT.suite] === envelope.suite &&
      hex(ENVELOPE_AT.keyId, 32) === envelope.keyId &&
      hex(ENVELOPE_AT.sender, 32) === envelope.sender &&
      integer(ENVELOPE_AT.nonce) === envelope.nonce &&
      view.getUint32(ENVELOPE_AT.gasLimit, true) === envelope.gasLimit &&
      integer(ENVELOPE_AT.fee) === envelope.fee &&
      integer(ENVELOPE_AT.expiryHeight) === envelope.expiryHeight &&
      bytes[ENVELOPE_AT.sizeClass] === envelope.sizeClass &&
      hex(ENVELOPE_AT.sealedHash, 32) === envelope.sealedHash &&
      hex(ENVELOPE_AT.signature, 64) === toHex(envelope.signature) &&
      view.getUint32(ENVELOPE_AT.sealedOffset, true) === ENVELOPE_AT.sealed - 1 &&
      bytesEqual(bytes.subarray(ENVELOPE_AT.sealed), envelope.sealed)
    );
  });
  holds(t, property, 100);
});

t.test("sealedEnvelopeCodec: a sealed part of another length than its size class, or a class beyond the last, refused", async (t) => {
  const [envelope] = fc.sample(envelopes, { numRuns: 1, seed: 7 });
  if (envelope === undefined) {
    t.fail("a sample");
    return;
  }
  const judge = (sizeClass: number, length: number): boolean =>
    sealedEnvelopeCodec.decode(sealedEnvelopeCodec.encode({ ...envelope, sizeClass, sealed: new Uint8Array(length) })).ok;
  for (let sizeClass = 0; sizeClass <= SEALED_SIZE_CLASS_MAX; sizeClass++) {
    t.ok(judge(sizeClass, sealedBytesOf(sizeClass)));
    t.notOk(judge(sizeClass, sealedBytesOf(sizeClass) - 1));
    t.notOk(judge(sizeClass, 0));
    if (sizeClass < SEALED_SIZE_CLASS_MAX) t.notOk(judge(sizeClass, sealedBytesOf(sizeClass) + 1));
  }
  t.notOk(judge(SEALED_SIZE_CLASS_MAX + 1, sealedBytesOf(SEALED_SIZE_CLASS_MAX)));
  t.throws(() => judge(SEALED_SIZE_CLASS_MAX, sealedBytesOf(SEALED_SIZE_CLASS_MAX) + 1), AssertionError, "beyond the largest encoding");
  t.equal(envelopeBytesOf(0), ENVELOPE_OVERHEAD + SEALING_SIZES.overhead + 256);
});

t.test("labelOf: the tag and the clear fields as encoded; neither hash, signature nor sealed part", async (t) => {
  const property = fc.property(envelopes, (envelope) => {
    const clear = sealedEnvelopeCodec.encode(envelope).subarray(ENVELOPE_AT.chainId, ENVELOPE_AT.sealedHash);
    const label = labelOf(envelope);
    const other = { ...envelope, sealedHash: "00".repeat(32), signature: new Uint8Array(64), sealed: new Uint8Array(1) };
    return label.length === LABEL_BYTES && bytesEqual(label, concatBytes([TAGS.label, clear])) && bytesEqual(label, labelOf(other));
  });
  holds(t, property, 100);
});

t.test("labelOf, envelopeSigningBytes: any changed field changes both", async (t) => {
  const changed = fc.tuple(
    envelopeFields,
    envelopeFields,
    fc.constantFrom<keyof EnvelopeFields>("chainId", "suite", "keyId", "sender", "nonce", "gasLimit", "fee", "expiryHeight", "sizeClass"),
  );
  const property = fc.property(changed, hashes<string>(), ([fields, others, name], sealedHash) => {
    const other = { ...fields, [name]: others[name] };
    const isSame = fields[name] === others[name];
    return (
      bytesEqual(labelOf(fields), labelOf(other)) === isSame &&
      bytesEqual(envelopeSigningBytes({ ...fields, sealedHash }), envelopeSigningBytes({ ...other, sealedHash })) === isSame
    );
  });
  holds(t, property, 200);
  const signedHash = fc.property(envelopeFields, hashes<string>(), hashes<string>(), (fields, one, other) => {
    const bytes = envelopeSigningBytes({ ...fields, sealedHash: one });
    return (
      bytes.length === 16 + LABEL_BYTES + 32 &&
      bytesEqual(bytes, envelopeSigningBytes({ ...fields, sealedHash: other })) === (one === other)
    );
  });
  holds(t, signedHash, 50);
});

t.test("feeClassOf: the bit length of the fee for each unit, as bigints compute it; never above FEE_CLASS_MAX", async (t) => {
  const property = fc.property(integersFrom(0), integersFrom(0, 2 ** 32 - 1), (fee, gasLimit) => {
    const perUnit = BigInt(fee) / BigInt(1 + gasLimit);
    return feeClassOf({ fee, gasLimit }) === (perUnit === 0n ? 0 : perUnit.toString(2).length);
  });
  holds(t, property, 500);
  const table: readonly (readonly [number, number, number])[] = [
    [0, 0, 0],
    [1, 1, 0],
    [2, 1, 1],
    [3, 1, 1],
    [4, 1, 2],
    [7, 0, 3],
    [2 ** 32 - 1, 0, 32],
    [2 ** 32, 0, 33],
    [Number.MAX_SAFE_INTEGER, 0, FEE_CLASS_MAX],
    [Number.MAX_SAFE_INTEGER, 2 ** 32 - 1, 21],
  ];
  for (const [fee, gasLimit, feeClass] of table) t.equal(feeClassOf({ fee, gasLimit }), feeClass, `${fee} for ${gasLimit}`);
});

t.test("entryOf: what a list says of an envelope", async (t) => {
  const property = fc.property(envelopeFields, (fields) => {
    const entry = entryOf(id, fields);
    const { expiryHeight, sizeClass } = fields;
    return entry.id === id && entry.expiryHeight === expiryHeight && entry.sizeClass === sizeClass && entry.feeClass === feeClassOf(fields);
  });
  holds(t, property, 50);
});

const bundleOf = (count: number): SealedContent => {
  const [operation] = fc.sample(operations, { numRuns: 1, seed: 3 });
  return { operations: Array<Operation>(count).fill(operation as Operation) };
};

t.test("encodeContent: the smallest size class that holds it, and back", async (t) => {
  holds(
    t,
    fc.property(contents, (content) => {
      const message = encodeContent(content);
      const half = message.length / 2;
      const isSmallest = message.length === messageBytesOf(0) || half < 2 + sealedContentCodec.encode(content).length;
      return isSmallest && JSON.stringify(decodeContent(message), text) === JSON.stringify(content, text);
    }),
    100,
  );
  const sizes = [1, 3, 4, 7, 8, 15, 16, SEALED_OPERATIONS_MAX].map((count) => encodeContent(bundleOf(count)).length);
  t.same(sizes, [256, 256, 512, 512, 1_024, 1_024, 2_048, 65_536]);
  t.throws(() => encodeContent(bundleOf(SEALED_OPERATIONS_MAX + 1)), AssertionError);
});

const text = (_: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString() : value);

t.test("decodeContent: any changed byte is no content or another one; rubbish never throws", async (t) => {
  const changed = fc.property(contents, fc.nat(), fc.integer({ min: 1, max: 255 }), (content, at, difference) => {
    const message = encodeContent(content);
    const position = at % message.length;
    message[position] = (message[position] as number) ^ difference;
    const decoded = decodeContent(message);
    return decoded === undefined || JSON.stringify(decoded, text) !== JSON.stringify(content, text);
  });
  holds(t, changed, 300);
  const rubbish = fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => decodeContent(bytes) === undefined);
  holds(t, rubbish, 100);
});

t.test(
  "decodeContent: no operations, padding that is not zero, a length of no size class, more operations than fit, refused",
  async (t) => {
    const message = encodeContent(bundleOf(2));
    t.ok(decodeContent(message));
    t.equal(decodeContent(new Uint8Array(256)), undefined, "version 0");
    t.equal(decodeContent(Uint8Array.from({ length: 256 }, (_, at) => (at === 2 ? 1 : 0))), undefined, "no operations");
    t.equal(decodeContent(message.with(255, 1)), undefined, "padding");
    t.equal(decodeContent(message.subarray(0, 255)), undefined);
    t.equal(decodeContent(new Uint8Array(0)), undefined);
    t.equal(decodeContent(concatBytes([message, new Uint8Array(1)])), undefined);
    t.equal(decodeContent(message.with(0, 4)), undefined, "4 operations end behind the message");
    t.equal(decodeContent(message.with(0, 1)), undefined, "an operation in the padding");
    t.same(decodeContent(concatBytes([message, new Uint8Array(256)])), bundleOf(2), "a larger size class hides more");
  },
);

t.test("buildEnvelope: seals under the label, signs the hash of what was sealed, for a bundle and for a raw message", async (t) => {
  const [fields] = fc.sample(envelopeFields, { numRuns: 1, seed: 5 });
  if (fields === undefined) {
    t.fail("a sample");
    return;
  }
  const { suite: _, sizeClass: __, ...given } = fields;
  const signed: Uint8Array[] = [];
  const labels: Uint8Array[] = [];
  const build = (content: SealedContent | Uint8Array) => {
    const seal = ({ label, message }: { label: Uint8Array; message: Uint8Array }): Uint8Array => {
      labels.push(label);
      return concatBytes([new Uint8Array(SEALING_SIZES.overhead), message]);
    };
    const sign = (message: Uint8Array): Uint8Array => {
      signed.push(message);
      return new Uint8Array(64).fill(9);
    };
    const secrets = { publicKey: new Uint8Array(32), randomness: new Uint8Array(64) };
    const decoded = sealedEnvelopeCodec.decode(
      buildEnvelope({ fields: given, content, suite: { suite: 1, seal }, ...secrets, sign, sha256 }),
    );
    return decoded.ok ? decoded.value : t.fail(decoded.reason);
  };
  for (const [content, sizeClass] of [
    [bundleOf(5), 1],
    [new Uint8Array(1_024).fill(7), 2],
  ] as const) {
    const envelope = build(content);
    if (typeof envelope === "boolean") return;
    const { sealed, sealedHash, signature, ...clear } = envelope;
    t.same(clear, { ...given, suite: 1, sizeClass });
    t.equal(sealedHash, toHex(sha256(sealed)));
    t.same(labels.at(-1), labelOf(envelope));
    t.same(signed.at(-1), envelopeSigningBytes(envelope));
    t.equal(signature[0], 9);
  }
  t.throws(() => build(new Uint8Array(300)), AssertionError, "no size class");
});
