/** Certificates that claim a quorum which never was. Each is right in shape, passes every codec and could pass a careless check. */

import { type BlockHash, Height, ValidatorIndex, View } from "../../../types/ids.ts";
import { VALIDATORS_MAX } from "../../../types/limits.ts";
import { Signers } from "../../../types/validator_set.ts";
import type { Certificate } from "../../../types/vote.ts";
import type { TraitorContext } from "../strategy.ts";
import { withKind } from "./ballots.ts";
import { everybody, inventBlsSignature, inventHash } from "./inventions.ts";

export interface Forgery {
  readonly name: string;
  /** A wrong certificate made of a right one and of `other`, an earlier one. */
  readonly make: (certificate: Certificate, other: Certificate, context: TraitorContext) => Certificate;
}

export const FORGERIES: readonly Forgery[] = [
  { name: "too few signers", make: (certificate) => ({ ...certificate, signers: withoutOne(certificate.signers) }) },
  { name: "no signers", make: (certificate) => ({ ...certificate, signers: Signers.empty() }) },
  { name: "signers who did not sign", make: claimEverybody },
  { name: "its own signature for all", make: ownSignatureForAll },
  { name: "its own signature alone", make: ownSignatureAlone },
  { name: "its own signature several times", make: ownSignatureRepeated },
  { name: "its own signature once too often", make: ownSignatureAdded },
  { name: "signers outside of the set", make: withStrangers },
  { name: "its own signature and many outside of the set", make: ownSignatureWithStrangers },
  { name: "another view", make: ({ ballot, ...rest }) => ({ ...rest, ballot: { ...ballot, view: View.next(ballot.view) } }) },
  { name: "another block", make: anotherBlock },
  { name: "another height", make: anotherHeight },
  { name: "a foreign aggregate", make: foreignAggregate },
  { name: "another kind", make: anotherKind },
  { name: "a made-up signature", make: (certificate, _, { stream }) => ({ ...certificate, signature: inventBlsSignature(stream) }) },
  { name: "an empty signature", make: (certificate) => ({ ...certificate, signature: new Uint8Array(certificate.signature.length) }) },
];

/** A wrong certificate made of `certificate`, and what is wrong with it. */
export function forge(
  certificate: Certificate,
  other: Certificate,
  context: TraitorContext,
): { readonly certificate: Certificate; readonly name: string } {
  const { name, make } = context.stream.pick(FORGERIES);
  return { certificate: make(certificate, other, context), name };
}

function withoutOne(signers: Uint8Array): Uint8Array {
  const [, ...rest] = Signers.indices(signers);
  return Signers.of(rest);
}

/** A smaller bitfield would be honest: the aggregate stays, the claim grows. Where all signed, one is left out instead. */
function claimEverybody(certificate: Certificate, _other: Certificate, { count }: TraitorContext): Certificate {
  const all = everybody(count);
  const isComplete = Signers.indices(certificate.signers).length === count;
  return { ...certificate, signers: isComplete ? withoutOne(all) : all };
}

function ownSignatureForAll({ ballot }: Certificate, _other: Certificate, context: TraitorContext): Certificate {
  return { ballot, signers: everybody(context.count), signature: context.signVote(ballot).signature };
}

function ownSignatureAlone({ ballot }: Certificate, _other: Certificate, context: TraitorContext): Certificate {
  return { ballot, signers: Signers.of([context.self]), signature: context.signVote(ballot).signature };
}

/** One signature summed up as often as there are validators, in the name of all of them (failure 6). */
function ownSignatureRepeated({ ballot }: Certificate, _other: Certificate, context: TraitorContext): Certificate {
  const own = context.signVote(ballot).signature;
  const sum = context.aggregate?.(Array.from({ length: context.count }, () => own)) ?? own;
  return { ballot, signers: everybody(context.count), signature: sum };
}

/** A right aggregate with our signature on top, while our bit is set only once. */
function ownSignatureAdded(certificate: Certificate, _other: Certificate, context: TraitorContext): Certificate {
  const own = context.signVote(certificate.ballot).signature;
  const twice = context.aggregate?.([certificate.signature, own, own]) ?? own;
  return { ...certificate, signers: Signers.with(certificate.signers, context.self), signature: twice };
}

function withStrangers(certificate: Certificate, _other: Certificate, context: TraitorContext): Certificate {
  const beyond = context.count < VALIDATORS_MAX ? context.stream.between(context.count, VALIDATORS_MAX - 1) : VALIDATORS_MAX - 1;
  return { ...certificate, signers: Signers.with(certificate.signers, ValidatorIndex.of(beyond)) };
}

/** The aggregate holds for those who are in the set; were strangers counted, they would be a quorum. */
function ownSignatureWithStrangers({ ballot }: Certificate, _other: Certificate, context: TraitorContext): Certificate {
  const strangers = Array.from({ length: VALIDATORS_MAX - context.count }, (_, index) => ValidatorIndex.of(context.count + index));
  return { ballot, signers: Signers.of([context.self, ...strangers]), signature: context.signVote(ballot).signature };
}

function anotherBlock(certificate: Certificate, other: Certificate, context: TraitorContext): Certificate {
  const { ballot } = certificate;
  // A timeout names no block: there the view is wrong instead.
  if (ballot.kind === "timeout") return { ...certificate, ballot: { ...ballot, view: View.plus(ballot.view, 2) } };
  const isElsewhere = other.ballot.kind !== "timeout" && other.ballot.blockHash !== ballot.blockHash;
  const blockHash = isElsewhere ? other.ballot.blockHash : inventHash<BlockHash>(context.stream);
  return { ...certificate, ballot: { ...ballot, blockHash } };
}

function anotherHeight(certificate: Certificate): Certificate {
  const { ballot } = certificate;
  if (ballot.kind === "timeout") return { ...certificate, ballot: { ...ballot, view: View.plus(ballot.view, 3) } };
  return { ...certificate, ballot: { ...ballot, height: Height.next(ballot.height) } };
}

/** The signature of one ballot under another. */
function foreignAggregate(certificate: Certificate, other: Certificate, context: TraitorContext): Certificate {
  const isOfAnother = other.signature.some((byte, index) => byte !== certificate.signature[index]);
  return { ...certificate, signature: isOfAnother ? other.signature : inventBlsSignature(context.stream) };
}

/** A QC as a CC, a CC as a QC, either as a TC; a TC as the CC of a block that nobody made. */
function anotherKind(certificate: Certificate, _other: Certificate, context: TraitorContext): Certificate {
  const { ballot } = certificate;
  if (ballot.kind === "timeout") {
    const height = Height.next(context.status.finalHeight);
    return { ...certificate, ballot: { ...ballot, kind: "commit", height, blockHash: inventHash<BlockHash>(context.stream) } };
  }
  if (context.stream.chance(0.3)) return { ...certificate, ballot: withKind(ballot, "timeout") };
  return { ...certificate, ballot: withKind(ballot, ballot.kind === "vote" ? "commit" : "vote") };
}
