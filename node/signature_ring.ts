/** The memory that the main thread and one signature worker share: a few slots, each one batch of checks (Ed25519 signatures and
 *  seals), and for each check one verdict byte and room for one share. Bulk never crosses by message: only a slot's number does, since
 *  copying costs 60 ns a byte on Deno.
 *
 *  Words: [0] wake counter, [1 + slot] number of checks in the slot. A slot is written by the main thread while it is free, then
 *  belongs to the worker until the worker has posted its number. Check: kind (4) ‖ length of the first part (4) ‖ of the second (4) ‖
 *  public key (32) ‖ first part (signature, or label) ‖ second part (message, or sealed part) ‖ secret share (32, when our share is asked for).
 *
 *  The secret share travels with each check that wants it: a worker keeps no key, so none can be out of date. */

import type { SignatureCheck } from "../types/application.ts";
import { assert } from "../types/assert.ts";
import { LABEL_BYTES, SEALED_SIZE_CLASS_MAX, sealedBytesOf } from "../types/envelope.ts";
import { TRANSACTION_BYTES_MAX } from "../types/limits.ts";
import { SEALING_SIZES } from "../types/sealing.ts";

export const RING_SLOTS = 4;
/** Posted once by a worker that is able to work; afterwards it posts numbers of slots. */
export const WORKER_READY = -1;
/** Is a sealed part well-formed and proven under its label and this sealing key? */
export interface SealedPartCheck {
  readonly publicKey: Uint8Array;
  readonly label: Uint8Array;
  readonly sealed: Uint8Array;
  /** Our share of this key: with it a worker computes our share of a sealed part that passed. Undefined where only the verdict is wanted. */
  readonly secretShare: Uint8Array | undefined;
}

/** Whatever a worker checks. */
export type WorkerCheck = SignatureCheck | SealedPartCheck;

export const isSealCheck = (check: WorkerCheck): check is SealedPartCheck => "sealed" in check;

/** `share` only of a sealed part that is valid, and only where it was asked for and a worker did the check. */
export interface CheckVerdict {
  readonly isValid: boolean;
  readonly share: Uint8Array | undefined;
}

export const VALID: CheckVerdict = { isValid: true, share: undefined };
export const INVALID: CheckVerdict = { isValid: false, share: undefined };

/** What a check costs, in signatures of about 50 µs. */
export const costOf = (check: WorkerCheck): number =>
  isSealCheck(check) ? SEAL_COST + (check.secretShare === undefined ? 0 : SHARE_COST) : 1;
const SEAL_COST = 8;
const SHARE_COST = 3;

/** Cost of the checks in one slot, which is as many signatures: large enough to hide the wake-up, small enough to bound the wait of the next batch. */
export const SLOT_CHECKS_MAX = 64;
/** Bytes of checks in one slot. */
export const SLOT_BYTES = 192 * 1024;

const CHECK_HEAD_BYTES = 3 * 4 + 32;
const SIGNATURE_BYTES = 64;
const SECRET_BYTES = SEALING_SIZES.scalar;
const SHARE_BYTES = SEALING_SIZES.point;
const KINDS = { signature: 0, seal: 1, sealAndShare: 2 } as const;
const VERDICTS = { invalid: 0, valid: 1, validWithShare: 2 } as const;
const WORDS_BYTES = 64;
const VERDICTS_BYTES = RING_SLOTS * SLOT_CHECKS_MAX;
const SHARES_BYTES = VERDICTS_BYTES * SHARE_BYTES;
const DATA_START = WORDS_BYTES + VERDICTS_BYTES + SHARES_BYTES;

assert(CHECK_HEAD_BYTES + TRANSACTION_BYTES_MAX + 2 * SIGNATURE_BYTES <= SLOT_BYTES, "the largest transaction's check fits a slot");
assert(
  CHECK_HEAD_BYTES + LABEL_BYTES + sealedBytesOf(SEALED_SIZE_CLASS_MAX) + SECRET_BYTES <= SLOT_BYTES,
  "the check of the largest sealed part fits a slot",
);
assert((RING_SLOTS & (RING_SLOTS - 1)) === 0, "a slot is the low bits of the wake counter");
assert(4 * (1 + RING_SLOTS) <= WORDS_BYTES, "the words fit their space");

export const RING_BYTES = DATA_START + RING_SLOTS * SLOT_BYTES;

export interface SignatureRing {
  /** Writes as many of `checks` as fit and returns how many; at least one. */
  fill(slot: number, checks: readonly WorkerCheck[]): number;
  /** The checks of a filled slot, as views of the shared memory. */
  read(slot: number): readonly WorkerCheck[];
  setVerdict(slot: number, index: number, verdict: CheckVerdict): void;
  /** A share comes as a copy: the slot is filled again. */
  verdict(slot: number, index: number): CheckVerdict;
  wake(): void;
  /** Blocks until the counter differs from `seen`; returns it. Workers only. */
  waitForWake(seen: number): number;
}

