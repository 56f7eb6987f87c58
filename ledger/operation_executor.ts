/** Executes the operations of one transaction, in order (L5 codes, L6 linked chains, L7 funds, L8 pending transfers). Each operation
 *  checks everything before it changes anything; only linked chains need the undo log. Works on words, without BigInt. */

import { assert } from "../types/assert.ts";
import { TRANSACTION_OPERATIONS_MAX } from "../types/limits.ts";
import { OPERATION_FLAG_LINKED, OPERATION_KINDS } from "../types/transaction.ts";
import { compareAmounts, copyWords, isAmountZero, readInteger } from "./amounts.ts";
import type { BuilderExecutor } from "./builder_executor.ts";
import type { LedgerState } from "./ledger_state.ts";
import { ASSET_DECIMALS_MAX } from "./limits.ts";
import { ACCOUNT, ID_WORDS, PENDING, PENDING_STATES } from "./record_layout.ts";
import { recordOffset } from "./record_table.ts";
import { OPERATION_CODES as CODES } from "./result_codes.ts";
import { OPERATION, PAYLOAD } from "./transaction_bytes.ts";
import type { TransactionReader } from "./transaction_reader.ts";

/** Receipts of transactions whose operations all succeeded share one list per length. */
const ALL_OK: readonly (readonly number[])[] = Array.from({ length: TRANSACTION_OPERATIONS_MAX + 1 }, (_, length) =>
  length <= 64 ? Object.freeze(new Array<number>(length).fill(CODES.ok)) : [],
);

export class OperationExecutor {
  readonly #state: LedgerState;
  readonly #reader: TransactionReader;
  readonly #words: Uint32Array;
  readonly #builders: BuilderExecutor;
  readonly #accountKey = new Uint32Array(ACCOUNT.keyWords);
  readonly #pendingKey = new Uint32Array(PENDING.keyWords);
  #nowMs = 0;
  /** Slot of the sender's account in `#payerAsset`, remembered across operations; −1 asks again. */
  #payerAsset = -1;
  #payer = 0;
  /** Of the last chain that failed: which operation, with which code. */
  #failedAt = 0;
  #failure = 0;

  constructor(state: LedgerState, reader: TransactionReader, builders: BuilderExecutor) {
    this.#state = state;
    this.#reader = reader;
    this.#builders = builders;
    this.#words = reader.words;
  }

  /** Runs the operations of the transaction in the reader; one code for each. */
  run(nowMs: number): readonly number[] {
    this.#nowMs = nowMs;
    this.#payerAsset = -1;
    const count = this.#reader.operationCount;
    let codes: number[] | undefined;
    for (let index = 0; index < count; ) {
      const isLinked = this.#isLinked(index);
      const end = isLinked ? this.#chainEnd(index) : index + 1;
      const failure = isLinked ? this.#runChain(index, end) : this.#execute(index);
      if (failure !== CODES.ok) {
        codes ??= new Array<number>(count).fill(CODES.ok);
        if (isLinked) this.#reportChain(codes, index, end);
        else codes[index] = failure;
      }
      index = end;
    }
    return codes ?? allOk(count);
  }

