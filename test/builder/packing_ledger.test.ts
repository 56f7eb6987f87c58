/** K6 to K8 on the real ledger: what packing says a block brings is by how much executing exactly that block raises the fee recipient's balance. */

import fc from "fast-check";
import t from "tap";
import { type CandidateBundle, readBundle } from "../../builder/bundle.ts";
import { type Packed, pack, TAIL_LIMITS } from "../../builder/packing.ts";
import { chainIdOf } from "../../crypto/hashes.ts";
import { createLedger, type Ledger } from "../../ledger/ledger.ts";
import type { ParsedTransaction, Simulation } from "../../types/application.ts";
import { type AccountId, Height, TimestampMs } from "../../types/ids.ts";
import { buildTransaction, type Operation } from "../../types/transaction.ts";
import {
  account,
  FEE_ASSET,
  FEE_PER_OPERATION,
  FEE_PER_TRANSACTION,
  GENESIS_TIME_MS,
  operation,
  testGenesis,
  transfer,
  VALIDATOR_ACCOUNT,
} from "../ledger/ledger_world.ts";
import { holds } from "../support/property.ts";

const USERS = ["alice", "bob", "carol", "dave"].map(account);
const BUILDER = account("builder");
const RECIPIENT = account("recipient");
const FUNDS = 1_000n;
const FEE = BigInt(FEE_PER_TRANSACTION + FEE_PER_OPERATION);
const GENESIS = testGenesis({
  builderBondMin: 100n,
  balances: [
    ...USERS.map((user) => ({ account: user, asset: FEE_ASSET, amount: FUNDS })),
    { account: BUILDER, asset: FEE_ASSET, amount: 10_000n },
    { account: RECIPIENT, asset: FEE_ASSET, amount: 1n },
  ],
});
const CHAIN_ID = chainIdOf(GENESIS);
const HEIGHT = Height.of(2);

interface Plan {
  readonly sender: AccountId;
  readonly nonce: number;
  readonly operations: readonly Operation[];
}

function createWorld() {
  const ledger: Ledger = createLedger({ genesis: GENESIS, chainId: CHAIN_ID });
  const parse = ({ sender, nonce, operations }: Plan): ParsedTransaction => {
    const payload = { chainId: CHAIN_ID, sender, nonce, expiryHeight: Height.of(50), feeMax: 1_000n, operations };
    const parsed = ledger.parse(buildTransaction({ payload, sign: () => new Uint8Array(64) }));
    if (!parsed.ok) throw new Error(parsed.refusal.code);
    return parsed.transaction;
  };
  const register = operation("builderRegister", { account: RECIPIENT, amount: 5_000n });
  const timeMs = TimestampMs.of(GENESIS_TIME_MS + 1);
  ledger.execute({
    height: Height.of(1),
    timeMs,
    transactions: [parse({ sender: BUILDER, nonce: 0, operations: [register] })],
    opened: [],
  });
  return {
    ledger,
    parse,
    bundle(plans: readonly Plan[], tip: bigint): CandidateBundle | undefined {
      const read = readBundle({ from: Height.of(1), to: Height.of(9), tip, transactions: plans.map(parse) }, { transactionsMax: 16 });
      return read.ok ? { ...read.bundle, worth: tip } : undefined;
    },
    pack(
      transactions: readonly ParsedTransaction[],
      bundles: readonly CandidateBundle[],
      change: Partial<typeof TAIL_LIMITS> = {},
    ): Packed {
      const simulate = (groups: Simulation["groups"]) => ledger.simulate?.({ height: HEIGHT, timeMs, payee: RECIPIENT, groups }) ?? [];
      return pack({ height: HEIGHT, transactions, bundles, canSeal: true, limits: { ...TAIL_LIMITS, ...change }, simulate });
    },
    /** Executes the block; by how much it raised the recipient's balance, and whether everything in it ran. */
    execute({ tail, groups }: Packed) {
      const before = ledger.feeBalanceOf(RECIPIENT);
      const { receipts, bundle = [] } = ledger.execute({
        height: HEIGHT,
        timeMs,
        transactions: tail,
        opened: [],
        built: { builder: BUILDER, value: 1n, proposer: VALIDATOR_ACCOUNT, failed: false },
        ...(groups.length === 0 ? {} : { bundle: groups.map((group) => group.bundle.transactions) }),
      });
      return {
        raised: ledger.feeBalanceOf(RECIPIENT) - before,
        areGroupsIncluded: bundle.every(({ isIncluded }) => isIncluded) && bundle.length === groups.length,
        arePaid: receipts.every(({ operationCodes }) => operationCodes.length > 0),
      };
    },
  };
}

