/** Opens the store and brings a fresh application to its final head, checking every stored state root on the way (R9). The operation
 *  log may end before the final head, since it is not synced with each block: what is executed again is written again. */

import type { OperationEntry } from "../replica/interface.ts";
import { type RecoveredReplica, type RecoveryFailure, type RecoveryResult, recoverReplica } from "../replica/recovery.ts";
import type { Store, StoreIdentity } from "../storage/interface.ts";
import type { Application } from "../types/application.ts";
import type { ChainId, TimestampMs } from "../types/ids.ts";
import type { VerifyEd25519 } from "../types/suites.ts";
import type { ValidatorSet } from "../types/validator_set.ts";
import { NodeError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { openFailure, saveFailure } from "./store_errors.ts";

export interface OpenStoreOptions {
  readonly directory: string;
  readonly identity: StoreIdentity;
  readonly counterFile: string | undefined;
  readonly acceptMissingCounter: boolean;
}

/** How a store is opened; tests bring their own. */
export type OpenStore = (options: OpenStoreOptions) => Promise<Store>;

export async function openStoreAt(openStore: OpenStore, options: OpenStoreOptions): Promise<Store> {
  try {
    return await openStore(options);
  } catch (cause) {
    throw openFailure(cause, options.directory);
  }
}

/** The suite, and a fresh key generation that is brought to the final head beside the application. */
type RecoveredSealing = NonNullable<Parameters<typeof recoverReplica>[0]["sealing"]>;

export async function recoverFromStore(options: {
  readonly store: Store;
  readonly application: Application;
  readonly sealing: RecoveredSealing | undefined;
  readonly verifyEd25519: VerifyEd25519;
  readonly validators: ValidatorSet;
  readonly chainId: ChainId;
  readonly genesisTimeMs: TimestampMs;
  readonly directory: string;
  readonly log: Logger;
}): Promise<RecoveredReplica> {
  const { store, application, log, directory } = options;
  for (const repair of store.recovered.repairs) log.warn({ repair }, "store repaired");
  const { snapshot } = store.recovered;
  const startedMs = performance.now();
  const { result, derived } = replayStore(options);
  if (!result.ok) throw new NodeError("safety", `store ${directory}: ${failureText(result.failure)}`);
  if (derived.length > 0) {
    log.info({ from: derived[0]?.height, count: derived.length }, "operation log completed by executing again");
    await saveDerived(store, derived);
  }
  if (application.height > 0) {
    const ms = Math.round(performance.now() - startedMs);
    log.info({ height: application.height, snapshot: snapshot?.height ?? 0, replayed: result.replayedBlocks, ms }, "recovered");
  }
  return result.recovered;
}

/** The part of a recovery that neither writes nor waits: replays the store's final blocks. `derived` are the operations that the
 *  log lacks; they are to be saved before the machine starts. */
export function replayStore(options: {
  readonly store: Pick<Store, "recovered" | "finality" | "blockAt" | "operation">;
  readonly application: Application;
  readonly sealing: RecoveredSealing | undefined;
  readonly verifyEd25519: VerifyEd25519;
  readonly validators: ValidatorSet;
  readonly chainId: ChainId;
  readonly genesisTimeMs: TimestampMs;
}): { readonly result: RecoveryResult; readonly derived: readonly OperationEntry[] } {
  const { store, ...rest } = options;
  const result = recoverReplica({
    ...rest,
    source: { ...store.recovered, blockAt: (height) => store.blockAt(height), operation: (height) => store.operation(height) },
  });
  return { result, derived: result.ok ? result.derived : [] };
}

async function saveDerived(store: Store, operations: readonly OperationEntry[]): Promise<void> {
  try {
    await store.save({ records: [], blocks: [], finality: [], operations, evidence: [], shares: [] });
  } catch (cause) {
    throw saveFailure(cause);
  }
}

function failureText(failure: RecoveryFailure): string {
  const restore = "restore the data directory from a healthy copy of this validator, or start a new validator with new keys";
  switch (failure.reason) {
    case "snapshotRefused":
      return `the snapshot at height ${failure.height} does not reach its own state root; ${restore}`;
    case "blockMissing":
      return `final block ${failure.height} is missing; ${restore}`;
    case "transactionUnreadable":
      return `final block ${failure.height} holds a transaction that this release cannot read; use the release that wrote it`;
    case "openingsMissing":
      return `the operation log lacks what the sealed transactions of final block ${failure.height} turned out to be; ${restore}`;
    case "rootDiffers": {
      const roots = `${failure.ours} now, ${failure.recorded} when it was written`;
      return `executing final block ${failure.height} again gives another state root (${roots}); stop and compare with other validators; ${restore}`;
    }
  }
}
