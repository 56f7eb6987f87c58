/** Messages that open the sealed lane of a block: shares, seeds, disputes; and the form in which the openings of a whole block are
 *  stored and served. A position is the index of a sealed transaction in its block's sealed lane.
 *
 *  Position lists are strictly ascending and never empty. No message carries its sender: the link or the envelope around it tells. */

import { assert } from "./assert.ts";
import { concatBytes } from "./bytes.ts";
import { type Codec, type Decoded, type DecodeFailure, defineCodec, hashFromBytes, hashToBytes, ssz } from "./codec.ts";
import { type BlockHash, ValidatorIndex } from "./ids.ts";
import { type InclusionList, inclusionListCodec } from "./inclusion_list.ts";
import { BLOCK_OPENINGS_MAX, FRAME_BYTES_MAX, VALIDATORS_MAX } from "./limits.ts";
import { type Opening, type ProvenShare, SEALING_SIZES } from "./sealing.ts";

export interface PositionedShare {
  readonly position: number;
  /** D_i, 32 bytes. */
  readonly share: Uint8Array;
}

export interface PositionedOpening {
  readonly position: number;
  readonly opening: Opening;
}

/** One DLEQ proof over exactly these shares, in this order. Over a single position it is fit for a failed `Opening`. */
export interface ProofBatch {
  readonly shares: readonly PositionedShare[];
  /** 64 bytes. */
  readonly proof: Uint8Array;
}

/** Shares of the message's sender. */
export interface SharesMessage {
  readonly type: "shares";
  readonly blockHash: BlockHash;
  readonly shares: readonly PositionedShare[];
}

/** Openings that the sender found, or was asked for. */
export interface SeedsMessage {
  readonly type: "seeds";
  readonly blockHash: BlockHash;
  readonly openings: readonly PositionedOpening[];
}

/** The sender lacks the openings of these positions: answered with `seeds`, and with shares where the receiver has no opening either. */
export interface OpeningRequest {
  readonly type: "openingRequest";
  readonly blockHash: BlockHash;
  readonly positions: readonly number[];
}

/** Shares of these positions combine to a wrong seed: prove yours. `isSeparate`: one proof for each position instead of one for all. */
export interface ProofRequest {
  readonly type: "proofRequest";
  readonly blockHash: BlockHash;
  readonly positions: readonly number[];
  readonly isSeparate: boolean;
}

export interface ProofsMessage {
  readonly type: "proofs";
  readonly blockHash: BlockHash;
  /** Ascending by first position; no position twice. */
  readonly batches: readonly ProofBatch[];
}

export type OpeningMessage = SharesMessage | SeedsMessage | OpeningRequest | ProofRequest | ProofsMessage;

/** All that the sealed mempool sends over direct links. */
export type SealingMessage = OpeningMessage | { readonly type: "list"; readonly list: InclusionList };

export type DecodedSealingMessage =
  | { readonly ok: true; readonly message: SealingMessage }
  | { readonly ok: false; readonly reason: DecodeFailure | "unknownType" };

/** A frame's type byte and the message's own kind byte stand before an encoding. */
const MESSAGE_BYTES_MAX = FRAME_BYTES_MAX - 2;
const SHARE_BYTES = SEALING_SIZES.point;

/** Proven shares of a failed opening: as many as the threshold n − f of the largest validator set. */
export const FAILED_SHARES_MAX = VALIDATORS_MAX - Math.floor((VALIDATORS_MAX - 1) / 3);
/** What one proven share takes in an encoding, in bytes. */
export const PROVEN_SHARE_BYTES = 1 + SHARE_BYTES + SEALING_SIZES.proof;
/** What an opening takes at most in a `seeds` message, in bytes: position, and the seed or the offsets and shares of a failure. */
export const openingBytesOf = (opening: Opening): number =>
  opening.type === "seed" ? 2 + SEALING_SIZES.seed : 10 + opening.shares.length * PROVEN_SHARE_BYTES;
/** Openings of one `seeds` message by `openingBytesOf`, summed; the rest of a frame is left to headers. */
export const SEEDS_BYTES_MAX = MESSAGE_BYTES_MAX - 1_024;
/** All positions of a block failed at the largest number of validators. */
export const BLOCK_OPENINGS_BYTES_MAX = 1 + 16 + BLOCK_OPENINGS_MAX * (10 + FAILED_SHARES_MAX * PROVEN_SHARE_BYTES);

