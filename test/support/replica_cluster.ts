/** A cluster of whole replicas in one thread under a seeded clock and network: delays, loss, partitions, crash and restart.
 *  Signatures are hash-based doubles. Every effect is performed after its step's durable part was taken over, as a driver would. */

import { hashHeader, hashTransaction } from "../../crypto/hashes.ts";
import { createNullApplication } from "../../ledger/null_application.ts";
import type { Keygen } from "../../mempool/keygen_interface.ts";
import type { ReplicaConfig } from "../../replica/context.ts";
import type { FinalizedBlock, Replica, ReplicaEffect, ReplicaInput } from "../../replica/interface.ts";
import { type RecoverySource, recoverReplica } from "../../replica/recovery.ts";
import { createReplica } from "../../replica/replica.ts";
import type { Application, ParsedTransaction } from "../../types/application.ts";
import type { Proposal } from "../../types/block.ts";
import { type BlockHash, Epoch, Height, TimestampMs, type TransactionHash, ValidatorIndex } from "../../types/ids.ts";
import type { PeerKey, Sender } from "../../types/sender.ts";
import { ballotSigningBytes, proposalSigningBytes, type SigningDomain } from "../../types/signing.ts";
import type { SyncRequest, SyncResponse } from "../../types/sync.ts";
import type { Ballot, SignedVote } from "../../types/vote.ts";
import { CHAIN_ID } from "./chain.ts";
import { createFastBls } from "./fast_bls.ts";
import { createPrng } from "./prng.ts";
import { type Disk, finalBlocksOf, save } from "./replica_disk.ts";
import { type ClusterSealing, createMembers, signEd, verifyEd25519 } from "./replica_members.ts";

const GENESIS_TIME = TimestampMs.of(1_700_000_000_000);

export const TEST_CONFIG: ReplicaConfig = {
  consensus: { deltaMsMin: 50, deltaMsMax: 2_000, heartbeatMs: 1_000, proposeDelayMs: 0, resendMs: 300 },
  pool: { countMax: 10_000, bytesMax: 10_000_000, senderCountMax: 10_000 },
  blockBytesMax: 100_000,
  blockTransactionsMax: 1_000,
  snapshotBlocks: 50,
  requestDeadlineMs: 500,
  syncDelayMs: 200,
  bodyGraceMs: 10,
  bodyRetryMs: 100,
  republishMs: 1_000,
  takesBids: true,
};

export interface ClusterNode {
  /** From the number of validators on: an observer. */
  readonly index: ValidatorIndex;
  readonly peer: PeerKey;
  readonly disk: Disk;
  replica: Replica;
  application: Application;
  /** The machine's own. */
  keygen: Keygen | undefined;
  isUp: boolean;
  /** Grows with each restart, so that timers and messages of an earlier life are recognised. */
  life: number;
  readonly finalized: FinalizedBlock[];
  readonly effects: ReplicaEffect[];
}

export type LinkFilter = (link: { readonly from: number; readonly to: number; readonly kind: string }) => boolean;

export interface Cluster {
  readonly nodes: readonly ClusterNode[];
  readonly nowMs: number;
  /** Runs events until `until` holds (true) or the simulated time is over (false). */
  run(options: { readonly forMs: number; readonly until?: () => boolean }): boolean;
  submit(node: number, payload: Uint8Array): TransactionHash;
  crash(node: number): void;
  restart(node: number): void;
  /** Which messages pass; undefined lets all pass. */
  filter: LinkFilter | undefined;
  /** Takes an effect of a Byzantine node over (true) instead of performing it. */
  intercept: ((node: ClusterNode, effect: ReplicaEffect) => boolean) | undefined;
  readonly domain: SigningDomain;
  /** Gives a node an input out of turn. */
  inject(node: ClusterNode, input: ReplicaInput): void;
  after(delayMs: number, act: () => void): void;
  signVote(node: ClusterNode, ballot: Ballot): SignedVote;
  signProposal(node: ClusterNode, unsigned: Omit<Proposal, "signature">): Proposal;
  senderOf(node: ClusterNode): Sender;
}

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  readonly act: () => void;
}

