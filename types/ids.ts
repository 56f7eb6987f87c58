/** Branded identifiers. Numbers are safe integers; byte strings travel as Uint8Array and are keyed in maps by hex. */

import { assert } from "./assert.ts";
import type { Brand } from "./brand.ts";

export type Epoch = Brand<number, "Epoch">;
export type View = Brand<number, "View">;
export type Height = Brand<number, "Height">;
export type ValidatorIndex = Brand<number, "ValidatorIndex">;
/** Milliseconds since the Unix epoch, as agreed on in blocks or read from a clock by a driver. */
export type TimestampMs = Brand<number, "TimestampMs">;

/** 32 bytes each, as lower-case hex (64 characters): usable as map keys, compared with ===. */
export type BlockHash = Brand<string, "BlockHash">;
export type TransactionHash = Brand<string, "TransactionHash">;
export type ChainId = Brand<string, "ChainId">;
export type StateRoot = Brand<string, "StateRoot">;
export type ValidatorSetHash = Brand<string, "ValidatorSetHash">;
/** An account is named by its Ed25519 public key. */
export type AccountId = Brand<string, "AccountId">;
/** Names a builder's bid. */
export type BidHash = Brand<string, "BidHash">;
/** Names a searcher's bundle. */
export type BundleId = Brand<string, "BundleId">;
/** Over the inclusion lists of a block. */
export type ListsRoot = Brand<string, "ListsRoot">;
/** Root over the transaction hashes of a block. */
export type BodyRoot = Brand<string, "BodyRoot">;

function integer<T extends number>(name: string) {
  return (value: number): T => {
    assert(Number.isSafeInteger(value) && value >= 0, `${name} is a safe integer >= 0`);
    return value as T;
  };
}

export const Epoch = { of: integer<Epoch>("epoch"), ZERO: 0 as Epoch };
export const View = {
  of: integer<View>("view"),
  ZERO: 0 as View,
  next: (view: View): View => View.of(view + 1),
  previous: (view: View): View => View.of(view - 1),
  plus: (view: View, count: number): View => View.of(view + count),
};
export const Height = {
  of: integer<Height>("height"),
  ZERO: 0 as Height,
  next: (height: Height): Height => Height.of(height + 1),
  previous: (height: Height): Height => Height.of(height - 1),
  plus: (height: Height, count: number): Height => Height.of(height + count),
};
export const ValidatorIndex = { of: integer<ValidatorIndex>("validator index") };
export const TimestampMs = {
  of: integer<TimestampMs>("timestamp"),
  plus: (time: TimestampMs, ms: number): TimestampMs => TimestampMs.of(time + ms),
};

/** The all-zero 32 bytes: "no hash" in records, "no block" in timeouts. */
export const ZERO_HASH = "0".repeat(64) as BlockHash;

const HEX_32 = /^[0-9a-f]{64}$/;

/** Parses 64 lower-case hex characters; anything else is undefined. */
export function parseHash<T extends string>(text: string): T | undefined {
  return HEX_32.test(text) ? (text as T) : undefined;
}
