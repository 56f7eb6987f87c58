/** One run of the testnet from the first file to the last: start, wait for the first final block, load, watch, drill, compare,
 *  stop, clean up, summary. However it ends, no process and (without --keep) no file stays behind. */

import { type BuildersContext, type BuildersRun, beginBuilders, killBuildersHalfway, withBids } from "./builders_run.ts";
import { requireAgreement } from "./checks/observed_agreement.ts";
import { type Cluster, createCluster } from "./cluster.ts";
import { prepareDirectory, type RunDirectory } from "./directory.ts";
import { failureOf, TestnetFailure } from "./failure.ts";
import { type KillOneReport, killOne, restartKilled } from "./kill_one.ts";
import type { Load } from "./load.ts";
import { createMonitor, describeWaiting, type Monitor } from "./monitor.ts";
import type { NetworkFiles } from "./network_files.ts";
import type { TestnetOptions } from "./options.ts";
import type { Output } from "./output.ts";
import { accountRangesOf } from "./parameters.ts";
import { ProcessEnded } from "./processes.ts";
import { requireNoneRepeated } from "./repeated.ts";
import { announceCluster, announceEnd, announceStart } from "./report.ts";
import { createRpcClient, type RpcClient } from "./rpc_client.ts";
import type { SealedTraffic, SealedTrafficContext } from "./sealed_traffic.ts";
import { describeSummary, summaryOf } from "./summary.ts";
import type { TransactionSource } from "./transactions.ts";
import { type Watch, watchCluster } from "./watch.ts";

const FIRST_FINAL_DEADLINE_MS = 90_000;
const FIRST_LOOK_INTERVAL_MS = 20;
const SEALED_AHEAD_INTERVAL_MS = 50;
const LOAD_STOP_DEADLINE_MS = 5_000;
const SETTLE_DEADLINE_MS = 20_000;
/** Without a new final transaction for so long, what is unfinished stays so. */
const SETTLE_QUIET_MS = 5_000;
const SETTLE_INTERVAL_MS = 100;

export interface RunContext {
  readonly options: TestnetOptions;
  readonly output: Output;
  /** Aborted when the user asks the run to end, or when it fails. */
  readonly ending: AbortController;
  /** Milliseconds since this process started. */
  readonly nowMs: () => number;
}

/** What the run has built so far; the end and the exit handler work with what is there. */
interface Parts {
  directory: RunDirectory | undefined;
  cluster: Cluster | undefined;
  client: RpcClient;
  monitor: Monitor | undefined;
  source: TransactionSource | undefined;
  load: Load | undefined;
  sealed: SealedTraffic | undefined;
  builders: BuildersRun | undefined;
  keyReadyMs: number | undefined;
  killOne: KillOneReport | undefined;
  firstFinalMs: number | undefined;
  /** The first failure is the one that counts. */
  failure: TestnetFailure | undefined;
  measuredFrom: { readonly atMs: number; readonly transactions: number; readonly sealed: number } | undefined;
  measured: { readonly ms: number; readonly transactions: number; readonly sealed: number };
}

export interface Run {
  /** Resolves with the exit code when everything is over and cleaned up. */
  readonly finished: Promise<number>;
  /** Ends all processes and removes the files at once; for exit handlers. Harmless when all is over. */
  abandon(): void;
}

export function startRun(context: RunContext): Run {
  const parts: Parts = {
    directory: undefined,
    cluster: undefined,
    client: createRpcClient(),
    monitor: undefined,
    source: undefined,
    load: undefined,
    sealed: undefined,
    builders: undefined,
    keyReadyMs: undefined,
    killOne: undefined,
    firstFinalMs: undefined,
    failure: undefined,
    measuredFrom: undefined,
    measured: { ms: 0, transactions: 0, sealed: 0 },
  };
  return {
    finished: runToEnd(context, parts),
    abandon() {
      parts.cluster?.killAllNow();
      if (!context.options.keep) parts.directory?.remove();
    },
  };
}

async function runToEnd(context: RunContext, parts: Parts): Promise<number> {
  const { options, output } = context;
  try {
    await perform(context, parts);
  } catch (error) {
    if (!(error instanceof RunEnded)) fail(context, parts, failureOf(error));
  }
  if (parts.firstFinalMs === undefined)
    fail(context, parts, new TestnetFailure("liveness", "the run was ended before the first final block"));
  parts.sealed?.stop();
  parts.builders?.traffic.stop();
  parts.client.close();
  await parts.cluster?.stop();
  if (!options.keep) parts.directory?.remove();
  const builders = parts.builders === undefined ? undefined : { ...parts.builders, bundles: parts.builders.traffic.counters };
  const summary = summaryOf({ ...parts, builders, options, counters: parts.load?.counters, sealedCounters: parts.sealed?.load.counters });
  announceEnd(context, { directory: parts.directory?.path, validators: parts.cluster?.size ?? 0 });
  output.say(describeSummary(summary));
  output.event({ ...summary });
  return summary.exitCode;
}

