/** The store's header file `identity`: which chain and key it belongs to. Written last when a store is created, so that
 *  its presence proves that everything else once existed. Readable text, sealed by a checksum in its last line. */

import { createHash } from "node:crypto";
import { fromHex, toHex, tryFromHex } from "../types/bytes.ts";
import { type ChainId, parseHash } from "../types/ids.ts";
import { corruptError, StoreError, versionError } from "./errors.ts";
import { type Files, replaceNow } from "./files.ts";
import { STORE_FORMAT } from "./frame.ts";
import type { StoreIdentity } from "./interface.ts";
import { STORE_ID_BYTES } from "./segment_header.ts";

export interface StoredIdentity extends StoreIdentity {
  readonly storeId: Uint8Array;
}

export const IDENTITY_FILE = "identity";

export function writeIdentity(files: Files, directory: string, identity: StoredIdentity): void {
  const text = [
    `sealstone store format ${STORE_FORMAT}`,
    `chain ${identity.chainId}`,
    `validator ${identity.validatorKey}`,
    `store ${toHex(identity.storeId)}`,
  ].join("\n");
  const bytes = new TextEncoder().encode(`${text}\nchecksum ${checksumOf(text)}\n`);
  replaceNow(files, { directory, name: IDENTITY_FILE, bytes });
}

/** Undefined when there is none. Throws StoreError "unknownVersion" or "corrupt". */
export function readIdentity(files: Files, directory: string): StoredIdentity | undefined {
  const bytes = files.readAll(`${directory}/${IDENTITY_FILE}`);
  if (bytes === undefined) return undefined;
  const text = new TextDecoder().decode(bytes);
  const body = text.slice(0, text.lastIndexOf("\nchecksum "));
  const match = IDENTITY_TEXT.exec(text);
  if (`${body}\nchecksum ${checksumOf(body)}\n` !== text) throw corruptError(`The file "${IDENTITY_FILE}" is damaged.`);
  if (!body.startsWith(`sealstone store format ${STORE_FORMAT}\n`)) throw versionError("The store");
  const chainId = parseHash<ChainId>(match?.[1] ?? "");
  const validatorKey = match?.[2];
  const storeId = tryFromHex(match?.[3] ?? "");
  if (chainId === undefined || validatorKey === undefined || storeId?.length !== STORE_ID_BYTES) {
    throw corruptError(`The file "${IDENTITY_FILE}" cannot be read.`);
  }
  return { chainId, validatorKey, storeId };
}

/** Throws StoreError "foreign" unless both name the same chain and key. */
export function checkIdentity(found: StoreIdentity, expected: StoreIdentity, where: string): void {
  const isSameChain = found.chainId === expected.chainId;
  if (isSameChain && found.validatorKey === expected.validatorKey) return;
  const what = isSameChain
    ? `validator key ${found.validatorKey}, and the node was started with key ${expected.validatorKey}`
    : `chain ${found.chainId}, and the node was started for chain ${expected.chainId}`;
  throw new StoreError({
    code: "foreign",
    message:
      `${where} belongs to ${what}. Nothing was changed. ` +
      "It is the operator's move: correct the data directory, the genesis file or the key file in the configuration so that they belong together.",
  });
}

/** A short name of an identity for the counter file. */
export function identityDigest(identity: StoreIdentity): Uint8Array {
  return fromHex(checksumOf(`${identity.chainId}/${identity.validatorKey}`));
}

const IDENTITY_TEXT = /^sealstone store format \d+\nchain ([0-9a-f]{64})\nvalidator ([^\n]*)\nstore ([0-9a-f]{32})\n/;

function checksumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
