/** L22: simulation. What it says equals what executing the same would do, on another ledger that is restored from a snapshot; and what it
 *  leaves behind is nothing: not in the root, the snapshot, any answer, or anything that is executed later beside the model. */

import fc from "fast-check";
import t from "tap";
import type { Ledger } from "../../ledger/ledger.ts";
import { LEDGER_LIMITS } from "../../ledger/limits.ts";
import { createNullApplication } from "../../ledger/null_application.ts";
import { OPERATION_CODES as OP, TRANSACTION_CODES as TX } from "../../ledger/result_codes.ts";
import type { ExecutableBlock, ParsedTransaction, SimulatedGroup, Simulation } from "../../types/application.ts";
import { bytesEqual } from "../../types/bytes.ts";
import { type AccountId, Height, TimestampMs } from "../../types/ids.ts";
import { FEE_ACCOUNT, type TransactionPayload } from "../../types/transaction.ts";
import { holds } from "../support/property.ts";
import {
  available,
  buildersOf,
  builtBy,
  bundleWorld,
  ERIN,
  groupPlans,
  openAccount,
  PEOPLE,
  payloadOf,
  register,
  transactionPlan,
} from "./bundle_world.ts";
import {
  ALICE,
  account,
  BOB,
  CAROL,
  FEE_ASSET,
  ISSUER,
  LedgerWorld,
  operation,
  testGenesis,
  transfer,
  VALIDATOR_ACCOUNT,
} from "./ledger_world.ts";

function simulate(
  world: LedgerWorld,
  options: {
    readonly payee?: AccountId;
    readonly height?: number;
    readonly timeMs?: number;
    readonly groups: readonly { readonly payloads: readonly TransactionPayload[]; readonly isAllOrNone: boolean }[];
  },
): readonly SimulatedGroup[] {
  const simulation: Simulation = {
    height: Height.of(options.height ?? world.ledger.height + 1),
    timeMs: TimestampMs.of(options.timeMs ?? world.model.timeMs),
    payee: options.payee ?? CAROL,
    groups: options.groups.map(({ payloads, isAllOrNone }) => ({
      transactions: payloads.map((payload) => world.parse(payload)),
      isAllOrNone,
    })),
  };
  return (world.ledger.simulate as NonNullable<Ledger["simulate"]>)(simulation);
}

const allOrNone = (...payloads: readonly TransactionPayload[]) => ({ payloads, isAllOrNone: true });
const each = (...payloads: readonly TransactionPayload[]) => ({ payloads, isAllOrNone: false });

t.test("L22: simulate: is there exactly where builders are", async (t) => {
  t.equal(new LedgerWorld().ledger.simulate, undefined);
  t.type(bundleWorld().ledger.simulate, "function");
  t.notOk("simulate" in createNullApplication({ chainId: bundleWorld().chainId }));
});

t.test("L22: gain: fees of what is included, and what is paid to the payee; nothing of a group that fails", async (t) => {
  const world = bundleWorld();
  const root = world.ledger.root;
  const results = simulate(world, {
    groups: [
      allOrNone(world.payload(ALICE, [transfer(BOB, 1n)]), world.payload(ALICE, [transfer(CAROL, 400n), transfer(BOB, 1n)])),
      allOrNone(world.payload(ALICE, [transfer(CAROL, 900n)]), world.payload(BOB, [transfer(BOB, 1n)])),
      each(
        world.payload(ALICE, [transfer(CAROL, 900n)]),
        world.payload(BOB, [transfer(BOB, 1n)]),
        world.payload(ERIN, [transfer(BOB, 1n)]),
      ),
      allOrNone(world.payload(CAROL, [transfer(BOB, 5n)])),
    ],
  });
  t.strictSame(
    results.map(({ gain }) => gain),
    [13n + 400n + 16n, 0n, 900n + 13n + 13n, -5n],
    "who pays a fee to itself has lost nothing",
  );
  t.match(results[1], {
    result: { isIncluded: false, position: 1, failed: { code: TX.operationsFailed, operationCodes: [OP.sameAccount] } },
  });
  const receipts = results[2]?.result.isIncluded ? results[2].result.receipts : [];
  t.strictSame(
    receipts.map(({ code }) => code),
    [TX.ok, TX.operationsFailed, TX.unknownSender],
  );
  t.equal(world.ledger.root, root);
});

t.test("L6 L22: a linked chain that fails in a group of each for itself: takes back itself alone", async (t) => {
  const world = bundleWorld();
  const chain = [transfer(CAROL, 100n, { flags: 1 }), transfer(BOB, 100_000n)];
  const [result] = simulate(world, {
    groups: [each(world.payload(ALICE, [transfer(CAROL, 7n), ...chain]), world.payload(ALICE, [transfer(CAROL, 2n)]))],
  });
  t.equal(result?.gain, 7n + 19n + 2n + 13n);
});

