/** Two transactions of one sender and nonce, given to two validators: one becomes final, the other can never be. Found by the
 *  simulator's check of calm runs: the validator that held the other one took it for work, waited for proposals that nobody had a
 *  reason to make, and timed out alone in view after view. */

import t from "tap";
import { createNullApplication } from "../../ledger/null_application.ts";
import type { Application, Refusal } from "../../types/application.ts";
import { CHAIN_ID } from "../support/chain.ts";
import { type ClusterNode, createCluster } from "../support/replica_cluster.ts";

const USED: Refusal = { code: "nonceReplayed", canRetry: false, advice: "sign again with an unused nonce" };

/** The null application with senders: the first byte is the sender, the second the nonce; a used nonce is refused. */
function withNonces(): Application {
  const inner = createNullApplication({ chainId: CHAIN_ID });
  const used = new Set<string>();
  const keyOf = (bytes: Uint8Array): string => `${bytes[0]}/${bytes[1]}`;
  return {
    name: inner.name,
    chainId: inner.chainId,
    get height() {
      return inner.height;
    },
    get root() {
      return inner.root;
    },
    takesSealed: false,
    parse(bytes) {
      const parsed = inner.parse(bytes);
      if (!parsed.ok) return parsed;
      return { ...parsed, transaction: { ...parsed.transaction, sender: `sender ${bytes[0]}`, nonce: bytes[1] ?? 0 } };
    },
    check: (transaction) => (used.has(keyOf(transaction.bytes)) ? { ok: false, refusal: USED } : inner.check(transaction)),
    execute(block) {
      for (const { bytes } of block.transactions) used.add(keyOf(bytes));
      return inner.execute(block);
    },
    describeCode: (code) => inner.describeCode(code),
    snapshot: () => inner.snapshot(),
    restore: (snapshot) => inner.restore(snapshot),
  };
}

const timeoutsOf = (node: ClusterNode): number =>
  node.effects.filter((effect) => effect.type === "signVote" && effect.ballot.kind === "timeout").length;

t.test(
  "M2: a nonce is used by another transaction that became final, what waited with it is dropped and nobody times out for it",
  async (t) => {
    const cluster = createCluster({ count: 4, seed: 1, createApplication: withNonces });
    const nodes = cluster.nodes;
    cluster.run({ forMs: 3_000 });
    const before = nodes.map(timeoutsOf);
    const first = cluster.submit(0, Uint8Array.of(7, 1, 0));
    const second = cluster.submit(3, Uint8Array.of(7, 1, 1));
    cluster.run({ forMs: 10_000 });
    const finals = new Set(nodes[0]?.finalized.flatMap(({ receipts }) => receipts.map(({ hash }) => hash)));
    t.equal([first, second].filter((hash) => finals.has(hash)).length, 1, "one of them is final");
    t.same(
      nodes.map(({ replica }) => replica.status.poolTransactions),
      [0, 0, 0, 0],
    );
    t.same(nodes.map(timeoutsOf), before, "no view is given up");
    const dropped = nodes.flatMap(({ effects }) => effects.filter((effect) => effect.type === "dropped"));
    t.match(dropped, [{ refusal: { code: "nonceReplayed" } }]);
  },
);
