/** What a durable save costs, beside a bare append + fdatasync of the same size on the same disk in the same run; the two
 *  ways to sync (see docs/decisions on durable writes); and reads. `node scripts/bench/storage_bench.ts [directory]`. */

import fs from "node:fs";
import { open } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Durable } from "../../replica/interface.ts";
import { openFileStore } from "../../storage/file_store.ts";
import type { Store } from "../../storage/interface.ts";
import { type Block, PLAIN_BLOCK } from "../../types/block.ts";
import { toHex } from "../../types/bytes.ts";
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
import { emptySafetyRecord } from "../../types/safety_record.ts";
import type { Certificate } from "../../types/vote.ts";

export interface Spread {
  readonly p50: number;
  readonly p99: number;
}

export interface StorageFigures {
  readonly runtime: string;
  /** A save with one safety record. */
  readonly voteSaveMs: Spread;
  /** A save with one record and one block of 1,000 transactions, 200 kB. */
  readonly blockSaveMs: Spread;
  /** Bare append + fdatasync of as many bytes, synchronous. */
  readonly bareVoteMs: Spread;
  readonly bareBlockMs: Spread;
  /** The same append with `FileHandle.datasync()` instead. */
  readonly barePromiseMs: Spread;
  readonly voteSaveRatio: number;
  readonly blockSaveRatio: number;
  readonly finalityReadsPerSecond: number;
  readonly blockReadsPerSecond: number;
  readonly transactionLookupsPerSecond: number;
  readonly reopenMs: number;
}

const SAVES = 600;
const BLOCK_SAVES = 120;
const TRANSACTIONS = 1_000;
const TRANSACTION_BYTES = 200;
/** What the journal appends for a vote, and the block store for a block, about. */
const VOTE_BYTES = 500;
const BLOCK_BYTES = TRANSACTIONS * (TRANSACTION_BYTES + 4);

