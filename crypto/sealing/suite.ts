/** The suite TDH2-R255-FO over any group: threshold encryption of Shoup and Gennaro with a Fujisaki–Okamoto seed, provable shares, and
 *  verifiable dealing. The security argument stands in docs/sealing.md. Holds no secret, no key and no state but a cache of public coefficients. */

import { assert } from "../../types/assert.ts";
import { SEALING_SIZES, type SealingSuite } from "../../types/sealing.ts";
import { createCiphertexts, splitSealed } from "./ciphertext.ts";
import { createDeals } from "./deals.ts";
import { DLEQ_PAIRS_MAX, type DleqStatement, proveDleq, verifyDleq } from "./dleq.ts";
import { type EncodedPoint, encoded, type Group, parseAllEncoded, parseEncoded } from "./group.ts";
import { createLagrange } from "./lagrange.ts";
import { DLEQ_CONTEXTS, hashInputs, hashToScalar, SEALING_TAGS } from "./transcript.ts";

export function createSealingSuite<Point, Scalar>(group: Group<Point, Scalar>): SealingSuite {
  const lagrange = createLagrange(group);
  return {
    name: group.name,
    suite: group.suite,
    ...createCiphertexts(group, lagrange),
    ...createDeals(group, lagrange),

    proveShares({ secretShare, sealed }) {
      const secret = group.parseScalar(secretShare);
      assert(secret !== undefined, "a secret share is a scalar");
      const inputs = pointsOfSealed(group, sealed);
      assert(inputs !== undefined, "C1: shares are made of sealed parts that were checked");
      const outputs = inputs.map(({ point }) => encoded(group, group.multiply(point, secret)));
      const statement = shareStatement(group, { key: encoded(group, group.multiplyBase(secret)), inputs, outputs });
      const nonce = hashToScalar(group, SEALING_TAGS.shareNonce, [secretShare, statement.seed]);
      return proveDleq(group, statement, { secret, nonce });
    },

    verifyShares({ shareKey, sealed, shares, proof }) {
      if (sealed.length === 0 || sealed.length > DLEQ_PAIRS_MAX || sealed.length !== shares.length) return false;
      const key = parseEncoded(group, shareKey);
      const inputs = pointsOfSealed(group, sealed);
      const outputs = parseAllEncoded(group, shares);
      if (key === undefined || inputs === undefined || outputs === undefined) return false;
      return verifyDleq(group, shareStatement(group, { key, inputs, outputs }), proof);
    },
  };
}

/** The U of each sealed part; undefined when one has none. */
function pointsOfSealed<Point, Scalar>(group: Group<Point, Scalar>, sealed: readonly Uint8Array[]): EncodedPoint<Point>[] | undefined {
  return parseAllEncoded(
    group,
    sealed.map((bytes) => splitSealed(bytes)?.point ?? new Uint8Array(0)),
  );
}

/** The seed of the weights hashes all pairs and Y_i: no share can be chosen after its weight is known. */
function shareStatement<Point, Scalar>(
  group: Group<Point, Scalar>,
  given: Pick<DleqStatement<Point>, "key" | "inputs" | "outputs">,
): DleqStatement<Point> {
  const { key, inputs, outputs } = given;
  const seed = hashInputs(group, SEALING_TAGS.shareStatement, [key.bytes, joined(inputs), joined(outputs)]);
  return { context: DLEQ_CONTEXTS.share, seed, key, inputs, outputs };
}

function joined<Point>(points: readonly EncodedPoint<Point>[]): Uint8Array {
  const bytes = new Uint8Array(points.length * SEALING_SIZES.point);
  for (const [index, point] of points.entries()) bytes.set(point.bytes, index * SEALING_SIZES.point);
  return bytes;
}
