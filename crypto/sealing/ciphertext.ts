/** Sealed parts: sealing, the check before ordering, and what opens one. The formulas are those of docs/sealing.md, in its letters.
 *  C1 nothing is shared of a sealed part whose proof was not checked under its label.
 *  C2 a seed is accepted only if sealing with it again gives the same U and the same c, so at most one seed fits a sealed part, and
 *  it is the one that shares combine to. */

import { assert } from "../../types/assert.ts";
import { bytesEqual, concatBytes } from "../../types/bytes.ts";
import { type OpenResult, SEALING_SIZES, type Share } from "../../types/sealing.ts";
import type { Group } from "./group.ts";
import type { LagrangeAtZero } from "./lagrange.ts";
import { hashInputs, hashToScalar, SEALING_TAGS } from "./transcript.ts";

/** Y and L: what every hash over a sealed part is bound to. */
interface Binding {
  readonly publicKey: Uint8Array;
  readonly label: Uint8Array;
}

/** The fields of a sealed part, as views of it. */
interface SealedPart {
  /** U = r·G and Ū = r·Ḡ. */
  readonly point: Uint8Array;
  readonly secondPoint: Uint8Array;
  /** e and z. */
  readonly challenge: Uint8Array;
  readonly response: Uint8Array;
  /** c = σ ⊕ H_kem. */
  readonly hiddenSeed: Uint8Array;
  readonly body: Uint8Array;
}

/** Undefined when the bytes are too few. */
export function splitSealed(sealed: Uint8Array): SealedPart | undefined {
  if (sealed.length < SEALING_SIZES.overhead) return undefined;
  return {
    point: sealed.subarray(0, 32),
    secondPoint: sealed.subarray(32, 64),
    challenge: sealed.subarray(64, 96),
    response: sealed.subarray(96, 128),
    hiddenSeed: sealed.subarray(128, 160),
    body: sealed.subarray(160),
  };
}

export interface Ciphertexts {
  seal(given: Binding & { readonly message: Uint8Array; readonly randomness: Uint8Array }): Uint8Array;
  check(given: Binding & { readonly sealed: Uint8Array }): boolean;
  shareOf(secretShare: Uint8Array, sealed: Uint8Array): Uint8Array;
  combine(given: { readonly shares: readonly Share[]; readonly label: Uint8Array; readonly sealed: Uint8Array }): Uint8Array | undefined;
  isSeedOf(given: Binding & { readonly sealed: Uint8Array; readonly seed: Uint8Array }): boolean;
  open(given: Binding & { readonly sealed: Uint8Array; readonly seed: Uint8Array }): OpenResult;
}