  /** L6: all or none. Returns the code of the operation that failed, which `#reportChain` spreads over the chain. */
  #runChain(start: number, end: number): number {
    const { undo } = this.#state;
    undo.open();
    for (let index = start; index < end; index++) {
      const code = this.#isLinked(index) && index === end - 1 ? CODES.linkedChainOpen : this.#execute(index);
      if (code === CODES.ok) continue;
      undo.rollBack();
      this.#payerAsset = -1;
      this.#failedAt = index;
      this.#failure = code;
      return code;
    }
    undo.close();
    return CODES.ok;
  }

  #reportChain(codes: number[], start: number, end: number): void {
    codes.fill(CODES.linkedOperationFailed, start, end);
    codes[this.#failedAt] = this.#failure;
  }

  #chainEnd(start: number): number {
    let index = start;
    while (index < this.#reader.operationCount - 1 && this.#isLinked(index)) index++;
    return index + 1;
  }

  #at(index: number): number {
    return PAYLOAD.operations + index * OPERATION.words;
  }

  #isLinked(index: number): boolean {
    return (((this.#words[this.#at(index)] as number) >>> 8) & OPERATION_FLAG_LINKED) !== 0;
  }

  #execute(operation: number): number {
    const at = this.#at(operation);
    const head = this.#words[at] as number;
    const kind = head & 0xff;
    if (kind < OPERATION_KINDS.openAccount || kind > OPERATION_KINDS.builderWithdraw) return CODES.unknownKind;
    if (((head >>> 8) & 0xff & ~OPERATION_FLAG_LINKED) !== 0) return CODES.reservedFlag;
    if (kind === OPERATION_KINDS.transfer) return this.#transfer(at);
    if (kind === OPERATION_KINDS.pend) return this.#pend(at, operation);
    if (kind === OPERATION_KINDS.post) return this.#post(at);
    if (kind === OPERATION_KINDS.void) return this.#void(at);
    if (kind === OPERATION_KINDS.openAccount) return this.#openAccount(at);
    return kind === OPERATION_KINDS.registerAsset ? this.#registerAsset(at) : this.#builders.execute(kind, at);
  }

  #openAccount(at: number): number {
    const words = this.#words;
    if (this.#hasIndex(at) || !isAmountZero(words, at + OPERATION.amount) || this.#hasReference(at)) return CODES.reservedField;
    if (isZero(words, at + OPERATION.account, ID_WORDS)) return CODES.accountZero;
    const state = this.#state;
    if (!state.assets.has(words[at + OPERATION.asset] as number)) return CODES.assetNotFound;
    const key = this.#keyOf(at + OPERATION.account, words[at + OPERATION.asset] as number);
    if (state.accounts.find(key) !== 0) return CODES.accountExists;
    if (state.isAccountTableFull) return CODES.accountTableFull;
    state.openAccount(key, false);
    this.#payerAsset = -1;
    return CODES.ok;
  }

  #registerAsset(at: number): number {
    const words = this.#words;
    if (this.#hasIndex(at) || !isZero(words, at + OPERATION.account, ID_WORDS) || this.#hasReference(at)) return CODES.reservedField;
    const decimals = words[at + OPERATION.amount] as number;
    if (!isZero(words, at + OPERATION.amount + 1, 3) || decimals > ASSET_DECIMALS_MAX) return CODES.tooManyDecimals;
    const state = this.#state;
    const asset = words[at + OPERATION.asset] as number;
    if (state.assets.has(asset)) return CODES.assetExists;
    if (state.isAssetTableFull) return CODES.assetTableFull;
    if (state.isAccountTableFull) return CODES.accountTableFull;
    const key = this.#keyOf(PAYLOAD.sender, asset);
    const issuerSlot = state.openAccount(key, true);
    state.assets.add({ asset, decimals, issuer: key, issuerSlot });
    this.#payerAsset = -1;
    return CODES.ok;
  }

  #transfer(at: number): number {
    if (this.#hasIndex(at) || this.#hasReference(at)) return CODES.reservedField;
    const payee = this.#findPayee(at);
    const code = this.#judgeParties(at, payee);
    if (code !== CODES.ok) return code;
    const fundsCode = this.#judgeFunds(at, payee);
    if (fundsCode !== CODES.ok) return fundsCode;
    const isExact = this.#state.accounts.move(this.#payer, payee, this.#words, at + OPERATION.amount);
    assert(isExact, "L7: a transfer in range does not carry");
    return CODES.ok;
  }

  #pend(at: number, operation: number): number {
    if (this.#hasIndex(at)) return CODES.reservedField;
    const payee = this.#findPayee(at);
    const code = this.#judgeParties(at, payee);
    if (code !== CODES.ok) return code;
    const timeToLiveMs = readInteger(this.#words, at + OPERATION.reference);
    if (timeToLiveMs > Number.MAX_SAFE_INTEGER - this.#nowMs) return CODES.timeToLiveTooLong;
    const fundsCode = this.#judgeFunds(at, payee);
    if (fundsCode !== CODES.ok) return fundsCode;
    const { accounts, pendings } = this.#state;
    if (pendings.isFull) return CODES.pendingTableFull;
    const isExact = accounts.reserve(this.#payer, payee, this.#words, at + OPERATION.amount);
    assert(isExact, "L7: a pending transfer in range does not carry");
    const key = this.#pendingKey;
    copyWords(key, PENDING.payer, this.#words, PAYLOAD.sender, ID_WORDS);
    copyWords(key, PENDING.nonce, this.#words, PAYLOAD.nonce, 2);
    key[PENDING.index] = operation;
    const expiresAtMs = timeToLiveMs === 0 ? 0 : this.#nowMs + timeToLiveMs;
    const amountAt = at + OPERATION.amount;
    pendings.add({ key, payerSlot: this.#payer, payeeSlot: payee, amount: this.#words, amountAt, expiresAtMs });
    return CODES.ok;
  }

  #post(at: number): number {
    const words = this.#words;
    if (words[at + OPERATION.asset] !== 0) return CODES.reservedField;
    if (isAmountZero(words, at + OPERATION.amount)) return CODES.amountZero;
    const { accounts, pendings } = this.#state;
    const slot = this.#findPending(at);
    if (slot === 0) return CODES.pendingNotFound;
    if (!this.#isSender(words, at + OPERATION.account) && !this.#isPayeeOf(slot)) return CODES.notPayerOrPayee;
    const resolved = this.#judgeResolved(slot);
    if (resolved !== CODES.ok) return resolved;
    const record = pendings.table.words(slot);
    const pending = recordOffset(slot) + PENDING.amount;
    if (compareAmounts(words, at + OPERATION.amount, record, pending) > 0) return CODES.exceedsPending;
    const payer = pendings.field(slot, PENDING.payerSlot);
    const payee = pendings.field(slot, PENDING.payeeSlot);
    const isReleased = accounts.release(payer, payee, record, pending);
    assert(isReleased, "L8: what is pending was reserved on both sides");
    const isMoved = accounts.move(payer, payee, words, at + OPERATION.amount);
    assert(isMoved, "L7: what was reserved is in range");
    pendings.resolve(slot, PENDING_STATES.posted, { amount: words, at: at + OPERATION.amount });
    return CODES.ok;
  }

  #void(at: number): number {
    const words = this.#words;
    if (words[at + OPERATION.asset] !== 0 || !isAmountZero(words, at + OPERATION.amount)) return CODES.reservedField;
    const slot = this.#findPending(at);
    if (slot === 0) return CODES.pendingNotFound;
    if (!this.#isPayeeOf(slot)) return this.#isSender(words, at + OPERATION.account) ? CODES.onlyPayeeVoids : CODES.notPayerOrPayee;
    const resolved = this.#judgeResolved(slot);
    if (resolved !== CODES.ok) return resolved;
    releasePending(this.#state, slot, PENDING_STATES.voided);
    return CODES.ok;
  }

  #judgeResolved(slot: number): number {
    const { pendings } = this.#state;
    const state = pendings.field(slot, PENDING.state);
    if (state === PENDING_STATES.posted) return CODES.pendingPosted;
    if (state === PENDING_STATES.voided) return CODES.pendingVoided;
    if (state === PENDING_STATES.expired) return CODES.pendingExpired;
    const expiresAtMs = pendings.expiresAtMs(slot);
    return expiresAtMs !== 0 && expiresAtMs <= this.#nowMs ? CODES.pendingExpired : CODES.ok;
  }

  /** Conditions on amount and parties of a transfer or pend, by number. Leaves the payer's slot in `#payer`. */
  #judgeParties(at: number, payee: number): number {
    const words = this.#words;
    if (isAmountZero(words, at + OPERATION.amount)) return CODES.amountZero;
    const asset = words[at + OPERATION.asset] as number;
    if (this.#payerAsset !== asset) {
      this.#payer = this.#state.accounts.find(this.#keyOf(PAYLOAD.sender, asset));
      this.#payerAsset = asset;
    }
    if (payee !== 0 && this.#payer !== 0 && payee !== this.#payer) return CODES.ok;
    if (!this.#state.assets.has(asset)) return CODES.assetNotFound;
    if (this.#isSender(words, at + OPERATION.account)) return CODES.sameAccount;
    return this.#payer === 0 ? CODES.payerNotFound : CODES.payeeNotFound;
  }

  #judgeFunds(at: number, payee: number): number {
    const { accounts } = this.#state;
    const amount = at + OPERATION.amount;
    if (!accounts.hasFunds(this.#payer, this.#words, amount)) return CODES.insufficientFunds;
    if (!accounts.canDebit(this.#payer, this.#words, amount)) return CODES.debitsOverflow;
    return accounts.canCredit(payee, this.#words, amount) ? CODES.ok : CODES.creditsOverflow;
  }

  #findPayee(at: number): number {
    return this.#state.accounts.find(this.#keyOf(at + OPERATION.account, this.#words[at + OPERATION.asset] as number));
  }

  #findPending(at: number): number {
    const key = this.#pendingKey;
    copyWords(key, PENDING.payer, this.#words, at + OPERATION.account, ID_WORDS);
    copyWords(key, PENDING.nonce, this.#words, at + OPERATION.reference, 2);
    key[PENDING.index] = (this.#words[at] as number) >>> 16;
    return this.#state.pendings.find(key);
  }

  #isPayeeOf(slot: number): boolean {
    const { accounts, pendings } = this.#state;
    const payee = pendings.field(slot, PENDING.payeeSlot);
    return this.#isSender(accounts.table.words(payee), recordOffset(payee) + ACCOUNT.id);
  }

  #isSender(words: Uint32Array, at: number): boolean {
    for (let word = 0; word < ID_WORDS; word++) if (words[at + word] !== this.#words[PAYLOAD.sender + word]) return false;
    return true;
  }

  #keyOf(accountAt: number, asset: number): Uint32Array {
    copyWords(this.#accountKey, ACCOUNT.id, this.#words, accountAt, ID_WORDS);
    this.#accountKey[ACCOUNT.asset] = asset;
    return this.#accountKey;
  }

  #hasIndex(at: number): boolean {
    return (this.#words[at] as number) >>> 16 !== 0;
  }

  #hasReference(at: number): boolean {
    return ((this.#words[at + OPERATION.reference] as number) | (this.#words[at + OPERATION.reference + 1] as number)) !== 0;
  }
}

/** Ends a pending transfer without moving anything: voided by its payee, or expired (L8). */
export function releasePending(state: LedgerState, slot: number, endState: number): void {
  const { accounts, pendings } = state;
  const amount = pendings.table.words(slot);
  const payer = pendings.field(slot, PENDING.payerSlot);
  const payee = pendings.field(slot, PENDING.payeeSlot);
  const isReleased = accounts.release(payer, payee, amount, recordOffset(slot) + PENDING.amount);
  assert(isReleased, "L8: what is pending was reserved on both sides");
  pendings.resolve(slot, endState, undefined);
}

function allOk(count: number): readonly number[] {
  const shared = ALL_OK[count] as readonly number[];
  return shared.length === count ? shared : new Array<number>(count).fill(CODES.ok);
}

function isZero(words: Uint32Array, at: number, count: number): boolean {
  for (let word = 0; word < count; word++) if (words[at + word] !== 0) return false;
  return true;
}
