/** Looks at all validators: status often, final blocks now and then. Knows who is up, how high the cluster is, and whether
 *  all that was seen agrees. Nothing here changes a validator. */

import { type BuiltCounts, createBuiltCounter } from "./built_counter.ts";
import { type AgreementCheck, createAgreementCheck } from "./checks/observed_agreement.ts";
import { messageOf } from "./failure.ts";
import { createHistogramAccumulator, EMPTY_HISTOGRAM, type Histogram, percentile, subtractHistograms } from "./histogram.ts";
import type { RpcClient } from "./rpc_client.ts";
import { BLOCKS_PER_REQUEST_MAX, type BlockSummary, fetchBlocks, fetchStatus, type ValidatorStatus } from "./rpc_shapes.ts";
import { createUsage, type Usage } from "./usage.ts";

export interface MonitorTarget {
  readonly validator: number;
  readonly rpc: string;
}

/** One look at the cluster. */
export interface ClusterSample {
  readonly atMs: number;
  /** Of the validators that answered. */
  readonly statuses: ReadonlyMap<number, ValidatorStatus>;
  /** Why the others did not. */
  readonly silent: ReadonlyMap<number, string>;
  /** The highest final height of those that answered. */
  readonly finalHeight: number;
}

export interface Monitor {
  /** Asks every target for its status. */
  sample(): Promise<ClusterSample>;
  /** Takes the final blocks that are new into the agreement check. */
  takeBlocks(): Promise<void>;
  /** The validator restarted: its final blocks are compared anew. */
  restarted(validator: number): void;
  readonly agreement: AgreementCheck;
  /** Since the last reset; of open transactions. */
  readonly finality: Histogram;
  /** The same of sealed ones, and how long they took from there to opened. */
  readonly sealedFinality: Histogram;
  readonly opening: Histogram;
  /** Sealed transactions, each block counted once, however many validators have opened it and whenever they are asked. */
  readonly sealed: SealedCounts;
  /** Who built the blocks since the last reset, each counted once. */
  readonly built: BuiltCounts;
  /** At the validators that proposed: from a bid's arrival to the proposal that uses it, since the last reset. */
  readonly bidToProposal: Histogram;
  readonly usage: Usage;
  /** Latency over the samples since the last call, for the live line. */
  recentFinality(): { readonly p50Ms: number | undefined; readonly p99Ms: number | undefined };
  /** Starts latency and usage anew, so that start-up does not count. */
  resetMeasures(): void;
}

export interface SealedCounts {
  /** In final blocks, opened or not, as far as validators have shown. */
  readonly ordered: number;
  /** In blocks that some validator has executed. */
  readonly executed: number;
  /** Of these, those that paid and had no content that could run. */
  readonly failed: number;
}

const STATUS_DEADLINE_MS = 2_000;
const BLOCKS_DEADLINE_MS = 10_000;
/** Rounds of full answers from one validator in one go. */
const BLOCK_ROUNDS_MAX = 50;

