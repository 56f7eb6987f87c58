/** The proofs of equal logarithms. Their composition, hashing and encoding are those of RFC 9497, so its published proofs are made and checked by our
 *  own code: modes VOPRF and POPRF prove with it, mode OPRF proves nothing and tests the arithmetic only. What the RFC calls a seed depends on
 *  the key alone; the test builds that one, our callers build a stricter one. */

import t, { type Test } from "tap";
import { proveDleq, verifyDleq } from "../../../crypto/sealing/dleq.ts";
import { type EncodedPoint, encoded, type Group, parseEncoded } from "../../../crypto/sealing/group.ts";
import { asciiBytes, concatBytes, fromHex, toHex } from "../../../types/bytes.ts";
import { readVectors } from "../../support/vectors.ts";
import { counting, fastGroup, nobleGroup, sodiumGroup } from "./support.ts";

interface Suite9497 {
  readonly mode: 0 | 1 | 2;
  readonly skSm: string;
  readonly pkSm?: string;
  readonly seed: string;
  readonly keyInfo: string;
  readonly groupDST: string;
  readonly vectors: readonly {
    readonly Batch: number;
    readonly Blind: string;
    readonly BlindedElement: string;
    readonly EvaluationElement: string;
    readonly Info?: string;
    readonly Input: string;
    readonly Output: string;
    readonly Proof?: { readonly proof: string; readonly r: string };
  }[];
}

const published = readVectors<{ readonly suites: readonly Suite9497[] }>("voprf-ristretto255.json");
const uint16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value);
const framed = (bytes: Uint8Array): Uint8Array => concatBytes([uint16(bytes.length), bytes]);
const contextOf = (mode: number): Uint8Array =>
  concatBytes([asciiBytes("OPRFV1-"), Uint8Array.of(mode), asciiBytes("-ristretto255-SHA512")]);
const list = (text: string): Uint8Array[] => text.split(",").map(fromHex);

/** expand_message_xmd of RFC 9380 with SHA-512 to 64 bytes, once more. */
function expand<Point, Scalar>(group: Group<Point, Scalar>, message: Uint8Array, tag: Uint8Array): Uint8Array {
  const suffix = concatBytes([tag, Uint8Array.of(tag.length)]);
  const first = group.hash(concatBytes([new Uint8Array(128), message, uint16(64), Uint8Array.of(0), suffix]));
  return group.hash(concatBytes([first, Uint8Array.of(1), suffix]));
}

function checkSuite<Point, Scalar>(t: Test, group: Group<Point, Scalar>, suite: Suite9497): void {
  const context = contextOf(suite.mode);
  const tagged = (name: string): Uint8Array => concatBytes([asciiBytes(name), context]);
  t.equal(toHex(tagged("HashToGroup-")), suite.groupDST);
  const deriveInput = concatBytes([fromHex(suite.seed), framed(fromHex(suite.keyInfo)), Uint8Array.of(0)]);
  const secret = group.scalarFromHash(expand(group, deriveInput, tagged("DeriveKeyPair")));
  t.equal(toHex(group.encodeScalar(secret)), suite.skSm, "DeriveKeyPair");
  if (suite.pkSm !== undefined) t.equal(toHex(group.encodePoint(group.multiplyBase(secret))), suite.pkSm);
  for (const vector of suite.vectors) {
    const info = vector.Info === undefined ? undefined : fromHex(vector.Info);
    const exponent = exponentOf(group, { suite, secret, info });
    const blinded = list(vector.BlindedElement).map((bytes) => parseEncoded(group, bytes) as EncodedPoint<Point>);
    const evaluated = blinded.map(({ point }) =>
      encoded(group, group.multiply(point, suite.mode === 2 ? group.invertScalar(exponent) : exponent)),
    );
    t.equal(evaluated.map(({ bytes }) => toHex(bytes)).join(), vector.EvaluationElement, "BlindEvaluate");
    checkOutputs(t, group, { vector, evaluated, info, tag: tagged("HashToGroup-") });
    if (vector.Proof === undefined) continue;
    const key = encoded(group, group.multiplyBase(exponent));
    const seed = group.hash(concatBytes([framed(key.bytes), framed(tagged("Seed-"))]));
    const [inputs, outputs] = suite.mode === 2 ? [evaluated, blinded] : [blinded, evaluated];
    const statement = { context, seed, key, inputs, outputs };
    const proof = proveDleq(group, statement, { secret: exponent, nonce: group.parseScalar(fromHex(vector.Proof.r)) as Scalar });
    t.equal(toHex(proof), vector.Proof.proof, "GenerateProof");
    t.equal(verifyDleq(group, statement, proof), true, "VerifyProof");
    t.equal(verifyDleq(group, { ...statement, inputs: outputs, outputs: inputs }, proof), false, "pairs turned round");
  }
}

