/** Takes parts down in the reverse order of their start, all within one deadline, whatever one of them does. */

import { messageOf } from "./errors.ts";
import { STOP_DEADLINE_MS } from "./limits.ts";
import type { Logger } from "./logger.ts";

export interface Cleanup {
  readonly name: string;
  readonly run: () => Promise<void> | void;
}

/** Runs and removes all cleanups, last first. A part that fails or takes too long is named in the log and passed over. */
export async function runCleanups(cleanups: Cleanup[], log: Logger): Promise<void> {
  const deadline = performance.now() + STOP_DEADLINE_MS;
  for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) {
    try {
      await withDeadline(Promise.resolve(cleanup.run()), Math.max(100, deadline - performance.now()));
    } catch (error) {
      log.warn({ part: cleanup.name, reason: messageOf(error) }, "did not stop cleanly");
    }
  }
}

async function withDeadline(work: Promise<void>, deadlineMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${Math.round(deadlineMs)} ms`)), deadlineMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
