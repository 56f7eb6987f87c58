/** Layout of the 128-byte records, in 32-bit little-endian words. The first words of a record are its key. Unused words are zero.
 *  Slot 0 of every table is reserved, so that 0 means "none" in every link; in the account table it is the head of L10's chain. */

import { assert } from "../types/assert.ts";
import { hashFromBytes, hashToBytes } from "../types/codec.ts";

export const RECORD_BYTES = 128;
export const RECORD_WORDS = 32;
export const ID_WORDS = 8;

/** Key: account id and asset. `next`: slot of the next key in order (L10). `sender`: slot of the nonce window (L3), fee asset only. */
export const ACCOUNT = {
  id: 0,
  asset: 8,
  flags: 9,
  next: 10,
  sender: 11,
  debitsPending: 16,
  debitsPosted: 20,
  creditsPending: 24,
  creditsPosted: 28,
  keyWords: 9,
} as const;

/** The issuer of the asset: may overdraw, which is how an asset is issued (L7). */
export const ACCOUNT_FLAG_ISSUER = 1;

/** Nonce window of one sender: 256 bits, one for each nonce of [base, base + 256), at bit (nonce mod 256). */
export const SENDER = { id: 0, base: 8, bitmap: 16 } as const;

/** Key: payer, nonce, operation index. `queued`: next in the queue of resolved records that wait for reuse (L8). */
export const PENDING = {
  payer: 0,
  nonce: 8,
  index: 10,
  state: 11,
  payerSlot: 12,
  payeeSlot: 13,
  queued: 14,
  amount: 16,
  posted: 20,
  expiresAtMs: 24,
  keyWords: 11,
} as const;

export const PENDING_STATES = { pending: 1, posted: 2, voided: 3, expired: 4 } as const;

export const ASSET = { issuer: 0, asset: 8, decimals: 9, issuerSlot: 10 } as const;

/** Key: account id. `ipv4` and `port` 0: no endpoint. `failures`: heights of the two latest since the last box, oldest first, 0 for none.
 *  Until `boxedUntil` and that height included, the builder may not build (L20). */
export const BUILDER = {
  account: 0,
  recipient: 8,
  bond: 16,
  ipv4: 20,
  port: 21,
  unbondingHeight: 22,
  failures: 24,
  boxedUntil: 28,
  keyWords: 8,
} as const;

/** The one record outside the tables: where the state stands, and the ends of the queue of resolved pending transfers. */
export const META = { chainId: 0, height: 8, timeMs: 10, queueHead: 12, queueTail: 13, queueCount: 14 } as const;

const probe = new Uint8Array(Uint32Array.of(1).buffer);
assert(probe[0] === 1, "the platform is little-endian, as the records are");

/** The id whose words begin here. */
export function idText<T extends string>(words: Uint32Array, at: number): T {
  return hashFromBytes<T>(new Uint8Array(words.slice(at, at + ID_WORDS).buffer));
}

/** 32 bytes of an id as words. */
export function idWords(id: string): Uint32Array {
  return new Uint32Array(hashToBytes(id).slice().buffer);
}
