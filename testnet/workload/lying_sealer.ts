/** Seals wrongly on purpose, with a proof that is right: what only the opening shows. Written over the arithmetic of the group, from the
 *  formulas of the suite. Nobody's secret is used. */

import type { Group } from "../../crypto/sealing/group.ts";
import { hashInputs, hashToScalar, SEALING_TAGS } from "../../crypto/sealing/transcript.ts";
import { concatBytes } from "../../types/bytes.ts";
import { SEALING_SIZES } from "../../types/sealing.ts";

/** hidden: U is that of the seed, c hides another one. exponent: c hides the seed, U is not that of the seed. Nobody finds a seed for
 *  either. body: the seed fits, the body is rubbish. */
export type SealingLie = "hidden" | "exponent" | "body";
export const SEALING_LIES: readonly SealingLie[] = ["hidden", "exponent", "body"];

export interface LieRequest {
  readonly publicKey: Uint8Array;
  readonly label: Uint8Array;
  readonly message: Uint8Array;
  /** 64 fresh bytes. */
  readonly randomness: Uint8Array;
  readonly lie: SealingLie;
}

/** The sealed part, as long as an honest one. */
export type LyingSealer = (request: LieRequest) => Uint8Array;

export function createLyingSealer<Point, Scalar>(group: Group<Point, Scalar>): LyingSealer {
  return (request) => sealWrongly(group, request);
}

function sealWrongly<Point, Scalar>(group: Group<Point, Scalar>, request: LieRequest): Uint8Array {
  const { publicKey, label, message, randomness, lie } = request;
  const key = group.parsePoint(publicKey) as Point;
  const seed = randomness.subarray(0, 32);
  const secondBase = group.pointFromHash(hashInputs(group, SEALING_TAGS.generator, []));
  const bodyKey = hashInputs(group, SEALING_TAGS.body, [seed, publicKey, label]).subarray(0, 32);
  const encrypted = group.encrypt({ key: bodyKey, associated: label, text: message });
  const body = lie === "body" ? new Uint8Array(message.length + SEALING_SIZES.tag).fill(0x77) : encrypted;
  const fitting = hashToScalar(group, SEALING_TAGS.exponent, [seed, body, label, publicKey]);
  const exponent = lie === "exponent" ? group.addScalars(fitting, group.scalarOf(5)) : fitting;
  const point = group.encodePoint(group.multiplyBase(exponent));
  const secondPoint = group.encodePoint(group.multiply(secondBase, exponent));
  const mask = hashInputs(group, SEALING_TAGS.seed, [group.encodePoint(group.multiply(key, exponent)), point, label]);
  const hidden = seed.map((byte, index) => byte ^ (mask[index] as number) ^ (lie === "hidden" ? 0x11 : 0));
  const nonce = group.scalarFromHash(group.hash(randomness));
  const commitments = [group.multiplyBase(nonce), group.multiply(secondBase, nonce)].map((each) => group.encodePoint(each));
  const challenge = hashToScalar(group, SEALING_TAGS.challenge, [hidden, body, label, publicKey, point, secondPoint, ...commitments]);
  const response = group.addScalars(nonce, group.multiplyScalars(challenge, exponent));
  return concatBytes([point, secondPoint, group.encodeScalar(challenge), group.encodeScalar(response), hidden, body]);
}
