/** Child processes of the gate: each in a process group of its own, with a deadline, its whole output kept.
 *  When a process is over, whatever it left running in its group is ended too. */

import { type ChildProcess, spawn } from "node:child_process";

export interface ProcessPlan {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
}

export interface ProcessResult {
  /** Undefined when it was ended by a signal or could not be started. */
  readonly exitCode: number | undefined;
  readonly isOverdue: boolean;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** Output beyond this many characters per stream is dropped: a test in a printing loop must not take the gate with it. */
const OUTPUT_CHARACTERS_MAX = 16 * 1_024 * 1_024;

const running = new Set<ChildProcess>();

/** Runs to the end or to the deadline. Never rejects. */
export function runProcess(plan: ProcessPlan): Promise<ProcessResult> {
  const startedMs = performance.now();
  const child = spawn(plan.command, plan.args, {
    cwd: plan.cwd,
    env: { ...process.env, ...plan.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  running.add(child);
  const stdout = collectText(child.stdout);
  const stderr = collectText(child.stderr);
  let isOverdue = false;
  const deadline = setTimeout(() => {
    isOverdue = true;
    endGroup(child);
  }, plan.deadlineMs);
  return new Promise((resolve) => {
    const finish = (exitCode: number | undefined, note: string): void => {
      clearTimeout(deadline);
      running.delete(child);
      resolve({ exitCode, isOverdue, stdout: stdout(), stderr: stderr() + note, durationMs: performance.now() - startedMs });
    };
    child.once("error", (error) => finish(undefined, `could not start ${plan.command}: ${error.message}\n`));
    // A child that our child left behind may hold the pipes open: end the group first, then the pipes close.
    child.once("exit", () => endGroup(child));
    child.once("close", (exitCode) => finish(exitCode ?? undefined, ""));
  });
}

/** For Ctrl-C: ends all that runs, at once. */
export function endAllProcesses(): void {
  for (const child of running) endGroup(child);
}

/** Runs `jobs` with at most `parallel` at a time, started in order; results in order. */
export async function runBounded<T>(jobs: readonly (() => Promise<T>)[], parallel: number): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < jobs.length) {
      const index = next++;
      const job = jobs[index];
      if (job !== undefined) results[index] = await job();
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return results;
}

function collectText(stream: NodeJS.ReadableStream): () => string {
  const chunks: string[] = [];
  let characters = 0;
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    characters += chunk.length;
    if (characters <= OUTPUT_CHARACTERS_MAX) chunks.push(chunk);
  });
  return () => chunks.join("");
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    const isGone = error instanceof Error && "code" in error && error.code === "ESRCH";
    if (!isGone) throw error;
  }
}
