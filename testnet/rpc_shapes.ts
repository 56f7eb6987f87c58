/** What the testnet reads from a validator's RPC. An answer that lacks what is read here is reported as such, never guessed. */

import type { Histogram } from "./histogram.ts";
import { type RpcClient, RpcUnreachable } from "./rpc_client.ts";

export interface ValidatorStatus {
  readonly chainId: string;
  readonly view: number;
  readonly finalHeight: number;
  /** Other validators that it has a link with. */
  readonly linkedValidators: number;
  readonly isCatchingUp: boolean;
  /** Its state root differs from a certified one: it has stopped signing. */
  readonly hasDiverged: boolean;
  readonly waitingFor: string;
  readonly whyNotFinal: string | undefined;
  readonly finality: Histogram;
  /** Undefined on a chain without sealed transactions. */
  readonly sealing: SealingShape | undefined;
  /** From a bid's arrival to the proposal that uses it; undefined on a chain without builders. */
  readonly bidToProposal: Histogram | undefined;
  readonly memoryBytes: number;
  readonly cpuMs: number;
}

export interface SealingShape {
  /** Is there a key, with a certified header that names it? */
  readonly isKeyProven: boolean;
  /** How far the key is, for people. */
  readonly detail: string;
  /** Final blocks whose sealed transactions are not all open yet. */
  readonly unopened: readonly UnopenedBlock[];
  /** From arrival to a certain order, and from there to opened. */
  readonly finality: Histogram;
  readonly opening: Histogram;
}

export interface UnopenedBlock {
  readonly height: number;
  readonly sealedCount: number;
}

/** One final block in short. */
export interface BlockSummary {
  readonly height: number;
  readonly hash: string;
  /** Undefined until the validator has executed the block. */
  readonly stateRoot: string | undefined;
  /** Open transactions of users. */
  readonly transactionCount: number;
  readonly sealedCount: number;
  /** Sealed ones that paid and had no content that could run. */
  readonly sealedFailed: number;
  readonly view: number;
  /** The account that built all but the sealed lane, and what it paid; undefined: the proposer. */
  readonly builder: string | undefined;
  readonly paid: bigint;
  /** Transactions of the bundle that ran. */
  readonly bundleTransactions: number;
}

/** What a builder says of itself. */
export interface BuilderShape {
  readonly account: string;
  readonly isRegistered: boolean;
  /** Direct links with validators. */
  readonly links: number;
  readonly bids: number;
}

export const BLOCKS_PER_REQUEST_MAX = 1_000;

/** A validator answered with something that its RPC does not say. */
export class RpcMalformed extends Error {
  override readonly name = "RpcMalformed";
}

export async function fetchStatus(client: RpcClient, base: string, deadlineMs: number): Promise<ValidatorStatus> {
  const value = await fetchJson(client, base, "/v1/status", deadlineMs);
  const finality = record(value.finality, "finality");
  const why = value.whyNotFinal;
  return {
    chainId: text(value, "chainId"),
    view: number(value, "view"),
    finalHeight: number(value, "finalHeight"),
    linkedValidators: linkedIn(value.peers),
    isCatchingUp: value.isCatchingUp === true,
    hasDiverged: value.hasDiverged === true,
    waitingFor: text(value, "waitingFor"),
    whyNotFinal: typeof why === "string" ? why : undefined,
    finality: histogramOf(record(finality.histogram, "finality.histogram")),
    sealing: sealingOf(value.sealing),
    bidToProposal: bidToProposalOf(value.builders),
    memoryBytes: number(value, "memoryBytes"),
    cpuMs: number(value, "cpuMs"),
  };
}

/** Final blocks from `from` on, ascending, at most BLOCKS_PER_REQUEST_MAX; fewer when the validator has no more. */
export async function fetchBlocks(client: RpcClient, base: string, from: number, deadlineMs: number): Promise<BlockSummary[]> {
  const value = await fetchJson(client, base, `/v1/blocks?from=${from}&count=${BLOCKS_PER_REQUEST_MAX}`, deadlineMs);
  const blocks = value.blocks;
  if (!Array.isArray(blocks)) throw new RpcMalformed("/v1/blocks has no list of blocks");
  return blocks.map((block: unknown) => {
    const row = record(block, "block");
    const stateRoot = row.stateRoot;
    return {
      height: number(row, "height"),
      hash: text(row, "hash"),
      stateRoot: typeof stateRoot === "string" ? stateRoot : undefined,
      transactionCount: number(row, "transactionCount") - countIn(row, "sealedCount") - countIn(row, "keygenCount"),
      sealedCount: countIn(row, "sealedCount"),
      sealedFailed: countIn(row, "sealedFailed"),
      view: number(row, "view"),
      builder: typeof row.builder === "string" ? row.builder : undefined,
      paid: typeof row.paid === "string" ? BigInt(row.paid) : 0n,
      bundleTransactions: countIn(row, "bundleTransactions"),
    };
  });
}

