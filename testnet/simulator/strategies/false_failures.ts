/** Claims that sealed transactions cannot be opened: with shares that prove nothing, with its own many times over in others' names, with too few, and
 *  with true proofs of other positions. A failure is believed only with n − f proven shares of different validators. */

import { hashHeader } from "../../../crypto/hashes.ts";
import { type BlockHash, type TransactionHash, ValidatorIndex } from "../../../types/ids.ts";
import type { PositionedOpening } from "../../../types/opening_message.ts";
import type { ProvenShare } from "../../../types/sealing.ts";
import type { Strategy, TraitorContext } from "../strategy.ts";
import { othersOf, unchanged } from "./ballots.ts";
import { createAlbum, createShelf } from "./memory.ts";
import { createSealedParts } from "./sealed_parts.ts";

const NO_TRANSACTION = "" as TransactionHash;

export function createFalseFailures(): Strategy {
  const shares = createAlbum<Uint8Array>({ earlyMax: 4, lateMax: 32 });
  /** Proofs that others gave, with whose they are. */
  const proven = createAlbum<ProvenShare>({ earlyMax: 4, lateMax: 32 });

  const parts = createSealedParts();
  /** Ids of the lanes that came by. */
  const lanes = createShelf<BlockHash, readonly TransactionHash[]>(64);

  /** Its own share, truly proven: one of n − f that it would need. */
  function ownShare(blockHash: BlockHash, position: number, { sealing, self }: TraitorContext): ProvenShare | undefined {
    const sealed = parts.of(lanes.get(blockHash)?.[position] ?? NO_TRANSACTION);
    const secretShare = sealing?.secretShare();
    if (sealing === undefined || sealed === undefined || secretShare === undefined) return undefined;
    const share = sealing.suite.shareOf(secretShare, sealed);
    return { validator: self, share, proof: sealing.suite.proveShares({ secretShare, sealed: [sealed] }) };
  }

  function failure(blockHash: BlockHash, position: number, context: TraitorContext): PositionedOpening {
    const { stream, count } = context;
    const own = stream.chance(0.4) ? ownShare(blockHash, position, context) : undefined;
    if (own !== undefined) return { position, opening: { type: "failed", shares: [own] } };
    const needed = count - Math.floor((count - 1) / 3);
    const said = Math.max(1, stream.chance(0.3) ? needed - 1 : needed);
    const everybody = Array.from({ length: count }, (_, index) => ValidatorIndex.of(index)).slice(0, said);
    const invented = everybody.map((validator): ProvenShare => {
      const known = proven.pick(stream);
      if (known !== undefined && stream.chance(0.5)) return { ...known, validator };
      const share = shares.pick(stream) ?? stream.bytes(32);
      return { validator, share, proof: stream.bytes(64) };
    });
    return { position, opening: { type: "failed", shares: invented } };
  }

  function claim(blockHash: BlockHash, sealedCount: number, context: TraitorContext): void {
    const { stream, status } = context;
    const positions = Array.from({ length: sealedCount }, (_, index) => index).filter(() => stream.chance(0.7));
    if (positions.length === 0) return;
    context.note(status.view, `claims that ${positions.length} sealed transactions cannot be opened`);
    const openings = positions.map((position) => failure(blockHash, position, context));
    for (const to of othersOf(context)) context.send(to, { type: "seeds", blockHash, openings }, stream.below(20));
  }

  return {
    onSend(message, _route, context) {
      parts.see(message, context.sealing?.suite);
      if (message.type !== "seeds" || !context.acts(context.status.view)) return unchanged(message);
      context.note(context.status.view, "tells failures in place of seeds");
      return unchanged({ ...message, openings: message.openings.map(({ position }) => failure(message.blockHash, position, context)) });
    },
    onReceive(message, from, context) {
      parts.see(message, context.sealing?.suite);
      if (message.type === "proposal") {
        const { header, transactionHashes } = message.proposal;
        lanes.put(hashHeader(header), transactionHashes.slice(0, header.sealedCount));
      }
      if (message.type === "shares") for (const { share } of message.shares) shares.add(share);
      if (message.type === "proofs") {
        for (const {
          shares: [first],
          proof,
        } of message.batches)
          if (first !== undefined) proven.add({ validator: from, share: first.share, proof });
      }
      if (message.type === "proposal" && message.proposal.header.sealedCount > 0 && context.acts(context.status.view)) {
        claim(hashHeader(message.proposal.header), message.proposal.header.sealedCount, context);
      }
      return [message];
    },
  };
}