/** The key itself; in mode 2 tweaked by the public info. */
function exponentOf<Point, Scalar>(
  group: Group<Point, Scalar>,
  { suite, secret, info }: { readonly suite: Suite9497; readonly secret: Scalar; readonly info: Uint8Array | undefined },
): Scalar {
  if (info === undefined) return secret;
  const tweak = expand(
    group,
    concatBytes([asciiBytes("Info"), framed(info)]),
    concatBytes([asciiBytes("HashToScalar-"), contextOf(suite.mode)]),
  );
  return group.addScalars(secret, group.scalarFromHash(tweak));
}

/** Blind and Finalize. */
function checkOutputs<Point, Scalar>(
  t: Test,
  group: Group<Point, Scalar>,
  given: {
    readonly vector: Suite9497["vectors"][number];
    readonly evaluated: readonly EncodedPoint<Point>[];
    readonly info: Uint8Array | undefined;
    readonly tag: Uint8Array;
  },
): void {
  const { vector, evaluated, info, tag } = given;
  const [blinds, blinded, outputs] = [list(vector.Blind), vector.BlindedElement.split(","), vector.Output.split(",")];
  for (const [index, input] of list(vector.Input).entries()) {
    const blind = group.parseScalar(blinds[index] as Uint8Array) as Scalar;
    const element = group.pointFromHash(expand(group, input, tag));
    t.equal(toHex(group.encodePoint(group.multiply(element, blind))), blinded[index], "Blind");
    const unblinded = group.encodePoint(group.multiply((evaluated[index] as EncodedPoint<Point>).point, group.invertScalar(blind)));
    const parts = [framed(input), ...(info === undefined ? [] : [framed(info)]), framed(unblinded), asciiBytes("Finalize")];
    t.equal(toHex(group.hash(concatBytes(parts))), outputs[index], "Finalize");
  }
}

t.test("RFC 9497 A.1: keys, blinding, evaluation, proofs, outputs of all modes", { skip: published.missing }, async (t) => {
  for (const suite of published.vectors.suites) {
    t.test(`mode ${suite.mode}`, async (t) => {
      checkSuite(t, sodiumGroup, suite);
      checkSuite(t, nobleGroup, suite);
    });
  }
});

/** A statement over `count` pairs, true if `isTrue`, and its proof. */
function statementOf<Point, Scalar>(group: Group<Point, Scalar>, count: number) {
  const secret = group.scalarFromHash(counting(64, 5));
  const inputs = Array.from({ length: count }, (_, index) => encoded(group, group.pointFromHash(group.hash(counting(64, index)))));
  const outputs = inputs.map(({ point }) => encoded(group, group.multiply(point, secret)));
  const key = encoded(group, group.multiplyBase(secret));
  const statement = { context: asciiBytes("test"), seed: counting(64, 9), key, inputs, outputs };
  return { statement, proof: proveDleq(group, statement, { secret, nonce: group.scalarFromHash(counting(64, 77)) }) };
}

function refusesWhatIsNotProven<Point, Scalar>(t: Test, group: Group<Point, Scalar>): void {
  for (const count of [1, 2, 5]) {
    const { statement, proof } = statementOf(group, count);
    t.equal(verifyDleq(group, statement, proof), true, `${group.name}, ${count} pairs`);
    const other = encoded(group, group.pointFromHash(counting(64, 99)));
    const changed = statement.outputs.map((output, index) => (index === count - 1 ? other : output));
    t.equal(verifyDleq(group, { ...statement, outputs: changed }, proof), false, "another output");
    t.equal(verifyDleq(group, { ...statement, key: other }, proof), false, "another key");
    t.equal(verifyDleq(group, { ...statement, context: asciiBytes("tesu") }, proof), false, "another context");
    t.equal(verifyDleq(group, { ...statement, seed: counting(64, 10) }, proof), false, "other weights");
    if (count > 1) {
      const [inputs, outputs] = [[...statement.inputs].reverse(), [...statement.outputs].reverse()];
      t.equal(verifyDleq(group, { ...statement, inputs, outputs }, proof), false, "another order");
    }
    for (let index = 0; index < proof.length; index++) {
      const bytes = proof.slice();
      bytes[index] = (bytes[index] as number) ^ 1;
      if ((count === 1 || index % 9 === 0) && verifyDleq(group, statement, bytes))
        t.fail(`${group.name}: byte ${index} of the proof changed`);
    }
    for (const length of [0, 63, 65]) t.equal(verifyDleq(group, statement, new Uint8Array(length)), false, `${length} bytes`);
    t.equal(verifyDleq(group, statement, new Uint8Array(64).fill(0xff)), false, "scalars that are not canonical");
  }
}

t.test("verifyDleq: anything changed in statement or proof, false", async (t) => {
  refusesWhatIsNotProven(t, sodiumGroup);
  refusesWhatIsNotProven(t, nobleGroup);
  refusesWhatIsNotProven(t, fastGroup);
});
