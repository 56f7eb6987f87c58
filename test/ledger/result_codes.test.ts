/** L5: one row for each result code, with the smallest set-up that produces it, and rows in which several conditions fail at once.
 *  Every row also runs through the model, so the two must agree on the code and on the root. */

import t from "tap";
import {
  describeCode,
  OPERATION_CODE_DESCRIPTIONS,
  OPERATION_CODES,
  TRANSACTION_CODE_DESCRIPTIONS,
  TRANSACTION_CODES,
  type TransactionCodeName,
} from "../../ledger/result_codes.ts";
import { type AccountId, type ChainId, Height } from "../../types/ids.ts";
import { FEE_ACCOUNT, type Operation, type TransactionPayload } from "../../types/transaction.ts";
import { BUILDER_ROWS } from "./builder_rows.ts";
import {
  ALICE,
  account,
  BOB,
  CAROL,
  FEE_ASSET,
  ISSUER,
  LedgerWorld,
  type OperationRow,
  operation,
  type SealedPlan,
  TEST_LIMITS,
  testGenesis,
  transfer,
  ZERO_ACCOUNT,
} from "./ledger_world.ts";

const TOP = 2n ** 128n - 1n;

const openBob9 = operation("openAccount", { asset: 9, account: BOB });
const openCarol9 = operation("openAccount", { asset: 9, account: CAROL });
const openCarol = operation("openAccount", { asset: FEE_ASSET, account: CAROL });
/** Alice's first transaction (nonce 0) pends 100 for Bob. */
const pended = [[ALICE, [operation("pend", { asset: FEE_ASSET, account: BOB, amount: 100n, reference: 1_000 })]]] as const;
const post = (amount: bigint, fields: Partial<Operation> = {}): Operation => operation("post", { account: ALICE, amount, ...fields });
const voided = operation("void", { account: ALICE });

