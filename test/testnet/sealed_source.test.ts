/** What the load generator seals: the ledger parses it, the suite accepts it, and no two are alike. */

import t from "tap";
import type { Sealer } from "../../client/seal.ts";
import { verifyEd25519 } from "../../crypto/ed25519_sodium.ts";
import { parseSealedTransaction } from "../../ledger/sealed_bytes.ts";
import { loadSealingSuite } from "../../node/sealing_suite.ts";
import { deriveAccounts } from "../../testnet/network_files.ts";
import { parametersFor } from "../../testnet/parameters.ts";
import { createSealedSource } from "../../testnet/sealed_source.ts";
import { batchCountMax } from "../../testnet/transactions.ts";
import { assert } from "../../types/assert.ts";
import { type ChainId, Height } from "../../types/ids.ts";
import { transactionBatchCodec } from "../../types/message.ts";
import type { KeyId } from "../../types/sealing.ts";

const suite = await loadSealingSuite();
const publicKey = suite.publicKeyOf(suite.deriveSecretKey(new Uint8Array(32).fill(9)));
const key = { keyId: "aa".repeat(32) as KeyId, threshold: 1, publicKey, shareKeys: [publicKey] };
const chainId = "bb".repeat(32) as ChainId;

function sourceOf(operationsPerTransaction: number, given: { readonly suite?: Sealer; readonly nowMs?: () => number } = {}) {
  return createSealedSource({
    chainId,
    parameters: parametersFor("ledger", 0),
    key,
    suite: given.suite ?? suite,
    senders: deriveAccounts(new Uint8Array(32), 5),
    lanes: 2,
    operationsPerTransaction,
    aheadMax: 6,
    expiryHeight: () => Height.of(77),
    nowMs: given.nowMs ?? (() => 0),
  });
}

function decode(batch: Uint8Array): readonly Uint8Array[] {
  const decoded = transactionBatchCodec.decode(batch);
  assert(decoded.ok, "a batch decodes");
  return decoded.value;
}

t.test("createSealedSource: signed, sealed to the key, paid for; one nonce once, lanes share no sender", async (t) => {
  const source = sourceOf(3);
  const seen = new Set<string>();
  const senders = [0, 1].map((lane) => {
    const own = new Set<string>();
    for (const bytes of decode(source.batch(lane, 5))) {
      t.equal(bytes.length, source.transactionBytes);
      const parsed = parseSealedTransaction(bytes);
      if (!parsed.ok || parsed.signature === undefined || parsed.seal === undefined) throw new Error("not a sealed transaction");
      const { signature, seal, transaction } = parsed;
      t.ok(verifyEd25519(signature.publicKey, signature.message, signature.signature));
      t.ok(suite.check({ publicKey, label: seal.label, sealed: seal.sealed }));
      t.match(transaction, { sealed: { gasLimit: 3, fee: 2 + 3, keyId: key.keyId, chainId, expiryHeight: 77 } });
      seen.add(`${transaction.sender} ${transaction.nonce}`);
      own.add(transaction.sender);
    }
    return own;
  });
  t.equal(seen.size, 10);
  t.notOk([...(senders[0] ?? [])].some((sender) => senders[1]?.has(sender)));
  t.equal(source.unfinishedMax, 5 * 64);
});

t.test("createSealedSource: seals ahead in slices up to its bound, and what is ready is used first", async (t) => {
  let nowMs = 0;
  let sealedCount = 0;
  const counting: Sealer = {
    suite: suite.suite,
    isPublicKey: suite.isPublicKey,
    seal(given) {
      sealedCount++;
      nowMs += 1;
      return suite.seal(given);
    },
  };
  const source = sourceOf(1, { suite: counting, nowMs: () => nowMs });
  t.equal(source.sealAhead(4), true, "more is wanted");
  t.equal(source.readyCount, 4);
  t.equal(source.sealAhead(4), false);
  t.equal(source.readyCount, 6);
  source.batch(0, 3);
  t.equal(sealedCount, 6);
  t.equal(source.readyCount, 3);
  source.batch(0, 1);
  t.equal(sealedCount, 7, "nothing ready: sealed when it is due");
});

t.test("createSealedSource: bundles, the size class that holds them and batches that fit a request", async (t) => {
  for (const operations of [1, 2, 100, 1_023]) {
    const { transactionBytes } = sourceOf(operations);
    t.ok(transactionBytes < 128 * 1024 && batchCountMax(transactionBytes) >= 1);
    const [bytes] = decode(sourceOf(operations).batch(0, 1));
    t.equal(bytes?.length, transactionBytes, `${operations} operations`);
  }
});
