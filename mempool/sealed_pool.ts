/** The sealed pool: transactions that wait to be ordered and that nobody can read yet. It never reads a clock, checks no signature and
 *  no seal, and knows no state: who hands a transaction in has parsed it and had signature and seal checked.
 *
 *  What it shares with the open pool is done by one: M1 bounds, M2 once, M3 expiry, M4 order of arrival, M5 eviction. Sealed transactions
 *  give way by weight alone, never by fee: a dear envelope of a heavy sender pushes out nobody lighter. On top:
 *  S1 an envelope is for this chain, its suite and the live key, with a gas limit in range and an expiry height in the window. S2 a sender has
 *  promised the fees of all that waits here, and must be able to pay them together. S3 lists name what is held in the order of first sight;
 *  what was pushed out and came again was first seen when it came again. */

import type { CheckResult, ParsedTransaction, Refusal } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import { entryOf, type ListEntry, type SealedEnvelope } from "../types/envelope.ts";
import { type ChainId, type Height, type TransactionHash, ZERO_HASH } from "../types/ids.ts";
import { SEALED_EXPIRY_HEIGHTS_MAX, TRANSACTION_OPERATIONS_MAX } from "../types/limits.ts";
import type { KeyId } from "../types/sealing.ts";
import { isSameEntry } from "./canon.ts";
import { type AddResult, createOpenPool, type OpenPool, type OpenPoolLimits } from "./open_pool.ts";
import { POOL_REFUSALS, SEALED_REFUSALS } from "./refusals.ts";

/** S2: can the sender pay for this one beside `reservedFees`? The caller adds what is ordered and not executed yet. */
export type CheckPayable = (transaction: ParsedTransaction, reservedFees: bigint) => CheckResult;

export interface SealedAdmission {
  /** The lowest height still to be ordered. */
  readonly height: Height;
  /** The key that is live now; ZERO_HASH before there is one. */
  readonly keyId: KeyId;
  readonly checkPayable: CheckPayable;
}

export interface ListRequest {
  /** Of the block that the list is for, or lower. */
  readonly height: Height;
  readonly countMax: number;
  readonly bytesMax: number;
  /** True for what an unfinished block already orders. */
  readonly isExcluded: (id: TransactionHash) => boolean;
}

export interface DroppedTransaction {
  readonly transaction: ParsedTransaction;
  readonly refusal: Refusal;
}

export interface SealedPool {
  /** Would `add` refuse it? Cheap checks first; ask before signature and seal are checked. */
  refusalOf(transaction: ParsedTransaction, admission: SealedAdmission): Refusal | undefined;
  add(transaction: ParsedTransaction, admission: SealedAdmission): AddResult;
  get(id: TransactionHash): ParsedTransaction | undefined;
  has(id: TransactionHash): boolean;
  /** Is the entry's transaction held, and is what the entry says of it true? */
  describes(entry: ListEntry): boolean;
  /** S3. Nothing is removed. Costs what it returns and passes over. */
  listFor(request: ListRequest): readonly ListEntry[];
  /** M2: what waits with the sender and nonce of a transaction that was ordered, without that one itself. */
  rivals(ordered: readonly ParsedTransaction[]): readonly ParsedTransaction[];
  remove(ids: readonly TransactionHash[]): void;
  /** M3: removes and returns what can no longer be ordered when `height` is the lowest height still to be ordered. */
  expire(height: Height): readonly ParsedTransaction[];
  /** S1: removes and returns what is sealed to a key that is no longer live. Walks the pool. */
  dropKey(keyId: KeyId): readonly ParsedTransaction[];
  /** S2: removes what senders can no longer pay, later ones first to go: call with the senders of an executed block. */
  recheck(senders: Iterable<string>, checkPayable: CheckPayable): readonly DroppedTransaction[];
  /** S2: fees of all that waits of a sender. */
  reservedFeesOf(sender: string): bigint;
  readonly count: number;
  readonly bytes: number;
  /** Transactions taken so far. It grows whenever a list would name something new. */
  readonly firstSeenCount: number;
}

export function createSealedPool(options: {
  readonly limits: OpenPoolLimits;
  readonly chainId: ChainId;
  /** A number of SEALING_SUITES. */
  readonly suite: number;
}): SealedPool {
  return new SealedPoolOverOpen(options);
}

function envelopeOf(transaction: ParsedTransaction): SealedEnvelope {
  assert(transaction.sealed !== undefined, "the sealed pool holds sealed transactions");
  return transaction.sealed;
}

interface SenderFees {
  /** In order of arrival. */
  readonly transactions: Set<ParsedTransaction>;
  reserved: bigint;
}

class SealedPoolOverOpen implements SealedPool {
  readonly #pool: OpenPool;
  readonly #chainId: ChainId;
  readonly #suite: number;
  readonly #senders = new Map<string, SenderFees>();
  #firstSeenCount = 0;

  constructor(options: { readonly limits: OpenPoolLimits; readonly chainId: ChainId; readonly suite: number }) {
    this.#pool = createOpenPool(options.limits);
    this.#chainId = options.chainId;
    this.#suite = options.suite;
  }

