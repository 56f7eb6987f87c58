/** Sealed lanes (L14 to L16): all fees first, then the contents in lane order, then the open lane. Random lanes run through the ledger
 *  and through its independent model; what the rules mean stands in the tests below. The ledger sees messages as they were opened,
 *  so nothing here is really sealed. */

import fc from "fast-check";
import t from "tap";
import { createLedgerWithLimits } from "../../ledger/ledger.ts";
import { OPERATION_CODES as OP, TRANSACTION_CODES as TX } from "../../ledger/result_codes.ts";
import { type AccountId, Height, TimestampMs } from "../../types/ids.ts";
import { FEE_ACCOUNT, type Operation } from "../../types/transaction.ts";
import { holds } from "../support/property.ts";
import {
  ALICE,
  account,
  BOB,
  CAROL,
  FEE_ASSET,
  FEE_PER_OPERATION,
  FEE_PER_TRANSACTION,
  ISSUER,
  LedgerWorld,
  operation,
  type SealedPlan,
  TEST_LIMITS,
  transfer,
} from "./ledger_world.ts";

const FAILURES = ["badSeed", "badBody", "contentMalformed"] as const;
const people = [ALICE, BOB, CAROL, ISSUER];
const openCarol = operation("openAccount", { asset: FEE_ASSET, account: CAROL });
const available = (world: LedgerWorld, id: AccountId): bigint => world.ledger.feeBalanceOf(id);

const amount = fc.oneof({ weight: 9, arbitrary: fc.bigInt({ min: 1n, max: 60_000n }) }, { weight: 1, arbitrary: fc.constantFrom(0n, 1n) });
const flags = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) });
const action: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ to: fc.constantFrom(...people), amount, flags }).map((each) => transfer(each.to, each.amount, { flags: each.flags })),
  fc
    .record({ account: fc.constantFrom(...people), amount, flags, reference: fc.nat({ max: 40 }) })
    .map((each) => operation("pend", { asset: FEE_ASSET, ...each })),
  fc.record({ account: fc.constantFrom(ALICE, BOB), amount, reference: fc.nat({ max: 6 }) }).map((each) => operation("post", { ...each })),
  fc.constant(openCarol),
);
const operations = fc.array(action, { minLength: 1, maxLength: 5 });
const sealedPlan: fc.Arbitrary<SealedPlan> = fc
  .record({
    sender: fc.constantFrom(ALICE, ALICE, BOB, BOB, CAROL, ISSUER, account("stranger")),
    content: fc.oneof({ weight: 6, arbitrary: operations }, { weight: 1, arbitrary: fc.constantFrom(...FAILURES) }),
    nonce: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(0, 1, 2, 300, 600) }),
    gasLimit: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(1, 2, 1_024) }),
    fee: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(12, 13, 5_000, 2 ** 53 - 1) }),
  })
  .map(({ sender, content, ...rest }) => ({
    sender,
    content,
    ...(rest.nonce === undefined ? {} : { nonce: rest.nonce }),
    ...(rest.gasLimit === undefined ? {} : { gasLimit: rest.gasLimit }),
    ...(rest.fee === undefined ? {} : { fee: rest.fee }),
  }));
const openPlan = fc.record({ sender: fc.constantFrom(ALICE, BOB), operations });
const blocks = fc.array(
  fc.record({
    lane: fc.array(sealedPlan, { maxLength: 5 }),
    open: fc.array(openPlan, { maxLength: 3 }),
    afterMs: fc.integer({ min: 0, max: 30 }),
  }),
  { minLength: 1, maxLength: 5 },
);

const wasCharged = (code: number): boolean => code === TX.ok || (code >= TX.operationsFailed && code <= TX.gasLimitExceeded);

t.test(
  "L1 L14 L15: createLedger, random lanes: codes and roots equal the model's; exactly the fees of what ran or FAILED are kept",
  async (t) => {
    const property = fc.property(blocks, (planned) => {
      const world = new LedgerWorld();
      for (const { lane, open, afterMs } of planned) {
        const cases = lane.map((plan) => world.sealed(plan));
        const payloads = open.map((plan) => world.payload(plan.sender, plan.operations));
        const before = available(world, FEE_ACCOUNT);
        // The first one comes twice.
        const first = cases[0];
        const twice = first === undefined ? [] : [...cases, first];
        const { receipts, expected } = world.run(payloads, afterMs, twice);
        const got = receipts.map(({ code, operationCodes }) => ({ code, operationCodes }));
        if (JSON.stringify(got) !== JSON.stringify(expected)) throw new Error(`${JSON.stringify(got)}, model ${JSON.stringify(expected)}`);
        if (world.ledger.root !== world.model.root()) throw new Error("root");
        if (world.model.imbalances().some((difference) => difference !== 0n)) throw new Error("conservation");
        const fees = [
          ...twice.map(({ model }) => BigInt(model.envelope.fee)),
          ...open.map((plan) => BigInt(FEE_PER_TRANSACTION + FEE_PER_OPERATION * plan.operations.length)),
        ];
        const kept = fees.reduce((sum, fee, index) => sum + (wasCharged(got[index]?.code ?? -1) ? fee : 0n), 0n);
        if (first !== undefined && wasCharged(got[0]?.code ?? -1) && wasCharged(got[cases.length]?.code ?? -1))
          throw new Error("charged twice");
        if (available(world, FEE_ACCOUNT) - before !== kept) throw new Error("fees");
      }
    });
    holds(t, property, 300);
  },
);

