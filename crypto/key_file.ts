/** Key files: a validator's secret keys sealed under a passphrase (scrypt, XChaCha20-Poly1305), as JSON that shows the public keys
 *  to an operator without the passphrase. Pure: salt and nonce come in, text goes out; files and modes belong to `node/`.
 *  Everything shown in clear is authenticated as associated data, so an altered file does not open.
 *  Sources: RFC 7914; draft-irtf-cfrg-xchacha-03. */

import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { scrypt } from "@noble/hashes/scrypt.js";
import { assert } from "../types/assert.ts";
import { asciiBytes, concatBytes, toHex, tryFromHex } from "../types/bytes.ts";
import type { BlsSuite } from "../types/suites.ts";
import { BLS_PUBLIC_KEY_BYTES, BLS_SECRET_KEY_BYTES, isBlsSecretKey } from "./bls_scalar.ts";
import { ED25519_PUBLIC_KEY_BYTES, ED25519_SEED_BYTES } from "./ed25519_point.ts";

/** `blsSecretKey` signs votes, `ed25519Seed` proposals and handshakes, `nodeSeed` is a validator's libp2p identity; 32 bytes each. */
export interface ValidatorKeys {
  readonly blsSecretKey: Uint8Array;
  readonly ed25519Seed: Uint8Array;
  readonly nodeSeed: Uint8Array;
}

export type OpenedKeyFile =
  | { readonly ok: true; readonly keys: ValidatorKeys }
  | { readonly ok: false; readonly reason: "wrongPassphrase" | "malformed" | "unknownVersion" };

export interface KeyFilePublicKeys {
  readonly bls: string;
  readonly ed25519: string;
  readonly node: string;
}

/** Costs are log2 of scrypt's N, with r = 8 and p = 1: memory is 2^(cost + 10) bytes. The floor is for throw-away testnets only. */
export const KEY_FILE_COST_MIN = 10;
export const KEY_FILE_COST_DEFAULT = 17;
/** A file asking for more than 1 GiB is refused rather than obeyed. */
export const KEY_FILE_COST_MAX = 20;
export const KEY_FILE_SALT_BYTES = 32;
export const KEY_FILE_NONCE_BYTES = 24;

/** The public keys of `keys`, by whichever suites the caller has loaded. */
export function publicKeysOf(
  keys: ValidatorKeys,
  suites: { readonly bls: Pick<BlsSuite, "publicKeyOf">; readonly ed25519PublicKeyOf: (seed: Uint8Array) => Uint8Array },
): KeyFilePublicKeys {
  return {
    bls: toHex(suites.bls.publicKeyOf(keys.blsSecretKey)),
    ed25519: toHex(suites.ed25519PublicKeyOf(keys.ed25519Seed)),
    node: toHex(suites.ed25519PublicKeyOf(keys.nodeSeed)),
  };
}

/** The text of a key file. `publicKeys` are those of `keys` (`publicKeysOf`). `salt` and `nonce` are fresh random bytes; the passphrase is taken in Unicode form NFKC. */
export function sealKeyFile(input: {
  readonly keys: ValidatorKeys;
  readonly publicKeys: KeyFilePublicKeys;
  readonly passphrase: string;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly cost: number;
}): string {
  const { keys, publicKeys, passphrase, salt, nonce, cost } = input;
  assert(isCost(cost), "the scrypt cost is within its floor and ceiling");
  assert(salt.length === KEY_FILE_SALT_BYTES, "a salt is 32 bytes");
  assert(nonce.length === KEY_FILE_NONCE_BYTES, "a nonce is 24 bytes");
  assert(isBlsSecretKey(keys.blsSecretKey), "a BLS secret key is a scalar below the group order, not zero");
  assert(keys.ed25519Seed.length === ED25519_SEED_BYTES, "an Ed25519 seed is 32 bytes");
  assert(keys.nodeSeed.length === ED25519_SEED_BYTES, "a node seed is 32 bytes");
  const secret = concatBytes([keys.blsSecretKey, keys.ed25519Seed, keys.nodeSeed]);
  const header: Header = { publicKeys, cost, salt, nonce };
  const sealed = cipherOf(header, passphrase).encrypt(secret);
  return `${JSON.stringify(toJson(header, sealed), undefined, 2)}\n`;
}

