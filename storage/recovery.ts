/** Opening a store: lock, identity, counter, journal, logs, in this order, each checked against the one before.
 *  A new store is made of the same parts; the identity file comes last and proves that creation was complete. */

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { Height } from "../types/ids.ts";
import { BlockStore } from "./block_store.ts";
import { CounterFile, checkCounterOwner, counterMissingError, lostError, readCounter } from "./counter_file.ts";
import { corruptError, StoreError } from "./errors.ts";
import { EvidenceLog } from "./evidence_log.ts";
import { type FileLock, type Files, nameOf, TEMPORARY_SUFFIX } from "./files.ts";
import { FinalityLog, finalitySegmentBytes } from "./finality_log.ts";
import { FRAME_TYPES } from "./frame.ts";
import { FrameScanner } from "./frame_scanner.ts";
import { checkIdentity, IDENTITY_FILE, readIdentity, type StoredIdentity, writeIdentity } from "./identity_file.ts";
import type { StoreIdentity } from "./interface.ts";
import { Journal, rolledBackError } from "./journal.ts";
import type { LogPositions } from "./journal_codec.ts";
import type { StoreLimits } from "./limits.ts";
import type { StoredFinality } from "./live_state.ts";
import { decodeOperation } from "./operation_codec.ts";
import { OperationLog } from "./operation_log.ts";
import { type LogName, STORE_ID_BYTES, segmentName, segmentsAmong } from "./segment_header.ts";
import { type LogOpening, type LogOptions, type LogPosition, SegmentedLog } from "./segmented_log.ts";

export interface RecoveryOptions {
  readonly files: Files;
  readonly directory: string;
  readonly identity: StoreIdentity;
  readonly counterFile: string | undefined;
  readonly acceptMissingCounter: boolean;
  readonly verifiesAll: boolean;
  readonly limits: StoreLimits;
}

/** The open parts of a store. */
export interface StoreParts {
  readonly storeId: Uint8Array;
  readonly journal: Journal;
  readonly blocks: BlockStore;
  readonly finality: FinalityLog;
  readonly operations: OperationLog;
  readonly evidence: EvidenceLog;
  readonly counters: readonly CounterFile[];
  readonly repairs: readonly string[];
}

/** Takes the lock of the directory, and of the counter file outside it, which two directories with one key would share. */
export function lockStore(options: RecoveryOptions): readonly FileLock[] {
  const { files, directory, counterFile } = options;
  files.makeDirectory(directory);
  if (counterFile !== undefined) files.makeDirectory(parentOf(counterFile));
  const locks: FileLock[] = [];
  for (const path of [`${directory}/lock`, ...(counterFile === undefined ? [] : [`${counterFile}.lock`])]) {
    const lock = files.lock(path);
    if (lock !== undefined) {
      locks.push(lock);
      continue;
    }
    for (const held of locks) held.release();
    const message =
      `Another process on ${hostname()} or on a machine that shares this disk holds ${path}. Two nodes with one key would contradict each other. ` +
      "It is the operator's move: stop the other node, or correct the data directory of this one. The lock goes away with its process; never delete the file.";
    throw new StoreError({ code: "locked", message });
  }
  return locks;
}

/** Opens what is there, or creates a store where there was never one. */
export function openParts(options: RecoveryOptions): StoreParts {
  const { files, directory } = options;
  const found = readIdentity(files, directory);
  if (found !== undefined) {
    checkIdentity(found, options.identity, `The data directory ${directory}`);
    return openExisting(options, found);
  }
  refuseRemains(options);
  for (const name of files.list(directory)) if (isOwnName(name)) files.remove(`${directory}/${name}`);
  return createParts(options);
}

/** Without an identity file, creation never finished and nothing was signed; anything else means that files were lost. */
function refuseRemains({ files, directory, counterFile, identity }: RecoveryOptions): void {
  const probe = { ...identity, storeId: new Uint8Array(STORE_ID_BYTES) };
  for (const path of counterFile === undefined ? [] : [counterFile]) {
    const reading = readCounter(files, path);
    if (reading === undefined) continue;
    checkCounterOwner(reading, probe, path);
    if (reading.counter > 0) throw lostError(`${path} says that ${reading.counter} saves were acknowledged, and ${directory} is empty.`);
  }
  const counter = readCounter(files, `${directory}/${COUNTER_FILE}`)?.counter ?? 0;
  if (counter > 0 || LOG_NAMES.some((log) => isUsed({ files, directory, log }))) {
    throw lostError(`The file "${IDENTITY_FILE}" of ${directory} is missing, and the directory holds a used store.`);
  }
}

