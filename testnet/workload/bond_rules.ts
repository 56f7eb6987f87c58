/** What builders may promise, held against every block that honest validators take as valid: the builder was active at the block's height in the state
 *  after the header's executed height, and its bond there covers the bid together with its bids in ancestors above that height. B2 of
 *  `builder/README.md`, L18, L20: by the ledger's model, never by what validators say. */

import type { FactOf } from "../simulator/facts.ts";
import type { LedgerModel } from "./ledger_model.ts";

interface Standing {
  readonly bond: bigint;
  readonly unbondingAt: number;
  readonly boxedUntil: number;
}

interface BuiltPromise {
  readonly height: number;
  readonly parentHash: string;
  readonly executedHeight: number;
  readonly builder: string | undefined;
  readonly value: bigint;
}

export interface BondRules {
  /** The model stands after its next height. What must not be is returned. */
  noteExecuted(model: LedgerModel): string | undefined;
  noteSaved(fact: FactOf<"saved">): string | undefined;
}

/** Heights of states that are kept, and blocks that wait for theirs. */
const HEIGHTS_KEPT = 512;
const WAITING_MAX = 1_024;

export function createBondRules({ bondMin }: { readonly bondMin: bigint }): BondRules {
  const states = new Map<number, ReadonlyMap<string, Standing>>();
  const blocks = new Map<string, BuiltPromise>();
  let waiting: string[] = [];
  let height = 0;
  states.set(0, new Map());

  function judge(blockHash: string): string | undefined {
    const block = blocks.get(blockHash);
    const state = block === undefined ? undefined : states.get(block.executedHeight);
    if (block?.builder === undefined || state === undefined) return undefined;
    const what = `Block ${blockHash.slice(0, 8)} of height ${block.height} is built for ${block.value} by ${block.builder.slice(0, 8)}`;
    const standing = state.get(block.builder);
    if (standing === undefined) return `${what}, which is no builder after height ${block.executedHeight}.`;
    const { bond, unbondingAt, boxedUntil } = standing;
    const isActive = bond >= bondMin && block.height > boxedUntil && (unbondingAt === 0 || block.height <= unbondingAt + 1);
    if (!isActive) return `${what}, which may not build it: bond ${bond}, boxed until ${boxedUntil}, unbonding at ${unbondingAt}.`;
    const promised = promisedBelow(block);
    if (promised === undefined || block.value + promised <= bond) return undefined;
    return `${what}, whose bond is ${bond} and which promised ${promised} in blocks that are not executed.`;
  }

  /** Undefined: a block below is not known here. */
  function promisedBelow({ parentHash, executedHeight, builder, height: own }: BuiltPromise): bigint | undefined {
    let sum = 0n;
    let above = own;
    for (let hash = parentHash; above - 1 > executedHeight; above--) {
      const block = blocks.get(hash);
      if (block === undefined) return undefined;
      if (block.builder === builder) sum += block.value;
      hash = block.parentHash;
    }
    return sum;
  }

  return {
    noteExecuted(model) {
      height = model.height;
      const state = new Map<string, Standing>();
      for (const builder of model.builders.slots) {
        if (builder === undefined) continue;
        const { id, bond, unbondingAt, boxedUntil } = builder;
        state.set(id, { bond, unbondingAt, boxedUntil });
      }
      states.set(height, state);
      states.delete(height - HEIGHTS_KEPT);
      for (const [hash, block] of blocks) if (block.height < height - HEIGHTS_KEPT) blocks.delete(hash);
      const due = waiting;
      waiting = due.filter((hash) => (blocks.get(hash)?.executedHeight ?? 0) > height);
      for (const hash of due) {
        const found = waiting.includes(hash) ? undefined : judge(hash);
        if (found !== undefined) return found;
      }
      return undefined;
    },
    noteSaved({ durable }) {
      for (const { blockHash, block } of durable.blocks) {
        if (blocks.has(blockHash)) continue;
        const { header, bid } = block;
        const { parentHash, executedHeight } = header;
        blocks.set(blockHash, { height: header.height, parentHash, executedHeight, builder: bid?.builder, value: bid?.value ?? 0n });
        if (bid === undefined) continue;
        if (executedHeight > height) {
          if (waiting.length < WAITING_MAX) waiting.push(blockHash);
          continue;
        }
        const found = judge(blockHash);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}
