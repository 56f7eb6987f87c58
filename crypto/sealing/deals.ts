/** Verifiable secret sharing without a trusted dealer (Feldman commitments, shares hidden by hashed ElGamal), the pieces that the on-chain
 *  key generation puts together. Says nothing of phases, blocks or who is qualified.
 *  D1 a deal proves, under its context, that its dealer knows the ephemeral secret e and the constant a_0. A disclosure gives away x_j·E, so
 *  whoever could publish an E of somebody else could have any share addressed to j opened by j's own complaint.
 *  D2 the context names chain, round, epoch and dealer; it goes into mask, proof and coefficients. */

import { assert } from "../../types/assert.ts";
import { bytesEqual, concatBytes } from "../../types/bytes.ts";
import type { ValidatorIndex } from "../../types/ids.ts";
import { type KeyDeal, SEALING_SIZES, type SealingSuite } from "../../types/sealing.ts";
import { type DleqStatement, proveDleq, verifyDleq } from "./dleq.ts";
import { type EncodedPoint, encoded, type Group, parseAllEncoded, parseEncoded } from "./group.ts";
import { evaluationPointOf, type LagrangeAtZero } from "./lagrange.ts";
import { DLEQ_CONTEXTS, hashInputs, hashToScalar, SEALING_TAGS, uint32Bytes } from "./transcript.ts";

export type Deals = Pick<
  SealingSuite,
  | "deriveSecretKey"
  | "publicKeyOf"
  | "isPublicKey"
  | "deal"
  | "isDealWellFormed"
  | "receiveShare"
  | "discloseShare"
  | "judgeDisclosure"
  | "combineDeals"
  | "combineReceived"
  | "isDealOfShare"
>;

const SECRET_SEED_BYTES_MIN = 32;

export function createDeals<Point, Scalar>(group: Group<Point, Scalar>, lagrange: LagrangeAtZero<Scalar>): Deals {
  const secretScalar = (secretKey: Uint8Array): Scalar => {
    const scalar = group.parseScalar(secretKey);
    assert(scalar !== undefined, "a secret is a canonical scalar");
    return scalar;
  };
  const publicKeyOf = (secretKey: Uint8Array): Uint8Array => group.encodePoint(group.multiplyBase(secretScalar(secretKey)));

  /** The share and the point that hides it, by the recipient's own key; undefined when the deal has nothing readable for it. */
  function unmask(
    given: MaskInput<Point> & { readonly deal: KeyDeal },
  ): { readonly share: Scalar; readonly commitments: readonly EncodedPoint<Point>[] } | undefined {
    const masked = group.parseScalar(given.deal.sealedShares[given.recipient] ?? new Uint8Array(0));
    const commitments = parseAllEncoded(group, given.deal.commitments);
    if (masked === undefined || commitments === undefined || commitments.length === 0) return undefined;
    return { share: group.subtractScalars(masked, maskOf(group, given)), commitments };
  }

  return {
    deriveSecretKey(seed) {
      assert(seed.length >= SECRET_SEED_BYTES_MIN, "a secret seed has at least 32 bytes");
      return group.encodeScalar(hashToScalar(group, SEALING_TAGS.secretKey, [seed]));
    },
    publicKeyOf,
    isPublicKey: (publicKey) => group.parsePoint(publicKey) !== undefined,
    deal: (given) => makeDeal(group, given),
    isDealWellFormed: (given) => isDealWellFormed(group, given),

    receiveShare({ deal, recipient, secretKey, context }) {
      const ephemeral = parseEncoded(group, deal.ephemeral);
      if (ephemeral === undefined) return undefined;
      const shared = encoded(group, group.multiply(ephemeral.point, secretScalar(secretKey)));
      const own = unmask({ deal, shared, ephemeral, recipientKey: publicKeyOf(secretKey), recipient, context });
      if (own === undefined || !fitsCommitments(group, { ...own, recipient })) return undefined;
      return group.encodeScalar(own.share);
    },

    discloseShare({ deal, secretKey, context }) {
      const [threshold, recipients] = [deal.commitments.length, deal.sealedShares.length];
      assert(
        isDealWellFormed(group, { deal, threshold, recipients, context }),
        "D1: shares are disclosed only of deals that prove themselves",
      );
      const secret = secretScalar(secretKey);
      const ephemeral = parseEncoded(group, deal.ephemeral);
      assert(ephemeral !== undefined, "a deal that proves itself has an ephemeral point");
      const shared = encoded(group, group.multiply(ephemeral.point, secret));
      const statement = disclosureStatement(group, { key: encoded(group, group.multiplyBase(secret)), ephemeral, shared });
      const nonce = hashToScalar(group, SEALING_TAGS.disclosureNonce, [secretKey, statement.seed]);
      return { sharedPoint: shared.bytes, proof: proveDleq(group, statement, { secret, nonce }) };
    },

    judgeDisclosure({ deal, recipient, recipientKey, disclosure, context }) {
      const key = parseEncoded(group, recipientKey);
      const ephemeral = parseEncoded(group, deal.ephemeral);
      const shared = parseEncoded(group, disclosure.sharedPoint);
      if (key === undefined || ephemeral === undefined || shared === undefined) return "invalid";
      if (!verifyDleq(group, disclosureStatement(group, { key, ephemeral, shared }), disclosure.proof)) return "invalid";
      const own = unmask({ deal, shared, ephemeral, recipientKey, recipient, context });
      if (own === undefined) return "invalid";
      return fitsCommitments(group, { ...own, recipient }) ? "groundless" : "dealerCheated";
    },

    combineDeals({ deals, dealers, isResharing, recipients }) {
      assert(deals.length > 0, "a key comes from at least one deal");
      assert(deals.length === dealers.length, "each deal has its dealer");
      const lists = deals.map(({ commitments }) => commitmentsOf(group, commitments));
      const weights = isResharing ? lagrange(dealers) : undefined;
      const sums = (lists[0] as Point[]).map((_, degree) => {
        const points = lists.map((list) => {
          const point = list[degree];
          assert(point !== undefined, "all deals have the same threshold");
          return point;
        });
        return weights === undefined ? sumOf(group, points) : group.combinePublic(points, weights);
      });
      const shareKeys = Array.from({ length: recipients }, (_, index) =>
        group.encodePoint(evaluateCommitments(group, sums, evaluationPointOf(index as ValidatorIndex))),
      );
      return { publicKey: group.encodePoint(sums[0] as Point), shareKeys };
    },

    combineReceived({ shares, dealers, isResharing }) {
      assert(shares.length > 0, "a share comes from at least one deal");
      assert(shares.length === dealers.length, "each share has its dealer");
      const weights = isResharing ? lagrange(dealers) : undefined;
      const terms = shares.map((share, index) => {
        const scalar = secretScalar(share);
        return weights === undefined ? scalar : group.multiplyScalars(scalar, weights[index] as Scalar);
      });
      return group.encodeScalar(terms.reduce((sum, term) => group.addScalars(sum, term)));
    },

    isDealOfShare(deal, shareKey) {
      const [constant] = deal.commitments;
      return constant !== undefined && bytesEqual(constant, shareKey);
    },
  };
}

