/** What the network costs: four nodes in four processes on loopback. This process is validator 0 and measures; the others echo.
 *
 *  Figures: round trip of one 300-byte frame over a direct link; broadcast to three, until the last echo; CPU of the sender per
 *  broadcast; bulk rate over one direct link; gossip of one transaction to three, until the last echo over direct links.
 *  Run: `node scripts/bench/network_bench.ts` or with Deno; `benchNetwork()` for the combined report. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ed25519PublicKeyOf, signEd25519, verifyEd25519 } from "../../crypto/ed25519_sodium.ts";
import { validatorSetContext } from "../../crypto/hashes.ts";
import type { Network } from "../../p2p/interface.ts";
import { NETWORK_LIMITS } from "../../p2p/limits.ts";
import { createNetwork } from "../../p2p/network.ts";
import type { PeerAddresses } from "../../p2p/options.ts";
import { toHex } from "../../types/bytes.ts";
import { type BlockHash, type ChainId, Epoch, Height, ValidatorIndex, View } from "../../types/ids.ts";
import type { Message } from "../../types/message.ts";

const COUNT = 4;
const FRAME_TRANSACTION_BYTES = 280;
const BULK_TRANSACTION_BYTES = 60 * 1024;
const BULK_BYTES = 128 * 1024 * 1024;
const ANSWER_MS = 30_000;
const ECHO = 0;
const GOSSIP = 1;
const BULK = 2;

export interface NetworkBench {
  readonly startMs: number;
  readonly linkMs: number;
  readonly roundTripMs: Quantiles;
  readonly broadcastMs: Quantiles;
  readonly broadcastCpuMs: number;
  readonly bulkMegabytesPerSecond: number;
  readonly gossipMs: Quantiles;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

const seedOf = (kind: number, index: number): Uint8Array => new Uint8Array(32).fill(kind * 16 + index + 1);

/** A transaction whose first byte says what to do with it and whose next four are a number. */
function probe(kind: number, sequence: number, bytes: number): Uint8Array {
  const transaction = new Uint8Array(bytes);
  transaction[0] = kind;
  new DataView(transaction.buffer).setUint32(1, sequence, true);
  return transaction;
}

const sequenceOf = (transaction: Uint8Array): number => new DataView(transaction.buffer, transaction.byteOffset).getUint32(1, true);

interface BenchNode {
  readonly network: Network;
  readonly linked: Set<number>;
}

async function start(self: number, peers: readonly PeerAddresses[], onTransaction: (bytes: Uint8Array) => void): Promise<BenchNode> {
  const validators = Array.from({ length: COUNT }, (_, index) => ({
    blsPublicKey: new Uint8Array(48),
    blsPossession: new Uint8Array(96),
    sealingPublicKey: new Uint8Array(32),
    ed25519PublicKey: toHex(ed25519PublicKeyOf(seedOf(1, index))),
    weight: 1,
  }));
  const status = {
    epoch: Epoch.of(0),
    view: View.of(1),
    finalHeight: Height.of(0),
    finalHash: "00".repeat(32) as BlockHash,
    oldestHeight: Height.of(0),
  };
  const linked = new Set<number>();
  const network = await createNetwork({
    chainId: "ab".repeat(32) as ChainId,
    validators: validatorSetContext({ epoch: Epoch.of(0), validators }),
    self: ValidatorIndex.of(self),
    builder: undefined,
    nodeSeed: seedOf(2, self),
    signHandshake: (message) => signEd25519(seedOf(1, self), message),
    verifyEd25519,
    listen: ["/ip4/127.0.0.1/tcp/0"],
    announce: [],
    peers,
    handlers: {
      onMessage(_from, message) {
        if (message.type === "transactions") for (const transaction of message.transactions) onTransaction(transaction);
      },
      async onGossipedTransactions(_from, transactions) {
        for (const transaction of transactions) onTransaction(transaction);
        return true;
      },
      onRequest: async () => ({ type: "status", status }),
      onPeerStatus: () => undefined,
      onPeerGone: () => undefined,
      onValidatorLink: (validator, isUp) => (isUp ? linked.add(validator) : linked.delete(validator)),
      isBuilder: () => false,
      currentStatus: () => status,
      onEvent: () => undefined,
    },
    limits: NETWORK_LIMITS,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    nowMs: Date.now,
    isLocalCluster: true,
  });
  return { network, linked };
}

const asMessage = (transaction: Uint8Array): Message => ({ type: "transactions", transactions: [transaction] });

/** A child answers every probe but those of the bulk test, of which it answers the last. */
async function runEcho(self: number, peers: readonly PeerAddresses[]): Promise<void> {
  const node: BenchNode = await start(self, peers, (transaction) => {
    if (transaction[0] === BULK && sequenceOf(transaction) !== 0) return;
    node.network.send(ValidatorIndex.of(0), asMessage(probe(ECHO, sequenceOf(transaction), FRAME_TRANSACTION_BYTES)));
  });
  process.stdout.write(`${JSON.stringify(node.network.addresses)}\n`);
}

