/** Starts, watches, kills and stops the processes of one cluster. It touches only processes that it started itself, by their
 *  own handle, and none of them outlives it: `killAllNow` is synchronous and meant for the very last moment.
 *
 *  Each child gets a process group of its own, so that Ctrl-C in the terminal reaches us alone and we end the children in
 *  order. Standard output is read for the `ready` line; standard error goes straight into the child's log file. */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { open } from "node:fs/promises";
import process from "node:process";
import { createInterface } from "node:readline";
import { EXIT_CODES, type FailureCode, TestnetFailure } from "./failure.ts";
import type { CommandLine, RuntimeName } from "./runtimes.ts";

/** What a validator says on standard output once it serves. */
export interface ReadyLine {
  readonly rpc: string;
  readonly addresses: readonly string[];
  readonly validator: number;
  readonly height: number;
  readonly view: number;
}

export interface ProcessPlan {
  readonly index: number;
  /** For people: "validator 0". */
  readonly name: string;
  readonly runtime: RuntimeName;
  readonly commandLine: CommandLine;
  /** Written to its standard input as one line when it shall begin. */
  readonly input: string;
  readonly logPath: string;
}

export interface ProcessExit {
  readonly index: number;
  readonly name: string;
  readonly pid: number | undefined;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The last lines of the log, newest last. */
  readonly logTail: readonly string[];
}

export type ProcessState = "stopped" | "prepared" | "starting" | "ready" | "stopping";

export interface Supervisor {
  /** Starts process `index`, which loads its code and waits for its input. Not needed before `start`, but saves time. */
  prepare(index: number): void;
  /** Lets process `index` begin and resolves when it is ready. Rejects with ProcessEnded when it ends before. */
  start(index: number, readyDeadlineMs: number): Promise<ReadyLine>;
  /** SIGKILL; resolves when the process is gone. */
  kill(index: number): Promise<void>;
  /** SIGTERM to all, SIGKILL to those that are still there after the deadline; resolves when all are gone. */
  stopAll(deadlineMs: number): Promise<void>;
  /** SIGKILL to all, at once, without waiting. For exit handlers. */
  killAllNow(): void;
  stateOf(index: number): ProcessState;
  /** Of process `index` while it runs. */
  pidOf(index: number): number | undefined;
}

/** A validator says with its exit code what is wrong; any other code is a crash. */
const FAILURE_OF_EXIT: ReadonlyMap<number | null, FailureCode> = new Map([
  [EXIT_CODES.environment, "environment"],
  [EXIT_CODES.safety, "safety"],
]);

/** A process ended that nobody had asked to end. */
export class ProcessEnded extends TestnetFailure {
  readonly exit: ProcessExit;

  constructor(exit: ProcessExit) {
    super(FAILURE_OF_EXIT.get(exit.exitCode) ?? "crash", describeExit(exit));
    this.exit = exit;
  }
}

const LOG_TAIL_LINES = 20;
const LOG_TAIL_BYTES = 16 * 1_024;
const STDOUT_LINE_BYTES_MAX = 64 * 1_024;

interface Running {
  readonly child: ChildProcess;
  readonly gone: Promise<ProcessExit>;
  state: Exclude<ProcessState, "stopped">;
}

