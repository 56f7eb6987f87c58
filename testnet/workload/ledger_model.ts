/** The ledger again, for tests and for the simulator's auditor: plain Maps, arrays and BigInt, written from the rules and sharing no
 *  code with `ledger/` but the numbers of the result codes. Where the ledger checks conditions in a fixed order, the model collects
 *  all that fail and takes the lowest number. Its root is computed by @chainsafe/ssz (`ledger_model_root.ts`). */

import { OPERATION_CODES as OP, TRANSACTION_CODES as TX } from "../../ledger/result_codes.ts";
import type { BuiltBlock } from "../../types/builder.ts";
import type { Genesis } from "../../types/genesis.ts";
import { BUILDER_BOND_ACCOUNT, FEE_ACCOUNT, type Operation, type TransactionPayload } from "../../types/transaction.ts";
import { ModelBuilders } from "./ledger_model_builders.ts";
import {
  type Actions,
  imbalancesOf,
  isFunded,
  type ModelAccount,
  type ModelAsset,
  type ModelLimits,
  type ModelPending,
  type ModelReceipt,
  type ModelSealed,
  type ModelState,
  type Parties,
  type Terms,
  termsOf,
  usesReserved,
} from "./ledger_model_records.ts";
import { rootOfModel } from "./ledger_model_root.ts";
import { ModelSenders } from "./ledger_model_senders.ts";

const RANGE = 2n ** 128n;
const ZERO = "0".repeat(64);
const PENDING = 1;
const POSTED = 2;
const VOIDED = 3;
const EXPIRED = 4;

export class LedgerModel {
  readonly state: ModelState = { accounts: [], assets: [], pendings: [], resolved: [] };
  readonly #senders = new ModelSenders();
  readonly builders: ModelBuilders;
  height = 0;
  timeMs: number;
  readonly #genesis: Genesis;
  readonly #chainId: string;
  readonly #limits: ModelLimits;
  readonly #accounts = new Map<string, ModelAccount>();
  readonly #assets = new Set<number>();
  /** Position of a pending transfer by payer, nonce and operation. */
  readonly #pendingAt = new Map<string, number>();
  /** Positions of those that have an expiry and wait for it. */
  readonly #expiring = new Set<number>();
  /** Takes the fees of the open lane of the block at hand; undefined: the fee account does. */
  #recipient: ModelAccount | undefined;
  /** Of the last block's bundle, what its groups did; undefined: the group left no trace. */
  groups: readonly (readonly ModelReceipt[] | undefined)[] = [];
  /** What takes back the open linked chain, newest last. */
  #undo: (() => void)[] = [];
  /** What takes back the whole group that is running; undefined: none is. */
  #groupUndo: (() => void)[] | undefined;

  constructor(genesis: Genesis, chainId: string, limits: ModelLimits) {
    this.#genesis = genesis;
    this.#chainId = chainId;
    this.#limits = limits;
    this.timeMs = genesis.timeMs;
    for (const { asset, decimals, issuer } of genesis.assets) this.#register({ asset, decimals, issuer, leaf: undefined });
    const { feeAsset, builderBondMin: bondMin } = genesis.parameters;
    const standing = bondMin === 0n ? [] : [BUILDER_BOND_ACCOUNT, ...genesis.validators.map(({ ed25519PublicKey }) => ed25519PublicKey)];
    for (const id of [FEE_ACCOUNT, ...standing]) if (this.account(id, feeAsset) === undefined) this.#open(id, feeAsset, false);
    this.builders = new ModelBuilders({
      bondMin,
      buildersMax: limits.buildersMax,
      account: (id) => this.account(id, feeAsset),
      move: (parties, amount) => this.#move(parties, amount, "posted"),
      onUndo: (takeBack) => this.#undo.push(takeBack),
    });
    const issuers = new Map(genesis.assets.map(({ asset, issuer }) => [asset, issuer]));
    for (const { account, asset, amount } of genesis.balances) {
      const payee = this.account(account, asset) ?? this.#open(account, asset, false);
      this.#move({ payer: this.account(issuers.get(asset) ?? "", asset) as ModelAccount, payee }, amount, "posted");
    }
    this.#undo = [];
  }

