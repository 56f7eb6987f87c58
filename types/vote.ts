/** Votes, commit votes and timeouts: what a validator signs with its BLS key, and the certificates made of them.
 *  The three kinds share one shape so that one collector aggregates all (R3, R5, R11). R13: the epoch is in each. */

import { type Codec, defineCodec, hashFromBytes, hashToBytes, ssz } from "./codec.ts";
import { type BlockHash, Epoch, Height, ValidatorIndex, View, ZERO_HASH } from "./ids.ts";
import { SIGNERS_BYTES, VALIDATORS_MAX } from "./limits.ts";

/** vote: first phase. commit: second phase. timeout: leave the view empty-handed. */
export type VoteKind = "vote" | "commit" | "timeout";

/** What is voted on. For a timeout, `height` is 0 and `blockHash` is ZERO_HASH. */
export interface Ballot {
  readonly kind: VoteKind;
  readonly epoch: Epoch;
  readonly view: View;
  readonly height: Height;
  readonly blockHash: BlockHash;
}

export interface SignedVote {
  readonly ballot: Ballot;
  readonly validator: ValidatorIndex;
  /** BLS signature over the ballot's signing bytes, 96 bytes. */
  readonly signature: Uint8Array;
}

/** One aggregate over one ballot: a QC (vote), CC (commit) or TC (timeout). */
export interface Certificate {
  readonly ballot: Ballot;
  /** Signer bitfield, SIGNERS_BYTES bytes. */
  readonly signers: Uint8Array;
  readonly signature: Uint8Array;
}

/** The ballot of Timeout(view). */
export function timeoutBallot(epoch: Epoch, view: View): Ballot {
  return { kind: "timeout", epoch, view, height: Height.ZERO, blockHash: ZERO_HASH };
}

const KINDS: readonly VoteKind[] = ["vote", "commit", "timeout"];

export const ballotType = ssz.container(
  { kind: ssz.uint8, epoch: ssz.uint64, view: ssz.uint64, height: ssz.uint64, blockHash: ssz.bytes(32) },
  "Ballot",
);

export interface BallotSsz {
  kind: number;
  epoch: number;
  view: number;
  height: number;
  blockHash: Uint8Array;
}

export function ballotToSsz(ballot: Ballot): BallotSsz {
  return { ...ballot, kind: KINDS.indexOf(ballot.kind) + 1, blockHash: hashToBytes(ballot.blockHash) };
}

export function ballotFromSsz(value: BallotSsz): Ballot | undefined {
  const kind = KINDS[value.kind - 1];
  if (kind === undefined) return undefined;
  const ballot = {
    kind,
    epoch: Epoch.of(value.epoch),
    view: View.of(value.view),
    height: Height.of(value.height),
    blockHash: hashFromBytes<BlockHash>(value.blockHash),
  };
  const namesNoBlock = ballot.blockHash === ZERO_HASH && ballot.height === Height.ZERO;
  return (kind === "timeout") === namesNoBlock ? ballot : undefined;
}

export const signedVoteType = ssz.container({ ballot: ballotType, validator: ssz.uint16, signature: ssz.bytes(96) }, "SignedVote");

export interface SignedVoteSsz {
  ballot: BallotSsz;
  validator: number;
  signature: Uint8Array;
}

export const signedVoteToSsz = (vote: SignedVote): SignedVoteSsz => ({ ...vote, ballot: ballotToSsz(vote.ballot) });

export function signedVoteFromSsz(value: SignedVoteSsz): SignedVote | undefined {
  const ballot = ballotFromSsz(value.ballot);
  if (ballot === undefined || value.validator >= VALIDATORS_MAX) return undefined;
  return { ballot, validator: ValidatorIndex.of(value.validator), signature: value.signature };
}

export const signedVoteCodec: Codec<SignedVote> = defineCodec({
  name: "SignedVote",
  version: 1,
  type: signedVoteType,
  bytesMax: 1 + 57 + 2 + 96,
  toSsz: signedVoteToSsz,
  fromSsz: signedVoteFromSsz,
});

export const certificateType = ssz.container(
  { ballot: ballotType, signers: ssz.bytes(SIGNERS_BYTES), signature: ssz.bytes(96) },
  "Certificate",
);

export interface CertificateSsz {
  ballot: BallotSsz;
  signers: Uint8Array;
  signature: Uint8Array;
}

export const certificateToSsz = (certificate: Certificate): CertificateSsz => ({ ...certificate, ballot: ballotToSsz(certificate.ballot) });

export function certificateFromSsz(value: CertificateSsz): Certificate | undefined {
  const ballot = ballotFromSsz(value.ballot);
  return ballot === undefined ? undefined : { ...value, ballot };
}

export const CERTIFICATE_BYTES = 57 + SIGNERS_BYTES + 96;

export const certificateCodec: Codec<Certificate> = defineCodec({
  name: "Certificate",
  version: 1,
  type: certificateType,
  bytesMax: 1 + CERTIFICATE_BYTES,
  toSsz: certificateToSsz,
  fromSsz: certificateFromSsz,
});
