/** Where the passphrase of a key file comes from. */

import { readFile } from "node:fs/promises";
import process from "node:process";
import { messageOf, NodeError } from "./errors.ts";

/** From `passphraseFile` (its first line) or the environment; never from the command line, which other users can read. */
export async function readPassphrase(environmentName: string, passphraseFile: string | undefined): Promise<string> {
  if (passphraseFile !== undefined) {
    try {
      return (await readFile(passphraseFile, "utf8")).split(/\r?\n/)[0] ?? "";
    } catch (cause) {
      throw new NodeError("usage", `passphrase file ${passphraseFile} cannot be read (${messageOf(cause)})`, { cause });
    }
  }
  const passphrase = process.env[environmentName];
  if (passphrase === undefined) {
    throw new NodeError("usage", `no passphrase: set the environment variable ${environmentName}, or give --passphrase-file FILE`);
  }
  return passphrase;
}
