/** Hand-made histories for checkers: a cluster with fast keys, facts with a clock that ticks, and a legal run of a small chain, from
 *  which tests take away, or to which they add, the one thing that a checker must notice. */

import { bodyRootOf, hashHeader, hashTransaction, sha256 } from "../../../crypto/hashes.ts";
import type { Durable } from "../../../replica/interface.ts";
import { createCheckers, createDispatcher } from "../../../testnet/checks/all.ts";
import type { CheckedCluster, Checker, Invariant, Violation } from "../../../testnet/checks/checker.ts";
import type { Scenario } from "../../../testnet/scenario/manifest.ts";
import type { Fact, FactOf, FactType } from "../../../testnet/simulator/facts.ts";
import { createFastSealing } from "../../../testnet/simulator/fast_sealing.ts";
import { type Block, type BlockHeader, PLAIN_BLOCK, type Proposal } from "../../../types/block.ts";
import { asciiBytes, fromHex, toHex } from "../../../types/bytes.ts";
import { Height, type StateRoot, ValidatorIndex, View } from "../../../types/ids.ts";
import { emptySafetyRecord, type SafetyRecord } from "../../../types/safety_record.ts";
import type { Ballot, Certificate } from "../../../types/vote.ts";
import {
  ballotOf,
  createFixture,
  EXECUTED_ROOT,
  type Fixture,
  GENESIS_HASH,
  headerOver,
  timeoutOf,
} from "../../support/consensus_fixture.ts";

export const NOTHING: Durable = { records: [], blocks: [], finality: [], operations: [], evidence: [], shares: [] };

export interface World {
  readonly fixture: Fixture;
  readonly cluster: CheckedCluster;
}

/** Four validators of weight 1 unless said otherwise; `traitors` among them. */
export function worldOf(options: { readonly weights?: readonly number[]; readonly traitors?: readonly number[] } = {}): World {
  const { weights = [1, 1, 1, 1], traitors = [] } = options;
  const fixture = createFixture(weights);
  const { validators } = fixture.validators.set;
  return {
    fixture,
    cluster: {
      weights,
      domain: fixture.domain,
      chainId: fixture.domain.chainId,
      blsPublicKeys: validators.map(({ blsPublicKey }) => blsPublicKey),
      ed25519PublicKeys: validators.map(({ ed25519PublicKey }) => fromHex(ed25519PublicKey)),
      bls: fixture.bls,
      verifyEd25519: fixture.options(undefined).verifyEd25519,
      sealingSuite: createFastSealing(),
      genesisHash: GENESIS_HASH,
      honest: new Set([...weights.keys()].filter((index) => !traitors.includes(index))),
      expect: "pass",
    },
  };
}

export const SCENARIO: Scenario = {
  version: 1,
  name: "by hand",
  seed: 1,
  weights: [1, 1, 1, 1],
  // Too slow to be called calm: these histories lose views without any reason.
  topology: { type: "uniform", delayMs: [1, 30] },
  protocol: {
    deltaMsMin: 50,
    deltaMsMax: 1_000,
    heartbeatMs: 1_000,
    proposeDelayMs: 0,
    resendMs: 300,
    blockTransactionsMax: 100,
    poolTransactionsMax: 4_096,
    snapshotBlocks: 100,
    syncMs: [0, 2],
  },
  application: "ledger",
  workload: { clients: 0, perSecond: 0, mix: { transfer: 1, linked: 0, pend: 0, invalid: 0, duplicate: 0, replay: 0, lie: 0 } },
  faults: [],
  byzantine: [],
  phases: { faultsMs: 1_000, coreHeights: 2, viewsMax: 5, settleMsMax: 10_000 },
  ties: "fifo",
  expect: "pass",
};

/** A fact without its moment. */
export type Untimed = { readonly [Type in FactType]: Omit<FactOf<Type>, "atUs"> & { readonly atUs?: number } }[FactType];

/** One millisecond from fact to fact, unless a fact names its own moment. */
export function timed(facts: readonly Untimed[]): readonly Fact[] {
  return facts.map((fact, index) => ({ atUs: 1_000 * (index + 1), ...fact }) as Fact);
}

/** The first violation that one checker finds in a history, its end included. */
export function firstViolation(checker: Checker, facts: readonly Untimed[]): Violation | undefined {
  const all = timed(facts);
  for (const fact of all) {
    const violation = checker.observe(fact);
    if (violation !== undefined) return violation;
  }
  return checker.finish?.(all.at(-1)?.atUs ?? 0);
}

