/** What recent blocks ordered and listed, by branch: the memory that Canon needs. A block's lane is a function of its inclusion lists and of
 *  the last LISTED_BLOCKS_MAX blocks below it, so this memory comes back from these blocks alone.
 *  It knows headers, lists and ids; it holds no bodies and judges nothing. */

import { type Canon, canon, type FirstListed, leftoversOf } from "../mempool/canon.ts";
import type { BlockHeader } from "../types/block.ts";
import type { BlockHash, Height, TransactionHash } from "../types/ids.ts";
import type { InclusionList } from "../types/inclusion_list.ts";
import { BLOCK_SEALED_MAX, LISTED_BLOCKS_MAX, SEALED_LANE_BYTES_MAX } from "../types/limits.ts";

export interface LaneBlock {
  readonly blockHash: BlockHash;
  readonly header: BlockHeader;
  /** Ids of the sealed lane, in its order. */
  readonly ids: readonly TransactionHash[];
  readonly lists: readonly InclusionList[];
}

export interface Lanes {
  /** Takes a block whose parent was taken before; a known one is left as it is. */
  note(block: LaneBlock): void;
  has(blockHash: BlockHash): boolean;
  /** Did `parentHash` or one of the LISTED_BLOCKS_MAX − 1 blocks below it order the id? */
  isOrdered(parentHash: BlockHash, id: TransactionHash): boolean;
  /** The lane of a child of `parentHash` with these lists. */
  laneOver(parentHash: BlockHash, child: { readonly height: Height; readonly lists: readonly InclusionList[] }): Canon;
  /** Blocks from here down become final: their siblings and what is older than the window are forgotten. */
  finalize(blockHash: BlockHash): void;
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

/** `threshold` is f + 1. `recentFinal`: the final blocks of the window, ascending. */
export function createLanes(options: { readonly threshold: number; readonly recentFinal: readonly LaneBlock[] }): Lanes {
  const { threshold } = options;
  const nodes = new Map<BlockHash, LaneNode>();
  /** Final blocks of the window, ascending, and what they ordered: a look-up there does not walk. */
  const finalHashes: BlockHash[] = [];
  const finalIds = new Map<TransactionHash, Height>();

  function isOrdered(parentHash: BlockHash, id: TransactionHash): boolean {
    const last = finalHashes.at(-1);
    // The window counts from the parent, wherever finality stands: all validators must see the same.
    const floor = (nodes.get(parentHash)?.height ?? 0) - LISTED_BLOCKS_MAX;
    for (let hash = parentHash; hash !== last; ) {
      const node = nodes.get(hash);
      if (node === undefined || node.height <= floor) break;
      if (node.ids.has(id)) return true;
      hash = node.parentHash;
    }
    return (finalIds.get(id) ?? 0) > Math.max(0, floor);
  }

  function note({ blockHash, header, ids, lists }: LaneBlock): void {
    if (nodes.has(blockHash)) return;
    const { height, parentHash } = header;
    const laneIds = new Set(ids);
    const leftovers = leftoversOf({
      lists,
      height,
      laneIds,
      isOrdered: (id) => isOrdered(parentHash, id),
      firstListed: nodes.get(parentHash)?.leftovers ?? NOTHING_LISTED,
    });
    nodes.set(blockHash, { height, parentHash, ids: laneIds, leftovers });
  }

  function finalize(blockHash: BlockHash): void {
    const path: [BlockHash, LaneNode][] = [];
    const last = finalHashes.at(-1);
    for (let hash = blockHash; hash !== last; ) {
      const node = nodes.get(hash);
      if (node === undefined) break;
      path.push([hash, node]);
      hash = node.parentHash;
    }
    for (const [hash, node] of path.reverse()) {
      finalHashes.push(hash);
      for (const id of node.ids) finalIds.set(id, node.height);
    }
    for (const hash of finalHashes.splice(0, Math.max(0, finalHashes.length - LISTED_BLOCKS_MAX))) {
      const node = nodes.get(hash);
      nodes.delete(hash);
      for (const id of node?.ids ?? []) if (finalIds.get(id) === node?.height) finalIds.delete(id);
    }
  }

  for (const block of options.recentFinal) {
    note(block);
    finalize(block.blockHash);
  }

  return {
    note,
    has: (blockHash) => nodes.has(blockHash),
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
    finalize,
    forget(blockHash) {
      if (!finalHashes.includes(blockHash)) nodes.delete(blockHash);
    },
    get count() {
      return nodes.size;
    },
  };
}