const [ALICE, BOB, CAROL] = USERS as [AccountId, AccountId, AccountId];

t.test(
  "K6: pack: around a public transaction, with what fails and what pays too little left out; the block brings what it says",
  async (t) => {
    const world = createWorld();
    const target: Plan = { sender: ALICE, nonce: 0, operations: [transfer(BOB, 5n)] };
    const open = [target, { ...target, nonce: 1 }].map(world.parse);
    const backrun = world.bundle([target, { sender: CAROL, nonce: 0, operations: [transfer(RECIPIENT, 200n)] }], 200n + 2n * FEE);
    const broke = world.bundle([{ sender: BOB, nonce: 0, operations: [transfer(RECIPIENT, FUNDS * 2n)] }], 900n);
    const stingy = world.bundle([{ sender: BOB, nonce: 1, operations: [transfer(RECIPIENT, 10n)] }], 500n);
    if (backrun === undefined || broke === undefined || stingy === undefined) throw new Error("a bundle is refused");
    const packed = world.pack(open, [backrun, broke, stingy]);
    t.same(
      packed.groups.map(({ bundle, gain }) => [bundle.id, gain]),
      [[backrun.id, 200n + 2n * FEE]],
    );
    t.same(
      packed.tail.map(({ nonce }) => nonce),
      [1],
    );
    t.equal(packed.left.get(broke.id)?.type, "simulationFailed");
    t.same(packed.left.get(stingy.id), { type: "tipNotPaid", declared: 500n, measured: 10n + FEE });
    t.equal(packed.gain, 200n + 3n * FEE);
    t.same(world.execute(packed), { raised: packed.gain, areGroupsIncluded: true, arePaid: true });
  },
);

const arbitraryPlan = fc
  .record({
    user: fc.integer({ min: 0, max: 3 }),
    nonce: fc.integer({ min: 0, max: 5 }),
    to: fc.integer({ min: 0, max: 4 }),
    amount: fc.bigInt({ min: 1n, max: 900n }),
  })
  .map(
    ({ user, nonce, to, amount }): Plan => ({
      sender: USERS[user] as AccountId,
      nonce,
      operations: [transfer(USERS[to] ?? RECIPIENT, amount)],
    }),
  );

t.test(
  "K7: pack under random transfers: executing the block raises the recipient's balance by the gain, and all of it runs or pays",
  async (t) => {
    const bundles = fc.array(fc.tuple(fc.array(arbitraryPlan, { minLength: 1, maxLength: 3 }), fc.bigInt({ min: 0n, max: 400n })), {
      maxLength: 8,
    });
    const property = fc.property(
      fc.array(arbitraryPlan, { maxLength: 14 }),
      bundles,
      fc.integer({ min: 1, max: 14 }),
      (plans, wanted, transactionsMax) => {
        const world = createWorld();
        const candidates = new Map(
          wanted.flatMap(([members, tip]) => world.bundle(members, tip) ?? []).map((bundle) => [bundle.id, bundle]),
        );
        const packed = world.pack(plans.map(world.parse), [...candidates.values()], { transactionsMax });
        const { raised, areGroupsIncluded, arePaid } = world.execute(packed);
        return raised === packed.gain && areGroupsIncluded && arePaid && packed.tail.length <= transactionsMax;
      },
    );
    holds(t, property, 120);
  },
);
