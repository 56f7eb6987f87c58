/** Every hash of the protocol: SHA-256 by WebAssembly (`@chainsafe/as-sha256`), so that nodes, light clients and browsers
 *  share one import graph without native code. Hashes of headers, genesis and validator sets are tagged (types/signing.ts). */

import { digest, hashInto } from "@chainsafe/as-sha256";
import { assert } from "../types/assert.ts";
import { type Bid, bidCodec, NO_BID } from "../types/bid.ts";
import { type BlockHeader, blockHeaderCodec } from "../types/block.ts";
import { concatBytes, fromHex, toHex } from "../types/bytes.ts";
import { type Genesis, genesisCodec } from "../types/genesis.ts";
import {
  type BidHash,
  type BlockHash,
  type BodyRoot,
  type ChainId,
  type ListsRoot,
  type TransactionHash,
  ZERO_HASH,
} from "../types/ids.ts";
import { type InclusionList, inclusionListsCodec } from "../types/inclusion_list.ts";
import { BLOCK_TRANSACTIONS_MAX } from "../types/limits.ts";
import { TAGS } from "../types/signing.ts";
import { totalWeightOf, type ValidatorSet, type ValidatorSetContext, validatorSetCodec } from "../types/validator_set.ts";

const HASH_BYTES = 32;
const PAIR_BYTES = 64;
const ZERO_LISTS_ROOT = ZERO_HASH as string as ListsRoot;

/** SHA-256 of `bytes`; 32 bytes in a fresh array. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return digest(bytes);
}

/** Headers are never changed, and each is asked for its hash many times on its way through the machine. */
const headerHashes = new WeakMap<BlockHeader, BlockHash>();

/** A block is named by its header alone: SHA-256(tag ‖ encoding). Justification and body are not in it; `bodyRoot` is. */
export function hashHeader(header: BlockHeader): BlockHash {
  let hash = headerHashes.get(header);
  if (hash === undefined) {
    hash = hashTagged<BlockHash>(TAGS.header, blockHeaderCodec.encode(header));
    headerHashes.set(header, hash);
  }
  return hash;
}

/** A transaction is named by the plain SHA-256 of its whole encoding, signature included. The bytes are opaque here. */
export function hashTransaction(bytes: Uint8Array): TransactionHash {
  return toHex<TransactionHash>(digest(bytes));
}

/** Binary Merkle root over transaction hashes, padded with zero leaves to the next power of two, then hashed with the count
 *  (uint64, little-endian, in 32 bytes), as SSZ does for lists. The count fixes the depth, so no inner node can pose as a leaf.
 *  The empty body is SHA-256 of 64 zero bytes. Source: consensus-specs `ssz/simple-serialize.md`, merkleization. */
export function bodyRootOf(hashes: readonly TransactionHash[]): BodyRoot {
  assert(hashes.length <= BLOCK_TRANSACTIONS_MAX, "a body has at most BLOCK_TRANSACTIONS_MAX transactions");
  const rootAndCount = new Uint8Array(PAIR_BYTES);
  rootAndCount.set(merkleRoot(hashes));
  new DataView(rootAndCount.buffer).setUint32(HASH_BYTES, hashes.length, true);
  return toHex<BodyRoot>(digest(rootAndCount));
}

/** Names the inclusion lists of a block, signatures included: SHA-256(tag ‖ compact form), or ZERO_HASH when there are none.
 *  The lists ascend by validator and are of one view, as decoding gives them. */
export function listsRootOf(lists: readonly InclusionList[]): ListsRoot {
  return lists.length === 0 ? ZERO_LISTS_ROOT : hashTagged<ListsRoot>(TAGS.lists, inclusionListsCodec.encode(lists));
}

const bidHashes = new WeakMap<Bid, BidHash>();

/** Names a bid, bundle and signature included: SHA-256(tag ‖ encoding); NO_BID for a block that its proposer built. */
export function bidHashOf(bid: Bid | undefined): BidHash {
  if (bid === undefined) return NO_BID;
  let hash = bidHashes.get(bid);
  if (hash === undefined) {
    hash = hashTagged<BidHash>(TAGS.bidHash, bidCodec.encode(bid));
    bidHashes.set(bid, hash);
  }
  return hash;
}

/** Names a validator set (R13) and sums its weights, once per epoch. */
export function validatorSetContext(set: ValidatorSet): ValidatorSetContext {
  return { set, hash: hashTagged(TAGS.validatorSet, validatorSetCodec.encode(set)), totalWeight: totalWeightOf(set) };
}

/** The chain id is the hash of the whole genesis: nodes with different genesis files cannot exchange a signature. */
export function chainIdOf(genesis: Genesis): ChainId {
  return hashTagged(TAGS.genesis, genesisCodec.encode(genesis));
}

/** Genesis has no header; its name is SHA-256(header tag ‖ chain id), which no header encoding can produce (lengths differ). */
export function genesisBlockHash(chainId: ChainId): BlockHash {
  return hashTagged(TAGS.header, fromHex(chainId));
}

function hashTagged<T extends string>(tag: Uint8Array, bytes: Uint8Array): T {
  return toHex<T>(digest(concatBytes([tag, bytes])));
}

/** Roots of all-zero subtrees by depth; depth 0 is a zero leaf. */
const ZERO_ROOTS: readonly Uint8Array[] = zeroRoots(Math.log2(BLOCK_TRANSACTIONS_MAX));

function zeroRoots(depthMax: number): Uint8Array[] {
  assert(Number.isInteger(depthMax), "BLOCK_TRANSACTIONS_MAX is a power of two");
  const roots: Uint8Array[] = [new Uint8Array(HASH_BYTES)];
  for (let depth = 1; depth <= depthMax; depth++) {
    const below = roots[depth - 1] as Uint8Array;
    roots.push(digest(concatBytes([below, below])));
  }
  return roots;
}

function merkleRoot(hashes: readonly TransactionHash[]): Uint8Array {
  if (hashes.length === 0) return new Uint8Array(HASH_BYTES);
  let level = new Uint8Array(roundUpToEven(hashes.length) * HASH_BYTES);
  for (const [index, hash] of hashes.entries()) level.set(fromHex(hash), index * HASH_BYTES);
  let count = hashes.length;
  for (let depth = 0; count > 1; depth++) {
    if (count % 2 === 1) level.set(ZERO_ROOTS[depth] as Uint8Array, count * HASH_BYTES);
    count = Math.ceil(count / 2);
    const above = new Uint8Array(roundUpToEven(count) * HASH_BYTES);
    hashInto(level.subarray(0, count * PAIR_BYTES), above.subarray(0, count * HASH_BYTES));
    level = above;
  }
  return level.subarray(0, HASH_BYTES);
}

function roundUpToEven(count: number): number {
  return count + (count % 2);
}