/** Records the failure and ends whatever still waits. */
function fail(context: RunContext, parts: Parts, failure: TestnetFailure): void {
  parts.failure ??= failure;
  context.ending.abort();
}

/** The user asked the run to end. */
class RunEnded extends Error {
  override readonly name = "RunEnded";
}

async function perform(context: RunContext, parts: Parts): Promise<void> {
  const { options } = context;
  const onFailure = (failure: TestnetFailure): void => fail(context, parts, failure);
  announceStart(context);
  parts.directory = prepareDirectory(options.dataDirectory);
  const cluster = createCluster({
    directory: parts.directory,
    validators: options.validators,
    builders: options.builders,
    takesBids: !options.noBids,
    runtime: options.runtime,
    application: options.application,
    accounts: accountRangesOf(options).count,
    onReady: (name, ready, pid) =>
      context.output.event({ type: "ready", atMs: Math.round(context.nowMs()), ...ready, ...name, pid: pid ?? null }),
    onCrash: (exit) => onFailure(new ProcessEnded(exit)),
  });
  parts.cluster = cluster;
  const monitor = createMonitor({
    client: parts.client,
    validators: options.validators,
    targets: () => cluster.serving(),
    nowMs: context.nowMs,
  });
  parts.monitor = monitor;
  let watch: Watch | undefined;
  try {
    const begin = beginTraffic(context, parts, cluster, monitor);
    const [files] = await Promise.all([untilEnded(context, begin), waitForFirstFinal(context, parts, cluster, monitor)]);
    announceCluster(context, { cluster, files, firstFinalMs: parts.firstFinalMs ?? 0 });
    watch = watchCluster({ ...context, cluster, monitor, counters: () => parts.load?.counters, fail: onFailure });
    if (options.builders > 0) parts.builders = await beginBuilders(buildersContext(context, parts, { cluster, monitor }), files);
    if (options.sealed > 0) await beginSealed(context, parts, { cluster, monitor, files });
    await startMeasuring(context, parts, monitor);
    await followSchedule(context, parts, cluster, monitor);
  } catch (error) {
    if (!(error instanceof RunEnded)) throw error;
  } finally {
    watch?.stop();
    // A start that failed must end the wait for its first block, and the other way round.
    if (parts.firstFinalMs === undefined) context.ending.abort();
  }
  if (parts.failure === undefined && parts.firstFinalMs !== undefined) await conclude(context, parts, cluster, monitor);
}

/** Starts all validators and, as soon as they are linked, the load: so the first final block holds somebody's transfer. */
async function beginTraffic(context: RunContext, parts: Parts, cluster: Cluster, monitor: Monitor): Promise<NetworkFiles> {
  const { options } = context;
  const files = await cluster.start();
  if (options.load === 0 || context.ending.signal.aborted) return files;
  const { createTraffic } = await import("./traffic.ts");
  const finalized = (): number => monitor.agreement.transactions;
  const { source, load } = createTraffic({ options, files, client: parts.client, targets: () => cluster.serving(), finalized });
  parts.source = source;
  parts.load = load;
  await untilLinked(context, parts, monitor);
  load.start();
  return files;
}

/** Waits for the sealing key, then submits sealed transactions as well. */
async function beginSealed(
  context: RunContext,
  parts: Parts,
  { cluster, monitor, files }: { readonly cluster: Cluster; readonly monitor: Monitor; readonly files: NetworkFiles },
): Promise<void> {
  const { options, output, nowMs } = context;
  const { createSealedTraffic, waitForSealingKey } = await import("./sealed_traffic.ts");
  const traffic: SealedTrafficContext = {
    options,
    files,
    client: parts.client,
    targets: () => cluster.serving(),
    finalized: () => monitor.sealed.executed,
    finalHeight: () => monitor.agreement.height,
    nowMs,
    pause: (ms) => pause(context, ms),
  };
  output.say("waiting for the validators to make their sealing key");
  const key = await waitForSealingKey(traffic);
  parts.keyReadyMs = nowMs();
  output.say(`sealing key ready after ${Math.round(parts.keyReadyMs)} ms`);
  output.event({ type: "sealingKey", atMs: Math.round(parts.keyReadyMs), keyId: key.keyId, threshold: key.threshold });
  parts.sealed = await createSealedTraffic(traffic, key);
  while (parts.sealed.source.readyCount < options.sealed) await pause(context, SEALED_AHEAD_INTERVAL_MS);
  parts.sealed.load.start();
}

