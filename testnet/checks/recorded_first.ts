/** Record before signature: at the moment an honest validator signs, a synced write of its holds that very thing; no later record
 *  takes anything back; every view it enters by a certificate is on record. An observer, whose store was wiped, signs nothing. R9. */

import { type BlockHash, ZERO_HASH } from "../../types/ids.ts";
import type { SafetyRecord } from "../../types/safety_record.ts";
import type { Ballot } from "../../types/vote.ts";
import type { FactOf, FactType } from "../simulator/facts.ts";
import type { CheckedCluster, Checker, Violation } from "./checker.ts";
import { createHeaderHasher } from "./final_chain.ts";
import { createRecentMap, type RecentMap, VIEWS_MAX } from "./recent_map.ts";
import { accuserOf, brief } from "./violations.ts";
import { wipedBy } from "./wiped.ts";

interface Disk {
  /** The last record saved of each view: by the rule it holds everything that earlier ones held. */
  readonly records: RecentMap<number, SafetyRecord>;
  /** The highest view on record. */
  highestView: number;
  isSigning: boolean;
}

const FACTS: readonly FactType[] = ["saved", "signedVote", "signedProposal", "enteredView", "started", "stopped", "fault"];

const accuse = accuserOf("recordBeforeSignature", "safety");

export function createRecordedFirstChecker({ honest, weights }: Pick<CheckedCluster, "honest" | "weights">): Checker {
  const disks = weights.map((): Disk => ({ records: createRecentMap(VIEWS_MAX), highestView: 0, isSigning: true }));
  const hashOf = createHeaderHasher();
  const diskOf = (validator: number): Disk => disks[validator] as Disk;

  function onSaved({ atUs, validator, durable }: FactOf<"saved">): Violation | undefined {
    const disk = diskOf(validator);
    const { records } = disk;
    for (const record of durable.records) {
      disk.highestView = Math.max(disk.highestView, record.view);
      const earlier = records.get(record.view);
      records.set(record.view, record);
      const lost = earlier === undefined ? undefined : whatIsLost(earlier, record);
      if (lost === undefined) continue;
      return accuse(atUs, [validator], `Validator ${validator} saved a record of view ${record.view} that ${lost}.`);
    }
    return undefined;
  }

  function onSigned(
    atUs: number,
    validator: number,
    signed: { readonly what: string; readonly view: number; readonly isRecorded: boolean },
  ): Violation | undefined {
    const by = `Validator ${validator} signed a ${signed.what} in view ${signed.view}`;
    if (!diskOf(validator).isSigning) return accuse(atUs, [validator], `${by} although its store was wiped and it is an observer.`);
    return signed.isRecorded ? undefined : accuse(atUs, [validator], `${by} before its record of that was on disk.`);
  }

  function onEntered({ atUs, validator, view, by }: FactOf<"enteredView">): Violation | undefined {
    const { records, highestView, isSigning } = diskOf(validator);
    if (!isSigning) return undefined;
    if (by === "start") {
      if (view >= highestView) return undefined;
      return accuse(
        atUs,
        [validator],
        `Validator ${validator} began in view ${view}, although its disk holds a record of view ${highestView}.`,
      );
    }
    if (records.get(view)?.admittedBy !== undefined) return undefined;
    return accuse(atUs, [validator], `Validator ${validator} entered view ${view} by a ${by} before that was on disk.`);
  }

  return {
    invariant: "recordBeforeSignature",
    interests: FACTS,
    observe(fact) {
      const wiped = wipedBy(fact);
      if (wiped !== undefined) forget(diskOf(wiped));
      if (!("validator" in fact) || !honest.has(fact.validator)) return undefined;
      const { validator } = fact;
      switch (fact.type) {
        case "saved":
          return onSaved(fact);
        case "signedVote": {
          const { ballot } = fact.vote;
          const isRecorded = holdsBallot(diskOf(validator).records.get(ballot.view), ballot);
          return onSigned(fact.atUs, validator, { what: WORDS[ballot.kind], view: ballot.view, isRecorded });
        }
        case "signedProposal": {
          const { header } = fact.proposal;
          const isRecorded = diskOf(validator).records.get(header.view)?.proposedHash === hashOf(header);
          return onSigned(fact.atUs, validator, { what: "proposal", view: header.view, isRecorded });
        }
        case "enteredView":
          return onEntered(fact);
        case "started":
          diskOf(validator).isSigning = fact.isSigning;
          return undefined;
        default:
          return undefined;
      }
    },
  };
}

function forget(disk: Disk): void {
  disk.records.clear();
  disk.highestView = 0;
}

const WORDS = { vote: "vote", commit: "commit vote", timeout: "timeout" } as const;

/** Does a record hold this very signature? */
export function holdsBallot(record: SafetyRecord | undefined, ballot: Ballot): boolean {
  if (record === undefined || record.epoch !== ballot.epoch) return false;
  switch (ballot.kind) {
    case "vote":
      return record.votedHash === ballot.blockHash && record.votedHeight === ballot.height;
    case "commit":
      return record.committedHash === ballot.blockHash && record.committedHeight === ballot.height;
    case "timeout":
      return record.hasTimedOut;
  }
}

function whatIsLost(earlier: SafetyRecord, later: SafetyRecord): string | undefined {
  const changed = (what: string, before: BlockHash, after: BlockHash): string | undefined =>
    before === ZERO_HASH || before === after
      ? undefined
      : `replaces its ${what} for ${brief(before)} by ${after === ZERO_HASH ? "none" : brief(after)}`;
  return (
    changed("proposal", earlier.proposedHash, later.proposedHash) ??
    changed("vote", earlier.votedHash, later.votedHash) ??
    changed("commit vote", earlier.committedHash, later.committedHash) ??
    (earlier.hasTimedOut && !later.hasTimedOut ? "forgets its timeout" : undefined) ??
    (earlier.admittedBy !== undefined && later.admittedBy === undefined ? "forgets the certificate that admitted it" : undefined)
  );
}
