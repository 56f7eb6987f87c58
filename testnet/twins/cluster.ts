/** Instances of the consensus core under one clock and a network that is instant within a group and silent between groups. First in,
 *  first out; no randomness. It plays the replica's part with the least that works: bodies are always there and valid.
 *
 *  Time goes in slots. A slot opens with what was due to be repeated and ends with the deadlines of who is stuck; messages flow
 *  until nobody has anything to say. A block for view v is built only in a slot whose gate is v or higher, so that the chain
 *  does not run away within one slot. Messages exist only within their slot: who was not reachable hears repetitions later. */

import { createConsensus } from "../../consensus/core.ts";
import type { Consensus, ConsensusEffect, ConsensusInput, ConsensusTimer } from "../../consensus/interface.ts";
import { assert } from "../../types/assert.ts";
import type { BlockHeader, Proposal } from "../../types/block.ts";
import { type BlockHash, Height, TimestampMs, ValidatorIndex } from "../../types/ids.ts";
import { RANGE_CERTIFICATES_MAX } from "../../types/limits.ts";
import type { Certificate } from "../../types/vote.ts";
import { createTwinsChecker, finalBlocksOf, type TwinsChecker } from "./checker.ts";
import { GENESIS_TIME, SLOT_MS, type TwinsFixture } from "./fixture.ts";
import { type TwinsScenario, validatorOf } from "./scenario.ts";

type Groups = readonly (readonly number[])[];

export interface Slot {
  /** For proposals, votes, QCs, requests and answers. */
  readonly groups: Groups;
  /** For commit votes, timeouts and their certificates. */
  readonly commitGroups: Groups;
  /** The highest view that may be proposed for, and given up at the slot's end. */
  readonly gate: number;
}

export interface TwinsCluster {
  readonly checker: TwinsChecker;
  runSlot(slot: Slot): void;
  /** The highest view that an instance has entered. */
  readonly highestView: number;
  /** Inputs handled so far. */
  readonly stepCount: number;
}

interface Instance {
  readonly number: number;
  readonly validator: number;
  readonly consensus: Consensus;
  readonly timers: Map<ConsensusTimer, number>;
  readonly blocks: Map<BlockHash, Proposal>;
  readonly finalHeaders: BlockHeader[];
  finalCertificate: Certificate | undefined;
  /** Certificates it was given or gave, by kind and view: a known one changes nothing, so it is not delivered again. */
  readonly known: Map<string, BlockHash>;
  view: number;
  heldBuild: Build | undefined;
  peers: readonly Instance[];
  commitPeers: readonly Instance[];
}

type Build = Extract<ConsensusEffect, { type: "build" }>;

const SELF = { type: "self" } as const;
/** Inputs of one slot by the square of the number of instances: some ten times what any needs. Reaching it means that instances
 *  answer each other, or themselves, without end. */
const SLOT_STEPS_PER_PAIR_MAX = 64;

