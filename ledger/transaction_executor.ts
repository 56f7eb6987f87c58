/** Judges and executes whole transactions: chain, expiry, fee and nonce first (L2, L3, L4), then the operations. Takes fees to whom they
 *  belong (L19). Sealed ones in two steps: all of a block are charged before any content runs (L14). Admission and execution use the same
 *  judgement, so what is refused here was refused there unless the state moved in between. */

import type { ParsedTransaction, TransactionReceipt } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import type { BuiltBlock } from "../types/builder.ts";
import type { Genesis } from "../types/genesis.ts";
import type { AccountId, TransactionHash } from "../types/ids.ts";
import type { OpenResult } from "../types/sealing.ts";
import { FEE_ACCOUNT } from "../types/transaction.ts";
import { AMOUNT_WORDS, copyWords, readAmount, writeAmount, writeInteger } from "./amounts.ts";
import { BuilderExecutor } from "./builder_executor.ts";
import { accountKey } from "./genesis_state.ts";
import type { LedgerState } from "./ledger_state.ts";
import type { NonceVerdict } from "./nonce_store.ts";
import { OperationExecutor } from "./operation_executor.ts";
import { ACCOUNT, ID_WORDS, META } from "./record_layout.ts";
import { TRANSACTION_CODES as CODES, type TransactionCodeName } from "./result_codes.ts";
import { PAYLOAD } from "./transaction_bytes.ts";
import { TransactionReader } from "./transaction_reader.ts";

const NO_CODES: readonly number[] = [];

/** Height and time that transactions run at. */
export interface ExecutionPlace {
  readonly height: number;
  readonly timeMs: number;
}

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
  readonly #builders: BuilderExecutor;
  readonly #key = new Uint32Array(ACCOUNT.keyWords);
  readonly #fee = new Uint32Array(AMOUNT_WORDS);
  readonly #feeSlot: number;
  #payer = 0;
  #height = 0;
  #timeMs = 0;
  /** L19: slot of the account that takes the fees of bundle and tail; 0: #feeSlot does. */
  #recipient = 0;

  constructor(state: LedgerState, parameters: Genesis["parameters"]) {
    this.#state = state;
    this.#parameters = parameters;
    this.#builders = new BuilderExecutor(state, this.#reader, parameters);
    this.#operations = new OperationExecutor(state, this.#reader, this.#builders);
    this.#feeSlot = state.accounts.find(accountKey(FEE_ACCOUNT, parameters.feeAsset));
    assert(this.#feeSlot !== 0, "the fee account is open since genesis");
  }

  /** What executing the transaction at `height` would say before its operations, when `reservedFees` must be paid beside its own;
   *  changes nothing. */
  judge(
    transaction: ParsedTransaction,
    { height, reservedFees }: { readonly height: number; readonly reservedFees: bigint },
  ): TransactionCodeName {
    this.#reader.load(transaction);
    const envelope = this.#judgeEnvelope(height);
    if (envelope !== "ok") return envelope;
    if (reservedFees > 0n) writeAmount(this.#fee, 0, readAmount(this.#fee, 0) + reservedFees);
    return this.#judgeFee(this.#feeSlot);
  }

  /** Call before the first transaction of each block. `built` undefined: its proposer built it. */
  beginBlock(place: ExecutionPlace, built: BuiltBlock | undefined): void {
    this.#begin(place);
    this.#recipient = built === undefined ? 0 : this.#builders.settle(built);
  }

  /** Call before the first transaction of each simulation: `payee` takes the fees if its account is open. */
  beginSimulation(place: ExecutionPlace, payee: AccountId): void {
    this.#begin(place);
    this.#recipient = this.#state.accounts.find(accountKey(payee, this.#parameters.feeAsset));
  }

  #begin({ height, timeMs }: ExecutionPlace): void {
    this.#height = height;
    this.#timeMs = timeMs;
    this.#builders.beginBlock(height);
  }

  /** Anything but a sealed transaction. Key generation messages have no effect here. */
  execute(transaction: ParsedTransaction): TransactionReceipt {
    const { hash } = transaction;
    assert(transaction.sealed === undefined, "L14: every sealed transaction of a block was opened");
    if (transaction.keygen !== undefined) return { hash, code: CODES.ok, operationCodes: NO_CODES };
    const charged = this.charge(transaction);
    return charged === "ok" ? this.#run(hash) : { hash, code: CODES[charged], operationCodes: NO_CODES };
  }

  /** Uses the nonce and takes the fee. Anything but "ok" is the receipt: nothing of the transaction runs. */
  charge(transaction: ParsedTransaction): TransactionCodeName {
    this.#reader.load(transaction);
    const envelope = this.#judgeEnvelope(this.#height);
    if (envelope !== "ok") return envelope;
    this.#useNonce();
    const payee = this.#payee();
    const fee = this.#judgeFee(payee);
    if (fee !== "ok") return fee;
    const isExact = this.#state.accounts.move(this.#payer, payee, this.#fee, 0);
    assert(isExact, "L7: a fee in range does not carry");
    return "ok";
  }

  /** L15: runs the content of a sealed transaction that was charged, or says why it has none. */
  executeOpened(transaction: ParsedTransaction, opened: OpenResult): TransactionReceipt {
    const { hash } = transaction;
    if (!opened.ok) return { hash, code: CODES[opened.reason], operationCodes: NO_CODES };
    this.#reader.load(transaction);
    const content = this.#reader.loadContent(opened.message);
    if (content !== "ok") return { hash, code: CODES[content], operationCodes: NO_CODES };
    return this.#run(hash);
  }

  #run(hash: TransactionHash): TransactionReceipt {
    const operationCodes = this.#operations.run(this.#timeMs);
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
    this.#fee.fill(0);
    writeInteger(this.#fee, 0, reader.isSealed ? reader.feeMax : fee);
    copyWords(this.#key, ACCOUNT.id, reader.words, PAYLOAD.sender, ID_WORDS);
    this.#key[ACCOUNT.asset] = this.#parameters.feeAsset;
    this.#payer = this.#state.accounts.find(this.#key);
    if (this.#payer === 0 || this.#payer === this.#builders.bondSlot) return "unknownSender";
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

  /** L19: a recipient whose account has no room for a fee leaves it to FEE_ACCOUNT, so that no builder can make fees fail. */
  #payee(): number {
    if (this.#recipient === 0 || this.#reader.isSealed) return this.#feeSlot;
    return this.#state.accounts.canCredit(this.#recipient, this.#fee, 0) ? this.#recipient : this.#feeSlot;
  }

  #judgeFee(payee: number): TransactionCodeName {
    const { accounts } = this.#state;
    if (!accounts.hasFunds(this.#payer, this.#fee, 0)) return "insufficientForFee";
    return accounts.canDebit(this.#payer, this.#fee, 0) && accounts.canCredit(payee, this.#fee, 0) ? "ok" : "feeOverflow";
  }
}

const isFailure = (code: number): boolean => code !== 0;
