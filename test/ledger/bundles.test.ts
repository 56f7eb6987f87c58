/** L21: bundles. Random blocks against an oracle without groups (`bundle_world.ts`): what is included, and then the whole state, which
 *  must be that of a block that never had the other groups. The independent model checks the same roots. */

import fc from "fast-check";
import t from "tap";
import { createNullApplication } from "../../ledger/null_application.ts";
import { OPERATION_CODES as OP, TRANSACTION_CODES as TX } from "../../ledger/result_codes.ts";
import type { ExecutableBlock, ExecutionResult, StateSnapshot } from "../../types/application.ts";
import { Height } from "../../types/ids.ts";
import { BUILDER_UNBONDING_HEIGHTS } from "../../types/limits.ts";
import { FEE_ACCOUNT } from "../../types/transaction.ts";
import { holds } from "../support/property.ts";
import {
  available,
  buildersOf,
  builderText,
  builtBy,
  bundleWorld,
  expectedGroups,
  groupPlans,
  openAccount,
  PEOPLE,
  payloadOf,
  register,
  transactionPlan,
} from "./bundle_world.ts";
import { ALICE, BOB, CAROL, FEE_ASSET, ISSUER, type LedgerWorld, operation, transfer, VALIDATOR_ACCOUNT } from "./ledger_world.ts";

const linked = { flags: 1 };

t.test("L21: a group: runs behind the sealed lane and before the tail, in order, its fees to the builder's recipient", async (t) => {
  const world = bundleWorld();
  const [fees, carol] = [FEE_ACCOUNT, CAROL].map((id) => available(world.ledger, id)) as [bigint, bigint];
  const lane = [world.sealed({ sender: ALICE, content: [transfer(VALIDATOR_ACCOUNT, 100n)], fee: 50 })];
  // The validator can pay only with what the lane brought, and the tail only spends what the bundle left.
  const first = [world.payload(VALIDATOR_ACCOUNT, [transfer(BOB, 74n)]), world.payload(BOB, [transfer(ISSUER, 60n)])];
  const second = [world.payload(BOB, [transfer(VALIDATOR_ACCOUNT, 1n)])];
  const payloads = [world.payload(VALIDATOR_ACCOUNT, [transfer(BOB, 1n)])];
  const { result, bundle } = world.runBundle({ payloads, lane, groups: [first, second], built: builtBy(BOB) });
  t.strictSame(
    bundle.map((group) => group.isIncluded && group.receipts.map(({ code }) => code)),
    [[TX.ok, TX.ok], [TX.ok]],
  );
  t.strictSame(
    result.receipts.map(({ code }) => code),
    [TX.ok, TX.ok],
    "of the lane and the tail only",
  );
  t.equal(available(world.ledger, VALIDATOR_ACCOUNT), 0n);
  t.equal(available(world.ledger, FEE_ACCOUNT) - fees, 50n, "of the lane");
  t.equal(available(world.ledger, CAROL) - carol, 4n * 13n, "of bundle and tail");
  t.equal(world.ledger.root, world.model.root());
});