export function createTwinsCluster(fixture: TwinsFixture, scenario: TwinsScenario): TwinsCluster {
  fixture.forget();
  const checker = createTwinsChecker(scenario);
  const instances = createInstances(fixture, scenario);
  let receivers: Instance[] = [];
  let inputs: ConsensusInput[] = [];
  let nowMs: TimestampMs = GENESIS_TIME;
  let gate = 0;
  let stepCount = 0;

  function post(to: Instance, input: ConsensusInput): void {
    receivers.push(to);
    inputs.push(input);
  }

  /** Handles what is posted until nothing is. */
  function settle(): void {
    const stepsMax = SLOT_STEPS_PER_PAIR_MAX * instances.length ** 2;
    for (let next = 0; next < receivers.length; next++) {
      assert(next < stepsMax, "a slot comes to rest");
      feed(receivers[next] as Instance, inputs[next] as ConsensusInput);
    }
    receivers = [];
    inputs = [];
  }

  function feed(to: Instance, input: ConsensusInput): void {
    stepCount++;
    const effects = to.consensus.step(input, nowMs);
    if (input.type === "synced") noteSynced(to, input.headers, input.certificate);
    for (const effect of effects) {
      checker.effect(to.number, effect);
      perform(to, effect);
    }
  }

  function perform(by: Instance, effect: ConsensusEffect): void {
    switch (effect.type) {
      case "castVote": {
        const vote = fixture.vote(by.validator, effect.ballot);
        post(by, { type: "vote", from: SELF, vote });
        const input: ConsensusInput = { type: "vote", from: senderOf(by), vote };
        // The other copy takes a vote of its own key for an echo.
        for (const peer of effect.ballot.kind === "vote" ? by.peers : by.commitPeers)
          if (peer.validator !== by.validator) post(peer, input);
        return;
      }
      case "castProposal": {
        const { header, blockHash, justification, transactionHashes, lists } = effect;
        const proposal: Proposal = { header, ...justification, transactionHashes, lists, signature: fixture.sign(header, blockHash) };
        post(by, { type: "proposal", from: SELF, proposal });
        const input: ConsensusInput = { type: "proposal", from: senderOf(by), proposal };
        for (const peer of by.peers) post(peer, input);
        return;
      }
      case "forwardCertificate":
        return forward(by, effect.certificate);
      case "build":
        if (effect.view > gate) by.heldBuild = effect;
        else answerBuild(by, effect);
        return;
      case "checkBody":
        by.blocks.set(effect.blockHash, effect.proposal);
        return post(by, { type: "bodyChecked", blockHash: effect.blockHash, isValid: true });
      case "fetchBlock":
        return fetchBlock(by, effect.blockHash);
      case "fetchTimeoutCertificates":
        return fetchTimeouts(by, effect);
      case "behind":
        return catchUp(by);
      case "finalize":
        checker.final(by.number, effect.blocks);
        for (const { header } of effect.blocks) by.finalHeaders.push(header);
        by.finalCertificate = effect.certificate;
        return;
      case "enteredView":
        by.view = effect.view;
        return;
      case "setTimer":
        by.timers.set(effect.timer, nowMs + effect.afterMs);
        return;
      case "cancelTimer":
        by.timers.delete(effect.timer);
        return;
      default:
        return;
    }
  }

  const senderOf = (instance: Instance) => fixture.senders[instance.validator] as (typeof fixture.senders)[number];

  function forward(by: Instance, certificate: Certificate): void {
    const { kind, view, blockHash } = certificate.ballot;
    const key = `${kind}${view}`;
    by.known.set(key, blockHash);
    let input: ConsensusInput | undefined;
    for (const peer of kind === "vote" ? by.peers : by.commitPeers) {
      if (peer.known.get(key) === blockHash) continue;
      peer.known.set(key, blockHash);
      input ??= { type: "certificate", from: senderOf(by), certificate };
      post(peer, input);
    }
  }

  function answerBuild(by: Instance, build: Build): void {
    const { view, height, parentHash, parentView, timeMs } = build;
    const parent = by.blocks.get(parentHash)?.header ?? by.finalHeaders.at(-1);
    const executed = Math.min(height - 1, Math.max(parent?.executedHeight ?? 0, by.finalHeaders.length));
    const facts = { height, view, parentHash, parentView, timeMs, executedHeight: Height.of(executed) };
    const header = fixture.header({ ...facts, proposer: by.validator, instance: by.number });
    post(by, { type: "built", view, header, transactionHashes: [], lists: [] });
  }

  function fetchBlock(by: Instance, blockHash: BlockHash): void {
    for (const peer of by.peers) {
      const proposal = peer.blocks.get(blockHash);
      if (proposal === undefined) continue;
      return post(by, { type: "fetchedBlock", from: senderOf(peer), proposal });
    }
  }

  function fetchTimeouts(by: Instance, range: Extract<ConsensusEffect, { type: "fetchTimeoutCertificates" }>): void {
    for (const peer of by.peers) {
      const held = peer.consensus.timeoutCertificates({ ...range, countMax: RANGE_CERTIFICATES_MAX });
      for (const certificate of held) post(by, { type: "certificate", from: senderOf(peer), certificate });
      if (held.length > 0) return;
    }
  }

  /** Range sync from the peer that has the most. */
  function catchUp(by: Instance): void {
    let best = by;
    for (const peer of by.peers) if (peer.finalHeaders.length > best.finalHeaders.length) best = peer;
    const headers = best.finalHeaders.slice(by.finalHeaders.length);
    if (best === by || best.finalCertificate === undefined) return;
    post(by, { type: "synced", headers, certificate: best.finalCertificate });
  }

  /** The core ignores a range that does not extend its head. */
  function noteSynced(by: Instance, headers: readonly BlockHeader[], certificate: Certificate): void {
    const taken = headers.filter(({ height }) => height > by.finalHeaders.length && height <= by.consensus.status.finalHeight);
    checker.final(by.number, finalBlocksOf(taken));
    by.finalHeaders.push(...taken);
    if (taken.length > 0) by.finalCertificate = certificate;
  }

  function fire(instance: Instance, timer: ConsensusTimer): void {
    const dueMs = instance.timers.get(timer);
    if (dueMs === undefined || dueMs > nowMs) return;
    instance.timers.delete(timer);
    feed(instance, { type: "timer", timer });
  }

  for (const instance of instances) feed(instance, { type: "start" });
  for (const instance of instances) feed(instance, { type: "work", isAvailable: true });

  return {
    checker,
    runSlot(slot) {
      connect(instances, slot);
      gate = slot.gate;
      nowMs = TimestampMs.plus(nowMs, SLOT_MS);
      for (const instance of instances) {
        const { heldBuild } = instance;
        if (heldBuild === undefined || heldBuild.view > gate) continue;
        instance.heldBuild = undefined;
        answerBuild(instance, heldBuild);
      }
      for (const instance of instances) for (const timer of ["propose", "resend"] as const) fire(instance, timer);
      settle();
      nowMs = TimestampMs.plus(nowMs, SLOT_MS);
      for (const instance of instances) if (instance.view <= gate) fire(instance, "view");
      settle();
    },
    get highestView() {
      return Math.max(...instances.map(({ view }) => view));
    },
    get stepCount() {
      return stepCount;
    },
  };
}

