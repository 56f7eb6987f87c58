/** The round trip of a small frame on a bare libp2p stream: what the transport costs before any of our own code. */

import { noise } from "@chainsafe/libp2p-noise";
import type { Libp2p, Stream } from "@libp2p/interface";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p } from "libp2p";
import { medianOf } from "./calibration.ts";

const PROTOCOL = "/sealstone-bench/echo/1";
const FRAME_BYTES = 300;
const WARM_UP_TRIPS = 200;
const TRIPS = 1_000;
const TRIP_DEADLINE_MS = 5_000;

/** Median over single trips, one after the other. */
export async function measureRoundTripUs(): Promise<number> {
  const [server, client] = await Promise.all([startHost(), startHost()]);
  try {
    await server.handle(PROTOCOL, echo);
    const [address] = server.getMultiaddrs();
    if (address === undefined) throw new Error("the bench server listens on no address");
    const stream = await client.dialProtocol(address, PROTOCOL, { signal: AbortSignal.timeout(TRIP_DEADLINE_MS) });
    const samples: number[] = [];
    for (let trip = 0; trip < WARM_UP_TRIPS + TRIPS; trip++) {
      const tripUs = await timeTripUs(stream);
      if (trip >= WARM_UP_TRIPS) samples.push(tripUs);
    }
    stream.abort(new Error("the measurement is over"));
    return medianOf(samples);
  } finally {
    await Promise.all([client.stop(), server.stop()]);
  }
}

function startHost(): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  });
}

function echo(stream: Stream): void {
  stream.addEventListener("message", (event) => {
    stream.send(event.data.subarray());
  });
}

function timeTripUs(stream: Stream): Promise<number> {
  return new Promise((resolve, reject) => {
    let missing = FRAME_BYTES;
    const startMs = performance.now();
    const deadline = setTimeout(() => finish(() => reject(new Error("the echo did not come back"))), TRIP_DEADLINE_MS);
    const finish = (settle: () => void): void => {
      clearTimeout(deadline);
      stream.removeEventListener("message", onMessage);
      settle();
    };
    const onMessage = (event: { readonly data: { readonly byteLength: number } }): void => {
      missing -= event.data.byteLength;
      if (missing <= 0) finish(() => resolve((performance.now() - startMs) * 1_000));
    };
    stream.addEventListener("message", onMessage);
    stream.send(new Uint8Array(FRAME_BYTES));
  });
}
