/** Traffic that is well signed and fails: one recipe for each result code that a transaction can reach, and replays of every kind.
 *  Sent by accounts that no ordinary traffic comes from, so that nobody's nonces suffer. Tables are never full here: the codes
 *  assetTableFull, accountTableFull and pendingTableFull need millions of records, and no transaction of this size reaches them. No
 *  simulated chain takes builders, so of their codes only buildersOff is reached. */

import type { OperationCodeName, TransactionCodeName } from "../../ledger/result_codes.ts";
import { type ChainId, Height } from "../../types/ids.ts";
import { OPERATION_FLAG_LINKED, type Operation } from "../../types/transaction.ts";
import { type Client, FEE_ASSET, feeOf, RARE_ASSET, SECOND_ASSET, WHALE_AMOUNT } from "./genesis.ts";
import { compose, copy, linked, operation, payeeOf, send, type Traffic, transferTo, ZERO_ACCOUNT } from "./traffic.ts";
import { freshAccount, TOO_MUCH } from "./valid_traffic.ts";

type Recipe = (traffic: Traffic, client: Client, atUs: number) => void;

/** Codes that only tables of millions of records bring about, or a chain that takes builders. */
export const UNREACHABLE_CODES: readonly OperationCodeName[] = [
  "assetTableFull",
  "accountTableFull",
  "pendingTableFull",
  "endpointIncomplete",
  "bondTooLow",
  "builderNotFound",
  "builderUnbonding",
  "builderNotUnbonding",
  "bondLocked",
  "builderTableFull",
];

const AMOUNT_MAX = 2n ** 128n - 1n;
const TIME_MS_MAX = Number.MAX_SAFE_INTEGER;
const REFUSALS_MAX = 3;

export function sendInvalid(traffic: Traffic, client: Client, atUs: number): void {
  const name = traffic.stream.pick(RECIPE_NAMES);
  RECIPES[name]?.(traffic, client, atUs);
}

export function sendReplay(traffic: Traffic, client: Client, atUs: number): void {
  const name = traffic.stream.pick(REPLAY_NAMES);
  REPLAYS[name]?.(traffic, client, atUs);
}

/** A transaction of the client's wild account with these operations. */
function failing(operations: (traffic: Traffic, client: Client) => readonly Operation[]): Recipe {
  return (traffic, client, atUs) => send(traffic, client, compose(traffic, client.wild, operations(traffic, client)), { atUs });
}

const one = (make: (traffic: Traffic, client: Client) => Operation): Recipe => failing((traffic, client) => [make(traffic, client)]);