export function createMonitor(options: {
  readonly client: RpcClient;
  readonly validators: number;
  readonly targets: () => readonly MonitorTarget[];
  readonly nowMs: () => number;
}): Monitor {
  const agreement = createAgreementCheck(options.validators);
  const finality = createMeasure();
  const sealedFinality = createMeasure();
  const opening = createMeasure();
  const bidToProposal = createMeasure();
  const built = createBuiltCounter();
  let sealed = { executed: 0, failed: 0, height: 0 };
  /** Sealed transactions by height, of final blocks that some validator has not opened. Only those above `sealed.height` count as such:
   *  what one validator still has to open, another may have executed. */
  const unopened = new Map<number, number>();
  let recentMark: Histogram = EMPTY_HISTOGRAM;
  let usage = createUsage();

  async function sample(): Promise<ClusterSample> {
    const statuses = new Map<number, ValidatorStatus>();
    const silent = new Map<number, string>();
    const look = async (target: MonitorTarget): Promise<void> => {
      try {
        const status = await fetchStatus(options.client, target.rpc, STATUS_DEADLINE_MS);
        statuses.set(target.validator, status);
        finality.update(target.validator, status.finality);
        if (status.sealing !== undefined) {
          sealedFinality.update(target.validator, status.sealing.finality);
          opening.update(target.validator, status.sealing.opening);
          for (const block of status.sealing.unopened) if (block.height > sealed.height) unopened.set(block.height, block.sealedCount);
        }
        if (status.bidToProposal !== undefined) bidToProposal.update(target.validator, status.bidToProposal);
        usage.update(target.validator, status, options.nowMs());
      } catch (error) {
        silent.set(target.validator, messageOf(error));
      }
    };
    await Promise.all(options.targets().map(look));
    const finalHeight = Math.max(0, ...[...statuses.values()].map((status) => status.finalHeight));
    return { atMs: options.nowMs(), statuses, silent, finalHeight };
  }

  /** Heights that no validator has shown before. */
  function countSealed(blocks: readonly BlockSummary[]): void {
    for (const { height, stateRoot, sealedCount, sealedFailed } of blocks) {
      if (height !== sealed.height + 1 || stateRoot === undefined) continue;
      sealed = { executed: sealed.executed + sealedCount, failed: sealed.failed + sealedFailed, height };
      unopened.delete(height);
    }
  }

  async function takeBlocksOf(target: MonitorTarget): Promise<void> {
    for (let round = 0; round < BLOCK_ROUNDS_MAX; round++) {
      const from = agreement.nextHeightOf(target.validator);
      const blocks = await fetchBlocks(options.client, target.rpc, from, BLOCKS_DEADLINE_MS);
      agreement.add(target.validator, blocks);
      countSealed(blocks);
      built.add(blocks);
      if (blocks.length < BLOCKS_PER_REQUEST_MAX || agreement.nextHeightOf(target.validator) === from) return;
    }
  }

  return {
    sample,
    async takeBlocks() {
      // A validator that does not answer now is asked again the next time; the last time, the caller sees what is missing.
      await Promise.allSettled(options.targets().map(takeBlocksOf));
    },
    restarted: (validator) => agreement.recheck(validator),
    agreement,
    get finality() {
      return finality.sinceReset;
    },
    get sealedFinality() {
      return sealedFinality.sinceReset;
    },
    get opening() {
      return opening.sinceReset;
    },
    get sealed() {
      const { executed, failed } = sealed;
      let ordered = executed;
      for (const count of unopened.values()) ordered += count;
      return { ordered, executed, failed };
    },
    get built() {
      return built.counts;
    },
    get bidToProposal() {
      return bidToProposal.sinceReset;
    },
    get usage() {
      return usage;
    },
    recentFinality() {
      const recent = subtractHistograms(finality.total, recentMark);
      recentMark = finality.total;
      return { p50Ms: percentile(recent, 0.5), p99Ms: percentile(recent, 0.99) };
    },
    resetMeasures() {
      for (const measure of [finality, sealedFinality, opening, bidToProposal, built]) measure.reset();
      usage = createUsage();
    },
  };
}

/** A histogram over all validators that can be started anew. */
function createMeasure() {
  const accumulator = createHistogramAccumulator();
  let before: Histogram = EMPTY_HISTOGRAM;
  return {
    update: accumulator.update,
    reset: () => {
      before = accumulator.total;
    },
    get total() {
      return accumulator.total;
    },
    get sinceReset() {
      return subtractHistograms(accumulator.total, before);
    },
  };
}

/** What each validator waits for, one line each: for the account of a cluster that does not move. */
export function describeWaiting(sample: ClusterSample): string[] {
  const lines: string[] = [];
  for (const [validator, status] of [...sample.statuses].sort(([left], [right]) => left - right)) {
    const why = status.whyNotFinal ?? `waits for: ${status.waitingFor}`;
    lines.push(`validator ${validator}: view ${status.view}, final height ${status.finalHeight}; ${why}`);
  }
  for (const [validator, reason] of sample.silent) lines.push(`validator ${validator}: no answer (${reason})`);
  return lines;
}
