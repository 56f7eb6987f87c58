/** Networks for tests: real ones on loopback, port 0, with handlers that record what happens. */

import { randomBytes } from "node:crypto";
import { ed25519PublicKeyOf, signEd25519, verifyEd25519 } from "../../crypto/ed25519_sodium.ts";
import { validatorSetContext } from "../../crypto/hashes.ts";
import type { Network, NetworkEvent, NetworkHandlers } from "../../p2p/interface.ts";
import { NETWORK_LIMITS, type NetworkLimits } from "../../p2p/limits.ts";
import { createNetwork } from "../../p2p/network.ts";
import type { NetworkOptions, PeerAddresses } from "../../p2p/options.ts";
import { toHex } from "../../types/bytes.ts";
import { type AccountId, type BlockHash, type ChainId, Epoch, Height, ValidatorIndex, View } from "../../types/ids.ts";
import type { Message } from "../../types/message.ts";
import type { PeerKey, Sender } from "../../types/sender.ts";
import type { PeerStatus, SyncRequest, SyncResponse } from "../../types/sync.ts";
import type { ValidatorSetContext } from "../../types/validator_set.ts";
import { timeoutBallot } from "../../types/vote.ts";

export const CHAIN = "11".repeat(32) as ChainId;
export const OTHER_CHAIN = "22".repeat(32) as ChainId;

const seedOf = (kind: number, index: number): Uint8Array => {
  const seed = new Uint8Array(32).fill(kind);
  seed[31] = index;
  return seed;
};
/** Deterministic keys: the validator's and the node's are different. */
export const validatorSeed = (index: number): Uint8Array => seedOf(1, index);
export const nodeSeed = (index: number): Uint8Array => seedOf(2, index);

export function validatorsOf(count: number): ValidatorSetContext {
  const validators = Array.from({ length: count }, (_, index) => ({
    blsPublicKey: new Uint8Array(48).fill(index + 1),
    blsPossession: new Uint8Array(96),
    sealingPublicKey: new Uint8Array(32),
    ed25519PublicKey: toHex(ed25519PublicKeyOf(validatorSeed(index))),
    weight: 1,
  }));
  return validatorSetContext({ epoch: Epoch.of(0), validators });
}

export const statusAt = (height: number): PeerStatus => ({
  epoch: Epoch.of(0),
  view: View.of(height + 1),
  finalHeight: Height.of(height),
  finalHash: "33".repeat(32) as BlockHash,
  oldestHeight: Height.of(0),
});

/** A vote that names its sender and a view; its signature is not looked at by the network. */
export function voteMessage(validator: number, view: number): Message {
  return {
    type: "vote",
    vote: {
      ballot: timeoutBallot(Epoch.of(0), View.of(view)),
      validator: ValidatorIndex.of(validator),
      signature: new Uint8Array(96).fill(7),
    },
  };
}

export interface TestNode {
  readonly network: Network;
  readonly messages: { readonly from: Sender; readonly message: Message }[];
  /** Replace to judge otherwise what came by gossip: may it be passed on? */
  judge: (transactions: readonly Uint8Array[]) => Promise<boolean>;
  readonly events: NetworkEvent[];
  readonly links: Map<number, boolean>;
  readonly statuses: Map<PeerKey, PeerStatus>;
  readonly gone: PeerKey[];
  /** The accounts that are registered as builders, as far as this node knows. */
  readonly builders: Set<AccountId>;
  /** Replace to answer differently. */
  respond: (from: Sender, request: SyncRequest) => Promise<SyncResponse>;
  height: number;
}

export const TEST_LIMITS: NetworkLimits = { ...NETWORK_LIMITS, statusIntervalMs: 100, gapDelayMs: 300, gapLingerMs: 2_000 };

