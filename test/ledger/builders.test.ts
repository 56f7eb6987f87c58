/** L17 to L20: builders and built blocks, beside the model: what is paid and to whom, who may build when, and random blocks. */

import fc from "fast-check";
import t from "tap";
import { verifyAccountProof } from "../../ledger/account_proof.ts";
import { createLedgerWithLimits } from "../../ledger/ledger.ts";
import { createNullApplication } from "../../ledger/null_application.ts";
import { OPERATION_CODES as OP, TRANSACTION_CODES as TX } from "../../ledger/result_codes.ts";
import type { BuiltBlock } from "../../types/builder.ts";
import { type AccountId, Height, TimestampMs } from "../../types/ids.ts";
import { BUILDER_BOND_ACCOUNT, FEE_ACCOUNT, type Operation } from "../../types/transaction.ts";
import { holds } from "../support/property.ts";
import {
  ALICE,
  account,
  BOB,
  CAROL,
  FEE_ASSET,
  ISSUER,
  LedgerWorld,
  operation,
  TEST_LIMITS,
  testGenesis,
  transfer,
  VALIDATOR_ACCOUNT,
  ZERO_ACCOUNT,
} from "./ledger_world.ts";

const BOND_MIN = 1_000n;
const LIMITS = { ...TEST_LIMITS, accountsMax: 20 };
const newWorld = (genesis = testGenesis({ builderBondMin: BOND_MIN })): LedgerWorld => new LedgerWorld({ genesis, limits: LIMITS });

const register = (fields: Partial<Operation> = {}): Operation =>
  operation("builderRegister", { account: CAROL, amount: 5_000n, asset: 0xc0a80102, index: 8_080, ...fields });
const unbond = operation("builderUnbond");
const withdraw = operation("builderWithdraw");
const builtBy = (builder: AccountId, fields: Partial<BuiltBlock> = {}): BuiltBlock => ({
  builder,
  value: 0n,
  proposer: VALIDATOR_ACCOUNT,
  failed: false,
  ...fields,
});
const available = (world: LedgerWorld, id: AccountId): bigint => world.ledger.feeBalanceOf(id);
const isActiveAt = (world: LedgerWorld, height: number): boolean | undefined =>
  world.ledger.builderOf?.(BOB)?.isActiveAt(Height.of(height));

/** Bob is a builder, and Carol, who takes its fees, has an account. */
function builderWorld(): LedgerWorld {
  const world = newWorld();
  world.run([world.payload(BOB, [register(), operation("openAccount", { asset: FEE_ASSET, account: CAROL })])]);
  return world;
}

t.test("L17: builderOf: what was registered; adding keeps the bond, replaces the terms and takes unbonding back", async (t) => {
  const world = builderWorld();
  t.match(world.ledger.builderOf?.(BOB), { bond: 5_000n, feeRecipient: CAROL, endpoint: { address: "192.168.1.2", port: 8_080 } });
  t.equal(world.ledger.builderOf?.(ALICE), undefined);
  t.equal(available(world, BUILDER_BOND_ACCOUNT), 5_000n);
  world.run([world.payload(BOB, [unbond])]);
  t.strictSame(
    [3, 4].map((height) => isActiveAt(world, height)),
    [true, false],
    "the block after the one that unbonds is the last",
  );
  t.match(world.ledger.builderOf?.(BOB), { unbondingHeight: 2, boxedUntil: undefined });
  world.run([world.payload(BOB, [register({ account: ALICE, amount: 7n, asset: 0, index: 0 })])]);
  const builder = world.ledger.builderOf?.(BOB);
  t.match(builder, { bond: 5_007n, feeRecipient: ALICE, endpoint: undefined, unbondingHeight: undefined });
  t.equal(builder?.isActiveAt(Height.of(10_000)), true);
  t.equal(world.ledger.root, world.model.root());
});

t.test("L10 L17: account proofs hold beside a table of builders, for bonds as for any account", async (t) => {
  const world = builderWorld();
  for (const id of [BUILDER_BOND_ACCOUNT, VALIDATOR_ACCOUNT, BOB, account("nobody")]) {
    const { proof, record } = world.ledger.queryAccount({ account: id, asset: FEE_ASSET });
    const verdict = verifyAccountProof({ root: world.ledger.root, account: id, asset: FEE_ASSET, proof });
    t.strictSame(verdict, { ok: true, record });
  }
});