const positionsType = ssz.numbers(ssz.uint16, BLOCK_OPENINGS_MAX);
const sharesType = ssz.byteList(BLOCK_OPENINGS_MAX * SHARE_BYTES);

/** Strictly ascending, below the most openings of a block, at least one. */
function arePositions(positions: readonly number[]): boolean {
  let previous = -1;
  for (const position of positions) {
    if (position <= previous || position >= BLOCK_OPENINGS_MAX) return false;
    previous = position;
  }
  return positions.length > 0;
}

interface ShareLists {
  positions: number[];
  shares: Uint8Array;
}

const sharesToSsz = (shares: readonly PositionedShare[]): ShareLists => ({
  positions: shares.map(({ position }) => position),
  shares: concatBytes(shares.map(({ share }) => share)),
});

function sharesFromSsz({ positions, shares }: ShareLists): readonly PositionedShare[] | undefined {
  if (!arePositions(positions) || shares.length !== positions.length * SHARE_BYTES) return undefined;
  return positions.map((position, index) => ({ position, share: shares.slice(index * SHARE_BYTES, (index + 1) * SHARE_BYTES) }));
}

export const sharesMessageCodec: Codec<SharesMessage> = defineCodec({
  name: "SharesMessage",
  version: 1,
  type: ssz.container({ blockHash: ssz.bytes(32), positions: positionsType, shares: sharesType }, "SharesMessage"),
  bytesMax: 1 + 32 + 8 + BLOCK_OPENINGS_MAX * (2 + SHARE_BYTES),
  toSsz: (message: SharesMessage) => ({ blockHash: hashToBytes(message.blockHash), ...sharesToSsz(message.shares) }),
  fromSsz: (value) => {
    const shares = sharesFromSsz(value);
    return shares === undefined ? undefined : { type: "shares", blockHash: hashFromBytes(value.blockHash), shares };
  },
});

const provenShareType = ssz.container(
  { validator: ssz.uint8, share: ssz.bytes(SHARE_BYTES), proof: ssz.bytes(SEALING_SIZES.proof) },
  "ProvenShare",
);
const failedType = ssz.container({ position: ssz.uint16, shares: ssz.list(provenShareType, FAILED_SHARES_MAX) }, "FailedOpening");

type FailedSsz = ReturnType<typeof failedType.defaultValue>;

/** By validator, ascending, so that a set of shares has one encoding. */
function provenFromSsz(shares: FailedSsz["shares"]): readonly ProvenShare[] | undefined {
  let previous = -1;
  for (const { validator } of shares) {
    if (validator <= previous || validator >= VALIDATORS_MAX) return undefined;
    previous = validator;
  }
  if (shares.length === 0) return undefined;
  return shares.map(({ validator, share, proof }) => ({ validator: ValidatorIndex.of(validator), share, proof }));
}

interface OpeningLists {
  positions: number[];
  seeds: Uint8Array;
  failed: FailedSsz[];
}

function openingsToSsz(openings: readonly PositionedOpening[]): OpeningLists {
  const lists: OpeningLists = { positions: [], seeds: new Uint8Array(0), failed: [] };
  const seeds: Uint8Array[] = [];
  for (const { position, opening } of openings) {
    if (opening.type === "failed") lists.failed.push({ position, shares: [...opening.shares] });
    else {
      lists.positions.push(position);
      seeds.push(opening.seed);
    }
  }
  return { ...lists, seeds: concatBytes(seeds) };
}

function openingsFromSsz({ positions, seeds, failed }: OpeningLists): readonly PositionedOpening[] | undefined {
  const length = SEALING_SIZES.seed;
  if (seeds.length !== positions.length * length) return undefined;
  const openings: PositionedOpening[] = positions.map((position, index) => ({
    position,
    opening: { type: "seed", seed: seeds.slice(index * length, (index + 1) * length) },
  }));
  // Each part must be ascending by itself, else sorting would hide a second spelling.
  if (positions.length > 0 && !arePositions(positions)) return undefined;
  if (failed.length > 0 && !arePositions(failed.map(({ position }) => position))) return undefined;
  for (const { position, shares } of failed) {
    const proven = provenFromSsz(shares);
    if (proven === undefined) return undefined;
    openings.push({ position, opening: { type: "failed", shares: proven } });
  }
  openings.sort((left, right) => left.position - right.position);
  return arePositions(openings.map(({ position }) => position)) ? openings : undefined;
}

