/** What a builder's node answers about bundles and about the builder, read by hand. Amounts are in the smallest unit of the fee asset.
 *  All of it is the word of that builder; that a bundle ran can be asked of any other node, by the hashes of its transactions. */

import type { BuilderEndpoint } from "../types/builder.ts";
import type { AccountId, BlockHash, BundleId, Height, TransactionHash } from "../types/ids.ts";
import { amountOf, hashOf, integerOf, type JsonObject, listOf, objectOf, signedAmountOf, textOf } from "./json.ts";

export type BundleStatus =
  /** Waits; `last` is what kept it out of the last block that it was considered for. */
  | { readonly type: "pending"; readonly last: NotIncludedReason | undefined }
  /** In a bid for the block of this height. */
  | { readonly type: "offered"; readonly height: Height; readonly sequence: number; readonly value: bigint }
  /** Final and executed: this group of the block's bundle, from 0. */
  | { readonly type: "included"; readonly height: Height; readonly blockHash: BlockHash; readonly group: number }
  /** Over: it cannot be included any more. */
  | { readonly type: "notIncluded"; readonly reason: NotIncludedReason };

/** Why a bundle is not, or not yet, in a block; README.md says what to do. `message`: the builder's sentence. */
export type NotIncludedReason = ReasonDetails & { readonly message: string };

export type ReasonDetails =
  | { readonly type: "expired" | "noRoom" | "cannotSeal" | "unfit" | "evicted" }
  | ({ readonly type: "simulationFailed" } & TransactionFailure)
  | ({ readonly type: "executionFailed"; readonly height: Height } & TransactionFailure)
  | { readonly type: "tipNotPaid"; readonly declared: bigint; readonly measured: bigint }
  | { readonly type: "lostAuction" | "unopened"; readonly height: Height }
  | { readonly type: "conflict"; readonly with: BundleRival }
  | { readonly type: "orderedApart"; readonly height: Height; readonly transaction: TransactionHash }
  /** A reason that this version does not know, by the builder's name for it. */
  | { readonly type: "other"; readonly name: string };

/** `position`: of the transaction in the bundle. `code`: its result code. `operations`: the first with each code that is none of success,
 *  a few of them. */
export interface TransactionFailure {
  readonly position: number;
  readonly code: number;
  readonly codeName: string;
  readonly operations: readonly { readonly index: number; readonly code: number; readonly codeName: string }[];
}

export type BundleRival =
  | { readonly type: "bundle"; readonly id: BundleId }
  | { readonly type: "transaction"; readonly hash: TransactionHash };

export interface RegisteredBuilder {
  /** The most that its bids may promise together. */
  readonly bond: bigint;
  /** Takes the fees and the tips of its bundles. */
  readonly feeRecipient: AccountId;
  readonly endpoint: BuilderEndpoint | undefined;
  /** May it build the next blocks? */
  readonly isActive: boolean;
}

/** `type`: active, catchingUp, notRegistered, unbonding, bondTooLow, boxed, noFeeRecipient or notLinked, as far as this version knows.
 *  `message`: the builder's sentence. */
export interface BuilderReason {
  readonly type: string;
  readonly message: string;
  /** Of an unbonding one: where it began, and the first height that may give the bond back. */
  readonly unbondingHeight: Height | undefined;
  readonly withdrawableAt: Height | undefined;
  /** Of a boxed one: it builds again above this height. */
  readonly until: Height | undefined;
}

export interface BuilderAnswer {
  readonly account: AccountId;
  /** Why it builds, or does not; undefined where it does not say. */
  readonly reason: BuilderReason | undefined;
  /** Undefined: it is no builder yet, or no longer, and nothing that it is given comes into a block. */
  readonly registered: RegisteredBuilder | undefined;
  readonly strategy: string;
  /** Validators that take its bids now. */
  readonly links: number;
  /** Since its start: bids made, bids sent again to another leader, and final blocks that it bid for, built by it and by others. */
  readonly bids: number;
  readonly resent: number;
  readonly wins: number;
  readonly losses: number;
  /** Bundles of it that could not be read when they were opened. */
  readonly failed: number;
  /** Bids whose blocks are not final. */
  readonly open: number;
  /** For its final blocks, together. */
  readonly paid: bigint;
  /** That wait. */
  readonly bundles: { readonly count: number; readonly bytes: number };
}

export function acceptedBundleOf(json: unknown): BundleId | undefined {
  return hashOf<BundleId>(objectOf(json)?.id);
}

/** Of the bundle with this id only. */
export function bundleStatusOf(json: unknown, id: BundleId): BundleStatus | undefined {
  const answer = objectOf(json);
  if (answer === undefined || answer.id !== id) return undefined;
  const height = heightOf(answer.height);
  switch (answer.status) {
    case "pending": {
      const last = reasonOf(answer.last);
      return answer.last !== undefined && last === undefined ? undefined : { type: "pending", last };
    }
    case "offered": {
      const sequence = integerOf(answer.sequence);
      const value = amountOf(answer.value);
      if (height === undefined || sequence === undefined || value === undefined) return undefined;
      return { type: "offered", height, sequence, value };
    }
    case "included": {
      const blockHash = hashOf<BlockHash>(answer.blockHash);
      const group = integerOf(answer.group);
      if (height === undefined || blockHash === undefined || group === undefined) return undefined;
      return { type: "included", height, blockHash, group };
    }
    case "notIncluded": {
      const reason = reasonOf(answer.reason);
      return reason === undefined ? undefined : { type: "notIncluded", reason };
    }
    default:
      return undefined;
  }
}