t.test("L17: builderOf: a chain without builders and the null application have none", async (t) => {
  const world = new LedgerWorld();
  t.equal(world.ledger.builderOf, undefined);
  const application = createNullApplication({ chainId: world.chainId });
  t.equal("builderOf" in application, false);
  const block = { height: Height.of(1), timeMs: TimestampMs.of(1), transactions: [], opened: [], built: builtBy(BOB) };
  t.throws(() => application.execute(block), { name: "AssertionError" });
  t.throws(() => world.ledger.execute({ ...block, timeMs: TimestampMs.of(world.model.timeMs) }), { name: "AssertionError" });
});

t.test("L17: BUILDER_BOND_ACCOUNT: nobody sends from it, whoever signs", async (t) => {
  const world = builderWorld();
  const payload = world.payload(BUILDER_BOND_ACCOUNT, [transfer(ALICE, 1n)]);
  const verdict = world.ledger.check(world.parse(payload));
  t.match(verdict, { ok: false, refusal: { code: "unknownSender" } });
  const { receipts } = world.run([payload], 10, [world.sealed({ sender: BUILDER_BOND_ACCOUNT, content: [transfer(ALICE, 1n)] })]);
  t.strictSame(
    receipts.map(({ code }) => code),
    [TX.unknownSender, TX.unknownSender],
  );
  t.equal(available(world, BUILDER_BOND_ACCOUNT), 5_000n);
  t.equal(world.ledger.root, world.model.root());
});

t.test("L6 L17: linked chains take registration, unbonding and withdrawal back", async (t) => {
  const world = builderWorld();
  const linked = { flags: 1 };
  const before = world.ledger.builderOf?.(BOB)?.bond;
  const { receipts } = world.run([
    world.payload(BOB, [register({ ...linked, amount: 9n, account: ALICE }), { ...unbond, ...linked }, transfer(BOB, 1n)]),
    world.payload(ALICE, [register(linked), transfer(ALICE, 1n)]),
  ]);
  const failed = OP.linkedOperationFailed;
  t.strictSame(
    receipts.map(({ operationCodes }) => operationCodes),
    [
      [failed, failed, OP.sameAccount],
      [failed, OP.sameAccount],
    ],
  );
  t.equal(world.ledger.builderOf?.(BOB)?.bond, before);
  t.equal(world.ledger.builderOf?.(BOB)?.feeRecipient, CAROL);
  t.equal(world.ledger.builderOf?.(ALICE), undefined);
  world.run([world.payload(BOB, [unbond])]);
  for (let block = 0; block < 1_024; block++) world.run([]);
  const expiryHeight = Height.of(2_000);
  world.run([world.payload(BOB, [{ ...withdraw, ...linked }, transfer(BOB, 1n)], { expiryHeight })]);
  t.equal(world.ledger.builderOf?.(BOB)?.bond, before);
  const all = [{ ...withdraw, ...linked }, { ...register({ amount: 5_000n }), ...linked }, unbond];
  t.equal(world.run([world.payload(BOB, all, { expiryHeight })]).receipts[0]?.code, TX.ok, "out and in again in one chain");
  t.equal(isActiveAt(world, world.ledger.height + 2), false);
  t.equal(world.ledger.root, world.model.root());
});

t.test("L6 L12 L17: the lowest free record is taken first, and bonds come back whole", async (t) => {
  const world = builderWorld();
  world.run([world.payload(ALICE, [register({ amount: 2_000n })]), world.payload(BOB, [unbond])]);
  for (let block = 0; block < 1_023; block++) world.run([]);
  const before = available(world, BOB);
  const expiryHeight = Height.of(2_000);
  world.run([world.payload(BOB, [withdraw], { expiryHeight })]);
  t.equal(available(world, BOB) - before, 5_000n - 13n);
  t.equal(available(world, BUILDER_BOND_ACCOUNT), 2_000n);
  const failing = [register({ amount: 3_000n, flags: 1 }), transfer(ISSUER, 1n)];
  world.run([world.payload(ISSUER, failing, { expiryHeight })]);
  t.equal(world.ledger.root, world.model.root(), "a chain that failed leaves the record free");
  t.ok(world.ledger.restore(world.ledger.snapshot()), "and so does a restart");
  world.run([world.payload(ISSUER, [register({ amount: 3_000n })], { expiryHeight })]);
  t.strictSame(
    world.model.builders.slots.map((each) => each?.id),
    [ISSUER, ALICE],
  );
  t.equal(world.ledger.root, world.model.root());
});

