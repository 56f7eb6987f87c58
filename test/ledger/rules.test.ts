/** The rules one by one, where the random test against the model does not show what is meant. */

import t from "tap";
import { findGenesisFlaw, type GenesisFlaw } from "../../ledger/genesis_state.ts";
import { createLedger } from "../../ledger/ledger.ts";
import { LEDGER_LIMITS } from "../../ledger/limits.ts";
import { OPERATION_CODES as OP, TRANSACTION_CODES as TX } from "../../ledger/result_codes.ts";
import type { Genesis } from "../../types/genesis.ts";
import type { AccountId } from "../../types/ids.ts";
import { BUILDER_BOND_ACCOUNT, FEE_ACCOUNT, type Operation } from "../../types/transaction.ts";
import {
  ALICE,
  BOB,
  CAROL,
  FEE_ASSET,
  ISSUER,
  LedgerWorld,
  operation,
  TEST_LIMITS,
  testGenesis,
  transfer,
  ZERO_ACCOUNT,
} from "./ledger_world.ts";

const available = (world: LedgerWorld, account: AccountId, asset = FEE_ASSET): bigint | undefined =>
  world.ledger.queryAccount({ account, asset }).record?.available;

const pend = (amount: bigint, timeToLiveMs: number): Operation =>
  operation("pend", { asset: FEE_ASSET, account: BOB, amount, reference: timeToLiveMs });

t.test("L1: issuing an asset: a transfer from its issuer, so debits equal credits in each asset", async (t) => {
  const world = new LedgerWorld();
  world.run([
    world.payload(ALICE, [
      operation("registerAsset", { asset: 1, amount: 6n }),
      operation("openAccount", { asset: 1, account: BOB }),
      transfer(BOB, 500n, { asset: 1 }),
    ]),
  ]);
  t.equal(available(world, ALICE, 1), -500n);
  t.equal(available(world, BOB, 1), 500n);
  t.ok(world.model.imbalances().every((difference) => difference === 0n));
  const { receipts } = world.run([world.payload(BOB, [transfer(ALICE, 501n, { asset: 1 })])]);
  t.strictSame(receipts[0]?.operationCodes, [OP.insufficientFunds], "only the issuer overdraws");
});

t.test("L2: fees: charged to the sender before the operations and kept when all of them fail", async (t) => {
  const world = new LedgerWorld();
  const { receipts } = world.run([world.payload(ALICE, [transfer(BOB, 0n), transfer(BOB, 0n)])]);
  t.equal(receipts[0]?.code, TX.operationsFailed);
  t.equal(available(world, ALICE), 100_000n - 16n);
  t.equal(available(world, FEE_ACCOUNT), 16n);
});

t.test("L3: nonce window: 256 nonces in flight become final in any order, each once", async (t) => {
  const world = new LedgerWorld();
  world.run([world.payload(ALICE, [transfer(BOB, 1n)], { nonce: 255 })]);
  const nonces = Array.from({ length: 256 }, (_, index) => 256 + ((index * 77) % 256));
  const payloads = nonces.map((nonce) => world.payload(ALICE, [transfer(BOB, 1n)], { nonce }));
  const { receipts } = world.run(payloads);
  const lost = nonces.filter((_, index) => receipts[index]?.code !== TX.ok);
  t.strictSame(lost, [], "none dies because another came first");
  const again = world.run(payloads);
  t.ok(again.receipts.every(({ code }) => code === TX.nonceReplayed || code === TX.nonceTooOld));
  t.equal(world.ledger.root, world.model.root());
  const window = world.ledger.queryAccount({ account: ALICE, asset: FEE_ASSET }).nonces;
  t.equal(window?.base, 256);
  t.equal(window?.used.length, 256);
});

t.test("L3: nonce window: a nonce far above gives up those that fall below the window", async (t) => {
  const world = new LedgerWorld();
  const codes = [0, 511, 255, 256, 257, 1_023, 767, 768].map((nonce) => {
    const { receipts } = world.run([world.payload(ALICE, [transfer(BOB, 1n)], { nonce })]);
    return receipts[0]?.code;
  });
  t.strictSame(codes, [TX.ok, TX.ok, TX.nonceTooOld, TX.ok, TX.ok, TX.nonceTooFar, TX.ok, TX.ok]);
});

