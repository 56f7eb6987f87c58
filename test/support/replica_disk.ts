/** The disk of a simulated node: what survives its crash, and the ranges of final blocks that it serves from it. */

import { certificateToEndWith } from "../../replica/catch_up.ts";
import type { Durable, FinalityEntry, OperationEntry, StoredShares } from "../../replica/interface.ts";
import type { Block } from "../../types/block.ts";
import { type BlockHash, Height } from "../../types/ids.ts";
import type { SafetyRecord } from "../../types/safety_record.ts";
import type { SyncRequest, SyncResponse } from "../../types/sync.ts";

/** What survives a crash of one node. */
export interface Disk {
  readonly records: SafetyRecord[];
  readonly blocks: Map<BlockHash, Block>;
  readonly finality: Map<Height, FinalityEntry>;
  readonly operations: Map<Height, OperationEntry>;
  readonly shares: Map<BlockHash, StoredShares>;
}

/** As a node serves it, except that only the number of blocks bounds a range. */
export function finalBlocksOf(disk: Disk, request: Extract<SyncRequest, { type: "finalBlocks" }>): SyncResponse {
  const entriesFrom = (first: Height, count: number): FinalityEntry[] =>
    Array.from({ length: count }, (_, index) => disk.finality.get(Height.of(first + index))).filter((entry) => entry !== undefined);
  const blockOf = ({ blockHash }: FinalityEntry): Block => disk.blocks.get(blockHash) as Block;
  const entries = entriesFrom(request.fromHeight, request.count);
  const last = entries.at(-1)?.height ?? Height.ZERO;
  const certificate = certificateToEndWith(
    entries.map((entry) => entry.certificate),
    last,
  );
  const end = certificate?.ballot.height ?? Height.ZERO;
  const trailing = entriesFrom(Height.next(last), Math.max(0, end - last));
  if (certificate === undefined || trailing.length < end - last) {
    return { type: "finalBlocks", blocks: [], openings: [], trailingHeaders: [], commitCertificate: undefined };
  }
  const served = entries.filter(({ height }) => height <= end);
  const blocks = served.map(blockOf);
  const openings = served.map(({ height }) => disk.operations.get(height)?.openings ?? []);
  return {
    type: "finalBlocks",
    blocks,
    openings,
    trailingHeaders: trailing.map((entry) => blockOf(entry).header),
    commitCertificate: certificate,
  };
}

/** Takes over what a step made durable. */
export function save(disk: Disk, durable: Durable): void {
  disk.records.push(...durable.records);
  for (const { blockHash, block } of durable.blocks) disk.blocks.set(blockHash, block);
  for (const entry of durable.finality) disk.finality.set(entry.height, entry);
  for (const shares of durable.shares) disk.shares.set(shares.blockHash, shares);
  for (const entry of durable.operations) disk.operations.set(entry.height, entry);
}
