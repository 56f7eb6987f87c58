/** The composition root of one node: reads what the operator gave, builds every part, connects them, and takes them down again.
 *  Nothing here decides anything about the chain; the machine does. */

import { signEd25519, verifyEd25519 } from "../crypto/ed25519_sodium.ts";
import { validatorSetContext } from "../crypto/hashes.ts";
import type { Keygen } from "../mempool/keygen_interface.ts";
import type { Network } from "../p2p/interface.ts";
import type { Replica, ReplicaInput } from "../replica/interface.ts";
import { createReplica } from "../replica/replica.ts";
import { openFileStore } from "../storage/file_store.ts";
import type { Store } from "../storage/interface.ts";
import { assert } from "../types/assert.ts";
import type { Bid } from "../types/bid.ts";
import { type AccountId, type Height, ValidatorIndex } from "../types/ids.ts";
import type { SigningDomain } from "../types/signing.ts";
import { isQuorum, type ValidatorSetContext } from "../types/validator_set.ts";
import { type ActivityLog, createActivityLog } from "./activity_log.ts";
import { createApplication, type NodeApplication } from "./application.ts";
import { type BuilderParts, createBuilderParts } from "./builder_setup.ts";
import { createBuiltBlocks } from "./built_blocks.ts";
import { type Cleanup, runCleanups } from "./cleanup.ts";
import { createClock, systemClockSource } from "./clock.ts";
import type { NodeConfig } from "./config.ts";
import { createDriver, type Driver, type DriverEffect } from "./driver.ts";
import { createEffects } from "./effects.ts";
import { exitCodeOf, messageOf, NodeError } from "./errors.ts";
import { type NodeIdentity, readIdentity } from "./identity.ts";
import { createLatestMessages } from "./latest_messages.ts";
import {
  INGRESS_LIMITS,
  INPUT_QUEUE_LIMITS,
  RPC_LIMITS,
  replicaConfig,
  SEALED_PROGRESS_LIMITS,
  SIGNATURE_QUEUE_LIMITS,
  SUMMARY_INTERVAL_MS,
  TRACKER_LIMITS,
} from "./limits.ts";
import type { Logger } from "./logger.ts";
import { createNodeCore } from "./node_core.ts";
import { startNetwork } from "./node_network.ts";
import { type OpenStore, openStoreAt, recoverFromStore } from "./recovery_start.ts";
import { createRpcApp } from "./rpc/app.ts";
import type { NodeCore } from "./rpc/core.ts";
import { type RpcServer, startRpcServer } from "./rpc/server.ts";
import { whyNotFinalAt } from "./rpc/why_not_final.ts";
import { defaultSignatureWorkers } from "./runtime.ts";
import { createSealedProgress } from "./sealed_progress.ts";
import { describeKeygen } from "./sealing_answer.ts";
import { createSealingOptions, sealingKeyInUse } from "./sealing_setup.ts";
import { createSignatureWorkers, SIGNATURE_WORKER_FILE, type SignatureWorkers } from "./signature_workers.ts";
import { createSigner, type Signer } from "./signer.ts";
import { createStartGate, START_WAIT_MS_MAX, type StartGate } from "./start_gate.ts";
import { createSyncClient } from "./sync_client.ts";
import { createTransactionIngress, type TransactionIngress } from "./transaction_ingress.ts";
import { createTransactionTracker, type TransactionTracker } from "./transaction_tracker.ts";

export interface StartOptions {
  readonly passphrase: string;
  readonly log: Logger;
  /** The operator vouches that the data directory is the newest: its missing counter is written again. */
  readonly acceptMissingCounter: boolean;
  /** Replaceable by tests: how the store is opened, and what stands around the signer. */
  readonly openStore: OpenStore;
  readonly wrapSigner: (signer: Signer) => Signer;
}

/** Why a node ended by itself. */
export interface NodeExit {
  readonly exitCode: number;
  readonly reason: string;
}

