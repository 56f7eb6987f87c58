/** Every bound and pace of one node in one place; `node/README.md` says what happens at each queue's bound. */

import { NETWORK_LIMITS } from "../p2p/limits.ts";
import type { ReplicaConfig } from "../replica/context.ts";
import type { SealingConfig } from "../replica/sealing.ts";
import type { ChainParameters } from "../types/genesis.ts";
import { BLOCK_TRANSACTIONS_MAX } from "../types/limits.ts";
import type { InputQueueLimits } from "./input_queue.ts";
import type { TransactionIngressLimits } from "./transaction_ingress.ts";
import type { TransactionTrackerLimits } from "./transaction_tracker.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

export const INPUT_QUEUE_LIMITS: InputQueueLimits = { peerInputsMax: 4_096, peerBytesMax: 32 * MIB };

export const INGRESS_LIMITS: TransactionIngressLimits = { admissionsMax: 16_384, verifiedMax: 65_536 };

export const TRACKER_LIMITS: TransactionTrackerLimits = { acceptedMax: 65_536, droppedMax: 8_192, waitersMax: 1_024 };

export const SIGNATURE_QUEUE_LIMITS = { checksMax: 16_384, bytesMax: 16 * MIB, batchDeadlineMs: 5_000 } as const;

export const RPC_LIMITS = { requestsMax: 2_048, connectionsMax: 1_024 } as const;

/** Ordered blocks that wait to be executed, of which the RPC can tell where their transactions stand. */
export const SEALED_PROGRESS_LIMITS = { blocksMax: 256 } as const;

/** The sealed lane. Times in ms, sizes in bytes. */
export const SEALING_CONFIG: SealingConfig = {
  pool: { countMax: 16_384, bytesMax: 32 * MIB, senderCountMax: 1_024 },
  // Up to here the hop to an opener costs more than combining everywhere.
  // The fall-back has everybody combine everything: on a busy machine an early one makes the machine busier.
  opening: { fewSealed: 4, openMs: 250 },
  // What is new after a quiet moment is told at once, whatever this says; each further list costs its leader a check of a hundred entries.
  listIntervalMs: 10,
};

/** A builder: bids for one block are at least so far apart, in ms; bytes of bids to one leader a second, half of what its link may carry so that transactions
 *  find room; bundles of searchers that may be checked at once, and a second. */
export const BUILDER_AGENT_LIMITS = {
  rebidMs: 8,
  bidBytesPerSecond: NETWORK_LIMITS.builderBytesPerSecond / 2,
  bundlesCheckingMax: 256,
  bundlesPerSecond: 500,
} as const;

/** How long a clean stop may take before the process ends anyway. */
export const STOP_DEADLINE_MS = 5_000;

/** Interval of the summary line in the log. */
export const SUMMARY_INTERVAL_MS = 10_000;

/** Paces of the machine that are not the chain's business. Times in ms, sizes in bytes. */
export function replicaConfig(
  parameters: ChainParameters,
  { proposeDelayMs, bids }: { readonly proposeDelayMs: number; readonly bids: boolean },
): ReplicaConfig {
  const { deltaMsMin, deltaMsMax, heartbeatMs } = parameters;
  return {
    consensus: { deltaMsMin, deltaMsMax, heartbeatMs, proposeDelayMs, resendMs: Math.max(500, 4 * deltaMsMin) },
    pool: { countMax: 65_536, bytesMax: 32 * MIB, senderCountMax: 4_096 },
    blockBytesMax: 4 * MIB,
    blockTransactionsMax: Math.min(8_192, BLOCK_TRANSACTIONS_MAX),
    snapshotBlocks: 1_024,
    requestDeadlineMs: 5_000,
    syncDelayMs: 500,
    bodyGraceMs: 10,
    bodyRetryMs: 100,
    republishMs: 2_000,
    takesBids: bids,
  };
}
