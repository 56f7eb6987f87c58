/** Requests to peers and answers to peers. */

import t from "tap";
import { createSyncClient, type RequestEffect } from "../../node/sync_client.ts";
import { createSyncServer } from "../../node/sync_server.ts";
import type { PeerInfo } from "../../p2p/interface.ts";
import type { FinalityEntry, OperationEntry, ReplicaInput } from "../../replica/interface.ts";
import type { Block } from "../../types/block.ts";
import { type BlockHash, Epoch, Height, type TransactionHash, View } from "../../types/ids.ts";
import { RANGE_BLOCKS_MAX, RANGE_BYTES_MAX, RANGE_HEADERS_MAX } from "../../types/limits.ts";
import type { PeerKey } from "../../types/sender.ts";
import type { SyncRequest, SyncResponse } from "../../types/sync.ts";

const peerKey = (name: string) => name as PeerKey;
const blockHash = (height: number) => `${height}` as BlockHash;

function serverOver(chain: {
  readonly finalHeight: number;
  readonly bodyBytes?: number;
  readonly oldestHeight?: number;
  readonly reads?: number[];
  /** Sealed transactions in each block, and up to where they are open. */
  readonly sealedCount?: number;
  readonly bundleCount?: number;
  readonly executedHeight?: number;
  /** Has it a certificate of its own? Otherwise it is final by the next that has. */
  isProven(height: number): boolean;
}) {
  const heightsMax = 2 * chain.finalHeight + RANGE_HEADERS_MAX;
  const within = (height: Height) => height >= (chain.oldestHeight ?? 1) && height <= chain.finalHeight;
  return createSyncServer({
    store: {
      finalHeight: Height.of(chain.finalHeight),
      oldestHeight: Height.of(chain.oldestHeight ?? 1),
      blockAt: (height) => {
        chain.reads?.push(height);
        return within(height)
          ? ({
              header: {
                ...{ height, bodyBytes: chain.bodyBytes ?? 10, transactionCount: 1 },
                ...{ sealedCount: chain.sealedCount ?? 0, bundleCount: chain.bundleCount ?? 0 },
              },
              lists: [],
            } as unknown as Block)
          : undefined;
      },
      operation: (height) => {
        const openings = Array.from({ length: (chain.sealedCount ?? 0) + (chain.bundleCount ?? 0) }, () => ({
          type: "seed",
          seed: new Uint8Array(32).fill(height),
        }));
        return height <= (chain.executedHeight ?? 0) ? ({ height, openings } as unknown as OperationEntry) : undefined;
      },
      blockByHash: (hash) => (hash === blockHash(1) ? ({ header: { height: 1 } } as Block) : undefined),
      finality: (height) => {
        let proven = Number(height);
        while (proven < heightsMax && !chain.isProven(proven)) proven++;
        const ballot = { blockHash: blockHash(proven), height: proven };
        return within(height) ? ({ height, blockHash: blockHash(height), certificate: { ballot } } as FinalityEntry) : undefined;
      },
    },
    replica: { answer: () => undefined },
    currentStatus: () => ({
      epoch: Epoch.ZERO,
      view: View.ZERO,
      finalHeight: Height.ZERO,
      finalHash: blockHash(0),
      oldestHeight: Height.ZERO,
    }),
  });
}

async function rangeOf(server: ReturnType<typeof serverOver>, fromHeight: number, count: number) {
  const response = await server({ type: "finalBlocks", fromHeight: Height.of(fromHeight), count });
  if (response.type !== "finalBlocks") throw new Error("another type");
  const { blocks, trailingHeaders, commitCertificate } = response;
  return {
    heights: blocks.map(({ header }) => Number(header.height)),
    trailing: trailingHeaders.map(({ height }) => Number(height)),
    proof: commitCertificate?.ballot.blockHash,
  };
}