export function openRing(buffer: SharedArrayBuffer): SignatureRing {
  const words = new Int32Array(buffer, 0, WORDS_BYTES / 4);
  const verdicts = new Uint8Array(buffer, WORDS_BYTES, VERDICTS_BYTES);
  const data = (slot: number) => new Uint8Array(buffer, DATA_START + slot * SLOT_BYTES, SLOT_BYTES);
  const view = (slot: number) => new DataView(buffer, DATA_START + slot * SLOT_BYTES, SLOT_BYTES);
  const shareAt = (slot: number, index: number) =>
    new Uint8Array(buffer, WORDS_BYTES + VERDICTS_BYTES + (slot * SLOT_CHECKS_MAX + index) * SHARE_BYTES, SHARE_BYTES);

  function fill(slot: number, checks: readonly WorkerCheck[]): number {
    const bytes = data(slot);
    const heads = view(slot);
    let offset = 0;
    let count = 0;
    let cost = 0;
    for (const check of checks) {
      const [first, second] = partsOf(check);
      cost += costOf(check);
      if (cost > SLOT_CHECKS_MAX || offset + bytesOf(check) > SLOT_BYTES) break;
      const secretShare = isSealCheck(check) ? check.secretShare : undefined;
      heads.setUint32(offset, kindOf(check), true);
      heads.setUint32(offset + 4, first.length, true);
      heads.setUint32(offset + 8, second.length, true);
      bytes.set(check.publicKey, offset + 12);
      bytes.set(first, offset + CHECK_HEAD_BYTES);
      bytes.set(second, offset + CHECK_HEAD_BYTES + first.length);
      if (secretShare !== undefined) bytes.set(secretShare, offset + CHECK_HEAD_BYTES + first.length + second.length);
      offset += bytesOf(check);
      count += 1;
    }
    Atomics.store(words, 1 + slot, count);
    return count;
  }

  function read(slot: number): readonly WorkerCheck[] {
    const bytes = data(slot);
    const heads = view(slot);
    const checks: WorkerCheck[] = [];
    let offset = 0;
    const count = Atomics.load(words, 1 + slot);
    while (checks.length < count) {
      const middle = offset + CHECK_HEAD_BYTES + heads.getUint32(offset + 4, true);
      const end = middle + heads.getUint32(offset + 8, true);
      const publicKey = bytes.subarray(offset + 12, offset + CHECK_HEAD_BYTES);
      const first = bytes.subarray(offset + CHECK_HEAD_BYTES, middle);
      const second = bytes.subarray(middle, end);
      const kind = heads.getUint32(offset, true);
      const secretShare = kind === KINDS.sealAndShare ? bytes.subarray(end, end + SECRET_BYTES) : undefined;
      const isSignature = kind === KINDS.signature;
      checks.push(
        isSignature ? { publicKey, signature: first, message: second } : { publicKey, label: first, sealed: second, secretShare },
      );
      offset = end + (secretShare?.length ?? 0);
    }
    return checks;
  }

  return {
    fill,
    read,
    setVerdict(slot, index, { isValid, share }) {
      if (share !== undefined) shareAt(slot, index).set(share);
      const verdict = share !== undefined ? VERDICTS.validWithShare : isValid ? VERDICTS.valid : VERDICTS.invalid;
      Atomics.store(verdicts, slot * SLOT_CHECKS_MAX + index, verdict);
    },
    verdict(slot, index) {
      const verdict = Atomics.load(verdicts, slot * SLOT_CHECKS_MAX + index);
      if (verdict === VERDICTS.validWithShare) return { isValid: true, share: new Uint8Array(shareAt(slot, index)) };
      return verdict === VERDICTS.valid ? VALID : INVALID;
    },
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
export function hasCheckSizes(check: WorkerCheck): boolean {
  const isSigned = isSealCheck(check) || check.signature.length === SIGNATURE_BYTES;
  return check.publicKey.length === 32 && isSigned && bytesOf(check) <= SLOT_BYTES;
}

/** What a check takes in a slot. */
export function bytesOf(check: WorkerCheck): number {
  const [first, second] = partsOf(check);
  const secretBytes = kindOf(check) === KINDS.sealAndShare ? SECRET_BYTES : 0;
  return CHECK_HEAD_BYTES + first.length + second.length + secretBytes;
}

function kindOf(check: WorkerCheck): number {
  if (!isSealCheck(check)) return KINDS.signature;
  if (check.secretShare === undefined) return KINDS.seal;
  assert(check.secretShare.length === SECRET_BYTES, "our share of a key is a scalar");
  return KINDS.sealAndShare;
}

const partsOf = (check: WorkerCheck): readonly [Uint8Array, Uint8Array] =>
  isSealCheck(check) ? [check.label, check.sealed] : [check.signature, check.message];
