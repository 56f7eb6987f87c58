/** R9: what a validator must remember before it signs anything, one record per (epoch, view), written before it is sent.
 *  The codec's version is the record's version: an unknown one is refused, never read with permissive defaults. */

import { type Codec, defineCodec, hashFromBytes, hashToBytes, ssz } from "./codec.ts";
import { type BlockHash, Epoch, Height, View, ZERO_HASH } from "./ids.ts";
import { CERTIFICATE_BYTES, type Certificate, certificateFromSsz, certificateToSsz, certificateType } from "./vote.ts";

/** A later record of the same (epoch, view) replaces an earlier one; fields only ever go from absent to present. */
export interface SafetyRecord {
  readonly epoch: Epoch;
  readonly view: View;
  /** Hash of our own proposal in this view; ZERO_HASH when none. */
  readonly proposedHash: BlockHash;
  /** Block of our Vote(view); ZERO_HASH when none. `votedHeight` is its height, 0 when none. */
  readonly votedHash: BlockHash;
  readonly votedHeight: Height;
  /** Block of our CommitVote(view); ZERO_HASH when none. */
  readonly committedHash: BlockHash;
  readonly committedHeight: Height;
  /** Did we sign Timeout(view)? */
  readonly hasTimedOut: boolean;
  /** The QC or TC that admitted us to this view; absent for the first view and for views never entered. */
  readonly admittedBy: Certificate | undefined;
}

/** The record of a view in which nothing happened yet. */
export function emptySafetyRecord(epoch: Epoch, view: View): SafetyRecord {
  return {
    epoch,
    view,
    proposedHash: ZERO_HASH,
    votedHash: ZERO_HASH,
    votedHeight: Height.ZERO,
    committedHash: ZERO_HASH,
    committedHeight: Height.ZERO,
    hasTimedOut: false,
    admittedBy: undefined,
  };
}

const safetyRecordType = ssz.container(
  {
    epoch: ssz.uint64,
    view: ssz.uint64,
    proposedHash: ssz.bytes(32),
    votedHash: ssz.bytes(32),
    votedHeight: ssz.uint64,
    committedHash: ssz.bytes(32),
    committedHeight: ssz.uint64,
    hasTimedOut: ssz.uint8,
    admittedBy: ssz.list(certificateType, 1),
  },
  "SafetyRecord",
);

export const safetyRecordCodec: Codec<SafetyRecord> = defineCodec({
  name: "SafetyRecord",
  version: 1,
  type: safetyRecordType,
  bytesMax: 1 + 8 * 4 + 32 * 3 + 1 + 4 + CERTIFICATE_BYTES,
  toSsz: (record: SafetyRecord) => ({
    ...record,
    proposedHash: hashToBytes(record.proposedHash),
    votedHash: hashToBytes(record.votedHash),
    committedHash: hashToBytes(record.committedHash),
    hasTimedOut: record.hasTimedOut ? 1 : 0,
    admittedBy: record.admittedBy === undefined ? [] : [certificateToSsz(record.admittedBy)],
  }),
  fromSsz: (value) => {
    const inner = value.admittedBy[0];
    const admittedBy = inner === undefined ? undefined : certificateFromSsz(inner);
    if (value.hasTimedOut > 1 || (inner !== undefined && admittedBy === undefined)) return undefined;
    return {
      epoch: Epoch.of(value.epoch),
      view: View.of(value.view),
      proposedHash: hashFromBytes<BlockHash>(value.proposedHash),
      votedHash: hashFromBytes<BlockHash>(value.votedHash),
      votedHeight: Height.of(value.votedHeight),
      committedHash: hashFromBytes<BlockHash>(value.committedHash),
      committedHeight: Height.of(value.committedHeight),
      hasTimedOut: value.hasTimedOut === 1,
      admittedBy,
    };
  },
});