/** What a mask depends on. `shared` is e·X_j = x_j·E. */
interface MaskInput<Point> {
  readonly shared: EncodedPoint<Point>;
  readonly ephemeral: EncodedPoint<Point>;
  readonly recipientKey: Uint8Array;
  readonly recipient: ValidatorIndex;
  readonly context: Uint8Array;
}

function maskOf<Point, Scalar>(group: Group<Point, Scalar>, given: MaskInput<Point>): Scalar {
  const { shared, ephemeral, recipientKey, recipient, context } = given;
  return hashToScalar(group, SEALING_TAGS.dealMask, [shared.bytes, ephemeral.bytes, recipientKey, context, uint32Bytes(recipient)]);
}

/** Everything secret comes from one root, which is bound to all that the deal says: another deal has other coefficients and nonces. */
function makeDeal<Point, Scalar>(group: Group<Point, Scalar>, given: Parameters<SealingSuite["deal"]>[0]): KeyDeal {
  const { seed, constant, threshold, recipients, context } = given;
  assert(seed.length >= SECRET_SEED_BYTES_MIN, "a dealer's seed has at least 32 bytes");
  assert(threshold >= 1, "a threshold is at least one");
  assert(threshold <= recipients.length, "a threshold is at most the number of recipients");
  const root = hashInputs(group, SEALING_TAGS.dealRoot, [
    seed,
    context,
    uint32Bytes(threshold),
    concatBytes(recipients),
    constant ?? new Uint8Array(0),
  ]);
  const secretOf = (purpose: Uint8Array, index: number): Scalar => hashToScalar(group, purpose, [root, uint32Bytes(index)]);
  const coefficients = Array.from({ length: threshold }, (_, degree) => secretOf(SEALING_TAGS.dealCoefficient, degree));
  if (constant !== undefined) {
    const replaced = group.parseScalar(constant);
    assert(replaced !== undefined, "a constant is a canonical scalar");
    coefficients[0] = replaced;
  }
  const ephemeralSecret = secretOf(SEALING_TAGS.dealEphemeral, 0);
  const ephemeral = encoded(group, group.multiplyBase(ephemeralSecret));
  const sealedShares = recipients.map((recipientKey, index) => {
    const key = group.parsePoint(recipientKey);
    assert(key !== undefined, "a recipient's key is a point");
    const recipient = index as ValidatorIndex;
    const shared = encoded(group, group.multiply(key, ephemeralSecret));
    const mask = maskOf(group, { shared, ephemeral, recipientKey, recipient, context });
    return group.encodeScalar(group.addScalars(evaluate(group, coefficients, evaluationPointOf(recipient)), mask));
  });
  const commitments = coefficients.map((coefficient) => group.encodePoint(group.multiplyBase(coefficient)));
  const nonces = [secretOf(SEALING_TAGS.dealNonce, 0), secretOf(SEALING_TAGS.dealNonce, 1)] as const;
  const challenge = dealChallenge(group, {
    deal: { commitments, ephemeral: ephemeral.bytes, sealedShares },
    context,
    nonceCommitments: [group.multiplyBase(nonces[0]), group.multiplyBase(nonces[1])],
  });
  const respond = (nonce: Scalar, secret: Scalar): Uint8Array =>
    group.encodeScalar(group.addScalars(nonce, group.multiplyScalars(challenge, secret)));
  const responses = [respond(nonces[0], coefficients[0] as Scalar), respond(nonces[1], ephemeralSecret)];
  return { commitments, ephemeral: ephemeral.bytes, sealedShares, proof: concatBytes([group.encodeScalar(challenge), ...responses]) };
}

