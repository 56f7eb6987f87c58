/** A Byzantine node cannot sign for others. Everything that traitors send in a run is held against what was really signed: a message that
 *  passes verification is one that its signers made themselves. And each single forgery is refused. */

import t from "tap";
import { isCertificateValid } from "../../../consensus/certificate_check.ts";
import { hashHeader } from "../../../crypto/hashes.ts";
import type { StrategyName } from "../../../testnet/scenario/manifest.ts";
import type { WireMessage } from "../../../testnet/simulator/facts.ts";
import { FORGERIES } from "../../../testnet/simulator/strategies/certificate_forgery.ts";
import type { TraitorContext } from "../../../testnet/simulator/strategy.ts";
import { createStream } from "../../../testnet/simulator/streams.ts";
import type { Proposal } from "../../../types/block.ts";
import { fromHex } from "../../../types/bytes.ts";
import { ValidatorIndex, View } from "../../../types/ids.ts";
import { decodeMessage } from "../../../types/message.ts";
import { ballotSigningBytes, proposalSigningBytes } from "../../../types/signing.ts";
import { Signers } from "../../../types/validator_set.ts";
import type { Ballot, Certificate, SignedVote } from "../../../types/vote.ts";
import { ballotOf, createFixture, type Fixture, headerOver, timeoutOf } from "../../support/consensus_fixture.ts";
import { runShortly, type ShortRun, traitor } from "./strategies_support.ts";

const TRAITOR = 3;
const FORGERS: readonly StrategyName[] = [
  "forgedVotes",
  "invalidCertificates",
  "mutatedMessages",
  "malformedMessages",
  "futureViewFlood",
  "delayedReplay",
  "syncLies",
];

const nameOf = ({ kind, epoch, view, height, blockHash }: Ballot): string => `${kind}/${epoch}/${view}/${height}/${blockHash}`;

/** What the honest signed in a run, and how often a check met something of theirs that they did not. */
interface Ledger {
  readonly votes: ReadonlySet<string>;
  readonly proposals: ReadonlySet<string>;
  claimed: number;
  forged: number;
  passed: string[];
}

function ledgerOf(run: ShortRun): Ledger {
  const votes = run.of("signedVote").map(({ validator, vote }) => `${validator}/${nameOf(vote.ballot)}`);
  const proposals = run.of("signedProposal").map(({ validator, proposal }) => `${validator}/${hashHeader(proposal.header)}`);
  return { votes: new Set(votes), proposals: new Set(proposals), claimed: 0, forged: 0, passed: [] };
}

function inspectVote({ ballot, validator, signature }: SignedVote, run: ShortRun, ledger: Ledger): void {
  const { checked, bls, domain } = run.world;
  const publicKey = checked.blsPublicKeys[validator];
  // R13: another epoch's ballot is not looked at; the signed bytes take the epoch from the domain, not from the ballot.
  if (validator === TRAITOR || publicKey === undefined || ballot.epoch !== domain.epoch) return;
  ledger.claimed++;
  const isReal = ledger.votes.has(`${validator}/${nameOf(ballot)}`);
  if (!isReal) ledger.forged++;
  if (!isReal && bls.verify(publicKey, ballotSigningBytes(domain, ballot), signature))
    ledger.passed.push(`vote ${validator} ${nameOf(ballot)}`);
}

/** A valid certificate must name only honest signers who signed its ballot. */
function inspectCertificate(certificate: Certificate, run: ShortRun, ledger: Ledger): void {
  const { world } = run;
  ledger.claimed++;
  const honest = Signers.indices(certificate.signers).filter((signer) => world.checked.honest.has(signer));
  const isReal = honest.every((signer) => ledger.votes.has(`${signer}/${nameOf(certificate.ballot)}`));
  if (!isReal) ledger.forged++;
  const isValid = isCertificateValid(certificate, world);
  if (isValid && (!isReal || honest.length === 0)) ledger.passed.push(`certificate ${nameOf(certificate.ballot)}`);
}

function inspectProposal(proposal: Proposal, run: ShortRun, ledger: Ledger): void {
  const { header, signature } = proposal;
  const { checked, ed25519, domain } = run.world;
  for (const certificate of proposal.timeoutCertificates) inspectCertificate(certificate, run, ledger);
  if (proposal.parentCertificate !== undefined) inspectCertificate(proposal.parentCertificate, run, ledger);
  const publicKey = checked.ed25519PublicKeys[header.proposer];
  if (header.proposer === TRAITOR || publicKey === undefined) return;
  ledger.claimed++;
  const blockHash = hashHeader(header);
  const isReal = ledger.proposals.has(`${header.proposer}/${blockHash}`);
  if (!isReal) ledger.forged++;
  if (!isReal && ed25519.verify(publicKey, proposalSigningBytes(domain, header.view, blockHash), signature)) {
    ledger.passed.push(`proposal ${header.proposer} ${header.view}`);
  }
}

