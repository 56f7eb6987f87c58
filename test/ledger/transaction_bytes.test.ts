/** L11: parsing straight from bytes accepts exactly what the codec accepts, and reads the same fields at the documented offsets. */

import fc from "fast-check";
import t from "tap";
import { hashTransaction } from "../../crypto/hashes.ts";
import { OPERATION, PAYLOAD, parseTransaction } from "../../ledger/transaction_bytes.ts";
import { TransactionReader } from "../../ledger/transaction_reader.ts";
import { bytesEqual, toHex } from "../../types/bytes.ts";
import { type AccountId, type ChainId, Height } from "../../types/ids.ts";
import { TRANSACTION_BYTES_MAX } from "../../types/limits.ts";
import {
  buildTransaction,
  type Operation,
  signedTransactionCodec,
  signingMessageOf,
  type TransactionPayload,
} from "../../types/transaction.ts";
import { holds } from "../support/property.ts";

const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex<AccountId>(bytes));
const safe = fc.maxSafeNat();
const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.nat({ max: 255 }),
  flags: fc.nat({ max: 255 }),
  index: fc.nat({ max: 65_535 }),
  asset: fc.nat({ max: 2 ** 32 - 1 }),
  account: id,
  amount: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  reference: safe,
});
const payload: fc.Arbitrary<TransactionPayload> = fc.record({
  chainId: id.map((text) => text as string as ChainId),
  sender: id,
  nonce: safe,
  expiryHeight: safe.map((height) => Height.of(height)),
  feeMax: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  operations: fc.array(operation, { minLength: 1, maxLength: 5 }),
});
const signature = fc.uint8Array({ minLength: 64, maxLength: 64 });

t.test("L11: parseTransaction: every encoding is accepted with the codec's fields, hash and signing message", async (t) => {
  const property = fc.property(payload, signature, (value, signed) => {
    const bytes = buildTransaction({ payload: value, sign: () => signed });
    const parsed = parseTransaction(bytes);
    if (!parsed.ok || parsed.signature === undefined) return false;
    const { transaction, signature: check } = parsed;
    const sameFields =
      transaction.sender === value.sender && transaction.nonce === value.nonce && transaction.expiryHeight === value.expiryHeight;
    const sameCheck =
      toHex(check.publicKey) === value.sender && bytesEqual(check.message, signingMessageOf(value)) && bytesEqual(check.signature, signed);
    return sameFields && sameCheck && transaction.hash === hashTransaction(bytes) && transaction.operationCount === value.operations.length;
  });
  holds(t, property, 200);
});

t.test("L11: TransactionReader: words stand at the documented offsets, also for bytes at an odd address", async (t) => {
  const property = fc.property(payload, fc.nat({ max: 7 }), (value, shift) => {
    const encoded = buildTransaction({ payload: value, sign: () => new Uint8Array(64) });
    const memory = new Uint8Array(encoded.length + 8);
    memory.set(encoded, shift);
    const parsed = parseTransaction(memory.subarray(shift, shift + encoded.length));
    if (!parsed.ok) return false;
    const reader = new TransactionReader();
    reader.load(parsed.transaction);
    const bytes = new Uint8Array(reader.words.buffer);
    const isHeaderSame =
      reader.nonce === value.nonce && reader.expiryHeight === value.expiryHeight && toHex(bytes.slice(0, 32)) === value.chainId;
    const feeMax = BigInt(reader.words[PAYLOAD.feeMax] ?? 0) + (BigInt(reader.words[PAYLOAD.feeMax + 1] ?? 0) << 32n);
    return isHeaderSame && feeMax === value.feeMax && value.operations.every((each, index) => isSameOperation(reader.words, index, each));
  });
  holds(t, property, 200);
});