/** Does a log hold more than creation writes: a second segment, a frame after its first ones, or damage? */
function isUsed({ files, directory, log }: { readonly files: Files; readonly directory: string; readonly log: LogName }): boolean {
  const segments = segmentsAmong(files.list(directory), log);
  if (segments.length === 0) return false;
  const path = `${directory}/${segmentName(log, 1)}`;
  if (segments.length > 1 || !files.exists(path)) return true;
  const file = files.open(path);
  const scanner = new FrameScanner(file, { from: 0, limit: file.size, chain: undefined });
  let frames = 0;
  let result = scanner.next();
  for (; result.type === "frame"; result = scanner.next()) frames += 1;
  file.close();
  // The journal appears under its name complete; the other logs may have been cut short in their very first frame.
  return log === "journal" ? frames !== 2 || result.type !== "end" : frames > 1 || (frames === 1 && result.type !== "end");
}

function createParts(options: RecoveryOptions): StoreParts {
  const { files, directory, limits, counterFile } = options;
  const identity = { ...options.identity, storeId: new Uint8Array(randomBytes(STORE_ID_BYTES)) };
  const { storeId } = identity;
  const create = (log: Exclude<LogName, "journal">): SegmentedLog => SegmentedLog.create(logOptions(options, log, storeId));
  const blocks = create("blocks");
  const finality = create("finality");
  const operations = create("operations");
  const evidence = create("evidence");
  const positions = { blocks: blocks.end, finality: finality.end, operations: operations.end, evidence: evidence.end };
  const journal = Journal.create(journalOptions(options, storeId), { ...positions, operationHeight: Height.ZERO });
  const paths = [`${directory}/${COUNTER_FILE}`, ...(counterFile === undefined ? [] : [counterFile])];
  const counters = paths.map((path) => CounterFile.create(files, path, { identity, counter: 0 }));
  writeIdentity(files, directory, identity);
  files.syncDirectory(parentOf(directory));
  return {
    storeId,
    journal,
    blocks: new BlockStore(blocks, limits),
    finality: new FinalityLog(finality, limits.finalitySegmentEntries),
    operations: new OperationLog(operations, { lastHeight: Height.ZERO, limits }),
    evidence: new EvidenceLog(evidence, limits.evidencePerValidatorMax),
    counters,
    repairs: [],
  };
}

function openExisting(options: RecoveryOptions, identity: StoredIdentity): StoreParts {
  const { files, directory, limits } = options;
  const { storeId } = identity;
  for (const name of files.list(directory)) if (name.endsWith(TEMPORARY_SUFFIX)) files.remove(`${directory}/${name}`);
  const acknowledged = readCounters(options, identity);
  if (segmentsAmong(files.list(directory), "journal").length === 0) throw lostError(`The journal of ${directory} is missing.`);
  const { journal, positions, finality: unlogged, repairs } = Journal.open(journalOptions(options, storeId), acknowledged.highest);
  const isMissing = acknowledged.missing[0];
  if (isMissing !== undefined && journal.sequence > 0 && !options.acceptMissingCounter) {
    throw counterMissingError(isMissing, journal.sequence);
  }
  const reports = [...repairs];
  const open = (log: Exclude<LogName, "journal">, committed: LogPosition, accept: LogOpening["accept"]): SegmentedLog => {
    const opened = SegmentedLog.open(logOptions(options, log, storeId), { committed, verifiesAll: options.verifiesAll, accept });
    if (opened.cutBytes > 0 && log !== "finality") reports.push(cutReport(log, opened.cutBytes));
    return opened.log;
  };
  const blocks = new BlockStore(open("blocks", positions.blocks, refuseAll), limits);
  const evidence = new EvidenceLog(open("evidence", positions.evidence, refuseAll), limits.evidencePerValidatorMax);
  const finality = openFinality(journal, { log: open("finality", positions.finality, refuseAll), unlogged, limits });
  const followed = followOperations({ journal, finality, from: positions });
  const operationLog = open("operations", positions.operations, followed.accept);
  const operations = new OperationLog(operationLog, { lastHeight: followed.lastHeight(), limits });
  const paths = [`${directory}/${COUNTER_FILE}`, ...(options.counterFile === undefined ? [] : [options.counterFile])];
  const counters = paths.map((path) => reopenCounter(files, path, { identity, counter: journal.sequence }));
  files.syncDirectory(directory);
  return { storeId, journal, blocks, finality, operations, evidence, counters, repairs: reports };
}

