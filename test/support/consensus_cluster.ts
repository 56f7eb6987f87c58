/** A cluster of consensus cores under one seeded clock, network and disk: delay, loss, duplicates, partitions, crashes at any
 *  point of a step, restart from the records. It plays the replica's part with the least that works (bodies are always there).
 *
 *  An independent checker watches every signature and certificate: agreement, one QC per view, never CC(v) and TC(v), nothing
 *  signed twice or before its record is on disk, no honest validator accused. A violation throws with the seed. */

import { isCertificateValid } from "../../consensus/certificate_check.ts";
import { createConsensus } from "../../consensus/core.ts";
import type {
  Consensus,
  ConsensusConfig,
  ConsensusEffect,
  ConsensusInput,
  FinalHead,
  RecoveredConsensus,
} from "../../consensus/interface.ts";
import { hashHeader, sha256 } from "../../crypto/hashes.ts";
import type { BlockHeader, Proposal } from "../../types/block.ts";
import { asciiBytes, toHex } from "../../types/bytes.ts";
import { type BlockHash, Height, TimestampMs, type TransactionHash, ValidatorIndex } from "../../types/ids.ts";
import type { SafetyRecord } from "../../types/safety_record.ts";
import { type Ballot, type Certificate, type SignedVote, timeoutBallot } from "../../types/vote.ts";
import { createChecker } from "./consensus_checker.ts";
import {
  ballotOf,
  CONFIG,
  createFixture,
  directly,
  type Fixture,
  GENESIS_STATE,
  GENESIS_TIME,
  headerOver,
  SELF,
} from "./consensus_fixture.ts";
import { createEventQueue } from "./event_queue.ts";
import { createPrng } from "./prng.ts";

export interface Faults {
  /** Chance that a message is lost, sent twice, and that a step ends in a crash. */
  readonly loss: number;
  readonly duplicate: number;
  readonly crash: number;
  readonly delayMs: readonly [number, number];
  /** Nodes of different groups do not hear each other. */
  readonly groups: readonly (readonly number[])[] | undefined;
}

export const CALM: Faults = { loss: 0, duplicate: 0, crash: 0, delayMs: [1, 5], groups: undefined };

interface Disk {
  readonly records: SafetyRecord[];
  readonly blocks: Map<BlockHash, Proposal>;
  readonly finalHeaders: BlockHeader[];
  /** CC by the height of the block that it was given for. */
  readonly finalCertificates: Map<Height, Certificate>;
}

export interface ClusterNode {
  readonly index: number;
  readonly disk: Disk;
  consensus: Consensus | undefined;
  life: number;
  readonly timers: Map<string, number>;
  readonly effects: ConsensusEffect[];
}

export interface ConsensusCluster {
  readonly fixture: Fixture;
  readonly nodes: readonly ClusterNode[];
  readonly nowMs: number;
  faults: Faults;
  run(forMs: number, until?: () => boolean): boolean;
  setWork(isAvailable: boolean): void;
  crash(index: number): void;
  restart(index: number): void;
  /** Lowest final height of the honest nodes. */
  readonly finalHeight: number;
  readonly honest: readonly ClusterNode[];
  readonly eventCount: number;
}

