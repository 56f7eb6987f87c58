/** Checks of transactions, of Ed25519 signatures and of seals, on worker threads, off the consensus loop. Threads start with the first check, so an idle
 *  validator pays nothing. While a thread starts, or after it died, checks run here in small portions: slower, never wrong, and
 *  without shares, which the machine then computes when it needs them.
 *
 *  Queue: checks waiting for a thread, bounded in number and bytes; what does not fit is refused as a whole (`verify` returns
 *  false) and the caller tells its client "busy" or drops the gossip. A batch that is not done within its deadline counts as
 *  the death of its thread. */

import { Worker } from "node:worker_threads";
import type { VerifyEd25519 } from "../types/suites.ts";
import { messageOf } from "./errors.ts";
import {
  bytesOf,
  type CheckVerdict,
  costOf,
  hasCheckSizes,
  INVALID,
  isSealCheck,
  openRing,
  RING_BYTES,
  RING_SLOTS,
  type SealedPartCheck,
  type SignatureRing,
  SLOT_CHECKS_MAX,
  VALID,
  WORKER_READY,
  type WorkerCheck,
} from "./signature_ring.ts";

export interface SignatureWorkersOptions {
  /** Threads; 0 checks everything on the main thread. */
  readonly count: number;
  readonly checksMax: number;
  readonly bytesMax: number;
  readonly batchDeadlineMs: number;
  /** Used on the main thread while no worker is ready. */
  readonly verifyEd25519: VerifyEd25519;
  /** The same for seals; undefined where no transaction is sealed. */
  readonly checkSeal: ((check: SealedPartCheck) => boolean) | undefined;
  readonly onEvent: (event: SignatureWorkerEvent) => void;
  /** The thread's entry file. */
  readonly workerFile: URL;
}

export interface SignatureWorkerEvent {
  readonly code: "started" | "died";
  readonly detail: string;
}

export interface SignatureWorkers {
  /** Takes all of `checks` and calls `done` once with their verdicts in order, or takes none and returns false (busy). */
  verify(checks: readonly WorkerCheck[], done: (verdicts: readonly CheckVerdict[]) => void): boolean;
  readonly waitingChecks: number;
  stop(): Promise<void>;
}

export const SIGNATURE_WORKER_FILE = new URL("./signature_worker.ts", import.meta.url);

interface Job {
  readonly verdicts: CheckVerdict[];
  missing: number;
  readonly done: (verdicts: readonly CheckVerdict[]) => void;
}

interface Item {
  readonly check: WorkerCheck;
  readonly job: Job;
  readonly index: number;
}

interface Thread {
  readonly worker: Worker;
  readonly ring: SignatureRing;
  isReady: boolean;
  nextSlot: number;
  /** Batches in flight, oldest first. */
  readonly batches: { readonly slot: number; readonly items: readonly Item[] }[];
  watchdog: ReturnType<typeof setTimeout> | undefined;
}