export async function startNode(overrides: Partial<NetworkOptions> & Pick<NetworkOptions, "validators">): Promise<TestNode> {
  const self = overrides.self;
  const messages: TestNode["messages"] = [];
  const events: NetworkEvent[] = [];
  const links = new Map<number, boolean>();
  const statuses = new Map<PeerKey, PeerStatus>();
  const gone: PeerKey[] = [];
  const builders = new Set<AccountId>();
  const state: Pick<TestNode, "judge" | "respond" | "height"> = {
    judge: async () => true,
    respond: async () => ({ type: "status", status: statusAt(state.height) }),
    height: 0,
  };
  const handlers: NetworkHandlers = {
    onMessage: (from, message) => messages.push({ from, message }),
    onGossipedTransactions(from, transactions) {
      messages.push({ from, message: { type: "transactions", transactions } });
      return state.judge(transactions);
    },
    onRequest: (from, request) => state.respond(from, request),
    onPeerStatus: (peer, status) => statuses.set(peer, status),
    onPeerGone: (peer) => gone.push(peer),
    onValidatorLink: (validator, isUp) => links.set(validator, isUp),
    isBuilder: (account) => builders.has(account),
    currentStatus: () => statusAt(state.height),
    onEvent: (event) => events.push(event),
  };
  const network = await createNetwork({
    chainId: CHAIN,
    self,
    builder: undefined,
    nodeSeed: self === undefined ? randomBytes(32) : nodeSeed(self),
    signHandshake: self === undefined ? undefined : (message) => signEd25519(validatorSeed(self), message),
    verifyEd25519,
    listen: ["/ip4/127.0.0.1/tcp/0"],
    announce: [],
    peers: [],
    handlers,
    limits: TEST_LIMITS,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    nowMs: Date.now,
    isLocalCluster: true,
    ...overrides,
  });
  return Object.assign(state, { network, messages, events, links, statuses, gone, builders });
}

export const addressesOf = (node: TestNode, validator: number): PeerAddresses => ({
  validator: ValidatorIndex.of(validator),
  addresses: node.network.addresses,
});

/** Starts `count` validators. Each knows the addresses of those before it, so that no port must be known in advance. */
export async function startCluster(
  count: number,
  overrides: Partial<NetworkOptions> = {},
  knows: (self: number, other: number) => boolean = () => true,
): Promise<TestNode[]> {
  const validators = validatorsOf(count);
  const nodes: TestNode[] = [];
  for (let index = 0; index < count; index++) {
    const peers = nodes.flatMap((node, other) => (knows(index, other) ? [addressesOf(node, other)] : []));
    nodes.push(await startNode({ validators, self: ValidatorIndex.of(index), peers, ...overrides }));
  }
  return nodes;
}

export async function stopAll(nodes: readonly (TestNode | undefined)[]): Promise<void> {
  await Promise.all(nodes.map((node) => node?.network.stop()));
}

/** Waits until `isTrue`; rejects with `what` after a deadline that only a failure reaches. */
export async function until(what: string, isTrue: () => boolean, withinMs = 15_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const builderSeed = (index: number): Uint8Array => seedOf(3, index);
export const builderAccount = (index: number): AccountId => toHex(ed25519PublicKeyOf(builderSeed(index))) as AccountId;

/** A full node that proves the account of builder `index` to the validators that it dials. */
export function startBuilder(index: number, nodes: readonly TestNode[], overrides: Partial<NetworkOptions> = {}): Promise<TestNode> {
  return startNode({
    validators: validatorsOf(nodes.length),
    self: undefined,
    builder: builderAccount(index),
    nodeSeed: seedOf(4, index),
    signHandshake: (message) => signEd25519(builderSeed(index), message),
    listen: [],
    peers: nodes.map((node, validator) => addressesOf(node, validator)),
    ...overrides,
  });
}

/** All linked with all. */
export const areLinked = (nodes: readonly TestNode[]): boolean =>
  nodes.every((node) => [...node.links.values()].filter(Boolean).length === nodes.length - 1);

/** Options for a bare libp2p host with the identity of validator `index`, for peers that do not follow the rules. */
export function hostOptions(index: number): NetworkOptions {
  return {
    chainId: CHAIN,
    validators: validatorsOf(2),
    self: ValidatorIndex.of(index),
    builder: undefined,
    nodeSeed: nodeSeed(index),
    signHandshake: (message) => signEd25519(validatorSeed(index), message),
    verifyEd25519,
    listen: ["/ip4/127.0.0.1/tcp/0"],
    announce: [],
    peers: [],
    handlers: {
      onMessage: () => undefined,
      onGossipedTransactions: async () => true,
      onRequest: async () => ({ type: "status", status: statusAt(0) }),
      onPeerStatus: () => undefined,
      onPeerGone: () => undefined,
      onValidatorLink: () => undefined,
      isBuilder: () => false,
      currentStatus: () => statusAt(0),
      onEvent: () => undefined,
    },
    limits: TEST_LIMITS,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    nowMs: Date.now,
    isLocalCluster: true,
  };
}
