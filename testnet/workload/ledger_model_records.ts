/** What the ledger's model keeps, record by record. Shares nothing with `ledger/`. */

import type { ChainParameters } from "../../types/genesis.ts";
import type { Operation, TransactionPayload } from "../../types/transaction.ts";

export interface ModelLimits {
  readonly accountsMax: number;
  readonly assetsMax: number;
  readonly pendingsMax: number;
  readonly resolvedPendingsMin: number;
  readonly expiriesPerBlockMax: number;
  readonly buildersMax: number;
}

export interface ModelReceipt {
  readonly code: number;
  readonly operationCodes: readonly number[];
}

/** What a record's root was computed from besides the record itself, and the root. Undefined: the record changed. */
export interface Leaf {
  readonly context: number;
  readonly root: Uint8Array;
}

export interface ModelAccount {
  readonly id: string;
  readonly asset: number;
  readonly isIssuer: boolean;
  readonly slot: number;
  sender: number;
  debitsPending: bigint;
  debitsPosted: bigint;
  creditsPending: bigint;
  creditsPosted: bigint;
  leaf: Leaf | undefined;
}

export interface ModelSender {
  readonly id: string;
  /** Every nonce ever used; nothing is ever forgotten here. */
  readonly used: Set<number>;
  highest: number;
  leaf: Leaf | undefined;
}

export interface ModelPending {
  readonly payer: string;
  readonly payee: string;
  readonly asset: number;
  readonly nonce: number;
  readonly index: number;
  readonly amount: bigint;
  readonly expiresAt: number;
  state: number;
  posted: bigint;
  queued: number;
  leaf: Leaf | undefined;
}

export interface ModelAsset {
  readonly asset: number;
  readonly decimals: number;
  readonly issuer: string;
  leaf: Leaf | undefined;
}

export interface ModelBuilder {
  readonly id: string;
  readonly recipient: string;
  bond: bigint;
  readonly ipv4: number;
  readonly port: number;
  /** Height at which it unbonded; 0: it has not. */
  readonly unbondingAt: number;
  /** Heights of its failures since it was boxed last. */
  failures: readonly number[];
  boxedUntil: number;
}

export interface ModelState {
  readonly accounts: ModelAccount[];
  readonly assets: ModelAsset[];
  readonly pendings: ModelPending[];
  /** Slots of resolved pending transfers, oldest first. */
  readonly resolved: number[];
}

/** A sealed transaction of the lane: what its clear part says, and what it turned out to hold. */
export interface ModelSealed {
  readonly envelope: Pick<TransactionPayload, "chainId" | "sender" | "nonce" | "expiryHeight"> & {
    readonly gasLimit: number;
    readonly fee: number;
  };
  readonly content: readonly Operation[] | "badSeed" | "badBody" | "contentMalformed";
}

/** What is judged before any operation: an open transaction pays what it must, a sealed one all that it offers. */
export interface Terms extends Pick<TransactionPayload, "chainId" | "sender" | "nonce" | "expiryHeight"> {
  readonly offered: bigint;
  readonly required: bigint;
  readonly fee: bigint;
}

/** What runs once the fee is paid. */
export type Actions = Pick<TransactionPayload, "sender" | "nonce" | "operations">;

export interface Parties {
  readonly payer: ModelAccount;
  readonly payee: ModelAccount;
}

const ZERO = "0".repeat(64);

/** A field that its kind (1 to 6) does not use says something. */
export function usesReserved({ kind, index, account, asset, amount, reference }: Operation): boolean {
  const isSet = {
    1: index !== 0 || amount !== 0n || reference !== 0,
    2: index !== 0 || account !== ZERO || reference !== 0,
    3: index !== 0 || reference !== 0,
    4: index !== 0,
    5: asset !== 0,
    6: asset !== 0 || amount !== 0n,
  };
  return isSet[kind as keyof typeof isSet];
}

/** Σ debits − Σ credits by asset, posted and pending. */
export function imbalancesOf({ assets, accounts }: ModelState): bigint[] {
  return assets.flatMap(({ asset }) => {
    const held = accounts.filter((each) => each.asset === asset);
    const sum = (pick: (account: ModelAccount) => bigint): bigint => held.reduce((total, each) => total + pick(each), 0n);
    return [sum((each) => each.debitsPosted - each.creditsPosted), sum((each) => each.debitsPending - each.creditsPending)];
  });
}

export function isFunded(payer: ModelAccount, amount: bigint): boolean {
  return payer.isIssuer || payer.creditsPosted - payer.debitsPosted - payer.debitsPending >= amount;
}

export function termsOf(given: TransactionPayload | Pick<ModelSealed, "envelope">, parameters: ChainParameters): Terms {
  const feeOf = (count: number): bigint => BigInt(parameters.feePerTransaction + parameters.feePerOperation * count);
  if ("envelope" in given) {
    const offered = BigInt(given.envelope.fee);
    return { ...given.envelope, offered, required: feeOf(given.envelope.gasLimit), fee: offered };
  }
  const required = feeOf(given.operations.length);
  return { ...given, offered: given.feeMax, required, fee: required };
}