function inspect(message: WireMessage, run: ShortRun, ledger: Ledger): void {
  if (message.type === "vote") inspectVote(message.vote, run, ledger);
  else if (message.type === "certificate") inspectCertificate(message.certificate, run, ledger);
  else if (message.type === "proposal") inspectProposal(message.proposal, run, ledger);
  else if (message.type === "bytes") {
    const decoded = decodeMessage(message.frame);
    if (decoded.ok) inspect(decoded.message, run, ledger);
  } else if (message.type === "response" && message.response.type === "block" && message.response.block !== undefined) {
    inspectProposal({ ...message.response.block, transactionHashes: [] }, run, ledger);
  }
}

function inspectAll(run: ShortRun): Ledger {
  const ledger = ledgerOf(run);
  for (const { from, message } of run.of("sent")) if (from === TRAITOR) inspect(message, run, ledger);
  return ledger;
}

for (const name of FORGERS) {
  t.test(`R11: ${name}: nothing that it sends in the name of others passes verification unless they signed it`, async (t) => {
    const ledger = inspectAll(runShortly({ seed: 21, byzantine: [traitor(TRAITOR, name)], forMs: 2_000 }));
    t.same(ledger.passed, []);
    t.ok(ledger.claimed > 50, `${ledger.claimed} claims`);
    if (name === "forgedVotes") t.ok(ledger.forged > 500, `${ledger.forged} forgeries`);
  });
}

t.test("R11: forgedVotes: nothing passes with real signatures either", async (t) => {
  const ledger = inspectAll(runShortly({ seed: 22, byzantine: [traitor(TRAITOR, "forgedVotes")], forMs: 300, signatures: "bls" }));
  t.same(ledger.passed, []);
  t.ok(ledger.forged > 30, `${ledger.forged} forgeries`);
});

t.test("R12: forgedVotes: forged pairs accuse nobody, and a forged Timeout of the leader ends no view", async (t) => {
  const run = runShortly({ seed: 23, byzantine: [traitor(TRAITOR, "forgedVotes")], forMs: 2_000 });
  t.same(run.of("evidence"), []);
  const isForgedTimeout = ({ from, message }: { readonly from: number; readonly message: WireMessage }): boolean =>
    from === TRAITOR && message.type === "vote" && message.vote.ballot.kind === "timeout" && message.vote.validator !== TRAITOR;
  t.ok(run.of("sent").some(isForgedTimeout));
  t.same(
    run.of("enteredView").filter(({ by }) => by === "TC"),
    [],
  );
});

/** A context of validator `self` over fast keys: it can sign for itself and sum signatures. */
function contextOf(fixture: Fixture, self: number, withSums: boolean): TraitorContext {
  const unused = (): never => t.fail("not used here") as never;
  return {
    self: ValidatorIndex.of(self),
    count: fixture.count,
    stream: createStream(1, "forgeries"),
    status: { finalHeight: 1, height: 2 } as TraitorContext["status"],
    traitors: [ValidatorIndex.of(self)],
    shared: new Map(),
    sealing: undefined,
    colluders: [],
    acts: () => true,
    note: () => undefined,
    signVote: (ballot) => fixture.vote(self, ballot),
    signProposal: unused,
    send: unused,
    ...(withSums ? { aggregate: (signatures) => fixture.bls.aggregate(signatures) } : {}),
  };
}

t.test("R3, R10: every forgery of a QC, CC or TC is refused, whoever signed the model", async (t) => {
  const fixture = createFixture([1, 1, 1, 1]);
  const parent = headerOver(undefined, 1, { count: 4 });
  const header = headerOver(parent, 2, { count: 4 });
  const context = { domain: fixture.domain, validators: fixture.validators, bls: fixture.bls };
  const models = [ballotOf("vote", header), ballotOf("commit", header), timeoutOf(2)];
  for (const signers of [
    [0, 1, 2, 3],
    [0, 1, 2],
    [1, 2, 3],
  ]) {
    for (const ballot of models) {
      const model = fixture.certificate(ballot, signers);
      t.ok(isCertificateValid(model, context), "the model itself is valid");
      const other = fixture.certificate(ballotOf("vote", parent), [0, 1, 2]);
      for (const { name, make } of FORGERIES) {
        for (const withSums of [true, false]) {
          const forged = make(model, other, contextOf(fixture, TRAITOR, withSums));
          t.notOk(isCertificateValid(forged, context), `${name} of ${ballot.kind}`);
        }
      }
      t.ok(isCertificateValid(model, context), "the model was not changed");
    }
  }
});

t.test("fast signatures: without a validator's secret key no signature of it is found by summing others'", async (t) => {
  const { bls, vote, validators, domain } = createFixture([1, 1, 1, 1]);
  const ballot = timeoutOf(9);
  const message = ballotSigningBytes(domain, ballot);
  const others = [0, 1, 3].map((index) => vote(index, ballot).signature);
  const victim = validators.set.validators[2]?.blsPublicKey ?? new Uint8Array(0);
  const earlier = vote(2, { ...ballot, view: View.of(8) }).signature;
  for (const parts of [others, [earlier], [earlier, ...others], [earlier, earlier]]) {
    t.notOk(bls.verify(victim, message, bls.aggregate(parts) ?? new Uint8Array(96)));
  }
  t.notOk(bls.verify(fromHex("b1".repeat(48)), message, vote(2, ballot).signature), "a key that the suite never saw verifies nothing");
  t.ok(bls.verify(victim, message, vote(2, ballot).signature));
});
