/** The clients' and the auditor's own encoding of transactions against the codec that defines it, both ways, on random and on broken
 *  bytes. */

import fc from "fast-check";
import t from "tap";
import { encodeTransaction, messageOf, readTransaction } from "../../../testnet/workload/transaction_bytes.ts";
import { bytesEqual } from "../../../types/bytes.ts";
import { type AccountId, type ChainId, Height } from "../../../types/ids.ts";
import { type SignedTransaction, signedTransactionCodec, signingMessageOf } from "../../../types/transaction.ts";
import { holds } from "../../support/property.ts";

const integer = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 2 ** 32, Number.MAX_SAFE_INTEGER));
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex"));
const operation = fc.record({
  kind: fc.nat(255),
  flags: fc.nat(255),
  index: fc.nat(65_535),
  asset: fc.nat(2 ** 32 - 1),
  account: hash.map((text) => text as AccountId),
  amount: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  reference: integer,
});
const transaction: fc.Arbitrary<SignedTransaction> = fc.record({
  payload: fc.record({
    chainId: hash.map((text) => text as ChainId),
    sender: hash.map((text) => text as AccountId),
    nonce: integer,
    expiryHeight: integer.map(Height.of),
    feeMax: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    operations: fc.array(operation, { minLength: 1, maxLength: 4 }),
  }),
  signature: fc.uint8Array({ minLength: 64, maxLength: 64 }).map((bytes) => new Uint8Array(bytes)),
});

t.test("encodeTransaction, readTransaction: random transactions, the codec's bytes, message and value", async (t) => {
  const property = fc.property(transaction, ({ payload, signature }) => {
    let message: Uint8Array | undefined;
    const bytes = encodeTransaction(payload, (signed) => {
      message = signed;
      return signature;
    });
    if (!bytesEqual(bytes, signedTransactionCodec.encode({ payload, signature }))) throw new Error("bytes");
    if (message === undefined || !bytesEqual(message, signingMessageOf(payload))) throw new Error("message");
    if (!bytesEqual(messageOf(bytes), message)) throw new Error("message of the bytes");
    t.same(readTransaction(bytes), { payload, signature });
  });
  holds(t, property, 200);
});

t.test("readTransaction: bytes changed, cut or prolonged, taken exactly when the codec takes them", async (t) => {
  const change = fc.record({ what: fc.constantFrom("byte", "cut", "append"), at: fc.nat(400), value: fc.nat(255) });
  let taken = 0;
  const property = fc.property(transaction, change, (honest, { what, at, value }) => {
    const bytes = signedTransactionCodec.encode(honest);
    const position = at % bytes.length;
    const changed =
      what === "cut"
        ? bytes.slice(0, position)
        : what === "append"
          ? Uint8Array.from([...bytes, ...new Uint8Array(1 + at)])
          : bytes.slice();
    if (what === "byte") changed[position] = value;
    const decoded = signedTransactionCodec.decode(changed);
    const read = readTransaction(changed);
    if (decoded.ok !== (read !== undefined)) throw new Error(`codec ${decoded.ok}, reader ${read !== undefined}`);
    if (decoded.ok) {
      taken += 1;
      t.same(read, decoded.value);
    }
  });
  holds(t, property, 400);
  t.ok(taken > 50, `${taken} of the changed encodings were transactions again`);
});
