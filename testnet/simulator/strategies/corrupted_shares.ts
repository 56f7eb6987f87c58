/** Sends shares that are none: those of other positions, changed bytes, another one to each validator; and proofs that do not fit. Combinations
 *  fail, disputes find the bad share, and the others open without it. */

import type { PositionedShare, ProofBatch } from "../../../types/opening_message.ts";
import type { Strategy } from "../strategy.ts";
import type { Stream } from "../streams.ts";
import { unchanged } from "./ballots.ts";
import { createAlbum } from "./memory.ts";

export function createCorruptedShares(): Strategy {
  const seen = createAlbum<Uint8Array>({ earlyMax: 8, lateMax: 32 });
  return {
    onSend(message, { to }, context) {
      const { view } = context.status;
      if (message.type !== "shares" && message.type !== "proofs") return unchanged(message);
      if (!context.acts(view)) return unchanged(message);
      const { stream } = context;
      const corrupt = (shares: readonly PositionedShare[]): readonly PositionedShare[] =>
        shares.map(({ position, share }) => ({
          position,
          share: stream.chance(0.6) ? corrupted(share, seen.pick(stream), stream) : share,
        }));
      if (message.type === "shares") {
        for (const { share } of message.shares) seen.add(share);
        context.note(view, `sends ${to} corrupted shares`);
        return unchanged({ ...message, shares: corrupt(message.shares) });
      }
      // Proofs are asked for where a share was wrong: the truth now, the same lie, or a proof of nothing.
      if (stream.chance(0.3)) return unchanged(message);
      context.note(view, `proves ${to} nothing`);
      return unchanged({ ...message, batches: message.batches.map((batch) => wrongBatch(batch, corrupt, stream)) });
    },
    onReceive(message) {
      if (message.type === "shares") for (const { share } of message.shares) seen.add(share);
      return [message];
    },
  };
}

function corrupted(share: Uint8Array, other: Uint8Array | undefined, stream: Stream): Uint8Array {
  if (other !== undefined && stream.chance(0.6)) return other;
  const changed = share.slice();
  const at = stream.pick([0, 1, 2, 31]);
  changed[at] = (changed[at] as number) ^ (1 << stream.below(7));
  return changed;
}

function wrongBatch(
  { shares, proof }: ProofBatch,
  corrupt: (shares: readonly PositionedShare[]) => readonly PositionedShare[],
  stream: Stream,
): ProofBatch {
  if (stream.chance(0.5)) return { shares: corrupt(shares), proof };
  const changed = proof.slice();
  const at = stream.below(3);
  changed[at] = (changed[at] as number) ^ 1;
  return { shares, proof: changed };
}
