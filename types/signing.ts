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
  builderHandshake: tag("sls/hs-builder/1"),
  transaction: tag("sls/tx/1"),
  header: tag("sls/header/1"),
  validatorSet: tag("sls/set/1"),
  genesis: tag("sls/genesis/1"),
  possession: tag("sls/pop/1"),
  label: tag("sls/label/1"),
  envelope: tag("sls/envelope/1"),
  list: tag("sls/list/1"),
  lists: tag("sls/lists/1"),
  keygen: tag("sls/keygen/1"),
  keygenSession: tag("sls/kg-session/1"),
  bid: tag("sls/bid/1"),
  bidHash: tag("sls/bid-hash/1"),
  bundle: tag("sls/bundle/1"),
} as const;

/** The chain and validator set that a signature is bound to. */
export interface SigningDomain {
  readonly chainId: ChainId;
  readonly epoch: Epoch;
  readonly validatorSetHash: ValidatorSetHash;
}

const BALLOT_TAGS: Readonly<Record<VoteKind, Uint8Array>> = { vote: TAGS.vote, commit: TAGS.commit, timeout: TAGS.timeout };

/** Little-endian uint64 of a safe integer. */
function putUint64(bytes: Uint8Array, offset: number, value: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
}

const PREFIX_BYTES = 16 + 32 + 8 + 32 + 8;

/** Chain id ‖ epoch ‖ validator-set hash by domain: every vote of an epoch carries the same. */
const domainBytes = new WeakMap<SigningDomain, Uint8Array>();

export function bytesOfDomain(domain: SigningDomain): Uint8Array {
  const known = domainBytes.get(domain);
  if (known !== undefined) return known;
  const epoch = new Uint8Array(8);
  putUint64(epoch, 0, domain.epoch);
  const bytes = concatBytes([fromHex(domain.chainId), epoch, fromHex(domain.validatorSetHash)]);
  domainBytes.set(domain, bytes);
  return bytes;
}

/** A message that begins with tag, domain and view and has room for `more` bytes. */
function prefixed(kind: Uint8Array, domain: SigningDomain, fields: { readonly view: View; readonly more: number }): Uint8Array {
  const bytes = new Uint8Array(PREFIX_BYTES + fields.more);
  bytes.set(kind, 0);
  bytes.set(bytesOfDomain(domain), 16);
  putUint64(bytes, PREFIX_BYTES - 8, fields.view);
  return bytes;
}

/** What signed bytes of a format of their own begin with: tag, domain and view. */
export function signingPrefixOf(kind: Uint8Array, domain: SigningDomain, view: View): Uint8Array {
  return prefixed(kind, domain, { view, more: 0 });
}

/** Bytes under the BLS signature of a vote, commit vote or timeout: 96 + 40 bytes. */
export function ballotSigningBytes(domain: SigningDomain, ballot: Ballot): Uint8Array {
  const bytes = prefixed(BALLOT_TAGS[ballot.kind], domain, { view: ballot.view, more: 40 });
  putUint64(bytes, PREFIX_BYTES, ballot.height);
  bytes.set(fromHex(ballot.blockHash), PREFIX_BYTES + 8);
  return bytes;
}

/** Bytes under the proposer's Ed25519 signature. */
export function proposalSigningBytes(domain: SigningDomain, view: View, blockHash: BlockHash): Uint8Array {
  const bytes = prefixed(TAGS.proposal, domain, { view, more: 32 });
  bytes.set(fromHex(blockHash), PREFIX_BYTES);
  return bytes;
}

/** Bytes under the sender's Ed25519 signature of a transaction; `payload` is its encoded payload, which names chain and expiry. */
export function transactionSigningBytes(payload: Uint8Array): Uint8Array {
  return concatBytes([TAGS.transaction, payload]);
}

/** Bytes under a validator's Ed25519 signature of an inclusion list; `content` is everything that the list says beside its view. */
export function inclusionListSigningBytes(domain: SigningDomain, view: View, content: Uint8Array): Uint8Array {
  const bytes = prefixed(TAGS.list, domain, { view, more: content.length });
  bytes.set(content, PREFIX_BYTES);
  return bytes;
}
