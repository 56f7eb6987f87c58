/** Builders that share something: a peer id, an account, the room at a validator, or what their clients submit. Over real networks on loopback. */

import t from "tap";
import { countOf, has, hasTransaction, OWN, shakeHandsAsBuilder, signAsBuilder, transactionMark, upCount } from "./builder_support.ts";
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
} from "./support.ts";

t.test("createNetwork: two processes with one peer id, the connected one stays and the other takes over when it ends", async (t) => {
  const limits = { ...TEST_LIMITS, dialRetryMsMax: 200 };
  const nodes = await startCluster(1, { limits });
  const [node] = nodes as [TestNode];
  node.builders.add(OWN);
  const active = await startBuilder(0, nodes, { limits });
  await until("its link", () => active.links.get(0) === true);
  const standby = await startBuilder(0, nodes, { limits });
  t.teardown(() => stopAll([active, standby, ...nodes]));
  t.equal(standby.network.self, active.network.self);
  await until("the second is refused again and again", () => countOf(standby, "peerRefused") >= 3);
  t.match(
    standby.events.find(({ code }) => code === "peerRefused"),
    { detail: "twoNodesOneKey, refused by the peer" },
  );
  t.equal(active.links.get(0), true);
  t.equal(countOf(active, "peerDown"), 0, "nobody was displaced");
  await active.network.stop();
  await until("the other's link", () => standby.links.get(0) === true);
});

for (const isRegistered of [true, false]) {
  t.test(`handshake: an account that is ${isRegistered ? "" : "not "}registered reconnects without end`, async (t) => {
    // A clock that stands still: nothing is earned back meanwhile.
    const [node] = (await startCluster(1, { nowMs: () => 1_000 })) as [TestNode];
    t.teardown(() => stopAll([node]));
    if (isRegistered) node.builders.add(OWN);
    const burst = 2 * TEST_LIMITS.builderAttemptsPerSecond;
    for (let count = 1; count <= burst + 2; count++) {
      const { host, outcome } = await shakeHandsAsBuilder((stop) => t.teardown(stop), node, signAsBuilder);
      const isIn = !isRegistered || count <= burst;
      t.match(outcome, isIn ? { ok: true } : { ok: false, refusal: "full", isOurs: false }, `attempt ${count}`);
      await host.stop();
    }
    await until("nobody is left", () => node.network.peers.length === 0);
    t.equal(countOf(node, "peerUp"), isRegistered ? burst : burst + 2);
  });
}

t.test("createNetwork: accounts without registration, and second processes of one account, take no builder's place", async (t) => {
  const limits = { ...TEST_LIMITS, builderLinksMax: 2, strangersMax: 3 };
  const nodes = await startCluster(1, { limits });
  const [node] = nodes as [TestNode];
  for (const index of [0, 1]) node.builders.add(builderAccount(index));
  const active = await startBuilder(0, nodes);
  await until("its link", () => active.links.get(0) === true);
  const standby = await startBuilder(0, nodes, { nodeSeed: new Uint8Array(32).fill(9) });
  const squatters = await Promise.all([startBuilder(2, nodes), startBuilder(3, nodes)]);
  await until("the room is full", () => node.network.peers.length === 4);
  const late = await startBuilder(1, nodes);
  t.teardown(() => stopAll([active, standby, ...squatters, late, ...nodes]));
  await until("the link of the registered one", () => late.links.get(0) === true);
});

t.test("transactions: what a builder's client submits reaches the other builder and a full node, once judged", async (t) => {
  const nodes = await startCluster(2);
  const [first, second] = nodes as [TestNode, TestNode];
  for (const node of nodes) for (const index of [0, 1]) node.builders.add(builderAccount(index));
  const [source, other] = (await Promise.all([startBuilder(0, nodes), startBuilder(1, nodes)])) as [TestNode, TestNode];
  t.teardown(() => stopAll([source, other, ...nodes]));
  await until("linked", () => areLinked(nodes) && [source, other].every((builder) => upCount(builder) === 2));
  await until("up everywhere", () => nodes.every((node) => countOf(node, "builderUp") === 2));
  source.network.publishTransactions([transactionMark(1)]);
  await until("at the other builder", () => hasTransaction(other, 1));
  t.ok(hasTransaction(first, 1) || hasTransaction(second, 1));
  for (const node of nodes) node.judge = async () => false;
  source.network.publishTransactions([transactionMark(2)]);
  await until("at the validators", () => hasTransaction(first, 2) && hasTransaction(second, 2));
  for (const node of nodes) node.judge = async () => true;
  source.network.publishTransactions([transactionMark(3)]);
  await until("at the other builder", () => hasTransaction(other, 3));
  t.notOk(hasTransaction(other, 2), "what was not found good goes no further");
  t.equal(other.messages.filter(({ message }) => message.type === "transactions").length, 2, "each once, though two validators brought it");
  t.notOk(
    has(source, ({ type }) => type === "transactions"),
    "nothing comes back",
  );
  const observer = await startNode({ validators: validatorsOf(2), self: undefined, listen: [], peers: [addressesOf(second, 1)] });
  t.teardown(() => stopAll([observer]));
  await until("at the full node", () => {
    source.network.publishTransactions([transactionMark(4)]);
    return hasTransaction(observer, 4);
  });
});