const OPERATION_ROWS: readonly OperationRow[] = [
  { code: "ok", when: "a transfer is covered", operations: [transfer(BOB, 1n)] },
  {
    code: "linkedOperationFailed",
    when: "an earlier one of the chain failed",
    operations: [transfer(BOB, 0n, { flags: 1 }), transfer(BOB, 1n)],
  },
  {
    code: "linkedChainOpen",
    when: "the last operation is linked",
    operations: [transfer(BOB, 1n, { flags: 1 }), transfer(BOB, 1n, { flags: 1 })],
  },
  { code: "unknownKind", when: "kind is 0", operations: [{ ...transfer(BOB, 1n), kind: 0 }] },
  { code: "unknownKind", when: "kind is 10", operations: [{ ...transfer(BOB, 1n), kind: 10 }] },
  { code: "reservedFlag", when: "flag 2 is set", operations: [transfer(BOB, 1n, { flags: 2 })] },
  { code: "reservedField", when: "a transfer has a reference", operations: [transfer(BOB, 1n, { reference: 2 ** 40 })] },
  { code: "reservedField", when: "a transfer has an index", operations: [transfer(BOB, 1n, { index: 1 })] },
  {
    code: "reservedField",
    when: "a pend has an index",
    operations: [operation("pend", { asset: FEE_ASSET, account: BOB, amount: 1n, index: 1 })],
  },
  { code: "reservedField", when: "an open account has an amount", operations: [{ ...openCarol, amount: 2n ** 100n }] },
  { code: "reservedField", when: "a registration names an account", operations: [operation("registerAsset", { asset: 1, account: BOB })] },
  { code: "reservedField", when: "a post names an asset", before: pended, operations: [post(1n, { asset: FEE_ASSET })] },
  { code: "reservedField", when: "a void has an amount", before: pended, sender: BOB, operations: [{ ...voided, amount: 1n }] },
  { code: "amountZero", when: "nothing is transferred", operations: [transfer(BOB, 0n)] },
  { code: "amountZero", when: "nothing is posted", before: pended, operations: [post(0n)] },
  { code: "accountZero", when: "the reserved account is opened", operations: [operation("openAccount", { asset: FEE_ASSET })] },
  { code: "tooManyDecimals", when: "39 decimals", operations: [operation("registerAsset", { asset: 1, amount: 39n })] },
  { code: "tooManyDecimals", when: "2^64 decimals", operations: [operation("registerAsset", { asset: 1, amount: 2n ** 64n })] },
  {
    code: "assetNotFound",
    when: "an account in an unknown asset is opened",
    operations: [operation("openAccount", { asset: 1, account: BOB })],
  },
  { code: "assetNotFound", when: "an unknown asset is transferred", operations: [transfer(BOB, 1n, { asset: 1 })] },
  { code: "assetExists", when: "the number is taken", operations: [operation("registerAsset", { asset: 9 })] },
  { code: "sameAccount", when: "payer is payee", operations: [transfer(ALICE, 1n)] },
  {
    code: "payerNotFound",
    when: "the sender has no such account",
    before: [[ALICE, [openBob9]]],
    operations: [transfer(BOB, 1n, { asset: 9 })],
  },
  { code: "payeeNotFound", when: "the payee has no such account", operations: [transfer(CAROL, 1n)] },
  { code: "payeeNotFound", when: "the payee is the reserved account", operations: [transfer(ZERO_ACCOUNT, 1n)] },
  { code: "accountExists", when: "it is open", operations: [operation("openAccount", { asset: FEE_ASSET, account: BOB })] },
  {
    code: "timeToLiveTooLong",
    when: "it ends beyond 2^53",
    operations: [operation("pend", { asset: FEE_ASSET, account: BOB, amount: 1n, reference: Number.MAX_SAFE_INTEGER })],
  },
  {
    code: "insufficientFunds",
    when: "the amount is one above the balance after the fee",
    operations: [transfer(BOB, 100_000n - 13n + 1n)],
  },
  { code: "ok", when: "the amount is the balance after the fee", operations: [transfer(BOB, 100_000n - 13n)] },
  { code: "insufficientFunds", when: "the rest is pending", before: pended, operations: [transfer(BOB, 100_000n - 2n * 13n - 99n)] },
  { code: "insufficientFunds", when: "the amount is 2^128 − 1", operations: [transfer(BOB, TOP)] },
  {
    code: "debitsOverflow",
    when: "the issuer has issued everything",
    before: [
      [ALICE, [openBob9]],
      [ISSUER, [transfer(BOB, TOP, { asset: 9 })]],
    ],
    sender: ISSUER,
    operations: [transfer(BOB, 1n, { asset: 9 })],
  },
  {
    code: "creditsOverflow",
    when: "the payee was credited everything",
    before: [
      [ALICE, [openBob9, openCarol9, openCarol]],
      [ALICE, [transfer(CAROL, 1_000n)]],
      [ISSUER, [transfer(BOB, TOP, { asset: 9 })]],
      [BOB, [transfer(CAROL, 1n, { asset: 9 })]],
    ],
    sender: CAROL,
    operations: [transfer(BOB, 1n, { asset: 9 })],
  },
  { code: "pendingNotFound", when: "nothing was pended", operations: [post(1n)] },
  { code: "pendingNotFound", when: "the index is another", before: pended, operations: [post(1n, { index: 1 })] },
  { code: "pendingNotFound", when: "the nonce is another", before: pended, operations: [post(1n, { reference: 1 })] },
  { code: "notPayerOrPayee", when: "a third party posts", before: pended, sender: ISSUER, operations: [post(1n)] },
  { code: "notPayerOrPayee", when: "a third party voids", before: pended, sender: ISSUER, operations: [voided] },
  { code: "onlyPayeeVoids", when: "the payer voids", before: pended, sender: ALICE, operations: [voided] },
  { code: "pendingPosted", when: "it was posted", before: [...pended, [BOB, [post(1n)]]], operations: [post(1n)] },
  { code: "pendingVoided", when: "it was voided", before: [...pended, [BOB, [voided]]], operations: [post(1n)] },
  { code: "pendingExpired", when: "its time has come", before: pended, afterMs: 1_000, operations: [post(1n)] },
  { code: "ok", when: "a pending transfer is posted one ms before its time", before: pended, afterMs: 999, operations: [post(100n)] },
  { code: "exceedsPending", when: "more is posted than was pended", before: pended, operations: [post(101n)] },
  { code: "assetTableFull", when: "no slot is left", limits: { assetsMax: 2 }, operations: [operation("registerAsset", { asset: 1 })] },
  { code: "accountTableFull", when: "an account finds no slot", limits: { accountsMax: 5 }, operations: [openCarol] },
  {
    code: "accountTableFull",
    when: "an issuer finds no slot",
    limits: { accountsMax: 5 },
    operations: [operation("registerAsset", { asset: 1 })],
  },
  {
    code: "pendingTableFull",
    when: "no slot is left and none is resolved",
    before: pended,
    limits: { pendingsMax: 1 },
    operations: [operation("pend", { asset: FEE_ASSET, account: BOB, amount: 1n })],
  },
  { code: "unknownKind", when: "kind, flag and field are wrong", operations: [{ ...transfer(BOB, 0n, { flags: 6, index: 1 }), kind: 10 }] },
  { code: "reservedFlag", when: "flag and field are wrong", operations: [transfer(BOB, 0n, { flags: 6, index: 1 })] },
  { code: "reservedField", when: "field and amount are wrong", operations: [transfer(ALICE, 0n, { index: 1 })] },
  { code: "amountZero", when: "amount and asset are wrong", operations: [transfer(ALICE, 0n, { asset: 1 })] },
  { code: "assetNotFound", when: "asset and payee are wrong", operations: [transfer(ALICE, 1n, { asset: 1 })] },
  { code: "accountZero", when: "account and asset are wrong", operations: [operation("openAccount", { asset: 1 })] },
  { code: "tooManyDecimals", when: "decimals and number are wrong", operations: [operation("registerAsset", { asset: 9, amount: 99n })] },
  { code: "sameAccount", when: "payer is payee and not open", operations: [transfer(ALICE, 1n, { asset: 9 })] },
  { code: "payerNotFound", when: "neither is open", operations: [transfer(BOB, 1n, { asset: 9 })] },
  {
    code: "timeToLiveTooLong",
    when: "time and funds are wrong",
    operations: [operation("pend", { asset: FEE_ASSET, account: BOB, amount: TOP, reference: Number.MAX_SAFE_INTEGER })],
  },
  { code: "notPayerOrPayee", when: "a third party posts too much", before: pended, sender: ISSUER, operations: [post(101n)] },
  { code: "pendingPosted", when: "too much is posted again", before: [...pended, [BOB, [post(1n)]]], operations: [post(101n)] },
  {
    code: "pendingPosted",
    when: "its time has passed as well",
    before: [...pended, [BOB, [post(1n)]]],
    afterMs: 5_000,
    operations: [post(1n)],
  },
  ...BUILDER_ROWS,
];

