/** Executes final blocks in order and remembers the recent state roots, by which voters judge the root a header names.
 *  R7: each height exactly once, in order. Never decides what is final. */

import type { ParsedTransaction } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import type { Bid } from "../types/bid.ts";
import type { BlockHeader } from "../types/block.ts";
import type { BlockHash, Height, StateRoot, View } from "../types/ids.ts";
import { EXECUTION_LAG_MAX } from "../types/limits.ts";
import type { Opening, OpenResult } from "../types/sealing.ts";
import type { Certificate } from "../types/vote.ts";
import { type AppliedBlock, applyBlock, type ExecutionParts } from "./apply_block.ts";
import type { FinalizedBlock } from "./interface.ts";
import type { Outbox } from "./outbox.ts";

/** How far back roots are remembered: enough for any header within the execution lag of any block of the tree. */
export const ROOTS_KEPT = 4 * EXECUTION_LAG_MAX;

const NO_KEYGEN = new Uint8Array(0);

export interface ExecutedHeight {
  readonly height: Height;
  readonly root: StateRoot;
}

export interface FinalPosition {
  readonly height: Height;
  readonly blockHash: BlockHash;
  readonly view: View;
}

export interface Execution {
  readonly final: FinalPosition;
  /** The root after `height`, while remembered. */
  rootAt(height: Height): StateRoot | undefined;
  /** Executes the block after `final`; its finality, result and effect go to `outbox`. */
  execute(next: ExecutableFinalBlock, outbox: Outbox): { readonly finalized: FinalizedBlock; readonly applied: AppliedBlock };
}

export interface ExecutableFinalBlock {
  readonly blockHash: BlockHash;
  readonly header: BlockHeader;
  readonly transactions: readonly ParsedTransaction[];
  readonly bid: Bid | undefined;
  readonly certificate: Certificate;
  /** What the sealed lane and the bundle hold, and what shows it: one each per sealed transaction, then the bundle's. */
  readonly opened: readonly OpenResult[];
  readonly openings: readonly Opening[];
}

export function createExecution(options: {
  readonly parts: ExecutionParts;
  readonly final: FinalPosition;
  /** Roots of recent heights, ascending, up to and including the application's own height. */
  readonly roots: readonly ExecutedHeight[];
  /** A snapshot is taken every so many heights. */
  readonly snapshotBlocks: number;
}): Execution {
  const { parts, snapshotBlocks } = options;
  const { application, keygen } = parts;
  assert(application.height === options.final.height, "the application stands at the final head");
  let final = options.final;
  const roots = new Map<Height, StateRoot>(options.roots.map(({ height, root }) => [height, root]));
  roots.set(application.height, application.root);

  function execute(next: ExecutableFinalBlock, outbox: Outbox): ReturnType<Execution["execute"]> {
    const { blockHash, header, certificate } = next;
    assert(header.height === final.height + 1, "final blocks are executed in order of height");
    assert(header.parentHash === final.blockHash, "a final block extends the final head");
    const { height, view } = header;
    const applied = applyBlock(parts, next);
    const { stateRoot, receipts, bundleReceipts, built, bundle } = applied;
    final = { height, blockHash, view };
    roots.set(height, stateRoot);
    roots.delete((height - ROOTS_KEPT) as Height);
    outbox.durable.finality.push({ height, blockHash, view, certificate });
    outbox.durable.operations.push({ height, blockHash, stateRoot, receipts, bundleReceipts, openings: next.openings });
    if (height % snapshotBlocks === 0) {
      const snapshot = { ...application.snapshot(), keygen: keygen?.encode() ?? NO_KEYGEN };
      outbox.effects.push({ type: "snapshotDue", height, snapshot });
    }
    return { finalized: { blockHash, header, certificate, stateRoot, receipts, built, bundle }, applied };
  }

  return {
    get final() {
      return final;
    },
    rootAt: (height) => roots.get(height),
    execute,
  };
}
