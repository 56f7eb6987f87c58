/** The boundary between ordering and execution. Consensus fixes the order; an Application gives it meaning.
 *  Two implementations: the ledger, and the null application that orders opaque bytes. Everything here is deterministic. */

import type { ChainId, Height, StateRoot, TimestampMs, TransactionHash } from "./ids.ts";

/** A transaction as the ordering side sees it; its meaning stays with the application. */
export interface ParsedTransaction {
  readonly hash: TransactionHash;
  readonly bytes: Uint8Array;
  /** Who pays and whose nonce is used, hex; empty when the application has no senders. */
  readonly sender: string;
  readonly nonce: number;
  /** The last height at which it may be ordered. */
  readonly expiryHeight: Height;
  /** Number of operations inside, at least 1. */
  readonly operationCount: number;
}

/** An Ed25519 check that must pass before a transaction is admitted; done on worker threads. */
export interface SignatureCheck {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** A refusal that a user sees: a stable code, whether the same bytes may succeed later, and what to do. */
export interface Refusal {
  readonly code: string;
  readonly canRetry: boolean;
  readonly advice: string;
}

export type ParseResult =
  | { readonly ok: true; readonly transaction: ParsedTransaction; readonly signature: SignatureCheck | undefined }
  | { readonly ok: false; readonly refusal: Refusal };

export type CheckResult = { readonly ok: true } | { readonly ok: false; readonly refusal: Refusal };

/** A final block as the application executes it. Transactions have passed `parse` and their signature check. */
export interface ExecutableBlock {
  readonly height: Height;
  readonly timeMs: TimestampMs;
  readonly transactions: readonly ParsedTransaction[];
}

/** What happened to one transaction: `code` 0 is success; otherwise the application's result code of the transaction. */
export interface TransactionReceipt {
  readonly hash: TransactionHash;
  readonly code: number;
  /** One code per operation; empty when the transaction as a whole was refused. */
  readonly operationCodes: readonly number[];
}

export interface ExecutionResult {
  readonly stateRoot: StateRoot;
  readonly receipts: readonly TransactionReceipt[];
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
  /** Decodes without touching state. Never throws. */
  parse(bytes: Uint8Array): ParseResult;
  /** Would it be worth ordering now? Cheap; used at admission and again when a block is built. */
  check(transaction: ParsedTransaction): CheckResult;
  /** Executes the next height. Asserts that `block.height` follows `height`. */
  execute(block: ExecutableBlock): ExecutionResult;
  /** The name of a result code, for people and receipts. */
  describeCode(code: number): string;
  snapshot(): StateSnapshot;
  /** Replaces the whole state. Returns false and changes nothing when the chunks do not reach `snapshot.root`. */
  restore(snapshot: StateSnapshot): boolean;
}
