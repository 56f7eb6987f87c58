/** The ledger again, for tests: plain Maps, arrays and BigInt, written from the rules and sharing no code with `ledger/` but the
 *  numbers of the result codes. Where the ledger checks conditions in a fixed order, the model collects all that fail and takes the
 *  lowest number. Its root is computed by @chainsafe/ssz over records that it lays out itself. */

import { ByteVectorType, ContainerType, ListCompositeType } from "@chainsafe/ssz";
import { OPERATION_CODES as OP, TRANSACTION_CODES as TX } from "../../ledger/result_codes.ts";
import { fromHex, toHex } from "../../types/bytes.ts";
import type { Genesis } from "../../types/genesis.ts";
import { FEE_ACCOUNT, type Operation, type TransactionPayload } from "../../types/transaction.ts";

export interface ModelLimits {
  readonly accountsMax: number;
  readonly assetsMax: number;
  readonly pendingsMax: number;
  readonly resolvedPendingsMin: number;
  readonly expiriesPerBlockMax: number;
}

export interface ModelReceipt {
  readonly code: number;
  readonly operationCodes: readonly number[];
}

export interface ModelAccount {
  readonly id: string;
  readonly asset: number;
  readonly isIssuer: boolean;
  sender: number;
  debitsPending: bigint;
  debitsPosted: bigint;
  creditsPending: bigint;
  creditsPosted: bigint;
}

interface ModelPending {
  payer: string;
  payee: string;
  asset: number;
  nonce: number;
  index: number;
  state: number;
  amount: bigint;
  posted: bigint;
  expiresAt: number;
  queued: number;
}

interface ModelState {
  accounts: ModelAccount[];
  assets: { asset: number; decimals: number; issuer: string }[];
  pendings: ModelPending[];
  /** Slots of resolved pending transfers, oldest first. */
  resolved: number[];
}

const RANGE = 2n ** 128n;
const ZERO = "0".repeat(64);
const PENDING = 1;
const POSTED = 2;
const VOIDED = 3;
const EXPIRED = 4;

const record = new ByteVectorType(128);
const stateType = new ContainerType({
  accounts: new ListCompositeType(record, 2 ** 28),
  senders: new ListCompositeType(record, 2 ** 28),
  pendings: new ListCompositeType(record, 2 ** 28),
  assets: new ListCompositeType(record, 2 ** 16),
  meta: record,
});

export class LedgerModel {
  state: ModelState = { accounts: [], assets: [], pendings: [], resolved: [] };
  /** Every nonce ever used; nothing is ever forgotten here. */
  readonly senders: { readonly id: string; readonly used: Set<number> }[] = [];
  height = 0;
  timeMs: number;
  readonly #genesis: Genesis;
  readonly #chainId: string;
  readonly #limits: ModelLimits;

  constructor(genesis: Genesis, chainId: string, limits: ModelLimits) {
    this.#genesis = genesis;
    this.#chainId = chainId;
    this.#limits = limits;
    this.timeMs = genesis.timeMs;
    for (const { asset, decimals, issuer } of genesis.assets) {
      this.#open(issuer, asset, true);
      this.state.assets.push({ asset, decimals, issuer });
    }
    if (this.account(FEE_ACCOUNT, genesis.parameters.feeAsset) === undefined) this.#open(FEE_ACCOUNT, genesis.parameters.feeAsset, false);
    for (const { account, asset, amount } of genesis.balances) {
      const payee = this.account(account, asset) ?? this.#open(account, asset, false);
      const payer = this.state.accounts.find((each) => each.asset === asset && each.isIssuer) as ModelAccount;
      payer.debitsPosted += amount;
      payee.creditsPosted += amount;
    }
  }

  account(id: string, asset: number): ModelAccount | undefined {
    return this.state.accounts.find((each) => each.id === id && each.asset === asset);
  }

