/** Proofs that the logarithms of B to G and of all D_i to C_i are the same, one proof for a list of pairs, composed, hashed and encoded as
 *  RFC 9497 §2.2 says, for the suite ristretto255-SHA512 of its §4.1. One thing is stricter than there: the seed of the weights is an input here,
 *  and our callers hash the whole statement into it. In the RFC a weight depends on B and its own pair alone, so for long lists
 *  a prover who is free to choose the D_i could search for errors that cancel (a k-list birthday search, Wagner 2002). */

import { assert } from "../../types/assert.ts";
import { asciiBytes, bytesEqual, concatBytes } from "../../types/bytes.ts";
import { SEALING_SIZES } from "../../types/sealing.ts";
import { type EncodedPoint, encoded, type Group } from "./group.ts";

export const DLEQ_PAIRS_MAX = 0xffff;

/** `inputs` are the C_i, `outputs` the D_i: as many, at least one. `key` is B. */
export interface DleqStatement<Point> {
  readonly context: Uint8Array;
  /** 64 bytes; see the header. */
  readonly seed: Uint8Array;
  readonly key: EncodedPoint<Point>;
  readonly inputs: readonly EncodedPoint<Point>[];
  readonly outputs: readonly EncodedPoint<Point>[];
}

/** GenerateProof of RFC 9497 §2.2.1 with the nonce given: challenge ‖ response, 64 bytes. A nonce serves one statement, ever. */
export function proveDleq<Point, Scalar>(
  group: Group<Point, Scalar>,
  statement: DleqStatement<Point>,
  given: { readonly secret: Scalar; readonly nonce: Scalar },
): Uint8Array {
  const { secret, nonce } = given;
  assertShape(statement);
  const composite = group.combinePublic(statement.inputs.map(pointOf), weightsOf(group, statement));
  const challenge = challengeOf(group, statement, [
    composite,
    group.multiply(composite, secret),
    group.multiplyBase(nonce),
    group.multiply(composite, nonce),
  ]);
  const response = group.subtractScalars(nonce, group.multiplyScalars(challenge, secret));
  return concatBytes([group.encodeScalar(challenge), group.encodeScalar(response)]);
}

/** VerifyProof of RFC 9497 §2.2.2; malformed proofs are false. */
export function verifyDleq<Point, Scalar>(group: Group<Point, Scalar>, statement: DleqStatement<Point>, proof: Uint8Array): boolean {
  assertShape(statement);
  if (proof.length !== SEALING_SIZES.proof) return false;
  const challenge = group.parseScalar(proof.subarray(0, SEALING_SIZES.scalar));
  const response = group.parseScalar(proof.subarray(SEALING_SIZES.scalar));
  if (challenge === undefined || response === undefined) return false;
  const weights = weightsOf(group, statement);
  const composite = group.combinePublic(statement.inputs.map(pointOf), weights);
  const image = group.combinePublic(statement.outputs.map(pointOf), weights);
  const expected = challengeOf(group, statement, [
    composite,
    image,
    group.add(group.multiplyBase(response), group.multiplyPublic(statement.key.point, challenge)),
    group.combinePublic([composite, image], [response, challenge]),
  ]);
  return bytesEqual(group.encodeScalar(expected), group.encodeScalar(challenge));
}

const SCALAR_DST = asciiBytes("HashToScalar-");
const COMPOSITE = asciiBytes("Composite");
const CHALLENGE = asciiBytes("Challenge");

const pointOf = <Point>({ point }: EncodedPoint<Point>): Point => point;

function assertShape<Point>({ inputs, outputs }: DleqStatement<Point>): void {
  assert(inputs.length > 0, "a proof is over at least one pair");
  assert(inputs.length <= DLEQ_PAIRS_MAX, "a proof is over at most DLEQ_PAIRS_MAX pairs");
  assert(inputs.length === outputs.length, "a proof is over pairs");
}

/** The d_i of ComputeComposites. */
function weightsOf<Point, Scalar>(group: Group<Point, Scalar>, { context, seed, inputs, outputs }: DleqStatement<Point>): Scalar[] {
  return inputs.map((input, index) =>
    hashToScalarRfc(group, context, [
      ...withLength(seed),
      uint16(index),
      ...withLength(input.bytes),
      ...withLength((outputs[index] as EncodedPoint<Point>).bytes),
      COMPOSITE,
    ]),
  );
}

function challengeOf<Point, Scalar>(
  group: Group<Point, Scalar>,
  { context, key }: DleqStatement<Point>,
  points: readonly [composite: Point, image: Point, commitment: Point, compositeCommitment: Point],
): Scalar {
  const parts = points.flatMap((point) => withLength(encoded(group, point).bytes));
  return hashToScalarRfc(group, context, [...withLength(key.bytes), ...parts, CHALLENGE]);
}

/** HashToScalar of RFC 9497 §4.1: expand_message_xmd (RFC 9380 §5.3.1) with SHA-512 to 64 bytes, which is one block. */
function hashToScalarRfc<Point, Scalar>(group: Group<Point, Scalar>, context: Uint8Array, message: readonly Uint8Array[]): Scalar {
  const suffix = concatBytes([SCALAR_DST, context, Uint8Array.of(SCALAR_DST.length + context.length)]);
  const first = group.hash(concatBytes([SHA512_BLOCK, ...message, uint16(64), Uint8Array.of(0), suffix]));
  return group.scalarFromHash(group.hash(concatBytes([first, Uint8Array.of(1), suffix])));
}

const SHA512_BLOCK = new Uint8Array(128);

function withLength(bytes: Uint8Array): Uint8Array[] {
  return [uint16(bytes.length), bytes];
}

/** I2OSP(value, 2): big-endian. */
function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}
