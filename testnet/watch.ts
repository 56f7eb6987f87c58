/** Watches a running cluster: the live line, agreement, progress. Ends the run when validators disagree or nothing moves. */

import { createProgressCheck, requireAgreement } from "./checks/observed_agreement.ts";
import type { Cluster } from "./cluster.ts";
import { failureOf, TestnetFailure } from "./failure.ts";
import type { LoadCounters } from "./load.ts";
import { type ClusterSample, describeWaiting, type Monitor } from "./monitor.ts";
import type { Output } from "./output.ts";

export interface WatchContext {
  readonly cluster: Cluster;
  readonly monitor: Monitor;
  readonly output: Output;
  readonly counters: () => LoadCounters | undefined;
  readonly nowMs: () => number;
  /** Ends the run. */
  readonly fail: (failure: TestnetFailure) => void;
}

const STATUS_INTERVAL_MS = 500;
/** Final blocks are asked for on every second look. */
const LOOKS_PER_BLOCKS = 2;
/** Many times the heartbeat and the longest view timeout of a local cluster. */
export const NO_PROGRESS_MS = 30_000;

export interface Watch {
  /** No look begins after this. */
  stop(): void;
}

export function watchCluster(context: WatchContext): Watch {
  const { cluster, monitor, nowMs } = context;
  const progress = createProgressCheck(nowMs());
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let looks = 0;
  let ratesFrom = { atMs: nowMs(), transactions: monitor.agreement.transactions };

  async function look(): Promise<void> {
    const sample = await monitor.sample();
    if (isStopped) return;
    for (const [validator, status] of sample.statuses) {
      if (status.hasDiverged)
        throw new TestnetFailure("safety", `validator ${validator} says that its state root differs from a certified one`);
    }
    const stillMs = progress.observe(sample.finalHeight, cluster.hasQuorum(), sample.atMs);
    if (stillMs > NO_PROGRESS_MS) {
      const head = `nothing became final for ${Math.round(stillMs / 1_000)} s although a quorum is up`;
      throw new TestnetFailure("liveness", [head, ...describeWaiting(sample)].join("\n  "));
    }
    if (looks++ % LOOKS_PER_BLOCKS !== 0) return;
    await monitor.takeBlocks();
    requireAgreement(monitor.agreement);
    if (!isStopped) show(sample);
  }

  function show(sample: ClusterSample): void {
    const { transactions } = monitor.agreement;
    const seconds = Math.max(sample.atMs - ratesFrom.atMs, 1) / 1_000;
    const txPerSecond = Math.round((transactions - ratesFrom.transactions) / seconds);
    ratesFrom = { atMs: sample.atMs, transactions };
    const { p50Ms, p99Ms } = monitor.recentFinality();
    const counters = context.counters();
    const up = cluster.serving().length;
    const latency = p50Ms === undefined ? "finality –" : `finality p50 ${p50Ms.toFixed(1)} ms, p99 ${(p99Ms ?? p50Ms).toFixed(1)} ms`;
    const refused =
      counters === undefined || counters.refused + counters.retried === 0 ? "" : `, refused ${counters.refused}, busy ${counters.retried}`;
    context.output.live(
      `height ${sample.finalHeight}, ${transactions} tx final, ${txPerSecond} tx/s, ${latency}, ${up}/${cluster.size} validators up${refused}`,
    );
    context.output.event({
      type: "progress",
      atMs: Math.round(sample.atMs),
      height: sample.finalHeight,
      validatorsUp: up,
      transactionsFinal: transactions,
      txPerSecond,
      finalityMs: { p50: p50Ms ?? null, p99: p99Ms ?? null },
      submitted: counters?.submitted ?? 0,
      refused: counters?.refused ?? 0,
      retried: counters?.retried ?? 0,
      heldBack: counters?.heldBack ?? 0,
    });
  }

  function schedule(): void {
    if (isStopped) return;
    timer = setTimeout(() => {
      look().then(schedule, (error: unknown) => context.fail(failureOf(error)));
    }, STATUS_INTERVAL_MS);
  }

  schedule();
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
