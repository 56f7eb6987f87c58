/** What moves and what must not: progress, stalls, cut-off groups, crashes, bounds, and the arithmetic under all of it. */

import t from "tap";
import { createCheckers, createDispatcher } from "../../../testnet/checks/all.ts";
import { createBoundsChecker } from "../../../testnet/checks/bounds.ts";
import type { Checker } from "../../../testnet/checks/checker.ts";
import { createNoCrashChecker } from "../../../testnet/checks/no_crash.ts";
import { createNoProgressWhenCutChecker } from "../../../testnet/checks/no_progress_when_cut.ts";
import { createProgressChecker } from "../../../testnet/checks/progress.ts";
import { createQuorum, isQuorumOf } from "../../../testnet/checks/quorum.ts";
import { createReach } from "../../../testnet/checks/reach.ts";
import { createRecentMap } from "../../../testnet/checks/recent_map.ts";
import { createStallChecker, stallGraceMs } from "../../../testnet/checks/stall.ts";
import { DEFAULT_PROTOCOL } from "../../../testnet/scenario/defaults.ts";
import type { FaultAction, Scenario } from "../../../testnet/scenario/manifest.ts";
import { ValidatorIndex } from "../../../types/ids.ts";
import { isQuorum as productQuorum, Signers, weightOfSigners } from "../../../types/validator_set.ts";
import { ballotOf } from "../../support/consensus_fixture.ts";
import {
  entered,
  fault,
  finalizes,
  firstViolation,
  legalRun,
  type MadeBlock,
  makeBlock,
  makeChain,
  phase,
  recordOf,
  SCENARIO,
  saved,
  shows,
  signs,
  started,
  stopped,
  timed,
  type Untimed,
  worldOf,
} from "./history.ts";

const WORLD = worldOf();
const { cluster, fixture } = WORLD;
const ALL = [0, 1, 2, 3];
const CHAIN = makeChain(WORLD, [{ view: 1 }, { view: 2 }, { view: 3 }, { view: 4 }]);
const [FIRST, SECOND, THIRD, FOURTH] = CHAIN as readonly [MadeBlock, MadeBlock, MadeBlock, MadeBlock];
const start = ALL.map((validator) => started(validator));
const saves = (validator: number, made: MadeBlock): Untimed => finalizes(validator, made)[0] as Untimed;
const commits = (validator: number, { header }: MadeBlock): Untimed => signs(WORLD, validator, ballotOf("commit", header));
const PARTITION: FaultAction = {
  type: "partition",
  groups: [
    [0, 1],
    [2, 3],
  ],
};

t.test("noProgressWhenCut: final by commit votes that were cast behind the cut, fires; cast before it, silent", async (t) => {
  const checker = (): Checker => createNoProgressWhenCutChecker(cluster);
  const votes = [commits(0, FIRST), commits(1, FIRST), commits(2, FIRST)];
  const cut = fault(0, PARTITION);
  t.match(
    firstViolation(checker(), [...start, cut, ...votes, saves(0, FIRST)])?.detail,
    /Validator 0 made block .* of height 1 final by a CC of view 1, of which a weight of 2 of 4 can have reached it. It is cut off from 2 \(since 5 ms\)/,
  );
  t.equal(firstViolation(checker(), [...start, ...votes, cut, saves(0, FIRST)]), undefined);
  t.equal(firstViolation(checker(), [...start, cut, ...votes, fault(0, PARTITION, "end"), saves(0, FIRST)]), undefined);
  t.equal(firstViolation(checker(), [...start, cut, ...votes, phase("heal"), saves(0, FIRST)]), undefined);
  t.equal(firstViolation(checker(), [...start, cut, ...votes, phase("core", [0, 1, 2]), saves(0, FIRST)]), undefined);
  t.equal(firstViolation(checker(), legalRun(WORLD, CHAIN)), undefined);
});

t.test("noProgressWhenCut: a group whose certificate is no quorum, fires even by itself", async (t) => {
  const light = { ...FIRST, commit: fixture.certificate(ballotOf("commit", FIRST.header), [0, 1]) };
  const facts = [...start, fault(0, PARTITION), commits(0, FIRST), commits(1, FIRST), saves(0, light)];
  t.match(firstViolation(createNoProgressWhenCutChecker(cluster), facts)?.detail, /a weight of 2 of 4 can have reached it\.$/);
});

