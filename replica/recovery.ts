/** From what storage holds back to a running machine: replays final blocks through the application, then lays out what
 *  consensus needs. R9: everything that was ever signed comes back from the records; nothing is guessed. */

import type { RecoveredConsensus } from "../consensus/interface.ts";
import { SCHEDULE_WINDOW_BLOCKS } from "../consensus/leader_schedule.ts";
import { genesisBlockHash, hashHeader, hashTransaction } from "../crypto/hashes.ts";
import type { Keygen } from "../mempool/keygen_interface.ts";
import { RECENT_BLOCKS_MAX } from "../mempool/opening_interface.ts";
import { resultOf } from "../mempool/opening_judge.ts";
import type { Application, ParsedTransaction } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import { type Block, type BlockHeader, openingCountOf, type Proposal } from "../types/block.ts";
import { type BlockHash, type ChainId, Height, type StateRoot, type TimestampMs, View } from "../types/ids.ts";
import type { SafetyRecord } from "../types/safety_record.ts";
import type { Opening, OpenResult, SealingSuite } from "../types/sealing.ts";
import type { VerifyEd25519 } from "../types/suites.ts";
import type { ValidatorSet } from "../types/validator_set.ts";
import { applyBlock } from "./apply_block.ts";
import { BUILDER_HISTORY_HEIGHTS, type ExecutedHistoryBlock } from "./builder_history.ts";
import { type ExecutedHeight, ROOTS_KEPT } from "./execution.ts";
import type { FinalityEntry, OperationEntry, ReplicaSnapshot, StoredShares } from "./interface.ts";
import { LANE_MEMORY_BLOCKS, type LaneBlock } from "./lanes.ts";
import { itemsOf, type OpenableBlock } from "./opening_flow.ts";
import { createParser, type ParseTransaction } from "./parse.ts";

/** Read access to a store, as recovery needs it. */
export interface RecoverySource {
  readonly records: readonly SafetyRecord[];
  readonly finalHead: FinalityEntry | undefined;
  readonly pendingBlocks: readonly { readonly blockHash: BlockHash; readonly block: Block }[];
  readonly snapshot: ReplicaSnapshot | undefined;
  readonly shares: readonly StoredShares[];
  blockAt(height: Height): Block | undefined;
  operation(height: Height): OperationEntry | undefined;
}

export interface RecoveredReplica {
  readonly consensus: RecoveredConsensus;
  readonly roots: readonly ExecutedHeight[];
  readonly pendingBlocks: readonly { readonly blockHash: BlockHash; readonly block: Block }[];
  /** Our shares of blocks that are not executed. */
  readonly shares: readonly StoredShares[];
  /** Final blocks that lanes depend on, ascending. */
  readonly recentLanes: readonly LaneBlock[];
  /** What the last executed lanes held, ascending: others may still ask. */
  readonly recentOpenings: readonly Pick<OperationEntry, "blockHash" | "openings">[];
  /** The last blocks that the replay executed, ascending; none when the snapshot is of the head. */
  readonly recentlyExecuted: readonly ExecutedHistoryBlock[];
}

export type RecoveryFailure =
  | { readonly reason: "snapshotRefused"; readonly height: Height }
  | { readonly reason: "blockMissing"; readonly height: Height }
  | { readonly reason: "transactionUnreadable"; readonly height: Height }
  /** A block with a sealed lane whose openings the operation log lacks, or that do not fit. */
  | { readonly reason: "openingsMissing"; readonly height: Height }
  | { readonly reason: "rootDiffers"; readonly height: Height; readonly ours: StateRoot; readonly recorded: StateRoot };

export type RecoveryResult =
  | {
      readonly ok: true;
      readonly recovered: RecoveredReplica;
      readonly replayedBlocks: number;
      /** Replayed heights that the operation log lacks, ascending: to be saved before the machine starts. Those with a sealed lane never
       *  are among them, since without their openings they could not have been executed. */
      readonly derived: readonly OperationEntry[];
    }
  | { readonly ok: false; readonly failure: RecoveryFailure };