  get count(): number {
    return this.#pool.count;
  }

  get bytes(): number {
    return this.#pool.bytes;
  }

  get firstSeenCount(): number {
    return this.#firstSeenCount;
  }

  get(id: TransactionHash): ParsedTransaction | undefined {
    return this.#pool.get(id);
  }

  has(id: TransactionHash): boolean {
    return this.#pool.has(id);
  }

  describes(entry: ListEntry): boolean {
    const transaction = this.#pool.get(entry.id);
    return transaction !== undefined && isSameEntry(entry, entryOf(entry.id, envelopeOf(transaction)));
  }

  refusalOf(transaction: ParsedTransaction, admission: SealedAdmission): Refusal | undefined {
    const refusal = this.#flawOf(envelopeOf(transaction), admission) ?? this.#pool.refusalOf(transaction);
    if (refusal !== undefined) return refusal;
    const checked = admission.checkPayable(transaction, this.reservedFeesOf(transaction.sender));
    return checked.ok ? undefined : checked.refusal;
  }

  add(transaction: ParsedTransaction, admission: SealedAdmission): AddResult {
    const refusal = this.refusalOf(transaction, admission);
    if (refusal !== undefined) return { ok: false, refusal };
    const added = this.#pool.add(transaction, "peer");
    assert(added.ok, "the pool takes what it would not refuse");
    for (const evicted of added.evicted) this.#release(evicted);
    const fees = this.#senders.get(transaction.sender) ?? { transactions: new Set(), reserved: 0n };
    fees.transactions.add(transaction);
    fees.reserved += BigInt(envelopeOf(transaction).fee);
    this.#senders.set(transaction.sender, fees);
    this.#firstSeenCount++;
    return added;
  }

  listFor(request: ListRequest): readonly ListEntry[] {
    const selected = this.#pool.select(request);
    return selected.map((transaction) => entryOf(transaction.hash, envelopeOf(transaction)));
  }

  rivals(ordered: readonly ParsedTransaction[]): readonly ParsedTransaction[] {
    return this.#pool.rivals(ordered);
  }

  remove(ids: readonly TransactionHash[]): void {
    for (const id of ids) {
      const transaction = this.#pool.get(id);
      if (transaction !== undefined) this.#drop(transaction);
    }
  }

  expire(height: Height): readonly ParsedTransaction[] {
    const expired = this.#pool.expire(height);
    for (const transaction of expired) this.#release(transaction);
    return expired;
  }

  dropKey(keyId: KeyId): readonly ParsedTransaction[] {
    const dropped: ParsedTransaction[] = [];
    for (const { transactions } of this.#senders.values()) {
      for (const transaction of transactions) if (envelopeOf(transaction).keyId === keyId) dropped.push(transaction);
    }
    for (const transaction of dropped) this.#drop(transaction);
    return dropped;
  }

  recheck(senders: Iterable<string>, checkPayable: CheckPayable): readonly DroppedTransaction[] {
    const dropped: DroppedTransaction[] = [];
    for (const sender of new Set(senders)) {
      let reserved = 0n;
      for (const transaction of this.#senders.get(sender)?.transactions ?? []) {
        const checked = checkPayable(transaction, reserved);
        if (checked.ok) reserved += BigInt(envelopeOf(transaction).fee);
        else dropped.push({ transaction, refusal: checked.refusal });
      }
    }
    for (const { transaction } of dropped) this.#drop(transaction);
    return dropped;
  }

  reservedFeesOf(sender: string): bigint {
    return this.#senders.get(sender)?.reserved ?? 0n;
  }

  /** S1. */
  #flawOf(envelope: SealedEnvelope, { height, keyId }: SealedAdmission): Refusal | undefined {
    if (envelope.chainId !== this.#chainId) return SEALED_REFUSALS.wrongChain;
    if (envelope.suite !== this.#suite) return SEALED_REFUSALS.unknownSuite;
    if (keyId === (ZERO_HASH as string)) return SEALED_REFUSALS.noSealingKey;
    if (envelope.keyId !== keyId) return SEALED_REFUSALS.wrongSealingKey;
    if (envelope.gasLimit < 1 || envelope.gasLimit > TRANSACTION_OPERATIONS_MAX) return SEALED_REFUSALS.gasLimitOutOfRange;
    if (envelope.expiryHeight < height) return POOL_REFUSALS.expired;
    return envelope.expiryHeight > height + SEALED_EXPIRY_HEIGHTS_MAX ? SEALED_REFUSALS.expiryTooFar : undefined;
  }

  #drop(transaction: ParsedTransaction): void {
    this.#pool.remove([transaction.hash]);
    this.#release(transaction);
  }

  /** The fees of what has left the pool. */
  #release(transaction: ParsedTransaction): void {
    const fees = this.#senders.get(transaction.sender);
    assert(fees !== undefined, "who has something waiting has promised its fee");
    fees.transactions.delete(transaction);
    fees.reserved -= BigInt(envelopeOf(transaction).fee);
    if (fees.transactions.size === 0) this.#senders.delete(transaction.sender);
  }
}
