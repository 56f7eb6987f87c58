/** Builds the contents of the golden files from samples.ts. `golden.test.ts` compares them with what is stored;
 *  `regenerate.ts` stores them. Bytes are written as hex, bigints as decimal text, absent values as null. */

import { createBlstSuite } from "../../crypto/bls_blst.ts";
import { ed25519PublicKeyOf, signEd25519 } from "../../crypto/ed25519_sodium.ts";
import {
  bidHashOf,
  bodyRootOf,
  chainIdOf,
  genesisBlockHash,
  hashHeader,
  hashTransaction,
  listsRootOf,
  sha256,
  validatorSetContext,
} from "../../crypto/hashes.ts";
import { publicKeysOf, sealKeyFile } from "../../crypto/key_file.ts";
import { bidCodec, bidSigningBytes, bundleContentCodec, bundleLabelOf, encodeBundle, offeredBidCodec } from "../../types/bid.ts";
import { blockCodec, blockHeaderCodec, proposalCodec } from "../../types/block.ts";
import { asciiBytes, toHex } from "../../types/bytes.ts";
import type { Codec } from "../../types/codec.ts";
import { envelopeSigningBytes, feeClassOf, labelOf, sealedContentCodec, sealedEnvelopeCodec } from "../../types/envelope.ts";
import { evidenceCodec } from "../../types/evidence.ts";
import { genesisCodec } from "../../types/genesis.ts";
import type { TransactionHash } from "../../types/ids.ts";
import { type InclusionList, inclusionListCodec, inclusionListsCodec, listSigningBytes } from "../../types/inclusion_list.ts";
import { type KeygenMessage, keygenMessageCodec, keygenSigningBytes, signedKeygenMessageCodec } from "../../types/keygen.ts";
import { encodeMessage, type Message, transactionBatchCodec } from "../../types/message.ts";
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
import { ballotSigningBytes, proposalSigningBytes, TAGS, transactionSigningBytes } from "../../types/signing.ts";
import { syncRequestCodec, syncResponseCodec } from "../../types/sync.ts";
import { signedTransactionCodec, transactionPayloadCodec } from "../../types/transaction.ts";
import { validatorSetCodec } from "../../types/validator_set.ts";
import { certificateCodec, signedVoteCodec } from "../../types/vote.ts";
import * as building from "./bid_samples.ts";
import { keygenMessages } from "./keygen_samples.ts";
import * as opening from "./opening_samples.ts";
import * as samples from "./samples.ts";
import * as sealed from "./sealed_samples.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** One codec with all its sample values. */
export interface GoldenCodec {
  readonly name: string;
  readonly version: number;
  readonly cases: readonly { readonly value: unknown; readonly bytes: Uint8Array }[];
  decode(bytes: Uint8Array): { readonly ok: boolean; readonly value?: unknown };
}

function codecCases<T>(codec: Codec<T>, values: readonly T[]): GoldenCodec {
  const { name, version, decode } = codec;
  return { name, version, decode, cases: values.map((value) => ({ value, bytes: codec.encode(value) })) };
}

export const GOLDEN_CODECS: readonly GoldenCodec[] = [
  codecCases(blockHeaderCodec, [samples.header, samples.largestHeader]),
  codecCases(proposalCodec, [samples.proposal, ...building.builtProposals]),
  codecCases(blockCodec, [samples.block, samples.firstBlock, ...building.builtBlocks]),
  codecCases(bidCodec, building.bids),
  codecCases(offeredBidCodec, building.offeredBids),
  codecCases(bundleContentCodec, building.bundleContents),
  codecCases(signedVoteCodec, samples.signedVotes),
  codecCases(certificateCodec, samples.certificates),
  codecCases(evidenceCodec, samples.evidence),
  codecCases(validatorSetCodec, [samples.validatorSet]),
  codecCases(genesisCodec, [samples.genesis]),
  codecCases(safetyRecordCodec, samples.safetyRecords),
  codecCases(transactionPayloadCodec, [samples.payload]),
  codecCases(signedTransactionCodec, [samples.signedTransaction]),
  codecCases(transactionBatchCodec, [samples.transactionBatch]),
  codecCases(syncRequestCodec, samples.syncRequests),
  codecCases(syncResponseCodec, samples.syncResponses),
  codecCases(sealedEnvelopeCodec, sealed.envelopes),
  codecCases(sealedContentCodec, [sealed.content]),
  codecCases(inclusionListCodec, sealed.lists),
  codecCases(inclusionListsCodec, [[], sealed.lists]),
  codecCases(keygenMessageCodec, keygenMessages),
  codecCases(
    signedKeygenMessageCodec,
    keygenMessages.map((message, index) => ({ message, signature: samples.counting(64, 0x80 + index) })),
  ),
  codecCases(sharesMessageCodec, [opening.sharesMessage]),
  codecCases(seedsMessageCodec, [opening.seedsMessage]),
  codecCases(openingsCodec, [[], opening.laneOpenings]),
  codecCases(storedSharesCodec, [opening.storedShares]),
  codecCases(openingRequestCodec, [opening.openingRequest]),
  codecCases(proofRequestCodec, opening.proofRequests),
  codecCases(proofsMessageCodec, [opening.proofsMessage]),
];