/** Opens a key file. Never throws on any text. An altered file and a wrong passphrase cannot be told apart. */
export function openKeyFile(text: string, passphrase: string): OpenedKeyFile {
  const parsed = parseKeyFile(text);
  if (!parsed.ok) return parsed;
  const secret = tryOpen(parsed.header, parsed.sealed, passphrase);
  if (secret === undefined) return { ok: false, reason: "wrongPassphrase" };
  const keys = {
    blsSecretKey: secret.slice(0, 32),
    ed25519Seed: secret.slice(32, 64),
    nodeSeed: secret.slice(64, 96),
  };
  return isBlsSecretKey(keys.blsSecretKey) ? { ok: true, keys } : { ok: false, reason: "malformed" };
}

/** What the file shows in clear, for people. It is authenticated only by `openKeyFile`. Undefined for a text that is no key file. */
export function publicKeysInKeyFile(text: string): KeyFilePublicKeys | undefined {
  const parsed = parseKeyFile(text);
  return parsed.ok ? parsed.header.publicKeys : undefined;
}

interface Header {
  readonly publicKeys: KeyFilePublicKeys;
  readonly cost: number;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
}

type ParsedKeyFile =
  | { readonly ok: true; readonly header: Header; readonly sealed: Uint8Array }
  | { readonly ok: false; readonly reason: "malformed" | "unknownVersion" };

const FORMAT = "sealstone-keys";
const VERSION = 1;
const TEXT_CHARACTERS_MAX = 16 * 1024;
const SECRET_BYTES = BLS_SECRET_KEY_BYTES + 2 * ED25519_SEED_BYTES;
const SEALED_BYTES = SECRET_BYTES + 16;

function toJson(header: Header, sealed: Uint8Array) {
  return {
    format: FORMAT,
    version: VERSION,
    publicKeys: header.publicKeys,
    scrypt: { cost: header.cost, salt: toHex(header.salt) },
    xchacha20poly1305: { nonce: toHex(header.nonce), sealed: toHex(sealed) },
  };
}

/** The associated data does not depend on how the JSON is laid out. */
function cipherOf({ publicKeys, cost, salt, nonce }: Header, passphrase: string) {
  const key = scrypt(passphrase.normalize("NFKC"), salt, { N: 2 ** cost, r: 8, p: 1, dkLen: 32 });
  const shown = [FORMAT, String(VERSION), publicKeys.bls, publicKeys.ed25519, publicKeys.node, String(cost), toHex(salt)];
  return xchacha20poly1305(key, nonce, asciiBytes(shown.join("\n")));
}

/** The cipher throws when the tag does not match, which is how a wrong passphrase shows. */
function tryOpen(header: Header, sealed: Uint8Array, passphrase: string): Uint8Array | undefined {
  const cipher = cipherOf(header, passphrase);
  try {
    return cipher.decrypt(sealed);
  } catch {
    return undefined;
  }
}

function parseKeyFile(text: string): ParsedKeyFile {
  const malformed: ParsedKeyFile = { ok: false, reason: "malformed" };
  const file = parseJson(text);
  if (fieldOf(file, "format") !== FORMAT) return malformed;
  const version = fieldOf(file, "version");
  if (version !== VERSION) return typeof version === "number" ? { ok: false, reason: "unknownVersion" } : malformed;
  const shown = fieldOf(file, "publicKeys");
  const bls = hexOf(fieldOf(shown, "bls"), BLS_PUBLIC_KEY_BYTES);
  const ed25519 = hexOf(fieldOf(shown, "ed25519"), ED25519_PUBLIC_KEY_BYTES);
  const node = hexOf(fieldOf(shown, "node"), ED25519_PUBLIC_KEY_BYTES);
  const cost = fieldOf(fieldOf(file, "scrypt"), "cost");
  const salt = hexOf(fieldOf(fieldOf(file, "scrypt"), "salt"), KEY_FILE_SALT_BYTES);
  const nonce = hexOf(fieldOf(fieldOf(file, "xchacha20poly1305"), "nonce"), KEY_FILE_NONCE_BYTES);
  const sealed = hexOf(fieldOf(fieldOf(file, "xchacha20poly1305"), "sealed"), SEALED_BYTES);
  if (bls === undefined || ed25519 === undefined || node === undefined || !isCost(cost)) return malformed;
  if (salt === undefined || nonce === undefined || sealed === undefined) return malformed;
  return { ok: true, header: { publicKeys: { bls: toHex(bls), ed25519: toHex(ed25519), node: toHex(node) }, cost, salt, nonce }, sealed };
}

function parseJson(text: string): unknown {
  if (text.length > TEXT_CHARACTERS_MAX) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An own field of an object; undefined for anything else. */
function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function hexOf(value: unknown, length: number): Uint8Array | undefined {
  return typeof value === "string" && value.length === 2 * length ? tryFromHex(value) : undefined;
}

function isCost(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= KEY_FILE_COST_MIN && (value as number) <= KEY_FILE_COST_MAX;
}
