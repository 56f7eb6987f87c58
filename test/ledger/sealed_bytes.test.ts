/** L11 for sealed transactions: envelopes are taken exactly when the codec takes them and what needs no state is right; opened messages
 *  are read by fixed offsets with the same acceptance as `decodeContent`. */

import fc from "fast-check";
import t from "tap";
import { chainIdOf, hashTransaction, sha256 } from "../../crypto/hashes.ts";
import { createLedger } from "../../ledger/ledger.ts";
import { CONTENT_AT, contentCountOf, parseSealedTransaction } from "../../ledger/sealed_bytes.ts";
import { PAYLOAD } from "../../ledger/transaction_bytes.ts";
import { TransactionReader } from "../../ledger/transaction_reader.ts";
import { bytesEqual, toHex } from "../../types/bytes.ts";
import {
  decodeContent,
  ENVELOPE_AT,
  encodeContent,
  envelopeSigningBytes,
  labelOf,
  type SealedEnvelope,
  sealedEnvelopeCodec,
} from "../../types/envelope.ts";
import { type AccountId, type ChainId, Height } from "../../types/ids.ts";
import { TRANSACTION_BYTES_MAX } from "../../types/limits.ts";
import { type KeyId, SEALING_SIZES } from "../../types/sealing.ts";
import type { Operation } from "../../types/transaction.ts";
import { holds } from "../support/property.ts";
import { ALICE, BOB, LedgerWorld, testGenesis, transfer } from "./ledger_world.ts";

const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes));
const sealedPart = fc.record({ sizeClass: fc.nat({ max: 2 }), fill: fc.nat({ max: 255 }) });
const envelope: fc.Arbitrary<SealedEnvelope> = fc
  .record({
    chainId: id.map((text) => text as ChainId),
    suite: fc.nat({ max: 255 }),
    keyId: id.map((text) => text as KeyId),
    sender: id.map((text) => text as AccountId),
    nonce: fc.maxSafeNat(),
    gasLimit: fc.integer({ min: 1, max: 1_024 }),
    fee: fc.maxSafeNat(),
    expiryHeight: fc.maxSafeNat().map((height) => Height.of(height)),
    signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
    part: sealedPart,
  })
  .map(({ part: { sizeClass, fill }, ...fields }) => {
    const sealed = new Uint8Array(256 * 2 ** sizeClass + SEALING_SIZES.overhead).fill(fill);
    return { ...fields, sizeClass, sealed, sealedHash: toHex(sha256(sealed)) };
  });

t.test("L11: parseSealedTransaction: every envelope is taken with its fields, its signature check and its seal check", async (t) => {
  const property = fc.property(envelope, (value) => {
    const bytes = sealedEnvelopeCodec.encode(value);
    const parsed = parseSealedTransaction(bytes);
    if (!parsed.ok || parsed.signature === undefined || parsed.seal === undefined) return false;
    const { transaction, signature, seal } = parsed;
    const isHeadSame = transaction.sender === value.sender && transaction.nonce === value.nonce;
    const isTailSame = transaction.expiryHeight === value.expiryHeight && transaction.operationCount === value.gasLimit;
    const isSigned = toHex(signature.publicKey) === value.sender && bytesEqual(signature.message, envelopeSigningBytes(value));
    const isSealed = seal.keyId === value.keyId && bytesEqual(seal.label, labelOf(value)) && bytesEqual(seal.sealed, value.sealed);
    const isNamed = transaction.hash === hashTransaction(bytes) && bytesEqual(signature.signature, value.signature);
    return isHeadSame && isTailSame && isSigned && isSealed && isNamed && transaction.sealed?.fee === value.fee;
  });
  holds(t, property, 200);
});

t.test("L11: parseSealedTransaction: damaged bytes never throw and are taken only when the codec takes them", async (t) => {
  const damage = fc.array(fc.record({ at: fc.nat({ max: 700 }), byte: fc.nat({ max: 255 }) }), { minLength: 1, maxLength: 3 });
  const property = fc.property(envelope, damage, fc.integer({ min: -3, max: 3 }), (value, changes, more) => {
    const encoded = sealedEnvelopeCodec.encode(value);
    const bytes = new Uint8Array(encoded.length + more);
    bytes.set(encoded.subarray(0, bytes.length));
    for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
    const parsed = parseSealedTransaction(bytes);
    return !parsed.ok || sealedEnvelopeCodec.decode(bytes).ok;
  });
  holds(t, property, 1_000);
});

