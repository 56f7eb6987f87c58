/** Every outcome of a transaction and of an operation, by number. Numbers are part of receipts and never change meaning.
 *
 *  L5 exact and ordered: when several conditions fail, the code with the lowest number is returned, so the order of these tables is
 *  the order of precedence. Operation codes stay below 100, transaction codes are above; 0 is success for both. */

import type { Refusal } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import { BUILDER_UNBONDING_HEIGHTS } from "../types/limits.ts";

export const OPERATION_CODES = {
  ok: 0,
  linkedOperationFailed: 1,
  linkedChainOpen: 2,
  unknownKind: 3,
  reservedFlag: 4,
  reservedField: 5,
  amountZero: 6,
  accountZero: 7,
  tooManyDecimals: 8,
  assetNotFound: 9,
  assetExists: 10,
  sameAccount: 11,
  payerNotFound: 12,
  payeeNotFound: 13,
  accountExists: 14,
  timeToLiveTooLong: 15,
  insufficientFunds: 16,
  debitsOverflow: 17,
  creditsOverflow: 18,
  pendingNotFound: 19,
  notPayerOrPayee: 20,
  onlyPayeeVoids: 21,
  pendingPosted: 22,
  pendingVoided: 23,
  pendingExpired: 24,
  exceedsPending: 25,
  assetTableFull: 26,
  accountTableFull: 27,
  pendingTableFull: 28,
  buildersOff: 29,
  endpointIncomplete: 30,
  bondTooLow: 31,
  builderNotFound: 32,
  builderUnbonding: 33,
  builderNotUnbonding: 34,
  bondLocked: 35,
  builderTableFull: 36,
} as const;
export type OperationCodeName = keyof typeof OPERATION_CODES;

export const TRANSACTION_CODES = {
  ok: 0,
  wrongChain: 101,
  expired: 102,
  feeTooLow: 103,
  unknownSender: 104,
  nonceTooOld: 105,
  nonceReplayed: 106,
  nonceTooFar: 107,
  insufficientForFee: 108,
  feeOverflow: 109,
  operationsFailed: 110,
  badSeed: 111,
  badBody: 112,
  contentMalformed: 113,
  gasLimitExceeded: 114,
} as const;
export type TransactionCodeName = keyof typeof TRANSACTION_CODES;

export interface CodeDescription {
  readonly meaning: string;
  readonly advice: string;
  /** May the same signed bytes succeed later? Always false once a transaction is final: its nonce is used. */
  readonly canRetry: boolean;
}

const describe = (meaning: string, advice: string, canRetry = false): CodeDescription => ({ meaning, advice, canRetry });

export const TRANSACTION_CODE_DESCRIPTIONS: Readonly<Record<TransactionCodeName, CodeDescription>> = {
  ok: describe("The fee is paid and every operation succeeded.", "Nothing to do."),
  wrongChain: describe("Signed for another chain.", "Sign with this chain's id."),
  expired: describe("The expiry height has passed.", "Sign again with a later expiry height."),
  feeTooLow: describe("The fee offered is below this chain's fee for so many operations.", "Sign again with a higher feeMax or fee."),
  unknownSender: describe(
    "The sender has no account in the fee asset.",
    "Have the account opened and funded, then send the same bytes.",
    true,
  ),
  nonceTooOld: describe("The nonce lies below the sender's window.", "Sign again with a nonce above the highest one used."),
  nonceReplayed: describe("The nonce was used before.", "If the earlier transaction was another one, sign again with an unused nonce."),
  nonceTooFar: describe("The nonce lies too far above the highest one used.", "Send the same bytes when earlier nonces are final.", true),
  insufficientForFee: describe(
    "The sender cannot pay the fee; once it is in a block, its nonce is used all the same.",
    "Fund the account; sign again, with a new nonce if this one is used.",
  ),
  feeOverflow: describe("Paying the fee would take a balance beyond 2^128; the nonce is used.", "Pay from another account."),
  operationsFailed: describe(
    "The fee is paid; at least one operation failed.",
    "See the operations' codes; sign again what is still wanted.",
  ),
  badSeed: describe("The fee is paid; no seed opens the sealed part.", "It was sealed wrongly: seal again with an unchanged client."),
  badBody: describe(
    "The fee is paid; the body does not open under its seed.",
    "It was sealed wrongly: seal again with an unchanged client.",
  ),
  contentMalformed: describe("The fee is paid; the content is no list of operations.", "Seal again with the encoding of this version."),
  gasLimitExceeded: describe(
    "The fee is paid; the content has more operations than the gas limit.",
    "Seal again with a gas limit of at least the number of operations.",
  ),
};

