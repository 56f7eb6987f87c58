/** What certificates, blocks and evidence prove, and what a validator does that meets its own forgotten signature: each checker fires on the
 *  least that breaks its rule and is silent on the closest legal history. */

import t from "tap";
import { createCertificateSignersChecker } from "../../../testnet/checks/certificate_signers.ts";
import type { CheckedCluster } from "../../../testnet/checks/checker.ts";
import { createEvidenceKeptChecker } from "../../../testnet/checks/evidence_kept.ts";
import { createForeignSignaturesChecker } from "../../../testnet/checks/foreign_signatures.ts";
import { createJustificationChecker } from "../../../testnet/checks/justification.ts";
import { createShownCertificates } from "../../../testnet/checks/shown_certificates.ts";
import { createSuspects } from "../../../testnet/checks/suspects.ts";
import type { WireMessage } from "../../../testnet/simulator/facts.ts";
import type { Block } from "../../../types/block.ts";
import { ValidatorIndex } from "../../../types/ids.ts";
import type { Ballot, Certificate } from "../../../types/vote.ts";
import { ballotOf, timeoutOf } from "../../support/consensus_fixture.ts";
import {
  allViolations,
  entered,
  fault,
  finalizes,
  firstViolation,
  legalRun,
  makeBlock,
  makeChain,
  proposes,
  recordOf,
  saved,
  shows,
  signs,
  started,
  stopped,
  type Untimed,
  worldOf,
} from "./history.ts";

const WORLD = worldOf({ traitors: [3] });
const { fixture, cluster } = WORLD;
const LEFT = makeBlock(WORLD, undefined, { view: 1 });
const RIGHT = makeBlock(WORLD, undefined, { view: 1, change: { bodyBytes: 7 } });
const NEXT = makeBlock(WORLD, LEFT, { view: 2 });
const LATER = makeBlock(WORLD, LEFT, { view: 4 });

const nothing = (count: number): readonly Untimed[] => Array.from({ length: count }, () => saved(1, {}));
const hands = (from: number, message: WireMessage, to = 1): Untimed => ({
  type: "delivered",
  from,
  to,
  kind: "vote",
  view: 1,
  nth: 0,
  message,
});
const handsVote = (from: number, ballot: Ballot, by = from): Untimed => hands(from, { type: "vote", vote: fixture.vote(by, ballot) });

t.test("R13 oneCertificate: a genuine certificate names an honest validator that never signed it, fires; traitors, silent", async (t) => {
  const signers = (facts: readonly Untimed[]): string | undefined =>
    firstViolation(createCertificateSignersChecker(cluster, createShownCertificates(cluster)), facts)?.detail;
  const vote = ballotOf("vote", LEFT.header);
  const signed = [0, 1, 2].map((validator) => signs(WORLD, validator, vote));
  const asCommit = shows(0, fixture.certificate(ballotOf("commit", LEFT.header), [0, 1, 2]));
  t.match(
    signers([...signed, asCommit]),
    /Validator 0 shows a CC of view 1 for block .* that names validator 0, which is honest and never signed that/,
  );
  t.match(signers([...signed.slice(0, 2), shows(0, LEFT.quorum)]), /shows a QC of view 1 .* names validator 2/);
  t.match(signers([shows(2, fixture.certificate(timeoutOf(1), [0, 1, 2]))]), /shows a TC of view 1 that names validator 0/);
  t.equal(signers([...signed, shows(0, LEFT.quorum), shows(1, fixture.certificate(vote, [0, 1, 3]))]), undefined);
  t.equal(signers([shows(3, LEFT.quorum)]), undefined, "what a traitor broadcasts counts when somebody takes it");
  t.equal(signers(legalRun(WORLD, makeChain(WORLD, [{ view: 1 }, { view: 4 }]))), undefined);
});

