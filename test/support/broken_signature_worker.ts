/** A signature worker for tests: ready like a good one, then dies at its first batch, or hangs on it when its file is named
 *  with the query "?hang". */

import { parentPort, workerData } from "node:worker_threads";
import { openRing, WORKER_READY } from "../../node/signature_ring.ts";

parentPort?.postMessage(WORKER_READY);
openRing(workerData as SharedArrayBuffer).waitForWake(0);
if (new URL(import.meta.url).search === "?hang") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
throw new Error("this worker was made to fail");
