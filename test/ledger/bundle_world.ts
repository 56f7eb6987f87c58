/** What tests of bundles and simulations share: a chain with one builder, random groups that touch every kind of record, and an oracle
 *  that knows no groups. It restores another ledger from a snapshot and runs what is in question as open transactions of a block. */

import fc from "fast-check";
import type { Ledger } from "../../ledger/ledger.ts";
import { TRANSACTION_CODES as TX } from "../../ledger/result_codes.ts";
import type { ExecutableBlock, GroupResult, ParsedTransaction, StateSnapshot } from "../../types/application.ts";
import type { Builder, BuiltBlock } from "../../types/builder.ts";
import { type AccountId, Height } from "../../types/ids.ts";
import { FEE_ACCOUNT, OPERATION_KINDS, type Operation, type TransactionPayload } from "../../types/transaction.ts";
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

export const ERIN = account("erin");
export const PEOPLE = [ALICE, BOB, CAROL, ISSUER, ERIN, VALIDATOR_ACCOUNT, FEE_ACCOUNT] as const;

export const register = (fields: Partial<Operation> = {}): Operation =>
  operation("builderRegister", { account: CAROL, amount: 5_000n, asset: 0xc0a80102, index: 8_080, ...fields });
export const openAccount = (id: AccountId, asset = FEE_ASSET): Operation => operation("openAccount", { asset, account: id });
export const available = (ledger: Ledger, id: AccountId): bigint => ledger.feeBalanceOf(id);
export const builtBy = (builder: AccountId, fields: Partial<BuiltBlock> = {}): BuiltBlock => ({
  builder,
  value: 0n,
  proposer: VALIDATOR_ACCOUNT,
  failed: false,
  ...fields,
});

/** Bob is a builder whose fees go to `recipient`; Carol's account is open, Erin's is not. */
export function bundleWorld(options: { readonly recipient?: AccountId; readonly limits?: Partial<typeof TEST_LIMITS> } = {}): LedgerWorld {
  const limits = { ...TEST_LIMITS, accountsMax: 12, ...options.limits };
  const world = new LedgerWorld({ genesis: testGenesis({ builderBondMin: 1_000n }), limits });
  world.run([world.payload(BOB, [register({ account: options.recipient ?? CAROL }), openAccount(CAROL)])]);
  return world;
}

/** What `builderOf` says, as text that can be compared. */
export function builderText(builder: Builder | undefined): string {
  if (builder === undefined) return "none";
  const { bond, feeRecipient, endpoint, isActiveAt } = builder;
  const activity = Array.from({ length: 600 }, (_, height) => (isActiveAt(Height.of(height)) ? "1" : "0")).join("");
  return [bond, feeRecipient, JSON.stringify(endpoint ?? null), activity].join(" ");
}

export const buildersOf = (ledger: Ledger): ReadonlyMap<AccountId, string> =>
  new Map(PEOPLE.map((id) => [id, builderText(ledger.builderOf?.(id))]));

const party = fc.constantFrom(ALICE, BOB, CAROL, ISSUER, ERIN, VALIDATOR_ACCOUNT);
const amount = fc.constantFrom(1n, 1n, 7n, 500n, 20_000n, 70_000n);
const flags = fc.constantFrom(0, 0, 0, 1);
const reference = fc.constantFrom(0, 0, 1, 2, 15, 40);
const action: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ to: party, amount, flags }).map((each) => transfer(each.to, each.amount, { flags: each.flags })) },
  {
    weight: 4,
    arbitrary: fc
      .record({ account: fc.constantFrom(ALICE, BOB, CAROL), amount, flags, reference })
      .map((each) => operation("pend", { asset: FEE_ASSET, ...each })),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ account: fc.constantFrom(ALICE, BOB), amount, flags, reference: fc.nat({ max: 9 }), index: fc.nat({ max: 2 }) })
      .map((each) => operation("post", each)),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ account: fc.constantFrom(ALICE, BOB), flags, reference: fc.nat({ max: 9 }), index: fc.nat({ max: 2 }) })
      .map((each) => operation("void", each)),
  },
  { weight: 2, arbitrary: fc.record({ to: party, flags, asset: fc.constantFrom(FEE_ASSET, 9, 1) }).map(opening) },
  { weight: 1, arbitrary: fc.record({ asset: fc.constantFrom(1, 2), flags }).map((each) => operation("registerAsset", each)) },
  {
    weight: 2,
    arbitrary: fc
      .record({ account: party, flags, amount: fc.constantFrom(0n, 1n, 1_000n, 3_000n) })
      .map((each) => register({ ...each, asset: 0, index: 0 })),
  },
  { weight: 1, arbitrary: flags.map((each) => operation("builderUnbond", { flags: each })) },
  { weight: 1, arbitrary: flags.map((each) => operation("builderWithdraw", { flags: each })) },
);

