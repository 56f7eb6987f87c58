/** One consensus core under hand-fed inputs: keeps its clock, and answers what a replica would answer at once if wished. */

import { createConsensus } from "../../consensus/core.ts";
import type { Consensus, ConsensusEffect, ConsensusInput, RecoveredConsensus } from "../../consensus/interface.ts";
import type { BlockHeader, Justification, Proposal } from "../../types/block.ts";
import { TimestampMs, type TransactionHash } from "../../types/ids.ts";
import type { SafetyRecord } from "../../types/safety_record.ts";
import type { Sender } from "../../types/sender.ts";
import type { Ballot, Certificate } from "../../types/vote.ts";
import { ballotOf, createFixture, directly, type Fixture, GENESIS_TIME, SELF } from "./consensus_fixture.ts";

export type EffectOf<T extends ConsensusEffect["type"]> = Extract<ConsensusEffect, { readonly type: T }>;

export interface CoreDriver {
  readonly fixture: Fixture;
  readonly core: Consensus;
  /** Everything the core has asked for so far. */
  readonly effects: ConsensusEffect[];
  /** Newest record of each view, as a store would hold them. */
  readonly records: Map<number, SafetyRecord>;
  nowMs: TimestampMs;
  /** Feeds one input and returns its effects; answers `checkBody` with `bodies` right after it. */
  step(input: ConsensusInput): readonly ConsensusEffect[];
  advance(ms: number): void;
  vote(validator: number, ballot: Ballot, from?: Sender): readonly ConsensusEffect[];
  certificate(certificate: Certificate, from?: Sender): readonly ConsensusEffect[];
  /** The certificate of `ballot` by validators 0, 1, 2 (or `signers`), from validator 1. */
  certify(ballot: Ballot, signers?: readonly number[]): readonly ConsensusEffect[];
  propose(
    header: BlockHeader,
    options?: { justification?: Partial<Justification>; from?: Sender; transactionHashes?: readonly TransactionHash[] },
  ): readonly ConsensusEffect[];
  timer(timer: "view" | "propose" | "resend"): readonly ConsensusEffect[];
  /** Verdict that `checkBody` gets; undefined leaves it unanswered. */
  bodies: boolean | undefined;
}

export function createDriver(
  options: {
    readonly self?: number | undefined;
    readonly isObserver?: boolean;
    readonly weights?: readonly number[];
    readonly fixture?: Fixture;
    readonly recovered?: Partial<RecoveredConsensus>;
    readonly isStarted?: boolean;
  } = {},
): CoreDriver {
  const fixture = options.fixture ?? createFixture(options.weights ?? [1, 1, 1, 1]);
  const self = options.isObserver === true ? undefined : (options.self ?? 0);
  const core = createConsensus(fixture.options(self, options.recovered));
  const effects: ConsensusEffect[] = [];
  const records = new Map<number, SafetyRecord>();

  function run(input: ConsensusInput): readonly ConsensusEffect[] {
    const produced = core.step(input, driver.nowMs);
    effects.push(...produced);
    const all = [...produced];
    for (const effect of produced) {
      if (effect.type === "persistRecord") records.set(effect.record.view, effect.record);
      if (effect.type !== "checkBody" || driver.bodies === undefined) continue;
      all.push(...run({ type: "bodyChecked", blockHash: effect.blockHash, isValid: driver.bodies }));
    }
    return all;
  }

  const driver: CoreDriver = {
    fixture,
    core,
    effects,
    records,
    nowMs: TimestampMs.plus(GENESIS_TIME, 10_000),
    bodies: true,
    step: run,
    advance(ms) {
      driver.nowMs = TimestampMs.plus(driver.nowMs, ms);
    },
    vote: (validator, ballot, from) => run({ type: "vote", from: from ?? directly(validator), vote: fixture.vote(validator, ballot) }),
    certificate: (certificate, from) => run({ type: "certificate", from: from ?? directly(1), certificate }),
    certify: (ballot, signers) => driver.certificate(fixture.certificate(ballot, signers ?? [1, 2, 3])),
    propose(header, { justification, from, transactionHashes } = {}) {
      const proposal: Proposal = fixture.propose(header, justification, transactionHashes);
      return run({ type: "proposal", from: from ?? directly(header.proposer), proposal });
    },
    timer: (timer) => run({ type: "timer", timer }),
  };
  if (options.isStarted !== false) run({ type: "start" });
  return driver;
}

/** The effects of one type, in order. */
export function of<T extends ConsensusEffect["type"]>(effects: readonly ConsensusEffect[], type: T): readonly EffectOf<T>[] {
  return effects.filter((effect): effect is EffectOf<T> => effect.type === type);
}

/** What was signed, as text: "vote 3", "commit 3", "timeout 4", with "again" for repetitions. */
export function signed(effects: readonly ConsensusEffect[]): readonly string[] {
  return of(effects, "castVote").map(({ ballot, isResend }) => `${ballot.kind} ${ballot.view}${isResend ? " again" : ""}`);
}

/** Feeds back what the core casts, as the driver of a node does after signing. */
export function feedBack(driver: CoreDriver, effects: readonly ConsensusEffect[], self: number): readonly ConsensusEffect[] {
  const more: ConsensusEffect[] = [];
  for (const effect of effects) {
    if (effect.type === "castVote") more.push(...driver.vote(self, effect.ballot, SELF));
    if (effect.type !== "castProposal") continue;
    const { header, justification, transactionHashes } = effect;
    more.push(...driver.propose(header, { justification, from: SELF, transactionHashes }));
  }
  return more;
}

/** The QC of `header`. */
export function quorumOf(fixture: Fixture, header: BlockHeader, signers: readonly number[] = [1, 2, 3]): Certificate {
  return fixture.certificate(ballotOf("vote", header), signers);
}
