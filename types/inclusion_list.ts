/** Inclusion lists: which sealed transactions a validator holds, in the order in which it first saw them, signed for one view.
 *
 *  Alone, a list is a message with its entries written out. Several lists of one view, as a proposal and a block carry them, share a
 *  table of their distinct entries, in order of first use, and each list is an array of indices into it. Both forms are canonical and
 *  neither takes a list that names one id twice. Nothing here verifies signatures. */

import { assert } from "./assert.ts";
import { type Codec, defineCodec, hashFromBytes, hashToBytes, ssz } from "./codec.ts";
import { FEE_CLASS_MAX, type ListEntry, SEALED_SIZE_CLASS_MAX } from "./envelope.ts";
import { Epoch, Height, type TransactionHash, ValidatorIndex, View } from "./ids.ts";
import { BLOCK_TRANSACTIONS_MAX, FRAME_BYTES_MAX, SEALED_LANE_BYTES_MAX, VALIDATORS_MAX } from "./limits.ts";
import { inclusionListSigningBytes, type SigningDomain } from "./signing.ts";

export interface UnsignedInclusionList {
  readonly epoch: Epoch;
  /** The view whose leader may use it. */
  readonly view: View;
  /** A later list of the same validator and view has a higher one. */
  readonly sequence: number;
  readonly validator: ValidatorIndex;
  /** In the order of first sight; no id twice. */
  readonly entries: readonly ListEntry[];
}

export interface InclusionList extends UnsignedInclusionList {
  /** Ed25519 by the validator over `listSigningBytes`, 64 bytes. */
  readonly signature: Uint8Array;
}

/** Entries in one list, whoever makes it. */
export const LIST_ENTRIES_MAX = 1_024;
/** Entries in all lists of one view together, repeated ones counted each time. */
export const LISTS_ENTRIES_MAX = 12_288;

/** Entries in one list of a set of this size: fewer where more lists count, so that a proposal fits its frame. */
export function listEntriesMax(validatorCount: number): number {
  assert(validatorCount > 0, "a set has validators");
  return Math.min(LIST_ENTRIES_MAX, Math.floor(15_360 / validatorCount));
}

/** Envelopes that all lists of one view may name together, in bytes, each counted as often as it is named. */
const LISTS_ENVELOPES_BYTES_MAX = 64 * 1024 * 1024;

/** Envelopes that one list names, in bytes, in a set of this size: no more than a lane holds. Honest makers keep to it, so that a leader can
 *  hold what lists name and its own pool refuses. */
export function listBytesMax(validatorCount: number): number {
  assert(validatorCount > 0, "a set has validators");
  return Math.min(SEALED_LANE_BYTES_MAX, Math.floor(LISTS_ENVELOPES_BYTES_MAX / validatorCount));
}

export const LIST_ENTRY_BYTES = 42;

const entryType = ssz.container({ id: ssz.bytes(32), expiryHeight: ssz.uint64, feeClass: ssz.uint8, sizeClass: ssz.uint8 }, "ListEntry");

interface EntrySsz {
  id: Uint8Array;
  expiryHeight: number;
  feeClass: number;
  sizeClass: number;
}

const entryToSsz = (entry: ListEntry): EntrySsz => ({ ...entry, id: hashToBytes(entry.id) });

function entryFromSsz(value: EntrySsz): ListEntry | undefined {
  if (value.feeClass > FEE_CLASS_MAX || value.sizeClass > SEALED_SIZE_CLASS_MAX) return undefined;
  return { ...value, id: hashFromBytes<TransactionHash>(value.id), expiryHeight: Height.of(value.expiryHeight) };
}

const contentType = ssz.container(
  { sequence: ssz.uint64, validator: ssz.uint16, entries: ssz.list(entryType, LIST_ENTRIES_MAX) },
  "InclusionListContent",
);