/** Works in a fresh directory below `parent` and removes it. */
export async function benchStorage(parent: string = os.tmpdir()): Promise<StorageFigures> {
  const directory = fs.mkdtempSync(path.join(parent, "sealstone-storage-bench-"));
  try {
    const data = path.join(directory, "data");
    let store = await openFileStore({ directory: data, identity: { chainId: hashOf<ChainId>(1, 0), validatorKey: "bench" } });
    const bare = bareAppender(directory);
    const votes = await alternate(SAVES, { save: (index) => store.save(voteSave(1_000_000 + index)), bare: () => bare.append(VOTE_BYTES) });
    const blockSaves = Array.from({ length: BLOCK_SAVES }, (_, index) => blockSave(index + 1));
    const blocks = await alternate(BLOCK_SAVES, {
      save: (index) => store.save(blockSaves[index] as Durable),
      bare: () => bare.append(BLOCK_BYTES),
    });
    const promised = await promisedAppend(directory);
    bare.close();
    for (let height = 1; height <= BLOCK_SAVES; height++) await store.save(finalitySave(height));
    await store.close();
    const reopenStart = performance.now();
    store = await openFileStore({ directory: data, identity: { chainId: hashOf<ChainId>(1, 0), validatorKey: "bench" } });
    const reopenMs = round(performance.now() - reopenStart);
    const figures = {
      runtime: "Deno" in globalThis ? "deno" : "node",
      voteSaveMs: votes.save,
      blockSaveMs: blocks.save,
      bareVoteMs: votes.bare,
      bareBlockMs: blocks.bare,
      barePromiseMs: promised,
      voteSaveRatio: round(votes.save.p50 / votes.bare.p50),
      blockSaveRatio: round(blocks.save.p50 / blocks.bare.p50),
      ...readRates(store),
      reopenMs,
    };
    await store.close();
    return figures;
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function readRates(store: Store): Pick<StorageFigures, "finalityReadsPerSecond" | "blockReadsPerSecond" | "transactionLookupsPerSecond"> {
  const heightOf = (index: number): Height => Height.of(1 + ((index * 37) % BLOCK_SAVES));
  return {
    finalityReadsPerSecond: rateOf(5_000, (index) => store.finality(heightOf(index)) !== undefined),
    blockReadsPerSecond: rateOf(300, (index) => store.blockAt(heightOf(index)) !== undefined),
    transactionLookupsPerSecond: rateOf(
      2_000,
      (index) => store.locate(hashOf<TransactionHash>(heightOf(index), index % TRANSACTIONS)) !== undefined,
    ),
  };
}

function rateOf(count: number, read: (index: number) => boolean): number {
  const start = performance.now();
  for (let index = 0; index < count; index++) if (!read(index)) throw new Error("a read found nothing");
  return Math.round((count * 1_000) / (performance.now() - start));
}

async function timesOf(count: number, work: (index: number) => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    await work(index);
    times.push(performance.now() - start);
  }
  return times;
}

function spreadOf(times: readonly number[]): Spread {
  const sorted = times.slice(times.length >> 4).sort((left, right) => left - right);
  const at = (share: number): number => round(sorted[Math.floor(sorted.length * share)] ?? Number.NaN);
  return { p50: at(0.5), p99: at(0.99) };
}

const round = (value: number): number => Math.round(value * 1_000) / 1_000;

/** Times both kinds of work in turns, so that a busy moment of the machine hits both. */
async function alternate(
  count: number,
  work: { readonly save: (index: number) => Promise<void>; readonly bare: () => void },
): Promise<{ readonly save: Spread; readonly bare: Spread }> {
  const bareTimes: number[] = [];
  const saveTimes = await timesOf(count, async (index) => {
    const start = performance.now();
    work.bare();
    bareTimes.push(performance.now() - start);
    await work.save(index);
  });
  return { save: spreadOf(saveTimes.map((time, index) => time - (bareTimes[index] as number))), bare: spreadOf(bareTimes) };
}

function bareAppender(directory: string): { readonly append: (bytes: number) => void; readonly close: () => void } {
  const file = fs.openSync(path.join(directory, "bare"), "a");
  const buffer = new Uint8Array(BLOCK_BYTES).fill(7);
  return {
    append: (bytes) => {
      fs.writeSync(file, buffer, 0, bytes);
      fs.fdatasyncSync(file);
    },
    close: () => fs.closeSync(file),
  };
}

async function promisedAppend(directory: string): Promise<Spread> {
  const file = await open(path.join(directory, "promised"), "a");
  const buffer = new Uint8Array(VOTE_BYTES).fill(7);
  const times = await timesOf(SAVES, async () => {
    await file.write(buffer);
    await file.datasync();
  });
  await file.close();
  return spreadOf(times);
}

const EMPTY: Durable = { records: [], blocks: [], finality: [], operations: [], evidence: [], shares: [] };

/** 32 bytes that two numbers make unique. */
function hashOf<T extends string>(first: number, second: number): T {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  for (let word = 0; word < 8; word++)
    view.setUint32(4 * word, Math.imul(first * 65_537 + second + word, 0x9e3779b1) ^ (word * first), true);
  view.setUint32(28, first);
  view.setUint32(24, second);
  return toHex<T>(bytes);
}

const blockHashOf = (height: number): BlockHash => hashOf<BlockHash>(height, 70_000);

function certificateOf(kind: "vote" | "commit", height: number): Certificate {
  const ballot = { kind, epoch: Epoch.ZERO, view: View.of(height), height: Height.of(height), blockHash: blockHashOf(height) };
  return { ballot, signers: new Uint8Array(16).fill(0x77), signature: new Uint8Array(96).fill(0x55) };
}

function voteSave(height: number): Durable {
  const record = {
    ...emptySafetyRecord(Epoch.ZERO, View.of(height)),
    votedHash: blockHashOf(height),
    votedHeight: Height.of(height),
    admittedBy: certificateOf("vote", height - 1),
  };
  return { ...EMPTY, records: [record] };
}

function blockSave(height: number): Durable {
  const transactions = Array.from({ length: TRANSACTIONS }, (_, index) => new Uint8Array(TRANSACTION_BYTES).fill(index & 255));
  const block: Block = {
    header: {
      epoch: Epoch.ZERO,
      height: Height.of(height),
      view: View.of(height),
      proposer: ValidatorIndex.of(0),
      parentHash: blockHashOf(height - 1),
      parentView: View.of(height - 1),
      timeMs: TimestampMs.of(height),
      bodyRoot: hashOf<BodyRoot>(height, 1),
      transactionCount: TRANSACTIONS,
      bodyBytes: TRANSACTIONS * TRANSACTION_BYTES,
      executedHeight: Height.of(height - 1),
      executedRoot: hashOf<StateRoot>(height - 1, 2),
      ...PLAIN_BLOCK,
    },
    parentCertificate: certificateOf("vote", height - 1),
    timeoutCertificates: [],
    transactions,
    lists: [],
    signature: new Uint8Array(64),
  };
  return { ...voteSave(2_000_000 + height), blocks: [{ blockHash: blockHashOf(height), block }] };
}

function finalitySave(height: number): Durable {
  const entry = {
    height: Height.of(height),
    blockHash: blockHashOf(height),
    view: View.of(height),
    certificate: certificateOf("commit", height),
  };
  const receipts = Array.from({ length: TRANSACTIONS }, (_, index) => ({
    hash: hashOf<TransactionHash>(height, index),
    code: 0,
    operationCodes: [0],
  }));
  const { blockHash } = entry;
  const operation = {
    height: entry.height,
    blockHash,
    stateRoot: hashOf<StateRoot>(height, 2),
    receipts,
    bundleReceipts: [],
    openings: [],
  };
  return { ...EMPTY, finality: [entry], operations: [operation] };
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await benchStorage(process.argv[2]), undefined, 2)}\n`);