const openingFields = {
  positions: positionsType,
  seeds: ssz.byteList(BLOCK_OPENINGS_MAX * SEALING_SIZES.seed),
  failed: ssz.list(failedType, BLOCK_OPENINGS_MAX),
};

export const seedsMessageCodec: Codec<SeedsMessage> = defineCodec({
  name: "SeedsMessage",
  version: 1,
  type: ssz.container({ blockHash: ssz.bytes(32), ...openingFields }, "SeedsMessage"),
  bytesMax: MESSAGE_BYTES_MAX,
  toSsz: (message: SeedsMessage) => ({ blockHash: hashToBytes(message.blockHash), ...openingsToSsz(message.openings) }),
  fromSsz: (value) => {
    const openings = openingsFromSsz(value);
    return openings === undefined ? undefined : { type: "seeds", blockHash: hashFromBytes(value.blockHash), openings };
  },
});

/** The openings of a whole sealed lane in its order: stored with the block's operations and served with final blocks. May be empty. */
export const openingsCodec: Codec<readonly Opening[]> = defineCodec({
  name: "Openings",
  version: 1,
  type: ssz.container(openingFields, "Openings"),
  bytesMax: BLOCK_OPENINGS_BYTES_MAX,
  toSsz: (openings: readonly Opening[]) => openingsToSsz(openings.map((opening, position) => ({ position, opening }))),
  fromSsz: (value) => {
    if (value.positions.length === 0 && value.failed.length === 0 && value.seeds.length === 0) return [];
    const openings = openingsFromSsz(value);
    const isWhole = openings?.every(({ position }, index) => position === index);
    return isWhole === true ? openings?.map(({ opening }) => opening) : undefined;
  },
});

/** Own shares of a block as they are stored before they are sent: by position from the first on. */
export const storedSharesCodec: Codec<readonly Uint8Array[]> = defineCodec({
  name: "StoredShares",
  version: 1,
  type: sharesType,
  bytesMax: 1 + BLOCK_OPENINGS_MAX * SHARE_BYTES,
  toSsz: (shares: readonly Uint8Array[]) => concatBytes(shares),
  fromSsz: (bytes) => {
    if (bytes.length === 0 || bytes.length % SHARE_BYTES !== 0) return undefined;
    return Array.from({ length: bytes.length / SHARE_BYTES }, (_, index) => bytes.slice(index * SHARE_BYTES, (index + 1) * SHARE_BYTES));
  },
});

export const openingRequestCodec: Codec<OpeningRequest> = defineCodec({
  name: "OpeningRequest",
  version: 1,
  type: ssz.container({ blockHash: ssz.bytes(32), positions: positionsType }, "OpeningRequest"),
  bytesMax: 1 + 32 + 4 + BLOCK_OPENINGS_MAX * 2,
  toSsz: (message: OpeningRequest) => ({ blockHash: hashToBytes(message.blockHash), positions: [...message.positions] }),
  fromSsz: ({ blockHash, positions }) =>
    arePositions(positions) ? { type: "openingRequest", blockHash: hashFromBytes(blockHash), positions } : undefined,
});

export const proofRequestCodec: Codec<ProofRequest> = defineCodec({
  name: "ProofRequest",
  version: 1,
  type: ssz.container({ blockHash: ssz.bytes(32), isSeparate: ssz.uint8, positions: positionsType }, "ProofRequest"),
  bytesMax: 1 + 32 + 1 + 4 + BLOCK_OPENINGS_MAX * 2,
  toSsz: (message: ProofRequest) => ({
    blockHash: hashToBytes(message.blockHash),
    isSeparate: message.isSeparate ? 1 : 0,
    positions: [...message.positions],
  }),
  fromSsz: ({ blockHash, isSeparate, positions }) =>
    arePositions(positions) && isSeparate <= 1
      ? { type: "proofRequest", blockHash: hashFromBytes(blockHash), positions, isSeparate: isSeparate === 1 }
      : undefined,
});

