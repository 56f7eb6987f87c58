/** What is signed and certified: each checker fires on the least that breaks its rule and is silent on the closest legal history. */

import t from "tap";
import type { Checker } from "../../../testnet/checks/checker.ts";
import { createCommitExcludesTimeoutChecker } from "../../../testnet/checks/commit_excludes_timeout.ts";
import { createNoHonestAccusedChecker } from "../../../testnet/checks/no_honest_accused.ts";
import { createOneCertificateChecker } from "../../../testnet/checks/one_certificate.ts";
import { createRecordedFirstChecker } from "../../../testnet/checks/recorded_first.ts";
import { createShownCertificates } from "../../../testnet/checks/shown_certificates.ts";
import { createSignedOnceChecker } from "../../../testnet/checks/signed_once.ts";
import type { Evidence } from "../../../types/evidence.ts";
import { Epoch, ValidatorIndex, View } from "../../../types/ids.ts";
import type { PenaltyReason } from "../../../types/sender.ts";
import { ballotOf, directly, RELAY, timeoutOf } from "../../support/consensus_fixture.ts";
import {
  entered,
  fault,
  finalizes,
  firstViolation,
  legalRun,
  type MadeBlock,
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
  type World,
  worldOf,
} from "./history.ts";

const WORLD = worldOf({ traitors: [3] });
const { fixture, cluster } = WORLD;
const LEFT = makeBlock(WORLD, undefined, { view: 1 });
/** Another block of the same view. */
const RIGHT = makeBlock(WORLD, undefined, { view: 1, change: { bodyBytes: 7 } });
const NEXT = makeBlock(WORLD, LEFT, { view: 2 });

const votes = (validator: number, { header }: MadeBlock): Untimed => signs(WORLD, validator, ballotOf("vote", header));
const commits = (validator: number, { header }: MadeBlock): Untimed => signs(WORLD, validator, ballotOf("commit", header));
const timesOut = (validator: number, view: number): Untimed => signs(WORLD, validator, timeoutOf(view));
const again = (signed: Untimed): Untimed => ({ ...signed, isResend: true }) as Untimed;
const begins = (validator: number): readonly Untimed[] => [started(validator), entered(validator, 1, "start")];

t.test("signedOnce: each contradiction over all lives, fires", async (t) => {
  const signedOnce = (facts: readonly Untimed[]): string | undefined =>
    firstViolation(createSignedOnceChecker(cluster), [...begins(1), ...facts])?.detail;
  const restart = [stopped(1), started(1, { life: 2 }), entered(1, 1, "start")];
  const cases: readonly (readonly [RegExp, readonly Untimed[]])[] = [
    [/signed a vote for .* in view 1 after its vote for .* in the same view/, [votes(1, LEFT), votes(1, RIGHT)]],
    [/after its vote for .* in the same view/, [votes(1, LEFT), ...restart, votes(1, RIGHT)]],
    [/signed a commit vote for .* in view 1 after its commit vote for/, [commits(1, LEFT), commits(1, RIGHT)]],
    [/signed a commit vote for .* in view 1 after its vote for another block/, [votes(1, LEFT), commits(1, RIGHT)]],
    [/signed a vote for .* in view 1 after its commit vote for/, [commits(1, LEFT), votes(1, RIGHT)]],
    [/signed a vote for .* in view 1 after its timeout in that view/, [timesOut(1, 1), votes(1, LEFT)]],
    [/signed a commit vote for .* in view 1 after its timeout in that view/, [votes(1, LEFT), timesOut(1, 1), commits(1, LEFT)]],
    [/signed a commit vote for .* after its timeout in that view/, [timesOut(1, 1), ...restart, commits(1, LEFT)]],
    [/signed a timeout in view 1 after its commit vote for/, [commits(1, LEFT), timesOut(1, 1)]],
    [/signed a vote for .* in view 2 while it was in view 1/, [votes(1, NEXT)]],
    [/signed a timeout in view 1 while it was in view 2/, [entered(1, 2), timesOut(1, 1)]],
    [/signed a proposal .* in view 1 after its proposal .* in the same view/, [proposes(1, LEFT.proposal), proposes(1, RIGHT.proposal)]],
    [/signed a proposal .* in view 1 after its timeout in that view/, [timesOut(1, 1), proposes(1, LEFT.proposal)]],
    [/that names validator 2 as proposer/, [entered(1, 2), proposes(1, NEXT.proposal)]],
    [
      /in the name of validator 2/,
      [{ type: "signedVote", validator: 1, isResend: false, vote: fixture.vote(2, ballotOf("vote", LEFT.header)) }],
    ],
    [/signed a vote for .* once more, as if it had not signed that before/, [votes(1, LEFT), votes(1, LEFT)]],
    [/signed a timeout in view 1 once more/, [timesOut(1, 1), again(timesOut(1, 1)), timesOut(1, 1)]],
    [/signed a commit vote for .* once more/, [commits(1, LEFT), ...restart, commits(1, LEFT)]],
    [/although its last final block is of view 1/, [...finalizes(1, LEFT), saved(1, {}), commits(1, LEFT)]],
    [/although its last final block is of view 1/, [...finalizes(1, LEFT), ...restart, timesOut(1, 1)]],
  ];
  for (const [expected, facts] of cases) t.match(signedOnce(facts), expected);
});

