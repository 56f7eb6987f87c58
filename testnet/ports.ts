/** Free TCP ports on loopback. Taken below the range from which systems draw ports for outgoing connections, so that a
 *  validator that restarts finds its port still free. */

import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { TestnetFailure } from "./failure.ts";

const PORT_MIN = 20_000;
const PORT_MAX = 32_000;
const ATTEMPTS_PER_PORT = 50;

/** `count` different ports that could be bound a moment ago. Throws TestnetFailure "environment" when there are none. */
export async function chooseFreePorts(count: number): Promise<number[]> {
  const chosen = new Set<number>();
  let attemptsLeft = count * ATTEMPTS_PER_PORT;
  while (chosen.size < count) {
    if (attemptsLeft-- === 0) {
      throw new TestnetFailure(
        "environment",
        `no ${count} free ports on 127.0.0.1 between ${PORT_MIN} and ${PORT_MAX}; close what listens there`,
      );
    }
    const port = randomInt(PORT_MIN, PORT_MAX);
    if (!chosen.has(port) && (await canBind(port))) chosen.add(port);
  }
  return [...chosen];
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