const RECIPES: Readonly<Partial<Record<OperationCodeName | TransactionCodeName, Recipe>>> = {
  linkedOperationFailed: failing((traffic, client) =>
    linked([
      operation("openAccount", { account: freshAccount(traffic), asset: FEE_ASSET }),
      pay(client, { amount: TOO_MUCH }),
      pay(client),
    ]),
  ),
  linkedChainOpen: failing((_traffic, client) => [pay(client), pay(client, { flags: OPERATION_FLAG_LINKED })]),
  // Kind 7 is known to ledgers, and refused by a chain without builders (buildersOff).
  unknownKind: one(({ stream }, client) => pay(client, { kind: stream.pick([0, 7, 255]) })),
  reservedFlag: one(({ stream }, client) => pay(client, { flags: stream.pick([2, 4, 128]) })),
  reservedField: one(({ stream }, client) =>
    stream.pick([
      pay(client, { index: 1 }),
      pay(client, { reference: 9 }),
      operation("openAccount", { account: client.stranger.account, asset: FEE_ASSET, amount: 1n }),
      operation("registerAsset", { asset: 77, account: client.main.account }),
      operation("pend", { asset: FEE_ASSET, account: client.main.account, amount: 1n, index: 2 }),
      operation("post", { asset: FEE_ASSET, account: client.main.account, amount: 1n }),
      operation("void", { account: client.main.account, amount: 1n }),
    ]),
  ),
  amountZero: one((_traffic, client) => pay(client, { amount: 0n })),
  accountZero: one(() => operation("openAccount", { account: ZERO_ACCOUNT, asset: FEE_ASSET })),
  tooManyDecimals: one(({ stream }) => operation("registerAsset", { asset: stream.between(1_000, 2_000), amount: 39n })),
  assetNotFound: one((_traffic, client) => pay(client, { asset: 999 })),
  assetExists: one(() => operation("registerAsset", { asset: SECOND_ASSET, amount: 2n })),
  sameAccount: one((_traffic, client) => pay(client, { account: client.wild.account })),
  payerNotFound: one(({ cast }, client) => pay(client, { asset: RARE_ASSET, account: cast.whales[0].account })),
  payeeNotFound: one((_traffic, client) => pay(client, { account: client.stranger.account })),
  accountExists: one((_traffic, client) => operation("openAccount", { account: client.main.account, asset: FEE_ASSET })),
  timeToLiveTooLong: one((_traffic, client) =>
    operation("pend", { asset: FEE_ASSET, account: client.main.account, amount: 1n, reference: TIME_MS_MAX }),
  ),
  insufficientFunds: one(({ stream }, client) =>
    stream.pick([
      pay(client, { amount: TOO_MUCH }),
      pay(client, { amount: AMOUNT_MAX }),
      operation("pend", { asset: SECOND_ASSET, account: client.main.account, amount: TOO_MUCH }),
    ]),
  ),
  debitsOverflow(traffic, client, atUs) {
    const { issuer, whales } = traffic.cast;
    const operations = [operation("transfer", { asset: RARE_ASSET, account: whales[0].account, amount: AMOUNT_MAX })];
    send(traffic, client, compose(traffic, issuer, operations), { atUs });
  },
  creditsOverflow(traffic, client, atUs) {
    // One whale sends half of all numbers to the other once; sent back, they would be more than an account has room for.
    const [first, second] = traffic.cast.whales;
    const payer = first.nonce === 0 ? first : second;
    const payee = payer === first ? second : first;
    const operations = [operation("transfer", { asset: RARE_ASSET, account: payee.account, amount: WHALE_AMOUNT })];
    send(traffic, client, compose(traffic, payer, operations), { atUs });
  },
  pendingNotFound: one(({ stream }, client) =>
    operation(stream.pick(["post", "void"] as const), {
      account: client.main.account,
      reference: 1_000_000,
      index: 3,
      ...(stream.chance(0.5) ? { kind: operation("post").kind, amount: 1n } : { kind: operation("void").kind }),
    }),
  ),
  feeTooLow(traffic, client, atUs) {
    const operations = [transferTo(traffic, client.main)];
    send(traffic, client, compose(traffic, client.wild, operations, { nonce: client.wild.nonce, feeMax: BigInt(feeOf(1) - 1) }), { atUs });
  },
  unknownSender(traffic, client, atUs) {
    send(traffic, client, compose(traffic, client.stranger, [pay(client)]), { atUs, refusalsMax: REFUSALS_MAX });
  },
  insufficientForFee(traffic, client, atUs) {
    // Two at one validator while there is money for one: admission passes both, execution one.
    const validator = traffic.courier.pickValidator(atUs);
    for (let count = 0; count < 2; count++) send(traffic, client, compose(traffic, client.poor, [accountOf(client)]), { atUs, validator });
    const refill = operation("transfer", { asset: FEE_ASSET, account: client.poor.account, amount: BigInt(feeOf(1)) });
    if (traffic.stream.chance(0.5)) send(traffic, client, compose(traffic, client.wild, [refill]), { atUs: atUs + 1_000_000 });
  },
  feeOverflow(traffic, client, atUs) {
    // The mint's debits have room for one fee: of two at one validator the second overflows.
    const validator = traffic.courier.pickValidator(atUs);
    const { mint } = traffic.cast;
    for (let count = 0; count < 2; count++) send(traffic, client, compose(traffic, mint, [accountOf(client)]), { atUs, validator });
  },
};
const RECIPE_NAMES = Object.keys(RECIPES) as (keyof typeof RECIPES)[];