/** The highest acknowledged save that a counter file names, and the counter files that are missing. */
function readCounters(
  { files, directory, counterFile }: RecoveryOptions,
  identity: StoredIdentity,
): { readonly highest: number; readonly missing: readonly string[] } {
  let highest = 0;
  const missing: string[] = [];
  for (const path of [`${directory}/${COUNTER_FILE}`, ...(counterFile === undefined ? [] : [counterFile])]) {
    const reading = readCounter(files, path);
    if (reading === undefined) {
      missing.push(path);
      continue;
    }
    checkCounterOwner(reading, identity, path);
    const isSameStore = reading.storeId.every((byte, index) => byte === identity.storeId[index]);
    if (!isSameStore && reading.counter > 0) {
      throw rolledBackError(`${nameOf(path)} counts ${reading.counter} saves of another store of this key.`);
    }
    highest = Math.max(highest, isSameStore ? reading.counter : 0);
  }
  return { highest, missing };
}

function reopenCounter(files: Files, path: string, start: { readonly identity: StoredIdentity; readonly counter: number }): CounterFile {
  if (!files.exists(path)) return CounterFile.create(files, path, start);
  const counter = CounterFile.open(files, path, start.identity);
  counter.write(start.counter);
  counter.sync();
  return counter;
}

/** The log as far as it was synced, and the rest from the journal. */
function openFinality(
  journal: Journal,
  { log, unlogged, limits }: { readonly log: SegmentedLog; readonly unlogged: readonly StoredFinality[]; readonly limits: StoreLimits },
): FinalityLog {
  const finality = new FinalityLog(log, limits.finalitySegmentEntries);
  const { finalHeight, oldestHeight } = journal.live;
  const logged = oldestHeight === Height.ZERO ? 0 : oldestHeight + finality.count;
  finality.append(unlogged.filter(({ entry }) => entry.height >= logged));
  finality.sync();
  const expected = oldestHeight === Height.ZERO ? 0 : finalHeight - oldestHeight + 1;
  if (finality.count !== expected) throw corruptError(`The finality log holds ${finality.count} heights and should hold ${expected}.`);
  return finality;
}

/** Accepts operations beyond what the journal names as long as they follow each other and are of final blocks. Openings are synced
 *  before their height's finality is journaled, so a crash between the two leaves entries above the final head: those go. Their
 *  blocks are pending again, our shares of them live again, and whoever opens them a second time may prove a failure otherwise. */
function followOperations(start: { readonly journal: Journal; readonly finality: FinalityLog; readonly from: LogPositions }): {
  readonly accept: LogOpening["accept"];
  readonly lastHeight: () => Height;
} {
  const { live } = start.journal;
  let lastHeight = start.from.operationHeight;
  const accept = (payload: Uint8Array): boolean => {
    const entry = decodeOperation(payload);
    if (entry === undefined || entry.height > live.finalHeight || entry.height < live.oldestHeight) return false;
    if (lastHeight !== Height.ZERO && entry.height !== Height.next(lastHeight)) return false;
    if (start.finality.entry(entry.height, live.oldestHeight).blockHash !== entry.blockHash) return false;
    lastHeight = entry.height;
    return true;
  };
  return { accept, lastHeight: () => lastHeight };
}

function cutReport(log: LogName, bytes: number): string {
  const reason =
    log === "operations"
      ? "which were not synced yet or belonged to a save that was never acknowledged; the blocks are executed again"
      : "which belonged to a save that was never acknowledged";
  return `${log}: cut off ${bytes} bytes, ${reason}.`;
}

const COUNTER_FILE = "counter";
const LOG_NAMES = ["journal", "blocks", "finality", "operations", "evidence"] as const satisfies readonly LogName[];
const OWN_NAME = /^(?:(?:journal|blocks|finality|operations|evidence)-\d{8}\.log|counter|identity)(?:\.tmp)?$/;

const isOwnName = (name: string): boolean => OWN_NAME.test(name);
const refuseAll = (): boolean => false;

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash > 0 ? path.slice(0, slash) : slash === 0 ? "/" : ".";
}

function journalOptions({ files, directory, limits }: RecoveryOptions, storeId: Uint8Array) {
  return { files, directory, storeId, journalBytesMax: limits.journalBytesMax };
}

function logOptions({ files, directory, limits }: RecoveryOptions, log: Exclude<LogName, "journal">, storeId: Uint8Array): LogOptions {
  const segmentBytesMax = {
    blocks: limits.blockSegmentBytesMax,
    finality: finalitySegmentBytes(limits.finalitySegmentEntries),
    operations: limits.operationSegmentBytesMax,
    evidence: limits.evidenceSegmentBytesMax,
  }[log];
  const frameType = {
    blocks: FRAME_TYPES.block,
    finality: FRAME_TYPES.finality,
    operations: FRAME_TYPES.operation,
    evidence: FRAME_TYPES.evidence,
  }[log];
  return { files, directory, log, frameType, storeId, segmentBytesMax, openSegmentsMax: limits.openSegmentsMax };
}