t.test("L19 L22: a payee whose account is not open: FEE_ACCOUNT takes the fees, also when a group opens it", async (t) => {
  const world = bundleWorld();
  const groups = [allOrNone(world.payload(ALICE, [openAccount(ERIN)])), allOrNone(world.payload(ALICE, [transfer(ERIN, 3n)]))];
  t.strictSame(
    simulate(world, { payee: ERIN, groups }).map(({ gain }) => gain),
    [0n, 3n],
  );
  t.strictSame(
    simulate(world, { payee: FEE_ACCOUNT, groups }).map(({ gain }) => gain),
    [13n, 13n],
  );
});

t.test("L22: height and time are those that were given, of the state as it stands", async (t) => {
  const world = bundleWorld();
  world.run([world.payload(ALICE, [operation("pend", { asset: FEE_ASSET, account: BOB, amount: 5n, reference: 100 })])]);
  const post = (): TransactionPayload =>
    world.payload(BOB, [operation("post", { account: ALICE, amount: 5n })], { expiryHeight: Height.of(20) });
  const codesAt = (height: number, afterMs: number): readonly number[] => {
    const [group] = simulate(world, { height, timeMs: world.model.timeMs + afterMs, groups: [each(post())] });
    return group?.result.isIncluded ? group.result.receipts.map(({ code, operationCodes }) => operationCodes[0] ?? code) : [];
  };
  t.strictSame(codesAt(20, 99), [OP.ok]);
  t.strictSame(codesAt(21, 99), [TX.expired]);
  t.strictSame(codesAt(20, 100), [OP.pendingExpired]);
  const unbond = allOrNone(world.payload(BOB, [operation("builderUnbond")]));
  const withdraw = allOrNone(world.payload(BOB, [operation("builderWithdraw")], { expiryHeight: Height.of(2_000) }));
  world.run(unbond.payloads);
  const included = [1_026, 1_027].map((height) => simulate(world, { height, groups: [withdraw] })[0]?.result.isIncluded);
  t.strictSame(included, [false, true], "unbonded at height 3");
  t.throws(() => simulate(world, { height: world.ledger.height, groups: [] }), { name: "AssertionError" });
});

t.test("L9 L10 L12 L22: simulations that grow the tables by pages: proofs, snapshots and later roots are as before", async (t) => {
  const genesis = testGenesis({ builderBondMin: 1_000n });
  const holders = Array.from({ length: 500 }, (_, index) => ({ account: account(`holder ${index}`), asset: FEE_ASSET, amount: 50n }));
  const world = new LedgerWorld({ genesis: { ...genesis, balances: [...genesis.balances, ...holders] }, limits: LEDGER_LIMITS });
  world.run([world.payload(BOB, [register(), openAccount(CAROL)])]);
  const twin = world.twin();
  const before = copyOf(world.ledger);
  const opening = Array.from({ length: 12 }, (_, group) =>
    allOrNone(
      world.payload(
        ISSUER,
        Array.from({ length: 60 }, (_, index) => openAccount(account(`new ${group}/${index}`))),
      ),
    ),
  );
  const pending = each(
    world.payload(
      ALICE,
      Array.from({ length: 600 }, () => operation("pend", { asset: FEE_ASSET, account: BOB, amount: 1n, reference: 50 })),
    ),
  );
  for (let round = 0; round < 2; round++) {
    const results = simulate(world, { groups: [...opening, pending] });
    t.ok(results.every(({ result }) => result.isIncluded && result.receipts.every(({ code }) => code === TX.ok)));
    expectUnchanged(world, before);
  }
  const block = world.block({ payloads: [world.payload(ALICE, [transfer(BOB, 1n), openAccount(account("new 3/3"))], { nonce: 99 })] });
  t.equal(world.ledger.execute(block).stateRoot, twin.execute(block).stateRoot);
  const query = { account: account("new 3/3"), asset: FEE_ASSET };
  t.strictSame(world.ledger.queryAccount(query), twin.queryAccount(query));
});

/** Everything that can be read of a ledger. */
function copyOf(ledger: Ledger) {
  const { manifest, chunks } = ledger.snapshot();
  const answers = PEOPLE.flatMap((id) => [FEE_ASSET, 9, 1].map((asset) => ledger.queryAccount({ account: id, asset })));
  const builders = [...buildersOf(ledger)];
  return {
    root: ledger.root,
    height: ledger.height,
    manifest: manifest.slice(),
    chunks: chunks.map((chunk) => chunk.slice()),
    answers,
    builders,
  };
}

