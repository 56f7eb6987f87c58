/** The last line of a run with --json: what happened, in one object. Fields are added over time and never change meaning. */

import type { BundleCounters } from "./builders.ts";
import type { AgreementCheck } from "./checks/observed_agreement.ts";
import { EXIT_CODES, type FailureCode, type TestnetFailure } from "./failure.ts";
import { type Histogram, percentile } from "./histogram.ts";
import type { CatchUp, KillOneReport } from "./kill_one.ts";
import type { LoadCounters } from "./load.ts";
import type { Monitor } from "./monitor.ts";
import type { TestnetOptions } from "./options.ts";
import type { TransactionSource } from "./transactions.ts";

export interface Summary {
  readonly type: "summary";
  readonly ok: boolean;
  readonly exitCode: number;
  /** Undefined when ok. */
  readonly failure: { readonly code: FailureCode; readonly message: string } | undefined;
  readonly validators: number;
  readonly runtime: string;
  readonly application: string;
  /** From the start of this process to the first final block seen; null when there was none. */
  readonly firstFinalMs: number | null;
  readonly finalizedHeight: number;
  /** Final blocks that were compared across validators. */
  readonly blocks: number;
  readonly transactions: {
    readonly submitted: number;
    readonly finalized: number;
    readonly refused: number;
    /** "Not now" answers; those transactions were submitted again. */
    readonly retried: number;
    /** Due by the clock but never made, for want of room. */
    readonly heldBack: number;
    /** Submitted, not refused, and not final when the run ended. */
    readonly unfinished: number;
  };
  readonly finalityMs: { readonly p50: number | null; readonly p99: number | null };
  /** Undefined without --sealed. */
  readonly sealed: SealedSummary | undefined;
  /** Undefined without --builders. */
  readonly builders: BuildersSummary | undefined;
  /** Open transactions; sealed ones have their own count. */
  readonly txPerSecond: number;
  readonly operationsPerSecond: number;
  readonly payloadMBPerSecond: number;
  readonly stateRootsEqual: boolean;
  readonly conflicts: number;
  readonly restarted: number;
  readonly killOne: Omit<KillOneReport, "catchUp"> | undefined;
  readonly catchUp: CatchUp | undefined;
  /** Mean over validators, in ms of CPU. */
  readonly cpuMsPerView: number | null;
  /** Fraction of one core, by validator. */
  readonly cpu: readonly number[];
  readonly memoryBytes: readonly { readonly first: number; readonly last: number }[];
  /** How long the load ran, or the idle watch. */
  readonly measuredMs: number;
}

/** Sealed transactions. `opened` ones had content that ran, whatever its operations' codes; `failed` ones paid and had none. */
export interface SealedSummary {
  readonly submitted: number;
  readonly ordered: number;
  readonly opened: number;
  readonly failed: number;
  readonly refused: number;
  readonly retried: number;
  readonly heldBack: number;
  /** Refusals by code, for good or not. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Submitted, not refused, and not executed when the run ended. */
  readonly unfinished: number;
  /** From arrival at a validator to a final order, and from there to opened. */
  readonly finalityMs: { readonly p50: number | null; readonly p99: number | null };
  readonly openMs: { readonly p50: number | null; readonly p99: number | null };
  readonly perSecond: number;
  readonly operationsPerSecond: number;
  /** From the start of this process to a key with a proof that a client accepts. */
  readonly keyReadyMs: number | null;
}

/** Over the measured stretch, from when all builders were registered and linked. */
export interface BuildersSummary {
  /** By account. */
  readonly blocksByBuilder: Readonly<Record<string, number>>;
  readonly blocksBySelf: number;
  /** Fraction of all blocks, with --kill-builders of those before the kill; 0 to 1, null when there were none. */
  readonly builtShare: number | null;
  /** Made by builders that answered last. */
  readonly bids: number;
  /** Sum of the values, in the smallest unit of the fee asset. */
  readonly paid: string;
  readonly bidToProposalMs: { readonly p50: number | null; readonly p99: number | null };
  readonly bundles: {
    readonly submitted: number;
    readonly refused: number;
    readonly refusals: Readonly<Record<string, number>>;
    readonly transactionsIncluded: number;
  };
  /** With --kill-builders: where, and what came after. */
  readonly killed: { readonly height: number; readonly blocksAfter: number; readonly viewsLostAfter: number } | undefined;
}