  execute(block: { readonly height: number; readonly timeMs: number; readonly payloads: readonly TransactionPayload[] }): ModelReceipt[] {
    this.height = block.height;
    this.timeMs = block.timeMs;
    const due = [...this.state.pendings.keys()]
      .filter((index) => this.#isDue(this.state.pendings[index] as ModelPending))
      .sort((left, right) => (this.state.pendings[left]?.expiresAt ?? 0) - (this.state.pendings[right]?.expiresAt ?? 0) || left - right);
    for (const index of due.slice(0, this.#limits.expiriesPerBlockMax)) this.#resolve(index, EXPIRED, 0n);
    return block.payloads.map((payload) => this.#transaction(payload));
  }

  /** Σ debits − Σ credits by asset, posted and pending; all zero when money is conserved. */
  imbalances(): bigint[] {
    return this.state.assets.flatMap(({ asset }) => {
      const held = this.state.accounts.filter((each) => each.asset === asset);
      const sum = (pick: (account: ModelAccount) => bigint): bigint => held.reduce((total, each) => total + pick(each), 0n);
      return [sum((each) => each.debitsPosted - each.creditsPosted), sum((each) => each.debitsPending - each.creditsPending)];
    });
  }

  /** The state root by @chainsafe/ssz. */
  root(): string {
    const { accounts, assets, pendings, resolved } = this.state;
    const order = [...accounts.keys()].sort((left, right) => this.#compare(left, right));
    const next = new Map(order.map((index, rank) => [index + 1, (order[rank + 1] ?? -1) + 1]));
    const slotOf = (id: string, asset: number): number => accounts.findIndex((each) => each.id === id && each.asset === asset) + 1;
    return toHex(
      stateType.hashTreeRoot({
        accounts: [
          layOut([[40, 4, (order[0] ?? -1) + 1]]),
          ...accounts.map((account, index) => layOutAccount(account, next.get(index + 1) ?? 0)),
        ],
        senders: [layOut([]), ...this.senders.map(layOutSender)],
        pendings: [
          layOut([]),
          ...pendings.map((each) => layOutPending(each, slotOf(each.payer, each.asset), slotOf(each.payee, each.asset))),
        ],
        assets: [
          layOut([]),
          ...assets.map(({ asset, decimals, issuer }) =>
            layOut([
              [0, 32, issuer],
              [32, 4, asset],
              [36, 4, decimals],
              [40, 4, slotOf(issuer, asset)],
            ]),
          ),
        ],
        meta: layOut([
          [0, 32, this.#chainId],
          [32, 8, this.height],
          [40, 8, this.timeMs],
          [48, 4, resolved[0] ?? 0],
          [52, 4, resolved.at(-1) ?? 0],
          [56, 4, resolved.length],
        ]),
      }),
    );
  }

  #compare(left: number, right: number): number {
    const [a, b] = [this.state.accounts[left] as ModelAccount, this.state.accounts[right] as ModelAccount];
    if (a.id !== b.id) return a.id < b.id ? -1 : 1;
    return a.asset - b.asset;
  }

  #open(id: string, asset: number, isIssuer: boolean): ModelAccount {
    const zero = { debitsPending: 0n, debitsPosted: 0n, creditsPending: 0n, creditsPosted: 0n };
    const account = { id, asset, isIssuer, sender: 0, ...zero };
    this.state.accounts.push(account);
    return account;
  }

  #isDue({ state, expiresAt }: ModelPending): boolean {
    return state === PENDING && expiresAt !== 0 && expiresAt <= this.timeMs;
  }

  #transaction(payload: TransactionPayload): ModelReceipt {
    const { feeAsset, feePerTransaction, feePerOperation } = this.#genesis.parameters;
    const fee = BigInt(feePerTransaction + feePerOperation * payload.operations.length);
    const payer = this.account(payload.sender, feeAsset);
    const failing: number[] = [];
    if (payload.chainId !== this.#chainId) failing.push(TX.wrongChain);
    if (this.height > payload.expiryHeight) failing.push(TX.expired);
    if (payload.feeMax < fee) failing.push(TX.feeTooLow);
    if (payer === undefined) failing.push(TX.unknownSender);
    const used = this.senders.find(({ id }) => id === payload.sender)?.used ?? new Set<number>();
    const lowest = Math.max(0, ...[...used].map((nonce) => nonce - 255));
    if (payload.nonce < lowest) failing.push(TX.nonceTooOld);
    if (used.has(payload.nonce)) failing.push(TX.nonceReplayed);
    if (payload.nonce > lowest + 511) failing.push(TX.nonceTooFar);
    if (failing.length > 0 || payer === undefined) return { code: Math.min(...failing), operationCodes: [] };
    if (payer.sender === 0) {
      this.senders.push({ id: payload.sender, used: new Set() });
      payer.sender = this.senders.length;
    }
    this.senders[payer.sender - 1]?.used.add(payload.nonce);
    const feeAccount = this.account(FEE_ACCOUNT, feeAsset) as ModelAccount;
    if (!isFunded(payer, fee)) return { code: TX.insufficientForFee, operationCodes: [] };
    if (payer.debitsPosted + payer.debitsPending + fee >= RANGE) return { code: TX.feeOverflow, operationCodes: [] };
    if (feeAccount.creditsPosted + feeAccount.creditsPending + fee >= RANGE) return { code: TX.feeOverflow, operationCodes: [] };
    payer.debitsPosted += fee;
    feeAccount.creditsPosted += fee;
    const operationCodes = this.#operations(payload);
    return { code: operationCodes.every((code) => code === OP.ok) ? TX.ok : TX.operationsFailed, operationCodes };
  }

  #operations(payload: TransactionPayload): number[] {
    const codes: number[] = [];
    const { operations } = payload;
    while (codes.length < operations.length) {
      const start = codes.length;
      let end = start;
      while (end < operations.length - 1 && ((operations[end]?.flags ?? 0) & 1) === 1) end++;
      const saved = structuredClone(this.state);
      const chain: number[] = [];
      for (let index = start; index <= end; index++) {
        const isOpen = index === operations.length - 1 && ((operations[index]?.flags ?? 0) & 1) === 1;
        const isAfterFailure = chain.some((code) => code !== OP.ok);
        const failing = isAfterFailure ? [OP.linkedOperationFailed] : isOpen ? [OP.linkedChainOpen] : this.#operation(payload, index);
        chain.push(failing.length === 0 ? OP.ok : Math.min(...failing));
      }
      const failed = chain.findIndex((code) => code !== OP.ok);
      if (failed >= 0) this.state = saved;
      codes.push(...chain.map((code, index) => (failed < 0 ? OP.ok : index === failed ? code : OP.linkedOperationFailed)));
    }
    return codes;
  }

  /** All conditions that fail; when none does, the operation has been carried out. */
  #operation(payload: TransactionPayload, index: number): number[] {
    const operation = payload.operations[index] as Operation;
    const failing: number[] = [];
    if (operation.kind < 1 || operation.kind > 6) return [OP.unknownKind];
    if (operation.flags > 1) failing.push(OP.reservedFlag);
    const unused = {
      1: operation.index !== 0 || operation.amount !== 0n || operation.reference !== 0,
      2: operation.index !== 0 || operation.account !== ZERO || operation.reference !== 0,
      3: operation.index !== 0 || operation.reference !== 0,
      4: operation.index !== 0,
      5: operation.asset !== 0,
      6: operation.asset !== 0 || operation.amount !== 0n,
    }[operation.kind as 1 | 2 | 3 | 4 | 5 | 6];
    if (unused) failing.push(OP.reservedField);
    if (operation.kind === 1) return this.#openAccount(operation, failing);
    if (operation.kind === 2) return this.#registerAsset(payload.sender, operation, failing);
    if (operation.kind <= 4) return this.#transfer(payload, index, failing);
    return this.#resolution(payload.sender, operation, failing);
  }

  #openAccount({ account, asset }: Operation, failing: number[]): number[] {
    if (account === ZERO) failing.push(OP.accountZero);
    if (!this.state.assets.some((each) => each.asset === asset)) failing.push(OP.assetNotFound);
    if (this.account(account, asset) !== undefined) failing.push(OP.accountExists);
    if (this.state.accounts.length >= this.#limits.accountsMax) failing.push(OP.accountTableFull);
    if (failing.length === 0) this.#open(account, asset, false);
    return failing;
  }

  #registerAsset(sender: string, { asset, amount }: Operation, failing: number[]): number[] {
    if (amount > 38n) failing.push(OP.tooManyDecimals);
    if (this.state.assets.some((each) => each.asset === asset)) failing.push(OP.assetExists);
    if (this.state.assets.length >= this.#limits.assetsMax) failing.push(OP.assetTableFull);
    if (this.state.accounts.length >= this.#limits.accountsMax) failing.push(OP.accountTableFull);
    if (failing.length > 0) return failing;
    this.#open(sender, asset, true);
    this.state.assets.push({ asset, decimals: Number(amount), issuer: sender });
    return failing;
  }

  #transfer(payload: TransactionPayload, index: number, failing: number[]): number[] {
    const { kind, account, asset, amount, reference } = payload.operations[index] as Operation;
    const payer = this.account(payload.sender, asset);
    const payee = this.account(account, asset);
    if (amount === 0n) failing.push(OP.amountZero);
    if (!this.state.assets.some((each) => each.asset === asset)) failing.push(OP.assetNotFound);
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
    if (kind === 3) {
      payer.debitsPosted += amount;
      payee.creditsPosted += amount;
      return failing;
    }
    payer.debitsPending += amount;
    payee.creditsPending += amount;
    const expiresAt = reference === 0 ? 0 : this.timeMs + reference;
    const fresh = { payer: payload.sender, payee: account, asset, nonce: payload.nonce, index, amount, posted: 0n, expiresAt, queued: 0 };
    this.#keep({ ...fresh, state: PENDING });
    return failing;
  }

  #keep(pending: ModelPending): void {
    const { pendings, resolved } = this.state;
    const isReusing = resolved.length > this.#limits.resolvedPendingsMin || pendings.length >= this.#limits.pendingsMax;
    if (isReusing) pendings[(resolved.shift() as number) - 1] = pending;
    else pendings.push(pending);
  }

