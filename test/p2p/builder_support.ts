/** Messages and bare hosts for tests of builders' links. */

import { multiaddr } from "@multiformats/multiaddr";
import { signEd25519 } from "../../crypto/ed25519_sodium.ts";
import { shakeHandsAsDialer } from "../../p2p/handshake.ts";
import { createHost } from "../../p2p/host.ts";
import { CONSENSUS_PROTOCOL, HANDSHAKE_PROTOCOL, lengthPrefixed } from "../../p2p/wire.ts";
import type { Bid } from "../../types/bid.ts";
import { type BlockHash, type BodyRoot, Height, View, ZERO_HASH } from "../../types/ids.ts";
import { encodeMessage, type Message } from "../../types/message.ts";
import type { KeyId } from "../../types/sealing.ts";
import { builderAccount, builderSeed, hostOptions, type TestNode, until, validatorsOf, voteMessage } from "./support.ts";

export const blockHash = "44".repeat(32) as BlockHash;
export const OWN = builderAccount(0);

export function bidMessage(sequence: number): Message {
  const bid: Bid = {
    height: Height.of(5),
    parentHash: blockHash,
    builder: OWN,
    sequence,
    value: 7n,
    expiryView: View.of(9),
    keyId: ZERO_HASH as string as KeyId,
    bundle: new Uint8Array(),
    tailRoot: ZERO_HASH as string as BodyRoot,
    tailCount: 0,
    tailBytes: 0,
    gas: 0,
    signature: new Uint8Array(64).fill(3),
  };
  return { type: "bid", bid, tailHashes: [] };
}

export function certificateMessage(view: number): Message {
  const vote = voteMessage(0, view);
  if (vote.type !== "vote") throw new Error("not a vote");
  return {
    type: "certificate",
    certificate: { ballot: vote.vote.ballot, signers: new Uint8Array(16), signature: new Uint8Array(96).fill(view) },
  };
}

export const transactionMark = (mark: number): Uint8Array => Uint8Array.of(mark, Math.random() * 255, Math.random() * 255);
export const has = (node: TestNode, isIt: (message: Message) => boolean): boolean => node.messages.some(({ message }) => isIt(message));
export const hasBid = (node: TestNode, sequence: number): boolean =>
  has(node, (message) => message.type === "bid" && message.bid.sequence === sequence);
export const hasCertificate = (node: TestNode, view: number): boolean =>
  has(node, (message) => message.type === "certificate" && message.certificate.ballot.view === view);
export const hasTransaction = (node: TestNode, mark: number): boolean =>
  has(node, (message) => message.type === "transactions" && message.transactions.some(([first]) => first === mark));
export const countOf = (node: TestNode, code: string): number => node.events.filter((event) => event.code === code).length;
export const upCount = (node: TestNode): number => [...node.links.values()].filter(Boolean).length;

/** A bare host that shakes hands as builder 0, changed at will. */
export async function shakeHandsAsBuilder(
  onTeardown: (stop: () => Promise<void>) => void,
  node: TestNode,
  signHandshake: (message: Uint8Array) => Uint8Array,
) {
  const host = await createHost({ ...hostOptions(1), nodeSeed: new Uint8Array(32).fill(77) }, () => false);
  await host.start();
  onTeardown(async () => await host.stop());
  const connection = await host.dial(multiaddr(node.network.addresses[0] ?? ""));
  const outcome = await shakeHandsAsDialer(
    await connection.newStream(HANDSHAKE_PROTOCOL),
    {
      ...hostOptions(1),
      validators: validatorsOf(1),
      self: undefined,
      builder: OWN,
      signHandshake,
      session: new Uint8Array(16).fill(1),
      ownNodeKey: host.peerId.publicKey?.raw ?? new Uint8Array(),
      remoteNodeKey: connection.remotePeer.publicKey?.raw ?? new Uint8Array(),
      judge: () => undefined,
    },
    AbortSignal.timeout(10_000),
  );
  return { host, connection, outcome };
}

export const signAsBuilder = (message: Uint8Array): Uint8Array => signEd25519(builderSeed(0), message);

/** A builder's link whose frames we write ourselves. */
export async function rawLink(onTeardown: (stop: () => Promise<void>) => void, node: TestNode) {
  node.builders.add(OWN);
  const { host, connection, outcome } = await shakeHandsAsBuilder(onTeardown, node, signAsBuilder);
  if (!outcome.ok) throw new Error(`refused: ${outcome.refusal}`);
  await host.handle(CONSENSUS_PROTOCOL, () => undefined);
  const stream = await connection.newStream(CONSENSUS_PROTOCOL);
  await until("the link", () => node.network.peers[0]?.isLinked === true);
  return { connection, write: (message: Message) => stream.send(lengthPrefixed(encodeMessage(message))) };
}