export async function fetchBuilder(client: RpcClient, base: string, deadlineMs: number): Promise<BuilderShape> {
  const value = await fetchJson(client, base, "/v1/builder", deadlineMs);
  const isRegistered = typeof value.registered === "object" && value.registered !== null;
  return { account: text(value, "account"), isRegistered, links: number(value, "links"), bids: number(value, "bids") };
}

/** Hashes of the transactions of the final block at `height`, in order. */
export async function fetchHashes(client: RpcClient, base: string, height: number, deadlineMs: number): Promise<string[]> {
  const { transactions } = await fetchJson(client, base, `/v1/blocks/${height}`, deadlineMs);
  if (!Array.isArray(transactions)) throw new RpcMalformed(`/v1/blocks/${height} has no list of transactions`);
  return transactions.map(String);
}

async function fetchJson(client: RpcClient, base: string, path: string, deadlineMs: number): Promise<Record<string, unknown>> {
  const response = await client.get(base, path, deadlineMs);
  if (response.status !== 200) throw new RpcUnreachable(`GET ${path}: status ${response.status}: ${response.text.slice(0, 200)}`);
  try {
    return record(JSON.parse(response.text), path);
  } catch (cause) {
    if (cause instanceof RpcMalformed) throw cause;
    throw new RpcMalformed(`GET ${path} answered with something that is not JSON`, { cause });
  }
}

function sealingOf(value: unknown): SealingShape | undefined {
  if (value === undefined || value === null) return undefined;
  const sealing = record(value, "sealing");
  const { unopened } = sealing;
  if (!Array.isArray(unopened)) throw new RpcMalformed("sealing.unopened is not a list");
  const histogramIn = (name: string): Histogram => histogramOf(record(record(sealing[name], name).histogram, `sealing.${name}.histogram`));
  return {
    isKeyProven: sealing.isKeyProven === true,
    detail: text(sealing, "detail"),
    unopened: unopened.map((block: unknown) => {
      const row = record(block, "unopened");
      return { height: number(row, "height"), sealedCount: number(row, "positionCount") };
    }),
    finality: histogramIn("finality"),
    opening: histogramIn("opening"),
  };
}

function bidToProposalOf(value: unknown): Histogram | undefined {
  if (value === undefined || value === null) return undefined;
  return histogramOf(record(record(record(value, "builders").bidToProposal, "builders.bidToProposal").histogram, "histogram"));
}

/** Zero where a chain has none of it. */
function countIn(value: Record<string, unknown>, key: string): number {
  return value[key] === undefined ? 0 : number(value, key);
}

function linkedIn(peers: unknown): number {
  if (!Array.isArray(peers)) throw new RpcMalformed("peers is not a list");
  return peers.filter((peer: unknown) => typeof record(peer, "peer").validator === "number").length;
}

function histogramOf(value: Record<string, unknown>): Histogram {
  return { boundsMs: numbers(value, "boundsMs"), counts: numbers(value, "counts") };
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new RpcMalformed(`${name} is not an object`);
}

function number(value: Record<string, unknown>, key: string): number {
  const field = value[key];
  if (typeof field === "number" && Number.isFinite(field)) return field;
  throw new RpcMalformed(`${key} is not a number`);
}

function text(value: Record<string, unknown>, key: string): string {
  const field = value[key];
  if (typeof field === "string") return field;
  throw new RpcMalformed(`${key} is not a text`);
}

function numbers(value: Record<string, unknown>, key: string): number[] {
  const field = value[key];
  if (Array.isArray(field) && field.every((item) => typeof item === "number")) return field;
  throw new RpcMalformed(`${key} is not a list of numbers`);
}