/** `onCrash` is called for a process that ends after it was ready and without being asked to. */
export function createSupervisor(options: {
  readonly plans: readonly ProcessPlan[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onCrash: (exit: ProcessExit) => void;
}): Supervisor {
  const running = new Map<number, Running>();

  function planOf(index: number): ProcessPlan {
    const plan = options.plans.find((candidate) => candidate.index === index);
    if (plan === undefined) throw new TestnetFailure("crash", `there is no process ${index} to start`);
    return plan;
  }

  function launch(plan: ProcessPlan): Running {
    const log = openSync(plan.logPath, "a", 0o600);
    try {
      const child = spawn(plan.commandLine.command, plan.commandLine.args, {
        cwd: options.cwd,
        env: { ...options.env, ...plan.commandLine.env },
        stdio: ["pipe", "pipe", log],
        detached: true,
        windowsHide: true,
      });
      const entry: Running = { child, gone: goneOf(child, plan), state: "prepared" };
      running.set(plan.index, entry);
      // A process that is gone cannot be written to; its exit is reported by itself.
      child.stdin?.on("error", () => undefined);
      return entry;
    } finally {
      closeSync(log);
    }
  }

  function prepare(index: number): Running {
    const entry = launch(planOf(index));
    void entry.gone.then((exit) => {
      const before = entry.state;
      running.delete(index);
      if (before === "ready") options.onCrash(exit);
    });
    return entry;
  }

  async function start(index: number, readyDeadlineMs: number): Promise<ReadyLine> {
    const known = running.get(index);
    if (known !== undefined && known.state !== "prepared") throw new TestnetFailure("crash", `${planOf(index).name} is already running`);
    const entry = known ?? prepare(index);
    entry.state = "starting";
    // Standard input stays open: its end tells the process that we are gone.
    entry.child.stdin?.write(`${planOf(index).input}\n`);
    const deadline = deadlineOf(readyDeadlineMs);
    try {
      const first = await Promise.race([readyLineOf(entry.child), entry.gone.then((exit) => new ProcessEnded(exit)), deadline.passed]);
      if (first instanceof ProcessEnded) throw first;
      if (first === "deadline") {
        const tail = (await readLogTail(planOf(index).logPath)).join("\n");
        throw new TestnetFailure(
          "liveness",
          `${planOf(index).name} is not ready after ${readyDeadlineMs} ms; its last log lines:\n${tail}`,
        );
      }
      entry.state = "ready";
      return first;
    } finally {
      deadline.cancel();
    }
  }

  async function kill(index: number): Promise<void> {
    const entry = running.get(index);
    if (entry === undefined) return;
    entry.state = "stopping";
    signalTo(entry, "SIGKILL");
    await entry.gone;
  }

  async function stopAll(deadlineMs: number): Promise<void> {
    const entries = [...running.values()];
    for (const entry of entries) {
      entry.state = "stopping";
      signalTo(entry, "SIGTERM");
    }
    const deadline = deadlineOf(deadlineMs);
    const all = Promise.all(entries.map((entry) => entry.gone));
    await Promise.race([all, deadline.passed]);
    deadline.cancel();
    killAllNow();
    await all;
  }

  function killAllNow(): void {
    for (const entry of running.values()) {
      entry.state = "stopping";
      signalTo(entry, "SIGKILL");
    }
  }

  return {
    prepare(index) {
      prepare(index);
    },
    start,
    kill,
    stopAll,
    killAllNow,
    stateOf: (index) => running.get(index)?.state ?? "stopped",
    pidOf: (index) => running.get(index)?.child.pid,
  };
}

/** Not `child.kill`: Deno's refuses a second signal to a child that survived the first. The pid is ours until its exit was seen. */
function signalTo(entry: Running, signal: "SIGTERM" | "SIGKILL"): void {
  const { pid } = entry.child;
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended a moment ago and its exit is about to be reported; anything else is a real failure.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** One sentence and the last log lines. */
export function describeExit(exit: ProcessExit): string {
  const how = exit.signal === null ? `with exit code ${exit.exitCode}` : `by ${exit.signal}`;
  const tail = exit.logTail.length === 0 ? "It logged nothing." : `Its last log lines:\n${exit.logTail.join("\n")}`;
  return `${exit.name} (process ${exit.pid ?? "none"}) ended ${how}. ${tail}`;
}

/** The last lines of a log file; empty when there is none. */
export async function readLogTail(path: string): Promise<string[]> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - LOG_TAIL_BYTES);
    const { bytesRead, buffer } = await file.read(new Uint8Array(LOG_TAIL_BYTES), 0, LOG_TAIL_BYTES, start);
    const lines = new TextDecoder().decode(buffer.subarray(0, bytesRead)).split("\n");
    const whole = start > 0 ? lines.slice(1) : lines;
    return whole.filter((line) => line.trim() !== "").slice(-LOG_TAIL_LINES);
  } finally {
    await file.close();
  }
}

/** Resolves when the process is gone, or could not be started at all. */
function goneOf(child: ChildProcess, plan: ProcessPlan): Promise<ProcessExit> {
  const { index, name, logPath } = plan;
  return new Promise((resolve) => {
    const finish = (exitCode: number | null, signal: string | null, extra: readonly string[]): void => {
      const settle = (tail: readonly string[]): void =>
        resolve({ index, name, pid: child.pid, exitCode, signal, logTail: [...tail, ...extra] });
      readLogTail(logPath).then(settle, () => settle([]));
    };
    child.once("error", (error) => finish(2, null, [`could not start ${plan.commandLine.command}: ${error.message}`]));
    child.once("exit", (exitCode, signal) => finish(exitCode, signal, []));
  });
}

/** Resolves with the ready line. Never rejects: a process that ends first is the business of `goneOf`. */
function readyLineOf(child: ChildProcess): Promise<ReadyLine> {
  return new Promise((resolve) => {
    if (child.stdout === null) return;
    const lines = createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on("line", (line) => {
      const ready = parseReadyLine(line);
      if (ready !== undefined) resolve(ready);
    });
    lines.on("error", () => lines.close());
  });
}

function parseReadyLine(line: string): ReadyLine | undefined {
  if (!line.startsWith("{") || line.length > STDOUT_LINE_BYTES_MAX) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    const isReady = typeof value === "object" && value !== null && "type" in value && value.type === "ready" && "rpc" in value;
    return isReady ? (value as unknown as ReadyLine) : undefined;
  } catch {
    // Other text on standard output is not ours to judge.
    return undefined;
  }
}

function deadlineOf(afterMs: number): { readonly passed: Promise<"deadline">; readonly cancel: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<"deadline">((resolve) => {
    timer = setTimeout(() => resolve("deadline"), afterMs);
  });
  return { passed, cancel: () => clearTimeout(timer) };
}
