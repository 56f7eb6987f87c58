/** The signer as a second guard: what it signs never contradicts itself, against the rules stated again on pairs of ballots. */

import fc from "fast-check";
import t from "tap";
import { ed25519PublicKeyOf, signEd25519, verifyEd25519 } from "../../crypto/ed25519_sodium.ts";
import { exitCodeOf } from "../../node/errors.ts";
import { createSigner, type ProposalToSign, type Signer } from "../../node/signer.ts";
import { PLAIN_BLOCK } from "../../types/block.ts";
import {
  type BlockHash,
  type BodyRoot,
  type ChainId,
  Epoch,
  Height,
  type StateRoot,
  TimestampMs,
  ValidatorIndex,
  type ValidatorSetHash,
  View,
} from "../../types/ids.ts";
import { ballotSigningBytes, proposalSigningBytes, type SigningDomain } from "../../types/signing.ts";
import { type Ballot, timeoutBallot } from "../../types/vote.ts";
import { createFastBls } from "../support/fast_bls.ts";
import { holds } from "../support/property.ts";

const bls = createFastBls();
const blsSecretKey = bls.deriveSecretKey(new Uint8Array(32).fill(1));
const ed25519Seed = new Uint8Array(32).fill(2);
const domain: SigningDomain = {
  chainId: "01".repeat(32) as ChainId,
  epoch: Epoch.ZERO,
  validatorSetHash: "02".repeat(32) as ValidatorSetHash,
};
const newSigner = (): Signer => createSigner({ domain, self: ValidatorIndex.of(0), blsSecretKey, ed25519Seed, bls, signEd25519 });
const A = "aa".repeat(32) as BlockHash;
const B = "bb".repeat(32) as BlockHash;

const ballot = (kind: "vote" | "commit", view: number, blockHash: BlockHash): Ballot => ({
  kind,
  epoch: Epoch.ZERO,
  view: View.of(view),
  height: Height.of(1),
  blockHash,
});
const timeout = (view: number) => timeoutBallot(Epoch.ZERO, View.of(view));

function proposal(view: number, blockHash: BlockHash): ProposalToSign {
  const header = {
    epoch: Epoch.ZERO,
    height: Height.of(1),
    view: View.of(view),
    proposer: ValidatorIndex.of(0),
    parentHash: A,
    parentView: View.ZERO,
    timeMs: TimestampMs.of(1),
    bodyRoot: A as string as BodyRoot,
    transactionCount: 0,
    bodyBytes: 0,
    executedHeight: Height.ZERO,
    executedRoot: A as string as StateRoot,
    ...PLAIN_BLOCK,
  };
  return { header, blockHash, transactionHashes: [], lists: [], parentCertificate: undefined, timeoutCertificates: [] };
}

t.test("createSigner: ballots and proposals, signatures over the bytes of the domain", async (t) => {
  const signer = newSigner();
  const vote = signer.signVote(ballot("vote", 1, A));
  t.ok(bls.verify(bls.publicKeyOf(blsSecretKey), ballotSigningBytes(domain, vote.ballot), vote.signature));
  const { signature } = signer.signProposal(proposal(1, B));
  t.ok(verifyEd25519(ed25519PublicKeyOf(ed25519Seed), proposalSigningBytes(domain, View.of(1), B), signature));
});

t.test("createSigner: a built block's proposal, keeps its bid", async (t) => {
  const built = proposal(3, A);
  const bid = { value: 5n } as unknown as NonNullable<ProposalToSign["bid"]>;
  t.equal(newSigner().signProposal({ ...built, bid }).bid, bid);
  t.equal(newSigner().signProposal(built).bid, undefined);
});

t.test("R1, R2, R4, R8: createSigner, what contradicts an earlier signature of the view, is refused as a safety failure", async (t) => {
  const cases: [name: string, first: Ballot, second: Ballot][] = [
    ["two votes", ballot("vote", 5, A), ballot("vote", 5, B)],
    ["two commit votes", ballot("commit", 5, A), ballot("commit", 5, B)],
    ["commit vote for another block than the vote", ballot("vote", 5, A), ballot("commit", 5, B)],
    ["vote for another block than the commit vote", ballot("commit", 5, A), ballot("vote", 5, B)],
    ["timeout after commit vote", ballot("commit", 5, A), timeout(5)],
    ["commit vote after timeout", timeout(5), ballot("commit", 5, A)],
  ];
  for (const [name, first, second] of cases) {
    const signer = newSigner();
    signer.signVote(first);
    let refusal: unknown;
    try {
      signer.signVote(second);
    } catch (error) {
      refusal = error;
    }
    t.equal(exitCodeOf(refusal), 129, name);
    t.match((refusal as Error).message, /refused to sign/);
  }
  const signer = newSigner();
  signer.signProposal(proposal(5, A));
  t.throws(() => signer.signProposal(proposal(5, B)), /already signed proposal/, "two proposals");
});

t.test("R5, R9: createSigner, vote and timeout of one view in any order, and again, is allowed and byte-identical", async (t) => {
  const signer = newSigner();
  const first = signer.signVote(ballot("vote", 5, A));
  signer.signVote(timeout(5));
  t.same(signer.signVote(ballot("vote", 5, A)), first, "repetition");
  t.same(signer.signVote(timeout(5)).signature, signer.signVote(timeout(5)).signature);
  t.doesNotThrow(() => signer.signVote(ballot("vote", 6, B)), "another view");
  const restarted = newSigner();
  t.same(restarted.signVote(timeout(5)), signer.signVote(timeout(5)), "a restart may send the timeout first");
  t.same(restarted.signVote(ballot("vote", 5, A)), first);
});

t.test("createSigner: views older than its memory, are refused", async (t) => {
  const signer = newSigner();
  for (let view = 1; view <= 1_030; view++) signer.signVote(timeout(view));
  t.throws(() => signer.signVote(ballot("commit", 3, A)), /older than the 1024 views/);
  t.throws(() => signer.signVote(ballot("commit", 1_000, A)), /already signed a timeout/);
});

t.test("createSigner: after stop, nothing is signed", async (t) => {
  const signer = newSigner();
  signer.signVote(ballot("vote", 1, A));
  signer.stop();
  t.throws(() => signer.signVote(ballot("vote", 1, A)), /the signer is stopped/);
  t.throws(() => signer.signProposal(proposal(2, A)), /the signer is stopped/);
});

t.test("R8: createSigner, any sequence of requests, what it signed never contradicts itself", async (t) => {
  const request = fc.record({
    kind: fc.constantFrom("vote", "commit", "timeout"),
    view: fc.integer({ min: 1, max: 3 }),
    block: fc.constantFrom(A, B),
  });
  holds(
    t,
    fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
      const signer = newSigner();
      const signed: Ballot[] = [];
      for (const { kind, view, block } of requests) {
        const wanted = kind === "timeout" ? timeout(view) : ballot(kind as "vote" | "commit", view, block);
        try {
          signed.push(signer.signVote(wanted).ballot);
        } catch (error) {
          if (exitCodeOf(error) !== 129) throw error;
        }
      }
      return signed.every((one) => signed.every((other) => !contradicts(one, other)));
    }),
    300,
  );
});

/** The rules again, stated on pairs. */
function contradicts(one: Ballot, other: Ballot): boolean {
  if (one.view !== other.view) return false;
  if (one.kind === "timeout") return other.kind === "commit";
  return other.kind !== "timeout" && one.blockHash !== other.blockHash;
}
