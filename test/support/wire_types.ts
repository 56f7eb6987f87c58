/** Every wire type with its arbitrary, in one table, so that no test of encodings forgets one. */

import fc from "fast-check";
import { bidCodec, bundleContentCodec, offeredBidCodec } from "../../types/bid.ts";
import { blockCodec, blockHeaderCodec, proposalCodec } from "../../types/block.ts";
import type { Codec, DecodeFailure } from "../../types/codec.ts";
import { sealedContentCodec, sealedEnvelopeCodec } from "../../types/envelope.ts";
import { evidenceCodec } from "../../types/evidence.ts";
import { genesisCodec } from "../../types/genesis.ts";
import { inclusionListCodec, inclusionListsCodec } from "../../types/inclusion_list.ts";
import { keygenMessageCodec, signedKeygenMessageCodec } from "../../types/keygen.ts";
import { FRAME_BYTES_MAX } from "../../types/limits.ts";
import { decodeMessage, encodeMessage, type Message, transactionBatchCodec } from "../../types/message.ts";
import {
  openingRequestCodec,
  openingsCodec,
  proofRequestCodec,
  proofsMessageCodec,
  seedsMessageCodec,
  sharesMessageCodec,
  storedSharesCodec,
} from "../../types/opening_message.ts";
import { safetyRecordCodec } from "../../types/safety_record.ts";
import { syncRequestCodec, syncResponseCodec } from "../../types/sync.ts";
import { signedTransactionCodec, transactionPayloadCodec } from "../../types/transaction.ts";
import { validatorSetCodec } from "../../types/validator_set.ts";
import { certificateCodec, signedVoteCodec } from "../../types/vote.ts";
import * as arbitraries from "./arbitraries.ts";
import { keygenMessages, signedKeygenMessages } from "./keygen_arbitraries.ts";
import * as opening from "./opening_arbitraries.ts";
import * as sealed from "./sealed_arbitraries.ts";

export type AnyDecoded =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: DecodeFailure | "unknownType" };

export interface Encoded {
  readonly value: unknown;
  readonly bytes: Uint8Array;
}

export interface WireType {
  readonly name: string;
  readonly bytesMax: number;
  /** All encodings have one length. */
  readonly isFixedSize: boolean;
  readonly samples: fc.Arbitrary<Encoded>;
  /** `value` comes from `samples` or `decode`. */
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): AnyDecoded;
}

function wireType<T>(codec: Codec<T>, values: fc.Arbitrary<T>, isFixedSize = false): WireType {
  return {
    name: codec.name,
    bytesMax: codec.bytesMax,
    isFixedSize,
    samples: values.map((value) => ({ value, bytes: codec.encode(value) })),
    encode: (value) => codec.encode(value as T),
    decode: codec.decode,
  };
}

const frame: WireType = {
  name: "Message frame",
  bytesMax: FRAME_BYTES_MAX,
  isFixedSize: false,
  samples: fc.oneof(arbitraries.messages, opening.openingMessages).map((value) => ({ value, bytes: encodeMessage(value) })),
  encode: (value) => encodeMessage(value as Message),
  decode(bytes) {
    const decoded = decodeMessage(bytes);
    return decoded.ok ? { ok: true, value: decoded.message } : decoded;
  },
};

export const CODECS: readonly WireType[] = [
  wireType(blockHeaderCodec, arbitraries.blockHeaders, true),
  wireType(proposalCodec, arbitraries.proposals),
  wireType(blockCodec, arbitraries.blocks),
  wireType(bidCodec, arbitraries.bids),
  wireType(offeredBidCodec, arbitraries.offeredBids),
  wireType(bundleContentCodec, arbitraries.bundleContents),
  wireType(signedVoteCodec, arbitraries.signedVotes, true),
  wireType(certificateCodec, arbitraries.certificates, true),
  wireType(evidenceCodec, arbitraries.evidences),
  wireType(validatorSetCodec, arbitraries.validatorSets),
  wireType(genesisCodec, arbitraries.genesisFiles),
  wireType(safetyRecordCodec, arbitraries.safetyRecords),
  wireType(transactionPayloadCodec, arbitraries.transactionPayloads),
  wireType(signedTransactionCodec, arbitraries.signedTransactions),
  wireType(transactionBatchCodec, arbitraries.transactionBatches),
  wireType(syncRequestCodec, arbitraries.syncRequests),
  wireType(syncResponseCodec, arbitraries.syncResponses),
  wireType(sealedEnvelopeCodec, sealed.envelopes),
  wireType(sealedContentCodec, sealed.contents),
  wireType(inclusionListCodec, sealed.inclusionLists),
  wireType(inclusionListsCodec, sealed.listsOfOneView),
  wireType(keygenMessageCodec, keygenMessages),
  wireType(signedKeygenMessageCodec, signedKeygenMessages),
  wireType(sharesMessageCodec, opening.sharesMessages),
  wireType(seedsMessageCodec, opening.seedsMessages),
  wireType(openingsCodec, opening.laneOpenings),
  wireType(storedSharesCodec, opening.storedShares),
  wireType(openingRequestCodec, opening.openingRequests),
  wireType(proofRequestCodec, opening.proofRequests),
  wireType(proofsMessageCodec, opening.proofsMessages),
];

export const WIRE_TYPES: readonly WireType[] = [...CODECS, frame];