  account(id: string, asset: number): ModelAccount | undefined {
    return this.#accounts.get(`${asset}/${id}`);
  }

  execute(block: {
    readonly height: number;
    readonly timeMs: number;
    readonly payloads: readonly TransactionPayload[];
    readonly sealed?: readonly ModelSealed[];
    readonly built?: BuiltBlock | undefined;
    /** Undefined: a group that cannot run. */
    readonly bundle?: readonly (readonly TransactionPayload[] | undefined)[];
  }): ModelReceipt[] {
    this.height = block.height;
    this.timeMs = block.timeMs;
    this.#undo = [];
    const { pendings } = this.state;
    const due = [...this.#expiring]
      .filter((at) => this.#isDue(pendings[at] as ModelPending))
      .sort((left, right) => (pendings[left]?.expiresAt ?? 0) - (pendings[right]?.expiresAt ?? 0) || left - right);
    for (const at of due.slice(0, this.#limits.expiriesPerBlockMax)) this.#resolve(at, EXPIRED, 0n);
    this.#recipient = block.built === undefined ? undefined : this.builders.settle(block.built, block.height);
    const { parameters } = this.#genesis;
    const charged = (block.sealed ?? []).map((each) => ({ each, code: this.#charge(termsOf(each, parameters), undefined) }));
    const lane = charged.map(({ each, code }) => (code === TX.ok ? this.#content(each) : { code, operationCodes: [] }));
    this.groups = (block.bundle ?? []).map((group) => group && this.#group(group));
    return [...lane, ...block.payloads.map((payload) => this.#transaction(payload))];
  }

  /** What admission for the next block has to say: 0, or the code of the transaction as a whole. Changes nothing. */
  judge(given: TransactionPayload | Pick<ModelSealed, "envelope">): number {
    const terms = termsOf(given, this.#genesis.parameters);
    const envelope = this.#envelope(terms, this.height + 1);
    const failing = envelope.length > 0 ? envelope : this.#unpayable(terms, this.#feeAccount());
    return failing.length > 0 ? Math.min(...failing) : TX.ok;
  }

  /** Σ debits − Σ credits by asset, posted and pending; all zero when money is conserved. */
  imbalances(): bigint[] {
    return imbalancesOf(this.state);
  }

  /** The state root by @chainsafe/ssz. */
  root(): string {
    const { state, height, timeMs } = this;
    const senders = this.#senders.list;
    const slotOf = (id: string, asset: number): number => this.account(id, asset)?.slot ?? 0;
    return rootOfModel({ ...state, senders, builders: this.builders.slots, chainId: this.#chainId, height, timeMs, slotOf });
  }

  #open(id: string, asset: number, isIssuer: boolean): ModelAccount {
    const zero = { debitsPending: 0n, debitsPosted: 0n, creditsPending: 0n, creditsPosted: 0n };
    const { accounts } = this.state;
    const account = { id, asset, isIssuer, slot: accounts.length + 1, sender: 0, ...zero, leaf: undefined };
    accounts.push(account);
    this.#accounts.set(`${asset}/${id}`, account);
    this.#undo.push(() => {
      accounts.pop();
      this.#accounts.delete(`${asset}/${id}`);
    });
    return account;
  }

  #register(asset: ModelAsset): void {
    this.#open(asset.issuer, asset.asset, true);
    this.state.assets.push(asset);
    this.#assets.add(asset.asset);
    this.#undo.push(() => {
      this.state.assets.pop();
      this.#assets.delete(asset.asset);
    });
  }

  #move({ payer, payee }: Parties, amount: bigint, column: "posted" | "pending"): void {
    const apply = (signed: bigint): void => {
      if (column === "posted") {
        payer.debitsPosted += signed;
        payee.creditsPosted += signed;
      } else {
        payer.debitsPending += signed;
        payee.creditsPending += signed;
      }
      payer.leaf = undefined;
      payee.leaf = undefined;
    };
    apply(amount);
    this.#undo.push(() => apply(-amount));
  }

  #isDue({ state, expiresAt }: ModelPending): boolean {
    return state === PENDING && expiresAt !== 0 && expiresAt <= this.timeMs;
  }

  /** All conditions on the envelope that fail in a block of this height. */
  #envelope(terms: Terms, height: number): number[] {
    const failing: number[] = [];
    if (terms.chainId !== this.#chainId) failing.push(TX.wrongChain);
    if (height > terms.expiryHeight) failing.push(TX.expired);
    if (terms.offered < terms.required) failing.push(TX.feeTooLow);
    const { feeAsset, builderBondMin } = this.#genesis.parameters;
    const isReserved = builderBondMin > 0n && terms.sender === BUILDER_BOND_ACCOUNT;
    if (isReserved || this.account(terms.sender, feeAsset) === undefined) failing.push(TX.unknownSender);
    return [...failing, ...this.#senders.flawsOf(terms)];
  }

  /** Why the fee cannot be paid, given a sender with an account. */
  #unpayable({ sender, fee }: Terms, payee: ModelAccount): number[] {
    const payer = this.account(sender, this.#genesis.parameters.feeAsset) as ModelAccount;
    const failing: number[] = [];
    if (!isFunded(payer, fee)) failing.push(TX.insufficientForFee);
    if (payer.debitsPosted + payer.debitsPending + fee >= RANGE) failing.push(TX.feeOverflow);
    if (payee.creditsPosted + payee.creditsPending + fee >= RANGE) failing.push(TX.feeOverflow);
    return failing;
  }

  #feeAccount(): ModelAccount {
    return this.account(FEE_ACCOUNT, this.#genesis.parameters.feeAsset) as ModelAccount;
  }

  /** All or none, fees and nonces included. */
  #group(payloads: readonly TransactionPayload[]): readonly ModelReceipt[] | undefined {
    this.#undo = [];
    this.#groupUndo = [];
    const receipts: ModelReceipt[] = [];
    while (receipts.length < payloads.length && (receipts.at(-1)?.code ?? TX.ok) === TX.ok) {
      receipts.push(this.#transaction(payloads[receipts.length] as TransactionPayload));
    }
    this.#keepDone();
    const done = this.#groupUndo;
    this.#groupUndo = undefined;
    if (receipts.at(-1)?.code === TX.ok) return receipts;
    for (const takeBack of done.reverse()) takeBack();
    return undefined;
  }

  /** What was done stays done, unless the group that it belongs to fails. */
  #keepDone(): void {
    this.#groupUndo?.push(...this.#undo);
    this.#undo = [];
  }

  /** Uses the nonce and takes the fee, for the recipient if it has room; 0, or why nothing of the transaction runs. */
  #charge(terms: Terms, recipient: ModelAccount | undefined): number {
    const refused = this.#envelope(terms, this.height);
    if (refused.length > 0) return Math.min(...refused);
    const payer = this.account(terms.sender, this.#genesis.parameters.feeAsset) as ModelAccount;
    this.#senders.use(payer, { nonce: terms.nonce, onUndo: (takeBack) => this.#undo.push(takeBack) });
    const hasRoom = recipient !== undefined && recipient.creditsPosted + recipient.creditsPending + terms.fee < RANGE;
    const payee = hasRoom ? recipient : this.#feeAccount();
    const unpayable = this.#unpayable(terms, payee);
    if (unpayable.length > 0) return Math.min(...unpayable);
    this.#move({ payer, payee }, terms.fee, "posted");
    return TX.ok;
  }

  #transaction(payload: TransactionPayload): ModelReceipt {
    const code = this.#charge(termsOf(payload, this.#genesis.parameters), this.#recipient);
    return code === TX.ok ? this.#run(payload) : { code, operationCodes: [] };
  }

  #content({ envelope, content }: ModelSealed): ModelReceipt {
    if (typeof content === "string") return { code: TX[content], operationCodes: [] };
    if (content.length > envelope.gasLimit) return { code: TX.gasLimitExceeded, operationCodes: [] };
    return this.#run({ sender: envelope.sender, nonce: envelope.nonce, operations: content });
  }

  #run(actions: Actions): ModelReceipt {
    const operationCodes = this.#operations(actions);
    return { code: operationCodes.every((code) => code === OP.ok) ? TX.ok : TX.operationsFailed, operationCodes };
  }

  #operations(payload: Actions): number[] {
    const codes: number[] = [];
    const { operations } = payload;
    const isLinked = (index: number): boolean => ((operations[index]?.flags ?? 0) & 1) === 1;
    while (codes.length < operations.length) {
      const start = codes.length;
      let end = start;
      while (end < operations.length - 1 && isLinked(end)) end++;
      this.#keepDone();
      const chain: number[] = [];
      for (let index = start; index <= end; index++) {
        const isOpen = index === operations.length - 1 && isLinked(index);
        const isAfterFailure = chain.some((code) => code !== OP.ok);
        const failing = isAfterFailure ? [OP.linkedOperationFailed] : isOpen ? [OP.linkedChainOpen] : this.#operation(payload, index);
        chain.push(failing.length === 0 ? OP.ok : Math.min(...failing));
      }
      const failed = chain.findIndex((code) => code !== OP.ok);
      if (failed >= 0) for (const takeBack of this.#undo.splice(0).reverse()) takeBack();
      codes.push(...chain.map((code, index) => (failed < 0 ? OP.ok : index === failed ? code : OP.linkedOperationFailed)));
    }
    return codes;
  }

  /** All conditions that fail; when none does, the operation has been carried out. */
  #operation(payload: Actions, index: number): number[] {
    const operation = payload.operations[index] as Operation;
    const failing: number[] = [];
    if (operation.kind < 1 || operation.kind > 9) return [OP.unknownKind];
    if (operation.flags > 1) failing.push(OP.reservedFlag);
    if (operation.kind > 6) return this.builders.operation(payload.sender, operation, { height: this.height, failing });
    if (usesReserved(operation)) failing.push(OP.reservedField);
    if (operation.kind === 1) return this.#openAccount(operation, failing);
    if (operation.kind === 2) return this.#registerAsset(payload.sender, operation, failing);
    if (operation.kind <= 4) return this.#transfer(payload, index, failing);
    return this.#resolution(payload.sender, operation, failing);
  }

  #openAccount({ account, asset }: Operation, failing: number[]): number[] {
    if (account === ZERO) failing.push(OP.accountZero);
    if (!this.#assets.has(asset)) failing.push(OP.assetNotFound);
    if (this.account(account, asset) !== undefined) failing.push(OP.accountExists);
    if (this.state.accounts.length >= this.#limits.accountsMax) failing.push(OP.accountTableFull);
    if (failing.length === 0) this.#open(account, asset, false);
    return failing;
  }

  #registerAsset(sender: string, { asset, amount }: Operation, failing: number[]): number[] {
    if (amount > 38n) failing.push(OP.tooManyDecimals);
    if (this.#assets.has(asset)) failing.push(OP.assetExists);
    if (this.state.assets.length >= this.#limits.assetsMax) failing.push(OP.assetTableFull);
    if (this.state.accounts.length >= this.#limits.accountsMax) failing.push(OP.accountTableFull);
    if (failing.length === 0) this.#register({ asset, decimals: Number(amount), issuer: sender, leaf: undefined });
    return failing;
  }

  #transfer(payload: Actions, index: number, failing: number[]): number[] {
    const { kind, account, asset, amount, reference } = payload.operations[index] as Operation;
    const payer = this.account(payload.sender, asset);
    const payee = this.account(account, asset);
    if (amount === 0n) failing.push(OP.amountZero);
    if (!this.#assets.has(asset)) failing.push(OP.assetNotFound);
    if (account === payload.sender) failing.push(OP.sameAccount);
    if (payer === undefined) failing.push(OP.payerNotFound);
    if (payee === undefined) failing.push(OP.payeeNotFound);
    if (kind === 4 && BigInt(reference) + BigInt(this.timeMs) > BigInt(Number.MAX_SAFE_INTEGER)) failing.push(OP.timeToLiveTooLong);
    if (payer !== undefined && !isFunded(payer, amount)) failing.push(OP.insufficientFunds);
    if (payer !== undefined && payer.debitsPosted + payer.debitsPending + amount >= RANGE) failing.push(OP.debitsOverflow);
    if (payee !== undefined && payee.creditsPosted + payee.creditsPending + amount >= RANGE) failing.push(OP.creditsOverflow);
    const { pendings, resolved } = this.state;
    if (kind === 4 && pendings.length >= this.#limits.pendingsMax && resolved.length === 0) failing.push(OP.pendingTableFull);
    if (failing.length > 0 || payer === undefined || payee === undefined) return failing;
    this.#move({ payer, payee }, amount, kind === 3 ? "posted" : "pending");
    if (kind === 3) return failing;
    const expiresAt = reference === 0 ? 0 : this.timeMs + reference;
    const fresh = { payer: payload.sender, payee: account, asset, nonce: payload.nonce, index, amount, posted: 0n, expiresAt, queued: 0 };
    this.#keep({ ...fresh, state: PENDING, leaf: undefined });
    return failing;
  }

  #keep(pending: ModelPending): void {
    const { pendings, resolved } = this.state;
    const isReusing = resolved.length > this.#limits.resolvedPendingsMin || pendings.length >= this.#limits.pendingsMax;
    const at = isReusing ? (resolved.shift() as number) - 1 : pendings.length;
    const former = pendings[at];
    if (former !== undefined) this.#pendingAt.delete(nameOf(former));
    pendings[at] = pending;
    this.#pendingAt.set(nameOf(pending), at);
    if (pending.expiresAt !== 0) this.#expiring.add(at);
    this.#undo.push(() => {
      this.#pendingAt.delete(nameOf(pending));
      this.#expiring.delete(at);
      if (former === undefined) {
        pendings.pop();
        return;
      }
      pendings[at] = former;
      this.#pendingAt.set(nameOf(former), at);
      resolved.unshift(at + 1);
    });
  }

  #resolution(sender: string, { kind, account, reference, index, amount }: Operation, failing: number[]): number[] {
    if (kind === 5 && amount === 0n) failing.push(OP.amountZero);
    const at = this.#pendingAt.get(nameOf({ payer: account, nonce: reference, index }));
    const pending = at === undefined ? undefined : this.state.pendings[at];
    if (at === undefined || pending === undefined) return [...failing, OP.pendingNotFound];
    if (sender !== pending.payer && sender !== pending.payee) failing.push(OP.notPayerOrPayee);
    if (kind === 6 && sender === pending.payer) failing.push(OP.onlyPayeeVoids);
    if (pending.state === POSTED) failing.push(OP.pendingPosted);
    if (pending.state === VOIDED) failing.push(OP.pendingVoided);
    if (pending.state === EXPIRED || this.#isDue(pending)) failing.push(OP.pendingExpired);
    if (kind === 5 && amount > pending.amount) failing.push(OP.exceedsPending);
    if (failing.length === 0) this.#resolve(at, kind === 5 ? POSTED : VOIDED, amount);
    return failing;
  }

  #resolve(at: number, state: number, posted: bigint): void {
    const { pendings, resolved } = this.state;
    const pending = pendings[at] as ModelPending;
    const payer = this.account(pending.payer, pending.asset) as ModelAccount;
    const payee = this.account(pending.payee, pending.asset) as ModelAccount;
    this.#move({ payer, payee }, -pending.amount, "pending");
    if (posted > 0n) this.#move({ payer, payee }, posted, "posted");
    const last = resolved.at(-1) === undefined ? undefined : pendings[(resolved.at(-1) as number) - 1];
    Object.assign(pending, { state, posted, leaf: undefined });
    if (last !== undefined) Object.assign(last, { queued: at + 1, leaf: undefined });
    resolved.push(at + 1);
    this.#expiring.delete(at);
    this.#undo.push(() => {
      resolved.pop();
      Object.assign(pending, { state: PENDING, posted: 0n, leaf: undefined });
      if (last !== undefined) Object.assign(last, { queued: 0, leaf: undefined });
      if (pending.expiresAt !== 0) this.#expiring.add(at);
    });
  }
}

function nameOf({ payer, nonce, index }: { readonly payer: string; readonly nonce: number; readonly index: number }): string {
  return `${payer}/${nonce}/${index}`;
}