t.test(
  "R1 ancestry: a stored block whose certificates are not of its parent and its skipped views, each fires; by catch-up, silent",
  async (t) => {
    const holds = (made: typeof NEXT, change: Partial<Block>, finality: readonly Certificate[] = []): string | undefined => {
      const { blockHash, block, header } = made;
      const final = finality.map((certificate) => ({ height: header.height, blockHash, view: header.view, certificate }));
      return firstViolation(createJustificationChecker(cluster), [
        saved(1, { blocks: [{ blockHash, block: { ...block, ...change } }], finality: final }),
      ])?.detail;
    };
    const [two, three] = LATER.block.timeoutCertificates as readonly [Certificate, Certificate];
    const cases: readonly (readonly [RegExp, typeof NEXT, Partial<Block>])[] = [
      [/over genesis with the certificate of a parent/, LEFT, { parentCertificate: LEFT.quorum }],
      [/without a certificate of its parent/, NEXT, { parentCertificate: undefined }],
      [/with a vote certificate of view 1 for/, NEXT, { parentCertificate: RIGHT.quorum }],
      [/with a commit certificate of view 1/, NEXT, { parentCertificate: LEFT.commit }],
      [/with a vote certificate of view 2/, NEXT, { parentCertificate: NEXT.quorum }],
      [/with TCs of the views \[3\] instead of those from 2 to 3/, LATER, { timeoutCertificates: [three] }],
      [/with TCs of the views \[3, 2\]/, LATER, { timeoutCertificates: [three, two] }],
      [/with TCs of the views \[2\] instead of those from 2 to 1/, NEXT, { timeoutCertificates: [two] }],
    ];
    for (const [expected, made, change] of cases) t.match(holds(made, change), expected);
    for (const made of [LEFT, NEXT, LATER]) t.equal(holds(made, {}), undefined);
    t.equal(holds(NEXT, { parentCertificate: RIGHT.quorum }, [NEXT.commit]), undefined);
    const far = makeBlock(WORLD, LEFT, { view: 20 });
    t.equal(holds(far, { timeoutCertificates: far.block.timeoutCertificates.slice(-16) }), undefined, "the newest 16");
    t.match(holds(far, {}), /instead of those from 4 to 19/);
  },
);

t.test(
  "R12 attribution: two contradictory ballots handed over and no proof saved, fires; proven in time, or not to be kept, silent",
  async (t) => {
    const kept = (facts: readonly Untimed[]): string | undefined =>
      firstViolation(createEvidenceKeptChecker(cluster), [started(1), entered(1, 1, "start"), ...facts])?.detail;
    const [left, right] = [LEFT, RIGHT].map(({ header }) => handsVote(3, ballotOf("vote", header))) as [Untimed, Untimed];
    const split = [handsVote(3, timeoutOf(1)), handsVote(3, ballotOf("commit", LEFT.header))];
    const proof = saved(1, {
      evidence: [
        {
          type: "doubleVote",
          first: fixture.vote(3, ballotOf("vote", LEFT.header)),
          second: fixture.vote(3, ballotOf("vote", RIGHT.header)),
        },
      ],
    });
    t.match(
      kept([left, right, ...nothing(3)]),
      /Validator 1 was handed two contradictory ballots of view 1 by validator 3 at 4 ms, and has no proof of it on disk/,
    );
    t.match(kept([...split, ...nothing(3)]), /contradictory ballots/);
    t.match(kept([left, ...nothing(9), right, ...nothing(3)]), /contradictory ballots/);
    t.equal(kept([left, right, ...nothing(2), proof]), undefined, "with the third write at the latest");
    t.equal(kept([proof, left, right, ...nothing(3)]), undefined, "proven already");
    t.equal(kept([left, left, handsVote(3, timeoutOf(1)), ...nothing(3)]), undefined, "no contradiction");
    t.equal(kept([left, right, ...nothing(2)]), undefined, "not yet");
    t.equal(
      kept([left, right, stopped(1), started(1, { life: 2 }), entered(1, 1, "start"), ...nothing(3)]),
      undefined,
      "forgotten by a restart",
    );
    t.equal(kept([left, right, ...finalizes(1, LEFT), ...nothing(3)]), undefined, "final meanwhile");
    t.equal(kept([left, right, shows(1, NEXT.commit), ...nothing(3)]), undefined, "known as final");
    t.equal(kept([left, right, entered(1, 18, "TC"), ...nothing(3)]), undefined, "left behind");
    t.equal(kept([left, handsVote(2, ballotOf("vote", RIGHT.header), 3), ...nothing(3)]), undefined, "over another's link");
    const spoilt = hands(3, { type: "vote", vote: { ...fixture.vote(3, ballotOf("vote", RIGHT.header)), signature: new Uint8Array(96) } });
    t.equal(kept([left, spoilt, ...nothing(3)]), undefined, "one is forged");
    const far = [18, 18].map((view, index) =>
      handsVote(3, { ...ballotOf("vote", (index === 0 ? LEFT : RIGHT).header), view: view as never }),
    );
    t.equal(kept([...far, ...nothing(3)]), undefined, "17 views ahead");
    t.equal(
      kept([hands(3, { type: "bytes", frame: new Uint8Array() }), left, right, ...nothing(3)]),
      undefined,
      "frames of its own making",
    );
    t.equal(kept([started(3, { isSigning: false }), left, right, ...nothing(3)]), undefined, "an observer's");
  },
);

