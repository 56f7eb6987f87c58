/** The answers of a node as types, read by hand. Tolerant: what this version does not know is ignored, and what is missing is
 *  undefined where one can live without it. */

import type { Refusal } from "../types/application.ts";
import type { AccountId, ChainId, Height, TransactionHash } from "../types/ids.ts";
import { VALIDATORS_MAX } from "../types/limits.ts";
import { type KeyId, SEALING_SIZES, type SealingKey } from "../types/sealing.ts";
import { amountOf, bytesOf, hashOf, integerOf, type JsonObject, listOf, objectOf, signedAmountOf, textOf } from "./json.ts";

export type SubmitOutcome =
  | { readonly type: "accepted"; readonly hash: TransactionHash }
  | { readonly type: "refused"; readonly hash: TransactionHash | undefined; readonly refusal: Refusal };

/** Where in its block a transaction stands, and who built that block. */
export interface LanePlace {
  /** sealed: nobody could read it before its place was final, and no builder had a say. bundle: in a group of the builder's bundle.
   *  open: behind both. */
  readonly lane: "sealed" | "bundle" | "open";
  /** In the lane, from 0. */
  readonly position: number;
  /** Built everything but the sealed lane; undefined: the proposer did. */
  readonly builder: AccountId | undefined;
  /** What the builder paid the proposer for the whole block, in the smallest unit of the fee asset; 0 without one. */
  readonly paid: bigint;
}

export interface ExecutedStatus extends LanePlace {
  readonly type: "executed";
  readonly height: Height;
  /** 0: success; see `codeName` for others. */
  readonly code: number;
  readonly codeName: string;
  /** One for each operation; empty when none ran. */
  readonly operationCodes: readonly number[];
  /** One for each of them. */
  readonly operationCodeNames: readonly string[];
}

/** unknown: this node has never seen it, or has forgotten it; `dropped` says why it left the pool. ordered: its place is final;
 *  a sealed one may still be closed. */
export type TransactionStatus =
  | { readonly type: "unknown"; readonly dropped: Refusal | undefined }
  | { readonly type: "pending" }
  | { readonly type: "ordered"; readonly height: Height }
  | ExecutedStatus;

/** A sealing key as a node shows it, with what proves it; nothing of it is to be believed before `verifyKeyProof`. */
export interface KeyProof {
  readonly key: SealingKey;
  readonly suite: number;
  readonly activationHeight: Height;
  /** Encoded header that names the key, and encoded commit certificate over that header. */
  readonly header: Uint8Array;
  readonly certificate: Uint8Array;
}

export type SealingAnswer = { readonly type: "live"; readonly proof: KeyProof } | { readonly type: "generating"; readonly detail: string };

export interface NodeStatus {
  readonly chainId: ChainId;
  readonly finalHeight: Height;
  readonly executedHeight: Height;
  /** What it says of its place in the chain; undefined where it does not. */
  readonly isCatchingUp: boolean | undefined;
  readonly isValidator: boolean | undefined;
  /** With a link that works, and the highest final height that one of them has told. */
  readonly peers: { readonly count: number; readonly finalHeightMax: Height } | undefined;
}

/** As the node says; an account's proof against a certified root is not looked at. */
export interface AccountStatus {
  readonly account: AccountId;
  readonly asset: number;
  /** Undefined: the account is not open in this asset. Negative when an issuer overdrew it. */
  readonly available: bigint | undefined;
  /** The lowest nonce that may be unused, and the used ones above it; undefined unless `asset` is the fee asset. */
  readonly nonces: { readonly base: number; readonly used: readonly number[] } | undefined;
  /** none: the account is no builder. Undefined: the node does not say. */
  readonly builder: AccountBuilder | "none" | undefined;
}

export interface AccountBuilder {
  readonly bond: bigint;
  readonly feeRecipient: AccountId;
  /** Where it unbonded; undefined: it stays. */
  readonly unbondingHeight: Height | undefined;
}

/** Bounds of what is read: a header or a certificate, the operations of a transaction, a nonce window, a batch, a node's peers. */
const ENCODING_BYTES_MAX = 4_096;
const OPERATIONS_MAX = 4_096;
const NONCES_MAX = 4_096;
const BATCH_MAX = 65_536;
const PEERS_MAX = 65_536;

export function acceptedOf(json: unknown): TransactionHash | undefined {
  return hashOf<TransactionHash>(objectOf(json)?.hash);
}

export function outcomesOf(json: unknown): readonly SubmitOutcome[] | undefined {
  return listOf(objectOf(json)?.results, outcomeOf, BATCH_MAX);
}

export function transactionStatusOf(json: unknown): TransactionStatus | undefined {
  const answer = objectOf(json);
  switch (answer?.status) {
    case "unknown":
      return { type: "unknown", dropped: refusalFrom(objectOf(answer.dropped)) };
    case "pending":
      return { type: "pending" };
    case "ordered":
    case "final":
    case "executed":
      return placedStatusOf(answer);
    default:
      return undefined;
  }
}