const proofBatchType = ssz.container({ positions: positionsType, shares: sharesType, proof: ssz.bytes(SEALING_SIZES.proof) }, "ProofBatch");

function batchesFromSsz(values: readonly (ShareLists & { proof: Uint8Array })[]): readonly ProofBatch[] | undefined {
  const batches: ProofBatch[] = [];
  for (const value of values) {
    const shares = sharesFromSsz(value);
    if (shares === undefined) return undefined;
    batches.push({ shares, proof: value.proof });
  }
  const firsts = values.map(({ positions }) => positions[0] ?? 0);
  const all = values.flatMap(({ positions }) => positions);
  return arePositions(firsts) && new Set(all).size === all.length ? batches : undefined;
}

export const proofsMessageCodec: Codec<ProofsMessage> = defineCodec({
  name: "ProofsMessage",
  version: 1,
  type: ssz.container({ blockHash: ssz.bytes(32), batches: ssz.list(proofBatchType, BLOCK_OPENINGS_MAX) }, "ProofsMessage"),
  bytesMax: 1 + 32 + 4 + BLOCK_OPENINGS_MAX * (4 + 8 + 2 + SHARE_BYTES + SEALING_SIZES.proof),
  toSsz: (message: ProofsMessage) => ({
    blockHash: hashToBytes(message.blockHash),
    batches: message.batches.map(({ shares, proof }) => ({ ...sharesToSsz(shares), proof })),
  }),
  fromSsz: (value) => {
    const batches = batchesFromSsz(value.batches);
    return batches === undefined ? undefined : { type: "proofs", blockHash: hashFromBytes(value.blockHash), batches };
  },
});

assert(proofsMessageCodec.bytesMax <= MESSAGE_BYTES_MAX, "proofs of a whole lane fit a frame");
assert(sharesMessageCodec.bytesMax <= MESSAGE_BYTES_MAX, "shares of a whole lane fit a frame");
assert(VALIDATORS_MAX <= 256, "a validator is one byte in a proven share");

/** By kind byte, which stands before the encoding. */
const KINDS = { shares: 1, seeds: 2, openingRequest: 3, proofRequest: 4, proofs: 5, list: 6 } as const;

/** kind (1 byte) ‖ encoding of that kind. */
export function encodeSealingMessage(message: SealingMessage): Uint8Array {
  const kind = Uint8Array.of(KINDS[message.type]);
  switch (message.type) {
    case "shares":
      return concatBytes([kind, sharesMessageCodec.encode(message)]);
    case "seeds":
      return concatBytes([kind, seedsMessageCodec.encode(message)]);
    case "openingRequest":
      return concatBytes([kind, openingRequestCodec.encode(message)]);
    case "proofRequest":
      return concatBytes([kind, proofRequestCodec.encode(message)]);
    case "proofs":
      return concatBytes([kind, proofsMessageCodec.encode(message)]);
    case "list":
      return concatBytes([kind, inclusionListCodec.encode(message.list)]);
  }
}

/** Never throws; a peer chooses the bytes. */
export function decodeSealingMessage(given: Uint8Array): DecodedSealingMessage {
  if (given.length === 0) return { ok: false, reason: "empty" };
  const bytes = given.subarray(1);
  switch (given[0]) {
    case KINDS.shares:
      return messageOf(sharesMessageCodec.decode(bytes));
    case KINDS.seeds:
      return messageOf(seedsMessageCodec.decode(bytes));
    case KINDS.openingRequest:
      return messageOf(openingRequestCodec.decode(bytes));
    case KINDS.proofRequest:
      return messageOf(proofRequestCodec.decode(bytes));
    case KINDS.proofs:
      return messageOf(proofsMessageCodec.decode(bytes));
    case KINDS.list: {
      const decoded = inclusionListCodec.decode(bytes);
      return decoded.ok ? { ok: true, message: { type: "list", list: decoded.value } } : decoded;
    }
    default:
      return { ok: false, reason: "unknownType" };
  }
}

function messageOf(decoded: Decoded<OpeningMessage>): DecodedSealingMessage {
  return decoded.ok ? { ok: true, message: decoded.value } : decoded;
}
