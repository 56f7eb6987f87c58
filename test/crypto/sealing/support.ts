/** What the tests of the sealing suite share: the suites over all groups, a key made by dealers as the chain does it, and
 *  a sealer that lies with a valid proof. */

import type { Group } from "../../../crypto/sealing/group.ts";
import { nobleGroup } from "../../../crypto/sealing/noble_group.ts";
import { createSodiumGroup } from "../../../crypto/sealing/sodium_group.ts";
import { createSealingSuite } from "../../../crypto/sealing/suite.ts";
import { hashInputs, hashToScalar, SEALING_TAGS } from "../../../crypto/sealing/transcript.ts";
import { loadSodium } from "../../../node/sodium.ts";
import { fastGroup } from "../../../testnet/simulator/fast_sealing.ts";
import { asciiBytes, concatBytes } from "../../../types/bytes.ts";
import { ValidatorIndex } from "../../../types/ids.ts";
import type { KeyDeal, SealingSuite, Share } from "../../../types/sealing.ts";

export const sodiumGroup = createSodiumGroup(await loadSodium());
export { fastGroup, nobleGroup };

/** A suite with what only its group can do. */
export interface Tested {
  readonly name: string;
  readonly suite: SealingSuite;
  readonly forge: (given: Forgery) => Uint8Array;
  /** A share of `validator` that makes the others combine to factor·G, whatever the right value is. */
  readonly steer: (given: { readonly others: readonly Share[]; readonly validator: ValidatorIndex; readonly factor: number }) => Share;
}

export const fast = testedOf(fastGroup);
export const noble = testedOf(nobleGroup);
export const sodium = testedOf(sodiumGroup);
export const real: readonly Tested[] = [sodium, noble];
export const all: readonly Tested[] = [sodium, noble, fast];

export const counting = (length: number, start: number): Uint8Array => Uint8Array.from({ length }, (_, index) => start + index);
export const indices = (count: number): ValidatorIndex[] => Array.from({ length: count }, (_, index) => ValidatorIndex.of(index));

/** How a sealer lies. The proof is right under the label in each case.
 *  `wrongHidden`: U is that of the seed, c is not. `wrongExponent`: c hides the seed, U is not that of the seed. `wrongBody`: all fits but the body
 *  is rubbish. `steered`: like wrongHidden, and c hides the seed under factor·G instead of r·Y. */
export type Lie = "wrongHidden" | "wrongExponent" | "wrongBody" | "steered";
export const LIES: readonly Lie[] = ["wrongHidden", "wrongExponent", "wrongBody", "steered"];

export interface Forgery {
  readonly publicKey: Uint8Array;
  readonly label: Uint8Array;
  readonly lie: Lie;
  /** The seed that the sealer may show afterwards. */
  readonly seed: Uint8Array;
  readonly factor: number;
}

function testedOf<Point, Scalar>(group: Group<Point, Scalar>): Tested {
  return {
    name: group.name,
    suite: createSealingSuite(group),
    forge: (given) => forge(group, given),
    steer: (given) => steer(group, given),
  };
}

/** Seals by the formulas, apart from the lie. */
function forge<Point, Scalar>(group: Group<Point, Scalar>, { publicKey, label, lie, seed, factor }: Forgery): Uint8Array {
  const key = group.parsePoint(publicKey) as Point;
  const secondBase = group.pointFromHash(hashInputs(group, SEALING_TAGS.generator, []));
  const bodyKey = hashInputs(group, SEALING_TAGS.body, [seed, publicKey, label]).subarray(0, 32);
  const body = lie === "wrongBody" ? counting(40, factor) : group.encrypt({ key: bodyKey, associated: label, text: asciiBytes("forged") });
  const honest = hashToScalar(group, SEALING_TAGS.exponent, [seed, body, label, publicKey]);
  const exponent = lie === "wrongExponent" ? group.addScalars(honest, group.scalarOf(factor)) : honest;
  const point = group.encodePoint(group.multiplyBase(exponent));
  const secondPoint = group.encodePoint(group.multiply(secondBase, exponent));
  const shared = lie === "steered" ? group.multiplyBase(group.scalarOf(factor)) : group.multiply(key, exponent);
  const mask = hashInputs(group, SEALING_TAGS.seed, [group.encodePoint(shared), point, label]);
  const hidden = seed.map((byte, index) => byte ^ (mask[index] as number) ^ (lie === "wrongHidden" ? factor : 0));
  const nonce = group.scalarOf(4_711);
  const commitments = [group.multiplyBase(nonce), group.multiply(secondBase, nonce)].map((each) => group.encodePoint(each));
  const challenge = hashToScalar(group, SEALING_TAGS.challenge, [hidden, body, label, publicKey, point, secondPoint, ...commitments]);
  const response = group.addScalars(nonce, group.multiplyScalars(challenge, exponent));
  return concatBytes([point, secondPoint, group.encodeScalar(challenge), group.encodeScalar(response), hidden, body]);
}