function expectUnchanged(world: LedgerWorld, before: ReturnType<typeof copyOf>): void {
  const { chunks, manifest, ...rest } = copyOf(world.ledger);
  const { chunks: oldChunks, manifest: oldManifest, ...oldRest } = before;
  const isSame = chunks.length === oldChunks.length && chunks.every((chunk, index) => bytesEqual(chunk, oldChunks[index] as Uint8Array));
  if (!isSame || !bytesEqual(manifest, oldManifest)) throw new Error("a simulation changed the snapshot");
  if (asText(rest) !== asText(oldRest)) throw new Error("a simulation changed an answer");
}

const asText = (value: unknown): string => JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner));

/** What executing the groups' transactions as open ones, behind what came before, does to the payee; and the receipts. */
function expectedGroup(
  world: LedgerWorld,
  run: {
    readonly block: ExecutableBlock;
    readonly before: readonly ParsedTransaction[];
    readonly group: Simulation["groups"][number];
    readonly payee: AccountId;
  },
): { readonly expected: SimulatedGroup; readonly kept: readonly ParsedTransaction[] } {
  const { block, before, group, payee } = run;
  const gainOf = (transactions: readonly ParsedTransaction[]) => {
    const twin = world.twin();
    const { receipts } = twin.execute({ ...block, transactions });
    return { balance: available(twin, payee), receipts };
  };
  const [without, withGroup] = [gainOf(before), gainOf([...before, ...group.transactions])];
  const receipts = withGroup.receipts.slice(before.length);
  const position = receipts.findIndex(({ code }) => code !== TX.ok);
  const failed = receipts[position];
  if (group.isAllOrNone && failed !== undefined)
    return { expected: { result: { isIncluded: false, failed, position }, gain: 0n }, kept: before };
  const expected: SimulatedGroup = { result: { isIncluded: true, receipts }, gain: withGroup.balance - without.balance };
  return { expected, kept: [...before, ...group.transactions] };
}

const simulationPlan = fc.record({
  groups: groupPlans,
  kinds: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  tail: fc.array(transactionPlan, { maxLength: 3 }),
  bundle: groupPlans,
  afterMs: fc.constantFrom(0, 10, 30),
});
const payees = fc.constantFrom(CAROL, ALICE, BOB, ERIN, FEE_ACCOUNT, VALIDATOR_ACCOUNT);
const tally = { groups: 0, failed: 0, gains: 0 };

t.test("L22: random simulations between random blocks: as executing would do it, and nothing stays", async (t) => {
  const property = fc.property(payees, fc.array(simulationPlan, { minLength: 1, maxLength: 4 }), (recipient, plans) => {
    const world = bundleWorld({ recipient, limits: { expiriesPerBlockMax: 1_000 } });
    for (const plan of plans) {
      const before = copyOf(world.ledger);
      const payee = world.ledger.builderOf?.(BOB)?.feeRecipient as AccountId;
      const groups = plan.groups.map((group, index) => ({
        payloads: group.map((transaction) => payloadOf(world, transaction)),
        isAllOrNone: plan.kinds[index] as boolean,
      }));
      const results = simulate(world, { payee, groups });
      expectUnchanged(world, before);
      const block = world.block({ built: builtBy(BOB), afterMs: 0 });
      let kept: readonly ParsedTransaction[] = [];
      for (const [index, { payloads, isAllOrNone }] of groups.entries()) {
        const group = { transactions: payloads.map((payload) => world.parse(payload)), isAllOrNone };
        const wanted = expectedGroup(world, { block, before: kept, group, payee });
        if (asText(wanted.expected) !== asText(results[index]))
          throw new Error(`group ${index}: ${asText(results[index])}, expected ${asText(wanted.expected)}`);
        kept = wanted.kept;
        tally.groups++;
        if (results[index]?.result.isIncluded !== true) tally.failed++;
        if (results[index]?.gain !== 0n) tally.gains++;
      }
      const payloads = plan.tail.map((transaction) => payloadOf(world, transaction));
      const bundle = plan.bundle.map((group) => group.map((transaction) => payloadOf(world, transaction)));
      world.runBundle({ payloads, groups: bundle, built: builtBy(BOB), afterMs: plan.afterMs });
      if (world.ledger.root !== world.model.root()) throw new Error("a simulation changed what came later");
    }
    world.run([], 1_000);
    if (world.ledger.root !== world.model.root()) throw new Error("a simulation changed what expires");
  });
  holds(t, property, 100);
  t.comment(JSON.stringify(tally));
  t.ok(tally.groups > 100 && tally.failed > 20 && tally.gains > 20, JSON.stringify(tally));
});