export interface ClusterOptions {
  readonly count: number;
  /** Nodes that follow and never sign, after the validators. */
  readonly observers?: number;
  readonly seed: number;
  readonly createApplication?: () => Application;
  /** Sealed transactions by the fast suite; the application must take them. */
  readonly sealing?: ClusterSealing;
  readonly config?: Partial<ReplicaConfig>;
  readonly delayMs?: readonly [number, number];
  readonly isGossipLost?: (hash: TransactionHash, to: number) => boolean;
  /** What a node's workers add to a transaction before the machine gets it. */
  readonly prepare?: (node: ClusterNode, transaction: ParsedTransaction) => ParsedTransaction;
}

export function createCluster(options: ClusterOptions): Cluster {
  const prng = createPrng(options.seed);
  const bls = createFastBls();
  const config = { ...TEST_CONFIG, ...options.config };
  const [delayMin, delayMax] = options.delayMs ?? [1, 5];
  const members = createMembers({ count: options.count, bls, sealing: options.sealing });
  const { secrets, edKeys, validators, domain, sealingOf } = members;
  const prepare = options.prepare ?? ((_, transaction) => transaction);
  const createApplication = options.createApplication ?? (() => createNullApplication({ chainId: CHAIN_ID }));
  const events: Event[] = [];
  let sequence = 0;
  let nowMs = 0;

  const after = (delayMs: number, act: () => void): void => {
    events.push({ atMs: nowMs + delayMs, sequence: sequence++, act });
  };
  const clock = (): TimestampMs => TimestampMs.plus(GENESIS_TIME, Math.floor(nowMs));
  function start(node: { disk: Disk }, index: number): Pick<ClusterNode, "replica" | "application" | "keygen"> {
    const { disk } = node;
    const application = createApplication();
    const sealing = sealingOf(index);
    const source = sourceOf(disk);
    const shared = { application, sealing, verifyEd25519 };
    const result = recoverReplica({ ...shared, source, validators: validators.set, chainId: CHAIN_ID, genesisTimeMs: GENESIS_TIME });
    if (!result.ok) throw new Error(`recovery failed: ${JSON.stringify(result.failure)}`);
    const replica = createReplica({
      domain,
      validators,
      self: index < options.count ? ValidatorIndex.of(index) : undefined,
      bls,
      verifyEd25519,
      application,
      sealing,
      config,
      recovered: result.recovered,
    });
    return { replica, application, keygen: sealing?.keygen };
  }

  const nodes: ClusterNode[] = Array.from({ length: options.count + (options.observers ?? 0) }, (_, index) => {
    const disk: Disk = { records: [], blocks: new Map(), finality: new Map(), operations: new Map(), shares: new Map() };
    const name = { index: ValidatorIndex.of(index), peer: `peer${index}` as PeerKey };
    return { ...name, disk, ...start({ disk }, index), isUp: true, life: 0, finalized: [], effects: [] };
  });

  const cluster: Cluster = {
    nodes,
    domain,
    get nowMs() {
      return nowMs;
    },
    run({ forMs, until }) {
      const deadline = nowMs + forMs;
      while (until === undefined || !until()) {
        let next = 0;
        for (let index = 1; index < events.length; index++) {
          const event = events[index] as Event;
          const best = events[next] as Event;
          if (event.atMs < best.atMs || (event.atMs === best.atMs && event.sequence < best.sequence)) next = index;
        }
        const event = events[next];
        if (event === undefined || event.atMs > deadline) {
          nowMs = deadline;
          return until === undefined;
        }
        events.splice(next, 1);
        nowMs = event.atMs;
        event.act();
      }
      return true;
    },
    submit(index, payload) {
      const node = nodes[index] as ClusterNode;
      const parsed = node.replica.parse(payload);
      if (!parsed.ok) throw new Error("payload does not parse");
      input(node, { type: "transactions", source: { type: "client" }, transactions: [prepare(node, parsed.transaction)] });
      return parsed.transaction.hash;
    },
    crash(index) {
      const node = nodes[index] as ClusterNode;
      node.isUp = false;
      node.life++;
      timers.get(index)?.clear();
    },
    restart(index) {
      const node = nodes[index] as ClusterNode;
      Object.assign(node, start(node, index), { isUp: true });
      input(node, { type: "start" });
    },
    filter: undefined,
    intercept: undefined,
    inject: (node, value) => input(node, value),
    after,
    signVote: (node, ballot) => ({
      ballot,
      validator: node.index,
      signature: bls.sign(secrets[node.index] as Uint8Array, ballotSigningBytes(domain, ballot)),
    }),
    signProposal: (node, unsigned) => {
      const { header } = unsigned;
      const message = proposalSigningBytes(domain, header.view, hashHeader(header));
      return { ...unsigned, signature: signEd(edKeys[node.index] as Uint8Array, message) };
    },
    senderOf: (node) => senderOf(node),
  };

  const timers = new Map<number, Map<string, number>>(nodes.map(({ index }) => [index, new Map()]));
  let timerTicket = 0;

  function input(node: ClusterNode, value: ReplicaInput): void {
    if (!node.isUp) return;
    const { durable, effects } = node.replica.step(value, clock());
    if (durable !== undefined) save(node.disk, durable);
    for (const effect of effects) perform(node, effect);
  }

  function deliver(from: ClusterNode, to: ClusterNode, kind: string, act: () => void): void {
    if (cluster.filter !== undefined && !cluster.filter({ from: from.index, to: to.index, kind })) return;
    const { life } = to;
    after(delayMin + prng.real() * (delayMax - delayMin), () => {
      if (to.isUp && to.life === life) act();
    });
  }

  const others = (node: ClusterNode): ClusterNode[] => nodes.filter((other) => other !== node);
  /** The sealed lane's messages and votes are between validators. */
  const otherValidators = (node: ClusterNode): ClusterNode[] => others(node).filter(({ index }) => index < options.count);
  const senderOf = ({ index, peer }: ClusterNode): Sender =>
    index < options.count ? { type: "validator", validator: index, peer } : { type: "relay", peer };

  function perform(node: ClusterNode, effect: ReplicaEffect): void {
    if (cluster.intercept?.(node, effect) === true) return;
    node.effects.push(effect);
    const from = senderOf(node);
    switch (effect.type) {
      case "signVote": {
        const signature = bls.sign(secrets[node.index] as Uint8Array, ballotSigningBytes(domain, effect.ballot));
        const vote = { ballot: effect.ballot, validator: node.index, signature };
        for (const other of otherValidators(node)) {
          deliver(node, other, effect.ballot.kind, () => input(other, { type: "vote", from, vote }));
        }
        return input(node, { type: "signedVote", vote });
      }
      case "signProposal": {
        const { header, justification, transactionHashes, lists, bid } = effect;
        const signature = signEd(edKeys[node.index] as Uint8Array, proposalSigningBytes(domain, header.view, effect.blockHash));
        const proposal = { header, ...justification, transactionHashes, lists, bid, signature };
        for (const other of others(node)) deliver(node, other, "proposal", () => input(other, { type: "proposal", from, proposal }));
        return input(node, { type: "signedProposal", proposal });
      }
      case "broadcastCertificate":
        for (const other of others(node)) {
          deliver(node, other, "certificate", () => input(other, { type: "certificate", from, certificate: effect.certificate }));
        }
        return;
      case "gossipTransactions":
        for (const other of others(node)) {
          const bytes = effect.transactions.filter((payload) => options.isGossipLost?.(hashTransaction(payload), other.index) !== true);
          deliver(node, other, "transactions", () => acceptRaw(other, bytes, from));
        }
        return;
      case "sendDirect": {
        const { message, to } = effect;
        const recipients = to === undefined ? otherValidators(node) : nodes.filter(({ index }) => index === to);
        for (const other of recipients) deliver(node, other, message.type, () => input(other, { type: "sealing", from, message }));
        return;
      }
      case "verifyTransactions":
        return after(0, () => acceptRaw(node, effect.transactions, effect.source.type === "peer" ? effect.source.sender : from));
      case "request":
        return ask(node, effect);
      case "setTimer": {
        const ticket = ++timerTicket;
        const { life } = node;
        timers.get(node.index)?.set(effect.timer, ticket);
        return after(effect.afterMs, () => {
          if (node.life === life && timers.get(node.index)?.get(effect.timer) === ticket)
            input(node, { type: "timer", timer: effect.timer });
        });
      }
      case "cancelTimer":
        timers.get(node.index)?.delete(effect.timer);
        return;
      case "finalized":
        node.finalized.push(...effect.blocks);
        for (const other of others(node)) {
          const status = statusOf(node);
          deliver(node, other, "status", () => input(other, { type: "peerStatus", peer: node.peer, status }));
        }
        return;
      default:
        return;
    }
  }

  function acceptRaw(node: ClusterNode, payloads: readonly Uint8Array[], sender: Sender): void {
    const transactions = payloads.flatMap((payload) => {
      const parsed = node.replica.parse(payload);
      return parsed.ok ? [prepare(node, parsed.transaction)] : [];
    });
    if (transactions.length > 0) input(node, { type: "transactions", source: { type: "peer", sender }, transactions });
  }

  function ask(node: ClusterNode, effect: Extract<ReplicaEffect, { type: "request" }>): void {
    const named = nodes.filter(({ peer }) => effect.candidates.includes(peer));
    const candidates = named.length > 0 ? named : others(node);
    const target = candidates[Math.floor(prng.real() * candidates.length)] as ClusterNode;
    let isAnswered = false;
    deliver(node, target, "request", () => {
      const response = answerOf(target, effect.request);
      deliver(target, node, "response", () => {
        isAnswered = true;
        input(node, { type: "response", requestId: effect.requestId, from: target.peer, response });
      });
    });
    const { life } = node;
    after(effect.deadlineMs, () => {
      if (!isAnswered && node.life === life) input(node, { type: "requestFailed", requestId: effect.requestId });
    });
  }

  for (const node of nodes) after(0, () => input(node, { type: "start" }));
  return cluster;
}