/** What all checkers together find, by invariant, in the order in which they speak. */
export function allViolations(
  { cluster }: World,
  facts: readonly Untimed[],
  scenario: Partial<Scenario> = {},
): ReadonlyMap<Invariant, string> {
  const found = new Map<Invariant, string>();
  const checkers = createCheckers({ cluster, scenario: { ...SCENARIO, ...scenario } });
  const dispatch = createDispatcher(checkers, {
    validators: cluster.weights.length,
    report: ({ invariant }, { detail }) => {
      if (!found.has(invariant)) found.set(invariant, detail);
    },
  });
  const all = timed(facts);
  all.forEach(dispatch);
  for (const { finish, invariant } of checkers) {
    const violation = finish?.(all.at(-1)?.atUs ?? 0);
    if (violation !== undefined && !found.has(invariant)) found.set(invariant, violation.detail);
  }
  return found;
}

export const saved = (validator: number, durable: Partial<Durable>): Untimed => ({
  type: "saved",
  validator,
  durable: { ...NOTHING, ...durable },
});
export const recordOf = (view: number, fields: Partial<SafetyRecord>): SafetyRecord => ({
  ...emptySafetyRecord(0 as never, View.of(view)),
  ...fields,
});
export const started = (validator: number, change: Partial<FactOf<"started">> = {}): Untimed => ({
  type: "started",
  validator,
  life: 1,
  finalHeight: 0,
  isSigning: true,
  ...change,
});
export const stopped = (validator: number, why: FactOf<"stopped">["why"] = "crash"): Untimed => ({ type: "stopped", validator, why });
export const entered = (validator: number, view: number, by: FactOf<"enteredView">["by"] = "QC"): Untimed => ({
  type: "enteredView",
  validator,
  view: View.of(view),
  by,
  leader: ValidatorIndex.of(0),
});
export const shows = (validator: number, certificate: Certificate): Untimed => ({ type: "certificate", validator, certificate });
export const phase = (name: FactOf<"phase">["phase"], core: readonly number[] = []): Untimed => ({ type: "phase", phase: name, core });
export const signs = ({ fixture }: World, validator: number, ballot: Ballot): Untimed => ({
  type: "signedVote",
  validator,
  vote: fixture.vote(validator, ballot),
  isResend: false,
});
export const proposes = (validator: number, proposal: Proposal): Untimed => ({ type: "signedProposal", validator, proposal });
export const fault = (index: number, action: FactOf<"fault">["fault"]["action"], edge: "begin" | "end" = "begin"): Untimed => ({
  type: "fault",
  index,
  fault: { when: { on: "time", atMs: 0 }, action },
  edge,
});

export const rootAt = (height: number): StateRoot =>
  height === 0 ? EXECUTED_ROOT : toHex<StateRoot>(sha256(asciiBytes(`root ${height}`)));

/** A block of the legal run with everything that belongs to it. */
export interface MadeBlock {
  readonly header: BlockHeader;
  readonly blockHash: ReturnType<typeof hashHeader>;
  readonly proposal: Proposal;
  readonly block: Block;
  readonly quorum: Certificate;
  readonly commit: Certificate;
}

export interface BlockPlan {
  readonly view: number;
  readonly transactions?: readonly Uint8Array[];
  readonly change?: Partial<BlockHeader>;
  /** TCs to leave out of the justification. */
  readonly withoutTimeouts?: boolean;
}

const SIGNERS = [0, 1, 2];

/** A block over `parent`, with the QC of it and TCs of the views between. Each block names the state root of its grandparent's height. */
export function makeBlock({ fixture }: World, parent: MadeBlock | undefined, plan: BlockPlan): MadeBlock {
  const { transactions = [] } = plan;
  const transactionHashes = transactions.map(hashTransaction);
  const executedHeight = Math.max(0, (parent?.header.height ?? 0) - 1);
  const change: Partial<BlockHeader> = {
    executedHeight: Height.of(executedHeight),
    executedRoot: rootAt(executedHeight),
    ...PLAIN_BLOCK,
    bodyRoot: bodyRootOf(transactionHashes),
    bodyBytes: transactions.reduce((sum, bytes) => sum + bytes.length, 0),
    ...plan.change,
  };
  const header = headerOver(parent?.header, plan.view, { count: fixture.count, transactionHashes, change });
  const timeoutCertificates: Certificate[] = [];
  for (let view = header.parentView + 1; view < plan.view; view++) timeoutCertificates.push(fixture.certificate(timeoutOf(view), SIGNERS));
  const justification = {
    parentCertificate: parent?.quorum,
    timeoutCertificates: plan.withoutTimeouts === true ? [] : timeoutCertificates,
  };
  const proposal = fixture.propose(header, justification, transactionHashes);
  const { signature } = proposal;
  return {
    header,
    blockHash: hashHeader(header),
    proposal,
    block: { header, ...justification, transactions, lists: [], signature },
    quorum: fixture.certificate(ballotOf("vote", header), SIGNERS),
    commit: fixture.certificate(ballotOf("commit", header), SIGNERS),
  };
}

