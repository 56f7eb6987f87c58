/** The generator patches bytes in place; the codecs and the verifier that validators use are the judges of what comes out. */

import t from "tap";
import { verifyEd25519 } from "../../crypto/ed25519_sodium.ts";
import { chainIdOf } from "../../crypto/hashes.ts";
import { createLedger } from "../../ledger/ledger.ts";
import { deriveAccounts, type FundedAccount } from "../../testnet/network_files.ts";
import { accountsFor, FEE_ASSET, PREFUNDED_AMOUNT, SENDER_UNFINISHED_MAX, TESTNET_PARAMETERS } from "../../testnet/parameters.ts";
import { batchCountMax, createPayloadSource, createTransferSource, FIRST_NONCE } from "../../testnet/transactions.ts";
import { fromHex, toHex } from "../../types/bytes.ts";
import type { Genesis } from "../../types/genesis.ts";
import { type ChainId, Epoch, Height, TimestampMs } from "../../types/ids.ts";
import { FRAME_BYTES_MAX } from "../../types/limits.ts";
import { transactionBatchCodec } from "../../types/message.ts";
import { transactionSigningBytes } from "../../types/signing.ts";
import { OPERATION_KINDS, type SignedTransaction, signedTransactionCodec, transactionPayloadCodec } from "../../types/transaction.ts";

const CHAIN_ID = "5a".repeat(32) as ChainId;

function decodeBatch(bytes: Uint8Array): readonly Uint8Array[] {
  const decoded = transactionBatchCodec.decode(bytes);
  if (!decoded.ok) throw new Error(`the batch does not decode: ${decoded.reason}`);
  return decoded.value;
}

function decodeTransaction(bytes: Uint8Array): SignedTransaction {
  const decoded = signedTransactionCodec.decode(bytes);
  if (!decoded.ok) throw new Error(`the transaction does not decode: ${decoded.reason}`);
  return decoded.value;
}

for (const operationsPerTransaction of [1, 3, 64]) {
  t.test(
    `createTransferSource: ${operationsPerTransaction} operations, canonical, validly signed transfers with fresh nonces`,
    async (t) => {
      const accounts = deriveAccounts(new Uint8Array(32), 6);
      const ids = new Set(accounts.map(({ account }) => account));
      const source = createTransferSource({ chainId: CHAIN_ID, accounts, lanes: 2, operationsPerTransaction });
      const nonces = new Map<string, number>();
      for (const lane of [0, 1, 0, 1]) {
        const lanes = new Set(accounts.filter((_, index) => index % 2 === lane).map(({ account }) => account));
        for (const bytes of decodeBatch(source.batch(lane, 5))) {
          t.equal(bytes.length, source.transactionBytes);
          const { payload, signature } = decodeTransaction(bytes);
          const message = transactionSigningBytes(transactionPayloadCodec.encode(payload));
          t.ok(verifyEd25519(fromHex(payload.sender), message, signature), "the signature fits");
          t.equal(payload.chainId, CHAIN_ID);
          t.ok(lanes.has(payload.sender), "a lane's own sender");
          t.equal(payload.nonce, (nonces.get(payload.sender) ?? FIRST_NONCE - 1) + 1);
          nonces.set(payload.sender, payload.nonce);
          t.equal(payload.operations.length, operationsPerTransaction);
          const areTransfers = payload.operations.every(
            ({ kind, asset, amount, account }) =>
              kind === OPERATION_KINDS.transfer && asset === FEE_ASSET && amount === 1n && account !== payload.sender && ids.has(account),
          );
          t.ok(areTransfers, "one unit each to another prefunded account");
        }
      }
      t.equal(nonces.size, accounts.length, "all senders take turns");
    },
  );
}

t.test("createTransferSource: what it makes, the ledger admits and executes with success", async (t) => {
  const [issuer, ...accounts] = deriveAccounts(new Uint8Array(32), 7) as [FundedAccount, ...FundedAccount[]];
  const genesis: Genesis = {
    name: "test",
    application: "ledger",
    timeMs: TimestampMs.of(1),
    epoch: Epoch.ZERO,
    parameters: TESTNET_PARAMETERS,
    validators: [
      {
        blsPublicKey: new Uint8Array(48),
        blsPossession: new Uint8Array(96),
        sealingPublicKey: new Uint8Array(32),
        ed25519PublicKey: "00".repeat(32),
        weight: 1,
      },
    ],
    assets: [{ asset: FEE_ASSET, decimals: 6, issuer: issuer.account }],
    balances: accounts.map(({ account }) => ({ account, asset: FEE_ASSET, amount: PREFUNDED_AMOUNT })),
  };
  const chainId = chainIdOf(genesis);
  const ledger = createLedger({ genesis, chainId });
  const source = createTransferSource({ chainId, accounts, lanes: 2, operationsPerTransaction: 3 });
  // As many per sender as may be unfinished at once, in one block, and then some more.
  for (const height of [1, 2]) {
    const parsed = decodeBatch(source.batch(0, 3 * SENDER_UNFINISHED_MAX)).map((bytes) => {
      const result = ledger.parse(bytes);
      if (!result.ok) throw new Error(`refused: ${result.refusal.code}`);
      const { signature } = result;
      t.ok(signature !== undefined && verifyEd25519(signature.publicKey, signature.message, signature.signature));
      t.same(ledger.check(result.transaction), { ok: true });
      return result.transaction;
    });
    const { receipts } = ledger.execute({
      height: Height.of(height),
      timeMs: TimestampMs.of(1 + height),
      transactions: parsed,
      opened: [],
    });
    t.same(new Set(receipts.map(({ code }) => ledger.describeCode(code))), new Set(["ok"]));
  }
});

t.test("createPayloadSource: payloads of the wanted size, all different, also between runs", async (t) => {
  const seen = new Set<string>();
  for (const run of [1, 2]) {
    const source = createPayloadSource({ runSeed: new Uint8Array(16).fill(run), payloadBytes: 512 });
    for (const bytes of [...decodeBatch(source.batch(0, 100)), ...decodeBatch(source.batch(1, 100))]) {
      t.equal(bytes.length, 512);
      seen.add(toHex(bytes));
    }
  }
  t.equal(seen.size, 400);
});

t.test("batchCountMax: the largest batch of each size, still decodes as one frame", async (t) => {
  for (const payloadBytes of [32, 512, 128 * 1024]) {
    const source = createPayloadSource({ runSeed: new Uint8Array(16), payloadBytes });
    const count = batchCountMax(payloadBytes);
    const batch = source.batch(0, count);
    t.ok(batch.length < FRAME_BYTES_MAX);
    t.equal(decodeBatch(batch).length, count);
  }
});

t.test("accountsFor: more load needs more senders, never fewer than a few per lane", async (t) => {
  t.equal(accountsFor(0, 4), 16);
  t.ok(accountsFor(2_000, 4) * 64 >= 2_000 * 4);
  t.ok(accountsFor(1_000_000, 4) <= 65_536);
});
