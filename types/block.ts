/** Blocks: the header that is hashed and voted on, the proposal that carries it between validators, and the full block
 *  that is stored and served. R1: parent's QC and a TC for every skipped view justify a header; they are not hashed,
 *  since two nodes may hold different aggregates of one ballot. */

import { BID_BYTES_MAX, type Bid, bidFromSsz, bidToSsz, bidType, hasBundle, NO_BID } from "./bid.ts";
import { type Codec, defineCodec, hashFromBytes, hashToBytes, ssz } from "./codec.ts";
import {
  type BidHash,
  type BlockHash,
  type BodyRoot,
  Epoch,
  Height,
  type ListsRoot,
  type StateRoot,
  TimestampMs,
  type TransactionHash,
  ValidatorIndex,
  View,
  ZERO_HASH,
} from "./ids.ts";
import { type InclusionList, LISTS_BYTES_MAX, listsFromSsz, listsToSsz, listsType } from "./inclusion_list.ts";
import {
  BLOCK_BODY_BYTES_MAX,
  BLOCK_SEALED_MAX,
  BLOCK_TRANSACTIONS_MAX,
  FRAME_BYTES_MAX,
  INLINE_TIMEOUT_CERTIFICATES_MAX,
  TRANSACTION_BYTES_MAX,
  VALIDATORS_MAX,
} from "./limits.ts";
import type { KeyId } from "./sealing.ts";
import { CERTIFICATE_BYTES, type Certificate, certificateFromSsz, certificateToSsz, certificateType } from "./vote.ts";

export interface BlockHeader {
  readonly epoch: Epoch;
  readonly height: Height;
  readonly view: View;
  readonly proposer: ValidatorIndex;
  readonly parentHash: BlockHash;
  readonly parentView: View;
  /** R14: max(parent's time + 1 ms, the proposer's clock). */
  readonly timeMs: TimestampMs;
  readonly bodyRoot: BodyRoot;
  readonly transactionCount: number;
  /** Sum of the encoded transactions, in bytes. */
  readonly bodyBytes: number;
  /** The latest height that the proposer had executed, never below the parent's. */
  readonly executedHeight: Height;
  /** State root after `executedHeight`. */
  readonly executedRoot: StateRoot;
  /** So many of the transactions, from the first on, are the sealed lane. */
  readonly sealedCount: number;
  /** Over the inclusion lists that the lane was computed from; ZERO_HASH where there are none. */
  readonly listsRoot: ListsRoot;
  /** The sealing key that was live at `executedHeight`; ZERO_HASH before there is one. A CC over the header proves it to a client. */
  readonly keyId: KeyId;
  /** Names the bid of the builder that built everything but the sealed lane; ZERO_HASH: the proposer built it itself. */
  readonly bidHash: BidHash;
  /** 1 when the bid brings a bundle: opened with the sealed lane, as its last position; else 0. */
  readonly bundleCount: number;
}

/** Of a block without a sealed lane and without a builder. */
export const PLAIN_BLOCK = {
  sealedCount: 0,
  listsRoot: ZERO_HASH as string as ListsRoot,
  keyId: ZERO_HASH as string as KeyId,
  bidHash: NO_BID,
  bundleCount: 0,
} as const;

/** What must be opened before a block is executed: its sealed lane, then its bundle. */
export const openingCountOf = ({ sealedCount, bundleCount }: Pick<BlockHeader, "sealedCount" | "bundleCount">): number =>
  sealedCount + bundleCount;

/** Why a header may stand where it stands: the parent's QC (absent when the parent is genesis) and TCs of skipped views,
 *  ascending by view. At most INLINE_TIMEOUT_CERTIFICATES_MAX, the newest; the rest is fetched by range (R1). */
export interface Justification {
  readonly parentCertificate: Certificate | undefined;
  readonly timeoutCertificates: readonly Certificate[];
}

/** What a header's roots are over. */
export interface ProposalContents {
  /** The sealed lane first, then the open one. */
  readonly transactionHashes: readonly TransactionHash[];
  /** The inclusion lists that the sealed lane was computed from, by validator; empty where the block needs none. */
  readonly lists: readonly InclusionList[];
  /** The builder's, unless the proposer built the block itself. */
  readonly bid?: Bid | undefined;
}

export interface Proposal extends Justification, ProposalContents {
  readonly header: BlockHeader;
  /** Ed25519 by the proposer over the header's proposal bytes, 64 bytes. */
  readonly signature: Uint8Array;
}

/** A block with everything that is needed to check, execute and serve it again. */
export interface Block extends Justification {
  readonly header: BlockHeader;
  readonly transactions: readonly Uint8Array[];
  readonly lists: readonly InclusionList[];
  readonly bid?: Bid | undefined;
  readonly signature: Uint8Array;
}

