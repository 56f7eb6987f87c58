/** The values of the sealed mempool behind the golden vectors, written out or computed from their position like those of samples.ts. */

import { toHex } from "../../types/bytes.ts";
import { FEE_CLASS_MAX, type ListEntry, SEALED_SIZE_CLASS_MAX, type SealedContent, type SealedEnvelope } from "../../types/envelope.ts";
import { type AccountId, Epoch, Height, type TransactionHash, ValidatorIndex, View } from "../../types/ids.ts";
import type { InclusionList } from "../../types/inclusion_list.ts";
import type { KeyId } from "../../types/sealing.ts";
import { CHAIN_ID, counting, payload } from "./samples.ts";

const hash = <T extends string>(first: number): T => toHex<T>(counting(32, first));

const envelope: SealedEnvelope = {
  chainId: CHAIN_ID,
  suite: 1,
  keyId: hash<KeyId>(0x21),
  sender: hash<AccountId>(0xf1),
  nonce: 43,
  gasLimit: 3,
  fee: 1_000,
  expiryHeight: Height.of(0x0102_0304),
  sizeClass: 0,
  sealedHash: hash<string>(0x31),
  signature: counting(64, 0x41),
  sealed: counting(256 + 176, 0x51),
};

/** The second has the largest numbers that the encoding carries. */
export const envelopes: readonly SealedEnvelope[] = [
  envelope,
  {
    ...envelope,
    suite: 255,
    nonce: Number.MAX_SAFE_INTEGER,
    gasLimit: 2 ** 32 - 1,
    fee: Number.MAX_SAFE_INTEGER,
    expiryHeight: Height.of(Number.MAX_SAFE_INTEGER),
    sizeClass: 1,
    sealed: counting(512 + 176, 0x52),
  },
];

export const content: SealedContent = { operations: payload.operations };

const entryOf = (first: number, fields: Partial<ListEntry>): ListEntry => ({
  id: hash<TransactionHash>(first),
  expiryHeight: Height.of(1_000),
  feeClass: 8,
  sizeClass: 0,
  ...fields,
});
const [first, second, third] = [
  entryOf(0x61, {}),
  entryOf(0x71, { feeClass: FEE_CLASS_MAX, sizeClass: SEALED_SIZE_CLASS_MAX }),
  entryOf(0x81, { expiryHeight: Height.of(Number.MAX_SAFE_INTEGER) }),
] as const;

const listOf = (validator: number, entries: readonly ListEntry[]): InclusionList => ({
  epoch: Epoch.of(1),
  view: View.of(78),
  sequence: validator + 5,
  validator: ValidatorIndex.of(validator),
  entries,
  signature: counting(64, 0x91 + validator),
});

/** The last list describes the first id in another way: two entries of the table. */
export const lists: readonly InclusionList[] = [
  listOf(0, [second, first]),
  listOf(2, []),
  listOf(3, [first, third]),
  listOf(127, [third, { ...first, feeClass: 9 }]),
];
