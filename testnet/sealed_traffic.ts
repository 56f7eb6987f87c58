/** The sealed part of a run's load: waits for the validators' sealing key, checks its proof as a client does, seals ahead, submits. */

import { validatorsOf } from "../client/genesis.ts";
import { verifyKeyProof } from "../client/key_proof.ts";
import { createRpc } from "../client/rpc.ts";
import { chainIdOf } from "../crypto/hashes.ts";
import { loadBlsSuite } from "../node/bls_suite.ts";
import { loadSealingSuite } from "../node/sealing_suite.ts";
import { Height } from "../types/ids.ts";
import { SEALED_EXPIRY_HEIGHTS_MAX } from "../types/limits.ts";
import type { SealingKey } from "../types/sealing.ts";
import { TestnetFailure } from "./failure.ts";
import { createLoad, type Load, type LoadTarget } from "./load.ts";
import type { NetworkFiles } from "./network_files.ts";
import type { TestnetOptions } from "./options.ts";
import { accountRangesOf } from "./parameters.ts";
import type { RpcClient } from "./rpc_client.ts";
import { createSealedSource, type SealedSource } from "./sealed_source.ts";

export interface SealedTraffic {
  readonly source: SealedSource;
  readonly load: Load;
  /** Ends sealing ahead; the load is stopped by itself. */
  stop(): void;
}

export interface SealedTrafficContext {
  readonly options: TestnetOptions;
  readonly files: NetworkFiles;
  readonly client: RpcClient;
  readonly targets: () => readonly LoadTarget[];
  /** Sealed transactions that are executed. */
  readonly finalized: () => number;
  /** Highest final height known. */
  readonly finalHeight: () => number;
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

const KEY_DEADLINE_MS = 60_000;
const KEY_INTERVAL_MS = 50;
const REQUEST_DEADLINE_MS = 5_000;
/** Work is sealed this far ahead, so that a burst never waits. */
const AHEAD_SECONDS = 2;
const SLICE_MS = 8;
const SLICE_PAUSE_MS = 20;
/** Envelopes are good for this many heights: within what validators take, with room for a height that is known late. */
const EXPIRY_HEIGHTS = SEALED_EXPIRY_HEIGHTS_MAX - 64;

/** Resolves with the validators' key once a client would believe in it. Throws TestnetFailure: "liveness" when none comes in time,
 *  "safety" when one is shown that its certificate does not prove. */
export async function waitForSealingKey(context: SealedTrafficContext): Promise<SealingKey> {
  const { files, targets, nowMs, pause } = context;
  const trust = { chainId: chainIdOf(files.genesis), validators: validatorsOf(files.genesis), bls: (await loadBlsSuite()).suite };
  const untilMs = nowMs() + KEY_DEADLINE_MS;
  let last = "no validator answers";
  for (;;) {
    const [target] = targets();
    if (target !== undefined) {
      const answer = await createRpc({ baseUrl: target.rpc, deadlineMs: REQUEST_DEADLINE_MS }).sealing();
      if (answer.ok && answer.value.type === "live") {
        const proven = verifyKeyProof(answer.value.proof, trust);
        if (proven.ok) return proven.key;
        throw new TestnetFailure("safety", `validator ${target.validator} shows a sealing key that is not proven: ${proven.reason}`);
      }
      last = answer.ok ? describe(answer.value) : `validator ${target.validator}: ${answer.failure.type}`;
    }
    if (nowMs() > untilMs) throw new TestnetFailure("liveness", `no sealing key within ${KEY_DEADLINE_MS / 1_000} s: ${last}`);
    await pause(KEY_INTERVAL_MS);
  }
}

const describe = (answer: { readonly type: string; readonly detail?: string }): string => answer.detail ?? answer.type;

/** Nothing is submitted before `load.start()`; sealing ahead begins at once. */
export async function createSealedTraffic(context: SealedTrafficContext, key: SealingKey): Promise<SealedTraffic> {
  const { options, files, client, targets, finalized, nowMs } = context;
  const { sealed: senders } = accountRangesOf(options);
  const source = createSealedSource({
    chainId: chainIdOf(files.genesis),
    parameters: files.genesis.parameters,
    key,
    suite: await loadSealingSuite(),
    senders: files.accounts.slice(senders.from, senders.from + senders.count),
    lanes: options.validators,
    operationsPerTransaction: options.operationsPerTransaction,
    aheadMax: AHEAD_SECONDS * options.sealed,
    expiryHeight: () => Height.of(context.finalHeight() + EXPIRY_HEIGHTS),
    nowMs,
  });
  const timer = setInterval(() => source.sealAhead(SLICE_MS), SLICE_PAUSE_MS);
  const load = createLoad({ source, client, rate: options.sealed, lanes: options.validators, targets, finalized });
  return { source, load, stop: () => clearInterval(timer) };
}