t.test("L6: linked chain: a failure takes back transfers, accounts, assets and pending transfers exactly", async (t) => {
  const world = new LedgerWorld({ limits: { ...TEST_LIMITS, accountsMax: 30, pendingsMax: 8 } });
  const twin = new LedgerWorld({ limits: { ...TEST_LIMITS, accountsMax: 30, pendingsMax: 8 } });
  for (const each of [world, twin]) each.run([each.payload(ALICE, [pend(10n, 50), pend(20n, 60), pend(30n, 70)])]);
  for (const each of [world, twin]) each.run([each.payload(BOB, [operation("void", { account: ALICE, index: 1 })])]);
  const linked = { flags: 1 };
  const chain = [
    operation("registerAsset", { asset: 1, ...linked }),
    operation("openAccount", { asset: 1, account: BOB, ...linked }),
    transfer(BOB, 7n, { asset: 1, ...linked }),
    operation("openAccount", { asset: FEE_ASSET, account: CAROL, ...linked }),
    transfer(CAROL, 9n, linked),
    { ...pend(5n, 30), ...linked },
    operation("post", { account: ALICE, amount: 4n, ...linked }),
    operation("openAccount", { asset: FEE_ASSET, account: CAROL }),
  ];
  const { receipts } = world.run([world.payload(ALICE, chain)]);
  t.strictSame(receipts[0]?.operationCodes, [1, 1, 1, 1, 1, 1, 1, OP.accountExists]);
  const harmless = Array.from({ length: 8 }, () => operation("transfer"));
  twin.run([twin.payload(ALICE, harmless)]);
  t.equal(world.ledger.root, twin.ledger.root, "the root is that of a chain that never ran");
  const fixed = chain.slice(0, 7).map((each, index) => (index === 6 ? { ...each, flags: 0 } : each));
  const { receipts: second } = world.run([world.payload(ALICE, fixed)]);
  t.equal(second[0]?.code, TX.ok, "the same chain without the failure succeeds");
  t.equal(world.ledger.root, world.model.root());
  world.run([], 1_000);
  t.equal(world.ledger.root, world.model.root(), "what was taken back never expires");
});

t.test("L6: within a transaction: operations see accounts that earlier ones opened, and not those of a chain that failed", async (t) => {
  const world = new LedgerWorld();
  world.run([world.payload(ISSUER, [operation("openAccount", { asset: 9, account: BOB })])]);
  const open = operation("openAccount", { asset: 9, account: ALICE });
  const spend = transfer(BOB, 1n, { asset: 9 });
  const { receipts } = world.run([world.payload(ALICE, [spend, { ...open, flags: 1 }, spend, spend, open, spend])]);
  const failedChain = [OP.linkedOperationFailed, OP.insufficientFunds];
  t.strictSame(receipts[0]?.operationCodes, [OP.payerNotFound, ...failedChain, OP.payerNotFound, OP.ok, OP.insufficientFunds]);
  t.equal(world.ledger.root, world.model.root());
});

t.test("L7: available: credits posted less debits posted and pending; incoming pending funds cannot be spent", async (t) => {
  const world = new LedgerWorld();
  world.run([world.payload(ALICE, [pend(99_000n, 0)])]);
  t.equal(available(world, ALICE), 100_000n - 99_000n - 13n);
  t.equal(available(world, BOB), 100_000n);
  const { receipts } = world.run([world.payload(ALICE, [transfer(BOB, 1_000n)])]);
  t.strictSame(receipts[0]?.operationCodes, [OP.insufficientFunds]);
});

t.test("L8: post: a part moves, the rest is released, and a second post is refused", async (t) => {
  const world = new LedgerWorld();
  world.run([world.payload(ALICE, [pend(1_000n, 0)])]);
  const post = operation("post", { account: ALICE, amount: 400n });
  const { receipts } = world.run([world.payload(BOB, [post, post])]);
  t.strictSame(receipts[0]?.operationCodes, [OP.ok, OP.pendingPosted]);
  t.equal(available(world, ALICE), 100_000n - 13n - 400n);
  t.equal(available(world, BOB), 100_000n - 16n + 400n);
});

t.test("L8: expiry: at the first block whose time reaches it, before that block's transactions, a bounded number per block", async (t) => {
  const world = new LedgerWorld();
  world.run([world.payload(ALICE, [pend(100n, 50), pend(200n, 40), pend(300n, 50)])]);
  world.run([], 39);
  t.equal(available(world, ALICE), 100_000n - 19n - 600n, "not before its time");
  world.run([], 11);
  t.equal(available(world, ALICE), 100_000n - 19n - 300n, "two of three expire: the earliest time first, then the lowest slot");
  const { receipts } = world.run([world.payload(BOB, [operation("post", { account: ALICE, amount: 1n, index: 2 })])], 0);
  t.strictSame(receipts[0]?.operationCodes, [OP.pendingExpired]);
  t.equal(available(world, ALICE), 100_000n - 19n, "the third expires one block later");
  t.equal(world.ledger.root, world.model.root());
});

