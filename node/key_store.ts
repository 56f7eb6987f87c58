/** Key files on disk: encrypted by `crypto/key_file.ts`, mode 0600, never overwritten, refused when others could read them. */

import { randomBytes } from "node:crypto";
import { chmod, stat, writeFile } from "node:fs/promises";
import process from "node:process";
import { ed25519PublicKeyOf } from "../crypto/ed25519_sodium.ts";
import {
  KEY_FILE_NONCE_BYTES,
  KEY_FILE_SALT_BYTES,
  openKeyFile,
  publicKeysOf,
  sealKeyFile,
  type ValidatorKeys,
} from "../crypto/key_file.ts";
import type { BlsSuite } from "../types/suites.ts";
import { loadBlsSuite } from "./bls_suite.ts";
import { messageOf, NodeError, systemCodeOf } from "./errors.ts";
import { readTextFile } from "./json_file.ts";

const MODE = 0o600;
const PASSPHRASE_CHARACTERS_MIN = 8;

/** Fresh keys from the system's randomness. */
export function newKeys(bls: Pick<BlsSuite, "deriveSecretKey">): ValidatorKeys {
  return {
    blsSecretKey: bls.deriveSecretKey(randomBytes(32)),
    ed25519Seed: new Uint8Array(randomBytes(32)),
    nodeSeed: new Uint8Array(randomBytes(32)),
  };
}

/** Writes a new key file. `cost` is scrypt's log2(N). Throws NodeError "usage" when the file exists: keys are never replaced,
 *  since a validator that signs again under other keys, or with a lost store, is a danger to its chain. */
export async function writeKeyFile(
  path: string,
  keys: ValidatorKeys,
  passphrase: string,
  options: { readonly cost: number },
): Promise<void> {
  if (passphrase.length < PASSPHRASE_CHARACTERS_MIN) {
    throw new NodeError("usage", `the passphrase has fewer than ${PASSPHRASE_CHARACTERS_MIN} characters; choose a longer one`);
  }
  const { suite: bls } = await loadBlsSuite();
  const text = sealKeyFile({
    keys,
    publicKeys: publicKeysOf(keys, { bls, ed25519PublicKeyOf }),
    passphrase,
    salt: randomBytes(KEY_FILE_SALT_BYTES),
    nonce: randomBytes(KEY_FILE_NONCE_BYTES),
    cost: options.cost,
  });
  try {
    await writeFile(path, text, { mode: MODE, flag: "wx", flush: true });
    // The mode given at creation is narrowed by the umask only; this states it whatever the umask was.
    await chmod(path, MODE);
  } catch (cause) {
    if (systemCodeOf(cause) === "EEXIST") {
      throw new NodeError("usage", `key file ${path} exists and is not overwritten; move it away if you really mean to replace it`, {
        cause,
      });
    }
    throw new NodeError("environment", `key file ${path} cannot be written (${messageOf(cause)})`, { cause });
  }
}

/** Reads and opens a key file. Throws NodeError "usage" with advice on a wrong passphrase, a damaged file or loose permissions. */
export async function readKeyFile(path: string, passphrase: string): Promise<ValidatorKeys> {
  const text = await readTextFile(path, "key file");
  await requirePrivate(path);
  const opened = openKeyFile(text, passphrase);
  if (opened.ok) return opened.keys;
  switch (opened.reason) {
    case "wrongPassphrase":
      throw new NodeError("usage", `key file ${path} does not open with this passphrase; check the passphrase (or the file was altered)`);
    case "malformed":
      throw new NodeError("usage", `key file ${path} is damaged or no key file; restore it from your backup`);
    case "unknownVersion":
      throw new NodeError("usage", `key file ${path} is of a version that this release does not know; use the release that wrote it`);
  }
}

async function requirePrivate(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const mode = (await stat(path)).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  const shown = mode.toString(8).padStart(4, "0");
  throw new NodeError("usage", `key file ${path} can be read by other users (mode ${shown}); run: chmod 600 ${path}`);
}
