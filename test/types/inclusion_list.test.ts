/** Inclusion lists: what their signature covers, and the one compact form in which several of them travel. Round trips and changed bytes are
 *  tried with all other codecs in codec.test.ts; here are the forms that are well encoded and still none. */

import fc from "fast-check";
import t from "tap";
import { listsRootOf } from "../../crypto/hashes.ts";
import { AssertionError } from "../../types/assert.ts";
import { bytesEqual } from "../../types/bytes.ts";
import type { ListEntry } from "../../types/envelope.ts";
import {
  type ChainId,
  Epoch,
  Height,
  type TransactionHash,
  ValidatorIndex,
  type ValidatorSetHash,
  View,
  ZERO_HASH,
} from "../../types/ids.ts";
import {
  type InclusionList,
  inclusionListCodec,
  inclusionListsCodec,
  LIST_ENTRIES_MAX,
  LISTS_ENTRIES_MAX,
  type ListsSsz,
  listEntriesMax,
  listSigningBytes,
  listsFromSsz,
  listsToSsz,
  listsType,
  signList,
} from "../../types/inclusion_list.ts";
import { VALIDATORS_MAX } from "../../types/limits.ts";
import type { SigningDomain } from "../../types/signing.ts";
import { holds } from "../support/property.ts";
import { listsOfOneView } from "../support/sealed_arbitraries.ts";

const domain: SigningDomain = {
  chainId: "11".repeat(32) as ChainId,
  epoch: Epoch.of(1),
  validatorSetHash: "22".repeat(32) as ValidatorSetHash,
};

const entry = (number: number, fields: Partial<ListEntry> = {}): ListEntry => ({
  id: number.toString(16).padStart(64, "0") as TransactionHash,
  expiryHeight: Height.of(100),
  feeClass: 3,
  sizeClass: 1,
  ...fields,
});

const list = (validator: number, entries: readonly ListEntry[], fields: Partial<InclusionList> = {}): InclusionList => ({
  epoch: Epoch.of(1),
  view: View.of(9),
  sequence: 0,
  validator: ValidatorIndex.of(validator),
  entries,
  signature: new Uint8Array(64).fill(validator),
  ...fields,
});

t.test("listSigningBytes: R13, another domain, view, sequence, validator, entry or order, other bytes", async (t) => {
  const original = list(1, [entry(1), entry(2)]);
  const variants: readonly (readonly [SigningDomain, InclusionList])[] = [
    [domain, original],
    [{ ...domain, chainId: "33".repeat(32) as ChainId }, original],
    [{ ...domain, epoch: Epoch.of(2) }, original],
    [{ ...domain, validatorSetHash: "33".repeat(32) as ValidatorSetHash }, original],
    [domain, { ...original, view: View.of(10) }],
    [domain, { ...original, sequence: 1 }],
    [domain, { ...original, validator: ValidatorIndex.of(2) }],
    [domain, { ...original, entries: [entry(2), entry(1)] }],
    [domain, { ...original, entries: [entry(1)] }],
    [domain, { ...original, entries: [] }],
    [domain, { ...original, entries: [entry(1), entry(2, { expiryHeight: Height.of(101) })] }],
    [domain, { ...original, entries: [entry(1), entry(2, { feeClass: 4 })] }],
    [domain, { ...original, entries: [entry(1), entry(2, { sizeClass: 0 })] }],
  ];
  const distinct = new Set(variants.map(([where, what]) => listSigningBytes(where, what).toString()));
  t.equal(distinct.size, variants.length);
  const signature = new Uint8Array(64).fill(5);
  const signed = signList({ domain, list: original, sign: (message) => signature.with(0, message.length & 255) });
  t.same(signed, { ...original, signature: signature.with(0, listSigningBytes(domain, original).length & 255) });
});

