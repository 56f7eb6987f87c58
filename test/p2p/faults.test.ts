/** What happens when links break, peers stop reading, restart, answer wrongly or not at all. */

import { createHash } from "node:crypto";
import { multiaddr } from "@multiformats/multiaddr";
import { encode } from "it-length-prefixed";
import t from "tap";
import { sendVerdict, shakeHandsAsListener } from "../../p2p/handshake.ts";
import { createHost } from "../../p2p/host.ts";
import { CONSENSUS_PROTOCOL, HANDSHAKE_PROTOCOL, SYNC_PROTOCOL } from "../../p2p/wire.ts";
import { type BlockHash, Height, ValidatorIndex, View } from "../../types/ids.ts";
import { RESPONSE_BYTES_MAX } from "../../types/limits.ts";
import type { SyncRequest } from "../../types/sync.ts";
import {
  addressesOf,
  areLinked,
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

const isForever = new AbortController().signal;
const hasVote = (node: TestNode, validator: number, view: number): boolean =>
  node.messages.some(({ message }) => message.type === "vote" && message.vote.validator === validator && message.vote.ballot.view === view);

t.test("relay: the link A–B is broken, votes of A reach B by gossip and nothing is gossiped before", async (t) => {
  // B does not know A's address and A is the one that was started first, so nobody dials that pair.
  const nodes = await startCluster(4, {}, (self, other) => !(self === 1 && other === 0));
  t.teardown(() => stopAll(nodes));
  const [a, b, c] = nodes as [TestNode, TestNode, TestNode, TestNode];
  await until("all other links", () => [...c.links.values()].filter(Boolean).length === 3 && a.links.size === 2 && b.links.size === 2);
  let view = 100;
  await until("a vote of A at B", () => {
    a.network.broadcast(voteMessage(0, ++view));
    return b.messages.some(({ message }) => message.type === "vote" && message.vote.validator === 0);
  });
  const arrived = b.messages.find(({ message }) => message.type === "vote" && message.vote.validator === 0);
  t.equal(arrived?.from.type, "relay", "gossip proves nothing about who made it");
  // B may notice its own gap a moment after it has joined the topic for others.
  await until("a vote of B at A", () => {
    b.network.broadcast(voteMessage(1, ++view));
    return a.messages.some(({ message }) => message.type === "vote" && message.vote.validator === 1);
  });
  await until("the same vote at C", () => hasVote(c, 1, view));
});

t.test("relay: a validator that is down for everybody, nothing is gossiped", async (t) => {
  const nodes = await startCluster(4);
  t.teardown(() => stopAll(nodes));
  await until("all linked", () => areLinked(nodes));
  const [first, second, third, last] = nodes as [TestNode, TestNode, TestNode, TestNode];
  await last.network.stop();
  await until("the loss is noticed", () => [first, second, third].every((node) => node.links.get(3) === false));
  const deadline = Date.now() + TEST_LIMITS.gapDelayMs + 1_000;
  for (let view = 1; Date.now() < deadline; view++) {
    first.network.broadcast(voteMessage(0, view));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.ok(second.messages.length > 10);
  t.ok(second.messages.every(({ from }) => from.type === "validator"));
});

t.test("restart: same key, same port, linked again; the old process's connections do no harm", async (t) => {
  const nodes = await startCluster(3);
  const [first, second, third] = nodes as [TestNode, TestNode, TestNode];
  let restarted: TestNode | undefined;
  t.teardown(() => stopAll([first, restarted, third]));
  await until("all linked", () => areLinked(nodes));
  const listen = second.network.addresses.map((address) => address.replace(/\/p2p\/.*/, ""));
  await second.network.stop();
  await until("the loss is noticed", () => first.links.get(1) === false && third.links.get(1) === false);
  t.ok(first.gone.includes(second.network.self));
  const peers = [addressesOf(first, 0), addressesOf(third, 2)];
  restarted = await startNode({ validators: validatorsOf(3), self: ValidatorIndex.of(1), listen, peers });
  await until("linked again", () => first.links.get(1) === true && third.links.get(1) === true);
  first.network.broadcast(voteMessage(0, 9));
  await until("the vote", () => restarted !== undefined && hasVote(restarted, 0, 9));
});

t.test("two nodes with one key: reported, and one of them is kept", async (t) => {
  const validators = validatorsOf(2);
  const node = await startNode({ validators, self: ValidatorIndex.of(0) });
  const peers = [addressesOf(node, 0)];
  const twins = [1, 2].map((seed) => startNode({ validators, self: ValidatorIndex.of(1), peers, nodeSeed: new Uint8Array(32).fill(seed) }));
  const [left, right] = (await Promise.all(twins)) as [TestNode, TestNode];
  t.teardown(() => stopAll([node, left, right]));
  const isReported = () => [node, left, right].some(({ events }) => events.some(({ detail }) => detail.startsWith("twoNodesOneKey")));
  await until("the report", isReported);
  const kept = left.network.self < right.network.self ? left : right;
  await until("the lower peer id is linked", () => node.network.peers.some(({ peer }) => peer === kept.network.self));
  t.equal(node.network.peers.length, 1);
});

t.test("noPeers: nobody answers, it says so and keeps trying until somebody does", async (t) => {
  const validators = validatorsOf(2);
  const probe = await startNode({ validators, self: ValidatorIndex.of(1) });
  const peers = [addressesOf(probe, 1)];
  const listen = probe.network.addresses.map((address) => address.replace(/\/p2p\/.*/, ""));
  await probe.network.stop();
  const lonely = await startNode({ validators, self: ValidatorIndex.of(0), peers });
  let late: TestNode | undefined;
  t.teardown(() => stopAll([lonely, late]));
  await until("noPeers and dialFailed", () =>
    ["noPeers", "dialFailed"].every((code) => lonely.events.some((event) => event.code === code)),
  );
  late = await startNode({ validators, self: ValidatorIndex.of(1), listen });
  await until("linked in the end", () => lonely.links.get(1) === true);
});

t.test("back-pressure: a proven validator that never reads, bounded queue, drops reported, link given up", async (t) => {
  const limits = { ...TEST_LIMITS, stuckMs: 1_000 };
  const node = await startNode({ validators: validatorsOf(2), self: ValidatorIndex.of(0), limits });
  const host = await createHost(hostOptions(1), () => false);
  await host.start();
  const { options, stop } = { options: hostOptions(1), stop: () => host.stop() };
  t.teardown(async () => {
    await stopAll([node]);
    await stop();
  });
  await host.handle(CONSENSUS_PROTOCOL, (stream) => stream.pause());
  const connection = await host.dial(multiaddr(node.network.addresses[0] ?? ""));
  const { shakeHandsAsDialer } = await import("../../p2p/handshake.ts");
  const outcome = await shakeHandsAsDialer(
    await connection.newStream(HANDSHAKE_PROTOCOL),
    {
      ...options,
      session: new Uint8Array(16),
      ownNodeKey: host.peerId.publicKey?.raw ?? new Uint8Array(),
      remoteNodeKey: connection.remotePeer.publicKey?.raw ?? new Uint8Array(),
      judge: () => undefined,
    },
    AbortSignal.timeout(10_000),
  );
  t.ok(outcome.ok);
  await connection.newStream(CONSENSUS_PROTOCOL);
  await until("the link is up", () => node.links.get(1) === true);
  let queuedMax = 0;
  await until("the peer is given up", () => {
    for (let count = 0; count < 20; count++) {
      node.network.broadcast({ type: "transactions", transactions: [new Uint8Array(120_000)] });
    }
    queuedMax = Math.max(queuedMax, ...node.network.peers.map(({ queuedBytes }) => queuedBytes));
    return node.events.some(({ code, detail }) => code === "peerDown" && detail === "peer takes no frames");
  });
  t.ok(queuedMax > 1_000_000 && queuedMax <= limits.queueBytesMax, `queue peaked at ${queuedMax} bytes`);
  t.ok(node.events.some(({ code, detail }) => code === "frameDropped" && detail.includes("the peer is slow")));
});

/** A validator that shakes hands properly and answers requests as `answer` says: bytes, or nothing at all. */
async function startLiar(answer: () => Uint8Array | undefined): Promise<{ readonly addresses: readonly string[]; stop(): Promise<void> }> {
  const options = hostOptions(1);
  const host = await createHost(options, () => false);
  await host.handle(HANDSHAKE_PROTOCOL, async (stream, connection) => {
    const signal = AbortSignal.timeout(10_000);
    const outcome = await shakeHandsAsListener(
      stream,
      {
        ...options,
        session: new Uint8Array(16).fill(1),
        ownNodeKey: host.peerId.publicKey?.raw ?? new Uint8Array(),
        remoteNodeKey: connection.remotePeer.publicKey?.raw ?? new Uint8Array(),
        judge: () => undefined,
      },
      signal,
    );
    if (outcome.ok) await sendVerdict(stream, "accepted", signal);
  });
  await host.handle(CONSENSUS_PROTOCOL, (stream, connection) => {
    stream.addEventListener("message", () => undefined);
    connection.newStream(CONSENSUS_PROTOCOL).catch(() => undefined);
  });
  await host.handle(SYNC_PROTOCOL, async (stream) => {
    stream.addEventListener("message", () => undefined);
    const bytes = answer();
    if (bytes === undefined) return;
    stream.send(bytes);
    await stream.close();
  });
  await host.start();
  return { addresses: host.getMultiaddrs().map(String), stop: async () => await host.stop() };
}

t.test("request: wrong type, malformed, oversize, refused and late answers, a code each and a penalty where due", async (t) => {
  let answer: () => Uint8Array | undefined = () => undefined;
  const liar = await startLiar(() => answer());
  const node = await startNode({
    validators: validatorsOf(2),
    self: ValidatorIndex.of(0),
    peers: [{ validator: ValidatorIndex.of(1), addresses: liar.addresses }],
  });
  t.teardown(async () => {
    await stopAll([node]);
    await liar.stop();
  });
  await until("connected", () => node.network.peers.length === 1);
  const [peer] = node.network.peers;
  const ask = (request: SyncRequest, deadlineMs = 5_000, signal = isForever) =>
    node.network.request(peer?.peer ?? node.network.self, request, { deadlineMs, signal });
  const status: SyncRequest = { type: "status" };
  const scoreNow = () => node.network.peers[0]?.score ?? 0;

  const { syncResponseCodec } = await import("../../types/sync.ts");
  const framed = (bytes: Uint8Array) => encode.single(bytes).subarray();
  const oversize = new Uint8Array([...varint(RESPONSE_BYTES_MAX + 1), 0]);
  const cases: readonly { readonly name: string; readonly bytes: Uint8Array; readonly isPenalized: boolean }[] = [
    { name: "another type", bytes: framed(syncResponseCodec.encode({ type: "transactions", transactions: [] })), isPenalized: true },
    { name: "malformed", bytes: framed(Uint8Array.of(1, 2, 3)), isPenalized: true },
    { name: "a length beyond the bound", bytes: oversize, isPenalized: true },
  ];
  for (const { name, bytes, isPenalized } of cases) {
    const before = scoreNow();
    answer = () => bytes;
    await t.rejects(ask(status), { name: "NetworkError", code: "invalid" }, name);
    t.equal(scoreNow() < before - 1, isPenalized, name);
  }
  answer = () => new Uint8Array();
  await t.rejects(ask(status), { name: "NetworkError", code: "refused" }, "closed without an answer");
  answer = () => undefined;
  await t.rejects(ask(status, 200), { name: "NetworkError", code: "deadline" });
  const controller = new AbortController();
  const pending = ask(status, 5_000, controller.signal);
  controller.abort();
  await t.rejects(pending, { name: "NetworkError", code: "aborted" });
  const waiting = Array.from({ length: TEST_LIMITS.requestsOutPerPeerMax }, () => ask(status, 500).catch((error: unknown) => error));
  await t.rejects(ask(status), { name: "NetworkError", code: "busy" });
  await Promise.all(waiting);
  await t.rejects(
    node.network.request(node.network.self, status, { deadlineMs: 100, signal: isForever }),
    { name: "NetworkError", code: "gone" },
    "nobody of that name",
  );
  t.ok(scoreNow() > -200, "deadlines and refusals cost nothing");
});

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

t.test("request: a large answer arrives whole; a handler that fails leaves the asker with `refused`", async (t) => {
  const nodes = await startCluster(2);
  t.teardown(() => stopAll(nodes));
  const [first, second] = nodes as [TestNode, TestNode];
  await until("linked", () => areLinked(nodes));
  const transactions = Array.from({ length: 80 }, (_, index) => new Uint8Array(100_000).fill(index));
  const hashes = transactions.map((bytes) => createHash("sha256").update(bytes).digest("hex") as never);
  second.respond = async (_from, request) => {
    if (request.type !== "transactions") throw new Error("not held");
    return { type: "transactions", transactions };
  };
  const bounds = { deadlineMs: 15_000, signal: isForever };
  const response = await first.network.request(second.network.self, { type: "transactions", hashes }, bounds);
  t.ok(response.type === "transactions" && response.transactions.length === 80 && response.transactions[79]?.at(-1) === 79);
  const refused = first.network.request(second.network.self, { type: "block", hash: "66".repeat(32) as BlockHash }, bounds);
  await t.rejects(refused, { name: "NetworkError", code: "refused" });
  second.respond = async () => ({ type: "timeoutCertificates", certificates: [] });
  const range = { type: "timeoutCertificates", fromView: View.of(1), toView: View.of(2) } as const;
  t.same(await first.network.request(second.network.self, range, bounds), { type: "timeoutCertificates", certificates: [] });
  const wrong = first.network.request(second.network.self, { type: "finalBlocks", fromHeight: Height.of(1), count: 1 }, bounds);
  await t.rejects(wrong, { name: "NetworkError", code: "refused" }, "a wrong answer of our own never leaves");
});

t.test("renewal: after connectionFramesMax frames the connection is replaced and frames go on", async (t) => {
  const nodes = await startCluster(2, { limits: { ...TEST_LIMITS, connectionFramesMax: 300 } });
  t.teardown(() => stopAll(nodes));
  const [first, second] = nodes as [TestNode, TestNode];
  await until("linked", () => areLinked(nodes));
  let view = 0;
  await until("the renewal", () => {
    first.network.broadcast(voteMessage(0, ++view));
    return nodes.some(({ events }) => events.some(({ code, detail }) => code === "peerDown" && detail.includes("renewed")));
  });
  await until("linked again", () => areLinked(nodes));
  first.network.broadcast(voteMessage(0, 9_999));
  await until("the frame", () => hasVote(second, 0, 9_999));
  t.notOk(nodes.some((node) => node.events.some(({ code }) => code === "peerBanned")));
});
