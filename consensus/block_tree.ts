/** Headers above the last final block, linked by parent. A block is *connected* when its ancestors reach the root; others
 *  wait as orphans. R2 and R4 ask for the state of a body; R7 walks a path and moves the root, each block once.
 *  Never judges a block; who inserts keeps R10's bounds. */

import { assert } from "../types/assert.ts";
import type { Proposal } from "../types/block.ts";
import type { BlockHash, Height, TimestampMs, ValidatorIndex, View } from "../types/ids.ts";
import type { Sender } from "../types/sender.ts";

/** Above this many blocks uncertified ones of past views give way. Certified ones always find room, since it takes a quorum to
 *  make one; beyond the execution lag they are empty, so this is memory for headers. */
export const BLOCKS_MAX = 4_096;
/** Orphans that no certificate names. */
export const ORPHANS_MAX = 64;

/** waiting: not yet asked for (orphan). asked: the replica gathers and checks. */
export type BodyState = "waiting" | "asked" | "valid" | "invalid";

/** What children are checked against: the root or a connected block. */
export interface ParentFacts {
  readonly blockHash: BlockHash;
  readonly height: Height;
  readonly view: View;
  readonly timeMs: TimestampMs;
  readonly executedHeight: Height;
  readonly proposer: ValidatorIndex | undefined;
}

export interface TreeBlock {
  readonly blockHash: BlockHash;
  readonly proposal: Proposal;
  readonly from: Sender;
  body: BodyState;
  isConnected: boolean;
  /** Asked for because a certificate names it: a chain of these is climbed down however deep it is. */
  readonly isCertified?: boolean;
}

export interface BlockTree {
  readonly root: ParentFacts;
  /** Whether the root's own body is held (it may become final before it arrives). */
  isRootHeld: boolean;
  get(blockHash: BlockHash): TreeBlock | undefined;
  /** The root or a connected block, as a parent. */
  facts(blockHash: BlockHash): ParentFacts | undefined;
  /** Blocks proposed in `view`, in order of arrival. */
  ofView(view: View): readonly TreeBlock[];
  orphansOf(parentHash: BlockHash): readonly TreeBlock[];
  orphans(): readonly TreeBlock[];
  /** Orphans that no certificate names. */
  idleOrphans(): readonly TreeBlock[];
  insert(block: TreeBlock): void;
  remove(blockHash: BlockHash): void;
  /** Blocks from the root (exclusive) up to a connected block, ascending. */
  pathTo(blockHash: BlockHash): readonly TreeBlock[];
  /** Makes a new root; returns what was dropped: everything that does not descend from it and is not in `final`. */
  moveRoot(root: ParentFacts, final: ReadonlySet<BlockHash>): readonly BlockHash[];
  all(): readonly TreeBlock[];
  readonly count: number;
}

export function createBlockTree(start: ParentFacts): BlockTree {
  const blocks = new Map<BlockHash, TreeBlock>();
  const byView = new Map<View, TreeBlock[]>();
  let root = start;

  function facts(blockHash: BlockHash): ParentFacts | undefined {
    if (blockHash === root.blockHash) return root;
    const block = blocks.get(blockHash);
    return block?.isConnected === true ? { ...block.proposal.header, blockHash } : undefined;
  }

  function remove(blockHash: BlockHash): void {
    const block = blocks.get(blockHash);
    if (block === undefined) return;
    blocks.delete(blockHash);
    const { view } = block.proposal.header;
    const rest = (byView.get(view) ?? []).filter((other) => other !== block);
    if (rest.length === 0) byView.delete(view);
    else byView.set(view, rest);
  }

  const orphans = (): TreeBlock[] => [...blocks.values()].filter(({ isConnected }) => !isConnected);

  const idleOrphans = (): TreeBlock[] => orphans().filter(({ isCertified }) => isCertified !== true);

  return {
    get root() {
      return root;
    },
    isRootHeld: true,
    get: (blockHash) => blocks.get(blockHash),
    facts,
    ofView: (view) => byView.get(view) ?? [],
    orphansOf: (parentHash) => orphans().filter(({ proposal }) => proposal.header.parentHash === parentHash),
    orphans,
    idleOrphans,
    insert(block) {
      assert(!blocks.has(block.blockHash), "a block is inserted once");
      blocks.set(block.blockHash, block);
      const { view } = block.proposal.header;
      byView.set(view, [...(byView.get(view) ?? []), block]);
    },
    remove,
    pathTo(blockHash) {
      const path: TreeBlock[] = [];
      for (let hash = blockHash; hash !== root.blockHash; ) {
        const block = blocks.get(hash);
        assert(block?.isConnected === true, "a path leads from the root to a connected block");
        path.push(block);
        hash = block.proposal.header.parentHash;
      }
      return path.reverse();
    },
    moveRoot(next, final) {
      root = next;
      const kept = new Set<BlockHash>([root.blockHash]);
      const dropped: BlockHash[] = [];
      // A parent's view is below its child's, so by ascending view every parent is decided first.
      const ascending = [...blocks.values()].sort((left, right) => left.proposal.header.view - right.proposal.header.view);
      for (const block of ascending) {
        const { header } = block.proposal;
        const isAbove = header.view > root.view && header.height > root.height;
        if (isAbove && (!block.isConnected || kept.has(header.parentHash))) {
          kept.add(block.blockHash);
          continue;
        }
        remove(block.blockHash);
        if (!final.has(block.blockHash)) dropped.push(block.blockHash);
      }
      return dropped;
    },
    all: () => [...blocks.values()],
    get count() {
      return blocks.size;
    },
  };
}
