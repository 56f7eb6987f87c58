/** All planted bugs. The harness is measured by how many of them it finds, and how fast: one that survives is a hole in checkers,
 *  workload or faults, never a reason to weaken the bug. */

import type { Mutant } from "./mutant.ts";
import { BUILDER_MUTANTS } from "./table_builders.ts";
import { CERTIFICATE_MUTANTS } from "./table_certificates.ts";
import { LEDGER_MUTANTS } from "./table_ledger.ts";
import { OPENING_MUTANTS } from "./table_opening.ts";
import { PERSISTENCE_MUTANTS } from "./table_persistence.ts";
import { REPLICA_MUTANTS } from "./table_replica.ts";
import { SEALED_LANE_MUTANTS } from "./table_sealed_lane.ts";
import { SIGNING_MUTANTS } from "./table_signing.ts";
import { PROPOSAL_MUTANTS, VIEW_MUTANTS, VOTE_MUTANTS } from "./table_views.ts";

export const MUTANTS: readonly Mutant[] = [
  ...SIGNING_MUTANTS,
  ...PERSISTENCE_MUTANTS,
  ...CERTIFICATE_MUTANTS,
  ...PROPOSAL_MUTANTS,
  ...VIEW_MUTANTS,
  ...VOTE_MUTANTS,
  ...REPLICA_MUTANTS,
  ...LEDGER_MUTANTS,
  ...SEALED_LANE_MUTANTS,
  ...OPENING_MUTANTS,
  ...BUILDER_MUTANTS,
];

export function findMutant(name: string): Mutant | undefined {
  return MUTANTS.find((mutant) => mutant.name === name);
}
