/** N1 to N4: lists as a leader keeps and chooses them, and as voters judge them. */

import fc from "fast-check";
import t from "tap";
import {
  createInclusionKeeper,
  type InclusionKeeper,
  type JudgeListsInput,
  judgeLists,
  LIST_VIEWS_AHEAD,
  type ListsRefusal,
} from "../../mempool/inclusion.ts";
import { AssertionError } from "../../types/assert.ts";
import type { ListEntry } from "../../types/envelope.ts";
import { Epoch, Height, type TransactionHash, ValidatorIndex, View } from "../../types/ids.ts";
import { type InclusionList, listEntriesMax } from "../../types/inclusion_list.ts";
import { holds } from "../support/property.ts";

const EPOCH = Epoch.of(1);
const VALIDATORS = 4;
const QUORUM = 3;

const entry = (number: number): ListEntry => ({
  id: number.toString(16).padStart(64, "0") as TransactionHash,
  expiryHeight: Height.of(100),
  feeClass: 1,
  sizeClass: 0,
});
const entries = (count: number, first = 0): ListEntry[] => Array.from({ length: count }, (_, at) => entry(first + at));

function list(validator: number, fields: { readonly [Name in keyof InclusionList]?: InclusionList[Name] } = {}): InclusionList {
  const index = ValidatorIndex.of(validator);
  return { epoch: EPOCH, view: View.of(10), sequence: 0, validator: index, entries: [], signature: new Uint8Array(64), ...fields };
}

const keeperOf = (self: number | undefined): InclusionKeeper =>
  createInclusionKeeper({
    epoch: EPOCH,
    validatorCount: VALIDATORS,
    self: self === undefined ? undefined : ValidatorIndex.of(self),
    view: View.of(10),
  });
const all = { view: View.of(10), quorumCount: QUORUM, isHeld: () => true };
const validatorsOf = (lists: readonly InclusionList[] | undefined): number[] | undefined => lists?.map(({ validator }) => validator);

t.test("N1: add: lists of the current view and the next ones, of members, within their length; each refusal by itself", async (t) => {
  const keeper = keeperOf(0);
  const table: readonly (readonly [InclusionList, string | undefined])[] = [
    [list(0, { view: View.of(9) }), "staleView"],
    [list(0, { view: View.of(10 + LIST_VIEWS_AHEAD + 1) }), "futureView"],
    [list(0, { epoch: Epoch.of(2) }), "wrongEpoch"],
    [list(VALIDATORS), "unknownValidator"],
    [list(0, { entries: entries(listEntriesMax(VALIDATORS) + 1) }), "tooManyEntries"],
    [list(0, { entries: [entry(1), entry(2), entry(1)] }), "duplicateEntry"],
    [list(0, { entries: [entry(1), { ...entry(1), feeClass: 2 }] }), "duplicateEntry"],
    [list(0, { entries: entries(listEntriesMax(VALIDATORS)) }), undefined],
    [list(0, { view: View.of(10 + LIST_VIEWS_AHEAD) }), undefined],
  ];
  for (const [value, refusal] of table) {
    t.equal(keeper.refusalOf(value), refusal);
    t.equal(keeper.add(value), refusal);
  }
  t.equal(keeper.count, 2);
});

t.test("N1: keeper: whatever comes in and however views go by, never more than one list for each validator and view", async (t) => {
  const arriving = fc.array(fc.tuple(fc.nat(VALIDATORS), fc.nat(12), fc.nat(3), fc.boolean()), { maxLength: 200, size: "max" });
  const property = fc.property(arriving, (arrivals) => {
    const keeper = keeperOf(0);
    let view = 10;
    for (const [validator, ahead, sequence, isNext] of arrivals) {
      if (isNext) keeper.advance(View.of(++view));
      keeper.add(list(validator, { view: View.of(view - 2 + ahead), sequence }));
      if (keeper.count > VALIDATORS * (LIST_VIEWS_AHEAD + 1)) return false;
    }
    keeper.advance(View.of(view + LIST_VIEWS_AHEAD + 1));
    return keeper.count === 0;
  });
  holds(t, property, 50);
  const keeper = keeperOf(0);
  t.throws(() => keeper.advance(View.of(9)), AssertionError);
});

t.test("N2: add: a higher sequence replaces, the same or a lower one is superseded", async (t) => {
  const keeper = keeperOf(0);
  t.equal(keeper.add(list(1, { sequence: 5, entries: entries(2) })), undefined);
  t.equal(keeper.add(list(1, { sequence: 5, entries: entries(3) })), "superseded");
  t.equal(keeper.add(list(1, { sequence: 4, entries: entries(3) })), "superseded");
  t.equal(keeper.add(list(1, { sequence: 6, entries: entries(1) })), undefined);
  t.equal(keeper.add(list(1, { sequence: 0, view: View.of(11) })), undefined, "another view counts for itself");
  t.same(keeper.choose({ ...all, quorumCount: 1 })?.[0]?.entries, entries(1));
});

