/** What validators and users sign: tag ‖ chain id ‖ epoch ‖ validator-set hash ‖ view ‖ fields, one tag per message type.
 *  R13: epoch and set are in all signed bytes, so a record of an old epoch cannot be replayed into a new one. */

import { asciiBytes, concatBytes, fromHex } from "./bytes.ts";
import type { BlockHash, ChainId, Epoch, ValidatorSetHash, View } from "./ids.ts";
import type { Ballot, VoteKind } from "./vote.ts";

/** Tags are 16 bytes, padded with zero bytes, unique per message type. */
const tag = (text: string): Uint8Array => {
  const bytes = new Uint8Array(16);
  bytes.set(asciiBytes(text));
  return bytes;
};

export const TAGS = {
  vote: tag("sls/vote/1"),
  commit: tag("sls/commit/1"),
  timeout: tag("sls/timeout/1"),
  proposal: tag("sls/proposal/1"),
  handshake: tag("sls/handshake/1"),
  transaction: tag("sls/tx/1"),
  header: tag("sls/header/1"),
  validatorSet: tag("sls/set/1"),
  genesis: tag("sls/genesis/1"),
  possession: tag("sls/pop/1"),
} as const;

/** The chain and validator set that a signature is bound to. */
export interface SigningDomain {
  readonly chainId: ChainId;
  readonly epoch: Epoch;
  readonly validatorSetHash: ValidatorSetHash;
}

const BALLOT_TAGS: Readonly<Record<VoteKind, Uint8Array>> = { vote: TAGS.vote, commit: TAGS.commit, timeout: TAGS.timeout };

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

function prefix(kind: Uint8Array, domain: SigningDomain, view: View): Uint8Array {
  return concatBytes([kind, fromHex(domain.chainId), uint64(domain.epoch), fromHex(domain.validatorSetHash), uint64(view)]);
}

/** Bytes under the BLS signature of a vote, commit vote or timeout: 96 + 40 bytes. */
export function ballotSigningBytes(domain: SigningDomain, ballot: Ballot): Uint8Array {
  return concatBytes([prefix(BALLOT_TAGS[ballot.kind], domain, ballot.view), uint64(ballot.height), fromHex(ballot.blockHash)]);
}

/** Bytes under the proposer's Ed25519 signature. */
export function proposalSigningBytes(domain: SigningDomain, view: View, blockHash: BlockHash): Uint8Array {
  return concatBytes([prefix(TAGS.proposal, domain, view), fromHex(blockHash)]);
}

/** Bytes under the sender's Ed25519 signature of a transaction; `payload` is its encoded payload, which names chain and expiry. */
export function transactionSigningBytes(payload: Uint8Array): Uint8Array {
  return concatBytes([TAGS.transaction, payload]);
}
