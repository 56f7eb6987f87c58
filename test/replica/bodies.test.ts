/** Bodies of proposals: gathering by hash, the verdict, and what counts as pending work. Pure data in, verdict out. */

import t from "tap";
import { bodyRootOf, hashTransaction } from "../../crypto/hashes.ts";
import { blockOf, createBodies } from "../../replica/bodies.ts";
import { createPendingWork } from "../../replica/pending_work.ts";
import type { ParsedTransaction } from "../../types/application.ts";
import { PLAIN_BLOCK, type Proposal } from "../../types/block.ts";
import {
  type BlockHash,
  Epoch,
  Height,
  type StateRoot,
  TimestampMs,
  type TransactionHash,
  ValidatorIndex,
  View,
  ZERO_HASH,
} from "../../types/ids.ts";
import { payloadOf } from "../support/chain.ts";

const transaction = (text: string, expiryHeight = 100): ParsedTransaction => {
  const bytes = payloadOf(text);
  return { hash: hashTransaction(bytes), bytes, sender: "", nonce: 0, expiryHeight: Height.of(expiryHeight), operationCount: 1 };
};

const proposalOf = (transactions: readonly ParsedTransaction[], change: Partial<Proposal["header"]> = {}): Proposal => ({
  header: {
    epoch: Epoch.ZERO,
    height: Height.of(1),
    view: View.of(1),
    proposer: ValidatorIndex.of(0),
    parentHash: ZERO_HASH,
    parentView: View.ZERO,
    timeMs: TimestampMs.of(1),
    bodyRoot: bodyRootOf(transactions.map(({ hash }) => hash)),
    transactionCount: transactions.length,
    bodyBytes: transactions.reduce((sum, { bytes }) => sum + bytes.length, 0),
    executedHeight: Height.ZERO,
    executedRoot: ZERO_HASH as string as StateRoot,
    ...PLAIN_BLOCK,
    ...change,
  },
  parentCertificate: undefined,
  timeoutCertificates: [],
  transactionHashes: transactions.map(({ hash }) => hash),
  lists: [],
  signature: new Uint8Array(64),
});

const [a, b, c] = ["a", "bb", "ccc"].map((text) => transaction(text)) as [ParsedTransaction, ParsedTransaction, ParsedTransaction];
const hashOf = (text: string) => text.padStart(64, "0") as BlockHash;
const from = { type: "self" } as const;
const findNone = () => undefined;

t.test("createBodies: a body completes as its transactions arrive, in any order and once", async (t) => {
  const bodies = createBodies();
  const body = bodies.open({
    blockHash: hashOf("1"),
    proposal: proposalOf([a, b, c]),
    from,
    find: (hash) => (hash === b.hash ? b : undefined),
  });
  t.equal(body.state, "incomplete");
  t.equal(body.missing.size, 2);
  t.same(bodies.offer(c), []);
  t.same(bodies.offer(c), [], "a second copy changes nothing");
  t.same(bodies.offer(a), [body]);
  t.equal(body.state, "valid");
  t.same(blockOf(body).transactions, [a.bytes, b.bytes, c.bytes]);
  t.equal(bodies.find(b.hash), b);
});

t.test("createBodies: one transaction completes every body that waits for it", async (t) => {
  const bodies = createBodies();
  const first = bodies.open({ blockHash: hashOf("1"), proposal: proposalOf([a]), from, find: findNone });
  const second = bodies.open({ blockHash: hashOf("2"), proposal: proposalOf([a]), from, find: findNone });
  t.same(bodies.offer(a), [first, second]);
});

t.test("R2: a body that contradicts its header is invalid", async (t) => {
  const open = (proposal: Proposal) =>
    createBodies().open({ blockHash: hashOf("1"), proposal, from, find: (hash) => [a, b, c].find((held) => held.hash === hash) }).state;
  t.equal(open(proposalOf([a, b])), "valid");
  t.equal(open(proposalOf([a, b], { bodyRoot: bodyRootOf([a.hash]) })), "invalid", "root over other hashes");
  t.equal(open(proposalOf([a, a])), "invalid", "one transaction twice");
  t.equal(open(proposalOf([a, b], { bodyBytes: 4 })), "invalid", "wrong size");
  t.equal(open(proposalOf([a, b], { height: Height.of(101) })), "invalid", "an expired transaction");
});

t.test("createBodies: a deleted body no longer waits", async (t) => {
  const bodies = createBodies();
  bodies.open({ blockHash: hashOf("1"), proposal: proposalOf([a]), from, find: findNone });
  bodies.delete(hashOf("1"));
  t.same(bodies.offer(a), []);
  t.equal(bodies.count, 0);
});

const open = (count: number, unexecuted = 0) => ({ open: count, sealed: 0, unexecuted });

t.test("createPendingWork: what the tip carries is no work, what a lost view leaves unfinished is", async (t) => {
  const bodies = createBodies();
  const pooled = new Set<TransactionHash>([a.hash, b.hash]);
  const work = createPendingWork({ bodies, isPooled: (hash, pool) => pool === "open" && pooled.has(hash) });
  t.equal(work.isAvailable(open(2)), true, "two in the pool, none carried");
  bodies.open({
    blockHash: hashOf("1"),
    proposal: proposalOf([a, b], { parentHash: hashOf("0") }),
    from,
    find: (hash) => (hash === a.hash ? a : b),
  });
  work.setTip(hashOf("1"));
  work.recount({ executedHash: hashOf("0"), finalHeight: Height.ZERO });
  t.equal(work.isAvailable(open(2)), false, "both are carried by the tip");
  t.equal(work.isAvailable(open(3)), true, "a third came in");
  work.noteViewLost();
  t.equal(work.isAvailable(open(2)), true, "carried but without a CC after a lost view: drive on");
  work.recount({ executedHash: hashOf("1"), finalHeight: Height.of(1) });
  t.equal(work.isAvailable(open(0)), false, "final: nothing left");
});
