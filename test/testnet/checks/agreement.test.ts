/** What is final: agreement, ancestry, validity, state roots, attribution. Each checker fires on the least that breaks its rule and is silent
 *  on the closest legal history. */

import t from "tap";
import { createAgreementChecker } from "../../../testnet/checks/agreement.ts";
import { createAncestryChecker } from "../../../testnet/checks/ancestry.ts";
import { createAttributionChecker } from "../../../testnet/checks/attribution.ts";
import type { Checker } from "../../../testnet/checks/checker.ts";
import { createFinalChain } from "../../../testnet/checks/final_chain.ts";
import { createFinalClaims } from "../../../testnet/checks/final_claims.ts";
import { createShownCertificates } from "../../../testnet/checks/shown_certificates.ts";
import { createStateRootsChecker } from "../../../testnet/checks/state_roots.ts";
import { Height } from "../../../types/ids.ts";
import { ballotOf, EXECUTED_ROOT, timeoutOf } from "../../support/consensus_fixture.ts";
import {
  allViolations,
  type BlockPlan,
  finalizes,
  firstViolation,
  legalRun,
  type MadeBlock,
  makeBlock,
  makeChain,
  proposes,
  recordOf,
  rootAt,
  saved,
  shows,
  signs,
  started,
  stopped,
  stores,
  type Untimed,
  type World,
  worldOf,
} from "./history.ts";

const VIEWS: readonly BlockPlan[] = [{ view: 1 }, { view: 2 }, { view: 5 }, { view: 6 }];

function agreementOf({ cluster }: World): Checker {
  return createAgreementChecker(cluster, createFinalClaims(cluster, createShownCertificates(cluster)));
}

function ancestryOf({ cluster }: World): Checker {
  return createAncestryChecker(cluster, { shown: createShownCertificates(cluster), chain: createFinalChain(cluster) });
}

/** Two blocks of height 1 in views 1 and 2. */
function fork(world: World): readonly [MadeBlock, MadeBlock] {
  return [makeBlock(world, undefined, { view: 1 }), makeBlock(world, undefined, { view: 2 })];
}

t.test("createCheckers: a legal run with skipped views, nobody fires", async (t) => {
  const world = worldOf();
  t.same([...allViolations(world, legalRun(world, makeChain(world, VIEWS)))], []);
  const unequal = worldOf({ weights: [5, 4, 3, 2] });
  t.same([...allViolations(unequal, legalRun(unequal, makeChain(unequal, VIEWS)))], []);
});

t.test("agreement: two honest validators with different final blocks, fires", async (t) => {
  const world = worldOf();
  const [left, right] = fork(world);
  t.match(firstViolation(agreementOf(world), [...finalizes(0, left), ...finalizes(1, right)]), {
    invariant: "agreement",
    kind: "safety",
    validators: [0, 1],
    detail: /^At height 1, validator 0 has block .* as final and validator 1 has block/,
  });
  t.equal(firstViolation(agreementOf(world), [...finalizes(0, left), ...finalizes(1, left)]), undefined);
});

t.test("agreement: a CC contradicts what is final although nobody acted on it, fires; what a traitor says is nothing", async (t) => {
  const world = worldOf({ traitors: [3] });
  const [left, right] = fork(world);
  t.match(firstViolation(agreementOf(world), [...finalizes(0, left), shows(1, right.commit)])?.detail, /shows the CC of view 2/);
  t.equal(firstViolation(agreementOf(world), [...finalizes(0, left), ...finalizes(3, right), shows(3, right.commit)]), undefined);
});