for (const row of OPERATION_ROWS) {
  t.test(`L5: ${row.code}: ${row.when}`, async (t) => {
    // The issuer pays its fees by overdraft, as issuers may.
    const genesis = testGenesis({ builderBondMin: row.takesBuilders === true ? 1_000n : 0n });
    const world = new LedgerWorld({ genesis, limits: { ...TEST_LIMITS, accountsMax: 20, ...row.limits } });
    for (const [sender, operations] of row.before ?? []) {
      const { receipts } = world.run([world.payload(sender, operations)], 0);
      t.equal(receipts[0]?.code, 0, "the set-up succeeds");
    }
    for (let block = 0; block < (row.idleBlocks ?? 0); block++) world.run([]);
    const payload = world.payload(row.sender ?? ALICE, row.operations, { expiryHeight: Height.of(2_000) });
    const { receipts, expected } = world.run([payload], row.afterMs ?? 0);
    t.equal(describeCode(receipts[0]?.operationCodes.at(-1) ?? -1), row.code);
    t.equal(receipts[0]?.code, row.code === "ok" ? TRANSACTION_CODES.ok : TRANSACTION_CODES.operationsFailed);
    t.strictSame(receipts[0]?.operationCodes, expected[0]?.operationCodes, "as the model says");
    t.equal(world.ledger.root, world.model.root());
  });
}

t.test("L5: OPERATION_CODES: every code is produced by a row and described", async (t) => {
  const produced = new Set(OPERATION_ROWS.map((row) => row.code));
  t.strictSame([...produced].sort(), Object.keys(OPERATION_CODES).sort());
  t.strictSame(Object.keys(OPERATION_CODE_DESCRIPTIONS), Object.keys(OPERATION_CODES));
});

