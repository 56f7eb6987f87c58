/** What ledger tests share: a small genesis, named accounts, and a ledger driven block by block beside its model. */

import { chainIdOf, sha256 } from "../../crypto/hashes.ts";
import { createLedgerWithLimits, type Ledger } from "../../ledger/ledger.ts";
import type { LedgerLimits } from "../../ledger/limits.ts";
import type { PairHasher } from "../../ledger/pair_hasher.ts";
import type { OperationCodeName } from "../../ledger/result_codes.ts";
import type {
  ExecutableBlock,
  ExecutionResult,
  GroupResult,
  ParsedTransaction,
  StateSnapshot,
  TransactionReceipt,
} from "../../types/application.ts";
import type { BuiltBlock } from "../../types/builder.ts";
import { asciiBytes, toHex } from "../../types/bytes.ts";
import { buildEnvelope, encodeContent } from "../../types/envelope.ts";
import type { Genesis, GenesisAsset, GenesisBalance } from "../../types/genesis.ts";
import { type AccountId, type ChainId, Epoch, Height, TimestampMs } from "../../types/ids.ts";
import { type KeyId, type OpenResult, SEALING_SIZES, SEALING_SUITES } from "../../types/sealing.ts";
import { buildTransaction, OPERATION_KINDS, type Operation, type OperationKind, type TransactionPayload } from "../../types/transaction.ts";
import type { Validator } from "../../types/validator_set.ts";
import { LedgerModel, type ModelSealed } from "../support/ledger_model.ts";

export const ZERO_ACCOUNT = "0".repeat(64) as AccountId;
export const FEE_ASSET = 7;
export const GENESIS_TIME_MS = 1_000_000;
export const FEE_PER_TRANSACTION = 10;
export const FEE_PER_OPERATION = 3;

/** A stable account id for a name. */
export const account = (name: string): AccountId => toHex<AccountId>(sha256(asciiBytes(name)));

export const ISSUER = account("issuer");
export const ALICE = account("alice");
export const BOB = account("bob");
export const CAROL = account("carol");
/** The account of the only validator. */
export const VALIDATOR_ACCOUNT = "11".repeat(32) as AccountId;

/** Small enough that tests reach every bound. */
export const TEST_LIMITS: LedgerLimits = {
  accountsMax: 10,
  assetsMax: 3,
  pendingsMax: 4,
  buildersMax: 2,
  resolvedPendingsMin: 1,
  expiriesPerBlockMax: 2,
};

const VALIDATOR: Validator = {
  blsPublicKey: new Uint8Array(48),
  blsPossession: new Uint8Array(96),
  sealingPublicKey: new Uint8Array(32),
  ed25519PublicKey: VALIDATOR_ACCOUNT,
  weight: 1,
};

export function testGenesis(
  overrides: {
    readonly assets?: readonly GenesisAsset[];
    readonly balances?: readonly GenesisBalance[];
    readonly application?: string;
    readonly builderBondMin?: bigint;
  } = {},
): Genesis {
  return {
    name: "ledger test",
    application: overrides.application ?? "ledger",
    timeMs: TimestampMs.of(GENESIS_TIME_MS),
    epoch: Epoch.ZERO,
    parameters: {
      deltaMsMin: 1,
      deltaMsMax: 2,
      heartbeatMs: 1,
      feeAsset: FEE_ASSET,
      feePerTransaction: FEE_PER_TRANSACTION,
      feePerOperation: FEE_PER_OPERATION,
      sealingSuite: 1,
      keygenWindowMs: 2_000,
      builderBondMin: overrides.builderBondMin ?? 0n,
    },
    validators: [VALIDATOR],
    assets: overrides.assets ?? [
      { asset: FEE_ASSET, decimals: 2, issuer: ISSUER },
      { asset: 9, decimals: 0, issuer: ISSUER },
    ],
    balances:
      overrides.balances ??
      [
        { account: ALICE, asset: FEE_ASSET, amount: 100_000n },
        { account: BOB, asset: FEE_ASSET, amount: 100_000n },
        { account: ISSUER, asset: 9, amount: 0n },
      ].filter((balance) => balance.amount > 0n),
  };
}

