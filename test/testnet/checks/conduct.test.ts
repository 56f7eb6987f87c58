/** What votes are for, what a calm run is like, and what may be in a pool: each checker fires on the least that breaks its rule and is silent on
 *  the closest legal history. */

import t from "tap";
import { createCalmChecker, isCalm } from "../../../testnet/checks/calm.ts";
import { createClockBounds } from "../../../testnet/checks/clock_bounds.ts";
import { createFinalChain } from "../../../testnet/checks/final_chain.ts";
import { createPoolChecker } from "../../../testnet/checks/pool.ts";
import { createVoteSubjectsChecker } from "../../../testnet/checks/vote_subjects.ts";
import { DEFAULT_SEALING } from "../../../testnet/scenario/defaults.ts";
import type { Scenario } from "../../../testnet/scenario/manifest.ts";
import type { FactOf } from "../../../testnet/simulator/facts.ts";
import { GENESIS_TIME_MS } from "../../../testnet/simulator/world.ts";
import { TimestampMs, type TransactionHash } from "../../../types/ids.ts";
import { ballotOf, timeoutOf } from "../../support/consensus_fixture.ts";
import { SAMPLE_FACTS } from "../report/sample_facts.ts";
import {
  fault,
  finalizes,
  firstViolation,
  legalRun,
  type MadeBlock,
  makeBlock,
  makeChain,
  SCENARIO,
  signs,
  started,
  stopped,
  stores,
  timed,
  type Untimed,
  worldOf,
} from "./history.ts";

const WORLD = worldOf({ traitors: [3] });
const { cluster } = WORLD;
const FIRST = makeBlock(WORLD, undefined, { view: 1 });

const votes = (validator: number, { header }: MadeBlock): Untimed => signs(WORLD, validator, ballotOf("vote", header));
const commits = (validator: number, { header }: MadeBlock): Untimed => signs(WORLD, validator, ballotOf("commit", header));
const subjects = (facts: readonly Untimed[]): string | undefined =>
  firstViolation(createVoteSubjectsChecker(cluster, { chain: createFinalChain(cluster), genesisTimeMs: GENESIS_TIME_MS }), facts)?.detail;

t.test(
  "R2 R4 validity: a vote or commit vote for a block that is not stored, fires; stored before, repeated, or a traitor's, silent",
  async (t) => {
    t.match(subjects([votes(1, FIRST)]), /Validator 1 signed a vote for block .* of view 1 that it has not stored/);
    t.match(subjects([commits(1, FIRST)]), /signed a commit vote for block .* that it has not stored/);
    t.match(subjects([stores(2, FIRST), votes(1, FIRST)]), /not stored/, "on the disk of another");
    t.match(subjects([votes(1, FIRST), stores(1, FIRST)]), /not stored/, "too late");
    t.match(subjects([stores(1, FIRST), fault(0, { type: "wipe", validator: 1 }), commits(1, FIRST)]), /not stored/, "lost with the store");
    const restart = [stopped(1), started(1, { life: 2 })];
    t.equal(subjects([stores(1, FIRST), votes(1, FIRST), ...restart, commits(1, FIRST)]), undefined);
    t.equal(subjects([{ ...votes(1, FIRST), isResend: true } as Untimed, votes(3, FIRST), signs(WORLD, 1, timeoutOf(1))]), undefined);
    t.equal(subjects(legalRun(WORLD, makeChain(WORLD, [{ view: 1 }, { view: 4 }]))), undefined);
  },
);

t.test(
  "R14 validity: a vote for a block more than 2 s ahead of the voter's clock, fires; at 2 s, or by a clock that is ahead itself, silent",
  async (t) => {
    // Facts come each millisecond, so the third one is 3 ms after genesis.
    const at = (aheadMs: number) =>
      makeBlock(WORLD, undefined, { view: 1, change: { timeMs: TimestampMs.of(GENESIS_TIME_MS + 3 + aheadMs) } });
    const voted = (made: MadeBlock, before: readonly Untimed[] = [started(1)]): string | undefined =>
      subjects([...before, stores(1, made), votes(1, made)]);
    t.match(voted(at(2_001)), /signed a vote for block .*, whose time is 2001 ms ahead of its clock/);
    t.equal(voted(at(2_000)), undefined);
    const skewed = (validator: number, offsetMs: number) => [fault(0, { type: "clockSkew", validator, offsetMs })];
    t.equal(voted(at(2_500), skewed(1, 500)), undefined);
    t.match(voted(at(2_501), skewed(1, 500)), /2001 ms ahead/);
    t.match(voted(at(2_500), skewed(0, 500)), /2500 ms ahead/, "another's clock");
    t.equal(subjects([started(1), stores(1, at(9_000)), commits(1, at(9_000))]), undefined, "R4: a quorum has decided");
  },
);

t.test("createClockBounds: skews and drifts, the latest that the clock can show", async (t) => {
  const latest = (facts: readonly Untimed[], atUs: number): number => {
    const clocks = createClockBounds(2);
    for (const fact of timed(facts)) clocks.observe(fact);
    return clocks.latestMs(1, atUs);
  };
  const drift = (edge: "begin" | "end", atUs: number, partsPerMillion = 100_000): Untimed =>
    ({ ...fault(0, { type: "clockDrift", validator: 1, partsPerMillion }, edge), atUs }) as Untimed;
  const skew = (edge: "begin" | "end", offsetMs: number): Untimed => fault(1, { type: "clockSkew", validator: 1, offsetMs }, edge);
  t.equal(latest([], 5_000), 5);
  t.equal(latest([drift("begin", 0)], 10_000), 11);
  t.equal(latest([drift("begin", 0), drift("end", 10_000)], 20_000), 21, "what it gained stays");
  t.equal(latest([drift("begin", 0, -100_000)], 10_000), 10);
  t.equal(latest([skew("begin", 700), skew("end", 700)], 5_000), 705, "set back, it runs on slowly");
  t.equal(latest([skew("begin", -700)], 5_000), 5);
});

