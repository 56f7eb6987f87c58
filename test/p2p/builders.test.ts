/** Links of builders, over real networks on loopback: who gets one, and what goes over it. */

import t from "tap";
import { isAccepted, isCarried, linkRoleOf } from "../../p2p/link_roles.ts";
import { frameBytesMax, topicOf } from "../../p2p/wire.ts";
import { ValidatorIndex } from "../../types/ids.ts";
import { encodeMessage } from "../../types/message.ts";
import {
  bidMessage,
  certificateMessage,
  countOf,
  has,
  hasBid,
  hasCertificate,
  hasTransaction,
  OWN,
  transactionMark,
  upCount,
} from "./builder_support.ts";
import {
  addressesOf,
  areLinked,
  builderAccount,
  startBuilder,
  startCluster,
  startNode,
  stopAll,
  TEST_LIMITS,
  type TestNode,
  until,
  validatorsOf,
  voteMessage,
} from "./support.ts";

t.test("isCarried, isAccepted: what one end may send the other accepts, and bids go from builders to validators only", async (t) => {
  const validator = { validator: ValidatorIndex.of(1), builder: undefined };
  const builder = { validator: undefined, builder: OWN };
  const stranger = { validator: undefined, builder: undefined };
  t.equal(linkRoleOf({ own: validator, peer: validator }), "peerValidator");
  t.equal(linkRoleOf({ own: validator, peer: builder }), "peerBuilder");
  t.equal(linkRoleOf({ own: builder, peer: validator }), "toValidator");
  for (const [own, peer] of [
    [validator, stranger],
    [stranger, validator],
    [builder, builder],
    [builder, stranger],
  ] as const) {
    t.equal(linkRoleOf({ own, peer }), undefined);
  }
  const types = [
    "proposal",
    "vote",
    "certificate",
    "transactions",
    "bid",
    "list",
    "shares",
    "seeds",
    "openingRequest",
    "proofRequest",
    "proofs",
  ] as const;
  const accepted = (role: Parameters<typeof isAccepted>[0]) => types.filter((type) => isAccepted(role, type));
  t.same(
    accepted("peerValidator"),
    types.filter((type) => type !== "bid"),
  );
  t.same(accepted("peerBuilder"), ["transactions", "bid"]);
  t.same(accepted("toValidator"), ["proposal", "certificate", "transactions", "shares", "seeds"]);
  for (const type of types) {
    t.equal(isCarried("peerValidator", type), isAccepted("peerValidator", type), type);
    t.equal(isCarried("peerBuilder", type), isAccepted("toValidator", type), type);
    t.equal(isCarried("toValidator", type), isAccepted("peerBuilder", type), type);
  }
  t.equal(topicOf(bidMessage(1)), undefined);
  const body = encodeMessage(bidMessage(1));
  t.ok(body.length <= (frameBytesMax(body[0] ?? 0) ?? 0));
});

t.test("createNetwork: a registered builder, linked with all; it gets what a full node needs and its bids arrive", async (t) => {
  const nodes = await startCluster(3);
  for (const node of nodes) node.builders.add(OWN);
  const builder = await startBuilder(0, nodes);
  t.teardown(() => stopAll([builder, ...nodes]));
  const [first, second, third] = nodes as [TestNode, TestNode, TestNode];
  await until("all linked", () => areLinked(nodes) && upCount(builder) === 3);
  for (const node of nodes) {
    await until("the builder is up", () => countOf(node, "builderUp") === 1);
    t.match(
      node.network.peers.find(({ builder: account }) => account === OWN),
      { validator: undefined, isLinked: true },
    );
  }
  first.height = 4;
  await until("status over the link", () => builder.statuses.get(first.network.self)?.finalHeight === 4);
  first.network.broadcast(voteMessage(0, 3));
  first.network.broadcast(certificateMessage(3));
  await until("the certificate", () => hasCertificate(builder, 3) && hasCertificate(second, 3));
  t.notOk(
    has(builder, ({ type }) => type === "vote"),
    "votes are for validators",
  );
  builder.network.send(ValidatorIndex.of(1), bidMessage(1));
  await until("the bid", () => hasBid(second, 1));
  t.same(second.messages.find(({ message }) => message.type === "bid")?.from, { type: "relay", peer: builder.network.self });
  t.notOk(hasBid(first, 1) || hasBid(third, 1), "a bid for one reaches no other");
  builder.network.broadcast(voteMessage(0, 44));
  builder.network.send(ValidatorIndex.of(1), certificateMessage(45));
  builder.network.send(ValidatorIndex.of(1), bidMessage(2));
  await until("the next bid", () => hasBid(second, 2));
  t.notOk(hasCertificate(second, 45) || has(second, (message) => message.type === "vote" && message.vote.ballot.view === 44));
  t.equal(
    second.network.peers.find(({ builder: account }) => account === OWN)?.score,
    0,
    "a builder sends nothing that is not its to send",
  );
  t.ok(builder.messages.every(({ from }) => from.type === "relay"));
  t.equal(second.statuses.has(builder.network.self), false, "nobody catches up from builders");
});