t.test("L11: parse of a sealed transaction: each refusal has its code and says what to do", async (t) => {
  const world = new LedgerWorld();
  const { bytes } = world.sealed({ sender: ALICE, content: [transfer(BOB, 1n)] });
  const withByte = (at: number, byte: number): Uint8Array => bytes.slice().fill(byte, at, at + 1);
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ["ok", bytes],
    ["ok", withByte(ENVELOPE_AT.gasLimit + 1, 3)],
    ["gasLimitOutOfRange", withByte(ENVELOPE_AT.gasLimit, 0)],
    ["gasLimitOutOfRange", withByte(ENVELOPE_AT.gasLimit + 1, 4)],
    ["wrongSealedHash", withByte(ENVELOPE_AT.sealed, 1)],
    ["wrongSealedHash", withByte(ENVELOPE_AT.sealedHash, (bytes[ENVELOPE_AT.sealedHash] ?? 0) ^ 1)],
    ["malformedEnvelope", withByte(ENVELOPE_AT.sizeClass, 1)],
    ["malformedEnvelope", withByte(ENVELOPE_AT.fee + 7, 1)],
    ["malformedEnvelope", bytes.slice(0, -1)],
    ["malformedEnvelope", bytes.slice(0, 1)],
    ["oversize", Uint8Array.from({ length: TRANSACTION_BYTES_MAX }, (_, at) => bytes[at] ?? 0)],
    ["unknownVersion", withByte(0, 3)],
    ["unknownVersion", withByte(0, 4)],
  ];
  for (const [code, given] of cases) {
    const parsed = world.ledger.parse(given);
    t.equal(parsed.ok ? "ok" : parsed.refusal.code, code);
    if (!parsed.ok) t.match(parsed.refusal, { canRetry: false, advice: /\w/ });
  }
});

t.test("L14: takesSealed: a chain without a sealing suite refuses envelopes at parsing", async (t) => {
  const given = testGenesis();
  const genesis = { ...given, parameters: { ...given.parameters, sealingSuite: 0 } };
  const ledger = createLedger({ genesis, chainId: chainIdOf(genesis) });
  const { bytes } = new LedgerWorld().sealed({ sender: ALICE, content: [transfer(BOB, 1n)] });
  t.equal(ledger.takesSealed, false);
  t.match(ledger.parse(bytes), { ok: false, refusal: { code: "sealingOff", canRetry: false } });
  t.equal(new LedgerWorld().ledger.takesSealed, true);
});

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.nat({ max: 255 }),
  flags: fc.nat({ max: 255 }),
  index: fc.nat({ max: 65_535 }),
  asset: fc.nat({ max: 2 ** 32 - 1 }),
  account: id.map((text) => text as AccountId),
  amount: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  reference: fc.maxSafeNat(),
});

t.test("L15: contentCountOf: takes what decodeContent takes, also of damaged messages and of other lengths", async (t) => {
  const operations = fc.array(operation, { minLength: 1, maxLength: 20 });
  const damage = fc.array(fc.record({ at: fc.nat({ max: 1_400 }), byte: fc.constantFrom(0, 1, 2, 32, 255) }), { maxLength: 2 });
  const padded = fc.constantFrom(0, 0, 0, 1, 2, 3);
  const property = fc.property(operations, damage, padded, fc.constantFrom(0, 0, 0, 0, 1, -1), (content, changes, doublings, more) => {
    const encoded = encodeContent({ operations: content });
    const message = new Uint8Array(encoded.length * 2 ** doublings + more);
    message.set(encoded.subarray(0, message.length));
    for (const { at, byte } of changes) message[at % message.length] = byte;
    return contentCountOf(message) === decodeContent(message)?.operations.length;
  });
  holds(t, property, 2_000);
  for (const message of [new Uint8Array(0), new Uint8Array(256), new Uint8Array(65_536).fill(255)])
    t.equal(contentCountOf(message), undefined);
});

t.test("L15: TransactionReader: a sealed transaction is laid out as the open one with the same fields and operations", async (t) => {
  const property = fc.property(fc.array(operation, { minLength: 1, maxLength: 6 }), fc.nat({ max: 7 }), (operations, shift) => {
    const world = new LedgerWorld();
    const [sealed, open] = [new TransactionReader(), new TransactionReader()];
    const { transaction } = world.sealed({ sender: ALICE, content: operations, nonce: 3, fee: 4_000 });
    sealed.load(transaction);
    const encoded = encodeContent({ operations });
    const memory = new Uint8Array(encoded.length + 8);
    memory.set(encoded, shift);
    if (sealed.loadContent(memory.subarray(shift, shift + encoded.length)) !== "ok") return false;
    open.load(world.parse(world.payload(ALICE, operations, { nonce: 3, feeMax: 4_000n })));
    const isAlike = (from: number, to: number): boolean =>
      sealed.words.subarray(from, to).every((word, at) => word === open.words[from + at]);
    const end = PAYLOAD.operations + operations.length * 16;
    return isAlike(0, PAYLOAD.operations - 1) && isAlike(PAYLOAD.operations, end) && sealed.operationCount === open.operationCount;
  });
  holds(t, property, 200);
  t.equal(CONTENT_AT, 3);
});
