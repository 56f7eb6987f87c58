/** From a simulated disk to a machine that can run, as node/node.ts assembles it from a store. */

import type { Keygen } from "../../mempool/keygen_interface.ts";
import { replayStore } from "../../node/recovery_start.ts";
import type { ReplicaConfig } from "../../replica/context.ts";
import type { Durable, Replica } from "../../replica/interface.ts";
import { createReplica } from "../../replica/replica.ts";
import type { Application } from "../../types/application.ts";
import { assert } from "../../types/assert.ts";
import { TimestampMs, type ValidatorIndex } from "../../types/ids.ts";
import { createSimulatedDisk, type SimulatedDisk } from "./disk.ts";
import type { KeygenCheat } from "./strategy.ts";
import { GENESIS_TIME_MS, type World } from "./world.ts";

export type Assembly =
  | {
      readonly ok: true;
      readonly replica: Replica;
      readonly application: Application;
      readonly keygen: Keygen | undefined;
      /** Height of the snapshot that its state came from. */
      readonly restoredHeight: number | undefined;
      /** Operations that the log had lost, executed and written again. */
      readonly rewritten: Durable | undefined;
    }
  /** Why it must not start. */
  | { readonly ok: false; readonly reason: string };

/** Of a node that never ran. */
export function emptyDisk({ chainId, storeKeys }: Pick<World, "chainId" | "storeKeys">, index: number): SimulatedDisk {
  const validatorKey = storeKeys[index];
  assert(validatorKey !== undefined, "the node has a key");
  return createSimulatedDisk({ chainId, validatorKey });
}

/** Opens the disk and replays what it holds. `self`: undefined for an observer. */
export function assemble(parts: {
  readonly world: World;
  readonly disk: SimulatedDisk;
  readonly self: ValidatorIndex | undefined;
  readonly config: ReplicaConfig;
  /** Of a traitor that cheats in the key generation. */
  readonly cheat: KeygenCheat | undefined;
}): Assembly {
  const { world, disk, self, config, cheat } = parts;
  const opened = disk.open();
  if (!opened.ok) return opened;
  const { store } = opened;
  const application = world.createApplication();
  const keygen = world.sealing === undefined ? undefined : world.createKeygen(self, cheat);
  const sealing =
    keygen === undefined || world.sealing === undefined
      ? undefined
      : { suite: world.suite, keygen, sign: listSignerOf(world, self), config: world.sealing };
  const genesisTimeMs = TimestampMs.of(GENESIS_TIME_MS);
  const { result, derived } = replayStore({
    store,
    application,
    sealing,
    verifyEd25519: world.ed25519.verify,
    validators: world.validators.set,
    chainId: world.chainId,
    genesisTimeMs,
  });
  if (!result.ok) return { ok: false, reason: `the store does not replay: ${result.failure.reason} at height ${result.failure.height}` };
  const rewritten: Durable | undefined =
    derived.length === 0 ? undefined : { records: [], blocks: [], finality: [], operations: derived, evidence: [], shares: [] };
  if (rewritten !== undefined) {
    disk.begin(rewritten);
    disk.commit();
  }
  const replica = createReplica({
    domain: world.domain,
    validators: world.validators,
    self,
    bls: world.bls,
    verifyEd25519: world.ed25519.verify,
    application,
    sealing,
    config,
    recovered: result.recovered,
  });
  return { ok: true, replica, application, keygen, restoredHeight: store.recovered.snapshot?.height, rewritten };
}

function listSignerOf(world: World, self: ValidatorIndex | undefined): ((message: Uint8Array) => Uint8Array) | undefined {
  if (self === undefined) return undefined;
  return (message) => world.ed25519.sign(world.ed25519SecretKeys[self] as Uint8Array, message);
}
