/** Key generation messages: how validators make a sealing key together, through blocks. A message travels as a transaction of kind 3
 *  (the codec's version byte). It never carries a secret in the clear: dealt shares are sealed to their recipients.
 *
 *  A message names its session (chain, epoch, previous key) and round, and its Ed25519 signature binds the validator set as well (R13),
 *  so that no message counts in another session or round. */

import { concatBytes } from "./bytes.ts";
import { type Codec, defineCodec, hashFromBytes, hashToBytes, ssz } from "./codec.ts";
import { type ChainId, Epoch, ValidatorIndex } from "./ids.ts";
import { TRANSACTION_BYTES_MAX, VALIDATORS_MAX } from "./limits.ts";
import { type KeyDeal, type KeyId, SEALING_SIZES, type ShareDisclosure } from "./sealing.ts";
import { bytesOfDomain, type SigningDomain, TAGS } from "./signing.ts";

/** Shows that `dealer` dealt us a share that does not fit its commitments. */
export interface KeyComplaint {
  readonly dealer: ValidatorIndex;
  readonly disclosure: ShareDisclosure;
}

/** deal: one per dealer and round. ack or complaint: one of the two per recipient and round, after the deals are in; an ack says
 *  that every deal gave us our share, a complaint names all deals that did not, by dealer ascending. */
export type KeygenBody =
  | { readonly kind: "deal"; readonly deal: KeyDeal }
  | { readonly kind: "ack" }
  | { readonly kind: "complaint"; readonly complaints: readonly KeyComplaint[] };

export interface KeygenMessage {
  readonly chainId: ChainId;
  readonly epoch: Epoch;
  /** ZERO_HASH: a fresh key. Otherwise the key whose shares are dealt anew. */
  readonly previousKeyId: KeyId;
  /** Rounds of a session count from 0. */
  readonly round: number;
  /** Who signs. In a deal of a resharing: index among the holders of the previous key; else index among the validators. */
  readonly validator: ValidatorIndex;
  readonly body: KeygenBody;
}

export interface SignedKeygenMessage {
  readonly message: KeygenMessage;
  /** Ed25519 over `keygenSigningBytes`, 64 bytes. */
  readonly signature: Uint8Array;
}

const { point, scalar, dealProof } = SEALING_SIZES;

export const keyDealType = ssz.container(
  {
    commitments: ssz.list(ssz.bytes(point), VALIDATORS_MAX),
    ephemeral: ssz.bytes(point),
    sealedShares: ssz.list(ssz.bytes(scalar), VALIDATORS_MAX),
    proof: ssz.bytes(dealProof),
  },
  "KeyDeal",
);

/** Upper bound of an encoded deal, without its version byte. */
export const KEY_DEAL_BYTES_MAX = 8 + point + dealProof + VALIDATORS_MAX * (point + scalar);

const complaintType = ssz.container(
  { dealer: ssz.uint16, sharedPoint: ssz.bytes(point), proof: ssz.bytes(SEALING_SIZES.proof) },
  "KeyComplaint",
);

/** The kind is told by what is inside: a deal, complaints, or neither (an ack). */
const keygenMessageType = ssz.container(
  {
    chainId: ssz.bytes(32),
    epoch: ssz.uint64,
    previousKeyId: ssz.bytes(32),
    round: ssz.uint16,
    validator: ssz.uint16,
    deals: ssz.list(keyDealType, 1),
    complaints: ssz.list(complaintType, VALIDATORS_MAX),
  },
  "KeygenMessage",
);

type MessageSsz = ReturnType<typeof keygenMessageType.defaultValue>;

export const dealToSsz = (deal: KeyDeal): ReturnType<typeof keyDealType.defaultValue> => ({
  ...deal,
  commitments: [...deal.commitments],
  sealedShares: [...deal.sealedShares],
});

function messageToSsz({ body, ...message }: KeygenMessage): MessageSsz {
  return {
    ...message,
    chainId: hashToBytes(message.chainId),
    previousKeyId: hashToBytes(message.previousKeyId),
    deals: body.kind === "deal" ? [dealToSsz(body.deal)] : [],
    complaints: body.kind === "complaint" ? body.complaints.map(({ dealer, disclosure }) => ({ dealer, ...disclosure })) : [],
  };
}

function messageFromSsz(value: MessageSsz): KeygenMessage | undefined {
  const body = bodyFromSsz(value);
  if (body === undefined || value.validator >= VALIDATORS_MAX) return undefined;
  return {
    chainId: hashFromBytes(value.chainId),
    epoch: Epoch.of(value.epoch),
    previousKeyId: hashFromBytes(value.previousKeyId),
    round: value.round,
    validator: ValidatorIndex.of(value.validator),
    body,
  };
}

function bodyFromSsz({ deals: [deal], complaints }: MessageSsz): KeygenBody | undefined {
  if (deal !== undefined) return complaints.length === 0 ? { kind: "deal", deal } : undefined;
  if (complaints.length === 0) return { kind: "ack" };
  const isAscending = complaints.every(({ dealer }, at) => dealer > (complaints[at - 1]?.dealer ?? -1) && dealer < VALIDATORS_MAX);
  if (!isAscending) return undefined;
  return {
    kind: "complaint",
    complaints: complaints.map(({ dealer, sharedPoint, proof }) => ({
      dealer: ValidatorIndex.of(dealer),
      disclosure: { sharedPoint, proof },
    })),
  };
}

export const keygenMessageCodec: Codec<KeygenMessage> = defineCodec({
  name: "KeygenMessage",
  version: 3,
  type: keygenMessageType,
  bytesMax: TRANSACTION_BYTES_MAX - 68,
  toSsz: messageToSsz,
  fromSsz: messageFromSsz,
});

export const signedKeygenMessageCodec: Codec<SignedKeygenMessage> = defineCodec({
  name: "SignedKeygenMessage",
  version: 3,
  type: ssz.container({ message: keygenMessageType, signature: ssz.bytes(64) }, "SignedKeygenMessage"),
  bytesMax: TRANSACTION_BYTES_MAX,
  toSsz: (signed: SignedKeygenMessage) => ({ message: messageToSsz(signed.message), signature: signed.signature }),
  fromSsz: (value) => {
    const message = messageFromSsz(value.message);
    return message === undefined ? undefined : { message, signature: value.signature };
  },
});

/** The message under the validator's Ed25519 signature: tag ‖ domain ‖ encoding of the message with its version byte. */
export function keygenSigningBytes(domain: SigningDomain, message: KeygenMessage): Uint8Array {
  return concatBytes([TAGS.keygen, bytesOfDomain(domain), keygenMessageCodec.encode(message)]);
}