t.test("L8: expiry: what is due but waits for a later block can no longer be posted or voided", async (t) => {
  const world = new LedgerWorld({ limits: { ...TEST_LIMITS, expiriesPerBlockMax: 1 } });
  world.run([world.payload(ALICE, [pend(100n, 50), pend(200n, 50), pend(300n, 50)])]);
  world.run([], 49);
  const last = { account: ALICE, index: 2 };
  const { receipts } = world.run([world.payload(BOB, [operation("post", { ...last, amount: 1n }), operation("void", last)])], 1);
  t.strictSame(receipts[0]?.operationCodes, [OP.pendingExpired, OP.pendingExpired]);
  t.equal(available(world, ALICE), 100_000n - 19n - 500n, "one of three has expired");
  world.run([]);
  world.run([]);
  t.equal(available(world, ALICE), 100_000n - 19n);
  t.equal(world.ledger.root, world.model.root());
});

t.test("L8: resolved pending transfers: remembered until enough later ones are resolved, then their slots are reused", async (t) => {
  const world = new LedgerWorld();
  const voidAt = (nonce: number): Operation => operation("void", { account: ALICE, reference: nonce });
  for (let nonce = 0; nonce < 6; nonce++) {
    world.run([world.payload(ALICE, [pend(10n, 0)])]);
    world.run([world.payload(BOB, [voidAt(nonce)])]);
  }
  const { receipts } = world.run([world.payload(BOB, [voidAt(5), voidAt(4), voidAt(0)])]);
  t.strictSame(receipts[0]?.operationCodes, [OP.pendingVoided, OP.pendingVoided, OP.pendingNotFound]);
  t.ok(world.model.state.pendings.length <= TEST_LIMITS.resolvedPendingsMin + 2, "the table does not grow");
  t.equal(world.ledger.root, world.model.root());
});

const base = testGenesis();
const FLAWS: Readonly<Record<GenesisFlaw, Genesis>> = {
  wrongApplication: testGenesis({ application: "null" }),
  duplicateAsset: testGenesis({ assets: [...base.assets, ...base.assets] }),
  tooManyDecimals: testGenesis({ assets: [{ asset: FEE_ASSET, decimals: 39, issuer: ISSUER }] }),
  feeAssetMissing: testGenesis({ assets: [{ asset: 9, decimals: 0, issuer: ISSUER }], balances: [] }),
  accountZero: testGenesis({ balances: [{ account: ZERO_ACCOUNT, asset: FEE_ASSET, amount: 1n }] }),
  reservedAccount: testGenesis({ balances: [{ account: BUILDER_BOND_ACCOUNT, asset: FEE_ASSET, amount: 1n }] }),
  unknownAsset: testGenesis({ balances: [{ account: ALICE, asset: 1, amount: 1n }] }),
  issuerBalance: testGenesis({ balances: [{ account: ISSUER, asset: FEE_ASSET, amount: 1n }] }),
  zeroBalance: testGenesis({ balances: [{ account: ALICE, asset: FEE_ASSET, amount: 0n }] }),
  duplicateBalance: testGenesis({ balances: [...base.balances, ...base.balances] }),
  supplyOverflow: testGenesis({ balances: [...base.balances, { account: CAROL, asset: FEE_ASSET, amount: 2n ** 128n - 1n }] }),
};

t.test("findGenesisFlaw: every flaw is named, and createLedger refuses to start from it", async (t) => {
  t.equal(findGenesisFlaw(base), undefined);
  for (const [flaw, genesis] of Object.entries(FLAWS)) {
    t.equal(findGenesisFlaw(genesis), flaw);
    t.throws(() => createLedger({ genesis, chainId: new LedgerWorld().chainId }), { name: "AssertionError" });
  }
});

t.test("L17 L19: findGenesisFlaw: a validator that would be a reserved account, only where builders are taken", async (t) => {
  const withKey = (key: AccountId, builderBondMin: bigint) => {
    const base = testGenesis({ builderBondMin });
    return { ...base, validators: base.validators.map((each) => ({ ...each, ed25519PublicKey: key })) };
  };
  const flaws = [1_000n, 0n].map((least) =>
    [BUILDER_BOND_ACCOUNT, ZERO_ACCOUNT, ISSUER].map((key) => findGenesisFlaw(withKey(key, least))),
  );
  t.strictSame(flaws, [
    ["reservedAccount", "accountZero", undefined],
    [undefined, undefined, undefined],
  ]);
});

t.test("createLedger: blocks out of order trip an assertion; bounds are those of LEDGER_LIMITS", async (t) => {
  const world = new LedgerWorld({ limits: LEDGER_LIMITS });
  world.run([world.payload(ALICE, [transfer(BOB, 1n)])]);
  t.throws(() => world.ledger.execute({ height: world.ledger.height, timeMs: base.timeMs, transactions: [], opened: [] }), {
    name: "AssertionError",
  });
  t.equal(world.ledger.height, 1);
  t.equal(world.ledger.name, "ledger");
});
