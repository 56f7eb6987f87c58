/** What a scenario file may leave out, and what then holds. Part of the format: a value that changes here changes the meaning of files. */

import type { BuilderPlan, Phases, Protocol, SealedKind, SealingPlan, Topology, Workload, WorkloadKind } from "./manifest.ts";

export const DEFAULT_NAME = "unnamed";
export const DEFAULT_SEED = 1;
export const DEFAULT_VALIDATORS = 4;

export const DEFAULT_TOPOLOGY: Topology = { type: "uniform", delayMs: [5, 15] };

export const DEFAULT_PROTOCOL: Protocol = {
  deltaMsMin: 50,
  deltaMsMax: 1_000,
  heartbeatMs: 500,
  proposeDelayMs: 15,
  resendMs: 200,
  blockTransactionsMax: 256,
  poolTransactionsMax: 4_096,
  snapshotBlocks: 64,
  syncMs: [0.5, 2],
};

/** A file that names any share leaves the others at 0. */
export const NO_MIX: Readonly<Record<WorkloadKind, number>> = {
  transfer: 0,
  linked: 0,
  pend: 0,
  invalid: 0,
  duplicate: 0,
  replay: 0,
  lie: 0,
};

export const DEFAULT_WORKLOAD: Workload = {
  clients: 2,
  perSecond: 8,
  mix: { transfer: 6, linked: 2, pend: 2, invalid: 1, duplicate: 1, replay: 1, lie: 1 },
};

/** A file that names any share of sealed transactions leaves the others at 0. */
export const NO_SEALED_MIX: Readonly<Record<SealedKind, number>> = { valid: 0, failing: 0, refused: 0, copied: 0 };

/** What `sealing: {}` means. */
export const DEFAULT_SEALING: SealingPlan = {
  keygenWindowMs: 500,
  fewSealed: 2,
  openMs: 100,
  listIntervalMs: 5,
  poolTransactionsMax: 1_024,
  perSecond: 12,
  mix: { valid: 6, failing: 2, refused: 1, copied: 1 },
};

/** What a builder of a file may leave out. */
export const DEFAULT_BUILDER = {
  strategy: "plain",
  bond: 1_000_000,
  bundlesPerSecond: 4,
  buildMs: [0, 4],
  chance: 1,
} as const satisfies BuilderPlan;

/** Views that a core may need grow with the validators: each may have to lead, and lose, a few. */
export function defaultPhases(validators: number): Phases {
  return { faultsMs: 6_000, coreHeights: 4, viewsMax: 6 * validators + 40, settleMsMax: 60_000 };
}