  #resolution(sender: string, { kind, account, reference, index, amount }: Operation, failing: number[]): number[] {
    if (kind === 5 && amount === 0n) failing.push(OP.amountZero);
    const at = this.state.pendings.findIndex((each) => each.payer === account && each.nonce === reference && each.index === index);
    const pending = this.state.pendings[at];
    if (pending === undefined) return [...failing, OP.pendingNotFound];
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
    const pending = this.state.pendings[at] as ModelPending;
    const payer = this.account(pending.payer, pending.asset) as ModelAccount;
    const payee = this.account(pending.payee, pending.asset) as ModelAccount;
    payer.debitsPending -= pending.amount;
    payee.creditsPending -= pending.amount;
    payer.debitsPosted += posted;
    payee.creditsPosted += posted;
    Object.assign(pending, { state, posted });
    const last = this.state.resolved.at(-1);
    if (last !== undefined) (this.state.pendings[last - 1] as ModelPending).queued = at + 1;
    this.state.resolved.push(at + 1);
  }
}

function isFunded(payer: ModelAccount, amount: bigint): boolean {
  return payer.isIssuer || payer.creditsPosted - payer.debitsPosted - payer.debitsPending >= amount;
}

type Field = readonly [at: number, length: number, value: string | number | bigint];

function layOut(fields: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(128);
  for (const [at, length, value] of fields) {
    if (typeof value === "string") bytes.set(fromHex(value), at);
    else for (let byte = 0; byte < length; byte++) bytes[at + byte] = Number((BigInt(value) >> BigInt(8 * byte)) & 0xffn);
  }
  return bytes;
}

