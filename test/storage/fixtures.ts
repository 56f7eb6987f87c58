/** A small chain for storage tests: blocks with made-up hashes and signatures (storage never checks them), and the saves
 *  that a validator would make on the way. Everything is a function of its numbers. */

import { createHash } from "node:crypto";
import type { Durable, FinalityEntry, OperationEntry, ReplicaSnapshot, StoredShares } from "../../replica/interface.ts";
import type { Recovered, Store, StoreIdentity } from "../../storage/interface.ts";
import type { TransactionReceipt } from "../../types/application.ts";
import { type Block, blockCodec, PLAIN_BLOCK } from "../../types/block.ts";
import { toHex } from "../../types/bytes.ts";
import type { Evidence } from "../../types/evidence.ts";
import {
  type BlockHash,
  type BodyRoot,
  type ChainId,
  Epoch,
  Height,
  type StateRoot,
  TimestampMs,
  type TransactionHash,
  ValidatorIndex,
  View,
} from "../../types/ids.ts";
import { emptySafetyRecord, type SafetyRecord } from "../../types/safety_record.ts";
import type { Opening } from "../../types/sealing.ts";
import { type Certificate, timeoutBallot, type VoteKind } from "../../types/vote.ts";

export const CHAIN_ID = hashOf<ChainId>("chain");
export const IDENTITY: StoreIdentity = { chainId: CHAIN_ID, validatorKey: hashOf("validator") };
export const EMPTY: Durable = { records: [], blocks: [], finality: [], operations: [], evidence: [], shares: [] };

export function hashOf<T extends string>(text: string): T {
  return createHash("sha256").update(text).digest("hex") as T;
}

/** `length` bytes that depend on `text`. */
export function bytesOf(text: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const seed = createHash("sha256").update(text).digest();
  for (let index = 0; index < length; index++) bytes[index] = (seed[index % 32] as number) ^ (index >> 5);
  return bytes;
}

/** The block of (height, fork); view = 2 · height + fork. */
export function blockHashOf(height: number, fork = 0): BlockHash {
  return hashOf<BlockHash>(`block ${height}/${fork}`);
}

export function viewOf(height: number, fork = 0): View {
  return View.of(2 * height + fork);
}

export function certificateOf(kind: VoteKind, height: number, fork = 0): Certificate {
  const view = viewOf(height, fork);
  const ballot =
    kind === "timeout"
      ? timeoutBallot(Epoch.ZERO, view)
      : { kind, epoch: Epoch.ZERO, view, height: Height.of(height), blockHash: blockHashOf(height, fork) };
  return { ballot, signers: bytesOf("signers", 16), signature: bytesOf(`${kind} ${view}`, 96) };
}

export function blockOf(
  height: number,
  options: { readonly fork?: number; readonly transactionBytes?: number; readonly count?: number } = {},
): Block {
  const { fork = 0, transactionBytes = 40, count = 2 } = options;
  const transactions = Array.from({ length: count }, (_, index) => bytesOf(`transaction ${height}/${index}`, transactionBytes));
  return {
    header: {
      epoch: Epoch.ZERO,
      height: Height.of(height),
      view: viewOf(height, fork),
      proposer: ValidatorIndex.of(height % 4),
      parentHash: blockHashOf(height - 1),
      parentView: viewOf(height - 1),
      timeMs: TimestampMs.of(1_000 + height),
      bodyRoot: hashOf<BodyRoot>(`body ${height}`),
      transactionCount: transactions.length,
      bodyBytes: transactions.length * transactionBytes,
      executedHeight: Height.of(height - 1),
      executedRoot: hashOf<StateRoot>(`root ${height - 1}`),
      ...PLAIN_BLOCK,
    },
    parentCertificate: height === 1 ? undefined : certificateOf("vote", height - 1),
    timeoutCertificates: [],
    transactions,
    lists: [],
    signature: bytesOf(`signature ${height}`, 64),
  };
}

export function transactionHashOf(height: number, index: number): TransactionHash {
  return hashOf<TransactionHash>(`transaction ${height}/${index}`);
}

export function finalityOf(height: number, provenBy = height): FinalityEntry {
  return {
    height: Height.of(height),
    blockHash: blockHashOf(height),
    view: viewOf(height),
    certificate: certificateOf("commit", provenBy),
  };
}

export function operationOf(height: number, count = 2): OperationEntry {
  const receipts = Array.from({ length: count }, (_, index) => ({
    hash: transactionHashOf(height, index),
    code: index % 3,
    operationCodes: index % 3 === 0 ? [0, 7, 300] : [],
  }));
  const openings = [2, 3, 5].includes(height % 6) ? openingsOf(height) : [];
  const bundleReceipts = bundleReceiptsOf(height);
  const stateRoot = hashOf<StateRoot>(`root ${height}`);
  return { height: Height.of(height), blockHash: blockHashOf(height), stateRoot, receipts, bundleReceipts, openings };
}

/** Every third height has a bundle of two transactions; every sixth repeats the first transaction of its block, which was refused there. */
function bundleReceiptsOf(height: number): readonly TransactionReceipt[] {
  if (height % 3 !== 0) return [];
  const repeated = height % 6 === 0 ? transactionHashOf(height, 0) : bundledHashOf(height, 1);
  return [bundledHashOf(height, 0), repeated].map((hash) => ({ hash, code: 0, operationCodes: [0, 0] }));
}

export function bundledHashOf(height: number, position: number): TransactionHash {
  return hashOf<TransactionHash>(`bundled ${height}/${position}`);
}

