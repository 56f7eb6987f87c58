/** The contract of `Store.save`, checked before anything is written: final heights follow each other and their blocks are
 *  stored; operations follow each other and belong to final blocks; a safety record never loses a field (R9); shares of a
 *  block never change. */

import type { Durable, FinalityEntry, OperationEntry, ReplicaSnapshot, StoredShares } from "../replica/interface.ts";
import type { Block } from "../types/block.ts";
import { bytesEqual } from "../types/bytes.ts";
import { type BlockHash, Height, type StateRoot, ZERO_HASH } from "../types/ids.ts";
import { KEYGEN_STATE_BYTES_MAX } from "../types/limits.ts";
import type { SafetyRecord } from "../types/safety_record.ts";
import { invalidCall } from "./errors.ts";
import { BLOCK_SHARES_BYTES_MAX, SHARE_BLOCKS_MAX } from "./limits.ts";

/** What the store knows before the save. */
export interface DurableContext {
  /** 0 while nothing is final. */
  readonly finalHeight: Height;
  /** 0 while nothing is executed. */
  readonly operationHeight: Height;
  isPending(blockHash: BlockHash): boolean;
  /** Only asked for heights in [oldest, finalHeight]. */
  finalHashAt(height: Height): BlockHash | undefined;
  record(key: Pick<SafetyRecord, "epoch" | "view">): SafetyRecord | undefined;
  /** Live shares of a block. */
  shares(blockHash: BlockHash): StoredShares | undefined;
}

/** The save without what is stored already. */
export interface CheckedDurable {
  readonly records: readonly SafetyRecord[];
  readonly blocks: readonly { readonly blockHash: BlockHash; readonly block: Block }[];
  readonly finality: readonly FinalityEntry[];
  readonly operations: readonly OperationEntry[];
  /** Operations at heights that were logged before; they must be the same. */
  readonly repeatedOperations: readonly OperationEntry[];
  readonly shares: readonly StoredShares[];
}

/** Throws StoreError "invalidCall" when the caller broke the contract. Blocks that are stored, or too old to become
 *  final, are left out, and so are shares. */
export function checkDurable(durable: Durable, context: DurableContext): CheckedDurable {
  const blocks = new Map<BlockHash, Block>();
  for (const { blockHash, block } of durable.blocks) {
    if (block.header.height > context.finalHeight && !context.isPending(blockHash)) blocks.set(blockHash, block);
  }
  checkFinality(durable.finality, { context, fresh: blocks });
  checkRecords(durable.records, context);
  const operations = durable.operations.filter(({ height }) => height > context.operationHeight);
  checkOperations(operations, { durable, context });
  return {
    records: durable.records,
    blocks: Array.from(blocks, ([blockHash, block]) => ({ blockHash, block })),
    finality: durable.finality,
    operations,
    repeatedOperations: durable.operations.filter(({ height }) => height <= context.operationHeight),
    shares: freshShares(durable, context),
  };
}

/** Throws StoreError "invalidCall" for a snapshot of a state that was not logged, or with too long a state of key generation. */
export function checkSnapshot(snapshot: ReplicaSnapshot, rootAt: (height: Height) => StateRoot | undefined): void {
  const { height, root, keygen } = snapshot;
  if (height !== Height.ZERO && rootAt(height) !== root)
    throw invalidCall(`The snapshot of height ${height} has a state root that was not logged for it.`);
  if (keygen.length > KEYGEN_STATE_BYTES_MAX)
    throw invalidCall(
      `The snapshot of height ${height} carries ${keygen.length} bytes of key generation; ${KEYGEN_STATE_BYTES_MAX} are allowed.`,
    );
}

function checkFinality(
  finality: readonly FinalityEntry[],
  { context, fresh }: { readonly context: DurableContext; readonly fresh: ReadonlyMap<BlockHash, Block> },
): void {
  let previous = context.finalHeight;
  for (const { height, blockHash, certificate } of finality) {
    if (previous !== Height.ZERO && height !== Height.next(previous))
      throw invalidCall(`Final height ${height} does not follow ${previous}.`);
    if (height === Height.ZERO) throw invalidCall("Genesis is final without an entry.");
    if (!fresh.has(blockHash) && !context.isPending(blockHash)) throw invalidCall(`Block ${blockHash} is to be final and is not stored.`);
    if (certificate.ballot.kind !== "commit") throw invalidCall(`Height ${height} comes with a certificate that is no CC.`);
    previous = height;
  }
}

function checkOperations(
  operations: readonly OperationEntry[],
  { durable, context }: { readonly durable: Durable; readonly context: DurableContext },
): void {
  const finalHeight = durable.finality.at(-1)?.height ?? context.finalHeight;
  let previous = context.operationHeight;
  for (const { height, blockHash } of operations) {
    if (previous !== Height.ZERO && height !== Height.next(previous)) {
      throw invalidCall(`Operation of height ${height} does not follow ${previous}.`);
    }
    if (height > finalHeight) throw invalidCall(`Height ${height} was executed before it was final.`);
    const entry = durable.finality.find((candidate) => candidate.height === height);
    const finalHash = entry === undefined ? context.finalHashAt(height) : entry.blockHash;
    if (finalHash !== blockHash)
      throw invalidCall(`The operation of height ${height} names block ${blockHash}, which is not the final one.`);
    previous = height;
  }
}

function checkRecords(records: readonly SafetyRecord[], context: DurableContext): void {
  for (const record of records) {
    const known = context.record(record);
    if (known === undefined) continue;
    const isKept = (before: BlockHash, after: BlockHash): boolean => before === ZERO_HASH || before === after;
    const isExtended =
      isKept(known.proposedHash, record.proposedHash) &&
      isKept(known.votedHash, record.votedHash) &&
      isKept(known.committedHash, record.committedHash) &&
      (record.hasTimedOut || !known.hasTimedOut);
    if (!isExtended) throw invalidCall(`The safety record of epoch ${record.epoch}, view ${record.view} would forget what was signed.`);
  }
}

/** Shares that are neither stored nor of heights that are final with this save. */
function freshShares(durable: Durable, context: DurableContext): readonly StoredShares[] {
  const finalHeight = durable.finality.at(-1)?.height ?? context.finalHeight;
  const fresh = new Map<BlockHash, StoredShares>();
  for (const entry of durable.shares) {
    const { blockHash, height, shares } = entry;
    if (shares.length === 0 || shares.length > BLOCK_SHARES_BYTES_MAX)
      throw invalidCall(`Shares of block ${blockHash} have ${shares.length} bytes.`);
    const known = context.shares(blockHash) ?? fresh.get(blockHash);
    if (known !== undefined && (known.height !== height || !bytesEqual(known.shares, shares)))
      throw invalidCall(`Shares of block ${blockHash} differ from those that were stored before.`);
    if (known === undefined && height > finalHeight) fresh.set(blockHash, entry);
  }
  if (fresh.size > SHARE_BLOCKS_MAX) throw invalidCall(`One save brings shares of ${fresh.size} blocks; ${SHARE_BLOCKS_MAX} are allowed.`);
  return [...fresh.values()];
}