/** Bytes under the validator's Ed25519 signature: tag ‖ domain ‖ view ‖ SSZ of (sequence, validator, entries). */
export function listSigningBytes(domain: SigningDomain, list: UnsignedInclusionList): Uint8Array {
  const { sequence, validator } = list;
  return inclusionListSigningBytes(
    domain,
    list.view,
    contentType.serialize({ sequence, validator, entries: list.entries.map(entryToSsz) }),
  );
}

/** Signs a list. `sign` is Ed25519 by the validator's key, 64 bytes. */
export function signList(given: {
  readonly domain: SigningDomain;
  readonly list: UnsignedInclusionList;
  readonly sign: (message: Uint8Array) => Uint8Array;
}): InclusionList {
  return { ...given.list, signature: given.sign(listSigningBytes(given.domain, given.list)) };
}

const inclusionListType = ssz.container(
  {
    epoch: ssz.uint64,
    view: ssz.uint64,
    sequence: ssz.uint64,
    validator: ssz.uint16,
    entries: ssz.list(entryType, LIST_ENTRIES_MAX),
    signature: ssz.bytes(64),
  },
  "InclusionList",
);

export const inclusionListCodec: Codec<InclusionList> = defineCodec({
  name: "InclusionList",
  version: 1,
  type: inclusionListType,
  bytesMax: 1 + 8 * 3 + 2 + 4 + 64 + LIST_ENTRIES_MAX * LIST_ENTRY_BYTES,
  toSsz: (list: InclusionList) => ({ ...list, entries: list.entries.map(entryToSsz) }),
  fromSsz: (value) => {
    const entries = entriesFromSsz(value.entries);
    if (entries === undefined || value.validator >= VALIDATORS_MAX || !areIdsDistinct(entries)) return undefined;
    return {
      epoch: Epoch.of(value.epoch),
      view: View.of(value.view),
      sequence: value.sequence,
      validator: ValidatorIndex.of(value.validator),
      entries,
      signature: value.signature,
    };
  },
});

function entriesFromSsz(values: readonly EntrySsz[]): ListEntry[] | undefined {
  const entries: ListEntry[] = [];
  for (const value of values) {
    const entry = entryFromSsz(value);
    if (entry === undefined) return undefined;
    entries.push(entry);
  }
  return entries;
}

/** Does no id come twice? Two descriptions of one id are two of it as well. */
export function areIdsDistinct(entries: readonly ListEntry[]): boolean {
  return new Set(entries.map(({ id }) => id)).size === entries.length;
}

/** Several lists of one view: epoch and view once (zero when there are no lists), validators strictly ascending. */
export const listsType = ssz.container(
  {
    epoch: ssz.uint64,
    view: ssz.uint64,
    table: ssz.list(entryType, LISTS_ENTRIES_MAX),
    lists: ssz.list(
      ssz.container(
        {
          sequence: ssz.uint64,
          validator: ssz.uint16,
          signature: ssz.bytes(64),
          indices: ssz.numbers(ssz.uint16, LIST_ENTRIES_MAX),
        },
        "IndexedList",
      ),
      VALIDATORS_MAX,
    ),
  },
  "InclusionLists",
);

export interface ListsSsz {
  epoch: number;
  view: number;
  table: EntrySsz[];
  lists: { sequence: number; validator: number; signature: Uint8Array; indices: number[] }[];
}

/** Bytes that one list adds to the compact form beside its indices: its offset, its fixed fields, the offset of the indices. */
const INDEXED_LIST_BYTES = 4 + 8 + 2 + 64 + 4;
const LISTS_FIXED_BYTES = 8 * 2 + 4 * 2;
/** The compact form of lists is no longer than this. */
export const LISTS_BYTES_MAX: number = LISTS_FIXED_BYTES + VALIDATORS_MAX * INDEXED_LIST_BYTES + LISTS_ENTRIES_MAX * (LIST_ENTRY_BYTES + 2);

/** The one text of an entry's description. */
const keyOf = (entry: ListEntry): string => `${entry.id}/${entry.expiryHeight}/${entry.feeClass}/${entry.sizeClass}`;

