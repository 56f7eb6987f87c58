/** The ledger behind the `Application` interface: executes final blocks, answers queries with proofs, takes and restores snapshots.
 *  Deterministic: the same blocks give the same root on every runtime, whatever hasher or index seed is injected (L13). The rules
 *  L1 to L13 stand in README.md. */

import { sha256 } from "../crypto/hashes.ts";
import type { Application, CheckResult, ExecutableBlock, ExecutionResult, ParsedTransaction, StateSnapshot } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import { fromHex, toHex } from "../types/bytes.ts";
import type { Genesis } from "../types/genesis.ts";
import { type AccountId, type ChainId, Height, type StateRoot } from "../types/ids.ts";
import { type AccountRecord, accountProofCodec, decodeAccountRecord, type ProvenRecord } from "./account_proof.ts";
import { accountKey, applyGenesis } from "./genesis_state.ts";
import { LedgerState } from "./ledger_state.ts";
import { LEDGER_LIMITS, type LedgerLimits } from "./limits.ts";
import { releasePending } from "./operation_executor.ts";
import type { PairHasher } from "./pair_hasher.ts";
import { wasmPairHasher } from "./pair_hasher_wasm.ts";
import { ACCOUNT, PENDING_STATES } from "./record_layout.ts";
import { recordOffset } from "./record_table.ts";
import { describeCode, refusalOf } from "./result_codes.ts";
import { restoreState, takeSnapshot } from "./snapshot.ts";
import { rootOfMetaSide } from "./state_root.ts";
import { parseTransaction } from "./transaction_bytes.ts";
import { TransactionExecutor } from "./transaction_executor.ts";

export interface LedgerOptions {
  readonly genesis: Genesis;
  readonly chainId: ChainId;
  /** `pair_hasher_native.ts` where it loads; WebAssembly when left out. */
  readonly hasher?: PairHasher | undefined;
  /** 32 secret random bytes that protect the hash indices against chosen account ids; from the chain id when left out. */
  readonly indexSeed?: Uint8Array | undefined;
}

export interface AccountAnswer {
  /** Undefined: not open, as the proof shows. */
  readonly record: AccountRecord | undefined;
  /** Nonce window of the account as a sender: the lowest usable nonce and the used ones above it. Not part of the proof;
   *  undefined unless the account is open in the fee asset. */
  readonly nonces: { readonly base: number; readonly used: readonly number[] } | undefined;
  /** For `verifyAccountProof` against `root`, the ledger's root at the time of the query. */
  readonly proof: Uint8Array;
}

export interface Ledger extends Application {
  queryAccount(query: { readonly account: AccountId; readonly asset: number }): AccountAnswer;
}

export function createLedger(options: LedgerOptions): Ledger {
  return createLedgerWithLimits(options, LEDGER_LIMITS);
}

/** A ledger with other bounds, which makes it another chain's: for tests that fill tables. */
export function createLedgerWithLimits(options: LedgerOptions, limits: LedgerLimits): Ledger {
  const { genesis, chainId } = options;
  const indexSeed = options.indexSeed ?? sha256(fromHex(chainId));
  const stateOptions = { chainId, limits, hasher: options.hasher ?? wasmPairHasher, indexSeed };
  let state = new LedgerState(stateOptions);
  applyGenesis(state, genesis);
  state.assertConserved();
  let root = toHex<StateRoot>(state.root());
  let executor = new TransactionExecutor(state, genesis.parameters);

  function expireDue(timeMs: number): void {
    for (let count = 0; count < limits.expiriesPerBlockMax; count++) {
      const slot = state.pendings.due(timeMs);
      if (slot === 0) return;
      releasePending(state, slot, PENDING_STATES.expired);
    }
  }

  function execute(block: ExecutableBlock): ExecutionResult {
    assert(block.height === state.meta.height + 1, "blocks are executed in order of height");
    expireDue(block.timeMs);
    const receipts = block.transactions.map((transaction) => executor.execute(transaction, block.height, block.timeMs));
    state.assertConserved();
    state.meta.advance(block.height, block.timeMs);
    root = toHex<StateRoot>(state.root());
    return { stateRoot: root, receipts };
  }

  function check(transaction: ParsedTransaction): CheckResult {
    const verdict = executor.judge(transaction, state.meta.height + 1);
    return verdict === "ok" ? { ok: true } : { ok: false, refusal: refusalOf(verdict) };
  }

  function restore(snapshot: StateSnapshot): boolean {
    const restored = restoreState(snapshot, stateOptions);
    if (restored === undefined) return false;
    state = restored;
    root = snapshot.root;
    executor = new TransactionExecutor(state, genesis.parameters);
    return true;
  }

  return {
    name: "ledger",
    chainId,
    get height() {
      return Height.of(state.meta.height);
    },
    get root() {
      return root;
    },
    parse: parseTransaction,
    check,
    execute,
    describeCode,
    snapshot: () => takeSnapshot(state, root),
    restore,
    queryAccount: (query) => queryAccount(state, query, genesis.parameters.feeAsset),
  };
}

function queryAccount(state: LedgerState, query: { readonly account: AccountId; readonly asset: number }, feeAsset: number): AccountAnswer {
  const key = accountKey(query.account, query.asset);
  const { accounts, nonces } = state;
  const slot = accounts.find(key);
  const slots = slot !== 0 ? [slot] : neighbours(state, key);
  const proof = accountProofCodec.encode({
    count: accounts.table.count,
    records: slots.map((each) => prove(state, each)),
    stateSiblings: accountSiblings(state),
  });
  if (slot === 0) return { record: undefined, nonces: undefined, proof };
  const window = query.asset === feeAsset ? nonces.window(accounts.senderOf(slot)) : undefined;
  return { record: decodeAccountRecord(accounts.table.record(slot)), nonces: window, proof };
}

/** The slots around an absent key: the one before, and the one after unless the chain ends. */
function neighbours(state: LedgerState, key: Uint32Array): readonly number[] {
  const { table } = state.accounts;
  const before = state.accounts.predecessor(key);
  const after = table.words(before)[recordOffset(before) + ACCOUNT.next] as number;
  return after === 0 ? [before] : [before, after];
}

function prove(state: LedgerState, slot: number): ProvenRecord {
  const { table } = state.accounts;
  return { slot, record: table.record(slot), siblings: table.siblings(slot) };
}

/** The account table is the container's first field, so its siblings are all to the right. */
function accountSiblings(state: LedgerState): readonly Uint8Array[] {
  const { senders, pendings, assets, meta } = state.fields;
  const hashPair = (left: Uint8Array, right: Uint8Array): Uint8Array => state.hashPair(left, right);
  return [senders, hashPair(pendings, assets), rootOfMetaSide(meta, hashPair)];
}