export interface RunningNode {
  readonly rpcUrl: string;
  readonly addresses: readonly string[];
  /** Undefined for an observer. */
  readonly validator: ValidatorIndex | undefined;
  /** The account that it builds for; undefined: it builds nothing. */
  readonly builder: AccountId | undefined;
  readonly height: number;
  readonly view: number;
  /** Resolves when the node ended by itself (a failed write, a divergence, a bug) and everything is stopped. */
  readonly ended: Promise<NodeExit>;
  /** Stops everything in order; resolves when done, or when the deadline is over. */
  stop(): Promise<void>;
}

/** What a validator process uses outside of tests. */
export const PRODUCTION_PARTS: Pick<StartOptions, "openStore" | "wrapSigner"> = {
  openStore: openFileStore,
  wrapSigner: (signer) => signer,
};

/** Starts a node and returns when it serves. Throws NodeError when it cannot; nothing is left running then. */
export async function startNode(config: NodeConfig, options: StartOptions): Promise<RunningNode> {
  const cleanups: Cleanup[] = [];
  try {
    return await assemble(config, options, cleanups);
  } catch (error) {
    await runCleanups(cleanups, options.log);
    throw error;
  }
}

interface Machine {
  readonly identity: NodeIdentity;
  readonly domain: SigningDomain;
  readonly validators: ValidatorSetContext;
  readonly application: NodeApplication;
  readonly store: Store;
  readonly replica: Replica;
  /** The machine's own, to be looked at only. Undefined on a chain without sealed transactions. */
  readonly keygen: Pick<Keygen, "live" | "secretShare"> | undefined;
  readonly signer: Signer | undefined;
}

async function assemble(config: NodeConfig, options: StartOptions, cleanups: Cleanup[]): Promise<RunningNode> {
  const { log } = options;
  const ended = Promise.withResolvers<NodeExit>();
  const machine = await buildMachine(config, options, cleanups);
  const { identity, store, replica, signer, application } = machine;
  let isEnding = false;

  function end(error: unknown): void {
    if (isEnding) return;
    isEnding = true;
    signer?.stop();
    const reason = messageOf(error);
    log.fatal({ err: error }, "halted");
    void runCleanups(cleanups, log).then(() => ended.resolve({ exitCode: exitCodeOf(error), reason }));
  }

  function onLinkUp(validator: ValidatorIndex): void {
    for (const message of latest.all()) network?.send(validator, message);
    gate?.check();
  }

  let perform: ReturnType<typeof createEffects> | undefined;
  let network: Network | undefined;
  let gate: StartGate | undefined;
  let builder: BuilderParts | undefined;
  const latest = createLatestMessages();
  const built = createBuiltBlocks();
  const now = createClock(systemClockSource);
  const driver = createDriver({
    replica,
    store,
    now,
    limits: INPUT_QUEUE_LIMITS,
    perform: (effect: DriverEffect) => {
      assert(perform !== undefined, "the driver starts after all parts are built");
      return perform(effect);
    },
    onHalt: end,
  });
  const tracker = createTransactionTracker(TRACKER_LIMITS);
  const sealed = createSealedProgress(SEALED_PROGRESS_LIMITS);
  const workers = startSignatureWorkers(config, machine, log);
  cleanups.push({ name: "signature workers", run: () => workers.stop() });
  const submit = (input: ReplicaInput): void => {
    driver.submit(input);
    if (input.type === "transactions") builder?.agent.onArrival();
  };
  const ingress = startIngress({ machine, workers, submit, tracker, network: () => network });
  const activity = startActivity({ machine, log, tracker, network: () => network });
  cleanups.push({ name: "activity log", run: activity.stop });
  const onBid = (bid: Bid): void => built.noteBid(bid, performance.now());
  const started = await startNetwork({ config, machine, driver, ingress, activity, onLinkUp, onBid });
  network = started;
  cleanups.push({ name: "network", run: () => started.stop() });
  builder = createBuilderParts({ machine, config: config.builder, workers, network, now });
  cleanups.push({ name: "builder", run: async () => builder?.agent.stop() });
  const syncClient = createSyncClient({ network, submit: driver.submit, onFailure: (detail) => log.debug({ detail }, "request failed") });
  const parts = { signer, network, latest, ingress, tracker, sealed, syncClient, store, log };
  perform = createEffects({
    ...parts,
    onFinalized: (blocks) => {
      activity.onFinalized(blocks);
      built.noteFinal(blocks);
      builder?.agent.onFinal(blocks);
    },
    onProposed: (bid) => built.noteProposed(bid, performance.now()),
    onBuildable: (opportunity) => builder?.agent.onBuildable(opportunity),
    onDiverged: (message) =>
      end(new NodeError("safety", `diverged: ${message}; nothing is signed any more; keep the data directory for comparison`)),
  });
  gate = createStartGate({ isQuorumLinked: () => isQuorumLinked(machine, started), waitMsMax: START_WAIT_MS_MAX, open: driver.start });
  gate.check();
  cleanups.push({ name: "start gate", run: gate.stop });
  cleanups.push({ name: "driver", run: () => driver.stop() });
  const core = createNodeCore({ identity, application, store, replica, network, ingress, tracker, sealed, built, builder: builder?.core });
  const rpc = await startRpc(core, config, log);
  cleanups.push({ name: "rpc", run: () => stopServing([syncClient, ingress, tracker], rpc) });
  const { finalHeight: height, view } = replica.status;
  const serving = { rpcUrl: rpc.url, addresses: network.addresses, validator: identity.self, builder: identity.builder, height, view };
  log.info({ ...serving, chain: identity.chainId }, "started");
  return {
    ...serving,
    ended: ended.promise,
    stop: () => {
      isEnding = true;
      return runCleanups(cleanups, log);
    },
  };
}