t.test("inclusionListCodec: an id twice, a class or a validator that there is none of, refused", async (t) => {
  const judge = (value: InclusionList): boolean => inclusionListCodec.decode(inclusionListCodec.encode(value)).ok;
  t.ok(judge(list(1, [entry(1), entry(2)])));
  t.ok(judge(list(127, [])));
  t.notOk(judge(list(1, [entry(1), entry(2), entry(1)])), "the same entry");
  t.notOk(judge(list(1, [entry(1), entry(1, { feeClass: 4 })])), "two descriptions of one id");
  t.notOk(judge(list(1, [entry(1, { feeClass: 54 })])));
  t.notOk(judge(list(1, [entry(1, { sizeClass: 9 })])));
  t.notOk(judge(list(128, [])));
  const full = Array.from({ length: LIST_ENTRIES_MAX }, (_, at) => entry(at));
  t.ok(judge(list(1, full)));
  t.throws(() => judge(list(1, [...full, entry(LIST_ENTRIES_MAX)])), AssertionError, "beyond the bound of an encoding");
});

t.test("listsToSsz: entries once, in order of first use; lists as indices in their own order", async (t) => {
  const other = entry(1, { feeClass: 9 });
  const value = listsToSsz([list(0, [entry(5), entry(1)]), list(2, []), list(3, [entry(1), entry(7)]), list(9, [other, entry(5)])]);
  t.same(
    value.table.map(({ id, feeClass }) => [id[31], feeClass]),
    [
      [5, 3],
      [1, 3],
      [7, 3],
      [1, 9],
    ],
  );
  t.same(
    value.lists.map(({ indices }) => indices),
    [[0, 1], [], [1, 2], [3, 0]],
  );
});

t.test("listsFromSsz: any value that it takes, listsToSsz gives exactly that value", async (t) => {
  // Small tables and index arrays drawn at random: most are refused, the others must be the one form of what they mean.
  const indices = fc.array(fc.nat(3), { maxLength: 4 });
  const values = fc.record({
    table: fc.array(fc.tuple(fc.nat(2), fc.nat(1)), { maxLength: 3 }),
    lists: fc.array(fc.tuple(fc.nat(3), indices), { maxLength: 3 }),
    view: fc.nat(1),
  });
  let taken = 0;
  const property = fc.property(values, ({ table, lists, view }) => {
    const value: ListsSsz = {
      epoch: 0,
      view,
      table: listsToSsz([
        list(
          0,
          table.map(([id, feeClass]) => entry(id, { feeClass })),
        ),
      ]).table,
      lists: lists.map(([validator, indices]) => ({ sequence: 0, validator, signature: new Uint8Array(64), indices })),
    };
    // The table of the value keeps its repetitions: listsToSsz above has merged them, so put one back now and then.
    const first = value.table[0];
    if (table.length > value.table.length && first !== undefined) value.table.push(first);
    const decoded = listsFromSsz(value);
    if (decoded === undefined) return true;
    taken++;
    return bytesEqual(listsType.serialize(listsToSsz(decoded)), listsType.serialize(value));
  });
  holds(t, property, 2_000);
  t.ok(taken > 20, `${taken} values were taken`);
});

t.test("listsFromSsz: each rule of the form by itself", async (t) => {
  const good = (): ListsSsz => listsToSsz([list(0, [entry(1), entry(2)]), list(1, [entry(2), entry(3)])]);
  const [first, second] = good().lists;
  if (first === undefined || second === undefined) {
    t.fail("two lists");
    return;
  }
  const one = good().table[0] as ListsSsz["table"][0];
  const table: readonly (readonly [string, ListsSsz])[] = [
    ["an unused entry", { ...good(), table: [...good().table, { ...one, id: new Uint8Array(32).fill(9) }] }],
    ["an entry twice", { ...good(), table: [one, one, ...good().table.slice(2)] }],
    ["an order that is not of first use", { ...good(), lists: [{ ...first, indices: [1, 0] }, second] }],
    [
      "a gap",
      {
        ...good(),
        lists: [
          { ...first, indices: [0, 2] },
          { ...second, indices: [1] },
        ],
      },
    ],
    ["an index beyond the table", { ...good(), lists: [first, { ...second, indices: [1, 2, 3] }] }],
    ["an id twice in a list", { ...good(), lists: [first, { ...second, indices: [1, 2, 1] }] }],
    ["two descriptions of an id in a list", { ...good(), table: [one, { ...one, feeClass: 4 }, ...good().table.slice(2)] }],
    ["a validator twice", { ...good(), lists: [first, { ...second, validator: 0 }] }],
    ["validators that descend", { ...good(), lists: [{ ...first, validator: 2 }, second] }],
    ["a validator that there is none of", { ...good(), lists: [first, { ...second, validator: VALIDATORS_MAX }] }],
    ["a fee class that there is none of", { ...good(), table: [{ ...one, feeClass: 54 }, ...good().table.slice(1)] }],
    ["a view without lists", { epoch: 0, view: 1, table: [], lists: [] }],
    ["an epoch without lists", { epoch: 1, view: 0, table: [], lists: [] }],
    ["a table without lists", { epoch: 0, view: 0, table: [one], lists: [] }],
  ];
  t.ok(listsFromSsz(good()));
  t.same(listsFromSsz({ epoch: 0, view: 0, table: [], lists: [] }), []);
  for (const [what, value] of table) t.equal(listsFromSsz(value), undefined, what);
});

