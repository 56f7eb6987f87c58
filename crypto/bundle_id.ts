/** Names a searcher's bundle by what it holds and asks for, so that searcher and builder come to the same name. */

import { asciiBytes, concatBytes, fromHex, toHex } from "../types/bytes.ts";
import type { BundleId, Height, TransactionHash } from "../types/ids.ts";
import { sha256 } from "./hashes.ts";

const TAG = new Uint8Array(16);
TAG.set(asciiBytes("sls/bundle-id/1"));

/** SHA-256(tag ‖ from ‖ to ‖ tip ‖ transaction hashes); integers little-endian, 8, 8 and 16 bytes. The tip is from 0 and below 2^128. */
export function bundleIdOf(given: {
  readonly from: Height;
  readonly to: Height;
  readonly tip: bigint;
  readonly hashes: readonly TransactionHash[];
}): BundleId {
  const { from, to, tip, hashes } = given;
  const fields = new Uint8Array(32);
  const view = new DataView(fields.buffer);
  view.setBigUint64(0, BigInt(from), true);
  view.setBigUint64(8, BigInt(to), true);
  view.setBigUint64(16, BigInt.asUintN(64, tip), true);
  view.setBigUint64(24, tip >> 64n, true);
  return toHex<BundleId>(sha256(concatBytes([TAG, fields, ...hashes.map((hash) => fromHex(hash))])));
}