/** What the run knows of its builders. */
export interface BuildersResult {
  readonly bids: number;
  readonly bundles: BundleCounters;
  /** Transactions of the run itself that registered them. */
  readonly registrations: number;
  readonly killedAt: KilledAt | undefined;
}

/** Where all builders were killed, and what had been counted by then: blocks, and how many of them builders had built. */
export interface KilledAt {
  readonly height: number;
  readonly lostViews: number;
  readonly blocks: number;
  readonly built: number;
}

/** What the run knows when it ends, however it ends. */
export interface RunResult {
  readonly options: TestnetOptions;
  readonly failure: TestnetFailure | undefined;
  readonly firstFinalMs: number | undefined;
  readonly monitor: Monitor | undefined;
  readonly source: TransactionSource | undefined;
  readonly counters: LoadCounters | undefined;
  readonly sealedCounters: LoadCounters | undefined;
  readonly keyReadyMs: number | undefined;
  readonly builders: BuildersResult | undefined;
  readonly killOne: KillOneReport | undefined;
  /** The stretch over which rates are taken: its length and the transactions that became final in it. */
  readonly measured: { readonly ms: number; readonly transactions: number; readonly sealed: number };
}

export function summaryOf(result: RunResult): Summary {
  const { options, failure, monitor } = result;
  const agreement = monitor?.agreement;
  const usage = monitor?.usage.validators ?? [];
  const perSecond = result.measured.ms > 0 ? (result.measured.transactions * 1_000) / result.measured.ms : 0;
  const source = result.source;
  const conflicts = conflictsIn(agreement, "block");
  const { catchUp, ...killOne } = result.killOne ?? { catchUp: undefined };
  return {
    type: "summary",
    ok: failure === undefined,
    exitCode: failure?.exitCode ?? EXIT_CODES.ok,
    failure: failure === undefined ? undefined : { code: failure.code, message: failure.message },
    validators: options.validators,
    runtime: options.runtime,
    application: options.application,
    firstFinalMs: result.firstFinalMs === undefined ? null : Math.round(result.firstFinalMs),
    finalizedHeight: agreement?.height ?? 0,
    blocks: agreement?.comparedHeight ?? 0,
    transactions: transactionsOf(result),
    finalityMs: quantilesOf(monitor?.finality),
    sealed: sealedOf(result),
    builders: buildersOf(result),
    txPerSecond: rounded(perSecond, 1) ?? 0,
    operationsPerSecond: rounded(perSecond * (source?.operationsPerTransaction ?? 0), 1) ?? 0,
    payloadMBPerSecond: rounded((perSecond * (source?.transactionBytes ?? 0)) / 1e6, 3) ?? 0,
    stateRootsEqual: conflicts === 0 && conflictsIn(agreement, "stateRoot") === 0,
    conflicts,
    restarted: result.killOne?.heightAtRestart === undefined ? 0 : 1,
    killOne: result.killOne === undefined ? undefined : (killOne as Omit<KillOneReport, "catchUp">),
    catchUp,
    cpuMsPerView: rounded(monitor?.usage.cpuMsPerView, 3),
    cpu: usage.map(({ cpu }) => rounded(cpu, 4) ?? 0),
    memoryBytes: usage.map(({ memoryFirstBytes, memoryLastBytes }) => ({ first: memoryFirstBytes, last: memoryLastBytes })),
    measuredMs: Math.round(result.measured.ms),
  };
}

