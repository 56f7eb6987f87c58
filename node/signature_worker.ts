/** A signature worker's thread: waits on the ring, checks batches in the order in which they were filled, posts each slot's number.
 *  Of a sealed part that passed it computes our share, where the check brings our share of the key; it keeps neither.
 *  The main thread fills slots round robin, so the next filled slot is always the one after the last. The sealing suite and its
 *  WebAssembly are loaded at the first seal: a chain without sealed transactions never pays for them. */

import { parentPort, workerData } from "node:worker_threads";
import { verifyEd25519 } from "../crypto/ed25519_sodium.ts";
import { assert } from "../types/assert.ts";
import type { SealingSuite } from "../types/sealing.ts";
import {
  type CheckVerdict,
  INVALID,
  isSealCheck,
  openRing,
  RING_SLOTS,
  type SealedPartCheck,
  VALID,
  WORKER_READY,
  type WorkerCheck,
} from "./signature_ring.ts";

let suite: Pick<SealingSuite, "check" | "shareOf"> | undefined;

async function judge(check: WorkerCheck): Promise<CheckVerdict> {
  if (isSealCheck(check)) return judgeSeal(check);
  return verifyEd25519(check.publicKey, check.message, check.signature) ? VALID : INVALID;
}

async function judgeSeal(check: SealedPartCheck): Promise<CheckVerdict> {
  suite ??= await (await import("./sealing_suite.ts")).loadSealingSuite();
  if (!suite.check(check)) return INVALID;
  // C1: after the check only.
  return check.secretShare === undefined ? VALID : { isValid: true, share: suite.shareOf(check.secretShare, check.sealed) };
}

async function run(): Promise<void> {
  const data: unknown = workerData;
  assert(data instanceof SharedArrayBuffer, "the main thread hands over the ring's memory");
  assert(parentPort !== null, "this file runs as a worker");
  const ring = openRing(data);
  let done = 0;
  parentPort.postMessage(WORKER_READY);
  for (;;) {
    const filled = ring.waitForWake(done);
    // Each wake announces exactly one more filled slot.
    while (done !== filled) {
      const slot = done & (RING_SLOTS - 1);
      for (const [index, check] of ring.read(slot).entries()) ring.setVerdict(slot, index, await judge(check));
      // The counter wraps at 32 bits, as the shared one does.
      done = (done + 1) | 0;
      parentPort.postMessage(slot);
    }
  }
}

await run();