t.test("transactions: with a linked builder they go directly, both ways, and no topic of consensus is needed", async (t) => {
  const nodes = await startCluster(2);
  for (const node of nodes) node.builders.add(OWN);
  const [first, second] = nodes as [TestNode, TestNode];
  const builder = await startBuilder(0, nodes);
  t.teardown(() => stopAll([builder, ...nodes]));
  await until("all linked", () => areLinked(nodes) && upCount(builder) === 2 && nodes.every((node) => countOf(node, "builderUp") === 1));
  // Whoever is a stranger until its link is up listens to the topic for a moment.
  await new Promise((resolve) => setTimeout(resolve, 600));
  let gossiped = 0;
  for (const node of [builder, ...nodes]) {
    // What a builder's link brings is judged, too.
    node.judge = async (transactions) => {
      if (transactions.some(([mark]) => mark === 1)) gossiped++;
      return true;
    };
  }
  first.network.publishTransactions([transactionMark(1)]);
  await until("at both", () => hasTransaction(second, 1) && hasTransaction(builder, 1));
  builder.network.publishTransactions([transactionMark(2)]);
  await until("at both", () => hasTransaction(first, 2) && hasTransaction(second, 2));
  t.equal(gossiped, 0);
  t.notOk(hasTransaction(builder, 2), "nothing comes back");
  t.equal(second.messages.filter(({ message }) => message.type === "transactions").length, 2, "each once");
  t.match(second.messages.find(({ message }) => message.type === "transactions" && message.transactions[0]?.[0] === 1)?.from, {
    type: "validator",
    validator: 0,
  });
});

t.test("createNetwork: not registered, no link and no penalty; registered later, the link comes; no more, it ends", async (t) => {
  const limits = { ...TEST_LIMITS, builderRetryMs: 600 };
  const nodes = await startCluster(1, { limits });
  const [node] = nodes as [TestNode];
  const builder = await startBuilder(0, nodes, { limits });
  t.teardown(() => stopAll([builder, ...nodes]));
  await until("connected", () => node.network.peers.length === 1 && builder.network.peers.length === 1);
  node.height = 2;
  await until("status by asking, as for any full node", () => builder.statuses.get(node.network.self)?.finalHeight === 2);
  await until("a certificate by gossip", () => {
    node.network.broadcast(certificateMessage(1));
    return hasCertificate(builder, 1);
  });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  t.equal(upCount(builder), 0);
  t.match(node.network.peers, [{ builder: OWN, isLinked: false, score: 0 }], "attempts at the stated pace cost nothing");
  const [connected] = builder.network.peers;
  node.builders.add(OWN);
  await until("the link", () => builder.links.get(0) === true && node.network.peers[0]?.isLinked === true);
  builder.network.send(ValidatorIndex.of(0), bidMessage(1));
  await until("a bid", () => hasBid(node, 1));
  node.builders.delete(OWN);
  await until("the end of the link", () => builder.links.get(0) === false && countOf(node, "builderDown") === 1);
  builder.network.send(ValidatorIndex.of(0), bidMessage(2));
  t.match(node.network.peers, [{ builder: OWN, isLinked: false }], "the connection stays");
  t.equal(builder.network.peers[0]?.peer, connected?.peer);
  t.equal(countOf(node, "peerDown"), 0);
  node.builders.add(OWN);
  await until("the link again", () => builder.links.get(0) === true);
  builder.network.send(ValidatorIndex.of(0), bidMessage(3));
  await until("a bid again", () => hasBid(node, 3));
  t.notOk(hasBid(node, 2), "without a link nothing is queued");
});

