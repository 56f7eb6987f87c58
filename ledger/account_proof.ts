/** Proofs that an account has a certain record, or that it is not open, against a state root (L10). Verifying needs SHA-256 only,
 *  so a light client or a browser can do it.
 *
 *  Every account record names the slot of the next key in order; slot 0 is the head, before all keys. Presence is one record with its
 *  path. Absence is the record with the greatest smaller key, whose link leads to a greater key (shown too) or to the end. */

import { sha256 } from "../crypto/hashes.ts";
import { bytesEqual, compareBytes, concatBytes, fromHex, toHex } from "../types/bytes.ts";
import { type Codec, defineCodec, ssz } from "../types/codec.ts";
import type { AccountId, StateRoot } from "../types/ids.ts";
import { readAmount } from "./amounts.ts";
import { TABLE_DEPTHS } from "./limits.ts";
import { ACCOUNT, ACCOUNT_FLAG_ISSUER, RECORD_BYTES } from "./record_layout.ts";
import { depthOf, listRoot, recordRoot } from "./state_root.ts";

/** One balance sheet. Amounts in the asset's smallest unit. */
export interface AccountRecord {
  readonly account: AccountId;
  readonly asset: number;
  readonly isIssuer: boolean;
  readonly debitsPending: bigint;
  readonly debitsPosted: bigint;
  readonly creditsPending: bigint;
  readonly creditsPosted: bigint;
  /** credits posted − debits posted − debits pending; may be negative for the issuer only. */
  readonly available: bigint;
}

export interface ProvenRecord {
  readonly slot: number;
  readonly record: Uint8Array;
  /** From the record upwards; above the smallest full tree siblings are empty subtrees and left out. */
  readonly siblings: readonly Uint8Array[];
}

export interface AccountProof {
  /** Records in the account table, the reserved one included. */
  readonly count: number;
  /** One record for presence, or for absence beyond the greatest key; two for absence between keys. */
  readonly records: readonly ProvenRecord[];
  /** From the table's root up to the state root. */
  readonly stateSiblings: readonly Uint8Array[];
}

export type AccountVerdict =
  | { readonly ok: true; readonly record: AccountRecord | undefined }
  | { readonly ok: false; readonly reason: "malformed" | "wrongRoot" | "wrongKey" | "notAdjacent" };

const STATE_SIBLINGS = 3;

const proofType = ssz.container(
  {
    count: ssz.uint32,
    records: ssz.list(
      ssz.container(
        { slot: ssz.uint32, record: ssz.bytes(RECORD_BYTES), siblings: ssz.list(ssz.bytes(32), TABLE_DEPTHS.accounts) },
        "ProvenRecord",
      ),
      2,
    ),
    stateSiblings: ssz.list(ssz.bytes(32), STATE_SIBLINGS),
  },
  "AccountProof",
);

export const accountProofCodec: Codec<AccountProof> = defineCodec({
  name: "AccountProof",
  version: 1,
  type: proofType,
  bytesMax: 4_096,
  toSsz: (proof: AccountProof) => ({
    count: proof.count,
    records: proof.records.map(({ slot, record, siblings }) => ({ slot, record, siblings: [...siblings] })),
    stateSiblings: [...proof.stateSiblings],
  }),
  fromSsz: (value) => {
    if (value.records.length === 0 || value.stateSiblings.length !== STATE_SIBLINGS) return undefined;
    if (value.count > 2 ** TABLE_DEPTHS.accounts) return undefined;
    const depth = depthOf(value.count);
    const isExact = value.records.every(({ slot, siblings }) => slot < value.count && siblings.length === depth);
    return isExact ? value : undefined;
  },
});

/** Checks a proof's bytes against a certified state root. `record` undefined: proved that the account is not open. Never throws
 *  on any proof; `root` and `account` are 64 lower-case hex characters. */
export function verifyAccountProof(options: {
  readonly root: StateRoot;
  readonly account: AccountId;
  readonly asset: number;
  readonly proof: Uint8Array;
}): AccountVerdict {
  const decoded = accountProofCodec.decode(options.proof);
  if (!decoded.ok) return { ok: false, reason: "malformed" };
  const proof = decoded.value;
  const root = fromHex(options.root);
  if (!proof.records.every((leaf) => bytesEqual(stateRootFrom(leaf, proof), root))) return { ok: false, reason: "wrongRoot" };
  const [first, second] = proof.records as [ProvenRecord, ProvenRecord | undefined];
  const order = compareToKey(first, options);
  if (order === 0) {
    return second === undefined ? { ok: true, record: decodeAccountRecord(first.record) } : { ok: false, reason: "malformed" };
  }
  if (order > 0) return { ok: false, reason: "wrongKey" };
  const next = field(first.record, ACCOUNT.next);
  if (next !== (second?.slot ?? 0)) return { ok: false, reason: "notAdjacent" };
  if (second !== undefined && compareToKey(second, options) <= 0) return { ok: false, reason: "notAdjacent" };
  return { ok: true, record: undefined };
}

export function decodeAccountRecord(record: Uint8Array): AccountRecord {
  const words = new Uint32Array(record.slice().buffer);
  const debitsPending = readAmount(words, ACCOUNT.debitsPending);
  const debitsPosted = readAmount(words, ACCOUNT.debitsPosted);
  const creditsPosted = readAmount(words, ACCOUNT.creditsPosted);
  return {
    account: toHex<AccountId>(record.subarray(0, 32)),
    asset: field(record, ACCOUNT.asset),
    isIssuer: (field(record, ACCOUNT.flags) & ACCOUNT_FLAG_ISSUER) !== 0,
    debitsPending,
    debitsPosted,
    creditsPending: readAmount(words, ACCOUNT.creditsPending),
    creditsPosted,
    available: creditsPosted - debitsPosted - debitsPending,
  };
}

/** The head of the chain stands before every key, also before the key that its zero bytes spell. */
function compareToKey(leaf: ProvenRecord, key: { readonly account: AccountId; readonly asset: number }): number {
  if (leaf.slot === 0) return -1;
  const order = compareBytes(leaf.record.subarray(0, 32), fromHex(key.account));
  return order !== 0 ? order : field(leaf.record, ACCOUNT.asset) - key.asset;
}

function stateRootFrom(leaf: ProvenRecord, proof: AccountProof): Uint8Array {
  let root = recordRoot(leaf.record, hashPair);
  for (const [level, sibling] of leaf.siblings.entries()) {
    root = (leaf.slot >>> level) & 1 ? hashPair(sibling, root) : hashPair(root, sibling);
  }
  root = listRoot(root, { fromDepth: leaf.siblings.length, depth: TABLE_DEPTHS.accounts, count: proof.count }, hashPair);
  for (const sibling of proof.stateSiblings) root = hashPair(root, sibling);
  return root;
}

function field(record: Uint8Array, word: number): number {
  return new DataView(record.buffer, record.byteOffset, record.byteLength).getUint32(word * 4, true);
}

function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes([left, right]));
}
