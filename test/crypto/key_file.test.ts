/** Key files. The costs are the floor's, since what is tested does not depend on them. */

import fc from "fast-check";
import t from "tap";
import { createBlstSuite } from "../../crypto/bls_blst.ts";
import { ed25519PublicKeyOf } from "../../crypto/ed25519_sodium.ts";
import {
  KEY_FILE_COST_MAX,
  KEY_FILE_COST_MIN,
  openKeyFile,
  publicKeysInKeyFile,
  publicKeysOf,
  sealKeyFile,
} from "../../crypto/key_file.ts";
import { AssertionError } from "../../types/assert.ts";
import { toHex } from "../../types/bytes.ts";
import { bytesOf } from "../support/arbitraries.ts";
import { holds } from "../support/property.ts";

const blst = createBlstSuite();
const keys = {
  blsSecretKey: blst.deriveSecretKey(new Uint8Array(32).fill(1)),
  ed25519Seed: new Uint8Array(32).fill(2),
  nodeSeed: new Uint8Array(32).fill(3),
};
const input = {
  keys,
  publicKeys: publicKeysOf(keys, { bls: blst, ed25519PublicKeyOf }),
  passphrase: "correct horse",
  salt: new Uint8Array(32).fill(4),
  nonce: new Uint8Array(24).fill(5),
  cost: KEY_FILE_COST_MIN,
};
const text = sealKeyFile(input);

/** The file with one field replaced. */
function edited(path: string, value: unknown): string {
  const file: unknown = JSON.parse(text);
  const names = path.split(".");
  const last = names.pop() as string;
  let inner = file as Record<string, unknown>;
  for (const name of names) inner = inner[name] as Record<string, unknown>;
  inner[last] = value;
  return JSON.stringify(file);
}

t.test("sealKeyFile: the same input, the same text", async (t) => {
  t.equal(sealKeyFile(input), text);
});

t.test("openKeyFile: the right passphrase, the same keys", async (t) => {
  t.strictSame(openKeyFile(text, input.passphrase), { ok: true, keys });
});

t.test("sealKeyFile: random keys and passphrases, opened again", async (t) => {
  const secrets = fc.record({ seed: bytesOf(32), ed25519Seed: bytesOf(32), nodeSeed: bytesOf(32) });
  const sealed = fc.property(
    secrets,
    fc.string({ unit: "grapheme" }),
    bytesOf(32),
    bytesOf(24),
    ({ seed, ...seeds }, passphrase, salt, nonce) => {
      const sample = { ...input, keys: { ...seeds, blsSecretKey: blst.deriveSecretKey(seed) }, passphrase, salt, nonce };
      const opened = openKeyFile(sealKeyFile(sample), passphrase);
      return opened.ok && toHex(opened.keys.blsSecretKey) === toHex(sample.keys.blsSecretKey);
    },
  );
  holds(t, sealed, 8);
});

t.test("publicKeysInKeyFile: read without the passphrase, the public keys of the secrets inside", async (t) => {
  t.strictSame(publicKeysInKeyFile(text), {
    bls: toHex(blst.publicKeyOf(keys.blsSecretKey)),
    ed25519: toHex(ed25519PublicKeyOf(keys.ed25519Seed)),
    node: toHex(ed25519PublicKeyOf(keys.nodeSeed)),
  });
  t.equal(publicKeysInKeyFile("{}"), undefined);
});

t.test("sealKeyFile: no secret key stands in the text", async (t) => {
  for (const secret of Object.values(keys)) t.notOk(text.includes(toHex(secret)));
});

t.test("openKeyFile: a wrong passphrase, says so", async (t) => {
  for (const passphrase of ["", "correct hors", "correct horse ", "Correct horse"]) {
    t.strictSame(openKeyFile(text, passphrase), { ok: false, reason: "wrongPassphrase" });
  }
});

t.test("openKeyFile: a passphrase typed in another Unicode form, opens", async (t) => {
  const composed = sealKeyFile({ ...input, passphrase: "caf\u00e9 \ufb01" });
  t.ok(openKeyFile(composed, "cafe\u0301 fi").ok);
});