/** Schnorr for two secrets under one challenge over the whole deal and its context. */
function dealChallenge<Point, Scalar>(
  group: Group<Point, Scalar>,
  given: {
    readonly deal: Omit<KeyDeal, "proof">;
    readonly context: Uint8Array;
    readonly nonceCommitments: readonly [Point, Point];
  },
): Scalar {
  const { deal, context, nonceCommitments } = given;
  return hashToScalar(group, SEALING_TAGS.dealChallenge, [
    context,
    concatBytes(deal.commitments),
    deal.ephemeral,
    concatBytes(deal.sealedShares),
    group.encodePoint(nonceCommitments[0]),
    group.encodePoint(nonceCommitments[1]),
  ]);
}

function isDealWellFormed<Point, Scalar>(
  group: Group<Point, Scalar>,
  { deal, threshold, recipients, context }: Parameters<SealingSuite["isDealWellFormed"]>[0],
): boolean {
  if (deal.commitments.length !== threshold || deal.sealedShares.length !== recipients) return false;
  if (deal.proof.length !== SEALING_SIZES.dealProof) return false;
  if (deal.sealedShares.some((share) => group.parseScalar(share) === undefined)) return false;
  const commitments = parseAllEncoded(group, deal.commitments);
  const ephemeral = group.parsePoint(deal.ephemeral);
  const challenge = group.parseScalar(deal.proof.subarray(0, 32));
  const responses = [group.parseScalar(deal.proof.subarray(32, 64)), group.parseScalar(deal.proof.subarray(64))] as const;
  const constant = commitments?.[0]?.point;
  if (constant === undefined || ephemeral === undefined || challenge === undefined) return false;
  if (responses[0] === undefined || responses[1] === undefined) return false;
  const commitmentOf = (response: Scalar, point: Point): Point =>
    group.subtract(group.multiplyBase(response), group.multiplyPublic(point, challenge));
  const nonceCommitments = [commitmentOf(responses[0], constant), commitmentOf(responses[1], ephemeral)] as const;
  const expected = dealChallenge(group, { deal, context, nonceCommitments });
  return bytesEqual(group.encodeScalar(expected), group.encodeScalar(challenge));
}

function disclosureStatement<Point, Scalar>(
  group: Group<Point, Scalar>,
  given: { readonly key: EncodedPoint<Point>; readonly ephemeral: EncodedPoint<Point>; readonly shared: EncodedPoint<Point> },
): DleqStatement<Point> {
  const { key, ephemeral, shared } = given;
  const seed = hashInputs(group, SEALING_TAGS.disclosureStatement, [key.bytes, ephemeral.bytes, shared.bytes]);
  return { context: DLEQ_CONTEXTS.disclosure, seed, key, inputs: [ephemeral], outputs: [shared] };
}

/** share·G = F(j + 1)·G? */
function fitsCommitments<Point, Scalar>(
  group: Group<Point, Scalar>,
  given: { readonly share: Scalar; readonly commitments: readonly EncodedPoint<Point>[]; readonly recipient: ValidatorIndex },
): boolean {
  const points = given.commitments.map(({ point }) => point);
  const expected = evaluateCommitments(group, points, evaluationPointOf(given.recipient));
  return bytesEqual(group.encodePoint(group.multiplyBase(given.share)), group.encodePoint(expected));
}

/** F(at) by Horner's rule. */
function evaluate<Point, Scalar>(group: Group<Point, Scalar>, coefficients: readonly Scalar[], at: number): Scalar {
  const factor = group.scalarOf(at);
  return coefficients.reduceRight((value, coefficient) => group.addScalars(group.multiplyScalars(value, factor), coefficient));
}

/** F(at)·G by Horner's rule; commitments are public, and the factors small. */
function evaluateCommitments<Point, Scalar>(group: Group<Point, Scalar>, commitments: readonly Point[], at: number): Point {
  return commitments.reduceRight((value, commitment) => group.add(group.multiplySmall(value, at), commitment));
}

function sumOf<Point, Scalar>(group: Group<Point, Scalar>, points: readonly Point[]): Point {
  return points.reduce((sum, point) => group.add(sum, point));
}

function commitmentsOf<Point, Scalar>(group: Group<Point, Scalar>, commitments: readonly Uint8Array[]): Point[] {
  const points = parseAllEncoded(group, commitments);
  assert(points !== undefined, "deals that count are well-formed");
  return points.map(({ point }) => point);
}
