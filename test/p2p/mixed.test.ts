/** Node and Deno in one cluster: this process runs on one of them, the peer in a child process on the other. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { ValidatorIndex } from "../../types/ids.ts";
import { startNode, stopAll, until, validatorsOf, voteMessage } from "./support.ts";

const root = resolve(fileURLToPath(import.meta.url), "../../..");
const other = "Deno" in globalThis ? "node" : "deno";
const binary = resolve(root, "node_modules/.bin", other);
const parameters = [...(other === "deno" ? ["run", "-A"] : []), resolve(root, "test/p2p/echo_peer.ts")];
const skip = existsSync(binary) ? false : `needs ${other} in node_modules/.bin`;

for (const transport of ["", "/ws"]) {
  t.test(`createNetwork: the peer runs on ${other}${transport}, frames, gossip and requests work both ways`, { skip }, async (t) => {
    const listen = [`/ip4/127.0.0.1/tcp/0${transport}`];
    const node = await startNode({ validators: validatorsOf(2), self: ValidatorIndex.of(0), listen });
    const child = spawn(binary, [...parameters, ...node.network.addresses], { stdio: ["ignore", "pipe", "inherit"], cwd: root });
    t.teardown(async () => {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
      await stopAll([node]);
    });
    await until("the child's link", () => node.links.get(1) === true, 25_000);
    node.network.broadcast(voteMessage(0, 11));
    await until("its answer", () => node.messages.some(({ message }) => message.type === "vote" && message.vote.ballot.view === 11));
    await until("a transaction there and back", () => {
      node.network.publishTransactions([Uint8Array.of(7, Math.random() * 255)]);
      return node.messages.some(({ message }) => message.type === "transactions" && message.transactions.some(([first]) => first === 8));
    });
    const [peer] = node.network.peers;
    const bounds = { deadlineMs: 10_000, signal: new AbortController().signal };
    const response = await node.network.request(peer?.peer ?? node.network.self, { type: "status" }, bounds);
    t.ok(response.type === "status" && response.status.finalHeight === 42);
  });
}
