/** Tells seeds that open nothing: made up, of other positions, of positions that a block does not have, also for blocks that somebody else opens and
 *  before anybody could know them. A seed proves itself, so nobody believes one that does not. */

import { hashHeader } from "../../../crypto/hashes.ts";
import type { BlockHash } from "../../../types/ids.ts";
import type { PositionedOpening } from "../../../types/opening_message.ts";
import type { Strategy, TraitorContext } from "../strategy.ts";
import { othersOf, unchanged } from "./ballots.ts";
import { createAlbum } from "./memory.ts";

const SEED_BYTES = 32;

export function createWrongSeeds(): Strategy {
  const seeds = createAlbum<Uint8Array>({ earlyMax: 4, lateMax: 32 });

  function wrong(position: number, { stream }: TraitorContext): PositionedOpening {
    const known = seeds.pick(stream);
    const seed = known !== undefined && stream.chance(0.6) ? known : stream.bytes(SEED_BYTES);
    return { position, opening: { type: "seed", seed } };
  }

  function tell(blockHash: BlockHash, count: number, context: TraitorContext): void {
    const { stream, status } = context;
    // One position too many, sometimes.
    const positions = Array.from({ length: count + (stream.chance(0.2) ? 1 : 0) }, (_, index) => index);
    const openings = positions.map((position) => wrong(position, context));
    context.note(status.view, `tells wrong seeds of ${blockHash.slice(0, 8)}`);
    for (const to of othersOf(context)) context.send(to, { type: "seeds", blockHash, openings }, stream.below(30));
  }

  return {
    onSend(message, { to }, context) {
      const { view } = context.status;
      if (message.type !== "seeds") return unchanged(message);
      for (const { opening } of message.openings) if (opening.type === "seed") seeds.add(opening.seed);
      if (!context.acts(view)) return unchanged(message);
      context.note(view, `tells ${to} wrong seeds`);
      return unchanged({ ...message, openings: message.openings.map(({ position }) => wrong(position, context)) });
    },
    onReceive(message, _from, context) {
      if (message.type === "proposal" && message.proposal.header.sealedCount > 0 && context.acts(context.status.view)) {
        const { header } = message.proposal;
        tell(hashHeader(header), header.sealedCount, context);
      }
      if (message.type === "seeds") for (const { opening } of message.openings) if (opening.type === "seed") seeds.add(opening.seed);
      return [message];
    },
  };
}