/** Do we and the validators at the other ends of our links make a quorum? */
function isQuorumLinked({ identity, validators }: Machine, network: Network): boolean {
  const linked = new Set(network.peers.map(({ validator }) => validator));
  if (identity.self !== undefined) linked.add(identity.self);
  let weight = 0;
  for (const [index, validator] of validators.set.validators.entries())
    if (linked.has(ValidatorIndex.of(index))) weight += validator.weight;
  return isQuorum(weight, validators.totalWeight);
}

/** Whoever waits for an answer gets one before the RPC goes away. */
function stopServing(parts: readonly { stop(): void }[], rpc: { stop(): Promise<void> }): Promise<void> {
  for (const part of parts) part.stop();
  return rpc.stop();
}

function startActivity(parts: {
  readonly machine: Machine;
  readonly log: Logger;
  readonly tracker: TransactionTracker;
  readonly network: () => Network | undefined;
}): ActivityLog {
  const { machine, log, tracker, network } = parts;
  return createActivityLog({
    log,
    intervalMs: SUMMARY_INTERVAL_MS,
    elapsedMs: () => performance.now(),
    state: () => activityState(machine, network(), tracker.finality),
    sealing: createSealingSentence(machine.replica),
  });
}

function startIngress(parts: {
  readonly machine: Machine;
  readonly workers: SignatureWorkers;
  readonly submit: Driver["submit"];
  readonly tracker: TransactionTracker;
  /** Undefined while the node starts. */
  readonly network: () => Network | undefined;
}): TransactionIngress {
  const { machine, workers, submit, tracker, network } = parts;
  const { replica } = machine;
  return createTransactionIngress({
    parse: (bytes) => replica.parse(bytes),
    refusalOf: (transaction) => replica.refusalOf(transaction),
    sealingKey: (keyId) => sealingKeyInUse(machine.keygen, keyId),
    finalHeight: () => replica.status.finalHeight,
    peerHeight: () => highestOf((network()?.peers ?? []).flatMap(({ status }) => status?.finalHeight ?? [])),
    workers,
    isPending: (hash) => replica.isPending(hash),
    isFinal: (hash) => machine.store.locate(hash) !== undefined,
    submit,
    penalize: (sender, reason) => network()?.penalize(sender, reason),
    onAccepted: tracker.noteAccepted,
    limits: INGRESS_LIMITS,
  });
}