t.test("R5 progress: a timeout in a calm run after the first final block, fires; before it, or a traitor's, silent", async (t) => {
  const calm = (facts: readonly Untimed[], scenario: Scenario = SCENARIO): string | undefined =>
    firstViolation(createCalmChecker(cluster, scenario), facts)?.detail;
  const timeout = signs(WORLD, 1, timeoutOf(2));
  t.match(calm([...finalizes(0, FIRST), timeout]), /Validator 1 gave view 2 up, although nothing is wrong/);
  t.equal(calm([timeout, ...finalizes(0, FIRST), votes(1, FIRST), signs(WORLD, 3, timeoutOf(2))]), undefined);
  const sealed = { ...SCENARIO, sealing: DEFAULT_SEALING };
  const hasKey = (validator: number): Untimed => ({ ...(SAMPLE_FACTS.keyLive[0] as FactOf<"keyLive">), validator, atUs: 0 });
  const keyed = [...cluster.honest].map(hasKey);
  t.equal(calm([...keyed.slice(1), ...finalizes(0, FIRST), timeout], sealed), undefined, "one has no key yet");
  t.match(calm([...keyed, ...finalizes(0, FIRST), timeout], sealed), /Validator 1 gave view 2 up/);
});

t.test("isCalm: faults, traitors, slow links or disks, or clients that contradict each other, no", async (t) => {
  const quick = { ...SCENARIO, topology: { type: "uniform", delayMs: [1, 18] } } as const;
  const paying = { ...SCENARIO.workload, clients: 2 };
  t.ok(isCalm(quick));
  t.ok(isCalm({ ...quick, workload: paying }));
  t.notOk(isCalm({ ...quick, topology: { type: "uniform", delayMs: [1, 19] } }));
  t.notOk(isCalm({ ...quick, protocol: { ...quick.protocol, syncMs: [0, 3] } }));
  t.notOk(isCalm({ ...quick, byzantine: [{ validator: 3, strategy: "silentLeader", chance: 1 }] }));
  t.notOk(isCalm({ ...quick, faults: [{ when: { on: "time", atMs: 1 }, action: { type: "pause", validator: 0 } }] }));
  t.notOk(isCalm({ ...quick, workload: { ...paying, mix: { ...paying.mix, replay: 1 } } }));
});

const HASHES = ["aa", "bb", "cc"].map((digits) => digits.repeat(32) as TransactionHash);
const [A, B] = HASHES as [TransactionHash, TransactionHash];
const submits = (hash: TransactionHash): Untimed => ({ type: "submitted", validator: 0, client: 0, bytes: new Uint8Array(), hash });
const drops = (validator: number, hash: TransactionHash): Untimed => ({
  type: "dropped",
  validator,
  hash,
  refusal: { code: "nonceUsed", canRetry: false, advice: "" },
});
const pools = (validator: number, poolTransactions: number): Untimed => ({
  type: "sizes",
  validator,
  inputQueue: 0,
  records: 0,
  pendingBlocks: 0,
  poolTransactions,
  poolBytes: 0,
  votesHeld: 0,
});
/** The first block is final for this validator, with these transactions. */
const executes = (validator: number, hashes: readonly TransactionHash[]): Untimed => ({
  type: "finalized",
  validator,
  blocks: [
    {
      blockHash: FIRST.blockHash,
      header: FIRST.header,
      certificate: FIRST.commit,
      stateRoot: FIRST.header.executedRoot,
      receipts: hashes.map((hash) => ({ hash, code: 0, operationCodes: [] })),
    },
  ],
});

t.test("M2 bounds: a transaction dropped after it was final there, fires; before, elsewhere, or in another life, silent", async (t) => {
  const pool = (facts: readonly Untimed[]): string | undefined =>
    firstViolation(createPoolChecker(cluster, { application: "null" }), facts)?.detail;
  t.match(
    pool([started(0), executes(0, [A]), drops(0, A)]),
    /Validator 0 dropped transaction aaaaaaaa from its pool \(nonceUsed\), which it had made final at height 1/,
  );
  t.equal(pool([started(0), drops(0, A), executes(0, [A]), drops(0, B), drops(1, A)]), undefined);
  t.equal(pool([started(0), executes(0, [A]), stopped(0), started(0, { life: 2, finalHeight: 1 }), drops(0, A)]), undefined);
});

t.test(
  "M2 bounds: a pool that holds more than was submitted and is not final, fires; as much, with traitors, or without nonces, silent",
  async (t) => {
    const honest = worldOf().cluster;
    const pool = (facts: readonly Untimed[], application: "ledger" | "null" = "ledger", of = honest): string | undefined =>
      firstViolation(createPoolChecker(of, { application }), [started(0), started(1), ...facts])?.detail;
    const submitted = [submits(A), submits(B), submits(A)];
    const checked = [...submitted, executes(0, [A]), pools(0, 2)];
    t.match(pool(checked), /Validator 0 holds 2 transactions in its pool, although only 1 of those submitted are not final there/);
    t.match(pool([...submitted, executes(0, [A]), stopped(0), started(0, { life: 2, finalHeight: 1 }), pools(0, 2)]), /only 1/);
    t.equal(pool([...submitted, pools(0, 2), executes(0, [A]), pools(0, 1), pools(1, 2)]), undefined);
    t.equal(pool(checked, "null"), undefined);
    t.equal(pool(checked, "ledger", cluster), undefined);
  },
);