const ROLLBACK = fault(0, { type: "rollback", validator: 1, saves: 1, hidesCounter: true });
const voted = recordOf(1, { votedHash: LEFT.blockHash, votedHeight: LEFT.header.height });
const OWN = ballotOf("vote", LEFT.header);
/** Validator 1 voted for LEFT, and its store forgets it. */
const FORGOTTEN: readonly Untimed[] = [
  started(1),
  entered(1, 1, "start"),
  saved(1, { records: [voted] }),
  signs(WORLD, 1, OWN),
  ROLLBACK,
  stopped(1),
  started(1, { life: 2 }),
  entered(1, 1, "start"),
];

t.test(
  "R12 signedOnce: whoever met its own signature without a record of it and signs on, fires; with a record, or silent from then on, silent",
  async (t) => {
    const foreign = (facts: readonly Untimed[], of: CheckedCluster = cluster): string | undefined =>
      firstViolation(createForeignSignaturesChecker(createSuspects(of), new Set([1])), facts)?.detail;
    const signsOn = signs(WORLD, 1, timeoutOf(3));
    const certificate = shows(1, LEFT.quorum);
    t.match(
      foreign([...FORGOTTEN, certificate, signsOn]),
      /Validator 1, whose store was rolled back, signs on after it has met a certificate of view 1 \(vote\) that names it/,
    );
    t.match(foreign([...FORGOTTEN, certificate, proposes(1, NEXT.proposal)]), /signs on/);
    t.match(foreign([...FORGOTTEN, handsVote(3, OWN, 1), ...nothing(3), signsOn]), /after it has met its own vote of view 1/);
    const own = makeBlock(WORLD, undefined, { view: 1, change: { proposer: ValidatorIndex.of(1) } });
    const comesBack = hands(2, { type: "proposal", proposal: own.proposal });
    t.match(foreign([...FORGOTTEN, comesBack, ...nothing(3), signsOn]), /its own proposal .* of view 1/);
    t.equal(foreign([...FORGOTTEN, signsOn]), undefined, "met nothing");
    t.equal(foreign([...FORGOTTEN, signsOn, certificate]), undefined, "signed before");
    t.equal(foreign([...FORGOTTEN, handsVote(3, OWN, 1), ...nothing(2), signsOn]), undefined, "may still wait");
    t.equal(foreign([...FORGOTTEN, saved(1, { records: [voted] }), certificate, signsOn]), undefined, "signed anew, and recorded");
    t.equal(foreign([...FORGOTTEN, shows(1, fixture.certificate(OWN, [0, 2, 3])), signsOn]), undefined, "others' signatures");
    t.equal(foreign([...FORGOTTEN, certificate, stopped(1), started(1, { life: 3 }), signsOn]), undefined, "another life knows nothing");
    t.equal(foreign([...FORGOTTEN, ...finalizes(1, LEFT), certificate, signsOn]), undefined, "final already");
    const withBlock = saved(1, { blocks: [{ blockHash: own.blockHash, block: own.block }] });
    t.equal(foreign([...FORGOTTEN, withBlock, comesBack, ...nothing(3), signsOn]), undefined, "a block that it holds is no news");
    const noticed = FORGOTTEN.map((fact) => (fact === ROLLBACK ? fault(0, { type: "rollback", validator: 1, saves: 1 }) : fact));
    t.equal(foreign([...noticed, certificate, signsOn]), undefined);
  },
);

t.test("createSuspects: a store rolled back unnoticed, its validator may contradict itself; noticed, it may not", async (t) => {
  const scenarioWith = (action: { readonly hidesCounter?: boolean }) => ({
    faults: [{ when: { on: "time", atMs: 1 }, action: { type: "rollback", validator: 1, saves: 1, ...action } }] as const,
  });
  const again = [
    saved(1, {
      records: [recordOf(1, { votedHash: RIGHT.blockHash, votedHeight: RIGHT.header.height })],
      blocks: [{ blockHash: RIGHT.blockHash, block: RIGHT.block }],
    }),
    signs(WORLD, 1, ballotOf("vote", RIGHT.header)),
  ];
  const stored = saved(1, { blocks: [{ blockHash: LEFT.blockHash, block: LEFT.block }] });
  const facts = [stored, ...FORGOTTEN, ...again];
  const invariants = (history: readonly Untimed[], hidden: boolean): string[] =>
    [...allViolations(WORLD, history, scenarioWith(hidden ? { hidesCounter: true } : {})).keys()].filter((name) => name !== "progress");
  t.same(invariants(facts, true), []);
  const noticed = facts.map((fact) => (fact === ROLLBACK ? fault(0, { type: "rollback", validator: 1, saves: 1 }) : fact));
  t.same(invariants(noticed, false).sort(), ["recordBeforeSignature", "signedOnce", "validity"]);
});
