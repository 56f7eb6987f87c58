/** Headers above the last final block, linked by parent. A block is *connected* when its ancestors reach the root; others
 *  wait as orphans. R2 and R4 ask for the state of a body; R7 walks a path and moves the root, each block once.
 *  R10: BLOCKS_MAX blocks; ORPHANS_MAX of them orphans that no certificate names. Never judges a block. */

import { assert } from "../types/assert.ts";
import type { Proposal } from "../types/block.ts";
import type { BlockHash, Height, TimestampMs, ValidatorIndex, View } from "../types/ids.ts";
import type { Sender } from "../types/sender.ts";

/** Also how deep a certified chain may grow before a CC: beyond the execution lag its blocks are empty, so this is memory for headers. */
export const BLOCKS_MAX = 4_096;
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
  /** Adds a block, unless there is no room. */
  insert(block: TreeBlock): boolean;
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

  function descendsFromRoot(block: TreeBlock): boolean {
    let current: TreeBlock | undefined = block;
    while (current !== undefined) {
      if (current.proposal.header.parentHash === root.blockHash) return true;
      current = blocks.get(current.proposal.header.parentHash);
    }
    return false;
  }

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
      if (blocks.size >= BLOCKS_MAX) return false;
      if (!block.isConnected && block.isCertified !== true && idleOrphans().length >= ORPHANS_MAX) return false;
      blocks.set(block.blockHash, block);
      const { view } = block.proposal.header;
      byView.set(view, [...(byView.get(view) ?? []), block]);
      return true;
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
      const dropped: BlockHash[] = [];
      for (const block of [...blocks.values()]) {
        const { header } = block.proposal;
        const isAbove = header.view > root.view && header.height > root.height;
        const isKept = isAbove && (!block.isConnected || descendsFromRoot(block));
        if (isKept) continue;
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
