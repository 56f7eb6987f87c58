/** The whole state: five tables and the meta record, with one root. L9: the root is hash_tree_root of
 *  Container { accounts, senders, pendings: List[ByteVector[128], 2^28], assets: List[ByteVector[128], 2^16], meta: ByteVector[128],
 *  builders: List[ByteVector[128], 2^16] }. */

import { assert } from "../types/assert.ts";
import { AccountStore } from "./account_store.ts";
import { addAmount, isAmountZero, subtractAmount } from "./amounts.ts";
import { AssetStore } from "./asset_store.ts";
import { BuilderStore } from "./builder_store.ts";
import { HashBatch } from "./hash_batch.ts";
import type { LedgerLimits } from "./limits.ts";
import { MetaRecord } from "./meta_record.ts";
import { NonceStore } from "./nonce_store.ts";
import type { PairHasher } from "./pair_hasher.ts";
import { PendingStore } from "./pending_store.ts";
import { ACCOUNT, ACCOUNT_FLAG_ISSUER } from "./record_layout.ts";
import { type RecordTable, recordOffset } from "./record_table.ts";
import { type FieldRoots, recordRoot, rootOfFields } from "./state_root.ts";
import { UndoLog } from "./undo_log.ts";

export interface StateOptions {
  readonly chainId: string;
  readonly hasher: PairHasher;
  readonly limits: LedgerLimits;
  /** Secret bytes that key the hash indices (L13). */
  readonly indexSeed: Uint8Array;
}

const SUM_WORDS = 8;
const PENDING_SUM = 4;

export class LedgerState {
  readonly undo = new UndoLog();
  readonly accounts: AccountStore;
  readonly nonces: NonceStore;
  readonly pendings: PendingStore;
  readonly assets: AssetStore;
  readonly builders: BuilderStore;
  readonly meta: MetaRecord;
  readonly limits: LedgerLimits;
  readonly #batch: HashBatch;
  #fields: FieldRoots;
  /** L1: by asset slot, debits − credits over what changed, mod 2^128, posted and pending. All zero between blocks. */
  #sums = new Uint32Array(64 * SUM_WORDS);

  constructor(options: StateOptions) {
    const { undo, limits } = { undo: this.undo, limits: options.limits };
    const batch = new HashBatch(options.hasher);
    const seed = options.indexSeed;
    this.#batch = batch;
    this.limits = limits;
    this.meta = new MetaRecord(undo, options.chainId);
    this.accounts = new AccountStore({ batch, undo, seed });
    this.nonces = new NonceStore({ batch, undo });
    this.pendings = new PendingStore({ batch, undo, seed, limits, meta: this.meta });
    this.assets = new AssetStore({ batch, undo });
    this.builders = new BuilderStore({ batch, undo, seed });
    this.#fields = this.#hashFields();
  }

  get tables(): readonly RecordTable[] {
    return [this.accounts.table, this.nonces.table, this.pendings.table, this.assets.table, this.builders.table];
  }

  /** Field roots as of the last `root()`. */
  get fields(): FieldRoots {
    return this.#fields;
  }

  /** Opens an account with room; the caller has checked that the asset exists and the account does not. */
  openAccount(key: Uint32Array, isIssuer: boolean): number {
    return this.accounts.open(key, isIssuer ? ACCOUNT_FLAG_ISSUER : 0);
  }

  get isAccountTableFull(): boolean {
    return this.accounts.table.count > this.limits.accountsMax;
  }

  get isAssetTableFull(): boolean {
    return this.assets.count >= this.limits.assetsMax;
  }

  /** L1: what was debited in each asset since the last root was credited in it, posted and pending alike. */
  assertConserved(): void {
    const { table } = this.accounts;
    const { before, dirty } = table;
    assert(before !== undefined, "the account table keeps what it changes");
    for (let index = 0; index < dirty.count; index++) {
      const slot = dirty.items[index] as number;
      if (slot === 0 || slot >= table.count) continue;
      const sum = this.#sumOf(slot);
      const words = table.words(slot);
      const now = recordOffset(slot);
      const then = index * 16 - 16;
      for (const [debits, credits, at] of FLOWS) {
        addAmount(this.#sums, sum + at, words, now + debits);
        subtractAmount(this.#sums, sum + at, before, then + debits);
        subtractAmount(this.#sums, sum + at, words, now + credits);
        addAmount(this.#sums, sum + at, before, then + credits);
      }
    }
    for (let index = 0; index < dirty.count; index++) {
      const slot = dirty.items[index] as number;
      if (slot === 0 || slot >= table.count) continue;
      const sum = this.#sumOf(slot);
      assert(isAmountZero(this.#sums, sum), "L1: posted debits equal posted credits in each asset");
      assert(isAmountZero(this.#sums, sum + PENDING_SUM), "L1: pending debits equal pending credits in each asset");
    }
  }

  /** Hashes what changed and returns the state root. */
  root(): Uint8Array {
    this.#fields = this.#hashFields();
    return rootOfFields(this.#fields, (left, right) => this.#batch.hashPair(left, right));
  }

  /** Parent of two nodes by the injected hasher. */
  hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
    return this.#batch.hashPair(left, right);
  }

  #hashFields(): FieldRoots {
    return {
      accounts: this.accounts.table.root(),
      senders: this.nonces.table.root(),
      pendings: this.pendings.table.root(),
      assets: this.assets.table.root(),
      builders: this.builders.table.root(),
      meta: recordRoot(this.meta.bytes, (left, right) => this.#batch.hashPair(left, right)),
    };
  }

  #sumOf(slot: number): number {
    const at = this.assets.slotOf(this.accounts.assetOf(slot)) * SUM_WORDS;
    if (at >= this.#sums.length) {
      const larger = new Uint32Array(2 * at);
      larger.set(this.#sums);
      this.#sums = larger;
    }
    return at;
  }
}

const FLOWS = [
  [ACCOUNT.debitsPosted, ACCOUNT.creditsPosted, 0],
  [ACCOUNT.debitsPending, ACCOUNT.creditsPending, PENDING_SUM],
] as const;