function createInstances(fixture: TwinsFixture, scenario: TwinsScenario): readonly Instance[] {
  const leaders = scenario.rounds.map(({ leader }) => ValidatorIndex.of(leader));
  const leaderOf = (view: number): ValidatorIndex | undefined => leaders[view - 1];
  return Array.from({ length: scenario.validators + scenario.twins.length }, (_, number) => {
    const validator = validatorOf(scenario, number);
    const harness = { leaderOf, isKeyShared: scenario.twins.includes(validator) };
    return {
      number,
      validator,
      consensus: createConsensus(fixture.options(validator, harness)),
      timers: new Map(),
      blocks: new Map(),
      finalHeaders: [],
      finalCertificate: undefined,
      known: new Map(),
      view: 0,
      heldBuild: undefined,
      peers: [],
      commitPeers: [],
    };
  });
}

function connect(instances: readonly Instance[], { groups, commitGroups }: Slot): void {
  for (const group of groups) {
    for (const member of group) (instances[member] as Instance).peers = others(instances, group, member);
  }
  for (const group of commitGroups) {
    for (const member of group) (instances[member] as Instance).commitPeers = others(instances, group, member);
  }
}

function others(instances: readonly Instance[], group: readonly number[], member: number): readonly Instance[] {
  return group.filter((other) => other !== member).map((other) => instances[other] as Instance);
}