t.test(
  "signedOnce: repetition, a timeout after the vote, a late commit vote, catch-up ahead of its CC, and traitors, silent",
  async (t) => {
    const later = makeChain(WORLD, [{ view: 1 }, { view: 2 }]) as readonly [MadeBlock, MadeBlock];
    const caughtUp = finalizes(1, { ...later[0], commit: later[1].commit });
    const legal: readonly (readonly Untimed[])[] = [
      [votes(1, LEFT), timesOut(1, 1), again(votes(1, LEFT)), again(timesOut(1, 1))],
      [votes(1, LEFT), stopped(1), started(1, { life: 2 }), entered(1, 1, "start"), again(votes(1, LEFT))],
      [entered(1, 2), entered(1, 3), commits(1, LEFT)],
      [...caughtUp, saved(1, {}), timesOut(1, 1)],
      [votes(3, LEFT), votes(3, RIGHT), timesOut(3, 1), commits(3, LEFT)],
      legalRun(WORLD, makeChain(WORLD, [{ view: 1 }, { view: 4 }])),
    ];
    for (const facts of legal) t.equal(firstViolation(createSignedOnceChecker(cluster), [...begins(1), ...facts]), undefined);
  },
);

t.test("R9 recordBeforeSignature: a signature or an entry without its record, each fires; with it, silent", async (t) => {
  const { blockHash, header } = LEFT;
  const { height } = header;
  const proposed = recordOf(1, { proposedHash: blockHash });
  const voted = recordOf(1, { votedHash: blockHash, votedHeight: height });
  const committed = { ...voted, committedHash: blockHash, committedHeight: height };
  const admitted = recordOf(2, { admittedBy: LEFT.quorum });
  const rows: readonly (readonly [RegExp, Untimed, typeof voted])[] = [
    [/signed a proposal in view 1 before its record of that was on disk/, proposes(1, LEFT.proposal), proposed],
    [/signed a vote in view 1 before its record/, votes(1, LEFT), voted],
    [/signed a commit vote in view 1 before its record/, commits(1, LEFT), committed],
    [/signed a timeout in view 1 before its record/, timesOut(1, 1), recordOf(1, { hasTimedOut: true })],
    [/entered view 2 by a QC before that was on disk/, entered(1, 2), admitted],
  ];
  const recorded = (facts: readonly Untimed[]): string | undefined =>
    firstViolation(createRecordedFirstChecker(cluster), [...begins(1), ...facts])?.detail;
  for (const [expected, signed, record] of rows) {
    t.match(recorded([signed]), expected);
    t.match(recorded([saved(2, { records: [record] }), signed]), expected, "on the disk of another");
    t.match(recorded([signed, saved(1, { records: [record] })]), expected, "too late");
    t.equal(recorded([saved(1, { records: [record] }), signed]), undefined);
    t.equal(recorded([saved(1, { records: [record] }), stopped(1), started(1, { life: 2 }), signed]), undefined, "over a restart");
  }
  t.match(recorded([saved(1, { records: [{ ...voted, votedHash: RIGHT.blockHash }] }), votes(1, LEFT)]), /before its record/);
});

