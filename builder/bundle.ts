/** A searcher's bundle: transactions that run in this order, all or none, at one of some heights, for a tip. What it is, how it is named, what can be
 *  wrong with it, and what may become of it. Private until it is in a final block. */

import { bundleIdOf } from "../crypto/bundle_id.ts";
import type { GroupResult, ParsedTransaction, Refusal } from "../types/application.ts";
import { bundleMessageBytes } from "../types/bid.ts";
import { messageBytesOf, SEALED_SIZE_CLASS_MAX } from "../types/envelope.ts";
import type { BlockHash, BundleId, Height, TransactionHash } from "../types/ids.ts";

export type { BundleId } from "../types/ids.ts";

/** What a searcher submits. Its transactions have been parsed and their signatures checked. */
export interface BundleContents {
  /** Heights of the blocks that it may stand in, both included. */
  readonly from: Height;
  readonly to: Height;
  /** The least that it must bring the builder's fee recipient, fees and transfers together, in the smallest unit of the fee asset. Below 2^128. */
  readonly tip: bigint;
  readonly transactions: readonly ParsedTransaction[];
}

export interface Bundle extends BundleContents {
  readonly id: BundleId;
  /** What the searcher is counted by: the sender of the first transaction, whose signature was checked. */
  readonly searcher: string;
  /** The last height at which all of it can still be ordered: `to`, or where the first of its transactions expires. */
  readonly lastHeight: Height;
  /** Sum of the encoded transactions, in bytes. */
  readonly bytes: number;
}

/** A bundle with what it is worth as far as is known. */
export interface CandidateBundle extends Bundle {
  readonly worth: bigint;
}

/** Why a bundle is not, or not yet, in a block. */
export type NotIncludedReason =
  /** Its last height has passed, and nothing else is known to have kept it out. */
  | { readonly type: "expired" }
  /** On the last executed state a transaction of it fails. */
  | ({ readonly type: "simulationFailed" } & TransactionFailure)
  /** The same when the final block was executed: it stood in the block and left no trace. */
  | ({ readonly type: "executionFailed"; readonly height: Height } & TransactionFailure)
  /** It brings the builder less than it says. */
  | { readonly type: "tipNotPaid"; readonly declared: bigint; readonly measured: bigint }
  /** Others paid better for the room there is. */
  | { readonly type: "noRoom" }
  /** There was no sealing key to hide it under, or too many blocks waited to be opened. */
  | { readonly type: "cannotSeal" }
  /** It was bid with, and somebody else built the block of that height. */
  | { readonly type: "lostAuction"; readonly height: Height }
  /** A nonce of it went to another bundle, or to a transaction that is public. */
  | { readonly type: "conflict"; readonly with: Rival }
  /** The block has it, but one of its transactions is not an open one of this chain, well signed. */
  | { readonly type: "unfit" }
  /** The block has it, but what it was sealed in did not open. */
  | { readonly type: "unopened"; readonly height: Height }
  /** One of its transactions was ordered without the others. */
  | { readonly type: "orderedApart"; readonly height: Height; readonly transaction: TransactionHash }
  /** The pool was full and others are worth more. */
  | { readonly type: "evicted" };

/** Which transaction of a bundle failed: its place in the bundle, and the application's result code. */
export interface TransactionFailure {
  readonly position: number;
  readonly code: number;
  /** Of its operations the first with each code that is none of success, at most OPERATION_FAILURES_MAX; empty where none ran. */
  readonly operations: readonly OperationFailure[];
}

export interface OperationFailure {
  readonly index: number;
  readonly code: number;
}

export type Rival = { readonly type: "bundle"; readonly id: BundleId } | { readonly type: "transaction"; readonly hash: TransactionHash };

export type BundleStatus =
  /** Waits; `last` is what kept it out of the last block that it was considered for. */
  | { readonly type: "pending"; readonly last: NotIncludedReason | undefined }
  /** In a bid for the block of this height. */
  | { readonly type: "offered"; readonly height: Height; readonly sequence: number; readonly value: bigint }
  /** Final and executed: this group of the block's bundle, from 0. */
  | { readonly type: "included"; readonly height: Height; readonly blockHash: BlockHash; readonly group: number }
  /** Over: it cannot be included any more. */
  | { readonly type: "notIncluded"; readonly reason: NotIncludedReason };

export type BundleRefusalCode =
  | "duplicate"
  | "finished"
  | "empty"
  | "tooManyTransactions"
  | "oversize"
  | "notOpen"
  | "nonceOrder"
  | "tipOutOfRange"
  | "rangeEmpty"
  | "expired"
  | "tooFar"
  | "searcherLimit"
  | "poolFull";