t.test(
  "L19: a built block: the value moves before the sealed lane, open fees go to the recipient, sealed ones to FEE_ACCOUNT",
  async (t) => {
    const world = builderWorld();
    const before = [FEE_ACCOUNT, CAROL, VALIDATOR_ACCOUNT, BUILDER_BOND_ACCOUNT].map((id) => available(world, id));
    // The validator owns nothing but what the block pays it, and spends that in the lane of the same block.
    const sealed = world.sealed({ sender: VALIDATOR_ACCOUNT, content: [transfer(ALICE, 600n)], fee: 100 });
    const open = [world.payload(ALICE, [transfer(BOB, 1n), transfer(BOB, 2n)]), world.payload(BOB, [transfer(BOB, 1n)])];
    const { receipts } = world.run(open, 10, [sealed], builtBy(BOB, { value: 700n }));
    t.strictSame(
      receipts.map(({ code }) => code),
      [TX.ok, TX.ok, TX.operationsFailed],
    );
    const after = [FEE_ACCOUNT, CAROL, VALIDATOR_ACCOUNT, BUILDER_BOND_ACCOUNT].map((id) => available(world, id));
    t.strictSame(
      after.map((each, index) => each - (before[index] as bigint)),
      [100n, 16n + 13n, 0n, -700n],
    );
    t.equal(world.ledger.builderOf?.(BOB)?.bond, 4_300n);
    world.run([world.payload(ALICE, [transfer(BOB, 1n)])]);
    t.equal(available(world, CAROL) - (after[1] as bigint), 0n, "a block that its proposer built pays no builder");
    t.equal(world.ledger.root, world.model.root());
  },
);

t.test("L19: a recipient without an account when the block begins: FEE_ACCOUNT takes the fees", async (t) => {
  const world = newWorld();
  world.run([world.payload(BOB, [register()])]);
  const before = available(world, FEE_ACCOUNT);
  const open = operation("openAccount", { asset: FEE_ASSET, account: CAROL });
  world.run([world.payload(ALICE, [open]), world.payload(ALICE, [transfer(CAROL, 5n)])], 10, [], builtBy(BOB));
  t.equal(available(world, FEE_ACCOUNT) - before, 26n);
  t.equal(available(world, CAROL), 5n);
  t.equal(world.ledger.root, world.model.root());
});

const HALF = 2n ** 127n;
/** Alice owns half of all numbers, Bob nearly the other half. */
const wide = testGenesis({
  builderBondMin: BOND_MIN,
  balances: [
    { account: ALICE, asset: FEE_ASSET, amount: HALF },
    { account: BOB, asset: FEE_ASSET, amount: HALF - 10_000n },
  ],
});

t.test("L19: accounts without room: the value stays in the bond, the fee goes to FEE_ACCOUNT, a registration has its code", async (t) => {
  const world = newWorld(wide);
  world.run([world.payload(ALICE, [register({ amount: HALF - 1_000n, account: BOB })])]);
  // Bob's credits end a little below 2^128.
  world.run([], 10, [], builtBy(ALICE, { value: HALF - 5_000n, proposer: BOB }));
  t.equal(world.ledger.builderOf?.(ALICE)?.bond, 4_000n);
  const { receipts } = world.run([world.payload(BOB, [register({ amount: HALF + 1_000n })])], 10, [], builtBy(ALICE));
  t.strictSame(receipts[0]?.operationCodes, [OP.creditsOverflow], "the bond account has no room either");
  const room = 2n ** 128n - 1n - (world.model.account(BOB, FEE_ASSET)?.creditsPosted ?? 0n);
  world.run([world.payload(ALICE, [register({ amount: 0n, account: BOB })])]);
  world.run([world.payload(BOB, [transfer(ALICE, 20_000n)])]);
  world.run([world.payload(ALICE, [transfer(BOB, room - 5n)])]);
  const before = available(world, FEE_ACCOUNT);
  world.run([world.payload(ALICE, [transfer(VALIDATOR_ACCOUNT, 1n)])], 10, [], builtBy(ALICE, { value: 6n, proposer: BOB }));
  t.equal(world.ledger.builderOf?.(ALICE)?.bond, 4_000n, "the proposer has no room for 6");
  t.equal(available(world, FEE_ACCOUNT) - before, 13n, "the recipient has no room for 13");
  world.run([], 10, [], builtBy(ALICE, { value: 5n, proposer: BOB }));
  t.equal(world.ledger.builderOf?.(ALICE)?.bond, 3_995n, "and room for 5");
  t.equal(world.ledger.root, world.model.root());
});

t.test("L5 L17: withdrawing into an account without room: creditsOverflow, before any other reason", async (t) => {
  const world = newWorld(wide);
  world.run([world.payload(ALICE, [register({ amount: HALF - 100n })])]);
  world.run([world.payload(BOB, [transfer(ALICE, 200n)])]);
  const { receipts } = world.run([world.payload(ALICE, [withdraw])]);
  t.strictSame(receipts[0]?.operationCodes, [OP.creditsOverflow]);
  t.equal(world.ledger.root, world.model.root());
});