export function createConsensusCluster(options: {
  readonly weights: readonly number[];
  readonly seed: number;
  readonly byzantine?: readonly number[];
  readonly config?: Partial<ConsensusConfig>;
}): ConsensusCluster {
  const fixture = createFixture(options.weights);
  const prng = createPrng(options.seed);
  const byzantine = new Set(options.byzantine ?? []);
  const check = createChecker(options.seed, byzantine);
  const queue = createEventQueue();
  const config = { ...CONFIG, ...options.config };
  let hasWork = false;
  let ticket = 0;
  let built = 0;

  const nodes = options.weights.map((_, index) => emptyNode(index));
  const clock = (): TimestampMs => TimestampMs.plus(GENESIS_TIME, Math.floor(queue.nowMs));

  function restart(index: number): void {
    const node = nodes[index] as ClusterNode;
    if (node.consensus !== undefined) return;
    const recovered = recoveredFrom(node.disk);
    node.consensus = createConsensus({ ...fixture.options(index, recovered), config });
    feed(node, { type: "start" });
    feed(node, { type: "work", isAvailable: hasWork });
  }

  function crash(index: number): void {
    const node = nodes[index] as ClusterNode;
    node.consensus = undefined;
    node.life++;
    node.timers.clear();
  }

  /** One step: what is durable is written first, then effects are performed in order; a crash may fall anywhere. */
  function feed(node: ClusterNode, input: ConsensusInput): void {
    const { consensus } = node;
    if (consensus === undefined) return;
    const effects = consensus.step(input, clock());
    const crashAt = prng.real() < cluster.faults.crash ? prng.below(effects.length + 2) - 1 : undefined;
    if (crashAt !== -1) for (const effect of effects) save(node, effect);
    for (const [position, effect] of effects.entries()) {
      if (crashAt !== undefined && position >= crashAt) break;
      check.effect(node, effect);
      node.effects.push(effect);
      perform(node, effect);
      if (node.consensus !== consensus) return;
    }
    if (crashAt === undefined) return;
    crash(node.index);
    queue.after(50 + prng.below(1_000), () => restart(node.index));
  }

  function save(node: ClusterNode, effect: ConsensusEffect): void {
    if (effect.type === "persistRecord") node.disk.records.push(effect.record);
    if (effect.type !== "finalize") return;
    node.disk.finalHeaders.push(...effect.blocks.map(({ header }) => header));
    saveFinal(node, effect.certificate);
  }

  /** Storage prunes records that a durable CC covers, and sometimes writes the rest anew in another order. */
  function saveFinal(node: ClusterNode, certificate: Certificate): void {
    const { disk } = node;
    disk.finalCertificates.set(certificate.ballot.height, certificate);
    const kept = disk.records.filter(({ view }) => view > certificate.ballot.view);
    disk.records.splice(0, disk.records.length, ...(prng.real() < 0.5 ? kept.reverse() : kept));
  }

  function perform(node: ClusterNode, effect: ConsensusEffect): void {
    switch (effect.type) {
      case "castVote": {
        const vote = fixture.vote(node.index, effect.ballot);
        check.signed(node, effect.ballot);
        broadcast(node, () => ({ type: "vote", from: directly(node.index), vote }));
        const contraries = byzantine.has(node.index) ? contrariesOf(fixture, node, effect.ballot) : [];
        for (const vote of contraries) broadcastSome(node, () => ({ type: "vote", from: directly(node.index), vote }));
        return later(node, 0, { type: "vote", from: SELF, vote });
      }
      case "castProposal": {
        const { header, justification, transactionHashes } = effect;
        const proposal = fixture.propose(header, justification, transactionHashes);
        check.proposed(node, header);
        const from = directly(node.index);
        if (byzantine.has(node.index)) broadcastSome(node, () => ({ type: "proposal", from, proposal: twinOf(fixture, proposal) }));
        broadcast(node, () => ({ type: "proposal", from, proposal }));
        return later(node, 0, { type: "proposal", from: SELF, proposal });
      }
      case "forwardCertificate":
        return broadcast(node, () => ({ type: "certificate", from: directly(node.index), certificate: effect.certificate }));
      case "build":
        return later(
          node,
          0,
          buildAnswer(node, effect, { isFailing: prng.real() < cluster.faults.crash, transaction: hasWork ? built++ : undefined }),
        );
      case "checkBody":
        node.disk.blocks.set(effect.blockHash, effect.proposal);
        return later(node, prng.below(3), { type: "bodyChecked", blockHash: effect.blockHash, isValid: true });
      case "fetchBlock":
        return ask(node, (peer) => {
          const proposal = peer.disk.blocks.get(effect.blockHash);
          return proposal === undefined ? [] : [{ type: "fetchedBlock", from: directly(peer.index), proposal }];
        });
      case "fetchTimeoutCertificates":
        return ask(node, (peer) => {
          const held = peer.consensus?.timeoutCertificates({ ...effect, countMax: 256 }) ?? [];
          return held.map((certificate) => ({ type: "certificate", from: directly(peer.index), certificate }));
        });
      case "behind":
        return catchUp(node);
      case "setTimer": {
        const mine = ++ticket;
        node.timers.set(effect.timer, mine);
        const { life } = node;
        return queue.after(effect.afterMs, () => {
          if (node.life === life && node.timers.get(effect.timer) === mine) feed(node, { type: "timer", timer: effect.timer });
        });
      }
      case "cancelTimer":
        node.timers.delete(effect.timer);
        return;
      default:
        return;
    }
  }

  function later(node: ClusterNode, delayMs: number, input: ConsensusInput): void {
    const { life } = node;
    queue.after(delayMs, () => {
      if (node.life === life) feed(node, input);
    });
  }

  function transmit(from: ClusterNode, to: ClusterNode, act: () => void): void {
    const { groups } = cluster.faults;
    const isCut = groups?.some((group) => group.includes(from.index) !== group.includes(to.index)) ?? false;
    if (isCut || prng.real() < cluster.faults.loss) return;
    const [min, max] = cluster.faults.delayMs;
    const copies = prng.real() < cluster.faults.duplicate ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) queue.after(min + prng.real() * (max - min), act);
  }

  function broadcast(node: ClusterNode, make: (to: number) => ConsensusInput): void {
    for (const other of nodes) if (other !== node) transmit(node, other, () => feed(other, make(other.index)));
  }

  function ask(node: ClusterNode, answer: (peer: ClusterNode) => readonly ConsensusInput[]): void {
    const others = nodes.filter((other) => other !== node && other.consensus !== undefined);
    const peer = others[prng.below(others.length)];
    if (peer === undefined) return;
    transmit(node, peer, () => {
      const inputs = answer(peer);
      transmit(peer, node, () => {
        for (const input of inputs) feed(node, input);
      });
    });
  }

  /** Range sync: verified by the replica before consensus hears of it. */
  function catchUp(node: ClusterNode): void {
    const others = nodes.filter((other) => other !== node && other.disk.finalHeaders.length > node.disk.finalHeaders.length);
    const peer = others[prng.below(others.length)];
    if (peer === undefined) return;
    transmit(node, peer, () => {
      const served = [...peer.disk.finalHeaders];
      const certificate = peer.disk.finalCertificates.get(served.at(-1)?.height as Height);
      transmit(peer, node, () => {
        const headers = served.slice(node.disk.finalHeaders.length);
        if (node.consensus === undefined || certificate === undefined || headers.length === 0) return;
        if (!isCertificateValid(certificate, fixture)) return;
        for (const header of headers) check.final(header);
        node.disk.finalHeaders.push(...headers);
        saveFinal(node, certificate);
        feed(node, { type: "synced", headers, certificate });
      });
    });
  }

  function broadcastSome(node: ClusterNode, make: () => ConsensusInput): void {
    for (const other of nodes) if (other !== node && prng.real() < 0.5) transmit(node, other, () => feed(other, make()));
  }

  const honest = nodes.filter(({ index }) => !byzantine.has(index));
  for (const { index } of nodes) queue.after(0, () => restart(index));
  const cluster: ConsensusCluster = {
    fixture,
    nodes,
    honest,
    get nowMs() {
      return queue.nowMs;
    },
    faults: CALM,
    run: (forMs, until) => queue.run(forMs, until),
    setWork(isAvailable) {
      hasWork = isAvailable;
      for (const node of nodes) feed(node, { type: "work", isAvailable });
    },
    crash,
    restart,
    get finalHeight() {
      return Math.min(...honest.map(({ disk }) => disk.finalHeaders.length));
    },
    get eventCount() {
      return queue.count;
    },
  };
  return cluster;
}