export const BUNDLE_REFUSALS: Readonly<Record<BundleRefusalCode, Refusal>> = {
  duplicate: { code: "duplicate", canRetry: false, advice: "This bundle is already waiting. Nothing to do: ask for its status by its id." },
  finished: {
    code: "finished",
    canRetry: false,
    advice: "This bundle was included, or cannot be any more. Ask for its status by its id; change its heights to send it again.",
  },
  empty: { code: "empty", canRetry: false, advice: "A bundle holds at least one transaction." },
  tooManyTransactions: {
    code: "tooManyTransactions",
    canRetry: false,
    advice: "The bundle holds more transactions than this builder takes. Split it.",
  },
  oversize: { code: "oversize", canRetry: false, advice: "The bundle does not fit into the largest sealed bundle. Split it." },
  notOpen: {
    code: "notOpen",
    canRetry: false,
    advice: "A bundle holds open transactions only. Leave out sealed ones and messages of the key generation.",
  },
  nonceOrder: {
    code: "nonceOrder",
    canRetry: false,
    advice: "Transactions of one sender must stand in the order of their nonces, each nonce once.",
  },
  tipOutOfRange: { code: "tipOutOfRange", canRetry: false, advice: "The tip is zero or more and below 2^128." },
  rangeEmpty: {
    code: "rangeEmpty",
    canRetry: false,
    advice: "The last height is below the first, or a transaction expires before the first. Choose other heights.",
  },
  expired: { code: "expired", canRetry: false, advice: "The last height has passed. Send the bundle for later heights." },
  tooFar: {
    code: "tooFar",
    canRetry: false,
    advice: "The last height is too far ahead for this builder. Choose a nearer one.",
  },
  searcherLimit: {
    code: "searcherLimit",
    canRetry: true,
    advice: "Too many bundles of this searcher wait that pay as much. Raise the tip, or send it again when some of them are done.",
  },
  poolFull: {
    code: "poolFull",
    canRetry: true,
    advice: "This builder has no room for a bundle with this tip. Raise the tip, or send it again later.",
  },
};

/** The bundle with its id, or what is wrong with it whatever the state is. */
export function readBundle(
  contents: BundleContents,
  limits: { readonly transactionsMax: number },
): { readonly ok: true; readonly bundle: Bundle } | { readonly ok: false; readonly refusal: Refusal } {
  const fault = faultOf(contents, limits.transactionsMax);
  if (fault !== undefined) return { ok: false, refusal: BUNDLE_REFUSALS[fault] };
  const { from, to, tip, transactions } = contents;
  let lastHeight = to;
  let bytes = 0;
  for (const { expiryHeight, bytes: encoded } of transactions) {
    if (expiryHeight < lastHeight) lastHeight = expiryHeight;
    bytes += encoded.length;
  }
  if (lastHeight < from) return { ok: false, refusal: BUNDLE_REFUSALS.rangeEmpty };
  const hashes = transactions.map(({ hash }) => hash);
  const searcher = transactions[0]?.sender ?? "";
  return { ok: true, bundle: { from, to, tip, transactions, id: bundleIdOf({ from, to, tip, hashes }), searcher, lastHeight, bytes } };
}

/** A few codes say why; a transaction may have a thousand operations. */
const OPERATION_FAILURES_MAX = 4;

export function failureOf({ position, failed }: Extract<GroupResult, { readonly isIncluded: false }>): TransactionFailure {
  const operations: OperationFailure[] = [];
  for (const [index, code] of failed.operationCodes.entries()) {
    if (operations.length === OPERATION_FAILURES_MAX) break;
    if (code !== 0 && operations.every((each) => each.code !== code)) operations.push({ index, code });
  }
  return { position, code: failed.code, operations };
}

/** Who uses which nonce: two transactions with the same key cannot both be charged. Without senders, the hash. */
export const nonceKeyOf = ({ sender, nonce, hash }: ParsedTransaction): string => (sender === "" ? hash : `${sender}/${nonce}`);

function faultOf({ from, to, tip, transactions }: BundleContents, transactionsMax: number): BundleRefusalCode | undefined {
  if (transactions.length === 0) return "empty";
  if (transactions.length > transactionsMax) return "tooManyTransactions";
  if (tip < 0n || tip >= 2n ** 128n) return "tipOutOfRange";
  if (to < from) return "rangeEmpty";
  if (bundleMessageBytes([transactions.map(({ bytes }) => bytes)]) > messageBytesOf(SEALED_SIZE_CLASS_MAX)) return "oversize";
  const lastNonces = new Map<string, number>();
  for (const transaction of transactions) {
    if (transaction.sealed !== undefined || transaction.keygen !== undefined) return "notOpen";
    const key = transaction.sender === "" ? transaction.hash : transaction.sender;
    if (transaction.nonce <= (lastNonces.get(key) ?? -1)) return "nonceOrder";
    lastNonces.set(key, transaction.nonce);
  }
  return undefined;
}
