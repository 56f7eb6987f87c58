/** Publishing again what still waits: gossip has no receipt. */

import t from "tap";
import { hashTransaction } from "../../crypto/hashes.ts";
import { createRepublisher, REPUBLISH_TRANSACTIONS_MAX } from "../../replica/republish.ts";
import type { ParsedTransaction } from "../../types/application.ts";
import { Height, TimestampMs } from "../../types/ids.ts";
import { payloadOf } from "../support/chain.ts";
import { createCluster } from "../support/replica_cluster.ts";

const at = (ms: number) => TimestampMs.of(ms);
const parsed = (text: string): ParsedTransaction => {
  const bytes = payloadOf(text);
  return { hash: hashTransaction(bytes), bytes, sender: "", nonce: 0, expiryHeight: Height.of(9), operationCount: 1 };
};

t.test("createRepublisher: publishes again after the interval, again after the next, and never what has left the pool", async (t) => {
  const [a, b] = [parsed("a"), parsed("b")];
  const pool = new Map([a, b].map((transaction) => [transaction.hash, transaction]));
  const republisher = createRepublisher({ intervalMs: 100, countMax: 10, find: (hash) => pool.get(hash) });
  republisher.note(a.hash, at(0));
  republisher.note(b.hash, at(50));
  t.same(republisher.takeDue(at(99)), []);
  t.same(republisher.takeDue(at(100)), [a.bytes]);
  pool.delete(a.hash);
  t.same(republisher.takeDue(at(200)), [b.bytes], "a is final by now");
  pool.delete(b.hash);
  t.same(republisher.takeDue(at(1_000)), []);
  t.equal(republisher.isWaiting, false);
});

t.test("createRepublisher: one repetition is bounded, and so is what is remembered", async (t) => {
  const all = Array.from({ length: REPUBLISH_TRANSACTIONS_MAX + 50 }, (_, index) => parsed(`t ${index}`));
  const pool = new Map(all.map((transaction) => [transaction.hash, transaction]));
  const republisher = createRepublisher({ intervalMs: 100, countMax: REPUBLISH_TRANSACTIONS_MAX + 20, find: (hash) => pool.get(hash) });
  for (const { hash } of all) republisher.note(hash, at(0));
  t.equal(republisher.takeDue(at(100)).length, REPUBLISH_TRANSACTIONS_MAX);
  t.equal(republisher.takeDue(at(100)).length, 20, "the rest comes at the next turn, and no more than was remembered");
});

t.test("republish: a transaction whose gossip was lost to all reaches the leader before its own node leads", async (t) => {
  const lost = new Set([1, 2, 3]);
  const cluster = createCluster({ count: 4, seed: 11, isGossipLost: (_hash, to) => lost.delete(to) });
  cluster.run({ forMs: 100 });
  const hash = cluster.submit(0, payloadOf("lost at first"));
  t.equal(lost.size, 0, "the first copies are dropped");
  const isFinal = () =>
    cluster.nodes.every(({ finalized }) => finalized.some(({ receipts }) => receipts.some((receipt) => receipt.hash === hash)));
  t.ok(cluster.run({ forMs: 10_000, until: isFinal }));
  t.equal(cluster.nodes[0]?.effects.filter(({ type }) => type === "gossipTransactions").length, 2);
});
