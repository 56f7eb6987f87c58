/** Both BLS suites against the published vectors. A suite verifies one message per aggregate, so `aggregate_verify` (distinct
 *  messages) and `eth_aggregate_pubkeys` (sums of keys as bytes) are used only where they state something about one key. */

import { expand_message_xmd } from "@noble/curves/abstract/hash-to-curve.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { sha256 } from "@noble/hashes/sha2.js";
import t from "tap";
import { createBlstSuite } from "../../crypto/bls_blst.ts";
import { createNobleSuite } from "../../crypto/bls_noble.ts";
import { BLS_SIGNATURE_DST } from "../../crypto/bls_scalar.ts";
import { asciiBytes, fromHex, toHex } from "../../types/bytes.ts";
import { readVectors } from "../support/vectors.ts";

interface Case<Input, Output> {
  readonly name: string;
  readonly input: Input;
  readonly output: Output;
}

const suites = [createBlstSuite(), createNobleSuite()];
const bytes = (text: string): Uint8Array => fromHex(text.replace(/^0x/, ""));
const hex = (value: Uint8Array | undefined): string | null => (value === undefined ? null : `0x${toHex(value)}`);

/** Runs `check` on every case with both suites; the names of the cases that differ are listed. */
function conforms<Input, Output>(
  file: string,
  check: (suite: (typeof suites)[number], input: Input) => unknown,
  expected: (output: Output, name: string) => unknown = (output) => output,
): void {
  const read = readVectors<readonly Case<Input, Output>[]>(`bls12-381/${file}.json`);
  t.test(`BLS suites: ${file}, every published case has the published outcome`, { skip: read.missing }, async (t) => {
    t.ok(read.vectors.length > 0);
    for (const { name, input, output } of read.vectors) {
      for (const suite of suites) t.equal(check(suite, input), expected(output, name), `${suite.name}: ${name}`);
    }
  });
}

conforms<{ privkey: string; message: string }, string | null>("sign", (suite, { privkey, message }) => {
  const secretKey = bytes(privkey);
  return suite.isSecretKey(secretKey) ? hex(suite.sign(secretKey, bytes(message))) : null;
});

conforms<{ pubkey: string; message: string; signature: string }, boolean>("verify", (suite, { pubkey, message, signature }) =>
  suite.verify(bytes(pubkey), bytes(message), bytes(signature)),
);

conforms<readonly string[], string | null>("aggregate", (suite, signatures) => hex(suite.aggregate(signatures.map(bytes))));

interface AggregateInput {
  readonly pubkeys: readonly string[];
  readonly message: string;
  readonly signature: string;
}

conforms<AggregateInput, boolean>("fast_aggregate_verify", (suite, { pubkeys, message, signature }) =>
  suite.verifyAggregate(pubkeys.map(bytes), bytes(message), bytes(signature)),
);

// Ethereum lets an empty committee "sign" with infinity; here nobody's signature proves nothing.
conforms<AggregateInput, boolean>(
  "eth_fast_aggregate_verify",
  (suite, { pubkeys, message, signature }) => suite.verifyAggregate(pubkeys.map(bytes), bytes(message), bytes(signature)),
  (output, name) => output && name !== "eth_fast_aggregate_verify_na_pubkeys_and_infinity_signature",
);

conforms<{ pubkeys: string[]; messages: string[]; signatures: string[] }, boolean>("batch_verify", (suite, input) => {
  const sets = input.pubkeys.map((pubkey, index) => ({
    publicKeys: [bytes(pubkey)],
    message: bytes(input.messages[index] as string),
    signature: bytes(input.signatures[index] as string),
  }));
  return suite.verifyBatch(
    sets,
    Uint8Array.from({ length: 16 * sets.length }, (_, index) => (index * 73 + 11) & 255),
  );
});

// Infinity decodes, but it is no public key: the two differ in that one case.
conforms<{ pubkey: string }, boolean>(
  "deserialization_G1",
  (suite, { pubkey }) => suite.isPublicKey(bytes(pubkey)),
  (output, name) => output && name !== "deserialization_succeeds_infinity_with_true_b_flag",
);

conforms<{ signature: string }, boolean>("deserialization_G2", (suite, { signature }) => {
  const parsed = bytes(signature);
  const aggregated = suite.aggregate([parsed]);
  return aggregated !== undefined && toHex(aggregated) === toHex(parsed);
});

// A list of keys has a sum exactly when it is not empty and holds public keys only.
conforms<readonly string[], string | null>(
  "eth_aggregate_pubkeys",
  (suite, keys) => keys.length > 0 && keys.every((key) => suite.isPublicKey(bytes(key))),
  (output) => output !== null,
);

conforms<{ pubkeys: readonly string[] }, boolean>(
  "aggregate_verify",
  (suite, { pubkeys }) => pubkeys.every((key) => suite.isPublicKey(bytes(key))),
  (_output, name) => name !== "aggregate_verify_infinity_pubkey",
);

interface CurveVectors {
  readonly dst: string;
  readonly vectors: readonly { readonly msg: string; readonly P: { readonly x: string; readonly y: string } }[];
}

const curve = readVectors<CurveVectors>("hash-to-curve/BLS12381G2_XMD_SHA-256_SSWU_RO_.json");

t.test("hash to G2: RFC 9380 vectors, the library under the noble suite agrees", { skip: curve.missing }, async (t) => {
  const { dst, vectors } = curve.vectors;
  const pair = (text: string): bigint[] => text.split(",").map(BigInt);
  for (const { msg, P } of vectors) {
    const { x, y } = bls12_381.longSignatures.hash(asciiBytes(msg), dst).toAffine();
    t.strictSame([x.c0, x.c1, y.c0, y.c1], [...pair(P.x), ...pair(P.y)], `message of ${msg.length} bytes`);
  }
});

interface ExpanderVectors {
  readonly DST: string;
  readonly tests: readonly { readonly msg: string; readonly len_in_bytes: string; readonly uniform_bytes: string }[];
}

for (const file of ["expand_message_xmd_SHA256_38.json", "expand_message_xmd_SHA256_256.json"]) {
  const read = readVectors<ExpanderVectors>(`hash-to-curve/${file}`);
  t.test(`hash to G2: ${file}, the expander under the noble suite agrees`, { skip: read.missing }, async (t) => {
    const dst = asciiBytes(read.vectors.DST);
    for (const { msg, len_in_bytes, uniform_bytes } of read.vectors.tests) {
      t.equal(toHex(expand_message_xmd(asciiBytes(msg), dst, Number(len_in_bytes), sha256)), uniform_bytes);
    }
  });
}

t.test("hash to G2: signing with the secret key 1 shows the hashed point, same in both suites and under the POP tag", async (t) => {
  const one = new Uint8Array(32);
  one[31] = 1;
  for (const message of ["", "abc", "a".repeat(512)].map(asciiBytes)) {
    const point = bls12_381.longSignatures.hash(message, BLS_SIGNATURE_DST);
    const expected = toHex(bls12_381.longSignatures.Signature.toBytes(point));
    for (const suite of suites) t.equal(toHex(suite.sign(one, message)), expected, suite.name);
  }
});
