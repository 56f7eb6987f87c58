/** fast-check arbitraries of the messages that open sealed lanes, and of the openings of whole lanes. */

import fc from "fast-check";
import type { BlockHash, ValidatorIndex } from "../../types/ids.ts";
import { BLOCK_SEALED_MAX, VALIDATORS_MAX } from "../../types/limits.ts";
import type {
  OpeningMessage,
  OpeningRequest,
  ProofRequest,
  ProofsMessage,
  SeedsMessage,
  SharesMessage,
} from "../../types/opening_message.ts";
import type { Opening, ProvenShare } from "../../types/sealing.ts";
import { bytesOf, hashes, record } from "./arbitraries.ts";

const blockHash = hashes<BlockHash>();

/** Ascending, at least one; the last possible one often enough. */
const positions: fc.Arbitrary<number[]> = fc
  .uniqueArray(
    fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: BLOCK_SEALED_MAX - 1 }), fc.constant(BLOCK_SEALED_MAX - 1)),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((list) => list.sort((left, right) => left - right));

/** One value for each position, under a name of its own. */
const at = <Name extends string, T>(name: Name, values: fc.Arbitrary<T>) =>
  positions.chain((list) =>
    fc
      .tuple(...list.map(() => values))
      .map((drawn) => list.map((position, index) => ({ position, [name]: drawn[index] }) as { position: number } & Record<Name, T>)),
  );

const provenShares: fc.Arbitrary<ProvenShare[]> = fc
  .uniqueArray(
    record({
      validator: fc.integer({ min: 0, max: VALIDATORS_MAX - 1 }).map((index) => index as ValidatorIndex),
      share: bytesOf(32),
      proof: bytesOf(64),
    }),
    { selector: ({ validator }) => validator, minLength: 1, maxLength: 4 },
  )
  .map((shares) => shares.sort((left, right) => left.validator - right.validator));

export const openings: fc.Arbitrary<Opening> = fc.oneof(
  record({ type: fc.constant("seed" as const), seed: bytesOf(32) }),
  record({ type: fc.constant("failed" as const), shares: provenShares }),
);

export const laneOpenings: fc.Arbitrary<readonly Opening[]> = fc.array(openings, { maxLength: 6 });
export const storedShares: fc.Arbitrary<readonly Uint8Array[]> = fc.array(bytesOf(32), { minLength: 1, maxLength: 6 });

export const sharesMessages: fc.Arbitrary<SharesMessage> = record({
  type: fc.constant("shares" as const),
  blockHash,
  shares: at("share", bytesOf(32)),
});
export const seedsMessages: fc.Arbitrary<SeedsMessage> = record({
  type: fc.constant("seeds" as const),
  blockHash,
  openings: at("opening", openings),
});
export const openingRequests: fc.Arbitrary<OpeningRequest> = record({ type: fc.constant("openingRequest" as const), blockHash, positions });
export const proofRequests: fc.Arbitrary<ProofRequest> = record({
  type: fc.constant("proofRequest" as const),
  blockHash,
  positions,
  isSeparate: fc.boolean(),
});

/** The positions of one list, cut into batches. */
export const proofsMessages: fc.Arbitrary<ProofsMessage> = fc
  .tuple(blockHash, at("share", bytesOf(32)), fc.integer({ min: 1, max: 3 }), fc.array(bytesOf(64), { minLength: 6, maxLength: 6 }))
  .map(([hash, shares, size, proofs]) => ({
    type: "proofs",
    blockHash: hash,
    batches: Array.from({ length: Math.ceil(shares.length / size) }, (_, index) => ({
      shares: shares.slice(index * size, (index + 1) * size),
      proof: proofs[index] as Uint8Array,
    })),
  }));

export const openingMessages: fc.Arbitrary<OpeningMessage> = fc.oneof<fc.Arbitrary<OpeningMessage>[]>(
  sharesMessages,
  seedsMessages,
  openingRequests,
  proofRequests,
  proofsMessages,
);
