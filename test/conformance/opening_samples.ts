/** The messages that open sealed lanes behind the golden vectors, computed from their position like those of samples.ts. */

import { toHex } from "../../types/bytes.ts";
import { type BlockHash, ValidatorIndex } from "../../types/ids.ts";
import { BLOCK_SEALED_MAX } from "../../types/limits.ts";
import type {
  OpeningRequest,
  PositionedShare,
  ProofRequest,
  ProofsMessage,
  SeedsMessage,
  SharesMessage,
} from "../../types/opening_message.ts";
import type { Opening } from "../../types/sealing.ts";
import { counting } from "./samples.ts";

const blockHash = toHex<BlockHash>(counting(32, 0x60));
const last = BLOCK_SEALED_MAX - 1;
const shareAt = (position: number): PositionedShare => ({ position, share: counting(32, position) });
const seed: Opening = { type: "seed", seed: counting(32, 0x61) };
const failed: Opening = {
  type: "failed",
  shares: [0, 2, 127].map((index) => ({ validator: ValidatorIndex.of(index), share: counting(32, index), proof: counting(64, index) })),
};

export const laneOpenings: readonly Opening[] = [seed, failed, { type: "seed", seed: counting(32, 0x62) }];
export const storedShares: readonly Uint8Array[] = [counting(32, 0x63), counting(32, 0x64)];
export const sharesMessage: SharesMessage = { type: "shares", blockHash, shares: [shareAt(0), shareAt(0x0102), shareAt(last)] };
export const seedsMessage: SeedsMessage = {
  type: "seeds",
  blockHash,
  openings: [
    { position: 1, opening: failed },
    { position: 2, opening: seed },
    { position: last, opening: failed },
  ],
};
export const openingRequest: OpeningRequest = { type: "openingRequest", blockHash, positions: [0, 0x0102, last] };
export const proofRequests: readonly ProofRequest[] = [
  { type: "proofRequest", blockHash, positions: [0, 3], isSeparate: false },
  { type: "proofRequest", blockHash, positions: [last], isSeparate: true },
];
export const proofsMessage: ProofsMessage = {
  type: "proofs",
  blockHash,
  batches: [
    { shares: [shareAt(0), shareAt(3)], proof: counting(64, 0x65) },
    { shares: [shareAt(1)], proof: counting(64, 0x66) },
  ],
};
