/** Is this the validators' sealing key? A header names the key that was live when it was made, and a commit certificate over the header
 *  makes it final: more than two thirds of the weight signed. So a node that shows another key is found out.
 *
 *  What has to be known beforehand is the validator set, in other words the genesis or its hash, the chain id. The validators' keys are
 *  taken as proven by possession: genesis is checked for that by every validator. Says nothing about how old the header is. */

import { createNobleSuite } from "../crypto/bls_noble.ts";
import { hashHeader } from "../crypto/hashes.ts";
import { keyIdOf } from "../crypto/sealing/key_id.ts";
import { type BlockHeader, blockHeaderCodec } from "../types/block.ts";
import { type ChainId, View } from "../types/ids.ts";
import { SEALING_SIZES, type SealingKey } from "../types/sealing.ts";
import { ballotSigningBytes } from "../types/signing.ts";
import type { BlsSuite } from "../types/suites.ts";
import { isQuorum, Signers, type ValidatorSetContext, weightOfSigners } from "../types/validator_set.ts";
import { type Certificate, certificateCodec } from "../types/vote.ts";
import type { KeyProof } from "./answers.ts";

export interface KeyTrust {
  readonly chainId: ChainId;
  readonly validators: ValidatorSetContext;
  /** Left out: BLS on @noble/curves, which runs everywhere. */
  readonly bls?: Pick<BlsSuite, "verifyAggregate"> | undefined;
}

/** malformedKey: a point of wrong length, or not one share for each validator. wrongThreshold: not n − f shares open. otherKey: the key's
 *  parts hash to another id than it names. otherKeyInHeader: the header names another key. otherBlock: the certificate is not over
 *  this header. notCommit: it certifies less than finality. wrongEpoch: of another validator set. noQuorum, badSignature: not certified. */
export type KeyProofFlaw =
  | "malformedKey"
  | "wrongThreshold"
  | "otherKey"
  | "malformedHeader"
  | "otherKeyInHeader"
  | "malformedCertificate"
  | "notCommit"
  | "otherBlock"
  | "wrongEpoch"
  | "noQuorum"
  | "badSignature";

export type KeyProofResult =
  /** `header` tells height and time at which the key was certainly live. */
  { readonly ok: true; readonly key: SealingKey; readonly header: BlockHeader } | { readonly ok: false; readonly reason: KeyProofFlaw };

export function verifyKeyProof(proof: KeyProof, trust: KeyTrust): KeyProofResult {
  const keyFlaw = flawOfKey(proof, trust.validators.set.validators.length);
  if (keyFlaw !== undefined) return { ok: false, reason: keyFlaw };
  const header = blockHeaderCodec.decode(proof.header);
  if (!header.ok) return { ok: false, reason: "malformedHeader" };
  if (header.value.keyId !== proof.key.keyId) return { ok: false, reason: "otherKeyInHeader" };
  const certificate = certificateCodec.decode(proof.certificate);
  if (!certificate.ok) return { ok: false, reason: "malformedCertificate" };
  const flaw = flawOfCertificate(certificate.value, header.value, trust);
  return flaw === undefined ? { ok: true, key: proof.key, header: header.value } : { ok: false, reason: flaw };
}

/** The keys that a set of n opens with n − f shares, f = ⌊(n − 1) / 3⌋: fewer would let traitors open, more would let them block. */
function flawOfKey({ key, suite }: KeyProof, validatorCount: number): KeyProofFlaw | undefined {
  const { keyId, threshold, publicKey, shareKeys } = key;
  const arePoints = [publicKey, ...shareKeys].every((point) => point.length === SEALING_SIZES.point);
  if (!arePoints || shareKeys.length !== validatorCount) return "malformedKey";
  if (threshold !== validatorCount - Math.floor((validatorCount - 1) / 3)) return "wrongThreshold";
  return keyIdOf({ suite, threshold, publicKey, shareKeys }) === keyId ? undefined : "otherKey";
}

function flawOfCertificate(
  { ballot, signers, signature }: Certificate,
  header: BlockHeader,
  { chainId, validators, bls }: KeyTrust,
): KeyProofFlaw | undefined {
  if (ballot.kind !== "commit") return "notCommit";
  const isOfHeader = ballot.blockHash === hashHeader(header) && ballot.height === header.height && ballot.view === header.view;
  if (!isOfHeader || ballot.view === View.ZERO) return "otherBlock";
  const { epoch, validators: members } = validators.set;
  if (ballot.epoch !== epoch || header.epoch !== epoch) return "wrongEpoch";
  if (!Signers.areWithin(signers, members.length)) return "noQuorum";
  if (!isQuorum(weightOfSigners(validators.set, signers), validators.totalWeight)) return "noQuorum";
  const publicKeys = Signers.indices(signers).map((index) => members[index]?.blsPublicKey ?? new Uint8Array(0));
  const message = ballotSigningBytes({ chainId, epoch, validatorSetHash: validators.hash }, ballot);
  return (bls ?? nobleBls()).verifyAggregate(publicKeys, message, signature) ? undefined : "badSignature";
}

let noble: BlsSuite | undefined;

function nobleBls(): BlsSuite {
  noble ??= createNobleSuite();
  return noble;
}