interface TransactionRow {
  readonly code: TransactionCodeName;
  readonly when: string;
  readonly sender?: AccountId;
  readonly operations?: readonly Operation[];
  readonly overrides?: Partial<TransactionPayload>;
  /** Nonces that Alice uses first. */
  readonly used?: readonly number[];
  readonly usesNonce: boolean;
}

const foreign = account("another chain") as string as ChainId;
const past = Height.of(0);
const stranger = account("stranger");
const issuedOut = testGenesis({ balances: [{ account: ALICE, asset: FEE_ASSET, amount: TOP - 12n }] });

const TRANSACTION_ROWS: readonly TransactionRow[] = [
  { code: "ok", when: "all is well", usesNonce: true },
  { code: "wrongChain", when: "signed for another chain", overrides: { chainId: foreign }, usesNonce: false },
  { code: "expired", when: "the expiry height has passed", overrides: { expiryHeight: past }, usesNonce: false },
  { code: "feeTooLow", when: "feeMax is one below the fee", overrides: { feeMax: 12n }, usesNonce: false },
  { code: "ok", when: "feeMax is the fee", overrides: { feeMax: 13n }, usesNonce: true },
  { code: "unknownSender", when: "the sender has no fee account", sender: stranger, usesNonce: false },
  { code: "nonceTooOld", when: "the window has passed", used: [256], overrides: { nonce: 0 }, usesNonce: false },
  { code: "ok", when: "the lowest nonce of the window is unused", used: [256], overrides: { nonce: 1 }, usesNonce: true },
  { code: "nonceReplayed", when: "the nonce is used", used: [3], overrides: { nonce: 3 }, usesNonce: false },
  { code: "nonceTooFar", when: "the nonce is 512 above the window's base", overrides: { nonce: 512 }, usesNonce: false },
  { code: "ok", when: "the nonce is 511 above the window's base", overrides: { nonce: 511 }, usesNonce: true },
  { code: "insufficientForFee", when: "the balance is below the fee", sender: CAROL, usesNonce: true },
  { code: "feeOverflow", when: "the issuer's debits would overflow", sender: ISSUER, usesNonce: true },
  { code: "operationsFailed", when: "an operation fails", operations: [transfer(BOB, 0n)], usesNonce: true },
  {
    code: "wrongChain",
    when: "everything is wrong",
    sender: stranger,
    overrides: { chainId: foreign, expiryHeight: past, feeMax: 0n },
    usesNonce: false,
  },
  {
    code: "expired",
    when: "expiry, fee and sender are wrong",
    sender: stranger,
    overrides: { expiryHeight: past, feeMax: 0n },
    usesNonce: false,
  },
  { code: "feeTooLow", when: "fee and sender are wrong", sender: stranger, overrides: { feeMax: 0n }, usesNonce: false },
];

for (const row of TRANSACTION_ROWS) {
  t.test(`L4 L5: ${row.code}: ${row.when}; the nonce is ${row.usesNonce ? "used" : "left"}`, async (t) => {
    const world = row.code === "feeOverflow" ? new LedgerWorld({ genesis: issuedOut }) : new LedgerWorld();
    if (row.sender === CAROL) world.run([world.payload(ALICE, [openCarol, transfer(CAROL, 12n)])]);
    for (const nonce of row.used ?? []) world.run([world.payload(ALICE, [transfer(BOB, 1n)], { nonce })]);
    const payload = world.payload(row.sender ?? ALICE, row.operations ?? [transfer(BOB, 1n)], row.overrides);
    const transaction = world.parse(payload);
    const verdict = world.ledger.check(transaction);
    const { receipts } = world.run([payload, payload]);
    t.equal(describeCode(receipts[0]?.code ?? -1), row.code);
    const again = row.usesNonce ? "nonceReplayed" : row.code;
    t.equal(describeCode(receipts[1]?.code ?? -1), again, "the same bytes again in the same block");
    t.equal(verdict.ok, row.code === "ok" || row.code === "operationsFailed", "admission says the same");
    if (!verdict.ok) t.match(verdict.refusal, { code: row.code, advice: /\w/, canRetry: TRANSACTION_CODE_DESCRIPTIONS[row.code].canRetry });
    t.equal(world.ledger.root, world.model.root());
  });
}