/** A seed and a failure; `provers` proves the failure. */
export function openingsOf(height: number, provers: readonly number[] = [0, 2, 127]): readonly Opening[] {
  const shares = provers.map((index) => ({
    validator: ValidatorIndex.of(index),
    share: bytesOf(`share ${height}/${index}`, 32),
    proof: bytesOf(`proof ${height}/${index}`, 64),
  }));
  return [
    { type: "seed", seed: bytesOf(`seed ${height}`, 32) },
    { type: "failed", shares },
  ];
}

/** Our shares of the block of (height, fork). */
export function sharesOf(height: number, fork = 0): StoredShares {
  return { blockHash: blockHashOf(height, fork), height: Height.of(height), shares: bytesOf(`shares ${height}/${fork}`, 97) };
}

export function votedRecord(height: number, fork = 0): SafetyRecord {
  return {
    ...emptySafetyRecord(Epoch.ZERO, viewOf(height, fork)),
    votedHash: blockHashOf(height, fork),
    votedHeight: Height.of(height),
    admittedBy: height === 1 ? undefined : certificateOf("vote", height - 1),
  };
}

export function committedRecord(height: number): SafetyRecord {
  return { ...votedRecord(height), committedHash: blockHashOf(height), committedHeight: Height.of(height) };
}

export function timedOutRecord(height: number, fork = 0): SafetyRecord {
  return { ...emptySafetyRecord(Epoch.ZERO, viewOf(height, fork)), hasTimedOut: true };
}

export function evidenceOf(number: number): Evidence {
  const ballot = (fork: number) => ({ ...certificateOf("vote", 1 + number, fork).ballot, view: viewOf(1 + number) });
  const vote = (fork: number) => ({
    ballot: ballot(fork),
    validator: ValidatorIndex.of(number % 4),
    signature: bytesOf(`vote ${fork}`, 96),
  });
  return { type: "doubleVote", first: vote(0), second: vote(1) };
}

/** Every four heights key generation has moved on. */
export function snapshotOf(height: number): ReplicaSnapshot {
  const chunks = [bytesOf("shared chunk", 3_000), bytesOf(`chunk ${height}`, 1_500)];
  const keygen = bytesOf(`keygen ${height >> 2}`, 700);
  return {
    height: Height.of(height),
    root: hashOf<StateRoot>(`root ${height}`),
    manifest: bytesOf(`manifest ${height}`, 50),
    chunks,
    keygen,
  };
}

/** The saves of a validator up to final height `heights`: vote, commit vote with shares, then finality with execution; some views
 *  time out, some heights become final two at a time, some blocks lose, some operations have openings. */
export function scriptedSaves(heights: number): Durable[] {
  const saves: Durable[] = [];
  let executed = 0;
  for (let height = 1; height <= heights; height++) {
    saves.push({ ...EMPTY, records: [votedRecord(height)], blocks: [{ blockHash: blockHashOf(height), block: blockOf(height) }] });
    if (height % 3 === 0) saves.push({ ...EMPTY, blocks: [{ blockHash: blockHashOf(height, 1), block: blockOf(height, { fork: 1 }) }] });
    const shares = [sharesOf(height), ...(height % 3 === 0 ? [sharesOf(height, 1)] : [])];
    saves.push({ ...EMPTY, records: [committedRecord(height), ...(height % 4 === 0 ? [timedOutRecord(height, 1)] : [])], shares });
    if (height % 5 === 0) saves.push({ ...EMPTY, evidence: [evidenceOf(height)] });
    if (height % 2 === 1 && height < heights) continue;
    const first = executed + 1;
    const range = Array.from({ length: height - first + 1 }, (_, index) => first + index);
    saves.push({
      ...EMPTY,
      finality: range.map((entry) => finalityOf(entry, height)),
      operations: height % 4 === 0 ? [] : range.map((entry) => operationOf(entry)),
    });
    if (height % 4 === 0) saves.push({ ...EMPTY, operations: range.map((entry) => operationOf(entry)) });
    executed = height;
  }
  return saves;
}

/** Everything that a caller can read of a store about heights 0 to `heights`, as text, for comparisons. */
export function describeStore(store: Store, heights: number): string {
  const lines = [`final ${store.finalHeight} oldest ${store.oldestHeight} evidence ${JSON.stringify(store.evidence(), plain)}`];
  for (let number = 0; number <= heights + 1; number++) {
    const height = Height.of(number);
    const hashes = [blockHashOf(number), blockHashOf(number, 1)];
    const hashesOfHeight = [
      ...[0, 1, 2].map((index) => transactionHashOf(number, index)),
      bundledHashOf(number, 0),
      bundledHashOf(number, 1),
    ];
    const places = hashesOfHeight.map((hash) => JSON.stringify(store.locate(hash)));
    lines.push(
      `${number} finality ${JSON.stringify(store.finality(height), plain)} block ${describeBlock(store.blockAt(height))}`,
      `${number} by hash ${hashes.map((hash) => `${store.heightOf(hash)} ${describeBlock(store.blockByHash(hash))}`).join(" | ")}`,
      `${number} operation ${JSON.stringify(store.operation(height), plain)} transactions ${places.join(" ")}`,
    );
  }
  return lines.join("\n");
}

/** What a restart found, without the repairs. */
export function describeRecovered({ records, finalHead, pendingBlocks, shares, snapshot }: Recovered): string {
  const pending = pendingBlocks.map(({ blockHash, block }) => `${blockHash} ${describeBlock(block)}`);
  return JSON.stringify({ records, finalHead, pending, shares, snapshot }, plain, 1);
}

function describeBlock(block: Block | undefined): string {
  return block === undefined ? "none" : toHex(blockCodec.encode(block));
}

function plain(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? toHex(value) : value;
}