export function sealingOf(json: unknown): SealingAnswer | undefined {
  const answer = objectOf(json);
  if (answer === undefined) return undefined;
  if (answer.status === "generating") return { type: "generating", detail: textOf(answer.detail) ?? "" };
  const point = (value: unknown): Uint8Array | undefined => bytesOf(value, SEALING_SIZES.point);
  const keyId = hashOf<KeyId>(answer.keyId);
  const threshold = integerOf(answer.threshold);
  const publicKey = point(answer.publicKey);
  const shareKeys = listOf(answer.shareKeys, point, VALIDATORS_MAX);
  if (keyId === undefined || threshold === undefined || publicKey === undefined || shareKeys === undefined) return undefined;
  const suite = integerOf(answer.suite);
  const activationHeight = integerOf(answer.activationHeight) as Height | undefined;
  const header = bytesOf(answer.header, ENCODING_BYTES_MAX);
  const certificate = bytesOf(answer.certificate, ENCODING_BYTES_MAX);
  if (suite === undefined || activationHeight === undefined || header === undefined || certificate === undefined) return undefined;
  return { type: "live", proof: { key: { keyId, threshold, publicKey, shareKeys }, suite, activationHeight, header, certificate } };
}

export function nodeStatusOf(json: unknown): NodeStatus | undefined {
  const answer = objectOf(json);
  const chainId = hashOf<ChainId>(answer?.chainId);
  const finalHeight = integerOf(answer?.finalHeight) as Height | undefined;
  const executedHeight = integerOf(answer?.executedHeight) as Height | undefined;
  if (answer === undefined || chainId === undefined || finalHeight === undefined || executedHeight === undefined) return undefined;
  const isCatchingUp = typeof answer.isCatchingUp === "boolean" ? answer.isCatchingUp : undefined;
  const isValidator = answer.validator === undefined ? undefined : answer.validator !== null;
  return { chainId, finalHeight, executedHeight, isCatchingUp, isValidator, peers: peersOf(answer.peers) };
}

function peersOf(value: unknown): NodeStatus["peers"] {
  const linked = listOf(value, objectOf, PEERS_MAX)?.filter(({ isLinked }) => isLinked === true);
  if (linked === undefined) return undefined;
  const heights = linked.map(({ status }) => integerOf(objectOf(status)?.finalHeight) ?? 0);
  return { count: linked.length, finalHeightMax: heights.reduce((highest, each) => Math.max(highest, each), 0) as Height };
}

export function accountStatusOf(json: unknown): AccountStatus | undefined {
  const answer = objectOf(json);
  const account = hashOf<AccountId>(answer?.account);
  const asset = integerOf(answer?.asset);
  if (answer === undefined || account === undefined || asset === undefined) return undefined;
  const record = objectOf(answer.record);
  const available = record === undefined ? undefined : signedAmountOf(record.available);
  const nonces = objectOf(answer.nonces);
  const base = integerOf(nonces?.base);
  const used = listOf(nonces?.used, integerOf, NONCES_MAX);
  const builder = answer.builder === null ? "none" : accountBuilderOf(answer.builder);
  return { account, asset, available, nonces: base === undefined || used === undefined ? undefined : { base, used }, builder };
}

function accountBuilderOf(value: unknown): AccountBuilder | undefined {
  const json = objectOf(value);
  const [bond, feeRecipient] = [amountOf(json?.bond), hashOf<AccountId>(json?.feeRecipient)];
  if (bond === undefined || feeRecipient === undefined) return undefined;
  return { bond, feeRecipient, unbondingHeight: integerOf(json?.unbondingHeight) as Height | undefined };
}

function outcomeOf(item: unknown): SubmitOutcome | undefined {
  const answer = objectOf(item);
  const hash = hashOf<TransactionHash>(answer?.hash);
  if (answer?.status === "accepted") return hash === undefined ? undefined : { type: "accepted", hash };
  const refusal = refusalFrom(answer);
  return refusal === undefined ? undefined : { type: "refused", hash, refusal };
}

/** Without a code the transaction has its place and no result yet. */
function placedStatusOf(answer: JsonObject): TransactionStatus | undefined {
  const height = integerOf(answer.height) as Height | undefined;
  if (height === undefined) return undefined;
  const code = integerOf(answer.code);
  if (code === undefined) return answer.status === "executed" ? undefined : { type: "ordered", height };
  const place = placeOf(answer);
  if (place === undefined) return undefined;
  const operationCodes = listOf(answer.operationCodes, integerOf, OPERATIONS_MAX) ?? [];
  const names = listOf(answer.operationCodeNames, textOf, OPERATIONS_MAX);
  const operationCodeNames = operationCodes.map((each, index) => names?.[index] ?? `code ${each}`);
  const codeName = textOf(answer.codeName) ?? `code ${code}`;
  return { type: "executed", height, code, codeName, operationCodes, operationCodeNames, ...place };
}

function placeOf({ lane, position: at, builder: named, paid: amount }: JsonObject): LanePlace | undefined {
  if (lane !== "sealed" && lane !== "bundle" && lane !== "open") return undefined;
  const position = integerOf(at);
  const builder = hashOf<AccountId>(named);
  const paid = amountOf(amount);
  if (position === undefined || paid === undefined || (builder === undefined && named !== null)) return undefined;
  // Only a builder brings a bundle, and only a builder pays.
  const isOfBuilder = lane === "bundle" || paid > 0n;
  return isOfBuilder && builder === undefined ? undefined : { lane, position, builder, paid };
}

function refusalFrom(answer: JsonObject | undefined): Refusal | undefined {
  const code = textOf(answer?.code);
  if (code === undefined) return undefined;
  return { code, canRetry: answer?.canRetry === true, advice: textOf(answer?.advice) ?? "" };
}