/** A final block as sync serves it. `commitCertificate` is of this block or of the descendant that made it final. */
export interface FinalBlock {
  readonly block: Block;
  readonly commitCertificate: Certificate;
}

export const blockHeaderType = ssz.container(
  {
    epoch: ssz.uint64,
    height: ssz.uint64,
    view: ssz.uint64,
    proposer: ssz.uint16,
    parentHash: ssz.bytes(32),
    parentView: ssz.uint64,
    timeMs: ssz.uint64,
    bodyRoot: ssz.bytes(32),
    transactionCount: ssz.uint32,
    bodyBytes: ssz.uint32,
    executedHeight: ssz.uint64,
    executedRoot: ssz.bytes(32),
    sealedCount: ssz.uint32,
    listsRoot: ssz.bytes(32),
    keyId: ssz.bytes(32),
    bidHash: ssz.bytes(32),
    bundleCount: ssz.uint8,
  },
  "BlockHeader",
);

const HEADER_BYTES = 8 * 6 + 2 + 4 * 3 + 32 * 6 + 1;

interface HeaderSsz {
  epoch: number;
  height: number;
  view: number;
  proposer: number;
  parentHash: Uint8Array;
  parentView: number;
  timeMs: number;
  bodyRoot: Uint8Array;
  transactionCount: number;
  bodyBytes: number;
  executedHeight: number;
  executedRoot: Uint8Array;
  sealedCount: number;
  listsRoot: Uint8Array;
  keyId: Uint8Array;
  bidHash: Uint8Array;
  bundleCount: number;
}

export function headerToSsz(header: BlockHeader): HeaderSsz {
  return {
    ...header,
    parentHash: hashToBytes(header.parentHash),
    bodyRoot: hashToBytes(header.bodyRoot),
    executedRoot: hashToBytes(header.executedRoot),
    listsRoot: hashToBytes(header.listsRoot),
    keyId: hashToBytes(header.keyId),
    bidHash: hashToBytes(header.bidHash),
  };
}

/** Refuses headers that no rule could ever accept: they need no context to judge. */
export function headerFromSsz(value: HeaderSsz): BlockHeader | undefined {
  const isOrdered = value.parentView < value.view && value.executedHeight < value.height && value.height > 0;
  const isBounded =
    value.proposer < VALIDATORS_MAX && value.transactionCount <= BLOCK_TRANSACTIONS_MAX && value.bodyBytes <= BLOCK_BODY_BYTES_MAX;
  const isLaneWithin = value.sealedCount <= Math.min(value.transactionCount, BLOCK_SEALED_MAX);
  const bidHash = hashFromBytes<BidHash>(value.bidHash);
  const isBundleShaped = value.bundleCount === 0 || (value.bundleCount === 1 && bidHash !== NO_BID);
  if (!isOrdered || !isBounded || !isLaneWithin || !isBundleShaped) return undefined;
  return {
    epoch: Epoch.of(value.epoch),
    height: Height.of(value.height),
    view: View.of(value.view),
    proposer: ValidatorIndex.of(value.proposer),
    parentHash: hashFromBytes(value.parentHash),
    parentView: View.of(value.parentView),
    timeMs: TimestampMs.of(value.timeMs),
    bodyRoot: hashFromBytes(value.bodyRoot),
    transactionCount: value.transactionCount,
    bodyBytes: value.bodyBytes,
    executedHeight: Height.of(value.executedHeight),
    executedRoot: hashFromBytes(value.executedRoot),
    sealedCount: value.sealedCount,
    listsRoot: hashFromBytes(value.listsRoot),
    keyId: hashFromBytes(value.keyId),
    bidHash,
    bundleCount: value.bundleCount,
  };
}

export const blockHeaderCodec: Codec<BlockHeader> = defineCodec({
  name: "BlockHeader",
  version: 3,
  type: blockHeaderType,
  bytesMax: 1 + HEADER_BYTES,
  toSsz: headerToSsz,
  fromSsz: headerFromSsz,
});

const justificationFields = {
  parentCertificate: ssz.list(certificateType, 1),
  timeoutCertificates: ssz.list(certificateType, INLINE_TIMEOUT_CERTIFICATES_MAX),
};

const proposalType = ssz.container(
  {
    header: blockHeaderType,
    ...justificationFields,
    transactionHashes: ssz.list(ssz.bytes(32), BLOCK_TRANSACTIONS_MAX),
    lists: listsType,
    bid: ssz.list(bidType, 1),
    signature: ssz.bytes(64),
  },
  "Proposal",
);