t.test("openKeyFile: any field in clear altered, does not open", async (t) => {
  const other = (length: number) => "ab".repeat(length);
  const table: readonly (readonly [string, unknown])[] = [
    ["publicKeys.bls", other(48)],
    ["publicKeys.ed25519", other(32)],
    ["publicKeys.node", other(32)],
    ["scrypt.cost", KEY_FILE_COST_MIN + 1],
    ["scrypt.salt", other(32)],
    ["xchacha20poly1305.nonce", other(24)],
    ["xchacha20poly1305.sealed", other(112)],
  ];
  for (const [path, value] of table) {
    t.strictSame(openKeyFile(edited(path, value), input.passphrase), { ok: false, reason: "wrongPassphrase" }, path);
  }
});

t.test("openKeyFile: texts that are no key file, malformed", async (t) => {
  const table: readonly (readonly [string, string])[] = [
    ["empty", ""],
    ["no JSON", "{"],
    ["null", "null"],
    ["a list", "[]"],
    ["another format", edited("format", "other")],
    ["no version", edited("version", undefined)],
    ["version as text", edited("version", "1")],
    ["cost below the floor", edited("scrypt.cost", KEY_FILE_COST_MIN - 1)],
    ["cost above the ceiling", edited("scrypt.cost", KEY_FILE_COST_MAX + 1)],
    ["cost not an integer", edited("scrypt.cost", 10.5)],
    ["cost as text", edited("scrypt.cost", "10")],
    ["scrypt missing", edited("scrypt", undefined)],
    ["scrypt null", edited("scrypt", null)],
    ["upper-case hex", edited("scrypt.salt", "AB".repeat(32))],
    ["short salt", edited("scrypt.salt", "ab".repeat(31))],
    ["short nonce", edited("xchacha20poly1305.nonce", "ab".repeat(23))],
    ["short sealed keys", edited("xchacha20poly1305.sealed", "ab".repeat(111))],
    ["inherited field names", '{"__proto__":{"format":"sealstone-keys"}}'],
    ["huge", `${text}${" ".repeat(20_000)}`],
  ];
  for (const [what, candidate] of table) t.strictSame(openKeyFile(candidate, input.passphrase), { ok: false, reason: "malformed" }, what);
});

t.test("openKeyFile: a version of the future, says so whatever else is inside", async (t) => {
  t.strictSame(openKeyFile(edited("version", 2), input.passphrase), { ok: false, reason: "unknownVersion" });
  t.strictSame(openKeyFile('{"format":"sealstone-keys","version":3}', "x"), { ok: false, reason: "unknownVersion" });
});

t.test("openKeyFile: one character replaced anywhere, never other keys and never a throw", async (t) => {
  const replaced = fc.property(fc.nat(text.length - 1), fc.constantFrom("0", "f", "2", "x", '"', " ", "}"), (at, character) => {
    const altered = text.slice(0, at) + character + text.slice(at + 1);
    const opened = openKeyFile(altered, input.passphrase);
    return !opened.ok || toHex(opened.keys.blsSecretKey) === toHex(keys.blsSecretKey);
  });
  holds(t, replaced, 60);
});

t.test("sealKeyFile: wrong lengths, cost outside its bounds or no secret key, assertion", async (t) => {
  const table = [
    { ...input, cost: KEY_FILE_COST_MIN - 1 },
    { ...input, cost: KEY_FILE_COST_MAX + 1 },
    { ...input, salt: new Uint8Array(16) },
    { ...input, nonce: new Uint8Array(12) },
    { ...input, keys: { ...keys, blsSecretKey: new Uint8Array(32) } },
    { ...input, keys: { ...keys, ed25519Seed: new Uint8Array(31) } },
    { ...input, keys: { ...keys, nodeSeed: new Uint8Array(33) } },
  ];
  for (const sample of table) t.throws(() => sealKeyFile(sample), AssertionError);
});