t.test("listsFromSsz: more entries together than all lists may have, refused, so that what was decoded encodes again", async (t) => {
  const many = Array.from({ length: LIST_ENTRIES_MAX }, (_, at) => entry(at));
  const full = LISTS_ENTRIES_MAX / LIST_ENTRIES_MAX;
  const lists = (count: number): InclusionList[] => Array.from({ length: count }, (_, validator) => list(validator, many));
  t.equal(listsFromSsz(listsToSsz(lists(full)))?.length, full);
  t.equal(listsFromSsz(listsToSsz([...lists(full), list(full, [entry(0)])])), undefined);
});

t.test("listsToSsz: lists of different views or epochs, or that do not ascend by validator, assertion", async (t) => {
  const views = { view: View.of(10) };
  t.throws(() => listsToSsz([list(0, []), list(1, [], views)]), AssertionError);
  t.throws(() => listsToSsz([list(0, []), list(1, [], { epoch: Epoch.of(2) })]), AssertionError);
  t.throws(() => listsToSsz([list(1, []), list(0, [])]), AssertionError);
  t.throws(() => listsToSsz([list(1, []), list(1, [])]), AssertionError);
});

t.test("listEntriesMax: fewer where more lists count; one frame holds n − f full lists of distinct entries", async (t) => {
  t.same(
    [1, 4, 15, 16, 100, 128].map((count) => listEntriesMax(count)),
    [1_024, 1_024, 1_024, 960, 153, 120],
  );
  for (const validatorCount of [4, 12, 15, 16, 100, 128]) {
    const count = validatorCount - Math.floor((validatorCount - 1) / 3);
    const entries = listEntriesMax(validatorCount);
    const lists = Array.from({ length: count }, (_, at) =>
      list(
        at,
        Array.from({ length: entries }, (_, index) => entry(at * 10_000 + index)),
      ),
    );
    const bytes = inclusionListsCodec.encode(lists);
    t.ok(bytes.length <= inclusionListsCodec.bytesMax && bytes.length < 512_000, `${validatorCount}: ${bytes.length} bytes`);
    const decoded = inclusionListsCodec.decode(bytes);
    t.ok(decoded.ok && decoded.value.length === count);
  }
});

t.test("listsRootOf: no lists, ZERO_HASH; otherwise another root for any other lists, also under another signature", async (t) => {
  t.equal(listsRootOf([]) as string, ZERO_HASH as string);
  const property = fc.property(listsOfOneView, listsOfOneView, fc.nat(), (left, right, at) => {
    const isSame = bytesEqual(inclusionListsCodec.encode(left), inclusionListsCodec.encode(right));
    if ((listsRootOf(left) === listsRootOf(right)) !== isSame) return false;
    if (left.length === 0) return true;
    const resigned = left.map((each, index) =>
      index === at % left.length ? { ...each, signature: each.signature.with(0, (each.signature[0] as number) ^ 1) } : each,
    );
    return listsRootOf(resigned) !== listsRootOf(left);
  });
  holds(t, property, 100);
});