export function createCiphertexts<Point, Scalar>(group: Group<Point, Scalar>, lagrange: LagrangeAtZero<Scalar>): Ciphertexts {
  /** Ḡ. */
  const secondBase = group.pointFromHash(hashInputs(group, SEALING_TAGS.generator, []));

  const exponentOf = (given: Binding & { readonly seed: Uint8Array; readonly body: Uint8Array }): Scalar =>
    hashToScalar(group, SEALING_TAGS.exponent, [given.seed, given.body, given.label, given.publicKey]);
  const bodyKeyOf = (given: Binding & { readonly seed: Uint8Array }): Uint8Array =>
    hashInputs(group, SEALING_TAGS.body, [given.seed, given.publicKey, given.label]).subarray(0, 32);
  /** Hides a seed and gives it back: c ↔ σ. */
  const hideSeed = (given: { readonly seed: Uint8Array; readonly shared: Point; readonly point: Uint8Array; readonly label: Uint8Array }) =>
    xor(given.seed, hashInputs(group, SEALING_TAGS.seed, [group.encodePoint(given.shared), given.point, given.label]));

  function challengeOf(
    { publicKey, label }: Binding,
    part: Pick<SealedPart, "hiddenSeed" | "body" | "point" | "secondPoint">,
    commitments: readonly [Point, Point],
  ): Scalar {
    const { hiddenSeed, body, point, secondPoint } = part;
    const [first, second] = commitments.map((commitment) => group.encodePoint(commitment)) as [Uint8Array, Uint8Array];
    return hashToScalar(group, SEALING_TAGS.challenge, [hiddenSeed, body, label, publicKey, point, secondPoint, first, second]);
  }

  return {
    seal({ publicKey, label, message, randomness }) {
      assert(randomness.length === 64, "sealing takes 64 random bytes");
      const key = group.parsePoint(publicKey);
      assert(key !== undefined, "a sealing key is a point");
      const seed = randomness.subarray(0, 32);
      const body = group.encrypt({ key: bodyKeyOf({ seed, publicKey, label }), associated: label, text: message });
      const exponent = exponentOf({ seed, body, label, publicKey });
      const point = group.encodePoint(group.multiplyBase(exponent));
      const secondPoint = group.encodePoint(group.multiply(secondBase, exponent));
      const hiddenSeed = hideSeed({ seed, shared: group.multiply(key, exponent), point, label });
      // The exponent stands for everything that was sealed, so a nonce serves one statement even if the random bytes come again.
      const nonce = hashToScalar(group, SEALING_TAGS.sealNonce, [randomness.subarray(32), group.encodeScalar(exponent)]);
      const challenge = challengeOf({ publicKey, label }, { hiddenSeed, body, point, secondPoint }, [
        group.multiplyBase(nonce),
        group.multiply(secondBase, nonce),
      ]);
      const response = group.addScalars(nonce, group.multiplyScalars(challenge, exponent));
      return concatBytes([point, secondPoint, group.encodeScalar(challenge), group.encodeScalar(response), hiddenSeed, body]);
    },

    check({ publicKey, label, sealed }) {
      const part = splitSealed(sealed);
      if (part === undefined) return false;
      const challenge = group.parseScalar(part.challenge);
      const response = group.parseScalar(part.response);
      if (challenge === undefined || response === undefined) return false;
      const point = group.parsePoint(part.point);
      const secondPoint = group.parsePoint(part.secondPoint);
      if (point === undefined || secondPoint === undefined) return false;
      const first = group.subtract(group.multiplyBase(response), group.multiplyPublic(point, challenge));
      const second = group.subtract(group.multiplyPublic(secondBase, response), group.multiplyPublic(secondPoint, challenge));
      return bytesEqual(group.encodeScalar(challengeOf({ publicKey, label }, part, [first, second])), part.challenge);
    },

    shareOf(secretShare, sealed) {
      const scalar = group.parseScalar(secretShare);
      assert(scalar !== undefined, "a secret share is a scalar");
      const part = splitSealed(sealed);
      const point = part === undefined ? undefined : group.parsePoint(part.point);
      assert(point !== undefined, "C1: shares are made of sealed parts that were checked");
      return group.encodePoint(group.multiply(point, scalar));
    },

    combine({ shares, label, sealed }) {
      const part = splitSealed(sealed);
      if (part === undefined || shares.length === 0) return undefined;
      const sorted = [...shares].sort((left, right) => left.validator - right.validator);
      const points: Point[] = [];
      for (const { share } of sorted) {
        const point = group.parsePoint(share);
        if (point === undefined) return undefined;
        points.push(point);
      }
      const shared = group.combinePublic(points, lagrange(sorted.map(({ validator }) => validator)));
      return hideSeed({ seed: part.hiddenSeed, shared, point: part.point, label });
    },

    isSeedOf({ publicKey, label, sealed, seed }) {
      const part = splitSealed(sealed);
      const key = group.parsePoint(publicKey);
      if (part === undefined || key === undefined || seed.length !== SEALING_SIZES.seed) return false;
      const exponent = exponentOf({ seed, body: part.body, label, publicKey });
      if (!bytesEqual(group.encodePoint(group.multiplyBase(exponent)), part.point)) return false;
      const hidden = hideSeed({ seed, shared: group.multiplyPublic(key, exponent), point: part.point, label });
      return bytesEqual(hidden, part.hiddenSeed);
    },

    open({ publicKey, label, sealed, seed }) {
      const part = splitSealed(sealed);
      if (part === undefined) return { ok: false, reason: "badSeed" };
      const message = group.decrypt({ key: bodyKeyOf({ seed, publicKey, label }), associated: label, text: part.body });
      return message === undefined ? { ok: false, reason: "badBody" } : { ok: true, message };
    },
  };
}

/** 32 bytes; of the hash the first 32. */
function xor(bytes: Uint8Array, hash: Uint8Array): Uint8Array {
  const result = new Uint8Array(SEALING_SIZES.seed);
  for (let index = 0; index < result.length; index++) result[index] = (bytes[index] as number) ^ (hash[index] as number);
  return result;
}
