/** A simulated cluster: validators, links between them, and the facts that its observers hear. It decides nothing: faults come from
 *  faults.ts, phases from run.ts. */

import type { ReplicaConfig } from "../../replica/context.ts";
import type { Durable, ReplicaStatus } from "../../replica/interface.ts";
import type { ParseResult } from "../../types/application.ts";
import type { Opportunity } from "../../types/building.ts";
import { toHex } from "../../types/bytes.ts";
import { type AccountId, ValidatorIndex } from "../../types/ids.ts";
import { BLOCK_TRANSACTIONS_MAX } from "../../types/limits.ts";
import type { PeerKey } from "../../types/sender.ts";
import { nodeCountOf } from "../scenario/check.ts";
import { MESSAGE_KINDS, type MessageKind, type Scenario } from "../scenario/manifest.ts";
import type { Fact, Observer, WireMessage } from "./facts.ts";
import type { Host } from "./host.ts";
import { createSimulatedNetwork, type SimulatedNetwork } from "./network.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import { signProposal, signVote } from "./signing.ts";
import type { SimulatedValidator } from "./simulated_validator.ts";
import { startStatusExchange } from "./status_exchange.ts";
import type { TraitorContext } from "./strategy.ts";
import { createStream } from "./streams.ts";
import { createTraitor, type TraitorMachine } from "./traitor.ts";
import { createTransactionChecker } from "./transaction_checker.ts";
import { createSimulatedValidator } from "./validator.ts";
import { kindOf, sizeOf, throughCodec, viewOf } from "./wire.ts";
import type { World } from "./world.ts";

export interface SimulatedCluster {
  readonly world: World;
  readonly scheduler: Scheduler;
  readonly network: SimulatedNetwork;
  /** Validators, then builders. */
  readonly nodes: readonly SimulatedValidator[];
  emit(fact: Fact): void;
  parse(bytes: Uint8Array): ParseResult;
  /** Sends one message over the link between two nodes. */
  transmit(from: number, to: number, message: WireMessage): void;
  /** Called at each write's edges. */
  onSave: (validator: number, durable: Durable, edge: "before" | "after") => void;
  startValidator(index: number): void;
  stopValidator(index: number, how: Parameters<SimulatedValidator["stop"]>[0]): void;
  /** Drops what is in flight on these links and brings them up anew. */
  resetLinks(from: readonly number[], to: readonly number[]): void;
  /** Links may have opened: those that have greet each other. */
  refreshLinks(): void;
}

export interface ClusterOptions {
  readonly world: World;
  readonly observers: readonly Observer[];
  readonly isShuffled: boolean;
  readonly onActs: (act: TraitorAct) => void;
  /** The node of a builder was told of a block that it may bid for. Left out: nobody bids. */
  readonly onBuildable?: (node: number, opportunity: Opportunity) => void;
}

/** A traitor's strategy decided to act in a view. */
export interface TraitorAct {
  readonly validator: number;
  readonly strategy: string;
  readonly view: number;
}

/** Kinds of messages that may ever be: a power of two. */
const KINDS_MAX = 32;
/** A link that can come up takes this long to do so. */
const LINK_UP_US = 2_000;

