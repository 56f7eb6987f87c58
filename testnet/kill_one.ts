/** The kill drill: one validator is killed a third into the run and started again at two thirds. Meanwhile the others must go on,
 *  and afterwards it must catch up with them by itself. */

import type { Cluster } from "./cluster.ts";
import { TestnetFailure } from "./failure.ts";
import { describeWaiting, type Monitor } from "./monitor.ts";

export interface CatchUp {
  readonly blocks: number;
  readonly ms: number;
  readonly blocksPerSecond: number;
}

export interface KillOneReport {
  readonly validator: number;
  readonly heightAtKill: number;
  heightAtRestart: number | undefined;
  /** Blocks that became final while it was down. */
  finalizedWhileDown: number | undefined;
  /** From the restart of the process until it was level with the others. */
  caughtUpMs: number | undefined;
  /** From the moment it served again. */
  catchUp: CatchUp | undefined;
}

const LOOK_INTERVAL_MS = 50;
const CATCH_UP_DEADLINE_MS = 60_000;

export interface KillOneContext {
  readonly cluster: Cluster;
  readonly monitor: Monitor;
  /** Resolves after the time, rejects when the run ends early. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly nowMs: () => number;
}

/** Kills the last validator; the others keep a quorum, which the options have seen to. */
export async function killOne(context: KillOneContext): Promise<KillOneReport> {
  const { cluster, monitor } = context;
  const validator = cluster.size - 1;
  const before = await monitor.sample();
  await cluster.kill(validator);
  return {
    validator,
    heightAtKill: before.finalHeight,
    heightAtRestart: undefined,
    finalizedWhileDown: undefined,
    caughtUpMs: undefined,
    catchUp: undefined,
  };
}

/** Starts it again and waits until it is level. Fills in `report` as things happen. Throws TestnetFailure "liveness". */
export async function restartKilled(context: KillOneContext, report: KillOneReport): Promise<void> {
  const { cluster, monitor, nowMs } = context;
  const { validator } = report;
  const before = await monitor.sample();
  report.heightAtRestart = before.finalHeight;
  report.finalizedWhileDown = before.finalHeight - report.heightAtKill;
  if (report.finalizedWhileDown <= 0) {
    throw new TestnetFailure(
      "liveness",
      [`nothing became final while validator ${validator} was down`, ...describeWaiting(before)].join("\n  "),
    );
  }
  const restartedAtMs = nowMs();
  const ready = await cluster.restart(validator);
  const servingAtMs = nowMs();
  monitor.restarted(validator);
  const height = await waitUntilLevel(context, validator, before.finalHeight);
  const ms = nowMs() - servingAtMs;
  const blocks = Math.max(0, height - ready.height);
  report.caughtUpMs = Math.round(nowMs() - restartedAtMs);
  report.catchUp = { blocks, ms: Math.round(ms), blocksPerSecond: Math.round((blocks * 1_000) / Math.max(ms, 1)) };
}

/** Level: it has what the others had one look ago. */
async function waitUntilLevel(context: KillOneContext, validator: number, heightMin: number): Promise<number> {
  const { monitor, nowMs, sleep } = context;
  const untilMs = nowMs() + CATCH_UP_DEADLINE_MS;
  let othersBefore = heightMin;
  for (;;) {
    const sample = await monitor.sample();
    const own = sample.statuses.get(validator)?.finalHeight ?? 0;
    if (own >= othersBefore) return own;
    if (nowMs() > untilMs) {
      const seconds = CATCH_UP_DEADLINE_MS / 1_000;
      const head = `validator ${validator} did not catch up within ${seconds} s of its restart (final height ${own}, others ${sample.finalHeight})`;
      throw new TestnetFailure("liveness", [head, ...describeWaiting(sample)].join("\n  "));
    }
    othersBefore = Math.max(othersBefore, sample.finalHeight);
    await sleep(LOOK_INTERVAL_MS);
  }
}