export const OPERATION_CODE_DESCRIPTIONS: Readonly<Record<OperationCodeName, CodeDescription>> = {
  ok: describe("Done.", "Nothing to do."),
  linkedOperationFailed: describe("Another operation of the same linked chain failed.", "See that operation's code."),
  linkedChainOpen: describe(
    "The last operation of the transaction is linked to a next one.",
    "Clear the linked flag of the last operation.",
  ),
  unknownKind: describe("The kind is not one of this version.", "Use a kind that this chain knows."),
  reservedFlag: describe("A flag is set that has no meaning.", "Clear all flags but the linked flag."),
  reservedField: describe("A field that the kind does not use is not zero.", "Set unused fields to zero."),
  amountZero: describe("The amount is zero.", "Give an amount; to release a pending transfer, void it."),
  accountZero: describe("The account id is all zero, which is reserved.", "Name a real account."),
  tooManyDecimals: describe("An asset has at most 38 decimals.", "Choose fewer decimals."),
  assetNotFound: describe("No such asset.", "Register the asset first."),
  assetExists: describe("The asset number is taken.", "Choose another number."),
  sameAccount: describe("Payer and payee are the same account.", "Name another payee."),
  payerNotFound: describe("The sender has no account in this asset.", "Open the sender's account in this asset first."),
  payeeNotFound: describe("The payee has no account in this asset.", "Open the payee's account in this asset first."),
  accountExists: describe("The account is open already.", "Nothing to do."),
  timeToLiveTooLong: describe("The time of expiry is beyond 2^53 ms.", "Use a shorter time to live, or 0 for none."),
  insufficientFunds: describe("The payer's available balance is below the amount.", "Fund the payer, or void what is pending."),
  debitsOverflow: describe("The payer's debits would reach 2^128.", "Use a smaller amount or another account."),
  creditsOverflow: describe("The payee's credits would reach 2^128.", "Use a smaller amount or another account."),
  pendingNotFound: describe("No such pending transfer, or it was resolved long ago.", "Check payer, nonce and operation index."),
  notPayerOrPayee: describe("The sender is neither payer nor payee of the pending transfer.", "Let one of the two sign."),
  onlyPayeeVoids: describe("The payer promised the funds and cannot take them back before expiry.", "Ask the payee to void, or wait."),
  pendingPosted: describe("The pending transfer was posted already.", "Nothing to do."),
  pendingVoided: describe("The pending transfer was voided.", "Pend again if it is still wanted."),
  pendingExpired: describe("The pending transfer expired.", "Pend again if it is still wanted."),
  exceedsPending: describe("The amount is above what is pending.", "Post at most the pending amount."),
  assetTableFull: describe("The chain holds no more assets.", "Use an existing asset."),
  accountTableFull: describe("The chain holds no more accounts.", "Use existing accounts."),
  pendingTableFull: describe("The chain holds no more pending transfers.", "Try again when some are resolved."),
  buildersOff: describe("This chain takes no builders.", "Build for another chain."),
  endpointIncomplete: describe("The endpoint has an address without a port, or a port without an address.", "Give both, or neither."),
  bondTooLow: describe("The bond would be below this chain's least bond.", "Add at least what is missing."),
  builderNotFound: describe("The sender is no builder.", "Register first."),
  builderUnbonding: describe("The builder is unbonding already.", "Wait, and withdraw; or register again to stay."),
  builderNotUnbonding: describe("The builder has not unbonded.", "Unbond first."),
  bondLocked: describe(`The bond is locked for ${BUILDER_UNBONDING_HEIGHTS} heights after unbonding.`, "Withdraw when they have passed."),
  builderTableFull: describe("The chain holds no more builders.", "Try again when one has withdrawn."),
};

/** Name of any code of either table; unknown numbers are named as such. */
export function describeCode(code: number): string {
  return NAMES.get(code) ?? `unknown code ${code}`;
}

/** A transaction code as a refusal at admission. */
export function refusalOf(name: TransactionCodeName): Refusal {
  return REFUSALS[name];
}

const NAMES = new Map<number, string>([
  ...Object.entries(OPERATION_CODES).map(([name, code]) => [code, name] as const),
  ...Object.entries(TRANSACTION_CODES).map(([name, code]) => [code, name] as const),
]);
assert(
  NAMES.size === Object.keys(OPERATION_CODES).length + Object.keys(TRANSACTION_CODES).length - 1,
  "codes are distinct but for the shared ok",
);

const REFUSALS = Object.fromEntries(
  Object.entries(TRANSACTION_CODE_DESCRIPTIONS).map(([code, { meaning, advice, canRetry }]) => [
    code,
    { code, canRetry, advice: `${meaning} ${advice}` },
  ]),
) as Readonly<Record<TransactionCodeName, Refusal>>;
