/** A node for the RPC's tests: one final block, and parts that a test replaces; and how its answers are asked for and judged. */

import type { Test } from "tap";
import { DEFAULT_PARAMETERS } from "../../node/genesis_file.ts";
import { createHistogram } from "../../node/histogram.ts";
import { createRpcApp } from "../../node/rpc/app.ts";
import type { NodeCore } from "../../node/rpc/core.ts";
import type { Refusal } from "../../types/application.ts";
import { PLAIN_BLOCK } from "../../types/block.ts";
import {
  type BlockHash,
  type BodyRoot,
  type ChainId,
  Epoch,
  Height,
  type StateRoot,
  TimestampMs,
  type TransactionHash,
  ValidatorIndex,
  View,
} from "../../types/ids.ts";
import type { Certificate } from "../../types/vote.ts";

export const hex = (byte: string) => byte.repeat(32);
export const HASH = hex("ab") as TransactionHash;
export const BLOCK_HASH = hex("cd") as BlockHash;
export const ROOT = hex("ef") as StateRoot;
export const BUSY: Refusal = { code: "busy", canRetry: true, advice: "later" };
export const EXPIRED: Refusal = { code: "expired", canRetry: false, advice: "sign again" };

export const certificate: Certificate = {
  ballot: { kind: "commit", epoch: Epoch.ZERO, view: View.of(3), height: Height.of(1), blockHash: BLOCK_HASH },
  signers: Uint8Array.from({ length: 16 }, (_, index) => (index === 0 ? 0b1011 : 0)),
  signature: new Uint8Array(96).fill(5),
};

export const header = {
  epoch: Epoch.ZERO,
  height: Height.of(1),
  view: View.of(3),
  proposer: ValidatorIndex.of(2),
  parentHash: BLOCK_HASH,
  parentView: View.ZERO,
  timeMs: TimestampMs.of(123),
  bodyRoot: ROOT as string as BodyRoot,
  transactionCount: 1,
  bodyBytes: 3,
  executedHeight: Height.ZERO,
  executedRoot: ROOT,
  ...PLAIN_BLOCK,
};

/** A node with one final block, whose parts a test replaces. */
export function fakeCore(change: Partial<NodeCore> = {}): NodeCore {
  const receipt = { hash: HASH, code: 7, operationCodes: [0, 7] };
  const stored = {
    blockHash: BLOCK_HASH,
    block: {
      header,
      transactions: [Uint8Array.of(1, 2, 3)],
      lists: [],
      signature: new Uint8Array(64),
      parentCertificate: undefined,
      timeoutCertificates: [],
    },
    finality: { height: Height.of(1), blockHash: BLOCK_HASH, view: View.of(3), certificate },
    operation: { height: Height.of(1), blockHash: BLOCK_HASH, stateRoot: ROOT, receipts: [receipt], bundleReceipts: [], openings: [] },
  };
  return {
    chainId: hex("01") as ChainId,
    genesis: {
      name: "test",
      application: "ledger",
      timeMs: TimestampMs.of(1),
      epoch: Epoch.ZERO,
      parameters: DEFAULT_PARAMETERS,
      validators: Array.from({ length: 4 }, () => ({
        blsPublicKey: new Uint8Array(48),
        blsPossession: new Uint8Array(96),
        sealingPublicKey: new Uint8Array(32),
        ed25519PublicKey: hex("02"),
        weight: 1,
      })),
      assets: [],
      balances: [],
    },
    submit: async (transactions) => transactions.map(() => ({ hash: HASH, refusal: undefined })),
    transaction: () => ({ status: "unknown", refusal: undefined }),
    waitForFinal: async () => undefined,
    blockAt: (height) => (height === 1 ? stored : undefined),
    heightOf: (hash) => (hash === BLOCK_HASH ? Height.of(1) : undefined),
    account: (query) => ({ ok: true, account: { ...query, record: null } }),
    describeCode: (code) => `code${code}`,
    isFailedContent: (code) => code === 9,
    sealing: () => ({ type: "off" }),
    replica: {
      height: Height.of(1),
      finalHeight: Height.of(1),
      finalHash: BLOCK_HASH,
      executedHeight: Height.of(1),
      stateRoot: ROOT,
      view: View.of(4),
      leader: ValidatorIndex.of(3),
      poolTransactions: 0,
      poolBytes: 0,
      votesHeld: 0,
      isCatchingUp: false,
      hasDiverged: false,
      hasStoppedSigning: false,
      sealing: undefined,
      deltaMs: 50,
      consecutiveTimeouts: 0,
      heardFrom: [],
      waitingFor: "idle",
    },
    builtBlocks: undefined,
    builder: undefined,
    oldestHeight: Height.of(1),
    peers: [],
    finality: createHistogram().snapshot(),
    sealedFinality: createHistogram().snapshot(),
    opening: createHistogram().snapshot(),
    identity: { applicationName: "ledger", runtime: "node 1", validator: 0, epoch: 0, version: "1.2.3", startedAtMs: 0 },
    ...change,
  };
}

export const errors: unknown[] = [];
export const appOf = (change: Partial<NodeCore> = {}, requestsMax = 100) =>
  createRpcApp({ core: fakeCore(change), requestsMax, onError: (error) => errors.push(error) });

export async function call(app: ReturnType<typeof appOf>, path: string, init?: RequestInit) {
  const response = await app.request(path, init);
  return { status: response.status, body: await response.json() };
}

export const bytesPost = (body: Uint8Array<ArrayBuffer>, extra: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/octet-stream", ...extra },
  body,
});

/** Every error has the whole shape and the expected code. */
export function isFailure(
  t: Test,
  answer: { status: number; body: unknown },
  expected: { status: number; code: string; message?: RegExp },
): void {
  t.equal(answer.status, expected.status, expected.code);
  t.match(answer.body, { error: { code: expected.code, message: expected.message ?? String, canRetry: Boolean, advice: /./ } });
}
