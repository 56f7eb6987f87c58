/** What builders do and owe (L17 to L20): their three operations, and the settlement of a block that one of them built. Each operation
 *  checks everything before it changes anything, in the order of the codes (L5). */

import { assert } from "../types/assert.ts";
import type { BuiltBlock } from "../types/builder.ts";
import type { ChainParameters } from "../types/genesis.ts";
import { BUILDER_UNBONDING_HEIGHTS } from "../types/limits.ts";
import { BUILDER_BOND_ACCOUNT, OPERATION_KINDS } from "../types/transaction.ts";
import { AMOUNT_WORDS, addAmount, compareAmounts, copyWords, writeAmount } from "./amounts.ts";
import { accountKey } from "./genesis_state.ts";
import type { LedgerState } from "./ledger_state.ts";
import { ACCOUNT, BUILDER, ID_WORDS, idWords } from "./record_layout.ts";
import { recordOffset } from "./record_table.ts";
import { OPERATION_CODES as CODES } from "./result_codes.ts";
import { OPERATION, PAYLOAD } from "./transaction_bytes.ts";
import type { TransactionReader } from "./transaction_reader.ts";

export class BuilderExecutor {
  readonly #state: LedgerState;
  readonly #words: Uint32Array;
  readonly #feeAsset: number;
  readonly #bondMin = new Uint32Array(AMOUNT_WORDS);
  readonly #key = new Uint32Array(ACCOUNT.keyWords);
  readonly #amount = new Uint32Array(AMOUNT_WORDS);
  /** Slot of BUILDER_BOND_ACCOUNT; 0 on a chain that takes no builders. */
  readonly #bondSlot: number;
  /** Of the block that is executed or simulated. */
  #height = 0;