/** The summary for people. */
export function describeSummary(summary: Summary): string {
  const { transactions } = summary;
  const lines = [
    summary.ok ? "OK" : `FAILED (exit code ${summary.exitCode}): ${summary.failure?.message ?? ""}`,
    `  final height ${summary.finalizedHeight}; ${summary.blocks} blocks compared on ${summary.validators} validators (${summary.runtime}), ${summary.conflicts} conflicts, state roots ${summary.stateRootsEqual ? "equal" : "DIFFER"}`,
    `  first final block after ${summary.firstFinalMs ?? "–"} ms`,
    `  transactions: ${transactions.submitted} submitted, ${transactions.finalized} final, ${transactions.refused} refused, ${transactions.unfinished} unfinished, ${transactions.heldBack} held back`,
    `  ${summary.txPerSecond} tx/s, ${summary.operationsPerSecond} operations/s, ${summary.payloadMBPerSecond} MB/s; finality p50 ${summary.finalityMs.p50 ?? "–"} ms, p99 ${summary.finalityMs.p99 ?? "–"} ms`,
  ];
  const { killOne, catchUp, sealed, builders } = summary;
  if (sealed !== undefined) {
    lines.push(
      `  sealed: ${sealed.submitted} submitted, ${sealed.ordered} ordered, ${sealed.opened} opened, ${sealed.failed} failed, ${sealed.refused} refused, ${sealed.unfinished} unfinished; ${sealed.perSecond}/s, ${sealed.operationsPerSecond} operations/s`,
      `  sealed finality p50 ${sealed.finalityMs.p50 ?? "–"} ms, p99 ${sealed.finalityMs.p99 ?? "–"} ms; opened p50 ${sealed.openMs.p50 ?? "–"} ms, p99 ${sealed.openMs.p99 ?? "–"} ms after that; key ready after ${sealed.keyReadyMs ?? "–"} ms`,
    );
  }
  if (builders !== undefined) lines.push(...describeBuilders(builders));
  if (killOne !== undefined) {
    const level = killOne.caughtUpMs === undefined ? "it did not catch up" : `level again ${killOne.caughtUpMs} ms after its restart`;
    lines.push(
      `  validator ${killOne.validator} was killed at height ${killOne.heightAtKill}; ${killOne.finalizedWhileDown ?? 0} blocks became final without it; ${level}${catchUp === undefined ? "" : ` (${catchUp.blocks} blocks at ${catchUp.blocksPerSecond}/s)`}`,
    );
  }
  const cpu = summary.cpu.map((fraction) => `${(100 * fraction).toFixed(1)} %`).join(", ");
  const memory = summary.memoryBytes.map(({ last }) => `${Math.round(last / 1e6)} MB`).join(", ");
  if (cpu !== "") lines.push(`  CPU of each validator: ${cpu}; memory: ${memory}`);
  return lines.join("\n");
}

function sealedOf(result: RunResult): SealedSummary | undefined {
  const { options, monitor, sealedCounters, measured } = result;
  if (options.sealed === 0) return undefined;
  const { submitted = 0, refused = 0, retried = 0, heldBack = 0 } = sealedCounters ?? {};
  const { ordered, executed, failed } = monitor?.sealed ?? { ordered: 0, executed: 0, failed: 0 };
  const perSecond = measured.ms > 0 ? (measured.sealed * 1_000) / measured.ms : 0;
  return {
    submitted,
    ordered,
    opened: executed - failed,
    failed,
    refused,
    retried,
    heldBack,
    refusals: Object.fromEntries(sealedCounters?.refusals ?? []),
    unfinished: Math.max(0, submitted - refused - executed),
    finalityMs: quantilesOf(monitor?.sealedFinality),
    openMs: quantilesOf(monitor?.opening),
    perSecond: rounded(perSecond, 1) ?? 0,
    operationsPerSecond: rounded(perSecond * options.operationsPerTransaction, 1) ?? 0,
    keyReadyMs: rounded(result.keyReadyMs, 0),
  };
}