function emptyNode(index: number): ClusterNode {
  const disk: Disk = { records: [], blocks: new Map(), finalHeaders: [], finalCertificates: new Map() };
  return { index, disk, consensus: undefined, life: 0, timers: new Map(), effects: [] };
}

function recoveredFrom(disk: Disk): RecoveredConsensus {
  const head = disk.finalHeaders.at(-1);
  const finalHead: FinalHead = head === undefined ? GENESIS_STATE.finalHead : { ...head, blockHash: hashHeader(head) };
  return {
    records: [...disk.records],
    finalHead,
    finalCertificate: head === undefined ? undefined : disk.finalCertificates.get(head.height),
    proposals: [...disk.blocks.values()].filter(({ header }) => header.height > finalHead.height),
    recentFinalHeaders: disk.finalHeaders,
  };
}

function buildAnswer(
  node: ClusterNode,
  effect: Extract<ConsensusEffect, { type: "build" }>,
  how: { readonly isFailing: boolean; readonly transaction: number | undefined },
): ConsensusInput {
  const { view, timeMs } = effect;
  if (how.isFailing) return { type: "built", view, header: undefined, transactionHashes: [], lists: [] };
  const { disk } = node;
  const parent = disk.blocks.get(effect.parentHash)?.header ?? disk.finalHeaders.at(-1);
  const executedHeight = Height.of(Math.min(effect.height - 1, Math.max(parent?.executedHeight ?? 0, disk.finalHeaders.length)));
  const transactionHashes =
    how.transaction === undefined ? [] : [toHex<TransactionHash>(sha256(asciiBytes(`transaction ${how.transaction}`)))];
  const change = { proposer: ValidatorIndex.of(node.index), timeMs, executedHeight };
  return { type: "built", view, header: headerOver(parent, view, { count: 1, change, transactionHashes }), transactionHashes, lists: [] };
}

/** Another proposal for the same view. */
function twinOf(fixture: Fixture, proposal: Proposal): Proposal {
  const header = { ...proposal.header, timeMs: TimestampMs.plus(proposal.header.timeMs, 1) };
  return fixture.propose(header, proposal, proposal.transactionHashes);
}

/** What a Byzantine validator signs besides: other blocks of the view, timeouts next to commit votes, forgeries. */
function contrariesOf(fixture: Fixture, node: ClusterNode, ballot: Ballot): readonly SignedVote[] {
  const proposals = [...node.disk.blocks.values()].filter(({ header }) => header.view === ballot.view);
  const blocks = [...proposals, ...proposals.map((proposal) => twinOf(fixture, proposal))];
  const votes = blocks.flatMap(({ header }) => [
    fixture.vote(node.index, ballotOf("vote", header)),
    fixture.vote(node.index, ballotOf("commit", header)),
  ]);
  const timeout = fixture.vote(node.index, timeoutBallot(ballot.epoch, ballot.view));
  const forged = { ...timeout, signature: timeout.signature.map((byte, index) => (index > 8 ? byte ^ 0x55 : byte)) };
  return [...votes, timeout, forged];
}