t.test(
  "L18 L19: a bond below the least keeps from building until it is filled up; a value above the bond trips an assertion",
  async (t) => {
    const world = builderWorld();
    world.run([], 10, [], builtBy(BOB, { value: 4_000n }));
    t.equal(isActiveAt(world, 100), true, "the least bond is enough");
    world.run([], 10, [], builtBy(BOB, { value: 1n }));
    t.equal(isActiveAt(world, 100), false);
    world.run([world.payload(BOB, [register({ amount: 1n })])]);
    t.equal(isActiveAt(world, 100), true);
    const block = { height: Height.next(world.ledger.height), timeMs: TimestampMs.of(world.model.timeMs), transactions: [], opened: [] };
    const refused = [builtBy(BOB, { value: 1_001n }), builtBy(ALICE), builtBy(BOB, { proposer: account("nobody") })];
    for (const built of refused) t.throws(() => world.ledger.execute({ ...block, built }), { name: "AssertionError" });
  },
);

t.test("L20: three failures within 256 heights box the builder for 256; one more height between them does not", async (t) => {
  for (const { first, last, isBoxed } of [
    { first: 2, last: 257, isBoxed: true },
    { first: 2, last: 258, isBoxed: false },
  ]) {
    const world = builderWorld();
    while (world.ledger.height < last) {
      const height = world.ledger.height + 1;
      world.run([], 10, [], builtBy(BOB, { failed: height === first || height === 100 || height === last }));
    }
    const next = last + 1;
    t.equal(world.ledger.builderOf?.(BOB)?.boxedUntil, isBoxed ? last + 256 : undefined);
    t.strictSame(
      [next, last + 256, last + 257].map((height) => isActiveAt(world, height)),
      [!isBoxed, !isBoxed, true],
    );
    world.run([], 10, [], builtBy(BOB, { failed: true }));
    t.equal(isActiveAt(world, next + 1), false, isBoxed ? "still boxed" : "100, 258 and 259 are near enough");
    t.equal(isActiveAt(world, last + 257), isBoxed, "a box begins the count anew");
    t.equal(world.ledger.root, world.model.root());
  }
});

const people = [ALICE, BOB, CAROL, ISSUER];
const party = fc.constantFrom(ALICE, BOB, CAROL, FEE_ACCOUNT, VALIDATOR_ACCOUNT, BUILDER_BOND_ACCOUNT, account("erin"), ZERO_ACCOUNT);
const bonds = fc.constantFrom(0n, 1n, 999n, 1_000n, 1_000n, 2_500n, 20_000n, 2n ** 100n);
const flags = fc.constantFrom(0, 0, 0, 1, 1, 2);
const stray = <T>(value: T, other: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: 20, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.constant(other) });
const none = { index: stray(0, 1), asset: stray(0, 9), account: stray(ZERO_ACCOUNT, BOB), amount: stray(0n, 1n), reference: stray(0, 1) };
const operations = fc.oneof(
  { weight: 5, arbitrary: fc.record({ ...none, kind: fc.constant(7), flags, account: party, amount: bonds }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...none,
      kind: fc.constant(7),
      flags,
      account: party,
      amount: bonds,
      asset: fc.constant(5),
      index: fc.constant(9),
    }),
  },
  { weight: 2, arbitrary: fc.record({ ...none, kind: fc.constant(8), flags }) },
  { weight: 3, arbitrary: fc.record({ ...none, kind: fc.constant(9), flags }) },
  {
    weight: 4,
    arbitrary: fc.record({ ...none, kind: fc.constant(3), flags, account: party, amount: bonds, asset: fc.constant(FEE_ASSET) }),
  },
  { weight: 1, arbitrary: fc.record({ ...none, kind: fc.constant(1), flags, account: party, asset: fc.constant(FEE_ASSET) }) },
);
const plan = fc.record({
  transactions: fc.array(
    fc.record({
      sender: fc.constantFrom(ALICE, BOB, ALICE, BOB, CAROL, ISSUER),
      operations: fc.array(operations, { minLength: 1, maxLength: 5 }),
    }),
    {
      maxLength: 4,
    },
  ),
  builder: fc.nat(),
  share: fc.constantFrom(undefined, undefined, 0n, 1n, 50n, 100n),
  failed: fc.boolean(),
  idle: fc.oneof({ weight: 12, arbitrary: fc.constantFrom(0, 1) }, { weight: 2, arbitrary: fc.constantFrom(255, 1_024) }),
});
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