t.test("L21: a group that fails: leaves no fee, nonce, record or receipt, and says which transaction failed first and why", async (t) => {
  const world = bundleWorld();
  const twin = bundleWorld();
  const broke = [world.payload(ALICE, [transfer(BOB, 5n)]), world.payload(ISSUER, [transfer(BOB, 1n)])];
  const failing = [
    // The first use of a nonce makes a sender's record.
    [world.payload(ISSUER, [transfer(BOB, 1n)]), world.payload(VALIDATOR_ACCOUNT, [transfer(BOB, 1n)])],
    [...broke, world.payload(ALICE, [transfer(BOB, 1n), transfer(BOB, 100_000n), transfer(ALICE, 1n)])],
    [world.payload(ALICE, [transfer(BOB, 9n)], { feeMax: 1n }), world.payload(BOB, [operation("transfer")])],
    [world.payload(ALICE, [register({ amount: 2_000n })]), world.payload(ALICE, [transfer(BOB, 1n)], { nonce: 900 })],
  ];
  const { bundle } = world.runBundle({ groups: failing, built: builtBy(BOB) });
  t.match(bundle, [
    { isIncluded: false, position: 1, failed: { code: TX.insufficientForFee, operationCodes: [] } },
    {
      isIncluded: false,
      position: 2,
      failed: { code: TX.operationsFailed, operationCodes: [OP.ok, OP.insufficientFunds, OP.sameAccount] },
    },
    { isIncluded: false, position: 0, failed: { code: TX.feeTooLow, operationCodes: [] } },
    { isIncluded: false, position: 1, failed: { code: TX.nonceTooFar, operationCodes: [] } },
  ]);
  t.equal(twin.run([], 10, [], builtBy(BOB)).stateRoot, world.ledger.root, "the root of a block without them");
  const again = world.runBundle({ groups: [broke], built: builtBy(BOB) });
  t.match(again.bundle, [{ isIncluded: true }], "their nonces are free, and what was sent may come again");
  t.equal(world.ledger.root, world.model.root());
});

t.test("L6 L21: a linked chain that fails inside a group: is taken back first, then what stood before it in the group", async (t) => {
  const world = bundleWorld();
  const before = world.ledger.snapshot();
  const pend = operation("pend", { asset: FEE_ASSET, account: BOB, amount: 30n, reference: 25 });
  const chain = [transfer(BOB, 3n, linked), { ...pend, ...linked }, openAccount(CAROL)];
  const group = [world.payload(ALICE, [pend, transfer(BOB, 2n)]), world.payload(ALICE, [transfer(BOB, 1n), ...chain])];
  const { block, bundle } = world.runBundle({ groups: [group], built: builtBy(BOB) });
  t.match(bundle, [{ isIncluded: false, position: 1, failed: { operationCodes: [OP.ok, 1, 1, OP.accountExists] } }]);
  const { stateRoot } = world.twin(before).execute({ ...block, bundle: undefined });
  t.equal(stateRoot, world.ledger.root);
  world.run([], 1_000);
  t.equal(world.ledger.root, world.model.root(), "nothing that was taken back expires");
});

t.test("L3 L21: transactions that stand twice: the first place takes the nonce, and a group that repeats one is out", async (t) => {
  const world = bundleWorld();
  const [one, two, three] = [1n, 2n, 3n].map((amount) => world.payload(ALICE, [transfer(BOB, amount)])) as [
    ReturnType<LedgerWorld["payload"]>,
    ReturnType<LedgerWorld["payload"]>,
    ReturnType<LedgerWorld["payload"]>,
  ];
  const { result, bundle } = world.runBundle({ groups: [[one, two], [three, two], [three]], payloads: [one, three], built: builtBy(BOB) });
  t.strictSame(
    bundle.map((group) => group.isIncluded),
    [true, false, true],
  );
  t.match(bundle[1], { position: 1, failed: { code: TX.nonceReplayed } });
  t.strictSame(
    result.receipts.map(({ code }) => code),
    [TX.nonceReplayed, TX.nonceReplayed],
  );
});

t.test("L21: bundles that no machine may hand over trip an assertion", async (t) => {
  const world = bundleWorld();
  const open = world.parse(world.payload(ALICE, [transfer(BOB, 1n)]));
  const sealed = world.sealed({ sender: ALICE, content: [transfer(BOB, 1n)] }).transaction;
  const { sealed: _, ...clear } = sealed;
  const keygen = { ...clear, keygen: {} } as unknown as typeof open;
  const block = world.block({ built: builtBy(BOB) });
  for (const bundle of [[[]], [[open], []], [[sealed]], [[keygen]]]) {
    t.throws(() => world.twin().execute({ ...block, bundle }), { name: "AssertionError" });
  }
  t.throws(() => world.twin().execute({ ...block, built: undefined, bundle: [[open]] }), { name: "AssertionError" });
  t.strictSame(world.twin().execute({ ...block, bundle: [] }).bundle, [], "none of its groups was fit");
  t.notOk("bundle" in world.twin().execute(block), "no bundle, no results");
  const opaque = createNullApplication({ chainId: world.chainId });
  const height = Height.of(1);
  t.throws(() => opaque.execute({ ...block, height, built: undefined, bundle: [] }), { name: "AssertionError" }, "nobody builds there");
});

