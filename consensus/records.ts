/** R9: what we signed, by view, as it stands on disk. Every change is handed out before the signature that it covers.
 *  A record only ever gains; it is forgotten only when a CC at or above its view was handed out as final.
 *  R13: records of another epoch are no records here. */

import { assert } from "../types/assert.ts";
import { type BlockHash, type Epoch, type View, ZERO_HASH } from "../types/ids.ts";
import { emptySafetyRecord, type SafetyRecord } from "../types/safety_record.ts";
import type { Ballot } from "../types/vote.ts";

export interface Records {
  /** The record of a view above the last final one; empty when nothing happened there. */
  get(view: View): SafetyRecord;
  /** Adds to the record of `view` and returns it whole, to be persisted. Asserts that nothing is taken back. */
  add(view: View, gain: RecordGain): SafetyRecord;
  /** Did we sign this ballot, as far as the records go? Only meaningful above the last final view. */
  hasSigned(ballot: Ballot): boolean;
  /** All records, ascending by view. */
  all(): readonly SafetyRecord[];
  prune(finalView: View): void;
}

export type RecordGain = Partial<Omit<SafetyRecord, "epoch" | "view">>;

/** Starts from what storage held: any number of records per view, in any order; those of one view are merged. */
export function createRecords(options: {
  readonly epoch: Epoch;
  readonly finalView: View;
  readonly recovered: readonly SafetyRecord[];
}): Records {
  const { epoch } = options;
  const byView = new Map<View, SafetyRecord>();
  for (const record of options.recovered) {
    if (record.epoch !== epoch || record.view <= options.finalView) continue;
    const known = byView.get(record.view);
    byView.set(record.view, known === undefined ? record : merge(known, record));
  }

  function get(view: View): SafetyRecord {
    return byView.get(view) ?? emptySafetyRecord(epoch, view);
  }

  return {
    get,
    add(view, gain) {
      const record = merge(get(view), { ...emptySafetyRecord(epoch, view), ...gain });
      byView.set(view, record);
      return record;
    },
    hasSigned(ballot) {
      const record = get(ballot.view);
      switch (ballot.kind) {
        case "vote":
          return record.votedHash === ballot.blockHash && record.votedHeight === ballot.height;
        case "commit":
          return record.committedHash === ballot.blockHash && record.committedHeight === ballot.height;
        case "timeout":
          return record.hasTimedOut;
      }
    },
    all: () => [...byView.values()].sort((left, right) => left.view - right.view),
    prune(finalView) {
      for (const view of byView.keys()) if (view <= finalView) byView.delete(view);
    },
  };
}

/** Fields go from absent to present and never change afterwards; a contradiction is a corrupt store or our own bug. */
function merge(left: SafetyRecord, right: SafetyRecord): SafetyRecord {
  const votedHash = mergeHash(left.votedHash, right.votedHash, "one vote per view");
  const committedHash = mergeHash(left.committedHash, right.committedHash, "one commit vote per view");
  const merged: SafetyRecord = {
    epoch: left.epoch,
    view: left.view,
    proposedHash: mergeHash(left.proposedHash, right.proposedHash, "one proposal per view"),
    votedHash,
    votedHeight: left.votedHash === ZERO_HASH ? right.votedHeight : left.votedHeight,
    committedHash,
    committedHeight: left.committedHash === ZERO_HASH ? right.committedHeight : left.committedHeight,
    hasTimedOut: left.hasTimedOut || right.hasTimedOut,
    admittedBy: left.admittedBy ?? right.admittedBy,
  };
  const isExclusive = !merged.hasTimedOut || merged.committedHash === ZERO_HASH;
  assert(isExclusive, "R8: no commit vote and timeout in one record");
  return merged;
}

function mergeHash(left: BlockHash, right: BlockHash, rule: string): BlockHash {
  assert(left === ZERO_HASH || right === ZERO_HASH || left === right, `R9: a record never changes: ${rule}`);
  return left === ZERO_HASH ? right : left;
}
