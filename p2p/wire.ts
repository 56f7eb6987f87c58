/** Bytes that only the network itself speaks: handshake messages and control frames of direct streams.
 *
 *  A frame of a direct stream is `length (4 bytes, little-endian) ‖ type (1 byte) ‖ encoding`, the length counting from the type
 *  on. Types below 128 are those of `types/message.ts`; from 128 on they are control frames, which never reach a handler. */

import { unreachable } from "../types/assert.ts";
import { offeredBidCodec } from "../types/bid.ts";
import { proposalCodec } from "../types/block.ts";
import { type Codec, defineCodec, hashFromBytes, hashToBytes, ssz } from "../types/codec.ts";
import {
  type AccountId,
  type BlockHash,
  type ChainId,
  Epoch,
  Height,
  ValidatorIndex,
  type ValidatorSetHash,
  View,
  ZERO_HASH,
} from "../types/ids.ts";
import { FRAME_BYTES_MAX, SIGNERS_BYTES, VALIDATORS_MAX } from "../types/limits.ts";
import type { Message } from "../types/message.ts";
import type { PeerStatus } from "../types/sync.ts";
import { certificateCodec, signedVoteCodec } from "../types/vote.ts";

export const HANDSHAKE_PROTOCOL = "/sealstone/handshake/1";
export const CONSENSUS_PROTOCOL = "/sealstone/consensus/1";
export const SYNC_PROTOCOL = "/sealstone/sync/1";

/** Topics carry the chain in their name, so that two chains on one network never meet. */
export const transactionsTopic = (chainId: ChainId): string => `/sealstone/${chainId.slice(0, 16)}/transactions/1`;
export const consensusTopic = (chainId: ChainId): string => `/sealstone/${chainId.slice(0, 16)}/consensus/1`;

/** The topic that a message may be published on. What the sealed lane needs (lists, shares, seeds, disputes) goes over direct links
 *  only: on a topic nobody could tell whose share it is. So do bids: they are for one proposer. */
export function topicOf(message: Message): "transactions" | "consensus" | undefined {
  switch (message.type) {
    case "transactions":
      return "transactions";
    case "proposal":
    case "vote":
    case "certificate":
      return "consensus";
    case "bid":
    case "list":
    case "shares":
    case "seeds":
    case "openingRequest":
    case "proofRequest":
    case "proofs":
      return undefined;
    default:
      return unreachable(message);
  }
}

export const FRAME_HEADER_BYTES = 4;
export const CONTROL_STATUS = 128;
export const CONTROL_PING = 129;
export const CONTROL_PONG = 130;
const TOKEN_BYTES = 4;

/** What a validator tells its linked peers about itself: where it stands and whom it is linked with. */
export interface LinkStatus {
  readonly status: PeerStatus;
  /** Bitfield of the validators that this one has a working direct link with. */
  readonly links: Uint8Array;
}

const linkStatusType = ssz.container(
  {
    epoch: ssz.uint64,
    view: ssz.uint64,
    finalHeight: ssz.uint64,
    finalHash: ssz.bytes(32),
    oldestHeight: ssz.uint64,
    links: ssz.bytes(SIGNERS_BYTES),
  },
  "LinkStatus",
);

export const linkStatusCodec: Codec<LinkStatus> = defineCodec({
  name: "LinkStatus",
  version: 1,
  type: linkStatusType,
  bytesMax: 1 + 64 + SIGNERS_BYTES,
  toSsz: ({ status, links }: LinkStatus) => ({ ...status, finalHash: hashToBytes(status.finalHash), links }),
  fromSsz: (value) => ({
    status: {
      epoch: Epoch.of(value.epoch),
      view: View.of(value.view),
      finalHeight: Height.of(value.finalHeight),
      finalHash: hashFromBytes<BlockHash>(value.finalHash),
      oldestHeight: Height.of(value.oldestHeight),
    },
    links: value.links,
  }),
});

/** Largest frame of each type, counted from the type byte on; a type that is not here does not exist. */
const FRAME_BOUNDS: ReadonlyMap<number, number> = new Map([
  [1, 1 + proposalCodec.bytesMax],
  [2, 1 + signedVoteCodec.bytesMax],
  [3, 1 + certificateCodec.bytesMax],
  [4, FRAME_BYTES_MAX],
  [5, FRAME_BYTES_MAX],
  [6, 1 + offeredBidCodec.bytesMax],
  [CONTROL_STATUS, 1 + linkStatusCodec.bytesMax],
  [CONTROL_PING, 1 + TOKEN_BYTES],
  [CONTROL_PONG, 1 + TOKEN_BYTES],
]);

/** The bound of a frame type in bytes; undefined for a type that does not exist. */
export function frameBytesMax(type: number): number | undefined {
  return FRAME_BOUNDS.get(type);
}

/** Puts the length before a frame's body (type byte and encoding). */
export function lengthPrefixed(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + body.length);
  new DataView(frame.buffer).setUint32(0, body.length, true);
  frame.set(body, FRAME_HEADER_BYTES);
  return frame;
}