t.test("N2: choose: newer lists that name what is not here yet, the newest that is held counts meanwhile", async (t) => {
  const keeper = keeperOf(0);
  const held = new Set<string>();
  const hold = (...numbers: number[]): void => {
    for (const number of numbers) held.add(entry(number).id);
  };
  const isHeld = ({ id }: ListEntry): boolean => held.has(id);
  const counts = (): number | undefined => keeper.choose({ ...all, isHeld, quorumCount: 1 })?.[0]?.sequence;
  keeper.add(list(1, { sequence: 1, entries: [entry(1)] }), isHeld);
  keeper.add(list(1, { sequence: 2, entries: [entry(1), entry(2)] }), isHeld);
  keeper.add(list(1, { sequence: 3, entries: [entry(1), entry(2), entry(3)] }), isHeld);
  t.equal(counts(), undefined);
  hold(1);
  t.equal(counts(), 1, "while none is held the oldest waits");
  hold(2, 3);
  t.equal(counts(), 3, "the newest, as soon as it is held");
  keeper.add(list(1, { sequence: 4, entries: [1, 2, 3, 4].map(entry) }), isHeld);
  keeper.add(list(1, { sequence: 5, entries: [1, 2, 3, 4, 5].map(entry) }), isHeld);
  t.equal(counts(), 3, "a held one is not lost for two that are not");
  t.same(keeper.missing({ view: View.of(10), isHeld }), [{ validator: 1, entries: [entry(4), entry(5)] }], "asked for by the newest");
  hold(4, 5);
  t.equal(counts(), 5);
  t.equal(keeper.count, 1);
});

t.test("N3: choose: a list with an entry that is not held does not count, until it is; missing says what to ask of whom", async (t) => {
  const keeper = keeperOf(0);
  keeper.add(list(0, { entries: entries(1) }));
  keeper.add(list(1, { entries: entries(3) }));
  keeper.add(list(2, { entries: entries(1, 7) }));
  const held = new Set([0, 1, 2].map((number) => entry(number).id));
  const isHeld = ({ id }: ListEntry): boolean => held.has(id);
  t.equal(keeper.choose({ ...all, isHeld }), undefined);
  t.same(keeper.missing({ view: View.of(10), isHeld }), [{ validator: 2, entries: entries(1, 7) }]);
  held.add(entry(7).id);
  t.same(validatorsOf(keeper.choose({ ...all, isHeld })), [0, 1, 2]);
  t.same(keeper.missing({ view: View.of(10), isHeld }), []);
  t.same(validatorsOf(keeper.choose({ ...all, isHeld: ({ feeClass }) => feeClass === 9, quorumCount: 0 })), []);
});

t.test("N4: choose: our own first, then those that name most, then by validator; ascending; only of the view asked for", async (t) => {
  const fill = (keeper: InclusionKeeper): InclusionKeeper => {
    for (const [validator, count] of [0, 3, 1, 3].entries()) keeper.add(list(validator, { entries: entries(count) }));
    keeper.add(list(0, { view: View.of(11), entries: entries(9) }));
    return keeper;
  };
  const choose = (self: number | undefined, quorumCount: number) => validatorsOf(fill(keeperOf(self)).choose({ ...all, quorumCount }));
  t.same(choose(0, 3), [0, 1, 3]);
  t.same(choose(2, 2), [1, 2]);
  t.same(choose(3, 1), [3]);
  t.same(choose(undefined, 3), [1, 2, 3]);
  t.same(choose(undefined, 1), [1]);
  t.equal(fill(keeperOf(0)).choose({ ...all, view: View.of(11) }), undefined);
  t.equal(fill(keeperOf(0)).choose({ ...all, view: View.of(12), quorumCount: 1 }), undefined);
  const late = fill(keeperOf(0));
  late.advance(View.of(11));
  t.equal(late.choose({ ...all, quorumCount: 1 }), undefined, "lists of a view that is over are gone");
});

t.test("judgeLists: each reason by itself; signatures last, and none when the form is wrong", async (t) => {
  const good = [list(0, { entries: entries(2) }), list(1), list(3, { entries: entries(1) })];
  const asked: number[] = [];
  const judge = (lists: readonly InclusionList[], fields: Partial<JudgeListsInput> = {}): ListsRefusal | undefined => {
    asked.length = 0;
    const verify = ({ validator }: InclusionList): boolean => asked.push(validator) > 0;
    return judgeLists({ lists, view: View.of(10), epoch: EPOCH, quorumCount: QUORUM, validatorCount: VALIDATORS, verify, ...fields });
  };
  t.equal(judge(good), undefined);
  t.same(asked, [0, 1, 3]);
  const with3 = (fields: { readonly [Name in keyof InclusionList]?: InclusionList[Name] }) => [...good.slice(0, 2), list(3, fields)];
  const table: readonly (readonly [ListsRefusal, readonly InclusionList[]])[] = [
    ["wrongCount", good.slice(0, 2)],
    ["wrongCount", [...good.slice(0, 2), list(2), list(3)]],
    ["wrongCount", []],
    ["notAscending", [list(1), list(0), list(3)]],
    ["notAscending", [list(0), list(3), list(3)]],
    ["wrongView", with3({ view: View.of(11) })],
    ["wrongView", with3({ view: View.of(9) })],
    ["wrongEpoch", with3({ epoch: Epoch.of(0) })],
    ["unknownValidator", [...good.slice(0, 2), list(VALIDATORS)]],
    ["tooManyEntries", with3({ entries: entries(listEntriesMax(VALIDATORS) + 1) })],
    ["duplicateEntry", with3({ entries: [entry(1), entry(1)] })],
  ];
  for (const [reason, lists] of table) {
    t.equal(judge(lists), reason);
    t.same(asked, [], `${reason}: no signature is checked`);
  }
  t.equal(judge(good, { verify: ({ validator }) => validator !== 3 }), "invalidSignature");
});
