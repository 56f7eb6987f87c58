/** What is refused of those who claim to be builders, and of builders and validators that do not keep to what is theirs to send. */

import { multiaddr } from "@multiformats/multiaddr";
import t from "tap";
import { signEd25519 } from "../../crypto/ed25519_sodium.ts";
import { shakeHandsAsDialer } from "../../p2p/handshake.ts";
import { createHost } from "../../p2p/host.ts";
import { CONSENSUS_PROTOCOL, HANDSHAKE_PROTOCOL, lengthPrefixed } from "../../p2p/wire.ts";
import { ValidatorIndex } from "../../types/ids.ts";
import { encodeMessage, type Message } from "../../types/message.ts";
import { TAGS } from "../../types/signing.ts";
import { bidMessage, blockHash, certificateMessage, countOf, has, hasBid, OWN, rawLink, shakeHandsAsBuilder } from "./builder_support.ts";
import {
  builderAccount,
  builderSeed,
  hostOptions,
  startCluster,
  startNode,
  stopAll,
  TEST_LIMITS,
  type TestNode,
  until,
  validatorsOf,
  voteMessage,
} from "./support.ts";

t.test("handshake: an account is claimed with another key, refused", async (t) => {
  const [node] = (await startCluster(1)) as [TestNode];
  node.builders.add(OWN);
  t.teardown(() => stopAll([node]));
  const { outcome } = await shakeHandsAsBuilder(
    (stop) => t.teardown(stop),
    node,
    (message) => signEd25519(builderSeed(1), message),
  );
  t.same(outcome, { ok: false, refusal: "wrongProof", isOurs: false });
  t.equal(node.network.peers.length, 0);
});

t.test("handshake: a proof under the tag of validators in place of a builder's, by the very same key, refused", async (t) => {
  const [node] = (await startCluster(1)) as [TestNode];
  t.teardown(() => stopAll([node]));
  const { outcome } = await shakeHandsAsBuilder(
    (stop) => t.teardown(stop),
    node,
    (message) => {
      const asValidator = message.slice();
      asValidator.set(TAGS.handshake);
      return signEd25519(builderSeed(0), asValidator);
    },
  );
  t.same(outcome, { ok: false, refusal: "wrongProof", isOurs: false });
});

const NOT_FROM_BUILDERS: readonly Message[] = [
  voteMessage(0, 3),
  certificateMessage(3),
  { type: "shares", blockHash, shares: [{ position: 1, share: new Uint8Array(32).fill(6) }] },
  { type: "openingRequest", blockHash, positions: [1] },
];

for (const message of NOT_FROM_BUILDERS) {
  t.test(`links: a ${message.type} from a builder, never handed over; penalty, connection closed`, async (t) => {
    const [node] = (await startCluster(1)) as [TestNode];
    t.teardown(() => stopAll([node]));
    const { connection, write } = await rawLink((stop) => t.teardown(stop), node);
    write(bidMessage(1));
    await until("what is its to send", () => hasBid(node, 1));
    write(message);
    await until("the connection is closed", () => connection.status !== "open" && node.gone.length === 1);
    t.notOk(has(node, ({ type }) => type === message.type));
    t.ok(node.events.some(({ code, detail }) => code === "peerDown" && detail === `${message.type} does not go over this link`));
  });
}

t.test("links: a bid in the name of another builder, never handed over; penalty, connection closed", async (t) => {
  const [node] = (await startCluster(1)) as [TestNode];
  t.teardown(() => stopAll([node]));
  const { connection, write } = await rawLink((stop) => t.teardown(stop), node);
  write(bidMessage(1));
  await until("its own bid", () => hasBid(node, 1));
  const foreign = bidMessage(2);
  if (foreign.type !== "bid") throw new Error("not a bid");
  write({ ...foreign, bid: { ...foreign.bid, builder: builderAccount(1) } });
  await until("the connection is closed", () => connection.status !== "open" && node.gone.length === 1);
  t.notOk(hasBid(node, 2));
  t.ok(node.events.some(({ code, detail }) => code === "peerDown" && detail === "a bid of another builder does not go over this link"));
});

t.test("links: a bid from a validator that does not keep to this, never handed over; penalty, connection closed", async (t) => {
  const node = await startNode({ validators: validatorsOf(2), self: ValidatorIndex.of(0) });
  t.teardown(() => stopAll([node]));
  const host = await createHost(hostOptions(1), () => false);
  await host.start();
  t.teardown(() => host.stop());
  await host.handle(CONSENSUS_PROTOCOL, () => undefined);
  const connection = await host.dial(multiaddr(node.network.addresses[0] ?? ""));
  const context = {
    ...hostOptions(1),
    session: new Uint8Array(16).fill(1),
    ownNodeKey: host.peerId.publicKey?.raw ?? new Uint8Array(),
    remoteNodeKey: connection.remotePeer.publicKey?.raw ?? new Uint8Array(),
    judge: () => undefined,
  };
  t.ok((await shakeHandsAsDialer(await connection.newStream(HANDSHAKE_PROTOCOL), context, AbortSignal.timeout(10_000))).ok);
  const stream = await connection.newStream(CONSENSUS_PROTOCOL);
  await until("the link", () => node.links.get(1) === true);
  stream.send(lengthPrefixed(encodeMessage(bidMessage(1))));
  await until("the connection is closed", () => connection.status !== "open" && node.links.get(1) === false);
  t.notOk(has(node, ({ type }) => type === "bid"));
  t.ok(node.events.some(({ code, detail }) => code === "peerDown" && detail === "bid does not go over this link"));
});

t.test("links: more frames than a builder may send, the rest dropped, penalty flood, banned when it goes on", async (t) => {
  const limits = { ...TEST_LIMITS, builderFramesPerSecond: 20 };
  const [node] = (await startCluster(1, { limits })) as [TestNode];
  t.teardown(() => stopAll([node]));
  const { connection, write } = await rawLink((stop) => t.teardown(stop), node);
  for (let sequence = 1; sequence <= 25; sequence++) write(bidMessage(sequence));
  const score = (): number => node.network.peers[0]?.score ?? 0;
  await until("the penalty", () => score() < 0);
  t.ok(score() >= -30, "five a frame that was too many");
  const count = node.messages.length;
  t.ok(count >= 20 && count < 25, `${count} bids were read`);
  for (let sequence = 100; sequence < 200; sequence++) write(bidMessage(sequence));
  await until("the ban", () => countOf(node, "peerBanned") === 1 && connection.status !== "open");
});

t.test("links: more bytes than a builder may send, dropped with the penalty flood", async (t) => {
  const limits = { ...TEST_LIMITS, builderBytesPerSecond: 1_100_000 };
  const [node] = (await startCluster(1, { limits })) as [TestNode];
  t.teardown(() => stopAll([node]));
  const { write } = await rawLink((stop) => t.teardown(stop), node);
  const transactions = Array.from({ length: 7 }, () => new Uint8Array(120_000));
  for (let count = 0; count < 4; count++) write({ type: "transactions", transactions });
  await until("the penalty", () => (node.network.peers[0]?.score ?? 0) < 0);
  const read = node.messages.filter(({ message }) => message.type === "transactions").length;
  t.ok(read >= 2 && read < 4, `${read} batches were read`);
});