export function controlFrame(type: number, payload: Uint8Array): Uint8Array {
  const body = new Uint8Array(1 + payload.length);
  body[0] = type;
  body.set(payload, 1);
  return lengthPrefixed(body);
}

/** A ping carries a token that its pong repeats; the token is the sender's clock in ms, modulo 2^32. */
export function tokenBytes(token: number): Uint8Array {
  const bytes = new Uint8Array(TOKEN_BYTES);
  new DataView(bytes.buffer).setUint32(0, token >>> 0, true);
  return bytes;
}

export function tokenOf(body: Uint8Array): number | undefined {
  if (body.length !== 1 + TOKEN_BYTES) return undefined;
  return new DataView(body.buffer, body.byteOffset, body.byteLength).getUint32(1, true);
}

/** Why a handshake was refused; `accepted` is the absence of a refusal. The positions are the wire format. */
const VERDICTS = [
  "accepted",
  "wrongChain",
  "wrongValidatorSet",
  "wrongProof",
  "unexpectedValidator",
  "duplicate",
  "twoNodesOneKey",
  "banned",
  "full",
  "malformed",
] as const;
export type Verdict = (typeof VERDICTS)[number];
export type HandshakeRefusal = Exclude<Verdict, "accepted">;

export interface Hello {
  readonly chainId: ChainId;
  readonly epoch: Epoch;
  readonly validatorSetHash: ValidatorSetHash;
  /** Undefined for a full node. */
  readonly validator: ValidatorIndex | undefined;
  /** The builder's account that a full node claims; undefined for the others. */
  readonly builder: AccountId | undefined;
  /** 32 fresh random bytes that the other side must sign. */
  readonly challenge: Uint8Array;
  /** 16 random bytes that name this run of the process: tells a restart from a second node with the same key. */
  readonly session: Uint8Array;
}

/** All messages of the handshake have one shape; which parts are present depends on the step (see `handshake.ts`). */
export interface HandshakeMessage {
  readonly verdict: Verdict;
  readonly hello: Hello | undefined;
  readonly signature: Uint8Array | undefined;
}

const NO_VALIDATOR = 0xffff;
/** No key of the curve's prime-order group is all zero. */
const NO_BUILDER = ZERO_HASH as string as AccountId;
export const CHALLENGE_BYTES = 32;
export const SESSION_BYTES = 16;

const helloType = ssz.container(
  {
    chainId: ssz.bytes(32),
    epoch: ssz.uint64,
    validatorSetHash: ssz.bytes(32),
    validator: ssz.uint16,
    builder: ssz.bytes(32),
    challenge: ssz.bytes(CHALLENGE_BYTES),
    session: ssz.bytes(SESSION_BYTES),
  },
  "Hello",
);

const handshakeType = ssz.container(
  { verdict: ssz.uint8, hello: ssz.list(helloType, 1), signature: ssz.list(ssz.bytes(64), 1) },
  "HandshakeMessage",
);

type HelloSsz = ReturnType<typeof helloType.defaultValue>;

function helloToSsz(hello: Hello): HelloSsz {
  return {
    ...hello,
    chainId: hashToBytes(hello.chainId),
    validatorSetHash: hashToBytes(hello.validatorSetHash),
    validator: hello.validator ?? NO_VALIDATOR,
    builder: hashToBytes(hello.builder ?? NO_BUILDER),
  };
}

/** A node is a validator, a builder or neither. */
function helloFromSsz(value: HelloSsz): Hello | undefined {
  const account = hashFromBytes<AccountId>(value.builder);
  const builder = account === NO_BUILDER ? undefined : account;
  if (value.validator >= VALIDATORS_MAX && value.validator !== NO_VALIDATOR) return undefined;
  if (value.validator !== NO_VALIDATOR && builder !== undefined) return undefined;
  return {
    chainId: hashFromBytes(value.chainId),
    epoch: Epoch.of(value.epoch),
    validatorSetHash: hashFromBytes(value.validatorSetHash),
    validator: value.validator === NO_VALIDATOR ? undefined : ValidatorIndex.of(value.validator),
    builder,
    challenge: value.challenge,
    session: value.session,
  };
}

export const handshakeCodec: Codec<HandshakeMessage> = defineCodec({
  name: "HandshakeMessage",
  version: 2,
  type: handshakeType,
  bytesMax: 1 + 9 + 154 + 64,
  toSsz: (message: HandshakeMessage) => ({
    verdict: VERDICTS.indexOf(message.verdict),
    hello: message.hello === undefined ? [] : [helloToSsz(message.hello)],
    signature: message.signature === undefined ? [] : [message.signature],
  }),
  fromSsz: (value) => {
    const verdict = VERDICTS[value.verdict];
    const [first] = value.hello;
    const hello = first === undefined ? undefined : helloFromSsz(first);
    if (verdict === undefined || (first !== undefined && hello === undefined)) return undefined;
    return { verdict, hello, signature: value.signature[0] };
  },
});
