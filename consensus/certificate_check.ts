/** Is a certificate what it says? Structure first, one aggregate check last. Never looks at what we already know: the caller
 *  drops known ballots before it pays for a signature.
 *  R3 a quorum by weight; R10 within the set; R13 of this epoch, which the signed bytes contain. */

import type { BlockHeader, Justification } from "../types/block.ts";
import { View } from "../types/ids.ts";
import { INLINE_TIMEOUT_CERTIFICATES_MAX, SIGNERS_BYTES } from "../types/limits.ts";
import { ballotSigningBytes, type SigningDomain } from "../types/signing.ts";
import type { BlsSuite } from "../types/suites.ts";
import { isQuorum, Signers, type ValidatorSetContext, weightOfSigners } from "../types/validator_set.ts";
import type { Certificate } from "../types/vote.ts";

export interface CertificateContext {
  readonly domain: SigningDomain;
  readonly validators: ValidatorSetContext;
  readonly bls: BlsSuite;
}

/** The whole check: epoch, bitfield, weight, signature. */
export function isCertificateValid(certificate: Certificate, context: CertificateContext): boolean {
  return isCertificateWellFormed(certificate, context) && isCertificateSigned(certificate, context);
}

/** Everything but the signature. */
export function isCertificateWellFormed(certificate: Certificate, { domain, validators }: CertificateContext): boolean {
  const { ballot, signers } = certificate;
  if (ballot.epoch !== domain.epoch || ballot.view === View.ZERO || signers.length !== SIGNERS_BYTES) return false;
  if (!Signers.areWithin(signers, validators.set.validators.length)) return false;
  return isQuorum(weightOfSigners(validators.set, signers), validators.totalWeight);
}

/** One aggregate verification over the ballot's signing bytes. */
export function isCertificateSigned(certificate: Certificate, { domain, validators, bls }: CertificateContext): boolean {
  const publicKeys: Uint8Array[] = [];
  for (const index of Signers.indices(certificate.signers)) {
    const validator = validators.set.validators[index];
    if (validator === undefined) return false;
    publicKeys.push(validator.blsPublicKey);
  }
  return bls.verifyAggregate(publicKeys, ballotSigningBytes(domain, certificate.ballot), certificate.signature);
}

/** R1: does the justification name what the header needs: the parent's QC (none over genesis), and inline the newest TCs of
 *  the skipped views, without a gap, up to the limit? Signatures are not looked at. */
export function isJustificationShaped(header: BlockHeader, justification: Justification): boolean {
  const { parentCertificate, timeoutCertificates } = justification;
  if (header.parentView === View.ZERO) {
    if (parentCertificate !== undefined || header.height !== 1) return false;
  } else if (parentCertificate === undefined || !namesParent(parentCertificate, header)) {
    return false;
  }
  const skippedCount = header.view - header.parentView - 1;
  const inlineCount = Math.min(skippedCount, INLINE_TIMEOUT_CERTIFICATES_MAX);
  if (timeoutCertificates.length !== inlineCount) return false;
  return timeoutCertificates.every(
    ({ ballot }, index) => ballot.kind === "timeout" && ballot.epoch === header.epoch && ballot.view === header.view - inlineCount + index,
  );
}

function namesParent({ ballot }: Certificate, header: BlockHeader): boolean {
  const isOfBlock = ballot.kind === "vote" && ballot.epoch === header.epoch && ballot.blockHash === header.parentHash;
  return isOfBlock && ballot.view === header.parentView && ballot.height === header.height - 1;
}
