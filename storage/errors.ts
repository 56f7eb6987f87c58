/** The one error that storage throws. `code` is for programs; the message is for the operator and says what happened,
 *  whose move it is, and what to do next. */

import type { OperationEntry } from "../replica/interface.ts";

/** locked: another process has the store open. foreign: it belongs to another chain or key. lost: a validator signed
 *  with this key, and its journal is gone. rolledBack: the journal is older than what was acknowledged. counterMissing:
 *  nothing proves that the journal is the newest. corrupt: damaged beyond a torn tail. unknownVersion: written by another
 *  release. writeFailed: the disk refused. stopped: refused because an earlier write failed. closed: after `close`.
 *  diverged: executing a block again gave another result. invalidCall: the caller broke the contract of `Store`. */
export type StoreErrorCode =
  | "locked"
  | "foreign"
  | "lost"
  | "rolledBack"
  | "counterMissing"
  | "corrupt"
  | "unknownVersion"
  | "writeFailed"
  | "stopped"
  | "closed"
  | "diverged"
  | "invalidCall";

export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;

  constructor(details: { readonly code: StoreErrorCode; readonly message: string; readonly cause?: unknown }) {
    super(details.message, { cause: details.cause });
    this.code = details.code;
  }
}

/** Damage that is more than a torn tail. `what` is one sentence naming the file and the fault. */
export function corruptError(what: string, cause?: unknown): StoreError {
  const message =
    `${what} This is damage that a crash cannot cause, so the store refuses to open. ` +
    "It is the operator's move: check the disk, then restore the newest complete copy of the directory, taken while this validator was stopped. " +
    "If there is none, do not start with an empty directory: this key may have signed what is lost. Register a new key.";
  return new StoreError({ code: "corrupt", message, cause });
}

/** A format that this release does not know (failure 3: never read with permissive defaults). */
export function versionError(what: string): StoreError {
  const message =
    `${what} was written in a format that this release does not know. Nothing was changed. ` +
    "It is the operator's move: start the release that wrote it, or run that release's migration first.";
  return new StoreError({ code: "unknownVersion", message });
}

export function invalidCall(what: string): StoreError {
  return new StoreError({
    code: "invalidCall",
    message: `${what} Nothing was written. This is a bug in the caller; stop the node and report it.`,
  });
}

/** Executing a final block a second time gave something else than the first time. */
export function divergedError(again: OperationEntry, logged: OperationEntry): StoreError {
  const message =
    `Executing block ${again.height} again gave state root ${again.stateRoot}, and ${logged.stateRoot} was logged before (or the receipts or openings differ). ` +
    "The node must not go on signing. It is the operator's move: keep the data directory for analysis and report it; " +
    "a release or machine that computes differently is the likely cause.";
  return new StoreError({ code: "diverged", message });
}
