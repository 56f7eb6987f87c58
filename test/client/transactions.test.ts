/** What the client signs and seals is what validators take: parsed by the ledger, with a signature and a seal that hold, and opened by
 *  threshold shares to the very operations. */

import t from "tap";
import { accountFromSeed, generateSeed } from "../../client/keys.ts";
import { type PreparedTransaction, type PrepareResult, signOpen } from "../../client/open.ts";
import {
  builderRegister,
  builderUnbond,
  builderWithdraw,
  linked,
  openAccount,
  pend,
  post,
  registerAsset,
  transfer,
  voidPending,
} from "../../client/operations.ts";
import { feeFor, type SealOptions, sealTransaction } from "../../client/seal.ts";
import { verifyEd25519 } from "../../crypto/ed25519_noble.ts";
import { chainIdOf } from "../../crypto/hashes.ts";
import { createLedger } from "../../ledger/ledger.ts";
import { bytesEqual } from "../../types/bytes.ts";
import { decodeContent, envelopeBytesOf } from "../../types/envelope.ts";
import type { Genesis } from "../../types/genesis.ts";
import { type AccountId, Height } from "../../types/ids.ts";
import type { KeyId } from "../../types/sealing.ts";
import { signedTransactionCodec } from "../../types/transaction.ts";
import { FEE_ASSET, genesisWith, openSealed, sealingKey, suite } from "./fake_node.ts";

const seedOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const accountOf = (fill: number) => {
  const account = accountFromSeed(seedOf(fill));
  if (account === undefined) throw new Error("32 bytes make an account");
  return account;
};
const alice = accountOf(1);
const bob = accountOf(2);
const genesis = genesisWith([alice.id]);
const chainId = chainIdOf(genesis);
const ledger = createLedger({ genesis, chainId });
const pay = transfer({ to: bob.id, asset: FEE_ASSET, amount: 7n });
const all = [
  openAccount({ account: bob.id, asset: FEE_ASSET }),
  registerAsset({ asset: 9, decimals: 4 }),
  pay,
  pend({ to: bob.id, asset: FEE_ASSET, amount: 5n, timeToLiveMs: 60_000 }),
  post({ payer: alice.id, nonce: 3, index: 1, amount: 5n }),
  voidPending({ payer: alice.id, nonce: 3, index: 2 }),
];

const sealOptions: SealOptions = {
  account: alice,
  chainId,
  key: sealingKey,
  nonce: 3,
  expiryHeight: Height.of(500),
  gasLimit: 8,
  fee: feeFor(genesis.parameters, { gasLimit: 8 }),
  operations: all,
};

function prepared(result: PrepareResult<string>): PreparedTransaction {
  if (!result.ok) throw new Error(`not prepared: ${result.reason}`);
  return result.transaction;
}

t.test("accountFromSeed: names the account by its public key, signs as verifiers expect, and takes 32 bytes only", async (t) => {
  const message = new Uint8Array([1, 2, 3]);
  t.equal(verifyEd25519(Uint8Array.from(Buffer.from(alice.id, "hex")), message, alice.sign(message)), true);
  t.equal(accountFromSeed(new Uint8Array(31)), undefined);
  const seed = seedOf(9);
  const account = accountOf(9);
  const before = account.sign(message);
  seed.fill(0);
  t.strictSame(account.sign(message), before);
  t.notSame(generateSeed(), generateSeed());
  t.equal(accountFromSeed(generateSeed())?.id.length, 64);
});

t.test("signOpen: the ledger parses it, its signature holds, and it decodes to what was meant", async (t) => {
  const transaction = prepared(signOpen({ ...sealOptions, feeMax: 1_000n }));
  const parsed = ledger.parse(transaction.bytes);
  if (!parsed.ok || parsed.signature === undefined) return t.fail("it is not taken");
  t.equal(parsed.transaction.hash, transaction.hash);
  const { publicKey, message, signature } = parsed.signature;
  t.equal(verifyEd25519(publicKey, message, signature), true);
  const decoded = signedTransactionCodec.decode(transaction.bytes);
  t.strictSame(decoded.ok && decoded.value.payload.operations, all);
  return undefined;
});

t.test("builderRegister, builderUnbond, builderWithdraw: a ledger that takes builders does what they say", async (t) => {
  const building: Genesis = { ...genesis, parameters: { ...genesis.parameters, builderBondMin: 50n } };
  const target = createLedger({ genesis: building, chainId: chainIdOf(building) });
  const operations = [
    builderRegister({ feeRecipient: bob.id, bond: 50n }),
    builderRegister({ feeRecipient: alice.id, bond: 7n, endpoint: { ipv4: [192, 168, 1, 2], port: 8_080 } }),
    builderUnbond(),
    builderWithdraw(),
  ];
  const { bytes } = prepared(signOpen({ ...sealOptions, chainId: chainIdOf(building), operations, feeMax: 1_000n }));
  const parsed = target.parse(bytes);
  if (!parsed.ok) return t.fail("it is not taken");
  const block = { height: Height.of(1), timeMs: genesis.timeMs, transactions: [parsed.transaction], opened: [] };
  t.strictSame(target.execute(block).receipts[0]?.operationCodes.map(target.describeCode), ["ok", "ok", "ok", "bondLocked"]);
  t.match(target.builderOf?.(alice.id), { bond: 57n, feeRecipient: alice.id, endpoint: { address: "192.168.1.2", port: 8_080 } });
  return undefined;
});