const highestOf = (heights: readonly Height[]): Height | undefined =>
  heights.reduce<Height | undefined>((highest, height) => (highest === undefined || height > highest ? height : highest), undefined);

function startRpc(core: NodeCore, config: NodeConfig, log: Logger): Promise<RpcServer> {
  const { requestsMax, connectionsMax } = RPC_LIMITS;
  const app = createRpcApp({ core, requestsMax, onError: (error) => log.error({ err: error }, "request failed") });
  return startRpcServer({ app, ...config.rpc, connectionsMax });
}

/** Everything below the driver: keys, store, application at the final head, and the machine itself. */
async function buildMachine(config: NodeConfig, options: StartOptions, cleanups: Cleanup[]): Promise<Machine> {
  const identity = await readIdentity(config, options.passphrase, options.log);
  const { genesis, chainId, bls, keys, self, storeKey } = identity;
  const application = await createApplication(genesis, chainId, options.log);
  const directory = config.dataDirectory;
  const { counterFile } = config;
  const store = await openStoreAt(options.openStore, {
    directory,
    identity: { chainId, validatorKey: storeKey },
    counterFile,
    acceptMissingCounter: options.acceptMissingCounter,
  });
  cleanups.push({ name: "store", run: () => store.close() });
  const validators = validatorSetContext({ epoch: genesis.epoch, validators: genesis.validators });
  const domain: SigningDomain = { chainId, epoch: genesis.epoch, validatorSetHash: validators.hash };
  const { blsSecretKey, ed25519Seed } = keys;
  const sealing =
    identity.sealing === undefined ? undefined : createSealingOptions({ sealing: identity.sealing, genesis, domain, self, ed25519Seed });
  const recovered = await recoverFromStore({
    store,
    application: application.application,
    sealing,
    verifyEd25519,
    validators: validators.set,
    chainId,
    genesisTimeMs: genesis.timeMs,
    directory,
    log: options.log,
  });
  const replica = createReplica({
    domain,
    validators,
    self,
    bls,
    verifyEd25519,
    application: application.application,
    sealing,
    config: replicaConfig(genesis.parameters, config),
    recovered,
  });
  store.releaseRecovered();
  const signer =
    self === undefined ? undefined : options.wrapSigner(createSigner({ domain, self, blsSecretKey, ed25519Seed, bls, signEd25519 }));
  return { identity, domain, validators, application, store, replica, keygen: sealing?.keygen, signer };
}

function startSignatureWorkers(config: NodeConfig, { identity }: Machine, log: Logger): SignatureWorkers {
  return createSignatureWorkers({
    ...SIGNATURE_QUEUE_LIMITS,
    count: config.signatureWorkers ?? defaultSignatureWorkers(),
    verifyEd25519,
    checkSeal: identity.sealing?.suite.check,
    workerFile: SIGNATURE_WORKER_FILE,
    onEvent: ({ code, detail }) => (code === "died" ? log.warn(detail) : log.debug(detail)),
  });
}

/** How far the sealing key is. Status is dear: once the key is live there is nothing new to say. */
function createSealingSentence(replica: Replica): () => string | undefined {
  let last: string | undefined;
  return () => {
    if (last !== undefined) return last;
    const { sealing } = replica.status;
    const sentence = sealing === undefined ? undefined : describeKeygen(sealing.keygen);
    if (replica.sealingKey !== undefined) last = sentence;
    return sentence;
  };
}

function activityState(machine: Machine, network: Network | undefined, finality: { p50Ms: number | undefined; p99Ms: number | undefined }) {
  const { replica, identity } = machine;
  const status = replica.status;
  const peers = network?.peers ?? [];
  return {
    height: status.finalHeight,
    view: status.view,
    peers: peers.length,
    isCatchingUp: status.isCatchingUp,
    hasStoppedSigning: status.hasStoppedSigning,
    whyNotFinal: whyNotFinalAt({ replica: status, self: identity.self, validators: identity.genesis.validators, peers }),
    p50Ms: finality.p50Ms,
    p99Ms: finality.p99Ms,
  };
}
