/** What a socket hands over on Node is a Buffer, whose `slice` shares memory. Decoding one must neither change its bytes nor
 *  return values that do. Each test fails when `plainBytes` is taken out of the decoder that it names. */

import { Buffer } from "node:buffer";
import t from "tap";
import { ed25519PublicKeyOf, signEd25519, verifyEd25519 } from "../../crypto/ed25519_sodium.ts";
import { parseTransaction } from "../../ledger/transaction_bytes.ts";
import { toHex } from "../../types/bytes.ts";
import { type AccountId, Height } from "../../types/ids.ts";
import { decodeMessage, encodeMessage } from "../../types/message.ts";
import { transactionSigningBytes } from "../../types/signing.ts";
import { OPERATION_KINDS, signedTransactionCodec, transactionPayloadCodec } from "../../types/transaction.ts";
import { CHAIN_ID } from "../support/chain.ts";

const seed = new Uint8Array(32).fill(7);
const sender = toHex<AccountId>(ed25519PublicKeyOf(seed));
const payload = {
  chainId: CHAIN_ID,
  sender,
  nonce: 1,
  expiryHeight: Height.of(100),
  feeMax: 10n,
  operations: [{ kind: OPERATION_KINDS.transfer, flags: 0, index: 0, asset: 1, account: sender, amount: 5n, reference: 0 }],
};
const signature = signEd25519(seed, transactionSigningBytes(transactionPayloadCodec.encode(payload)));
const encoded = signedTransactionCodec.encode({ payload, signature });

t.test("parseTransaction: a Buffer is parsed like plain bytes and stays as it was", async (t) => {
  const foreign = Buffer.from(encoded);
  const parsed = parseTransaction(foreign);
  t.ok(parsed.ok);
  t.same(toHex(foreign), toHex(encoded), "the input is untouched");
  if (!parsed.ok || parsed.signature === undefined) {
    t.fail("a signature to check");
    return;
  }
  const { publicKey, message, signature } = parsed.signature;
  t.ok(verifyEd25519(publicKey, message, signature), "the signature still fits");
  t.equal(toHex(parsed.transaction.bytes), toHex(encoded));
});

t.test("decodeMessage: what is decoded from a Buffer owns its bytes", async (t) => {
  const frame = Buffer.from(encodeMessage({ type: "transactions", transactions: [encoded] }));
  const decoded = decodeMessage(frame);
  frame.fill(0);
  if (!decoded.ok || decoded.message.type !== "transactions") {
    t.fail("a batch of transactions");
    return;
  }
  const [transaction] = decoded.message.transactions;
  t.equal(toHex(transaction ?? new Uint8Array()), toHex(encoded));
  t.equal(Object.getPrototypeOf(transaction), Uint8Array.prototype);
});