/** Brings `application` (fresh, at genesis) to the final head and returns what `createReplica` starts from. */
export function recoverReplica(options: {
  readonly source: RecoverySource;
  readonly application: Application;
  /** Fresh as well; undefined on a chain without sealed transactions. */
  readonly sealing: { readonly suite: SealingSuite; readonly keygen: Keygen } | undefined;
  readonly verifyEd25519: VerifyEd25519;
  readonly validators: ValidatorSet;
  readonly chainId: ChainId;
  readonly genesisTimeMs: TimestampMs;
}): RecoveryResult {
  const { source, application, sealing } = options;
  assert(application.height === 0, "recovery starts from an application at genesis");
  const roots: ExecutedHeight[] = [{ height: Height.ZERO, root: application.root }];
  const isRestored =
    source.snapshot === undefined ||
    (application.restore(source.snapshot) && (sealing === undefined || sealing.keygen.restore(source.snapshot.keygen)));
  if (!isRestored && source.snapshot !== undefined) {
    return { ok: false, failure: { reason: "snapshotRefused", height: source.snapshot.height } };
  }
  const restoredHeight = application.height;
  const finalHeight = source.finalHead?.height ?? Height.ZERO;
  rememberRoots(source, restoredHeight, roots);
  const replayed: Replayed = { derived: [], history: [] };
  while (application.height < finalHeight) {
    const failure = replayNext(options, replayed);
    if (failure !== undefined) return { ok: false, failure };
    roots.push({ height: application.height, root: application.root });
  }
  return {
    ok: true,
    recovered: layOut(options, roots, replayed.history),
    replayedBlocks: finalHeight - restoredHeight,
    derived: replayed.derived,
  };
}

/** Roots at and below the snapshot's height come from the operation log, as far back as headers may still name them. */
function rememberRoots(source: RecoverySource, upTo: Height, roots: ExecutedHeight[]): void {
  for (let height = Math.max(1, upTo - ROOTS_KEPT); height <= upTo; height++) {
    const entry = source.operation(Height.of(height));
    if (entry !== undefined) roots.push({ height: entry.height, root: entry.stateRoot });
  }
}

type RecoveryOptions = Parameters<typeof recoverReplica>[0];

interface Replayed {
  readonly derived: OperationEntry[];
  readonly history: ExecutedHistoryBlock[];
}

function replayNext(options: RecoveryOptions, replayed: Replayed): RecoveryFailure | undefined {
  const { source, application, sealing } = options;
  const height = Height.next(application.height);
  const block = source.blockAt(height);
  if (block === undefined) return { reason: "blockMissing", height };
  const parse = createParser({ application, keygen: sealing?.keygen });
  const transactions = parseBody(parse, block);
  if (transactions === undefined) return { reason: "transactionUnreadable", height };
  const operation = source.operation(height);
  const { header, bid } = block;
  const opened = openStored(options, { header, bid, transactions }, operation?.openings ?? []);
  if (opened === undefined) return { reason: "openingsMissing", height };
  const parts = { application, keygen: sealing?.keygen, parse, verifyEd25519: options.verifyEd25519, validators: options.validators };
  const { stateRoot, receipts, bundleReceipts, changes } = applyBlock(parts, { header, bid, transactions, opened });
  const blockHash = hashHeader(header);
  const recorded = operation?.stateRoot;
  if (recorded !== undefined && recorded !== stateRoot) return { reason: "rootDiffers", height, ours: stateRoot, recorded };
  if (operation === undefined) replayed.derived.push({ height, blockHash, stateRoot, receipts, bundleReceipts, openings: [] });
  replayed.history.push({ blockHash, header, bid, changes });
  if (replayed.history.length > BUILDER_HISTORY_HEIGHTS) replayed.history.shift();
  return undefined;
}

