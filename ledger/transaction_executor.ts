/** Judges and executes whole transactions: chain, expiry, fee and nonce first (L2, L3, L4), then the operations.
 *  Admission and execution use the same judgement, so what is refused here was refused there unless the state moved in between. */

import type { ParsedTransaction, TransactionReceipt } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import type { Genesis } from "../types/genesis.ts";
import { FEE_ACCOUNT } from "../types/transaction.ts";
import { AMOUNT_WORDS, copyWords, writeInteger } from "./amounts.ts";
import { accountKey } from "./genesis_state.ts";
import type { LedgerState } from "./ledger_state.ts";
import type { NonceVerdict } from "./nonce_store.ts";
import { OperationExecutor } from "./operation_executor.ts";
import { ACCOUNT, ID_WORDS, META } from "./record_layout.ts";
import { TRANSACTION_CODES as CODES, type TransactionCodeName } from "./result_codes.ts";
import { PAYLOAD, TransactionReader } from "./transaction_bytes.ts";

const NO_CODES: readonly number[] = [];

const NONCE_CODES: Readonly<Record<NonceVerdict, TransactionCodeName>> = {
  fresh: "ok",
  tooOld: "nonceTooOld",
  replayed: "nonceReplayed",
  tooFar: "nonceTooFar",
};

export class TransactionExecutor {
  readonly #state: LedgerState;
  readonly #parameters: Genesis["parameters"];
  readonly #reader = new TransactionReader();
  readonly #operations: OperationExecutor;
  readonly #key = new Uint32Array(ACCOUNT.keyWords);
  readonly #fee = new Uint32Array(AMOUNT_WORDS);
  readonly #feeSlot: number;
  #payer = 0;

  constructor(state: LedgerState, parameters: Genesis["parameters"]) {
    this.#state = state;
    this.#parameters = parameters;
    this.#operations = new OperationExecutor(state, this.#reader);
    this.#feeSlot = state.accounts.find(accountKey(FEE_ACCOUNT, parameters.feeAsset));
    assert(this.#feeSlot !== 0, "the fee account is open since genesis");
  }

  /** What executing the transaction at `height` would say before its operations; changes nothing. */
  judge(transaction: ParsedTransaction, height: number): TransactionCodeName {
    this.#reader.load(transaction);
    const envelope = this.#judgeEnvelope(height);
    return envelope === "ok" ? this.#judgeFee() : envelope;
  }

  execute(transaction: ParsedTransaction, height: number, timeMs: number): TransactionReceipt {
    const { hash } = transaction;
    this.#reader.load(transaction);
    const envelope = this.#judgeEnvelope(height);
    if (envelope !== "ok") return { hash, code: CODES[envelope], operationCodes: NO_CODES };
    this.#useNonce();
    const fee = this.#judgeFee();
    if (fee !== "ok") return { hash, code: CODES[fee], operationCodes: NO_CODES };
    const isExact = this.#state.accounts.move(this.#payer, this.#feeSlot, this.#fee, 0);
    assert(isExact, "L7: a fee in range does not carry");
    const operationCodes = this.#operations.run(timeMs);
    return { hash, code: operationCodes.some(isFailure) ? CODES.operationsFailed : CODES.ok, operationCodes };
  }

  /** Everything that leaves the state untouched when it fails (L4), in order of the codes. Leaves the payer's slot behind. */
  #judgeEnvelope(height: number): TransactionCodeName {
    const reader = this.#reader;
    for (let word = 0; word < ID_WORDS; word++) {
      if (reader.words[PAYLOAD.chainId + word] !== this.#state.meta.get(META.chainId + word)) return "wrongChain";
    }
    if (reader.expiryHeight < height) return "expired";
    const fee = this.#parameters.feePerTransaction + this.#parameters.feePerOperation * reader.operationCount;
    if (reader.feeMax < fee) return "feeTooLow";
    writeInteger(this.#fee, 0, fee);
    copyWords(this.#key, ACCOUNT.id, reader.words, PAYLOAD.sender, ID_WORDS);
    this.#key[ACCOUNT.asset] = this.#parameters.feeAsset;
    this.#payer = this.#state.accounts.find(this.#key);
    if (this.#payer === 0) return "unknownSender";
    const { accounts, nonces } = this.#state;
    return NONCE_CODES[nonces.judge(accounts.senderOf(this.#payer), reader.nonce)];
  }

  #useNonce(): void {
    const { accounts, nonces } = this.#state;
    let sender = accounts.senderOf(this.#payer);
    if (sender === 0) {
      sender = nonces.add(this.#reader.words, PAYLOAD.sender);
      accounts.setSender(this.#payer, sender);
    }
    nonces.use(sender, this.#reader.nonce);
  }

  #judgeFee(): TransactionCodeName {
    const { accounts } = this.#state;
    if (!accounts.hasFunds(this.#payer, this.#fee, 0)) return "insufficientForFee";
    return accounts.canDebit(this.#payer, this.#fee, 0) && accounts.canCredit(this.#feeSlot, this.#fee, 0) ? "ok" : "feeOverflow";
  }
}

const isFailure = (code: number): boolean => code !== 0;