export const GOLDEN_MESSAGES: readonly Message[] = [
  ...samples.messages,
  ...building.offeredBids.map((offered) => ({ type: "bid", ...offered }) as const),
  opening.sharesMessage,
  opening.seedsMessage,
  opening.openingRequest,
  ...opening.proofRequests,
  opening.proofsMessage,
];

/** File name to content. */
export function goldenFiles(): ReadonlyMap<string, Json> {
  return new Map<string, Json>([
    ["codecs.json", GOLDEN_CODECS.map(({ name, version, cases }) => ({ name, version, cases: cases.map(toJson) }))],
    ["frames.json", GOLDEN_MESSAGES.map((message) => toJson({ type: message.type, bytes: encodeMessage(message) }))],
    ["signing.json", toJson(signing())],
    ["hashes.json", toJson(hashes())],
    ["signatures.json", toJson(signatures())],
    ["key_file.json", toJson(keyFile())],
  ]);
}

function signing() {
  const { domain } = samples;
  return {
    tags: TAGS,
    domain,
    ballots: [samples.voteBallot, samples.commitBallot, samples.timeout].map((ballot) => ({
      ballot,
      bytes: ballotSigningBytes(domain, ballot),
    })),
    proposal: {
      view: samples.header.view,
      blockHash: hashHeader(samples.header),
      bytes: proposalSigningBytes(domain, samples.header.view, hashHeader(samples.header)),
    },
    transaction: transactionSigningBytes(transactionPayloadCodec.encode(samples.payload)),
    envelopes: sealed.envelopes.map((envelope) => ({
      label: labelOf(envelope),
      bytes: envelopeSigningBytes(envelope),
      feeClass: feeClassOf(envelope),
    })),
    list: listSigningBytes(domain, sealed.lists[0] as InclusionList),
    bids: building.bids.map((bid) => ({ bytes: bidSigningBytes(domain, bid), label: bundleLabelOf(domain.chainId, bid) })),
    bundles: building.bundleContents.map((content) => ({ content, message: encodeBundle(content) })),
    keygen: keygenSigningBytes(domain, keygenMessages[1] as KeygenMessage),
  };
}

function hashes() {
  const leaves = Array.from({ length: 9 }, (_, index) => hashTransaction(Uint8Array.of(index)));
  const bodies = [0, 1, 2, 3, 4, 5, 8, 9].map((count) => ({ count, root: bodyRootOf(leaves.slice(0, count)) }));
  return {
    sha256: [0, 1, 55, 56, 63, 64, 65, 119, 200].map((length) => ({ length, digest: sha256(samples.counting(length, 0)) })),
    headers: [samples.header, samples.largestHeader].map(hashHeader),
    transaction: hashTransaction(signedTransactionCodec.encode(samples.signedTransaction)),
    leaves: leaves as readonly TransactionHash[],
    bodies,
    lists: [[], sealed.lists].map(listsRootOf),
    bids: building.bids.map(bidHashOf),
    validatorSet: validatorSetContext(samples.validatorSet).hash,
    chainId: chainIdOf(samples.genesis),
    genesisBlock: genesisBlockHash(chainIdOf(samples.genesis)),
  };
}

function signatures() {
  const bls = createBlstSuite();
  const message = asciiBytes("golden");
  const members = [0, 1, 2].map((index) => {
    const seed = samples.counting(32, 16 * index);
    const secretKey = bls.deriveSecretKey(seed);
    const signature = bls.sign(secretKey, message);
    return { seed, secretKey, publicKey: bls.publicKeyOf(secretKey), signature, possession: bls.provePossession(secretKey) };
  });
  const ed25519Seed = samples.counting(32, 0x33);
  return {
    message,
    bls: members,
    aggregate: bls.aggregate(members.map(({ signature }) => signature)),
    ed25519: { seed: ed25519Seed, publicKey: ed25519PublicKeyOf(ed25519Seed), signature: signEd25519(ed25519Seed, message) },
  };
}

export const KEY_FILE_PASSPHRASE = "golden passphrase";

function keyFile() {
  const keys = {
    blsSecretKey: createBlstSuite().deriveSecretKey(samples.counting(32, 1)),
    ed25519Seed: samples.counting(32, 2),
    nodeSeed: samples.counting(32, 3),
  };
  const text = sealKeyFile({
    keys,
    publicKeys: publicKeysOf(keys, { bls: createBlstSuite(), ed25519PublicKeyOf }),
    passphrase: KEY_FILE_PASSPHRASE,
    salt: samples.counting(32, 4),
    nonce: samples.counting(24, 5),
    cost: 10,
  });
  return { passphrase: KEY_FILE_PASSPHRASE, keys, text };
}

/** Plain JSON of our values. */
export function toJson(value: unknown): Json {
  if (value === undefined || value === null) return null;
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.map(toJson);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, toJson(inner)]));
}