t.test("reach: what may have been heard over hops, one-way cuts, bridges, crashes, and traitors", async (t) => {
  const heard = (facts: readonly Untimed[], world = worldOf()): ((to: number, from: number) => number) => {
    const reach = createReach(world.cluster);
    for (const fact of timed([...start, ...facts])) reach.observe(fact);
    return reach.heardUntilUs;
  };
  const connected = Number.POSITIVE_INFINITY;
  const oneWay = heard([fault(0, { type: "cut", from: [0], to: [1, 2, 3] })]);
  t.same([oneWay(1, 0), oneWay(0, 1)], [5_000, connected]);
  const bridge = heard([
    fault(0, {
      type: "partition",
      groups: [
        [0, 1],
        [1, 2],
      ],
    }),
  ]);
  t.same([bridge(0, 2), bridge(0, 3)], [connected, 5_000], "over a member of both groups");
  const later = heard([fault(0, PARTITION), fault(1, { type: "partition", groups: [[0, 1, 2], [3]] }), fault(0, PARTITION, "end")]);
  t.equal(later(0, 3), 6_000, "2 heard 3 until then, and passes it on");
  const crashed = heard([stopped(3)]);
  t.same([crashed(0, 3), crashed(3, 0)], [5_000, 5_000]);
  t.equal(heard([stopped(3), started(3, { life: 2 })])(0, 3), connected);
  const byName = heard([
    fault(0, PARTITION),
    fault(1, { type: "message", message: { from: 2, to: 0, kind: "vote", view: 1, nth: 0 }, delaysMs: [1] }),
  ]);
  t.equal(byName(1, 3), connected, "a named message passes");
  t.equal(heard([fault(0, PARTITION)], worldOf({ traitors: [1, 2] }))(0, 3), connected, "traitors conspire");
});

t.test("progress: the core does not gain its heights within its views, fires; in time, silent", async (t) => {
  const progress = (): Checker => createProgressChecker(cluster, SCENARIO);
  const before = [phase("faults"), ...start, saves(0, FIRST), entered(0, 3), phase("core", [0, 1, 2])];
  const gain = [saves(0, SECOND), saves(0, THIRD)];
  t.match(
    firstViolation(progress(), [...before, saves(0, SECOND), entered(1, 9)])?.detail,
    /In view 9, more than 5 views after view 3, the core 0, 1, 2 has final height 2 instead of 3/,
  );
  t.match(
    firstViolation(progress(), [...before, saves(0, SECOND), phase("heal")])?.detail,
    /The core 0, 1, 2 ended at final height 2 instead of 3/,
  );
  t.equal(firstViolation(progress(), [...before, entered(1, 8), ...gain, entered(1, 9)]), undefined);
});

t.test(
  "progress: after healing nothing new, or a validator that does not come along, fires; one that is down may stay behind",
  async (t) => {
    const progress = (scenario: Partial<Scenario> = {}): Checker => createProgressChecker(cluster, { ...SCENARIO, ...scenario });
    const before = [phase("faults"), ...start, saves(0, FIRST), phase("heal")];
    const reach = (members: readonly number[]): readonly Untimed[] => members.map((validator) => saves(validator, SECOND));
    t.match(
      firstViolation(progress(), [...before, entered(1, 6)])?.detail,
      /more than 5 views after view 0, the healed cluster has final height 1 instead of 2/,
    );
    t.match(firstViolation(progress(), [...before, ...reach([0, 1, 2]), phase("end")]), {
      kind: "liveness",
      validators: [3],
      detail: /validator 3 at 0/,
    });
    t.match(firstViolation(progress(), [...before, ...reach([0, 1, 2])])?.validators, [3], "the run simply ends");
    t.equal(firstViolation(progress(), [...before, ...reach(ALL), phase("end")]), undefined);
    t.equal(firstViolation(progress(), [...before, ...reach([0, 1, 2]), stopped(3), phase("end")]), undefined);
    const observers = [2, 3].map((validator) => started(validator, { isSigning: false }));
    t.equal(
      firstViolation(progress({ expect: "stall" }), [phase("faults"), ...start, ...observers, phase("heal"), phase("end")]),
      undefined,
      "no quorum signs any more",
    );
  },
);