/** Asserts what the form cannot say otherwise: one epoch, one view, validators ascending. */
export function listsToSsz(lists: readonly InclusionList[]): ListsSsz {
  const [first] = lists;
  const indexOf = new Map<string, number>();
  const table: EntrySsz[] = [];
  const indexed: ListsSsz["lists"] = [];
  let validatorBefore = -1;
  for (const { epoch, view, sequence, validator, entries, signature } of lists) {
    assert(epoch === first?.epoch, "lists that travel together are of one epoch");
    assert(view === first.view, "lists that travel together are of one view");
    assert(validator > validatorBefore, "lists that travel together ascend by validator");
    validatorBefore = validator;
    const indices: number[] = [];
    for (const entry of entries) {
      const key = keyOf(entry);
      let index = indexOf.get(key);
      if (index === undefined) {
        index = table.length;
        indexOf.set(key, index);
        table.push(entryToSsz(entry));
      }
      indices.push(index);
    }
    indexed.push({ sequence, validator, signature, indices });
  }
  return { epoch: first?.epoch ?? 0, view: first?.view ?? 0, table, lists: indexed };
}

/** Undefined unless `listsToSsz` would give exactly this value. */
export function listsFromSsz(value: ListsSsz): readonly InclusionList[] | undefined {
  const table = entriesFromSsz(value.table);
  if (table === undefined || new Set(table.map(keyOf)).size !== table.length) return undefined;
  if (value.lists.length === 0) return value.epoch === 0 && value.view === 0 && table.length === 0 ? [] : undefined;
  const [epoch, view] = [Epoch.of(value.epoch), View.of(value.view)];
  const lists: InclusionList[] = [];
  let usedCount = 0;
  let indexCount = 0;
  let validatorBefore = -1;
  for (const { sequence, validator, signature, indices } of value.lists) {
    indexCount += indices.length;
    if (indexCount > LISTS_ENTRIES_MAX || validator <= validatorBefore || validator >= VALIDATORS_MAX) return undefined;
    validatorBefore = validator;
    const entries: ListEntry[] = [];
    for (const index of indices) {
      const entry = table[index];
      // An index beyond the next unused one would leave a gap in the order of first use.
      if (entry === undefined || index > usedCount) return undefined;
      if (index === usedCount) usedCount++;
      entries.push(entry);
    }
    if (!areIdsDistinct(entries)) return undefined;
    lists.push({ epoch, view, sequence, validator: ValidatorIndex.of(validator), entries, signature });
  }
  return usedCount === table.length ? lists : undefined;
}

/** The compact form by itself: what `listsRootOf` hashes. */
export const inclusionListsCodec: Codec<readonly InclusionList[]> = defineCodec({
  name: "InclusionLists",
  version: 1,
  type: listsType,
  bytesMax: 1 + LISTS_BYTES_MAX,
  toSsz: listsToSsz,
  fromSsz: listsFromSsz,
});

/** Entries of n − f full lists, over all sizes of a set. */
function listsEntriesMax(): number {
  let most = 0;
  for (let validatorCount = 1; validatorCount <= VALIDATORS_MAX; validatorCount++) {
    const listCount = validatorCount - Math.floor((validatorCount - 1) / 3);
    most = Math.max(most, listCount * listEntriesMax(validatorCount));
  }
  return most;
}

assert(listsEntriesMax() <= LISTS_ENTRIES_MAX, "the table holds the entries of all lists that count");
assert(LISTS_ENTRIES_MAX <= 2 ** 16, "an index is 16 bits");
assert(
  LISTS_FIXED_BYTES + VALIDATORS_MAX * INDEXED_LIST_BYTES + listsEntriesMax() * (LIST_ENTRY_BYTES + 2) + BLOCK_TRANSACTIONS_MAX * 32 <
    FRAME_BYTES_MAX - 16 * 1024,
  "a proposal's lists fit a frame beside its hashes and certificates",
);