t.test("createNetwork: two processes with one account, the older link stays and the other takes over when it ends", async (t) => {
  const limits = { ...TEST_LIMITS, builderRetryMs: 600 };
  const nodes = await startCluster(1, { limits });
  const [node] = nodes as [TestNode];
  node.builders.add(OWN);
  const active = await startBuilder(0, nodes, { limits });
  await until("its link", () => active.links.get(0) === true);
  const standby = await startBuilder(0, nodes, { limits, nodeSeed: new Uint8Array(32).fill(9) });
  t.teardown(() => stopAll([active, standby, ...nodes]));
  await until("both connected", () => node.network.peers.length === 2);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  t.equal(active.links.get(0), true);
  t.equal(upCount(standby), 0);
  await active.network.stop();
  await until("the other's link", () => standby.links.get(0) === true);
});

t.test("createNetwork: all builders' links are taken, the next one stays a full node", async (t) => {
  const limits = { ...TEST_LIMITS, builderLinksMax: 1, strangersMax: 1 };
  const nodes = await startCluster(1, { limits });
  const [node] = nodes as [TestNode];
  for (const index of [0, 1]) node.builders.add(builderAccount(index));
  const lucky = await startBuilder(0, nodes, { limits });
  await until("its link", () => lucky.links.get(0) === true && countOf(node, "builderUp") === 1);
  const late = await startBuilder(1, nodes, { limits });
  t.teardown(() => stopAll([lucky, late, ...nodes]));
  await until("connected: a linked builder is no stranger", () => late.network.peers.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.equal(upCount(late), 0);
  t.equal(lucky.links.get(0), true);
});

t.test("createNetwork: strangers fill the room, a registered builder still finds a place, another does not", async (t) => {
  const limits = { ...TEST_LIMITS, strangersMax: 1 };
  const nodes = await startCluster(1, { limits });
  const [node] = nodes as [TestNode];
  node.builders.add(OWN);
  const peers = [addressesOf(node, 0)];
  const observer = await startNode({ validators: validatorsOf(1), self: undefined, listen: [], peers });
  await until("the room is full", () => node.network.peers.length === 1);
  const [unknown, builder] = await Promise.all([startBuilder(1, nodes), startBuilder(0, nodes)]);
  t.teardown(() => stopAll([observer, unknown, builder, ...nodes]));
  await until("the link of the registered one", () => builder.links.get(0) === true);
  await until("the other is refused", () => unknown.events.some(({ code, detail }) => code === "peerRefused" && detail.startsWith("full")));
});

t.test("network: bids of a validator go nowhere", async (t) => {
  const nodes = await startCluster(2);
  const [first, second] = nodes as [TestNode, TestNode];
  t.teardown(() => stopAll(nodes));
  await until("linked", () => areLinked(nodes));
  first.network.send(ValidatorIndex.of(1), bidMessage(1));
  first.network.broadcast(bidMessage(2));
  first.network.send(ValidatorIndex.of(1), voteMessage(0, 5));
  await until("the vote", () => has(second, ({ type }) => type === "vote"));
  t.notOk(has(second, ({ type }) => type === "bid"));
  t.equal(second.network.peers[0]?.score, 0);
});

t.test("links: a builder without a link to the proposer, it gets proposals and certificates from the other validators", async (t) => {
  const nodes = await startCluster(2);
  for (const node of nodes) node.builders.add(OWN);
  const [first, second] = nodes as [TestNode, TestNode];
  const builder = await startBuilder(0, nodes, { peers: [addressesOf(first, 0)] });
  t.teardown(() => stopAll([builder, ...nodes]));
  await until("linked", () => areLinked(nodes) && builder.links.get(0) === true);
  let view = 50;
  await until("a certificate of the other one", () => {
    second.network.broadcast(certificateMessage(++view));
    return has(builder, ({ type }) => type === "certificate");
  });
  t.ok(builder.messages.every(({ from }) => from.type === "relay" && from.peer === first.network.self));
  await until("its transactions reach the validator that it does not know", () => {
    builder.network.publishTransactions([transactionMark(9)]);
    return hasTransaction(second, 9);
  });
});