/** Cost of the checks on the main thread in one turn: about 1.5 ms, or one seal more. */
const IN_LOOP_COST = 32;
const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 30_000;
/** The threads hold no state worth a large heap. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 48, maxYoungGenerationSizeMb: 4 };

export function createSignatureWorkers(options: SignatureWorkersOptions): SignatureWorkers {
  const threads = new Set<Thread>();
  let waiting: Item[] = [];
  /** From threads that died: checked here, in case the batch itself was the reason. */
  const orphans: Item[] = [];
  let waitingBytes = 0;
  let isFlushDue = false;
  let isStopped = false;
  let hasStarted = false;
  let restartMs = RESTART_MS_MIN;
  const restarts = new Set<ReturnType<typeof setTimeout>>();

  function verify(checks: readonly WorkerCheck[], done: Job["done"]): boolean {
    const bytes = checks.reduce((total, check) => total + bytesOf(check), 0);
    const isFull = waiting.length + orphans.length + checks.length > options.checksMax || waitingBytes + bytes > options.bytesMax;
    if (isStopped || (isFull && waiting.length > 0)) return false;
    const job: Job = { verdicts: new Array<CheckVerdict>(checks.length).fill(INVALID), missing: checks.length, done };
    if (checks.length === 0) done([]);
    for (const [index, check] of checks.entries()) {
      const item = { check, job, index };
      if (!hasCheckSizes(check)) settle(item, INVALID);
      else {
        waiting.push(item);
        waitingBytes += bytesOf(check);
      }
    }
    startThreads();
    scheduleFlush();
    return true;
  }

  function startThreads(): void {
    if (hasStarted) return;
    hasStarted = true;
    for (let index = 0; index < options.count; index++) startThread();
  }

  function startThread(): void {
    const memory = new SharedArrayBuffer(RING_BYTES);
    const worker = new Worker(options.workerFile, { workerData: memory, resourceLimits: RESOURCE_LIMITS });
    const thread: Thread = { worker, ring: openRing(memory), isReady: false, nextSlot: 0, batches: [], watchdog: undefined };
    threads.add(thread);
    worker.unref();
    worker.on("message", (slot: unknown) => onMessage(thread, slot));
    worker.on("error", (error: unknown) => onDeath(thread, messageOf(error)));
    worker.on("exit", (code: number) => onDeath(thread, `exit code ${code}`));
  }

  function onMessage(thread: Thread, slot: unknown): void {
    if (!threads.has(thread)) return;
    if (slot === WORKER_READY) {
      thread.isReady = true;
      options.onEvent({ code: "started", detail: `${threads.size} of ${options.count} signature workers run` });
    } else {
      const batch = thread.batches.shift();
      if (batch === undefined || batch.slot !== slot) return onDeath(thread, "answered out of order");
      restartMs = RESTART_MS_MIN;
      watch(thread);
      for (const [index, item] of batch.items.entries()) settle(item, thread.ring.verdict(batch.slot, index));
    }
    flush();
  }

  /** (Re)arms the deadline of the oldest batch in flight. */
  function watch(thread: Thread): void {
    clearTimeout(thread.watchdog);
    thread.watchdog = undefined;
    if (thread.batches.length === 0) return;
    thread.watchdog = setTimeout(() => onDeath(thread, `no answer within ${options.batchDeadlineMs} ms`), options.batchDeadlineMs);
  }

  function onDeath(thread: Thread, reason: string): void {
    if (!threads.delete(thread) || isStopped) return;
    clearTimeout(thread.watchdog);
    for (const batch of thread.batches) orphans.push(...batch.items);
    void thread.worker.terminate();
    const handle = setTimeout(() => {
      restarts.delete(handle);
      startThread();
    }, restartMs);
    restarts.add(handle);
    options.onEvent({
      code: "died",
      detail: `signature worker died (${reason}); checks run on the main thread, restart in ${restartMs} ms`,
    });
    restartMs = Math.min(2 * restartMs, RESTART_MS_MAX);
    scheduleFlush();
  }

  /** One flush for all checks of a turn of the event loop. */
  function scheduleFlush(): void {
    if (isFlushDue) return;
    isFlushDue = true;
    setImmediate(() => {
      isFlushDue = false;
      if (!isStopped) flush();
    });
  }

  function flush(): void {
    checkInLoop(orphans.splice(0, countWithin(orphans)));
    if (orphans.length > 0) scheduleFlush();
    let hasReadyThread = false;
    for (const thread of threads) {
      hasReadyThread ||= thread.isReady;
      while (thread.isReady && thread.batches.length < RING_SLOTS && waiting.length > 0) dispatch(thread);
    }
    if (hasReadyThread || waiting.length === 0) return;
    checkInLoop(takeWaiting(countWithin(waiting)));
    if (waiting.length > 0) scheduleFlush();
  }

  function dispatch(thread: Thread): void {
    const slot = thread.nextSlot;
    const count = thread.ring.fill(
      slot,
      waiting.slice(0, SLOT_CHECKS_MAX).map((item) => item.check),
    );
    thread.nextSlot = (slot + 1) % RING_SLOTS;
    thread.batches.push({ slot, items: takeWaiting(count) });
    thread.ring.wake();
    if (thread.batches.length === 1) watch(thread);
  }

  function takeWaiting(count: number): Item[] {
    const taken = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const item of taken) waitingBytes -= bytesOf(item.check);
    return taken;
  }

  function checkInLoop(items: readonly Item[]): void {
    for (const item of items) {
      const { check } = item;
      const isValid = isSealCheck(check)
        ? options.checkSeal?.(check) === true
        : options.verifyEd25519(check.publicKey, check.message, check.signature);
      settle(item, isValid ? VALID : INVALID);
    }
  }

  return {
    verify,
    get waitingChecks() {
      return waiting.length + orphans.length;
    },
    async stop() {
      isStopped = true;
      for (const handle of restarts) clearTimeout(handle);
      const stopping = [...threads].map((thread) => {
        clearTimeout(thread.watchdog);
        return thread.worker.terminate();
      });
      threads.clear();
      await Promise.all(stopping);
    },
  };
}

/** How many of `items` the main thread checks in one turn. */
function countWithin(items: readonly Item[]): number {
  let cost = 0;
  let count = 0;
  while (count < items.length && cost < IN_LOOP_COST) cost += costOf((items[count++] as Item).check);
  return count;
}

function settle({ job, index }: Item, verdict: CheckVerdict): void {
  job.verdicts[index] = verdict;
  job.missing -= 1;
  if (job.missing === 0) job.done(job.verdicts);
}