t.test("L18: execute: says whose record it changed and what was said of them before, each once, by account", async (t) => {
  const world = bundleWorld();
  const changesOf = (result: ExecutionResult): unknown =>
    (result.builders ?? []).map(({ account: id, before }) => [id, before?.bond, before?.isActiveAt(Height.of(3_000))]);
  const byAccount = (rows: readonly (readonly unknown[])[]): unknown =>
    [...rows].sort(([left], [right]) => ((left as string) < (right as string) ? -1 : 1));
  const execute = (plan: Parameters<LedgerWorld["block"]>[0]): ExecutionResult => world.ledger.execute(world.block(plan));
  t.notOk("builders" in execute({ payloads: [world.payload(ALICE, [transfer(BOB, 1n)])] }), "nothing changed, nothing is said");
  t.strictSame(changesOf(execute({ built: builtBy(BOB, { value: 10n }) })), [[BOB, 5_000n, true]]);
  t.notOk("builders" in execute({ built: builtBy(BOB) }), "a value of 0 changes nothing");
  t.strictSame(changesOf(execute({ built: builtBy(BOB, { failed: true }) })), [[BOB, 4_990n, true]]);
  const both = [world.payload(BOB, [operation("builderUnbond")]), world.payload(ALICE, [register({ amount: 2_000n })])];
  t.strictSame(
    changesOf(execute({ payloads: both })),
    byAccount([
      [ALICE, undefined, undefined],
      [BOB, 4_990n, true],
    ]),
  );
  const failing = [world.payload(BOB, [register({ ...linked, amount: 3n }), transfer(BOB, 1n)])];
  t.notOk("builders" in execute({ payloads: failing }), "what was taken back is no change");
  for (let height = 0; height < BUILDER_UNBONDING_HEIGHTS; height++) execute({});
  // Bob frees the lower slot and Carol takes it; Alice stays in hers.
  const expiryHeight = Height.of(5_000);
  const swap = [
    world.payload(ALICE, [transfer(CAROL, 9_000n)], { expiryHeight }),
    world.payload(BOB, [operation("builderWithdraw")], { expiryHeight }),
    world.payload(CAROL, [register({ amount: 1_500n }), operation("builderUnbond")], { expiryHeight }),
    world.payload(ALICE, [operation("builderUnbond")], { expiryHeight }),
  ];
  t.strictSame(
    changesOf(execute({ payloads: swap })),
    byAccount([
      [ALICE, 2_000n, true],
      [BOB, 4_990n, false],
      [CAROL, undefined, undefined],
    ]),
  );
  for (let height = 0; height < BUILDER_UNBONDING_HEIGHTS; height++) execute({});
  const move = [
    world.payload(CAROL, [operation("builderWithdraw")], { expiryHeight }),
    world.payload(ALICE, [operation("builderWithdraw"), register({ amount: 1_000n })], { expiryHeight }),
  ];
  t.strictSame(
    changesOf(execute({ payloads: move })),
    byAccount([
      [ALICE, 2_000n, false],
      [CAROL, 1_500n, false],
    ]),
    "out of one slot and into another",
  );
  const late = world.payload(ISSUER, [register({ amount: 1_000n })], { expiryHeight });
  t.strictSame(changesOf(execute({ payloads: [late] })), [[ISSUER, undefined, undefined]], "a slot that was free is nobody's before");
});

const blockPlan = fc.record({
  groups: groupPlans,
  tail: fc.array(transactionPlan, { maxLength: 3 }),
  lane: fc.array(transactionPlan, { maxLength: 2 }),
  value: fc.constantFrom(0n, 0n, 5n, 40n),
  failed: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
  afterMs: fc.constantFrom(0, 10, 30),
});
type BlockPlan = typeof blockPlan extends fc.Arbitrary<infer T> ? T : never;