  constructor(state: LedgerState, reader: TransactionReader, parameters: ChainParameters) {
    this.#state = state;
    this.#words = reader.words;
    this.#feeAsset = parameters.feeAsset;
    writeAmount(this.#bondMin, 0, parameters.builderBondMin);
    const takesBuilders = parameters.builderBondMin > 0n;
    this.#bondSlot = takesBuilders ? state.accounts.find(accountKey(BUILDER_BOND_ACCOUNT, parameters.feeAsset)) : 0;
    assert(!takesBuilders || this.#bondSlot !== 0, "the bond account is open since genesis");
  }

  /** Slot of the account that is nobody's to send from; 0: there is none. */
  get bondSlot(): number {
    return this.#bondSlot;
  }

  /** Call before anything of a block or a simulation runs. */
  beginBlock(height: number): void {
    this.#height = height;
    this.#state.builders.beginBlock();
  }

  /** Executes the operation at this word of the reader; its kind is one of the three and its flags are good. */
  execute(kind: number, at: number): number {
    if (this.#bondSlot === 0) return CODES.buildersOff;
    if (kind === OPERATION_KINDS.builderRegister) return this.#register(at);
    for (let word = at + OPERATION.asset; word < at + OPERATION.words; word++) if (this.#words[word] !== 0) return CODES.reservedField;
    if ((this.#words[at] as number) >>> 16 !== 0) return CODES.reservedField;
    return kind === OPERATION_KINDS.builderUnbond ? this.#unbond() : this.#withdraw();
  }

  /** L19, L20: pays the proposer and counts a failure, before anything of the block runs. Returns the slot of the account that takes the
   *  fees of bundle and tail; 0: FEE_ACCOUNT does. */
  settle({ builder, value, proposer, failed }: BuiltBlock): number {
    const { accounts, builders } = this.#state;
    assert(this.#bondSlot !== 0, "L19: only a chain that takes builders has built blocks");
    const slot = builders.find(idWords(builder));
    assert(slot !== 0, "L19: who built a block is registered until all its blocks are executed");
    const payee = accounts.find(accountKey(proposer, this.#feeAsset));
    assert(payee !== 0, "L19: every validator has an account in the fee asset since genesis");
    writeAmount(this.#amount, 0, value);
    assert(compareAmounts(this.#amount, 0, builders.table.words(slot), recordOffset(slot) + BUILDER.bond) <= 0, "L19: the bond covers it");
    if (accounts.canCredit(payee, this.#amount, 0)) {
      builders.takeBond(slot, this.#amount, 0);
      this.#move(this.#bondSlot, payee);
    }
    if (failed) builders.noteFailure(slot, this.#height);
    copyWords(this.#key, ACCOUNT.id, builders.table.words(slot), recordOffset(slot) + BUILDER.recipient, ID_WORDS);
    this.#key[ACCOUNT.asset] = this.#feeAsset;
    return accounts.find(this.#key);
  }

  #register(at: number): number {
    const words = this.#words;
    const amount = at + OPERATION.amount;
    if ((words[at + OPERATION.reference] as number) !== 0 || words[at + OPERATION.reference + 1] !== 0) return CODES.reservedField;
    if (this.#isZeroId(at + OPERATION.account)) return CODES.accountZero;
    const { accounts, builders, limits } = this.#state;
    const payer = this.#sender();
    if (!accounts.hasFunds(payer, words, amount)) return CODES.insufficientFunds;
    if (!accounts.canDebit(payer, words, amount)) return CODES.debitsOverflow;
    if (!accounts.canCredit(this.#bondSlot, words, amount)) return CODES.creditsOverflow;
    const ipv4 = words[at + OPERATION.asset] as number;
    const port = (words[at] as number) >>> 16;
    if ((ipv4 === 0) !== (port === 0)) return CODES.endpointIncomplete;
    const found = builders.find(this.#key);
    if (this.#isBelowMin(found, amount)) return CODES.bondTooLow;
    if (found === 0 && builders.count >= limits.buildersMax) return CODES.builderTableFull;
    const slot = found === 0 ? builders.add(this.#key) : found;
    builders.setTerms(slot, { words, recipientAt: at + OPERATION.account, ipv4, port });
    builders.addBond(slot, words, amount);
    copyWords(this.#amount, 0, words, amount, AMOUNT_WORDS);
    this.#move(payer, this.#bondSlot);
    return CODES.ok;
  }

  #unbond(): number {
    const { builders } = this.#state;
    this.#sender();
    const slot = builders.find(this.#key);
    if (slot === 0) return CODES.builderNotFound;
    if (builders.unbondingHeight(slot) !== 0) return CODES.builderUnbonding;
    builders.startUnbonding(slot, this.#height);
    return CODES.ok;
  }

  #withdraw(): number {
    const { accounts, builders } = this.#state;
    const payee = this.#sender();
    const slot = builders.find(this.#key);
    if (slot === 0) return CODES.builderNotFound;
    copyWords(this.#amount, 0, builders.table.words(slot), recordOffset(slot) + BUILDER.bond, AMOUNT_WORDS);
    if (!accounts.canCredit(payee, this.#amount, 0)) return CODES.creditsOverflow;
    const unbondingHeight = builders.unbondingHeight(slot);
    if (unbondingHeight === 0) return CODES.builderNotUnbonding;
    if (this.#height < unbondingHeight + BUILDER_UNBONDING_HEIGHTS) return CODES.bondLocked;
    builders.remove(slot);
    this.#move(this.#bondSlot, payee);
    return CODES.ok;
  }

  /** Slot of the sender's account in the fee asset, which a sender always has; leaves its id at the start of `#key`. */
  #sender(): number {
    copyWords(this.#key, ACCOUNT.id, this.#words, PAYLOAD.sender, ID_WORDS);
    this.#key[ACCOUNT.asset] = this.#feeAsset;
    return this.#state.accounts.find(this.#key);
  }

  /** Moves `#amount`, which was found to be there and in range. */
  #move(payer: number, payee: number): void {
    const isExact = this.#state.accounts.move(payer, payee, this.#amount, 0);
    assert(isExact, "L7: a bond or a value in range does not carry");
  }

  /** Would the bond of the builder in this slot (0: a new one) be too low with the amount on top? */
  #isBelowMin(slot: number, amount: number): boolean {
    const bond = this.#amount;
    bond.fill(0);
    if (slot !== 0) copyWords(bond, 0, this.#state.builders.table.words(slot), recordOffset(slot) + BUILDER.bond, AMOUNT_WORDS);
    const carry = addAmount(bond, 0, this.#words, amount);
    assert(carry === 0, "L17: a bond is no more than what lies in the bond account");
    return compareAmounts(bond, 0, this.#bondMin, 0) < 0;
  }

  #isZeroId(at: number): boolean {
    for (let word = 0; word < ID_WORDS; word++) if (this.#words[at + word] !== 0) return false;
    return true;
  }
}
