/** Many nodes on one address: gossipsub's default score for addresses would silently drop everything here. */

import t from "tap";
import { areLinked, startCluster, stopAll, type TestNode, until } from "./support.ts";

t.test("gossip: twelve nodes on one address, every transaction reaches everybody", async (t) => {
  const nodes = await startCluster(12);
  t.teardown(() => stopAll(nodes));
  await until("all linked", () => areLinked(nodes), 30_000);
  const marks = (node: TestNode) =>
    new Set(node.messages.flatMap(({ message }) => (message.type === "transactions" ? message.transactions.map(([mark]) => mark) : [])));
  const hasAll = (node: TestNode, self: number) => nodes.every((_, other) => other === self || marks(node).has(other));
  let round = 0;
  let publishedMs = 0;
  await until("all of all", () => {
    // Gossip streams form a moment after the links; what was published before that is not repeated by itself.
    if (Date.now() - publishedMs > 1_000) {
      publishedMs = Date.now();
      round++;
      for (const [index, node] of nodes.entries()) node.network.publishTransactions([Uint8Array.of(index, round)]);
    }
    return nodes.every(hasAll);
  });
  t.ok(nodes.every((node) => node.network.peers.every(({ score }) => score === 0)));
});