function layOutAccount(account: ModelAccount, next: number): Uint8Array {
  return layOut([
    [0, 32, account.id],
    [32, 4, account.asset],
    [36, 4, account.isIssuer ? 1 : 0],
    [40, 4, next],
    [44, 4, account.sender],
    [64, 16, account.debitsPending],
    [80, 16, account.debitsPosted],
    [96, 16, account.creditsPending],
    [112, 16, account.creditsPosted],
  ]);
}

function layOutSender({ id, used }: { readonly id: string; readonly used: ReadonlySet<number> }): Uint8Array {
  const base = Math.max(0, ...[...used].map((nonce) => nonce - 255));
  const bitmap = new Uint8Array(32);
  for (const nonce of used) {
    if (nonce >= base) bitmap[(nonce % 256) >> 3] = (bitmap[(nonce % 256) >> 3] as number) | (1 << (nonce % 8));
  }
  return layOut([
    [0, 32, id],
    [32, 8, base],
    [64, 32, toHex(bitmap)],
  ]);
}

function layOutPending(pending: ModelPending, payerSlot: number, payeeSlot: number): Uint8Array {
  return layOut([
    [0, 32, pending.payer],
    [32, 8, pending.nonce],
    [40, 4, pending.index],
    [44, 4, pending.state],
    [48, 4, payerSlot],
    [52, 4, payeeSlot],
    [56, 4, pending.queued],
    [64, 16, pending.amount],
    [80, 16, pending.posted],
    [96, 8, pending.expiresAt],
  ]);
}