t.test("agreement: heights skipped, repeated, shown before saved, or under a CC of another block, each fires", async (t) => {
  const world = worldOf();
  const [first, second] = makeChain(world, VIEWS) as readonly [MadeBlock, MadeBlock];
  const [, other] = fork(world);
  const [save, report] = finalizes(0, first) as readonly [Untimed, Untimed];
  const cases: readonly (readonly [RegExp, readonly Untimed[]])[] = [
    [/saved block .* of height 2 as final right after height 0/, finalizes(0, second)],
    [/saved block .* of height 1 as final right after height 1/, [save, save]],
    [/reported height 1 as final right after height 1/, [save, report, report]],
    [/when height 0 was the last on its disk/, [report]],
    [/shows the CC of view 2 for block/, finalizes(0, { ...first, commit: other.commit })],
    [/with a certificate that is no CC/, finalizes(0, { ...first, commit: first.quorum })],
    [/which is not its header's/, [save, ...finalizes(0, { ...first, header: other.header }).slice(1)]],
  ];
  for (const [expected, facts] of cases) t.match(firstViolation(agreementOf(world), facts)?.detail, expected);
});

t.test(
  "agreement: a restarted validator goes on where it ended, silent; it re-finalizes or forgets, fires; after a wipe it may",
  async (t) => {
    const world = worldOf();
    const [first, second] = makeChain(world, VIEWS) as readonly [MadeBlock, MadeBlock];
    const before = [started(0), ...finalizes(0, first)];
    const again = (finalHeight: number): Untimed => started(0, { life: 2, finalHeight });
    t.equal(firstViolation(agreementOf(world), [...before, stopped(0), again(1), ...finalizes(0, second)]), undefined);
    t.match(firstViolation(agreementOf(world), [...before, stopped(0), again(1), ...finalizes(0, first)])?.detail, /right after height 1/);
    t.match(
      firstViolation(agreementOf(world), [...before, stopped(0), again(0)])?.detail,
      /began life 2 at final height 0 after it had saved height 1/,
    );
    t.equal(firstViolation(agreementOf(world), [...before, stopped(0, "wipe"), again(0), ...finalizes(0, first)]), undefined);
  },
);

t.test("ancestry: a final block that does not stand on the one below, fires", async (t) => {
  const world = worldOf();
  const [first] = makeChain(world, VIEWS) as readonly [MadeBlock];
  const [, other] = fork(world);
  const child = makeBlock(world, other, { view: 3 });
  const facts = [stores(0, first, child), ...finalizes(0, first), ...finalizes(0, child)];
  t.match(firstViolation(ancestryOf(world), facts)?.detail, /has parent .* but the final block below it is/);
});

t.test("R1 ancestry: a view skipped without a TC, fires; shown anywhere by somebody honest, silent", async (t) => {
  const world = worldOf({ traitors: [3] });
  const { fixture } = world;
  const chain = makeChain(world, [{ view: 1 }, { view: 4, withoutTimeouts: true }]);
  const [first, second] = chain as readonly [MadeBlock, MadeBlock];
  const end = [stores(0, first, second), ...finalizes(0, first), ...finalizes(0, second)];
  const [two, three] = [2, 3].map((view) => fixture.certificate(timeoutOf(view), [0, 1, 2]));
  const forged = fixture.certificate(timeoutOf(3), [0, 1]);
  if (two === undefined || three === undefined) throw new Error("two certificates were made");
  t.match(firstViolation(ancestryOf(world), end)?.detail, /skips view 2 after its parent's view 1, and nobody ever showed a TC of view 2/);
  t.match(firstViolation(ancestryOf(world), [shows(0, two), ...end])?.detail, /skips view 3/);
  t.match(firstViolation(ancestryOf(world), [shows(0, two), shows(0, forged), ...end])?.detail, /skips view 3/, "no quorum");
  t.match(
    firstViolation(ancestryOf(world), [shows(0, two), shows(3, three), ...end])?.detail,
    /skips view 3/,
    "a traitor's word to nobody",
  );
  const response = { type: "timeoutCertificates", certificates: [three] } as const;
  const delivered: Untimed = {
    type: "delivered",
    from: 3,
    to: 1,
    kind: "response",
    view: 0,
    nth: 0,
    message: { type: "response", requestId: 1, response },
  };
  const record = saved(1, { records: [recordOf(4, { admittedBy: three })] });
  t.equal(firstViolation(ancestryOf(world), [shows(0, two), delivered, ...end]), undefined);
  t.equal(firstViolation(ancestryOf(world), [shows(0, two), record, ...end]), undefined);
  t.equal(
    firstViolation(ancestryOf(world), [shows(0, two), proposes(3, { ...second.proposal, timeoutCertificates: [three] }), ...end]),
    undefined,
  );
});

t.test("ancestry: certified blocks that skip a view or stand on an uncertified block, fire", async (t) => {
  const world = worldOf();
  const [first, second] = makeChain(world, [{ view: 1 }, { view: 3, withoutTimeouts: true }]) as readonly [MadeBlock, MadeBlock];
  const certified: Untimed = { type: "certified", validator: 1, view: second.header.view, blockHash: second.blockHash };
  const timeout = shows(0, world.fixture.certificate(timeoutOf(2), [0, 1, 2]));
  const orphan = saved(0, { blocks: [{ blockHash: second.blockHash, block: { ...second.block, parentCertificate: undefined } }] });
  t.match(firstViolation(ancestryOf(world), [stores(0, first, second), certified])?.detail, /Certified block .* skips view 2/);
  t.match(firstViolation(ancestryOf(world), [orphan, timeout, certified])?.detail, /nobody ever showed a QC of that/);
  t.equal(firstViolation(ancestryOf(world), [stores(0, first, second), timeout, certified]), undefined);
});

t.test("stateRoots: validators, lives and headers that differ about a root, each fires; receipts too", async (t) => {
  const world = worldOf();
  const chain = makeChain(world, VIEWS);
  const [first, second] = chain as readonly [MadeBlock, MadeBlock];
  const wrong = { stateRoot: EXECUTED_ROOT };
  const roots = (): Checker => createStateRootsChecker(world.cluster, createFinalChain(world.cluster));
  t.match(
    firstViolation(roots(), [...finalizes(0, first), ...finalizes(1, first, wrong)])?.detail,
    /After height 1, validator 0 .* and validator 1/,
  );
  const again = saved(0, {
    operations: [
      { height: Height.of(1), blockHash: first.blockHash, stateRoot: EXECUTED_ROOT, receipts: [], bundleReceipts: [], openings: [] },
    ],
  });
  t.match(firstViolation(roots(), [...finalizes(0, first), again])?.validators, [0], "executed again after a restart");
  const receipts = [{ hash: first.blockHash as never, code: 0, operationCodes: [0] }];
  const other = saved(1, {
    operations: [{ height: Height.of(1), blockHash: first.blockHash, stateRoot: rootAt(1), receipts, bundleReceipts: [], openings: [] }],
  });
  t.match(firstViolation(roots(), [...finalizes(0, first), other])?.detail, /receipts of validator 1 differ/);
  const lying = makeBlock(world, second, { view: 3, change: { executedRoot: EXECUTED_ROOT } });
  const facts = [stores(0, first, second, lying), ...finalizes(0, first), ...finalizes(0, second), ...finalizes(0, lying)];
  t.match(firstViolation(roots(), facts)?.detail, /the final block of height 3, by validator 3, names state root/);
  const diverged: Untimed = { type: "diverged", validator: 2, height: 1, ours: "aa", certified: "bb" };
  t.match(firstViolation(roots(), [diverged])?.detail, /Validator 2 has root aa after height 1/);
  t.equal(firstViolation(roots(), legalRun(world, chain)), undefined);
});

/** Validators 2 and 3 betray: they sign both branches. 0 sees the left one, 1 the right one. */
function broken(world: World, culprits: readonly number[]): readonly Untimed[] {
  const { fixture } = world;
  const [left, right] = fork(world);
  const certificate = (made: MadeBlock, witness: number): MadeBlock => ({
    ...made,
    commit: fixture.certificate(ballotOf("commit", made.header), [witness, ...culprits]),
  });
  const timeouts = fixture.certificate(timeoutOf(1), [1, ...culprits]);
  return [...finalizes(0, certificate(left, 0)), shows(1, timeouts), ...finalizes(1, certificate(right, 1))];
}

t.test("attribution: agreement breaks and two of four signed commit and timeout, silent, and both are named", async (t) => {
  const world = worldOf({ traitors: [2, 3] });
  const shown = createShownCertificates(world.cluster);
  const checker = createAttributionChecker(world.cluster, { shown, claims: createFinalClaims(world.cluster, shown) });
  t.equal(firstViolation(checker, broken(world, [2, 3])), undefined);
  t.match(checker.offences, [
    { validator: 2, view: 1, what: /^commit for .* and timeout$/ },
    { validator: 3, view: 1 },
  ]);
});

t.test("attribution: agreement breaks and too little weight, or an honest validator, is convicted, fires", async (t) => {
  const attribution = ({ cluster }: World): Checker => {
    const shown = createShownCertificates(cluster);
    return createAttributionChecker(cluster, { shown, claims: createFinalClaims(cluster, shown) });
  };
  const nobody = worldOf({ traitors: [2, 3] });
  const withoutTimeouts = broken(nobody, [2, 3]).filter(({ type }) => type !== "certificate");
  t.match(firstViolation(attribution(nobody), withoutTimeouts)?.detail, /convict only a weight of 0 of 4: nobody/);
  const world = worldOf({ traitors: [3] });
  t.match(firstViolation(attribution(world), broken(world, [2, 3])), { validators: [2], detail: /convict honest validators/ });
  const heavy = worldOf({ weights: [4, 4, 1, 1], traitors: [2] });
  const [left, right] = fork(heavy);
  const two = [
    signs(heavy, 2, ballotOf("vote", left.header)),
    signs(heavy, 2, { ...ballotOf("vote", right.header), view: left.header.view }),
  ];
  t.match(
    firstViolation(attribution(heavy), [...two, ...finalizes(0, left), ...finalizes(1, right)])?.detail,
    /a weight of 1 of 10: 2 \(view 1/,
  );
});

t.test("createCheckers: agreement breaks in a whole run, agreement speaks and attribution is content", async (t) => {
  const world = worldOf({ traitors: [2, 3] });
  const found = allViolations(world, [...legalRun(world, []), ...broken(world, [2, 3])], { expect: "break" });
  t.ok(found.has("agreement"));
  t.ok(found.has("commitExcludesTimeout"));
  t.notOk(found.has("attribution"));
});