function spawnEcho(self: number, peers: readonly PeerAddresses[]): ChildProcess {
  const runtimeArguments = "Deno" in globalThis ? ["run", "-A"] : [];
  const parameters = [...runtimeArguments, fileURLToPath(import.meta.url), "--echo", String(self), JSON.stringify(peers)];
  return spawn(process.execPath, parameters, { stdio: ["ignore", "pipe", "inherit"] });
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("child has no output");
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error("child ended before it was ready");
}

function quantiles(samples: number[]): Quantiles {
  samples.sort((left, right) => left - right);
  const at = (share: number): number => Number((samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? 0).toFixed(3));
  return { p50: at(0.5), p99: at(0.99) };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends a probe and resolves when `echoes` answers to it have come. */
class Prober {
  #sequence = 1;
  #missing = 0;
  #awaited = -1;
  #resolve: () => void = () => undefined;

  onEcho(transaction: Uint8Array): void {
    if (sequenceOf(transaction) !== this.#awaited || --this.#missing > 0) return;
    this.#resolve();
  }

  async once(echoes: number, send: (sequence: number) => void): Promise<number> {
    const sequence = this.#sequence++;
    return await this.answered(sequence, echoes, () => send(sequence));
  }

  async answered(sequence: number, echoes: number, send: () => void): Promise<number> {
    this.#awaited = sequence;
    this.#missing = echoes;
    const startMs = performance.now();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to probe ${sequence}`)), ANSWER_MS);
      this.#resolve = () => {
        clearTimeout(timer);
        resolve();
      };
      send();
    });
    return performance.now() - startMs;
  }

  async many(rounds: number, pauseMs: number, echoes: number, send: (sequence: number) => void): Promise<number[]> {
    const samples: number[] = [];
    for (let round = 0; round < rounds; round++) {
      samples.push(await this.once(echoes, send));
      if (pauseMs > 0) await pause(pauseMs);
    }
    return samples.slice(Math.floor(rounds / 10));
  }
}

async function bulk(node: BenchNode, prober: Prober): Promise<number> {
  const target = ValidatorIndex.of(1);
  const frames = Math.ceil(BULK_BYTES / BULK_TRANSACTION_BYTES);
  const startMs = performance.now();
  for (let frame = frames; frame > 0; frame--) {
    while ((node.network.peers.find(({ validator }) => validator === target)?.queuedBytes ?? 0) > 1024 * 1024) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    node.network.send(target, asMessage(probe(BULK, frame, BULK_TRANSACTION_BYTES)));
  }
  await prober.answered(0, 1, () => node.network.send(target, asMessage(probe(BULK, 0, BULK_TRANSACTION_BYTES))));
  return (frames * BULK_TRANSACTION_BYTES) / 1e3 / (performance.now() - startMs);
}

export async function benchNetwork(): Promise<NetworkBench> {
  const prober = new Prober();
  const children: ChildProcess[] = [];
  const beforeMs = performance.now();
  const node = await start(0, [], (transaction) => prober.onEcho(transaction));
  const startMs = performance.now() - beforeMs;
  try {
    const peers: PeerAddresses[] = [{ validator: ValidatorIndex.of(0), addresses: node.network.addresses }];
    for (let self = 1; self < COUNT; self++) {
      const child = spawnEcho(self, peers);
      children.push(child);
      peers.push({ validator: ValidatorIndex.of(self), addresses: JSON.parse(await firstLine(child)) as string[] });
    }
    const linkingMs = performance.now();
    while (node.linked.size < COUNT - 1) await pause(5);
    const linkMs = performance.now() - linkingMs;
    await pause(2_000);
    const direct = (sequence: number): Message => asMessage(probe(ECHO, sequence, FRAME_TRANSACTION_BYTES));
    const roundTrips = await prober.many(2_000, 0, 1, (sequence) => node.network.send(ValidatorIndex.of(1), direct(sequence)));
    const cpuBefore = process.cpuUsage();
    const broadcasts = await prober.many(2_000, 0, COUNT - 1, (sequence) => node.network.broadcast(direct(sequence)));
    const cpu = process.cpuUsage(cpuBefore);
    const bulkMegabytesPerSecond = await bulk(node, prober);
    const gossip = await prober.many(200, 10, COUNT - 1, (sequence) =>
      node.network.publishTransactions([probe(GOSSIP, sequence, FRAME_TRANSACTION_BYTES)]),
    );
    return {
      startMs: Math.round(startMs),
      linkMs: Math.round(linkMs),
      roundTripMs: quantiles(roundTrips),
      broadcastMs: quantiles(broadcasts),
      broadcastCpuMs: Number(((cpu.user + cpu.system) / 1e3 / 2_000).toFixed(3)),
      bulkMegabytesPerSecond: Math.round(bulkMegabytesPerSecond),
      gossipMs: quantiles(gossip),
    };
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await node.network.stop();
  }
}

if (process.argv[2] === "--echo") {
  await runEcho(Number(process.argv[3]), JSON.parse(process.argv[4] ?? "[]") as PeerAddresses[]);
} else if (import.meta.main) {
  process.stdout.write(`${JSON.stringify(await benchNetwork(), undefined, 2)}\n`);
  process.exit(0);
}
