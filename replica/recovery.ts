/** From what storage holds back to a running machine: replays final blocks through the application, then lays out what
 *  consensus needs. R9: everything that was ever signed comes back from the records; nothing is guessed. */

import type { RecoveredConsensus } from "../consensus/interface.ts";
import { SCHEDULE_WINDOW_BLOCKS } from "../consensus/leader_schedule.ts";
import { genesisBlockHash, hashHeader, hashTransaction } from "../crypto/hashes.ts";
import type { Application, ParsedTransaction, StateSnapshot } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import type { Block, BlockHeader, Proposal } from "../types/block.ts";
import { type BlockHash, type ChainId, Height, type StateRoot, type TimestampMs, View } from "../types/ids.ts";
import type { SafetyRecord } from "../types/safety_record.ts";
import { type ExecutedHeight, ROOTS_KEPT } from "./execution.ts";
import type { FinalityEntry, OperationEntry } from "./interface.ts";

/** Read access to a store, as recovery needs it. */
export interface RecoverySource {
  readonly records: readonly SafetyRecord[];
  readonly finalHead: FinalityEntry | undefined;
  readonly pendingBlocks: readonly { readonly blockHash: BlockHash; readonly block: Block }[];
  readonly snapshot: StateSnapshot | undefined;
  blockAt(height: Height): Block | undefined;
  operation(height: Height): OperationEntry | undefined;
}

export interface RecoveredReplica {
  readonly consensus: RecoveredConsensus;
  readonly roots: readonly ExecutedHeight[];
  readonly pendingBlocks: readonly { readonly blockHash: BlockHash; readonly block: Block }[];
}

export type RecoveryFailure =
  | { readonly reason: "snapshotRefused"; readonly height: Height }
  | { readonly reason: "blockMissing"; readonly height: Height }
  | { readonly reason: "transactionUnreadable"; readonly height: Height }
  | { readonly reason: "rootDiffers"; readonly height: Height; readonly ours: StateRoot; readonly recorded: StateRoot };

export type RecoveryResult =
  | { readonly ok: true; readonly recovered: RecoveredReplica; readonly replayedBlocks: number }
  | { readonly ok: false; readonly failure: RecoveryFailure };

/** Brings `application` (fresh, at genesis) to the final head and returns what `createReplica` starts from. */
export function recoverReplica(options: {
  readonly source: RecoverySource;
  readonly application: Application;
  readonly chainId: ChainId;
  readonly genesisTimeMs: TimestampMs;
}): RecoveryResult {
  const { source, application } = options;
  assert(application.height === 0, "recovery starts from an application at genesis");
  const roots: ExecutedHeight[] = [{ height: Height.ZERO, root: application.root }];
  if (source.snapshot !== undefined && !application.restore(source.snapshot)) {
    return { ok: false, failure: { reason: "snapshotRefused", height: source.snapshot.height } };
  }
  const restoredHeight = application.height;
  const finalHeight = source.finalHead?.height ?? Height.ZERO;
  rememberRoots(source, restoredHeight, roots);
  while (application.height < finalHeight) {
    const failure = replayNext(source, application);
    if (failure !== undefined) return { ok: false, failure };
    roots.push({ height: application.height, root: application.root });
  }
  return { ok: true, recovered: layOut(options, roots), replayedBlocks: finalHeight - restoredHeight };
}

/** Roots at and below the snapshot's height come from the operation log, as far back as headers may still name them. */
function rememberRoots(source: RecoverySource, upTo: Height, roots: ExecutedHeight[]): void {
  for (let height = Math.max(1, upTo - ROOTS_KEPT); height <= upTo; height++) {
    const entry = source.operation(Height.of(height));
    if (entry !== undefined) roots.push({ height: entry.height, root: entry.stateRoot });
  }
}

function replayNext(source: RecoverySource, application: Application): RecoveryFailure | undefined {
  const height = Height.next(application.height);
  const block = source.blockAt(height);
  if (block === undefined) return { reason: "blockMissing", height };
  const transactions = parseBody(application, block);
  if (transactions === undefined) return { reason: "transactionUnreadable", height };
  const { stateRoot } = application.execute({ height, timeMs: block.header.timeMs, transactions, opened: [] });
  const recorded = source.operation(height)?.stateRoot;
  if (recorded !== undefined && recorded !== stateRoot) return { reason: "rootDiffers", height, ours: stateRoot, recorded };
  return undefined;
}

/** Parses a stored or served body; undefined when a transaction does not parse. Signatures were checked before it was final. */
export function parseBody(application: Application, block: Block): readonly ParsedTransaction[] | undefined {
  const transactions: ParsedTransaction[] = [];
  for (const bytes of block.transactions) {
    const parsed = application.parse(bytes);
    if (!parsed.ok) return undefined;
    transactions.push(parsed.transaction);
  }
  return transactions;
}

/** A stored block as the proposal it came from. */
export function proposalOf(block: Block): Proposal {
  const { header, parentCertificate, timeoutCertificates, lists, signature } = block;
  return { header, parentCertificate, timeoutCertificates, transactionHashes: block.transactions.map(hashTransaction), lists, signature };
}

function layOut(
  options: {
    readonly source: RecoverySource;
    readonly application: Application;
    readonly chainId: ChainId;
    readonly genesisTimeMs: TimestampMs;
  },
  roots: readonly ExecutedHeight[],
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
  };
}