/** What a stored block had to open. The openings were judged before they were stored. */
function openStored(
  { sealing, chainId }: RecoveryOptions,
  block: OpenableBlock,
  openings: readonly Opening[],
): readonly OpenResult[] | undefined {
  const count = openingCountOf(block.header);
  if (openings.length !== count) return undefined;
  if (count === 0) return [];
  const key = sealing?.keygen.live?.key;
  if (sealing === undefined || key === undefined) return undefined;
  const { suite } = sealing;
  return itemsOf(block, chainId).map((item, position) => resultOf({ suite, key, item, opening: openings[position] as Opening }));
}

/** Parses a stored or served body; undefined when a transaction does not parse. Signatures were checked before it was final. */
export function parseBody(parse: ParseTransaction, block: Block): readonly ParsedTransaction[] | undefined {
  const transactions: ParsedTransaction[] = [];
  for (const bytes of block.transactions) {
    const parsed = parse(bytes);
    if (!parsed.ok) return undefined;
    transactions.push(parsed.transaction);
  }
  return transactions;
}

/** A stored block as the proposal it came from. */
export function proposalOf(block: Block): Proposal {
  const { header, parentCertificate, timeoutCertificates, lists, bid, signature } = block;
  return {
    header,
    parentCertificate,
    timeoutCertificates,
    transactionHashes: block.transactions.map(hashTransaction),
    lists,
    bid,
    signature,
  };
}

function recentLanesOf(source: RecoverySource, finalHeight: number): readonly LaneBlock[] {
  const lanes: LaneBlock[] = [];
  for (let height = Math.max(1, finalHeight - LANE_MEMORY_BLOCKS + 1); height <= finalHeight; height++) {
    const block = source.blockAt(Height.of(height));
    assert(block !== undefined, "a final block is in the store");
    lanes.push(laneBlockOf(hashHeader(block.header), block));
  }
  return lanes;
}

function recentOpeningsOf(source: RecoverySource, finalHeight: number): RecoveredReplica["recentOpenings"] {
  const recent: OperationEntry[] = [];
  for (let height = Math.max(1, finalHeight - RECENT_BLOCKS_MAX + 1); height <= finalHeight; height++) {
    const operation = source.operation(Height.of(height));
    if (operation !== undefined && operation.openings.length > 0) recent.push(operation);
  }
  return recent;
}

/** What the lanes remember of a stored block. */
export function laneBlockOf(blockHash: BlockHash, { header, lists, transactions }: Block): LaneBlock {
  return { blockHash, header, lists, ids: transactions.slice(0, header.sealedCount).map(hashTransaction) };
}

function layOut(
  options: RecoveryOptions,
  roots: readonly ExecutedHeight[],
  recentlyExecuted: readonly ExecutedHistoryBlock[],
): RecoveredReplica {
  const { source } = options;
  const recentFinalHeaders: BlockHeader[] = [];
  const finalHeight = source.finalHead?.height ?? 0;
  for (let height = Math.max(1, finalHeight - SCHEDULE_WINDOW_BLOCKS + 1); height <= finalHeight; height++) {
    const block = source.blockAt(Height.of(height));
    assert(block !== undefined, "a final block is in the store");
    recentFinalHeaders.push(block.header);
  }
  const head = recentFinalHeaders.at(-1);
  const genesisRoot = roots[0]?.root;
  assert(genesisRoot !== undefined, "the genesis root is known");
  return {
    consensus: {
      records: source.records,
      finalHead:
        head === undefined
          ? {
              blockHash: genesisBlockHash(options.chainId),
              height: Height.ZERO,
              view: View.ZERO,
              timeMs: options.genesisTimeMs,
              executedHeight: Height.ZERO,
              executedRoot: genesisRoot,
            }
          : { ...head, blockHash: hashHeader(head) },
      finalCertificate: source.finalHead?.certificate,
      proposals: source.pendingBlocks.map(({ block }) => proposalOf(block)),
      recentFinalHeaders,
    },
    roots,
    pendingBlocks: source.pendingBlocks,
    shares: source.shares,
    recentLanes: options.sealing === undefined ? [] : recentLanesOf(source, finalHeight),
    recentOpenings: recentOpeningsOf(source, finalHeight),
    recentlyExecuted,
  };
}