export function createSimulatedCluster(options: ClusterOptions): SimulatedCluster {
  const { world, observers } = options;
  const { scenario } = world;
  const count = scenario.weights.length;
  /** Validators, then builders. */
  const nodeCount = nodeCountOf(scenario);
  const scheduler = createScheduler(options.isShuffled ? createStream(scenario.seed, "ties") : undefined);
  const network = createSimulatedNetwork({ seed: scenario.seed, count: nodeCount, topology: scenario.topology });
  const transactions = createTransactionChecker(world);
  const peers = Array.from({ length: nodeCount }, (_, index) => (index < count ? `v${index}` : `b${index}`) as PeerKey);
  const indexOfPeer = new Map(peers.map((peer, index) => [peer, index]));
  const nextSequence = createSequences(nodeCount * nodeCount);
  /** Grows whenever what is in flight on a link is lost. */
  const epochs = new Uint32Array(nodeCount * nodeCount);
  const isUp = new Uint8Array(nodeCount * nodeCount);
  const traitorsShared = new Map<string, unknown>();

  const emit = (fact: Fact): void => {
    for (const observer of observers) observer(fact);
  };

  function transmit(from: number, to: number, original: WireMessage, extraDelayUs: number): void {
    const kind = kindOf(original);
    const view = viewOf(original);
    const link = from * nodeCount + to;
    const nth = nextSequence(link, kind, view);
    const { nowUs: atUs } = scheduler;
    const delays = network.delays({ from, to, kind, view, nth, bytes: sizeOf(original) }, atUs);
    const delaysUs = extraDelayUs === 0 ? delays : delays.map((delay) => delay + extraDelayUs);
    const message = world.tier === "bls" ? throughCodec(original) : original;
    if (network.wasShaped) emit({ type: "sent", atUs, from, to, kind, view, nth, message, delaysUs, isShaped: true });
    else emit({ type: "sent", atUs, from, to, kind, view, nth, message, delaysUs });
    const epoch = epochs[link] as number;
    const { life } = nodes[to] as SimulatedValidator;
    const deliver = (): void => {
      const receiver = nodes[to] as SimulatedValidator;
      if (receiver.life !== life || epochs[link] !== epoch || (receiver.state !== "up" && receiver.state !== "paused")) return;
      if (network.hold(from, to, deliver)) return;
      emit({ type: "delivered", atUs: scheduler.nowUs, from, to, kind, view, nth, message });
      receiver.receive(message, from);
    };
    for (const delayUs of delaysUs) scheduler.after(delayUs, deliver);
  }

  const host: Host = {
    world,
    scheduler,
    transactions,
    emit,
    transmit,
    onSave: (validator, durable, edge) => cluster.onSave(validator, durable, edge),
    peerOf: (validator) => peers[validator] as PeerKey,
    validatorOf: (peer) => indexOfPeer.get(peer),
    senderOf: (from, receiver) => {
      const peer = peers[from] as PeerKey;
      const isDirect = nodes[from]?.isSigning === true && (receiver >= count || nodes[receiver]?.isSigning === true);
      return isDirect ? { type: "validator", validator: ValidatorIndex.of(from), peer } : { type: "relay", peer };
    },
    linked: (node) =>
      peers.flatMap((_, other) => (other < count && isUp[node * nodeCount + other] === 1 ? [ValidatorIndex.of(other)] : [])),
  };

  const config = replicaConfigOf(scenario);
  const nodes: readonly SimulatedValidator[] = peers.map((_, index) => {
    const onBuildable = (opportunity: Opportunity): void => options.onBuildable?.(index, opportunity);
    return createSimulatedValidator({
      index,
      host,
      config,
      traitor: (machine) => traitorOf(index, machine),
      ...(index < count ? {} : { onBuildable }),
    });
  });

  function traitorOf(
    index: number,
    machine: { readonly status: () => ReplicaStatus; readonly secretShare: () => Uint8Array | undefined },
  ): TraitorMachine | undefined {
    const { status, secretShare } = machine;
    const roles = scenario.byzantine.filter(({ validator }) => validator === index);
    if (roles.length === 0) return undefined;
    const self = ValidatorIndex.of(index);
    return createTraitor({
      seed: scenario.seed,
      self,
      count,
      roles,
      traitors: [...new Set(scenario.byzantine.map(({ validator }) => validator))].sort((a, b) => a - b).map(ValidatorIndex.of),
      shared: traitorsShared,
      status,
      signVote: (ballot) => signVote(world, index, ballot),
      signProposal: (unsigned) => signProposal(world, index, unsigned),
      sealing:
        world.sealing === undefined
          ? undefined
          : {
              suite: world.suite,
              domain: world.domain,
              account: world.checked.ed25519PublicKeys[index] as Uint8Array,
              sign: (message) => world.ed25519.sign(world.ed25519SecretKeys[index] as Uint8Array, message),
              secretShare,
            },
      colluders: colludersOf(world),
      aggregate: world.bls.aggregate,
      send: (to, message, delayMs) => {
        if (nodes[index]?.state === "up") transmit(index, to, message, delayMs * 1_000);
      },
      onActs: (strategy, view) => options.onActs({ validator: index, strategy, view }),
      onDeed: (strategy, view, what) => emit({ type: "betrayal", atUs: scheduler.nowUs, validator: index, strategy, view, what }),
    });
  }

  const isRunning = (index: number): boolean => nodes[index]?.state === "up" || nodes[index]?.state === "paused";

  /** Links come up when both ends run and hear each other, and go down when one of them stops. */
  function refreshLinks(): void {
    for (let left = 0; left < nodeCount; left++) {
      for (let right = left + 1; right < nodeCount; right++) {
        const isOpen = isRunning(left) && isRunning(right) && network.isOpen(left, right) && network.isOpen(right, left);
        if (isOpen === (isUp[left * nodeCount + right] === 1)) continue;
        isUp[left * nodeCount + right] = isUp[right * nodeCount + left] = isOpen ? 1 : 0;
        if (isOpen) bringUp(left, right);
        else takeDown(left, right);
      }
    }
  }

  function bringUp(left: number, right: number): void {
    scheduler.after(LINK_UP_US, () => {
      if (isUp[left * nodeCount + right] === 0) return;
      if (isRunning(left)) nodes[left]?.greet(right);
      if (isRunning(right)) nodes[right]?.greet(left);
    });
  }

  function takeDown(left: number, right: number): void {
    // A partition is noticed by silence, much later; the end of a process closes its links at once.
    if (isRunning(left) && !isRunning(right)) nodes[left]?.notePeerGone(right);
    if (isRunning(right) && !isRunning(left)) nodes[right]?.notePeerGone(left);
  }

  network.onRelease((act) => scheduler.after(0, act));
  startStatusExchange({ scheduler, nodes, emit, isLinked: (from, to) => isUp[from * nodeCount + to] === 1 });
  const cluster: SimulatedCluster = {
    world,
    scheduler,
    network,
    nodes,
    emit,
    parse: transactions.parse,
    transmit: (from, to, message) => transmit(from, to, message, 0),
    onSave: () => undefined,
    startValidator(index) {
      nodes[index]?.start();
      refreshLinks();
    },
    stopValidator(index, how) {
      nodes[index]?.stop(how);
      for (let other = 0; other < nodeCount; other++) epochs[other * nodeCount + index] = (epochs[other * nodeCount + index] as number) + 1;
      refreshLinks();
    },
    resetLinks(from, to) {
      for (const left of from) {
        for (const right of to) {
          for (const link of [left * nodeCount + right, right * nodeCount + left]) {
            epochs[link] = (epochs[link] as number) + 1;
            isUp[link] = 0;
          }
        }
      }
      refreshLinks();
    },
    refreshLinks,
  };
  return cluster;
}