/** An operation of the named kind; fields not given are zero. */
export function operation(kind: OperationKind, fields: Partial<Operation> = {}): Operation {
  return { kind: OPERATION_KINDS[kind], flags: 0, index: 0, asset: 0, account: ZERO_ACCOUNT, amount: 0n, reference: 0, ...fields };
}

export const transfer = (to: AccountId, amount: bigint, fields: Partial<Operation> = {}): Operation =>
  operation("transfer", { asset: FEE_ASSET, account: to, amount, ...fields });

/** How a code of an operation comes about, with the smallest set-up. */
export interface OperationRow {
  readonly code: OperationCodeName;
  readonly when: string;
  /** Transactions that must succeed first, each a block. */
  readonly before?: readonly (readonly [AccountId, readonly Operation[]])[];
  readonly sender?: AccountId;
  /** The last one is judged; earlier ones of the same transaction may have any code. */
  readonly operations: readonly Operation[];
  readonly afterMs?: number;
  readonly limits?: Partial<typeof TEST_LIMITS>;
  /** The least bond is 1,000; left out: the chain takes no builders. */
  readonly takesBuilders?: boolean;
  /** Empty blocks between the set-up and the operations. */
  readonly idleBlocks?: number;
}

/** A sealed transaction as a test means it: fields not given suit the chain. */
export interface SealedPlan {
  readonly sender: AccountId;
  readonly content: readonly Operation[] | "badSeed" | "badBody" | "contentMalformed";
  readonly nonce?: number;
  readonly gasLimit?: number;
  readonly fee?: number;
  readonly expiryHeight?: Height;
  readonly chainId?: ChainId;
}

/** One that is ready for the lane: to the ledger as bytes and what they turned out to be, to the model as it was meant. */
export interface SealedCase {
  readonly bytes: Uint8Array;
  readonly transaction: ParsedTransaction;
  readonly opened: OpenResult;
  readonly model: ModelSealed;
}

/** Seals nothing: the ledger never looks inside. */
const CLEAR_SUITE = {
  suite: SEALING_SUITES.tdh2Ristretto255,
  seal: ({ message }: { readonly message: Uint8Array }): Uint8Array => new Uint8Array(message.length + SEALING_SIZES.overhead),
};
const KEY_ID = "5a".repeat(32) as KeyId;

/** A ledger and its model, fed with the same blocks. Nonces count up per sender unless a test chooses its own. */
export class LedgerWorld {
  readonly genesis: Genesis;
  readonly chainId: ChainId;
  readonly ledger: Ledger;
  readonly model: LedgerModel;
  readonly limits: LedgerLimits;
  readonly #nonces = new Map<string, number>();

  constructor(options: { readonly genesis?: Genesis; readonly limits?: LedgerLimits; readonly hasher?: PairHasher } = {}) {
    this.genesis = options.genesis ?? testGenesis();
    this.limits = options.limits ?? TEST_LIMITS;
    this.chainId = chainIdOf(this.genesis);
    this.ledger = createLedgerWithLimits({ genesis: this.genesis, chainId: this.chainId, hasher: options.hasher }, this.limits);
    this.model = new LedgerModel(this.genesis, this.chainId, this.limits);
  }

  payload(sender: AccountId, operations: readonly Operation[], overrides: Partial<TransactionPayload> = {}): TransactionPayload {
    const nonce = overrides.nonce ?? this.#nonces.get(sender) ?? 0;
    if (overrides.nonce === undefined) this.#nonces.set(sender, nonce + 1);
    return { chainId: this.chainId, sender, nonce, expiryHeight: Height.of(1_000), feeMax: 1_000_000n, operations, ...overrides };
  }

  parse(payload: TransactionPayload): ParsedTransaction {
    const parsed = this.ledger.parse(buildTransaction({ payload, sign: () => new Uint8Array(64) }));
    if (!parsed.ok) throw new Error(`test transaction does not parse: ${parsed.refusal.code}`);
    return parsed.transaction;
  }

