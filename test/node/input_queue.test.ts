/** The queue in front of the machine: bounds, drop rules, order; and how the durable of several steps becomes one write. */

import t from "tap";
import { mergeDurable } from "../../node/durable_batch.ts";
import { createInputQueue } from "../../node/input_queue.ts";
import type { Durable, ReplicaInput } from "../../replica/interface.ts";
import type { ParsedTransaction } from "../../types/application.ts";
import {
  type AccountId,
  type BlockHash,
  type BodyRoot,
  Epoch,
  Height,
  type TransactionHash,
  ValidatorIndex,
  View,
} from "../../types/ids.ts";
import { emptySafetyRecord } from "../../types/safety_record.ts";
import type { KeyId } from "../../types/sealing.ts";
import type { PeerKey, Sender } from "../../types/sender.ts";
import { timeoutBallot } from "../../types/vote.ts";

const peer: Sender = { type: "relay", peer: "p" as PeerKey };
const vote = (view: number, from: Sender = peer): ReplicaInput => ({
  type: "vote",
  from,
  vote: { ballot: timeoutBallot(Epoch.ZERO, View.of(view)), validator: ValidatorIndex.of(1), signature: new Uint8Array(96) },
});
const certificate = (view: number): ReplicaInput => ({
  type: "certificate",
  from: peer,
  certificate: { ballot: timeoutBallot(Epoch.ZERO, View.of(view)), signers: new Uint8Array(16), signature: new Uint8Array(96) },
});
const transactions = (bytes: number, source: "client" | "peer"): ReplicaInput => {
  const transaction: ParsedTransaction = {
    hash: `${bytes}` as TransactionHash,
    bytes: new Uint8Array(bytes),
    sender: "",
    nonce: 0,
    expiryHeight: Height.of(1),
    operationCount: 1,
  };
  return {
    type: "transactions",
    source: source === "client" ? { type: "client" } : { type: "peer", sender: peer },
    transactions: [transaction],
  };
};
const shares = (count: number): ReplicaInput => ({
  type: "sealing",
  from: { type: "validator", validator: ValidatorIndex.of(1), peer: "p" as PeerKey },
  message: {
    type: "shares",
    blockHash: "" as BlockHash,
    shares: Array.from({ length: count }, (_, position) => ({ position, share: new Uint8Array(32) })),
  },
});
const bid = (sequence: number, bundleBytes = 0): ReplicaInput => ({
  type: "bid",
  from: peer,
  offered: {
    bid: {
      height: Height.of(5),
      parentHash: "" as BlockHash,
      builder: "" as AccountId,
      sequence,
      value: 1n,
      expiryView: View.of(9),
      keyId: "" as KeyId,
      bundle: new Uint8Array(bundleBytes),
      tailRoot: "" as BodyRoot,
      tailCount: 0,
      tailBytes: 0,
      gas: 0,
      signature: new Uint8Array(64),
    },
    tailHashes: [],
  },
});
const timer: ReplicaInput = { type: "timer", timer: "view" };
const status = (height: number, from = "p"): ReplicaInput => ({
  type: "peerStatus",
  peer: from as PeerKey,
  status: { epoch: Epoch.ZERO, view: View.ZERO, finalHeight: Height.of(height), finalHash: "" as BlockHash, oldestHeight: Height.ZERO },
});

function filled(limits: { peerInputsMax: number; peerBytesMax: number }, inputs: readonly ReplicaInput[]) {
  const queue = createInputQueue(limits);
  for (const input of inputs) queue.push({ input, ticket: undefined });
  return { dropped: queue.droppedCount, left: queue.takeAll().map(({ input }) => input) };
}

t.test("createInputQueue: a full share of peers, drops the oldest vote first, whatever else waits", async (t) => {
  const inputs = [certificate(1), vote(2), vote(3), certificate(4)];
  const { left, dropped } = filled({ peerInputsMax: 3, peerBytesMax: 100 }, inputs);
  t.same(left, [inputs[0], inputs[2], inputs[3]]);
  t.equal(dropped, 1);
});

t.test("createInputQueue: no vote left, drops certificates, then batches of transactions", async (t) => {
  const inputs = [transactions(5, "peer"), certificate(1), transactions(6, "peer"), transactions(7, "peer")];
  t.same(filled({ peerInputsMax: 2, peerBytesMax: 100 }, inputs).left, [inputs[2], inputs[3]]);
});

