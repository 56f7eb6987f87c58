/** Key generation through whole replicas: who is late, and what becomes of messages that come too late. */

import t from "tap";
import { createSealedWorld } from "../support/sealed_world.ts";

t.test("a deal that came too late waits nowhere, and the chain comes to rest", async (t) => {
  const world = createSealedWorld({ count: 4, seed: 1 });
  world.filter = ({ from, kind }) => from !== 3 || (kind !== "transactions" && kind !== "proposal");
  world.generateKey();
  world.filter = undefined;
  world.run({ forMs: 5_000 });
  t.same(
    world.nodes.map(({ replica }) => replica.status.poolTransactions),
    [0, 0, 0, 0],
  );
  const { finalHeight } = world.nodes[0]?.replica.status ?? { finalHeight: 0 };
  world.run({ forMs: 5_000 });
  const heartbeats = (world.nodes[0]?.replica.status.finalHeight ?? 0) - finalHeight;
  t.ok(heartbeats <= 6, `${heartbeats} blocks in five heartbeats`);
});
