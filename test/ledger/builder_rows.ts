/** L5, L17, L18: one row for each code of the operations of builders, and rows in which several conditions fail at once. */

import type { Operation } from "../../types/transaction.ts";
import { ALICE, BOB, FEE_ASSET, type OperationRow, operation, ZERO_ACCOUNT } from "./ledger_world.ts";

const TOP = 2n ** 128n - 1n;

/** Alice is a builder with a bond of 1,000, the least that there is. */
const register = (fields: Partial<Operation> = {}): Operation =>
  operation("builderRegister", { account: BOB, amount: 1_000n, asset: 0x7f000001, index: 80, ...fields });
const unbond = operation("builderUnbond");
const withdraw = operation("builderWithdraw");
const registered = [[ALICE, [register()]]] as const;
const unbonded = [[ALICE, [register(), unbond]]] as const;
const takesBuilders = true;

export const BUILDER_ROWS: readonly OperationRow[] = [
  {
    code: "buildersOff",
    when: "a chain takes none, whatever the fields hold",
    operations: [register({ reference: 1, amount: TOP, index: 0 })],
  },
  { code: "buildersOff", when: "a chain takes none and somebody unbonds", operations: [unbond] },
  { code: "buildersOff", when: "a chain takes none and somebody withdraws", operations: [{ ...withdraw, amount: 1n }] },
  { code: "reservedFlag", when: "a chain takes no builders and a flag is set", operations: [{ ...unbond, flags: 2 }] },
  { code: "ok", when: "a builder has the least bond and no endpoint", takesBuilders, operations: [register({ asset: 0, index: 0 })] },
  {
    code: "reservedField",
    when: "a builder's registration has a reference",
    takesBuilders,
    operations: [register({ reference: 2 ** 40 })],
  },
  {
    code: "reservedField",
    when: "an unbonding has an account",
    takesBuilders,
    before: registered,
    operations: [{ ...unbond, account: BOB }],
  },
  { code: "reservedField", when: "an unbonding has an index", takesBuilders, before: registered, operations: [{ ...unbond, index: 1 }] },
  { code: "reservedField", when: "a withdrawal has an asset", takesBuilders, operations: [{ ...withdraw, asset: FEE_ASSET }] },
  { code: "reservedField", when: "a withdrawal has a reference", takesBuilders, operations: [{ ...withdraw, reference: 2 ** 52 }] },
  {
    code: "accountZero",
    when: "the fee recipient is the reserved account",
    takesBuilders,
    operations: [register({ account: ZERO_ACCOUNT })],
  },
  {
    code: "insufficientFunds",
    when: "the bond is one above the balance",
    takesBuilders,
    operations: [register({ amount: 100_000n - 13n + 1n })],
  },
  { code: "ok", when: "the bond is the balance", takesBuilders, operations: [register({ amount: 100_000n - 13n })] },
  { code: "endpointIncomplete", when: "an endpoint has no port", takesBuilders, operations: [register({ index: 0 })] },
  { code: "endpointIncomplete", when: "an endpoint has no address", takesBuilders, operations: [register({ asset: 0 })] },
  { code: "bondTooLow", when: "the bond is one below the least", takesBuilders, operations: [register({ amount: 999n })] },
  {
    code: "ok",
    when: "nothing is added to a bond that is enough",
    takesBuilders,
    before: registered,
    operations: [register({ amount: 0n })],
  },
  { code: "builderNotFound", when: "no builder unbonds", takesBuilders, before: registered, sender: BOB, operations: [unbond] },
  { code: "builderNotFound", when: "no builder withdraws", takesBuilders, before: registered, sender: BOB, operations: [withdraw] },
  { code: "builderUnbonding", when: "it unbonded before", takesBuilders, before: unbonded, operations: [unbond] },
  {
    code: "ok",
    when: "it unbonds again after it registered again",
    takesBuilders,
    before: unbonded,
    operations: [register({ amount: 0n }), unbond],
  },
  { code: "builderNotUnbonding", when: "it has not unbonded", takesBuilders, before: registered, operations: [withdraw] },
  { code: "bondLocked", when: "1,023 heights have passed", takesBuilders, before: unbonded, idleBlocks: 1_022, operations: [withdraw] },
  { code: "ok", when: "1,024 heights have passed", takesBuilders, before: unbonded, idleBlocks: 1_023, operations: [withdraw] },
  {
    code: "builderTableFull",
    when: "no slot is left",
    takesBuilders,
    before: registered,
    limits: { buildersMax: 1 },
    sender: BOB,
    operations: [register()],
  },
  {
    code: "endpointIncomplete",
    when: "endpoint, bond and table are wrong",
    takesBuilders,
    limits: { buildersMax: 0 },
    operations: [register({ asset: 0, amount: 1n })],
  },
  {
    code: "bondTooLow",
    when: "bond and table are wrong",
    takesBuilders,
    limits: { buildersMax: 0 },
    operations: [register({ amount: 1n })],
  },
];