t.test("R9 recordBeforeSignature: a record that loses something, a wiped store that signs on, each fires", async (t) => {
  const checker = (): Checker => createRecordedFirstChecker(cluster);
  const full = recordOf(1, {
    proposedHash: LEFT.blockHash,
    votedHash: LEFT.blockHash,
    committedHash: LEFT.blockHash,
    hasTimedOut: true,
    admittedBy: LEFT.quorum,
  });
  const { proposedHash, votedHash, committedHash } = recordOf(1, {});
  const losses = [
    [{ proposedHash }, /replaces its proposal for .* by none/],
    [{ votedHash }, /replaces its vote for .* by none/],
    [{ votedHash: RIGHT.blockHash }, /replaces its vote/],
    [{ committedHash }, /replaces its commit vote/],
    [{ hasTimedOut: false }, /forgets its timeout/],
    [{ admittedBy: undefined }, /forgets the certificate that admitted it/],
  ] as const;
  for (const [change, expected] of losses) {
    t.match(firstViolation(checker(), [saved(1, { records: [full] }), saved(1, { records: [{ ...full, ...change }] })])?.detail, expected);
  }
  const timeout = saved(1, { records: [recordOf(1, { hasTimedOut: true })] });
  const observer = started(1, { life: 2, isSigning: false });
  t.match(firstViolation(checker(), [timeout, stopped(1, "wipe"), observer, timesOut(1, 1)])?.detail, /although its store was wiped/);
  t.match(
    firstViolation(checker(), [timeout, fault(0, { type: "wipe", validator: 1 }), started(1, { life: 2 }), timesOut(1, 1)])?.detail,
    /before its record/,
  );
  const begun = (view: number): string | undefined =>
    firstViolation(checker(), [
      saved(1, { records: [recordOf(3, {}), recordOf(2, {})] }),
      stopped(1),
      started(1, { life: 2 }),
      entered(1, view, "start"),
    ])?.detail;
  t.match(begun(2), /began in view 2, although its disk holds a record of view 3/);
  t.equal(begun(3), undefined);
  t.equal(firstViolation(checker(), [observer, entered(1, 2)]), undefined, "an observer keeps no records");
});

t.test("oneCertificate: two blocks certified in one view, by QC or CC, fires", async (t) => {
  const checker = (): Checker => createOneCertificateChecker(createShownCertificates(cluster));
  t.match(firstViolation(checker(), [shows(0, LEFT.quorum), shows(1, RIGHT.quorum)]), {
    validators: [0, 1],
    detail: /Validator 0 shows a QC of view 1 for block .*, validator 1 a QC of that view for block/,
  });
  t.match(firstViolation(checker(), [shows(0, LEFT.quorum), shows(1, RIGHT.commit)])?.detail, /a CC of that view/);
  const other = fixture.certificate(LEFT.quorum.ballot, [1, 2, 3]);
  t.equal(firstViolation(checker(), [shows(0, LEFT.quorum), shows(1, other), shows(2, LEFT.commit), shows(0, NEXT.quorum)]), undefined);
});