/** What recovery reads of a disk. */
function sourceOf(disk: Disk): RecoverySource {
  const finalHead = disk.finality.get(Height.of(Math.max(0, ...disk.finality.keys())));
  const finalHeight = finalHead?.height ?? 0;
  return {
    records: disk.records,
    finalHead,
    pendingBlocks: [...disk.blocks]
      .filter(([, block]) => block.header.height > finalHeight)
      .map(([blockHash, block]) => ({ blockHash, block })),
    snapshot: undefined,
    shares: [...disk.shares.values()].filter(({ height }) => height > finalHeight),
    blockAt: (height) => disk.blocks.get(disk.finality.get(height)?.blockHash as BlockHash),
    operation: (height) => disk.operations.get(height),
  };
}

function statusOf(node: ClusterNode) {
  const { view, finalHeight, finalHash } = node.replica.status;
  return { epoch: Epoch.ZERO, view, finalHeight, finalHash, oldestHeight: Height.of(1) };
}

function answerOf(node: ClusterNode, request: SyncRequest): SyncResponse {
  const { disk } = node;
  if (request.type === "status") return { type: "status", status: statusOf(node) };
  if (request.type === "finalBlocks") return finalBlocksOf(disk, request);
  const held = node.replica.answer(request);
  if (held !== undefined) return held;
  return { type: "block", block: request.type === "block" ? disk.blocks.get(request.hash) : undefined };
}

/** The chain of one node as text, for comparison. */
export function chainOf(node: ClusterNode): readonly string[] {
  return [...node.disk.finality.values()]
    .sort((left, right) => left.height - right.height)
    .map(({ height, blockHash }) => `${height}:${blockHash}`);
}

/** Heights at which two nodes differ in block or state root; empty when they agree. */
export function disagreements(nodes: readonly ClusterNode[]): readonly string[] {
  const found: string[] = [];
  const seen = new Map<Height, { hash: BlockHash; root: string }>();
  for (const node of nodes) {
    for (const { height, blockHash, stateRoot } of node.disk.operations.values()) {
      const first = seen.get(height);
      if (first === undefined) seen.set(height, { hash: blockHash, root: stateRoot });
      else if (first.hash !== blockHash || first.root !== stateRoot) found.push(`height ${height} at node ${node.index}`);
    }
  }
  return found;
}
