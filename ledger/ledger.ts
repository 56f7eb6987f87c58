/** The ledger behind the `Application` interface: executes final blocks, answers queries with proofs, takes and restores snapshots.
 *  Deterministic: the same blocks give the same root on every runtime, whatever hasher or index seed is injected (L13). The rules
 *  L1 to L22 stand in README.md. */

import { sha256 } from "../crypto/hashes.ts";
import {
  type Application,
  type CheckResult,
  type ExecutableBlock,
  type ExecutionResult,
  type ParsedTransaction,
  type ParseResult,
  type StateSnapshot,
  TRANSACTION_KINDS,
  type TransactionReceipt,
} from "../types/application.ts";
import { assert } from "../types/assert.ts";
import type { Builder } from "../types/builder.ts";
import { fromHex, toHex } from "../types/bytes.ts";
import type { Genesis } from "../types/genesis.ts";
import { type AccountId, type ChainId, Height, type StateRoot } from "../types/ids.ts";
import { type OpenResult, SEALING_SUITES } from "../types/sealing.ts";
import { type AccountRecord, accountProofCodec, decodeAccountRecord, type ProvenRecord } from "./account_proof.ts";
import { accountKey, applyGenesis } from "./genesis_state.ts";
import { GroupExecutor } from "./group_executor.ts";
import { LedgerState } from "./ledger_state.ts";
import { LEDGER_LIMITS, type LedgerLimits } from "./limits.ts";
import { releasePending } from "./operation_executor.ts";
import type { PairHasher } from "./pair_hasher.ts";
import { wasmPairHasher } from "./pair_hasher_wasm.ts";
import { ACCOUNT, idWords, PENDING_STATES } from "./record_layout.ts";
import { recordOffset } from "./record_table.ts";
import { describeCode, refusalOf, TRANSACTION_CODES, type TransactionCodeName } from "./result_codes.ts";
import { parseSealedTransaction } from "./sealed_bytes.ts";
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
  /** What the account can pay as fees, below zero when an issuer overdrew it; 0 when it is not open. */
  feeBalanceOf(account: AccountId): bigint;
  /** Could a transaction with this nonce be taken now? (L3) */
  isNonceFree(account: AccountId, nonce: number): boolean;
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
  let { executor, groups } = executorsOf(state, genesis.parameters);
  const takesSealed = genesis.parameters.sealingSuite !== SEALING_SUITES.none;
  const takesBuilders = genesis.parameters.builderBondMin > 0n;

  function expireDue(timeMs: number): void {
    for (let count = 0; count < limits.expiriesPerBlockMax; count++) {
      const slot = state.pendings.due(timeMs);
      if (slot === 0) return;
      releasePending(state, slot, PENDING_STATES.expired);
    }
  }

  function execute(block: ExecutableBlock): ExecutionResult {
    assert(block.height === state.meta.height + 1, "blocks are executed in order of height");
    assert(block.bundle === undefined || block.built !== undefined, "L21: only a builder brings a bundle");
    expireDue(block.timeMs);
    executor.beginBlock(block, block.built);
    const lane = executeLane(block);
    const bundle = block.bundle && groups.runBundle(block.bundle);
    const open = block.transactions.slice(lane.length).map((transaction) => executor.execute(transaction));
    state.assertConserved();
    state.meta.advance(block.height, block.timeMs);
    root = toHex<StateRoot>(state.root());
    const builders = state.builders.changes(genesis.parameters.builderBondMin);
    return {
      stateRoot: root,
      receipts: [...lane, ...open],
      ...(bundle === undefined ? {} : { bundle }),
      ...(builders.length === 0 ? {} : { builders }),
    };
  }

  /** L14, L15: the sealed lane is charged before anything of it runs, so no content changes who could pay. */
  function executeLane({ transactions, opened }: ExecutableBlock): readonly TransactionReceipt[] {
    assert(opened.length <= transactions.length, "L14: nothing was opened that is not in the block");
    const lane = transactions.slice(0, opened.length);
    assert(
      lane.every(({ sealed }) => sealed !== undefined),
      "L14: what was opened stands first in the block",
    );
    const charged = lane.map((transaction) => executor.charge(transaction));
    return lane.map((transaction, index) => {
      const code = charged[index] as TransactionCodeName;
      if (code !== "ok") return { hash: transaction.hash, code: TRANSACTION_CODES[code], operationCodes: NO_CODES };
      return executor.executeOpened(transaction, opened[index] as OpenResult);
    });
  }

  function check(transaction: ParsedTransaction): CheckResult {
    return checkSealed(transaction, 0n);
  }

  /** L16: could the sender pay for this one beside what it has promised? */
  function checkSealed(transaction: ParsedTransaction, reservedFees: bigint): CheckResult {
    if (transaction.keygen !== undefined) return { ok: true };
    const verdict = executor.judge(transaction, { height: state.meta.height + 1, reservedFees });
    return verdict === "ok" ? { ok: true } : { ok: false, refusal: refusalOf(verdict) };
  }

  function senderSlot(account: AccountId): number {
    return state.accounts.find(accountKey(account, genesis.parameters.feeAsset));
  }

  function feeBalanceOf(account: AccountId): bigint {
    const slot = senderSlot(account);
    return slot === 0 ? 0n : decodeAccountRecord(state.accounts.table.record(slot)).available;
  }

  function isNonceFree(account: AccountId, nonce: number): boolean {
    return state.nonces.judge(state.accounts.senderOf(senderSlot(account)), nonce) === "fresh";
  }

  function builderOf(account: AccountId): Builder | undefined {
    const slot = state.builders.find(idWords(account));
    return slot === 0 ? undefined : state.builders.describe(slot, genesis.parameters.builderBondMin);
  }

  function restore(snapshot: StateSnapshot): boolean {
    const restored = restoreState(snapshot, stateOptions);
    if (restored === undefined) return false;
    state = restored;
    root = snapshot.root;
    ({ executor, groups } = executorsOf(state, genesis.parameters));
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
    takesSealed,
    parse: (bytes) => parseKind(bytes, takesSealed),
    check,
    checkSealed,
    execute,
    describeCode,
    builderOf: takesBuilders ? builderOf : undefined,
    simulate: takesBuilders ? (simulation) => groups.simulate(simulation) : undefined,
    snapshot: () => takeSnapshot(state, root),
    restore,
    queryAccount: (query) => queryAccount(state, query, genesis.parameters.feeAsset),
    feeBalanceOf,
    isNonceFree,
  };
}

const NO_CODES: readonly number[] = [];

function executorsOf(state: LedgerState, parameters: Genesis["parameters"]): { executor: TransactionExecutor; groups: GroupExecutor } {
  const executor = new TransactionExecutor(state, parameters);
  return { executor, groups: new GroupExecutor({ state, executor, feeAsset: parameters.feeAsset }) };
}

const SEALING_OFF: ParseResult = {
  ok: false,
  refusal: { code: "sealingOff", canRetry: false, advice: "This chain takes no sealed transactions. Send an open one." },
};

/** By the first byte. Key generation messages are parsed by whoever runs the key generation. */
function parseKind(bytes: Uint8Array, takesSealed: boolean): ParseResult {
  if (bytes[0] !== TRANSACTION_KINDS.sealed) return parseTransaction(bytes);
  return takesSealed ? parseSealedTransaction(bytes) : SEALING_OFF;
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
  const { senders, pendings, assets } = state.fields;
  const hashPair = (left: Uint8Array, right: Uint8Array): Uint8Array => state.hashPair(left, right);
  return [senders, hashPair(pendings, assets), rootOfMetaSide(state.fields, hashPair)];
}