t.test(
  "stall: finality after the grace while the faults last, fires; within it, before the last fault, or after healing, silent",
  async (t) => {
    const faults = [PARTITION, { type: "crash", validator: 3, unsynced: "lost" } as const];
    const scenario: Scenario = {
      ...SCENARIO,
      expect: "stall",
      faults: faults.map((action) => ({ when: { on: "time", atMs: 1 }, action })),
    };
    const stall = (facts: readonly Untimed[]): string | undefined => firstViolation(createStallChecker(cluster, scenario), facts)?.detail;
    const graceUs = stallGraceMs(scenario) * 1_000;
    const begin = faults.map((action, index) => ({ ...fault(index, action), atUs: 10_000 }));
    const final = (made: MadeBlock, atUs: number): Untimed => ({ ...saves(0, made), atUs }) as Untimed;
    t.match(stall([...begin, final(FIRST, 10_001 + graceUs)]), /made height 1 final, above 0, \d+ ms after the last fault began/);
    t.equal(stall([...begin, final(FIRST, 10_000 + graceUs)]), undefined);
    t.equal(
      stall([...begin, final(FIRST, 20_000), { ...saves(1, FIRST), atUs: 10_001 + graceUs } as Untimed]),
      undefined,
      "others catch up",
    );
    t.equal(stall([...begin.slice(1), final(FIRST, 10_001 + graceUs)]), undefined);
    t.equal(stall([...begin, { ...phase("heal"), atUs: 20_000 } as Untimed, final(FIRST, 10_001 + graceUs)]), undefined);
  },
);

t.test("noCrash: a machine that throws, a start refused without damage, each fires; a damaged disk or a traitor, silent", async (t) => {
  const noCrash = (facts: readonly Untimed[]) => firstViolation(createNoCrashChecker(worldOf({ traitors: [3] }).cluster), facts);
  const refuses: Untimed = { type: "refusedStart", validator: 1, reason: "no" };
  t.match(noCrash([{ type: "halted", validator: 1, error: "AssertionError: x" }]), {
    kind: "crash",
    detail: "Validator 1 halted: AssertionError: x",
  });
  t.match(
    noCrash([fault(0, { type: "crash", validator: 1, unsynced: "torn" }), refuses])?.detail,
    /refuses to start although nobody damaged its disk/,
  );
  t.equal(noCrash([fault(0, { type: "bitFlip", validator: 1 }), refuses]), undefined);
  t.equal(noCrash([{ type: "halted", validator: 3, error: "x" }]), undefined);
});

t.test("R10 bounds: sizes beyond their limits, records of views never entered, each fires; at the limit, silent", async (t) => {
  const bounds = (facts: readonly Untimed[]): string | undefined =>
    firstViolation(createBoundsChecker(cluster, { protocol: { ...DEFAULT_PROTOCOL, poolTransactionsMax: 4_096 } }), [
      entered(0, 7),
      ...facts,
    ])?.detail;
  const sizes = {
    type: "sizes",
    validator: 0,
    inputQueue: 8_192,
    records: 9,
    pendingBlocks: 4_103,
    poolTransactions: 4_096,
    poolBytes: 4_194_304,
    votesHeld: 108,
  } as const;
  t.equal(bounds([sizes]), undefined);
  t.match(bounds([{ ...sizes, inputQueue: 8_193 }]), /Validator 0 holds 8193 waiting inputs; at most 8192 are allowed/);
  t.match(bounds([{ ...sizes, records: 10 }]), /holds 10 records; at most 9/);
  t.match(bounds([saves(0, FOURTH), { ...sizes, records: 6 }]), /holds 6 records; at most 5/);
  t.match(bounds([{ ...sizes, pendingBlocks: 4_104 }]), /4104 pending blocks/);
  t.match(bounds([{ ...sizes, poolTransactions: 4_097 }]), /4097 pooled transactions/);
  t.match(bounds([{ ...sizes, poolBytes: 4_194_305 }]), /bytes of pooled transactions/);
  t.match(bounds([{ ...sizes, votesHeld: 109 }]), /holds 109 votes; at most 108/);
  t.match(
    bounds([saves(0, FOURTH), { ...sizes, records: 5, pendingBlocks: 4_099, votesHeld: 61 }]),
    /holds 61 votes; at most 60/,
    "final views do not count",
  );
  t.equal(bounds([entered(1, 9), { ...sizes, votesHeld: 132 }]), undefined, "others are two views ahead");
  t.match(bounds([entered(1, 99), { ...sizes, votesHeld: 301 }]), /holds 301 votes; at most 300/, "16 views ahead at most");
  const far = saved(0, { records: [recordOf(3, {})] });
  t.match(
    bounds([saved(0, { records: [recordOf(2, { admittedBy: FIRST.quorum })] }), far]),
    /keeps a record of view 3, but the last view that it entered is 2/,
  );
  t.equal(bounds([saved(0, { records: [recordOf(3, { admittedBy: SECOND.quorum })] }), far]), undefined);
});

