/** A cluster of consensus cores under one seeded clock, network and disk: delay, loss, duplicates, partitions, crashes at any
 *  point of a step, restart from the records. It plays the replica's part with the least that works (bodies are always there).
 *
 *  An independent checker watches every signature and certificate: agreement, one QC per view, never CC(v) and TC(v), nothing
 *  signed twice or before its record is on disk, no honest validator accused. A violation throws with the seed. */

import { isCertificateValid } from "../../consensus/certificate_check.ts";
import { createConsensus } from "../../consensus/core.ts";
import type { Consensus, ConsensusConfig, ConsensusEffect, ConsensusInput, FinalHead } from "../../consensus/interface.ts";
import { hashHeader, sha256 } from "../../crypto/hashes.ts";
import type { BlockHeader, Proposal } from "../../types/block.ts";
import { asciiBytes, toHex } from "../../types/bytes.ts";
import { type BlockHash, type Height, TimestampMs, type TransactionHash, ZERO_HASH } from "../../types/ids.ts";
import type { SafetyRecord } from "../../types/safety_record.ts";
import type { Certificate } from "../../types/vote.ts";
import { type Ballot, timeoutBallot } from "../../types/vote.ts";
import { CONFIG, createFixture, directly, type Fixture, GENESIS_STATE, GENESIS_TIME, headerOver, SELF } from "./consensus_fixture.ts";
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
  let faults = CALM;
  let hasWork = false;
  let ticket = 0;
  let built = 0;

  const nodes: ClusterNode[] = options.weights.map((_, index) => ({
    index,
    disk: { records: [], blocks: new Map(), finalHeaders: [], finalCertificates: new Map() },
    consensus: undefined,
    life: 0,
    timers: new Map(),
    effects: [],
  }));
  const clock = (): TimestampMs => TimestampMs.plus(GENESIS_TIME, Math.floor(queue.nowMs));

  function restart(index: number): void {
    const node = nodes[index] as ClusterNode;
    if (node.consensus !== undefined) return;
    const { disk } = node;
    const head = disk.finalHeaders.at(-1);
    const finalHead: FinalHead = head === undefined ? GENESIS_STATE.finalHead : { ...head, blockHash: hashHeader(head) };
    const recovered = {
      records: [...disk.records],
      finalHead,
      finalCertificate: head === undefined ? undefined : disk.finalCertificates.get(head.height),
      proposals: [...disk.blocks.values()].filter(({ header }) => header.height > finalHead.height),
      recentFinalHeaders: disk.finalHeaders,
    };
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
    const crashAt = prng.real() < faults.crash ? prng.below(effects.length + 2) - 1 : undefined;
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
        if (byzantine.has(node.index)) misbehave(node, effect.ballot);
        return later(node, 0, { type: "vote", from: SELF, vote });
      }
      case "castProposal": {
        const { header, justification, transactionHashes } = effect;
        const proposal = fixture.propose(header, justification, transactionHashes);
        check.proposed(node, header);
        const from = directly(node.index);
        if (byzantine.has(node.index)) broadcastSome(node, () => ({ type: "proposal", from, proposal: twinOf(proposal) }));
        broadcast(node, () => ({ type: "proposal", from, proposal }));
        return later(node, 0, { type: "proposal", from: SELF, proposal });
      }
      case "forwardCertificate":
        return broadcast(node, () => ({ type: "certificate", from: directly(node.index), certificate: effect.certificate }));
      case "build":
        return later(node, 0, buildAnswer(node, effect));
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
    const { groups } = faults;
    const isCut = groups?.some((group) => group.includes(from.index) !== group.includes(to.index)) ?? false;
    if (isCut || prng.real() < faults.loss) return;
    const [min, max] = faults.delayMs;
    const copies = prng.real() < faults.duplicate ? 2 : 1;
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

  function buildAnswer(node: ClusterNode, effect: Extract<ConsensusEffect, { type: "build" }>): ConsensusInput {
    const { view, timeMs } = effect;
    if (prng.real() < faults.crash) return { type: "built", view, header: undefined, transactionHashes: [] };
    const parent = node.disk.blocks.get(effect.parentHash)?.header ?? node.disk.finalHeaders.at(-1);
    const executedHeight = Math.min(effect.height - 1, Math.max(parent?.executedHeight ?? 0, node.disk.finalHeaders.length)) as Height;
    const transactionHashes = hasWork ? [toHex<TransactionHash>(sha256(asciiBytes(`transaction ${built++}`)))] : [];
    const change = { proposer: node.index, timeMs, executedHeight } as Partial<BlockHeader>;
    return { type: "built", view, header: headerOver(parent, view, { count: 1, change, transactionHashes }), transactionHashes };
  }

  function twinOf(proposal: Proposal): Proposal {
    const header = { ...proposal.header, timeMs: TimestampMs.plus(proposal.header.timeMs, 1) };
    return fixture.propose(header, proposal, proposal.transactionHashes);
  }

  /** A Byzantine validator also signs what contradicts: other blocks of the view, timeouts next to commit votes, nonsense. */
  function misbehave(node: ClusterNode, ballot: Ballot): void {
    const others = [...node.disk.blocks.values()].filter(({ header }) => header.view === ballot.view);
    const twins = others.filter(({ header }) => header.proposer === node.index || byzantine.has(header.proposer)).map(twinOf);
    for (const { header } of [...others, ...twins]) {
      const { height } = header;
      for (const kind of ["vote", "commit"] as const) {
        const contrary = fixture.vote(node.index, { ...ballot, kind, height, blockHash: hashHeader(header) });
        broadcastSome(node, () => ({ type: "vote", from: directly(node.index), vote: contrary }));
      }
    }
    const timeout = fixture.vote(node.index, timeoutBallot(ballot.epoch, ballot.view));
    const forged = { ...timeout, signature: timeout.signature.map((byte, index) => (index > 8 ? byte ^ 0x55 : byte)) };
    broadcastSome(node, () => ({ type: "vote", from: directly(node.index), vote: prng.real() < 0.5 ? timeout : forged }));
  }

  function broadcastSome(node: ClusterNode, make: () => ConsensusInput): void {
    for (const other of nodes) if (other !== node && prng.real() < 0.5) transmit(node, other, () => feed(other, make()));
  }

  const honest = nodes.filter(({ index }) => !byzantine.has(index));
  for (const { index } of nodes) queue.after(0, () => restart(index));
  return {
    fixture,
    nodes,
    honest,
    get nowMs() {
      return queue.nowMs;
    },
    get faults() {
      return faults;
    },
    set faults(next) {
      faults = next;
    },
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
}

