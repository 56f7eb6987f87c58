/** The boundary between ordering and execution. Consensus fixes the order; an Application gives it meaning.
 *  Two implementations: the ledger, and the null application that orders opaque bytes. Everything here is deterministic. */

import type { Builder, BuiltBlock } from "./builder.ts";
import type { SealedEnvelope } from "./envelope.ts";
import type { AccountId, ChainId, Height, StateRoot, TimestampMs, TransactionHash } from "./ids.ts";
import type { SignedKeygenMessage } from "./keygen.ts";
import type { KeyId, OpenResult } from "./sealing.ts";

/** Kinds of transaction, by the first byte of their encoding: the version byte of the codec that reads the rest. */
export const TRANSACTION_KINDS = { open: 1, sealed: 2, keygen: 3 } as const;

/** A transaction as the ordering side sees it; its meaning stays with the application. */
export interface ParsedTransaction {
  readonly hash: TransactionHash;
  readonly bytes: Uint8Array;
  /** Who pays and whose nonce is used, hex; empty when the application has no senders. */
  readonly sender: string;
  readonly nonce: number;
  /** The last height at which it may be ordered. */
  readonly expiryHeight: Height;
  /** Number of operations inside, at least 1; of a sealed transaction, the most that it may hold. */
  readonly operationCount: number;
  /** Set when this is a sealed transaction: its clear part, with the sealed bytes. */
  readonly sealed?: SealedEnvelope | undefined;
  /** Set when this is a message of the key generation. */
  readonly keygen?: SignedKeygenMessage | undefined;
  /** Our share of it, where it was computed before it is needed. Not part of `bytes`. */
  readonly ownShare?: OwnShare | undefined;
}

/** This node's share of one sealed transaction under the key of this id. Nobody else may see it before the transaction's block may be
 *  opened (SL3), so it is never encoded or logged with the transaction. */
export interface OwnShare {
  readonly keyId: KeyId;
  readonly share: Uint8Array;
}

/** An Ed25519 check that must pass before a transaction is admitted; done on worker threads. */
export interface SignatureCheck {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** What the sealing suite must check before a sealed transaction is admitted; done on worker threads. `keyId` names the public key. */
export interface SealCheck {
  readonly keyId: KeyId;
  readonly label: Uint8Array;
  readonly sealed: Uint8Array;
}

/** A refusal that a user sees: a stable code, whether the same bytes may succeed later, and what to do. */
export interface Refusal {
  readonly code: string;
  readonly canRetry: boolean;
  readonly advice: string;
}

export type ParseResult =
  | {
      readonly ok: true;
      readonly transaction: ParsedTransaction;
      readonly signature: SignatureCheck | undefined;
      /** Beside the signature, when the transaction is sealed. */
      readonly seal?: SealCheck | undefined;
    }
  | { readonly ok: false; readonly refusal: Refusal };

export type CheckResult = { readonly ok: true } | { readonly ok: false; readonly refusal: Refusal };

/** A final block as the application executes it. Transactions have passed `parse` and their signature and seal checks.
 *  The sealed ones come first, in the order of the lane. */
export interface ExecutableBlock {
  readonly height: Height;
  readonly timeMs: TimestampMs;
  readonly transactions: readonly ParsedTransaction[];
  /** What each sealed transaction turned out to be, in the same order; as many as there are sealed ones. */
  readonly opened: readonly OpenResult[];
  /** Undefined: its proposer built the block itself. */
  readonly built?: BuiltBlock | undefined;
  /** The opened bundle: groups of open transactions that run between the sealed lane and the rest, in order, each all or none. They have
   *  passed `parse` and their signature checks. */
  readonly bundle?: readonly (readonly ParsedTransaction[])[] | undefined;
}

/** What happened to one transaction: `code` 0 is success; otherwise the application's result code of the transaction. */
export interface TransactionReceipt {
  readonly hash: TransactionHash;
  readonly code: number;
  /** One code per operation; empty when the transaction as a whole was refused, or has no readable content. */
  readonly operationCodes: readonly number[];
}

/** What became of one group of a bundle. A group that is not included leaves no trace in the state: no fee, no nonce, no receipt. */
export type GroupResult =
  | { readonly isIncluded: true; readonly receipts: readonly TransactionReceipt[] }
  /** `failed` is the receipt that the first transaction to fail would have had, `position` its place in the group. */
  | { readonly isIncluded: false; readonly failed: TransactionReceipt; readonly position: number };

export interface ExecutionResult {
  readonly stateRoot: StateRoot;
  /** One per transaction of the block, in its order; those of the bundle are in `bundle`. */
  readonly receipts: readonly TransactionReceipt[];
  /** One per group of the bundle; absent where the block has none. */
  readonly bundle?: readonly GroupResult[] | undefined;
  /** Builders whose record this block changed, each once, with what it was before; absent where there are none. */
  readonly builders?: readonly BuilderChange[] | undefined;
}

export interface BuilderChange {
  readonly account: AccountId;
  /** Undefined: it was no builder. */
  readonly before: Builder | undefined;
}

/** What groups would do if they ran now, one after the other. */
export interface Simulation {
  readonly height: Height;
  readonly timeMs: TimestampMs;
  /** Takes the fees, as the fee recipient of a builder does. */
  readonly payee: AccountId;
  /** Not all or none: each of its transactions stands or fails alone, as in the open part of a block. */
  readonly groups: readonly { readonly transactions: readonly ParsedTransaction[]; readonly isAllOrNone: boolean }[];
}

export interface SimulatedGroup {
  /** Of a group that is not all or none always included, with a receipt for each transaction. */
  readonly result: GroupResult;
  /** By how much the group would change what `payee` has available in the fee asset. */
  readonly gain: bigint;
}

/** State at one height in content-addressed chunks. `manifest` lists them; `root` is the state root that restoring must reach. */
export interface StateSnapshot {
  readonly height: Height;
  readonly root: StateRoot;
  readonly manifest: Uint8Array;
  readonly chunks: readonly Uint8Array[];
}

export interface Application {
  readonly name: string;
  readonly chainId: ChainId;
  /** Height of the last executed block; 0 is genesis. */
  readonly height: Height;
  readonly root: StateRoot;
  /** Does `parse` know sealed transactions? Where it does not, blocks have no sealed lane. */
  readonly takesSealed: boolean;
  /** Decodes without touching state. Never throws. */
  parse(bytes: Uint8Array): ParseResult;
  /** Would it be worth ordering now? Cheap; used at admission and again when a block is built. */
  check(transaction: ParsedTransaction): CheckResult;
  /** `check` for a sealed transaction whose sender has promised `reservedFees` to others that wait: can it pay for all of them?
   *  Present exactly when `takesSealed`. */
  checkSealed?: ((transaction: ParsedTransaction, reservedFees: bigint) => CheckResult) | undefined;
  /** The builder that this account is, after `height`. Absent: this chain takes no builders. */
  builderOf?: ((account: AccountId) => Builder | undefined) | undefined;
  /** Runs the groups on the state as it stands and takes everything back. Present exactly when `builderOf` is. */
  simulate?: ((simulation: Simulation) => readonly SimulatedGroup[]) | undefined;
  /** Executes the next height. Asserts that `block.height` follows `height`. */
  execute(block: ExecutableBlock): ExecutionResult;
  /** The name of a result code, for people and receipts. */
  describeCode(code: number): string;
  snapshot(): StateSnapshot;
  /** Replaces the whole state. Returns false and changes nothing when the chunks do not reach `snapshot.root`. */
  restore(snapshot: StateSnapshot): boolean;
}
