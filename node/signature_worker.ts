/** A signature worker's thread: waits on the ring, checks batches in the order in which they were filled, posts each slot's number.
 *  The main thread fills slots round robin, so the next filled slot is always the one after the last. */

import { parentPort, workerData } from "node:worker_threads";
import { verifyEd25519 } from "../crypto/ed25519_sodium.ts";
import { assert } from "../types/assert.ts";
import { openRing, RING_SLOTS, WORKER_READY } from "./signature_ring.ts";

function run(): void {
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
      for (const [index, check] of ring.read(slot).entries()) {
        ring.setVerdict(slot, index, verifyEd25519(check.publicKey, check.message, check.signature));
      }
      // The counter wraps at 32 bits, as the shared one does.
      done = (done + 1) | 0;
      parentPort.postMessage(slot);
    }
  }
}

run();