t.test("createSyncServer: a range, ends at the last block that its own certificate proves", async (t) => {
  const server = serverOver({ finalHeight: 10, isProven: (height) => height % 3 === 0 });
  const nothing = { heights: [], trailing: [], proof: undefined };
  t.same(await rangeOf(server, 1, 100), { heights: [1, 2, 3, 4, 5, 6, 7, 8, 9], trailing: [], proof: "9" });
  t.same(await rangeOf(server, 2, 3), { heights: [2, 3], trailing: [], proof: "3" });
  t.same(await rangeOf(server, 4, 1), { heights: [4], trailing: [5, 6], proof: "6" }, "no proven block in the range");
  t.same(await rangeOf(server, 10, 5), nothing, "the block of the certificate is not here yet");
  t.same(await rangeOf(server, 11, 5), nothing, "nothing above the head");
});

t.test("createSyncServer: one certificate over more than a range holds, full blocks that fit, then headers up to its block", async (t) => {
  const reads: number[] = [];
  const many = serverOver({ finalHeight: 700, reads, isProven: (height) => height === 700 });
  const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);
  t.same(await rangeOf(many, 1, RANGE_BLOCKS_MAX), { heights: range(1, 256), trailing: range(257, 700), proof: "700" });
  t.equal(reads.length, 700);
  t.same(await rangeOf(many, 257, RANGE_BLOCKS_MAX), { heights: range(257, 512), trailing: range(513, 700), proof: "700" });
  t.equal(reads.length, 700 + 256, "headers served before are not read again");
  t.same(await rangeOf(many, 513, RANGE_BLOCKS_MAX), { heights: range(513, 700), trailing: [], proof: "700" });
  const large = serverOver({ finalHeight: 5, bodyBytes: RANGE_BYTES_MAX - 10_000, isProven: (height) => height === 5 });
  t.same(await rangeOf(large, 1, 100), { heights: [1], trailing: [2, 3, 4, 5], proof: "5" });
});

t.test("createSyncServer: headers, never more than their limit", async (t) => {
  const end = 1 + RANGE_HEADERS_MAX;
  const server = (finalHeight: number) => serverOver({ finalHeight, isProven: (height) => height === finalHeight });
  t.equal((await rangeOf(server(end), 1, 1)).trailing.length, RANGE_HEADERS_MAX);
  t.same((await rangeOf(server(end + 1), 1, 1)).heights, []);
});

t.test("createSyncServer: large blocks or pruned heights, the range stays within its bytes and is contiguous", async (t) => {
  const server = serverOver({ finalHeight: 50, bodyBytes: RANGE_BYTES_MAX / 4, isProven: () => true });
  t.same((await rangeOf(server, 1, 50)).heights, [1, 2, 3]);
  t.same((await rangeOf(serverOver({ finalHeight: 50, oldestHeight: 20, isProven: () => true }), 5, 5)).heights, []);
});

t.test("createSyncServer: sealed lanes, openings beside their blocks, and nothing that is not open here", async (t) => {
  const server = serverOver({ finalHeight: 9, sealedCount: 2, executedHeight: 6, isProven: () => true });
  const response = await server({ type: "finalBlocks", fromHeight: Height.of(4), count: 9 });
  if (response.type !== "finalBlocks") throw new Error("another type");
  t.same(
    response.openings.map((openings) => openings.map((opening) => opening.type === "seed" && opening.seed[0])),
    [4, 5, 6].map((height) => [height, height]),
  );
  t.equal(response.blocks.length, 3);
  t.same((await rangeOf(server, 7, 3)).heights, []);
  for (const counts of [{ bundleCount: 1 }, { sealedCount: 2, bundleCount: 1 }]) {
    const built = serverOver({ finalHeight: 9, ...counts, executedHeight: 6, isProven: () => true });
    t.same((await rangeOf(built, 4, 9)).heights, [4, 5, 6], "a bundle is opened like a lane");
  }
  const many = serverOver({
    finalHeight: 3,
    sealedCount: 2_048,
    executedHeight: 3,
    bodyBytes: RANGE_BYTES_MAX - 100_000,
    isProven: () => true,
  });
  t.same((await rangeOf(many, 1, 3)).heights, [1], "seeds count: a second block would not fit");
  const full = serverOver({
    finalHeight: 3,
    sealedCount: 2_048,
    executedHeight: 3,
    bodyBytes: RANGE_BYTES_MAX - 50_000,
    isProven: () => true,
  });
  t.same((await rangeOf(full, 1, 3)).heights, [], "not even the first");
});