/** Counts the messages of each link by kind and view. */
function createSequences(links: number): (link: number, kind: MessageKind, view: number) => number {
  const sequences = Array.from({ length: links }, () => new Map<number, number>());
  return (link, kind, view) => {
    const key = view * KINDS_MAX + MESSAGE_KINDS.indexOf(kind);
    const sequence = sequences[link]?.get(key) ?? 0;
    sequences[link]?.set(key, sequence + 1);
    return sequence;
  };
}

/** Builders with a strategy of a traitor, whose keys traitors may use. */
function colludersOf({ scenario, builderSecretKeys, ed25519 }: World): TraitorContext["colluders"] {
  return (scenario.builders ?? []).flatMap(({ strategy }, index) => {
    const secretKey = builderSecretKeys[index];
    if (secretKey === undefined || strategy === "plain" || strategy === "aggressive") return [];
    return [{ account: toHex<AccountId>(ed25519.publicKeyOf(secretKey)), sign: (message) => ed25519.sign(secretKey, message) }];
  });
}

/** Paces as a node has them, with the scenario's in their place. */
function replicaConfigOf({ protocol }: Scenario): ReplicaConfig {
  const { deltaMsMin, deltaMsMax, heartbeatMs, proposeDelayMs, resendMs } = protocol;
  return {
    consensus: { deltaMsMin, deltaMsMax, heartbeatMs, proposeDelayMs, resendMs },
    pool: { countMax: protocol.poolTransactionsMax, bytesMax: 4 * 1024 * 1024, senderCountMax: 256 },
    blockBytesMax: 1024 * 1024,
    blockTransactionsMax: Math.min(protocol.blockTransactionsMax, BLOCK_TRANSACTIONS_MAX),
    snapshotBlocks: protocol.snapshotBlocks,
    requestDeadlineMs: 2_000,
    syncDelayMs: 500,
    bodyGraceMs: 10,
    bodyRetryMs: 100,
    republishMs: 2_000,
    takesBids: true,
  };
}
