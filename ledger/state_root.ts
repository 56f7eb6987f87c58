/** How the state's parts hash together (L9), shared by the state, snapshots and verifiers of proofs. Pure and small: a browser can
 *  run it. SSZ: Container { accounts, senders, pendings, assets, meta, builders }; all but meta are lists
 *  of ByteVector[128]. */

import { ZERO_ROOTS } from "./pair_hasher.ts";

export type HashPair = (left: Uint8Array, right: Uint8Array) => Uint8Array;

/** Field roots of the container, in order. */
export interface FieldRoots {
  readonly accounts: Uint8Array;
  readonly senders: Uint8Array;
  readonly pendings: Uint8Array;
  readonly assets: Uint8Array;
  readonly meta: Uint8Array;
  readonly builders: Uint8Array;
}

/** Root of a container of six fields, padded to eight. */
export function rootOfFields(fields: FieldRoots, hashPair: HashPair): Uint8Array {
  const tables = hashPair(hashPair(fields.accounts, fields.senders), hashPair(fields.pendings, fields.assets));
  return hashPair(tables, rootOfMetaSide(fields, hashPair));
}

/** The right half of the container: the meta record, the builders and two empty fields. */
export function rootOfMetaSide({ meta, builders }: Pick<FieldRoots, "meta" | "builders">, hashPair: HashPair): Uint8Array {
  return hashPair(hashPair(meta, builders), ZERO_ROOTS[1] as Uint8Array);
}

/** Root of one 128-byte record. */
export function recordRoot(record: Uint8Array, hashPair: HashPair): Uint8Array {
  const low = hashPair(record.subarray(0, 32), record.subarray(32, 64));
  return hashPair(low, hashPair(record.subarray(64, 96), record.subarray(96, 128)));
}

/** From the root of a subtree of `fromDepth` at the left edge up to the list's limit, then the length is mixed in. */
export function listRoot(
  subtreeRoot: Uint8Array,
  { fromDepth, depth, count }: { readonly fromDepth: number; readonly depth: number; readonly count: number },
  hashPair: HashPair,
): Uint8Array {
  let root = subtreeRoot;
  for (let level = fromDepth; level < depth; level++) root = hashPair(root, ZERO_ROOTS[level] as Uint8Array);
  return hashPair(root, lengthChunk(count));
}

/** Depth of the smallest full tree over `count` leaves. */
export function depthOf(count: number): number {
  return count <= 1 ? 0 : 32 - Math.clz32(count - 1);
}

/** SSZ mixes a list's length in as a little-endian number in 32 bytes. */
function lengthChunk(count: number): Uint8Array {
  const chunk = new Uint8Array(32);
  new DataView(chunk.buffer).setUint32(0, count, true);
  return chunk;
}