t.test("createSyncServer: what it does not have, empty answers of the right type", async (t) => {
  const server = serverOver({ finalHeight: 3, isProven: () => true });
  t.match(await server({ type: "block", hash: blockHash(1) }), { type: "block", block: { header: { height: 1 } } });
  t.same(await server({ type: "block", hash: blockHash(9) }), { type: "block", block: undefined });
  t.same(await server({ type: "transactions", hashes: ["a" as TransactionHash] }), { type: "transactions", transactions: [] });
  t.same(await server({ type: "timeoutCertificates", fromView: View.of(1), toView: View.of(2) }), {
    type: "timeoutCertificates",
    certificates: [],
  });
  t.match(await server({ type: "status" }), { type: "status", status: { finalHash: "0" } });
});

type Answers = Readonly<Record<string, SyncResponse | Error>>;

function client(answers: Answers, linked: readonly string[] = []) {
  const asked: string[] = [];
  const inputs: ReplicaInput[] = [];
  const syncClient = createSyncClient({
    network: {
      peers: linked.map((name) => ({ peer: peerKey(name), validator: 0 }) as unknown as PeerInfo),
      request: async (peer) => {
        asked.push(peer);
        const answer = answers[peer];
        if (answer === undefined || answer instanceof Error) throw answer ?? new Error("gone");
        return answer;
      },
    },
    submit: (input) => inputs.push(input),
    onFailure: () => undefined,
  });
  const run = async (candidates: readonly string[], request: SyncRequest = { type: "block", hash: blockHash(1) }) => {
    const effect: RequestEffect = { type: "request", requestId: 7, candidates: candidates.map(peerKey), request, deadlineMs: 1_000 };
    syncClient.perform(effect);
    for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  };
  return { asked, inputs, run, syncClient };
}

const full: SyncResponse = { type: "block", block: { header: { height: 1 } } as Block };
const empty: SyncResponse = { type: "block", block: undefined };

t.test("createSyncClient: the first candidate fails or has nothing, the next is asked; one answer is fed back", async (t) => {
  const { asked, inputs, run } = client({ a: new Error("deadline"), b: empty, c: full });
  await run(["a", "b", "c"]);
  t.same(asked, ["a", "b", "c"]);
  t.match(inputs, [{ type: "response", requestId: 7, from: "c", response: full }]);
  t.equal(inputs.length, 1);
});

t.test("createSyncClient: nobody has it, the empty answer counts; nobody answers, requestFailed", async (t) => {
  const nothing = client({ a: empty, b: new Error("gone") });
  await nothing.run(["a", "b"]);
  t.match(nothing.inputs, [{ type: "response", from: "a" }]);
  const failing = client({});
  await failing.run(["a", "b", "c", "d"]);
  t.same(failing.asked, ["a", "b", "c"], "at most three attempts");
  t.same(failing.inputs, [{ type: "requestFailed", requestId: 7 }]);
  const alone = client({});
  await alone.run([]);
  t.same(alone.inputs, [{ type: "requestFailed", requestId: 7 }], "nobody to ask");
});

t.test("createSyncClient: no candidates, any linked validator, another one first each time", async (t) => {
  const { asked, run } = client({ a: full, b: full }, ["a", "b"]);
  await run([]);
  await run([]);
  t.same(asked, ["a", "b"]);
});

t.test("createSyncClient: stopped, asks nobody", async (t) => {
  const { asked, run, syncClient } = client({ a: full });
  syncClient.stop();
  await run(["a"]);
  t.same(asked, []);
});
