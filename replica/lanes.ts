/** What recent blocks ordered and listed, by branch: the memory that Canon needs. It knows headers, lists and ids; it holds no bodies and
 *  judges nothing.
 *
 *  A block's lane is a function of its inclusion lists and of the blocks below it: what the last SEALED_EXPIRY_HEIGHTS_MAX ordered, since what is older
 *  has expired, and the ages that the last LISTED_BLOCKS_MAX gave, each of which asks what was ordered below it. So the last LANE_MEMORY_BLOCKS give this
 *  memory again, exactly, and nothing is ordered twice on a branch. */

import { type Canon, canon, type FirstListed, leftoversOf } from "../mempool/canon.ts";
import { assert } from "../types/assert.ts";
import type { BlockHeader } from "../types/block.ts";
import type { BlockHash, Height, TransactionHash } from "../types/ids.ts";
import type { InclusionList } from "../types/inclusion_list.ts";
import { BLOCK_SEALED_MAX, LISTED_BLOCKS_MAX, SEALED_EXPIRY_HEIGHTS_MAX, SEALED_LANE_BYTES_MAX } from "../types/limits.ts";

/** Blocks from which ages come back exactly: the first of the window must know as well what was ordered below it. */
export const LANE_MEMORY_BLOCKS = SEALED_EXPIRY_HEIGHTS_MAX + LISTED_BLOCKS_MAX;

export interface LaneBlock {
  readonly blockHash: BlockHash;
  readonly header: BlockHeader;
  /** Ids of the sealed lane, in its order. */
  readonly ids: readonly TransactionHash[];
  readonly lists: readonly InclusionList[];
}

export interface Lanes {
  /** Takes a block; a known one is left as it is. One whose parent was not taken yet, as after a restart, waits for it. */
  note(block: LaneBlock): void;
  /** Did `parentHash` or one of the SEALED_EXPIRY_HEIGHTS_MAX − 1 blocks below it order the id? */
  isOrdered(parentHash: BlockHash, id: TransactionHash): boolean;
  /** The lane of a child of `parentHash` with these lists. */
  laneOver(parentHash: BlockHash, child: { readonly height: Height; readonly lists: readonly InclusionList[] }): Canon;
  /** The block after the one that was executed last is executed: what is older than the window is forgotten. Not before: until then its
   *  children's lanes, and its own, may have to be judged. */
  execute(blockHash: BlockHash): void;
  forget(blockHash: BlockHash): void;
  readonly count: number;
}

interface LaneNode {
  readonly height: Height;
  readonly parentHash: BlockHash;
  readonly ids: ReadonlySet<TransactionHash>;
  readonly leftovers: FirstListed;
}

const NOTHING_LISTED: FirstListed = new Map();
const CAPACITY = { count: BLOCK_SEALED_MAX, bytes: SEALED_LANE_BYTES_MAX } as const;

/** `threshold` is f + 1. `executed`: the last LANE_MEMORY_BLOCKS executed blocks, ascending. `head`: the last of them, or genesis. */
export function createLanes(options: {
  readonly threshold: number;
  readonly executed: readonly LaneBlock[];
  readonly head: BlockHash;
}): Lanes {
  const { threshold } = options;
  /** Nothing is known below. */
  const base = options.executed[0]?.header.parentHash ?? options.head;
  const nodes = new Map<BlockHash, LaneNode>();
  /** Blocks that wait for their parent, by its hash. */
  const waiting = new Map<BlockHash, LaneBlock[]>();
  /** Executed blocks of the window, ascending, and what they ordered: a look-up there does not walk. */
  const executedHashes: BlockHash[] = [];
  const executedIds = new Map<TransactionHash, Height>();
  /** Lanes that are not empty, ascending, of the last SEALED_EXPIRY_HEIGHTS_MAX heights. */
  const executedLanes: LaneNode[] = [];

  function isOrdered(parentHash: BlockHash, id: TransactionHash): boolean {
    const last = executedHashes.at(-1);
    // The window counts from the parent, wherever finality stands: all validators must see the same.
    const floor = (nodes.get(parentHash)?.height ?? 0) - SEALED_EXPIRY_HEIGHTS_MAX;
    for (let hash = parentHash; hash !== last; ) {
      const node = nodes.get(hash);
      if (node === undefined || node.height <= floor) break;
      if (node.ids.has(id)) return true;
      hash = node.parentHash;
    }
    return (executedIds.get(id) ?? 0) > Math.max(0, floor);
  }

  function note(block: LaneBlock): void {
    const { blockHash, header, ids, lists } = block;
    if (nodes.has(blockHash)) return;
    const { height, parentHash } = header;
    if (parentHash !== base && !nodes.has(parentHash)) {
      waiting.set(parentHash, [...(waiting.get(parentHash) ?? []), block]);
      return;
    }
    const laneIds = new Set(ids);
    const leftovers = leftoversOf({
      lists,
      height,
      laneIds,
      isOrdered: (id) => isOrdered(parentHash, id),
      firstListed: nodes.get(parentHash)?.leftovers ?? NOTHING_LISTED,
    });
    nodes.set(blockHash, { height, parentHash, ids: laneIds, leftovers });
    const children = waiting.get(blockHash) ?? [];
    waiting.delete(blockHash);
    for (const child of children) note(child);
  }

  function execute(blockHash: BlockHash): void {
    const executed = nodes.get(blockHash);
    assert(executed?.parentHash === (executedHashes.at(-1) ?? base), "blocks are executed in order, each once");
    executedHashes.push(blockHash);
    for (const id of executed.ids) executedIds.set(id, executed.height);
    if (executed.ids.size > 0) executedLanes.push(executed);
    forgetExpired(executed.height);
    if (executedHashes.length <= LISTED_BLOCKS_MAX) return;
    const oldest = executedHashes.shift();
    assert(oldest !== undefined, "what was pushed is there");
    nodes.delete(oldest);
  }

  function forgetExpired(height: Height): void {
    for (let oldest = executedLanes[0]; oldest !== undefined; oldest = executedLanes[0]) {
      if (oldest.height > height - SEALED_EXPIRY_HEIGHTS_MAX) return;
      executedLanes.shift();
      for (const id of oldest.ids) if (executedIds.get(id) === oldest.height) executedIds.delete(id);
    }
  }

  for (const block of options.executed) {
    note(block);
    execute(block.blockHash);
  }

  return {
    note,
    isOrdered,
    laneOver: (parentHash, { height, lists }) =>
      canon({
        lists,
        height,
        threshold,
        isOrdered: (id) => isOrdered(parentHash, id),
        firstListed: nodes.get(parentHash)?.leftovers ?? NOTHING_LISTED,
        capacity: CAPACITY,
      }),
    execute,
    forget(blockHash) {
      waiting.delete(blockHash);
      if (!executedHashes.includes(blockHash)) nodes.delete(blockHash);
    },
    get count() {
      return nodes.size;
    },
  };
}