/** Solves Σ λ_i·D_i = factor·G for the last share. */
function steer<Point, Scalar>(
  group: Group<Point, Scalar>,
  { others, validator, factor }: { readonly others: readonly Share[]; readonly validator: ValidatorIndex; readonly factor: number },
): Share {
  const at = (index: ValidatorIndex): Scalar => group.scalarOf(index + 1);
  const everybody = [...others.map((share) => share.validator), validator];
  const coefficientOf = (own: ValidatorIndex): Scalar =>
    everybody
      .filter((other) => other !== own)
      .map((other) => group.multiplyScalars(at(other), group.invertScalar(group.subtractScalars(at(other), at(own)))))
      .reduce((product, each) => group.multiplyScalars(product, each), group.scalarOf(1));
  let rest = group.multiplyBase(group.scalarOf(factor));
  for (const share of others) {
    rest = group.subtract(rest, group.multiply(group.parsePoint(share.share) as Point, coefficientOf(share.validator)));
  }
  return { validator, share: group.encodePoint(group.multiply(rest, group.invertScalar(coefficientOf(validator)))) };
}

/** A key with all its secrets. */
export interface TestKey {
  readonly publicKey: Uint8Array;
  readonly shareKeys: readonly Uint8Array[];
  readonly secretShares: readonly Uint8Array[];
  readonly threshold: number;
}

export interface Recipients {
  readonly secretKeys: readonly Uint8Array[];
  readonly publicKeys: readonly Uint8Array[];
}

export function recipientsOf(suite: SealingSuite, count: number, salt: number): Recipients {
  const secretKeys = indices(count).map((index) => suite.deriveSecretKey(counting(32, salt + index)));
  return { secretKeys, publicKeys: secretKeys.map(suite.publicKeyOf) };
}

export const contextOf = (round: string, dealer: number): Uint8Array => asciiBytes(`${round}/${dealer}`);

export function dealOf(
  suite: SealingSuite,
  given: {
    readonly dealer: number;
    readonly round: string;
    readonly threshold: number;
    readonly recipients: Recipients;
    readonly constant?: Uint8Array;
  },
): KeyDeal {
  return suite.deal({
    seed: counting(32, 100 + given.dealer),
    constant: given.constant,
    threshold: given.threshold,
    recipients: given.recipients.publicKeys,
    context: contextOf(given.round, given.dealer),
  });
}

/** What comes out of the deals of `dealers`: the key and everybody's share of it. */
export function keyOfDeals(
  suite: SealingSuite,
  given: {
    readonly deals: readonly KeyDeal[];
    readonly dealers: readonly ValidatorIndex[];
    readonly round: string;
    readonly recipients: Recipients;
    readonly isResharing: boolean;
  },
): TestKey {
  const { deals, dealers, round, recipients, isResharing } = given;
  const count = recipients.publicKeys.length;
  const key = suite.combineDeals({ deals, dealers, isResharing, recipients: count });
  const secretShares = indices(count).map((recipient) => {
    const shares = deals.map((deal, at) => {
      const secretKey = recipients.secretKeys[recipient] as Uint8Array;
      const share = suite.receiveShare({ deal, recipient, secretKey, context: contextOf(round, dealers[at] as number) });
      if (share === undefined) throw new Error("an honest deal gives everybody a share");
      return share;
    });
    return suite.combineReceived({ shares, dealers, isResharing });
  });
  return { ...key, secretShares, threshold: (deals[0] as KeyDeal).commitments.length };
}

/** A fresh key of `count` validators by threshold-many dealers, with t = n − f. */
export function freshKey(suite: SealingSuite, count: number): TestKey {
  const threshold = count - Math.floor((count - 1) / 3);
  const recipients = recipientsOf(suite, count, 1);
  const dealers = indices(threshold);
  const deals = dealers.map((dealer) => dealOf(suite, { dealer, round: "fresh", threshold, recipients }));
  return keyOfDeals(suite, { deals, dealers, round: "fresh", recipients, isResharing: false });
}

export function sharesOf(suite: SealingSuite, key: TestKey, sealed: Uint8Array): Share[] {
  return key.secretShares.map((secret, index) => ({ validator: ValidatorIndex.of(index), share: suite.shareOf(secret, sealed) }));
}

/** All subsets of `size`, in order. */
export function subsets<T>(list: readonly T[], size: number): T[][] {
  if (size === 0) return [[]];
  return list.flatMap((item, index) => subsets(list.slice(index + 1), size - 1).map((rest) => [item, ...rest]));
}