function opening({ to, flags: each, asset }: { readonly to: AccountId; readonly flags: number; readonly asset: number }): Operation {
  return { ...openAccount(to, asset), flags: each };
}

export interface TransactionPlan {
  readonly sender: AccountId;
  readonly operations: readonly Operation[];
  readonly nonce: number | undefined;
  readonly feeMax: bigint;
}

/** What mostly succeeds, so that groups do. */
const harmless = (sender: AccountId): fc.Arbitrary<Operation> => {
  const other = fc.constantFrom(...[ALICE, BOB, CAROL, VALIDATOR_ACCOUNT].filter((id) => id !== sender));
  const small = fc.constantFrom(1n, 7n);
  const pend = fc.record({ account: other, amount: small, reference }).map((each) => operation("pend", { asset: FEE_ASSET, ...each }));
  return fc.oneof(
    { weight: 6, arbitrary: fc.tuple(other, small).map(([to, each]) => transfer(to, each)) },
    { weight: 3, arbitrary: pend },
    { weight: 3, arbitrary: fc.nat({ max: 3 }).map((back) => operation("post", { amount: 1n, reference: back })) },
    { weight: 1, arbitrary: fc.constant(openAccount(ERIN)) },
    { weight: 2, arbitrary: fc.constant(register({ amount: 1_000n })) },
  );
};

export const transactionPlan: fc.Arbitrary<TransactionPlan> = fc
  .constantFrom(ALICE, ALICE, ALICE, BOB, BOB, BOB, ISSUER, CAROL)
  .chain((sender) =>
    fc.record({
      sender: fc.constant(sender),
      operations: fc.oneof(
        { weight: 3, arbitrary: fc.array(harmless(sender), { minLength: 1, maxLength: 2 }) },
        { weight: 1, arbitrary: fc.array(action, { minLength: 1, maxLength: 3 }) },
      ),
      nonce: fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(0, 1, 300, 600) }),
      feeMax: fc.oneof({ weight: 20, arbitrary: fc.constant(1_000n) }, { weight: 1, arbitrary: fc.constant(12n) }),
    }),
  );
export const groupPlans = fc.array(fc.array(transactionPlan, { minLength: 1, maxLength: 3 }), { maxLength: 5 });

/** A post without a payer means one of the transfers that were pended last, counted back from the newest. */
function aim(world: LedgerWorld, each: Operation): Operation {
  const pended = world.model.state.pendings.at(-1 - each.reference);
  if (each.kind !== OPERATION_KINDS.post || each.account !== ZERO_ACCOUNT || pended === undefined) return each;
  return { ...each, account: pended.payer as AccountId, reference: pended.nonce, index: pended.index };
}

export const payloadOf = (world: LedgerWorld, { sender, operations, nonce, feeMax }: TransactionPlan): TransactionPayload =>
  world.payload(
    sender,
    operations.map((each) => aim(world, each)),
    { feeMax, ...(nonce === undefined ? {} : { nonce }) },
  );

/** L21 without groups: what each would be if it ran as open transactions behind the lane and the groups before it. */
export function expectedGroups(
  world: LedgerWorld,
  { block, snapshot }: { readonly block: ExecutableBlock; readonly snapshot: StateSnapshot },
): { readonly results: readonly GroupResult[]; readonly included: readonly ParsedTransaction[] } {
  const included: ParsedTransaction[] = [];
  const lane = block.transactions.slice(0, block.opened.length);
  const results = (block.bundle ?? []).map((group): GroupResult => {
    const transactions = [...lane, ...included, ...group];
    const { receipts } = world.twin(snapshot).execute({ ...block, bundle: undefined, transactions });
    const own = receipts.slice(lane.length + included.length);
    const position = own.findIndex(({ code }) => code !== TX.ok);
    const failed = own[position];
    if (failed !== undefined) return { isIncluded: false, failed, position };
    included.push(...group);
    return { isIncluded: true, receipts: own };
  });
  return { results, included };
}