/** Runs the block on ledger and model; `built` by any builder that is registered, for a share of its bond. */
function runPlan(world: LedgerWorld, { transactions, builder, share, failed, idle }: Plan): BuiltBlock | undefined {
  for (let block = 0; block < idle; block++) world.run([]);
  const registered = world.model.builders.slots.flatMap((each) => each ?? []);
  const chosen = registered[builder % Math.max(1, registered.length)];
  const built =
    chosen === undefined || share === undefined
      ? undefined
      : builtBy(chosen.id as AccountId, { value: (chosen.bond * share) / 100n, failed });
  const expiryHeight = Height.of(100_000);
  const payloads = transactions.map((each) => world.payload(each.sender, each.operations, { expiryHeight }));
  const { receipts, expected } = world.run(payloads, 10, [], built);
  for (const [index, { code, operationCodes }] of receipts.entries()) {
    const wanted = expected[index];
    for (const each of operationCodes) seen.add(each);
    if (code === wanted?.code && operationCodes.join() === wanted.operationCodes.join()) continue;
    throw new Error(`receipt ${index}: ${code} ${operationCodes.join()}, model ${wanted?.code} ${wanted?.operationCodes.join()}`);
  }
  return built;
}

function disagreement(world: LedgerWorld): string | undefined {
  if (world.ledger.root !== world.model.root()) return "root";
  if (world.model.imbalances().some((difference) => difference !== 0n)) return "conservation";
  const bonds = world.model.builders.slots.reduce((sum, each) => sum + (each?.bond ?? 0n), 0n);
  if (available(world, BUILDER_BOND_ACCOUNT) < bonds) return "bonds without cover";
  for (const id of people) {
    const [got, wanted] = [world.ledger.builderOf?.(id), world.model.builders.get(id)];
    if (got?.bond !== wanted?.bond || got?.feeRecipient !== wanted?.recipient) return `builder ${id}`;
    for (const ahead of [1, 2, 200, 257, 2_000]) {
      const height = Height.of(world.ledger.height + ahead);
      if ((got?.isActiveAt(height) ?? false) !== world.model.builders.isActiveAt(id, height)) return `activity of ${id} ${ahead} ahead`;
    }
  }
  return undefined;
}

const seen = new Set<number>();

t.test("L1 L5 L17 L18 L19 L20: random blocks, some built: receipts, roots, builders and bonds equal the model's", async (t) => {
  const property = fc.property(fc.array(plan, { minLength: 1, maxLength: 8 }), (plans) => {
    const world = newWorld();
    for (const each of plans) {
      runPlan(world, each);
      const difference = disagreement(world);
      if (difference !== undefined) throw new Error(`differs from the model: ${difference}`);
    }
  });
  holds(t, property, 120);
  const unseen = Object.entries(OP).filter(([name, code]) => /builder|bond|endpoint/i.test(name) && !seen.has(code));
  t.comment(`codes of builders that chance did not produce: ${unseen.map(([name]) => name).join(", ") || "none"}`);
});

t.test("L12 L17: restore, random built blocks before and after: same root, same builders, and both go on alike", async (t) => {
  const plans = fc.array(plan, { minLength: 1, maxLength: 5 });
  const property = fc.property(plans, plan, (before, after) => {
    const world = newWorld();
    for (const each of before) runPlan(world, each);
    const twin = createLedgerWithLimits({ genesis: world.genesis, chainId: world.chainId, indexSeed: new Uint8Array(32).fill(9) }, LIMITS);
    if (!twin.restore(world.ledger.snapshot()) || twin.root !== world.ledger.root) throw new Error("not restored");
    const isEqual = (id: AccountId): boolean => JSON.stringify(terms(twin, id)) === JSON.stringify(terms(world.ledger, id));
    if (!people.every(isEqual)) throw new Error("other builders");
    const built = runPlan(world, { ...after, idle: 0, transactions: [] });
    const timeMs = TimestampMs.of(world.model.timeMs);
    const { stateRoot } = twin.execute({ height: world.ledger.height, timeMs, transactions: [], opened: [], built });
    if (stateRoot !== world.ledger.root) throw new Error("restored ledger went elsewhere");
  });
  holds(t, property, 40);
});

function terms(ledger: LedgerWorld["ledger"], id: AccountId): unknown {
  const builder = ledger.builderOf?.(id);
  return builder === undefined ? null : [builder.bond.toString(), builder.feeRecipient, builder.endpoint];
}