type JustificationSsz = Pick<ReturnType<typeof proposalType.defaultValue>, "parentCertificate" | "timeoutCertificates">;

function justificationToSsz(justification: Justification): JustificationSsz {
  const parent = justification.parentCertificate;
  return {
    parentCertificate: parent === undefined ? [] : [certificateToSsz(parent)],
    timeoutCertificates: justification.timeoutCertificates.map(certificateToSsz),
  };
}

function justificationFromSsz(value: JustificationSsz): Justification | undefined {
  const parent = value.parentCertificate[0];
  const parentCertificate = parent === undefined ? undefined : certificateFromSsz(parent);
  if (parent !== undefined && parentCertificate?.ballot.kind !== "vote") return undefined;
  const timeoutCertificates: Certificate[] = [];
  for (const inner of value.timeoutCertificates) {
    const certificate = certificateFromSsz(inner);
    if (certificate?.ballot.kind !== "timeout") return undefined;
    timeoutCertificates.push(certificate);
  }
  return { parentCertificate, timeoutCertificates };
}

const optionalBidToSsz = (bid: Bid | undefined) => (bid === undefined ? [] : [bidToSsz(bid)]);

/** A bid is there exactly when the header names one, and brings a bundle exactly when the header counts one. */
function listsAndBidFromSsz(
  value: Pick<ReturnType<typeof proposalType.defaultValue>, "lists" | "bid">,
  header: BlockHeader,
): { readonly lists: readonly InclusionList[]; readonly bid: Bid | undefined } | undefined {
  const lists = listsFromSsz(value.lists);
  const [first] = value.bid;
  const bid = first === undefined ? undefined : bidFromSsz(first);
  const isBidNamed = (bid !== undefined) === (header.bidHash !== NO_BID);
  if (lists === undefined || (first !== undefined && bid === undefined) || !isBidNamed) return undefined;
  return hasBundle(bid) === (header.bundleCount === 1) ? { lists, bid } : undefined;
}

export const proposalCodec: Codec<Proposal> = defineCodec({
  name: "Proposal",
  version: 3,
  type: proposalType,
  bytesMax: FRAME_BYTES_MAX - 2,
  toSsz: (proposal: Proposal) => ({
    header: headerToSsz(proposal.header),
    ...justificationToSsz(proposal),
    transactionHashes: proposal.transactionHashes.map(hashToBytes),
    lists: listsToSsz(proposal.lists),
    bid: optionalBidToSsz(proposal.bid),
    signature: proposal.signature,
  }),
  fromSsz: (value) => {
    const header = headerFromSsz(value.header);
    const justification = justificationFromSsz(value);
    if (header === undefined || justification === undefined) return undefined;
    if (value.transactionHashes.length !== header.transactionCount) return undefined;
    const transactionHashes = value.transactionHashes.map((hash) => hashFromBytes<TransactionHash>(hash));
    const rest = listsAndBidFromSsz(value, header);
    return rest === undefined ? undefined : { header, ...justification, transactionHashes, ...rest, signature: value.signature };
  },
});

const blockType = ssz.container(
  {
    header: blockHeaderType,
    ...justificationFields,
    transactions: ssz.list(ssz.byteList(TRANSACTION_BYTES_MAX), BLOCK_TRANSACTIONS_MAX),
    lists: listsType,
    bid: ssz.list(bidType, 1),
    signature: ssz.bytes(64),
  },
  "Block",
);

export const BLOCK_BYTES_MAX =
  1 +
  HEADER_BYTES +
  12 +
  64 +
  CERTIFICATE_BYTES * (1 + INLINE_TIMEOUT_CERTIFICATES_MAX) +
  BLOCK_TRANSACTIONS_MAX * 4 +
  4 +
  LISTS_BYTES_MAX +
  4 +
  4 +
  BID_BYTES_MAX +
  BLOCK_BODY_BYTES_MAX;

export const blockCodec: Codec<Block> = defineCodec({
  name: "Block",
  version: 3,
  type: blockType,
  bytesMax: BLOCK_BYTES_MAX,
  toSsz: (block: Block) => ({
    header: headerToSsz(block.header),
    ...justificationToSsz(block),
    transactions: [...block.transactions],
    lists: listsToSsz(block.lists),
    bid: optionalBidToSsz(block.bid),
    signature: block.signature,
  }),
  fromSsz: (value) => {
    const header = headerFromSsz(value.header);
    const justification = justificationFromSsz(value);
    if (header === undefined || justification === undefined) return undefined;
    if (value.transactions.length !== header.transactionCount) return undefined;
    const rest = listsAndBidFromSsz(value, header);
    return rest === undefined
      ? undefined
      : { header, ...justification, transactions: value.transactions, ...rest, signature: value.signature };
  },
});