/** Opening an account that is open: fails, and moves nothing but the fee. */
const accountOf = (client: Client): Operation => operation("openAccount", { account: client.main.account, asset: FEE_ASSET });

function pay(client: Client, fields: Partial<Operation> = {}): Operation {
  return operation("transfer", { asset: FEE_ASSET, account: client.main.account, amount: 1n, ...fields });
}

/** Whose jump of nonces is not settled. */
const jumping = new WeakSet<object>();

const REPLAYS: Readonly<Record<string, Recipe>> = {
  /** A used nonce with other content. */
  usedNonce(traffic, client, atUs) {
    const nonce = traffic.stream.below(Math.max(1, client.wild.nonce));
    send(traffic, client, compose(traffic, client.wild, [transferTo(traffic, client.main)], { nonce }), { atUs });
  },
  /** One nonce for two transactions at two validators: at most one of them ever pays. */
  oneNonceTwice(traffic, client, atUs) {
    const nonce = client.wild.nonce++;
    const validator = traffic.courier.pickValidator(atUs);
    send(traffic, client, compose(traffic, client.wild, [pay(client, { amount: 2n })], { nonce }), { atUs, validator });
    send(traffic, client, compose(traffic, client.wild, [pay(client, { amount: 3n })], { nonce }), { atUs });
  },
  /** The window jumps ahead, and what was signed before is too old by then: with luck, only when it is executed. */
  nonceTooOld(traffic, client, atUs) {
    const { wild } = client;
    // Two jumps at once lead out of the window for good, should the first one not be taken.
    if (jumping.has(wild)) return;
    jumping.add(wild);
    const jump = wild.nonce + 200;
    wild.nonce = jump + 1;
    const validator = traffic.courier.pickValidator(atUs);
    const onDone = (): void => void jumping.delete(wild);
    send(traffic, client, compose(traffic, wild, [pay(client)], { nonce: jump }), { atUs, validator, onDone });
    const nonce = Math.max(0, jump - 256);
    send(traffic, client, compose(traffic, wild, [pay(client)], { nonce }), { atUs, validator });
  },
  nonceTooFar(traffic, client, atUs) {
    const nonce = traffic.stream.pick([client.wild.nonce + 1_000_000, Number.MAX_SAFE_INTEGER]);
    send(traffic, client, compose(traffic, client.wild, [pay(client)], { nonce }), { atUs, refusalsMax: REFUSALS_MAX });
  },
  wrongChain(traffic, client, atUs) {
    const chainId = traffic.chainId.replace(/./g, (digit) => (digit === "f" ? "0" : "f")) as ChainId;
    send(traffic, client, compose(traffic, client.wild, [pay(client)], { nonce: client.wild.nonce, chainId }), { atUs });
  },
  /** At, just above and just below the height at which it could still be ordered. */
  expired(traffic, client, atUs) {
    const expiryHeight = Height.of(Math.max(0, traffic.courier.finalHeight + 1 - traffic.stream.below(4)));
    send(traffic, client, compose(traffic, client.wild, [pay(client)], { nonce: client.wild.nonce, expiryHeight }), { atUs });
  },
  /** Somebody's transaction again, long after it is final. */
  again(traffic, client, atUs) {
    const [oldest] = traffic.recent;
    if (oldest !== undefined) copy(traffic, client, oldest.bytes, { atUs });
  },
  /** A used nonce of the client's main account, long after. */
  mainNonce(traffic, client, atUs) {
    const nonce = client.main.nonce - 100;
    const operations = [transferTo(traffic, payeeOf(traffic, client))];
    if (nonce >= 0) send(traffic, client, compose(traffic, client.main, operations, { nonce }), { atUs });
  },
};
const REPLAY_NAMES = Object.keys(REPLAYS);