export function makeChain(world: World, plans: readonly BlockPlan[]): readonly MadeBlock[] {
  const chain: MadeBlock[] = [];
  for (const plan of plans) chain.push(makeBlock(world, chain.at(-1), plan));
  return chain;
}

/** What one validator saves and reports when a block becomes final for it. */
export function finalizes(
  validator: number,
  { header, blockHash, commit }: MadeBlock,
  change: { readonly stateRoot?: StateRoot } = {},
): readonly Untimed[] {
  const { height, view } = header;
  const stateRoot = change.stateRoot ?? rootAt(height);
  return [
    saved(validator, {
      finality: [{ height, blockHash, view, certificate: commit }],
      operations: [{ height, blockHash, stateRoot, receipts: [], bundleReceipts: [], openings: [] }],
    }),
    { type: "finalized", validator, blocks: [{ blockHash, header, certificate: commit, stateRoot, receipts: [] }] },
  ];
}

export const stores = (validator: number, ...blocks: readonly MadeBlock[]): Untimed =>
  saved(validator, { blocks: blocks.map(({ blockHash, block }) => ({ blockHash, block })) });

/** Votes, certificates and finality of one block by all of `members`, as honest validators do it. */
export function orders(world: World, members: readonly number[], made: MadeBlock): readonly Untimed[] {
  const { header, blockHash, block, proposal, quorum, commit } = made;
  const { view, height } = header;
  const facts: Untimed[] = [];
  const voted = recordOf(view, { votedHash: blockHash, votedHeight: height });
  const committed = { ...voted, committedHash: blockHash, committedHeight: height };
  const leads = { proposedHash: blockHash };
  const own = (validator: number, record: SafetyRecord): SafetyRecord => (validator === header.proposer ? { ...record, ...leads } : record);
  let admittedBefore = block.parentCertificate;
  for (const skipped of proposal.timeoutCertificates) {
    const at = skipped.ballot.view;
    for (const validator of members) {
      facts.push(
        saved(validator, { records: [recordOf(at, { hasTimedOut: true, admittedBy: admittedBefore })] }),
        signs(world, validator, skipped.ballot),
      );
    }
    admittedBefore = skipped;
    for (const validator of members) {
      facts.push(
        shows(validator, skipped),
        saved(validator, { records: [recordOf(at + 1, { admittedBy: skipped })] }),
        entered(validator, at + 1, "TC"),
      );
    }
  }
  const admitted = { admittedBy: proposal.timeoutCertificates.at(-1) ?? block.parentCertificate };
  if (members.includes(header.proposer)) {
    facts.push(saved(header.proposer, { records: [recordOf(view, { ...admitted, ...leads })] }), proposes(header.proposer, proposal));
  }
  for (const validator of members) {
    facts.push(saved(validator, { records: [{ ...own(validator, voted), ...admitted }], blocks: [{ blockHash, block }] }));
    facts.push(signs(world, validator, ballotOf("vote", header)));
  }
  for (const validator of members) {
    facts.push(saved(validator, { records: [{ ...own(validator, committed), ...admitted }, recordOf(view + 1, { admittedBy: quorum })] }));
    facts.push(shows(validator, quorum), entered(validator, view + 1), { type: "certified", validator, view, blockHash });
    facts.push(signs(world, validator, ballotOf("commit", header)));
  }
  for (const validator of members) facts.push(shows(validator, commit), ...finalizes(validator, made));
  return facts;
}

/** All start, enter view 1 and order the blocks. */
export function legalRun(world: World, chain: readonly MadeBlock[]): readonly Untimed[] {
  const members = [...world.cluster.honest];
  return [
    phase("faults"),
    ...members.flatMap((validator) => [started(validator), entered(validator, 1, "start")]),
    ...chain.flatMap((made) => orders(world, members, made)),
  ];
}