function buildersContext(
  context: RunContext,
  { client }: Parts,
  parts: { readonly cluster: Cluster; readonly monitor: Monitor },
): BuildersContext {
  return { ...context, ...parts, client, pause: (ms) => pause(context, ms) };
}

/** Waits until every validator has a link with every other one, or blocks become final all the same. */
async function untilLinked(context: RunContext, parts: Parts, monitor: Monitor): Promise<void> {
  const others = context.options.validators - 1;
  while (parts.firstFinalMs === undefined) {
    const { statuses } = await monitor.sample();
    const linked = [...statuses.values()].filter(({ linkedValidators }) => linkedValidators >= others);
    if (linked.length > others) return;
    await pause(context, FIRST_LOOK_INTERVAL_MS);
  }
}

async function waitForFirstFinal(context: RunContext, parts: Parts, cluster: Cluster, monitor: Monitor): Promise<void> {
  const untilMs = context.nowMs() + FIRST_FINAL_DEADLINE_MS;
  for (;;) {
    const sample = await monitor.sample();
    if (sample.finalHeight > 0) {
      parts.firstFinalMs = context.nowMs();
      context.output.event({ type: "firstFinal", atMs: Math.round(parts.firstFinalMs), height: sample.finalHeight });
      return;
    }
    if (context.nowMs() > untilMs) {
      const head = `no final block within ${FIRST_FINAL_DEADLINE_MS / 1_000} s`;
      throw new TestnetFailure("liveness", [head, ...describeWaiting(sample)].join("\n  "));
    }
    const up = cluster.serving().length;
    context.output.live(
      `${up} of ${cluster.size} validators up; waiting for ${up < cluster.size ? "the others and " : ""}the first final block`,
    );
    await pause(context, FIRST_LOOK_INTERVAL_MS);
  }
}

/** From here on the figures count: what start-up did is left out. */
async function startMeasuring(context: RunContext, parts: Parts, monitor: Monitor): Promise<void> {
  await monitor.sample();
  await monitor.takeBlocks();
  monitor.resetMeasures();
  parts.measuredFrom = { atMs: context.nowMs(), transactions: monitor.agreement.transactions, sealed: monitor.sealed.executed };
}

/** Lets time pass until the run's end, with the kill drill in between. Rejects with RunEnded when the user ends it. */
async function followSchedule(context: RunContext, parts: Parts, cluster: Cluster, monitor: Monitor): Promise<void> {
  const { options, output } = context;
  if (options.durationMs === undefined) return pause(context, undefined);
  if (options.killBuilders && parts.builders !== undefined) {
    parts.builders = await killBuildersHalfway(buildersContext(context, parts, { cluster, monitor }), parts.builders, options.durationMs);
    return;
  }
  if (!options.killOne) return pause(context, options.durationMs);
  const third = options.durationMs / 3;
  const drill = { cluster, monitor, nowMs: context.nowMs, sleep: (ms: number) => pause(context, ms) };
  await pause(context, third);
  const report = await killOne(drill);
  parts.killOne = report;
  parts.load?.resubmit(report.validator);
  parts.sealed?.load.resubmit(report.validator);
  output.say(`killed validator ${report.validator} at height ${report.heightAtKill}`);
  output.event({ type: "killed", validator: report.validator, height: report.heightAtKill });
  await pause(context, third);
  const restartAtMs = context.nowMs();
  output.say(`restarting validator ${report.validator}`);
  await restartKilled(drill, report);
  const { catchUp, ...rest } = report;
  output.say(`validator ${report.validator} caught up ${report.caughtUpMs} ms after its restart`);
  output.event({ type: "caughtUp", ...rest, catchUp });
  await pause(context, Math.max(0, third - (context.nowMs() - restartAtMs)));
}

