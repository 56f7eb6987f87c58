/** An HTTP server that answers like a validator, with whatever a test plants. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeBlock {
  readonly height: number;
  readonly hash: string;
  readonly stateRoot: string | undefined;
  readonly transactionCount: number;
  readonly sealedCount?: number;
  readonly sealedFailed?: number;
  readonly keygenCount?: number;
  /** Left out: the height, as where no view is lost. */
  readonly view?: number;
  readonly builder?: string | null;
  readonly paid?: string;
  readonly bundleTransactions?: number;
}

export interface FakeStatus {
  readonly finalHeight: number;
  readonly view: number;
  readonly cpuMs: number;
  readonly memoryBytes: number;
  readonly whyNotFinal: string | null;
  readonly counts: readonly number[];
  readonly sealing?: Readonly<Record<string, unknown>>;
  readonly builders?: Readonly<Record<string, unknown>>;
}

export interface FakeValidator {
  readonly rpc: string;
  blocks: FakeBlock[];
  status: FakeStatus;
  /** Answers a batch of transactions: status and body. */
  onBatch: (body: Uint8Array) => { readonly status: number; readonly body: string };
  close(): Promise<void>;
}

export const FAKE_BOUNDS_MS = [1, 10, 100];

export async function startFakeValidator(): Promise<FakeValidator> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const answer = answerTo(new URL(request.url ?? "/", "http://fake"), new Uint8Array(Buffer.concat(chunks)));
      response.writeHead(answer.status, { "content-type": "application/json" });
      response.end(answer.body);
    });
  });

  function answerTo(url: URL, body: Uint8Array): { readonly status: number; readonly body: string } {
    if (url.pathname === "/v1/transactions/batch") return fake.onBatch(body);
    if (url.pathname === "/v1/status") return { status: 200, body: JSON.stringify(statusOf(fake.status)) };
    if (url.pathname !== "/v1/blocks") return { status: 404, body: "{}" };
    const from = Number(url.searchParams.get("from"));
    const count = Number(url.searchParams.get("count"));
    const asked = fake.blocks.filter(({ height }) => height >= from && height < from + count);
    const blocks = asked.map((block) => ({ view: block.height, ...block }));
    return { status: 200, body: JSON.stringify({ blocks }) };
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const fake: FakeValidator = {
    rpc: `http://127.0.0.1:${port}`,
    blocks: [],
    status: { finalHeight: 0, view: 1, cpuMs: 0, memoryBytes: 1, whyNotFinal: null, counts: [0, 0, 0] },
    onBatch: () => ({ status: 500, body: "{}" }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return fake;
}

/** Blocks 1 to `count` that all validators of one test share. */
export function chainOf(count: number): FakeBlock[] {
  return Array.from({ length: count }, (_, index) => ({
    height: index + 1,
    hash: `hash ${index + 1}`,
    stateRoot: `root ${index + 1}`,
    transactionCount: 2,
  }));
}

function statusOf(status: FakeStatus): Readonly<Record<string, unknown>> {
  const { counts, ...rest } = status;
  const finality = { count: 0, p50Ms: 0, p99Ms: 0, histogram: { boundsMs: FAKE_BOUNDS_MS, counts } };
  return { chainId: "00", peers: [{ validator: 1 }, { validator: null }], isCatchingUp: false, waitingFor: "votes", finality, ...rest };
}
