/** Where in its block a final transaction stands, and who built that block. Reading a block costs its size, so the last blocks that were asked about are
 *  remembered by the little that is asked of them; bounded. */

import type { Store, TransactionLocation } from "../storage/interface.ts";
import type { AccountId, Height } from "../types/ids.ts";
import type { LanePlace } from "./rpc/core.ts";

export interface LanePlaces {
  /** Undefined when the block is not here. */
  placeOf(location: TransactionLocation): LanePlace | undefined;
}

interface Shape {
  readonly sealedCount: number;
  readonly transactionCount: number;
  readonly builder: AccountId | undefined;
  readonly paid: bigint;
}

const SHAPES_MAX = 256;

export function createLanePlaces(store: Pick<Store, "blockAt">): LanePlaces {
  const shapes = new Map<Height, Shape>();

  function shapeAt(height: Height): Shape | undefined {
    const known = shapes.get(height);
    if (known !== undefined) return known;
    const block = store.blockAt(height);
    if (block === undefined) return undefined;
    const { sealedCount, transactionCount } = block.header;
    const shape = { sealedCount, transactionCount, builder: block.bid?.builder, paid: block.bid?.value ?? 0n };
    shapes.set(height, shape);
    const [oldest] = shapes.keys();
    if (shapes.size > SHAPES_MAX && oldest !== undefined) shapes.delete(oldest);
    return shape;
  }

  return {
    placeOf({ height, index }) {
      const shape = shapeAt(height);
      if (shape === undefined) return undefined;
      const { sealedCount, transactionCount, builder, paid } = shape;
      if (index < sealedCount) return { lane: "sealed", position: index, builder, paid };
      if (index < transactionCount) return { lane: "open", position: index - sealedCount, builder, paid };
      return { lane: "bundle", position: index - transactionCount, builder, paid };
    },
  };
}
