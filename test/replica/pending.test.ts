/** What a client is told to be waiting must wait in the pool. Found by the simulator (seed 9223): a validator said "accepted" for a transaction that only
 *  the body of an unfinished block carried; that block lost, and nobody ever heard of the transaction again. */

import t from "tap";
import { payloadOf } from "../support/chain.ts";
import { createCluster, TEST_CONFIG } from "../support/replica_cluster.ts";

t.test("isPending: a transaction that only an unfinished block carries is not pending, and is served to peers all the same", async (t) => {
  const pool = { ...TEST_CONFIG.pool, countMax: 1 };
  const cluster = createCluster({ count: 4, seed: 1, config: { pool } });
  cluster.run({ forMs: 2_000 });
  cluster.filter = ({ kind }) => kind !== "commit";
  const full = cluster.nodes[3];
  const own = cluster.submit(3, payloadOf("fills the pool"));
  const other = cluster.submit(0, payloadOf("finds no room at validator 3"));
  const holds = (): boolean => {
    const answer = full?.replica.answer({ type: "transactions", hashes: [other] });
    return answer?.type === "transactions" && answer.transactions.length === 1;
  };
  t.ok(cluster.run({ forMs: 5_000, until: holds }), "a proposal's body brought it");
  t.equal(full?.replica.isPending(own), true);
  t.equal(full?.replica.isPending(other), false);
});
