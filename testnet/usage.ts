/** CPU, memory and views of each validator over a stretch of the run. A validator's CPU clock starts at zero when it restarts. */

import type { ValidatorStatus } from "./rpc_shapes.ts";

export interface ValidatorUsage {
  readonly validator: number;
  /** CPU time as a fraction of one core, over the time it was watched. */
  readonly cpu: number;
  readonly memoryFirstBytes: number;
  readonly memoryLastBytes: number;
}

export interface Usage {
  update(validator: number, status: ValidatorStatus, nowMs: number): void;
  readonly validators: readonly ValidatorUsage[];
  /** Mean CPU time that one validator spends on one view, in ms; undefined before the first view has passed. */
  readonly cpuMsPerView: number | undefined;
}

interface Sample {
  readonly atMs: number;
  readonly cpuMs: number;
  readonly view: number;
}

interface Tally {
  last: Sample;
  watchedMs: number;
  cpuMs: number;
  views: number;
  readonly memoryFirstBytes: number;
  memoryLastBytes: number;
}

export function createUsage(): Usage {
  const tallies = new Map<number, Tally>();

  return {
    update(validator, status, nowMs) {
      const sample: Sample = { atMs: nowMs, cpuMs: status.cpuMs, view: status.view };
      const tally = tallies.get(validator);
      if (tally === undefined) {
        const memory = status.memoryBytes;
        tallies.set(validator, { last: sample, watchedMs: 0, cpuMs: 0, views: 0, memoryFirstBytes: memory, memoryLastBytes: memory });
        return;
      }
      // After a restart the time in between belongs to nobody.
      if (sample.cpuMs >= tally.last.cpuMs) {
        tally.watchedMs += sample.atMs - tally.last.atMs;
        tally.cpuMs += sample.cpuMs - tally.last.cpuMs;
        tally.views += Math.max(0, sample.view - tally.last.view);
      }
      tally.last = sample;
      tally.memoryLastBytes = status.memoryBytes;
    },
    get validators() {
      const rows = [...tallies].sort(([left], [right]) => left - right);
      return rows.map(([validator, tally]) => ({
        validator,
        cpu: tally.watchedMs > 0 ? tally.cpuMs / tally.watchedMs : 0,
        memoryFirstBytes: tally.memoryFirstBytes,
        memoryLastBytes: tally.memoryLastBytes,
      }));
    },
    get cpuMsPerView() {
      let cpuMs = 0;
      let views = 0;
      for (const tally of tallies.values()) {
        cpuMs += tally.cpuMs;
        views += tally.views;
      }
      return views > 0 ? cpuMs / views : undefined;
    },
  };
}