t.test("createInputQueue: messages of the sealed lane, give way after transactions and count in bytes", async (t) => {
  const inputs = [shares(1), transactions(5, "peer"), shares(2)];
  t.same(filled({ peerInputsMax: 2, peerBytesMax: 1_000 }, inputs).left, [inputs[0], inputs[2]]);
  t.same(filled({ peerInputsMax: 1, peerBytesMax: 1_000 }, inputs).left, [inputs[2]]);
  t.same(filled({ peerInputsMax: 9, peerBytesMax: 64 }, inputs).left, [inputs[2]], "32 bytes a share");
});

t.test("createInputQueue: bids, leave before any vote and count in bytes", async (t) => {
  const inputs = [vote(1), bid(1), bid(2), vote(2), certificate(3)];
  t.same(filled({ peerInputsMax: 4, peerBytesMax: 1_000 }, inputs).left, [inputs[0], inputs[2], inputs[3], inputs[4]]);
  t.same(filled({ peerInputsMax: 3, peerBytesMax: 1_000 }, inputs).left, [inputs[0], inputs[3], inputs[4]]);
  const large = [vote(1), bid(1, 600), vote(2), bid(2, 600)];
  t.same(filled({ peerInputsMax: 9, peerBytesMax: 1_000 }, large).left, [large[0], large[2], large[3]]);
});

t.test("createInputQueue: own inputs, timers and clients' transactions, are never dropped or counted", async (t) => {
  const own = [timer, vote(1, { type: "self" }), transactions(500, "client"), { type: "requestFailed", requestId: 1 } as const, timer];
  const { left, dropped } = filled({ peerInputsMax: 1, peerBytesMax: 1 }, own);
  t.same(left, own);
  t.equal(dropped, 0);
});

t.test("createInputQueue: batches of peers beyond the bytes, the oldest leave", async (t) => {
  const inputs = [transactions(60, "peer"), transactions(30, "peer"), transactions(40, "peer")];
  t.same(filled({ peerInputsMax: 10, peerBytesMax: 100 }, inputs).left, [inputs[1], inputs[2]]);
});

t.test("createInputQueue: a flood of votes, keeps its bound", async (t) => {
  const queue = createInputQueue({ peerInputsMax: 100, peerBytesMax: 100 });
  for (let count = 0; count < 20_000; count++) queue.push({ input: vote(count), ticket: undefined });
  t.equal(queue.length, 100);
  t.equal(queue.droppedCount, 19_900);
  t.same(queue.takeAll()[0]?.input, vote(19_900), "the newest stay");
});

t.test("createInputQueue: a newer status of a peer, replaces its older one only", async (t) => {
  const inputs = [status(1), status(1, "q"), status(2)];
  t.same(filled({ peerInputsMax: 1, peerBytesMax: 1 }, inputs).left, [inputs[1], inputs[2]]);
});

t.test("createInputQueue: takeAll, empties the share of peers too", async (t) => {
  const queue = createInputQueue({ peerInputsMax: 2, peerBytesMax: 100 });
  for (let round = 0; round < 3; round++) {
    queue.push({ input: vote(1), ticket: undefined });
    queue.push({ input: transactions(90, "peer"), ticket: undefined });
    t.equal(queue.takeAll().length, 2);
  }
  t.equal(queue.droppedCount, 0);
});

t.test("createInputQueue: pushFirst, goes before what waits", async (t) => {
  const queue = createInputQueue({ peerInputsMax: 2, peerBytesMax: 100 });
  queue.push({ input: timer, ticket: undefined });
  queue.pushFirst([{ type: "start" }]);
  t.same(
    queue.takeAll().map(({ input }) => input.type),
    ["start", "timer"],
  );
});

t.test("mergeDurable: several records of one view, keeps the last; order of everything else stays", async (t) => {
  const empty: Durable = { records: [], blocks: [], finality: [], operations: [], evidence: [], shares: [] };
  const record = emptySafetyRecord(Epoch.ZERO, View.of(3));
  const later = { ...record, hasTimedOut: true };
  const other = emptySafetyRecord(Epoch.ZERO, View.of(4));
  const block = (blockHash: string) => ({ blockHash: blockHash as BlockHash, block: undefined as never });
  const merged = mergeDurable([
    { ...empty, records: [record, other], blocks: [block("a")] },
    { ...empty, records: [later], blocks: [block("b"), block("c")] },
  ]);
  t.same(merged?.records, [later, other]);
  t.same(
    merged?.blocks.map(({ blockHash }) => blockHash),
    ["a", "b", "c"],
  );
  t.equal(mergeDurable([]), undefined);
});