interface Checker {
  effect(node: ClusterNode, effect: ConsensusEffect): void;
  signed(node: ClusterNode, ballot: Ballot): void;
  proposed(node: ClusterNode, header: BlockHeader): void;
  final(header: BlockHeader): void;
}

function createChecker(seed: number, byzantine: ReadonlySet<number>): Checker {
  const finalHashes = new Map<number, BlockHash>();
  const certified = new Map<string, BlockHash>();
  const signed = new Map<string, BlockHash>();

  function once(facts: Map<string, BlockHash>, key: string, hash: BlockHash): void {
    const first = facts.get(key);
    if (first !== undefined && first !== hash) throw new Error(`seed ${seed}: ${key} is both ${first} and ${hash}`);
    facts.set(key, hash);
  }
  function never(facts: Map<string, BlockHash>, key: string, why: string): void {
    if (facts.has(key)) throw new Error(`seed ${seed}: ${why} (${key})`);
  }

  function final(header: BlockHeader): void {
    const hash = hashHeader(header);
    const first = finalHashes.get(header.height);
    if (first !== undefined && first !== hash) throw new Error(`seed ${seed}: two final blocks at height ${header.height}`);
    finalHashes.set(header.height, hash);
    const parent = finalHashes.get(header.height - 1);
    if (parent !== undefined && parent !== header.parentHash) throw new Error(`seed ${seed}: final chain is broken at ${header.height}`);
  }

  return {
    final,
    effect(node, effect) {
      if (effect.type === "persistEvidence" && !byzantine.has(node.index)) {
        const { first } = effect.evidence;
        const offender = "validator" in first ? first.validator : first.header.proposer;
        if (!byzantine.has(offender)) throw new Error(`seed ${seed}: honest validator ${offender} is accused`);
      }
      if (effect.type === "forwardCertificate") {
        const { kind, view, blockHash } = effect.certificate.ballot;
        once(certified, `${kind} certificate of view ${view}`, blockHash);
        if (kind === "commit") never(certified, `timeout certificate of view ${view}`, "CC next to TC");
        if (kind === "timeout") never(certified, `commit certificate of view ${view}`, "TC next to CC");
      }
      if (effect.type !== "finalize" || byzantine.has(node.index)) return;
      const heights = node.disk.finalHeaders.slice(-effect.blocks.length).map(hashHeader);
      effect.blocks.forEach(({ blockHash, header }, index) => {
        if (heights[index] !== blockHash) throw new Error(`seed ${seed}: finalize repeats or skips height ${header.height}`);
        final(header);
      });
    },
    signed(node, ballot) {
      if (byzantine.has(node.index)) return;
      const { kind, view, blockHash } = ballot;
      const by = `by ${node.index} in view ${view}`;
      once(signed, `${kind} ${by}`, blockHash);
      if (kind === "commit") never(signed, `timeout ${by}`, "commit vote after timeout");
      const vote = signed.get(`vote ${by}`);
      if (kind === "commit" && vote !== undefined && vote !== blockHash)
        throw new Error(`seed ${seed}: commit vote for another block ${by}`);
      if (kind === "timeout") never(signed, `commit ${by}`, "timeout after commit vote");
      const isRecorded = node.disk.records.some(
        (record) =>
          record.view === view &&
          (kind === "timeout" ? record.hasTimedOut : (kind === "vote" ? record.votedHash : record.committedHash) === blockHash),
      );
      if (!isRecorded) throw new Error(`seed ${seed}: ${kind} ${by} was sent before its record was on disk`);
    },
    proposed(node, header) {
      if (byzantine.has(node.index)) return;
      const hash = hashHeader(header);
      once(signed, `proposal by ${node.index} in view ${header.view}`, hash);
      const isRecorded = node.disk.records.some(({ view, proposedHash }) => view === header.view && proposedHash === hash);
      if (!isRecorded || hash === ZERO_HASH) throw new Error(`seed ${seed}: proposal of view ${header.view} was sent before its record`);
    },
  };
}
