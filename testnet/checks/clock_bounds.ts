/** How late it can be by a validator's own clock: exact where no fault touched the clock, else the most that all faults so far can have made of
 *  it. A lead never shrinks here, since a clock that is set back catches up slowly. */

import type { Fact } from "../simulator/facts.ts";

export interface ClockBounds {
  observe(fact: Fact): void;
  /** The latest reading at this moment, in milliseconds since the run began. */
  latestMs(validator: number, atUs: number): number;
}

interface Lead {
  /** The largest offset that a fault set. */
  skewMs: number;
  /** What drifts that are over have added. */
  driftMs: number;
  readonly drifts: Map<number, { readonly sinceUs: number; readonly partsPerMillion: number }>;
}

export function createClockBounds(count: number): ClockBounds {
  const leads = Array.from({ length: count }, (): Lead => ({ skewMs: 0, driftMs: 0, drifts: new Map() }));

  const gainedMs = (fromUs: number, toUs: number, partsPerMillion: number): number =>
    ((toUs - fromUs) / 1_000) * (Math.max(0, partsPerMillion) / 1_000_000);

  return {
    observe(fact) {
      if (fact.type !== "fault") return;
      const { index, atUs, edge } = fact;
      const { action } = fact.fault;
      if (action.type !== "clockSkew" && action.type !== "clockDrift") return;
      const lead = leads[action.validator];
      if (lead === undefined) return;
      if (action.type === "clockSkew") lead.skewMs = Math.max(lead.skewMs, action.offsetMs);
      else if (edge === "begin") lead.drifts.set(index, { sinceUs: atUs, partsPerMillion: action.partsPerMillion });
      // Another drift's end sets the rate right for all of them, but later is never wrong here.
      const drift = edge === "end" ? lead.drifts.get(index) : undefined;
      if (drift === undefined) return;
      lead.drifts.delete(index);
      lead.driftMs += gainedMs(drift.sinceUs, atUs, drift.partsPerMillion);
    },
    latestMs(validator, atUs) {
      const { skewMs, driftMs, drifts } = leads[validator] as Lead;
      let latest = atUs / 1_000 + skewMs + driftMs;
      for (const { sinceUs, partsPerMillion } of drifts.values()) latest += gainedMs(sinceUs, atUs, partsPerMillion);
      return latest;
    },
  };
}