t.test(
  "R12 bounds: a second proof against one offender before finality passed the first, fires; after it, or in another life, silent",
  async (t) => {
    const proof = (view: number): Untimed => {
      const made = makeBlock(WORLD, undefined, { view });
      const other = makeBlock(WORLD, undefined, { view, change: { bodyBytes: 7 } });
      return saved(0, {
        evidence: [
          {
            type: "doubleVote",
            first: fixture.vote(3, ballotOf("vote", made.header)),
            second: fixture.vote(3, ballotOf("vote", other.header)),
          },
        ],
      });
    };
    const bounds = (facts: readonly Untimed[]): string | undefined =>
      firstViolation(createBoundsChecker(cluster, { protocol: { ...DEFAULT_PROTOCOL, poolTransactionsMax: 4_096 } }), facts)?.detail;
    t.match(
      bounds([proof(1), saves(0, FIRST), proof(4)]),
      /a second proof against validator 3 \(view 4\), although finality has not passed the first \(view 1\)/,
    );
    t.equal(bounds([proof(1), saves(0, SECOND), proof(4)]), undefined);
    t.equal(bounds([proof(1), shows(0, SECOND.commit), proof(4)]), undefined, "known as final by its CC, whose block is not held yet");
    t.equal(bounds([proof(1), proof(4), shows(0, SECOND.commit), saved(0, {})]), undefined, "a CC of the same turn");
    t.match(bounds([proof(1), proof(4), saved(0, {}), shows(0, SECOND.commit)]), /a second proof/);
    t.equal(bounds([proof(1), stopped(0), started(0, { life: 2 }), proof(4)]), undefined);
  },
);

t.test("quorum: every split of small weights, as types/validator_set.ts has it; a third is what two quorums share", async (t) => {
  const members = (bits: number): number[] => ALL.filter((index) => ((bits >> index) & 1) === 1);
  let compared = 0;
  for (const weights of [
    [1, 1, 1, 1],
    [1, 2, 3, 4],
    [5, 4, 3, 2],
    [1_000_000, 1, 1, 999_999],
    [3, 3, 3, 0x1000],
  ]) {
    const quorum = createQuorum(weights);
    const validators = weights.map((weight) => ({ weight }) as never);
    for (let bits = 0; bits < 16; bits++) {
      const signers = Signers.of(members(bits).map(ValidatorIndex.of));
      const weight = quorum.weightOf(quorum.signersOf(signers) ?? []);
      t.equal(weight, weightOfSigners({ epoch: 0 as never, validators }, signers));
      t.equal(quorum.isQuorum(weight), productQuorum(weight, quorum.total));
      t.equal(quorum.isThird(weight), 3 * weight >= quorum.total);
      compared++;
    }
  }
  t.equal(compared, 80);
  t.equal(createQuorum([1, 1]).signersOf(Uint8Array.of(4)), undefined);
  t.same([isQuorumOf([0, 1, 1], [1, 1, 1, 1]), isQuorumOf([0, 1, 2], [1, 1, 1, 1])], [false, true], "named twice counts once");
});

t.test("createRecentMap: full, forgets what came first", async (t) => {
  const map = createRecentMap<number, string>(2);
  for (const key of [1, 2, 3]) map.set(key, `${key}`);
  t.same([map.get(1), map.get(2), map.get(3)], [undefined, "2", "3"]);
});

t.test("createDispatcher: every checker hears what it cares for, and the verdict is that of hearing everything", async (t) => {
  const facts = timed([...legalRun(WORLD, CHAIN), ...finalizes(0, FIRST), { type: "halted", validator: 2, error: "x" }]);
  const byDispatch: string[] = [];
  const byAll: string[] = [];
  const dispatch = createDispatcher(createCheckers({ cluster, scenario: SCENARIO }), {
    validators: cluster.weights.length,
    report: (_, { detail }) => byDispatch.push(detail),
  });
  facts.forEach(dispatch);
  const checkers = createCheckers({ cluster, scenario: SCENARIO });
  for (const fact of facts)
    for (const checker of checkers) byAll.push(...[checker.observe(fact)?.detail].filter((detail) => detail !== undefined));
  t.same(byDispatch, byAll);
  t.ok(byAll.length >= 2);
});