function describeBuilders(builders: BuildersSummary): readonly string[] {
  const { bundles, bidToProposalMs, killed } = builders;
  const shares = Object.entries(builders.blocksByBuilder).map(([account, count]) => `${count} by ${account.slice(0, 8)}`);
  const share = builders.builtShare === null ? "–" : `${(100 * builders.builtShare).toFixed(1)} %`;
  const lines = [
    `  blocks: ${[...shares, `${builders.blocksBySelf} by their proposers`].join(", ")}; ${share} built${killed === undefined ? "" : " before they were killed"}; ${builders.bids} bids, ${builders.paid} paid; bid to proposal p50 ${bidToProposalMs.p50 ?? "–"} ms, p99 ${bidToProposalMs.p99 ?? "–"} ms`,
    `  bundles: ${bundles.submitted} submitted, ${bundles.refused} refused, ${bundles.transactionsIncluded} transactions of them included`,
  ];
  if (killed !== undefined) {
    lines.push(
      `  builders were killed at height ${killed.height}; ${killed.blocksAfter} blocks became final without them, ${killed.viewsLostAfter} views lost`,
    );
  }
  return lines;
}

function buildersOf({ options, builders, monitor }: RunResult): BuildersSummary | undefined {
  if (options.builders === 0) return undefined;
  const built = monitor?.built;
  const byBuilder = [...(built?.byBuilder ?? [])].sort(([left], [right]) => (left < right ? -1 : 1));
  const builtCount = byBuilder.reduce((total, [, count]) => total + count, 0);
  const bySelf = built?.bySelf ?? 0;
  const killedAt = builders?.killedAt;
  const withBuilders = killedAt ?? { built: builtCount, blocks: builtCount + bySelf };
  return {
    blocksByBuilder: Object.fromEntries(byBuilder),
    blocksBySelf: bySelf,
    builtShare: rounded(withBuilders.blocks === 0 ? undefined : withBuilders.built / withBuilders.blocks, 4),
    bids: builders?.bids ?? 0,
    paid: (built?.paid ?? 0n).toString(),
    bidToProposalMs: quantilesOf(monitor?.bidToProposal),
    bundles: {
      submitted: builders?.bundles.submitted ?? 0,
      refused: builders?.bundles.refused ?? 0,
      refusals: Object.fromEntries(builders?.bundles.refusals ?? []),
      transactionsIncluded: built?.bundleTransactions ?? 0,
    },
    killed:
      killedAt === undefined
        ? undefined
        : {
            height: killedAt.height,
            blocksAfter: builtCount + bySelf - killedAt.blocks,
            viewsLostAfter: (built?.lostViews ?? 0) - killedAt.lostViews,
          },
  };
}

function quantilesOf(histogram: Histogram | undefined): { readonly p50: number | null; readonly p99: number | null } {
  const quantile = (fraction: number) => (histogram === undefined ? undefined : percentile(histogram, fraction));
  return { p50: rounded(quantile(0.5), 1), p99: rounded(quantile(0.99), 1) };
}

function transactionsOf(result: RunResult): Summary["transactions"] {
  const { counters } = result;
  const submitted = counters?.submitted ?? 0;
  const refused = counters?.refused ?? 0;
  const finalized = Math.max(0, (result.monitor?.agreement.transactions ?? 0) - (result.builders?.registrations ?? 0));
  return {
    submitted,
    finalized,
    refused,
    retried: counters?.retried ?? 0,
    heldBack: counters?.heldBack ?? 0,
    unfinished: Math.max(0, submitted - refused - finalized),
  };
}

/** Heights at which the kind of thing differs. */
function conflictsIn(agreement: AgreementCheck | undefined, kind: "block" | "stateRoot"): number {
  const heights = (agreement?.divergences ?? []).filter((divergence) => divergence.kind === kind).map(({ height }) => height);
  return new Set(heights).size;
}

function rounded(value: number | undefined, digits: number): number | null {
  return value === undefined ? null : Math.round(value * 10 ** digits) / 10 ** digits;
}
