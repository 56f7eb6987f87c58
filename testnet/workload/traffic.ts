/** What all kinds of traffic share: composing and signing a transaction, sending it, and the ring of recent ones to copy. */

import { hashTransaction } from "../../crypto/hashes.ts";
import { type AccountId, type ChainId, Height, type TransactionHash } from "../../types/ids.ts";
import { OPERATION_FLAG_LINKED, OPERATION_KINDS, type Operation, type OperationKind } from "../../types/transaction.ts";
import type { Stream } from "../simulator/streams.ts";
import type { Courier, Outcome } from "./courier.ts";
import { type Actor, type Cast, type Client, FEE_ASSET, feeOf, SECOND_ASSET } from "./genesis.ts";
import { encodeTransaction } from "./transaction_bytes.ts";

export interface Traffic {
  readonly cast: Cast;
  readonly chainId: ChainId;
  readonly stream: Stream;
  readonly courier: Courier;
  /** Nothing new is begun from then on. */
  readonly stopsAtUs: number;
  /** Lately sent, newest last. */
  readonly recent: Composed[];
}

export interface Composed {
  readonly bytes: Uint8Array;
  readonly hash: TransactionHash;
  readonly expiryHeight: Height;
  readonly nonce: number;
}

/** What may differ from an ordinary transaction. A nonce that is given is not counted as used. */
export interface Changes {
  readonly nonce?: number;
  readonly expiryHeight?: Height;
  readonly feeMax?: bigint;
  readonly chainId?: ChainId;
}

export interface SendOptions {
  readonly atUs: number;
  readonly validator?: number;
  readonly refusalsMax?: number;
  readonly onDone?: (outcome: Outcome) => void;
}

export const ZERO_ACCOUNT = "0".repeat(64) as AccountId;
/** Transactions that may be copied later. */
const RECENT_MAX = 128;
/** Heights that an ordinary transaction may wait: more than any run has. */
const EXPIRES_IN = 10_000_000;
const EXPIRES_SOON: readonly [number, number] = [3, 40];
const SOON_CHANCE = 0.05;

/** An operation of the named kind; fields not given are zero. */
export function operation(kind: OperationKind, fields: Partial<Operation> = {}): Operation {
  return { kind: OPERATION_KINDS[kind], flags: 0, index: 0, asset: 0, account: ZERO_ACCOUNT, amount: 0n, reference: 0, ...fields };
}

/** All but the last linked to the next: they succeed or fail together. */
export function linked(operations: readonly Operation[]): Operation[] {
  return operations.map((each, index) => (index === operations.length - 1 ? each : { ...each, flags: OPERATION_FLAG_LINKED }));
}

export function compose(traffic: Traffic, actor: Actor, operations: readonly Operation[], changes: Changes = {}): Composed {
  const { stream, courier } = traffic;
  const nonce = changes.nonce ?? actor.nonce++;
  const lifetime = stream.chance(SOON_CHANCE) ? stream.between(...EXPIRES_SOON) : EXPIRES_IN;
  const expiryHeight = changes.expiryHeight ?? Height.of(courier.finalHeight + lifetime);
  const { feeMax = BigInt(feeOf(operations.length)), chainId = traffic.chainId } = changes;
  const bytes = encodeTransaction({ chainId, sender: actor.account, nonce, expiryHeight, feeMax, operations }, actor.sign);
  return { bytes, hash: hashTransaction(bytes), expiryHeight, nonce };
}

/** Sends a composed transaction and follows it. */
export function send(traffic: Traffic, client: Client, composed: Composed, options: SendOptions): void {
  const { atUs, ...rest } = options;
  traffic.courier.send({ client: client.index, ...composed, ...rest }, atUs);
  traffic.recent.push(composed);
  if (traffic.recent.length > RECENT_MAX) traffic.recent.shift();
}

/** Sends copies that nobody follows. */
export function copy(
  traffic: Traffic,
  client: Client,
  bytes: Uint8Array,
  options: { readonly atUs: number; readonly validator?: number },
): void {
  const { atUs, ...rest } = options;
  traffic.courier.sendOnce({ client: client.index, bytes, ...rest }, atUs);
}

/** Somebody else who holds FEE_ASSET and SECOND_ASSET. */
export function partnerOf({ cast, stream }: Traffic, client: Client): Client {
  const { clients } = cast;
  return clients.length === 1 ? client : (clients[(client.index + stream.between(1, clients.length - 1)) % clients.length] as Client);
}

/** Whom the client pays: a partner, or its own other account when it is alone. */
export function payeeOf(traffic: Traffic, client: Client): Actor {
  const partner = partnerOf(traffic, client);
  return partner === client ? client.wild : partner.main;
}

/** A transfer that succeeds as long as the client has money. */
export function transferTo(traffic: Traffic, payee: Pick<Actor, "account">, fields: Partial<Operation> = {}): Operation {
  const { stream } = traffic;
  const asset = stream.chance(0.6) ? FEE_ASSET : SECOND_ASSET;
  return operation("transfer", { asset, account: payee.account, amount: BigInt(stream.between(1, 1_000)), ...fields });
}