const tally = { included: 0, failed: 0, changes: 0 };

/** Runs the block and says where it differs from the oracle. */
function runPlan(world: LedgerWorld, plan: BlockPlan): void {
  const snapshot = world.ledger.snapshot();
  const builders = buildersOf(world.ledger);
  const lane = plan.lane.map(({ sender, operations }) => world.sealed({ sender, content: operations }));
  const groups = plan.groups.map((group) => group.map((each) => payloadOf(world, each)));
  const payloads = plan.tail.map((each) => payloadOf(world, each));
  const built = builtBy(BOB, { value: plan.value, failed: plan.failed });
  const { block, result, bundle } = world.runBundle({ groups, payloads, lane, built, afterMs: plan.afterMs });
  const expected = expectedGroups(world, { block, snapshot });
  if (JSON.stringify(bundle) !== JSON.stringify(expected.results)) throw new Error("other groups are included, or failed otherwise");
  expectSameState(world, { block, result, snapshot, included: expected.included });
  for (const group of bundle) tally[group.isIncluded ? "included" : "failed"]++;
  const after = buildersOf(world.ledger);
  const told = new Map((result.builders ?? []).map(({ account: id, before }) => [id, builderText(before)]));
  tally.changes += told.size;
  if (told.size !== (result.builders ?? []).length) throw new Error("a builder is told twice");
  for (const id of PEOPLE) {
    const isTold = told.has(id);
    if (isTold && told.get(id) !== builders.get(id)) throw new Error(`what was said of ${id} before is wrong`);
    // One failure changes the record and not yet what is said of it.
    const isQuiet = builders.get(id) === after.get(id) && !(id === BOB && plan.failed);
    if (isTold === isQuiet) throw new Error(`${id} ${isTold ? "is told and has not changed" : "changed and is not told"}`);
  }
}

/** Root and receipts are those of a block in which what was included stood as open transactions, and nothing else of the bundle. */
function expectSameState(
  world: LedgerWorld,
  run: {
    readonly block: ExecutableBlock;
    readonly result: ExecutionResult;
    readonly snapshot: StateSnapshot;
    readonly included: ExecutableBlock["transactions"];
  },
): void {
  const { block, result, snapshot, included } = run;
  const [lane, tail] = [block.transactions.slice(0, block.opened.length), block.transactions.slice(block.opened.length)];
  const plain = world.twin(snapshot).execute({ ...block, bundle: undefined, transactions: [...lane, ...included, ...tail] });
  if (plain.stateRoot !== result.stateRoot) throw new Error("the state is not that of the included transactions alone");
  const own = [...plain.receipts.slice(0, lane.length), ...plain.receipts.slice(lane.length + included.length)];
  if (JSON.stringify(own) !== JSON.stringify(result.receipts)) throw new Error("receipts of lane or tail differ");
  const only = block.bundle?.filter((_, index) => result.bundle?.[index]?.isIncluded === true);
  if (world.twin(snapshot).execute({ ...block, bundle: only }).stateRoot !== result.stateRoot)
    throw new Error("a failing group left a trace");
  if (world.model.root() !== result.stateRoot) throw new Error("root differs from the model's");
  if (world.model.imbalances().some((difference) => difference !== 0n)) throw new Error("money is not conserved");
}

t.test("L1 L9 L18 L21: random bundles: inclusion, roots, receipts and changed builders equal the oracle's and the model's", async (t) => {
  const property = fc.property(fc.array(blockPlan, { minLength: 1, maxLength: 5 }), (plans) => {
    const world = bundleWorld();
    for (const plan of plans) runPlan(world, plan);
    // What a queue of expiries kept wrongly would show only now.
    for (const afterMs of [1_000, 0, 0]) {
      world.run([], afterMs);
      if (world.ledger.root !== world.model.root()) throw new Error("something else expires");
    }
  });
  holds(t, property, 120);
  t.comment(JSON.stringify(tally));
  t.ok(tally.included > 100 && tally.failed > 100 && tally.changes > 100, JSON.stringify(tally));
});