  /** Sealed transactions share the nonces of their sender with open ones. */
  sealed(plan: SealedPlan): SealedCase {
    const { sender, content } = plan;
    const nonce = plan.nonce ?? this.#nonces.get(sender) ?? 0;
    if (plan.nonce === undefined) this.#nonces.set(sender, nonce + 1);
    const operations = typeof content === "string" ? [operation("transfer")] : content;
    const gasLimit = plan.gasLimit ?? operations.length;
    const fee = plan.fee ?? FEE_PER_TRANSACTION + FEE_PER_OPERATION * gasLimit;
    const { chainId = this.chainId, expiryHeight = Height.of(1_000) } = plan;
    const fields = { chainId, keyId: KEY_ID, sender, nonce, gasLimit, fee, expiryHeight };
    const message = encodeContent({ operations });
    const bytes = buildEnvelope({
      fields,
      content: message,
      suite: CLEAR_SUITE,
      publicKey: new Uint8Array(32),
      randomness: new Uint8Array(64),
      sign: () => new Uint8Array(64),
      sha256,
    });
    const parsed = this.ledger.parse(bytes);
    if (!parsed.ok) throw new Error(`test envelope does not parse: ${parsed.refusal.code}`);
    const { transaction } = parsed;
    const rubbish = message.fill(255, message.length - 1);
    const opened: OpenResult =
      content === "badSeed" || content === "badBody"
        ? { ok: false, reason: content }
        : { ok: true, message: content === "contentMalformed" ? rubbish : encodeContent({ operations }) };
    return { bytes, transaction, opened, model: { envelope: fields, content } };
  }

  /** Executes a block on both; `afterMs` is the block's time after the last one, `lane` its sealed lane, `built` who built it. */
  run(payloads: readonly TransactionPayload[], afterMs = 10, lane: readonly SealedCase[] = [], built?: BuiltBlock): RunResult {
    const block = this.block({ payloads, afterMs, lane, built });
    const { receipts, stateRoot } = this.ledger.execute(block);
    const { height, timeMs } = block;
    const expected = this.model.execute({ height, timeMs, payloads, sealed: lane.map(({ model }) => model), built });
    return { receipts, stateRoot, expected };
  }

  /** Executes a block with a bundle. The model takes what the ledger included for open transactions in front of the tail: whether the
   *  ledger chose well is for the test to judge. */
  runBundle(plan: BlockPlan & { readonly groups: readonly (readonly TransactionPayload[])[]; readonly built: BuiltBlock }): BundleRun {
    const block = this.block(plan);
    const result = this.ledger.execute(block);
    const included = plan.groups.filter((_, index) => result.bundle?.[index]?.isIncluded === true).flat();
    const payloads = [...included, ...(plan.payloads ?? [])];
    const { height, timeMs, built } = block;
    this.model.execute({ height, timeMs, payloads, sealed: (plan.lane ?? []).map(({ model }) => model), built });
    return { block, result, bundle: result.bundle ?? [] };
  }

  /** The next block, as the ledger takes it. */
  block({ payloads = [], afterMs = 10, lane = [], built, groups }: BlockPlan): ExecutableBlock {
    return {
      height: Height.next(this.ledger.height),
      timeMs: TimestampMs.of(this.model.timeMs + afterMs),
      transactions: [...lane.map(({ transaction }) => transaction), ...payloads.map((payload) => this.parse(payload))],
      opened: lane.map((each) => each.opened),
      built,
      bundle: groups?.map((group) => group.map((payload) => this.parse(payload))),
    };
  }

  /** Another ledger of this chain, in the state of the snapshot; other seeds of its indices. */
  twin(snapshot: StateSnapshot = this.ledger.snapshot()): Ledger {
    const indexSeed = new Uint8Array(32).fill(7);
    const twin = createLedgerWithLimits({ genesis: this.genesis, chainId: this.chainId, indexSeed }, this.limits);
    if (!twin.restore(snapshot)) throw new Error("the twin does not take the snapshot");
    return twin;
  }
}

/** A block as a test means it; what is left out is empty. */
export interface BlockPlan {
  readonly payloads?: readonly TransactionPayload[];
  readonly afterMs?: number;
  readonly lane?: readonly SealedCase[];
  readonly built?: BuiltBlock | undefined;
  readonly groups?: readonly (readonly TransactionPayload[])[];
}

export interface BundleRun {
  readonly block: ExecutableBlock;
  readonly result: ExecutionResult;
  readonly bundle: readonly GroupResult[];
}

export interface RunResult {
  readonly receipts: readonly TransactionReceipt[];
  readonly stateRoot: string;
  readonly expected: readonly { readonly code: number; readonly operationCodes: readonly number[] }[];
}