t.test("L14: a lane: every fee is charged before any content runs, so no content pays for a fee of its block", async (t) => {
  const world = new LedgerWorld();
  world.run([world.payload(ALICE, [openCarol])]);
  const gift = world.sealed({ sender: ALICE, content: [transfer(CAROL, 1_000n)] });
  const poor = world.sealed({ sender: CAROL, content: [transfer(BOB, 1n)] });
  const { receipts } = world.run([world.payload(CAROL, [transfer(BOB, 1n)], { nonce: 1 })], 10, [gift, poor]);
  t.strictSame(
    receipts.map(({ code }) => code),
    [TX.ok, TX.insufficientForFee, TX.ok],
    "the gift comes too late for the lane and in time for the open lane",
  );
});

t.test("L14: a lane: spends run in lane order and leave less for later ones, their fees kept", async (t) => {
  const world = new LedgerWorld();
  const spend = (amount: bigint) => world.sealed({ sender: ALICE, content: [transfer(BOB, amount)] });
  const lane = [spend(60_000n), spend(60_000n), spend(39_000n)];
  const { receipts } = world.run([], 10, lane);
  t.strictSame(
    receipts.map(({ operationCodes }) => operationCodes),
    [[OP.ok], [OP.insufficientFunds], [OP.ok]],
  );
  t.equal(available(world, ALICE), 100_000n - 99_000n - 39n);
  t.equal(available(world, FEE_ACCOUNT), 39n);
  t.strictSame(
    receipts.map(({ hash }) => hash),
    lane.map(({ transaction }) => transaction.hash),
  );
});

t.test("L3 L14: one nonce in both lanes: the sealed transaction has it, the open one is a replay and pays nothing", async (t) => {
  for (const content of [[transfer(BOB, 5n)], "badSeed"] as const) {
    const world = new LedgerWorld();
    const sealed = world.sealed({ sender: ALICE, content, nonce: 4 });
    const open = world.payload(ALICE, [transfer(BOB, 7n)], { nonce: 4 });
    const { receipts } = world.run([open], 10, [sealed]);
    t.equal(receipts[1]?.code, TX.nonceReplayed);
    t.equal(available(world, FEE_ACCOUNT), 13n);
    t.equal(available(world, BOB), content === "badSeed" ? 100_000n : 100_005n);
  }
});

t.test("L3: exactly once: an envelope that was ordered and FAILED is a replay in every later block, sealed or open", async (t) => {
  const world = new LedgerWorld();
  const sealed = world.sealed({ sender: ALICE, content: "badBody", nonce: 0 });
  world.run([], 10, [sealed]);
  const { root } = world.ledger;
  const again = world.ledger.check(sealed.transaction);
  t.match(again, { ok: false, refusal: { code: "nonceReplayed", canRetry: false } });
  const { receipts } = world.run([], 10, [sealed]);
  t.equal(receipts[0]?.code, TX.nonceReplayed);
  t.equal(available(world, ALICE), 100_000n - 13n);
  t.not(world.ledger.root, root, "the block counts, as every block does");
});

t.test("L6 L8 L15: content: linked chains and pending transfers work as in open transactions, named by the envelope's nonce", async (t) => {
  const world = new LedgerWorld();
  const content = [
    operation("pend", { asset: FEE_ASSET, account: BOB, amount: 500n }),
    transfer(BOB, 1n, { flags: 1 }),
    transfer(BOB, 10n ** 9n),
  ];
  const { receipts } = world.run([], 10, [world.sealed({ sender: ALICE, content, nonce: 9, gasLimit: 8 })]);
  t.strictSame(receipts[0]?.operationCodes, [OP.ok, OP.linkedOperationFailed, OP.insufficientFunds]);
  const posted = world.sealed({ sender: BOB, content: [operation("post", { account: ALICE, reference: 9, amount: 500n })] });
  t.strictSame(world.run([], 10, [posted]).receipts[0]?.operationCodes, [OP.ok]);
  t.equal(available(world, BOB), 100_500n - 13n);
  t.equal(world.ledger.root, world.model.root());
});