t.test("linked: all operations succeed or none does", async (t) => {
  const target = createLedger({ genesis, chainId });
  const tooMuch = transfer({ to: bob.id, asset: FEE_ASSET, amount: 1_000_000n });
  const open = openAccount({ account: bob.id, asset: FEE_ASSET });
  const rows = [
    { operations: [open, pay, tooMuch], codes: ["ok", "ok", "insufficientFunds"] },
    { operations: linked([pay, pay, tooMuch]), codes: ["linkedOperationFailed", "linkedOperationFailed", "insufficientFunds"] },
    { operations: linked([pay, pay]), codes: ["ok", "ok"] },
    { operations: linked([pay]), codes: ["ok"] },
  ];
  for (const [nonce, { operations, codes }] of rows.entries()) {
    const parsed = target.parse(prepared(signOpen({ ...sealOptions, nonce, operations, feeMax: 1_000n })).bytes);
    if (!parsed.ok) return t.fail("it is not taken");
    const block = { height: Height.of(nonce + 1), timeMs: genesis.timeMs, transactions: [parsed.transaction], opened: [] };
    t.strictSame(target.execute(block).receipts[0]?.operationCodes.map(target.describeCode), codes);
  }
  t.strictSame(linked([]), []);
  return undefined;
});

t.test("sealTransaction: signature and seal hold, and three shares open it to the very operations", async (t) => {
  const transaction = prepared(sealTransaction(sealOptions));
  const parsed = ledger.parse(transaction.bytes);
  t.equal(parsed.ok && parsed.transaction.hash, transaction.hash);
  t.match(parsed, { ok: true, transaction: { sender: alice.id, nonce: 3, operationCount: 8, sealed: { fee: 21, sizeClass: 1 } } });
  const opened = openSealed(ledger, transaction.bytes);
  t.equal(opened.ok, true);
  if (opened.ok) t.strictSame(decodeContent(opened.message)?.operations, all);
});

t.test("C2: sealTransaction: every envelope is sealed with fresh randomness; a test may fix it", async (t) => {
  const randomness = new Uint8Array(64).fill(5);
  const [first, second] = [prepared(sealTransaction(sealOptions)), prepared(sealTransaction(sealOptions))];
  t.notOk(bytesEqual(first.bytes, second.bytes));
  const fixed = { ...sealOptions, randomness, suite };
  t.strictSame(prepared(sealTransaction(fixed)).bytes, prepared(sealTransaction(fixed)).bytes);
});

t.test("C3: sealTransaction: one operation and a hundred have one length under one size class, and both open", async (t) => {
  for (const count of [1, 100]) {
    const operations = Array.from({ length: count }, () => pay);
    const transaction = prepared(sealTransaction({ ...sealOptions, operations, gasLimit: 100, sizeClass: 5 }));
    t.equal(transaction.bytes.length, envelopeBytesOf(5));
    const opened = openSealed(ledger, transaction.bytes);
    t.equal(opened.ok && decodeContent(opened.message)?.operations.length, count);
  }
});

t.test("C4: sealTransaction and signOpen: what no encoding could carry is refused with its reason", async (t) => {
  const nobody = "xy" as AccountId;
  const rows: readonly (readonly [string, Partial<SealOptions>])[] = [
    ["noOperations", { operations: [] }],
    ["tooManyOperations", { operations: new Array(1_024).fill(pay) }],
    ["operationOutOfRange", { operations: [{ ...pay, amount: 2n ** 128n }] }],
    ["operationOutOfRange", { operations: [{ ...pay, amount: -1n }] }],
    ["operationOutOfRange", { operations: [{ ...pay, account: nobody }] }],
    ["operationOutOfRange", { operations: [{ ...pay, index: 65_536 }] }],
    ["operationOutOfRange", { operations: [{ ...pay, reference: 2 ** 53 }] }],
    ["fieldOutOfRange", { nonce: -1 }],
    ["fieldOutOfRange", { fee: 2 ** 53 }],
    ["fieldOutOfRange", { expiryHeight: 1.5 as Height }],
    ["gasLimitOutOfRange", { gasLimit: 5 }],
    ["gasLimitOutOfRange", { gasLimit: 1_025 }],
    ["sizeClassOutOfRange", { sizeClass: 0 }],
    ["sizeClassOutOfRange", { sizeClass: 9 }],
    ["badKey", { key: { keyId: sealingKey.keyId, publicKey: new Uint8Array(32) } }],
    ["badKey", { key: { keyId: "00".repeat(32) as KeyId, publicKey: new Uint8Array(31) } }],
  ];
  for (const [reason, change] of rows) t.strictSame(sealTransaction({ ...sealOptions, ...change }), { ok: false, reason });
  const open = { ...sealOptions, feeMax: 1n };
  t.strictSame(signOpen({ ...open, feeMax: 2n ** 64n }), { ok: false, reason: "fieldOutOfRange" });
  t.strictSame(signOpen({ ...open, operations: [] }), { ok: false, reason: "noOperations" });
  t.strictSame(signOpen({ ...open, operations: new Array(1_025).fill(pay) }), { ok: false, reason: "tooManyOperations" });
});
