/** Messages of the sealed lane: over direct links of validators, and no other way in or out. */

import { multiaddr } from "@multiformats/multiaddr";
import t from "tap";
import { shakeHandsAsDialer } from "../../p2p/handshake.ts";
import { createHost } from "../../p2p/host.ts";
import { PENALTY_WEIGHTS } from "../../p2p/scores.ts";
import { consensusTopic, frameBytesMax, HANDSHAKE_PROTOCOL, topicOf, transactionsTopic } from "../../p2p/wire.ts";
import { type BlockHash, Epoch, ValidatorIndex, View } from "../../types/ids.ts";
import { encodeMessage, type Message } from "../../types/message.ts";
import {
  addressesOf,
  areLinked,
  CHAIN,
  hostOptions,
  startCluster,
  startNode,
  stopAll,
  type TestNode,
  until,
  validatorsOf,
  voteMessage,
} from "./support.ts";

const blockHash = "44".repeat(32) as BlockHash;
const shares = (position: number): Message => ({ type: "shares", blockHash, shares: [{ position, share: new Uint8Array(32).fill(6) }] });
const list: Message = {
  type: "list",
  list: { epoch: Epoch.ZERO, view: View.of(3), sequence: 1, validator: ValidatorIndex.of(0), entries: [], signature: new Uint8Array(64) },
};
const SEALING_MESSAGES: readonly Message[] = [
  list,
  shares(1),
  { type: "seeds", blockHash, openings: [{ position: 1, opening: { type: "seed", seed: new Uint8Array(32) } }] },
  { type: "openingRequest", blockHash, positions: [1, 2] },
  { type: "proofRequest", blockHash, positions: [1], isSeparate: false },
  { type: "proofs", blockHash, batches: [{ shares: [{ position: 1, share: new Uint8Array(32) }], proof: new Uint8Array(64) }] },
];
const hasShares = (node: TestNode, position: number): boolean =>
  node.messages.some(({ message }) => message.type === "shares" && message.shares.some((share) => share.position === position));

t.test("topicOf: messages of the sealed lane have no topic; their frames fit a link", async (t) => {
  for (const message of SEALING_MESSAGES) {
    t.equal(topicOf(message), undefined, message.type);
    const body = encodeMessage(message);
    t.ok(body.length <= (frameBytesMax(body[0] ?? 0) ?? 0), message.type);
  }
  t.equal(topicOf(voteMessage(0, 1)), "consensus");
  t.equal(topicOf({ type: "transactions", transactions: [] }), "transactions");
});

t.test("scores: what no honest validator sends of the sealed lane, counts like a bad signature", async (t) => {
  t.equal(PENALTY_WEIGHTS.invalidOpening, PENALTY_WEIGHTS.invalidSignature);
  t.equal(PENALTY_WEIGHTS.invalidList, PENALTY_WEIGHTS.invalidSignature);
});

t.test(
  "createNetwork: each kind arrives with the validator that sent it; a full node gets none, not even around a missing link",
  async (t) => {
    // 1 and 2 do not know each other: messages of consensus go around by gossip.
    const nodes = await startCluster(3, {}, (self, other) => self !== 2 || other !== 1);
    const [first, second, third] = nodes as [TestNode, TestNode, TestNode];
    const observer = await startNode({ validators: validatorsOf(3), self: undefined, listen: [], peers: [addressesOf(first, 0)] });
    t.teardown(() => stopAll([observer, ...nodes]));
    await until("linked", () => [...first.links.values()].filter(Boolean).length === 2 && observer.network.peers.length === 1);
    for (const message of SEALING_MESSAGES) first.network.send(ValidatorIndex.of(1), message);
    await until("all kinds", () => SEALING_MESSAGES.every(({ type }) => second.messages.some(({ message }) => message.type === type)));
    for (const { from, message } of second.messages) if (message.type !== "vote") t.match(from, { type: "validator", validator: 0 });
    t.notOk(
      third.messages.some(({ message }) => message.type === "shares"),
      "a message to one reaches no other",
    );
    let view = 100;
    await until("a vote of 1 reaches 2 by gossip", () => {
      second.network.broadcast(voteMessage(1, view++));
      second.network.broadcast(shares(7));
      return third.messages.some(({ from, message }) => from.type === "relay" && message.type === "vote");
    });
    await until("the shares at the linked one", () => hasShares(first, 7));
    t.notOk(hasShares(third, 7), "shares never go around");
    t.notOk(observer.messages.some(({ message }) => SEALING_MESSAGES.some(({ type }) => type === message.type)));
  },
);

t.test("gossip: a message of the sealed lane on any topic, not handed over and counted against the sender", async (t) => {
  const nodes = await startCluster(2);
  const [first] = nodes as [TestNode, TestNode];
  const host = await createHost(hostOptions(3), () => false);
  await host.start();
  t.teardown(() => stopAll(nodes));
  t.teardown(() => host.stop());
  await until("linked", () => areLinked(nodes));
  const connection = await host.dial(multiaddr(first.network.addresses[0] ?? ""));
  const outcome = await shakeHandsAsDialer(
    await connection.newStream(HANDSHAKE_PROTOCOL),
    {
      ...hostOptions(3),
      self: undefined,
      signHandshake: undefined,
      session: new Uint8Array(16).fill(1),
      ownNodeKey: host.peerId.publicKey?.raw ?? new Uint8Array(),
      remoteNodeKey: connection.remotePeer.publicKey?.raw ?? new Uint8Array(),
      judge: () => undefined,
    },
    AbortSignal.timeout(10_000),
  );
  t.ok(outcome.ok, "a full node");
  const { gossip } = host.services;
  for (const topic of [transactionsTopic(CHAIN), consensusTopic(CHAIN)]) gossip.subscribe(topic);
  const topic = transactionsTopic(CHAIN);
  await until("it sees a subscriber", () => gossip.getSubscribers(topic).length > 0);
  const score = (): number | undefined => first.network.peers.find(({ peer }) => peer === host.peerId.toString())?.score;
  let position = 0;
  await until("the penalty", () => {
    void gossip.publish(topic, encodeMessage(shares(position++)));
    return (score() ?? 0) < 0 || first.gone.length > 0;
  });
  const haveShares = nodes.some(({ messages }) => messages.some(({ message }) => message.type === "shares"));
  t.notOk(haveShares);
});