t.test(
  "R3 oneCertificate: an honest validator forwards, records, saves, stores or proposes with a bad certificate, each fires",
  async (t) => {
    const checker = (world: World = WORLD): Checker => createOneCertificateChecker(createShownCertificates(world.cluster));
    const { ballot, signature } = LEFT.quorum;
    const light = fixture.certificate(ballot, [0, 1]);
    const forged = { ...LEFT.quorum, signature: signature.map((byte, index) => (index > 8 ? byte ^ 1 : byte)) };
    const stranger = { ...LEFT.quorum, signers: Uint8Array.from(LEFT.quorum.signers, (byte, index) => (index === 1 ? 1 : byte)) };
    const padded = { ...LEFT.quorum, signers: Uint8Array.from(LEFT.quorum.signers, (byte) => byte | (byte > 0 ? 8 : 0)) };
    const kinds = [
      [light, /weighs 2 of 4, which is no quorum/],
      [forged, /an aggregate signature that does not verify/],
      [stranger, /names somebody who is no validator/],
      [padded, /does not verify/],
      [fixture.certificate({ ...ballot, epoch: Epoch.of(1) }, [0, 1, 2]), /is of epoch 1, not 0/],
      [fixture.certificate({ ...ballot, view: View.ZERO }, [0, 1, 2]), /view 0/],
      [fixture.certificate({ ...timeoutOf(1), blockHash: LEFT.blockHash }, [0, 1, 2]), /names a block where it must not/],
    ] as const;
    for (const [certificate, expected] of kinds) t.match(firstViolation(checker(), [shows(1, certificate)])?.detail, expected);
    const { blockHash, header, block } = NEXT;
    const spoilt = { blockHash, block: { ...block, parentCertificate: light } };
    const entry = { height: header.height, blockHash, view: header.view, certificate: NEXT.commit };
    const places: readonly (readonly [RegExp, Untimed])[] = [
      [/forwarded a QC of view 1/, shows(1, light)],
      [/recorded, as what admitted it to the next view, a QC/, saved(1, { records: [recordOf(2, { admittedBy: light })] })],
      [/saved, as the proof of final blocks, a QC/, saved(1, { finality: [{ ...entry, certificate: light }] })],
      [/stored, in a block to vote for, a QC/, saved(1, { blocks: [spoilt] })],
      [/proposed with a QC/, proposes(1, { ...NEXT.proposal, parentCertificate: light })],
    ];
    for (const [expected, fact] of places) t.match(firstViolation(checker(), [fact])?.detail, expected);
    t.equal(
      firstViolation(checker(), [shows(3, light), proposes(3, { ...NEXT.proposal, parentCertificate: light })]),
      undefined,
      "traitors",
    );
    t.equal(firstViolation(checker(), [saved(1, { blocks: [spoilt], finality: [entry] })]), undefined, "catch-up rests on the CC alone");
    const heavy = worldOf({ weights: [5, 4, 3, 2] });
    const quorum = heavy.fixture.certificate(timeoutOf(1), [0, 1, 3]);
    t.equal(firstViolation(checker(heavy), [shows(1, quorum)]), undefined, "11 of 14");
    t.match(firstViolation(checker(heavy), [shows(1, heavy.fixture.certificate(timeoutOf(1), [0, 1]))])?.detail, /weighs 9 of 14/);
  },
);

t.test("shown certificates: each distinct one is verified once", async (t) => {
  const { counts } = fixture.bls;
  const shown = createShownCertificates(cluster);
  const before = counts.verifyAggregate;
  for (const validator of [0, 1, 2]) {
    firstViolation(createOneCertificateChecker(shown), [shows(validator, LEFT.quorum), shows(validator, { ...LEFT.quorum })]);
  }
  t.equal(counts.verifyAggregate - before, 1);
});

t.test("R8 commitExcludesTimeout: CC and TC of one view, fires; QC and TC, or CC and TC of different views, silent", async (t) => {
  const checker = (): Checker => createCommitExcludesTimeoutChecker(createShownCertificates(cluster));
  const timeout = (view: number) => fixture.certificate(timeoutOf(view), [0, 1, 2]);
  t.match(
    firstViolation(checker(), [shows(0, LEFT.commit), shows(1, timeout(1))])?.detail,
    /View 1 has a CC, shown by validator 0, and a TC, shown by validator 1/,
  );
  t.match(
    firstViolation(checker(), [saved(0, { records: [recordOf(2, { admittedBy: timeout(1) })] }), ...finalizes(1, LEFT)])?.detail,
    /a TC, shown by validator 0, and a CC/,
  );
  t.equal(firstViolation(checker(), [shows(0, LEFT.quorum), shows(1, timeout(1)), shows(1, NEXT.commit)]), undefined);
});

