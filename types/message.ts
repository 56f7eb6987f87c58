/** Frames: what validators push to each other on direct streams and publish on gossip topics.
 *  A frame is `type (1 byte) ‖ encoding of that type` (the encoding starts with its version). */

import { type OfferedBid, offeredBidCodec } from "./bid.ts";
import { type Proposal, proposalCodec } from "./block.ts";
import { type Codec, type DecodeFailure, defineCodec, ssz } from "./codec.ts";
import { BLOCK_TRANSACTIONS_MAX, FRAME_BYTES_MAX, TRANSACTION_BYTES_MAX } from "./limits.ts";
import { decodeSealingMessage, encodeSealingMessage, type SealingMessage } from "./opening_message.ts";
import { type Certificate, certificateCodec, type SignedVote, signedVoteCodec } from "./vote.ts";

export type Message =
  | { readonly type: "proposal"; readonly proposal: Proposal }
  | { readonly type: "vote"; readonly vote: SignedVote }
  | { readonly type: "certificate"; readonly certificate: Certificate }
  | { readonly type: "transactions"; readonly transactions: readonly Uint8Array[] }
  /** From a builder to a validator. */
  | ({ readonly type: "bid" } & OfferedBid)
  /** Between validators only: inclusion lists, shares, seeds, disputes. */
  | SealingMessage;

export type DecodedMessage =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly reason: DecodeFailure | "unknownType" };

export const transactionBatchCodec: Codec<readonly Uint8Array[]> = defineCodec({
  name: "TransactionBatch",
  version: 1,
  type: ssz.list(ssz.byteList(TRANSACTION_BYTES_MAX), BLOCK_TRANSACTIONS_MAX),
  bytesMax: FRAME_BYTES_MAX - 1,
  toSsz: (transactions: readonly Uint8Array[]) => [...transactions],
  fromSsz: (value) => (value.length === 0 ? undefined : value),
});

const FRAME_TYPES = { proposal: 1, vote: 2, certificate: 3, transactions: 4, sealing: 5, bid: 6 } as const;

function framed(type: number, encoded: Uint8Array): Uint8Array {
  const frame = new Uint8Array(encoded.length + 1);
  frame[0] = type;
  frame.set(encoded, 1);
  return frame;
}

export function encodeMessage(message: Message): Uint8Array {
  switch (message.type) {
    case "proposal":
      return framed(FRAME_TYPES.proposal, proposalCodec.encode(message.proposal));
    case "vote":
      return framed(FRAME_TYPES.vote, signedVoteCodec.encode(message.vote));
    case "certificate":
      return framed(FRAME_TYPES.certificate, certificateCodec.encode(message.certificate));
    case "transactions":
      return framed(FRAME_TYPES.transactions, transactionBatchCodec.encode(message.transactions));
    case "bid":
      return framed(FRAME_TYPES.bid, offeredBidCodec.encode(message));
    case "list":
    case "shares":
    case "seeds":
    case "openingRequest":
    case "proofRequest":
    case "proofs":
      return framed(FRAME_TYPES.sealing, encodeSealingMessage(message));
  }
}

/** Never throws; a peer chooses the bytes. */
export function decodeMessage(frame: Uint8Array): DecodedMessage {
  if (frame.length === 0) return { ok: false, reason: "empty" };
  if (frame.length > FRAME_BYTES_MAX) return { ok: false, reason: "oversize" };
  const inner = frame.subarray(1);
  switch (frame[0]) {
    case FRAME_TYPES.proposal: {
      const decoded = proposalCodec.decode(inner);
      return decoded.ok ? { ok: true, message: { type: "proposal", proposal: decoded.value } } : decoded;
    }
    case FRAME_TYPES.vote: {
      const decoded = signedVoteCodec.decode(inner);
      return decoded.ok ? { ok: true, message: { type: "vote", vote: decoded.value } } : decoded;
    }
    case FRAME_TYPES.certificate: {
      const decoded = certificateCodec.decode(inner);
      return decoded.ok ? { ok: true, message: { type: "certificate", certificate: decoded.value } } : decoded;
    }
    case FRAME_TYPES.transactions: {
      const decoded = transactionBatchCodec.decode(inner);
      return decoded.ok ? { ok: true, message: { type: "transactions", transactions: decoded.value } } : decoded;
    }
    case FRAME_TYPES.bid: {
      const decoded = offeredBidCodec.decode(inner);
      return decoded.ok ? { ok: true, message: { type: "bid", ...decoded.value } } : decoded;
    }
    case FRAME_TYPES.sealing:
      return decodeSealingMessage(inner);
    default:
      return { ok: false, reason: "unknownType" };
  }
}