function isSameOperation(words: Uint32Array, index: number, expected: Operation): boolean {
  const at = PAYLOAD.operations + index * OPERATION.words;
  const word = (offset: number): number => words[at + offset] ?? 0;
  const wide = (offset: number, count: number): bigint =>
    Array.from({ length: count }, (_, each) => BigInt(word(offset + each)) << BigInt(32 * each)).reduce((sum, part) => sum + part, 0n);
  const account = toHex(new Uint8Array(words.buffer, (at + OPERATION.account) * 4, 32));
  const head = expected.kind + expected.flags * 2 ** 8 + expected.index * 2 ** 16;
  const isHeadSame = word(OPERATION.head) === head && word(OPERATION.asset) === expected.asset && account === expected.account;
  return isHeadSame && wide(OPERATION.amount, 4) === expected.amount && wide(OPERATION.reference, 2) === BigInt(expected.reference);
}

/** Ways to damage an encoding: bytes, lengths, offsets, and the high halves of integers. */
const damage = fc.oneof(
  fc.record({ type: fc.constant("byte" as const), at: fc.nat(), value: fc.nat({ max: 255 }) }),
  fc.record({ type: fc.constant("cut" as const), at: fc.nat(), value: fc.constant(0) }),
  fc.record({ type: fc.constant("extend" as const), at: fc.integer({ min: 1, max: 130 }), value: fc.nat({ max: 255 }) }),
  fc.record({
    type: fc.constant("word" as const),
    at: fc.constantFrom(1, 133, 137, 141, 145, 149, 157, 217, 221, 281),
    value: fc.nat({ max: 255 }),
  }),
);

t.test("L11: parseTransaction: damaged and random bytes are accepted exactly when the codec accepts them, and never throw", async (t) => {
  const damaged = fc.tuple(payload, fc.array(damage, { minLength: 1, maxLength: 3 })).map(([value, damages]) => {
    let bytes = buildTransaction({ payload: value, sign: () => new Uint8Array(64) });
    for (const { type, at, value: byte } of damages) {
      if (type === "cut") bytes = bytes.slice(0, at % (bytes.length + 1));
      else if (type === "extend") bytes = Uint8Array.of(...bytes, ...new Uint8Array(at).fill(byte));
      else if (bytes.length > 0) bytes[at % bytes.length] = byte;
    }
    return bytes;
  });
  const property = fc.property(
    fc.oneof(damaged, fc.uint8Array({ maxLength: 400 })),
    (bytes) => parseTransaction(bytes).ok === signedTransactionCodec.decode(bytes).ok,
  );
  holds(t, property, 3_000);
});

t.test("L11: parseTransaction: bounds of length and of operations are the codec's, each refusal says what to do", async (t) => {
  const one: Operation = { kind: 3, flags: 0, index: 0, asset: 0, account: "00".repeat(32) as AccountId, amount: 1n, reference: 0 };
  const value = {
    chainId: "00".repeat(32) as ChainId,
    sender: one.account,
    nonce: 0,
    expiryHeight: Height.of(1),
    feeMax: 1n,
    operations: [one],
  };
  const sign = () => new Uint8Array(64);
  const full = buildTransaction({ payload: { ...value, operations: new Array(1_024).fill(one) }, sign });
  const single = buildTransaction({ payload: value, sign });
  const withByte = (at: number, byte: number): Uint8Array => single.slice().fill(byte, at, at + 1);
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ["ok", full],
    ["tooManyOperations", Uint8Array.of(...full, ...full.slice(-64))],
    ["empty", new Uint8Array(0)],
    ["oversize", new Uint8Array(TRANSACTION_BYTES_MAX + 1)],
    ["unknownVersion", withByte(0, 2)],
    ["malformed", withByte(1, 69)],
    ["malformed", withByte(157, 93)],
    ["malformed", single.slice(0, 100)],
    ["malformed", single.slice(0, -1)],
    ["noOperations", single.slice(0, 161)],
    ["integerTooLarge", withByte(139, 0x20)],
    ["integerTooLarge", withByte(147, 0x20)],
    ["integerTooLarge", withByte(161 + 62, 0x20)],
  ];
  for (const [code, bytes] of cases) {
    const parsed = parseTransaction(bytes);
    t.equal(parsed.ok ? "ok" : parsed.refusal.code, code);
    t.equal(signedTransactionCodec.decode(bytes).ok, parsed.ok);
  }
});