/** Stops the load, lets the cluster finish what it took, and compares all validators at every height. */
async function conclude(context: RunContext, parts: Parts, cluster: Cluster, monitor: Monitor): Promise<void> {
  if (parts.measuredFrom !== undefined) {
    const { atMs, transactions, sealed } = parts.measuredFrom;
    const ms = context.nowMs() - atMs;
    await monitor.takeBlocks();
    parts.measured = { ms, transactions: monitor.agreement.transactions - transactions, sealed: monitor.sealed.executed - sealed };
  }
  parts.sealed?.stop();
  parts.builders?.traffic.stop();
  if (parts.builders !== undefined) parts.builders = await withBids({ cluster, client: parts.client }, parts.builders);
  await Promise.all([parts.load?.stop(LOAD_STOP_DEADLINE_MS), parts.sealed?.load.stop(LOAD_STOP_DEADLINE_MS)]);
  await settle(context, parts, monitor);
  const { finalHeight } = await monitor.sample();
  await compareUpTo(context, cluster, monitor, finalHeight);
  requireAgreement(monitor.agreement);
  const [witness] = cluster.serving();
  const taken = (load: Load | undefined): number => (load?.counters.submitted ?? 0) - (load?.counters.refused ?? 0);
  const isMoreFinal =
    monitor.agreement.transactions - registrationsOf(parts) > taken(parts.load) || monitor.sealed.ordered > taken(parts.sealed?.load);
  if (witness !== undefined && isMoreFinal) await requireNoneRepeated(parts.client, witness.rpc, finalHeight);
}

const registrationsOf = ({ builders }: Parts): number => builders?.registrations ?? 0;

/** Waits until all that was submitted is final. Throws TestnetFailure "liveness" when something never becomes final, unless a
 *  validator was killed, which may lose what it had taken. A cluster that is merely behind its load is not a failure. */
async function settle(context: RunContext, parts: Parts, monitor: Monitor): Promise<void> {
  const counters = [parts.load?.counters, parts.sealed?.load.counters].filter((each) => each !== undefined);
  if (counters.length === 0) return;
  const executed = (): number => monitor.agreement.transactions - registrationsOf(parts) + monitor.sealed.executed;
  const unfinished = (): number => counters.reduce((total, { submitted, refused }) => total + submitted - refused, 0) - executed();
  const untilMs = context.nowMs() + SETTLE_DEADLINE_MS;
  let quiet = { sinceMs: context.nowMs(), transactions: executed(), height: monitor.agreement.height };
  while (unfinished() > 0 && context.nowMs() < untilMs && parts.failure === undefined) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_INTERVAL_MS));
    await monitor.takeBlocks();
    const { height } = monitor.agreement;
    const transactions = executed();
    if (transactions > quiet.transactions) quiet = { sinceMs: context.nowMs(), transactions, height };
    if (context.nowMs() - quiet.sinceMs < SETTLE_QUIET_MS) continue;
    if (parts.killOne !== undefined && height > quiet.height) return;
    const head = `${unfinished()} submitted transactions did not become final`;
    throw new TestnetFailure("liveness", [head, ...describeWaiting(await monitor.sample())].join("\n  "));
  }
}

/** Every validator that is up must show every height up to `height`. */
async function compareUpTo(context: RunContext, cluster: Cluster, monitor: Monitor, height: number): Promise<void> {
  const untilMs = context.nowMs() + SETTLE_DEADLINE_MS;
  for (;;) {
    await monitor.takeBlocks();
    requireAgreement(monitor.agreement);
    const behind = cluster.serving().filter(({ validator }) => monitor.agreement.nextHeightOf(validator) <= height);
    if (behind.length === 0) return;
    if (context.nowMs() > untilMs) {
      const heights = behind.map(({ validator }) => `validator ${validator} shows ${monitor.agreement.nextHeightOf(validator) - 1}`);
      const head = `final height ${height}, but not on all validators: ${heights.join(", ")}`;
      throw new TestnetFailure("liveness", [head, ...describeWaiting(await monitor.sample())].join("\n  "));
    }
    await new Promise((resolve) => setTimeout(resolve, SETTLE_INTERVAL_MS));
  }
}

/** Resolves after `ms` (never, when undefined); rejects with RunEnded as soon as the run is asked to end. */
function pause(context: RunContext, ms: number | undefined): Promise<void> {
  const { signal } = context.ending;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(new RunEnded());
    };
    const onTime = (): void => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    };
    // With nothing else to wait for, a far timer keeps the process alive until it is interrupted.
    const timer = ms === undefined ? setInterval(() => undefined, 60_000) : setTimeout(onTime, ms);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** The promise, or RunEnded when the run is asked to end before. */
async function untilEnded<T>(context: RunContext, promise: Promise<T>): Promise<T> {
  const { signal } = context.ending;
  return Promise.race([
    promise,
    new Promise<never>((_, reject) => {
      if (signal.aborted) reject(new RunEnded());
      signal.addEventListener("abort", () => reject(new RunEnded()), { once: true });
    }),
  ]);
}
