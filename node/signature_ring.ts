/** The memory that the main thread and one signature worker share: a few slots, each one batch of Ed25519 checks, and one verdict
 *  byte for each check. Bulk never crosses by message: only a slot's number does, since copying costs 60 ns a byte on Deno.
 *
 *  Words: [0] wake counter, [1 + slot] number of checks in the slot. A slot is written by the main thread while it is free, then
 *  belongs to the worker until the worker has posted its number. Check: length of message (4) ‖ public key (32) ‖ signature (64) ‖ message. */

import type { SignatureCheck } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import { TRANSACTION_BYTES_MAX } from "../types/limits.ts";

export const RING_SLOTS = 4;
/** Posted once by a worker that is able to work; afterwards it posts numbers of slots. */
export const WORKER_READY = -1;
/** Checks in one slot: large enough to hide the wake-up, small enough to bound the wait of the next batch. */
export const SLOT_CHECKS_MAX = 64;
/** Bytes of checks in one slot. */
export const SLOT_BYTES = 192 * 1024;

const CHECK_HEAD_BYTES = 4 + 32 + 64;
const WORDS_BYTES = 64;
const VERDICTS_BYTES = RING_SLOTS * SLOT_CHECKS_MAX;

assert(CHECK_HEAD_BYTES + TRANSACTION_BYTES_MAX + 64 <= SLOT_BYTES, "the largest transaction's check fits a slot");
assert((RING_SLOTS & (RING_SLOTS - 1)) === 0, "a slot is the low bits of the wake counter");
assert(4 * (1 + RING_SLOTS) <= WORDS_BYTES, "the words fit their space");

export const RING_BYTES = WORDS_BYTES + VERDICTS_BYTES + RING_SLOTS * SLOT_BYTES;

export interface SignatureRing {
  /** Writes as many of `checks` as fit and returns how many; at least one. */
  fill(slot: number, checks: readonly SignatureCheck[]): number;
  /** The checks of a filled slot, as views of the shared memory. */
  read(slot: number): readonly SignatureCheck[];
  setVerdict(slot: number, index: number, isValid: boolean): void;
  verdict(slot: number, index: number): boolean;
  wake(): void;
  /** Blocks until the counter differs from `seen`; returns it. Workers only. */
  waitForWake(seen: number): number;
}

export function openRing(buffer: SharedArrayBuffer): SignatureRing {
  const words = new Int32Array(buffer, 0, WORDS_BYTES / 4);
  const verdicts = new Uint8Array(buffer, WORDS_BYTES, VERDICTS_BYTES);
  const data = (slot: number) => new Uint8Array(buffer, WORDS_BYTES + VERDICTS_BYTES + slot * SLOT_BYTES, SLOT_BYTES);
  const view = (slot: number) => new DataView(buffer, WORDS_BYTES + VERDICTS_BYTES + slot * SLOT_BYTES, SLOT_BYTES);

  function fill(slot: number, checks: readonly SignatureCheck[]): number {
    const bytes = data(slot);
    const lengths = view(slot);
    let offset = 0;
    let count = 0;
    for (const { publicKey, signature, message } of checks) {
      if (count === SLOT_CHECKS_MAX || offset + CHECK_HEAD_BYTES + message.length > SLOT_BYTES) break;
      lengths.setUint32(offset, message.length, true);
      bytes.set(publicKey, offset + 4);
      bytes.set(signature, offset + 36);
      bytes.set(message, offset + CHECK_HEAD_BYTES);
      offset += CHECK_HEAD_BYTES + message.length;
      count += 1;
    }
    Atomics.store(words, 1 + slot, count);
    return count;
  }

  function read(slot: number): readonly SignatureCheck[] {
    const bytes = data(slot);
    const lengths = view(slot);
    const checks: SignatureCheck[] = [];
    let offset = 0;
    const count = Atomics.load(words, 1 + slot);
    while (checks.length < count) {
      const end = offset + CHECK_HEAD_BYTES + lengths.getUint32(offset, true);
      checks.push({
        publicKey: bytes.subarray(offset + 4, offset + 36),
        signature: bytes.subarray(offset + 36, offset + CHECK_HEAD_BYTES),
        message: bytes.subarray(offset + CHECK_HEAD_BYTES, end),
      });
      offset = end;
    }
    return checks;
  }

  return {
    fill,
    read,
    setVerdict(slot, index, isValid) {
      Atomics.store(verdicts, slot * SLOT_CHECKS_MAX + index, isValid ? 1 : 0);
    },
    verdict: (slot, index) => Atomics.load(verdicts, slot * SLOT_CHECKS_MAX + index) === 1,
    wake() {
      Atomics.add(words, 0, 1);
      Atomics.notify(words, 0);
    },
    waitForWake(seen) {
      Atomics.wait(words, 0, seen);
      return Atomics.load(words, 0);
    },
  };
}

/** Only checks of these sizes can be valid; others are refused before they reach a ring. */
export function hasCheckSizes({ publicKey, signature, message }: SignatureCheck): boolean {
  return publicKey.length === 32 && signature.length === 64 && CHECK_HEAD_BYTES + message.length <= SLOT_BYTES;
}
