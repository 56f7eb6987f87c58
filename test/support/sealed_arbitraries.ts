/** fast-check arbitraries of what the sealed mempool sends: envelopes, contents and inclusion lists. */

import fc from "fast-check";
import {
  type EnvelopeFields,
  FEE_CLASS_MAX,
  type ListEntry,
  SEALED_SIZE_CLASS_MAX,
  type SealedContent,
  type SealedEnvelope,
  sealedBytesOf,
} from "../../types/envelope.ts";
import type { AccountId, ChainId, TransactionHash, ValidatorIndex } from "../../types/ids.ts";
import type { InclusionList } from "../../types/inclusion_list.ts";
import type { KeyId } from "../../types/sealing.ts";
import { bytesOf, epochs, hashes, heights, indices, integersFrom, operations, record, views } from "./arbitraries.ts";

/** Small classes alone: larger ones differ in length only. */
const SIZE_CLASS_MAX = 2;

export const envelopeFields: fc.Arbitrary<EnvelopeFields> = record({
  chainId: hashes<ChainId>(),
  suite: fc.integer({ min: 0, max: 255 }),
  keyId: hashes<KeyId>(),
  sender: hashes<AccountId>(),
  nonce: integersFrom(0),
  gasLimit: integersFrom(0, 2 ** 32 - 1),
  fee: integersFrom(0),
  expiryHeight: heights,
  sizeClass: fc.integer({ min: 0, max: SIZE_CLASS_MAX }),
});

export const envelopes: fc.Arbitrary<SealedEnvelope> = envelopeFields.chain((fields) =>
  record({ sealedHash: hashes<string>(), signature: bytesOf(64), sealed: bytesOf(sealedBytesOf(fields.sizeClass)) }).map((rest) => ({
    ...fields,
    ...rest,
  })),
);

export const contents: fc.Arbitrary<SealedContent> = record({ operations: fc.array(operations, { minLength: 1, maxLength: 9 }) });

export const listEntries: fc.Arbitrary<ListEntry> = record({
  id: hashes<TransactionHash>(),
  expiryHeight: heights,
  feeClass: fc.integer({ min: 0, max: FEE_CLASS_MAX }),
  sizeClass: fc.integer({ min: 0, max: SEALED_SIZE_CLASS_MAX }),
});

const distinct = { selector: ({ id }: ListEntry) => id };

export const inclusionLists: fc.Arbitrary<InclusionList> = record({
  epoch: epochs,
  view: views,
  sequence: integersFrom(0),
  validator: indices,
  entries: fc.uniqueArray(listEntries, { ...distinct, maxLength: 4 }),
  signature: bytesOf(64),
});

/** Ascending by validator; now and then two lists describe an id differently. */
export const listsOfOneView: fc.Arbitrary<readonly InclusionList[]> = fc
  .uniqueArray(listEntries, { ...distinct, minLength: 1, maxLength: 4 })
  .chain((pool) =>
    fc
      .record({
        epoch: epochs,
        view: views,
        validators: fc.uniqueArray(indices, { maxLength: 4 }),
        picks: fc.array(fc.shuffledSubarray([...pool.keys()]), { minLength: 4, maxLength: 4 }),
        variants: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        sequence: integersFrom(0),
        signature: bytesOf(64),
      })
      .map(({ epoch, view, validators, picks, variants, sequence, signature }) =>
        validators
          .sort((left: ValidatorIndex, right: ValidatorIndex) => left - right)
          .map((validator, at) => {
            const entries = (picks[at] as number[]).map((index) => {
              const entry = pool[index] as ListEntry;
              return variants[at] === true ? { ...entry, feeClass: FEE_CLASS_MAX - entry.feeClass } : entry;
            });
            return { epoch, view, sequence, validator, entries, signature };
          }),
      ),
  );
