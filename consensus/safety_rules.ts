/** Safety rules: may this validator sign? Pure: no clock, network, key or storage; the caller records before it sends (R9).
 *  R1 one proposal per view. R2 one vote per view, in the current view only. R4 no commit vote after a timeout or for another
 *  block. R5 no timeout after a commit vote. R8 is R4 and R5 together: never CommitVote(v) and Timeout(v).
 *  R9 nothing at or below the last final view, where records may be gone already. */

import { type BlockHash, type View, ZERO_HASH } from "../types/ids.ts";
import type { SafetyRecord } from "../types/safety_record.ts";

export type SigningRefusal =
  | "viewIsFinal"
  | "notCurrentView"
  | "alreadyProposed"
  | "alreadyVoted"
  | "votedForAnother"
  | "alreadyCommitted"
  | "hasTimedOut";

export type SigningVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: SigningRefusal };

export interface SigningState {
  /** The record of the view that is asked about. */
  readonly record: SafetyRecord;
  readonly currentView: View;
  /** View of the last final block: records up to here may be pruned, so nothing is signed there. */
  readonly finalView: View;
}

/** R1: at most one proposal per view, and none after giving the view up. */
export function judgePropose({ record, currentView, finalView }: SigningState): SigningVerdict {
  if (record.view <= finalView) return refuse("viewIsFinal");
  if (record.view !== currentView) return refuse("notCurrentView");
  if (record.proposedHash !== ZERO_HASH) return refuse("alreadyProposed");
  if (record.hasTimedOut) return refuse("hasTimedOut");
  return GRANTED;
}

/** R2: in the current view, once, and not after Timeout of it. */
export function judgeVote({ record, currentView, finalView }: SigningState): SigningVerdict {
  if (record.view <= finalView) return refuse("viewIsFinal");
  if (record.view !== currentView) return refuse("notCurrentView");
  if (record.votedHash !== ZERO_HASH) return refuse("alreadyVoted");
  if (record.committedHash !== ZERO_HASH) return refuse("alreadyCommitted");
  if (record.hasTimedOut) return refuse("hasTimedOut");
  return GRANTED;
}

/** R4: at any time after QC(view, blockHash), unless we timed out in that view or voted for another block of it. */
export function judgeCommit({ record, finalView }: SigningState, blockHash: BlockHash): SigningVerdict {
  if (record.view <= finalView) return refuse("viewIsFinal");
  if (record.hasTimedOut) return refuse("hasTimedOut");
  if (record.votedHash !== ZERO_HASH && record.votedHash !== blockHash) return refuse("votedForAnother");
  if (record.committedHash !== ZERO_HASH) return refuse("alreadyCommitted");
  return GRANTED;
}

/** R5: in the current view only (so never after its QC moved us on), never after CommitVote of it; allowed after Vote. */
export function judgeTimeout({ record, currentView, finalView }: SigningState): SigningVerdict {
  if (record.view <= finalView) return refuse("viewIsFinal");
  if (record.view !== currentView) return refuse("notCurrentView");
  if (record.committedHash !== ZERO_HASH) return refuse("alreadyCommitted");
  if (record.hasTimedOut) return refuse("hasTimedOut");
  return GRANTED;
}

const GRANTED: SigningVerdict = { ok: true };

function refuse(reason: SigningRefusal): SigningVerdict {
  return { ok: false, reason };
}
