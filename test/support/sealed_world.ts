/** A cluster of replicas over the ledger that takes sealed transactions, with funded users who seal by the fast suite. */

import { sha256 } from "../../crypto/hashes.ts";
import { createLedger } from "../../ledger/ledger.ts";
import { createFastSealing } from "../../testnet/simulator/fast_sealing.ts";
import { asciiBytes, concatBytes, fromHex, toHex } from "../../types/bytes.ts";
import { buildEnvelope } from "../../types/envelope.ts";
import type { Genesis } from "../../types/genesis.ts";
import { type AccountId, Epoch, Height, TimestampMs, type TransactionHash } from "../../types/ids.ts";
import type { SealingSuite } from "../../types/sealing.ts";
import type { PeerKey } from "../../types/sender.ts";
import { FEE_ACCOUNT, OPERATION_KINDS, type Operation } from "../../types/transaction.ts";
import { CHAIN_ID } from "./chain.ts";
import { createFastBls } from "./fast_bls.ts";
import type { Cluster, ClusterNode } from "./replica_cluster.ts";
import { createCluster } from "./replica_cluster.ts";
import { createMembers } from "./replica_members.ts";

const FEE_ASSET = 1;
const FUNDS = 1_000_000n;

export interface SealedWorld extends Cluster {
  /** Runs until the sealing key is live everywhere. */
  generateKey(): void;
  /** Seals a transfer of 1 from `user` to the fee account's neighbour, with the sender's next nonce, and gives it to `node`. */
  submitSealed(node: number, user: number, change?: SealChange): TransactionHash;
  /** The same without giving it to anybody. */
  seal(user: number, change?: SealChange): Uint8Array;
  /** Gives it to one node as a peer would, so that it is not passed on. */
  hand(node: number, bytes: Uint8Array): TransactionHash;
  balanceOf(node: ClusterNode, user: number): bigint;
}

interface SealChange {
  readonly fee?: number;
  readonly message?: Uint8Array;
  /** Of the sender; the next one when left out. */
  readonly nonce?: number;
}

export const userOf = (user: number): AccountId => toHex<AccountId>(sha256(asciiBytes(`user ${user}`)));

export function createSealedWorld(
  options: Omit<Parameters<typeof createCluster>[0], "createApplication"> & {
    /** The chain takes builders with at least this bond. */
    readonly builderBondMin?: bigint;
  },
): SealedWorld {
  const suite: SealingSuite = options.sealing?.suite ?? createFastSealing();
  const users = Array.from({ length: 8 }, (_, user) => userOf(user));
  const genesis: Genesis = {
    name: "sealed",
    application: "ledger",
    timeMs: TimestampMs.of(1_700_000_000_000),
    epoch: Epoch.ZERO,
    parameters: {
      deltaMsMin: 1,
      deltaMsMax: 2,
      heartbeatMs: 1,
      feeAsset: FEE_ASSET,
      feePerTransaction: 2,
      feePerOperation: 1,
      sealingSuite: 1,
      keygenWindowMs: 2_000,
      builderBondMin: options.builderBondMin ?? 0n,
    },
    validators:
      options.builderBondMin === undefined
        ? []
        : createMembers({ ...options, bls: createFastBls(), sealing: undefined }).validators.set.validators,
    assets: [{ asset: FEE_ASSET, decimals: 0, issuer: FEE_ACCOUNT }],
    balances: users.map((account) => ({ account, asset: FEE_ASSET, amount: FUNDS })),
  };
  const createApplication = () => createLedger({ genesis, chainId: CHAIN_ID });
  const cluster = createCluster({ sealing: {}, ...options, createApplication });
  const nonces = new Map<number, number>();
  let drawn = 0;

  function seal(user: number, change: SealChange = {}): Uint8Array {
    const [target] = cluster.nodes.filter(({ replica, isUp }) => isUp && replica.sealingKey !== undefined);
    const live = target?.replica.sealingKey;
    if (target === undefined || live === undefined) throw new Error("there is no sealing key");
    const nonce = change.nonce ?? nonces.get(user) ?? 0;
    if (change.nonce === undefined) nonces.set(user, nonce + 1);
    const transfer: Operation = {
      kind: OPERATION_KINDS.transfer,
      flags: 0,
      index: 0,
      asset: FEE_ASSET,
      account: userOf((user + 1) % 8),
      amount: 1n,
      reference: 0,
    };
    return buildEnvelope({
      fields: {
        chainId: CHAIN_ID,
        keyId: live.key.keyId,
        sender: userOf(user),
        nonce,
        gasLimit: 4,
        fee: change.fee ?? 10,
        expiryHeight: Height.plus(target.replica.status.finalHeight, 1_000),
      },
      content: change.message ?? { operations: [transfer] },
      suite,
      publicKey: live.key.publicKey,
      randomness: concatBytes([sha256(asciiBytes(`random ${drawn++}`)), sha256(asciiBytes(`random ${drawn++}`))]),
      sign: () => new Uint8Array(64),
      sha256,
    });
  }

  return Object.assign(cluster, {
    generateKey() {
      const isLive = (): boolean => cluster.nodes.every(({ replica, isUp }) => !isUp || replica.sealingKey !== undefined);
      if (!cluster.run({ forMs: 30_000, until: isLive })) throw new Error("no sealing key within 30 s");
    },
    seal,
    submitSealed: (node: number, user: number, change: SealChange = {}): TransactionHash => cluster.submit(node, seal(user, change)),
    hand(node: number, bytes: Uint8Array): TransactionHash {
      const target = cluster.nodes[node] as ClusterNode;
      const parsed = target.replica.parse(bytes);
      if (!parsed.ok) throw new Error("bytes do not parse");
      const sender = { type: "relay", peer: "client" as PeerKey } as const;
      cluster.inject(target, { type: "transactions", source: { type: "peer", sender }, transactions: [parsed.transaction] });
      return parsed.transaction.hash;
    },
    balanceOf(node: ClusterNode, user: number): bigint {
      const { application } = node;
      if (!("feeBalanceOf" in application) || typeof application.feeBalanceOf !== "function") throw new Error("not a ledger");
      return application.feeBalanceOf(userOf(user));
    },
  });
}

export const bytesOfUser = (user: number): Uint8Array => fromHex(userOf(user));
