/** What a store's refusal means for the process: its exit code, keeping the store's own words, which already carry the advice. */

import { StoreError, type StoreErrorCode } from "../storage/errors.ts";
import { messageOf, NodeError, type NodeErrorCode } from "./errors.ts";

/** safety: this key may have signed what the store does not know, or the state contradicts itself. */
const NODE_CODES: Readonly<Record<StoreErrorCode, NodeErrorCode | undefined>> = {
  locked: "environment",
  foreign: "safety",
  lost: "safety",
  rolledBack: "safety",
  counterMissing: "safety",
  corrupt: "safety",
  diverged: "safety",
  unknownVersion: "environment",
  writeFailed: "environment",
  stopped: "environment",
  closed: undefined,
  invalidCall: undefined,
};

/** The error to end a start with. A bug in our own use of the store stays as it is: a crash. */
export function openFailure(cause: unknown, directory: string): unknown {
  if (!(cause instanceof StoreError)) {
    return new NodeError(
      "environment",
      `the data directory ${directory} cannot be used (${messageOf(cause)}); check the disk and permissions`,
      { cause },
    );
  }
  const code = NODE_CODES[cause.code];
  return code === undefined ? cause : new NodeError(code, `store ${directory} refused (${cause.code}): ${cause.message}`, { cause });
}

/** The error to halt with when a write failed: whatever was asked for was not made durable, so nothing may follow it. */
export function saveFailure(cause: unknown): unknown {
  const code = cause instanceof StoreError ? NODE_CODES[cause.code] : "environment";
  if (code === undefined) return cause;
  const advice = "nothing more is signed; when the cause is mended, start this validator again on the same data directory";
  return new NodeError(code, `the store could not write: ${messageOf(cause)}; ${advice}`, { cause });
}