interface SealedRow {
  readonly code: TransactionCodeName;
  readonly when: string;
  readonly plan?: Partial<SealedPlan>;
  /** The fee that is paid; 0: not charged. */
  readonly paid: number;
  readonly usesNonce: boolean;
}

const SEALED_ROWS: readonly SealedRow[] = [
  { code: "ok", when: "all is well", paid: 13, usesNonce: true },
  { code: "ok", when: "more fee is offered than must be, all of it is charged", plan: { fee: 500 }, paid: 500, usesNonce: true },
  { code: "ok", when: "the gas limit is above the number of operations", plan: { gasLimit: 9 }, paid: 37, usesNonce: true },
  { code: "wrongChain", when: "signed for another chain", plan: { chainId: foreign }, paid: 0, usesNonce: false },
  { code: "expired", when: "the expiry height has passed", plan: { expiryHeight: past }, paid: 0, usesNonce: false },
  { code: "feeTooLow", when: "the fee is one below that of the gas limit", plan: { gasLimit: 2, fee: 15 }, paid: 0, usesNonce: false },
  { code: "unknownSender", when: "the sender has no fee account", plan: { sender: stranger }, paid: 0, usesNonce: false },
  { code: "nonceTooFar", when: "the nonce is 512 above the window's base", plan: { nonce: 512 }, paid: 0, usesNonce: false },
  { code: "insufficientForFee", when: "the fee is one above the balance", plan: { fee: 100_001 }, paid: 0, usesNonce: true },
  { code: "feeOverflow", when: "the issuer's debits would overflow", plan: { sender: ISSUER }, paid: 0, usesNonce: true },
  { code: "operationsFailed", when: "an operation fails", plan: { content: [transfer(BOB, 0n)] }, paid: 13, usesNonce: true },
  { code: "badSeed", when: "no seed opens it", plan: { content: "badSeed" }, paid: 13, usesNonce: true },
  { code: "badBody", when: "its body does not open", plan: { content: "badBody" }, paid: 13, usesNonce: true },
  { code: "contentMalformed", when: "its message is no content", plan: { content: "contentMalformed" }, paid: 13, usesNonce: true },
  {
    code: "gasLimitExceeded",
    when: "it holds one operation more than its gas limit",
    plan: { content: [transfer(BOB, 1n), transfer(BOB, 1n)], gasLimit: 1 },
    paid: 13,
    usesNonce: true,
  },
];

for (const row of SEALED_ROWS) {
  t.test(
    `L4 L14 L15: sealed, ${row.code}: ${row.when}; ${row.paid} is paid, the nonce is ${row.usesNonce ? "used" : "left"}`,
    async (t) => {
      const world = row.code === "feeOverflow" ? new LedgerWorld({ genesis: issuedOut }) : new LedgerWorld();
      const sealed = world.sealed({ sender: ALICE, content: [transfer(BOB, 1n)], ...row.plan });
      const verdict = world.ledger.check(sealed.transaction);
      const before = world.ledger.feeBalanceOf(FEE_ACCOUNT);
      const { receipts } = world.run([], 10, [sealed, sealed]);
      t.equal(describeCode(receipts[0]?.code ?? -1), row.code);
      t.equal(describeCode(receipts[1]?.code ?? -1), row.usesNonce ? "nonceReplayed" : row.code, "the same bytes again in the same lane");
      t.equal(world.ledger.feeBalanceOf(FEE_ACCOUNT) - before, BigInt(row.paid));
      t.equal(verdict.ok, row.paid > 0, "admission cannot see the content and says the rest");
      if (!verdict.ok) t.match(verdict.refusal, { code: row.code, advice: /\w/ });
      t.equal(world.ledger.root, world.model.root());
    },
  );
}

t.test("L5: TRANSACTION_CODES: every code is produced by a row and described", async (t) => {
  const produced = new Set([...TRANSACTION_ROWS, ...SEALED_ROWS].map((row) => row.code));
  t.strictSame([...produced].sort(), Object.keys(TRANSACTION_CODES).sort());
  t.strictSame(Object.keys(TRANSACTION_CODE_DESCRIPTIONS), Object.keys(TRANSACTION_CODES));
  t.equal(describeCode(99), "unknown code 99");
});