t.test("L15: content: a sealed transaction acts alike to an open one with the same operations and fee", async (t) => {
  const property = fc.property(operations, (content) => {
    const [sealed, open] = [new LedgerWorld(), new LedgerWorld()];
    const first = sealed.run([], 10, [sealed.sealed({ sender: ALICE, content })]);
    const second = open.run([open.payload(ALICE, content)]);
    return sealed.ledger.root === open.ledger.root && first.receipts[0]?.code === second.receipts[0]?.code;
  });
  holds(t, property, 100);
});

t.test("L15: content: 1,023 operations in one envelope run and pay for themselves", async (t) => {
  const world = new LedgerWorld();
  const content = Array.from({ length: 1_023 }, (_, index) => transfer(BOB, BigInt(index) + 1n, { flags: index % 3 === 0 ? 1 : 0 }));
  const { receipts } = world.run([], 10, [world.sealed({ sender: ALICE, content })]);
  t.equal(receipts[0]?.operationCodes.length, 1_023);
  t.equal(world.ledger.root, world.model.root());
  t.equal(available(world, FEE_ACCOUNT), 10n + 3n * 1_023n);
});

t.test("L16: checkSealed: the fees that a sender promised already must be payable as well", async (t) => {
  const world = new LedgerWorld();
  const { transaction } = world.sealed({ sender: ALICE, content: [transfer(BOB, 1n)], fee: 100 });
  const codeWith = (reserved: bigint): string => {
    const result = world.ledger.checkSealed?.(transaction, reserved);
    return result === undefined ? "absent" : result.ok ? "ok" : result.refusal.code;
  };
  t.equal(codeWith(0n), "ok");
  t.equal(codeWith(99_900n), "ok");
  t.equal(codeWith(99_901n), "insufficientForFee");
  t.equal(codeWith(2n ** 66n), "insufficientForFee");
  t.equal(available(world, ALICE), 100_000n);
  t.equal(available(world, account("stranger")), 0n);
  t.equal(world.ledger.isNonceFree(ALICE, 0), true);
  t.equal(world.ledger.isNonceFree(account("stranger"), 511), true);
  world.run([], 10, [world.sealed({ sender: ALICE, content: "badSeed", nonce: 0 })]);
  t.equal(world.ledger.isNonceFree(ALICE, 0), false);
  t.equal(world.ledger.isNonceFree(ALICE, 512), false, "too far");
});

t.test("L12 L13: restore: a ledger with another index seed takes the same lane to the same root", async (t) => {
  const world = new LedgerWorld();
  world.run([], 10, [world.sealed({ sender: ALICE, content: [openCarol, transfer(CAROL, 70n)] })]);
  const twin = createLedgerWithLimits(
    { genesis: world.genesis, chainId: world.chainId, indexSeed: new Uint8Array(32).fill(7) },
    TEST_LIMITS,
  );
  t.equal(twin.restore(world.ledger.snapshot()), true);
  const lane = [world.sealed({ sender: CAROL, content: [transfer(BOB, 3n)] }), world.sealed({ sender: BOB, content: "badSeed" })];
  const { stateRoot } = world.run([], 10, lane);
  const again = twin.execute({
    height: Height.of(2),
    timeMs: TimestampMs.of(world.model.timeMs),
    transactions: lane.map(({ transaction }) => transaction),
    opened: lane.map(({ opened }) => opened),
  });
  t.equal(again.stateRoot, stateRoot);
});

t.test("L14: execute: asserts that exactly the sealed transactions were opened and that they stand first", async (t) => {
  const world = new LedgerWorld();
  const { transaction, opened } = world.sealed({ sender: ALICE, content: [transfer(BOB, 1n)] });
  const open = world.parse(world.payload(ALICE, [transfer(BOB, 1n)]));
  const block = { height: Height.of(1), timeMs: TimestampMs.of(2_000_000) };
  const refused = { name: "AssertionError" };
  t.throws(() => world.ledger.execute({ ...block, transactions: [transaction], opened: [] }), refused);
  t.throws(() => world.ledger.execute({ ...block, transactions: [open], opened: [opened] }), refused);
  t.throws(() => world.ledger.execute({ ...block, transactions: [transaction], opened: [opened, opened] }), refused);
  t.throws(() => world.ledger.execute({ ...block, transactions: [open, transaction], opened: [opened] }), refused);
});