export function builderOf(json: unknown): BuilderAnswer | undefined {
  const answer = objectOf(json);
  const account = hashOf<AccountId>(answer?.account);
  const strategy = textOf(answer?.strategy);
  const paid = amountOf(answer?.paid);
  const held = objectOf(answer?.bundles);
  const registered = answer?.registered === null ? "not" : registeredOf(answer?.registered);
  if (answer === undefined || account === undefined || strategy === undefined || paid === undefined) return undefined;
  if (registered === undefined) return undefined;
  // NaN marks what is missing, so that one look at all numbers is enough.
  const count = (value: unknown): number => integerOf(value) ?? Number.NaN;
  const { links, bids, resent, wins, losses, failed, open } = answer;
  const bundles = { count: count(held?.count), bytes: count(held?.bytes) };
  const counts = {
    ...{ links: count(links), bids: count(bids), resent: count(resent), wins: count(wins), losses: count(losses) },
    ...{ failed: count(failed), open: count(open) },
  };
  if ([...Object.values(counts), ...Object.values(bundles)].some(Number.isNaN)) return undefined;
  const reason = builderReasonOf(answer.reason);
  return { account, reason, registered: registered === "not" ? undefined : registered, strategy, ...counts, paid, bundles };
}

function builderReasonOf(value: unknown): BuilderReason | undefined {
  const json = objectOf(value);
  const [type, message] = [textOf(json?.type), textOf(json?.message)];
  if (json === undefined || type === undefined || message === undefined) return undefined;
  const { unbondingHeight, withdrawableAt, until } = json;
  return { type, message, unbondingHeight: heightOf(unbondingHeight), withdrawableAt: heightOf(withdrawableAt), until: heightOf(until) };
}

const heightOf = (value: unknown): Height | undefined => integerOf(value) as Height | undefined;

function registeredOf(value: unknown): RegisteredBuilder | undefined {
  const json = objectOf(value);
  const bond = amountOf(json?.bond);
  const feeRecipient = hashOf<AccountId>(json?.feeRecipient);
  const isActive = json?.isActive;
  const endpoint = json?.endpoint === null ? "none" : endpointOf(json?.endpoint);
  if (bond === undefined || feeRecipient === undefined || endpoint === undefined || typeof isActive !== "boolean") return undefined;
  return { bond, feeRecipient, endpoint: endpoint === "none" ? undefined : endpoint, isActive };
}

const PORT_MAX = 65_535;

function endpointOf(value: unknown): BuilderEndpoint | undefined {
  const json = objectOf(value);
  const address = textOf(json?.address);
  const port = integerOf(json?.port);
  if (address === undefined || port === undefined || port < 1 || port > PORT_MAX) return undefined;
  return isIpv4(address) ? { address, port } : undefined;
}

/** Dotted decimal, as the chain's four bytes are written. */
function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255);
}

function reasonOf(value: unknown): NotIncludedReason | undefined {
  const json = objectOf(value);
  const message = textOf(json?.message);
  const details = json === undefined ? undefined : detailsOf(json);
  return details === undefined || message === undefined ? undefined : { ...details, message };
}

function detailsOf(json: JsonObject): ReasonDetails | undefined {
  const name = textOf(json.type);
  if (name === undefined) return undefined;
  switch (name) {
    case "expired":
    case "noRoom":
    case "cannotSeal":
    case "unfit":
    case "evicted":
      return { type: name };
    case "simulationFailed":
    case "executionFailed":
      return failureOf(name, json);
    case "tipNotPaid": {
      const declared = amountOf(json.declared);
      const measured = signedAmountOf(json.measured);
      return declared === undefined || measured === undefined ? undefined : { type: name, declared, measured };
    }
    case "conflict": {
      const rival = rivalOf(objectOf(json.with));
      return rival === undefined ? undefined : { type: name, with: rival };
    }
    case "lostAuction":
    case "unopened": {
      const height = heightOf(json.height);
      return height === undefined ? undefined : { type: name, height };
    }
    case "orderedApart": {
      const height = heightOf(json.height);
      const transaction = hashOf<TransactionHash>(json.transaction);
      return height === undefined || transaction === undefined ? undefined : { type: name, height, transaction };
    }
    default:
      return { type: "other", name };
  }
}

function failureOf(type: "simulationFailed" | "executionFailed", json: JsonObject): ReasonDetails | undefined {
  const position = integerOf(json.position);
  const code = integerOf(json.code);
  const codeName = textOf(json.codeName);
  const operations = listOf(json.operations, operationFailureOf, OPERATION_FAILURES_MAX);
  if (position === undefined || code === undefined || codeName === undefined || operations === undefined) return undefined;
  const failure = { position, code, codeName, operations };
  if (type === "simulationFailed") return { type, ...failure };
  const height = heightOf(json.height);
  return height === undefined ? undefined : { type, height, ...failure };
}

const OPERATION_FAILURES_MAX = 1_024;

function operationFailureOf(value: unknown): TransactionFailure["operations"][number] | undefined {
  const json = objectOf(value);
  const [index, code, codeName] = [integerOf(json?.index), integerOf(json?.code), textOf(json?.codeName)];
  return index === undefined || code === undefined || codeName === undefined ? undefined : { index, code, codeName };
}

function rivalOf(json: JsonObject | undefined): BundleRival | undefined {
  if (json?.type === "bundle") {
    const id = hashOf<BundleId>(json.id);
    return id === undefined ? undefined : { type: "bundle", id };
  }
  const hash = json?.type === "transaction" ? hashOf<TransactionHash>(json.hash) : undefined;
  return hash === undefined ? undefined : { type: "transaction", hash };
}
