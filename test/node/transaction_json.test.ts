/** Transactions as JSON: the same bytes as the codec gives, and mistakes named by their path. */

import t from "tap";
import { transactionFromJson } from "../../node/rpc/transaction_json.ts";
import { toHex } from "../../types/bytes.ts";
import { type AccountId, type ChainId, Height } from "../../types/ids.ts";
import { type SignedTransaction, signedTransactionCodec } from "../../types/transaction.ts";

const hex = (byte: string) => byte.repeat(32);

const transaction: SignedTransaction = {
  payload: {
    chainId: hex("01") as ChainId,
    sender: hex("02") as AccountId,
    nonce: 5,
    expiryHeight: Height.of(100),
    feeMax: 2n ** 64n - 1n,
    operations: [
      { kind: 3, flags: 1, index: 2, asset: 9, account: hex("03") as AccountId, amount: 2n ** 128n - 1n, reference: 2 ** 53 - 1 },
    ],
  },
  signature: new Uint8Array(64).fill(9),
};
const transactionJson = {
  payload: {
    ...transaction.payload,
    feeMax: transaction.payload.feeMax.toString(),
    operations: transaction.payload.operations.map((operation) => ({ ...operation, amount: operation.amount.toString() })),
  },
  signature: toHex(transaction.signature),
};

t.test("transactionFromJson: the same transaction, the same bytes, whether integers are numbers or strings", async (t) => {
  const encoded = signedTransactionCodec.encode(transaction);
  const plain = transactionFromJson(JSON.stringify(transactionJson));
  t.same(plain, { ok: true, bytes: encoded });
  const [operation] = transactionJson.payload.operations;
  const named = {
    ...transactionJson,
    payload: { ...transactionJson.payload, nonce: "5", operations: [{ ...operation, kind: "transfer" }] },
  };
  t.same(transactionFromJson(JSON.stringify(named)), { ok: true, bytes: encoded });
});

t.test("transactionFromJson: a mistake, is named by its path", async (t) => {
  const [operation] = transactionJson.payload.operations;
  const withOperation = (change: object) => ({
    payload: { ...transactionJson.payload, operations: [operation, { ...operation, ...change }] },
  });
  const cases: [change: object, expected: RegExp][] = [
    [withOperation({ amount: "-1" }), /payload\.operations\[1\]\.amount: must be a decimal string below 2\^128/],
    [withOperation({ amount: (2n ** 128n).toString() }), /payload\.operations\[1\]\.amount: must be a decimal/],
    [withOperation({ amount: 5 }), /payload\.operations\[1\]\.amount: must be a decimal/],
    [withOperation({ kind: "teleport" }), /payload\.operations\[1\]\.kind: must be one of openAccount/],
    [withOperation({ account: "zz" }), /payload\.operations\[1\]\.account: must be 32 bytes/],
    [withOperation({ memo: "hi" }), /memo/],
    [{ payload: { ...transactionJson.payload, nonce: 2 ** 53 } }, /payload\.nonce: must be a whole number from 0/],
    [{ payload: { ...transactionJson.payload, operations: [] } }, /payload\.operations: must hold at least one operation/],
    [{ signature: "00" }, /signature: must be 64 bytes as 128 lower-case hex digits/],
  ];
  for (const [change, expected] of cases) {
    const result = transactionFromJson(JSON.stringify({ ...transactionJson, ...change }));
    t.match(result, { ok: false, message: expected });
  }
});
