/** What voters must know of builders to judge a bid by the state that its header names (B2): records of builders as they were after recent heights,
 *  and what recent blocks promise, by branch. It holds no bids and judges nothing.
 *
 *  The application answers for its last height only; each executed block says whose records it changed and what they were before, so the answers for the
 *  heights before come from walking back. Both memories reach further back than any header that may be built may name (B5). */

import type { BuilderChange } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import type { Bid } from "../types/bid.ts";
import type { BlockHeader } from "../types/block.ts";
import type { Builder } from "../types/builder.ts";
import { type AccountId, type BlockHash, Height } from "../types/ids.ts";
import { EXECUTION_LAG_MAX } from "../types/limits.ts";

/** Executed heights that are remembered: those that a built header may name, below any block of the tree that is still judged. */
export const BUILDER_HISTORY_HEIGHTS = 4 * EXECUTION_LAG_MAX;

export interface HistoryBlock {
  readonly blockHash: BlockHash;
  readonly header: BlockHeader;
  readonly bid: Bid | undefined;
}

/** A block that was executed, with whom it changed. */
export interface ExecutedHistoryBlock extends HistoryBlock {
  readonly changes: readonly BuilderChange[];
}

export interface BuilderHistory {
  /** Takes a proposed block; a known one is left as it is. */
  note(block: HistoryBlock): void;
  /** The next height was executed; the application stands after it. */
  execute(block: ExecutedHistoryBlock): void;
  /** Never to be final. */
  forget(blockHash: BlockHash): void;
  /** The builder as it was after `height`; `known` false: too long ago, or not executed yet. */
  at(account: AccountId, height: Height): { readonly isKnown: boolean; readonly builder: Builder | undefined };
  /** Values of the builder's bids in blocks above `executedHeight` up to `parentHash`; undefined when one of them is not known here. */
  promised(account: AccountId, above: { readonly parentHash: BlockHash; readonly executedHeight: Height }): bigint | undefined;
  readonly count: number;
}

interface HistoryNode {
  readonly height: Height;
  readonly parentHash: BlockHash;
  readonly builder: AccountId | undefined;
  readonly value: bigint;
}

/** `base`: where the application stood before `executed` were executed, in order; it stands after them now. */
export function createBuilderHistory(options: {
  readonly builderOf: (account: AccountId) => Builder | undefined;
  readonly base: { readonly height: Height; readonly blockHash: BlockHash };
  readonly executed: readonly ExecutedHistoryBlock[];
}): BuilderHistory {
  const { builderOf } = options;
  /** The newest block of which only the place is known, no bid: records reach back to the state after it. */
  let base = options.base;
  let newest = base.height;
  const changesAt = new Map<Height, ReadonlyMap<AccountId, Builder | undefined>>();
  const nodes = new Map<BlockHash, HistoryNode>();
  const executedHashes: BlockHash[] = [];

  function note({ blockHash, header, bid }: HistoryBlock): void {
    if (nodes.has(blockHash)) return;
    const { height, parentHash } = header;
    nodes.set(blockHash, { height, parentHash, builder: bid?.builder, value: bid?.value ?? 0n });
  }

  function execute(block: ExecutedHistoryBlock): void {
    const { height } = block.header;
    assert(height === newest + 1, "blocks are executed in order, each once");
    newest = height;
    note(block);
    executedHashes.push(block.blockHash);
    if (block.changes.length > 0) changesAt.set(height, new Map(block.changes.map(({ account, before }) => [account, before])));
    if (executedHashes.length <= BUILDER_HISTORY_HEIGHTS) return;
    const forgotten = executedHashes.shift();
    assert(forgotten !== undefined, "what was pushed is there");
    nodes.delete(forgotten);
    base = { height: Height.of(height - BUILDER_HISTORY_HEIGHTS), blockHash: forgotten };
    changesAt.delete(base.height);
  }

  for (const block of options.executed) execute(block);

  return {
    note,
    execute,
    forget(blockHash) {
      if (!executedHashes.includes(blockHash)) nodes.delete(blockHash);
    },
    at(account, height) {
      if (height < base.height || height > newest) return { isKnown: false, builder: undefined };
      // The first change above the height says what was there before it.
      for (let above = height + 1; above <= newest; above++) {
        const changes = changesAt.get(above as Height);
        if (changes?.has(account)) return { isKnown: true, builder: changes.get(account) };
      }
      return { isKnown: true, builder: builderOf(account) };
    },
    promised(account, { parentHash, executedHeight }) {
      let sum = 0n;
      for (let hash = parentHash; ; ) {
        const node = nodes.get(hash);
        // Nothing is known at and below the base.
        if (node === undefined) return hash === base.blockHash && base.height <= executedHeight ? sum : undefined;
        if (node.height <= executedHeight) return sum;
        if (node.builder === account) sum += node.value;
        hash = node.parentHash;
      }
    },
    get count() {
      return nodes.size;
    },
  };
}