t.test("R12 noHonestAccused: an honest offender, or a proof that proves nothing, fires; a traitor's double vote, silent", async (t) => {
  const checker = (): Checker => createNoHonestAccusedChecker(cluster);
  const double = (by: number, first = ballotOf("vote", LEFT.header), second = ballotOf("vote", RIGHT.header)): Evidence => ({
    type: "doubleVote",
    first: fixture.vote(by, first),
    second: fixture.vote(by, second),
  });
  const proposal = (by: number, first: MadeBlock, second: MadeBlock): Evidence => {
    const [left, right] = [first, second].map(({ header }) => ({ ...header, proposer: ValidatorIndex.of(by) }));
    if (left === undefined || right === undefined) throw new Error("two headers were given");
    return {
      type: "doubleProposal",
      first: { header: left, signature: fixture.sign(left) },
      second: { header: right, signature: fixture.sign(right) },
    };
  };
  const says = (evidence: Evidence): Untimed => ({ type: "evidence", validator: 0, evidence });
  const vote = ballotOf("vote", LEFT.header);
  const genuine = [
    double(3),
    double(3, ballotOf("commit", LEFT.header), timeoutOf(1)),
    double(3, timeoutOf(1), ballotOf("commit", LEFT.header)),
    proposal(3, LEFT, RIGHT),
  ];
  for (const evidence of genuine) t.equal(firstViolation(checker(), [says(evidence)]), undefined);
  const forged = double(3) as Extract<Evidence, { type: "doubleVote" }>;
  const wrong: readonly (readonly [RegExp, Evidence])[] = [
    [/accuses validator 1 of a double vote in view 1, which is honest/, double(1)],
    [/accuses validator 1 of a double proposal in view 1, which is honest/, proposal(1, LEFT, RIGHT)],
    [/do not contradict each other/, double(3, vote, vote)],
    [/do not contradict each other/, double(3, vote, timeoutOf(1))],
    [/do not contradict each other/, double(3, vote, ballotOf("commit", RIGHT.header))],
    [/different views or epochs/, double(3, vote, ballotOf("vote", NEXT.header))],
    [/other signature is of validator 2/, { ...forged, second: fixture.vote(2, ballotOf("vote", RIGHT.header)) }],
    [/a signature does not verify/, { ...forged, second: { ...forged.second, signature: forged.first.signature } }],
    [/two headers do not contradict/, proposal(3, LEFT, LEFT)],
    [/two headers do not contradict/, proposal(3, LEFT, NEXT)],
  ];
  for (const [expected, evidence] of wrong) {
    t.match(firstViolation(checker(), [says(evidence)])?.detail, expected);
    t.match(firstViolation(checker(), [saved(0, { evidence: [evidence] })])?.detail, expected);
    t.equal(firstViolation(checker(), [{ type: "evidence", validator: 3, evidence }]), undefined, "said by a traitor");
  }
});

t.test("R11 noHonestAccused: an honest validator blamed for what it cannot have sent, fires; a relay or a traitor, silent", async (t) => {
  const blames = (reason: PenaltyReason, sender = directly(1)): Untimed => ({ type: "penalized", validator: 0, sender, reason });
  const checker = (): Checker => createNoHonestAccusedChecker(cluster);
  t.match(
    firstViolation(checker(), [blames("invalidSignature")])?.detail,
    /Validator 0 blames validator 1, which is honest, for invalidSignature/,
  );
  t.equal(
    firstViolation(checker(), [blames("wrongResponse"), blames("invalidSignature", RELAY), blames("invalidSignature", directly(3))]),
    undefined,
  );
});
