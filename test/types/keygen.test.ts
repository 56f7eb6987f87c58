/** Key generation messages: what decodes, and what the signature binds. The general promises of codecs are tested in codec.test.ts. */

import fc from "fast-check";
import t from "tap";
import { bytesEqual, concatBytes, fromHex, toHex } from "../../types/bytes.ts";
import { type ChainId, Epoch, ValidatorIndex, type ValidatorSetHash, ZERO_HASH } from "../../types/ids.ts";
import {
  type KeyComplaint,
  type KeygenBody,
  type KeygenMessage,
  keygenMessageCodec,
  keygenSigningBytes,
  signedKeygenMessageCodec,
} from "../../types/keygen.ts";
import { TRANSACTION_BYTES_MAX, VALIDATORS_MAX } from "../../types/limits.ts";
import type { KeyId } from "../../types/sealing.ts";
import { type SigningDomain, TAGS } from "../../types/signing.ts";
import { keygenMessages } from "../support/keygen_arbitraries.ts";
import { holds } from "../support/property.ts";

const domain: SigningDomain = {
  chainId: "11".repeat(32) as ChainId,
  epoch: Epoch.of(1),
  validatorSetHash: "22".repeat(32) as ValidatorSetHash,
};
const ack: KeygenMessage = {
  chainId: domain.chainId,
  epoch: domain.epoch,
  previousKeyId: ZERO_HASH as string as KeyId,
  round: 2,
  validator: ValidatorIndex.of(5),
  body: { kind: "ack" },
};
const complaintAbout = (dealer: number): KeyComplaint => ({
  dealer: dealer as ValidatorIndex,
  disclosure: { sharedPoint: new Uint8Array(32), proof: new Uint8Array(64) },
});
const deal = {
  commitments: [new Uint8Array(32)],
  ephemeral: new Uint8Array(32),
  sealedShares: [new Uint8Array(32)],
  proof: new Uint8Array(96),
};

t.test("signedKeygenMessageCodec: the first byte is 3, the kind of the transaction", async (t) => {
  t.equal(signedKeygenMessageCodec.encode({ message: ack, signature: new Uint8Array(64) })[0], 3);
});

t.test("signedKeygenMessageCodec: the largest deal and the most complaints, far within a transaction", async (t) => {
  const many = <T>(value: T): T[] => Array.from({ length: VALIDATORS_MAX }, () => value);
  const bodies: readonly KeygenBody[] = [
    { kind: "deal", deal: { ...deal, commitments: many(new Uint8Array(32)), sealedShares: many(new Uint8Array(32)) } },
    { kind: "complaint", complaints: many(0).map((_, dealer) => complaintAbout(dealer)) },
  ];
  for (const body of bodies) {
    const signed = { message: { ...ack, body }, signature: new Uint8Array(64) };
    const bytes = signedKeygenMessageCodec.encode(signed);
    t.ok(bytes.length < TRANSACTION_BYTES_MAX / 8);
    t.same(signedKeygenMessageCodec.decode(bytes), { ok: true, value: signed });
  }
});

t.test("keygenMessageCodec: complaints out of order or twice, indices beyond VALIDATORS_MAX, nonCanonical", async (t) => {
  const complaints = (...dealers: readonly number[]): KeygenMessage => ({
    ...ack,
    body: { kind: "complaint", complaints: dealers.map(complaintAbout) },
  });
  const table: readonly (readonly [string, KeygenMessage])[] = [
    ["descending", complaints(2, 1)],
    ["twice the same", complaints(1, 1)],
    ["a dealer beyond", complaints(1, VALIDATORS_MAX)],
    ["an author beyond", { ...ack, validator: ValidatorIndex.of(VALIDATORS_MAX) }],
  ];
  for (const [name, message] of table) {
    t.same(keygenMessageCodec.decode(keygenMessageCodec.encode(message)), { ok: false, reason: "nonCanonical" }, name);
  }
  t.ok(keygenMessageCodec.decode(keygenMessageCodec.encode(complaints(1, 2))).ok);
});

t.test("keygenMessageCodec: a deal and complaints in one message, nonCanonical", async (t) => {
  const withDeal = keygenMessageCodec.encode({ ...ack, body: { kind: "deal", deal } });
  const withComplaint = keygenMessageCodec.encode({ ...ack, body: { kind: "complaint", complaints: [complaintAbout(1)] } });
  const withNothing = keygenMessageCodec.encode(ack);
  // The complaint goes behind the deal; the offset of the complaints, last in the fixed part, already points there.
  const both = concatBytes([withDeal, withComplaint.subarray(withNothing.length)]);
  t.same(keygenMessageCodec.decode(both), { ok: false, reason: "nonCanonical" });
});

t.test("keygenSigningBytes: tag, domain with the set (R13), then the message with its version", async (t) => {
  const expected = concatBytes([
    TAGS.keygen,
    fromHex(domain.chainId),
    Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0),
    fromHex(domain.validatorSetHash),
    keygenMessageCodec.encode(ack),
  ]);
  t.equal(toHex(keygenSigningBytes(domain, ack)), toHex(expected));
  const others = [
    keygenSigningBytes({ ...domain, chainId: "33".repeat(32) as ChainId }, ack),
    keygenSigningBytes({ ...domain, epoch: Epoch.of(2) }, ack),
    keygenSigningBytes({ ...domain, validatorSetHash: "33".repeat(32) as ValidatorSetHash }, ack),
    keygenSigningBytes(domain, { ...ack, round: 3 }),
    keygenSigningBytes(domain, { ...ack, validator: ValidatorIndex.of(6) }),
    keygenSigningBytes(domain, { ...ack, previousKeyId: "44".repeat(32) as KeyId }),
    keygenSigningBytes(domain, { ...ack, body: { kind: "complaint", complaints: [complaintAbout(1)] } }),
  ];
  t.equal(new Set([expected, ...others].map((bytes) => toHex(bytes))).size, others.length + 1);
});

t.test("keygenSigningBytes: any two messages, the same bytes exactly when they are the same message", async (t) => {
  const property = fc.property(keygenMessages, keygenMessages, (left, right) => {
    const isSame = bytesEqual(keygenMessageCodec.encode(left), keygenMessageCodec.encode(right));
    return bytesEqual(keygenSigningBytes(domain, left), keygenSigningBytes(domain, right)) === isSame;
  });
  holds(t, property, 100);
});
