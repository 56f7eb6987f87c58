/** The published bytes of this protocol: encodings, signing bytes, hashes, signatures and a key file, as stored beside this file. */

import { readFileSync } from "node:fs";
import path from "node:path";
import t from "tap";
import { createBlstSuite } from "../../crypto/bls_blst.ts";
import { createNobleSuite } from "../../crypto/bls_noble.ts";
import * as edNoble from "../../crypto/ed25519_noble.ts";
import * as edSodium from "../../crypto/ed25519_sodium.ts";
import { openKeyFile } from "../../crypto/key_file.ts";
import { fromHex, toHex } from "../../types/bytes.ts";
import { decodeMessage } from "../../types/message.ts";
import { CODECS } from "../support/wire_types.ts";
import { GOLDEN_CODECS, GOLDEN_MESSAGES, goldenFiles, KEY_FILE_PASSPHRASE, toJson } from "./golden.ts";

const stored = (name: string): unknown => JSON.parse(readFileSync(path.join(import.meta.dirname, name), "utf8"));

for (const [name, content] of goldenFiles()) {
  t.test(`golden vectors: ${name}, this code makes the stored bytes`, async (t) => {
    t.strictSame(content, stored(name));
  });
}

t.test("golden vectors: every codec of types/ has at least one", async (t) => {
  t.same(
    GOLDEN_CODECS.map(({ name }) => name),
    CODECS.map(({ name }) => name),
  );
  t.ok(GOLDEN_CODECS.every(({ cases }) => cases.length > 0));
});

t.test("golden vectors: stored encodings, decode to the sample values", async (t) => {
  const files = stored("codecs.json") as readonly { readonly name: string; readonly cases: readonly { readonly bytes: string }[] }[];
  for (const [index, { name, cases, decode }] of GOLDEN_CODECS.entries()) {
    for (const [at, { bytes }] of (files[index] as (typeof files)[0]).cases.entries()) {
      t.strictSame(decode(fromHex(bytes)), { ok: true, value: cases[at]?.value }, `${name}, case ${at}`);
    }
  }
});

t.test("golden vectors: stored frames, decode to the sample messages", async (t) => {
  const frames = stored("frames.json") as readonly { readonly bytes: string }[];
  t.strictSame(
    frames.map(({ bytes }) => decodeMessage(fromHex(bytes))),
    GOLDEN_MESSAGES.map((message) => ({ ok: true, message })),
  );
});

interface StoredSignatures {
  readonly message: string;
  readonly bls: readonly Readonly<Record<"seed" | "secretKey" | "publicKey" | "signature" | "possession", string>>[];
  readonly aggregate: string;
  readonly ed25519: Readonly<Record<"seed" | "publicKey" | "signature", string>>;
}

t.test("golden vectors: stored signatures, made again and accepted by every suite", async (t) => {
  const { message, bls, aggregate, ed25519 } = stored("signatures.json") as StoredSignatures;
  const publicKeys = bls.map(({ publicKey }) => fromHex(publicKey));
  for (const suite of [createBlstSuite(), createNobleSuite()]) {
    for (const member of bls) {
      const secretKey = suite.deriveSecretKey(fromHex(member.seed));
      const made = [secretKey, suite.publicKeyOf(secretKey), suite.sign(secretKey, fromHex(message)), suite.provePossession(secretKey)];
      t.strictSame(
        made.map((bytes) => toHex(bytes)),
        [member.secretKey, member.publicKey, member.signature, member.possession],
        suite.name,
      );
      t.ok(suite.verifyPossession(fromHex(member.publicKey), fromHex(member.possession)));
    }
    t.ok(suite.verifyAggregate(publicKeys, fromHex(message), fromHex(aggregate)), suite.name);
  }
  for (const suite of [edSodium, edNoble]) {
    t.equal(toHex(suite.signEd25519(fromHex(ed25519.seed), fromHex(message))), ed25519.signature);
    t.ok(suite.verifyEd25519(fromHex(ed25519.publicKey), fromHex(message), fromHex(ed25519.signature)));
  }
});

t.test("golden vectors: the stored key file, opens to its keys", async (t) => {
  const { text, keys } = stored("key_file.json") as { readonly text: string; readonly keys: unknown };
  const opened = openKeyFile(text, KEY_FILE_PASSPHRASE);
  t.strictSame(opened.ok && toJson(opened.keys), keys);
});
